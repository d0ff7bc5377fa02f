"""Risks standardised over the patients at hand (g-computation): what a logistic model predicts with everyone in one
group."""

from __future__ import annotations

import numpy as np
from scipy import special

from prldh.stats.logistic import check_rows


def standardized_risks(
    design: np.ndarray, coefficients: np.ndarray, columns: np.ndarray, rows: np.ndarray, lengths: np.ndarray
) -> dict[str, np.ndarray]:
    """Mean predicted risk with everyone put into each group in turn, by the models of many resamples.

    Parameters
    ----------
    design : (n, k) array
    coefficients : (m, k) array
        One row a resample; aliased ones (NaN) count as 0, a row that is NaN throughout has no risks.
    columns : (g,) integer array
        0-based columns of ``design`` that are the indicators of the groups but for the reference.
    rows : integer array
        0-based row numbers of all resamples, one resample after another.
    lengths : (m,) integer array
        How many of ``rows`` belong to each resample.

    Returns
    -------
    dict
        ``risks`` (m, g + 1): the reference group's first, then as ``columns``; each the mean over the resample's own
        patients.

    Raises
    ------
    DataError
        When ``lengths`` do not add up to the number of ``rows``, or a row number is out of range.

    References
    ----------
    W. D. Flanders, P. H. Rhodes, Journal of Chronic Diseases 40 (1987) 697-704. A. R. Localio et al., Journal of
    Clinical Epidemiology 60 (2007) 874-882. R: ``mean(predict(fit, transform(data, group = g), type = "response"))``.

    Examples
    --------
    >>> x = np.column_stack([np.ones(4), [0, 0, 1, 1]])
    >>> standardized_risks(x, np.log([[0.25, 12.0]]), np.array([1]), np.arange(4), np.array([4]))["risks"]
    array([[0.2 , 0.75]])
    """
    design, coefficients = np.asarray(design, dtype=float), np.atleast_2d(np.asarray(coefficients, dtype=float))
    rows, lengths = check_rows(rows, lengths, len(design))
    is_nothing = np.isnan(coefficients).all(axis=1)
    b = np.nan_to_num(coefficients)
    columns = np.asarray(columns, dtype=int).ravel()
    others = design.copy()
    others[:, columns] = 0.0
    base = b @ others.T
    times = np.zeros((len(lengths), len(design)))
    np.add.at(times, (np.repeat(np.arange(len(lengths)), lengths), rows), 1.0)
    groups = np.column_stack([np.zeros(len(b)), b[:, columns]])
    with np.errstate(invalid="ignore"):
        risks = np.column_stack(
            [(times * special.expit(base + own[:, None])).sum(axis=1) / lengths for own in groups.T]
        )
    risks[is_nothing] = np.nan
    return {"risks": risks}


def standardized_risk_ratios(
    design: np.ndarray, coefficients: np.ndarray, covariance: np.ndarray, columns: np.ndarray
) -> dict[str, np.ndarray]:
    """Log ratios of standardised risks against the last group, and their covariance by the delta method.

    Parameters
    ----------
    design : (n, k) array
    coefficients : (k,) array
        Aliased ones (NaN) count as 0.
    covariance : (k, k) array
        Of aliased coefficients it counts as 0; NaN elsewhere, and so is the answer's.
    columns : (g,) integer array
        0-based columns of ``design`` that are the indicators of the groups but for the reference.

    Returns
    -------
    dict
        ``logs`` (g,): the reference group and every other against the group of the last column; ``covariance`` (g, g),
        which takes the patients' other values as given.

    Notes
    -----
    As :func:`standardized_risks`: W. D. Flanders, P. H. Rhodes (1987). R: ``marginaleffects::avg_comparisons(comparison
    = "lnratioavg")``. Of a saturated model of the groups these are the crude log risk ratios with variance 1/events -
    1/n of each.

    Examples
    --------
    >>> x = np.column_stack([np.ones(4), [0, 0, 1, 1]])
    >>> standardized_risk_ratios(x, np.log([0.25, 12.0]), np.zeros((2, 2)), np.array([1]))["logs"].round(4)
    array([-1.3218])
    """
    design, b = np.asarray(design, dtype=float), np.nan_to_num(np.asarray(coefficients, dtype=float))
    covariance = np.array(covariance, dtype=float)
    aliased = np.isnan(np.asarray(coefficients, dtype=float))
    covariance[aliased], covariance[:, aliased] = 0.0, 0.0
    columns = np.asarray(columns, dtype=int).ravel()
    risks, gradients = [], []
    for own in (None, *columns):
        there = design.copy()
        there[:, columns] = 0.0
        if own is not None:
            there[:, own] = 1.0
        p = special.expit(there @ b)
        risks.append(p.mean())
        gradients.append((p * (1.0 - p)) @ there / len(p) / p.mean())
    logs, slopes = np.log(risks), np.array(gradients)
    difference = slopes[:-1] - slopes[-1]
    return {"logs": logs[:-1] - logs[-1], "covariance": difference @ covariance @ difference.T}
