"""What bootstrap models are worth on their own sample, on everyone, and out of bag: AUC, Brier score, calibration
line."""

from __future__ import annotations

import numba
import numpy as np

from prldh.core import DataError
from prldh.stats.logistic import check_rows
from prldh.stats.ranking import ranked_log_odds

MEASURES = ("auc", "brier", "intercept", "slope")
WHERE = ("boot", "original", "oob")
_ITERATIONS = 100
_STEP = 1e-12


@numba.njit(cache=True)
def _log_likelihood(y: np.ndarray, x: np.ndarray, a: float, b: float) -> float:
    total = 0.0
    for i in range(y.shape[0]):
        eta = a + b * x[i]
        total += (eta if y[i] == 1.0 else 0.0) - (max(eta, 0.0) + np.log1p(np.exp(-abs(eta))))
    return total


@numba.njit(cache=True)
def _line(y: np.ndarray, x: np.ndarray) -> tuple[float, float]:
    """Intercept and slope of the logistic regression of y on x, by Newton's steps with halving; NaN where it has no
    estimate."""
    n = y.shape[0]
    events = y.sum()
    if events == 0.0 or events == n:
        return np.nan, np.nan
    top_event, low_event, top_other, low_other = -np.inf, np.inf, -np.inf, np.inf
    for i in range(n):
        if y[i] == 1.0:
            top_event, low_event = max(top_event, x[i]), min(low_event, x[i])
        else:
            top_other, low_other = max(top_other, x[i]), min(low_other, x[i])
    if low_event >= top_other or low_other >= top_event:  # separated (or constant): the likelihood has no maximum
        return np.nan, np.nan
    centre = x.mean()
    scale = x.std()
    z = (x - centre) / scale
    a, b = np.log(events / (n - events)), 0.0
    value = _log_likelihood(y, z, a, b)
    for _ in range(_ITERATIONS):
        u0 = u1 = h00 = h01 = h11 = 0.0
        for i in range(n):
            p = 1.0 / (1.0 + np.exp(-(a + b * z[i])))
            w = p * (1.0 - p)
            u0 += y[i] - p
            u1 += (y[i] - p) * z[i]
            h00 += w
            h01 += w * z[i]
            h11 += w * z[i] * z[i]
        det = h00 * h11 - h01 * h01
        if not det > 0.0:
            return np.nan, np.nan
        step_a, step_b = (h11 * u0 - h01 * u1) / det, (h00 * u1 - h01 * u0) / det
        size = 1.0
        while size > 1e-6:
            tried = _log_likelihood(y, z, a + size * step_a, b + size * step_b)
            if tried >= value - 1e-12 * abs(value):
                break
            size /= 2.0
        a, b, value = a + size * step_a, b + size * step_b, tried
        if max(abs(step_a), abs(step_b)) < _STEP * (1.0 + abs(a) + abs(b)):
            break
    return a - b * centre / scale, b / scale


@numba.njit(cache=True)
def _area(y: np.ndarray, x: np.ndarray) -> float:
    """Mann-Whitney's area with ties half; NaN with one class."""
    order = np.argsort(x, kind="mergesort")
    n, i = y.shape[0], 0
    below = area = 0.0
    while i < n:
        j, events, others = i, 0.0, 0.0
        while j < n and x[order[j]] == x[order[i]]:
            if y[order[j]] == 1.0:
                events += 1.0
            else:
                others += 1.0
            j += 1
        area += events * (below + others / 2.0)
        below += others
        i = j
    total = y.sum()
    if total == 0.0 or below == 0.0:
        return np.nan
    return area / (total * below)


@numba.njit(cache=True)
def _brier(y: np.ndarray, x: np.ndarray) -> float:
    if y.shape[0] == 0:
        return np.nan
    total = 0.0
    for i in range(y.shape[0]):
        error = 1.0 / (1.0 + np.exp(-x[i])) - y[i]
        total += error * error
    return total / y.shape[0]


