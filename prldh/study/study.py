"""The study file: every key typed, unknown keys refused, read by ``study_file.py``."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
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
    same_text,
    shown,
)
from prldh.study.imaging import ReadSettings
from prldh.study.reading import AS_IT_IS, Named, TableFile, TableRead, as_file
from prldh.study.rules import check_rules
from prldh.study.strict import Numbers, Strict, Text
from prldh.study.ways import DEFAULT_SELECTION, Choose, LearnerChoice, ProtocolSettings, Steps

Engine = Literal["r", "python", "both"]
Scope = Literal["model", "pipeline"]
Kind = Literal["continuous", "categorical", "ordinal"]


class CovariateSettings(Strict):
    """How a clinical variable enters tables and models. ``levels``: reference first; ``label`` and ``unit``: what pages
    and tables call it by."""

    type: Kind
    levels: list[Text] | None = Field(None, max_length=bounds.NAMES)
    label: Text | None = None
    unit: Text | None = None

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
    """The clinical table: one row a patient or, where ``patient`` names the patient, several.

    ``columns``: name → column, for schemes, transforms and subgroups; never predictors.
    """

    table: str
    read: TableRead = AS_IT_IS
    id: Text
    patient: Text | None = None
    outcome: Text
    columns: dict[Text, Text] = Field({}, max_length=bounds.NAMES)
    event: Event
    covariates: dict[Text, Annotated[CovariateSettings, BeforeValidator(_as_mapping)]] = Field(
        {}, max_length=bounds.NAMES
    )


#: Keys of ``extraction`` that a study file may hold whatever is installed: the sources that this project ships, each in
#: a distribution called ``prldh-NAME``.
SHIPPED_SOURCES = ("pyradiomics", "uctransnet")


#: How several lesions of a patient become the patient's row.
LesionWay = Literal["mean", "volume", "largest", "three_largest"]
#: How several readers' masks become one.
ConsensusWay = Literal["staple", "majority", "intersection"]
Tables = Annotated[list[Named], Field(max_length=bounds.NAMES)]
#: Feature tables, one a reader; or several sources of them.
FeatureTables = Annotated[
    Annotated[Tables, Tag("tables")]
    | Annotated[dict[str, Tables], Field(max_length=bounds.NAMES), Tag("tables by source")],
    Discriminator(lambda v: "tables by source" if isinstance(v, dict) else "tables"),
]


#: Keys of a tissue that say how its images are measured.
OF_IMAGES = ("share_images", "lesions", "consensus", "image_steps")


class Tissue(Strict):
    """Where a tissue's Radscore comes from: one of a column, feature tables, or images.

    Of images: ``share_images``, whether rows of several ids may name one (lesions of a patient); ``lesions``, how those
    of one id become a row, where that is not left to each source's ``combine``; ``consensus``, how the readers' masks
    become the one that the values are of, where these are not the first reader's; ``image_steps``, what is done to
    images before they are measured, where that is not what the study says; ``extraction``, settings of its own, which
    go before the study's key by key.
    """

    radscore: Text | None = None
    features: FeatureTables | None = None
    images: Named | None = None
    sources: list[str] = Field([SHIPPED_SOURCES[0]], max_length=bounds.NAMES)
    extraction: dict[str, dict[str, Any]] = Field({}, max_length=bounds.NAMES)
    share_images: bool = False
    lesions: LesionWay | None = None
    consensus: ConsensusWay | None = None
    image_steps: Steps | None = None

    @field_validator("features", mode="before")
    @classmethod
    def _one_table_is_a_list_of_one(cls, value: Any) -> Any:
        if isinstance(value, TableFile) or _is_one_table(value):
            return [value]
        if isinstance(value, dict):
            return {k: [v] if _is_one_table(v) else v for k, v in value.items()}
        return value

    @model_validator(mode="after")
    def _exactly_one(self) -> Tissue:
        given = [k for k in ("radscore", "features", "images") if getattr(self, k) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of radscore, features, images (found: {', '.join(given) or 'none'})")
        if self.features == {}:
            raise ValueError("features names no table (found {}). Give a list of tables, or a list for each source")
        for tables in self.tables().values():
            if not tables:
                raise ValueError("features takes one table a reader (found none)")
        of_images = [k for k in (*OF_IMAGES, "extraction") if getattr(self, k) not in (None, False, {})]
        if self.images is None and self.sources != [SHIPPED_SOURCES[0]]:
            of_images.append("sources")
        if of_images and self.images is None:
            raise ValueError(f"{of_images[0]} is about images, and {given[0]} is given. Give images, or remove it")
        return self

    def tables(self) -> dict[str, list[TableFile]]:
        """Feature tables by source; a plain list is the source ``features``."""
        named = self.features if isinstance(self.features, dict) else {"features": self.features or []}
        return {source: [as_file(t) for t in tables] for source, tables in named.items() if self.features is not None}

    def cases(self) -> TableFile | None:
        """The table of images, where there is one."""
        return None if self.images is None else as_file(self.images)


def _is_one_table(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and isinstance(value.get("path"), str))


class Model(Strict):
    """A logistic model: a tissue's name means its Radscore, ``groups(a, b)`` the four high/low groups."""

    name: Text
    terms: list[Text] = Field(min_length=1, max_length=bounds.NAMES)

    @field_validator("name")
    @classmethod
    def _has_a_name(cls, value: str) -> str:
        if not value.strip():
            raise ValueError(f"give the model a name (found {quoted(value)})")
        return value


