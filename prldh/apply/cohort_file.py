"""The cohort file: what it may say of new patients."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from prldh.core import bounds
from prldh.study import AS_IT_IS, Event, ReadSettings, Strict, TableRead, Text, Tissue


class NewClinical(Strict):
    """The clinical table of new patients. What is not given is as in the study; without the outcome's column there are
    predictions alone. ``columns``: name → column, of those that the study declares and a step reads. ``read``: how the
    table is read, of which ``ids`` alone is as in the study."""

    table: str
    read: TableRead = AS_IT_IS
    id: Text | None = None
    outcome: Text | None = None
    patient: Text | None = None
    columns: dict[Text, Text] = Field({}, max_length=bounds.NAMES)
    event: Event | None = None


#: A value of a column, as it stands in a table or without quotes.
Cell = Annotated[Text, BeforeValidator(lambda v: str(v) if isinstance(v, bool) else v)]
Cells = Annotated[list[Cell], BeforeValidator(lambda v: v if isinstance(v, list) else [v])]


class RecalibrationPart(Strict):
    """The patients that a recalibration is fitted on: those with a value of a column of the clinical table, or a share
    drawn by id with the study's seed. The others judge it."""

    column: Text | None = None
    fit: Cells | None = Field(None, max_length=bounds.NAMES)
    share: float | None = Field(default=None, gt=0, lt=1)

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
    """A cohort file: new patients for frozen models. Tissues whose Radscore is a column need no entry; ``extraction``
    (with that under its tissues) is the study's where it is not given, and the keys under a tissue here go before its
    own there; ``imaging`` is the study's key by key; ``recalibrate`` is looked at where recalibration is asked for."""

    name: Text = Field(min_length=1)
    clinical: NewClinical
    tissues: dict[Text, Tissue] = Field({}, max_length=bounds.NAMES)
    extraction: dict[str, dict[str, Any]] | None = Field(None, max_length=bounds.NAMES)
    imaging: ReadSettings | None = None
    recalibrate: RecalibrationPart | None = None
