"""Two tissues whose interaction is asked for: their groups, and the one way in which models of both are fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from prldh.chain import build_design, group_codes, group_levels, groups_term
from prldh.core import Cohort, Design
from prldh.engines import StatisticsEngine
from prldh.models.fit import Fit, fit_designs
from prldh.models.likelihoods import FIRTH


@dataclass(frozen=True)
class Fitted:
    """A model of the pair: its designs, one an imputation, and the fit over all of them."""

    designs: tuple[Design, ...]
    fit: Fit

    def column_of(self, level: str) -> int | None:
        """The column of a group, or None where it has none."""
        levels = self.designs[0].levels
        return levels.index(level) if level in levels else None


@dataclass(frozen=True)
class Pair:
    """Two tissues with everything that the interaction stage reads of them.

    ``cohorts`` is the cohort, or its imputations; ``rows`` (B, n) are row numbers of bootstrap samples, B may be 0;
    ``knots`` those of splines among the adjusting terms, of everyone.
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
    knots: Mapping[str, tuple[float, ...]]

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
        beside = (build_design(adjust, c, self.scores, self.cutoffs, knots=self.knots) for c in self.cohorts)
        designs = tuple(_beside(own, design) for design in beside)
        return Fitted(designs, fit_designs(designs, self.outcome, self.engine, self.level, self.on_separation, label))

    def refit(self, fitted: Fitted) -> list[tuple[Design, np.ndarray, np.ndarray]]:
        """The same model on every bootstrap sample, by the likelihood that was fitted on everyone: (design, rows (b,
        n), coefficients (b, k)).

        Of several imputations each takes its turn, so that the samples as a whole carry what the imputations differ by
        (Schomaker & Heumann 2018, the pooled sample of bootstraps after imputation).
        """
        again = self.engine.refit_firth if fitted.fit.how == FIRTH else self.engine.refit_logistic
        refits, m = [], len(fitted.designs)
        for k, design in enumerate(fitted.designs):
            rows = self.rows[k::m]
            if len(rows):
                lengths = np.full(len(rows), rows.shape[1])
                b = again(design.matrix, self.outcome.astype(float), rows.ravel(), lengths)["coefficients"]
                refits.append((design, rows, np.asarray(b, dtype=float)))
        return refits


def _beside(own: Design, others: Design) -> Design:
    """Both designs' columns, with one intercept."""
    return Design(
        np.column_stack([own.matrix, others.matrix[:, 1:]]),
        own.columns + others.columns[1:],
        own.variables + others.variables[1:],
        own.levels + others.levels[1:],
    )
