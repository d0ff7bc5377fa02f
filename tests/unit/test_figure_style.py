"""What holds for every figure: one size of type, a name for every curve, axes as wide side by side, curves told apart
in grey, nothing outside its scale; thresholds shown, boxes and arrows, the font, the page's colours. One sweep."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from fontTools.ttLib import TTFont
from matplotlib.colors import to_hex
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from test_report_figures import data, out  # noqa: F401

from prldh.core import Across, Curve, Groups, Paths, Points, StepFigure
from prldh.pages import FAINT, FAMILY, STYLE, figure_font, font_face, grey, look, second
from prldh.pages.canvas import POINTS
from prldh.pages.fonts import FONTS
from prldh.plugins.registry import Registry
from prldh.report.drawing import Drawing
from prldh.report.figure_plan import decision_range, describe_flow, plan_figures
from prldh.report.figures import THEMED, as_element
from prldh.report.model_drawings import BARS, draw_calibration, draw_decision
from prldh.report.panels import plan_panels
from prldh.report.pens import drawn_figure
from prldh.report.step_drawings import draw_step
from prldh.report.subgroup_drawings import SubgroupPanel, draw_subgroups
from prldh.report.tissue_drawings import (
    draw_agreement,
    draw_contributions,
    draw_correlation,
    draw_flow,
    draw_funnel,
    draw_stability,
)
from prldh.report.way_drawings import WayRow, draw_ways
from prldh.report.workflow import draw_workflow
from prldh.results.asking import words_of
from prldh.study.study import Report

AREA = {"estimate": 0.7, "low": 0.6, "high": 0.8}
ACROSS = Across("lambda (log scale)", 0.1, is_log=True, is_reversed=True)
X = [0.01, 0.1, 1.0]
STEPS = [{"source": s, "name": n, "n_in": a, "n_out": b} for s, n, a, b in (("x", "icc", 900, 70), ("y", "icc", 40, 3))]
SELECTION = {"features": ["a"], "stability": {"bootstrap": {"n_resamples": 9, "frequency": {"a": 1.0, "b": 0.2}}}}
EXCLUDED = [
    {"id": str(i), "reason": f"the covariate number {i} of this patient is blank, {'very ' * 30}much so"}
    for i in range(4)
]
COHORT = {"n": 20, "events": 8, "n_read": 24, "excluded": EXCLUDED, "outcome": "y", "event": "1", "non_event": "0"}
STAGES = [
    {
        "Images and regions": ["40 regions"],
        "Features": ["disc", "x: 900 features"],
        "Selection": ["x: 900 → 3 (ICC)"],
        "Radscore": ["3 features"],
    },
    {"Radscore": ["a score that came as a column"]},
]
SHARED = {"Patients": ["24"], "Models": ["a; b " * 30], "Validation": ["folds"], "Report": ["all"]}


def others() -> list[Drawing]:
    """Figures that the small study has not."""
    curve = Curve(ACROSS, "deviance", X, [0.3, None, 0.2], [0.2, None, 0.1], [0.4, None, 0.3])
    few, many = ({f"{'long_name_' * 6}{i}": [0.1 * i, 0.2] for i in range(n)} for n in (3, 40))
    points = {f"scanner {i}": [(i, 1.0), (i, 2.0)] for i in range(9)}
    parts = [
        curve,
        Paths(ACROSS, "coefficient", X, few),
        Paths(ACROSS, "coefficient", X, many),
        Groups(ACROSS, "PC 2", points),
    ]
    steps = [StepFigure("s", "t", "d", tuple(("h", p) for p in parts[k : k + 2])) for k in (0, 2)]
    steps.append(StepFigure("p", "t", "d", (("h", Points(ACROSS, "mean", X, [1.0, None, 2.0], [0.1, 0.1, 0.1])),)))
    r = np.corrcoef(np.random.default_rng(0).normal(size=(80, 50))).tolist()
    patients = [{"id": "p" * 40, "value": 1.0, "features": {"f" * 50: 0.4, "g": -0.2}, "others": 0.1} for _ in range(4)]
    drawn = {
        **{f"step {k}": (lambda s=s: draw_step(s)) for k, s in enumerate(steps)},
        "flow of those left out": lambda: draw_flow(describe_flow({"cohort": COHORT})),
        "workflow": lambda: draw_workflow(SHARED, STAGES),
        "workflow without tissues": lambda: draw_workflow(SHARED, []),
        "funnel": lambda: draw_funnel(STEPS, str),
        "stability": lambda: draw_stability(SELECTION, "bootstrap", "bootstrap"),
        "correlation": lambda: draw_correlation([f"feature_{'x' * 60}_{i}" for i in range(80)], r),
        "contributions": lambda: draw_contributions(0.2, patients),
        "subgroups": lambda: draw_subgroups(["a", "b"], [SubgroupPanel(n, 0.7, [AREA, AREA]) for n in "ab"]),
        "ways": lambda: draw_ways([WayRow(n, AREA, AREA, AREA, n == "a") for n in "ab"]),
        "agreement": lambda: draw_agreement(
            [{"dice": 0.8, "hd95_mm": 2.0}] * 3, {"dice": {"median": 0.8}, "hd95_mm": {"median": 2.0}}
        ),
    }
    return [Drawing(name, name, name, draw) for name, draw in drawn.items()]


@pytest.fixture(scope="module")
def drawings(data):  # noqa: F811
    words = words_of(data, Registry())
    return [*plan_figures(data, words), *plan_panels(data, words), *others()]


def curves(axis):
    """Lines that are drawn as lines."""
    return [
        line for line in axis.lines if line.get_linestyle() not in ("None", "none", "") and len(line.get_xdata()) > 1
    ]


def named(figure) -> set[str]:
    legends = [*figure.legends, *(axis.get_legend() for axis in figure.axes if axis.get_legend())]
    return {text.get_text() for legend in legends for text in legend.get_texts()}


def test_every_figure_has_one_size_of_type_names_its_curves_shows_its_text_and_has_axes_as_wide(drawings):
    """Laying out takes long: once for all that is looked at."""
    assert len(drawings) > 35
    for drawing in drawings:
        with drawn_figure(drawing) as figure:
            texts = [t for t in figure.findobj(Text) if t.get_text().strip() and t.get_visible()]
            assert {t.get_fontsize() for t in texts} <= {POINTS}, drawing.name
            for axis in figure.axes if drawing.name != "figure_s2_radscores" else ():  # its caption tells of its boxes
                lines = {line.get_label() for line in curves(axis)}
                assert not lines - named(figure) - {axis.get_title()}, (drawing.name, lines)
                assert not [name for name in lines if name.startswith("_")], drawing.name
            assert figure.get_figheight() < 9.2, drawing.name  # 230 mm
            drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
            assert drawn.x0 > -0.02 and drawn.x1 < width + 0.02, (drawing.name, drawn)
            assert drawn.y0 > -0.02 and drawn.y1 < height + 0.02, (drawing.name, drawn)
            tell_apart(drawing.name, figure)
            for row, widths in widths_of_axes(figure).items():
                assert max(widths) - min(widths) < 0.004, (drawing.name, row, widths)


def widths_of_axes(figure) -> dict[int, list[float]]:
    """By row of a grid; of axes that are to be of different widths, as shares of those."""
    rows: dict[int, list[float]] = {}
    for axis in figure.axes:
        spec = axis.get_subplotspec()
        if axis.get_visible() and spec and axis.get_label() != "<colorbar>":
            axis.apply_aspect()
            ratios = spec.get_gridspec().get_width_ratios()
            rows.setdefault(spec.rowspan.start, []).append(axis.get_position().width / ratios[spec.colspan.start])
    return rows


def tell_apart(name, figure) -> None:
    for axis in figure.axes:
        looks = [
            (str(line._dash_pattern), line.get_marker(), line.get_markerfacecolor() == "none")
            for line in curves(axis)
            if line.get_marker() not in ("None", None, "")
        ]
        assert len(set(looks)) == len(looks), name


def test_curves_of_a_panel_differ_by_dash_or_marker_in_grey_too(drawings):
    with plt.rc_context(STYLE), grey():
        for drawing in drawings:
            figure = drawing.draw()
            tell_apart(drawing.name, figure)
            plt.close(figure)
    every = [(str(x["linestyle"]), x["marker"], "markerfacecolor" in x) for k in range(9) for x in (look(k), second(k))]
    assert len(set(every)) == 18


def test_predictions_stand_as_bars_under_their_calibration_curve():
    """As high as the patients of that prediction are many, those with the event in the model's colour."""
    curve = [{"predicted": x, "observed": x, "low": None, "high": None} for x in (0.1, 0.9)]
    bins = [
        {"low": 0.0, "high": 0.5, "event": 1, "nonevent": 3},
        {"low": 0.5, "high": 1.0, "event": 2, "nonevent": 0},
    ]
    figure = draw_calibration([("m", {"curve": curve, "method": "smooth", "histogram": bins})])
    strips = [held for axis in figure.axes for held in axis.collections if held.get_label() == BARS]
    bars = [path.get_extents() for held in strips for path in held.get_paths()]
    nonevent, event, more = (bar.height for bar in bars)
    assert nonevent == pytest.approx(3 * event) and more == pytest.approx(2 * event)
    assert bars[1].y0 == pytest.approx(bars[0].y1) and bars[2].y0 == pytest.approx(bars[0].y0)
    assert [to_hex(held.get_facecolor()[0]) for held in strips] == [FAINT, look(0)["color"]]
    assert all(bar.y1 <= 0 for bar in bars)
    plt.close("all")


