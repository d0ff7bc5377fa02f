"""The study file: every key typed, unknown keys refused, read by ``study_file.py``."""

from __future__ import annotations

import operator
import re
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from prldh.core import (
    CsvFormulas,
    SecondStage,
    StudyError,
    bounds,
    quoted,
)
from prldh.study.clinical import Clinical
from prldh.study.imaging import ReadSettings
from prldh.study.rules import check_rules
from prldh.study.statistics import FirthFits, Imputation, Performance, SampleSize, TableOne, Univariate
from prldh.study.strict import Strict, Text
from prldh.study.tissues import Tissue
from prldh.study.validation import OfColumn, Validation, as_subgroups
from prldh.study.ways import DEFAULT_SELECTION, Choose, LearnerChoice, ProtocolSettings, Steps

Engine = Literal["r", "python", "both"]


class Model(Strict):
    """A logistic model: a tissue's name means its Radscore, ``groups(a, b)`` the four high/low groups."""

    name: Text = Field(description="what the report calls the model")
    terms: list[Text] = Field(
        min_length=1,
        max_length=bounds.NAMES,
        description=(
            "what the model is made of: covariates, tissues (their Radscores), groups(a, b) for the"
            " four high/low groups of two Radscores, products and transformations"
        ),
    )

    @field_validator("name")
    @classmethod
    def _has_a_name(cls, value: str) -> str:
        if not value.strip():
            raise ValueError(f"give the model a name (found {quoted(value)})")
        return value


