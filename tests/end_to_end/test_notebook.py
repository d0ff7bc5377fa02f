"""prldh from a notebook: what there is, a finished folder read again, what a cell shows, and a line of progress."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import time
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import prldh
from prldh.core import DataError, OutputError
from prldh.demo.published import published_cohort, published_study
from prldh.results.table_columns import TABLES, meaning
from prldh.work import show_progress, unasked
from prldh.work.progress import one_line

pytestmark = pytest.mark.ci


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run's results and its folder."""
    folder = tmp_path_factory.mktemp("notebook")
    g = np.random.default_rng(0)
    n = 80
    event = g.random(n) < 0.4
    clinical = pd.DataFrame({"id": [f"{i:03d}" for i in range(n)], "y": event.astype(int), "age": g.normal(60, 8, n)})
    clinical.to_csv(folder / "clinical.csv", index=False)
    features = pd.DataFrame(g.normal(size=(n, 5)) + 0.8 * event[:, None], columns=list("abcde"))
    features.assign(id=clinical["id"]).to_csv(folder / "features.csv", index=False)
    study = {
        "title": "A <b>bold</b> study",
        "engine": "python",
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "y",
            "event": 1,
            "covariates": {"age": "continuous"},
        },
        "tissues": {"tumour": {"features": str(folder / "features.csv")}},
        "selection": [{"correlation": {"outcome": 0.1}}],
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 0},
        "performance": {"decision_bootstrap": 10, "partial_auc_bootstrap": 20},
        "report": {"figures": ["svg"]},
    }
    return prldh.analyze(study, folder / "out", jobs=1), folder / "out"


def test_dir_shows_what_is_public_alone():
    shown = dir(prldh)
    assert shown == sorted(prldh.__all__) and {"analyze", "read_results", "write_calculator", "demo_cohort"} <= set(
        shown
    )
    for name in shown:
        value = getattr(prldh, name)
        assert not isinstance(value, types.ModuleType) and (name == "__version__" or value.__doc__)


def test_a_finished_folder_is_read_as_it_was_made(made):
    results, folder = made
    again = prldh.read_results(folder)
    assert again.data == json.loads((folder / "results.json").read_text()) and repr(again) == repr(results)
    pd.testing.assert_frame_equal(again.predictions, results.predictions, check_dtype=False, rtol=1e-12)
    assert list(again.predictions["id"][:2]) == ["000", "001"]  # ids stay text
    assert set(again.tables) == set(results.tables)
    for name, table in results.tables.items():
        assert list(again.tables[name].columns) == list(table.columns), name
    assert prldh.read_results(folder / "results.json").figures == results.figures == again.figures
    with pytest.raises(DataError, match="no results in"):
        prldh.read_results(folder / "tables")


def test_a_cell_shows_the_first_screen(made):
    """The sentences, numbers and figure with which the report begins."""
    results, folder = made
    page, html = (folder / "report.html").read_text(), results._repr_html_()
    assert html is not None and "A &lt;b&gt;bold&lt;/b&gt; study" in html
    assert html.count("<dt>") == 4 and "data:image/svg+xml;base64," in html
    sentence = html.split("<p>")[1].split("</p>")[0]
    assert sentence.startswith("What was asked: ") and sentence in page
    for tile in html.split("<strong>")[1:]:
        assert f"<strong>{tile.split('</strong>')[0]}</strong>" in page
    assert html.count("<div") == html.count("</div>")
    assert prldh.read_results(folder)._repr_html_() == html
    plain = prldh.Results(results.data, pd.DataFrame())
    assert plain._repr_html_() is None  # a notebook then shows its repr
    with pytest.raises(DataError, match="Read its folder with prldh.read_results"):
        plain.figure("answer")


