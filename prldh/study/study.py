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
    """Where a tissue's Radscore comes from: one of a column, feature tables, or images."""

    radscore: Text | None = Field(None, description="the column of the clinical table that already is the Radscore")
    features: FeatureTables | None = Field(
        None, description="feature tables, one a reader: a path, a list of paths, or lists by source"
    )
    images: Named | None = Field(
        None,
        description=(
            "the cases table: patient_id, image, and mask or mask_reader1, mask_reader2 …; optionally"
            " label, segment, lesion"
        ),
    )
    sources: list[str] = Field(
        [SHIPPED_SOURCES[0]], max_length=bounds.NAMES, description="the feature sources that measure the images"
    )
    extraction: dict[str, dict[str, Any]] = Field(
        {},
        max_length=bounds.NAMES,
        description="settings of the sources for this tissue; they go before the study's key by key",
    )
    share_images: bool = Field(
        False, description="whether rows of several ids may name one image, as lesions of a patient do"
    )
    lesions: LesionWay | None = Field(
        None,
        description=(
            "how several lesions of one id become a row: their mean, the mean weighted by volume, the"
            " largest lesion, or the mean of the three largest weighted by volume. Default: as each"
            " source's `combine` says"
        ),
    )
    consensus: ConsensusWay | None = Field(
        None,
        description=(
            "how the readers' masks become the one that the values are of: staple, majority or"
            " intersection. Default: the first reader's mask"
        ),
    )
    image_steps: Steps | None = Field(
        None, description="what is done to each image before it is measured; default: the study's `image_steps`"
    )

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


def _as_subgroups(value: Any) -> Any:
    """A column alone is one without cuts."""
    if not isinstance(value, list):
        return value
    named = [{each: {}} if isinstance(each, str) else each for each in value]
    return [{k: v or {} for k, v in each.items()} if isinstance(each, dict) else each for each in named]


class TableOne(Strict):
    """Tests of Table 1. Student's t with pooled variance is the study's; Welch and Wilcoxon are offered."""

    continuous: Literal["t", "welch", "wilcoxon"] = Field(
        "t",
        description=(
            "the test of continuous variables: Student's t with pooled variance, Welch's t, or Wilcoxon's rank-sum test"
        ),
    )
    summary: Literal["by_normality", "mean", "median"] = Field(
        "by_normality",
        description=(
            "how continuous variables are shown: mean ± SD, median [quartiles], or by_normality,"
            " whichever Shapiro and Wilk's test suggests"
        ),
    )
    adjust_p: Literal["none", "holm", "bh"] = Field(
        "none",
        description=(
            "whether a column of p-values adjusted over the rows of the table is added: by Holm, or"
            " by Benjamini and Hochberg (bh)"
        ),
    )
    standardized_differences: bool = Field(
        False, description="whether a column of standardised differences between the outcome's groups is added"
    )
    p_values: bool = Field(True, description="whether the report shows the tests of Table 1")


class Univariate(Strict):
    """Univariate screens, computed on everyone and descriptive: features by ``test``, covariates by univariable
    logistic models. ``univariate: false`` switches them off."""

    test: Literal["t", "wilcoxon"] = Field(
        "wilcoxon",
        description=(
            "the test of each feature against the outcome: t with pooled variance, or Wilcoxon's rank-sum test"
        ),
    )
    adjust_p: Literal["none", "holm", "bh", "both"] = Field(
        "both",
        description=(
            "which columns of adjusted p-values are added, over the features of a tissue and over the"
            " terms: Holm's, Benjamini and Hochberg's (bh), both or none"
        ),
    )
    shown: int = Field(
        20,
        ge=0,
        le=bounds.FEATURES,
        description="how many features the report lists, the smallest p first",
        json_schema_extra={"unit": "features"},
    )


class SampleSize(Strict):
    """The R² that the models are anticipated to reach, for Riley's criteria: one of Nagelkerke's (default 0.15), Cox
    and Snell's."""

    r2_nagelkerke: float | None = Field(
        None,
        gt=0,
        lt=1,
        description=(
            "the R² by Nagelkerke that models are anticipated to reach, for Riley's criteria; 0.15"
            " where neither is given"
        ),
    )
    r2_cox_snell: float | None = Field(
        None, gt=0, lt=0.75, description="the same as R² by Cox and Snell; give one of the two"
    )

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

    sensitivity: tuple[float, float] = Field(
        (1.0, 0.8),
        description=("the range of sensitivities over which the partial area is taken, as two numbers within 0 and 1"),
    )
    specificity: tuple[float, float] = Field(
        (1.0, 0.8),
        description=("the range of specificities over which the partial area is taken, as two numbers within 0 and 1"),
    )

    @field_validator("sensitivity", "specificity")
    @classmethod
    def _range_from_high_to_low(cls, value: tuple[float, float]) -> tuple[float, float]:
        return _high_to_low(value)


