"""Make ``prldh/demo/published_cohort.csv``: 170 synthetic patients with the statistics of a published paper.

Zhang G et al. (2026) Front. Artif. Intell. 9:1757269 (CC BY) prints tables, not patients. This script searches,
from a fixed seed, for patients whose tables print the same. Nothing of prldh is imported: the cohort judges it.

1. Continuous columns start at the quantiles of a plausible distribution and are annealed on a decimal grid until every
   printed number lies well inside its rounding interval.
2. Radscores are annealed in the same way, with the ROC curve among the targets, each value kept on its side of the
   cutoff.
3. The two Radscores are paired at random within the cells (outcome x high/low disc x high/low muscle) that the paper
   counts.
4. Covariates are dealt at random within outcome groups. Of ``N_DEALS`` deals the one is kept whose adjusted models come
   nearest to the paper's. Those are near, not equal: too little is printed to match them.

Run: ``python tests/make_published_cohort.py`` (about a minute).
"""

# ruff: noqa: NPY002 - inside numba functions the legacy calls are numba's own seeded generator

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numba import njit
from scipy import stats

SEED = 20261757
N_DEALS = 8000
DESTINATION = Path(__file__).resolve().parents[1] / "prldh" / "demo" / "published_cohort.csv"
N_NONEVENT, N_EVENT = 131, 39

# Level: (without, with recurrence), as Table 1 counts them.
COUNTS = {
    "sex": {"female": (59, 13), "male": (72, 26)},
    "smoking": {"no": (98, 26), "yes": (33, 13)},
    "diabetes": {"no": (106, 27), "yes": (25, 12)},
    "hypertension": {"no": (83, 23), "yes": (48, 16)},
    "vas_pre": {"3": (1, 0), "4": (5, 3), "5": (62, 17), "6": (53, 15), "7": (6, 4), "8": (4, 0)},
    "vas_post": {"2": (103, 31), "3": (28, 8)},
    "occupation": {"office": (47, 16), "labour": (11, 4), "farm": (57, 15), "own": (16, 4)},
    "pfirrmann": {"III": (49, 15), "IV": (68, 20), "V": (14, 4)},
    "modic": {"normal": (36, 9), "I": (1, 0), "II": (83, 24), "III": (11, 6)},
    "herniation_type": {"bulge": (19, 7), "herniation": (99, 31), "prolapse": (13, 1)},
    "segment": {"L3/5": (6, 0), "L4/5": (85, 22), "L5/S1": (40, 17)},
}
# (high disc, high muscle), (high, low), (low, high), (low, low) by outcome.
QUADRANTS = {0: (11, 12, 32, 76), 1: (20, 9, 7, 3)}
COLUMNS = (
    "patient_id recurrence age sex bmi smoking duration diabetes hypertension vas_pre vas_post occupation "
    "pfirrmann modic herniation_type segment disc muscle"
).split()
# The adjusted models as printed: AUC, and the coefficients of the groups in Table 4.
ADJUSTED_AUC = {"pfirrmann": 0.719, "disc": 0.898, "muscle": 0.822, "groups": 0.898}
ADJUSTED_B = np.array([-1.408, -2.729, -4.704])
PFIRRMANN_BY_DISC_P = 0.347  # the discussion: Pfirrmann grade by high and low disc Radscore


# ---- annealing towards printed numbers ----


@njit(cache=False)
def moments(values, outcome):
    """mean and SD of non-events, events, all, and the pooled t (non-event minus event)."""
    out = np.empty(7)
    for k in range(3):
        total, n = 0.0, 0
        for i in range(values.size):
            if k == 2 or outcome[i] == k:
                total += values[i]
                n += 1
        mean, squares = total / n, 0.0
        for i in range(values.size):
            if k == 2 or outcome[i] == k:
                squares += (values[i] - mean) ** 2
        out[2 * k], out[2 * k + 1] = mean, np.sqrt(squares / (n - 1))
    n1 = outcome.sum()
    n0 = outcome.size - n1
    pooled = ((n0 - 1) * out[1] ** 2 + (n1 - 1) * out[3] ** 2) / (n0 + n1 - 2)
    out[6] = (out[0] - out[2]) / np.sqrt(pooled * (1 / n0 + 1 / n1))
    return out


