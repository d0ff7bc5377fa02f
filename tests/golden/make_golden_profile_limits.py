"""Profile-likelihood limits of nearly separated and of separated outcomes, by Newton and bisection in 60 digits.

python tests/golden/make_golden_profile_limits.py    # needs mpmath; writes data/golden_profile_limits.json
"""

from __future__ import annotations

import json
from pathlib import Path

import mpmath
import numpy as np

from prldh.stats.separation import infinite_coefficients

mpmath.mp.dps = 60
#: seed, patients, columns, depth of the overlap: the last two are separated
SEEDS = ((3, 18, 2, 0.02), (28, 20, 3, 0.005), (35, 20, 3, 0.005), (16, 20, 3, 0.005), (7, 18, 2, 0.02))
HALF_QUANTILE = mpmath.findroot(lambda q: mpmath.erf(mpmath.sqrt(q)) - mpmath.mpf("0.95"), 1.92)


def nearly_separated(seed: int, n: int, k: int, depth: float) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes that a plane separates but for 2 (k + 2) patients within about ``depth`` of it."""
    g = np.random.default_rng(seed)
    x = g.normal(size=(n, k))
    w = g.normal(size=k)
    y = (x @ w > 0).astype(int)
    near = np.argsort(np.abs(x @ w))[: 2 * (k + 2)]
    x[near] += np.outer((depth * g.normal(size=len(near)) - x[near] @ w) / (w @ w), w)
    y[near] = g.integers(0, 2, len(near))
    return x.round(5), y


def highest(rows: list, offset: list) -> mpmath.mpf:
    """The supremum of the log-likelihood over rows (n, k) of +x (event) and -x (none), beside offsets of that sign."""
    k, eta = len(rows[0]), list(offset)

    def value(eta: list) -> mpmath.mpf:
        return -sum(mpmath.log1p(mpmath.exp(-e)) if e > 0 else mpmath.log1p(mpmath.exp(e)) - e for e in eta)

    best = value(eta)
    for _ in range(2000):
        wrong = [1 / (1 + mpmath.exp(e)) for e in eta]
        score = mpmath.matrix([sum(p * row[j] for p, row in zip(wrong, rows, strict=True)) for j in range(k)])
        information = mpmath.matrix(k, k)
        for a in range(k):
            for b in range(k):
                information[a, b] = sum(p * (1 - p) * row[a] * row[b] for p, row in zip(wrong, rows, strict=True))
            information[a, a] *= 1 + mpmath.mpf(10) ** -50
        step = mpmath.lu_solve(information, score)
        moved = [sum(row[j] * step[j] for j in range(k)) for row in rows]
        longest = max(abs(m) for m in moved)
        length = min(mpmath.mpf(1), max(8, max(abs(e) for e in eta) / 2) / longest) if longest else mpmath.mpf(1)
        while value([e + length * m for e, m in zip(eta, moved, strict=True)]) < best:
            length /= 2
        eta = [e + length * m for e, m in zip(eta, moved, strict=True)]
        gain, best = value(eta) - best, value(eta)
        if gain < mpmath.mpf(10) ** -30:
            return best
    raise ArithmeticError("no maximum was reached")


def limits(x: np.ndarray, y: np.ndarray) -> list:
    """(k + 1, 2), the intercept's first; None where the likelihood never falls."""
    design = np.column_stack([np.ones(len(y)), x])
    signed = [[mpmath.mpf(float(v)) * (1 if event else -1) for v in row] for row, event in zip(design, y, strict=True)]
    cut = highest(signed, [mpmath.mpf(0)] * len(y)) - HALF_QUANTILE
    infinite = infinite_coefficients(design, y)
    found = []
    for j in range(design.shape[1]):
        others = [[v for h, v in enumerate(row) if h != j] for row in signed]

        def above(b: mpmath.mpf, others: list = others, j: int = j) -> bool:
            return highest(others, [b * row[j] for row in signed]) > cut

        inside = next(b for e in range(40) for b in (mpmath.mpf(2) ** e, -(mpmath.mpf(2) ** e), 0) if above(b))
        pair: list = []
        for sign in (-1, 1):
            if infinite[j] in (sign, 2):
                pair.append(None)
                continue
            low, reach = inside, max(abs(inside), 1)
            while above(inside + sign * reach):
                low, reach = inside + sign * reach, 2 * reach
            high = inside + sign * reach
            while abs(high - low) > mpmath.mpf(10) ** -11 * abs(high):
                middle = (low + high) / 2
                low, high = (middle, high) if above(middle) else (low, middle)
            pair.append(float(high))
        found.append(pair)
    return found


if __name__ == "__main__":
    cases = []
    for seed, n, k, depth in SEEDS:
        x, y = nearly_separated(seed, n, k, depth)
        cases.append({"x": x.tolist(), "y": y.tolist(), "limits": limits(x, y)})
    path = Path(__file__).parent / "data" / "golden_profile_limits.json"
    path.write_text(json.dumps(cases, indent=1) + "\n")
