"""A plugin's statistic through a run: of every model, apparent and held out, in results, tables and the report."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pages import unmarked
from phone import cut_on_a_phone
from schemas import check_schema

import prldh
from prldh.core import PluginError
from prldh.results import measured
from prldh.testing.kit import checks_of

pytestmark = pytest.mark.usefixtures("undrawn")


class Brier:
    """The mean squared error again, so that prldh's own number judges it."""

    name, version, label = "squares", "1", "Mean squared error"

    def measure(self, outcome, probability):
        estimate = float(np.mean((outcome - probability) ** 2))
        return {"estimate": estimate, "low": estimate / 2, "high": estimate * 2}


class Undefined(Brier):
    name, label = "undefined", "Never defined"

    def measure(self, outcome, probability):
        return {"estimate": None}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("statistics")
    rng = np.random.default_rng(1)
    outcome = np.arange(60) % 3 == 0
    table = pd.DataFrame({"id": range(60), "y": outcome.astype(int), "score": outcome + rng.normal(size=60)})
    table.to_csv(folder / "t.csv", index=False)
    study = {
        "engine": "python",
        "clinical": {"table": str(folder / "t.csv"), "id": "id", "outcome": "y", "event": 1},
        "tissues": {"disc": {"radscore": "score"}},
        "validation": {"leave_one_out": False, "folds": 5, "repeats": 2, "bootstrap": 0, "null_permutations": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
        "report": {"figures": [], "checklists": []},
    }
    return folder, prldh.analyze(study, folder / "out", jobs=1, plugins=[Brier(), Undefined()]), study


def test_it_is_of_every_model_apparent_and_held_out(run):
    """Against prldh's own Brier score; with two repeats the mean of both, and no limits."""
    folder, results, _ = run
    check_schema(results.data)
    assert {s["name"] for s in results.data["statistics"]} == {"squares", "undefined"}
    undefined = [s for s in results.data["statistics"] if s["name"] == "undefined"]
    assert len(undefined) == 3 and all(s["estimate"] is None and s["n_repeats"] == 0 for s in undefined)
    assert all("not defined for these predictions" in s["reason"] for s in undefined)
    found = {(s["scope"], s["scheme"]): s for s in results.data["statistics"] if s["name"] == "squares"}
    (model,) = results.data["models"]
    apparent = found[None, None]
    assert apparent["estimate"] == pytest.approx(model["calibration"]["brier"], abs=1e-12)
    assert apparent["low"] < apparent["estimate"] < apparent["high"] and apparent["n"] == 60
    held_out = found["model", "folds"]
    rows = results.predictions.query("scope == 'model' and scheme == 'folds'")
    assert held_out["estimate"] == pytest.approx(np.mean((rows["outcome"] - rows["probability"]) ** 2), abs=1e-12)
    assert held_out["n_repeats"] == 2 and "low" not in held_out
    assert (folder / "out" / "tables" / "statistics.csv").is_file()


def test_the_report_tells_it_and_that_one_engine_made_it(run):
    page = unmarked((run[0] / "out" / "report.html").read_text(encoding="utf-8"))
    section = page.split('<section id="statistics">')[1].split("</section>")[0]
    assert "<caption>Mean squared error</caption>" in section and "no second engine" in section
    assert "<caption>Never defined</caption>" in section and "Not defined for any model" in section
    assert "mean of 2 repeats" in section and section.index("mean of 2") < section.lower().index("apparent")
    brought = (run[0] / "out" / "provenance.json").read_text(encoding="utf-8")
    assert "statistic squares" in brought


@pytest.mark.browser
def test_a_phone_shows_the_number_of_every_table(browser, run):
    n, cut = cut_on_a_phone(browser, run[0] / "out")
    assert n > 15 and cut == []


def test_without_one_nothing_is_added(tmp_path):
    from prldh.plugins import Registry
    from prldh.results.strangers import describe_statistics

    assert describe_statistics(Registry(load_entry_points=False), pd.DataFrame()) == ()


@pytest.mark.parametrize("item", [Brier()])
def test_it_conforms(item):
    for check in checks_of(item):
        check()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (0.5, "in place of a dictionary with estimate"),
        ({}, "in place of a dictionary with estimate"),
        ({"Estimate": 0.5, "low": 0.1}, "in place of a dictionary with estimate"),
        ({"estimate": float("nan")}, "finite numbers"),
        ({"estimate": "0.5"}, "finite numbers"),
        ({"estimate": True}, "finite numbers"),
        ({"estimate": 10**400}, "finite numbers"),
        ({"estimate": 0.5, "low": 0.6, "high": 0.7}, "outside its own interval"),
        ({"estimate": 0.5, "low": 0.6}, "outside its own interval"),
        ({"estimate": None, "low": 0.1, "high": 0.9}, "outside its own interval"),
    ],
)
def test_what_is_no_statistic_is_refused(given, told):
    class Wrong(Brier):
        def measure(self, outcome, probability):
            return given

    with pytest.raises(PluginError, match=told):
        measured(Wrong(), "mine", np.array([0, 1]), np.array([0.2, 0.8]))


@pytest.mark.parametrize("fault", [ZeroDivisionError("none"), SystemExit(3), SystemExit(0)])
def test_one_that_fails_is_one_message_before_anything_is_fitted(run, tmp_path, monkeypatch, fault):
    class Failing(Brier):
        def measure(self, outcome, probability):
            raise fault

    def fitted(*given):
        raise AssertionError("something was fitted")

    monkeypatch.setattr("prldh.pipeline.fit_scores", fitted)
    with pytest.raises(PluginError, match="statistic 'squares'"):
        prldh.analyze(run[2], tmp_path / "out", jobs=1, plugins=[Failing()])
    assert not (tmp_path / "out").exists()