@njit(cache=False)
def curve(values, outcome, cutoff):
    """AUC, its DeLong limits, both partial areas, and by how much Youden's J at the cutoff beats every other."""
    order = np.argsort(values)[::-1]  # no ties: the annealing refuses them
    n1 = outcome.sum()
    n0 = outcome.size - n1
    tp, fp, area, sens_part, spec_part = 0, 0, 0.0, 0.0, 0.0
    v10, v01 = np.zeros(n1), np.zeros(n0)
    j_cut, j_other = -1.0, -1.0
    for r in range(order.size):
        if outcome[order[r]] == 1:
            v10[tp] = 1 - fp / n0
            low, high = max(tp / n1, 0.8), (tp + 1) / n1
            if high > low:
                sens_part += (high - low) * (1 - fp / n0)
            tp += 1
        else:
            v01[fp] = tp / n1
            low, high = fp / n0, min((fp + 1) / n0, 0.2)
            if high > low:
                spec_part += (high - low) * tp / n1
            fp += 1
        j = tp / n1 - fp / n0
        is_cut = r + 1 < order.size and values[order[r]] > cutoff and values[order[r + 1]] < cutoff
        if is_cut:
            j_cut = j
        elif j > j_other:
            j_other = j
    area = v10.mean()
    variance = v10.var() / (n1 - 1) + v01.var() / (n0 - 1)
    half = 1.959963984540054 * np.sqrt(variance)
    return np.array([area, area - half, area + half, sens_part, spec_part, j_cut - j_other])


@njit(cache=False)
def penalty(values, outcome, target, slack, cutoff, has_curve):
    found = np.empty(target.size)
    found[:7] = moments(values, outcome)
    if has_curve:
        found[7:13] = curve(values, outcome, cutoff)
    total = 0.0
    for i in range(target.size):
        if slack[i] > 0:
            over = abs(found[i] - target[i]) - slack[i]
            if over > 0:
                total += over / slack[i]
    if has_curve:
        total += max(0.0, 0.004 - found[12]) * 500  # a maximum of Youden's J without a rival
    return total


@njit(cache=False)
def anneal(grid, step, outcome, low, high, free, target, slack, cutoff, has_curve, seed, n_steps, reach):
    """Move grid values within [low, high] until nothing is outside its slack: one alone, or two of a group against each
    other, which keeps a sum that has become right."""
    np.random.seed(seed)
    best = penalty(grid * step, outcome, target, slack, cutoff, has_curve)
    for k in range(n_steps):
        if best == 0:
            break
        i, j = np.random.randint(grid.size), np.random.randint(grid.size)
        shift = np.random.randint(-reach, reach + 1)
        is_pair = k % 2 == 1
        if shift == 0 or not free[i] or not low[i] <= grid[i] + shift <= high[i]:
            continue
        if is_pair and (i == j or outcome[i] != outcome[j] or not free[j] or not low[j] <= grid[j] - shift <= high[j]):
            continue
        if has_curve and (
            (grid == grid[i] + shift).any()
            or is_pair
            and (grid == grid[j] - shift).any()
            or is_pair
            and grid[i] + shift == grid[j] - shift
        ):
            continue
        grid[i] += shift
        if is_pair:
            grid[j] -= shift
        now = penalty(grid * step, outcome, target, slack, cutoff, has_curve)
        heat = 0.5 * (1e-4 / 0.5) ** (k / n_steps)
        if now <= best or np.random.random() < np.exp(-(now - best) / heat):
            best = now
        else:
            grid[i] -= shift
            if is_pair:
                grid[j] += shift
    return best


