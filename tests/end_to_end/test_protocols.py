"""Protocols, the choice among them and the yardstick through a whole run: nested, counted, resumed, applied, shown."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pages import unmarked
from phone import cut_on_a_phone
from schemas import check_schema

import prldh
from prldh.core.errors import PrldhError
from prldh.run import prepare
from prldh.stats import corrected_resampled
from prldh.validation import Helpers, open_kept, refit_inputs
from prldh.validation.choosing import refit_pipeline
from prldh.work import Workers

pytestmark = pytest.mark.usefixtures("undrawn")

N, P, FOLDS = 72, 10, 4
AMONG = ["plain", "forest", "as_lasso"]


def make_study(folder, **others):
    rng = np.random.default_rng(11)
    outcome = (np.arange(N) % 3 == 0).astype(int)
    values = rng.normal(size=(N, P)) + 0.8 * outcome[:, None] * (np.arange(P) < 3)
    ids = [f"p{k:03d}" for k in range(N)]
    pd.DataFrame({"id": ids, "y": outcome, "age": rng.normal(60, 9, N).round(1)}).to_csv(
        folder / "clinical.csv", index=False
    )
    names = [f"f{j}" for j in range(P)]
    pd.DataFrame(values, columns=names).assign(id=ids).to_csv(folder / "features.csv", index=False)
    return {
        "engine": "python",
        "clinical": {"table": str(folder / "clinical.csv"), "id": "id", "outcome": "y", "event": 1},
        "tissues": {"disc": {"features": str(folder / "features.csv")}},
        "selection": ["correlation"],
        "if_empty": "best",
        "univariate": False,
        "protocols": {
            "plain": None,
            "forest": {"selection": [], "learner": {"random_forest": {"trees": 60}}},
            "as_lasso": {"selection": [], "learner": "lasso", "second_stage": "as_is"},
        },
        "choose": {"among": AMONG, "folds": 3, "rule": "best"},
        "validation": {"leave_one_out": True, "folds": FOLDS, "bootstrap": 12},
        "performance": {"decision_bootstrap": 5, "partial_auc_bootstrap": 5},
        "report": {"figures": ["svg"]},
        **others,
    }


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("choice")
    study = make_study(folder)
    return study, prldh.analyze(study, folder / "out", jobs=1), folder


def test_the_results_hold_each_way_the_choice_and_the_yardstick(ran):
    _, results, folder = ran
    data = results.data
    check_schema(data)
    assert list(data["protocols"]) == AMONG and set(data["yardstick"]) == {"lasso", "ridge"}
    choice = data["choice"]
    assert choice["chosen"] in AMONG and sum(choice["validation"]["folds"]["how_often"].values()) == FOLDS
    best = max(choice["candidates"], key=lambda way: choice["candidates"][way]["mean"])
    assert choice["chosen"] == best and f"'{best}' has the largest mean AUC" in choice["because"]
    schemes = data["study"]["schemes"]
    assert set(schemes) == {"folds"}, "leave-one-out and bootstrap are asked for by name"
    told = next(w["message"] for w in data["warnings"] if w["code"] == "PRL-132")
    assert f"leave-one-out ({N} training sets), bootstrap (12 training sets)" in told
    for entry in data["protocols"].values():
        (model,) = entry["validation"]["folds"]["models"]
        assert model["seconds"] > 0 and model["n_features"]["low"] <= model["n_features"]["high"]
    assert data["tissues"]["disc"]["radscore"]["method"] == {"plain": "logistic", "forest": "random_forest"}.get(
        choice["chosen"], "lasso"
    )


def test_the_model_of_the_run_is_the_choice_made_anew(ran):
    _, results, _ = ran
    data, rows = results.data, results.predictions
    entry, choice = data["models"][0]["validation"]["pipeline"]["folds"], data["choice"]["validation"]["folds"]
    assert entry["auc"]["estimate"] == choice["auc"]["estimate"] and entry["brier"] == choice["brier"]
    held_out = rows[(rows["scheme"] == "folds") & (rows["scope"] == "pipeline")]
    areas = [_auc(part) for _, part in held_out.groupby("fold")]
    assert choice["auc_mean"]["estimate"] == pytest.approx(np.mean(areas), abs=1e-12)
    looks = {way: e["validation"]["folds"]["models"][0]["auc_mean"]["estimate"] for way, e in data["protocols"].items()}
    assert choice["cost"] == pytest.approx(max(looks.values()) - choice["auc_mean"]["estimate"], abs=1e-12)
    assert looks[choice["best_looking"]] == max(looks.values())


def _auc(part):
    y, eta = part["outcome"].to_numpy() == 1, part["log_odds"].to_numpy()
    above = eta[y][:, None] - eta[~y][None, :]
    return float(np.mean((above > 0) + 0.5 * (above == 0)))


def test_no_fit_of_the_choosing_read_a_held_out_row(ran):
    _, results, _ = ran
    rows = {row["stage"]: row for row in results.data["ledger"]["pipeline"]["folds"]}
    assert rows["choice"]["n_fits"] == FOLDS * len(AMONG) or rows["choice"]["n_fits"] >= FOLDS
    assert all(row["n_held_out_rows_read"] == 0 for row in rows.values())


def test_what_is_held_out_changes_nothing_of_the_choice_and_of_what_is_chosen(ran, tmp_path):
    study, _, _ = ran
    plan = prepare(copy.deepcopy(study))
    _, resamples = plan.schemes["folds"]
    test = resamples[0].test
    (block,) = plan.blocks["disc"]
    values = block.first.copy()
    values[test] = np.random.default_rng(0).normal(50, 30, (len(test), P))
    other = replace(plan, blocks={"disc": (replace(block, first=values),)})
    first, second = (_refit(each, tmp_path) for each in (plan, other))
    assert first[1].chosen["folds"][0] == second[1].chosen["folds"][0]
    for way in AMONG:
        a, b = (each[1].by_way[way].tissues["folds"][0]["disc"] for each in (first, second))
        assert a.features == b.features and a.cutoff == b.cutoff
        train = resamples[0].train
        assert np.array_equal(a.fitting[train], b.fitting[train])
        assert not np.array_equal(a.values[test], b.values[test])


def _refit(plan, folder):
    with Workers(1, shared=refit_inputs(plan)) as workers:
        return refit_pipeline(plan, Helpers(workers, open_kept(plan, lambda text: None)), lambda done, total: None)


def test_differences_are_those_of_the_folds_with_corrected_intervals(ran):
    _, results, _ = ran
    rows = results.predictions
    own = rows[(rows["scheme"] == "folds") & (rows["scope"] == "pipeline")]
    entry = results.data["yardstick"]["ridge"]["folds"]
    d = entry["difference"]
    assert d["n_resamples"] == FOLDS and d["model"] == "Disc Radscore"
    mean = np.mean([_auc(part) for _, part in own.groupby("fold")])
    assert d["auc"]["estimate"] == pytest.approx(entry["auc_mean"]["estimate"] - mean, abs=1e-9)
    assert d["auc"]["low"] < d["auc"]["estimate"] < d["auc"]["high"]
    assert entry["is_better"] == (d["auc"]["low"] > 0)
    half = corrected_resampled(np.array([0.0, 0.1, 0.2, 0.3]), 1 / 3)
    assert half["estimate"] == pytest.approx(0.15)


def test_more_workers_and_a_resumed_run_give_the_same(ran, tmp_path):
    study, results, _ = ran
    again = prldh.analyze(study, tmp_path / "out", jobs=2)
    assert _without_seconds(again.data) == _without_seconds(results.data)


def _without_seconds(data):
    plain = json.loads(json.dumps(data))
    for entry in plain["protocols"].values():
        for scheme in entry["validation"].values():
            for model in scheme["models"]:
                del model["seconds"]
    return plain


@pytest.mark.browser
def test_a_phone_shows_the_number_of_every_table(browser, ran):
    n, cut = cut_on_a_phone(browser, ran[2] / "out")
    assert n > 25 and cut == []


def test_the_report_tells_ways_in_words_of_the_field_and_what_is_not_there_is_left_out(ran):
    """A LASSO whose score is the model: no coefficients of a logistic model, no step, and nothing of them."""
    _, results, folder = ran
    page = unmarked((folder / "out" / "report.html").read_text())
    ways = page[page.index('<section id="ways">') :].split("</section>")[0]
    assert "correlation (between 0.9, outcome 0.3) → logistic regression → second stage in-sample" in ways
    assert "random forest (trees 60)" in ways and "{" not in ways and "as_lasso: " not in ways
    assert '<th scope="col">Model</th>' not in ways.split("Yardstick</h3>")[0]  # there is one
    assert not re.search(r"\b1 (rows|lines|figures|features|patients|parameters)\b", re.sub("<[^>]+>", "", page))
    if results.data["choice"]["chosen"] == "as_lasso":
        assert "Features left after each step" not in page and "by maximum likelihood. B is" not in page


def test_the_report_says_what_was_chosen_what_it_cost_and_that_there_is_no_winner(ran):
    _, results, folder = ran
    page = unmarked((folder / "out" / "report.html").read_text())
    choice = results.data["choice"]
    assert '<section id="ways">' in page and "What choosing cost" in page
    assert f"({choice['validation']['folds']['cost']:.3f}".strip("(-") in page
    known = [
        m["difference"]["auc"]
        for entry in results.data["protocols"].values()
        for m in entry["validation"]["folds"]["models"]
    ]
    known = [d for d in known if d["low"] is not None]
    assert known, "some way differs from the choice"
    holds_0 = all(d["low"] <= 0 <= d["high"] for d in known)
    assert ("no way is shown to be better than another" in page) == holds_0
    tables = folder / "out" / "tables"
    assert len(pd.read_csv(tables / "protocols.csv")) == len(AMONG) + 1
    assert set(pd.read_csv(tables / "yardstick.csv")["learner"]) == {"lasso", "ridge"}


NOTHING = {"selection": [{"correlation": {"outcome": 0.99}}], "learner": "lasso"}
SMALL = {
    "if_empty": "stop",
    "yardstick": False,
    "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 0, "scope": ["pipeline"]},
    "report": {"figures": [], "checklists": []},
}


def test_a_way_that_keeps_nothing_is_chance_and_its_resamples_are_counted(tmp_path):
    study = make_study(tmp_path, **SMALL)
    study["protocols"] = {"nothing": NOTHING, "lasso": {"selection": [], "learner": "lasso"}}
    study["choose"] = {"among": ["nothing", "lasso"], "folds": 3, "rule": "best"}
    data = prldh.analyze({**study, "selection": [], "learner": "lasso"}, tmp_path / "out", jobs=1).data
    (nothing,) = (m for m in data["protocols"]["nothing"]["validation"]["folds"]["models"] if not m["adjusted"])
    assert nothing["n_empty"] == 3 and nothing["n_features"]["high"] == 0
    assert nothing["auc_mean"]["estimate"] == 0.5 and nothing["auc"]["estimate"] is None
    assert data["choice"]["chosen"] == "lasso" and data["choice"]["candidates"]["nothing"]["mean"] == 0.5


def test_a_chosen_way_that_keeps_nothing_of_everyone_is_named(tmp_path):
    study = make_study(tmp_path, **SMALL)
    study["protocols"] = {"first": NOTHING, "second": NOTHING}
    study["choose"] = {"among": ["first", "second"], "folds": 3}
    with pytest.raises(
        PrldhError, match="tissue 'disc', protocol 'first', which was chosen on everyone: the step 'corr"
    ):
        prldh.analyze(study, tmp_path / "out", jobs=1)


CHOICE = {"among": ["a", "b"], "folds": 3}
WAYS = {"a": {"learner": "lasso"}, "b": {}}
WRONG = {
    "one": ({"protocols": WAYS, "choose": {"among": ["a"]}}, "'a' alone is no choice"),
    "unknown": ({"protocols": WAYS, "choose": {"among": ["a", "bb"]}}, "'bb' is not among protocols"),
    "twice": ({"protocols": WAYS, "choose": {"among": ["a", "b", "a"]}}, "'a' is listed twice"),
    "model": ({"protocols": WAYS, "choose": {**CHOICE, "model": "X"}}, "'X' is no model with a score"),
    "folds": ({"protocols": WAYS, "choose": {**CHOICE, "folds": 100}}, "of 100 inner folds of 72 patients none holds"),
    "schemes": ({"protocols": WAYS, "choose": {**CHOICE, "schemes": ["fold"]}}, "did you mean 'folds'"),
    "scope": ({"protocols": WAYS, "choose": CHOICE, "validation": {"scope": "model"}}, "no pipeline"),
    "in_sample forest": ({"learner": "random_forest", "second_stage": "in_sample"}, "learned by heart"),
    "learner": ({"learner": "laso"}, "Did you mean 'lasso'"),
    "two learners": ({"learner": {"lasso": {}, "ridge": {}}}, "name one"),
    "setting": ({"learner": {"lasso": {"fold": 3}}}, "unknown key 'fold'; did you mean 'folds'"),
    "both": ({"learner": "lasso", "radscore": "lasso"}, "Keep learner alone"),
    "as_is with others": (
        {"second_stage": "as_is", "models": [{"name": "m", "terms": ["disc", "age"]}]},
        "the model 'm' has other terms",
    ),
    "protocol's key": ({"protocols": {"a": {"learners": "lasso"}}}, "did you mean 'learner'"),
    "no score": (
        {
            "protocols": WAYS,
            "choose": CHOICE,
            "models": [{"name": "clinical", "terms": ["age"]}],
        },
        "nothing to choose",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_is_one_message(case, tmp_path):
    keys, message = WRONG[case]
    study = make_study(tmp_path)
    del study["protocols"], study["choose"]
    study["clinical"]["covariates"] = {"age": "continuous"}
    with pytest.raises(PrldhError, match=message):
        prldh.analyze({**study, **keys}, tmp_path / "out", jobs=1)
    assert not (tmp_path / "out").exists()


def test_a_way_whose_predictions_nobody_would_believe_is_told(tmp_path):
    study = make_study(tmp_path, validation={"leave_one_out": False, "folds": FOLDS, "bootstrap": 0})
    features = pd.read_csv(tmp_path / "features.csv")
    features.loc[5, "f1"] = 1e6  # as PyRadiomics has for the coarseness of a uniform region
    features.to_csv(tmp_path / "features.csv", index=False)
    del study["choose"]
    way = {"selection": [], "second_stage": "as_is"}
    study["protocols"] = {"flat": {**way, "learner": "logistic"}, "held": {**way, "learner": "ridge"}}
    data = prldh.analyze(study, tmp_path / "out", jobs=1).data
    told = [w["message"] for w in data["warnings"] if w["code"] == "PRL-104"]
    (of_way,) = told  # a ridge's score, and the yardstick's, ends a quarter of its range beyond those of training
    assert of_way.startswith("protocol 'flat', model 'Disc Radscore', cross-validation: held-out log odds of ")
    assert "p005" in of_way and "their values lie outside those of the training patients (disc)" in of_way
    flat, held = (
        data["protocols"][w]["validation"]["folds"]["models"][0]["slope"]["estimate"] for w in ("flat", "held")
    )
    assert abs(flat) < 0.1 < held
