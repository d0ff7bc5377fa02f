"""Restricted cubic splines: knots and basis."""

from __future__ import annotations

import numpy as np

#: A value at either end that at least this share of the patients has is a knot itself.
TIED = 0.05


def spline_knots(values: np.ndarray, n_knots: int) -> np.ndarray:
    """Knots at Harrell's default quantiles.

    Parameters
    ----------
    values : (n,) array
        Finite values of the patients that the knots are fitted to.
    n_knots : int
        From 3 to 7.

    Returns
    -------
    (k,) array
        Ascending. Fewer than ``n_knots`` where ties or few distinct values leave no more, and fewer than 3 where there
        is no spline.

    Notes
    -----
    F. E. Harrell, Regression Modeling Strategies (2015), table 2.3: quantiles equally far apart, the outer ones at 0.10
    (3 knots), 0.05 (4 to 6) or 0.025 (7); with fewer than 100 values the fifth smallest and fifth largest. R:
    ``Hmisc::rcspline.eval(knots.only = TRUE)``, with its rules for values that are tied at either end.

    Examples
    --------
    >>> spline_knots(np.arange(1.0, 202.0), 3)
    array([ 21., 101., 181.])
    """
    x = np.sort(np.asarray(values, dtype=float))
    distinct, counts = np.unique(x, return_counts=True)
    if len(distinct) - 2 <= n_knots:
        return distinct[1:-1]
    outer = 0.1 if n_knots == 3 else 0.025 if n_knots > 6 else 0.05
    share = counts / len(x)
    first, last = x[:0], x[:0]
    if share[1:-1].max() < TIED:
        if share[0] >= TIED:
            first = distinct[1:2]
            x = x[x > first[0]]
        if share[-1] >= TIED:
            last = x[x < x[-1]][-1:]
            x = x[x < last[0]]
    k = n_knots - len(first) - len(last)
    if k == 1:
        return np.unique(np.concatenate([first, [np.median(x)], last]))
    if len(distinct) <= k:
        knots = distinct
    else:
        knots = np.quantile(x, np.linspace(0.5 if k == 2 else outer, 1 - outer, k))
        if len(np.unique(knots)) < min(k, 3):
            knots = np.quantile(x, np.linspace(outer, 1 - outer, 2 * k))
            if len(first) and len(np.unique(knots)) < 3:
                middle = (first + last) / 2 if len(last) else np.median(x, keepdims=True)
                knots = np.sort(np.concatenate([first, middle, last if len(last) else [np.quantile(x, 1 - outer)]]))
            if len(np.unique(knots)) < 3:
                return np.unique(knots)
    if len(x) < 100:
        knots = knots.copy()
        if not len(first):
            knots[0] = x[4]
        if not len(last):
            knots[k - 1] = x[-5]
    return np.unique(np.concatenate([first, knots, last]))


def spline_basis(values: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """The basis of a restricted cubic spline, which is linear beyond the outer knots.

    Parameters
    ----------
    values : (n,) array
    knots : (k,) array
        Ascending, all different.

    Returns
    -------
    (n, k - 1) array
        The values themselves, then k - 2 columns in their units (cubes divided by the squared distance of the outer
        knots); with fewer than 3 knots the values alone.

    Notes
    -----
    C. J. Stone, C.-Y. Koo, Proceedings of the Statistical Computing Section ASA (1985) 45-48. R:
    ``Hmisc::rcspline.eval(inclx = TRUE, norm = 2)``.

    Examples
    --------
    >>> spline_basis(np.array([0.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0])).round(3)
    array([[0.  , 0.  ],
           [2.  , 0.25],
           [4.  , 3.  ]])
    """
    x, t = np.asarray(values, dtype=float), np.asarray(knots, dtype=float)
    columns = [x]
    if len(t) > 2:
        unit = (t[-1] - t[0]) ** (2 / 3)
        cubes = [np.maximum((x - knot) / unit, 0.0) ** 3 for knot in t]
        columns += [
            cubes[j] + ((t[-2] - t[j]) * cubes[-1] - (t[-1] - t[j]) * cubes[-2]) / (t[-1] - t[-2])
            for j in range(len(t) - 2)
        ]
    return np.column_stack(columns)
