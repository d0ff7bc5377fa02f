"""How often intervals hold what they estimate, by simulation: the figures of docs/intervals.md.

    python benchmarks/interval_coverage.py folds        # the mean of the folds' AUCs
    python benchmarks/interval_coverage.py bootstrap    # the corrected AUC and Brier score, .632 and .632+
    python benchmarks/interval_coverage.py differences  # of two ways' AUCs in folds
    python benchmarks/interval_coverage.py subgroups    # AUC and calibration of a level; the size of Cochran's Q
    python benchmarks/interval_coverage.py splits       # the mean AUC and Brier score of random splits
    python benchmarks/interval_coverage.py risks        # one patient's risk, by a model of maximum likelihood

Patients have p normal predictors, shifted in those with the event so that the best combination has a given AUC. A
logistic model is fitted to all predictors. What an interval must hold is known without error: for the folds the mean of
the true AUCs, in the population, of the folds' own models; for the bootstrap the true AUC or Brier score of the model
of everyone.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import norm

from prldh.core import Interval
from prldh.engines import PythonEngine
from prldh.models import calibration_limits, least_for
from prldh.stats import (
    ESTIMATES,
    LEAST_AUC,
    TWO_STAGE,
    auc_of_rows,
    bootstrap_measures,
    correct_optimism,
    corrected_resampled,
    infinite_coefficients,
    least_rarer,
    mean_of_folds,
    two_stage_bootstrap,
    two_stage_interval,
)
from prldh.stats.logistic import fit_logistic, refit_logistic
from prldh.validation.group_schemes import MonteCarlo, MonteCarloSettings
from prldh.validation.subgroups import LEAST_OF_A_CLASS, describe_area

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


# ---------------------------------------------------------------- the bootstrap


def true_brier(b: np.ndarray, shift: np.ndarray, share: float) -> float:
    """Brier score in the population, where this share has the event, of the model b (p + 1,)."""
    spread = np.linspace(-8, 8, 4001)
    weight = norm.pdf(spread) / norm.pdf(spread).sum()
    others = b[0] + np.linalg.norm(b[1:]) * spread
    events = others + b[1:] @ shift
    return float((1 - share) * weight @ expit(others) ** 2 + share * weight @ expit(-events) ** 2)


def corrected(design: np.ndarray, outcome: np.ndarray, b: np.ndarray, samples: np.ndarray) -> dict[str, float]:
    """What a run says of the model by these bootstrap samples (m, n)."""
    rows, lengths = samples.ravel(), np.full(*samples.shape)
    refits = refit_logistic(design, outcome, rows, lengths)["coefficients"]
    log_odds, eta = refits @ design.T, design @ b
    in_sample = np.take_along_axis(log_odds, samples, axis=1).ravel()
    inner = bootstrap_measures(outcome, log_odds, in_sample, rows, lengths)
    everyone = bootstrap_measures(outcome, eta[None], eta, np.arange(len(eta)), np.array([len(eta)]))
    p, share = expit(eta), outcome.mean()
    nothing = {"auc": 0.5, "brier": share * np.mean((1 - p) ** 2) + (1 - share) * np.mean(p**2)}
    found = {}
    for measure in TWO_STAGE:
        parts = (inner[f"{measure}_{where}"] for where in ("boot", "original", "oob"))
        apparent = everyone[f"{measure}_original"][0]
        estimates = correct_optimism(apparent, *parts, nothing[measure], LEVEL, better_is_high=measure == "auc")
        found |= {f"{measure}_{key}": estimates[key] for key in ESTIMATES}
    return found


def coverage_of_two_stage(
    n: int, n_events: int, p: int, auc: float, n_sets: int, n_outer: int = 200, n_inner: int = 20, seed: int = 1
) -> tuple[dict[str, float], int]:
    """Share of intervals that hold, by measure and estimate, and how many data sets have them: those that are not
    separated and have enough events.

    Everyone has the event with probability n_events / n, as patients of a cohort have: how many have it varies.
    """
    rng = np.random.default_rng([seed, n, n_events, p, round(100 * auc)])
    held = {f"{measure}_{key}": 0 for measure in TWO_STAGE for key in ESTIMATES}
    shown = 0
    for _ in range(n_sets):
        design, outcome, shift = draw(rng, n, rng.binomial(n, n_events / n), p, auc)
        n_rarer = int(min(outcome.sum(), n - outcome.sum()))
        if n_rarer < least_rarer(p) or infinite_coefficients(design, outcome).any():
            continue
        shown += 1
        b = refit_logistic(design, outcome, np.arange(n), np.array([n]))["coefficients"][0]
        truth = {"auc": true_auc(b[1:], shift), "brier": true_brier(b, shift, n_events / n)}
        estimates = corrected(design, outcome, b, rng.integers(0, n, (200, n)))
        spread = two_stage_bootstrap(design, outcome, n_outer, n_inner, rng)
        for key in held:
            interval = two_stage_interval(estimates[key], spread[key], n_rarer, LEVEL)
            held[key] += interval["low"] <= truth[key.split("_")[0]] <= interval["high"]
    return {key: count / max(shown, 1) for key, count in held.items()}, shown


def coverage_of_shown_aucs(n: int, n_events: int, p: int, auc: float, n_sets: int) -> tuple[float, float, int]:
    """Of the data sets whose corrected AUC is large enough: how often the intervals of the corrected one and of .632
    hold, and how many they are."""
    rng, held = np.random.default_rng([2, n, n_events, p, round(100 * auc)]), []
    for _ in range(n_sets):
        design, outcome, shift = draw(rng, n, rng.binomial(n, n_events / n), p, auc)
        n_rarer = int(min(outcome.sum(), n - outcome.sum()))
        if n_rarer < least_rarer(p) or infinite_coefficients(design, outcome).any():
            continue
        b = refit_logistic(design, outcome, np.arange(n), np.array([n]))["coefficients"][0]
        estimates = corrected(design, outcome, b, rng.integers(0, n, (200, n)))
        if estimates["auc_estimate"] >= LEAST_AUC:
            spread, truth = two_stage_bootstrap(design, outcome, 100, 20, rng), true_auc(b[1:], shift)
            intervals = [two_stage_interval(estimates[k], spread[k], n_rarer) for k in ("auc_estimate", "auc_b632")]
            held.append([each["low"] <= truth <= each["high"] for each in intervals])
    return *np.mean(held, axis=0), len(held)


def coverage_of_a_made_score(n_sets: int) -> float:
    """How often the interval of the AUC that takes a score as given holds, of a score that was made of the same
    patients: the three predictors of twenty that differ most, 170 patients, 39 events."""
    rng, n, held = np.random.default_rng(1), 170, 0
    for _ in range(n_sets):
        design, outcome, shift = draw(rng, n, 39, 20, 0.7)
        events = outcome == 1
        apart = design[events].mean(axis=0) - design[~events].mean(axis=0)
        kept = np.r_[0, np.argsort(-np.abs(apart))[:3]]
        everyone, length = np.arange(n), np.array([n])
        b = refit_logistic(design[:, kept], outcome, everyone, length)["coefficients"][0]
        score = np.column_stack([np.ones(n), design[:, kept[1:]] @ b[1:]])
        own = refit_logistic(score, outcome, everyone, length)["coefficients"][0]
        estimates = corrected(score, outcome, own, rng.integers(0, n, (200, n)))
        spread = two_stage_bootstrap(score, outcome, 200, 20, rng)
        interval = two_stage_interval(estimates["auc_estimate"], spread["auc_estimate"], 39, LEVEL)
        frozen = np.zeros(20)
        frozen[kept[1:] - 1] = b[1:]
        held += interval["low"] <= true_auc(frozen, shift) <= interval["high"]
    return held / n_sets


#: Patients, events that are expected, predictors and the AUC of the best combination.
COHORTS = (
    *((60, 20, p, auc) for p, auc in ((1, 0.6), (1, 0.7), (4, 0.7), (4, 0.85), (4, 0.95))),
    *((170, 39, p, auc) for p, auc in ((1, 0.6), (1, 0.7), (4, 0.7), (4, 0.85))),
)


def bootstrap(*only: str) -> None:
    """The two-stage bootstrap's intervals; ``only``: of cohorts of so many patients, "shown" or "made"."""
    sets = 500
    print(
        "| patients | events | predictors | AUC | AUC corrected | AUC .632 | AUC .632+ | Brier corrected | Brier .632 |"
        f" Brier .632+ | shown of {sets} |\n|{'---|' * 11}"
    )
    for n, n_events, p, auc in COHORTS:
        if not only or str(n) in only:
            coverage, shown = coverage_of_two_stage(n, n_events, p, auc, sets)
            cells = " | ".join(f"{share:.3f}" for share in coverage.values())
            print(f"| {n} | {n_events} | {p} | {auc} | {cells} | {shown} |", flush=True)
    if not only or "shown" in only:
        for n, n_events, p, auc in COHORTS:
            if auc < 0.7:
                *coverage, shown = coverage_of_shown_aucs(n, n_events, p, auc, sets)
                cells = " | ".join(f"{share:.3f}" for share in coverage)
                print(f"| {n} | {n_events} | {p} | {auc} | {cells} | {shown} |", flush=True)
    if not only or "made" in only:
        print(f"a score that was made of the same patients: {coverage_of_a_made_score(200):.3f} of 200", flush=True)