class Report(Strict):
    """What the report carries beside the results, and in which formats figures are written beside it."""

    checklists: list[str] = Field(
        [],
        max_length=bounds.NAMES,
        description=("the checklists that are filled in: ibsi, clear, metrics, tripod-ai, claim, and those of plugins"),
    )
    answers: str | None = Field(
        None,
        description=("path of a filled checklist.yaml, relative to the study file: what only an author can answer"),
    )
    figures: list[Literal["svg", "pdf", "png", "tiff"]] = Field(
        ["svg", "pdf", "png"],
        max_length=bounds.NAMES,
        description="the formats in which figures are written beside the report; [] for none",
    )
    dpi: list[Annotated[int, Field(ge=72, le=1200)]] = Field(
        [300],
        min_length=1,
        max_length=10,
        description="resolutions of PNG and TIFF figures, a file for each",
        json_schema_extra={"unit": "dots per inch"},
    )
    grey: bool = Field(False, description="whether every figure is written in grey as well")
    decision_range: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(gt=0, le=1)]] | None = Field(
        None,
        description=(
            "the threshold probabilities that figures of decision curves show, from low to high."
            " Default: from 0 to twice the share of events, or to where one patient in a hundred is"
            " predicted to be higher, whichever is more"
        ),
    )
    csv_formulas: CsvFormulas = Field(
        "warn",
        description=(
            "what is done with text that a spreadsheet takes for a formula: warn, or escape by an"
            " apostrophe before it in every CSV that is written"
        ),
    )

    @field_validator("decision_range")
    @classmethod
    def _range_from_low_to_high(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and value[1] - value[0] < 0.05:
            raise ValueError(f"give the lower threshold first and one 0.05 or more above it (found {list(value)})")
        return value


class Compute(Strict):
    """How the work is spread: over processes here, or the workers of a Dask scheduler."""

    jobs: int | None = Field(
        None,
        ge=1,
        le=bounds.JOBS,
        description="worker processes on this machine; default: one a core",
        json_schema_extra={"unit": "processes"},
    )
    dask: str | None = Field(
        None,
        description=(
            "address of a Dask scheduler whose workers do the work, such as tcp://10.0.0.5:8786; default: none"
        ),
    )

    @field_validator("dask")
    @classmethod
    def _address_says_where(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"([a-z]+://)?[^\s/]+:\d+/?", value):
            raise ValueError(f"give the scheduler's address, such as tcp://10.0.0.5:8786 (found {quoted(value)})")
        return value

    def with_dask(self, address: str) -> Compute:
        """The same with another scheduler."""
        try:
            return Compute(jobs=self.jobs, dask=address)
        except ValidationError as error:
            raise StudyError(f"--dask: {error.errors()[0]['msg'].removeprefix('Value error, ')}.") from None


def check_given(**given: object) -> None:
    """Hold arguments that stand for keys of the study file (``seed``, ``engine``, ``jobs``) to what a file may say;
    None is none.

    Raises
    ------
    StudyError
        With the argument, what is wanted, and what was found.
    """
    for key, value in given.items():
        field = {**Study.model_fields, **Compute.model_fields}[key]
        try:
            if hasattr(value, "__index__") and not isinstance(value, bool):  # NumPy's integers too
                value = operator.index(value)
            if value is not None:
                wanted: Any = Annotated[field.annotation, field]
                TypeAdapter(wanted).validate_python(value, strict=True)
        except ValidationError as error:
            raise StudyError(
                f"{key}: {error.errors()[0]['msg']}; found {quoted(value)}. Correct the argument."
            ) from None


class Study(Strict):
    """A whole study file."""

    title: Text = Field("Untitled study", description="the title of the report")
    seed: int = Field(
        1,
        ge=0,
        le=bounds.SEED,
        description=(
            "the one number from which all random numbers of the run come: the same seed gives the same results"
        ),
    )
    engine: Engine = Field(
        "both",
        description=(
            "what computes the statistics: r, python, or both, where R's numbers are reported and Python's check them"
        ),
    )
    clinical: Clinical = Field(description="the clinical table: ids, outcome, covariates")
    tissues: dict[Text, Tissue] = Field(
        {},
        max_length=bounds.NAMES,
        description=(
            "the tissues (or lesions, organs) that have a Radscore, by name; each has one of radscore, features, images"
        ),
    )
    transforms: Steps = Field(
        [],
        description=(
            "what is fitted to feature values of training patients and applied to everyone before the"
            " selection, in order"
        ),
    )
    selection: Steps = Field(
        default_factory=lambda: [dict(step) for step in DEFAULT_SELECTION],
        description="the steps that choose features, in order; the default is the published protocol",
    )
    learner: LearnerChoice | None = Field(
        None, description="what makes the Radscore of the chosen features; default: logistic regression"
    )
    second_stage: SecondStage | None = Field(
        None,
        description=(
            "what the models are given of a Radscore: the score as it is of those who made it"
            " (in_sample), scores of patients that the fit behind them did not see (cross_fitted), or"
            " nothing is refitted and its log odds stand (as_is). Default: what suits the learner"
        ),
    )
    protocols: dict[Text, Annotated[ProtocolSettings, BeforeValidator(lambda v: {} if v is None else v)]] = Field(
        {},
        max_length=bounds.STEPS,
        description=(
            "several ways from features to a score, by name, compared on the same resamples; what one"
            " does not name is the study's own"
        ),
    )
    choose: Choose | None = Field(None, description="a choice among the protocols, made anew within every training set")
    yardstick: bool = Field(
        True,
        description=(
            "whether a plain LASSO and a plain ridge of all features are fitted on the same"
            " resamples, with which the study's models are compared"
        ),
    )
    extraction: dict[str, dict[str, Any]] = Field(
        {},
        max_length=bounds.NAMES,
        description="settings of the feature sources, source: {key: value}, for all tissues",
    )
    imaging: ReadSettings = Field(ReadSettings(), description="how images and masks are read")
    image_steps: Steps = Field(
        [], description="what is done to each image before it is measured, in order, such as n4 or z_score"
    )
    selection_by_source: bool = Field(
        True,
        description=(
            "whether the steps run within each feature source, and the Radscore pools what each"
            " keeps, as in the published study; false: over all sources together"
        ),
    )
    if_empty: Literal["stop", "best"] = Field(
        "stop", description="where a step leaves no feature: stop the run, or keep the best single feature"
    )
    separation: Literal["firth", "warn", "error"] = Field(
        "firth",
        description=(
            "where predictors separate the outcome, so that maximum likelihood has no estimate: firth"
            " fits by Firth's penalised likelihood, warn keeps maximum likelihood with a warning,"
            " error stops"
        ),
    )
    firth: FirthFits = Field(FirthFits(), description="what models that Firth's likelihood fits predict by")
    radscore: Literal["logistic", "lasso"] = Field(
        "logistic",
        description=(
            "what makes the Radscore where `learner` is not given: one logistic model of all chosen"
            " features, or a cross-validated LASSO of them"
        ),
    )
    missing: Literal["complete_case", "by_model", "multiple_imputation", "error"] = Field(
        "complete_case",
        description=(
            "blank covariates: complete_case leaves such patients out of everything, by_model out of"
            " the models that use them; multiple_imputation imputes inside the training rows; error"
            " stops the run"
        ),
    )
    missing_outcome: Literal["error", "leave_out"] = Field(
        "error",
        description=("a blank outcome stops the run (error), or its patient is left out and listed (leave_out)"),
    )
    imputation: Imputation = Field(
        Imputation(), description="how blank covariates are imputed, in effect with `missing: multiple_imputation`"
    )
    models: list[Model] | None = Field(
        None,
        max_length=bounds.NAMES,
        description=(
            "the logistic models, each a name and its terms. Default: each tissue alone, and their"
            " groups where there are exactly two"
        ),
    )
    adjust: list[Text] | None = Field(
        None,
        max_length=bounds.NAMES,
        description=("the covariates of the adjusted form of every model; default: all, [] for no adjusted form"),
    )
    validation: Validation = Field(
        Validation(),
        description=(
            "resampling schemes and what they fit anew. Other keys name schemes of prldh or of"
            " plugins, such as leave_one_group_out: {column: centre}"
        ),
    )
    comparisons: list[tuple[Text, Text]] | None = Field(
        None,
        max_length=bounds.NAMES,
        description="the pairs of models that are compared, by their names; default: all pairs",
    )
    table_one: TableOne = Field(TableOne(), description="tests and columns of Table 1")
    associations: list[tuple[Text, Text]] = Field(
        [],
        max_length=bounds.NAMES,
        description=(
            "pairs of a covariate and a tissue (high against low Radscore) or of two covariates, compared as in Table 1"
        ),
    )
    subgroups: Annotated[list[OfColumn], BeforeValidator(as_subgroups)] = Field(
        [],
        max_length=bounds.NAMES,
        description="columns by whose levels held-out performance is told; continuous ones need cuts",
    )
    univariate: Annotated[Univariate | None, BeforeValidator(lambda v: None if v is False else v)] = Field(
        Univariate(), description="univariate screens of covariates and features; false switches them off"
    )
    sample_size: SampleSize = Field(
        SampleSize(), description="the R² that the models are anticipated to reach, for Riley's criteria of sample size"
    )
    performance: Performance = Field(Performance(), description="settings of the performance statistics")
    report: Report = Field(
        Report(), description="what the report carries beside the results, and the formats of figures"
    )
    compute: Compute = Field(Compute(), description="how the work is spread")

    def inputs(self) -> list[str]:
        """Every table that the study reads, as written in the study file."""
        tables = [t for tissue in self.tissues.values() for source in tissue.tables().values() for t in source]
        images = [cases for tissue in self.tissues.values() if (cases := tissue.cases()) is not None]
        return list(dict.fromkeys([self.clinical.table, *(table.path for table in [*tables, *images])]))

    @field_validator("models")
    @classmethod
    def _no_models_is_no_study(cls, models: list[Model] | None) -> list[Model] | None:
        if models == []:
            raise ValueError("no model is named. Name one, or leave the key out for the default: each tissue alone")
        return models

    @model_validator(mode="after")
    def _names_fit_together(self) -> Study:
        check_rules(self)
        return self
