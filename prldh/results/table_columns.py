"""What the tables of results are: of each what a row is, by which columns rows differ, and what every column means."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from prldh.results.measures import MEASURES

_MODEL = ("model", "adjusted")
_SCHEME = ("scope", "scheme")
_PAIR = ("a", "b", "adjusted", *_SCHEME)


@dataclass(frozen=True)
class TableWords:
    """``row``: what a row is of; ``key``: the columns by which no two rows are the same, empty where rows are points
    of a curve in order; ``columns``: what a column means here and not elsewhere."""

    row: str
    key: tuple[str, ...]
    columns: dict[str, str]


def _of(row: str, *key: str, **columns: str) -> TableWords:
    return TableWords(row, key, columns)


TABLES: dict[str, TableWords] = {
    "measures": _of(
        "a measure of a model, apparent or held out",
        *_MODEL,
        *_SCHEME,
        "measure",
        measure="the measure, by the column that it has in `models` or `validation`",
        estimate="its value",
    ),
    "sample_size": _of("a model", *_MODEL),
    "table_one": _of("a variable or, of one with levels, a level", "variable", "level"),
    "associations": _of("a variable or a level, in two groups of patients", "variable", "by", "level"),
    "univariate_terms": _of("a term, each fitted alone", "term"),
    "univariate_features": _of("a feature, each looked at alone", "tissue", "source", "feature"),
    "models": _of("a model, on the patients that made it", *_MODEL),
    "terms": _of("a coefficient of a model", *_MODEL, "term"),
    "overall_tests": _of("a term with several columns; without a model: alone", *_MODEL, "term"),
    "collinearity": _of("a term of a model, or a feature of a Radscore", *_MODEL, "tissue", "term"),
    "validation": _of("a model, scope and scheme of validation", *_MODEL, *_SCHEME),
    "protocols": _of("a way from features to a model, scheme and model", "protocol", "scheme", "name", "adjusted"),
    "yardstick": _of("a plain learner of all features, and scheme", "learner", "scheme"),
    "added_value": _of("a model beside that of the covariates alone", *_PAIR, "measure"),
    "covariates_alone": _of("the model of the covariates alone", *_MODEL),
    "covariates_alone_terms": _of("a coefficient of the covariates' model", *_MODEL, "term"),
    "covariates_alone_validation": _of("a scope and scheme of the covariates' model", *_MODEL, *_SCHEME),
    "subgroups": _of("a level of a column, and model", "column", *_SCHEME, "level", "name", "adjusted"),
    "subgroup_heterogeneity": _of("a column and model", "column", *_SCHEME, "name", "adjusted"),
    "statistics": _of(
        "a plugin's statistic of a model",
        "name",
        "model",
        "adjusted",
        *_SCHEME,
        name="the statistic, as its plugin registers it",
        label="what the plugin calls it",
        n_repeats="repeats of which `estimate` is the mean",
        estimate="its value",
    ),
    "comparisons": _of("two models, by one measure", *_PAIR, "measure"),
    "interaction": _of("one of the four groups", "model", "group"),
    "additive_interaction": _of("a measure on the additive scale", "model", "measure"),
    "hosmer_lemeshow": _of("a group of predicted risk", *_MODEL, "lower", "upper", observed="events in the group"),
    "calibration_curve": _of(
        "a point of the curve", *_MODEL, "predicted", observed="the smoothed share of events there"
    ),
    "decision_curve": _of("a threshold", *_MODEL, *_SCHEME, "threshold"),
    "clinical_impact": _of("a threshold", *_MODEL, *_SCHEME, "threshold"),
    "decision_curve_at_prevalence": _of("a threshold, at another share of events", *_MODEL, *_SCHEME, "threshold"),
    "net_benefit_differences": _of("a threshold, of two models", *_PAIR, "threshold"),
    "reclassification": _of("two models", *_PAIR),
    "reclassification_table": _of("a cell of old and new category", *_PAIR, "old", "new", nonevents="patients without"),
    "product_terms": _of("a product term of the Radscores", "model", "of"),
    "stratified_roc": _of("a Radscore among patients high or low in the other", "radscore", "group"),
    "bootstrap": _of("a model, scope and measure", *_MODEL, "scope", "measure"),
    "groups": _of("a group that was held out; all as one where the level is empty", *_MODEL, *_SCHEME, "level"),
    "missing": _of("a variable with blanks", "name"),
    "roc": _of("a corner of the curve", *_MODEL, "threshold", "sensitivity", "specificity"),
    "selection": _of("a step of the selection", "tissue", "source", "name", name="the step"),
    "dropped_features": _of("a feature that a step dropped", "tissue", "source", "step", "feature"),
    "stability": _of("a feature, over the resamples of a scheme", "tissue", "scheme", "feature"),
    "stability_index": _of(
        "a tissue and scheme", "tissue", "scheme", estimate="Nogueira's index: 1 is always the same"
    ),
    "size_by_seed": _of("a seed of a step", "tissue", "source", "step", "seed"),
    "sensitivity": _of("another setting of a step", "tissue", "step", "setting"),
    "radscore": _of("a feature of a Radscore, or its intercept", "tissue", "source", "feature"),
    "importance": _of("a feature of a Radscore, over the resamples of a scheme", "tissue", "scheme", "feature"),
    "features_ibsi": _of("a selected feature", "tissue", "source", "feature"),
    "scores": _of("a patient's Radscore", "tissue", "id", high="whether it lies above the cutoff"),
    "excluded": _of("a patient who was left out", "id"),
    "plan_deviations": _of(
        "a difference from the plan",
        "kind",
        "what",
        kind="of what kind",
        what="what it is",
        planned="how it was planned",
        found="how it is",
    ),
    "agreement": _of("a number that both engines computed", "quantity"),
    "warnings": _of("a warning", "code", "stage", "message"),
}

#: What a column means, wherever it stands.
COLUMNS: dict[str, str] = {
    "model": "the model",
    "name": "its name",
    "adjusted": "whether it is adjusted for the covariates",
    "n": "patients",
    "events": "patients with the event",
    "nonevents": "patients without the event",
    "scope": "what was fitted anew: `model`, `pipeline` (the whole modelling process); empty: apparent",
    "scheme": "how patients were held out; empty: apparent",
    "measure": "the measure",
    "estimate": "the estimate",
    "low": "the lower confidence limit",
    "high": "the upper confidence limit",
    "p": "the p-value",
    "statistic": "the test's statistic",
    "df": "its degrees of freedom",
    "df2": "the second degrees of freedom of an F",
    "method": "by which method",
    "reason": "why: a number is missing, or somebody or something was left out",
    "term": "the term of the model, or the feature",
    "variable": "the variable",
    "level": "its level; empty where it has none",
    "type": "continuous, categorical or ordinal",
    "test": "which test",
    "summary": "how the variable is summarised",
    "smd": "the standardised mean difference",
    "unknown_*": "blank cells among these patients",
    "normality_p_*": "p of Shapiro and Wilk's test among these patients",
    "b": "the coefficient, of the log odds",
    "b_prediction": "the coefficient that predictions are made with",
    "se": "its standard error",
    "or": "the odds ratio, with its limits `low` and `high`",
    "fmi": "the fraction of missing information",
    "fit": "by which likelihood",
    "is_radscore": "whether it is a Radscore",
    "is_fitted": "whether it was fitted to these patients' outcomes",
    "p_holm": "p adjusted by Holm",
    "p_bh": "p adjusted by Benjamini and Hochberg",
    "n_parameters": "coefficients beside the intercept",
    "n_candidates_screened": "features that were screened beside",
    "n_needed": "patients needed by Riley's criteria",
    "events_needed": "events needed by them",
    "events_per_parameter": "events for each coefficient",
    "max_parameters": "coefficients that so many patients bear",
    "is_enough": "whether the patients are enough",
    "n_shrinkage": "patients needed for a shrinkage of at most a tenth",
    "n_optimism": "patients needed for a small optimism of R²",
    "n_risk": "patients needed for the mean risk",
    "threshold": "the threshold of the risk",
    "tp": "patients with the event above the threshold",
    "fp": "patients without the event above it",
    "fn": "patients with the event at or below it",
    "tn": "patients without the event at or below it",
    "pauc_sensitivity": "partial AUC at high sensitivity",
    "pauc_specificity": "partial AUC at high specificity",
    "*_corrected": "the same by McClish's correction, 0.5 being chance",
    "*_from": "where the part of the curve begins",
    "*_to": "where it ends",
    "hosmer_lemeshow_statistic": "Hosmer and Lemeshow's statistic",
    "hosmer_lemeshow_df": "its degrees of freedom",
    "hosmer_lemeshow_p": "its p-value",
    "calibration_histogram": "how many predictions lie in each tenth",
    "auc": "the area under the ROC curve",
    "auc_estimate": "the area under the ROC curve",
    "auc_mean": "the mean of the folds' AUCs",
    "auc_groups": "the groups' AUCs pooled with random effects",
    "auc_note": "what is to be known of the pooled AUC",
    "auc_model_minus_pipeline": "the optimism from selection: the AUC with the model refitted less that of the whole",
    "auc_difference": "AUC less that of this run's model",
    "brier_difference": "Brier score less that of this run's model",
    "apparent": "in the patients that made the model",
    "optimism": "how much too high the apparent value is",
    "resampled": "the mean in the bootstrap samples themselves",
    "oob": "the mean in the patients outside of the samples",
    "b632": "the .632 estimate",
    "b632plus": "the .632+ estimate",
    "no_information": "the value where nothing is told",
    "n_resamples": "how many resamples",
    "n_defined": "in how many of them the value exists",
    "n_intercept_only": "refits that ended as the intercept alone",
    "n_empty": "resamples in which nothing was selected",
    "n_groups": "groups that count",
    "seconds": "how long it took",
    "protocol": "the way",
    "learner": "the plain learner",
    "is_better": "whether the corrected interval of the difference excludes 0",
    "n_features_*": "how many features were selected: median, and the middle 95%",
    "a": "the first model",
    "b_": "the second model",
    "difference": "the first less the second",
    "likelihood_ratio_*": "the likelihood-ratio test of nested models",
    "asymptotic_*": "the same by the asymptotic test",
    "vif": "the variance inflation factor",
    "vif_per_df": "the same for one degree of freedom",
    "condition_number": "the condition number of all columns",
    "condition_number_centred": "the same of centred columns",
    "tissue": "the tissue",
    "source": "the source of the features",
    "step": "the step of the selection",
    "feature": "the feature",
    "setting": "the setting",
    "is_used": "whether it is the one that was used",
    "n_shared": "features that both select",
    "features": "the features that it selects",
    "n_in": "features before the step",
    "n_out": "features after it",
    "n_features": "features selected, on average",
    "frequency": "the share of resamples that select it",
    "in_model": "whether the frozen Radscore has it",
    "seed": "the seed",
    "size": "how many features it chose",
    "coefficient": "its coefficient",
    "center": "what is taken from its values first",
    "scale": "by what they are divided then",
    "mean": "the mean fall of the AUC where it is permuted",
    "sd": "the standard deviation of that",
    "id": "the patient",
    "value": "the Radscore",
    "outcome": "1 with the event, 0 without",
    "code": "the code, which docs/warnings.md explains",
    "stage": "where it arose",
    "message": "the sentence",
    "quantity": "which number",
    "r": "by R",
    "python": "by Python",
    "relative": "the difference relative to the larger number",
    "group": "the group",
    "reference": "the group that the odds ratio compares to",
    "radscore": "the Radscore",
    "of": "of what it is the product",
    "boot_low": "the lower percentile of the bootstrap",
    "boot_high": "the upper percentile of the bootstrap",
    "lower": "where the group begins",
    "upper": "where it ends",
    "observed": "the share of events",
    "expected": "events that the model expects there",
    "predicted": "the predicted risk",
    "net_benefit": "net benefit",
    "standardized": "net benefit divided by the share of events",
    "all": "net benefit of treating everyone",
    "avoided": "interventions avoided in 100 patients, with no event missed more",
    "high_risk": "of 1,000 patients, those above the threshold",
    "high_risk_events": "of these, those with the event",
    "categories": "the limits of the categories of risk",
    "old": "the category by the first model",
    "new": "the category by the second model",
    "nri": "the net reclassification improvement",
    "continuous_nri": "the same without categories",
    "idi": "the integrated discrimination improvement",
    "*_up": "moved up",
    "*_down": "moved down",
    "sensitivity": "the share of events above the threshold",
    "specificity": "the share of non-events at or below it",
    "column": "the column of the study",
    "is_blank": "whether the level is that of blank cells",
    "tau2": "the variance between levels",
    "i2": "I²",
    "q": "Cochran's Q",
    "q_p": "its p-value",
    "prediction_low": "the lower limit for another group",
    "prediction_high": "the upper limit for another group",
    "left_out": "levels that do not count",
    "by": "what the patients are divided by",
    "first": "the first group",
    "second": "the second group",
    "image": "the image that it was measured on",
    "class": "PyRadiomics' class",
    "ibsi_name": "IBSI's name",
    "ibsi_code": "IBSI's code",
    "family": "IBSI's family",
    "family_code": "the family's code",
    "definition": "as IBSI defines it, or how it deviates",
    "aggregation": "how matrices are put together",
    "aggregation_code": "its code",
    "deviates": "whether it deviates from IBSI",
    "note": "what is to be known",
    "n_missing": "blank cells",
    "n_first": "patients in the first group",
    "n_second": "patients in the second group",
    "n_levels": "levels that count",
    "cutoff": "the cutoff of the Radscore",
}
#: Of whom a prefix tells.
_GROUPS = {
    "total": "of all patients",
    "event": "of those with the event",
    "nonevent": "of those without",
    "first": "of the first group",
    "second": "of the second group",
}
_CELLS = {
    "mean": "the mean",
    "sd": "the standard deviation",
    "median": "the median",
    "q1": "the first quartile",
    "q3": "the third quartile",
    "min": "the least",
    "max": "the largest",
    "n": "how many",
    "percent": "the share, in per cent",
}
_ENDS = {
    "_low": "the lower confidence limit of",
    "_high": "the upper confidence limit of",
    "_statistic": "the test's statistic of",
    "_p": "the p-value of",
    "_n": "how many patients count for",
    "_events": "among patients with the event:",
    "_nonevents": "among patients without the event:",
}
#: Measures whose heading in the report says too little by itself.
_IN_FULL = {
    "citl": "calibration in the large",
    "miscalibration": "the Brier score's part from wrong calibration",
    "discrimination": "the Brier score's part that is told apart",
    "uncertainty": "the Brier score of the share of events for everyone",
    "spiegelhalter_p": "the p-value of Spiegelhalter's z",
    "ici": "the mean distance of predicted from smoothed observed risk",
    "e50": "the median of these distances",
    "e90": "nine in ten of these distances are below",
    "emax": "the largest of these distances",
    "ppv": "the share with the event of those above the threshold",
    "npv": "the share without the event of those at or below it",
}
_NAMED = {m.key: _IN_FULL.get(m.key) or m.name or m.label for m in MEASURES}
_BY_MEASURE = _NAMED | {f"calibration_{key}": text for key, text in _NAMED.items()}


def meaning(table: str, column: str) -> str:
    """What a column of a table means.

    Raises
    ------
    KeyError
        If nothing says so.
    """
    words = TABLES[table]
    if column in words.columns:
        return words.columns[column]
    if column == "b" and "b" in words.key:
        return COLUMNS["b_"]
    if column in COLUMNS:
        return COLUMNS[column]
    if column in _BY_MEASURE:
        return _BY_MEASURE[column]
    group, _, cell = column.partition("_")
    if group in _GROUPS and cell in _CELLS:
        return f"{_CELLS[cell]} {_GROUPS[group]}"
    for pattern, text in COLUMNS.items():
        if "*" in pattern and re.fullmatch(pattern.replace("*", ".+"), column):
            return text
    for end, text in _ENDS.items():
        if column.endswith(end):
            return f"{text} {meaning(table, column.removesuffix(end))}"
    prefix = next((p for p in ("held_out_auc_", "difference_", "auc_") if column.startswith(p)), None)
    if prefix is not None:
        return f"{prefix.strip('_').replace('_', '-')}: {meaning(table, column.removeprefix(prefix))}"
    raise KeyError(column)


def tables_page() -> str:
    """``docs/result_tables.md``: every table, and every column that some table has."""
    lines = [
        "| table | a row is | rows differ by |",
        "|---|---|---|",
        *(f"| `{n}` | {w.row} | {', '.join(f'`{k}`' for k in w.key)} |" for n, w in TABLES.items()),
    ]
    columns = {name.rstrip("_") if name == "b_" else name: text for name, text in COLUMNS.items() if name != "b_"}
    own = [f"| `{c}` in `{n}` | {text} |" for n, w in TABLES.items() for c, text in w.columns.items()]
    measures = [f"| `{key}` | {text} |" for key, text in _NAMED.items() if key not in columns]
    more = [f"| `*{end}` | {text} what stands before |" for end, text in _ENDS.items()]
    more += [f"| `{group}_*` | a mean, quartile, count or share {text} |" for group, text in _GROUPS.items()]
    shared = [f"| `{name}` | {text} |" for name, text in columns.items()]
    head = ["| column | it is |", "|---|---|"]
    return "\n".join([*lines, "", "## Columns", "", *head, *shared, *measures, *own, *more, ""])


def describe_columns(table: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A row a column of a table: ``column``, ``meaning``, ``is_key`` (rows differ by these)."""
    key = TABLES[table].key
    rows = [{"column": c, "meaning": meaning(table, c), "is_key": c in key} for c in map(str, frame.columns)]
    return pd.DataFrame(rows)
