"""Figures: which the results allow, and how they are written. Drawn in ``model_drawings.py`` and ``tissue_drawings.py``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from prldh.report.canvas import STYLE
from prldh.report.model_drawings import (
    draw_avoided,
    draw_calibration,
    draw_decision,
    draw_differences,
    draw_forest,
    draw_impact,
    draw_partial,
    draw_roc,
    draw_stratified_roc,
)
from prldh.report.tissue_drawings import draw_funnel, draw_lasso, draw_size_curve, draw_stability, draw_waterfall
from prldh.summary import HONEST

#: Formats of figures, and the metadata without which every run would write other bytes.
DATELESS: dict[str, dict[str, None] | None] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": None}


@dataclass(frozen=True)
class Drawing:
    """A figure to be drawn: its file name, title, a description for those who do not see it, and how."""

    name: str
    title: str
    description: str
    draw: Callable[[], Figure]
    is_wide: bool = False


def write_figures(data: dict[str, Any], folder: Path) -> dict[str, dict[str, Any]]:
    """Draw every figure once and write it in the formats that the study asks for: SVG (which the report always holds), PDF, PNG at 300 dpi.

    Returns
    -------
    dict
        By name: title, description, whether it is wide, where its files are, and the SVG element for the report.
    """
    folder.mkdir(exist_ok=True)
    formats = data["study"]["settings"].get("report", {}).get("figures", list(DATELESS))
    found = {}
    for drawing in plan_figures(data):
        with _figure(drawing) as figure:
            for suffix in ("svg", *(f for f in formats if f != "svg")):
                figure.savefig(folder / f"{drawing.name}.{suffix}", dpi=300, metadata=DATELESS[suffix])
        svg = (folder / f"{drawing.name}.svg").read_text(encoding="utf-8")
        files = f"Files: figures/{drawing.name}.{', .'.join(formats)}" if formats else ""
        found[drawing.name] = {"title": drawing.title, "description": drawing.description, "is_wide": drawing.is_wide, "svg": _as_element(svg, drawing.name), "files": files}
        if "svg" not in formats:
            (folder / f"{drawing.name}.svg").unlink()
    return found


def _as_element(text: str, name: str) -> str:
    """An SVG file's element, with ids that are unique in a page that holds several figures."""
    text = text[text.index("<svg") :]
    text = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', text)
    return re.sub(r'(href="#|url\(#)([^")]+)', rf"\g<1>{name}-\2", text)


@contextmanager
def _figure(drawing: Drawing) -> Iterator[Figure]:
    with plt.rc_context(STYLE):
        figure = drawing.draw()
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # laid out once, not for every format
        try:
            yield figure
        finally:
            plt.close(figure)


def plan_figures(data: dict[str, Any]) -> list[Drawing]:
    """The figures that these results allow, in the report's order."""
    found: list[Drawing] = []
    for name, tissue in data["tissues"].items():
        found += _tissue_figures(name, tissue)
    for adjusted in (False, True):
        models = [m for m in data["models"] if m["adjusted"] == adjusted]
        if models:
            found += _model_figures(models, "adjusted" if adjusted else "unadjusted", data.get("net_benefit_differences", []))
    if data["interaction"]:
        entries = data["interaction"].get("stratified_roc")
        if entries:
            found.append(Drawing("stratified_roc", "ROC curves within the other tissue's groups", "Each Radscore's apparent ROC curve among patients high and low in the other.", lambda: draw_stratified_roc(entries), is_wide=True))
        for kind in ("unadjusted", "adjusted"):
            rows = data["interaction"].get(kind)
            if rows:
                found.append(Drawing(f"interaction_{kind}", f"Odds ratios of the groups, {kind}", f"Forest plot of the four groups' odds ratios against {data['interaction']['reference']}.", lambda r=rows: draw_forest(r)))
    return found


def slug(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)[:40]


