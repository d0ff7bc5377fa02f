"""Panels for journals: which there are, that they show the results' own numbers, heat maps, several processes; fonts
and names in figures."""

from __future__ import annotations

import ast
import copy
import io
import json
import re
import shutil
import threading
import time
import weakref
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from pages import unmarked
from PIL import Image
from test_report_figures import data, few, out  # noqa: F401

from prldh.core import ComputeError, DataError
from prldh.pages.canvas import TWO_COLUMNS, grey, label, spread
from prldh.plugins.registry import Registry
from prldh.report import figure_plan as plan_module
from prldh.report import figures as figures_module
from prldh.report import page as page_module
from prldh.report.drawing import Drawing
from prldh.report.figure_plan import plan_figures
from prldh.report.figures import FigureSettings, page_file, write_figures
from prldh.report.panels import plan_panels
from prldh.report.pens import drawn_figure, pack_png
from prldh.results.asking import words_of
from prldh.results.words import Words

REGISTRY = Registry()
REPORT = Path(figures_module.__file__).parent


def drawn(data, name, beside=None):  # noqa: F811
    panel = next(p for p in plan_panels(data, words_of(data, REGISTRY), beside) if p.name == name)
    figure = panel.draw()
    assert figure.get_size_inches()[0] == pytest.approx(TWO_COLUMNS) and figure.get_size_inches()[1] < 9.1  # 230 mm
    return figure


def letters(figure) -> list[str]:
    return [
        t.get_text() for axis in figure.axes for t in axis.texts if len(t.get_text()) == 1 and t.get_text().isupper()
    ]


def test_panels_are_the_papers_figures_each_lettered_and_files_beside_the_report(data, out):  # noqa: F811
    n_axes = {
        "figure2_roc": 2,
        "figure3_interaction": 2,
        "figure4_partial_roc": 4,
        "figure5_use": 6,
        "figure_s2_radscores": 4,
    }
    assert [p.name for p in plan_panels(data, Words())] == list(n_axes)
    for name, n in n_axes.items():
        for is_on in (False, True):
            with grey(is_on):
                figure = drawn(data, name)
            assert letters(figure) == list("ABCDEF"[:n]) and len(figure.axes) == n
        assert (out / "figures" / f"{name}.svg").is_file()
    page = unmarked((out / "report.html").read_text())
    # a link, not a second copy of its curves
    assert 'href="figures/figure5_use.svg"' in page and 'id="figure-figure5_use"' not in page
    plt.close("all")


def test_a_study_without_the_content_lacks_the_panel(data):  # noqa: F811
    bare = {
        **data,
        "interaction": None,
        "tissues": {},
        "table_one": [],
        "models": [m for m in data["models"] if not m["adjusted"]],
    }
    assert [p.name for p in plan_panels(bare, Words())] == ["figure2_roc", "figure4_partial_roc", "figure5_use"]
    assert letters(drawn(bare, "figure5_use")) == ["A", "B", "C"]
    assert plan_panels({**bare, "models": []}, Words()) == []
    many = {**bare, "models": [{**bare["models"][0], "name": f"m{k}"} for k in range(9)]}
    assert all("the first are drawn" in p.description for p in plan_panels(many, Words()))
    assert len(drawn(many, "figure2_roc").axes[0].get_legend().get_texts()) == 13  # apparent, held out, chance


def test_a_model_looks_the_same_in_every_part(data):  # noqa: F811
    other = copy.deepcopy(data)
    other["models"] = [m for m in other["models"] if not (m["adjusted"] and m["name"] == data["models"][0]["name"])]
    figure = drawn(other, "figure2_roc")
    looks = [
        {line.get_label().split(":")[0]: to_hex(line.get_color()) for line in axis.lines if ":" in line.get_label()}
        for axis in figure.axes
    ]
    assert (
        looks[1]
        and len(looks[1]) == len(looks[0]) - 2
        and all(looks[0][name] == shade for name, shade in looks[1].items())
    )


def test_panels_show_the_results_numbers_and_compute_none(data):  # noqa: F811
    models = [m for m in data["models"] if not m["adjusted"]]
    curves = drawn(data, "figure5_use").axes[2].lines[2:]
    for line, m in zip(curves, models, strict=True):
        held = m["validation"]["pipeline"]["folds"]["decision_curve"]
        assert line.get_ydata() == pytest.approx(np.array([p["net_benefit"] for p in held], float), nan_ok=True)
    other = copy.deepcopy(data)
    entry = next(e for e in other["table_one"] if e["variable"] == "muscle")
    entry["rows"][0]["event"]["median"] = 123.0
    heights = [line.get_ydata()[0] for line in drawn(other, "figure_s2_radscores").axes[3].lines]
    assert 123.0 in heights  # from Table 1, not from the patients


