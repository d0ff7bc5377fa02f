"""Held-out predictions that nobody would believe: which patients have them, and why, as far as that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from prldh.core import BOOTSTRAP, Cohort, Predictions, TissueRefit, Warn, variables_in, warn

#: Log odds beyond this are implausible: the probability is nearer to 0 or 1 than 3.1e-7. The iterations of a separated
#: fit stop near 20, so that the limit lies below that.
LIMIT = 15.0
#: Patients that the warning lists.
N_LISTED = 5


def implausible_predictions(
    predictions: Predictions,
    cohort: Cohort,
    terms: Sequence[str],
    refits: Sequence[Mapping[str, TissueRefit] | None],
) -> list[Warn]:
    """A warning where log odds of patients that a refit has not seen lie beyond :data:`LIMIT`, of schemes that hold
    patients out: bootstrap samples lack a level as a rule, and their models are shown by no prediction.

    Parameters
    ----------
    terms
        Those of the model.
    refits
        The tissues of each resample, whose scores tell whether a patient lies outside the training patients.
    """
    if predictions.kind == BOOTSTRAP:
        return []
    extremes: dict[int, float] = {}
    n_refits = n_separated = n_outside = 0
    outside: set[str] = set()
    for r, resample in enumerate(predictions.resamples):
        log_odds = predictions.log_odds[r, resample.test]
        is_extreme = np.abs(log_odds) > LIMIT
        if not is_extreme.any():
            continue
        rows = np.asarray(resample.test)[is_extreme]
        for i, value in zip(rows.tolist(), log_odds[is_extreme].tolist(), strict=True):
            extremes[i] = max(extremes.get(i, 0.0), value, key=abs)
        n_refits += 1
        if (np.abs(predictions.in_sample(r)) > LIMIT).any():
            n_separated += 1
            continue
        n_outside += 1
        outside |= _outside(rows, resample.train, _values(cohort, terms, refits[r] or {}))
    if not extremes:
        return []
    causes = []
    if n_separated:
        causes.append(
            f"in {n_separated} of {n_refits} refits that gave them, training patients are predicted as"
            " extremely: some terms separate the outcome there, or nearly, or a value lies far from all others"
        )
    if n_outside:
        where = f" ({', '.join(sorted(outside))})" if outside else ""
        causes.append(
            f"in {n_outside} of {n_refits} refits that gave them, no training patient is: their values lie"
            f" outside those of the training patients{where}, and the model extrapolates"
        )
    ordered = sorted(extremes, key=lambda i: (-abs(extremes[i]), cohort.ids[i]))
    listed = ", ".join(f"{cohort.ids[i]} ({extremes[i]:.1f})" for i in ordered[:N_LISTED])
    more = f" and {len(ordered) - N_LISTED} more" if len(ordered) > N_LISTED else ""
    return [
        warn.IMPLAUSIBLE_PREDICTIONS(
            n=len(ordered),
            n_patients=cohort.n,
            limit=LIMIT,
            n_refits=n_refits,
            n_resamples=len(predictions.resamples),
            listed=listed + more,
            cause="; ".join(causes),
        )
    ]


def _values(cohort: Cohort, terms: Sequence[str], tissues: Mapping[str, TissueRefit]) -> dict[str, np.ndarray]:
    """Everyone's values (n,) of the continuous terms."""
    continuous = {c.name: np.asarray(cohort.coded[c.name], dtype=float) for c in cohort.covariates if not c.levels}
    known = {**continuous, **{name: np.asarray(tissue.values, dtype=float) for name, tissue in tissues.items()}}
    declared = {*known, *cohort.coded}
    names = dict.fromkeys(name for term in terms for name in variables_in(term, declared))
    return {name: known[name] for name in names if name in known}


def _outside(rows: np.ndarray, train: np.ndarray, values: Mapping[str, np.ndarray]) -> set[str]:
    """The terms of which one of these patients has a value outside those of the training patients."""
    names = set()
    for name, of_everyone in values.items():
        trained = of_everyone[train]
        trained = trained[~np.isnan(trained)]
        if trained.size and ((of_everyone[rows] < trained.min()) | (of_everyone[rows] > trained.max())).any():
            names.add(name)
    return names
