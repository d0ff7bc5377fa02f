"""ComBat: what batches (centres, scanners) add to features and multiply them by, estimated on some rows and taken from
any.

References
----------
W. E. Johnson, C. Li, A. Rabinovic, Biostatistics 8 (2007) 118-127; with a reference batch Y. Zhang et al., BMC
Bioinformatics 19 (2018) 262. R: ``sva::ComBat``, whose numbers these are, stopping rule included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from prldh.core import DataError

#: The parametric estimates are iterated until no feature's changes relatively by more (sva's rule).
STOP = 1e-4
#: Iterations after which it is given up; sva would go on for ever.
MOST_ITERATIONS = 10_000
#: A feature of which batches and covariates leave no more than this share of its spread has no variance of its own.
LEAST_SPREAD = 1e-10
#: Numbers in memory at a time where each feature is weighted by all others.
MOST_NUMBERS = 4_000_000


class BatchEffect(NamedTuple):
    """What one batch does to standardised features: adds ``location`` (p,) and multiplies by the root of ``scale``
    (p,). Both are shrunk towards what the batch does to all features."""

    location: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True)
class Combat:
    """What was estimated. ``changed`` (p,) bool: the features that are corrected; the others do not vary within some
    batch, and stay. Of those that are corrected, in order (k,): ``center``, the mean that batches are brought to, at
    covariates of 0; ``covariates`` (q, k), what a unit of each covariate adds; ``spread``, the SD within batches.
    ``effects`` has one a batch, in the order of their numbers; ``reference`` is the number of the batch that stays as
    it is, or None."""

    changed: np.ndarray
    center: np.ndarray
    covariates: np.ndarray
    spread: np.ndarray
    effects: tuple[BatchEffect, ...]
    reference: int | None
    is_parametric: bool


def fit_combat(
    values: np.ndarray,
    batch: np.ndarray,
    covariates: np.ndarray | None = None,
    is_parametric: bool = True,
    reference: int | None = None,
) -> Combat:
    """Estimate what each batch adds and multiplies.

    Parameters
    ----------
    values : (n, p) array
        Finite features in any units; n may be smaller than p.
    batch : (n,) array
        The batch of each row, numbers from 0 on, each of which has a row.
    covariates : (n, q) array
        What features may depend on and is to be kept: numbers and dummies of levels, without an intercept. Shifting or
        recoding them changes nothing.
    is_parametric : bool
        Shrink by normal and inverse gamma priors; otherwise by the other features' estimates, weighted by how well
        they fit (their empirical distribution).
    reference : int
        The batch that stays as it is, and that others are brought to; otherwise all are brought to their common mean.

    Returns
    -------
    Combat

    Raises
    ------
    DataError
        If there is one batch alone and no reference, too few rows for so many batches and covariates, a reference of
        fewer than two rows, or covariates that batches or other covariates determine.

    Notes
    -----
    As ``sva::ComBat`` (n denominators for the spread, n - 1 within batches, iterated to a change of 1e-4), but: a
    batch of one row, or of copies of one, is corrected in location alone, where sva then corrects every batch so; a
    feature without variance
    within a batch stays, as there, and so does one that batches and covariates determine, which there is divided by
    rounding errors; of one feature nothing is shrunk; and likelihoods that are 0 in floating point still weigh.

    Examples
    --------
    >>> values = np.array([[1.0, 5.0], [3.0, 7.5], [11.0, 25.0], [13.0, 27.0], [12.0, 26.5]])
    >>> fit = fit_combat(values, np.array([0, 0, 1, 1, 1]))
    >>> apply_combat(fit, values, np.array([0, 0, 1, 1, 1])).mean(axis=0).round(1)
    array([ 8. , 18.2])
    """
    n_batches = int(batch.max()) + 1
    counts = np.array([_size(values[batch == i]) for i in range(n_batches)])
    x = np.zeros((len(values), 0)) if covariates is None else np.asarray(covariates, dtype=float)
    _check(values, counts, x, reference)
    dummies = (batch[:, None] == np.arange(n_batches)).astype(float)
    design = np.column_stack([dummies, x - x.mean(axis=0)])  # centred: the batches' columns stay well apart from it
    unit = np.linalg.norm(design, axis=0)
    rank = int(np.linalg.matrix_rank(design / np.where(unit > 0, unit, 1.0)))
    if rank < design.shape[1]:
        raise DataError("a covariate is determined by the batches and the other covariates.")
    if len(values) <= rank:
        raise DataError(f"{len(values)} rows are too few for {n_batches} batches and {x.shape[1]} covariate columns.")
    coefficients = np.linalg.lstsq(design, values, rcond=None)[0]
    rest = values - design @ coefficients
    base = slice(None) if reference is None else batch == reference
    spread = np.sqrt(np.mean(rest[base] ** 2, axis=0))
    varied = [np.ptp(values[batch == i], axis=0) > 0 for i in np.flatnonzero(counts > 1)]
    changed = np.logical_and.reduce(varied) & (spread > LEAST_SPREAD * np.abs(values).max(axis=0))
    weights = dummies.mean(axis=0) if reference is None else np.eye(n_batches)[reference]
    slopes = coefficients[n_batches:, changed]
    center = weights @ coefficients[:n_batches, changed] - x.mean(axis=0) @ slopes
    own = Combat(changed, center, slopes, spread[changed], (), reference, is_parametric)
    z = _standardised(own, values, x)
    effects = [_effect(z[batch == i], is_parametric) for i in range(n_batches)]
    if reference is not None:
        effects[reference] = BatchEffect(np.zeros(center.size), np.ones(center.size))
    return Combat(changed, center, slopes, own.spread, tuple(effects), reference, is_parametric)


def apply_combat(
    fit: Combat,
    values: np.ndarray,
    batch: np.ndarray,
    covariates: np.ndarray | None = None,
    further: tuple[BatchEffect, ...] = (),
) -> np.ndarray:
    """Rows (m, p) without what their batches did.

    Parameters
    ----------
    values, batch, covariates
        As in :func:`fit_combat`; -1 for rows that stay as they are.
    further
        The effects of batches that follow those of the fit (:func:`effect_of_new_batch`).

    Notes
    -----
    (z - location) / sqrt(scale) of standardised values z, back in their units; the reference batch's rows stay as they
    are, to the last digit.
    """
    x = np.zeros((len(values), 0)) if covariates is None else np.asarray(covariates, dtype=float)
    answer = np.array(values, dtype=float)
    expected = _expected(fit, x)
    for number, effect in enumerate((*fit.effects, *further)):
        rows = np.flatnonzero(batch == number)
        if not rows.size or number == fit.reference:
            continue
        own = answer[np.ix_(rows, np.flatnonzero(fit.changed))]
        z = (own - expected[rows]) / fit.spread
        answer[np.ix_(rows, np.flatnonzero(fit.changed))] = (z - effect.location) / np.sqrt(
            effect.scale
        ) * fit.spread + expected[rows]
    return answer


def effect_of_new_batch(fit: Combat, values: np.ndarray, covariates: np.ndarray | None = None) -> BatchEffect:
    """What a batch does that the fit did not see, from its own rows (m, p): their distance from the fit's mean and
    spread, shrunk by priors of this batch's own."""
    x = np.zeros((len(values), 0)) if covariates is None else np.asarray(covariates, dtype=float)
    return _effect(_standardised(fit, values, x), fit.is_parametric)