def t_window(t: float, p: float | None) -> tuple[float, float]:
    """Centre and slack of the t statistics that print as ``t`` and, pooled on 168 degrees of freedom, as ``p``."""
    low, high = abs(t) - 0.005, abs(t) + 0.005
    if p is not None:
        low = max(low, stats.t.isf((p + 0.0005) / 2, 168))
        high = min(high, stats.t.isf((p - 0.0005) / 2, 168))
    return -(low + high) / 2, 0.85 * (high - low) / 2


def fit_column(start, step, limits, printed, t, p, seed, roc=None, cutoff=0.0, fixed=(), reach=20, slack=0.4):
    """Anneal ``start`` (non-events first) until its tables print as ``printed`` = mean, SD of non-events, events,
    all."""
    outcome = np.repeat([0, 1], [N_NONEVENT, N_EVENT])
    centre, t_slack = t_window(t, p)
    target = [*printed, centre]
    slacks = [slack * 0.01] * 6 + [t_slack]
    if roc is not None:
        target += [*roc, *[0.0] * (6 - len(roc))]
        slacks += [slack * 0.001] * len(roc) + [0.0] * (6 - len(roc))
    grid = np.rint(np.asarray(start) / step).astype(np.int64)
    low = np.ceil(np.asarray(limits[0]) / step - 1e-6).astype(np.int64)
    high = np.floor(np.asarray(limits[1]) / step + 1e-6).astype(np.int64)
    grid = np.clip(grid, low, high)
    if roc is not None:
        spread_ties(grid, low, high)
    free = np.ones(grid.size, bool)
    for i, value in fixed:
        grid[i], free[i] = round(value / step), False
    left = anneal(
        grid,
        step,
        outcome,
        low,
        high,
        free,
        np.array(target),
        np.array(slacks),
        cutoff,
        roc is not None,
        seed,
        3_000_000,
        reach,
    )
    if left > 0:
        found = moments(grid * step, outcome)
        raise SystemExit(f"annealing ended with penalty {left}: {found}, wanted {target}")
    return grid * float(step)


def spread_ties(grid, low, high):
    """Shift equal grid values, in place, to the nearest free places."""
    taken = set()
    for i in range(grid.size):
        shift = 0
        while (value := grid[i] + shift) in taken or not low[i] <= value <= high[i]:
            shift = -shift if shift > 0 else 1 - shift
        grid[i] = value
        taken.add(value)


def quantiles(distribution, n):
    return distribution.ppf((np.arange(n) + 0.5) / n)


# ---- the columns ----


def make_clinical(seed):
    """age (whole years), bmi and duration (one decimal), each array of 131 non-events, then 39 events."""
    n0, n1 = N_NONEVENT, N_EVENT

    def limits(nonevent, event):
        return [np.repeat([a, b], [n0, n1]) for a, b in zip(nonevent, event, strict=True)]

    age = np.concatenate([quantiles(stats.norm(58.27, 14.8), n0), quantiles(stats.norm(59, 13.8), n1)])
    # the paper gives the ranges: 21 to 88 years, 30 to 87 among recurrences
    age = fit_column(
        age,
        1,
        limits((21, 88), (30, 87)),
        (58.27, 14.64, 59.00, 13.64, 58.44, 14.38),
        -0.28,
        0.781,
        seed,
        fixed=((0, 21), (n0 - 1, 88), (n0, 30), (n0 + n1 - 1, 87)),
        reach=3,
        slack=0.472,
    )
    bmi = np.concatenate([quantiles(stats.norm(24.44, 3.5), n0), quantiles(stats.norm(25.37, 3.2), n1)])
    bmi = fit_column(
        bmi, 0.1, limits((16.8, 34.5), (18.2, 34)), (24.44, 3.46, 25.37, 3.12, 24.65, 3.40), -1.51, 0.134, seed, reach=3
    )
    duration = np.concatenate(
        [quantiles(stats.lognorm(s, scale=scale), n) for s, scale, n in ((1.12, 1.85, n0), (1.0, 3.7, n1))]
    )
    # inclusion asks for three months of symptoms; the longest history is kept within reason
    duration = fit_column(
        duration, 0.1, limits((0.3, 35), (0.3, 38)), (3.46, 5.41, 6.05, 7.66, 4.06, 6.08), -2.36, 0.019, seed, reach=4
    )
    return {"age": age, "bmi": bmi, "duration": duration}


