"""Which figures a tissue has: every patient's Radscore, and how its features were selected. Drawn in
``tissue_drawings.py`` and ``step_drawings.py``."""

from __future__ import annotations

from functools import partial
from typing import Any

from prldh.core import plain
from prldh.report.drawing import Drawing, slug
from prldh.report.step_drawings import draw_step
from prldh.report.tissue_drawings import (
    draw_contributions,
    draw_correlation,
    draw_funnel,
    draw_stability,
    draw_waterfall,
)
from prldh.results import Words, is_bootstrap


def plan_tissue_figures(name: str, data: dict[str, Any], words: Words) -> list[Drawing]:
    """The Radscore of every patient, and how its features were selected."""
    tissue, stem = data["tissues"][name], slug(name)
    drawings = [
        Drawing(
            f"scores_{stem}",
            f"{name}: Radscore by patient",
            f"Every patient's {name} Radscore in ascending order, coloured by outcome; bars start at the cutoff of"
            f" {plain(tissue['cutoff'])}.",
            lambda: draw_waterfall(tissue),
            is_wide=True,
        )
    ]
    selection = tissue["selection"]
    if not selection:
        return drawings
    drawings += _contributions(name, tissue["radscore"].get("contributions") or {})
    if selection["steps"]:
        drawings.append(
            Drawing(
                f"funnel_{stem}",
                f"{name}: features left after each step",
                "Bars: how many features each selection step left. " + _funnel_in_words(selection["steps"], words),
                lambda: draw_funnel(selection["steps"], lambda step: words.step(step).short_label),
                is_wide=True,
                tissue=name,
                kind="funnel",
            )
        )
    return [*drawings, *_step_figures(name, selection["steps"], words), *_kept_figures(name, data, words)]


def _contributions(name: str, added: dict[str, Any]) -> list[Drawing]:
    """What features add to the Radscores of a few patients, from low to high, where that is known."""
    patients = added.get("patients") or []
    if not patients:
        return []
    told = "; ".join(f"{p['id']} {plain(p['value'])}, most by {next(iter(p['features']), 'none')}" for p in patients)
    return [
        Drawing(
            f"contributions_{slug(name)}",
            f"{name}: what features add to a Radscore",
            f"From an average patient's Radscore, {plain(added['base'])}, to that of {len(patients)} patients from low"
            f" to high, feature by feature (SHAP values, log odds): {told}.",
            partial(draw_contributions, added["base"], patients),
            is_wide=True,
            tissue=name,
            kind="contributions",
        )
    ]


def _step_figures(name: str, steps: list[dict[str, Any]], words: Words) -> list[Drawing]:
    """What each step shows of itself; a file's name that is taken gets the step's number."""
    drawings: dict[str, Drawing] = {}
    for number, step in enumerate(steps):
        for figure in words.figures.get((name, number), ()):
            file = f"{figure.name}_{slug(name)}_{slug(step['source'])}"
            file = file if file not in drawings else f"{file}_{number + 1}"
            drawings[file] = Drawing(
                file,
                f"{name}, {step['source']}: {figure.title}",
                figure.description,
                partial(draw_step, figure),
                is_wide=len(figure.parts) > 1,
                tissue=name,
                kind=figure.name,
                seen=figure.seen,
            )
    return list(drawings.values())


def _kept_figures(name: str, data: dict[str, Any], words: Words) -> list[Drawing]:
    """The features that stayed: how they correlate, and how often resamples chose them."""
    selection, stem = data["tissues"][name]["selection"], slug(name)
    drawings = []
    kept, r = selection["features"], selection.get("correlation")
    if r and len(kept) > 1:
        highest = max(abs(v) for i, row in enumerate(r) for v in row[:i])
        drawings.append(
            Drawing(
                f"correlation_{stem}",
                f"{name}: correlation of the features that stayed",
                f"Heat map of Pearson's r between the {len(kept)} features of the Radscore on all patients; the highest"
                f" |r| of two is {plain(highest, 2)}.",
                lambda: draw_correlation(kept, r),
                is_wide=True,
                tissue=name,
                kind="heat map",
            )
        )
    if selection["stability"]:
        schemes = list(selection["stability"])
        scheme = next((s for s in schemes if is_bootstrap(data, s)), schemes[0])
        drawings.append(
            Drawing(
                f"stability_{stem}",
                f"{name}: how often each feature was selected",
                "Share of resamples in which each feature was selected.",
                lambda: draw_stability(selection, scheme, words.scheme(scheme).label),
                is_wide=True,
                tissue=name,
                kind="stability",
            )
        )
    return drawings


def _funnel_in_words(steps: list[dict[str, Any]], words: Words) -> str:
    """``features: 1223 read, 900 after icc, …``"""
    sentences = []
    for source in dict.fromkeys(s["source"] for s in steps):
        own = [s for s in steps if s["source"] == source]
        sentences.append(
            f"{source}: {own[0]['n_in']} read, "
            + ", ".join(f"{s['n_out']} after {words.step(s['name']).short_label}" for s in own)
            + "."
        )
    return " ".join(sentences)