#: Which predictors two ways have, of 12: equally good ones, four more that tell nothing, four more that tell as much.
PAIRS = {
    "equally good": (slice(0, 4), slice(4, 8)),
    "four idle predictors more": (slice(0, 4), slice(0, 8)),
    "better": (slice(0, 8), slice(0, 4)),
}


def differences_of(
    rng: np.random.Generator, n: int, n_events: int, repeats: int, pair: tuple[slice, slice], idle: bool
) -> tuple[np.ndarray, float]:
    """Differences (10 * repeats,) of two models' AUCs in the folds, and the mean of the true differences of the same
    models."""
    shift = np.zeros(12)
    shift[: 4 if idle else 8] = 0.45
    outcome = np.zeros(n)
    outcome[:n_events] = 1.0
    x = rng.normal(size=(n, 12)) + outcome[:, None] * shift
    areas, truths = [], []
    for _ in range(repeats):
        fold = stratified(rng, outcome, 10)
        trains = [np.flatnonzero(fold != k) for k in range(10)]
        rows, lengths = np.concatenate(trains), np.array([len(t) for t in trains])
        by_way, true = [], []
        for columns in pair:
            design = np.column_stack([np.ones(n), x[:, columns]])
            b = refit_logistic(design, outcome, rows, lengths)["coefficients"]
            by_way.append([auc_of_rows(outcome[fold == k], (design[fold == k] @ b[k])[None])[0] for k in range(10)])
            true.append(true_auc(b[:, 1:], shift[columns]))
        areas += list(np.subtract(*by_way))
        truths.append(float(np.mean(true[0] - true[1])))
    return np.array(areas), float(np.mean(truths))


