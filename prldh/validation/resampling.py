"""Resampling schemes: which rows train and which are held out.

All are numbered by patient position in the cohort. Seeds are spawned per scheme, so that switching one scheme off
moves no other's rows.
"""

from __future__ import annotations

import numpy as np

from prldh.chain.shared import stratified_folds
from prldh.core import Resample, SchemeRun
from prldh.validation.group_schemes import GROUP_SCHEMES


class LeaveOneOut:
    """Each patient is held out once."""

    name = "leave_one_out"
    version = "1"
    kind = "held_out"
    example_settings = True
    label = "leave-one-out"

    def methods(self, run: SchemeRun) -> str:
        return "leave-one-out cross-validation ({n_resamples} fits)"

    def design(self, run: SchemeRun) -> str:
        return "leave-one-out cross-validation"

    def resamples(self, outcome: np.ndarray, settings: bool, seed: np.random.SeedSequence) -> list[Resample]:
        rows = np.arange(outcome.size)
        return [Resample(np.delete(rows, i), rows[i : i + 1], 0, i) for i in range(outcome.size)]


class StratifiedFolds:
    """k folds, stratified by outcome; each repeat draws new folds."""

    name = "folds"
    version = "1"
    kind = "held_out"
    example_settings = {"folds": 3, "repeats": 2}
    label = "cross-validation"

    def methods(self, run: SchemeRun) -> str:
        if (run.validation.get("repeats") or 1) == 1:
            return "stratified {n_resamples}-fold cross-validation"
        return "stratified cross-validation ({n_resamples} fits in {validation.repeats} repeats)"

    def design(self, run: SchemeRun) -> str:
        repeats = run.validation.get("repeats") or 1
        repeated = f", repeated {repeats} times" if repeats > 1 else ""
        return f"{run.n_resamples // repeats}-fold cross-validation{repeated}"

    def resamples(self, outcome: np.ndarray, settings: dict, seed: np.random.SeedSequence) -> list[Resample]:

        rows = np.arange(outcome.size)
        resamples = []
        for repeat, child in enumerate(seed.spawn(settings["repeats"])):
            fold = stratified_folds(outcome, settings["folds"], child)
            for k in range(settings["folds"]):
                resamples.append(Resample(rows[fold != k], rows[fold == k], repeat, k))
        return resamples


class Bootstrap:
    """Patients drawn with replacement, unstratified; the test rows are those never drawn (out of bag)."""

    name = "bootstrap"
    version = "1"
    kind = "bootstrap"
    example_settings = 5
    label = "bootstrap"

    def methods(self, run: SchemeRun) -> str:
        return "the bootstrap ({n_resamples} samples)"

    def design(self, run: SchemeRun) -> str:
        return f".632+ bootstrap, {run.n_resamples} samples"

    def resamples(self, outcome: np.ndarray, settings: int, seed: np.random.SeedSequence) -> list[Resample]:
        n = outcome.size
        generator = np.random.default_rng(seed)
        resamples = []
        for b in range(int(settings)):
            drawn = np.sort(generator.integers(0, n, n))
            resamples.append(Resample(drawn, np.setdiff1d(np.arange(n), drawn), 0, b))
        return resamples


VALIDATORS = (LeaveOneOut(), StratifiedFolds(), Bootstrap(), *GROUP_SCHEMES)
