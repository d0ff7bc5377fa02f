"""What tables of several subjects share: the columns of a model, of an interval, of a record."""

from __future__ import annotations

from typing import Any

import pandas as pd


def model_key(model: dict[str, Any]) -> dict[str, Any]:
    return {"model": model["name"], "adjusted": model["adjusted"], "n": model.get("n"), "events": model.get("events")}


def spread(prefix: str, interval: dict[str, Any] | None) -> dict[str, Any]:
    interval = interval or {}
    return {
        prefix: interval.get("estimate"),
        f"{prefix}_low": interval.get("low"),
        f"{prefix}_high": interval.get("high"),
    }


def flat(entries: list[dict[str, Any]]) -> pd.DataFrame:
    rows = []
    for entry in entries:
        row = {k: v for k, v in entry.items() if not isinstance(v, dict)}
        for k, v in entry.items():
            if isinstance(v, dict):
                row.update({f"{k}_{name}": value for name, value in v.items()})
        rows.append(row)
    return pd.DataFrame(rows)


def selected_tissues(data: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(name, tissue) for name, tissue in data["tissues"].items() if tissue["selection"]]
