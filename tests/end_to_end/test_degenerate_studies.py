"""Studies at the edge of what can be computed: each ends with defined numbers, told reasons, or one clear message; in
both engines alike."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pages import unmarked
from phone import cut_on_a_phone
from schemas import check_schema

from prldh.core import warn
from prldh.core.errors import DataError, StudyError
from prldh.engines.r_home import r_available
from prldh.pipeline import analyze
from prldh.results.agreement import judged

# every test where R has to be, and with Python alone elsewhere
pytestmark = [pytest.mark.usefixtures("unwritten"), *([pytest.mark.r] if os.environ.get("CI") else [])]
N = 50
SIZES = {
    "partial_auc_bootstrap": 10,
    "decision_bootstrap": 10,
    "interaction_bootstrap": 10,
    "thresholds": [0.1, 0.3, 0.5],
}
STUDY = {
    "title": "Edges",
    "seed": 1,
    "clinical": {
        "table": "clinical.csv",
        "id": "patient_id",
        "outcome": "recurrence",
        "event": "yes",
        "covariates": {
            "age": "continuous",
            "sex": "categorical",
            "grade": {"type": "ordinal", "levels": ["III", "IV", "V"]},
        },
    },
    "tissues": {"disc": {"radscore": "disc"}, "muscle": {"radscore": "muscle"}},
    "validation": {"leave_one_out": False, "folds": 4, "bootstrap": 10, "scope": ["model", "pipeline"]},
    "performance": SIZES,
    "report": {"figures": []},
}


def make_table(n: int = N) -> pd.DataFrame:
    rng = np.random.default_rng(7)
    event = np.arange(n) % 5 < 2
    return pd.DataFrame(
        {
            "patient_id": [f"{i:03d}" for i in range(n)],
            "recurrence": np.where(event, "yes", "no"),
            "age": rng.normal(55, 9, n).round(),
            "sex": np.array(["f", "m"])[np.arange(n) % 3 % 2],
            "grade": np.array(["III", "IV", "V"])[np.arange(n) % 7 % 3],
            "disc": (0.8 * event + rng.normal(size=n)).round(3),
            "muscle": (0.5 * event + rng.normal(size=n)).round(3),
        }
    )


class Edge:
    """A study that may be changed, and its results."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.folder, self.table, self.study = folder, make_table(), copy.deepcopy(STUDY)
        self.study["engine"] = engine
        self.data: dict = {}

    def run(self) -> dict:
        """Analyse; whatever the study is, results follow the schema, nulls have reasons, and engines agree."""
        self.table.to_csv(self.folder / "clinical.csv", index=False)
        self.study["clinical"]["table"] = str(self.folder / "clinical.csv")
        self.data = analyze(self.study, self.folder / "out", jobs=1).data
        check_schema(self.data)
        assert json.loads((self.folder / "out" / "results.json").read_text()) == self.data
        assert "<h2>Models</h2>" in unmarked((self.folder / "out" / "report.html").read_text())
        for m in self.data["models"]:
            assert m["auc"]["estimate"] is not None
        off = [
            r
            for r in self.data["agreement"]
            if r["difference"] is None and r["reason"] == "only one engine gives a number"
        ]
        assert not off, off
        for row in self.data["agreement"]:
            if row["difference"] is not None:
                assert judged(row["r"], row["python"]) <= 1e-6, row
        assert bool(self.data["agreement"]) == (self.study["engine"] == "both")
        kinds = {kind.code: kind for kind in warn.CATALOGUE}
        for w in self.data["warnings"]:
            assert list(w) == ["code", "stage", "message"]
            assert w["stage"] == kinds[w["code"]].stage.format(engine=w["stage"].removeprefix("engine ")), w
        return self.data

    def refused(self, error: type[Exception], words: str) -> None:
        self.table.to_csv(self.folder / "clinical.csv", index=False)
        self.study["clinical"]["table"] = str(self.folder / "clinical.csv")
        with pytest.raises(error, match=words):
            analyze(self.study, self.folder / "out", jobs=1)
        assert not (self.folder / "out").exists()

    def model(self, name: str, adjusted: bool = False) -> dict:
        return next(m for m in self.data["models"] if m["name"] == name and m["adjusted"] == adjusted)

    def told(self, *words: str) -> bool:
        return any(all(word in w["message"] for word in words) for w in self.data["warnings"])

    def table_one(self, name: str) -> dict:
        return next(row for row in self.data["table_one"] if row["variable"] == name)