def coverage_of_differences(n: int, n_events: int, repeats: int, name: str, n_sets: int) -> tuple[float, float]:
    """The mean true difference of a pair of ways, and how often the corrected interval holds it."""
    rng = np.random.default_rng(1)
    drawn = [differences_of(rng, n, n_events, repeats, PAIRS[name], name.startswith("four")) for _ in range(n_sets)]
    truth = float(np.mean([true for _, true in drawn]))
    known = [corrected_resampled(values[~np.isnan(values)], 1 / 9, LEVEL) for values, _ in drawn]
    return truth, float(np.mean([answer["low"] <= truth <= answer["high"] for answer in known]))


def differences() -> None:
    """Nadeau and Bengio's corrected interval of the difference of two ways' AUCs in ten folds: how often it holds the
    mean difference over cohorts of this kind, which is known to 0.001 from the cohorts themselves."""
    print("| patients | events | repeats | second way | true difference | coverage |\n|---|---|---|---|---|---|")
    for n, n_events in ((60, 20), (170, 39)):
        for repeats in (1, 5):
            for name in PAIRS:
                truth, held = coverage_of_differences(n, n_events, repeats, name, 1000)
                print(f"| {n} | {n_events} | {repeats} | {name} | {truth:.3f} | {held:.3f} |", flush=True)


def level_of_patients(rng: np.random.Generator, n: int, share: float, auc: float) -> tuple[np.ndarray, np.ndarray]:
    """Outcome and log odds (n,) of a calibrated model with this AUC where a share has the event."""
    shift = np.sqrt(2) * norm.ppf(auc)
    y = (rng.random(n) < share).astype(float)
    eta = shift * (rng.normal(size=n) + shift * y) - shift**2 / 2 + np.log(share / (1 - share))
    return y, eta


