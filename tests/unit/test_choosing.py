"""The rules of a choice, by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest

from prldh import pipeline
from prldh.validation.choosing import decide

NAN = np.nan
WAYS = ("plain", "middle", "best")
#: Three folds: the best beats the middle by 0.02 ± 0.02/√3, and the plain by 0.10 everywhere.
MEASURED = np.array([[0.70, 0.80, 0.80], [0.72, 0.80, 0.82], [0.74, 0.80, 0.84]])


def test_best_takes_the_largest_mean_and_of_ties_the_first_listed():
    assert decide(WAYS, MEASURED, "best").chosen == "best"
    assert decide(WAYS, np.tile([0.7, 0.8, 0.8], (3, 1)), "best").chosen == "middle"


def test_one_se_takes_the_first_listed_within_its_own_error_of_the_best():
    decision = decide(WAYS, MEASURED, "one_se")
    differences = MEASURED - MEASURED[:, [2]]
    assert decision.errors == pytest.approx(differences.std(axis=0, ddof=1) / np.sqrt(3))
    assert decision.means == pytest.approx(MEASURED.mean(axis=0))
    assert decision.errors[0] == pytest.approx(0) and decision.errors[1] == pytest.approx(0.02 / np.sqrt(3))
    assert decision.chosen == "best"  # the middle is 0.020 behind, and its error 0.0115
    closer = MEASURED + np.array([0, 0.009, 0])
    assert decide(WAYS, closer, "one_se").chosen == "middle"  # 0.011 behind
    assert decide(WAYS[::-1], closer[:, ::-1], "one_se").chosen == "best"  # listed first


def test_folds_of_one_class_do_not_count():
    with_blank = np.vstack([MEASURED, [NAN, NAN, NAN]])
    a, b = decide(WAYS, MEASURED, "one_se"), decide(WAYS, with_blank, "one_se")
    assert a.chosen == b.chosen and a.means == pytest.approx(b.means) and a.errors == pytest.approx(b.errors)


def test_without_any_fold_the_first_listed_stands():
    for rule in ("best", "one_se"):
        decision = decide(WAYS, np.full((3, 3), NAN), rule)
        assert decision.chosen == "plain" and np.isnan(decision.means).all()


def test_one_fold_has_no_error_and_the_best_is_taken():
    decision = decide(WAYS, MEASURED[:1], "one_se")
    assert np.isnan(decision.errors).all() and decision.chosen == "middle"  # a tie with the best, listed before it


@dataclass(frozen=True)
class _Plan:
    schemes: dict
    study: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(choose="a choice"))
    protocols: dict = field(default_factory=lambda: {"best": "the best"})
    protocol: str = "the first"


@pytest.mark.parametrize(
    ("seconds", "n_bootstrap", "told"),
    [
        (30, 1000, ["choosing within 1,010 training sets will take about 505 minutes (2 at once)"]),
        (30, 0, ["choosing within 10 training sets will take about 5 minutes (2 at once)"]),
        (1, 0, []),
    ],
)
def test_the_time_that_choosing_within_every_training_set_takes_is_told_before_it(
    monkeypatch, seconds, n_bootstrap, told
):
    clock = iter([1000.0, 1000.0 + seconds])
    monkeypatch.setattr(pipeline.time, "time", lambda: next(clock))
    monkeypatch.setattr(pipeline, "choose_for_everyone", lambda *_: SimpleNamespace(chosen="best"))
    said: list[str] = []
    schemes = {"folds": ("folds", range(10)), "bootstrap": ("bootstrap", range(n_bootstrap))}
    plan, _ = pipeline._choose(_Plan(schemes), None, 2, said.append, lambda *_: None)
    assert said == told and plan.protocol == "the best"
