"""The clinical table of a study file: whose rows, the outcome and its event, the covariates."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from prldh.core import bounds, same_text, shown
from prldh.study.reading import AS_IT_IS, TableRead
from prldh.study.strict import Strict, Text

Kind = Literal["continuous", "categorical", "ordinal"]


class CovariateSettings(Strict):
    """How a clinical variable enters tables and models."""

    type: Kind = Field(
        description=(
            "continuous: a number; categorical: groups without an order; ordinal: groups in an order,"
            " which enter models as a factor too"
        )
    )
    levels: list[Text] | None = Field(
        None,
        max_length=bounds.NAMES,
        description=(
            "the levels, the reference of models first; ordinal: in their order. Default: those in"
            " the table, sorted as text"
        ),
    )
    label: Text | None = Field(
        None, description="what tables, figures and text call the variable; default: its column's name"
    )
    unit: Text | None = Field(
        None, description="the unit of a continuous variable, such as years, which tables and figures show"
    )

    @model_validator(mode="after")
    def _levels_make_sense(self) -> CovariateSettings:
        if self.type == "continuous" and self.levels:
            raise ValueError("a continuous covariate has no levels")
        if self.type == "ordinal" and not self.levels:
            raise ValueError(
                "an ordinal covariate needs its levels in order, e.g. {type: ordinal, levels: [III, IV, V]}"
            )
        first: dict[str, str] = {}
        for level in self.levels or []:
            known = first.get(same_text(level))
            if known is not None:
                also = "" if known == level else f", as '{shown(known)}' too"
                raise ValueError(f"the level '{shown(level)}' is listed twice{also}. Remove one")
            first[same_text(level)] = level
        return self


def one_value(value: Any) -> Any:
    """A value that stands for the event."""
    if value is None or isinstance(value, (list, dict)):
        raise ValueError("give one value, the one that means event, such as event: yes")
    return value


#: The cell that means event.
Event = Annotated[
    bool
    | Annotated[int, Field(ge=-bounds.NUMBER, le=bounds.NUMBER)]
    | Annotated[float, Field(ge=-bounds.NUMBER, le=bounds.NUMBER)]
    | str,
    Field(union_mode="smart"),
    BeforeValidator(one_value),
]


def _as_mapping(value: Any) -> Any:
    return {"type": value} if isinstance(value, str) else value


class Clinical(Strict):
    """The clinical table: one row a patient or, where ``patient`` names the patient, several."""

    table: str = Field(
        description=(
            "path of the clinical table (CSV, TSV, XLSX or Parquet), relative to the study file: one"
            " row a patient, or several where `patient` says whose they are"
        )
    )
    read: TableRead = Field(AS_IT_IS, description="how the table is read where its file is not as its ending says")
    id: Text = Field(description="the column of ids, by which all tables are joined; each id stands once")
    patient: Text | None = Field(
        None,
        description=(
            "the column that says whose a row is, where a row is a lesion or a visit: rows of one"
            " patient are never parted"
        ),
    )
    outcome: Text = Field(description="the column of the outcome, which has two values")
    columns: dict[Text, Text] = Field(
        {},
        max_length=bounds.NAMES,
        description=(
            "columns that are no predictors, name: column, for schemes of validation, transforms and subgroups"
        ),
    )
    event: Event = Field(
        description=(
            "the value of the outcome that means event, compared as text, so that yes, no, 1 and 0"
            " may be written as they are"
        )
    )
    covariates: dict[Text, Annotated[CovariateSettings, BeforeValidator(_as_mapping)]] = Field(
        {},
        max_length=bounds.NAMES,
        description=(
            "the variables of Table 1 and of the adjusted models, column: type, or column: {type, levels, label, unit}"
        ),
    )