def _size(values: np.ndarray) -> int:
    """How many rows (m, p) a batch has; 1 where they are copies of one patient's."""
    return len(values) if len(values) < 2 or np.ptp(values, axis=0).any() else 1


def _check(values: np.ndarray, counts: np.ndarray, x: np.ndarray, reference: int | None) -> None:
    if len(counts) < 2 and reference is None:
        raise DataError("there is one batch alone, and nothing to bring together.")
    if reference is not None and counts[reference] < 2:
        raise DataError("the reference batch has one patient alone, who does not tell how features vary in it.")
    if counts.max() < 2:
        raise DataError("every batch has one patient alone, and nothing tells how features vary within batches.")
    if not (np.isfinite(values).all() and np.isfinite(x).all()):
        raise DataError("values and covariates must be finite.")


def _expected(fit: Combat, x: np.ndarray) -> np.ndarray:
    """The mean that rows are brought to (m, k): summed column by column, so that equal rows have equal sums."""
    expected = np.tile(fit.center, (len(x), 1))
    for column, slope in zip(x.T, fit.covariates, strict=True):
        expected += column[:, None] * slope
    return expected


def _standardised(fit: Combat, values: np.ndarray, x: np.ndarray) -> np.ndarray:
    return np.asarray((values[:, fit.changed] - _expected(fit, x)) / fit.spread)


