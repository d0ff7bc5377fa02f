"""The two-stage bootstrap: how estimates that are themselves corrected by a bootstrap spread over samples of patients.

Each outer sample of patients is treated as the patients were: the model is fitted, and refitted in inner samples of the
outer one. References: :func:`two_stage_bootstrap`.
"""

from __future__ import annotations

import numba
import numpy as np
from scipy import stats

from prldh.stats.logistic import _add_columns, _estimable, _irls, as_design
from prldh.stats.ranking import ranked_each
from prldh.stats.resampled import combine_resampled

#: The measures, and the estimates of each.
TWO_STAGE = ("auc", "brier")
ESTIMATES = ("estimate", "b632", "b632plus")
#: The fewest patients of the rarer class, and of them for each coefficient beside the intercept, of whom the intervals
#: were simulated (docs/intervals.md).
LEAST_RARER, LEAST_PER_COEFFICIENT = 15, 4
#: The least corrected AUC that has an interval: nearer to 0.5, where refits may turn against a model's direction, it
#: holds too seldom.
LEAST_AUC = 0.6
_MAX_STEPS = 12
_DONE = 1e-16
_FAR = 15.0
"""Log odds beyond which a sample is taken to be separated, or nearly: there ``glm.fit``'s own steps decide."""


@numba.njit(cache=True)
def _newton(z: np.ndarray, y: np.ndarray, rows: np.ndarray, times: np.ndarray, b: np.ndarray) -> bool:
    """The maximum of the likelihood of patients ``rows`` who count ``times``, from ``b`` on, which it changes; z (n, k)
    is the design in standard units.

    False where it has none that Newton's steps reach: separated, aliased, one class.
    """
    k = z.shape[1]
    information, score = np.empty((k, k)), np.empty(k)
    for _ in range(_MAX_STEPS):
        information[:] = 0.0
        score[:] = 0.0
        for i in rows:
            eta = 0.0
            for j in range(k):
                eta += z[i, j] * b[j]
            if not abs(eta) < _FAR:
                return False
            p = 1.0 / (1.0 + np.exp(-eta))
            residual, weight = times[i] * (y[i] - p), times[i] * p * (1.0 - p)
            for j in range(k):
                score[j] += residual * z[i, j]
                part = weight * z[i, j]
                for h in range(j + 1):
                    information[j, h] += part * z[i, h]
        decrement = 0.0
        for j in range(k):  # Cholesky's factor in the lower triangle, the score solved on the way
            diagonal = information[j, j]
            for h in range(j):
                for g in range(h):
                    information[j, h] -= information[j, g] * information[h, g]
                information[j, h] /= information[h, h]
                information[j, j] -= information[j, h] * information[j, h]
                score[j] -= information[j, h] * score[h]
            if not information[j, j] > 1e-9 * diagonal:
                return False
            information[j, j] = np.sqrt(information[j, j])
            score[j] /= information[j, j]
            decrement += score[j] * score[j]
        for j in range(k - 1, -1, -1):
            for h in range(j + 1, k):
                score[j] -= information[h, j] * score[h]
            score[j] /= information[j, j]
            b[j] += score[j]
        if decrement < _DONE:
            return True
    return False


