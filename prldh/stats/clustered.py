"""Statistics of rows of which several may be one patient's: what is independent are the patients."""

from __future__ import annotations

import numpy as np
from scipy import special

from prldh.stats.logistic import fit_logistic
from prldh.stats.roc import NAN, compare_estimates, placements, split_classes, split_probability


def clustered_auc(outcome: np.ndarray, score: np.ndarray, patient: np.ndarray, level: float = 0.95) -> dict[str, float]:
    """Area under the ROC curve with the variance of rows that are clustered in patients.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    score : (n,) array
        Higher means event.
    patient : (n,) int array
        The same number for rows of one patient, whose rows may have both outcomes.
    level : float
        Coverage of the interval.

    Returns
    -------
    dict
        Keys of :func:`~prldh.stats.roc.auc`. Variance and limits are NaN where a class has rows of fewer than two
        patients.

    Raises
    ------
    DataError
        As :func:`~prldh.stats.roc.auc`.

    Notes
    -----
    N. A. Obuchowski, Biometrics 53 (1997) 567-578. With one row a patient it is DeLong's. R: ``clustered_auc`` of this
    project's package; no package of Debian's has it.

    Examples
    --------
    >>> y, s = np.array([0, 0, 1, 1]), np.array([1.0, 2.0, 2.0, 3.0])
    >>> clustered_auc(y, s, np.array([0, 1, 2, 3]))["estimate"]
    0.875
    """
    event, (score,) = split_classes(outcome, score)
    if not 0 < event.sum() < event.size:
        return {"estimate": NAN, "variance": NAN, "low": NAN, "high": NAN}
    estimate, sums = _sums(event, score, patient)
    variance = _covariance(sums, sums, event, patient)
    half = float(special.ndtri(0.5 + level / 2.0)) * np.sqrt(variance)
    low, high = (float(np.clip(estimate + sign * half, 0.0, 1.0)) for sign in (-1, 1))
    return {"estimate": estimate, "variance": variance, "low": low, "high": high}


def compare_clustered_auc(
    outcome: np.ndarray, a: np.ndarray, b: np.ndarray, patient: np.ndarray, level: float = 0.95
) -> dict[str, float]:
    """Paired test of two areas on the same rows, which are clustered in patients.

    Returns
    -------
    dict
        Keys of :func:`~prldh.stats.roc.compare_auc`.

    Notes
    -----
    N. A. Obuchowski, Biometrics 53 (1997) 567-578. With one row a patient it is DeLong's test. R:
    ``compare_clustered_auc`` of this project's package.

    Examples
    --------
    >>> y, s = np.array([0, 1, 0, 1]), np.array([0.1, 0.4, 0.3, 0.2])
    >>> compare_clustered_auc(y, s, s, np.array([0, 0, 1, 1]))["p"]
    1.0
    """
    event, (a, b) = split_classes(outcome, a, b)
    if not 0 < event.sum() < event.size:
        return {"difference": NAN, "low": NAN, "high": NAN, "statistic": NAN, "p": NAN}
    if all((x == y).all() for x, y in zip(placements(event, a), placements(event, b), strict=True)):
        return compare_estimates(0.0, 0.0, level)
    (first, of_a), (second, of_b) = (_sums(event, score, patient) for score in (a, b))
    sums = (of_a[0] - of_b[0], of_a[1] - of_b[1])
    return compare_estimates(first - second, float(np.sqrt(_covariance(sums, sums, event, patient))), level)


def _sums(event: np.ndarray, score: np.ndarray, patient: np.ndarray) -> tuple[float, tuple[np.ndarray, np.ndarray]]:
    """The area, and by patient the sums of the placements of its rows with and without the event, less the area."""
    m, n = int(event.sum()), int((~event).sum())
    of_events, of_others = placements(event, score)
    estimate = int(of_events.sum()) / (2 * m * n)
    _, place = np.unique(patient, return_inverse=True)
    place = place.reshape(-1)
    size = int(place.max()) + 1
    events = np.bincount(place[event], of_events / (2 * n) - estimate, size)
    others = np.bincount(place[~event], of_others / (2 * m) - estimate, size)
    return estimate, (events, others)


