"""Firth's penalised likelihood for logistic regression: finite estimates where the outcome is separated.

The log-likelihood is maximised with half the log determinant of the information added to it (Jeffreys' prior);
:mod:`prldh.stats.firth_maximum` has the iterations.

References
----------
Firth (1993) Biometrika 80:27; Heinze & Schemper (2002) Stat Med 21:2409; R package logistf.
"""

from __future__ import annotations

import numba
import numpy as np
from scipy import special

from prldh.core import DataError
from prldh.stats.firth_maximum import MOST, backward, maximise, orthogonal_basis
from prldh.stats.logistic import LogisticFit, _estimable, as_design, check_rows, fit_intercept, linear_predictor

_MAX_OUTER = 200
_FOLLOWED = 50
"""Iterations in which the others follow a coefficient that is held a step further out, or the step was too long."""
PREDICTIONS = ("firth", "flic", "flac")


@numba.njit(cache=True)
def _refit(columns: np.ndarray, outcome: np.ndarray, rows: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Coefficients (m, k) of every resample; NaN for a resample with one class. A patient drawn twice counts twice, and
    is worked out once."""
    k = columns.shape[0]
    result = np.zeros((lengths.shape[0], k))
    begin = 0
    for r in range(lengths.shape[0]):
        counted = np.zeros(columns.shape[1])
        for row in rows[begin : begin + lengths[r]]:
            counted[row] += 1.0
        begin += lengths[r]
        drawn = np.flatnonzero(counted)
        y, times, wide = outcome[drawn], counted[drawn], np.empty((k, drawn.shape[0]))
        for j in range(k):
            wide[j] = columns[j][drawn]
        if drawn.shape[0] == 0 or y.min() == y.max():
            result[r, :] = np.nan
            continue
        kept = _estimable(wide)
        basis, triangle = orthogonal_basis(np.ascontiguousarray(wide[kept].T))
        estimates = maximise(basis, y, times, np.zeros(kept.shape[0]), kept.shape[0], MOST)[0]
        estimates = backward(np.ascontiguousarray(triangle.T), estimates)
        for i in range(kept.shape[0]):
            result[r, kept[i]] = estimates[i]
    return result


class _Fit:
    """A fit over the estimable columns: what the public functions read."""

    def __init__(self, design: np.ndarray, outcome: np.ndarray) -> None:
        columns, self.y = as_design(design, outcome)
        self.k = len(columns)
        self.kept = _estimable(columns)
        self.x = np.ascontiguousarray(columns[self.kept].T)
        basis, triangle = orthogonal_basis(self.x)
        in_basis, self.value, _, self.iterations, self.converged = maximise(
            basis, self.y, np.ones(len(self.y)), np.zeros(len(self.kept)), len(self.kept), MOST
        )
        self.estimates = backward(np.ascontiguousarray(triangle.T), in_basis)
        mu = special.expit(basis @ in_basis)
        weight = mu * (1.0 - mu)
        information = (basis * weight[:, None]).T @ basis
        leverage = weight * np.einsum("ij,ij->i", basis @ np.linalg.inv(information), basis)
        augmented = (basis * (weight * (1.0 + leverage))[:, None]).T @ basis
        inverse = np.linalg.inv(triangle)
        self.covariance = inverse @ np.linalg.inv(augmented) @ inverse.T
        # what the basis takes away from the penalty
        self.log_determinant = float(np.log(np.abs(np.diag(triangle))).sum())

    def profile(self, position: int) -> _Profile:
        """The profile over one of the kept coefficients."""
        return _Profile(self, position)


class _Profile:
    """The penalised log-likelihood with one coefficient held and the others maximised."""

    def __init__(self, fit: _Fit, position: int) -> None:
        order = np.r_[np.delete(np.arange(len(fit.kept)), position), position]
        self.basis, triangle = orthogonal_basis(np.ascontiguousarray(fit.x[:, order]))
        self.y, self.scale = fit.y, triangle[-1, -1]
        self.best = triangle @ fit.estimates[order]

    def at(self, b: float, start: np.ndarray, most: int = MOST) -> tuple[float, float, np.ndarray, bool]:
        """Value, derivative by b, where the others are, and whether a maximum is found from this start."""
        held = start.copy()
        held[-1] = b * self.scale
        once = np.ones(len(self.y))
        others, value, slope, _, is_found = maximise(self.basis, self.y, once, held, len(held) - 1, most)
        return value, slope * self.scale, others, is_found

    def at_zero(self) -> tuple[float, bool]:
        """Value where the coefficient is 0, from the others' estimates, or, where no maximum is found from there, from
        0; whether one is found."""
        value, _, _, is_found = self.at(0.0, self.best)
        if is_found:
            return value, True
        again, _, _, is_found = self.at(0.0, np.zeros(len(self.best)))
        return again if is_found else max(value, again), is_found


def fit_firth(design: np.ndarray, outcome: np.ndarray) -> LogisticFit:
    """Logistic regression by Firth's penalised likelihood.

    Parameters
    ----------
    design : (n, k) array
        Design matrix whose first column is the intercept's ones.
    outcome : (n,) array
        0/1, 1 = event.

    Returns
    -------
    dict
        ``coefficients``, ``standard_errors``, ``p_values`` (k,) (penalised likelihood-ratio tests; NaN where aliased),
        ``covariance`` (k, k) (see Notes), ``log_likelihood`` (penalised), ``deviance`` (-2 of it),
        ``null_deviance`` (that of every coefficient but the intercept at 0), ``converged`` (1.0, or 0.0 where a maximum
        was not found, of all coefficients or with one of them at 0), ``iterations``.

    Raises
    ------
    DataError
        When the shapes do not fit or values are not finite.

    Notes
    -----
    R: ``logistf::logistf``, which stops at 1e-5; here the iterations run to rounding. As there, the hypothesis that a
    coefficient is 0 keeps its column in the penalty. The covariance is, as logistf's since 1.24, the inverse
    information of the augmented data, in which patient i counts 1 + h_i times (h: leverage); on a 2x2 table that is 1/2
    more in each cell. The penalised likelihood may have several maxima where many parameters separate the outcome: it
    is the one reached from coefficients of 0, as logistf's. Two of them are equally high where a level has one patient
    with the event and one without (mirrored in that level's coefficient the likelihood is the same): it is the one with
    the lower coefficient. Aliased columns are those of :func:`~prldh.stats.logistic.fit_logistic`.

    References
    ----------
    D. Firth, Biometrika 80 (1993) 27-38. G. Heinze, M. Schemper, Statistics in Medicine 21 (2002) 2409-2419.

    Examples
    --------
    On a saturated 2x2 table the same as adding 1/2 to every cell: log(8.5 / 0.5) - log(3.5 / 5.5)

    >>> x = np.column_stack([np.ones(16), np.repeat([0.0, 1.0], 8)])
    >>> fit_firth(x, np.array([1] * 3 + [0] * 5 + [1] * 8))["coefficients"].round(6)
    array([-0.451985,  3.285198])
    """
    fit = _Fit(design, outcome)
    free = len(fit.kept)
    k, covariance = fit.k, np.full((fit.k, fit.k), np.nan)
    coefficients, p_values = np.full(k, np.nan), np.full(k, np.nan)
    coefficients[fit.kept] = fit.estimates
    covariance[np.ix_(fit.kept, fit.kept)] = fit.covariance
    converged = fit.converged
    for position, j in enumerate(fit.kept):
        value, is_found = fit.profile(position).at_zero()
        p_values[j] = special.chdtrc(1.0, max(2.0 * (fit.value - value), 0.0))
        converged = converged and is_found
    null = _null(fit.x, fit.y) if free else float("nan")
    value = fit.value + fit.log_determinant
    return {
        "coefficients": coefficients,
        "standard_errors": np.sqrt(np.diag(covariance)),
        "p_values": p_values,
        "covariance": covariance,
        "log_likelihood": np.float64(value),
        "deviance": np.float64(-2.0 * value),
        "null_deviance": np.float64(-2.0 * (null + fit.log_determinant)),
        "converged": float(converged),
        "iterations": float(fit.iterations),
    }


def _null(x: np.ndarray, y: np.ndarray) -> float:
    """Penalised log-likelihood over the basis with every coefficient but the first at 0."""
    # its first column is the intercept's, so the others' zeros are zeros in the basis too
    basis, triangle = orthogonal_basis(x)
    return float(maximise(basis, y, np.ones(len(y)), np.zeros(len(triangle)), 1, MOST)[1])


def firth_limits(design: np.ndarray, outcome: np.ndarray, level: float = 0.95) -> np.ndarray:
    """Profile penalised-likelihood limits of every coefficient of a Firth fit.

    Parameters
    ----------
    design : (n, k) array
        Design matrix whose first column is the intercept's ones.
    outcome : (n,) array of 0/1
    level : float
        Coverage.

    Returns
    -------
    (k, 2) array
        Lower and upper limit, where twice the fall of the profile penalised log-likelihood is the chi-square quantile
        with one degree of freedom; NaN where aliased. They are always finite.

    Raises
    ------
    DataError
        When the shapes do not fit or values are not finite.

    Notes
    -----
    R: ``logistf::logistf(pl = TRUE)``; the column whose coefficient is held stays in the penalty.

    References
    ----------
    G. Heinze, M. Schemper, Statistics in Medicine 21 (2002) 2409-2419.

    Examples
    --------
    >>> x = np.column_stack([np.ones(16), np.repeat([0.0, 1.0], 8)])
    >>> firth_limits(x, np.array([1] * 3 + [0] * 5 + [1] * 8)).round(3)
    array([[-1.913,  0.87 ],
           [ 0.747,  8.265]])
    """
    fit = _Fit(design, outcome)
    limits = np.full((fit.k, 2), np.nan)
    drop = float(special.chdtri(1.0, 1.0 - level)) / 2.0
    for position, j in enumerate(fit.kept):
        profile = fit.profile(position)
        first = np.sqrt(2.0 * drop * fit.covariance[position, position])
        for side, sign in ((0, -1.0), (1, 1.0)):
            limits[j, side] = _solve_limit(profile, fit.estimates[position], fit.value, drop, sign * first)
    return limits


def _solve_limit(profile: _Profile, estimate: float, best: float, drop: float, first: float) -> float:
    """The b beyond ``estimate``, in the direction of ``first``, where the profile has fallen by ``drop``: Newton in a
    bracket."""
    side = np.sign(first)
    inner, outer = estimate, np.inf * side
    b, reached, start = estimate + first, estimate, profile.best
    for _ in range(_MAX_OUTER):
        value, slope, others, is_found = profile.at(b, start, _FOLLOWED)
        if not is_found:  # too far from where the others are: nearer, from where they follow
            b = 0.5 * (b + reached)
            continue
        reached, start = b, others
        excess = best - value - drop
        if excess < 0.0:
            inner = b
        else:
            outer = b
        falling = -slope * side
        step = -excess / falling if falling > 0.0 else np.inf
        if not np.isfinite(outer):
            distance = abs(b - estimate)
            b += side * min(max(step, 0.1 * distance), distance)
            continue
        candidate = b + side * step
        if abs(candidate - b) <= 1e-12 * max(abs(first), abs(b)):
            return candidate  # at the limit: what is left is rounding
        if not min(inner, outer) < candidate < max(inner, outer):
            candidate = 0.5 * (inner + outer)
        if abs(outer - inner) <= 1e-13 * max(abs(b), abs(first)):
            return candidate
        b = candidate
    return b


def refit_firth(
    design: np.ndarray, outcome: np.ndarray, rows: np.ndarray, lengths: np.ndarray, predictions: str = "firth"
) -> dict[str, np.ndarray]:
    """Coefficients of the same Firth model on many resamples, for prediction.

    Parameters
    ----------
    design : (n, k) array
    outcome : (n,) array of 0/1
    rows : integer array
        0-based row numbers of all resamples, one resample after another, with repeats in bootstrap samples.
    lengths : (m,) integer array
        How many of ``rows`` belong to each resample.
    predictions : str
        ``firth``: the coefficients as they are, with which predictions are biased towards 1/2. ``flic``: its slopes,
        and the intercept by maximum likelihood, so that the mean prediction is the share of events. ``flac``: by
        maximum likelihood on the augmented data, with a covariate that tells the augmentation apart.

    Returns
    -------
    dict
        ``coefficients`` (m, k). Aliased ones are 0; every coefficient of a resample with one class is NaN.

    Raises
    ------
    DataError
        When ``lengths`` do not add up to the number of ``rows``, a row number is out of range, or ``predictions`` is
        none of the three.

    Notes
    -----
    D. Firth, Biometrika 80 (1993) 27-38. R. Puhr et al., Statistics in Medicine 36 (2017) 2302-2317: the augmented data
    are the patients, and each of them twice more with half of the leverage as the weight, once with the outcome and
    once without. R: ``logistf::logistf``, ``flic`` and ``flac`` on every resample.

    Examples
    --------
    >>> x, y = np.column_stack([np.ones(4), [0.0, 0, 1, 1]]), np.array([0.0, 1, 1, 1])
    >>> refit_firth(x, y, np.array([0, 1, 2, 3]), np.array([4]))["coefficients"].round(6) + 0.0
    array([[0.      , 1.609438]])
    """
    columns, y = as_design(design, outcome)
    rows, lengths = check_rows(rows, lengths, len(y))
    if predictions not in PREDICTIONS:
        raise DataError(f"predictions must be one of {', '.join(PREDICTIONS)}: found {predictions!r}.")
    coefficients = _refit(columns, y, rows, lengths)
    if predictions != "firth":
        correct = _flic if predictions == "flic" else _flac
        for b, drawn in zip(coefficients, np.split(rows, np.cumsum(lengths)[:-1]), strict=True):
            if np.isfinite(b).all():
                b[:] = correct(columns.T[drawn], y[drawn], b)
    return {"coefficients": coefficients}


def _flic(x: np.ndarray, y: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Firth's slopes with the intercept by maximum likelihood."""
    slopes = np.concatenate([[0.0], b[1:]])
    return slopes + np.eye(len(b))[0] * fit_intercept(y, linear_predictor(x, slopes))


def _flac(x: np.ndarray, y: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Maximum likelihood on the augmented data, by Newton's method from Firth's estimates."""
    kept = _estimable(np.ascontiguousarray(x.T))
    basis, triangle = orthogonal_basis(np.ascontiguousarray(x[:, kept]))
    mu = special.expit(linear_predictor(x, b))
    root = np.sqrt(mu * (1 - mu))[:, None] * basis
    leverage = np.einsum("ij,ij->i", root, np.linalg.solve(root.T @ root, root.T).T)
    n, k = basis.shape
    z = np.column_stack([np.tile(basis, (3, 1)), np.repeat([0.0, 1.0, 1.0], n)])
    target, weight = np.concatenate([y, y, 1 - y]), np.concatenate([np.ones(n), leverage / 2, leverage / 2])

    def deviance(beta: np.ndarray) -> float:
        return float(weight @ np.logaddexp(0.0, (1 - 2 * target) * (z @ beta)))

    beta = np.append(triangle @ b[kept], 0.0)
    value = deviance(beta)
    for _ in range(100):
        p = special.expit(z @ beta)
        score = z.T @ (weight * (target - p))
        step = np.linalg.solve((z.T * (weight * p * (1 - p))) @ z, score)
        size = 1.0
        while deviance(beta + size * step) > value + 1e-12 * abs(value) and size > 1e-6:
            size /= 2
        beta = beta + size * step
        value = deviance(beta)
        if score @ step < 1e-24:
            break
    coefficients = np.zeros(len(b))
    coefficients[kept] = np.linalg.solve(triangle, beta[:k])
    return coefficients