def test_no_share_is_drawn_outside_0_to_1(data):  # noqa: F811
    curve = [
        {"predicted": x, "observed": y, "low": y - 0.3, "high": y + 0.3}
        for x, y in ((0.1, -0.05), (0.5, 0.6), (0.9, 1.04))
    ]
    figure = draw_calibration([("m", {"curve": curve, "method": "smooth", "histogram": []})])
    (line,) = [line for line in figure.axes[0].lines if line.get_label() == "m"]
    assert line.get_ydata()[1] == 0.6 and np.isnan(line.get_ydata()[[0, 2]]).all()
    for drawing in plan_figures(data, words_of(data, Registry())):
        if re.match("roc|partial|calibration|stratified", drawing.name):
            figure = drawing.draw()
            for axis in figure.axes:
                for line in curves(axis):
                    y = np.asarray(line.get_ydata(), float)
                    assert np.isnan(y).all() or (np.nanmin(y) >= 0 and np.nanmax(y) <= 1), drawing.name
                for band in (held for held in axis.collections if held.get_label() != BARS):
                    for path in band.get_paths():
                        y = path.vertices[:, 1]
                        assert not len(y) or (np.nanmin(y) >= 0 and np.nanmax(y) <= 1), drawing.name
    plt.close("all")


def model(tail: float, n: int = 100, events: int = 20) -> dict:
    impact = [{"threshold": t / 100, "high_risk": 1000.0 if t / 100 < tail else 5.0} for t in range(100)]
    return {"n": n, "events": events, "clinical_impact": impact, "validation": {}}


