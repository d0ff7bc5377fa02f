"""Whose software a run called: found in the code of the functions that it ran."""

from __future__ import annotations

import numpy as np
import pytest

from prldh.chain.selection.correlation import CorrelationSelector
from prldh.chain.selection.lasso_svm_rfe import LassoSvmRfeSelector
from prldh.engines.packages import packages_of, r_packages_of
from prldh.engines.python import PythonEngine
from prldh.stats.by_name import find_statistic


@pytest.mark.parametrize(
    ("function", "packages"),
    [
        (find_statistic("youden"), ("numpy",)),
        (find_statistic("adjust_p"), ("numpy", "statsmodels")),
        (find_statistic("proportion"), ("statsmodels",)),
        (find_statistic("auc"), ("numpy", "scipy")),
        (find_statistic("cv_lasso"), ("numpy", "numba")),
        (LassoSvmRfeSelector().fit, ("numpy", "scikit-learn")),
        (CorrelationSelector().fit, ("numpy", "numba")),
        (sorted, ()),
    ],
)
def test_packages_are_found_in_code_and_in_what_it_calls(function, packages):
    assert packages_of([function]) == packages


@pytest.mark.parametrize(
    ("function", "packages"),
    [
        ("auc", {"pROC"}),
        ("cv_lasso", {"glmnet"}),
        ("bootstrap_measures", set()),
        ("hosmer_lemeshow", {"ResourceSelection"}),
    ],
)
def test_r_s_packages_too(function, packages):
    assert r_packages_of([function]) == packages


def test_an_engine_knows_what_it_was_asked_for():
    engine = PythonEngine()
    assert engine.packages_called() == ()
    engine.youden(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    assert engine.packages_called() == ("numpy",)
    engine.adjust_p(np.array([0.1]), "holm")
    assert engine.packages_called() == ("numpy", "statsmodels")
