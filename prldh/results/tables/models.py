"""Tables of the models as fitted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from prldh.core import APPARENT
from prldh.results.measures import CLASSIFIED
from prldh.results.tables.cells import model_key, selected_tissues, spread


def models_table(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for m in data["models"]:
        row = {
            **model_key(m),
            "n_parameters": m["n_parameters"],
            **spread("auc", m["auc"]),
        }
        for focus in ("sensitivity", "specificity"):
            area = m["pauc"][focus]
            row.update(spread(f"pauc_{focus}", area))
            row.update(
                {
                    f"pauc_{focus}_{k}": area.get(k)
                    for k in ("corrected", "corrected_low", "corrected_high", "from", "to")
                }
            )
        row["threshold"] = m["threshold"]
        row.update(m["confusion"])
        row.update(classified(m))
        row.update({f"hosmer_lemeshow_{k}": m["hosmer_lemeshow"][k] for k in ("statistic", "df", "p")})
        row.update({f"calibration_{k}": v for k, v in m["calibration"].items() if k not in ("curve", "method")})
        rows.append(row)
    return pd.DataFrame(rows)


def classified(entry: dict[str, Any]) -> dict[str, Any]:
    """The measures of a classification; empty where results of earlier versions lack one."""
    row: dict[str, Any] = {}
    for measure in CLASSIFIED:
        columns = spread(measure.key, entry.get(measure.key))
        row |= columns if measure.has_interval(APPARENT) else {measure.key: columns[measure.key]}
    return row


def terms(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for m in data["models"]:
        predicts_by = (m.get("prediction") or {}).get("coefficients")
        own = [{"b_prediction": term["b"]} for term in predicts_by] if predicts_by else [{}] * len(m["terms"])
        rows += [{**model_key(m), **term, **b} for term, b in zip(m["terms"], own, strict=True)]
    return pd.DataFrame(rows)


def overall_tests(data: dict[str, Any]) -> pd.DataFrame:
    """Of terms with several columns, in models and each alone (model empty)."""
    alone = [{"model": None, "adjusted": False, **t} for t in (data.get("univariate") or {}).get("overall_tests", [])]
    return pd.DataFrame([*({**model_key(m), **t} for m in data["models"] for t in m.get("overall_tests", [])), *alone])


def collinearity(data: dict[str, Any]) -> pd.DataFrame:
    """Variance inflation of models' terms and of Radscores' features, with the condition numbers of all together."""
    rows = []
    for m in data["models"]:
        entry = m.get("collinearity") or {"terms": []}
        whole = {k: entry.get(k) for k in ("condition_number", "condition_number_centred")}
        rows += [
            {**model_key(m), **{k: t.get(k) for k in ("term", "df", "vif", "vif_per_df")}, **whole}
            for t in entry["terms"]
        ]
    for name, tissue in selected_tissues(data):
        entry = tissue["radscore"].get("collinearity") or {}
        for feature, vif in (entry.get("vif") or {}).items():
            rows.append({"tissue": name, "term": feature, "vif": vif, "condition_number": entry["condition_number"]})
    return pd.DataFrame(rows)


def per_model(data: dict[str, Any], pick: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> pd.DataFrame:
    return pd.DataFrame([{**model_key(m), **row} for m in data["models"] for row in pick(m)])


def of_covariates_alone(data: dict[str, Any]) -> dict[str, Any]:
    """The results as if the model of the covariates alone were their only one; without it they have none."""
    return {**data, "models": [data["clinical_model"]] if data.get("clinical_model") else []}