@pytest.fixture
def edge(tmp_path) -> Edge:
    """With both engines where R is usable: their numbers are the same, so that a run of Python alone shows no more."""
    return Edge(tmp_path, "both" if r_available()[0] else "python")


# ---------------------------------------------------------------- covariates that do not vary


def test_covariates_with_one_level_or_value_say_nothing(edge):
    edge.table["sex"], edge.table["grade"], edge.table["age"] = "f", "V", 50
    edge.run()
    for name in ("sex", "grade", "age"):
        assert edge.table_one(name)["p"] is None and edge.table_one(name)["statistic"] is None
        assert edge.told(f"'{name}' does not vary enough for a test")
    plain, adjusted = edge.model("Disc Radscore"), edge.model("Disc Radscore", True)
    assert [t["term"] for t in adjusted["terms"]] == ["(Intercept)", "disc", "age"]
    assert (adjusted["n_parameters"], plain["n_parameters"]) == (1, 1)
    assert edge.told("model 'Disc Radscore', adjusted: not estimable beside the other terms", "age")
    assert adjusted["terms"][1]["b"] == pytest.approx(plain["terms"][1]["b"], rel=1e-9)
    assert adjusted["auc"] == pytest.approx(plain["auc"])
    assert adjusted["validation"]["model"]["folds"]["auc"]["estimate"] == pytest.approx(
        plain["validation"]["model"]["folds"]["auc"]["estimate"]
    )


# ---------------------------------------------------------------- perfect and useless predictions


def test_perfect_prediction(edge):
    edge.table["disc"] = np.where(edge.table["recurrence"] == "yes", 2.0, 0.0) + np.arange(N) / 100
    edge.run()
    m = edge.model("Disc Radscore")
    assert (m["auc"]["estimate"], m["auc"]["low"], m["auc"]["high"], m["auc"]["variance"]) == (1, 1, 1, 0)
    assert edge.told("the AUC is 1, so its interval has no width")
    assert (
        m["fit"] == "firth"
        and m["terms"][1]["b"] > 0
        and all(np.isfinite(m["terms"][1][k]) for k in ("b", "se", "p", "or", "low", "high"))
    )
    assert [(s["term"], s["estimate"]) for s in m["separation"]] == [
        ("(Intercept)", "-infinity"),
        ("disc", "+infinity"),
    ]
    assert m["confusion"] == {"tp": 20, "fp": 0, "fn": 0, "tn": 30}
    assert m["sensitivity"]["estimate"] == 1 and 0.8 < m["sensitivity"]["low"] < 0.9 and m["sensitivity"]["high"] == 1
    assert all(m["pauc"][focus]["corrected"] == pytest.approx(1) for focus in ("sensitivity", "specificity"))
    assert m["validation"]["pipeline"]["folds"]["auc"]["estimate"] == 1
    assert m["validation"]["pipeline"]["bootstrap"]["auc"]["estimate"] == 1


@pytest.mark.browser
def test_a_phone_shows_limits_of_any_size(browser, tmp_path):
    """Where a score separates the outcome, limits of odds ratios have powers of ten and thousands."""
    edge = Edge(tmp_path, "python")
    edge.table["disc"] = np.where(edge.table["recurrence"] == "yes", 2.0, 0.0) + np.arange(N) / 100
    edge.run()
    n, cut = cut_on_a_phone(browser, tmp_path / "out")
    assert n > 50 and cut == []