class Validation(Numbers):
    """Resampling schemes and their scopes. Other keys name validators from plugins and carry their settings.

    ``null_permutations``: how often the outcome is permuted and scope ``pipeline`` repeated on it (folds, or else the
    first scheme that holds patients out), to show what the chain reaches where nothing is to be found.
    ``bootstrap_interval``: whether intervals of what the bootstrap corrects are asked for of models whose Radscore or
    cutoffs are refitted as well; where the logistic model alone is, they are made in any case.
    """

    model_config = ConfigDict(extra="allow", frozen=True, allow_inf_nan=False)

    leave_one_out: bool = True
    folds: int = Field(10, ge=0, le=bounds.FOLDS)
    repeats: int = Field(1, ge=1, le=bounds.RESAMPLES)
    bootstrap: int = Field(1000, ge=0, le=bounds.RESAMPLES)
    scope: list[Scope] = Field(["model", "pipeline"], min_length=1, max_length=2)
    null_permutations: int = Field(0, ge=0, le=bounds.RESAMPLES)
    bootstrap_interval: Literal["none", "two_stage"] = "none"

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
    """A column by which held-out performance is told; ``cut``: numbers from each of which on a new level begins."""

    cut: Annotated[list[Cut] | None, BeforeValidator(lambda v: [v] if isinstance(v, (int, float)) else v)] = Field(
        None, min_length=1, max_length=bounds.GROUPS
    )

    @field_validator("cut")
    @classmethod
    def _cuts_rise(cls, value: list[float] | None) -> list[float] | None:
        if value is not None and (sorted(set(value)) != value):
            raise ValueError(f"give cuts in rising order, each once, such as [50, 65] (found {shown(value)})")
        return value


#: A subgroup under its column's name.
OfColumn = Annotated[dict[Text, Subgroup], Field(max_length=bounds.NAMES)]


def _as_subgroups(value: Any) -> Any:
    """A column alone is one without cuts."""
    if not isinstance(value, list):
        return value
    named = [{each: {}} if isinstance(each, str) else each for each in value]
    return [{k: v or {} for k, v in each.items()} if isinstance(each, dict) else each for each in named]


class TableOne(Strict):
    """Tests of Table 1. Student's t with pooled variance is the study's; Welch and Wilcoxon are offered.

    ``adjust_p`` adds a column adjusted over the rows of the table, ``standardized_differences`` one of imbalance;
    ``p_values: false`` leaves the tests out of the report. ``summary`` says how a continuous variable is shown: as mean
    ± SD where Shapiro and Wilk's test rejects normality in neither group, else as median [quartiles]; or always the
    same. Smallest and largest value stand beneath.
    """

    continuous: Literal["t", "welch", "wilcoxon"] = "t"
    summary: Literal["by_normality", "mean", "median"] = "by_normality"
    adjust_p: Literal["none", "holm", "bh"] = "none"
    standardized_differences: bool = False
    p_values: bool = True


class Univariate(Strict):
    """Univariate screens, computed on everyone and descriptive: features by ``test``, covariates by univariable
    logistic models.

    ``adjust_p`` adds columns adjusted over the features of a tissue, and over the terms; ``shown``: how many features
    the report lists, the smallest p first. ``univariate: false`` switches them off.
    """

    test: Literal["t", "wilcoxon"] = "wilcoxon"
    adjust_p: Literal["none", "holm", "bh", "both"] = "both"
    shown: int = Field(20, ge=0, le=bounds.FEATURES)