def test_drawing_modules_import_no_statistics():
    modules = [*REPORT.glob("*drawings.py")]
    assert len(modules) >= 3
    for path in modules:
        names = {
            n
            for node in ast.walk(ast.parse(path.read_text()))
            for n in (
                [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert not [
            n
            for n in names
            if n.split(".")[0] in ("numpy", "scipy", "pandas", "statistics", "sklearn", "statsmodels")
            or (n.startswith("prldh.") and n.split(".")[1] not in ("report", "pages", "core"))
        ], path


def test_selection_panel_has_a_part_for_each_curve(data):  # noqa: F811
    curve = {"sizes": [1, 2, 3], "mean": [0.6, 0.7, 0.65]}
    lasso = {
        "lambda": [0.1, 0.01],
        "path": {"wavelet-LLH_glcm_Idm": [0.0, 1.0]},
        "cv_mean": [1.2, 1.0],
        "cv_sd": [0.1, None],
        "lambda_min": 0.01,
        "coefficients": {"wavelet-LLH_glcm_Idm": 1.0},
    }
    steps = [
        {"name": "mrmr_forest", "source": "radiomics", "details": {"curve": curve, "chosen_size": 2}},
        {
            "name": "lasso_svm_rfe",
            "source": "radiomics",
            "details": {"lasso": lasso, "svm_rfe": {**curve, "chosen_size": 3}},
        },
        {"name": "mrmr_forest", "source": "deep", "details": {"curve": curve, "chosen_size": 1}},
    ]
    tissue = {**data["tissues"]["muscle"], "selection": {"steps": steps, "features": ["a"], "readers": 1}}
    figure = drawn({**data, "tissues": {"muscle": tissue}}, "figure_s1_selection_muscle")
    assert letters(figure) == list("ABCDE") and [a.get_title() for a in figure.axes[:5]][-1] == "deep: random forest"
    assert list(figure.axes[0].lines[0].get_ydata()) == curve["mean"]


def explanation(folder: Path, shade: int = 200, schema: str = "prldh-explanation/2") -> None:
    (folder / "explanation").mkdir(exist_ok=True)
    patients = []
    for k, level in enumerate(("high risk", "medium-high risk", "medium-low risk", "low risk")):
        Image.new("RGB", (92, 80), (shade, 10 * k, 0)).save(folder / "explanation" / f"m_{k}.png")
        patients.append({"level": level, "file": f"m_{k}"})
    about = {"schema": schema, "tissue": "muscle", "patients": patients}
    (folder / "explanation" / "muscle.json").write_text(json.dumps(about))


def test_heat_maps_are_a_panel_where_they_lie_in_the_folder(data, tmp_path, monkeypatch):  # noqa: F811
    explanation(tmp_path)
    (tmp_path / "explanation" / "other.json").write_text("[")
    figure = drawn(data, "figure6_heat_maps_muscle", tmp_path)
    # low risk
    assert letters(figure) == list("ABCD") and np.asarray(figure.axes[3].images[0].get_array())[
        0, 0, :3
    ] == pytest.approx((200 / 255, 30 / 255, 0))
    plan = figures_module.plan_panels
    few(monkeypatch, "flow")
    monkeypatch.setattr(figures_module, "plan_panels", lambda *given: [p for p in plan(*given) if "heat" in p.name])
    settings = FigureSettings(("svg", "png"), (100,), grey=True)
    first = write_figures(data, Words(), tmp_path / "a", settings=settings, beside=tmp_path)
    assert first["figure6_heat_maps_muscle"]["svg"] == "" and first["figure6_heat_maps_muscle"]["is_panel"]
    shades = np.asarray(Image.open(tmp_path / "a" / "figure6_heat_maps_muscle.grey.png").convert("RGB")).astype(int)
    assert np.ptp(shades, axis=2).max() == 0
    explanation(tmp_path, 90)  # drawn again, as the pictures have changed, and the panel alone
    monkeypatch.setattr(plan_module, "draw_flow", lambda flow: pytest.fail("drawn again"))
    again = write_figures(data, Words(), tmp_path / "b", tmp_path / "a", settings, beside=tmp_path)
    assert again["flow"] == first["flow"] and (tmp_path / "b" / "flow.png").is_file()
    assert (tmp_path / "a" / "figure6_heat_maps_muscle.png").read_bytes() != (
        tmp_path / "b" / "figure6_heat_maps_muscle.png"
    ).read_bytes()
    explanation(tmp_path, schema="prldh-explanation/1")  # the scale of these was wrong
    assert not [p for p in plan(data, Words(), tmp_path) if "heat" in p.name]
    explanation(tmp_path)
    assert [p for p in plan(data, Words(), tmp_path) if "heat" in p.name]
    (tmp_path / "explanation" / "m_2.png").unlink()
    assert not [p for p in plan(data, Words(), tmp_path) if "heat" in p.name]


@pytest.mark.ci
@pytest.mark.parametrize("are_running", [False, True])
def test_several_processes_write_the_same_bytes_and_what_one_cannot_is_drawn_here(
    data,  # noqa: F811
    tmp_path,
    monkeypatch,
    are_running,
):
    """Of a report, for which processes are started, and of a run, whose processes draw."""
    few(monkeypatch, "flow", "interaction_unadjusted", "scores_muscle")
    monkeypatch.setattr(figures_module, "FEW", 2)
    monkeypatch.setattr(figures_module, "SOON_DONE_S", 0.0)
    monkeypatch.setattr(figures_module, "has_processes", lambda: are_running)
    kept = figures_module.plan_figures
    flow = next(d for d in plan_figures(data, Words()) if d.name == "flow")
    unknown = Drawing("unknown_to_others", "T", "D", flow.draw)
    monkeypatch.setattr(figures_module, "plan_figures", lambda *given: [*kept(*given), unknown])
    settings = FigureSettings(("svg", "pdf", "png"), (100,))
    first = write_figures(data, Words(), tmp_path / "a", settings=settings)
    told, others = [], figures_module.over_processes

    def noted(*given):
        for name in others(*given):
            told.append(name)
            yield name

    monkeypatch.setattr(figures_module, "over_processes", noted)
    own, drawn_here = figures_module.write_drawing, []

    def slowly(drawing, *given):
        drawn_here.append(drawing.name)
        time.sleep(5.0 if len(drawn_here) == 1 else 0.0)  # the other process starts meanwhile, and takes the last ones
        own(drawing, *given)

    monkeypatch.setattr(figures_module, "write_drawing", slowly)
    assert first == write_figures(data, Words(), tmp_path / "b", settings=settings, jobs=2)
    assert "" in told or "unknown_to_others" in drawn_here
    assert {*told} - {""} | {*drawn_here} == {d.name for d in figures_module.plan_figures(data, Words())} | {
        d.name for d in figures_module.plan_panels(data, Words(), None)
    }
    names = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert len(names) == 17 and names == sorted(p.name for p in (tmp_path / "b").iterdir())
    assert all((tmp_path / "a" / n).read_bytes() == (tmp_path / "b" / n).read_bytes() for n in names)


def test_figures_of_workers_that_die_are_drawn_here(data, tmp_path, monkeypatch):  # noqa: F811
    """Everything is computed by then: no results are lost for a figure."""

    def die(*_, **__):
        raise ComputeError("worker processes died 3 times")

    few(monkeypatch, "flow", "interaction_unadjusted")
    monkeypatch.setattr(figures_module, "FEW", 2)
    monkeypatch.setattr(figures_module, "SOON_DONE_S", 0.0)
    monkeypatch.setattr(figures_module, "over_processes", die)
    write_figures(data, Words(), tmp_path / "b", jobs=2)
    assert {p.stem for p in (tmp_path / "b").glob("*.svg")} >= {"flow", "interaction_unadjusted"}


@pytest.mark.parametrize("fault", ["what cannot be sent", "no folder for it"])
def test_figures_that_cannot_be_given_to_others_are_drawn_here(data, tmp_path, monkeypatch, fault):  # noqa: F811
    """A plugin's words may hold anything."""
    words = Words()
    if fault == "what cannot be sent":
        object.__setattr__(words, "lock", threading.Lock())
    else:
        monkeypatch.setattr(figures_module.tempfile, "TemporaryDirectory", lambda: (tmp_path / "none").iterdir())
    few(monkeypatch, "flow", "interaction_unadjusted")
    monkeypatch.setattr(figures_module, "FEW", 2)
    monkeypatch.setattr(figures_module, "SOON_DONE_S", 0.0)
    monkeypatch.setattr(figures_module, "over_processes", lambda *_: pytest.fail("nothing is given to them"))
    write_figures(data, words, tmp_path / "b", jobs=2)
    assert {p.stem for p in (tmp_path / "b").glob("*.svg")} >= {"flow", "interaction_unadjusted"}


def test_what_has_to_be_mended_is_told_before_the_first_figure(out, tmp_path, monkeypatch):  # noqa: F811
    """And strangers' checklists are asked before it: what they leave as they found it is the style of a figure, too."""
    shutil.copytree(out, tmp_path / "out")

    def fail(*_):
        raise DataError("answers.yaml cannot be read")

    monkeypatch.setattr(page_module, "fill_again", fail)
    monkeypatch.setattr(page_module, "write_figures", lambda *_: pytest.fail("it draws"))
    with pytest.raises(DataError, match=r"answers\.yaml cannot be read"):
        page_module.render(tmp_path / "out")


def test_nothing_is_done_in_threads_beside_what_draws():
    """But for the one that hands figures to other processes: matplotlib's style is one for all threads, and so is what
    is set back after strangers were asked, so that a figure lost its style in the middle."""
    starts = re.compile(r"\b(Thread|ThreadPoolExecutor|Timer)\(")
    rooms = [REPORT, *(REPORT.parent / room for room in ("pages", "checklists", "run", "reproduce", "results"))]
    found = [path.name for room in rooms for path in room.rglob("*.py") if starts.search(path.read_text("utf-8"))]
    assert found == ["figures.py"]


def test_both_svg_files_are_those_that_matplotlib_writes_one_by_one(data, tmp_path):  # noqa: F811
    """Letters as text for the page, as outlines in the file; the rest is drawn once."""
    for name in ("flow", "interaction_unadjusted"):
        drawing = next(d for d in plan_figures(data, Words()) if d.name == name)
        figures_module.write_drawing(drawing, FigureSettings(("svg",)), tmp_path)
        with drawn_figure(drawing) as figure:
            for fonttype, file in (("none", page_file(name)), ("path", f"{name}.svg")):
                with plt.rc_context({"svg.fonttype": fonttype}):
                    figure.savefig(tmp_path / "alone.svg", metadata={"Date": None}, dpi=100)
                assert (tmp_path / "alone.svg").read_bytes() == (tmp_path / file).read_bytes()


@pytest.mark.parametrize("name", ["flow", "calibration_unadjusted"])
def test_svg_and_pdf_are_drawn_at_once_and_are_what_each_is_alone(data, tmp_path, name):  # noqa: F811
    """The PDF has the letters and lines that matplotlib writes; letters may stand a fifth of a point elsewhere."""
    from pypdf import PdfReader

    drawing = next(d for d in plan_figures(data, Words()) if d.name == name)
    for formats in (("svg", "pdf"), ("svg",)):
        (tmp_path / formats[-1]).mkdir()
        figures_module.write_drawing(drawing, FigureSettings(formats), tmp_path / formats[-1])
    for file in (page_file(name), f"{name}.svg"):
        assert (tmp_path / "pdf" / file).read_bytes() == (tmp_path / "svg" / file).read_bytes()
    with drawn_figure(drawing) as figure:
        figure.savefig(tmp_path / "alone.pdf", metadata={"CreationDate": None})
    shown = [PdfReader(path).pages[0] for path in (tmp_path / "pdf" / f"{name}.pdf", tmp_path / "alone.pdf")]
    assert shown[0].mediabox == shown[1].mediabox
    numbers = [
        [float(word) for word in page.get_contents().get_data().split() if re.fullmatch(rb"-?\d+(\.\d+)?", word)]
        for page in shown
    ]
    assert len(numbers[0]) > 100 and numbers[0] == pytest.approx(numbers[1], abs=0.2)
    assert shown[0].extract_text() == shown[1].extract_text()


def test_nothing_of_a_figure_stays_once_it_is_written(data, tmp_path):  # noqa: F811
    drawing = next(d for d in plan_figures(data, Words()) if d.name == "flow")
    kept = []

    def draw():
        figure = drawing.draw()
        kept.append(weakref.ref(figure))
        return figure

    figures_module.write_drawing(replace(drawing, draw=draw), FigureSettings(), tmp_path)
    assert len(kept) == 1 and kept[0]() is None


def test_png_holds_the_pixels_and_the_resolution():
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    image = Image.open(io.BytesIO(pack_png(pixels, 600)))
    image.load()
    assert image.mode == "RGB" and np.array_equal(np.asarray(image), pixels) and round(image.info["dpi"][0]) == 600


def test_names_in_one_line_keep_both_ends_and_long_words_break_at_underscores():
    name = "MR_log-sigma-5-0-mm-3D_firstorder_90Percentile"
    assert label(name, 60, 1) == name
    assert label(name, 21, 1) == "MR_log-sig…Percentile" and len(label(name, 20, 1)) == 20
    assert label("histological_subtype_of_tumour", 20) == "histological_\nsubtype_of_tumour"
    assert label("a_b c", 20) == "a_b c"


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12).map(sorted), st.data())
def test_texts_that_are_spread_never_meet(at, more):
    widths = [more.draw(st.floats(0.01, 0.2)) for _ in at]
    positions = spread(at, widths, -0.1)
    edges = [(x - w / 2, x + w / 2) for x, w in zip(positions, widths, strict=True)]
    assert edges[0][0] >= -0.1 - 1e-9 and all(a[1] <= b[0] + 1e-9 for a, b in zip(edges, edges[1:], strict=False))
    if (
        all(a + (u + v) / 2 < b for a, b, u, v in zip(at, at[1:], widths, widths[1:], strict=False))
        and at[0] - widths[0] / 2 >= -0.1
    ):
        assert positions == pytest.approx(at)  # where there is room, nothing moves