def _covariance(
    a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray], event: np.ndarray, patient: np.ndarray
) -> float:
    """Obuchowski's covariance of two areas from these sums; NaN where a class has rows of fewer than two patients."""
    m, n = int(event.sum()), int((~event).sum())
    n_events, n_others, n_all = (np.unique(own).size for own in (patient[event], patient[~event], patient))
    if n_events < 2 or n_others < 2:
        return NAN
    within = n_events / (n_events - 1) * float(a[0] @ b[0]) / m**2
    within += n_others / (n_others - 1) * float(a[1] @ b[1]) / n**2
    across = n_all / (n_all - 1) * float(a[0] @ b[1] + b[0] @ a[1]) / (m * n)
    return max(within + across, 0.0)


def clustered_covariance(design: np.ndarray, outcome: np.ndarray, patient: np.ndarray) -> np.ndarray:
    """Sandwich covariance (k, k) of a logistic model's coefficients, rows clustered in patients.

    Parameters
    ----------
    design : (n, k) array
        First column ones.
    outcome : (n,) array of 0/1
    patient : (n,) int array
        The same number for rows of one patient.

    Returns
    -------
    (k, k) array
        NaN in rows and columns of aliased coefficients; of fewer than two patients NaN throughout.

    Notes
    -----
    G / (G - 1) times the sandwich of the Hessian around the sums of the scores over the G patients: K.-Y. Liang, S. L.
    Zeger, Biometrika 73 (1986) 13-22. R: ``sandwich::vcovCL(glm, cluster = patient, type = "HC0")``.

    Examples
    --------
    >>> x = np.column_stack([np.ones(4), [0.0, 0.0, 1.0, 1.0]])
    >>> clustered_covariance(x, np.array([0, 1, 0, 1]), np.arange(4)).shape
    (2, 2)
    """
    x, y = np.asarray(design, dtype=float), np.asarray(outcome, dtype=float)
    b = fit_logistic(x, y)["coefficients"]
    kept = np.isfinite(b)
    _, place = np.unique(patient, return_inverse=True)
    n_patients = int(place.max()) + 1
    covariance = np.full((x.shape[1], x.shape[1]), NAN)
    if n_patients < 2:
        return covariance
    own = x[:, kept]
    p = special.expit(own @ b[kept])
    scores = np.zeros((n_patients, own.shape[1]))
    np.add.at(scores, place.reshape(-1), own * (y - p)[:, None])
    bread = np.linalg.pinv((own * (p * (1 - p))[:, None]).T @ own, hermitian=True)
    covariance[np.ix_(kept, kept)] = n_patients / (n_patients - 1) * bread @ (scores.T @ scores) @ bread
    return covariance


def clustered_brier_score(
    outcome: np.ndarray, probability: np.ndarray, patient: np.ndarray, level: float = 0.95
) -> dict[str, float]:
    """Brier score of one or several predictions of the same rows, which are clustered in patients.

    Parameters
    ----------
    outcome : (n,) array of 0/1
    probability : (m, n) array
        A row of predictions a repeat, over which squared errors are averaged.
    patient : (n,) int array
        The same number for rows of one patient.

    Returns
    -------
    dict
        ``estimate``, ``low``, ``high`` within 0 and 1: normal, of a ratio of the patients' sums of squared errors to
        their numbers of rows. Limits are NaN of one patient.

    Notes
    -----
    W. G. Cochran, Sampling Techniques, 3rd ed. (1977), section 9A.1: the ratio estimator of unequal clusters. With one
    row a patient it is :func:`~prldh.stats.held_out.brier_score`. R: ``survey::svymean`` with patients as clusters.

    Examples
    --------
    >>> clustered_brier_score(np.array([0, 1]), np.array([[0.5, 0.5]]), np.array([0, 1]))["estimate"]
    0.25
    """
    event, _ = split_probability(outcome, np.atleast_2d(probability)[0])
    squares = ((np.atleast_2d(probability) - event) ** 2).mean(axis=0)
    estimate, n = float(squares.mean()), squares.size
    _, place = np.unique(patient, return_inverse=True)
    sums = np.bincount(place.reshape(-1), squares - estimate)
    if sums.size < 2:
        return {"estimate": estimate, "low": NAN, "high": NAN}
    error = np.sqrt(sums.size / (sums.size - 1) * float(sums @ sums)) / n
    half = float(special.ndtri(0.5 + level / 2.0)) * error
    return {"estimate": estimate, "low": max(0.0, estimate - half), "high": min(1.0, estimate + half)}
