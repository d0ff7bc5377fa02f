"""Internal validation: refits on resamples, in scope ``model`` and in scope ``pipeline``, and what is said of them.

Scope ``model`` keeps Radscores and group cutoffs and refits the logistic model and its threshold. Scope
``pipeline`` refits everything on the training rows: ICC, selection, scaling, coefficients, cutoffs, thresholds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from prldh.models import FIRTH, MAXIMUM_LIKELIHOOD, build_design, calibration, log_odds, probability, proportions
from prldh.radscore import Protocol, apply_radscore, fit_tissue, training_rows
from prldh.records import Cohort, Design, FeatureBlock, ModelSpec, Resample
from prldh.seeds import seed_for
from prldh.stats.resampled import auc_of_rows, correct_optimism, fold_influence


@dataclass(frozen=True)
class TissueRefit:
    """A tissue as refitted on one resample: Radscore of every patient (n,), cutoff, and what was selected."""

    values: np.ndarray
    cutoff: float
    features: tuple[str, ...]
    empty_step: str | None


@dataclass
class Predictions:
    """Log odds of one model under one scheme and scope.

    ``log_odds`` (m, n): row r are all patients' log odds by the model of resample r; ``alone`` (m,) tells which of
    the refits ended as the intercept alone.
    """

    kind: str
    resamples: Sequence[Resample]
    log_odds: np.ndarray
    alone: np.ndarray
    notes: list[str] = field(default_factory=list)


def refit_tissues(
    tissues: Mapping[str, tuple[FeatureBlock, ...]], given: Mapping[str, np.ndarray], outcome: np.ndarray,
    resample: Resample, protocol: Protocol, seed: int, key: tuple, engine: Any,
) -> dict[str, TissueRefit]:
    """Every tissue's Radscore refitted on the training rows of one resample, applied to all patients."""
    found = {}
    for name, values in given.items():
        cutoff = float(engine.youden(outcome[resample.train].astype(float), values[resample.train])["threshold"])
        found[name] = TissueRefit(values, cutoff, (), None)
    for name, blocks in tissues.items():
        rows = training_rows(blocks, outcome, resample.train)
        fit = fit_tissue(rows, tuple(b.source for b in blocks), protocol, seed_for(seed, "tissue", name, *key), engine)
        features = tuple(f for _, f in fit.radscore.features) if fit.radscore else ()
        found[name] = TissueRefit(apply_radscore(fit.radscore, blocks), fit.cutoff, features, fit.empty_step)
    return found


def predict_scope_model(
    design: Design, outcome: np.ndarray, kind: str, resamples: Sequence[Resample], engine: Any, how: str = MAXIMUM_LIKELIHOOD
) -> Predictions:
    """Refit the logistic model alone on every resample, by the engine and in the way it was fitted on everyone."""
    rows = np.concatenate([r.train for r in resamples])
    lengths = np.array([len(r.train) for r in resamples])
    b = np.asarray(_refit(engine, how)(design.matrix, outcome.astype(float), rows, lengths)["coefficients"], dtype=float)
    eta = np.array([log_odds(design.matrix, row) for row in b])
    unseen = sum(_unseen_levels(design, r) for r in resamples)
    return Predictions(kind, resamples, eta, _is_intercept_alone(b), _unseen_note(unseen))


def predict_scope_pipeline(
    spec: ModelSpec, cohort: Cohort, kind: str, resamples: Sequence[Resample], refits: Sequence[Mapping[str, TissueRefit]], engine: Any,
    how: str = MAXIMUM_LIKELIHOOD,
) -> Predictions:
    """Refit the logistic model, in the way it was fitted on everyone, on Radscores and groups that were refitted on each resample."""
    outcome = cohort.outcome.astype(float)
    eta, alone = np.zeros((len(resamples), cohort.n)), np.zeros(len(resamples), dtype=bool)
    unseen = 0
    for r, (resample, tissues) in enumerate(zip(resamples, refits, strict=True)):
        scores = {name: t.values for name, t in tissues.items()}
        design = build_design(spec.terms, cohort, scores, {name: t.cutoff for name, t in tissues.items()})
        fitted = _refit(engine, how)(design.matrix, outcome, resample.train, np.array([len(resample.train)]))
        b = np.asarray(fitted["coefficients"], dtype=float)
        eta[r] = log_odds(design.matrix, b[0])
        alone[r] = _is_intercept_alone(b)[0]
        unseen += _unseen_levels(design, resample)
    return Predictions(kind, resamples, eta, alone, _unseen_note(unseen))


def _unseen_levels(design: Design, resample: Resample) -> int:
    """How many held-out patients have a level that no training row has: it has no coefficient."""
    factors = [j for j, level in enumerate(design.levels) if level is not None]
    absent = [j for j in factors if not design.matrix[resample.train, j].any()]
    return int(design.matrix[np.ix_(resample.test, absent)].any(axis=1).sum()) if absent else 0


