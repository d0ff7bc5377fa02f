"""The second stage, by hand: a cross-fitted score is of a fit that did not see its patient; one taken as it is, is the
log odds already."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from prldh.chain import ChosenLearner, Protocol, base_log_odds, fit_tissue, training_rows
from prldh.chain.learners.linear_svm import LinearSvmLearner
from prldh.chain.learners.penalised import ElasticNetLearner, LassoLearner, RidgeLearner
from prldh.chain.learners.random_forest import RandomForestLearner
from prldh.chain.radscore import CROSS_FOLDS, OF_CROSS_FITS
from prldh.chain.shared import child_of, stratified_folds
from prldh.core import Cohort, FeatureBlock, Ledger, ModelSpec, Resample, Subjects, TissueRefit
from prldh.engines import PythonEngine
from prldh.stats import youden
from prldh.validation.refit import predict_scope_pipeline, refit_tissues

N, SEED = 70, np.random.SeedSequence(9)


def make_block(n=N, p=4, seed=1):
    rng = np.random.default_rng(seed)
    outcome = (np.arange(n) % 3 == 0).astype(np.int8)
    values = rng.normal(size=(n, p)) + 0.8 * outcome[:, None] * (np.arange(p) < 2)
    return FeatureBlock("s", tuple(f"f{j}" for j in range(p)), values, None), outcome


def fit(block, outcome, rows, stage="cross_fitted", ledger=None, seed=SEED, learner=None):
    training = training_rows((block,), Subjects.each(outcome), rows)
    own, chosen = np.random.SeedSequence(seed.entropy), {}
    if learner is not None:
        chosen["learner"] = ChosenLearner(learner, learner.Settings())
    protocol = Protocol((), True, "stop", second_stage=stage, **chosen)
    return fit_tissue(training, ("s",), protocol, own, PythonEngine(), ledger)


def plain_log_odds(train, y, test):
    answer = sm.Logit(y, sm.add_constant(train)).fit(disp=0, tol=1e-12, maxiter=200)
    return sm.add_constant(test) @ answer.params


def test_each_score_is_of_a_plain_fit_on_the_other_folds():
    block, outcome = make_block()
    found = fit(block, outcome, np.arange(N))
    fold = stratified_folds(outcome, CROSS_FOLDS, child_of(SEED, OF_CROSS_FITS), np.arange(N))
    expected = np.empty(N)
    for k in range(CROSS_FOLDS):
        test = fold == k
        expected[test] = plain_log_odds(block.first[~test], outcome[~test], block.first[test])
    assert found.cross_fitted == pytest.approx(expected, abs=1e-6)
    assert found.values == pytest.approx(plain_log_odds(block.first, outcome, block.first), abs=1e-6)
    assert found.cutoff == youden(outcome.astype(float), found.cross_fitted)["threshold"]
    assert np.abs(found.values - found.cross_fitted).max() > 0.1


@pytest.mark.parametrize(("odd", "artefact"), [(0, 1e6), (1, 1e6), (3, 1e6), (1, -1e6), (3, -1e6)])
@pytest.mark.parametrize(
    "learner",
    [
        None,
        LassoLearner,
        RidgeLearner,
        ElasticNetLearner,
        LinearSvmLearner,
        RandomForestLearner,
    ],
)
def test_one_patient_with_an_artefact_pulls_the_models_no_further_than_a_bound(learner, odd, artefact):
    """Where the others' scores tell something the coefficient keeps its sign; where they tell next to nothing one
    patient may still turn it, as in any logistic model. A machine whose held-out values he turns gives no score, and
    that is told."""
    block, outcome = make_block()
    patient = int(np.flatnonzero(outcome == 0)[odd])
    block.first[patient, 0] = artefact  # what else tells the event is in feature 1
    found = fit(block, outcome, np.arange(N), learner=learner and learner())
    if learner is LinearSvmLearner and found.cross_fitted is None:
        assert odd == 0 and "do not rise with the event" in found.warnings[0].message
        return
    others, told = np.delete(found.cross_fitted, patient), np.delete(outcome, patient)
    assert others.min() - np.ptp(others) < found.cross_fitted[patient] < others.max() + np.ptp(others)
    of_others = sm.Logit(told, sm.add_constant(others)).fit(disp=0).params[1]
    of_all = sm.Logit(outcome, sm.add_constant(found.cross_fitted)).fit(disp=0).params[1]
    assert of_all > 0 or of_others < 0.25


def test_copies_of_a_patient_are_in_one_fold_and_have_one_score():
    block, outcome = make_block()
    rows = np.sort(np.random.default_rng(2).integers(0, N, N))
    ledger = Ledger(np.setdiff1d(np.arange(N), rows))
    found = fit(block, outcome, rows, ledger=ledger)
    for patient in np.unique(rows):
        assert np.ptp(found.cross_fitted[rows == patient]) == 0
    assert all(entry.n_held_out == 0 for entry in ledger.entries.values())
    assert ledger.entries["Radscore"].n_fits == 1 + CROSS_FOLDS


def test_in_sample_is_what_it_was():
    block, outcome = make_block()
    a, b = fit(block, outcome, np.arange(N), "in_sample"), fit(block, outcome, np.arange(N))
    assert a.cross_fitted is None and a.fitting is a.values
    assert a.values == pytest.approx(b.values, abs=0)
    assert b.fitting is b.cross_fitted


def test_a_single_event_leaves_folds_without_one_whose_scores_are_the_rows_own_log_odds():
    block, _ = make_block(20, 2)
    outcome = np.zeros(20, dtype=np.int8)
    outcome[3] = 1
    found = fit(block, outcome, np.arange(20))
    fold = stratified_folds(outcome, 2, child_of(SEED, OF_CROSS_FITS), np.arange(20))
    without = fold == fold[3]
    assert found.cross_fitted[without] == pytest.approx(base_log_odds(outcome))
    assert np.isfinite(found.cross_fitted).all()


def test_a_chain_of_nothing_taken_as_it_is_gives_everyone_the_log_odds_of_the_training_rows():
    block, outcome = make_block()
    flat = FeatureBlock("s", block.names, np.ones_like(block.first), None)
    resample = Resample(np.arange(40), np.arange(40, N), 0, 0)
    for stage, expected in (("as_is", base_log_odds(outcome[:40])), ("in_sample", 0.0)):
        protocol = Protocol((), True, "stop", second_stage=stage)
        refits = refit_tissues(
            {"t": (flat,)},
            {},
            Subjects.each(outcome),
            resample,
            protocol,
            1,
            ("folds", 0),
            PythonEngine(),
            Ledger(resample.test),
        )
        assert refits["t"].values == pytest.approx(expected) and refits["t"].empty_step
        assert refits["t"].is_log_odds == (stage == "as_is")


def test_held_out_rows_have_the_score_of_all_training_rows():
    block, outcome = make_block()
    train, test = np.arange(50), np.arange(50, N)
    refits = refit_tissues(
        {"t": (block,)},
        {},
        Subjects.each(outcome),
        Resample(train, test, 0, 0),
        Protocol((), True, "stop", second_stage="cross_fitted"),
        1,
        ("folds", 0),
        PythonEngine(),
        Ledger(test),
    )
    expected = plain_log_odds(block.first[train], outcome[train], block.first[test])
    assert refits["t"].values[test] == pytest.approx(expected, abs=1e-6)
    assert refits["t"].fitting[test] == pytest.approx(expected, abs=1e-6)
    assert np.abs(refits["t"].fitting[train] - refits["t"].values[train]).max() > 0.1


def test_groups_that_only_cross_fitted_scores_fall_into_are_predicted_by_their_own_coefficients():
    """Some cross-fitted score is low where the frozen chain has everyone high: the model has a column that the applied
    scores have not, and what it predicts goes by the names of its columns."""
    rng = np.random.default_rng(4)
    outcome = (np.arange(N) % 3 == 0).astype(np.int8)
    empty = pd.DataFrame(index=range(N))
    cohort = Cohort(tuple(map(str, range(N))), outcome, empty, empty, (), (), "y", "1", "0")
    applied, made_of = np.ones(N), np.where(rng.random(N) < 0.3, -1.0, 1.0)
    muscle = np.where(rng.random(N) < 0.5, 1.0, -1.0)
    train = np.arange(0, N, 2)
    cross_fitted = np.where(np.isin(np.arange(N), train), made_of, applied)
    tissues = {
        "disc": TissueRefit(applied, 0.0, (), None, cross_fitted),
        "muscle": TissueRefit(muscle, 0.0, (), None, muscle),
    }
    resample, term = Resample(train, np.setdiff1d(np.arange(N), train), 0, 0), "groups(disc, muscle)"
    found = predict_scope_pipeline(
        ModelSpec("g", False, (term,), (term,)), cohort, "held_out", [resample], [tissues], PythonEngine()
    )
    y, of = outcome[train], {}
    for high in (1.0, -1.0):
        own = y[(made_of[train] == 1) & (muscle[train] == high)].mean()
        of[high] = np.log(own / (1 - own))
    assert found.log_odds[0] == pytest.approx(np.where(muscle == 1, of[1.0], of[-1.0]), abs=1e-6)
