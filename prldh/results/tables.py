"""The results as data frames: what ``tables/*.csv`` and ``Results.tables`` hold. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from prldh.core import APPARENT, CALIBRATION, HELD_OUT, HOLDOUT, at
from prldh.results.features import selected_features
from prldh.results.leakage import ARTEFACT, is_artefact
from prldh.results.measures import CLASSIFIED, CORRECTED, MEASURES

#: What a comparison is of.
PAIR = ("a", "b", "adjusted", "scope", "scheme", "n", "events")


def make_tables(data: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """Every table by name; a table without rows is left out."""
    tables = {
        "measures": _measures(data),
        "sample_size": _sample_size(data),
        "table_one": _table_one(data),
        "associations": _associations(data),
        "univariate_terms": pd.DataFrame((data.get("univariate") or {}).get("terms", [])),
        "models": _models(data),
        "terms": _terms(data),
        "overall_tests": _overall_tests(data),
        "collinearity": _collinearity(data),
        "validation": _validation(data),
        "protocols": _protocols(data),
        "yardstick": _yardstick(data),
        "added_value": _flat((data.get("clinical_model") or {}).get("added_value", [])),
        "covariates_alone": _models(_of_covariates_alone(data)),
        "covariates_alone_terms": _terms(_of_covariates_alone(data)),
        "covariates_alone_validation": _validation(_of_covariates_alone(data)),
        "subgroups": _subgroups(data),
        "subgroup_heterogeneity": pd.DataFrame(
            [
                {"column": column, "scope": entry["scope"], "scheme": entry["scheme"], **each}
                | {"left_out": "; ".join(each["left_out"])}
                for column, entry in (data.get("subgroups") or {}).items()
                for each in entry["heterogeneity"]
            ]
        ),
        "statistics": pd.DataFrame(data.get("statistics") or []),
        "comparisons": _flat(data["comparisons"]),
        "interaction": _interaction(data),
        "additive_interaction": _additive(data),
        "hosmer_lemeshow": _per_model(data, lambda m: m["hosmer_lemeshow"]["groups"]),
        "calibration_curve": _per_model(data, lambda m: m["calibration"]["curve"]),
        "decision_curve": _curves(data, "decision_curve"),
        "clinical_impact": _curves(data, "clinical_impact"),
        "decision_curve_at_prevalence": _curves(data, "decision_curve_at_prevalence"),
        "net_benefit_differences": pd.DataFrame(
            [
                {**{k: d[k] for k in PAIR if k in d}, **p}
                for d in data.get("net_benefit_differences", [])
                for p in d["curve"]
            ]
        ),
        "reclassification": _reclassification(data),
        "reclassification_table": _reclassification_table(data),
        "product_terms": _products(data),
        "stratified_roc": _stratified_roc(data),
        "bootstrap": _bootstrap(data),
        "groups": _groups(data),
        "missing": pd.DataFrame((data.get("missing") or {}).get("variables", [])),
        "roc": _per_model(data, lambda m: m["roc"]),
        "selection": _selection(data),
        "dropped_features": _dropped(data),
        "stability": _stability(data),
        "stability_index": _stability_index(data),
        "size_by_seed": _size_by_seed(data),
        "sensitivity": _sensitivity(data),
        "radscore": _radscore(data),
        "importance": _importance(data),
        "features_ibsi": pd.DataFrame(selected_features(data)),
        "scores": _scores(data),
        "excluded": pd.DataFrame(data["cohort"]["excluded"]),
        "plan_deviations": pd.DataFrame((data.get("plan") or {}).get("deviations", [])),
        "agreement": pd.DataFrame(data["agreement"]),
        "warnings": pd.DataFrame(data["warnings"]),
    }
    return {name: table for name, table in tables.items() if len(table)}


def _measures(data: dict[str, Any]) -> pd.DataFrame:
    """Tidy: one number with its limits a row, of models as fitted (scope and scheme empty) and held out."""
    keys = ("model", "adjusted", "n", "events", "scope", "scheme")
    rows = []
    for table in (_models(data).assign(scope=None, scheme=None), _validation(data)):
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


def _of_covariates_alone(data: dict[str, Any]) -> dict[str, Any]:
    """The results as if the model of the covariates alone were their only one; without it they have none."""
    return {**data, "models": [data["clinical_model"]] if data.get("clinical_model") else []}


def _sample_size(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for m in data.get("sample_size", {}).get("models", []):
        criteria = {f"n_{c['name']}": c["n"] for c in m["criteria"]}
        rows.append(
            {**_key(m), **{k: v for k, v in m.items() if k not in ("name", "adjusted", "criteria")}, **criteria}
        )
    return pd.DataFrame(rows)


def _protocols(data: dict[str, Any]) -> pd.DataFrame:
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


def _yardstick(data: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"learner": name, "scheme": scheme, **_of_way(entry), "is_better": entry["is_better"]}
            for name, by_scheme in (data.get("yardstick") or {}).items()
            for scheme, entry in by_scheme.items()
        ]
    )


def _subgroups(data: dict[str, Any]) -> pd.DataFrame:
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
                **_spread("auc", model["auc"]),
                **_spread("slope", model["slope"]),
                **_spread("citl", model["citl"]),
                "reason": model["auc"].get("reason"),
            }
            for column, entry in (data.get("subgroups") or {}).items()
            for level in entry["levels"]
            for model in level["models"]
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


def _table_one(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for variable in data["table_one"]:
        test = {
            k: variable[k]
            for k in ("variable", "type", "test", "statistic", "df", "p", "p_holm", "p_bh", "smd", "summary")
            if k in variable
        }
        test |= {f"unknown_{group}": n for group, n in variable.get("unknown", {}).items()}
        test |= {f"normality_p_{group}": each["p"] for group, each in variable.get("normality", {}).items()}
        for row in variable["rows"]:
            cells = {f"{group}_{k}": v for group in ("total", "nonevent", "event") for k, v in row[group].items()}
            rows.append({**test, "level": row["level"], **cells})
    return pd.DataFrame(rows)


def _associations(data: dict[str, Any]) -> pd.DataFrame:
    """One row a line: of a level, or of a continuous variable; empty where results of earlier versions have none."""
    rows = []
    for each in data.get("associations", []):
        own = {k: v for k, v in each.items() if k not in ("rows", "groups")}
        own |= dict(zip(("first", "second"), each["groups"], strict=True))
        for row in each["rows"]:
            cells = {f"{group}_{k}": v for group in ("total", "first", "second") for k, v in row[group].items()}
            rows.append({**own, "level": row["level"], **cells})
    return pd.DataFrame(rows)


def _key(model: dict[str, Any]) -> dict[str, Any]:
    return {"model": model["name"], "adjusted": model["adjusted"], "n": model.get("n"), "events": model.get("events")}


def _spread(prefix: str, interval: dict[str, Any] | None) -> dict[str, Any]:
    interval = interval or {}
    return {
        prefix: interval.get("estimate"),
        f"{prefix}_low": interval.get("low"),
        f"{prefix}_high": interval.get("high"),
    }


def _classified(entry: dict[str, Any]) -> dict[str, Any]:
    """The measures of a classification; empty where results of earlier versions lack one."""
    row: dict[str, Any] = {}
    for measure in CLASSIFIED:
        columns = _spread(measure.key, entry.get(measure.key))
        row |= columns if measure.has_interval(APPARENT) else {measure.key: columns[measure.key]}
    return row


def _models(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for m in data["models"]:
        row = {
            **_key(m),
            "n_parameters": m["n_parameters"],
            **_spread("auc", m["auc"]),
        }
        for focus in ("sensitivity", "specificity"):
            area = m["pauc"][focus]
            row.update(_spread(f"pauc_{focus}", area))
            row.update(
                {
                    f"pauc_{focus}_{k}": area.get(k)
                    for k in ("corrected", "corrected_low", "corrected_high", "from", "to")
                }
            )
        row["threshold"] = m["threshold"]
        row.update(m["confusion"])
        row.update(_classified(m))
        row.update({f"hosmer_lemeshow_{k}": m["hosmer_lemeshow"][k] for k in ("statistic", "df", "p")})
        row.update({f"calibration_{k}": v for k, v in m["calibration"].items() if k not in ("curve", "method")})
        rows.append(row)
    return pd.DataFrame(rows)


def _terms(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for m in data["models"]:
        predicts_by = (m.get("prediction") or {}).get("coefficients")
        own = [{"b_prediction": term["b"]} for term in predicts_by] if predicts_by else [{}] * len(m["terms"])
        rows += [{**_key(m), **term, **b} for term, b in zip(m["terms"], own, strict=True)]
    return pd.DataFrame(rows)


def _overall_tests(data: dict[str, Any]) -> pd.DataFrame:
    """Of terms with several columns, in models and each alone (model empty)."""
    alone = [{"model": None, "adjusted": False, **t} for t in (data.get("univariate") or {}).get("overall_tests", [])]
    return pd.DataFrame([*({**_key(m), **t} for m in data["models"] for t in m.get("overall_tests", [])), *alone])


def _collinearity(data: dict[str, Any]) -> pd.DataFrame:
    """Variance inflation of models' terms and of Radscores' features, with the condition numbers of all together."""
    rows = []
    for m in data["models"]:
        entry = m.get("collinearity") or {"terms": []}
        whole = {k: entry.get(k) for k in ("condition_number", "condition_number_centred")}
        rows += [
            {**_key(m), **{k: t.get(k) for k in ("term", "df", "vif", "vif_per_df")}, **whole} for t in entry["terms"]
        ]
    for name, tissue in _tissues(data):
        entry = tissue["radscore"].get("collinearity") or {}
        for feature, vif in (entry.get("vif") or {}).items():
            rows.append({"tissue": name, "term": feature, "vif": vif, "condition_number": entry["condition_number"]})
    return pd.DataFrame(rows)


def _groups(data: dict[str, Any]) -> pd.DataFrame:
    """Every group that was held out, and all as one (level empty)."""
    rows = []
    for m in data["models"]:
        for scope, by_scheme in m["validation"].items():
            for scheme, entry in by_scheme.items() if scope != "difference" else ():
                place = {**_key(m), "scope": scope, "scheme": scheme}
                for level in entry.get("groups") or ():
                    spread = [_spread(key, level[key]) for key in ("auc", "slope", "citl", "observed_expected")]
                    own = {key: level[key] for key in ("level", "n", "events")}
                    rows.append({**place, **own, **spread[0], **spread[1], **spread[2], **spread[3]})
                if entry.get("groups"):
                    pooled = entry["auc_groups"]
                    rest = ("tau2", "i2", "q", "q_p", "prediction_low", "prediction_high", "n_groups")
                    rows.append({**place, **_spread("auc", pooled), **{key: pooled[key] for key in rest}})
    return pd.DataFrame(rows)


def _validation(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for m in data["models"]:
        for scope in ("model", "pipeline"):
            for scheme, entry in m["validation"].get(scope, {}).items():
                row = {
                    **_key(m),
                    **_held_out(data, scheme, entry),
                    "scope": scope,
                    "scheme": scheme,
                    **_spread("auc", entry["auc"]),
                    **_spread("auc_mean", entry.get("auc_mean")),
                    **_spread("auc_groups", entry.get("auc_groups")),
                }
                row.update(
                    {k: entry["auc"].get(k) for k in ("apparent", "optimism", "resampled", "oob", "b632", "b632plus")}
                )
                calibration = entry.get("calibration") or {}
                for measure in at(CALIBRATION, MEASURES):
                    if HELD_OUT in measure.places:
                        row.update(_spread(measure.key, entry.get(measure.key)))
                    else:
                        row[f"calibration_{measure.key}"] = calibration.get(measure.key)
                row.update(_classified(entry))
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


def _flat(entries: list[dict[str, Any]]) -> pd.DataFrame:
    rows = []
    for entry in entries:
        row = {k: v for k, v in entry.items() if not isinstance(v, dict)}
        for k, v in entry.items():
            if isinstance(v, dict):
                row.update({f"{k}_{name}": value for name, value in v.items()})
        rows.append(row)
    return pd.DataFrame(rows)


def _interaction(data: dict[str, Any]) -> pd.DataFrame:
    interaction = data["interaction"] or {}
    return pd.DataFrame(
        [{"model": kind, **row} for kind in ("unadjusted", "adjusted") for row in interaction.get(kind) or []]
    )


def _additive(data: dict[str, Any]) -> pd.DataFrame:
    additive = (data["interaction"] or {}).get("additive") or {}
    return pd.DataFrame(
        [
            {"model": kind, "measure": measure, **interval}
            for kind, measures in additive.items()
            if isinstance(measures, dict)
            for measure, interval in measures.items()
        ]
    )


def _per_model(data: dict[str, Any], pick: Callable[[dict[str, Any]], list[dict[str, Any]]]) -> pd.DataFrame:
    return pd.DataFrame([{**_key(m), **row} for m in data["models"] for row in pick(m)])


def _curves(data: dict[str, Any], key: str) -> pd.DataFrame:
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
            {**_key(m), "scope": scope, "scheme": scheme, **point} for scope, scheme, curve in curves for point in curve
        ]
    return pd.DataFrame(rows)


def _bootstrap(data: dict[str, Any]) -> pd.DataFrame:
    """Optimism and its relatives, one row a model, scope and measure."""
    return pd.DataFrame(
        [
            {
                **_key(m),
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


def _reclassification(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for r in data.get("reclassification", []):
        row = {k: r[k] for k in PAIR if k in r} | {"categories": " ".join(f"{c:g}" for c in r["categories"])}
        for name in ("nri", "continuous_nri", "idi"):
            for prefix, improvement in (
                (name, r[name]),
                (f"{name}_events", r[name]["events"]),
                (f"{name}_nonevents", r[name]["nonevents"]),
            ):
                row |= {
                    prefix if k == "estimate" else f"{prefix}_{k}": v
                    for k, v in improvement.items()
                    if not isinstance(v, dict)
                }
        rows.append(row)
    return pd.DataFrame(rows)


def _reclassification_table(data: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [{**{k: r[k] for k in PAIR if k in r}, **cell} for r in data.get("reclassification", []) for cell in r["table"]]
    )


def _products(data: dict[str, Any]) -> pd.DataFrame:
    products = (data["interaction"] or {}).get("product") or {}
    return _flat(
        [{"model": kind, "of": key, **term} for kind, terms in products.items() if terms for key, term in terms.items()]
    )


def _stratified_roc(data: dict[str, Any]) -> pd.DataFrame:
    return _flat(
        [
            {
                "radscore": s["name"],
                **{k: stratum[k] for k in ("group", "n", "events", "auc")},
                **{f"difference_{k}": v for k, v in s["comparison"].items()},
            }
            for s in (data["interaction"] or {}).get("stratified_roc", [])
            for stratum in s["strata"]
        ]
    )


def _tissues(data: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, tissue) for name, tissue in data["tissues"].items() if tissue["selection"]]


def _selection(data: dict[str, Any]) -> pd.DataFrame:
    keys = ("source", "name", "n_in", "n_out")
    return pd.DataFrame(
        [
            {"tissue": name, **{k: step[k] for k in keys}}
            for name, t in _tissues(data)
            for step in t["selection"]["steps"]
        ]
    )


def _dropped(data: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"tissue": name, "source": step["source"], "step": step["name"], "feature": feature, "reason": reason}
            for name, t in _tissues(data)
            for step in t["selection"]["steps"]
            for feature, reason in step["dropped"].items()
        ]
    )


def _stability(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for name, t in _tissues(data):
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


def _stability_index(data: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "tissue": name,
                "scheme": scheme,
                "n_resamples": entry["n_resamples"],
                "n_empty": entry["n_empty"],
                **entry["index"],
            }
            for name, t in _tissues(data)
            for scheme, entry in t["selection"]["stability"].items()
            if "index" in entry
        ]
    )


def _size_by_seed(data: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"tissue": name, "source": step["source"], "step": step["name"], "seed": seed, "size": size}
            for name, t in _tissues(data)
            for step in t["selection"]["steps"]
            if "size_by_seed" in step["details"]
            for seed, size in zip(
                step["details"]["size_by_seed"]["seeds"], step["details"]["size_by_seed"]["sizes"], strict=True
            )
        ]
    )


def _sensitivity(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for name, t in _tissues(data):
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


def _radscore(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for name, t in _tissues(data):
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


def _importance(data: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"tissue": name, "scheme": scheme, "feature": feature, **fall, "n_resamples": entry["n_resamples"]}
            for name, t in _tissues(data)
            for scheme, entry in (t["radscore"].get("importance") or {}).items()
            for feature, fall in entry["features"].items()
        ]
    )


def _scores(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for name, tissue in data["tissues"].items():
        cutoff = tissue["cutoff"]
        rows += [{"tissue": name, **s, "high": cutoff is None or s["value"] > cutoff} for s in tissue["scores"]]
    return pd.DataFrame(rows)
