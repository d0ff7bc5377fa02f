"""How a study file has models judged: resampling schemes with their scopes, and subgroups."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, field_validator, model_validator

from prldh.core import bounds, shown
from prldh.study.strict import Numbers, Strict, Text

Scope = Literal["model", "pipeline"]


class Validation(Numbers):
    """Resampling schemes and their scopes. Other keys name validators from plugins and carry their settings."""

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    leave_one_out: bool = Field(True, description="whether each patient is predicted by models of all the others")
    folds: int = Field(
        10,
        ge=0,
        le=bounds.FOLDS,
        description=(
            "into how many parts the patients are dealt for cross-validation; 0 switches it off, 1 is refused"
        ),
        json_schema_extra={"unit": "folds"},
    )
    repeats: int = Field(
        1,
        ge=1,
        le=bounds.RESAMPLES,
        description="how often the patients are dealt into folds anew",
        json_schema_extra={"unit": "repeats"},
    )
    bootstrap: int = Field(
        1000,
        ge=0,
        le=bounds.RESAMPLES,
        description="how many bootstrap samples of patients are drawn; 0 switches the bootstrap off",
        json_schema_extra={"unit": "samples"},
    )
    scope: list[Scope] = Field(
        ["model", "pipeline"],
        min_length=1,
        max_length=2,
        description=(
            "what is fitted anew in every resample. model: the logistic model alone, Radscores and"
            " cutoffs being kept; pipeline: the whole modelling process, selection included"
        ),
    )
    null_permutations: int = Field(
        0,
        ge=0,
        le=bounds.RESAMPLES,
        description=(
            "how often the outcome is permuted and the whole process repeated on it, to show what it"
            " reaches where nothing is to be found; 0: never"
        ),
        json_schema_extra={"unit": "permutations"},
    )
    bootstrap_interval: Literal["none", "two_stage"] = Field(
        "none",
        description=(
            "whether intervals of the optimism-corrected bootstrap are made where Radscores or"
            " cutoffs are refitted too: two_stage takes hours; where the logistic model alone is"
            " refitted they are made in any case"
        ),
    )

    @field_validator("scope", mode="before")
    @classmethod
    def _one_scope_is_a_list_of_one(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("folds")
    @classmethod
    def _one_fold_is_no_validation(cls, value: int) -> int:
        if value == 1:
            raise ValueError("one fold holds nothing out: use 0 to switch folds off, or 2 or more")
        return value

    @model_validator(mode="after")
    def _all_folds_fit(self) -> Validation:
        if self.folds * self.repeats > bounds.RESAMPLES:
            raise ValueError(
                f"folds times repeats are the fits that are made, {bounds.RESAMPLES:,} at most (found {self.folds} ×"
                f" {self.repeats})"
            )
        return self


Cut = Annotated[float, Field(ge=-bounds.NUMBER, le=bounds.NUMBER)]


class Subgroup(Strict):
    """A column by which held-out performance is told."""

    cut: Annotated[list[Cut] | None, BeforeValidator(lambda v: [v] if isinstance(v, (int, float)) else v)] = Field(
        None,
        min_length=1,
        max_length=bounds.GROUPS,
        description=(
            "numbers from each of which on a new level begins, in rising order and in the column's"
            " unit; needed of continuous columns"
        ),
    )

    @field_validator("cut")
    @classmethod
    def _cuts_rise(cls, value: list[float] | None) -> list[float] | None:
        if value is not None and (sorted(set(value)) != value):
            raise ValueError(f"give cuts in rising order, each once, such as [50, 65] (found {shown(value)})")
        return value


#: A subgroup under its column's name.
OfColumn = Annotated[dict[Text, Subgroup], Field(max_length=bounds.NAMES)]


def as_subgroups(value: Any) -> Any:
    """A column alone is one without cuts."""
    if not isinstance(value, list):
        return value
    named = [{each: {}} if isinstance(each, str) else each for each in value]
    return [{k: v or {} for k, v in each.items()} if isinstance(each, dict) else each for each in named]
