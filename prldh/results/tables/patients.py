"""Tables of the patients: who they are, who was left out, how many are needed."""

from __future__ import annotations

from typing import Any

import pandas as pd

from prldh.results.tables.cells import model_key


def table_one(data: dict[str, Any]) -> pd.DataFrame:
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


def associations(data: dict[str, Any]) -> pd.DataFrame:
    """One row a line: of a level, or of a continuous variable; empty where results of earlier versions have none."""
    rows = []
    for each in data.get("associations", []):
        own = {k: v for k, v in each.items() if k not in ("rows", "groups")}
        own |= dict(zip(("first", "second"), each["groups"], strict=True))
        for row in each["rows"]:
            cells = {f"{group}_{k}": v for group in ("total", "first", "second") for k, v in row[group].items()}
            rows.append({**own, "level": row["level"], **cells})
    return pd.DataFrame(rows)


def sample_size(data: dict[str, Any]) -> pd.DataFrame:
    rows = []
    for m in data.get("sample_size", {}).get("models", []):
        criteria = {f"n_{c['name']}": c["n"] for c in m["criteria"]}
        rows.append(
            {**model_key(m), **{k: v for k, v in m.items() if k not in ("name", "adjusted", "criteria")}, **criteria}
        )
    return pd.DataFrame(rows)