def test_figures_by_name(made, tmp_path):
    results, folder = made
    on_disk = {path.stem for path in (folder / "figures").glob("*.svg") if not path.name.startswith(".")}
    assert on_disk == set(results.figures)
    picture = results.figure("roc_unadjusted")
    assert picture._repr_svg_() == (folder / "figures" / "roc_unadjusted.svg").read_text()
    assert picture._repr_png_().startswith(b"\x89PNG") and picture.title in repr(picture)
    assert picture.save(tmp_path / "roc.pdf").read_bytes().startswith(b"%PDF")
    assert picture.save(tmp_path / "roc.pdf").is_file()  # the cell once more
    (tmp_path / "roc.pdf").write_text("mine")
    with pytest.raises(OutputError, match="is there already"):
        picture.save(tmp_path / "roc.pdf")
    assert picture.save(tmp_path / "roc.pdf", force=True).read_bytes().startswith(b"%PDF")
    with pytest.raises(DataError, match="'docx' is no format. Give one of svg, pdf, png, tiff"):
        picture.save(tmp_path / "roc.docx")
    with pytest.raises(
        DataError, match=r"no figure 'roc_unajusted'; did you mean 'roc_unadjusted'\? There are: answer, "
    ):
        results.figure("roc_unajusted")


class Handle:
    """What IPython's ``display`` gives for an output that can be changed."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def __call__(self, content: object, display_id: bool) -> Handle:
        assert display_id and not self.shown  # one output, whatever happens
        self.shown.append(repr(content))
        return self

    def update(self, content: object) -> None:
        self.shown.append(repr(content))


def test_progress_is_one_line_that_changes():
    handle = Handle()
    show = one_line(handle)
    show("a sentence <b>", 0, 0)
    started = time.monotonic()
    for done in range(1001):
        show("refits", done, 1000)
    assert len(handle.shown) <= 4 + (time.monotonic() - started) / 0.2  # no flood
    assert handle.shown[-1].startswith("a sentence <b>\nrefits: 1000 of 1000")
    show("figures", 0, 3)
    assert handle.shown[-1].startswith("a sentence <b>\nfigures: 0 of 3")


def test_a_notebook_is_told_without_being_asked(monkeypatch, capsys):
    """Only where IPython says that this process is a notebook's; a terminal's IPython is none."""
    assert unasked()("stage", 1, 2) is None and capsys.readouterr() == ("", "")
    handle = Handle()
    module, own = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    own.display = handle
    for kernel, n_shown in ((None, 0), (object(), 1)):
        module.get_ipython = lambda kernel=kernel: types.SimpleNamespace(kernel=kernel)
        monkeypatch.setitem(sys.modules, "IPython", module)
        monkeypatch.setitem(sys.modules, "IPython.display", own)
        unasked()("stage", 1, 2)
        assert len(handle.shown) == n_shown
    handle.shown.clear()
    with show_progress() as show:
        show("stage", 1, 2)
    assert handle.shown == ["stage: 1 of 2 (0 s)"] and capsys.readouterr() == ("", "")


NOTEBOOKS = sorted((Path(__file__).parents[2] / "docs" / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def tool():
    """``tools/build_notebooks.py``, by which the site has them executed."""
    path = Path(__file__).parents[2] / "tools" / "build_notebooks.py"
    spec = importlib.util.spec_from_file_location("build_notebooks", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[pytest.mark.slow] * (path.stem == "the_published_study"))
        for path in NOTEBOOKS
    ],
)
def test_notebooks_run_and_are_committed_without_outputs(path, tool, tmp_path):
    """Their cells one after another, as a reader runs them, into a page of the site."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert notebook["nbformat"] == 4
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    here = Path.cwd()
    page = tool.build(path, tmp_path / "site")
    assert Path.cwd() == here and page == tmp_path / "site" / f"{path.stem}.md"
    text = page.read_text()
    assert all("".join(cell["source"]) in text for cell in notebook["cells"])
    pictures = re.findall(rf"!\[.+\]\(({path.stem}/\d+\.svg)\)", text)
    assert pictures and all((page.parent / name).read_text().lstrip().startswith("<?xml") for name in pictures)
    assert '<div class="prldh-results">' in text and "| --- |" in text
    html = text[text.index('<div class="prldh-results">') : text.index("<img")]
    assert "\n\n" not in html  # a blank line would end it


