"""The METRICS score: weights of the items answered yes, over the weights of those answered yes or no (Kocak et al.
2024)."""

from __future__ import annotations

from typing import Any

from prldh.checklists.findings import NOT_APPLICABLE
from prldh.checklists.items import load_standard


def settle_conditions(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Items whose condition is answered no do not apply, whatever else was found of them."""
    no = {e["number"] for e in entries if e.get("is_condition") and e["verdict"] == "no"}
    settled = []
    for entry in entries:
        failed = [c for c in entry.get("conditions") or [] if c in no]
        if failed:
            entry = {
                **entry,
                "status": NOT_APPLICABLE,
                "verdict": "n/a",
                "reason": f"condition {failed[0]} is answered no",
                "remaining": None,
            }
        settled.append(entry)
    return settled


def metrics_score(entries: list[dict[str, Any]]) -> dict[str, Any]:
    """The range in which the score lies, and score and band once every item is answered.

    Parameters
    ----------
    entries
        As :func:`settle_conditions` leaves them. An item whose condition is open is open itself.

    Returns
    -------
    dict
        ``low`` and ``high`` (percent, one decimal; None where no item applies): the score if every open item were
        answered no, or yes; ``open``: their numbers; ``n_yes``, ``n_no``, ``n_open``, ``n_not_applicable``. ``score``
        and ``band`` are None as long as an item is open: a score of the answered items alone is not the study's.
        Open items that turn out not to apply leave the score between the two as well.

    Notes
    -----
    The definition is that of the official tool: score = 100 × (weights of yes) / (weights of yes and no), rounded to
    one decimal; the band is that of the rounded score: very low below 20, low below 40, moderate below 60, good below
    80, excellent from there on. The tool starts with every answer at no; here an open item is neither.
    """
    open_conditions = {e["number"] for e in entries if e.get("is_condition") and e["verdict"] is None}
    weights: dict[str, float] = dict.fromkeys(("yes", "no", "open"), 0.0)
    counts: dict[str, int] = dict.fromkeys(("yes", "no", "open", "n/a"), 0)
    still_open = []
    for entry in entries:
        if entry.get("is_condition"):
            continue
        verdict = entry["verdict"] or "open"
        if verdict != "n/a" and open_conditions & set(entry["conditions"]):
            verdict = "open"
        counts[verdict] += 1
        if verdict == "open":
            still_open.append(entry["number"])
        if verdict != "n/a":
            weights[verdict] += entry["weight"]
    whole = sum(weights.values())
    low, high = _percent(weights["yes"], whole), _percent(weights["yes"] + weights["open"], whole)
    score = None if still_open else low
    return {
        "score": score,
        "low": low,
        "high": high,
        "band": band(score),
        "n_yes": counts["yes"],
        "n_no": counts["no"],
        "n_open": counts["open"],
        "n_not_applicable": counts["n/a"],
        "open": still_open,
        "open_conditions": sorted(open_conditions),
    }


def _percent(part: float, whole: float) -> float | None:
    return round(100 * part / whole, 1) if whole > 0 else None


def band(score: float | None) -> str | None:
    """The band of a rounded score.

    >>> band(79.9), band(80.0)
    ('good', 'excellent')
    """
    if score is None:
        return None
    return next(name for name, least in reversed(load_standard("metrics").bands) if score >= least)
