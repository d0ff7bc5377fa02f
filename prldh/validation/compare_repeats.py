"""Comparisons of models where each repeat of a scheme holds other patients out: means over repeats, never pooled."""

from __future__ import annotations

import numpy as np
from scipy import stats

from prldh.core import Predictions, finite
from prldh.models import Compared, Comparison, DifferenceTest
from prldh.stats import corrected_resampled
from prldh.validation.compare_ways import CORRECTED, measures_of


def compare_over_repeats(
    pair: Compared, outcome: np.ndarray, first: Predictions, second: Predictions, level: float
) -> list[Comparison]:
    """The mean difference of two models' AUCs over repeats, with Nadeau and Bengio's interval and test; without both
    where it is the same in all repeats."""
    repeats = range(len(first.resamples))
    differences = np.array([measures_of(first, r, outcome)[0] - measures_of(second, r, outcome)[0] for r in repeats])
    known = differences[~np.isnan(differences)]
    share = float(np.mean([len(r.test) / len(r.train) for r in first.resamples]))
    answer = corrected_resampled(known, share, level)
    statistic = finite(answer["estimate"] / answer["se"])
    p = None if statistic is None else float(2 * stats.t.sf(abs(statistic), len(known) - 1))
    difference, low, high = (finite(answer[key]) for key in ("estimate", "low", "high"))
    return [Comparison(pair, "auc", CORRECTED, DifferenceTest(difference, low, high, statistic, p))]
