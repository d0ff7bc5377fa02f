"""Frozen models whose intercept, or intercept and slope, are fitted to a part of a cohort and judged on the rest.

References
----------
D. R. Cox, Biometrika 45 (1958) 562-565; E. W. Steyerberg et al., Statistics in Medicine 23 (2004) 2567-2586: updating
methods, of which these are the first two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy.stats import norm

from prldh.apply.cohort_file import NewCohort, RecalibrationPart
from prldh.apply.patients import NewPatients
from prldh.chain import probability
from prldh.core import DataError, Interval, StudyError, finite, same_text, seed_for, shown
from prldh.data import some
from prldh.engines import ClusteredEngine, StatisticsEngine
from prldh.models import error_of_sums

Method = Literal["none", "intercept", "slope"]
METHODS: tuple[Method, ...] = ("none", "intercept", "slope")
#: Fewer patients of either outcome than this fit nothing.
FEWEST = 5


@dataclass(frozen=True)
class Recalibrated:
    """What becomes of a model's log odds: ``intercept`` + ``slope`` times them, fitted on n patients. ``slope`` is None
    where it was held at 1."""

    intercept: Interval
    slope: Interval | None
    n: int
    events: int

    def of(self, model: Mapping[str, Any], cohort: str) -> dict[str, Any]:
        """The frozen model with these coefficients."""
        a, b = (1.0 if each is None else each.estimate for each in (self.intercept, self.slope))
        assert a is not None and b is not None, "a fit that does not exist is no Recalibrated"
        old = [dict(c) for c in model["coefficients"]]
        if not any(c["variable"] == INTERCEPT for c in old):
            old.insert(0, {"term": INTERCEPT, "variable": INTERCEPT, "level": None, "b": 0.0})
        for c in old:
            if c["b"] is not None or c["variable"] == INTERCEPT:
                c["b"] = b * (c["b"] or 0.0) + (a if c["variable"] == INTERCEPT else 0.0)
        about = {"cohort": cohort, "intercept": a, "slope": b, "n": self.n, "events": self.events}
        again: dict[str, Any] = {"coefficients": old, "recalibrated": about}
        if "predicted" in model:
            of = model["predicted"].items()
            again["predicted"] = {name: sorted(a + b * x for x in own if x is not None) for name, own in of}
        if "risk_interval" in model:
            again["risk_interval"] = {**model["risk_interval"], "covariance": None, "reason": NO_COVARIANCE}
        return {**model, **again}


INTERCEPT = "(Intercept)"
#: Why a recalibrated model has no interval of one patient's risk.
NO_COVARIANCE = (
    "the model was recalibrated: how much the recalibration itself may err is not in the covariance of its coefficients"
)


def check_method(method: str) -> Method:
    """The method of that name.

    Raises
    ------
    StudyError
    """
    for known in METHODS:
        if method == known:
            return known
    raise StudyError(f"recalibrate: '{method}' is no way to recalibrate. Give one of {', '.join(METHODS)}.")


def need_part(new: NewCohort) -> RecalibrationPart:
    """The part that a cohort file states.

    Raises
    ------
    StudyError
        If it states none.
    """
    if new.recalibrate is None:
        raise StudyError(
            f"cohort '{new.name}': recalibration is fitted on a part of the patients and judged on the rest, and its"
            " cohort file names no part. Add recalibrate: {column: part, fit: [a]}, or recalibrate: {share: 0.5}."
        )
    return new.recalibrate


def who_fits(new: NewCohort, patients: NewPatients, seed: int) -> np.ndarray:
    """Who recalibrates (n,); of the others those whose outcome is known judge.

    Raises
    ------
    DataError
        If a value does not occur or a cell is blank, or a part has not both outcomes or too few.
    """
    part, is_known = need_part(new), patients.is_known
    fits = _drawn(part.share, new.name, patients, seed) if part.share is not None else _by_column(part, patients)
    if patients.outcome is None:
        raise DataError(f"cohort '{new.name}': recalibration needs outcomes, and none is known. Apply without it.")
    for name, where, least in (("fits", fits & is_known, FEWEST), ("judges", ~fits & is_known, 1)):
        own = patients.outcome[where]
        n_events = int(own.sum())
        if min(n_events, len(own) - n_events) < least:
            raise DataError(
                f"cohort '{new.name}': the part that {name} a recalibration has {len(own)} patients with predictions"
                f" and outcomes, {n_events} of them with the event; it needs {least} with and {least} without. Choose"
                " other values of recalibrate, or apply without it."
            )
    return fits & is_known


def _by_column(part: RecalibrationPart, patients: NewPatients) -> np.ndarray:
    assert patients.part is not None and part.fit, "a column was named and read"
    cells = [same_text(cell) for cell in patients.part]
    wanted = {same_text(value): value for value in part.fit}
    strange = [value for text, value in wanted.items() if text not in cells]
    if strange:
        raise DataError(
            f"recalibrate.fit: no patient with predictions has '{shown(strange[0])}' in the column '{part.column}',"
            f" which has {some(sorted({cell for cell in patients.part if cell}))}. Correct the value."
        )
    blank = [i for i, cell, known in zip(patients.ids, cells, patients.is_known, strict=True) if known and not cell]
    if blank:
        raise DataError(
            f"recalibrate.column: '{part.column}' is blank for {len(blank)} patients ({some(blank)}): whether they fit"
            " or judge is not known. Fill it in."
        )
    fits = np.array([cell in wanted for cell in cells])
    owners = np.array(patients.owners, dtype=object)
    parted = sorted({*owners[fits & patients.is_known]} & {*owners[~fits & patients.is_known]})
    if parted:
        raise DataError(
            f"recalibrate.fit: {len(parted)} patients have rows that fit and rows that judge: {some(parted)}. Keep the"
            " rows of a patient in one part."
        )
    return fits


def _drawn(share: float, name: str, patients: NewPatients, seed: int) -> np.ndarray:
    """A share of those whose outcome is known, by their ids."""
    ids = sorted({i for i, known in zip(patients.owners, patients.is_known, strict=True) if known})
    order = np.random.default_rng(seed_for(seed, "external", name, "recalibrate")).permutation(len(ids))
    chosen = {ids[k] for k in order[: round(share * len(ids))]}
    return np.array([i in chosen for i in patients.owners])


def recalibrate(
    outcome: np.ndarray, eta: np.ndarray, method: Method, engine: StatisticsEngine, level: float
) -> Recalibrated | str:
    """Fit intercept, or intercept and slope, of the outcome (n,) on a model's log odds (n,).

    Returns
    -------
    Recalibrated, or the reason why there is none
        Limits: Wald's of an intercept alone, profile likelihood's otherwise; of rows that are clustered in patients the
        sandwich's.
    """
    n_events = int(outcome.sum())
    if min(n_events, len(outcome) - n_events) < FEWEST:
        return f"{len(outcome)} of the patients that fit have all that it needs, {n_events} of them with the event"
    line = engine.calibration(outcome, probability(eta), log_odds=eta)
    if method == "intercept":
        shift = finite(line["citl"])
        if shift is None:
            return "its predictions leave no intercept to fit"
        p = probability(eta + shift)
        information = float(np.sum(p * (1 - p)))
        error = norm.ppf((1 + level) / 2) / np.sqrt(information) if information > 0 else np.inf
        if isinstance(engine, ClusteredEngine):
            error *= error_of_sums(outcome - p, engine.patient) / np.sqrt(information)
        return Recalibrated(Interval(shift, finite(shift - error), finite(shift + error)), None, len(outcome), n_events)
    a, b = finite(line["intercept"]), finite(line["slope"])
    if a is None or b is None:
        return "its predictions do not vary, or tell the outcomes of these patients apart without an error"
    limits = np.asarray(engine.profile_limits(np.column_stack([np.ones(len(eta)), eta]), outcome, level))
    intercept, slope = (
        Interval(each, finite(low), finite(high)) for each, (low, high) in zip((a, b), limits, strict=True)
    )
    return Recalibrated(intercept, slope, len(outcome), n_events)