def test_decision_curves_are_shown_where_it_matters_or_as_the_study_says():
    settings: dict = {"report": {}}
    about = {"study": {"settings": settings}}
    assert decision_range(about, [model(0.1)]) == (0.0, 0.4)  # twice the share of events
    assert decision_range(about, [model(0.1), model(0.62)]) == (0.0, 0.65)  # one in a hundred above
    assert decision_range(about, [model(0.1, events=80)]) == (0.0, 1.0)
    bins = [{"high": k / 10, "event": 0, "nonevent": int(k < 8)} for k in range(1, 11)]
    new = {"n": 100, "events": 10, "calibration": {"histogram": bins}}  # of new patients, no impact curve is known
    assert decision_range(about, [new]) == (0.0, 0.7)
    settings["report"]["decision_range"] = [0.05, 0.3]
    assert decision_range(about, [model(0.1)]) == (0.05, 0.3)
    rows = [
        {"threshold": t / 100, "all": 0.2 - t / 100, "net_benefit": 0.2 - t / 200, "low": None, "high": None}
        for t in range(100)
    ]
    figure = draw_decision([("m", rows)], (0.05, 0.3))
    x = next(line for line in figure.axes[0].lines if line.get_label() == "m").get_xdata()
    assert (min(x), max(x)) == (0.05, 0.3) and figure.axes[0].get_xlim() == (0.05, 0.3)
    plt.close("all")
    assert Report(decision_range=[0, 0.4]).decision_range == (0, 0.4) and Report().decision_range is None
    for wrong in ([0.4, 0.2], [0.2, 0.2], [-0.1, 0.2], [0, 1.2], [0.1]):
        with pytest.raises(ValueError, match="decision_range"):
            Report(decision_range=wrong)


