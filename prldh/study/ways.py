"""Ways from features to a score, as a study file names them: steps, a learner, protocols and the choice among them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from prldh.core import SecondStage, bounds, listed
from prldh.study.strict import Strict, Text

DEFAULT_SELECTION: list[dict[str, dict[str, Any]]] = [
    {"icc": {"threshold": 0.75}},
    {"mrmr_forest": {"folds": 5}},
    {"correlation": {"between": 0.9, "outcome": 0.3}},
    {"lasso_svm_rfe": {"folds": 10, "combine": "intersection"}},
]


def _as_steps(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [
        (
            {step: {}}
            if isinstance(step, str)
            else {k: v or {} for k, v in step.items()}
            if isinstance(step, dict)
            else step
        )
        for step in value
    ]


def _as_named(value: Any) -> Any:
    """A name alone is one without settings."""
    if isinstance(value, str):
        return {value: {}}
    return {key: own or {} for key, own in value.items()} if isinstance(value, dict) else value


def _one_name(value: dict[str, dict[str, Any]] | None) -> dict[str, dict[str, Any]] | None:
    if value is not None and len(value) != 1:
        raise ValueError(f"name one, such as lasso or {{lasso: {{folds: 10}}}} (found {listed(value) or 'none'})")
    return value


def _one_a_step(steps: list[dict[str, dict[str, Any]]]) -> list[dict[str, dict[str, Any]]]:
    for step in steps:
        if len(step) != 1:
            raise ValueError(f"each step has one name (found {listed(step) or 'none'})")
    return steps


#: Steps in order, each a name with its settings; and one learner.
Steps = Annotated[
    list[Annotated[dict[str, dict[str, Any]], Field(max_length=bounds.NAMES)]],
    Field(max_length=bounds.STEPS),
    BeforeValidator(_as_steps),
    AfterValidator(_one_a_step),
]
LearnerChoice = Annotated[
    dict[str, dict[str, Any]], Field(max_length=bounds.NAMES), BeforeValidator(_as_named), AfterValidator(_one_name)
]


class ProtocolSettings(Strict):
    """A way from features to a score; what it does not name is the study's own."""

    transforms: Steps | None = Field(None, description="its transforms, in order; default: the study's")
    selection: Steps | None = Field(
        None, description="its selection steps, in order; [] for none; default: the study's"
    )
    learner: LearnerChoice | None = Field(None, description="its learner; default: the study's")
    second_stage: SecondStage | None = Field(
        None, description="what models are given of its score; default: the study's"
    )


class Choose(Strict):
    """A choice among protocols, made anew within every training set."""

    among: list[Text] = Field(
        min_length=1,
        max_length=bounds.NAMES,
        description=(
            "the protocols that are compared, by name, two or more; their order matters to `one_se` and to ties"
        ),
    )
    folds: int = Field(
        5,
        ge=2,
        le=bounds.FOLDS,
        description="inner folds, dealt by patient, in which they are compared",
        json_schema_extra={"unit": "folds"},
    )
    rule: Literal["one_se", "best"] = Field(
        "one_se",
        description=(
            "best: the protocol with the best mean; one_se: the first listed whose mean lies within"
            " one standard error of the best"
        ),
    )
    model: Text | None = Field(
        None,
        description=(
            "the model by which protocols are judged; default: the first unadjusted one with a score made in the run"
        ),
    )
    measure: Literal["auc", "brier"] = Field(
        "auc", description="by what protocols are judged: the AUC, or the Brier score"
    )
    schemes: list[Text] | None = Field(
        None,
        min_length=1,
        max_length=bounds.NAMES,
        description=(
            "the schemes in which the choice is validated; default: folds, and others that hold several patients out"
        ),
    )
