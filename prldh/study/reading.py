"""How a table is read where it is not as its ending says: ``read:`` of the study file."""

from __future__ import annotations

import codecs
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from prldh.core import bounds, quoted
from prldh.study.strict import Strict, Text

#: Separators that cannot be seen, and what others are called.
SEPARATORS = {"tab": "\t", r"\t": "\t", "comma": ",", "semicolon": ";", "bar": "|", "space": " "}


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


class TableRead(Strict):
    """How a table is read; all keys may be left out."""

    separator: str | None = Field(
        None,
        description=(
            "the character between cells, or tab, comma, semicolon, bar, space; default: by the ending of the file"
        ),
    )
    decimal: Literal[".", ","] = Field(".", description="the decimal mark: a comma where numbers are written 1,5")
    encoding: str | None = Field(
        None,
        description=(
            "the encoding of text, such as cp1252; default: UTF-8, or what a mark at the beginning of the file says"
        ),
    )
    sheet: Annotated[str | Annotated[int, Field(le=bounds.ROWS)] | None, Field(union_mode="smart")] = Field(
        None, description="the sheet of a workbook, by name or by number from 1; default: the first"
    )
    skip_rows: int = Field(
        0,
        ge=0,
        le=bounds.ROWS,
        description="rows above the header that are skipped",
        json_schema_extra={"unit": "rows"},
    )
    missing: Annotated[list[Text], BeforeValidator(_as_list)] = Field(
        [], max_length=bounds.NAMES, description="texts that are blanks, beside the usual ones"
    )
    join: Literal["exact", "inner"] | None = Field(
        None,
        description=(
            "ids of a feature table that the clinical table has not: an error (exact), or left out"
            " and counted (inner). Default: as the clinical table's, which is exact"
        ),
    )
    ids: Literal["text", "number"] | None = Field(
        None,
        description=(
            "whether ids are text, or numbers, so that 0001, 1 and 1.0 are one patient. Default: as"
            " the clinical table's, which is text"
        ),
    )

    @field_validator("separator")
    @classmethod
    def _one_character(cls, value: str | None) -> str | None:
        if value is None:
            return None
        separator = SEPARATORS.get(value, value)
        if len(separator) != 1 or not separator.isascii() or separator.isalnum() or separator in "\"'.+-\r\n":
            raise ValueError(
                f'give one character, such as ";", or tab, comma, semicolon, bar, space (found {quoted(value)})'
            )
        return separator

    @field_validator("encoding")
    @classmethod
    def _encoding_is_known(cls, value: str | None) -> str | None:
        try:
            is_text = value is None or codecs.lookup(value)._is_text_encoding
        except (LookupError, ValueError):
            is_text = False
        if not is_text:
            raise ValueError(
                f"no encoding is called {quoted(value)}. Give utf-8, utf-16, cp1252 or latin-1, for example"
            )
        return value

    @field_validator("sheet", mode="before")
    @classmethod
    def _sheets_count_from_one(cls, value: Any) -> Any:
        if isinstance(value, (bool, float)) or (isinstance(value, int) and value < 1):
            raise ValueError(f"give the name of a sheet, or its number from 1 on (found {quoted(value)})")
        return value

    @model_validator(mode="after")
    def _separator_is_no_decimal(self) -> TableRead:
        if self.separator == self.decimal:
            raise ValueError(f"separator and decimal are both {self.decimal!r}. Cells cannot be told apart")
        return self

    def joined_as(self, clinical: TableRead) -> TableRead:
        """The same for a table that is joined to the clinical one, which says what this does not say of the join."""
        own = {"join": self.join or clinical.join, "ids": self.ids or clinical.ids}
        return self.model_copy(update=own)


#: A table that is as its ending says.
AS_IT_IS = TableRead()


class TableFile(Strict):
    """A table and how it is read."""

    path: str = Field(description="path of the table, relative to the study file")
    read: TableRead = Field(AS_IT_IS, description="how the table is read where its file is not as its ending says")


#: A table as a study file names it: its path, or ``{path: FILE, read: {…}}``.
Named = Annotated[
    Annotated[str, Tag("a path")] | Annotated[TableFile, Tag("a table and how it is read")],
    Discriminator(lambda v: "a table and how it is read" if isinstance(v, (dict, TableFile)) else "a path"),
]


def as_file(table: str | TableFile) -> TableFile:
    """A table as a study file names it, with how it is read."""
    return table if isinstance(table, TableFile) else TableFile(path=table)