def test_all_predictions_equal(edge):
    edge.table["disc"] = 1.5
    edge.run()
    m = edge.model("Disc Radscore")
    assert m["n_parameters"] == 0 and m["terms"][1]["b"] is None
    assert (m["auc"]["estimate"], m["auc"]["low"], m["auc"]["high"]) == (0.5, 0.5, 0.5)
    assert m["threshold"] is None and edge.told("no threshold beats calling everyone positive")
    assert m["hosmer_lemeshow"]["p"] is None
    assert (
        m["calibration"]["ici"] is None
        and m["calibration"]["method"] == "groups"
        and m["calibration"]["brier"] == pytest.approx(0.24)
    )
    assert m["validation"]["model"]["folds"]["auc"]["estimate"] is None and edge.told(
        "the intercept alone", "there is no pooled AUC"
    )
    assert m["validation"]["model"]["folds"]["auc_mean"]["estimate"] == 0.5
    assert m["validation"]["model"]["bootstrap"]["auc"]["estimate"] == pytest.approx(0.5)
    assert edge.data["tissues"]["disc"]["cutoff"] is None
    pair = next(
        c
        for c in edge.data["comparisons"]
        if c["scheme"] is None and c["measure"] == "auc" and {c["a"], c["b"]} == {"Disc Radscore", "Muscle Radscore"}
    )
    assert 0 < abs(pair["difference"]) < 0.5 and 0 <= pair["p"] <= 1


# ---------------------------------------------------------------- events in one stratum


def test_events_only_in_one_level_of_a_covariate(edge):
    edge.table.loc[edge.table["recurrence"] == "yes", "sex"] = "f"
    edge.run()
    for name in ("Disc Radscore", "Muscle Radscore"):
        plain, m = edge.model(name), edge.model(name, True)
        assert (plain["fit"], m["fit"]) == ("maximum likelihood", "firth")
        assert [(s["variable"], s["level"], s["estimate"]) for s in m["separation"]] == [("sex", "m", "-infinity")]
        sex = next(t for t in m["terms"] if t["variable"] == "sex")
        assert 0 < sex["low"] < sex["or"] < sex["high"] < 1
        assert m["validation"]["model"]["bootstrap"]["auc"]["estimate"] is not None
    assert edge.table_one("sex")["p"] < 0.01


def test_events_only_in_one_of_the_four_groups(edge):
    event = (edge.table["recurrence"] == "yes").to_numpy()
    place = np.cumsum(~event)
    edge.table["disc"] = np.where(event | (place % 2 == 0), 1.0, 0.0) + np.arange(N) / 1000
    edge.table["muscle"] = np.where(event | (place % 2 == 1), 1.0, 0.0) + np.arange(N)[::-1] / 1000
    edge.run()
    m = edge.model("Disc and muscle groups")
    assert m["fit"] == "firth" and m["auc"]["estimate"] == 1
    rows = {row["group"]: row for row in edge.data["interaction"]["unadjusted"]}
    assert {group: row["events"] for group, row in rows.items()}["high disc, high muscle"] == event.sum()
    assert sum(row["events"] for row in rows.values()) == event.sum()
    for row in rows.values():
        assert row["or"] is None or 0 < row["or"] < 1e4
    assert edge.told("model 'Disc and muscle groups'", "separated")


# ---------------------------------------------------------------- ranges


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("thresholds", [-0.1, 0.5], "performance.thresholds.*from 0 up to"),
        ("thresholds", [0.5, 1.0], "performance.thresholds.*not including, 1"),
        ("thresholds", [], "performance.thresholds"),
        ("thresholds", ["often"], "performance.thresholds.*number"),
        ("partial_auc", [1.2, 0.8], "performance.partial_auc.*within 0 to 1"),
        ("partial_auc", [1.0, -0.2], "performance.partial_auc.*within 0 to 1"),
        ("partial_auc", [0.8, 0.8], "performance.partial_auc.*such as"),
        ("partial_auc", {"sensitivity": [2, 0.8]}, "performance.partial_auc.*within 0 to 1"),
        ("confidence", 95, "performance.confidence"),
        ("risk_categories", [0.2, 1.4], "performance.risk_categories.*within 0 and 1"),
    ],
    ids=str,
)
def test_ranges_outside_0_to_1_are_refused(tmp_path, key, value, words):
    edge = Edge(tmp_path, "python")
    edge.study["performance"] = {**SIZES, key: value}
    edge.refused(StudyError, words)


