"""The cohort file: what it may say of new patients."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from prldh.core import bounds
from prldh.study import AS_IT_IS, Event, ReadSettings, Strict, TableRead, Text, Tissue


class NewClinical(Strict):
    """The clinical table of new patients. What is not given is as in the study."""

    table: str = Field(description="path of the new patients' clinical table, relative to the cohort file")
    read: TableRead = Field(
        AS_IT_IS,
        description=(
            "how the table is read where its file is not as its ending says; of these keys `ids`"
            " alone is as in the study where it is not given"
        ),
    )
    id: Text | None = Field(None, description="the column of ids; default: as in the study")
    outcome: Text | None = Field(
        None,
        description=(
            "the column of the outcome; default: as in the study. Without that column there are predictions alone"
        ),
    )
    patient: Text | None = Field(None, description="the column that says whose a row is; default: as in the study")
    columns: dict[Text, Text] = Field(
        {},
        max_length=bounds.NAMES,
        description="columns that a step of the study reads, name: column; default: as in the study",
    )
    event: Event | None = Field(None, description="the value of the outcome that means event; default: as in the study")


#: A value of a column, as it stands in a table or without quotes.
Cell = Annotated[Text, BeforeValidator(lambda v: str(v) if isinstance(v, bool) else v)]
Cells = Annotated[list[Cell], BeforeValidator(lambda v: v if isinstance(v, list) else [v])]


class RecalibrationPart(Strict):
    """The patients that a recalibration is fitted on: those with a value of a column of the clinical table, or a share
    drawn by id with the study's seed. The others judge it."""

    column: Text | None = Field(
        None, description="the column of the clinical table that says who fits the recalibration"
    )
    fit: Cells | None = Field(
        None,
        max_length=bounds.NAMES,
        description="the values of that column whose patients fit it; the others judge it",
    )
    share: float | None = Field(
        default=None,
        gt=0,
        lt=1,
        description=("in place of a column: the share of patients, drawn by id with the study's seed, that fit it"),
    )

    @model_validator(mode="after")
    def _one_of_two(self) -> RecalibrationPart:
        is_column, is_share = bool(self.column and self.fit), self.share is not None
        if is_column == is_share or (is_share and (self.column or self.fit)):
            raise ValueError("give either a column and the values of it that fit ({column: part, fit: [a]}) or a share")
        return self

    @property
    def entry(self) -> dict[str, Any]:
        """What was given."""
        return self.model_dump(exclude_none=True)


class NewCohort(Strict):
    """A cohort file: new patients for frozen models."""

    name: Text = Field(min_length=1, description="what the report calls these patients")
    clinical: NewClinical = Field(description="their clinical table")
    tissues: dict[Text, Tissue] = Field(
        {},
        max_length=bounds.NAMES,
        description=("their feature tables or images, by tissue; tissues whose Radscore is a column need no entry"),
    )
    extraction: dict[str, dict[str, Any]] | None = Field(
        None, max_length=bounds.NAMES, description="settings of the feature sources; default: the study's"
    )
    imaging: ReadSettings | None = Field(
        None, description="how images and masks are read; what is not given is as in the study"
    )
    recalibrate: RecalibrationPart | None = Field(
        None, description="the patients that a recalibration is fitted on, where one is asked for"
    )

    def inputs(self) -> list[str]:
        """Every table that the cohort is read from, as written in its file."""
        tables = [t for tissue in self.tissues.values() for source in tissue.tables().values() for t in source]
        images = [cases for tissue in self.tissues.values() if (cases := tissue.cases()) is not None]
        return list(dict.fromkeys([self.clinical.table, *(table.path for table in [*tables, *images])]))
