"""The statistics of a model's predictions, each named once: what computes, writes, reads or tells one of them asks its
:class:`~prldh.core.measures.Measure` here.

A new one is a function in ``prldh/stats`` and in ``r/R`` and an entry of :data:`MEASURES`. Their order is that of
``results.json`` and of the tables.
"""

from __future__ import annotations

from prldh.core import (
    APPARENT,
    BOOTSTRAP,
    CALIBRATION,
    CELLS,
    CLASSIFICATION,
    DISCRIMINATION,
    HELD_OUT,
    HIGHER,
    LOWER,
    REFERENCES,
    USEFULNESS,
    Estimate,
    Interval,
    Measure,
    Number,
    Reference,
    at,
    later,
)
from prldh.models import (
    Area,
    Calibration,
    Confusion,
    DecisionPoint,
    HosmerLemeshow,
    ImpactPoint,
    PartialAreas,
)
from prldh.validation import FoldMean, HeldOutArea, IntervalBy, Optimism, PooledArea

SHARE = (0.0, 1.0)
#: Tables of the report whose columns are measures, beside that of the classification.
LINE, BRIER = "calibration line", "Brier score"

_UNFITTED = "some refits ended as the intercept alone, or a class is missing"
_NO_LINE = "the predictions do not vary, or are separated by the outcome"
_NO_CURVE = "fewer than five distinct predictions: the curve is by group"
_CERTAIN = "every prediction is 0, 0.5 or 1"
_LINE_PARTS = {
    **dict.fromkeys(
        ("b632plus", "b632plus_low", "b632plus_high", "no_information"),
        "a calibration line has no value that stands for no information",
    ),
    **dict.fromkeys(
        ("low", "high"),
        "the corrected line of a bootstrap has no interval that was shown to hold; nor has a held-out one without"
        " limits",
    ),
}
_VAL_PROB, _RELIABILITY = "rms::val.prob", "reliabilitydiag::summary.reliabilitydiag"


def _proportion(key: str, label: str, successes: tuple[str, ...], total: tuple[str, ...]) -> Measure:
    """A share of the table of predicted and observed events, with Clopper and Pearson's interval."""
    return Measure(
        key,
        label,
        "proportion",
        {APPARENT: Interval, HELD_OUT: later(Interval)},
        cells={"successes": successes, "total": total},
        r="stats::binom.test",
        name=label.lower() if len(label) > 3 else label,
        aspect=CLASSIFICATION,
        references=(REFERENCES["clopper1934"],),
        direction=HIGHER,
        range=SHARE,
    )


