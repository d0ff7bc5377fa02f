"""What figures show, in words with numbers: alternative texts for those who do not see them. Looks values up, computes
no statistic."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from prldh.core import plain
from prldh.pages import interval_text, p_text
from prldh.report.drawing import slug
from prldh.results import Words, bootstrap_first, by_honesty, honest_auc

#: Says what is seen of models.
Telling = Callable[[list[dict[str, Any]]], str]
#: The threshold probability at which curves are read out, or the nearest that was computed.
READ_AT = 0.2
#: Models that are told one by one.
MOST = 8


def seen_in_figures(data: dict[str, Any], words: Words, names: Iterable[str]) -> dict[str, str]:
    """Name of a figure → what is seen in it; an empty text where its title and caption say all, or a step says it."""
    return {name: _seen(data, words, name) for name in names}


def _seen(data: dict[str, Any], words: Words, name: str) -> str:
    for adjusted, kind in ((False, "unadjusted"), (True, "adjusted")):
        models = [m for m in data["models"] if m["adjusted"] == adjusted]
        telling: dict[str, Telling] = {**OF_MODELS, "roc_bands": partial(_roc_bands, words=words)}
        for prefix, tell in telling.items():
            if name == f"{prefix}_{kind}" and models:
                return tell(models)
    if name == "stratified_roc":
        return _stratified(data["interaction"]["stratified_roc"])
    for tissue, t in data["tissues"].items():
        stem = slug(tissue)
        if name == f"scores_{stem}":
            return _scores(t)
        if name == f"stability_{stem}":
            return _stability(data, t["selection"]["stability"], words)
    return ""


def _each(models: list[dict[str, Any]], tell: Callable[[dict[str, Any]], str]) -> str:
    sentences = [f"{m['name']}: {text}" for m in models[:MOST] if (text := tell(m))]
    return "; ".join(sentences) + ("; and others" if len(models) > MOST else "") + "." if sentences else ""


def _lead(model: dict[str, Any], key: str) -> tuple[str, str, dict[str, Any]] | None:
    """Scope, scheme and entry of the most honest held-out results that have ``key``."""
    return next(
        (
            (scope, scheme, model["validation"][scope][scheme])
            for scope, scheme in by_honesty(model["validation"])
            if key in model["validation"][scope][scheme]
        ),
        None,
    )


def _roc(models: list[dict[str, Any]]) -> str:
    def tell(m: dict[str, Any]) -> str:
        held = honest_auc(m)
        return f"apparent AUC {plain(m['auc']['estimate'])}" + (
            f", held out {plain(held[2]['estimate'])}" if held else ""
        )

    return _each(models, tell)


def _roc_bands(models: list[dict[str, Any]], words: Words) -> str:
    def tell(m: dict[str, Any]) -> str:
        scope, scheme, entry = _lead(m, "roc") or ("", "", m)
        of = words.held_out(scope, scheme) if scheme else "apparent"
        points = [p for p in entry["roc"] if p["specificity"] >= 0.8 and p.get("sensitivity_low") is not None]
        if not points:
            return ""
        best = max(points, key=lambda p: p["sensitivity"])
        shown = {"estimate": best["sensitivity"], "low": best["sensitivity_low"], "high": best["sensitivity_high"]}
        return f"{of}, at a specificity of {plain(best['specificity'])} the sensitivity is {interval_text(shown)}"

    return _each(models, tell)


def _partial(models: list[dict[str, Any]]) -> str:
    return _each(
        models,
        lambda m: (
            f"partial area {plain(m['pauc']['sensitivity']['estimate'])} by sensitivity,"
            f" {plain(m['pauc']['specificity']['estimate'])} by specificity"
        ),
    )


def _calibration(of: Callable[[dict[str, Any]], dict[str, Any] | None]) -> Callable[[list[dict[str, Any]]], str]:
    def tell(m: dict[str, Any]) -> str:
        c = of(m)
        return f"slope {plain(c['slope'], 2)}, mean distance from the diagonal (ICI) {plain(c['ici'])}" if c else ""

    return lambda models: _each(models, tell)


def _held_calibration(m: dict[str, Any]) -> dict[str, Any] | None:
    lead = _lead(m, "calibration")
    return lead[2]["calibration"] if lead else None


def _decision(of: Callable[[dict[str, Any]], list[dict[str, Any]] | None]) -> Callable[[list[dict[str, Any]]], str]:
    def tell(m: dict[str, Any]) -> str:
        above = [
            p["threshold"]
            for p in of(m) or []
            if p["net_benefit"] is not None and p["net_benefit"] > max(p["all"], 0.0) + 1e-9
        ]
        if not above:
            return "nowhere above both treating everyone and treating no one"
        return (
            f"above both treating everyone and no one at {len(above)} thresholds between {plain(min(above), 2)} and"
            f" {plain(max(above), 2)}"
        )

    return lambda models: _each(models, tell)


def _held_decision(m: dict[str, Any]) -> list[dict[str, Any]] | None:
    lead = _lead(m, "decision_curve")
    return lead[2]["decision_curve"] if lead else None


def _nearest(curve: list[dict[str, Any]]) -> dict[str, Any]:
    return min(curve, key=lambda p: abs(p["threshold"] - READ_AT))


def _avoided(models: list[dict[str, Any]]) -> str:
    def tell(m: dict[str, Any]) -> str:
        point = _nearest(_held_decision(m) or m["decision_curve"])
        return (
            f"at a threshold of {plain(point['threshold'], 2)}, {plain(point.get('avoided'), 1)} per 100 patients"
            if point.get("avoided") is not None
            else ""
        )

    return _each(models, tell)


def _impact(models: list[dict[str, Any]]) -> str:
    def tell(m: dict[str, Any]) -> str:
        point = _nearest(m["clinical_impact"])
        return (
            f"at a threshold of {plain(point['threshold'], 2)}, {plain(point['high_risk'], 0)} of 1,000 are called high"
            f" risk, {plain(point['high_risk_events'], 0)} of them with the event"
        )

    return _each(models, tell)


def _stratified(entries: list[dict[str, Any]]) -> str:
    sentences = [
        f"{e['name']}: "
        + ", ".join(f"AUC {interval_text(s['auc'])} among {s['group']}" for s in e["strata"])
        + f", p of the difference {p_text(e['comparison']['p'])}"
        for e in entries
    ]
    return "; ".join(sentences) + "."


def _scores(tissue: dict[str, Any]) -> str:
    if tissue["cutoff"] is None:
        return ""
    events = [s for s in tissue["scores"] if s["outcome"]]
    others = [s for s in tissue["scores"] if not s["outcome"]]
    high = [sum(s["value"] > tissue["cutoff"] for s in group) for group in (events, others)]
    return (
        f"{high[0]} of {len(events)} patients with the event and {high[1]} of {len(others)} without lie above the"
        f" cutoff of {plain(tissue['cutoff'])}."
    )


def _stability(data: dict[str, Any], schemes: dict[str, Any], words: Words) -> str:
    if not schemes:
        return ""
    scheme = bootstrap_first(data, schemes)[0]
    ranked = sorted(schemes[scheme]["frequency"].items(), key=lambda item: -item[1])[:3]
    return (
        f"Most often selected ({words.scheme(scheme).label}): "
        + ", ".join(f"{feature} in {plain(100 * share, 0)}%" for feature, share in ranked)
        + "."
        if ranked
        else ""
    )


OF_MODELS: dict[str, Telling] = {
    "roc": _roc,
    "partial_roc": _partial,
    "calibration": _calibration(lambda m: m["calibration"]),
    "calibration_held_out": _calibration(_held_calibration),
    "decision": _decision(lambda m: m["decision_curve"]),
    "decision_held_out": _decision(_held_decision),
    "avoided": _avoided,
    "impact": _impact,
}
