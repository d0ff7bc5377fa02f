"""From results to a page and its figures."""

from __future__ import annotations

from prldh.report.drawing import Drawing
from prldh.report.figure_plan import MOST_PANELS
from prldh.report.figures import FigureSettings, as_element, write_drawing, write_figures
from prldh.report.model_drawings import draw_calibration, draw_decision, draw_roc_bands
from prldh.report.page import render, render_report, write_beside
from prldh.report.runs import RunComparison, compare_runs
from prldh.report.runs_page import summarise_comparison, write_comparison
from prldh.report.step_drawings import draw_step

__all__ = [
    "Drawing",
    "FigureSettings",
    "MOST_PANELS",
    "RunComparison",
    "as_element",
    "compare_runs",
    "draw_calibration",
    "draw_decision",
    "draw_roc_bands",
    "draw_step",
    "render",
    "render_report",
    "summarise_comparison",
    "write_beside",
    "write_comparison",
    "write_drawing",
    "write_figures",
]
