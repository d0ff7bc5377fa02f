"""JSON schemas of the study file and of ``results.json``. Names are those of the contract; more may be added."""

from __future__ import annotations

from typing import Any

from prldh.study import Study

NUMBER = {"type": ["number", "null"]}
TEXT = {"type": "string"}
INTEGER = {"type": "integer", "minimum": 0}


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": {**required, **(optional or {})}}


def _array(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _map(values: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": values}


def _numbers(*names: str) -> dict[str, Any]:
    return {name: NUMBER for name in names}


INTERVAL = _object(_numbers("estimate", "low", "high"))
CONFUSION = _object({k: INTEGER for k in ("tp", "fp", "fn", "tn")})
ROC_POINTS = _array(
    _object(_numbers("threshold", "sensitivity", "specificity"), _numbers("sensitivity_low", "sensitivity_high"))
)
CURVE_BAND = _numbers("low", "high")
CALIBRATION = _object(
    {
        **_numbers("intercept", "slope", "citl", "brier", "ici"),
        "method": TEXT,
        "curve": _array(_object(_numbers("predicted", "observed"), CURVE_BAND)),
    },
    _numbers(
        "miscalibration",
        "discrimination",
        "uncertainty",
        "scaled_brier",
        "spiegelhalter_z",
        "spiegelhalter_p",
        "e50",
        "e90",
        "emax",
    ),
)
HOSMER_LEMESHOW = _object(
    {
        **_numbers("statistic", "df", "p"),
        "groups": _array(_object(_numbers("lower", "upper", "n", "observed", "expected"))),
    }
)
DECISION_CURVE = _array(
    _object(
        _numbers("threshold", "net_benefit", "standardized", "all", "low", "high"),
        _numbers("standardized_low", "standardized_high", "avoided", "avoided_low", "avoided_high"),
    )
)
CLINICAL_IMPACT = _array(
    _object(
        _numbers("threshold", "high_risk", "high_risk_events"),
        _numbers("high_risk_low", "high_risk_high", "high_risk_events_low", "high_risk_events_high"),
    )
)
HELD_OUT = _object(
    {
        "auc": _object(
            _numbers("estimate", "low", "high"),
            {"method": TEXT, "fmi": NUMBER, "repeats": _object({"n": INTEGER, **_numbers("sd", "min", "max")})},
        ),
        "n_resamples": INTEGER,
        "n_intercept_only": INTEGER,
    },
    {
        "null": _object(
            {
                "measure": TEXT,
                "n": INTEGER,
                **_numbers("mean", "low", "high", "p"),
                "values": _array({"type": "number"}),
            }
        ),
        "n_repeats": INTEGER,
        "auc_mean": _object(_numbers("estimate", "low", "high"), {"se": NUMBER}),
        "brier": INTERVAL,
        "intercept": INTERVAL,
        "slope": INTERVAL,
        "calibration": CALIBRATION,
        "hosmer_lemeshow": HOSMER_LEMESHOW,
        "decision_curve": DECISION_CURVE,
        "clinical_impact": CLINICAL_IMPACT,
        "confusion": CONFUSION,
        "roc": ROC_POINTS,
        **{k: INTERVAL for k in ("accuracy", "sensitivity", "specificity", "ppv", "npv")},
    },
)
OPTIMISM = _object(
    _numbers("estimate", "low", "high"),
    {
        **_numbers("apparent", "optimism", "resampled", "no_information"),
        **_numbers(*(f"{k}{limit}" for k in ("oob", "b632", "b632plus") for limit in ("", "_low", "_high"))),
        "n_defined": INTEGER,
        "method": TEXT,
        "reason": TEXT,
    },
)
BOOTSTRAP = _object(
    {"auc": OPTIMISM, "n_resamples": INTEGER, "n_intercept_only": INTEGER},
    {
        "n_usable": INTEGER,
        "brier": OPTIMISM,
        "intercept": OPTIMISM,
        "slope": OPTIMISM,
        "decision_curve": DECISION_CURVE,
    },
)
SCOPE = {"type": "object", "properties": {"leave_one_out": HELD_OUT, "folds": HELD_OUT, "bootstrap": BOOTSTRAP}}
NULL, FIT = {"type": "null"}, {"enum": ["maximum likelihood", "firth"]}
GROUP = _object({"group": TEXT, "n": INTEGER, "events": INTEGER, **_numbers("b", "se", "p", "or", "low", "high")})
MEASURE = _object(
    _numbers("estimate", "low", "high"),
    {**_numbers("boot_low", "boot_high"), "n_resamples": INTEGER, "n_defined": INTEGER},
)
ADDITIVE = {"anyOf": [NULL, _object({"reri": MEASURE, "ap": MEASURE, "s": MEASURE})]}
TERM = _object(
    {"term": TEXT, **_numbers("b", "se", "p", "or", "low", "high")},
    {"variable": TEXT, "level": {"type": ["string", "null"]}, "fmi": NUMBER},
)
CELLS = _object(
    {"level": {"type": ["string", "null"]}, **{k: {"type": "object"} for k in ("total", "nonevent", "event")}}
)
TEST = _numbers("difference", "low", "high", "statistic", "p")
PAIR = {
    "a": TEXT,
    "b": TEXT,
    "adjusted": {"type": "boolean"},
    "scope": {"enum": ["model", "pipeline", None]},
    "scheme": {"type": ["string", "null"]},
}
COMPARISON = _object(
    {**PAIR, "measure": {"enum": ["auc", "pauc_sensitivity", "pauc_specificity"]}, "method": TEXT, **TEST},
    {
        "likelihood_ratio": _object(_numbers("statistic", "df", "p"), {"df2": NUMBER, "method": TEXT}),
        "asymptotic": _object({**TEST, "method": TEXT}),
    },
)
PRODUCT = _object(
    {
        "term": TEXT,
        **_numbers("b", "se", "p", "or", "low", "high"),
        "fit": FIT,
        "likelihood_ratio": _object(_numbers("statistic", "df", "p"), {"df2": NUMBER, "method": TEXT}),
    }
)
PRODUCTS = {"anyOf": [NULL, _object({"groups": PRODUCT, "scores": PRODUCT})]}
STRATIFIED_ROC = _object(
    {
        "name": TEXT,
        "stratified_by": TEXT,
        "comparison": _object(TEST),
        "method": TEXT,
        "strata": _array(_object({"group": TEXT, "n": INTEGER, "events": INTEGER, "auc": INTERVAL, "roc": ROC_POINTS})),
    }
)
CHANGE = _numbers("estimate", "low", "high", "statistic", "p")
MOVES = _object({**CHANGE, "n": INTEGER}, {"up": INTEGER, "down": INTEGER})
RECLASSIFIED = _object({**CHANGE, "events": MOVES, "nonevents": MOVES})
RECLASSIFICATION = _object(
    {
        **PAIR,
        "categories": _array({"type": "number"}),
        "categories_from": TEXT,
        "nri": RECLASSIFIED,
        "continuous_nri": RECLASSIFIED,
        "idi": RECLASSIFIED,
        "method": TEXT,
        "table": _array(_object({"old": INTEGER, "new": INTEGER, "events": INTEGER, "nonevents": INTEGER})),
    }
)
NET_BENEFIT_DIFFERENCE = _object({**PAIR, "curve": _array(_object(_numbers("threshold", "difference", "low", "high")))})
MODEL = _object(
    {
        "name": TEXT,
        "adjusted": {"type": "boolean"},
        "n_parameters": INTEGER,
        "terms": _array(TERM),
        "separation": _array({"type": "object"}),
        "fit": {"enum": ["maximum likelihood", "firth"]},
        "auc": _object(_numbers("estimate", "low", "high", "variance"), {"method": TEXT, "fmi": NUMBER}),
        "pauc": _object(
            {
                focus: _object(
                    {"estimate": NUMBER},
                    _numbers("low", "high", "variance", "corrected", "corrected_low", "corrected_high", "from", "to"),
                )
                for focus in ("sensitivity", "specificity")
            }
        ),
        "threshold": NUMBER,
        "confusion": CONFUSION,
        **{k: INTERVAL for k in ("accuracy", "sensitivity", "specificity", "ppv", "npv")},
        "hosmer_lemeshow": HOSMER_LEMESHOW,
        "calibration": CALIBRATION,
        "decision_curve": DECISION_CURVE,
        "clinical_impact": CLINICAL_IMPACT,
        "validation": {"type": "object", "properties": {"model": SCOPE, "pipeline": SCOPE, "difference": _map(NUMBER)}},
    },
    {
        "n_imputations": INTEGER,
        "raw_auc": _array(_object({"term": TEXT, **_numbers("estimate", "low", "high")})),
        "roc": ROC_POINTS,
    },
)
STEP = _object({"name": TEXT, "source": TEXT, "n_in": INTEGER, "n_out": INTEGER, "dropped": _map(TEXT)})
STABILITY = _object(
    {"n_resamples": INTEGER, "frequency": _map({"type": "number"})},
    {
        "intervals": _map({"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}),
        "intervals_method": TEXT,
        "ranked": _array(TEXT),
        "index": _object(_numbers("estimate", "low", "high"), {"n_features": INTEGER, "method": TEXT}),
    },
)
TISSUE = _object(
    {
        "selection": {
            "anyOf": [
                {"type": "null"},
                _object(
                    {"steps": _array(STEP), "features": _array(TEXT)},
                    {"stability": _map(STABILITY), "correlation": _array(_array(NUMBER))},
                ),
            ]
        },
        "radscore": {
            "anyOf": [
                {"type": "null"},
                _object({"intercept": NUMBER, **{k: _map(NUMBER) for k in ("coefficients", "center", "scale")}}),
            ]
        },
        "cutoff": NUMBER,
    },
    {
        "scores": _array(_object({"id": TEXT, "value": NUMBER, "outcome": {"enum": [0, 1]}})),
        "column": {"type": ["string", "null"]},
    },
)
SAMPLE_SIZE = _object(
    {
        "settings": _object(_numbers("prevalence", "r2_cox_snell", "r2_nagelkerke", "shrinkage", "optimism", "margin")),
        "models": _array(
            _object(
                {
                    "name": TEXT,
                    "adjusted": {"type": "boolean"},
                    "criteria": _array(_object({"name": TEXT, "n": INTEGER}, {"max_parameters": INTEGER})),
                    **{
                        k: INTEGER
                        for k in (
                            "n_parameters",
                            "n_candidates_screened",
                            "n_needed",
                            "events_needed",
                            "n",
                            "events",
                            "max_parameters",
                        )
                    },
                    "events_per_parameter": NUMBER,
                    "is_enough": {"type": "boolean"},
                }
            )
        ),
    }
)
UNIVARIATE = _object(
    {
        "test": {"enum": ["t", "wilcoxon"]},
        "adjusted": _array(TEXT),
        "terms": _array(
            _object(
                {
                    "variable": TEXT,
                    "term": TEXT,
                    "n": INTEGER,
                    "events": INTEGER,
                    "fit": TEXT,
                    **_numbers("b", "se", "p", "or", "low", "high"),
                },
                _numbers("p_holm", "p_bh"),
            )
        ),
        "features": _map(
            _object(
                {"n": INTEGER, "n_tested": INTEGER, "n_below": _map(INTEGER), "smallest": _array({"type": "object"})}
            )
        ),
    }
)
MISSING = _object(
    {
        "variables": _array(_object({"name": TEXT, "n_missing": INTEGER})),
        "n_patients": INTEGER,
        "method": TEXT,
        **{k: INTEGER for k in ("imputations", "iterations", "imputations_in_resamples", "iterations_in_resamples")},
    }
)
ENGINE = _object({"version": TEXT, "packages": _map({"type": ["string", "null"]})})
PLACE = {"patient": TEXT, "line": INTEGER}
SPREAD = _object({"n": INTEGER, **_numbers("mean", "sd", "median", "min", "max")}, _numbers("q1", "q3"))
IMAGES = _object(
    {
        **{k: INTEGER for k in ("n_patients", "n_readers", "n_cases", "n_measured", "n_features")},
        "perturbation": {
            "anyOf": [
                NULL,
                _object(
                    {"n": INTEGER, **_numbers("contour_mm", "smoothness_mm", "translation_mm", "rotation_degrees")}
                ),
            ]
        },
        "sources": _map(
            _object(
                {"version": TEXT, "settings": {"type": "object"}, "packages": _map(TEXT)},
                {
                    "computed": {"type": "object"},
                    "trained_on": _object(
                        {"n_trained": {"type": ["integer", "null"]}, "n": INTEGER, "ids": _array(TEXT)}
                    ),
                },
            )
        ),
        "cases": _array(
            _object(
                {
                    **PLACE,
                    "label": {"type": ["integer", "null"]},
                    "segment": {"type": ["string", "null"]},
                    "modality": {"type": ["string", "null"]},
                    "size": _array(INTEGER),
                    **{k: _array({"type": "number"}) for k in ("spacing_mm", "volume_mm3")},
                    "n_voxels": _array(INTEGER),
                    **_numbers("dice", "hd95_mm"),
                    "dicom": _map(TEXT),
                    "sha256": TEXT,
                },
                {"formats": _object({"image": TEXT, "masks": _array(TEXT)})},
            )
        ),
        "put_aside": _array(_object({**PLACE, "reason": TEXT})),
        "patients_put_aside": _array(_object({"id": TEXT, "reason": TEXT})),
        "findings": _array(
            _object({**PLACE, "severity": {"enum": ["refused", "warning", "note"]}, "kind": TEXT, "message": TEXT})
        ),
        "agreement": {"anyOf": [NULL, {"type": "object", "properties": {"dice": SPREAD, "hd95_mm": SPREAD}}]},
    },
    {"volumes_mm3": _array(SPREAD)},
)


def results_schema() -> dict[str, Any]:
    """JSON schema of ``results.json``."""
    schema = _object(
        {
            "schema": {"const": "prldh-results/1"},
            "cohort": _object(
                {"n": INTEGER, "events": INTEGER, "excluded": _array(_object({"id": TEXT, "reason": TEXT}))},
                {"ranges": _map(_object(_numbers("low", "high")))},
            ),
            "table_one": _array(
                _object(
                    {
                        "variable": TEXT,
                        "test": {"enum": ["t", "welch", "wilcoxon", "chi2", "fisher"]},
                        **_numbers("statistic", "p"),
                        "rows": _array(CELLS),
                    },
                    {**_numbers("p_holm", "p_bh", "smd"), "n_missing": INTEGER},
                )
            ),
            "tissues": _map(TISSUE),
            "models": _array(MODEL),
            "comparisons": _array(COMPARISON),
            "net_benefit_differences": _array(NET_BENEFIT_DIFFERENCE),
            "reclassification": _array(RECLASSIFICATION),
            "interaction": {
                "anyOf": [
                    {"type": "null"},
                    _object(
                        {
                            "reference": TEXT,
                            "unadjusted": _array(GROUP),
                            "adjusted": {"anyOf": [{"type": "null"}, _array(GROUP)]},
                            "additive": _object(
                                {"reference": TEXT, "unadjusted": ADDITIVE, "adjusted": ADDITIVE},
                                {"unadjusted_risk_ratio": ADDITIVE, "adjusted_risk_ratio": ADDITIVE},
                            ),
                            "fit": _map(FIT),
                        },
                        {
                            "product": _object({"unadjusted": PRODUCTS, "adjusted": PRODUCTS}),
                            "stratified_roc": _array(STRATIFIED_ROC),
                        },
                    ),
                ]
            },
            "engines": _object(
                {"reported": {"enum": ["r", "python"]}, "r": {"anyOf": [{"type": "null"}, ENGINE]}, "python": ENGINE}
            ),
            "agreement": _array(
                _object(
                    {"quantity": TEXT, **_numbers("r", "python", "difference"), "reason": {"type": ["string", "null"]}}
                )
            ),
            "warnings": _array(
                _object({"code": {"type": "string", "pattern": "^PRL-[0-9]{3}$"}, "stage": TEXT, "message": TEXT})
            ),
        },
        {
            "study": {"type": "object"},
            "sample_size": SAMPLE_SIZE,
            "ledger": _map(
                _map(
                    _array(
                        _object(
                            {"stage": TEXT, **{k: INTEGER for k in ("n_fits", "n_rows_read", "n_held_out_rows_read")}}
                        )
                    )
                )
            ),
            "images": _map(IMAGES),
            "missing": {"anyOf": [NULL, MISSING]},
            "univariate": {"anyOf": [NULL, UNIVARIATE]},
        },
    )
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "prldh results", **schema}


def schema_of(which: str) -> dict[str, Any]:
    """The JSON schema of ``study`` or ``results``."""
    if which == "results":
        return results_schema()

    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Study.model_json_schema()}
