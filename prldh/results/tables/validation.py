"""Tables of what was held out: schemes, groups, subgroups, protocols, the yardstick."""

from __future__ import annotations

from typing import Any

import pandas as pd

from prldh.core import CALIBRATION, HELD_OUT, HOLDOUT, at
from prldh.results.leakage import ARTEFACT, is_artefact
from prldh.results.measures import CORRECTED, MEASURES
from prldh.results.tables.cells import model_key, spread
from prldh.results.tables.models import classified, models_table


def validation_table(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for m in data["models"]:
        for scope in ("model", "pipeline"):
            for scheme, entry in m["validation"].get(scope, {}).items():
                row = {
                    **model_key(m),
                    **_held_out(data, scheme, entry),
                    "scope": scope,
                    "scheme": scheme,
                    **spread("auc", entry["auc"]),
                    **spread("auc_mean", entry.get("auc_mean")),
                    **spread("auc_groups", entry.get("auc_groups")),
                }
                row.update(
                    {k: entry["auc"].get(k) for k in ("apparent", "optimism", "resampled", "oob", "b632", "b632plus")}
                )
                calibration = entry.get("calibration") or {}
                for measure in at(CALIBRATION, MEASURES):
                    if HELD_OUT in measure.places:
                        row.update(spread(measure.key, entry.get(measure.key)))
                    else:
                        row[f"calibration_{measure.key}"] = calibration.get(measure.key)
                row.update(classified(entry))
                row.update({k: entry.get(k) for k in ("n_resamples", "n_intercept_only")})
                row["auc_note"] = ARTEFACT if is_artefact(entry) else None
                row["auc_model_minus_pipeline"] = m["validation"].get("difference", {}).get(scheme)
                rows.append(row)
    return pd.DataFrame(rows).dropna(axis=1, how="all")


def _held_out(data: dict[str, Any], scheme: str, entry: dict[str, Any]) -> dict[str, int]:
    """How many are judged where one part alone is held out; by other schemes all of the model's patients are."""
    counts = entry.get("confusion")
    if data["study"]["schemes"][scheme]["kind"] != HOLDOUT or not counts:
        return {}
    return {"n": sum(counts.values()), "events": counts["tp"] + counts["fn"]}


def measures(data: dict[str, Any]) -> pd.DataFrame:
    """Tidy: one number with its limits a row, of models as fitted (scope and scheme empty) and held out."""
    keys = ("model", "adjusted", "n", "events", "scope", "scheme")
    rows = []
    for table in (models_table(data).assign(scope=None, scheme=None), validation_table(data)):
        names = [str(c) for c in table.columns]
        limits = {f"{name}{end}" for name in names for end in ("_low", "_high")} & set(names)
        for row in table.astype(object).where(table.notna(), None).to_dict("records"):
            rows += [
                {**{k: row.get(k) for k in keys}, "measure": name, "estimate": row[name]}
                | {end: row.get(f"{name}_{end}") for end in ("low", "high")}
                for name in names
                if name not in keys and name not in limits and isinstance(row[name], (int, float))
            ]
    return pd.DataFrame(rows)


def groups(data: dict[str, Any]) -> pd.DataFrame:
    """Every group that was held out, and all as one (level empty)."""
    rows = []
    for m in data["models"]:
        for scope, by_scheme in m["validation"].items():
            for scheme, entry in by_scheme.items() if scope != "difference" else ():
                place = {**model_key(m), "scope": scope, "scheme": scheme}
                for level in entry.get("groups") or ():
                    row = {**place, **{key: level[key] for key in ("level", "n", "events")}}
                    for key in ("auc", "slope", "citl", "observed_expected"):
                        row |= spread(key, level[key])
                    rows.append(row)
                if entry.get("groups"):
                    pooled = entry["auc_groups"]
                    rest = ("tau2", "i2", "q", "q_p", "prediction_low", "prediction_high", "n_groups")
                    rows.append({**place, **spread("auc", pooled), **{key: pooled[key] for key in rest}})
    return pd.DataFrame(rows)


def bootstrap(data: dict[str, Any]) -> pd.DataFrame:
    """Optimism and its relatives, one row a model, scope and measure."""
    return pd.DataFrame(
        [
            {
                **model_key(m),
                "scope": scope,
                "measure": measure.key,
                **{k: v for k, v in entry[measure.key].items() if k not in ("method", "reason")},
            }
            for m in data["models"]
            for scope in ("model", "pipeline")
            for entry in m["validation"].get(scope, {}).values()
            if "oob" in entry["auc"]
            for measure in CORRECTED
        ]
    )


def curves(data: dict[str, Any], key: str) -> pd.DataFrame:
    """A curve of every model, apparent (scope and scheme empty) and of held-out predictions; empty where the run made
    none."""
    rows = []
    for m in data["models"]:
        curves: list[tuple[str | None, str | None, Any]] = [(None, None, m.get(key, []))]
        curves += [
            (scope, scheme, v[key])
            for scope in ("model", "pipeline")
            for scheme, v in m["validation"].get(scope, {}).items()
            if key in v
        ]
        rows += [
            {**model_key(m), "scope": scope, "scheme": scheme, **point}
            for scope, scheme, curve in curves
            for point in curve
        ]
    return pd.DataFrame(rows)


def subgroup_heterogeneity(data: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"column": column, "scope": entry["scope"], "scheme": entry["scheme"], **each}
            | {"left_out": "; ".join(each["left_out"])}
            for column, entry in (data.get("subgroups") or {}).items()
            for each in entry["heterogeneity"]
        ]
    )


