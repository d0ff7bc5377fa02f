"""Resampling schemes: which rows train and which are held out.

All are numbered by patient position in the cohort. Seeds are spawned per scheme, so that switching one scheme off
moves no other's rows.
"""

from __future__ import annotations

import numpy as np

from prldh.chain.selection import stratified_folds
from prldh.core import Resample


class LeaveOneOut:
    """Each patient is held out once."""

    name = "leave_one_out"
    version = "1"
    kind = "held_out"
    example_settings = True

    def resamples(self, outcome: np.ndarray, settings: bool, seed: np.random.SeedSequence) -> list[Resample]:
        rows = np.arange(outcome.size)
        return [Resample(np.delete(rows, i), rows[i : i + 1], 0, i) for i in rows]


class StratifiedFolds:
    """k folds, stratified by outcome; each repeat draws new folds."""

    name = "folds"
    version = "1"
    kind = "held_out"
    example_settings = {"folds": 3, "repeats": 2}

    def resamples(self, outcome: np.ndarray, settings: dict, seed: np.random.SeedSequence) -> list[Resample]:

        rows = np.arange(outcome.size)
        found = []
        for repeat, child in enumerate(seed.spawn(settings["repeats"])):
            fold = stratified_folds(outcome, settings["folds"], child)
            for k in range(settings["folds"]):
                found.append(Resample(rows[fold != k], rows[fold == k], repeat, k))
        return found


class Bootstrap:
    """Patients drawn with replacement, unstratified; the test rows are those never drawn (out of bag)."""

    name = "bootstrap"
    version = "1"
    kind = "bootstrap"
    example_settings = 5

    def resamples(self, outcome: np.ndarray, settings: int, seed: np.random.SeedSequence) -> list[Resample]:
        n = outcome.size
        generator = np.random.default_rng(seed)
        found = []
        for b in range(int(settings)):
            drawn = np.sort(generator.integers(0, n, n))
            found.append(Resample(drawn, np.setdiff1d(np.arange(n), drawn), 0, b))
        return found


VALIDATORS = (LeaveOneOut(), StratifiedFolds(), Bootstrap())
