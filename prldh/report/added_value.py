"""What the page shows of the covariates alone, and of what every model adds to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prldh.results import Words, by_honesty, honest_auc, led_by


def added_value_view(data: Mapping[str, Any], words: Words) -> dict[str, Any] | None:
    """The AUC of the covariates alone, held out and apparent, and the differences of every model's, the held-out ones
    of the leading scheme first; None where the run made none."""
    alone = data.get("clinical_model")
    if not alone:
        return None
    leading, added = honest_auc(alone), alone["added_value"]
    tables: list[dict[str, Any]] = []
    for scope, scheme in [*by_honesty(alone["validation"]), (None, None)]:
        rows = _side_by_side([c for c in added if (c["scope"], c["scheme"]) == (scope, scheme)])
        if rows:
            of = f"held out, {words.held_out(scope, scheme)}" if scope and scheme else "apparent"
            tables.append({"of": of, "rows": rows, "is_apparent": not scheme})
    covariates = dict.fromkeys(t["variable"] for t in alone["terms"] if t["variable"] != "(Intercept)")
    return {
        "auc": leading[2] if leading else None,
        "how": led_by(data, dict(alone), words),
        "apparent": alone["auc"],
        "covariates": ", ".join(map(words.variables.label, covariates)),
        "n": alone["n"],
        "events": alone["events"],
        "tables": tables,
        "is_adjusted": any(row["adjusted"] for table in tables for row in table["rows"]),
    }


def _side_by_side(comparisons: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row a model: unadjusted and adjusted beside each other."""
    rows: dict[str, dict[str, Any]] = {}
    for c in comparisons:
        own = rows.setdefault(c["a"], {"model": c["a"], "unadjusted": None, "adjusted": None})
        own["adjusted" if c["adjusted"] else "unadjusted"] = c
    return list(rows.values())
