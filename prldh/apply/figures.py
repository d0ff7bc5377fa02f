"""Figures of new patients: ROC curves, calibration and decision curves of the frozen models, drawn as the report's
are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from prldh.core import file_text
from prldh.pages import interval_text, isolated
from prldh.report import (
    ALL_THRESHOLDS,
    MOST_PANELS,
    Drawing,
    FigureSettings,
    Range,
    SubgroupPanel,
    as_element,
    decision_range,
    draw_calibration,
    draw_decision,
    draw_roc_bands,
    draw_subgroups,
    page_file,
    with_bands,
    write_drawing,
)

#: A forest plot has panels for so many models.
MOST_FORESTS = 3


def plan_drawings(entry: Mapping[str, Any], results: Mapping[str, Any] | None = None) -> list[Drawing]:
    """The figures of a cohort whose outcomes are known: three of the unadjusted models, three of the adjusted ones.
    ``results``: of the study, which may say what thresholds are shown; needed to draw, not to tell what there is."""
    if not entry["is_validated"]:
        return []
    drawings = []
    for adjusted, kind in ((False, "unadjusted"), (True, "adjusted")):
        models = [m for m in entry["models"] if m["adjusted"] == adjusted and "auc" in m][:MOST_PANELS]
        if models:
            within = decision_range(results, models) if results else ALL_THRESHOLDS
            drawings += _of_models(models, kind, entry["name"], within)
    return drawings


def _of_models(models: list[dict[str, Any]], kind: str, cohort: str, within: Range) -> list[Drawing]:
    roc = [(m["name"], m["roc"]) for m in models]
    calibration = [(m["name"], m["calibration"]) for m in models]
    decision = [(m["name"], m["decision_curve"]) for m in models]
    areas = "; ".join(f"{isolated(m['name'])} {interval_text(m['auc'])}" for m in models)
    slopes = "; ".join(f"{isolated(m['name'])} {interval_text(m['slope'], 2)}" for m in models)
    is_wide = len(models) > 1
    again = [(f"{m['name']}, recalibrated", m["recalibrated"]) for m in models if "auc" in m.get("recalibrated", {})]
    return [
        Drawing(
            f"roc_{kind}",
            f"{cohort}: ROC curves, {kind}",
            f"AUC on new patients: {areas}.",
            lambda: draw_roc_bands(roc),
            is_wide,
        ),
        Drawing(
            f"calibration_{kind}",
            f"{cohort}: calibration, {kind}",
            f"Calibration slope: {slopes}. Bars: patients by prediction, those with the event in colour.",
            lambda: draw_calibration(calibration),
            is_wide,
        ),
        Drawing(
            f"decision_{kind}",
            f"{cohort}: decision curves, {kind}",
            f"Net benefit by threshold probability{with_bands(curve for _, curve in decision)}.",
            lambda: draw_decision(decision, within),
            True,
        ),
        *(_of_recalibrated(again, kind, cohort, within) if again else ()),
    ]


def _of_recalibrated(models: list[tuple[str, dict[str, Any]]], kind: str, cohort: str, within: Range) -> list[Drawing]:
    """Calibration and decision curves of what recalibration made of the models, on the same patients."""
    calibration = [(name, m["calibration"]) for name, m in models]
    decision = [(name, m["decision_curve"]) for name, m in models]
    slopes = "; ".join(f"{isolated(name)} {interval_text(m['slope'], 2)}" for name, m in models)
    return [
        Drawing(
            f"calibration_{kind}_recalibrated",
            f"{cohort}: calibration, {kind}, recalibrated",
            f"Calibration slope: {slopes}. The same patients as above, none of whom recalibrated.",
            lambda: draw_calibration(calibration),
            len(models) > 1,
        ),
        Drawing(
            f"decision_{kind}_recalibrated",
            f"{cohort}: decision curves, {kind}, recalibrated",
            "Net benefit by threshold probability of the recalibrated models"
            f"{with_bands(curve for _, curve in decision)}.",
            lambda: draw_decision(decision, within),
            True,
        ),
    ]


def plan_pooled(pooled: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> list[Drawing]:
    """A forest plot of the cohorts, for the unadjusted models and for the adjusted ones: the AUC in each, and all as
    one."""
    judged = [e for e in entries if e["is_validated"]]
    levels = [f"{e['name']}: {e['events_judged']}/{e['n_judged']} events" for e in judged] + ["Cohorts as one"]
    drawings = []
    for adjusted, kind in ((False, "unadjusted"), (True, "adjusted")):
        panels, told = [], []
        for model in pooled["models"]:
            if model["adjusted"] == adjusted and model["n_cohorts"] > 1:
                own = [_area_of(e, model["name"], adjusted) for e in judged]
                panels.append(SubgroupPanel(model["name"], model["auc"]["estimate"], [*own, model["auc"]]))
                told.append(f"{isolated(model['name'])} {interval_text(model['auc'])}")
        if panels:
            shown = (
                f"AUC in every cohort, and of the cohorts as one (lowest; dotted: expected in another cohort), {kind}"
            )
            description = f"{shown}: {'; '.join(told[:MOST_FORESTS])}."
            draw = partial(draw_subgroups, levels, panels[:MOST_FORESTS], "cohort")
            drawings.append(Drawing(f"forest_{kind}", f"AUC by cohort, {kind}", description, draw, True))
    return drawings


def _area_of(entry: Mapping[str, Any], name: str, adjusted: bool) -> dict[str, Any]:
    """A model's AUC in a cohort."""
    own = (m for m in entry["models"] if (m["name"], m["adjusted"]) == (name, adjusted) and "auc" in m)
    return next((m["auc"] for m in own), {"estimate": None, "low": None, "high": None})


def write_external_figures(entry: Mapping[str, Any], folder: Path, results: Mapping[str, Any]) -> None:
    """Draw them in the study's formats, and as SVG, and as the report shows them."""
    _write(plan_drawings(entry, results), folder, results)


def write_pooled_figures(
    pooled: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], folder: Path, results: Mapping[str, Any]
) -> None:
    """The same of several cohorts together."""
    _write(plan_pooled(pooled, entries), folder, results)


def _write(drawings: Sequence[Drawing], folder: Path, results: Mapping[str, Any]) -> None:
    if not drawings:
        return
    folder.mkdir()
    chosen = FigureSettings.of(results)
    settings = FigureSettings(tuple(dict.fromkeys(("svg", *chosen.formats))), chosen.dpi, chosen.grey)
    for drawing in drawings:
        write_drawing(drawing, settings, folder)


def shown_figures(entry: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """The figures of a cohort for the page: title, description, width and the SVG element of each that is there."""
    return _shown(plan_drawings(entry), re.sub(r"\W", "-", entry["folder"]), folder)


def shown_pooled(pooled: Mapping[str, Any], entries: Sequence[Mapping[str, Any]], folder: Path) -> list[dict[str, Any]]:
    """The same of several cohorts together."""
    return _shown(plan_pooled(pooled, entries), "external-pooled", folder)


def _shown(drawings: Sequence[Drawing], stem: str, folder: Path) -> list[dict[str, Any]]:
    figures = []
    for drawing in drawings:
        path = folder / page_file(drawing.name)
        path = path if path.is_file() else folder / f"{drawing.name}.svg"  # drawn by an earlier version
        if path.is_file():
            name = f"{stem}-{drawing.name}"
            svg = as_element(file_text(path), name)
            figures.append(
                {
                    "name": name,
                    "title": drawing.title,
                    "description": drawing.description,
                    "is_wide": drawing.is_wide,
                    "svg": svg,
                }
            )
    return figures
