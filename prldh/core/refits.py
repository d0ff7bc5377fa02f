"""What refits on resamples give: Radscores of tissues, and predictions of models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from prldh.core.ledger import Ledger
from prldh.core.records import Resample
from prldh.core.warn.kinds import Warn


@dataclass(frozen=True)
class TissueRefit:
    """A tissue as refitted on one resample: Radscore of every patient (n,), cutoff, and what was selected.

    ``cross_fitted`` (n,) are the same with the training patients' scores by chains that did not see them, where the
    model is made of these; ``is_log_odds``: the score is taken as it is. ``seconds``: CPU time of all tissues' refits.
    ``importance``: of the score's features, by how much the AUC of the held-out patients falls without them, where that
    was asked for.
    """

    values: np.ndarray
    cutoff: float
    features: tuple[str, ...]
    empty_step: str | None
    cross_fitted: np.ndarray | None = None
    is_log_odds: bool = False
    seconds: float = field(default=0.0, compare=False)
    importance: Mapping[str, float] | None = None

    @property
    def fitting(self) -> np.ndarray:
        """The scores (n,) that a model of the training patients is made of."""
        return self.values if self.cross_fitted is None else self.cross_fitted

    def of_rows(self, rows: np.ndarray) -> TissueRefit:
        """The same of these patients alone."""
        own = None if self.cross_fitted is None else self.cross_fitted[rows]
        return replace(self, values=self.values[rows], cross_fitted=own)


@dataclass(frozen=True)
class Predictions:
    """Log odds of one model under one scheme and scope.

    ``log_odds`` (m, n): row r are all patients' log odds by the model of resample r, NaN of those whom a step cannot
    be applied to there; ``alone`` (m,) tells which of
    the refits ended as the intercept alone. Where blanks were imputed, ``log_odds`` are means over the imputations,
    ``imputed`` (i, m, n) are those of each, and ``training`` (m) the means of the training rows, imputed with the
    outcome there. ``fitted`` (m) are the log odds of the training rows that the model was fitted to, where these are of
    cross-fitted scores.
    """

    kind: str
    resamples: Sequence[Resample]
    log_odds: np.ndarray
    alone: np.ndarray
    warnings: tuple[Warn, ...] = ()
    imputed: np.ndarray | None = None
    training: Sequence[np.ndarray] | None = None
    fitted: Sequence[np.ndarray] | None = None

    @cached_property
    def held_out_rows(self) -> tuple[np.ndarray, ...]:
        """Who is held out in each repeat, in order."""
        repeats: dict[int, list[np.ndarray]] = {}
        for resample in self.resamples:
            repeats.setdefault(resample.repeat, []).append(np.asarray(resample.test))
        return tuple(np.sort(np.concatenate(repeats[k])) for k in sorted(repeats))

    @cached_property
    def ledgers(self) -> tuple[Ledger, ...]:
        """What the fits of each resample read; whoever fits writes it down."""
        return tuple(Ledger(r.test) for r in self.resamples)

    def in_sample(self, r: int) -> np.ndarray:
        """Log odds of the training rows of resample r, by its own model."""
        return self.log_odds[r, self.resamples[r].train] if self.training is None else self.training[r]

    def of_threshold(self, r: int) -> np.ndarray:
        """Log odds of the training rows of resample r that its threshold is found on."""
        return self.in_sample(r) if self.fitted is None else self.fitted[r]

    def out_of_bag(self) -> np.ndarray:
        """Whether each resample's model has not seen each patient, and predicts them (m, n)."""
        is_out = ~np.isnan(self.log_odds)
        for r, resample in enumerate(self.resamples):
            is_out[r, resample.train] = False
        return is_out