class SampleSize(Strict):
    """The R² that the models are anticipated to reach, for Riley's criteria: one of Nagelkerke's (default 0.15), Cox
    and Snell's."""

    r2_nagelkerke: float | None = Field(None, gt=0, lt=1)
    r2_cox_snell: float | None = Field(None, gt=0, lt=0.75)

    @model_validator(mode="before")
    @classmethod
    def _nagelkerke_unless_given(cls, data: Any) -> Any:
        if isinstance(data, dict) and not any(data.get(k) is not None for k in ("r2_nagelkerke", "r2_cox_snell")):
            return {**data, "r2_nagelkerke": 0.15}
        return data

    @model_validator(mode="after")
    def _one_scale(self) -> SampleSize:
        if self.r2_nagelkerke is not None and self.r2_cox_snell is not None:
            raise ValueError("give one of r2_nagelkerke, r2_cox_snell: they say the same on two scales")
        return self


def _high_to_low(value: tuple[float, float]) -> tuple[float, float]:
    high, low = max(value), min(value)
    if not 0 <= low < high <= 1:
        raise ValueError(f"give a range within 0 to 1, such as [1, 0.8] (found {list(value)})")
    return high, low


class PartialAuc(Strict):
    """Another range of the partial area by sensitivity than by specificity."""

    sensitivity: tuple[float, float] = (1.0, 0.8)
    specificity: tuple[float, float] = (1.0, 0.8)

    @field_validator("sensitivity", "specificity")
    @classmethod
    def _range_from_high_to_low(cls, value: tuple[float, float]) -> tuple[float, float]:
        return _high_to_low(value)


PartialRanges = tuple[float, float] | PartialAuc


class Imputation(Strict):
    """Multiple imputation of blank covariates, in effect with ``missing: multiple_imputation``.

    ``iterations``: rounds of the chained equations; ``donors``: nearest patients among whom a continuous value is
    drawn. Within the resamples of a validation, where only the mean over imputations counts, fewer do.
    """

    imputations: int = Field(20, ge=1, le=bounds.IMPUTATIONS)
    iterations: int = Field(10, ge=1, le=bounds.IMPUTATIONS)
    donors: int = Field(5, ge=1, le=bounds.IMPUTATIONS)
    imputations_in_resamples: int = Field(5, ge=1, le=bounds.IMPUTATIONS)
    iterations_in_resamples: int = Field(5, ge=1, le=bounds.IMPUTATIONS)


class FirthFits(Strict):
    """What models that Firth's likelihood fits predict by. Odds ratios stay Firth's.

    ``firth``: its own coefficients, which are biased towards 1/2; corrected for that (Puhr et al. 2017) are ``flic``,
    its slopes with the intercept by maximum likelihood, and ``flac``, fitted to the augmented data with a covariate for
    the augmentation.
    """

    predictions: Literal["firth", "flic", "flac"] = "firth"


class Performance(Strict):
    """Settings of the performance statistics.

    ``prevalence``: the share of events where the model would be used, for decision curves beside those of these
    patients.
    """

    confidence: float = Field(0.95, gt=0, lt=1)
    partial_auc: PartialRanges = (1.0, 0.8)
    partial_auc_bootstrap: int = Field(2000, ge=0, le=bounds.RESAMPLES)
    hosmer_lemeshow_groups: int = Field(10, ge=3, le=bounds.GROUPS)
    thresholds: list[float] = Field(
        default_factory=lambda: [round(0.01 * i, 2) for i in range(100)], min_length=1, max_length=bounds.POINTS
    )
    decision_bootstrap: int = Field(500, ge=0, le=bounds.RESAMPLES)
    risk_categories: list[float] | None = Field(None, min_length=1, max_length=bounds.GROUPS)
    interaction_bootstrap: int = Field(500, ge=0, le=bounds.RESAMPLES)
    prevalence: float | None = Field(None, gt=0, lt=1)

    @field_validator("partial_auc")
    @classmethod
    def _range_from_high_to_low(cls, value: Any) -> Any:
        return value if isinstance(value, PartialAuc) else _high_to_low(value)

    def partial_ranges(self) -> dict[str, tuple[float, float]]:
        """The range of the partial area by sensitivity and by specificity, the higher end first."""
        if isinstance(self.partial_auc, PartialAuc):
            return {"sensitivity": self.partial_auc.sensitivity, "specificity": self.partial_auc.specificity}
        return dict.fromkeys(("sensitivity", "specificity"), self.partial_auc)

    @field_validator("risk_categories")
    @classmethod
    def _cut_points_are_risks(cls, value: list[float] | None) -> list[float] | None:
        if value is not None and any(not 0 < cut < 1 for cut in value):
            raise ValueError(
                f"give the cut points between risk categories, within 0 and 1, such as [0.2, 0.4] (found"
                f" {shown(value)})"
            )
        return value and sorted(set(value))

    @field_validator("thresholds")
    @classmethod
    def _thresholds_are_probabilities(cls, value: list[float]) -> list[float]:
        odd = [t for t in value if not 0 <= t < 1]
        if odd:
            raise ValueError(f"thresholds are probabilities from 0 up to, not including, 1 (found {odd[0]})")
        return sorted(set(value))


