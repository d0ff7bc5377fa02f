"""What refits on resamples give: Radscores of tissues, and predictions of models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from prldh.core.ledger import Ledger
from prldh.core.records import Resample
from prldh.core.warn.kinds import Warn


@dataclass(frozen=True)
class TissueRefit:
    """A tissue as refitted on one resample: Radscore of every patient (n,), cutoff, and what was selected."""

    values: np.ndarray
    cutoff: float
    features: tuple[str, ...]
    empty_step: str | None


@dataclass(frozen=True)
class Predictions:
    """Log odds of one model under one scheme and scope.

    ``log_odds`` (m, n): row r are all patients' log odds by the model of resample r; ``alone`` (m,) tells which of
    the refits ended as the intercept alone. Where blanks were imputed, ``log_odds`` are means over the imputations,
    ``imputed`` (i, m, n) are those of each, and ``training`` (m) the means of the training rows, imputed with the
    outcome there.
    """

    kind: str
    resamples: Sequence[Resample]
    log_odds: np.ndarray
    alone: np.ndarray
    warnings: tuple[Warn, ...] = ()
    imputed: np.ndarray | None = None
    training: Sequence[np.ndarray] | None = None

    @cached_property
    def ledgers(self) -> tuple[Ledger, ...]:
        """What the fits of each resample read; whoever fits writes it down."""
        return tuple(Ledger(r.test) for r in self.resamples)

    def in_sample(self, r: int) -> np.ndarray:
        """Log odds of the training rows of resample r, by its own model."""
        return self.log_odds[r, self.resamples[r].train] if self.training is None else self.training[r]

    def out_of_bag(self) -> np.ndarray:
        """Whether each resample's model has not seen each patient (m, n)."""
        is_out = np.ones(self.log_odds.shape, dtype=bool)
        for r, resample in enumerate(self.resamples):
            is_out[r, resample.train] = False
        return is_out
