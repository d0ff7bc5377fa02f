"""Random splits of which a refit ended as the intercept alone: nothing is pooled, so that it counts 0.5 in the mean."""

from __future__ import annotations

import numpy as np
import pytest

from prldh.core import HELD_OUT, HOLDOUT, REPEATED_HOLDOUT, Predictions, Resample
from prldh.engines import PythonEngine
from prldh.stats import auc_of_rows
from prldh.validation.groups import pool_areas
from prldh.validation.summaries import judge_held_out, pooled_auc_of


def predictions_of(kind: str, n_repeats: int) -> tuple[Predictions, np.ndarray]:
    rng = np.random.default_rng(2)
    y = np.tile([0.0, 1.0], 40)
    eta = np.array([rng.normal(size=80) + y for _ in range(n_repeats)])
    eta[0] = -0.3
    tests = [np.arange(r, r + 30) for r in range(n_repeats)]
    resamples = [Resample(np.setdiff1d(np.arange(80), test), test, r, 0) for r, test in enumerate(tests)]
    return Predictions(kind, resamples, eta, np.arange(n_repeats) == 0), y


def test_it_counts_a_half_and_leaves_no_interval():
    predictions, y = predictions_of(REPEATED_HOLDOUT, 4)
    area, warnings = pooled_auc_of(predictions, y, PythonEngine(), 0.95)
    others = [auc_of_rows(y[r.test], predictions.log_odds[r.repeat, r.test][None])[0] for r in predictions.resamples]
    assert area.estimate == pytest.approx(np.mean([0.5, *others[1:]]))
    assert (area.low, area.high) == (None, None) and not warnings


def test_one_part_of_which_nothing_is_known_has_a_half_without_interval():
    predictions, y = predictions_of(HOLDOUT, 1)
    area, warnings = pooled_auc_of(predictions, y, PythonEngine(), 0.95)
    assert (area.estimate, area.low, area.high) == (0.5, None, None) and not warnings


def test_folds_are_pooled_and_have_none():
    predictions, y = predictions_of(HELD_OUT, 1)
    area, warnings = pooled_auc_of(predictions, y, PythonEngine(), 0.95)
    assert area.estimate is None and [w.code for w in warnings] == ["PRL-094"]


def test_a_part_of_one_class_has_neither_auc_nor_line_and_is_told_as_what_it_is():
    predictions, y = predictions_of(HOLDOUT, 1)
    predictions = Predictions(HOLDOUT, predictions.resamples, np.linspace(-1, 1, 80)[None], np.zeros(1, dtype=bool))
    y[predictions.resamples[0].test] = 0.0
    judged, warnings = judge_held_out(predictions, y, PythonEngine(), 0.95)
    assert judged.auc.estimate is None and judged.slope.estimate is None and judged.intercept.estimate is None
    assert [w.message for w in warnings] == ["1 part held out one class only: there is no AUC."]


def test_reasons_of_groups_as_one_end_within_their_sentence():
    for points in ([], [(0.7, 0.01)], [(0.7, 0.01), (0.8, 0.01)]):
        pooled = pool_areas(points, PythonEngine(), 0.95, [], [])
        assert pooled.reason and not pooled.reason.endswith(".")
