"""What held-out predictions are worth: their squared errors, and the table of predicted and observed events."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm

from prldh.stats.roc import youden


def brier_score(outcome: np.ndarray, probability: np.ndarray, level: float = 0.95) -> dict[str, float]:
    """Brier score with a normal interval from the spread of the patients' squared errors.

    Parameters
    ----------
    outcome : (n,) array
        1 for an event.
    probability : (m, n) array
        Predictions, a row a repeat: squared errors are averaged over the repeats.
    level : float
        Coverage of the interval.

    Returns
    -------
    dict
        ``estimate``, ``low``, ``high``, within 0 and 1.

    Notes
    -----
    G. W. Brier, Monthly Weather Review 78 (1950) 1-3. R: ``mean((p - y)^2)``.

    Examples
    --------
    >>> brier_score(np.array([0.0, 1.0]), np.array([[0.5, 0.5]]))["estimate"]
    0.25
    """
    squares = np.mean((probability - outcome) ** 2, axis=0)
    estimate = float(squares.mean())
    error = float(norm.ppf((1 + level) / 2) * squares.std(ddof=1) / np.sqrt(len(outcome)))
    return {"estimate": estimate, "low": max(0.0, estimate - error), "high": min(1.0, estimate + error)}


def held_out_counts(
    outcome: np.ndarray,
    in_sample: np.ndarray,
    rows: np.ndarray,
    lengths: np.ndarray,
    held_out: np.ndarray,
    test_rows: np.ndarray,
    test_lengths: np.ndarray,
) -> dict[str, float]:
    """Held-out patients classified by Youden's cutoff of each refit's training rows.

    Parameters
    ----------
    outcome : (n,) array
        1 for an event.
    in_sample, rows : arrays
        Predictions of the training rows and their row numbers, the resamples end to end, ``lengths`` (m,) each.
    held_out, test_rows : arrays
        The same of the patients held out, ``test_lengths`` (m,) each.

    Returns
    -------
    dict
        ``tp``, ``fp``, ``fn``, ``tn``; positive is strictly above, and everyone where the training rows have one class.

    Notes
    -----
    W. J. Youden, Cancer 3 (1950) 32-35; the cutoff is that of :func:`~prldh.stats.roc.youden`. R has no such function:
    ``pROC::coords`` gives each cutoff.

    Examples
    --------
    >>> y, p, rows = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.1, 0.9]), np.array([0, 1])
    >>> held_out_counts(y, p, rows, np.array([2]), np.array([0.2, 0.3]), np.array([2, 3]), np.array([2]))
    {'tp': 0.0, 'fp': 0.0, 'fn': 1.0, 'tn': 1.0}
    """
    cutoffs = []
    for p, train in zip(_parts(in_sample, lengths), _parts(rows, lengths), strict=True):
        y = outcome[train]
        cutoffs.append(youden(y, p)["threshold"] if 0 < y.sum() < y.size else -np.inf)
    positive, event = held_out > np.repeat(cutoffs, test_lengths), outcome[test_rows] == 1
    cells = {"tp": positive & event, "fp": positive & ~event, "fn": ~positive & event, "tn": ~positive & ~event}
    return {key: float(cell.sum()) for key, cell in cells.items()}


def _parts(values: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    return np.split(values, np.cumsum(lengths)[:-1])