def _unseen_note(n: int) -> list[str]:
    if not n:
        return []
    return [f"{n} held-out predictions are of patients with a level that no training patient has; it counts as the reference level there."]


def _refit(engine: Any, how: str) -> Callable[..., Mapping[str, Any]]:
    """The estimator is part of the model: what Firth's likelihood fitted on everyone it fits in every resample."""
    return engine.refit_firth if how == FIRTH else engine.refit_logistic


def _is_intercept_alone(b: np.ndarray) -> np.ndarray:
    return ~(np.nan_to_num(b[:, 1:]) != 0).any(axis=1)


def summarise(predictions: Predictions, apparent: np.ndarray, outcome: np.ndarray, engine: Any, level: float) -> tuple[dict[str, Any], list[str]]:
    """What one scheme says of one model: the entry of ``results.json`` and remarks for the warnings.

    ``apparent`` (n,) are the log odds of the model fitted on everyone.
    """
    if predictions.kind == "bootstrap":
        entry, remarks = _summarise_bootstrap(predictions, apparent, outcome, level)
    else:
        entry, remarks = _summarise_held_out(predictions, outcome, engine, level)
    return entry, [*remarks, *predictions.notes]


def held_out(predictions: Predictions) -> list[np.ndarray]:
    """Pooled held-out log odds (n,), one array a repeat; NaN for a patient who was never held out."""
    repeats: dict[int, np.ndarray] = {}
    for r, resample in enumerate(predictions.resamples):
        pooled = repeats.setdefault(resample.repeat, np.full(predictions.log_odds.shape[1], np.nan))
        pooled[resample.test] = predictions.log_odds[r, resample.test]
    return [repeats[k] for k in sorted(repeats)]


def _summarise_held_out(predictions: Predictions, outcome, engine, level) -> tuple[dict[str, Any], list[str]]:
    y = outcome.astype(float)
    remarks: list[str] = []
    n_alone = int(predictions.alone.sum())
    pooled = held_out(predictions)
    entry: dict[str, Any] = {"n_resamples": len(predictions.resamples), "n_intercept_only": n_alone}
    none = dict.fromkeys(("estimate", "low", "high", "variance"), None)
    if n_alone:
        remarks.append(
            f"{n_alone} of {len(predictions.resamples)} refits ended as the intercept alone; pooled predictions then compare "
            "intercepts of different folds, so the pooled AUC is null."
        )
        entry["auc"] = {**none, "method": "not defined"}
    else:
        found = [engine.auc(y, probability(p), level) for p in pooled]
        entry["auc"] = {k: float(np.mean([f[k] for f in found])) for k in none}
        entry["auc"]["method"] = "DeLong on pooled held-out predictions, conditional on the fitted models"
    if not n_alone and entry["auc"]["high"] < 0.5:
        remarks.append(
            "the pooled held-out AUC lies below 0.5: leaving a patient out moves the fit against that patient, which shows where a "
            "model has little to say. It is no sign of a useful marker turned round."
        )
    if any(len(r.test) > 1 for r in predictions.resamples):
        entry["auc_mean"] = _fold_mean(predictions, outcome, level)
        skipped = entry["auc_mean"]["n_folds_one_class"]
        if skipped:
            remarks.append(f"{skipped} folds held out one class only and do not count in auc_mean.")
    entry["brier"] = {"estimate": float(np.mean([np.mean((probability(p) - y) ** 2) for p in pooled]))}
    fitted = calibration(y, probability(pooled[0]), engine)
    entry["calibration"] = {k: v for k, v in fitted.items() if k != "curve"}
    entry["calibration"]["curve"] = fitted["curve"]
    entry.update(_classified(predictions, outcome, engine, level))
    return entry, remarks


def _fold_mean(predictions: Predictions, outcome, level) -> dict[str, Any]:
    """Mean of the folds' AUCs, with cvAUC's influence-function interval (LeDell, Petersen & van der Laan 2015)."""
    from scipy.stats import norm

    aucs, influence, one_class = [], [], 0
    for r, resample in enumerate(predictions.resamples):
        y = outcome[resample.test]
        if y.min() == y.max():
            one_class += 1
            continue
        scores = predictions.log_odds[r, resample.test]
        if predictions.alone[r]:
            scores = np.zeros_like(scores)
        aucs.append(auc_of_rows(y, scores[None, :])[0])
        influence.append(fold_influence(y, scores, outcome))
    if not aucs:
        return {"estimate": None, "low": None, "high": None, "n_folds": 0, "n_folds_one_class": one_class}
    n = outcome.size
    estimate = float(np.mean(aucs))
    error = float(np.sqrt(np.mean(influence) / n)) * norm.ppf((1 + level) / 2)
    return {
        "estimate": estimate, "low": max(0.0, estimate - error), "high": min(1.0, estimate + error),
        "n_folds": len(aucs), "n_folds_one_class": one_class, "method": "cvAUC influence function",
    }


