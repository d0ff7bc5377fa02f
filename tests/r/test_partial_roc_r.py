"""Partial areas: both engines on the same data and the same bootstrap rows."""

from __future__ import annotations

import numpy as np
import pytest

from prldh.core.errors import DataError, EngineError
from prldh.engines.python import PythonEngine
from prldh.engines.r import REngine
from prldh.stats.partial_roc import stratified_rows

pytestmark = pytest.mark.r

RANGES = ((1, 0.8), (0.9, 0.6), (0, 1), (0.505, 0.5))
python, r = PythonEngine(), REngine()


def study(seed: int, n_others: int, n_events: int, digits: int = 9) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    outcome = rng.permutation(np.repeat([0.0, 1.0], [n_others, n_events]))
    common = rng.normal(size=outcome.size)
    return outcome, *(
        np.round(common + rng.normal(size=outcome.size) + shift * outcome, digits) for shift in (1.5, 1.0)
    )


def agree(theirs: dict, ours: dict, **told) -> None:
    assert set(theirs) == set(ours)
    for key, value in ours.items():
        np.testing.assert_allclose(theirs[key], value, rtol=1e-9, atol=1e-12, err_msg=f"{key} {told}")


@pytest.mark.parametrize("focus", ["sensitivity", "specificity"])
@pytest.mark.parametrize(
    "case", [(131, 39, 9), (30, 20, 0), (12, 3, 1), (2, 2, 0), (1, 4, 9), (2, 1, 9), (5, 0, 9), (0, 5, 9)], ids=str
)
def test_python_and_r(case, focus):
    """With ties, small classes, one patient of a class, and one class."""
    for seed in range(3):
        outcome, a, b = study(seed, *case)
        rows = stratified_rows(outcome, 200, np.random.default_rng(seed))
        constant, nearly = np.ones_like(a), 3 * outcome + (a > 0) * outcome
        for high, low in RANGES:
            told = {"seed": seed, "range": (high, low)}
            for score in (a, -a, constant, outcome):
                agree(
                    *(engine.partial_auc(outcome, score, focus, high, low, rows, 200, 0.9) for engine in (r, python)),
                    **told,
                )
            agree(*(engine.partial_auc(outcome, a, focus, high, low) for engine in (r, python)), **told)
            for pair in ((a, b), (a, a), (a, outcome), (outcome, nearly), (a, constant)):
                agree(
                    *(
                        engine.compare_partial_auc(outcome, *pair, focus, high, low, rows, 200, 0.9)
                        for engine in (r, python)
                    ),
                    **told,
                )
                agree(
                    *(
                        engine.compare_partial_auc_asymptotic(outcome, *pair, focus, high, low, 0.9)
                        for engine in (r, python)
                    ),
                    **told,
                )


def test_samples_that_lack_a_class():
    outcome, a, b = study(1, 4, 2, 9)
    rows = np.random.default_rng(2).integers(0, 6, (100, 6))  # unstratified: some have one class
    assert any(np.ptp(outcome[sample]) == 0 for sample in rows)
    agree(*(engine.partial_auc(outcome, a, "sensitivity", 1, 0.8, rows, 100) for engine in (r, python)))
    agree(*(engine.compare_partial_auc(outcome, a, b, "specificity", 1, 0.5, rows, 100) for engine in (r, python)))


def test_both_refuse_what_is_no_range():
    for engine, error in ((r, EngineError), (python, DataError)):
        for ends in ((0.8, 0.8), (1.2, 0.8), (np.nan, 0.8)):
            with pytest.raises(error, match="two different ends in 0..1"):
                engine.partial_auc([0, 1], [1.0, 2.0], "sensitivity", *ends)
