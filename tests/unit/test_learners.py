"""The support vector machine and the mean of learners: equal to plain computations, and defined where data are odd."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.optimize import minimize

from prldh.chain.learners import LEARNERS
from prldh.chain.learners.linear import LogisticLearner
from prldh.chain.learners.linear_svm import LinearSvmLearner, choose_cost, scale_by_platt
from prldh.chain.learners.mean import MeanLearner
from prldh.chain.learners.penalised import LassoLearner
from prldh.chain.learners.random_forest import RandomForestLearner
from prldh.chain.shared import child_of, stratified_folds
from prldh.core import LinearScore, PluginError, StudyError, TrainingRows
from prldh.engines import PythonEngine
from prldh.plugins.registry import Registry
from prldh.plugins.settings import settings_of
from prldh.run import resolve_protocols
from prldh.study import Study
from prldh.testing.learner_checks import composed

SEED, ENGINE = np.random.SeedSequence(5), PythonEngine()


def make_rows(n: int = 60, p: int = 5, seed: int = 0, effect: float = 1.0) -> TrainingRows:
    generator = np.random.default_rng(seed)
    outcome = generator.permutation(np.arange(n) % 5 < 2).astype(np.int8)
    values = generator.normal(size=(n, p))
    values[:, :2] += effect * outcome[:, None]
    return TrainingRows(values, None, outcome, np.arange(n), tuple(f"f{j}" for j in range(p)))


def fit_svm(rows: TrainingRows, **settings) -> LinearScore:
    learner = LinearSvmLearner()
    return learner.fit(rows, learner.Settings(**settings), SEED, ENGINE)


def fit_mean(rows: TrainingRows, of: list, seed: np.random.SeedSequence = SEED):
    learner, settings = composed(MeanLearner(), {"of": of})
    return learner.fit(rows, settings, seed, ENGINE)


# ---------------------------------------------------------------- the support vector machine


def test_a_machine_is_scikit_learns_on_standardised_columns():
    from sklearn.svm import SVC

    rows, others = make_rows(), make_rows(seed=1)
    score = fit_svm(rows, cost=[0.5])
    center, scale = rows.values.mean(axis=0), rows.values.std(axis=0) * np.sqrt(5)
    machine = SVC(kernel="linear", C=0.5).fit((rows.values - center) / scale, rows.outcome)
    decision = machine.decision_function((others.values - center) / scale)
    slope = score.details["slope"]
    ours = (score.apply(others.values, others.names, {}) - score.intercept) / slope
    np.testing.assert_allclose(ours, decision - machine.intercept_[0], atol=2e-3)


def test_platts_scaling_is_the_minimum_of_his_deviance():
    generator = np.random.default_rng(2)
    outcome = (generator.random(70) < 0.3).astype(int)
    decision = 1.7 * (outcome - 0.5) + generator.normal(size=70)
    events, others = outcome.sum(), (1 - outcome).sum()
    target = np.where(outcome == 1, (events + 1) / (events + 2), 1 / (others + 2))

    def deviance(b):
        eta = b[0] + b[1] * decision
        return np.sum(np.logaddexp(0, eta) - target * eta)

    found = minimize(deviance, [0.0, 0.0], method="BFGS", options={"gtol": 1e-9})
    np.testing.assert_allclose(scale_by_platt(decision, outcome), found.x, atol=1e-5)


def test_platts_scaling_of_separated_values_is_finite_and_never_turns_round():
    outcome = np.array([0, 0, 0, 1, 1, 1])
    intercept, slope = scale_by_platt(np.array([-3.0, -2, -1, 1, 2, 3]), outcome)
    assert np.isfinite([intercept, slope]).all() and slope > 0
    for decision in (np.array([3.0, 2, 1, -1, -2, -3]), np.zeros(6)):
        intercept, slope = scale_by_platt(decision, outcome)
        assert slope == 0 and intercept == pytest.approx(0.0)


def test_the_cost_is_the_least_of_the_best_and_its_decision_values_are_held_out():
    rows = make_rows(40)
    fold = stratified_folds(rows.outcome, 4, child_of(SEED, 0), rows.patient)
    chosen = choose_cost(rows, fold, (8.0, 0.125, 1.0))
    assert chosen.costs == (0.125, 1.0, 8.0)
    assert chosen.cost == next(c for c, a in zip(chosen.costs, chosen.auc, strict=True) if a >= max(chosen.auc) - 1e-10)
    # what was held out has no say in its own decision value
    test = fold == 0
    other = replace(rows, outcome=np.where(test, 1 - rows.outcome, rows.outcome))
    same_cost = choose_cost(other, fold, (chosen.cost,))
    np.testing.assert_array_equal(same_cost.decision[test], choose_cost(rows, fold, (chosen.cost,)).decision[test])


def test_a_machine_without_inner_folds_takes_cost_1_and_says_so():
    rows = make_rows(30)
    rows = rows.of_rows(np.r_[np.flatnonzero(rows.outcome == 0), np.flatnonzero(rows.outcome == 1)[:1]])
    score = fit_svm(rows)
    assert score.details["folds"] is None and score.details["cost"] == 1 and "C is 1" in score.warnings[-1]
    assert np.isfinite(score.apply(rows.values, rows.names, {})).all()


def test_a_machine_that_does_not_converge_is_told_and_larger_costs_are_left_out(monkeypatch):
    rows = make_rows(60, effect=0.3)
    assert "did not converge" not in " ".join(fit_svm(rows).warnings)
    monkeypatch.setattr("prldh.chain.learners.linear_svm.MOST_STEPS", 3)
    score = fit_svm(rows, cost=[0.5, 2.0, 8.0])
    assert score.details["costs"] == [0.5]
    assert "the solver did not converge at C = 0.5 within 3 steps" in score.warnings
    assert np.isfinite(score.apply(rows.values, rows.names, {})).all()


def test_where_held_out_values_do_not_rise_everyone_gets_the_same():
    """Two mirrored patients a class: what is held out lies on the wrong side of what is fitted on the others."""
    values = np.array([[1.0], [-1.0], [1.0], [-1.0]])
    rows = TrainingRows(values, None, np.array([0, 0, 1, 1], dtype=np.int8), np.arange(4), ("a",))
    score = fit_svm(rows)
    assert score.names == () and np.ptp(score.apply(values, ("a",), {})) == 0
    assert any("everyone gets the same score" in sentence for sentence in score.warnings)


@pytest.mark.parametrize("size", [1e300, 1e-300])
def test_a_machine_of_columns_of_any_size_scores_alike(size):
    rows, others = make_rows(), make_rows(seed=1)
    plain = fit_svm(rows).apply(others.values, others.names, {})
    scaled = fit_svm(replace(rows, values=rows.values * size))
    json.dumps(scaled.state, allow_nan=False)
    np.testing.assert_allclose(scaled.apply(others.values * size, others.names, {}), plain, atol=1e-3)


def test_a_machine_of_one_class_or_of_nothing_that_varies_is_the_base_rate():
    rows = make_rows(20)
    for odd in (replace(rows, outcome=np.ones(20, dtype=np.int8)), replace(rows, values=np.ones((20, 5)))):
        score = fit_svm(odd)
        assert score.names == () and np.isfinite(score.intercept) and len(score.warnings) == 1


def test_a_cost_must_be_positive():
    with pytest.raises(ValidationError):
        LinearSvmLearner.Settings(cost=[1.0, 0.0])


# ---------------------------------------------------------------- the mean


def test_a_mean_averages_the_log_odds_of_its_parts():
    rows, others = make_rows(), make_rows(seed=1)
    score = fit_mean(rows, ["logistic", {"random_forest": {"trees": 30}}])
    forest = RandomForestLearner()
    parts = [
        LogisticLearner().fit(rows, LogisticLearner.Settings(), child_of(SEED, 0), ENGINE),
        forest.fit(rows, forest.Settings(trees=30), child_of(SEED, 1), ENGINE),
    ]
    expected = sum(part.apply(others.values, others.names, {}) for part in parts) / 2
    np.testing.assert_allclose(score.apply(others.values, others.names, {}), expected, rtol=1e-14)
    assert set(score.names) == {name for part in parts for name in part.names}


def test_a_mean_of_one_is_that_one_and_twice_the_same_has_other_numbers():
    rows, others = make_rows(), make_rows(seed=1)
    forest = {"random_forest": {"trees": 20}}
    one, two = (fit_mean(rows, [forest] * k) for k in (1, 2))
    first, second = (part.score.apply(others.values, others.names, {}) for part in two.parts)
    np.testing.assert_array_equal(one.apply(others.values, others.names, {}), first)
    assert not np.array_equal(first, second)


def test_a_mean_within_a_mean_is_read_again_from_its_state():
    rows, others = make_rows(), make_rows(seed=1)
    score = fit_mean(rows, ["lasso", {"mean": {"of": ["logistic", {"random_forest": {"trees": 5}}]}}])
    state = json.loads(json.dumps(score.state))
    assert [part["step"] for part in state["parts"]] == ["linear score", "mean"]
    registry = Registry(load_entry_points=False)

    def read(entry):
        if entry["step"] == LinearScore.name:
            return LinearScore.from_state(entry["state"])
        item = registry.choose("register_learners", entry["step"], "test")
        nested = isinstance(item, MeanLearner)
        return item.from_parts(entry["state"], read) if nested else item.from_state(entry["state"])

    again = MeanLearner().from_parts(state, read)
    values = [each.apply(others.values, others.names, {}) for each in (score, again)]
    np.testing.assert_array_equal(*values)


def test_a_mean_memorises_where_a_part_does():
    assert not composed(MeanLearner(), {"of": ["logistic", "lasso"]})[0].memorises
    assert composed(MeanLearner(), {"of": ["logistic", {"mean": {"of": ["random_forest"]}}]})[0].memorises


def test_a_mean_of_none_and_of_an_unknown_one_have_one_message():
    for of in ([], "lasso"):
        with pytest.raises(StudyError, match="learner: of: list one learner or more"):
            settings_of(MeanLearner.Settings, {"of": of}, "learner")
    for part in (3, {}, {"lasso": {}, "ridge": {}}):
        with pytest.raises(StudyError, match="learner: of: name one learner at each place"):
            settings_of(MeanLearner.Settings, {"of": ["lasso", part]}, "learner")
    with pytest.raises(PluginError, match="there is no learner 'laso'.* Did you mean 'lasso'"):
        composed(MeanLearner(), {"of": ["laso"]})
    with pytest.raises(PluginError, match="was given 0 of the 1 learners"):
        MeanLearner().fit(make_rows(), MeanLearner.Settings(of=["lasso"]), SEED, ENGINE)
    with pytest.raises(ValueError, match="a mean of no learners"):
        MeanLearner().from_parts({"parts": []}, lambda part: None)


def test_a_part_that_uses_nothing_counts_with_its_base_rate():
    rows = make_rows(40, 3, effect=0.0, seed=3)
    rows = replace(rows, values=np.round(rows.values))
    score = fit_mean(rows, ["linear_svm", "logistic"])
    assert np.isfinite(score.apply(rows.values, rows.names, {})).all()


def test_every_learner_can_be_part_of_a_mean():
    rows = make_rows(40, 3)
    names = [learner.name for learner in LEARNERS if learner.name != "mean"]
    few = {"random_forest": {"trees": 5}, "boosting": {"trees": 10, "folds": 2}}
    score = fit_mean(rows, [{name: few.get(name)} for name in names])
    assert len(score.parts) == len(names) and LassoLearner.name in names
    assert np.isfinite(score.apply(rows.values, rows.names, {})).all()


@pytest.mark.parametrize(
    ("learner", "told"),
    [
        ({"linear_svm": {"cost": 1}}, r"cost: must be a list, such as \[a, b\] \(found 1\)\."),
        ({"elastic_net": {"alphas": []}}, r"alphas: must have at least 1 \(found none\). Add one."),
        ({"random_forest": {"trees": "many"}}, r"trees: must be a whole number \(found 'many'\)\."),
        ({"random_forest": {"trees": 0}}, r"trees: must be at least 1 \(found 0\)\."),
        ({"lasso": {"rule": "best"}}, r"rule: must be 'min' or 'one_se' \(found 'best'\)\."),
    ],
)
def test_a_wrong_setting_is_told_in_words_of_the_study_file(learner, told):
    study = Study.model_validate(
        {"clinical": {"table": "t.csv", "id": "id", "outcome": "y", "event": 1}, "learner": learner}
    )
    with pytest.raises(StudyError, match=rf"^learner \({next(iter(learner))}\): {told}$"):
        resolve_protocols(study, Registry(load_entry_points=False))