def subgroups() -> None:
    """Intervals of a subgroup, and how often Cochran's Q finds a difference where there is none."""
    engine, sets = PythonEngine(), 1000
    print("| patients | share of events | AUC | AUC's logit | DeLong's | slope | in the large | shown |")
    for n, share in ((30, 0.5), (40, 0.3), (60, 0.3), (100, 0.2), (200, 0.2)):
        for auc in (0.6, 0.7, 0.8, 0.9):
            rng, held, shown = np.random.default_rng([n, round(100 * auc)]), np.zeros(4), 0
            for _ in range(sets):
                y, eta = level_of_patients(rng, n, share, auc)
                if min(y.sum(), n - y.sum()) < LEAST_OF_A_CLASS:
                    continue
                area, p = engine.auc(y, eta, 0.95), 1 / (1 + np.exp(-eta))
                line = engine.calibration(y, p, np.zeros((0, n), dtype=int), 0, 0.95)
                numbers = {key: float(line[key]) for key in ("slope", "citl")}
                limits = calibration_limits(y, eta, Line(numbers), engine, 0.95)
                own = describe_area(area["estimate"], area["variance"], 0.95)
                wald = Interval(area["estimate"], area["low"], area["high"])
                shown += 1
                for k, (each, truth) in enumerate(((own, auc), (wald, auc), (limits.slope, 1.0), (limits.citl, 0.0))):
                    held[k] += each.low is not None and each.high is not None and each.low <= truth <= each.high
            rates = " | ".join(f"{rate:.3f}" for rate in held / max(shown, 1))
            print(f"| {n} | {share} | {auc} | {rates} | {shown} |", flush=True)
    print("| levels | patients in each | share of events | AUC | Q finds a difference |")
    for k in (2, 3, 6):
        for n, share in ((20, 0.5), (40, 0.3), (100, 0.2)):
            for auc in (0.7, 0.85):
                rng, found, known = np.random.default_rng([k, n, round(100 * auc)]), 0, 0
                for _ in range(sets):
                    areas = [engine.auc(*level_of_patients(rng, n, share, auc), 0.95) for _ in range(k)]
                    pairs = [
                        (a["estimate"], a["variance"]) for a in areas if 0 < a["estimate"] < 1 and a["variance"] > 0
                    ]
                    if len(pairs) > 1:
                        a, v = np.array(pairs).T
                        answer = engine.pool_random_effects(np.log(a / (1 - a)), v / (a * (1 - a)) ** 2, 0.95)
                        known += 1
                        found += answer["q_p"] < 0.05
                print(f"| {k} | {n} | {share} | {auc} | {found / known:.3f} |", flush=True)


def coverage_of_splits(
    n: int, share: float, b: float, test: float, repeats: int, n_sets: int
) -> tuple[float, dict[str, float]]:
    """The mean AUC of random splits, and how often each interval holds: the AUC's on its own scale and on the logit's,
    and the Brier score's."""
    rng = np.random.default_rng(5)
    many_x, many_y = told_by_two(rng, 60_000, share, b)
    found, truths = [], []
    for k in range(n_sets):
        x, y = told_by_two(rng, n, share, b)
        drawn = MonteCarlo().resamples(y, MonteCarloSettings(test=test, repeats=repeats), np.random.SeedSequence(k))
        rows, lengths = np.concatenate([r.train for r in drawn]), np.array([len(r.train) for r in drawn])
        fits = refit_logistic(x, y.astype(float), rows, lengths)["coefficients"]
        etas = [x[r.test] @ fit for r, fit in zip(drawn, fits, strict=True)]
        areas = np.array([auc_of_rows(y[r.test], eta[None])[0] for r, eta in zip(drawn, etas, strict=True)])
        briers = np.array([np.mean((expit(eta) - y[r.test]) ** 2) for r, eta in zip(drawn, etas, strict=True)])
        if k < 80:
            eta = many_x @ fits[0]
            truths.append((auc_of_rows(many_y, eta[None])[0], np.mean((expit(eta) - many_y) ** 2)))
        ratio = len(drawn[0].test) / len(drawn[0].train)
        area, brier = (corrected_resampled(values, ratio) for values in (areas, briers))
        mean = area["estimate"]
        logit, half = np.log(mean / (1 - mean)), (area["high"] - mean) / (mean * (1 - mean))
        ends = expit(logit - half), expit(logit + half)
        found.append((mean, area["low"], area["high"], *ends, brier["low"], brier["high"]))
    columns, (auc, score) = np.array(found).T, np.mean(truths, axis=0)
    pairs = {"auc": (1, auc), "logit": (3, auc), "brier": (5, score)}
    held = {name: float(np.mean((columns[j] <= t) & (t <= columns[j + 1]))) for name, (j, t) in pairs.items()}
    return float(columns[0].mean()), held


