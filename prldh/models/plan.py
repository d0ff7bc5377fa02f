"""A study that has been read and checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from prldh.chain import GROUPS, Protocol, has_splines
from prldh.core import ALL_THAT_IS_FITTED, WHOLE, Cohort, FeatureBlock, Measure, ModelSpec, Resample, Warn, variables_in
from prldh.data.imaging import Images
from prldh.models.patients import Patients
from prldh.plugins import Registry, draw_resamples
from prldh.study import Study


@dataclass(frozen=True)
class Plan:
    """A study that has been read and checked: everything that the engines need."""

    study: Study
    folder: Path
    cohort: Cohort
    blocks: Mapping[str, tuple[FeatureBlock, ...]]
    protocol: Protocol
    specs: tuple[ModelSpec, ...]
    pairs: list[tuple[str, str]]
    schemes: Mapping[str, tuple[str, list[Resample]]]  # name → (kind, resamples)
    warnings: tuple[Warn, ...]
    registry: Registry
    measures: tuple[Measure, ...]  # what is said of predictions
    validators: Mapping[str, tuple[Any, Any]]  # scheme → validator and its settings
    images: Images = field(default_factory=Images)  # tissues that were measured on images
    answers: Mapping[str, Mapping[str, Mapping[str, str]]] = field(
        default_factory=dict
    )  # of the reporting checklists, by their authors
    protocols: Mapping[str, Protocol] = field(default_factory=dict)  # the ways that are compared beside its own
    covariates_alone: ModelSpec | None = None  # fitted and validated as the others, and none of them

    @property
    def all_specs(self) -> tuple[ModelSpec, ...]:
        """The models that are fitted and validated: the study's, and that of the covariates alone after them."""
        return self.specs if self.covariates_alone is None else (*self.specs, self.covariates_alone)

    @cached_property
    def whole(self) -> str:
        """What scope ``pipeline`` validates of the models: where a part of one was made outside the run (a score given
        as a column, features of a network that these patients trained), what the run itself fits."""
        used = {name for spec in self.specs for name in self.variables(spec)} & self.study.tissues.keys()
        images = self.images.tissues
        is_outside = any(
            self.study.tissues[name].radscore is not None or (name in images and images[name].may_leak(self.cohort.ids))
            for name in used
        )
        return ALL_THAT_IS_FITTED if is_outside else WHOLE

    def separation_of(self, spec: ModelSpec) -> str:
        """What happens where the outcome is separated; a model that nobody asked for ends no run."""
        is_asked_for = spec is not self.covariates_alone
        return self.study.separation if is_asked_for or self.study.separation != "error" else "firth"

    def draw(self, scheme: str, outcome: np.ndarray, seed: np.random.SeedSequence) -> list[Resample]:
        """Resamples of a scheme for another outcome."""
        validator, settings = self.validators[scheme]
        return draw_resamples(scheme, validator, settings, replace(self.cohort.subjects, outcome=outcome), seed)

    @property
    def imputes(self) -> bool:
        """Whether covariates have blanks that are imputed."""
        return self.study.missing == "multiple_imputation" and not self.cohort.is_complete

    @cached_property
    def patients(self) -> dict[tuple[str, ...], Patients]:
        """Whose numbers were asked for so far, by the variables whose blanks set them apart; everyone is the first."""
        return {(): Patients((), np.arange(self.cohort.n), self.cohort, self.study, self.schemes)}

    def patients_of(self, terms: Iterable[str]) -> Patients:
        """The patients of whom models with these terms are made: with ``missing: by_model`` those without blanks in
        them, else everyone."""
        everyone = self.patients[()]
        if self.study.missing != "by_model":
            return everyone
        blank = {name: where for name in sorted(self.variables_of(terms)) if (where := self.cohort.blank(name)).any()}
        if tuple(blank) not in self.patients:
            rows = np.flatnonzero(~np.logical_or.reduce(list(blank.values())))
            own = Patients(tuple(blank), rows, self.cohort.take(rows), self.study, self.schemes)
            self.patients[tuple(blank)] = own
        return self.patients[tuple(blank)]

    def variables(self, spec: ModelSpec) -> tuple[str, ...]:
        """The covariates and tissues that a model's terms are of."""
        return self.variables_of(spec.terms)

    def variables_of(self, terms: Iterable[str]) -> tuple[str, ...]:
        """The covariates and tissues that these terms are of."""
        known = {*self.study.tissues, *self.study.clinical.covariates}
        return tuple(dict.fromkeys(name for term in terms for name in variables_in(term, known)))

    def is_imputed(self, spec: ModelSpec) -> bool:
        """Whether a covariate of the model has blanks that are imputed."""
        return self.imputes and any(name in self.cohort.incomplete for name in self.variables(spec))

    def is_refitted(self, spec: ModelSpec) -> bool:
        """Whether scope ``pipeline`` refits more than scope ``model``: a Radscore, or the cutoffs of groups."""
        return any(map(GROUPS.match, spec.terms)) or any(name in self.blocks for name in self.variables(spec))

    def is_as_is(self, spec: ModelSpec) -> bool:
        """Whether the model is a score as it is: made in the run, its only term, second stage ``as_is``."""
        is_score = len(spec.terms) == 1 and spec.terms[0] in self.blocks
        return is_score and self.protocol.second_stage == "as_is"

    def has_splines(self, spec: ModelSpec) -> bool:
        """Whether every refit places knots anew, at quantiles of its training rows."""
        numbers = {c.name: not c.levels for c in self.cohort.covariates}
        return has_splines(spec.terms, {**dict.fromkeys(self.study.tissues, True), **numbers})