def make_score(mean_sd, cutoff, n_high, t, roc, seed):
    """A Radscore in steps of 0.001; the two values beside the cutoff are 0.005 away, so that the midpoint is the
    cutoff."""
    start, low, high = [], [], []
    for k, n in ((0, N_NONEVENT), (1, N_EVENT)):
        side = stats.norm(*mean_sd[2 * k : 2 * k + 2])
        share = side.cdf(cutoff)
        above = (np.arange(n_high[k]) + 0.5) / n_high[k]
        below = (np.arange(n - n_high[k]) + 0.5) / (n - n_high[k])
        start += [*side.ppf(share * below), *side.ppf(share + (1 - share) * above)]
        low += [-9.0] * (n - n_high[k]) + [cutoff + 0.006] * n_high[k]
        high += [cutoff - 0.006] * (n - n_high[k]) + [6.0] * n_high[k]
    last_low = N_NONEVENT - n_high[0] - 1
    first_high = N_NONEVENT + N_EVENT - n_high[1]
    low[first_high] = high[first_high] = cutoff + 0.005
    low[last_low] = high[last_low] = cutoff - 0.005
    return fit_column(
        start,
        0.001,
        (low, high),
        mean_sd,
        t,
        None,
        seed,
        roc,
        cutoff,
        ((last_low, cutoff - 0.005), (first_high, cutoff + 0.005)),
        reach=120,
    )


def pair_scores(disc, muscle, outcome, rng):
    """Muscle scores in the order of the disc scores, so that the four groups have the paper's counts."""
    paired = np.empty_like(muscle)
    for k, cells in QUADRANTS.items():
        rows = {
            side: rng.permutation(np.flatnonzero((outcome == k) & ((disc > -0.824) == side))) for side in (True, False)
        }
        pool = {side: rng.permutation(muscle[(outcome == k) & ((muscle > -0.970) == side)]) for side in (True, False)}
        for (is_disc, is_muscle), n in zip(
            ((True, True), (True, False), (False, True), (False, False)), cells, strict=True
        ):
            take, rows[is_disc] = rows[is_disc][:n], rows[is_disc][n:]
            give, pool[is_muscle] = pool[is_muscle][:n], pool[is_muscle][n:]
            paired[take] = give
    return paired


# ---- dealing the covariates ----


def pfirrmann_by_disc(n_high):
    """The split of the grades among the high disc Radscores that prints the paper's p and is nearest to even."""
    totals = np.array([sum(c) for c in COUNTS["pfirrmann"].values()])
    best = None
    for grade_iii in range(n_high + 1):
        for grade_v in range(min(18, n_high - grade_iii) + 1):
            high = np.array([grade_iii, n_high - grade_iii - grade_v, grade_v])
            p = stats.chi2_contingency([high, totals - high], correction=False)[1]
            uneven = abs(high[2] - n_high * totals[2] / 170)
            if abs(p - PFIRRMANN_BY_DISC_P) < 0.0004 and (best is None or uneven < best[0]):
                best = uneven, high
    return best[1]


def deal(columns, outcome, is_high_disc, grades_high, rng):
    """Every covariate shuffled within outcome groups; the Pfirrmann grade until its split by disc Radscore is as
    printed."""
    dealt = {}
    for name, values in columns.items():
        while True:
            values = values.copy()
            for k in (0, 1):
                values[outcome == k] = rng.permutation(values[outcome == k])
            dealt[name] = values
            if name != "pfirrmann" or [(values[is_high_disc] == g).sum() for g in ("III", "IV", "V")] == list(
                grades_high
            ):
                break
    return dealt


