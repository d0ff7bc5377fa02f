"""How much a Radscore depends on each of its features, in patients whom its fit did not see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from prldh.chain import applied, permuting, score_inputs, tables_of
from prldh.core import NO_COLUMNS, FeatureBlock, Later, Number, Resample, Subjects, TissueFit, TissueRefit
from prldh.models import permutation_importance

#: Features that are listed, the most important first.
MOST_LISTED = 50
METHOD = (
    "by how much the AUC of held-out patients falls where a feature's values are permuted among them, mean over"
    " resamples; 0 in a resample whose score does not have the feature"
)


@dataclass(frozen=True)
class FeatureImportance:
    """Mean and SD over resamples of the fall of the AUC."""

    mean: Number
    sd: Number


@dataclass(frozen=True)
class Importance:
    """Of the features of everyone's score, in the resamples of a scheme in which the held-out patients have both
    outcomes."""

    n_resamples: int
    features: Mapping[str, FeatureImportance]
    method: Later[str]


def importance_in(
    fit: TissueFit,
    blocks: tuple[FeatureBlock, ...],
    subjects: Subjects,
    resample: Resample,
    seed: np.random.SeedSequence,
) -> dict[str, float] | None:
    """The fall of the AUC of the held-out patients by feature of the score; None where they have one outcome, or there
    is no score."""
    score, y = fit.score, subjects.outcome[resample.test]
    if score is None or not len(y) or y.min() == y.max():
        return None
    inputs = score_inputs(fit.chain, tables_of(blocks), subjects.columns).values[resample.test]

    def log_odds(values: np.ndarray) -> np.ndarray:
        return applied(score, values, score.names, NO_COLUMNS)

    quick = partial(permuting, score)
    found = permutation_importance(log_odds, inputs, score.names, y, resample.test, seed, permuting=quick)
    return dict(zip(score.names, map(float, found.drop), strict=True))


def describe_importance(features: Sequence[str], refits: Sequence[TissueRefit]) -> Importance | None:
    """Of these features, over the refits in which it is known; None where it is in none."""
    known = [refit.importance for refit in refits if refit.importance is not None]
    if not known:
        return None
    falls = {name: np.array([each.get(name, 0.0) for each in known]) for name in features}
    ranked = sorted(falls, key=lambda name: (-falls[name].mean(), name))[:MOST_LISTED]
    return Importance(
        len(known),
        {
            name: FeatureImportance(
                float(falls[name].mean()), float(falls[name].std(ddof=1)) if len(known) > 1 else None
            )
            for name in ranked
        },
        METHOD,
    )
