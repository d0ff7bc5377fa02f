"""JSON schemas of the study file and of ``results.json``. Names are those of the contract; more may be added."""

from __future__ import annotations

from typing import Any

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
ROC_POINTS = _array(_object(_numbers("threshold", "sensitivity", "specificity")))
CALIBRATION = _object(
    {**_numbers("intercept", "slope", "citl", "brier", "ici"), "method": TEXT, "curve": _array(_object(_numbers("predicted", "observed")))},
    _numbers("scaled_brier", "spiegelhalter_z", "spiegelhalter_p", "e50", "e90", "emax"),
)
HELD_OUT = _object(
    {"auc": _object(_numbers("estimate", "low", "high"), {"method": TEXT}), "n_resamples": INTEGER, "n_intercept_only": INTEGER},
    {
        "auc_mean": INTERVAL, "brier": _object({"estimate": NUMBER}), "calibration": CALIBRATION, "confusion": CONFUSION, "roc": ROC_POINTS,
        **{k: INTERVAL for k in ("accuracy", "sensitivity", "specificity", "ppv", "npv")},
    },
)
OPTIMISM = _object(_numbers("estimate", "low", "high"), _numbers("apparent", "optimism", "resampled", "oob", "b632", "b632plus"))
BOOTSTRAP = _object({"auc": OPTIMISM, "n_resamples": INTEGER, "n_intercept_only": INTEGER}, {"brier": OPTIMISM})
SCOPE = {"type": "object", "properties": {"leave_one_out": HELD_OUT, "folds": HELD_OUT, "bootstrap": BOOTSTRAP}}
GROUP = _object({"group": TEXT, "n": INTEGER, "events": INTEGER, **_numbers("b", "se", "p", "or", "low", "high")})
ADDITIVE = {"anyOf": [{"type": "null"}, _object({"reri": INTERVAL, "ap": INTERVAL, "s": INTERVAL})]}
TERM = _object({"term": TEXT, **_numbers("b", "se", "p", "or", "low", "high")}, {"variable": TEXT, "level": {"type": ["string", "null"]}})
CELLS = _object({"level": {"type": ["string", "null"]}, **{k: {"type": "object"} for k in ("total", "nonevent", "event")}})
COMPARISON = _object({
    "a": TEXT, "b": TEXT, "adjusted": {"type": "boolean"}, "scope": {"enum": ["model", "pipeline", None]}, "scheme": {"type": ["string", "null"]},
    "measure": {"enum": ["auc", "pauc_sensitivity", "pauc_specificity"]}, "method": TEXT, **_numbers("difference", "low", "high", "statistic", "p"),
}, {"likelihood_ratio": _object(_numbers("statistic", "df", "p"))})
MODEL = _object({
    "name": TEXT, "adjusted": {"type": "boolean"}, "n_parameters": INTEGER, "terms": _array(TERM), "separation": _array({"type": "object"}),
    "fit": {"enum": ["maximum likelihood", "firth"]},
    "auc": _object(_numbers("estimate", "low", "high", "variance"), {"method": TEXT}),
    "pauc": _object({focus: _object({"estimate": NUMBER}, _numbers("corrected", "from", "to")) for focus in ("sensitivity", "specificity")}),
    "threshold": NUMBER, "confusion": CONFUSION, **{k: INTERVAL for k in ("accuracy", "sensitivity", "specificity", "ppv", "npv")},
    "hosmer_lemeshow": _object({**_numbers("statistic", "df", "p"), "groups": _array(_object(_numbers("lower", "upper", "n", "observed", "expected")))}),
    "calibration": CALIBRATION,
    "decision_curve": _array(_object(_numbers("threshold", "net_benefit", "standardized", "all", "low", "high"))),
    "clinical_impact": _array(_object(_numbers("threshold", "high_risk", "high_risk_events"))),
    "validation": {"type": "object", "properties": {"model": SCOPE, "pipeline": SCOPE, "difference": _map(NUMBER)}},
}, {"raw_auc": _array(_object({"term": TEXT, **_numbers("estimate", "low", "high")})), "roc": ROC_POINTS})
STEP = _object({"name": TEXT, "source": TEXT, "n_in": INTEGER, "n_out": INTEGER, "dropped": _map(TEXT)})
STABILITY = _object({"n_resamples": INTEGER, "frequency": _map({"type": "number"})}, {
    "intervals": _map({"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}), "intervals_method": TEXT, "ranked": _array(TEXT),
    "index": _object(_numbers("estimate", "low", "high"), {"n_features": INTEGER, "method": TEXT}),
})
TISSUE = _object({
    "selection": {"anyOf": [{"type": "null"}, _object({"steps": _array(STEP), "features": _array(TEXT)}, {"stability": _map(STABILITY)})]},
    "radscore": {"anyOf": [{"type": "null"}, _object({"intercept": NUMBER, **{k: _map(NUMBER) for k in ("coefficients", "center", "scale")}})]},
    "cutoff": NUMBER,
}, {"scores": _array(_object({"id": TEXT, "value": NUMBER, "outcome": {"enum": [0, 1]}})), "column": {"type": ["string", "null"]}})
SAMPLE_SIZE = _object({
    "settings": _object(_numbers("prevalence", "r2_cox_snell", "r2_nagelkerke", "shrinkage", "optimism", "margin")),
    "models": _array(_object({
        "name": TEXT, "adjusted": {"type": "boolean"}, "criteria": _array(_object({"name": TEXT, "n": INTEGER}, {"max_parameters": INTEGER})),
        **{k: INTEGER for k in ("n_parameters", "n_candidates_screened", "n_needed", "events_needed", "n", "events", "max_parameters")},
        "events_per_parameter": NUMBER, "is_enough": {"type": "boolean"},
    })),
})
ENGINE = _object({"version": TEXT, "packages": _map({"type": ["string", "null"]})})


def results_schema() -> dict[str, Any]:
    """JSON schema of ``results.json``."""
    schema = _object({
        "schema": {"const": "prldh-results/1"},
        "cohort": _object({"n": INTEGER, "events": INTEGER, "excluded": _array(_object({"id": TEXT, "reason": TEXT}))}),
        "table_one": _array(_object({
            "variable": TEXT, "test": {"enum": ["t", "welch", "wilcoxon", "chi2", "fisher"]}, **_numbers("statistic", "p"), "rows": _array(CELLS),
        }, _numbers("p_holm", "p_bh", "smd"))),
        "tissues": _map(TISSUE),
        "models": _array(MODEL),
        "comparisons": _array(COMPARISON),
        "interaction": {"anyOf": [{"type": "null"}, _object({
            "reference": TEXT, "unadjusted": _array(GROUP), "adjusted": {"anyOf": [{"type": "null"}, _array(GROUP)]},
            "additive": _object({"reference": TEXT, "unadjusted": ADDITIVE, "adjusted": ADDITIVE}, {"unadjusted_risk_ratio": ADDITIVE}),
            "fit": _map({"enum": ["maximum likelihood", "firth"]}),
        })]},
        "engines": _object({"reported": {"enum": ["r", "python"]}, "r": {"anyOf": [{"type": "null"}, ENGINE]}, "python": ENGINE}),
        "agreement": _array(_object({"quantity": TEXT, **_numbers("r", "python", "difference"), "reason": {"type": ["string", "null"]}})),
        "warnings": _array(_object({"stage": TEXT, "message": TEXT})),
    }, {"study": {"type": "object"}, "sample_size": SAMPLE_SIZE})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "prldh results", **schema}


def schema_of(which: str) -> dict[str, Any]:
    """The JSON schema of ``study`` or ``results``."""
    if which == "results":
        return results_schema()
    from prldh.study import Study

    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Study.model_json_schema()}