def fit_logistic(design, outcome):
    """Coefficients after Newton steps; the tiny ridge stops columns that separate the outcomes from running away."""
    beta = np.zeros(design.shape[1])
    for _ in range(12):
        p = 1 / (1 + np.exp(-np.clip(design @ beta, -25, 25)))
        weighted = design * (p * (1 - p))[:, None]
        beta += np.linalg.solve(weighted.T @ design + 1e-5 * np.eye(beta.size), design.T @ (outcome - p) - 1e-5 * beta)
    return beta


def distance_to_adjusted(dealt, disc, muscle, outcome):
    """How far the adjusted models are from Table 2 (in AUC) and Table 4 (in B), and what they are."""
    blocks = [np.ones(outcome.size)]
    for values in dealt.values():
        if values.dtype.kind == "f":
            blocks.append((values - values.mean()) / values.std())
        else:
            levels, n = np.unique(values, return_counts=True)
            blocks += [(values == level) * 1.0 for level in levels if level != levels[n.argmax()]]
    base = np.column_stack(blocks)
    d, m = disc > -0.824, muscle > -0.970
    extra = {"pfirrmann": [], "disc": [disc], "muscle": [muscle], "groups": [d & ~m, ~d & m, ~d & ~m]}
    found, distance = {}, 0.0
    for name, added in extra.items():
        design = np.column_stack([base, *added])
        beta = fit_logistic(design, outcome)
        eta = design @ beta
        found[name] = stats.mannwhitneyu(eta[outcome == 1], eta[outcome == 0]).statistic / (N_EVENT * N_NONEVENT)
        distance += ((found[name] - ADJUSTED_AUC[name]) / 0.003) ** 2
    found["b"] = beta[-3:]
    return distance + (((beta[-3:] - ADJUSTED_B) / 0.15) ** 2).sum(), found


def main():
    rng = np.random.default_rng(SEED)
    outcome = np.repeat([0, 1], [N_NONEVENT, N_EVENT])
    clinical = make_clinical(SEED)
    disc = make_score(
        (-1.95, 1.64, 0.40, 1.54, -1.41, 1.90), -0.824, (23, 29), -7.94, (0.857, 0.797, 0.918, 0.116, 0.104), SEED
    )
    muscle = make_score((-1.44, 1.07, -0.54, 1.19, -1.23, 1.16), -0.970, (43, 27), -4.46, (0.718, 0.627, 0.809), SEED)
    muscle = pair_scores(disc, muscle, outcome, rng)
    columns = clinical | {
        name: np.concatenate([np.repeat(list(levels), [n[k] for n in levels.values()]) for k in (0, 1)])
        for name, levels in COUNTS.items()
    }
    grades_high = pfirrmann_by_disc(52)
    best = None
    for _ in range(N_DEALS):
        dealt = deal(columns, outcome, disc > -0.824, grades_high, rng)
        distance, found = distance_to_adjusted(dealt, disc, muscle, outcome)
        if best is None or distance < best[0]:
            best = distance, found, dealt
            print(f"distance {distance:.1f}", found, flush=True)
    frame = pd.DataFrame(best[2] | {"disc": disc, "muscle": muscle, "recurrence": np.where(outcome == 1, "yes", "no")})
    frame = frame.iloc[rng.permutation(170)].reset_index(drop=True)
    frame["patient_id"] = [f"S{i:03d}" for i in range(1, 171)]
    for name, decimals in {"bmi": 1, "duration": 1, "disc": 3, "muscle": 3}.items():
        frame[name] = frame[name].map(f"{{:.{decimals}f}}".format)
    frame["age"] = frame["age"].round().astype(int)
    frame[COLUMNS].to_csv(DESTINATION, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
