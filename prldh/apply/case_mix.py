"""How new patients differ from the study's, by covariate and Radscore."""

from __future__ import annotations

from typing import Any

import numpy as np

from prldh.apply.frozen import Frozen, Want
from prldh.apply.patients import NewPatients
from prldh.core import same_text


def describe_case_mix(frozen: Frozen, patients: NewPatients) -> list[dict[str, Any]]:
    """How the new patients differ from the study's: mean and SD, or n and per cent, of each covariate and Radscore that
    a model needs."""
    rows: list[dict[str, Any]] = []
    for entry in frozen.results["table_one"]:
        name = entry["variable"]
        values = patients.columns.get(name, patients.scores.get(name))
        if values is None:
            continue
        values = values[~patients.lacks.get(Want(name), np.zeros(len(values), dtype=bool))]
        if not len(values):
            continue
        for row in entry["rows"]:
            if row["level"] is None:
                sd = float(np.std(values.astype(float), ddof=1)) if len(values) > 1 else None
                new = {"mean": float(np.mean(values.astype(float))), "sd": sd}
                old = {key: row["total"][key] for key in ("mean", "sd")}
            else:
                count = sum(same_text(cell) == same_text(row["level"]) for cell in values)
                new, old = (
                    {"n": count, "percent": 100 * count / len(values)},
                    {key: row["total"][key] for key in ("n", "percent")},
                )
            rows.append({"variable": name, "level": row["level"], "study": old, "new": new})
    return rows
