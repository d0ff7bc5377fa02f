"""Settings of a study file's statistics: Table 1, univariate screens, imputation, sample size, performance."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from prldh.core import bounds, shown
from prldh.study.strict import Strict


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