@numba.njit(cache=True)
def _measure(y: np.ndarray, x: np.ndarray, ranks: np.ndarray, measures: np.ndarray) -> None:
    measures[0] = _area(y, ranks)
    measures[1] = _brier(y, x)
    measures[2], measures[3] = _line(y, x)


@numba.njit(cache=True)
def _measures(
    outcome: np.ndarray,
    log_odds: np.ndarray,
    ranks: np.ndarray,
    in_sample: np.ndarray,
    ranks_in_sample: np.ndarray,
    rows: np.ndarray,
    lengths: np.ndarray,
) -> np.ndarray:
    measures = np.full((lengths.shape[0], 3, 4), np.nan)
    start = 0
    for r in range(lengths.shape[0]):
        drawn = rows[start : start + lengths[r]]
        own = slice(start, start + lengths[r])
        _measure(outcome[drawn], in_sample[own], ranks_in_sample[own], measures[r, 0])
        out = ~np.isnan(log_odds[r])
        _measure(outcome[out], log_odds[r][out], ranks[r][out], measures[r, 1])
        out[drawn] = False
        _measure(outcome[out], log_odds[r][out], ranks[r][out], measures[r, 2])
        start += lengths[r]
    return measures


def bootstrap_measures(
    outcome: np.ndarray, log_odds: np.ndarray, in_sample: np.ndarray, rows: np.ndarray, lengths: np.ndarray
) -> dict[str, np.ndarray]:
    """AUC, Brier score, and intercept and slope of the calibration line of every bootstrap model, on three sets of
    patients.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    log_odds : (m, n) array
        Row r: everyone's log-odds by the model of bootstrap sample r; NaN of patients whom it does not predict, who do
        not count there.
    in_sample : (sum of lengths,) array
        Log-odds of the rows drawn, one sample after another. They are ``log_odds[r, rows]`` unless blanks were imputed
        with the outcome there.
    rows, lengths : integer arrays
        0-based row numbers of the samples one after another, and how many belong to each.

    Returns
    -------
    dict
        ``auc_boot``, ``auc_original``, ``auc_oob`` and the same of ``brier``, ``intercept`` and ``slope``, each (m,):
        on the bootstrap sample, on everyone, and on the patients not drawn. NaN where it is not defined: one class,
        nobody, and for intercept and slope also constant or separated predictions.

    Raises
    ------
    DataError
        When shapes do not fit or a row number is out of range.

    Notes
    -----
    F. E. Harrell, K. L. Lee, D. B. Mark, Statistics in Medicine 15 (1996) 361-387. R: ``rms::validate`` (training,
    test, of Dxy / 2 + 1/2, B, Intercept, Slope).

    Examples
    --------
    >>> y, eta = np.array([0, 1, 0, 1]), np.array([[-1.0, 0.5, 1.0, 2.0]])
    >>> rows = np.array([0, 1, 1, 2])
    >>> bootstrap_measures(y, eta, eta[0, rows], rows, np.array([4]))["auc_original"]
    array([0.75])
    """
    y = np.ascontiguousarray(outcome, dtype=float)
    log_odds = np.ascontiguousarray(np.atleast_2d(log_odds), dtype=float)
    in_sample = np.ascontiguousarray(in_sample, dtype=float).ravel()
    rows, lengths = check_rows(rows, lengths, len(y))
    if log_odds.shape != (len(lengths), len(y)) or in_sample.shape != rows.shape:
        raise DataError(
            f"log_odds must be (resamples, patients) and in_sample one a row drawn: found {log_odds.shape} and"
            f" {in_sample.size} for {len(lengths)} resamples of {rows.size} rows."
        )
    measures = _measures(y, log_odds, ranked_log_odds(log_odds), in_sample, ranked_log_odds(in_sample), rows, lengths)
    return {
        f"{measure}_{where}": measures[:, i, j].copy()
        for j, measure in enumerate(MEASURES)
        for i, where in enumerate(WHERE)
    }