def splits() -> None:
    """Means over random splits: Nadeau and Bengio's interval of the AUC, on its own and on the logit scale, and of the
    Brier score."""
    print("| patients | share of events | p | test share | splits | mean AUC | AUC | its logit | Brier score |")
    first = ((170, 0.23, 0.7), (60, 0.33, 0.7), (120, 0.4, 1.5), (300, 0.07, 0.7), (200, 0.3, 0.0))
    settings = [*((*each, 0.2, 40) for each in first), (170, 0.23, 0.7, 0.4, 40), (170, 0.23, 0.7, 0.2, 10)]
    for n, share, b, test, repeats in settings:
        mean, held = coverage_of_splits(n, share, b, test, repeats, 400)
        rates = " | ".join(f"{rate:.3f}" for rate in held.values())
        print(f"| {n} | {share} | 3 | {test} | {repeats} | {mean:.3f} | {rates} |", flush=True)


def told_by_two(rng: np.random.Generator, n: int, share: float, b: float) -> tuple[np.ndarray, np.ndarray]:
    """Design (n, 4) of an intercept and three normal predictors, two of which tell, and outcome; six of a class at
    least."""
    while True:
        x = np.column_stack([np.ones(n), rng.normal(size=(n, 3))])
        y = (rng.random(n) < expit(x @ [1.05 * np.log(share / (1 - share)), b, b, 0.0])).astype(int)
        if min(y.sum(), n - y.sum()) >= 6:
            return x, y


def coverage_of_risks(n: int, share: float, p: int, b: float, n_sets: int, seed: int = 7) -> dict[str, float]:
    """How often Wald's interval of the log odds holds a patient's own: of all patients, of those with the tenth of the
    lowest and of the highest true log odds; and in how many data sets it is shown."""
    rng = np.random.default_rng(seed)
    slopes = np.zeros(p + 1)
    slopes[1 : 1 + max(1, p // 2)] = b / np.sqrt(max(1, p // 2))
    many = rng.normal(size=(20_000, p)) @ slopes[1:]
    slopes[0] = brentq(lambda a: expit(a + many).mean() - share, -20, 20)
    held, shown = {"all": [], "lowest": [], "highest": []}, 0
    for _ in range(n_sets):
        design = np.column_stack([np.ones(n), rng.normal(size=(n, p))])
        eta = design @ slopes
        outcome = (rng.random(n) < expit(eta)).astype(float)
        rarer = min(outcome.sum(), n - outcome.sum())
        if rarer < least_for(p) or infinite_coefficients(design, outcome).any():
            continue
        fit = fit_logistic(design, outcome)
        error = norm.ppf((1 + LEVEL) / 2) * np.sqrt(np.einsum("ij,jk,ik->i", design, fit["covariance"], design))
        holds = np.abs(design @ fit["coefficients"] - eta) <= error
        shown += 1
        held["all"].append(holds.mean())
        held["lowest"].append(holds[eta <= np.quantile(eta, 0.1)].mean())
        held["highest"].append(holds[eta >= np.quantile(eta, 0.9)].mean())
    return {name: float(np.mean(values)) if values else np.nan for name, values in held.items()} | {"shown": shown}


def risks() -> None:
    """One patient's risk by a model of maximum likelihood: Wald's interval of the log odds."""
    print("| patients | share of events | predictors | b | all | lowest tenth | highest tenth | shown of 1000 |")
    for n, share in ((60, 0.35), (100, 0.3), (170, 0.23), (300, 0.1), (500, 0.3)):
        for p, b in ((1, 0.5), (1, 1.5), (4, 0.5), (4, 1.5), (8, 1.0)):
            found = coverage_of_risks(n, share, p, b, 1000)
            rates = " | ".join("-" if found["shown"] < 200 else f"{found[k]:.3f}" for k in ("all", "lowest", "highest"))
            print(f"| {n} | {share} | {p} | {b} | {rates} | {found['shown']} |", flush=True)


class Line(NamedTuple):
    """A calibration's numbers."""

    numbers: dict[str, float]


if __name__ == "__main__":
    every = (folds, bootstrap, differences, subgroups, splits, risks)
    {each.__name__: each for each in every}[sys.argv[1]](*sys.argv[2:])