def test_a_range_may_be_written_either_way(tmp_path):
    found = []
    for i, value in enumerate([[0.9, 1.0], [1.0, 0.9]]):
        (tmp_path / str(i)).mkdir()
        edge = Edge(tmp_path / str(i), "python")
        edge.study.update(
            performance={**SIZES, "partial_auc": value}, models=[{"name": "Disc", "terms": ["disc"]}], adjust=[]
        )
        found.append(edge.run()["models"][0]["pauc"])
    assert found[0] == found[1]
    assert (found[0]["sensitivity"]["from"], found[0]["sensitivity"]["to"]) == (1.0, 0.9)


# ---------------------------------------------------------------- very few patients or events


def few(edge: Edge, outcome: list[str]) -> None:
    edge.table = edge.table.head(len(outcome)).assign(recurrence=outcome)
    edge.study["validation"] = {"leave_one_out": True, "folds": 0, "bootstrap": 10, "scope": ["model", "pipeline"]}


def test_three_patients_cannot_be_split_into_folds(tmp_path):
    edge = Edge(tmp_path, "python")
    few(edge, ["yes", "no", "no"])
    edge.study["validation"]["folds"] = 4
    edge.refused(DataError, "validation.folds.*found 1 events? among 3 patients.*0 to switch it off")


def test_three_patients(edge):
    few(edge, ["yes", "no", "no"])
    edge.run()
    assert (edge.data["cohort"]["n"], edge.data["cohort"]["events"]) == (3, 1)
    for m in edge.data["models"]:
        assert m["auc"]["low"] is None and m["auc"]["variance"] is None  # one event has no variance
        assert m["n_parameters"] <= 2
        for t in m["terms"]:
            assert all(t[k] is None or np.isfinite(t[k]) for k in ("b", "se", "p", "or", "low", "high"))
        assert m["validation"]["model"]["leave_one_out"]["auc"]["estimate"] is None
    assert edge.told("AUC: ", "without a value")
    assert not next(m for m in edge.data["sample_size"]["models"])["is_enough"]


def test_one_event_only(edge):
    few(edge, ["yes"] + ["no"] * (N - 1))
    edge.run()
    m = edge.model("Disc Radscore")
    assert 0 <= m["auc"]["estimate"] <= 1 and m["auc"]["low"] is None
    # without its event a refit has one class
    assert m["validation"]["model"]["leave_one_out"]["auc"]["estimate"] is None
    assert m["validation"]["model"]["bootstrap"]["n_usable"] < 10
    assert edge.told("bootstrap samples had one class")
    assert edge.model("Disc Radscore", True)["fit"] == "firth"


def test_one_patient_without_the_event(edge):
    few(edge, ["no"] + ["yes"] * (N - 1))
    edge.run()
    assert edge.model("Disc Radscore")["auc"]["low"] is None


@pytest.mark.parametrize(
    ("separation", "engine"), [("firth", None), ("warn", "python"), pytest.param("warn", "r", marks=pytest.mark.r)]
)
def test_more_parameters_than_patients(edge, separation, engine):
    edge.study["engine"] = engine or edge.study["engine"]  # estimates that run away are rounding: nothing to compare
    few(edge, ["yes", "yes", "no", "no", "no"] * 3)
    rng = np.random.default_rng(3)
    for k in range(6):
        edge.table[f"c{k}"] = rng.choice(list("abcd"), len(edge.table))
        edge.study["clinical"]["covariates"][f"c{k}"] = "categorical"
    edge.study.update(separation=separation, models=[{"name": "Disc", "terms": ["disc"]}])
    edge.run()
    m = edge.model("Disc", True)
    assert m["n_parameters"] == len(edge.table) - 1
    assert sum(t["b"] is None for t in m["terms"]) >= len(m["terms"]) - len(edge.table)
    assert edge.told("model 'Disc', adjusted: not estimable beside the other terms, left out as R does")
    assert m["auc"]["estimate"] == 1 and m["validation"]["model"]["bootstrap"]["auc"]["estimate"] < 1
    assert m["fit"] == ("firth" if separation == "firth" else "maximum likelihood")
    if separation == "firth":
        assert all(t["low"] < t["or"] < t["high"] for t in m["terms"] if t["b"] is not None)