def _effect(z: np.ndarray, is_parametric: bool) -> BatchEffect:
    """The shrunken effect of the batch that has the standardised rows ``z`` (m, k)."""
    z = z[: _size(z)]
    m, k = z.shape
    location = z.mean(axis=0)
    scale = np.ones(k) if m < 2 else z.var(axis=0, ddof=1)
    if m > 1:
        scale = np.where(np.ptp(z, axis=0) > 0, scale, 1.0)  # a new batch's constant features: location alone
    if k < 2:
        return BatchEffect(location, scale)
    if not is_parametric:
        return _weighted_by_likelihood(z, location, scale)
    center, variance = float(location.mean()), float(location.var(ddof=1))
    if m < 2:
        return BatchEffect(_shrunk(location, center, 1, scale, variance), scale)
    return _iterated(z, location, scale, center, variance)


def _shrunk(location: np.ndarray, center: float, m: int, scale: np.ndarray, variance: float) -> np.ndarray:
    """The posterior mean of a location with a normal prior."""
    return np.asarray((variance * m * location + scale * center) / (variance * m + scale))


def _iterated(z: np.ndarray, location: np.ndarray, scale: np.ndarray, center: float, variance: float) -> BatchEffect:
    """Posterior means of locations (normal prior) and scales (inverse gamma prior, by its moments), each given the
    other, in turn."""
    m = len(z)
    mean, spread = float(scale.mean()), float(scale.var(ddof=1))
    within = ((z - location) ** 2).sum(axis=0)
    old = BatchEffect(location, scale)
    for _ in range(MOST_ITERATIONS):
        new = _shrunk(location, center, m, old.scale, variance)
        squares = within + m * (location - new) ** 2
        if spread > 0:
            shape, rate = (2 * spread + mean**2) / spread, (mean * spread + mean**3) / spread
            new_scale = (0.5 * squares + rate) / (m / 2 + shape - 1)
        else:  # all scales are equal: nothing but that one is likely
            new_scale = np.full(scale.size, mean)
        change = max(_change(new, old.location), _change(new_scale, old.scale))
        old = BatchEffect(new, new_scale)
        if change <= STOP:
            break
    return old


def _change(new: np.ndarray, old: np.ndarray) -> float:
    """The largest relative change; as sva has it, signed as the old value is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where(new == old, 0.0, np.abs(new - old) / old)
    return float(change.max())


def _weighted_by_likelihood(z: np.ndarray, location: np.ndarray, scale: np.ndarray) -> BatchEffect:
    """Means of the other features' locations and scales, each weighted by the likelihood of a feature's values."""
    m, k = z.shape
    within = ((z - location) ** 2).sum(axis=0)
    answer = np.empty((2, k))
    size = max(1, MOST_NUMBERS // k)
    for start in range(0, k, size):
        own = np.arange(start, min(start + size, k))
        squares = within[own, None] + m * (location[own, None] - location) ** 2
        log_weight = -0.5 * (m * np.log(scale) + squares / scale)
        log_weight[np.arange(own.size), own] = -np.inf
        weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True))
        answer[:, own] = np.stack([weight @ location, weight @ scale]) / weight.sum(axis=1)
    return BatchEffect(answer[0], answer[1] if m > 1 else scale)
