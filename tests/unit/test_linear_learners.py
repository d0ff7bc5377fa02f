"""Logistic regression, the LASSO, ridge and the elastic net as learners."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from prldh.chain.learners import RADSCORES, ElasticNetLearner, LassoLearner, LogisticLearner, RidgeLearner
from prldh.chain.learners.penalised import fit_penalised
from prldh.chain.shared import stratified_folds
from prldh.core import StepRun, TrainingRows
from prldh.engines import PythonEngine
from prldh.stats.lasso import cv_lasso

PENALISED = (LassoLearner(), RidgeLearner(), ElasticNetLearner())
SEED = np.random.SeedSequence(5)


def make_rows(n=60, p=12, n_events=25, seed=1):
    generator = np.random.default_rng(seed)
    outcome = generator.permutation(np.repeat([0, 1], [n - n_events, n_events])).astype(np.int8)
    values = generator.normal(size=(n, p)) * np.arange(1, p + 1) + 4
    values[:, :3] += outcome[:, None] * np.arange(1, p + 1)[:3]
    return TrainingRows(values, None, outcome, np.arange(n), tuple(f"f{j:02d}" for j in range(p)))


def part(rows, drawn):
    return TrainingRows(rows.values[drawn], None, rows.outcome[drawn], rows.patient[drawn], rows.names)


def fit(learner, rows, **settings):
    return learner.fit(rows, learner.Settings(**settings), SEED, PythonEngine())


def ids(learner):
    return learner.name


@pytest.mark.parametrize("learner", PENALISED, ids=ids)
def test_a_score_reads_the_features_with_a_coefficient_and_travels_as_json(learner):
    rows = make_rows()
    score = fit(learner, rows)
    assert (score.coefficients != 0).all() and set(score.names) <= set(rows.names)
    assert learner.name != "ridge" or score.names == rows.names
    again = learner.from_state(json.loads(json.dumps(score.state)))
    np.testing.assert_array_equal(again.apply(rows.values, rows.names, {}), score.apply(rows.values, rows.names, {}))
    details = json.loads(json.dumps(dict(score.details)))
    assert details["n_features"] == len(score.names) and details["folds"] == 10 and score.warnings == ()


def test_the_lasso_leaves_features_out():
    score = fit(LassoLearner(), make_rows(p=30))
    assert 0 < len(score.names) < 30


@pytest.mark.parametrize("learner", PENALISED, ids=ids)
def test_neither_the_order_of_rows_nor_that_of_columns_matters(learner):
    rows, generator = make_rows(), np.random.default_rng(0)
    drawn, columns = generator.permutation(60), generator.permutation(12)
    other = part(rows, drawn).take(columns)
    first, second = fit(learner, rows), fit(learner, other)
    assert set(first.names) == set(second.names)
    assert tuple(n for n in other.names if n in second.names) == second.names
    np.testing.assert_allclose(
        second.apply(rows.values, rows.names, {}), first.apply(rows.values, rows.names, {}), rtol=0, atol=1e-10
    )


def test_the_lasso_at_1e_14_is_the_engines_on_the_folds_of_its_seed():
    """What ``radscore: lasso`` has always been."""
    rows = make_rows()
    score = fit(LassoLearner(), rows, **RADSCORES["lasso"])
    z = (rows.values - rows.values.mean(axis=0)) / rows.values.std(axis=0)
    folds = stratified_folds(rows.outcome, 10, SEED, rows.patient) + 1
    b = cv_lasso(z, rows.outcome.astype(float), folds)["coefficients"]
    assert score.names == tuple(rows.names[j] for j in np.flatnonzero(b[1:]))
    np.testing.assert_allclose(score.apply(rows.values, rows.names, {}), b[0] + z @ b[1:], atol=1e-12)


def test_the_elastic_net_takes_the_alpha_of_least_deviance_on_the_same_folds():
    rows = make_rows()
    score = fit(ElasticNetLearner(), rows, alphas=(0.0, 0.3, 1.0))
    least = {}
    for alpha in (0.0, 0.3, 1.0):
        alone = fit_penalised(rows, ElasticNetLearner.Settings(), (alpha,), SEED, PythonEngine())
        least[alpha] = min(alone.details["paths"][0]["cv_mean"])
        if alpha == score.details["alpha"]:
            assert alone.state == score.state
    assert score.details["alpha"] == min(least, key=least.get) and len(set(least.values())) == 3
    assert ElasticNetLearner.Settings().alphas == (0.1, 0.55, 1.0)


@pytest.mark.parametrize("learner", PENALISED, ids=ids)
def test_one_standard_error_takes_a_larger_penalty(learner):
    rows = make_rows()
    least, simple = fit(learner, rows), fit(learner, rows, rule="one_se")
    path = next(each for each in simple.details["paths"] if each["alpha"] == simple.details["alpha"])
    at, best = path["lambda"].index(simple.details["lambda"]), int(np.argmin(path["cv_mean"]))
    limit = path["cv_mean"][best] + path["cv_sd"][best]
    assert simple.details["lambda"] > least.details["lambda"]
    assert path["cv_mean"][at] <= limit and (at == 0 or path["cv_mean"][at - 1] > limit)


@pytest.mark.parametrize("learner", PENALISED, ids=ids)
def test_one_feature_is_fitted_without_a_penalty(learner):
    rows = make_rows().take(np.array([2]))
    assert fit(learner, rows).state == fit(LogisticLearner(), rows).state


@pytest.mark.parametrize("learner", PENALISED, ids=ids)
def test_few_patients_of_a_class_give_fewer_folds_or_the_intercept_alone(learner):
    some = fit(learner, make_rows(n=40, n_events=5))
    assert some.details["folds"] == 5 and "5 inner folds instead of 10" in some.warnings[0] and some.names
    for n_events in (1, 2):
        none = fit(learner, make_rows(n=40, n_events=n_events))
        assert none.names == () and "the intercept alone" in none.warnings[0]
        assert none.intercept == pytest.approx(np.log(n_events / (40 - n_events)))
        np.testing.assert_array_equal(none.log_odds(np.empty((3, 0))), np.full(3, none.intercept))
    assert np.isfinite(fit(learner, make_rows(n=10, n_events=0)).intercept)


@pytest.mark.parametrize("learner", PENALISED, ids=ids)
def test_copies_of_a_patient_stay_in_one_inner_fold(learner):
    """A column that tells patients apart says nothing about others; were copies parted, it would be of great use."""
    generator = np.random.default_rng(3)
    outcome = np.repeat([0, 1], 15).astype(np.int8)
    noise = TrainingRows(
        generator.normal(size=(30, 200)), None, outcome, np.arange(30), tuple(f"f{j:03d}" for j in range(200))
    )
    score = fit(learner, part(noise, np.repeat(np.arange(30), 4)))
    deviance = min(min(each["cv_mean"]) for each in score.details["paths"])
    assert deviance > 1.2  # that of everyone at 1/2 is 1.386


@pytest.mark.parametrize("learner", (LogisticLearner(), *PENALISED), ids=ids)
def test_constant_columns_and_copies_are_no_obstacle(learner):
    rows = make_rows(p=4)
    values = np.column_stack([rows.values, np.full(60, 0.1), rows.values[:, 0]])
    score = fit(learner, TrainingRows(values, None, rows.outcome, rows.patient, ("a", "b", "c", "d", "e", "f")))
    assert np.isfinite(score.apply(values, ("a", "b", "c", "d", "e", "f"), {})).all()
    assert learner.name == "logistic" or "e" not in score.names
    if learner.name == "lasso":
        assert "a" in score.names and "f" not in score.names  # the first by name


def test_features_that_vary_in_one_patient_alone_leave_the_intercept():
    rows = make_rows(p=2)
    values = np.zeros((60, 2))
    values[3] = 1.0
    score = fit(LassoLearner(), TrainingRows(values, None, rows.outcome, rows.patient, ("a", "b")))
    assert score.names == () and "constant in the training part" in score.warnings[0]


def test_separated_classes_have_a_finite_score():
    rows = make_rows()
    values = rows.values + 40 * rows.outcome[:, None]
    for learner in PENALISED:
        score = fit(learner, TrainingRows(values, None, rows.outcome, rows.patient, rows.names))
        log_odds = score.apply(values, rows.names, {})
        assert np.isfinite(log_odds).all() and log_odds[rows.outcome == 1].min() > log_odds[rows.outcome == 0].max()


@pytest.mark.parametrize(
    "wrong", [{"folds": 2}, {"rule": "best"}, {"tolerance": 1e-20}, {"alphas": ()}, {"alphas": (1.5,)}, {"cost": 1}]
)
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(ValidationError):
        ElasticNetLearner.Settings(**wrong)
    with pytest.raises(ValidationError, match="once"):
        ElasticNetLearner.Settings(alphas=(0.5, 0.5))


@pytest.mark.parametrize("learner", PENALISED, ids=ids)
def test_the_sentence_for_the_paper_cites_what_the_learner_cites(learner):
    settings = learner.Settings(rule="one_se").model_dump(mode="json")
    text = learner.methods(StepRun(settings))
    assert "{folds} inner folds" in text and "one standard error" in text
    assert all(f"@{reference.key}" in text for reference in learner.references)