def _tissue_figures(name: str, tissue: dict[str, Any]) -> list[Drawing]:
    stem = slug(name)
    found = [Drawing(f"scores_{stem}", f"{name}: Radscore by patient", f"Every patient's {name} Radscore in ascending order, coloured by outcome, with the cutoff.", lambda: draw_waterfall(tissue), is_wide=True)]
    if not tissue["selection"]:
        return found
    if tissue["selection"]["steps"]:
        found.append(Drawing(f"funnel_{stem}", f"{name}: features left after each step", "Bars: how many features each selection step left, by source.", lambda: draw_funnel(tissue["selection"]["steps"]), is_wide=True))
    for step in tissue["selection"]["steps"]:
        details, source = step["details"], slug(step["source"])
        if step["name"] == "mrmr_forest" and details.get("curve"):
            found.append(Drawing(f"forest_{stem}_{source}", f"{name}, {step['source']}: random forest by number of features", "Mean AUC over inner folds by number of features in mRMR order.", lambda d=details: draw_size_curve(d["curve"], d["chosen_size"], "AUC in inner folds")))
        if step["name"] == "lasso_svm_rfe" and details.get("lasso"):
            found.append(Drawing(f"lasso_{stem}_{source}", f"{name}, {step['source']}: LASSO", "Left: coefficients along lambda. Right: cross-validated deviance with lambda.min.", lambda d=details: draw_lasso(d["lasso"]), is_wide=True))
        if step["name"] == "lasso_svm_rfe" and details.get("svm_rfe"):
            found.append(Drawing(f"svm_rfe_{stem}_{source}", f"{name}, {step['source']}: SVM-RFE", "Accuracy in inner folds by number of features.", lambda d=details: draw_size_curve(d["svm_rfe"], d["svm_rfe"]["chosen_size"], "accuracy in inner folds")))
    if tissue["selection"]["stability"]:
        found.append(Drawing(f"stability_{stem}", f"{name}: how often each feature was selected", "Share of resamples in which each feature was selected.", lambda: draw_stability(tissue["selection"]), is_wide=True))
    return found


def _model_figures(models: list[dict[str, Any]], kind: str, differences: list[dict[str, Any]]) -> list[Drawing]:
    held = _lead_scheme(models)
    of = f"predictions of {held[1].replace('_', '-')}, scope {held[0]}" if held else ""
    found = [
        Drawing(f"roc_{kind}", f"ROC curves, {kind}", "Apparent ROC curves of the models (solid), with the curve of held-out predictions of the whole chain where there is one (dotted).", lambda: draw_roc(models)),
        Drawing(f"partial_roc_{kind}", f"Partial ROC curves, {kind}", "The parts of the ROC curves at high sensitivity and at high specificity.", lambda: draw_partial(models), is_wide=True),
        Drawing(f"calibration_{kind}", f"Calibration, {kind}, apparent", "Observed share of events by predicted probability with pointwise 95% bands; the diagonal is perfect calibration.", lambda: draw_calibration([(m["name"], m["calibration"]) for m in models]), is_wide=True),
        Drawing(f"decision_{kind}", f"Decision curves, {kind}, apparent", "Net benefit by threshold probability, with treat-all and treat-none, and pointwise 95% bands.", lambda: draw_decision([(m["name"], m["decision_curve"]) for m in models]), is_wide=True),
        Drawing(f"avoided_{kind}", f"Net interventions avoided, {kind}", "Per 100 patients, by threshold probability, without letting more events go untreated than treating everyone.", lambda: draw_avoided(models, held), is_wide=True),
        Drawing(f"impact_{kind}", f"Clinical impact, {kind}", "Numbers per 1,000 patients called high risk, and events among them, by threshold, with pointwise 95% bands.", lambda: draw_impact(models), is_wide=True),
    ]
    if held:
        scope, scheme = held
        curves = [(m["name"], m["validation"][scope][scheme]) for m in models]
        found.append(Drawing(f"decision_held_out_{kind}", f"Decision curves, {kind}, held out", f"Net benefit by threshold probability of {of}, with pointwise 95% bands.", lambda: draw_decision([(n, v["decision_curve"]) for n, v in curves]), is_wide=True))
        if all("calibration" in v for _, v in curves):
            found.append(Drawing(f"calibration_held_out_{kind}", f"Calibration, {kind}, held out", f"Observed share of events by predicted probability with pointwise 95% bands; {of}.", lambda: draw_calibration([(n, v["calibration"]) for n, v in curves]), is_wide=True))
        own = [d for d in differences if d["adjusted"] == models[0]["adjusted"] and (d["scope"], d["scheme"]) == held]
        if own:
            found.append(Drawing(f"difference_{kind}", f"Differences of net benefit, {kind}", f"Net benefit of the first model less that of the second, by threshold probability, with pointwise 95% bands; {of}.", lambda: draw_differences(own[:9]), is_wide=True))
    return found


def _lead_scheme(models: list[dict[str, Any]]) -> tuple[str, str] | None:
    """The most honest scope and scheme that every one of these models has."""
    return next((pair for pair in HONEST if all(pair[1] in m["validation"].get(pair[0], {}) for m in models)), None)