def subgroups(data: dict[str, Any]) -> pd.DataFrame:
    """One row a column, level and model."""
    return pd.DataFrame(
        [
            {
                "column": column,
                "scope": entry["scope"],
                "scheme": entry["scheme"],
                "level": level["level"],
                "is_blank": level["is_blank"],
                **{key: model[key] for key in ("name", "adjusted", "n", "events")},
                **spread("auc", model["auc"]),
                **spread("slope", model["slope"]),
                **spread("citl", model["citl"]),
                "reason": model["auc"].get("reason"),
            }
            for column, entry in (data.get("subgroups") or {}).items()
            for level in entry["levels"]
            for model in level["models"]
        ]
    )


def protocols(data: dict[str, Any]) -> pd.DataFrame:
    """One row a way, scheme and model; the choice made anew after its ways."""
    rows = []
    choice = data.get("choice") or {"validation": {}}
    for name, entry in (data.get("protocols") or {}).items():
        for scheme, by_model in entry["validation"].items():
            rows += [{"protocol": name, "scheme": scheme, **_of_way(m)} for m in by_model["models"]]
    for scheme, own in choice["validation"].items():
        name = "choice"
        rows.append({"protocol": name, "scheme": scheme, "name": choice["model"], "adjusted": False, **_of_way(own)})
    return pd.DataFrame(rows)


def yardstick(data: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"learner": name, "scheme": scheme, **_of_way(entry), "is_better": entry["is_better"]}
            for name, by_scheme in (data.get("yardstick") or {}).items()
            for scheme, entry in by_scheme.items()
        ]
    )


def _of_way(entry: dict[str, Any]) -> dict[str, Any]:
    """What is said of a way's held-out predictions, and of their difference from this run's, in columns."""
    row: dict[str, Any] = {key: entry[key] for key in ("name", "adjusted") if key in entry}
    for key in ("auc", "auc_mean", "brier", "slope"):
        value = entry[key] or {}
        row |= {key: value.get("estimate"), f"{key}_low": value.get("low"), f"{key}_high": value.get("high")}
    if "n_features" in entry:
        row |= {f"n_features_{key}": value for key, value in entry["n_features"].items()}
        row |= {key: entry[key] for key in ("n_empty", "seconds")}
    for key in ("auc", "brier"):
        value = (entry.get("difference") or {}).get(key) or {}
        row |= {
            f"{key}_difference{end}": value.get(own)
            for end, own in (("", "estimate"), ("_low", "low"), ("_high", "high"))
        }
    return row
