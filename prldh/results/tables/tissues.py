"""Tables of the tissues: selection, its stability, Radscores."""

from __future__ import annotations

from typing import Any

import pandas as pd

from prldh.results.tables.cells import selected_tissues


def selection(data: dict[str, Any]) -> pd.DataFrame:
    keys = ("source", "name", "n_in", "n_out")
    return pd.DataFrame(
        [
            {"tissue": name, **{k: step[k] for k in keys}}
            for name, t in selected_tissues(data)
            for step in t["selection"]["steps"]
        ]
    )


def dropped(data: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"tissue": name, "source": step["source"], "step": step["name"], "feature": feature, "reason": reason}
            for name, t in selected_tissues(data)
            for step in t["selection"]["steps"]
            for feature, reason in step["dropped"].items()
        ]
    )


def stability(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for name, t in selected_tissues(data):
        for scheme, entry in t["selection"]["stability"].items():
            for feature, share in entry["frequency"].items():
                low, high = entry.get("intervals", {}).get(feature, (None, None))
                rows.append(
                    {
                        "tissue": name,
                        "scheme": scheme,
                        "feature": feature,
                        "frequency": share,
                        "low": low,
                        "high": high,
                        "n_resamples": entry["n_resamples"],
                        "in_model": feature in t["selection"]["features"],
                    }
                )
    return pd.DataFrame(rows)


def stability_index(data: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "tissue": name,
                "scheme": scheme,
                "n_resamples": entry["n_resamples"],
                "n_empty": entry["n_empty"],
                **entry["index"],
            }
            for name, t in selected_tissues(data)
            for scheme, entry in t["selection"]["stability"].items()
            if "index" in entry
        ]
    )


def size_by_seed(data: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"tissue": name, "source": step["source"], "step": step["name"], "seed": seed, "size": size}
            for name, t in selected_tissues(data)
            for step in t["selection"]["steps"]
            if "size_by_seed" in step["details"]
            for seed, size in zip(
                step["details"]["size_by_seed"]["seeds"], step["details"]["size_by_seed"]["sizes"], strict=True
            )
        ]
    )


def sensitivity(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for name, t in selected_tissues(data):
        for each in t["selection"].get("sensitivity", []):
            apparent, held_out = each["auc"] or {}, each["held_out"] or {}
            auc = held_out.get("auc", {})
            rows.append(
                {
                    "tissue": name,
                    **{key: each[key] for key in ("step", "setting", "is_used", "n_shared")},
                    "features": "; ".join(each["features"]),
                    **{f"auc_{key}": apparent.get(key) for key in ("estimate", "low", "high")},
                    "scheme": held_out.get("scheme"),
                    **{f"held_out_auc_{key}": auc.get(key) for key in ("estimate", "low", "high")},
                }
            )
    return pd.DataFrame(rows)


def radscore(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for name, t in selected_tissues(data):
        score = t["radscore"]
        rows.append({"tissue": name, "feature": "(Intercept)", "coefficient": score["intercept"]})
        by_feature = {
            column: score[key] or {}
            for column, key in (("coefficient", "coefficients"), ("center", "center"), ("scale", "scale"))
        }
        for feature in t["selection"]["features"]:
            own = {column: values.get(feature) for column, values in by_feature.items()}
            rows.append({"tissue": name, "source": t["selection"]["sources"][feature], "feature": feature, **own})
    return pd.DataFrame(rows)


def importance(data: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"tissue": name, "scheme": scheme, "feature": feature, **fall, "n_resamples": entry["n_resamples"]}
            for name, t in selected_tissues(data)
            for scheme, entry in (t["radscore"].get("importance") or {}).items()
            for feature, fall in entry["features"].items()
        ]
    )


def scores(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for name, tissue in data["tissues"].items():
        cutoff = tissue["cutoff"]
        rows += [{"tissue": name, **s, "high": cutoff is None or s["value"] > cutoff} for s in tissue["scores"]]
    return pd.DataFrame(rows)