class Report(Strict):
    """What the report carries beside the results, and in which formats figures are written beside it.

    ``answers``: a filled ``checklist.yaml``, relative to the study file. ``dpi``: of PNG and TIFF, a file for each;
    ``grey``: every figure in grey too. ``decision_range``: the threshold probabilities, from low to high, that figures
    of decision curves show; by default from 0 to twice the share of events or to where one patient in a hundred is
    predicted to be higher, whichever is more. ``csv_formulas``: whether text that a spreadsheet takes for a formula is
    warned of, or has an apostrophe put before it in every CSV that is written.
    """

    checklists: list[str] = Field([], max_length=bounds.NAMES)
    answers: str | None = None
    figures: list[Literal["svg", "pdf", "png", "tiff"]] = Field(["svg", "pdf", "png"], max_length=bounds.NAMES)
    dpi: list[Annotated[int, Field(ge=72, le=1200)]] = Field([300], min_length=1, max_length=10)
    grey: bool = False
    decision_range: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(gt=0, le=1)]] | None = None
    csv_formulas: CsvFormulas = "warn"

    @field_validator("decision_range")
    @classmethod
    def _range_from_low_to_high(cls, value: tuple[float, float] | None) -> tuple[float, float] | None:
        if value is not None and value[1] - value[0] < 0.05:
            raise ValueError(f"give the lower threshold first and one 0.05 or more above it (found {list(value)})")
        return value


class Compute(Strict):
    """How the work is spread: over ``jobs`` processes here (default: all cores), or the workers of the Dask scheduler
    at this address."""

    jobs: int | None = Field(None, ge=1, le=bounds.JOBS)
    dask: str | None = None

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


class Study(Strict):
    """A whole study file."""

    title: Text = "Untitled study"
    seed: int = Field(1, ge=0, le=bounds.SEED)
    engine: Engine = "both"
    clinical: Clinical
    tissues: dict[Text, Tissue] = Field({}, max_length=bounds.NAMES)
    transforms: Steps = []
    selection: Steps = Field(default_factory=lambda: [dict(step) for step in DEFAULT_SELECTION])
    learner: LearnerChoice | None = None
    second_stage: SecondStage | None = None
    protocols: dict[Text, Annotated[ProtocolSettings, BeforeValidator(lambda v: {} if v is None else v)]] = Field(
        {}, max_length=bounds.STEPS
    )
    choose: Choose | None = None
    yardstick: bool = True
    extraction: dict[str, dict[str, Any]] = Field({}, max_length=bounds.NAMES)
    imaging: ReadSettings = ReadSettings()
    image_steps: Steps = []
    selection_by_source: bool = True
    if_empty: Literal["stop", "best"] = "stop"
    separation: Literal["firth", "warn", "error"] = "firth"
    firth: FirthFits = FirthFits()
    radscore: Literal["logistic", "lasso"] = "logistic"
    missing: Literal["complete_case", "by_model", "multiple_imputation", "error"] = "complete_case"
    missing_outcome: Literal["error", "leave_out"] = "error"
    imputation: Imputation = Imputation()
    models: list[Model] | None = Field(None, max_length=bounds.NAMES)
    adjust: list[Text] | None = Field(None, max_length=bounds.NAMES)
    validation: Validation = Validation()
    comparisons: list[tuple[Text, Text]] | None = Field(None, max_length=bounds.NAMES)
    table_one: TableOne = TableOne()
    associations: list[tuple[Text, Text]] = Field([], max_length=bounds.NAMES)
    subgroups: Annotated[list[OfColumn], BeforeValidator(_as_subgroups)] = Field([], max_length=bounds.NAMES)
    univariate: Annotated[Univariate | None, BeforeValidator(lambda v: None if v is False else v)] = Univariate()
    sample_size: SampleSize = SampleSize()
    performance: Performance = Performance()
    report: Report = Report()
    compute: Compute = Compute()

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