def _classified(predictions: Predictions, outcome, engine, level) -> dict[str, Any]:
    """Held-out classification at the Youden threshold of each refit (first repeat)."""
    counts = dict.fromkeys(("tp", "fp", "fn", "tn"), 0)
    for r, resample in enumerate(predictions.resamples):
        if resample.repeat:
            continue
        p = probability(predictions.log_odds[r])
        cut = engine_threshold(engine, outcome[resample.train], p[resample.train])
        high, event = p[resample.test] > cut, outcome[resample.test] == 1
        counts["tp"] += int((high & event).sum())
        counts["fp"] += int((high & ~event).sum())
        counts["fn"] += int((~high & event).sum())
        counts["tn"] += int((~high & ~event).sum())
    return {"confusion": counts, **proportions(counts, engine, level)}


def engine_threshold(engine: Any, outcome: np.ndarray, p: np.ndarray) -> float:
    """Youden's threshold on training rows; everyone positive where these have one class."""
    if outcome.min() == outcome.max():
        return -np.inf
    from prldh.stats.roc import youden

    return float(youden(outcome.astype(float), p)["threshold"])


def _summarise_bootstrap(predictions: Predictions, apparent, outcome, level) -> tuple[dict[str, Any], list[str]]:
    """Harrell's optimism, out-of-bag, .632 and .632+ for AUC and Brier score.

    References
    ----------
    Harrell, Lee & Mark (1996) Stat Med 15:361; Efron & Tibshirani (1997) JASA 92:548; rms::validate.
    """
    eta, alone = predictions.log_odds, predictions.alone
    usable = np.ones(len(eta), dtype=bool)
    boot, original, oob = (np.full(len(eta), np.nan) for _ in range(3))
    boot_brier, original_brier, oob_brier = (np.full(len(eta), np.nan) for _ in range(3))
    original[:] = auc_of_rows(outcome, eta)
    p = probability(eta)
    for b, resample in enumerate(predictions.resamples):
        y = outcome[resample.train]
        usable[b] = y.min() != y.max()
        boot[b] = auc_of_rows(y, eta[b : b + 1, resample.train])[0]
        oob[b] = auc_of_rows(outcome[resample.test], eta[b : b + 1, resample.test])[0] if resample.test.size else np.nan
        boot_brier[b] = np.mean((p[b, resample.train] - y) ** 2)
        original_brier[b] = np.mean((p[b] - outcome) ** 2)
        oob_brier[b] = np.mean((p[b, resample.test] - outcome[resample.test]) ** 2) if resample.test.size else np.nan
    if not usable.any():
        return {"auc": dict.fromkeys(("estimate", "low", "high"), None), "n_resamples": len(eta), "n_intercept_only": int(alone.sum())}, [
            "every bootstrap sample had one class."
        ]
    p0 = probability(apparent)
    auc0, brier0 = float(auc_of_rows(outcome, apparent[None, :])[0]), float(np.mean((p0 - outcome) ** 2))
    no_information = float(np.mean(outcome) * np.mean((1 - p0) ** 2) + np.mean(1 - outcome) * np.mean(p0**2))
    entry = {
        "n_resamples": len(eta), "n_usable": int(usable.sum()), "n_intercept_only": int(alone.sum()),
        "auc": correct_optimism(auc0, boot[usable], original[usable], oob[usable], 0.5, level, better_is_high=True),
        "brier": correct_optimism(brier0, boot_brier[usable], original_brier[usable], oob_brier[usable], no_information, level, better_is_high=False),
    }
    remarks = []
    if (~usable).any():
        remarks.append(f"{int((~usable).sum())} bootstrap samples had one class and do not count.")
    if alone.any():
        remarks.append(f"{int(alone.sum())} of {len(eta)} bootstrap refits ended as the intercept alone (AUC 0.5).")
    return entry, remarks


def run_refits(work: Callable[[Any], Any], items: Sequence[Any], jobs: int, told: Callable[[int], None]) -> list[Any]:
    """``work(item)`` for every item, over processes, in the items' order; ``told(done)`` after each."""
    found = []
    if jobs == 1:
        for item in items:
            found.append(work(item))
            told(len(found))
        return found
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", inner_max_num_threads=1):
        for result in Parallel(n_jobs=jobs, return_as="generator")(delayed(work)(item) for item in items):
            found.append(result)
            told(len(found))
    return found
