"""Tables of models beside each other, and of markers that act together."""

from __future__ import annotations

from typing import Any

import pandas as pd

from prldh.results.tables.cells import flat

#: What a comparison is of.
PAIR = ("a", "b", "adjusted", "scope", "scheme", "n", "events")


def net_benefit_differences(data: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {**{k: d[k] for k in PAIR if k in d}, **p}
            for d in data.get("net_benefit_differences", [])
            for p in d["curve"]
        ]
    )


def reclassification(data: dict[str, Any]) -> pd.DataFrame:
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


def reclassification_table(data: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame(
        [{**{k: r[k] for k in PAIR if k in r}, **cell} for r in data.get("reclassification", []) for cell in r["table"]]
    )


def interaction(data: dict[str, Any]) -> pd.DataFrame:
    interaction = data["interaction"] or {}
    return pd.DataFrame(
        [{"model": kind, **row} for kind in ("unadjusted", "adjusted") for row in interaction.get(kind) or []]
    )


def additive(data: dict[str, Any]) -> pd.DataFrame:
    additive = (data["interaction"] or {}).get("additive") or {}
    return pd.DataFrame(
        [
            {"model": kind, "measure": measure, **interval}
            for kind, measures in additive.items()
            if isinstance(measures, dict)
            for measure, interval in measures.items()
        ]
    )


def products(data: dict[str, Any]) -> pd.DataFrame:
    products = (data["interaction"] or {}).get("product") or {}
    return flat(
        [{"model": kind, "of": key, **term} for kind, terms in products.items() if terms for key, term in terms.items()]
    )


def stratified_roc(data: dict[str, Any]) -> pd.DataFrame:
    return flat(
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
