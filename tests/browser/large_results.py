"""Results of a study as large as any: one study's, with its models, pairs and patients repeated."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import numpy as np


def enlarge(data: dict[str, Any], n_patients: int, n_models: int) -> dict[str, Any]:
    """``n_models`` models, each unadjusted and adjusted, all pairs compared, and ``n_patients`` patients with curves of
    as many steps."""
    g = np.random.default_rng(0)
    large = copy.deepcopy(data)
    names = [f"Model {k} of disc and muscle" for k in range(n_models)]
    large["models"] = []
    for adjusted in (False, True):
        first = next(m for m in data["models"] if m["adjusted"] == adjusted)
        for name in names:
            model = copy.deepcopy(first) | {"name": name}
            model["roc"] = _curve(g, n_patients // 2)
            for scope in ("model", "pipeline"):
                for scheme in model["validation"].get(scope, {}).values():
                    if "roc" in scheme:
                        scheme["roc"] = _curve(g, n_patients // 2)
            large["models"].append(model)
    for key in ("comparisons", "net_benefit_differences", "reclassification"):
        kinds = {(e["adjusted"], e["scope"], e["scheme"], e.get("measure")): e for e in data[key]}
        large[key] = [e | {"a": a, "b": b} for a, b in itertools.combinations(names, 2) for e in kinds.values()]
    large["cohort"] |= {
        "n": n_patients,
        "n_read": n_patients + len(large["cohort"]["excluded"]),
        "events": n_patients // 3,
    }
    for tissue in large["tissues"].values():
        tissue["scores"] = [
            {"id": f"P{i:05d}", "value": float(g.normal()), "outcome": int(i % 3 == 0)} for i in range(n_patients)
        ]
    large["agreement"] = (
        data["agreement"] or [{"quantity": "auc", "r": 0.5, "python": 0.5, "difference": 0.0, "reason": None}]
    ) * (1 + 20_000 // max(1, len(data["agreement"])))
    return large


def _curve(g: np.random.Generator, n: int) -> list[dict[str, float]]:
    x, y = np.sort(g.random(n)), np.sort(np.sqrt(g.random(n)))
    rows = zip(np.linspace(0, 1, n), y[::-1], 1 - x[::-1], strict=True)
    return [
        {
            "threshold": t,
            "sensitivity": b,
            "specificity": a,
            "sensitivity_low": 0.9 * b,
            "sensitivity_high": min(1.0, 1.1 * b),
        }
        for t, b, a in rows
    ]
