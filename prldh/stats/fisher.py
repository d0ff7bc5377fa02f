"""Fisher's exact test of r x 2 tables, by enumerating only the tables that have to be.

With both margins given, a table is its events per row, x_1 … x_r with a fixed sum, and its probability is a product of
one term a row. The rows are dealt to two halves. In each half the partial tables are built row by row; one whose best
completion is no more probable than the observed table need not be told apart from its like, so its whole mass is
counted at once. What is left is joined over the sums at which the halves meet. Nothing is approximated or simulated,
and no small p is a difference of large numbers.

After C. R. Mehta, N. R. Patel, Journal of the American Statistical Association 78 (1983) 427-434, and
M. Pagano, K. T. Halvorsen, ibid. 76 (1981) 931-934.
"""

from __future__ import annotations

import numba
import numpy as np
from scipy import stats

_SLACK = 1e-7
"""Tables this much more probable than the observed one, relatively, still count, as in R."""


def _row_terms(size: int, share: float) -> np.ndarray:
    """Probability of each number of events in a row (size + 1,); the product over rows is the table's, up to a
    constant."""
    x = np.arange(size + 1.0)
    return stats.binom.pmf(x, size, share)


def _extremes(
    rows: list[np.ndarray], ends: tuple[np.ndarray, np.ndarray], total: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """For every j, the largest and smallest product of the rows from j on times ``ends`` at their sum.

    Both are (total + 1,) arrays over the sum of the rows before j; without a completion they are 0 and inf.
    """
    result = [ends]
    for terms in reversed(rows):
        (later_best, later_least), best, least = result[0], np.zeros(total + 1), np.full(total + 1, np.inf)
        for x, term in enumerate(terms[: total + 1]):
            here = slice(0, total + 1 - x)
            np.maximum(best[here], term * later_best[x:], out=best[here])
            product = np.full(total + 1 - x, np.inf)
            possible = np.isfinite(later_least[x:])
            product[possible] = term * later_least[x:][possible]
            np.minimum(least[here], product, out=least[here])
        result.insert(0, (best, least))
    return result


@numba.njit(cache=True)
def _extend(
    sums: np.ndarray,
    values: np.ndarray,
    masses: np.ndarray,
    terms: np.ndarray,
    best: np.ndarray,
    least: np.ndarray,
    limit: float,
    lumped: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every partial table with one more row; ``best[s]`` and ``least[s]`` are its extreme completions from the sum s.

    Tables that can only end up within the limit go to ``lumped``, by sum; those that cannot, or have no completion,
    vanish.
    """
    total = best.shape[0] - 1
    room = 0
    for i in range(sums.shape[0]):
        for x in range(min(terms.shape[0] - 1, total - sums[i]) + 1):
            s = sums[i] + x
            value = values[i] * terms[x]
            if value * best[s] > limit and value * least[s] <= limit:
                room += 1
    new_sums, new_values, new_masses = np.empty(room, np.int64), np.empty(room), np.empty(room)
    n_kept = 0
    for i in range(sums.shape[0]):
        for x in range(min(terms.shape[0] - 1, total - sums[i]) + 1):
            s = sums[i] + x
            value = values[i] * terms[x]
            if value * best[s] > limit and value * least[s] <= limit:
                new_sums[n_kept], new_values[n_kept], new_masses[n_kept] = s, value, masses[i] * terms[x]
                n_kept += 1
            elif 0.0 < value * best[s] <= limit:
                lumped[s] += masses[i] * terms[x]
    return new_sums, new_values, new_masses


def _merge(sums: np.ndarray, values: np.ndarray, masses: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Partial tables by sum and value, those alike to 1e-11 made one."""
    order = np.lexsort((values, sums))
    sums, values, masses = sums[order], values[order], masses[order]
    if len(sums) == 0:
        return sums, values, masses
    new = np.ones(len(sums), dtype=bool)
    new[1:] = (sums[1:] != sums[:-1]) | (values[1:] > values[:-1] * (1.0 + 1e-11))
    start = np.flatnonzero(new)
    return sums[start], values[start], np.add.reduceat(masses, start)


def _half(
    rows: list[np.ndarray], ends: tuple[np.ndarray, np.ndarray], total: int, limit: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Partial tables of one half that have to be told apart (sum, value, mass), and the mass of the rest by sum.

    ``ends`` are the largest and smallest product of the other half by the sum of this one.
    """
    extremes = _extremes(rows, ends, total)
    sums, values, masses = np.zeros(1, np.int64), np.ones(1), np.ones(1)
    lumped = np.zeros(total + 1)
    for j, terms in enumerate(rows):
        lumped = np.convolve(lumped, terms)[: total + 1]
        sums, values, masses = _merge(*_extend(sums, values, masses, terms, *extremes[j + 1], limit, lumped))
    return sums, values, masses, lumped


def _join(a: tuple, b: tuple, total: int, limit: float) -> float:
    """Mass of the pairs from two halves, their sums adding to ``total``, whose product is within the limit."""
    (sums_a, values_a, masses_a, lumped_a), (sums_b, values_b, masses_b, lumped_b) = a, b
    edges_a, edges_b = np.searchsorted(sums_a, np.arange(total + 2)), np.searchsorted(sums_b, np.arange(total + 2))
    p = 0.0
    for s in range(total + 1):
        t = total - s
        mine, theirs = slice(edges_a[s], edges_a[s + 1]), slice(edges_b[t], edges_b[t + 1])
        kept_b = float(masses_b[theirs].sum())
        p += lumped_a[s] * (kept_b + lumped_b[t]) + float(masses_a[mine].sum()) * lumped_b[t]
        if mine.stop > mine.start and kept_b > 0.0:
            within = np.concatenate([[0.0], np.cumsum(masses_b[theirs])])
            with np.errstate(over="ignore"):
                p += float(
                    (masses_a[mine] * within[np.searchsorted(values_b[theirs], limit / values_a[mine], "right")]).sum()
                )
    return p


def fisher_exact(counts: np.ndarray) -> float:
    """Two-sided p of Fisher's exact test.

    Parameters
    ----------
    counts : (r, 2) integer array

    Returns
    -------
    float
        Sum of the probabilities of all tables with these margins that are no more probable than the observed one
        (relative slack 1e-7). 1 where the margins allow one table only.

    Notes
    -----
    R: ``fisher.test(counts)$p.value`` with enough workspace.

    Examples
    --------
    >>> round(fisher_exact(np.array([[2, 0], [1, 1], [0, 2]])), 6)
    0.6
    """
    counts = np.asarray(counts, dtype=np.int64)
    counts = counts[counts.sum(axis=1) > 0]
    counts = counts[np.argsort(-counts.sum(axis=1), kind="stable")]
    column = int(np.argmin(counts.sum(axis=0))) if len(counts) else 0
    sizes, events = counts.sum(axis=1), counts[:, column]
    total, n = int(events.sum()), int(sizes.sum())
    if len(counts) < 2 or total == 0:
        return 1.0
    share = total / n
    terms = [_row_terms(int(size), share) for size in sizes]
    limit = float(np.prod([terms[i][events[i]] for i in range(len(events))])) * (1.0 + _SLACK)
    halves = [terms[0::2], terms[1::2]]
    nothing = np.zeros(total + 1), np.full(total + 1, np.inf)
    nothing[0][total] = nothing[1][total] = 1.0
    ends = [_extremes(half, nothing, total)[0] for half in halves]
    a, b = _half(halves[0], ends[1], total, limit), _half(halves[1], ends[0], total, limit)
    whole = float(stats.binom.pmf(total, n, share))
    return float(min(_join(a, b, total, limit) / whole, 1.0))
