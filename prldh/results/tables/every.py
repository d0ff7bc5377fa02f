"""Every table of the results, by its name."""

from __future__ import annotations

from typing import Any

import pandas as pd

from prldh.results.features import selected_features
from prldh.results.tables import models, pairs, patients, tissues, validation
from prldh.results.tables.cells import flat


def make_tables(data: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """Every table by name; a table without rows is left out."""
    tables = {
        "measures": validation.measures(data),
        "sample_size": patients.sample_size(data),
        "table_one": patients.table_one(data),
        "associations": patients.associations(data),
        "univariate_terms": pd.DataFrame((data.get("univariate") or {}).get("terms", [])),
        "models": models.models_table(data),
        "terms": models.terms(data),
        "overall_tests": models.overall_tests(data),
        "collinearity": models.collinearity(data),
        "validation": validation.validation_table(data),
        "protocols": validation.protocols(data),
        "yardstick": validation.yardstick(data),
        "added_value": flat((data.get("clinical_model") or {}).get("added_value", [])),
        "covariates_alone": models.models_table(models.of_covariates_alone(data)),
        "covariates_alone_terms": models.terms(models.of_covariates_alone(data)),
        "covariates_alone_validation": validation.validation_table(models.of_covariates_alone(data)),
        "subgroups": validation.subgroups(data),
        "subgroup_heterogeneity": validation.subgroup_heterogeneity(data),
        "statistics": pd.DataFrame(data.get("statistics") or []),
        "comparisons": flat(data["comparisons"]),
        "interaction": pairs.interaction(data),
        "additive_interaction": pairs.additive(data),
        "hosmer_lemeshow": models.per_model(data, lambda m: m["hosmer_lemeshow"]["groups"]),
        "calibration_curve": models.per_model(data, lambda m: m["calibration"]["curve"]),
        "decision_curve": validation.curves(data, "decision_curve"),
        "clinical_impact": validation.curves(data, "clinical_impact"),
        "decision_curve_at_prevalence": validation.curves(data, "decision_curve_at_prevalence"),
        "net_benefit_differences": pairs.net_benefit_differences(data),
        "reclassification": pairs.reclassification(data),
        "reclassification_table": pairs.reclassification_table(data),
        "product_terms": pairs.products(data),
        "stratified_roc": pairs.stratified_roc(data),
        "bootstrap": validation.bootstrap(data),
        "groups": validation.groups(data),
        "missing": pd.DataFrame((data.get("missing") or {}).get("variables", [])),
        "roc": models.per_model(data, lambda m: m["roc"]),
        "selection": tissues.selection(data),
        "dropped_features": tissues.dropped(data),
        "stability": tissues.stability(data),
        "stability_index": tissues.stability_index(data),
        "size_by_seed": tissues.size_by_seed(data),
        "sensitivity": tissues.sensitivity(data),
        "radscore": tissues.radscore(data),
        "importance": tissues.importance(data),
        "features_ibsi": pd.DataFrame(selected_features(data)),
        "scores": tissues.scores(data),
        "excluded": pd.DataFrame(data["cohort"]["excluded"]),
        "plan_deviations": pd.DataFrame((data.get("plan") or {}).get("deviations", [])),
        "agreement": pd.DataFrame(data["agreement"]),
        "warnings": pd.DataFrame(data["warnings"]),
    }
    return {name: table for name, table in tables.items() if len(table)}
