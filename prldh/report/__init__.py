"""From results to a page and its figures."""

from __future__ import annotations

from prldh.report.calculator import MARK as CALCULATOR_MARK
from prldh.report.calculator import NoCalculator, calculator_of, calculator_page, choose_model
from prldh.report.drawing import Drawing, with_bands
from prldh.report.figure_plan import MOST_PANELS, decision_range
from prldh.report.figures import FigureSettings, as_element, files_of, page_file, write_drawing, write_figures
from prldh.report.model_drawings import ALL_THRESHOLDS, Range, draw_calibration, draw_decision, draw_roc_bands
from prldh.report.notebook import InNotebook, Picture, read_results
from prldh.report.page import render, render_report, write_beside
from prldh.report.runs import RunComparison, compare_runs
from prldh.report.runs_page import summarise_comparison, write_comparison
from prldh.report.step_drawings import draw_step
from prldh.report.subgroup_drawings import SubgroupPanel, draw_subgroups

__all__ = [
    "CALCULATOR_MARK",
    "InNotebook",
    "NoCalculator",
    "Picture",
    "read_results",
    "calculator_of",
    "calculator_page",
    "choose_model",
    "Drawing",
    "FigureSettings",
    "MOST_PANELS",
    "Range",
    "RunComparison",
    "SubgroupPanel",
    "ALL_THRESHOLDS",
    "as_element",
    "compare_runs",
    "decision_range",
    "draw_calibration",
    "draw_decision",
    "draw_roc_bands",
    "draw_subgroups",
    "draw_step",
    "files_of",
    "page_file",
    "render",
    "render_report",
    "summarise_comparison",
    "write_beside",
    "write_comparison",
    "with_bands",
    "write_drawing",
    "write_figures",
]
