"""Figures: widths of a journal's columns, grey, resolutions, kept where nothing changed; nomogram; names of any
kind."""

from __future__ import annotations

import json
import math
import re
import shutil

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from PIL import Image

import prldh
from prldh.cli import cli
from prldh.pages.canvas import ONE_COLUMN, TWO_COLUMNS, grey, label, look, tick_text
from prldh.report import figure_plan as plan_module
from prldh.report import figures as figures_module
from prldh.report.drawing import Drawing
from prldh.report.figure_plan import describe_flow
from prldh.report.figures import DRAWN, FigureSettings, page_file, write_figures
from prldh.report.model_drawings import draw_nomogram
from prldh.report.pens import drawn_figure
from prldh.report.tissue_drawings import draw_correlation, draw_flow
from prldh.results.nomogram import make_nomogram, round_values
from prldh.results.words import Words

_made: list = []


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A small study; made once for the tests of several files, which leave it as it is."""
    if not _made:
        _made.append(small_study(tmp_path_factory.mktemp("figures")))
    return _made[0]


def small_study(folder):
    """With two scores; its figures are SVG alone."""
    g = np.random.default_rng(2)
    n = 60
    s1, s2 = g.normal(size=n), g.normal(size=n)
    y = g.random(n) < 1 / (1 + np.exp(-0.6 * s1 - 0.5 * s2))
    pd.DataFrame(
        {
            "id": range(n),
            "y": y.astype(int),
            "age": g.normal(50, 8, n).round(),
            "grade": g.choice(["I", "II", "$x$"], n),
            "s1": s1,
            "s2": s2,
        }
    ).to_csv(folder / "t.csv", index=False)
    prldh.analyze(
        {
            "title": "T",
            "engine": "python",
            "clinical": {
                "table": str(folder / "t.csv"),
                "id": "id",
                "outcome": "y",
                "event": 1,
                "covariates": {"age": "continuous", "grade": "categorical"},
            },
            "tissues": {"disc $a$": {"radscore": "s1"}, "muscle": {"radscore": "s2"}},
            "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 0},
            "performance": {"decision_bootstrap": 5, "partial_auc_bootstrap": 5, "interaction_bootstrap": 5},
            "report": {"figures": ["svg"]},
        },
        folder / "out",
        jobs=1,
    )
    return folder / "out"


@pytest.fixture(scope="module")
def data(out):
    return json.loads((out / "results.json").read_text())


def test_every_figure_is_as_wide_as_one_column_or_two(out):
    files = sorted(path for path in (out / "figures").glob("*.svg") if not path.name.startswith("."))
    assert len(files) > 20
    for path in files:
        text = path.read_text()
        width = float(re.search(r'<svg[^>]* width="([\d.]+)pt"', text)[1]) / 72
        assert min(abs(width - w) for w in (ONE_COLUMN, TWO_COLUMNS)) < 0.01, (path.name, width)
        assert "<text" not in text  # outlines, so that no font is asked for
    assert round(ONE_COLUMN * 25.4) == 85 and round(TWO_COLUMNS * 25.4) == 175


def few(monkeypatch, *names):
    """Only some of the figures, as every format of every one takes long."""
    plan = figures_module.plan_figures
    monkeypatch.setattr(figures_module, "plan_figures", lambda *given: [d for d in plan(*given) if d.name in names])
    monkeypatch.setattr(figures_module, "plan_panels", lambda *given: [])


def test_formats_resolutions_and_grey(data, tmp_path, monkeypatch):
    few(monkeypatch, "roc_unadjusted")
    settings = FigureSettings(("pdf", "png", "tiff"), (300, 600), grey=True)
    figures = write_figures(data, Words(), tmp_path / "f", settings=settings)
    names = {p.name for p in (tmp_path / "f").iterdir()} - {DRAWN, page_file("roc_unadjusted")}
    assert names == {
        f"roc_unadjusted{g}{s}" for g in ("", ".grey") for s in (".pdf", ".png", ".600dpi.png", ".tiff", ".600dpi.tiff")
    }
    assert figures["roc_unadjusted"]["svg"].startswith("<svg") and figures["roc_unadjusted"]["files"].count(",") == 9
    for suffix in ("png", "tiff"):
        for dpi, name in ((300, f"roc_unadjusted.{suffix}"), (600, f"roc_unadjusted.600dpi.{suffix}")):
            image = Image.open(tmp_path / "f" / name)
            assert abs(image.width - ONE_COLUMN * dpi) <= 1 and round(float(image.info["dpi"][0])) == dpi
    shades = np.asarray(Image.open(tmp_path / "f" / "roc_unadjusted.grey.png").convert("RGB")).astype(int)
    assert (
        np.ptp(shades, axis=2).max() == 0
        and np.ptp(
            np.asarray(Image.open(tmp_path / "f" / "roc_unadjusted.png").convert("RGB")).astype(int), axis=2
        ).max()
        > 50
    )
    pdf = (tmp_path / "f" / "roc_unadjusted.pdf").read_bytes()
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf  # TrueType, embedded


def test_what_a_notebook_or_a_plugin_sets_of_matplotlib_changes_no_figure_and_nothing_of_it_is_changed(
    data, tmp_path, monkeypatch
):
    few(monkeypatch, "roc_unadjusted", "flow")
    settings = FigureSettings(("svg", "png"))
    write_figures(data, Words(), tmp_path / "plain", settings=settings)
    theirs = {"text.usetex": True, "axes.grid": True, "axes.facecolor": "#EAEAF2", "savefig.dpi": 30, "font.size": 30}
    with matplotlib.rc_context(theirs | {"backend": "svg"}):
        own = plt.figure()
        write_figures(data, Words(), tmp_path / "themed", settings=settings)
        assert matplotlib.get_backend() == "svg" and plt.get_fignums() == [own.number]
        assert {key: matplotlib.rcParams[key] for key in theirs} == theirs
        plt.close(own)
    files = sorted(path.name for path in (tmp_path / "plain").iterdir())
    assert len(files) > 5
    for name in files:
        assert (tmp_path / "themed" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes(), name


def test_lines_in_grey_differ_by_dash_and_marker():
    with grey():
        looks = [look(i) for i in range(8)]
    assert len({(str(x["linestyle"]), x["marker"], x["color"]) for x in looks}) == 8
    assert len({(str(x["linestyle"]), x["marker"]) for x in looks[:4]}) == 4 and look(0)["color"] != looks[0]["color"]


def test_figures_are_kept_where_nothing_changed(data, tmp_path, monkeypatch):
    few(monkeypatch, "flow")
    settings = FigureSettings(("svg", "png"))
    first = write_figures(data, Words(), tmp_path / "a", settings=settings)
    monkeypatch.setattr(plan_module, "draw_flow", lambda flow: pytest.fail("drawn again"))
    again = write_figures(data, Words(), tmp_path / "b", tmp_path / "a", settings)
    assert again == first and (tmp_path / "b" / "flow.png").read_bytes() == (tmp_path / "a" / "flow.png").read_bytes()
    changed = {**data, "cohort": {**data["cohort"], "events": data["cohort"]["events"] - 1}}
    for other, given in ((changed, settings), (data, FigureSettings(("svg", "png"), (200,)))):
        with pytest.raises(pytest.fail.Exception, match="drawn again"):
            write_figures(other, Words(), tmp_path / "c", tmp_path / "a", given)
    (tmp_path / "a" / DRAWN).write_text("[]")
    with pytest.raises(pytest.fail.Exception, match="drawn again"):
        write_figures(data, Words(), tmp_path / "c", tmp_path / "a", settings)


def test_report_command_takes_formats(out, tmp_path, monkeypatch):
    out = shutil.copytree(out, tmp_path / "out")
    before = {p.name for p in (out / "figures").iterdir()}  # other formats stay
    few(monkeypatch, "flow")
    monkeypatch.setattr("prldh.report.page.render_report", lambda *content: "<!doctype html>")
    done = CliRunner().invoke(cli, ["report", str(out), "--figures", "tiff", "--dpi", "150", "--grey"])
    assert done.exit_code == 0, done.output
    assert {p.name for p in (out / "figures").iterdir()} == before | {"flow.tiff", "flow.grey.tiff"}
    assert CliRunner().invoke(cli, ["report", str(out), "--dpi", "10"]).exit_code == 2


def test_names_are_wrapped_cut_and_no_mathematics():
    assert label("a $b$ c") == r"a \$b\$ c"
    long = label("word " * 3000)
    assert long.count("\n") == 2 and len(long) < 120 and long.endswith("…")
    assert label("") == "" and len(label("x" * 10000, 20, 1)) == 20


def test_flow_counts_reasons():
    excluded = [{"id": str(i), "reason": f"reason {min(i, 9)}"} for i in range(14)]
    cohort = {"n": 20, "events": 8, "n_read": 34, "excluded": excluded, "outcome": "y", "event": "1", "non_event": "0"}
    flow = describe_flow({"cohort": cohort})
    assert (
        flow["reasons"][0] == ("reason 9", 5) and len(flow["reasons"]) == 8 and sum(n for _, n in flow["reasons"]) == 14
    )
    assert draw_flow(flow).get_size_inches()[0] == pytest.approx(ONE_COLUMN)  # whole on a phone


@pytest.mark.parametrize("k", [2, 30, 90])
def test_heat_map_of_any_number_of_features(k):
    r = np.corrcoef(np.random.default_rng(0).normal(size=(k, 50)))
    for is_on in (False, True):
        with grey(is_on):
            figure = draw_correlation([f"wavelet-LLH_glcm_{i}" for i in range(k)], r.tolist())
        assert figure.get_size_inches()[1] <= 9


def test_results_hold_the_correlations_that_are_drawn(tmp_path):
    g = np.random.default_rng(1)
    n, values = 60, g.normal(size=(60, 4))
    values[:, 1] += 0.8 * values[:, 0]
    y = (values[:, :2].sum(1) + g.normal(size=n) > 0).astype(int)
    pd.DataFrame({"id": range(n), "y": y}).to_csv(tmp_path / "t.csv", index=False)
    pd.DataFrame(values, columns=list("abcd")).assign(id=range(n)).to_csv(tmp_path / "f.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prldh.run.outputs.write_figures", lambda *given, **how: {})
        patch.setattr("prldh.run.outputs.render_report", lambda *content: "")
        data = prldh.analyze(
            {
                "engine": "python",
                "clinical": {"table": str(tmp_path / "t.csv"), "id": "id", "outcome": "y", "event": 1},
                "tissues": {"t": {"features": str(tmp_path / "f.csv")}},
                "selection": [{"correlation": {"outcome": 0}}],
                "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0},
                "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
            },
            tmp_path / "out",
            jobs=1,
        ).data
    kept = data["tissues"]["t"]["selection"]["features"]
    wanted = np.corrcoef(values[:, ["abcd".index(f) for f in kept]], rowvar=False)
    np.testing.assert_allclose(data["tissues"]["t"]["selection"]["correlation"], wanted, atol=1e-12)
    assert np.abs(wanted - np.eye(len(kept))).max() > 0.4


# ---------------------------------------------------------------- nomogram


def points_of(axis, value) -> float:
    """By interpolation on a scale, as a reader does."""
    ticks = sorted((float(t["label"]), t["points"]) for t in axis["ticks"])
    return float(np.interp(value, *zip(*ticks, strict=True)))


def test_nomogram_gives_each_patient_the_models_probability(data, out):
    model = next(
        m
        for m in data["models"]
        if m["adjusted"] and "disc $a$" in {t["variable"] for t in m["terms"]} and len(m["terms"]) > 3
    )
    chart = make_nomogram(model, data)
    assert {a["variable"] for a in chart["axes"]} == {"disc $a$", "age", "grade"}
    assert max(t["points"] for a in chart["axes"] for t in a["ticks"]) == pytest.approx(100)
    assert all(min(t["points"] for t in a["ticks"]) == pytest.approx(0, abs=1e-9) for a in chart["axes"])
    clinical = pd.read_csv(out.parent / "t.csv")
    apparent = (
        pd.read_csv(out / "predictions.csv")
        .query("scheme == 'apparent' and adjusted and model == @model['name']")
        .set_index("id")
    )
    axes = {a["variable"]: a for a in chart["axes"]}
    for row in clinical.to_dict("records"):
        points = points_of(axes["disc $a$"], row["s1"]) + points_of(axes["age"], row["age"])
        points += next(t["points"] for t in axes["grade"]["ticks"] if t["label"] == row["grade"])
        assert chart["intercept"] + chart["per_point"] * points == pytest.approx(
            apparent.loc[row["id"], "log_odds"], abs=1e-8
        )
    for tick in chart["probabilities"]:
        p = float(tick["label"])
        assert chart["intercept"] + chart["per_point"] * tick["points"] == pytest.approx(math.log(p / (1 - p)))


@pytest.mark.parametrize("size", [1e8, 3e-7, 1.0])
def test_a_nomogram_is_read_in_units_that_fit_its_scales(data, size):
    """Scores of any size, and the same points: their ticks are short numbers, and the scale says of which power."""
    model = next(m for m in data["models"] if m["adjusted"] and "disc $a$" in {t["variable"] for t in m["terms"]})
    scored = data["tissues"]["disc $a$"] | {
        "scores": [{**s, "value": s["value"] * size} for s in data["tissues"]["disc $a$"]["scores"]]
    }
    terms = [{**t, "b": t["b"] / size if t["variable"] == "disc $a$" else t["b"]} for t in model["terms"]]
    chart = make_nomogram({**model, "terms": terms}, {**data, "tissues": data["tissues"] | {"disc $a$": scored}})
    axis = next(a for a in chart["axes"] if a["variable"] == "disc $a$")
    labels = [tick["label"] for tick in axis["ticks"]]
    assert all(len(text) <= 5 and "e" not in text for text in labels) and len(set(labels)) == len(labels)
    at = [float(text) * 10.0 ** axis["power"] * terms[1]["b"] for text in labels]
    assert terms[1]["variable"] == "disc $a$" and at == pytest.approx([t["log_odds"] for t in axis["ticks"]])
    with drawn_figure(Drawing("x", "x", "x", lambda: draw_nomogram(chart))) as figure:
        words = [t.get_text() for t in figure.axes[0].texts]
    assert any("10⁸" in text or "10⁹" in text for text in words) == (size == 1e8)
    assert not [text for text in words if re.search(r"\de[-+]?\d", text)]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e8, "10⁸"), (2.5e7, "2.5 × 10⁷"), (1e-7, "10⁻⁷"), (0.01, "0.01"), (100000.0, "100,000"), (0.0, "0")],
)
def test_ticks_of_logarithmic_axes_are_read_whatever_their_size(value, text):
    assert tick_text(value) == text


def test_no_nomogram_without_finite_estimates_ranges_or_two_variables(data):
    model = next(m for m in data["models"] if m["adjusted"])
    assert make_nomogram(model, data)
    assert make_nomogram(next(m for m in data["models"] if not m["adjusted"] and len(m["terms"]) == 2), data) is None
    assert make_nomogram({**model, "terms": [{**t, "b": None} for t in model["terms"]]}, data) is None
    assert make_nomogram(model, {**data, "cohort": {k: v for k, v in data["cohort"].items() if k != "ranges"}}) is None
    assert make_nomogram({**model, "terms": [{**t, "b": 0.0} for t in model["terms"]]}, data) is None


@pytest.mark.parametrize(("low", "high"), [(18, 81), (-3.2, 2.7), (0.04, 2.07), (1e-7, 3e-7), (-1e6, 5e8), (0, 1)])
def test_round_values_hold_the_range(low, high):
    values = round_values(low, high)
    assert (
        values[0] <= low + 1e-6 * (high - low) and values[-1] >= high - 1e-6 * (high - low) and 3 <= len(values) <= 11
    )
    assert np.allclose(np.diff(values), values[1] - values[0]) and values[1] - values[0] <= (high - low) / 2
    assert round_values(3, 3) == []
