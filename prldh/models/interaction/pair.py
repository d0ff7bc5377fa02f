"""Two tissues whose interaction is asked for: their groups, and the one way in which models of both are fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from prldh.chain import build_design, group_codes, group_levels, groups_term
from prldh.core import Cohort, Design
from prldh.engines import StatisticsEngine
from prldh.models.fit import FIRTH, fit_designs


@dataclass(frozen=True)
class Fitted:
    """A model of the pair: its designs, one an imputation, and the fit over all of them.

    ``infinite`` (k,) tells which estimates do not exist: separated ones, unless Firth's likelihood was fitted.
    """

    designs: tuple[Design, ...]
    how: str
    numbers: Mapping[str, Any]
    limits: np.ndarray
    infinite: np.ndarray

    @property
    def coefficients(self) -> np.ndarray:
        return np.asarray(self.numbers["coefficients"], dtype=float)

    @property
    def covariance(self) -> np.ndarray:
        return np.asarray(self.numbers["covariance"], dtype=float)


@dataclass(frozen=True)
class Pair:
    """Two tissues with everything that the interaction stage reads of them.

    ``cohorts`` is the cohort, or its imputations; ``rows`` (B, n) are row numbers of bootstrap samples, B may be 0.
    """

    first: str
    second: str
    cohorts: tuple[Cohort, ...]
    scores: Mapping[str, np.ndarray]
    cutoffs: Mapping[str, float]
    engine: StatisticsEngine
    level: float
    on_separation: str
    rows: np.ndarray

    @property
    def outcome(self) -> np.ndarray:
        return self.cohorts[0].outcome

    @property
    def names(self) -> tuple[str, str]:
        return self.first, self.second

    @property
    def levels(self) -> tuple[str, ...]:
        """The four groups: high/high, high/low, low/high, low/low."""
        return group_levels(self.first, self.second)

    @property
    def codes(self) -> np.ndarray:
        """(n,) positions in ``levels``."""
        return group_codes(self.scores, self.cutoffs, self.first, self.second)

    def groups(self) -> Design:
        """The groups' indicators, the first group that has patients as the reference."""
        return build_design((groups_term(self.first, self.second),), self.cohorts[0], self.scores, self.cutoffs)

    def fit(self, own: Design, adjust: tuple[str, ...], label: str) -> Fitted:
        """The model of these columns with the adjusting covariates beside them: every model of the stage is fitted
        here."""
        designs = tuple(
            _beside(own, build_design(adjust, cohort, self.scores, self.cutoffs)) for cohort in self.cohorts
        )
        how, numbers, limits, infinite = fit_designs(
            designs, self.outcome, self.engine, self.level, self.on_separation, label
        )
        return Fitted(designs, how, numbers, limits, np.zeros_like(infinite) if how == FIRTH else infinite)

    def refit(self, fitted: Fitted) -> list[tuple[Design, np.ndarray, np.ndarray]]:
        """The same model on every bootstrap sample, by the likelihood that was fitted on everyone: (design, rows (b,
        n), coefficients (b, k)).

        Of several imputations each takes its turn, so that the samples as a whole carry what the imputations differ by
        (Schomaker & Heumann 2018, the pooled sample of bootstraps after imputation).
        """
        again = self.engine.refit_firth if fitted.how == FIRTH else self.engine.refit_logistic
        found, m = [], len(fitted.designs)
        for k, design in enumerate(fitted.designs):
            rows = self.rows[k::m]
            if len(rows):
                lengths = np.full(len(rows), rows.shape[1])
                b = again(design.matrix, self.outcome.astype(float), rows.ravel(), lengths)["coefficients"]
                found.append((design, rows, np.asarray(b, dtype=float)))
        return found


def _beside(own: Design, others: Design) -> Design:
    """Both designs' columns, with one intercept."""
    return Design(
        np.column_stack([own.matrix, others.matrix[:, 1:]]),
        own.columns + others.columns[1:],
        own.variables + others.variables[1:],
        own.levels + others.levels[1:],
    )