@numba.njit(cache=True)
def _log_odds(
    columns: np.ndarray, z: np.ndarray, y: np.ndarray, times: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Everyone's log odds by the model of a sample in which patients count ``times``, NaN with one class, and where to
    start from within the sample: its coefficients in standard units.

    Where Newton's steps reach no maximum the log odds are those of :func:`~prldh.stats.logistic.refit_logistic`, and
    the start is that which was given.
    """
    n, k = z.shape
    rows = np.flatnonzero(times > 0.0)
    b = start.copy()
    total = events = 0.0
    for i in rows:
        total += times[i]
        events += times[i] * y[i]
    if events == 0.0 or events == total:
        return np.full(n, np.nan), start
    if _newton(z, y, rows, times, b):
        return _add_columns(z.T, b, np.zeros(n)), b
    drawn = np.empty(int(total), dtype=np.int64)
    filled = 0
    for i in rows:
        for _ in range(int(times[i])):
            drawn[filled] = i
            filled += 1
    x = columns[:, drawn]
    kept = _estimable(x)
    fitted = _irls(x[kept], y[drawn], np.zeros(len(drawn)))[0]
    return _add_columns(columns[kept], fitted, np.zeros(n)), start


@numba.njit(cache=True)
def _area(y: np.ndarray, ranked: np.ndarray, order: np.ndarray, times: np.ndarray) -> float:
    """Mann-Whitney's area of patients who count ``times``, by their ranked log odds, ties half; ``order`` sorts them.
    NaN with one class."""
    i, m = 0, order.shape[0]
    below = area = total = 0.0
    while i < m:
        j, events, others = i, 0.0, 0.0
        while j < m and ranked[order[j]] == ranked[order[i]]:
            if y[order[j]] == 1.0:
                events += times[order[j]]
            else:
                others += times[order[j]]
            j += 1
        area += events * (below + others / 2.0)
        below += others
        total += events
        i = j
    return area / (total * below) if total > 0.0 and below > 0.0 else np.nan


@numba.njit(cache=True)
def _measure(
    y: np.ndarray, eta: np.ndarray, ranked: np.ndarray, order: np.ndarray, times: np.ndarray, measures: np.ndarray
) -> None:
    """AUC and Brier score of patients who count ``times``; NaN for nobody."""
    measures[0] = _area(y, ranked, order, times)
    total = error = 0.0
    for i in order:
        total += times[i]
        error += times[i] * (1.0 / (1.0 + np.exp(-eta[i])) - y[i]) ** 2
    measures[1] = error / total if total > 0.0 else np.nan


@numba.njit(cache=True)
def _brier_by_chance(y: np.ndarray, eta: np.ndarray, rows: np.ndarray, times: np.ndarray) -> float:
    """Mean squared error over all pairs of predictions and outcomes."""
    total = events = missed = alarmed = 0.0
    for i in rows:
        p = 1.0 / (1.0 + np.exp(-eta[i]))
        total += times[i]
        events += times[i] * y[i]
        missed += times[i] * (1.0 - p) ** 2
        alarmed += times[i] * p**2
    return (events * missed + (total - events) * alarmed) / total**2


@numba.njit(cache=True)
def _one_sample(
    columns: np.ndarray, z: np.ndarray, y: np.ndarray, start: np.ndarray, drawn: np.ndarray, positions: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """One outer sample: measures (2,) of its model on itself, of its inner samples' models on themselves, on the outer
    sample and out of bag (m, 3, 2), and the Brier score of no information."""
    n, m = y.shape[0], positions.shape[0]
    outer, inner, times = np.full(2, np.nan), np.full((m, 3, 2), np.nan), np.zeros(n)
    for i in drawn:
        times[i] += 1.0
    eta, b = _log_odds(columns, z, y, times, start)
    if np.isnan(eta[0]):
        return outer, inner, np.nan
    rows = np.flatnonzero(times > 0.0)
    ranked = ranked_each(eta)
    _measure(y, eta, ranked, rows[np.argsort(ranked[rows])], times, outer)
    by_chance = _brier_by_chance(y, eta, rows, times)
    again, left, is_drawn = np.empty(n), np.empty(n), np.empty(len(drawn), dtype=np.bool_)
    for r in range(m):
        again[:] = 0.0
        left[:] = times
        is_drawn[:] = False
        for position in positions[r]:
            again[drawn[position]] += 1.0
            if not is_drawn[position]:
                is_drawn[position] = True
                left[drawn[position]] -= 1.0
        eta = _log_odds(columns, z, y, again, b)[0]
        if np.isnan(eta[0]):
            continue
        ranked = ranked_each(eta)
        order = rows[np.argsort(ranked[rows])]
        _measure(y, eta, ranked, order, again, inner[r, 0])
        _measure(y, eta, ranked, order, times, inner[r, 1])
        _measure(y, eta, ranked, order, left, inner[r, 2])
    return outer, inner, by_chance


def least_rarer(n_coefficients: int) -> int:
    """How many patients the rarer class must have for an interval by :func:`two_stage_interval`, of a model with so
    many coefficients beside the intercept: as few as were simulated (docs/intervals.md).

    Examples
    --------
    >>> least_rarer(1), least_rarer(8)
    (15, 32)
    """
    return max(LEAST_RARER, LEAST_PER_COEFFICIENT * n_coefficients)


def two_stage_bootstrap(
    design: np.ndarray, outcome: np.ndarray, n_outer: int, n_inner: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Bootstrap-corrected AUC and Brier score of a logistic model in bootstrap samples of the patients.

    Parameters
    ----------
    design : (n, k) array
        Design matrix whose first column is the intercept's ones.
    outcome : (n,) array of 0/1
    n_outer, n_inner
        How many samples of the patients, and how many of each of them.
    rng
        Draws them: for every outer sample its n patients, then its inner samples, n numbers of rows of the outer one
        each.

    Returns
    -------
    dict
        (n_outer,) each: ``auc_estimate`` (optimism-corrected), ``auc_b632`` and ``auc_b632plus``, as
        :func:`~prldh.stats.resampled.correct_optimism` has them of an outer sample, copies of a patient being patients
        of their own; the same of ``brier``. NaN where one does not exist, as in a sample with one class.

    Raises
    ------
    DataError
        When the shapes do not fit, a value is not finite, or the outcome is not 0/1.

    Notes
    -----
    H. Noma, T. Shinozaki, K. Iba, S. Teramukai, T. A. Furukawa, Statistics in Medicine 40 (2021) 5691-5701. The models
    are those of :func:`~prldh.stats.logistic.refit_logistic`: by Newton's steps where these converge (there glm's
    coefficients differ by what its criterion leaves), by glm's own where a sample is separated, or nearly, or its
    columns are aliased.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> y = np.repeat([1.0, 0.0], [20, 40])
    >>> x = np.column_stack([np.ones(60), rng.normal(size=60) + y])
    >>> spread = two_stage_bootstrap(x, y, 50, 10, rng)
    >>> spread["auc_estimate"].shape, bool(0.04 < spread["auc_estimate"].std() < 0.1)
    ((50,), True)
    """
    columns, y = as_design(design, outcome)
    columns = np.ascontiguousarray(columns[_estimable(columns)])  # the others are aliased in every sample
    centre, scale = columns.mean(axis=1), columns.std(axis=1)
    centre[0], scale[0] = 0.0, 1.0
    z = np.ascontiguousarray(((columns - centre[:, None]) / scale[:, None]).T)
    start = _log_odds(columns, z, y, np.ones(len(y)), np.zeros(len(columns)))[1]
    estimates_by_sample = {f"{measure}_{key}": np.full(n_outer, np.nan) for measure in TWO_STAGE for key in ESTIMATES}
    for r in range(n_outer):
        drawn = rng.integers(0, len(y), len(y))
        outer, inner, by_chance = _one_sample(columns, z, y, start, drawn, rng.integers(0, len(y), (n_inner, len(y))))
        for j, (measure, nothing) in enumerate(zip(TWO_STAGE, (0.5, by_chance), strict=True)):
            boot, original, oob = inner[:, :, j].T
            estimates = combine_resampled(float(outer[j]), boot, original, oob, nothing, measure == "auc")
            for key in ESTIMATES:
                estimates_by_sample[f"{measure}_{key}"][r] = estimates.get(key, np.nan)
    return estimates_by_sample


def two_stage_interval(estimate: float, resampled: np.ndarray, n_rarer: int, level: float = 0.95) -> dict[str, float]:
    """Interval for what a bootstrap-corrected share, such as an AUC, estimates: its value, in the population, of the
    model that was fitted.

    Parameters
    ----------
    estimate
        The corrected value of all patients.
    resampled
        (m,) that of every outer sample (:func:`two_stage_bootstrap`).
    n_rarer
        How many patients the rarer class has.

    Returns
    -------
    dict
        ``low``, ``high``. NaN where the estimate is not within 0 and 1, or the outer samples do not vary.

    Notes
    -----
    Percentiles of ``resampled`` (Noma et al. 2021) lie around the value in the world of the bootstrap, which is nearer
    to the apparent one than to the corrected. Here ``resampled`` tells the spread alone, on the scale of asin(sqrt(.)),
    on which it depends least on where it lies (the variance of an AUC or a Brier score falls towards 0 and 1 as that of
    a proportion): asin(sqrt(estimate)) -+ t s. As T. C. Hesterberg (American Statistician 69 (2015) 371-386) has it of
    small samples, s is the standard deviation times sqrt(m / (m - 1)), as a bootstrap's variance is (m - 1) / m too
    small, and t Student's with m - 1 degrees of freedom; m = ``n_rarer``, of whom there is least to tell. How often the
    limits hold: docs/intervals.md.

    Examples
    --------
    >>> found = two_stage_interval(0.8, np.array([0.75, 0.8, 0.85]), 20)
    >>> round(found["low"], 3), round(found["high"], 3)
    (0.682, 0.896)
    """
    known = resampled[np.isfinite(resampled)]
    nothing = {"low": np.nan, "high": np.nan}
    if not 0.0 < estimate < 1.0 or n_rarer < 2 or known.size < 2:
        return nothing
    spread = np.arcsin(np.sqrt(np.clip(known, 0.0, 1.0))).std(ddof=1) * np.sqrt(n_rarer / (n_rarer - 1))
    if not spread > 1e-9:
        return nothing
    away = stats.t.ppf((1 + level) / 2, n_rarer - 1) * spread
    low, high = np.sin(np.clip(np.arcsin(np.sqrt(estimate)) + np.array([-away, away]), 0.0, np.pi / 2)) ** 2
    return {"low": float(low), "high": float(high)}
