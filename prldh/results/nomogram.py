"""A nomogram: a logistic model as scales of points that are added by hand. Arithmetic of the coefficients in
``results.json``."""

from __future__ import annotations

import math
from typing import Any

from prldh.results.variables import variables_of

#: Probabilities that the lowest scale may show.
PROBABILITIES = (0.001, 0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)


def make_nomogram(model: dict[str, Any], data: dict[str, Any]) -> dict[str, Any] | None:
    """Scales of points of a model of the results.

    Each variable's scale starts at 0 points where it lowers the log odds most; the variable that spans most of the log
    odds, over the range seen, spans 100 points (as in R's ``rms::nomogram``). A continuous variable is linear between
    the least and largest value seen.

    Parameters
    ----------
    model
        An entry of ``models``.
    data
        The whole of ``results.json``: ranges of covariates, Radscores, levels.

    Returns
    -------
    dict or None
        ``axes``: [{variable, label, power, ticks: [{label, points, log_odds}]}], the labels of ticks in units of 10 to
        this power; ``totals``: round points; ``most``: where the total's scale ends; ``probabilities``: [{label,
        points}]; ``intercept`` and ``per_point``: log odds at 0 points, and of one point. None where an estimate is
        infinite, a range is not known (results of an earlier version), nothing varies, or one variable is all there is.
    """
    known = {row["variable"] for row in data.get("table_one", [])} | set(data["tissues"])
    if any(term["variable"] not in known for term in model["terms"][1:]):  # functions and products add up to no scales
        return None
    by_variable: dict[str, list[dict[str, Any]]] = {}
    corrected = (model.get("prediction") or {}).get("coefficients", model["terms"])
    for term, own in zip(model["terms"], corrected, strict=True):
        term = {**term, "b": own["b"]}
        if term["b"] is None:
            return None
        by_variable.setdefault(term["variable"], []).append(term)
    intercept = sum(t["b"] for t in by_variable.pop("(Intercept)", []))
    powers = {variable: _power(variable, terms, data) for variable, terms in by_variable.items()}
    scales = {v: _contributions(v, terms, data, powers[v]) for v, terms in by_variable.items()}
    if len(scales) < 2 or any(len(ticks) < 2 for ticks in scales.values()):
        return None
    least = {variable: min(c for _, c in ticks) for variable, ticks in scales.items()}
    widest = max(max(c for _, c in ticks) - least[variable] for variable, ticks in scales.items())
    if widest <= 0:
        return None
    per_point, start = widest / 100, intercept + sum(least.values())
    variables = variables_of(data)
    axes: list[dict[str, Any]] = [
        {
            "variable": variable,
            "label": variables(variable),
            "power": powers[variable],
            "ticks": [{"label": text, "points": (c - least[variable]) / per_point, "log_odds": c} for text, c in ticks],
        }
        for variable, ticks in scales.items()
    ]
    continuous = {variable for variable, terms in by_variable.items() if terms[0]["level"] is None}
    axes = [
        {
            **a,
            "is_continuous": a["variable"] in continuous,
            "ticks": _apart(a["ticks"], 4.0) if a["variable"] in continuous else a["ticks"],
        }
        for a in axes
    ]
    total = sum(max(t["points"] for t in axis["ticks"]) for axis in axes)
    step = next(s for s in (10, 20, 25, 50, 100, 200, 500, 1000, 5000, 10**6) if total / s <= 12)
    most = step * math.ceil(total / step)
    points_of = {f"{p:g}": (math.log(p / (1 - p)) - start) / per_point for p in PROBABILITIES}
    probabilities = [{"label": label, "points": points} for label, points in points_of.items() if 0 <= points <= most]
    if not probabilities:
        return None
    return {
        "axes": axes,
        "totals": list(range(0, most + 1, step)),
        "most": most,
        "intercept": start,
        "per_point": per_point,
        "probabilities": _apart(probabilities, 0.03 * most),
    }


def _apart(ticks: list[dict[str, Any]], least: float) -> list[dict[str, Any]]:
    """Ticks that are at least so many points apart, both ends among them."""
    ordered = sorted(ticks, key=lambda t: t["points"])
    kept = ordered[:1]
    for tick in ordered[1:-1]:
        if tick["points"] - kept[-1]["points"] >= least and ordered[-1]["points"] - tick["points"] >= least:
            kept.append(tick)
    return kept + ordered[-1:] if len(ordered) > 1 else kept


def _power(variable: str, terms: list[dict[str, Any]], data: dict[str, Any]) -> int:
    """The power of ten that a scale's ticks are counted in: 0 where they can be read as they are."""
    ends = _range(variable, data) if terms[0]["level"] is None else None
    size = max(map(abs, ends)) if ends else 0.0
    return 0 if size == 0 or 1e-3 <= size < 1e5 else math.floor(math.log10(size))


def _contributions(
    variable: str, terms: list[dict[str, Any]], data: dict[str, Any], power: int
) -> list[tuple[str, float]]:
    """(text, log odds) at round values of a continuous variable, or at each level with the reference's 0; the texts in
    units of 10 to the power."""
    if terms[0]["level"] is not None:
        levels = {t["level"]: t["b"] for t in terms}
        return [*((level, 0.0) for level in _levels(variable, data) if level not in levels), *levels.items()]
    ends = _range(variable, data)
    return [(f"{v / 10.0**power:.10g}", terms[0]["b"] * v) for v in round_values(*ends)] if ends else []


def _levels(variable: str, data: dict[str, Any]) -> list[str]:
    return next(
        ([r["level"] for r in v["rows"]] for v in data["table_one"] if v["variable"] == variable), ["reference"]
    )


def _range(variable: str, data: dict[str, Any]) -> tuple[float, float] | None:
    if variable in data["tissues"]:
        values = [s["value"] for s in data["tissues"][variable]["scores"]]
        return min(values), max(values)
    ends = data["cohort"].get("ranges", {}).get(variable)
    return (ends["low"], ends["high"]) if ends and ends["low"] is not None else None


def round_values(low: float, high: float, most: int = 9) -> list[float]:
    """Round values from just below ``low`` to just above ``high``, at most about ``most`` of them.

    Examples
    --------
    >>> round_values(18, 81)
    [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0]
    """
    if not high > low:
        return []
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = next(
        s * power
        for s in (1, 2, 2.5, 5, 10, 20)
        if math.ceil(high / (s * power)) - math.floor(low / (s * power)) < most + 1
    )
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]