PartialRanges = tuple[float, float] | PartialAuc


class Imputation(Strict):
    """Multiple imputation of blank covariates, in effect with ``missing: multiple_imputation``."""

    imputations: int = Field(
        20,
        ge=1,
        le=bounds.IMPUTATIONS,
        description="how many completed data sets are made",
        json_schema_extra={"unit": "data sets"},
    )
    iterations: int = Field(
        10,
        ge=1,
        le=bounds.IMPUTATIONS,
        description="rounds of the chained equations for each data set",
        json_schema_extra={"unit": "rounds"},
    )
    donors: int = Field(
        5,
        ge=1,
        le=bounds.IMPUTATIONS,
        description=("among how many nearest patients a continuous value is drawn (predictive mean matching)"),
        json_schema_extra={"unit": "patients"},
    )
    imputations_in_resamples: int = Field(
        5,
        ge=1,
        le=bounds.IMPUTATIONS,
        description=("completed data sets within each resample of a validation, where their mean alone counts"),
        json_schema_extra={"unit": "data sets"},
    )
    iterations_in_resamples: int = Field(
        5,
        ge=1,
        le=bounds.IMPUTATIONS,
        description="rounds of the chained equations within each resample",
        json_schema_extra={"unit": "rounds"},
    )


class FirthFits(Strict):
    """What models that Firth's likelihood fits predict by (Puhr et al. 2017). Odds ratios stay Firth's."""

    predictions: Literal["firth", "flic", "flac"] = Field(
        "firth",
        description=(
            "what models that Firth's likelihood fits predict by: its own coefficients (firth, whose"
            " probabilities are biased towards 1/2), its slopes with the intercept by maximum"
            " likelihood (flic), or a fit to the augmented data (flac)"
        ),
    )


class Performance(Strict):
    """Settings of the performance statistics."""

    confidence: float = Field(0.95, gt=0, lt=1, description="the confidence level of all intervals")
    partial_auc: PartialRanges = Field(
        (1.0, 0.8),
        description=(
            "the range of the partial area, by sensitivity and by specificity, as two numbers within"
            " 0 and 1; or {sensitivity: RANGE, specificity: RANGE}"
        ),
    )
    partial_auc_bootstrap: int = Field(
        2000,
        ge=0,
        le=bounds.RESAMPLES,
        description="bootstrap samples behind intervals and tests of partial areas; 0: none of these",
        json_schema_extra={"unit": "samples"},
    )
    hosmer_lemeshow_groups: int = Field(
        10,
        ge=3,
        le=bounds.GROUPS,
        description="groups by predicted probability in Hosmer and Lemeshow's test",
        json_schema_extra={"unit": "groups"},
    )
    thresholds: list[float] = Field(
        default_factory=lambda: [round(0.01 * i, 2) for i in range(100)],
        min_length=1,
        max_length=bounds.POINTS,
        description=("the threshold probabilities of decision and clinical impact curves; default: 0, 0.01 … 0.99"),
    )
    decision_bootstrap: int = Field(
        500,
        ge=0,
        le=bounds.RESAMPLES,
        description=("bootstrap samples behind the bands of decision, calibration and ROC curves; 0: no bands"),
        json_schema_extra={"unit": "samples"},
    )
    risk_categories: list[float] | None = Field(
        None,
        min_length=1,
        max_length=bounds.GROUPS,
        description=(
            "cut points between categories of predicted risk, as probabilities, for the categorical"
            " net reclassification improvement; default: none"
        ),
    )
    interaction_bootstrap: int = Field(
        500,
        ge=0,
        le=bounds.RESAMPLES,
        description="bootstrap samples behind intervals of additive interaction; 0: none",
        json_schema_extra={"unit": "samples"},
    )
    prevalence: float | None = Field(
        None,
        gt=0,
        lt=1,
        description=(
            "the share of events where the model would be used, for decision curves of such patients"
            " beside those of the study's own"
        ),
    )

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
    subgroups: Annotated[list[OfColumn], BeforeValidator(_as_subgroups)] = Field(
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