def test_a_cell_that_fails_ends_the_building(tool, tmp_path):
    cell = {"cell_type": "code", "source": ["1 / 0"]}
    (tmp_path / "bad.ipynb").write_text(json.dumps({"cells": [cell]}))
    here = Path.cwd()
    with pytest.raises(ZeroDivisionError):
        tool.build(tmp_path / "bad.ipynb", tmp_path / "site")
    assert Path.cwd() == here and not (tmp_path / "site" / "bad.md").exists()


def test_there_are_two_notebooks():
    assert [path.stem for path in NOTEBOOKS] == ["my_table", "the_published_study"]


@pytest.fixture(scope="module")
def rich(tmp_path_factory):
    """A study of most kinds of tables: two scores, groups, covariates, every scheme, reclassification, subgroups."""
    folder = tmp_path_factory.mktemp("rich")
    study = published_study(str(folder / "clinical.csv")) | {
        "engine": "python",
        "validation": {"leave_one_out": True, "folds": 4, "bootstrap": 20, "scope": ["model"]},
        "performance": {"decision_bootstrap": 10, "partial_auc_bootstrap": 10, "interaction_bootstrap": 10},
        "subgroups": ["sex"],
        "associations": [["pfirrmann", "disc"]],
        "adjust": ["age", "sex"],
        "report": {"figures": []},
    }
    published_cohort().to_csv(folder / "clinical.csv", index=False)
    return prldh.analyze(study, folder / "out", jobs=1)


def test_every_table_is_documented_and_a_row_is_one_fact(made, rich, undrawn):
    """Each column has a meaning, no two rows are the same by a table's key, and every table is in the page."""
    page = (Path(__file__).parents[2] / "docs" / "result_tables.md").read_text()
    seen = set()
    for results in (made[0], rich):
        for name, table in results.tables.items():
            seen.add(name)
            about = results.describe(name)
            assert list(about["column"]) == list(table.columns) and about["meaning"].str.len().min() > 1
            key = list(about.loc[about["is_key"], "column"])
            assert key and not table.duplicated(key).any(), name
            assert f"| `{name}` | {TABLES[name].row} |" in page
    assert len(seen) > 25, seen
    with pytest.raises(DataError, match=r"there is no table 'model'; did you mean 'models'\? There are: measures, "):
        rich.describe("model")
    with pytest.raises(KeyError):
        meaning("models", "no such column")


def test_measures_is_tidy(rich):
    """One number a row: those of the wide tables, each with its own limits."""
    table = rich.tables["measures"]
    assert list(table.columns) == [
        *("model", "adjusted", "n", "events", "scope", "scheme", "measure", "estimate", "low", "high")
    ]
    apparent = table[table["scope"].isna()].pivot(index=["model", "adjusted"], columns="measure", values="estimate")
    wide = rich.tables["models"].set_index(["model", "adjusted"])
    for name in ("auc", "sensitivity", "calibration_brier", "threshold"):
        pd.testing.assert_series_equal(apparent[name].sort_index().astype(float), wide[name].sort_index())
    own = rich.tables["validation"].query("scheme == 'folds'").iloc[0]
    of = table.query("scheme == 'folds' and measure == 'auc'").iloc[0]
    assert (of["estimate"], of["low"], of["high"]) == (own["auc"], own["auc_low"], own["auc_high"])


def test_the_page_of_tables_is_current():
    path = Path(__file__).parents[2] / "tools" / "tables_page.py"
    spec = importlib.util.spec_from_file_location("tables_page", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.PAGE.read_text(encoding="utf-8") == module.write_page(), "python tools/tables_page.py"


def test_the_code_of_the_page_runs(made, monkeypatch):
    text = (Path(__file__).parents[2] / "docs" / "result_tables.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.S)
    monkeypatch.chdir(made[1].parent)
    names: dict = {"prldh": prldh}
    for line in code.replace('"results")', '"out")').splitlines():
        exec(line, names)
    assert names["results"].data == made[0].data
