"""How often intervals hold what they estimate, by simulation: the figures of docs/intervals.md.

    python benchmarks/interval_coverage.py folds        # the mean of the folds' AUCs

Patients have p normal predictors, shifted in those with the event so that the best combination has a given AUC; exactly
so many have the event. A logistic model is fitted to all predictors. What an interval must hold is known without error:
for the folds the mean of the true AUCs, in the population, of the folds' own models.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.stats import norm

from prldh.stats import mean_of_folds, refit_logistic

LEVEL = 0.95


def draw(
    rng: np.random.Generator, n: int, n_events: int, p: int, auc: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Design (n, p + 1), outcome (n,) and the shift (p,) between the classes."""
    shift = np.zeros(p)
    shift[: max(1, p // 2)] = np.sqrt(2 / max(1, p // 2)) * norm.ppf(auc)
    outcome = np.zeros(n)
    outcome[:n_events] = 1.0
    x = rng.normal(size=(n, p)) + outcome[:, None] * shift
    return np.column_stack([np.ones(n), x]), outcome, shift


def true_auc(b: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """AUC in the population of the scores x @ b (m, p): normal in both classes with equal variances."""
    return norm.cdf(b @ shift / np.sqrt(2 * np.maximum((b**2).sum(axis=-1), 1e-300)))


def stratified(rng: np.random.Generator, outcome: np.ndarray, k: int) -> np.ndarray:
    fold = np.empty(outcome.size, dtype=int)
    for value in (0, 1):
        own = rng.permutation(np.flatnonzero(outcome == value))
        fold[own] = (np.arange(own.size) + rng.integers(k)) % k
    return fold


def coverage_of_folds(
    n: int, n_events: int, k: int, p: int, auc: float, n_sets: int, seed: int = 1
) -> tuple[float, int]:
    """Share of intervals that hold, and how many data sets have one."""
    rng = np.random.default_rng(seed)
    held = shown = 0
    for _ in range(n_sets):
        design, outcome, shift = draw(rng, n, n_events, p, auc)
        fold = stratified(rng, outcome, k)
        rows = [np.flatnonzero(fold != f) for f in range(k)]
        b = refit_logistic(design, outcome, np.concatenate(rows), np.array([len(r) for r in rows]))["coefficients"]
        order = np.argsort(fold, kind="stable")
        scores = np.einsum("ij,ij->i", design, b[fold])
        interval = mean_of_folds(outcome[order], scores[order], np.bincount(fold), level=LEVEL)
        if np.isfinite(interval["low"]):
            shown += 1
            held += interval["low"] <= true_auc(b[:, 1:], shift).mean() <= interval["high"]
    return held / max(shown, 1), shown


def folds() -> None:
    """The mean of the folds' AUCs."""
    sets = 1000
    print(
        f"| patients | events | folds | predictors | AUC | coverage | shown of {sets} |\n|---|---|---|---|---|---|---|"
    )
    for n, n_events, k in (
        (60, 20, 5),
        (60, 20, 10),
        (170, 39, 5),
        (170, 39, 10),
        (300, 10, 10),
        (300, 20, 10),
        (300, 30, 10),
    ):
        for p, auc in ((1, 0.7), (4, 0.7), (4, 0.85), (4, 0.95)):
            coverage, shown = coverage_of_folds(n, n_events, k, p, auc, sets)
            shown_as = f"{coverage:.3f}" if shown > sets / 2 else "-"
            print(f"| {n} | {n_events} | {k} | {p} | {auc} | {shown_as} | {shown} |", flush=True)


if __name__ == "__main__":
    {"folds": folds}[sys.argv[1]]()