@pytest.mark.parametrize("drawn", [d for d in others() if "flow" in d.name], ids=lambda d: d.name)
def test_arrows_join_boxes_and_boxes_hold_their_text(drawn):
    with drawn_figure(drawn) as figure:
        axis = figure.axes[0]
        boxes = [
            b.get_path().get_extents(b.get_patch_transform()) for b in axis.patches if isinstance(b, FancyBboxPatch)
        ]
        arrows = [a for a in axis.patches if isinstance(a, FancyArrowPatch)]
        assert len(boxes) >= 3 and len(arrows) >= len(boxes) - 1
        lines = [a._path_original.vertices for a in arrows]

        def touches(point, box) -> bool:
            x, y = point
            near = lambda a, b: abs(a - b) < 0.5  # noqa: E731
            across, down = box.x0 - 0.5 <= x <= box.x1 + 0.5, box.y0 - 0.5 <= y <= box.y1 + 0.5
            return (across and (near(y, box.y0) or near(y, box.y1))) or (down and (near(x, box.x0) or near(x, box.x1)))

        for path in lines:
            on_another = any(
                abs(path[0][0] - p[0][0]) < 0.5 and p[0][1] < path[0][1] < p[-1][1] for p in lines if p is not path
            )
            assert touches(path[-1], min(boxes, key=lambda b: not touches(path[-1], b)))
            assert on_another or any(touches(path[0], box) for box in boxes)
        placed = [Bbox(np.sort(b.transformed(axis.transData).get_points(), axis=0)) for b in boxes]
        assert not [1 for k, a in enumerate(placed) for b in placed[:k] if a.overlaps(b)]
        for text in axis.texts:
            own = text.get_window_extent()
            if text.get_fontweight() != "bold":
                assert any(b.x0 <= own.x0 and own.x1 <= b.x1 and b.y0 <= own.y0 and own.y1 <= b.y1 for b in placed), (
                    text
                )


def test_the_font_is_arimo_with_its_licence_and_a_page_holds_the_letters_it_needs():
    assert figure_font() == FAMILY and "SIL OPEN FONT LICENSE" in (FONTS / "OFL.txt").read_text()
    whole = TTFont(FONTS / "Arimo-Regular.ttf")
    widths = [whole["hmtx"][whole.getBestCmap()[ord(letter)]][0] for letter in "aAim0–"]
    assert widths == [1139, 1366, 455, 1706, 1139, 1139]  # Helvetica's, in 1/2048 of the size
    assert all(ord(letter) in whole.getBestCmap() for letter in "−–≥≤²…→×χ±·≠’“”½αβёЖéß€")
    css = font_face("AUC 0.5é漢")
    cut = TTFont(io.BytesIO(base64.b64decode(re.search(r"base64,([^)]+)\)", css)[1])))
    assert set(map(ord, "AUC0.5é")) <= set(cut.getBestCmap()) and len(cut.getBestCmap()) < 12 and len(css) < 20_000


def test_the_page_shows_ink_as_its_own_and_no_colour_that_dark_paper_hides(data, out):  # noqa: F811
    style = (Path(__file__).parents[2] / "reports" / "templates" / "style.css").read_text()
    for shade, themed in THEMED.items():
        assert not themed.startswith("var") or f"--figure-{shade[1:]}: #" in style
    pages = list((out / "figures").glob(".*.page.svg"))
    assert len(pages) > 20
    for path in pages:
        svg = as_element(path.read_text(), "name")
        assert "currentColor" in svg and "font-family: " not in svg and "<text" in svg
        assert set(re.findall(r"font-size: ([^;\"]+)", svg)) == {f"{POINTS}px"}, path
        shades = set(re.findall(r"(?:fill|stroke): (#\w{6})", svg))
        assert not shades or "correlation" in path.name, (path.name, shades)  # a heat map has its own
    plain = (out / "figures" / "roc_unadjusted.svg").read_text()
    assert "var(" not in plain and "currentColor" not in plain and "#ffffff" in plain  # for journals: black on white
