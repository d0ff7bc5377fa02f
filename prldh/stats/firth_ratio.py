"""The penalised likelihood-ratio test of nested models that are fitted by Firth's penalised likelihood."""

from __future__ import annotations

import numpy as np
from scipy import special

from prldh.stats.firth_maximum import MOST, maximise, orthogonal_basis
from prldh.stats.logistic import _estimable, as_design


def likelihood_ratio_firth(design_small: np.ndarray, design_large: np.ndarray, outcome: np.ndarray) -> dict[str, float]:
    """Penalised likelihood-ratio test: is the small model's span enough within the large model?

    Parameters
    ----------
    design_small, design_large : (n, k) arrays
        Design matrices whose first column is the intercept's ones; the small one's columns lie in the span of the large
        one's.
    outcome : (n,) array of 0/1

    Returns
    -------
    dict
        ``statistic`` (twice the fall of the penalised log-likelihood), ``df`` (difference of the ranks), ``p`` (NaN
        when df is 0). All NaN where the models are not nested.

    Raises
    ------
    DataError
        When the shapes do not fit or values are not finite.

    Notes
    -----
    Two Firth fits of their own cannot be compared, for each has its own penalty. Here both are maximised under the
    large model's: the small one is the large one with what lies outside its span held at 0, as the p-values of
    :func:`~prldh.stats.firth.fit_firth` have it for one column. Which columns of the large design stand for what lies
    outside does not matter: another choice shifts both penalties alike. R: ``anova(large, small, method = "nested")``
    of ``logistf`` (its ``logistftest``), where the small model's terms are among the large one's.

    References
    ----------
    G. Heinze, M. Schemper, Statistics in Medicine 21 (2002) 2409-2419.

    Examples
    --------
    On a 2x2 table the usual test with 1/2 added to every cell

    >>> x = np.column_stack([np.ones(16), np.repeat([0.0, 1.0], 8)])
    >>> y = np.array([1] * 3 + [0] * 5 + [1] * 8)
    >>> {key: round(value, 3) for key, value in likelihood_ratio_firth(x[:, :1], x, y).items()}
    {'statistic': 7.024, 'df': 1.0, 'p': 0.008}
    """
    small, y = as_design(design_small, outcome)
    large, _ = as_design(design_large, outcome)
    n_small = len(_estimable(small))
    both = np.vstack([small, large])
    kept = _estimable(both)  # the small model's columns come first, so that they are the ones kept
    if len(kept) != len(_estimable(large)):
        return dict.fromkeys(("statistic", "df", "p"), float("nan"))
    df = float(len(kept) - n_small)
    basis = orthogonal_basis(np.ascontiguousarray(both[kept].T))[0]
    start = np.zeros(len(kept))
    once = np.ones(len(y))
    fall = maximise(basis, y, once, start, len(kept), MOST)[1] - maximise(basis, y, once, start, n_small, MOST)[1]
    statistic = max(2.0 * float(fall), 0.0)  # rounding may leave -1e-14
    return {"statistic": statistic, "df": df, "p": float(special.chdtrc(df, statistic)) if df > 0 else float("nan")}
