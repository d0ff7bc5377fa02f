"""How much of what differs between rows goes with their groups."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from prldh.core import DataError

#: An F that is smaller by no more than this share reaches the observed one: permutations that are the same but for
#: rounding.
TIE = 1e-10


def permanova(values: ArrayLike, groups: ArrayLike, permutations: ArrayLike) -> dict[str, float]:
    """A permutational analysis of variance of all columns together, on Euclidean distances.

    Parameters
    ----------
    values : (n, p) array
        Columns on a common scale; p may be larger than n.
    groups : (n,) array
        The group of each row, numbers.
    permutations : (m, n) array
        Row numbers, from 0 on: each row of it one permutation of the rows.

    Returns
    -------
    dict
        ``f``, the pseudo F; ``r2``, the share of the sum of squared distances that lies between groups; ``p``, (number
        of permutations whose F reaches the observed one + 1) / (m + 1). NaN where there is one group alone, no two rows
        share a group, or all rows are equal; ``p`` is NaN without permutations.

    Raises
    ------
    DataError
        When lengths differ.

    Notes
    -----
    M. J. Anderson, Austral Ecology 26 (2001) 32-46. R: ``vegan::adonis2(values ~ groups, method = "euclidean")``, whose
    F and R2 these are, and whose p is of its own permutations.

    Examples
    --------
    >>> answer = permanova([[0.0], [1.0], [4.0], [5.0]], [0, 0, 1, 1], [[0, 1, 2, 3], [0, 2, 1, 3]])
    >>> answer["f"], round(answer["r2"], 4), round(answer["p"], 4)
    (32.0, 0.9412, 0.6667)
    """
    x = np.asarray(values, dtype=float)
    group = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    orders = np.asarray(permutations, dtype=np.intp).reshape(-1, len(x))
    if x.ndim != 2 or len(group) != len(x):
        raise DataError(f"values must have one row for each of the {len(group)} groups: found shape {x.shape}.")
    n, k = len(x), int(group.max(initial=-1)) + 1
    nothing = {"f": float("nan"), "r2": float("nan"), "p": float("nan")}
    if k < 2 or k >= n:
        return nothing
    x = x - x.mean(axis=0)
    total = float((x**2).sum())
    if not total > 0:
        return nothing
    inner = x @ x.T if len(x.T) > n else None
    member = (group[:, None] == np.arange(k)).astype(float)
    counts = member.sum(axis=0)

    def between(order: np.ndarray) -> float:
        own = member[order]
        squares = ((own.T @ x) ** 2).sum(axis=1) if inner is None else np.einsum("ik,ik->k", own, inner @ own)
        return float((squares / counts).sum())

    def ratio(among: float) -> float:
        within = total - among
        return among / (k - 1) / (within / (n - k)) if within > 0 else float("inf")

    observed = between(np.arange(n))
    f = ratio(observed)
    if not len(orders):
        return {**nothing, "f": f, "r2": observed / total}
    reached = sum(between(order) >= observed * (1 - TIE) for order in orders)
    return {"f": f, "r2": observed / total, "p": (reached + 1) / (len(orders) + 1)}


def eta_squared(values: ArrayLike, groups: ArrayLike) -> np.ndarray:
    """The share of each column's sum of squares that lies between groups (p,): 0 to 1, NaN where it is constant.

    Notes
    -----
    R: ``summary(lm(value ~ factor(group)))$r.squared``.

    Examples
    --------
    >>> eta_squared([[0.0, 1.0], [1.0, 1.0], [4.0, 2.0], [5.0, 2.0]], [0, 0, 1, 1]).round(4)
    array([0.9412, 1.    ])
    """
    x = np.asarray(values, dtype=float)
    group = np.unique(np.asarray(groups), return_inverse=True)[1].reshape(-1)
    is_constant = np.ptp(x, axis=0) == 0
    x = x - x.mean(axis=0)
    member = (group[:, None] == np.arange(int(group.max(initial=-1)) + 1)).astype(float)
    between = ((member.T @ x) ** 2 / member.sum(axis=0)[:, None]).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = between / (x**2).sum(axis=0)
    return np.where(is_constant, np.nan, np.minimum(share, 1.0))
