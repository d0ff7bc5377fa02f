"""Who a number is of: with ``missing: by_model`` the patients without blanks in what it is made from, else everyone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from prldh.core import Cohort, Draws, Resample, TissueRefit, seed_for
from prldh.stats import stratified_rows
from prldh.study import Study

#: Resamples by scheme: (kind, resamples).
Schemes = Mapping[str, tuple[str, list[Resample]]]


def draw_among_alike(
    patient: np.ndarray, strata: np.ndarray, n_samples: int, generator: np.random.Generator
) -> np.ndarray:
    """Bootstrap samples (n_samples, n) of patients, with all rows of each; ``patient`` (n,) is the position of the
    first of a patient's rows, and patients are drawn among those with the same of ``strata`` (n,), by that position,
    who have as many rows."""
    by_patient, firsts = np.argsort(patient, kind="stable"), np.unique(patient)
    rows_of = np.split(by_patient, np.cumsum(np.bincount(patient)[firsts])[:-1])
    samples = []
    for value in np.unique(strata[firsts]):
        own = np.array([rows for first, rows in zip(firsts, rows_of, strict=True) if strata[first] == value])
        samples.append(own[generator.integers(0, len(own), (n_samples, len(own)))].reshape(n_samples, own.size))
    return np.hstack(samples)


@dataclass(frozen=True)
class Patients:
    """Some patients of a cohort: those of a model, or those that two models share.

    ``variables`` are those whose blanks set them apart, none where this is everyone; ``rows`` (n,) are positions in the
    whole cohort, and ``cohort`` holds these patients alone. ``everyones`` are the resamples of the whole cohort.
    """

    variables: tuple[str, ...]
    rows: np.ndarray
    cohort: Cohort
    study: Study
    everyones: Schemes

    @property
    def has_both(self) -> bool:
        """Whether some have the event, and some have not."""
        return 0 < self.cohort.n_events < self.cohort.n

    @cached_property
    def draws(self) -> Draws:
        """The bootstrap samples that bands and intervals share."""
        settings, outcome, seed = self.study.performance, self.cohort.outcome, self.study.seed
        if self.cohort.patients is not None:
            return self._draws_of_patients(settings.decision_bootstrap, settings.partial_auc_bootstrap)
        patients = np.random.default_rng(seed_for(seed, "decision curve")).integers(
            0, outcome.size, (settings.decision_bootstrap, outcome.size)
        )
        stratified = stratified_rows(
            outcome, settings.partial_auc_bootstrap, np.random.default_rng(seed_for(seed, "partial auc"))
        )
        return Draws(patients, stratified)

    def _draws_of_patients(self, n_drawn: int, n_stratified: int) -> Draws:
        """Samples of patients with all of their rows: drawn among those with as many rows, and for the stratified ones
        with as many events as well, so that every sample has the same number of rows (and of events)."""
        patient, outcome = self.cohort.patient, self.cohort.outcome.astype(int)
        sizes, events = np.bincount(patient, minlength=len(patient)), np.bincount(patient, outcome, len(patient))
        seeds = (seed_for(self.study.seed, name) for name in ("decision curve", "partial auc"))
        alike = (sizes, sizes * (len(patient) + 1) + events)
        counts = (n_drawn, n_stratified)
        return Draws(
            *(
                draw_among_alike(patient, strata, n, np.random.default_rng(seed))
                for strata, n, seed in zip(alike, counts, seeds, strict=True)
            )
        )

    @cached_property
    def _concerned(self) -> dict[str, list[tuple[int, Resample]]]:
        """By scheme every bootstrap sample, and every resample that holds some of these patients out: with its number
        among everyone's, and less everyone else."""
        by_scheme = {}
        for scheme, (kind, resamples) in self.everyones.items():
            own = [replace(r, train=self._among(r.train), test=self._among(r.test)) for r in resamples]
            by_scheme[scheme] = [(k, each) for k, each in enumerate(own) if kind == "bootstrap" or each.test.size]
        return by_scheme

    @cached_property
    def schemes(self) -> Schemes:
        """Everyone's resamples, dealt once, less everyone else; those that hold none of these patients out do not
        count."""
        if not self.variables:
            return self.everyones
        return {
            scheme: (kind, [each for _, each in self._concerned[scheme]])
            for scheme, (kind, _) in self.everyones.items()
        }

    def refits(
        self, scheme: str, everyones: Sequence[Mapping[str, TissueRefit] | None]
    ) -> list[Mapping[str, TissueRefit]]:
        """The tissues, refitted on everyone, of each of these patients' resamples: their scores of these patients; of a
        study without tissues there is nothing (None)."""
        if not self.variables:
            return [each or {} for each in everyones]
        return [
            {name: tissue.of_rows(self.rows) for name, tissue in (everyones[k] or {}).items()}
            for k, _ in self._concerned[scheme]
        ]

    def among(self, rows: np.ndarray) -> Patients:
        """Those in ``rows`` (m,) of them alone: whose predictions are judged; the same where these are all."""
        if len(rows) == self.cohort.n:
            return self
        return Patients(self.variables, self.rows[rows], self.cohort.take(rows), self.study, self.everyones)

    def scores(self, everyones: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Scores (n,) of these patients, by tissue."""
        return {name: np.asarray(values)[self.rows] for name, values in everyones.items()}

    def _among(self, rows: np.ndarray) -> np.ndarray:
        """Positions among these patients of those in ``rows`` (m,) who are among them."""
        rows = np.asarray(rows, dtype=int)
        return np.searchsorted(self.rows, rows[np.isin(rows, self.rows)])