#: Why a point of a bootstrap decision curve may have no limits.
_NOT_HELD = "the percentiles over the bootstrap models do not hold their mean"
MEASURES: tuple[Measure, ...] = (
    Measure(
        "auc",
        "AUC",
        "auc",
        {APPARENT: Area, HELD_OUT: HeldOutArea, BOOTSTRAP: Optimism},
        r="pROC::ci.auc",
        name="AUC",
        direction=HIGHER,
        range=SHARE,
        null=_UNFITTED,
        null_parts=dict.fromkeys(("estimate", "low", "high", "variance"), _UNFITTED),
        aspect=DISCRIMINATION,
        references=(REFERENCES["delong1988"],),
    ),
    Measure(
        "auc_mean",
        "Mean of folds",
        "auc",
        {HELD_OUT: later(FoldMean)},
        r="cvAUC::ci.cvAUC",
        name="mean AUC of the folds",
        direction=HIGHER,
        range=SHARE,
        aspect=DISCRIMINATION,
        null_parts=dict.fromkeys(
            ("low", "high", "se"),
            "a fold holds one patient of a class or counts 0.5, or there are too few patients of the rarer class: an"
            " interval would hold less often than it says (docs/intervals.md)",
        ),
    ),
    Measure(
        "auc_groups",
        "Groups as one",
        "pool_random_effects",
        {HELD_OUT: later(PooledArea)},
        r="metafor::rma",
        name="AUC of the groups, pooled",
        direction=HIGHER,
        range=SHARE,
        aspect=DISCRIMINATION,
        null_parts=dict.fromkeys(
            ("estimate", "low", "high", "tau2", "i2", "q", "q_p", "prediction_low", "prediction_high"),
            "there are too few groups of both classes",
        ),
    ),
    Measure(
        "pauc",
        "partial AUC",
        "partial_auc",
        {APPARENT: PartialAreas},
        r="pROC::ci.auc",
        direction=HIGHER,
        range=SHARE,
        null_parts=dict.fromkeys(
            ("corrected", "corrected_low", "corrected_high"), "McClish's correction is not defined here"
        ),
        resampled=dict.fromkeys(
            ("low", "high", "variance", "corrected_low", "corrected_high"), "partial_auc_bootstrap"
        ),
        aspect=DISCRIMINATION,
        references=(REFERENCES["mcclish1989"],),
    ),
    Measure(
        "threshold",
        "Threshold",
        "youden",
        {APPARENT: Number},
        r="pROC::coords",
        range=SHARE,
        null="no threshold is better than calling everyone positive, or it is the end of a curve",
        aspect=CLASSIFICATION,
        references=(REFERENCES["youden1950"],),
    ),
    Measure(
        "confusion",
        "Confusion matrix",
        "youden",
        {APPARENT: Confusion, HELD_OUT: later(Confusion)},
        aspect=CLASSIFICATION,
    ),
    _proportion("accuracy", "Accuracy", ("tp", "tn"), CELLS),
    _proportion("sensitivity", "Sensitivity", ("tp",), ("tp", "fn")),
    _proportion("specificity", "Specificity", ("tn",), ("tn", "fp")),
    _proportion("ppv", "PPV", ("tp",), ("tp", "fp")),
    _proportion("npv", "NPV", ("tn",), ("tn", "fn")),
    Measure(
        "matthews_correlation",
        "Matthews correlation",
        "matthews_correlation",
        {APPARENT: later(Estimate), HELD_OUT: later(Estimate)},
        cells={cell: (cell,) for cell in CELLS},
        r="stats::cor",
        aspect=CLASSIFICATION,
        methods="the Matthews correlation coefficient",
        references=(
            Reference(
                "matthews1975",
                "Matthews, Brian W.",
                "Comparison of the predicted and observed secondary structure of T4 phage lysozyme",
                "Biochimica et Biophysica Acta",
                1975,
                "405",
                "442--451",
                "10.1016/0005-2795(75)90109-9",
            ),
        ),
        direction=HIGHER,
        range=(-1.0, 1.0),
        null_parts={"estimate": "nobody, or everybody, has the event or is predicted to have it"},
        no_interval="without an interval, as none has been shown here to keep its level",
    ),
    Measure(
        "calibration",
        "Calibration",
        "calibration",
        {APPARENT: Calibration, HELD_OUT: later(Calibration)},
        r=_VAL_PROB,
        null_parts=dict.fromkeys(("low", "high"), "the predictions of fewer than half of the samples reach that far"),
        resampled=dict.fromkeys(("low", "high"), "decision_bootstrap"),
        aspect=CALIBRATION,
    ),
    Measure(
        "brier",
        "Brier score",
        "calibration",
        {CALIBRATION: Number, HELD_OUT: later(IntervalBy), BOOTSTRAP: later(Optimism)},
        r=_VAL_PROB,
        name="Brier score",
        direction=LOWER,
        range=SHARE,
        table=BRIER,
        aspect=CALIBRATION,
        methods="the Brier score",
        references=(REFERENCES["brier1950"],),
    ),
    Measure(
        "intercept",
        "Intercept",
        "calibration",
        {CALIBRATION: Number, HELD_OUT: later(Interval), BOOTSTRAP: later(Optimism)},
        r=_VAL_PROB,
        name="calibration intercept",
        null=_NO_LINE,
        null_parts=_LINE_PARTS,
        table=LINE,
        noise=1e-6,
        aspect=CALIBRATION,
        methods="intercept",
    ),
    Measure(
        "slope",
        "Slope",
        "calibration",
        {CALIBRATION: Number, HELD_OUT: later(Interval), BOOTSTRAP: later(Optimism)},
        r=_VAL_PROB,
        name="calibration slope",
        null=_NO_LINE,
        null_parts=_LINE_PARTS,
        table=LINE,
        aspect=CALIBRATION,
        methods="slope",
    ),
    Measure(
        "citl",
        "In the large",
        "calibration",
        {CALIBRATION: Number},
        r="stats::glm",
        null=_NO_LINE,
        table=LINE,
        noise=1e-6,
        aspect=CALIBRATION,
    ),
    Measure(
        "miscalibration",
        "Miscalibration",
        "calibration",
        {CALIBRATION: later(Number)},
        r=_RELIABILITY,
        direction=LOWER,
        range=SHARE,
        table=BRIER,
        aspect=CALIBRATION,
    ),
    Measure(
        "discrimination",
        "Discrimination",
        "calibration",
        {CALIBRATION: later(Number)},
        r=_RELIABILITY,
        direction=HIGHER,
        range=SHARE,
        table=BRIER,
        aspect=CALIBRATION,
    ),
    Measure(
        "uncertainty",
        "Uncertainty",
        "calibration",
        {CALIBRATION: later(Number)},
        r=_RELIABILITY,
        range=(0.0, 0.25),
        aspect=CALIBRATION,
    ),
    Measure(
        "scaled_brier",
        "Scaled Brier",
        "calibration",
        {CALIBRATION: later(Number)},
        direction=HIGHER,
        range=(float("-inf"), 1.0),
        table=BRIER,
        aspect=CALIBRATION,
    ),
    Measure(
        "spiegelhalter_z",
        "Spiegelhalter z",
        "calibration",
        {CALIBRATION: later(Number)},
        r=_VAL_PROB,
        null=_CERTAIN,
        table=BRIER,
        digits=2,
        noise=1e-6,
        aspect=CALIBRATION,
        methods="Spiegelhalter's test",
        references=(REFERENCES["spiegelhalter1986"],),
    ),
    Measure(
        "spiegelhalter_p",
        "p",
        "calibration",
        {CALIBRATION: later(Number)},
        r=_VAL_PROB,
        range=SHARE,
        null=_CERTAIN,
        table=BRIER,
        is_p=True,
        aspect=CALIBRATION,
    ),
    *(
        Measure(
            key,
            label,
            "calibration",
            {CALIBRATION: kind},
            r=r,
            direction=LOWER,
            range=(0.0, float("inf")),  # the smooth curve leaves 0 to 1 where predictions end
            null=_NO_CURVE,
            table=LINE,
            aspect=CALIBRATION,
            methods=methods,
            references=(REFERENCES["austin2019"],),
        )
        for key, label, kind, r, methods in (
            ("ici", "ICI", Number, _VAL_PROB, "the integrated calibration index"),
            ("e50", "E50", later(Number), "", ""),
            ("e90", "E90", later(Number), _VAL_PROB, ""),
            ("emax", "Emax", later(Number), _VAL_PROB, ""),
        )
    ),
    Measure(
        "hosmer_lemeshow",
        "Hosmer–Lemeshow",
        "hosmer_lemeshow",
        {APPARENT: HosmerLemeshow, HELD_OUT: later(HosmerLemeshow)},
        r="ResourceSelection::hoslem.test",
        null_parts=dict.fromkeys(("statistic", "df", "p"), "too few distinct groups of predictions, or an empty one"),
        aspect=CALIBRATION,
        methods="the Hosmer–Lemeshow test",
        references=(REFERENCES["hosmer1980"],),
    ),
    Measure(
        "decision_curve",
        "Decision curve",
        "decision_curve",
        {
            APPARENT: tuple[DecisionPoint, ...],
            HELD_OUT: later(tuple[DecisionPoint, ...]),
            BOOTSTRAP: later(tuple[DecisionPoint, ...]),
        },
        r="rmda::decision_curve",
        null_parts={
            "avoided": "the threshold is 0, where nobody is spared",
            **dict.fromkeys(
                ("avoided_low", "avoided_high"), f"the threshold is 0, where nobody is spared, or {_NOT_HELD}"
            ),
            **dict.fromkeys(("low", "high", "standardized_low", "standardized_high"), _NOT_HELD),
        },
        resampled=dict.fromkeys(
            ("low", "high", "standardized_low", "standardized_high", "avoided_low", "avoided_high"),
            "decision_bootstrap",
        ),
        aspect=USEFULNESS,
        methods="decision curves",
        references=(REFERENCES["vickers2006"],),
    ),
    Measure(
        "decision_curve_at_prevalence",
        "Decision curve at another prevalence",
        "decision_curve_at_prevalence",
        {APPARENT: later(tuple[DecisionPoint, ...]), HELD_OUT: later(tuple[DecisionPoint, ...])},
        null_parts=dict.fromkeys(
            ("avoided", "avoided_low", "avoided_high"), "the threshold is 0, where nobody is spared"
        ),
        resampled=dict.fromkeys(
            ("low", "high", "standardized_low", "standardized_high", "avoided_low", "avoided_high"),
            "decision_bootstrap",
        ),
        aspect=USEFULNESS,
    ),
    Measure(
        "clinical_impact",
        "Clinical impact",
        "clinical_impact",
        {APPARENT: tuple[ImpactPoint, ...], HELD_OUT: later(tuple[ImpactPoint, ...])},
        r="rmda::plot_clinical_impact",
        resampled=dict.fromkeys(
            ("high_risk_low", "high_risk_high", "high_risk_events_low", "high_risk_events_high"), "decision_bootstrap"
        ),
        aspect=USEFULNESS,
    ),
)
#: Those of the table of predicted and observed events.
CLASSIFIED = tuple(measure for measure in MEASURES if measure.cells)
#: Those that the bootstrap corrects for optimism.
CORRECTED = tuple(measure for measure in at(BOOTSTRAP, MEASURES) if measure.kind(BOOTSTRAP) is Optimism)
BY_KEY = {measure.key: measure for measure in MEASURES}


def of_table(table: str) -> tuple[Measure, ...]:
    """The measures that a table of the report shows, a column each."""
    return tuple(measure for measure in MEASURES if measure.table == table)
