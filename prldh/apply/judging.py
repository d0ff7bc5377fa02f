"""One model after the other on the patients of a cohort: what it predicts, how right that is, and what it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from prldh.apply.frozen import FITS, Frozen, name_of, predict
from prldh.apply.needed import describe_needed
from prldh.apply.patients import NewPatients, has_both
from prldh.apply.recalibration import Method, Recalibrated, recalibrate
from prldh.apply.validation import describe_new_predictions
from prldh.chain import probability, ranked_probability
from prldh.core import Draws, Warn, seed_for, warn
from prldh.engines import ClusteredEngine, StatisticsEngine
from prldh.models import Assessment, draw_among_alike, tell_of_certain
from prldh.stats import stratified_rows
from prldh.study import Performance


@dataclass(frozen=True)
class OfModel:
    """What is said of one model, its predictions, and what it became where it was recalibrated."""

    entry: dict[str, Any]
    predictions: pd.DataFrame
    updated: dict[str, Any] | None
    warnings: tuple[Warn, ...]


@dataclass(frozen=True)
class Judging:
    """One cohort's models judged alike."""

    cohort: str
    frozen: Frozen
    assessment: Assessment
    method: Method

    def judge(self, model: Mapping[str, Any], own: NewPatients, fits: np.ndarray, is_validated: bool) -> OfModel:
        """One model on the patients whom it predicts; ``fits`` (n,) those of them who recalibrate it."""
        eta, is_known = self._predict(model, own), own.is_known
        outcome = np.zeros(len(own.ids)) if own.outcome is None else own.outcome
        is_judged = is_known & ~fits
        known = outcome[is_known]
        entry: dict[str, Any] = {
            "n": len(own.ids),
            "events": own.n_events,
            "n_judged": int(is_judged.sum()),
            "events_judged": None if own.outcome is None else int(outcome[is_judged].sum()),
            "sample_size": describe_needed(
                eta, known, model["threshold"], self._in_study(model), self.assessment.engine
            ),
        }
        can_judge = has_both(outcome[is_judged])
        warnings: tuple[Warn, ...] = ()
        if can_judge:
            entry |= self._describe(own, eta, model, is_judged)
            warnings = (*tell_of_certain(entry["auc"], f"model {name_of(model)}"),)
        elif is_validated:
            entry["not_judged"] = (
                f"{entry['n_judged']} patients have all that it needs, {entry['events_judged']} of them with the event,"
                " so that nothing can be said of how right it is"
            )
        again = self._recalibrated(own.take(np.flatnonzero(fits)), eta[fits])
        updated, eta_again = None, None
        if isinstance(again, Recalibrated):
            updated = again.of(model, self.cohort)
            eta_again = self._predict(updated, own)
            judged = self._describe(own, eta_again, model, is_judged) if can_judge else {}
            entry["recalibrated"] = {"fitted": again} | judged
            if again.slope is not None and again.slope.estimate is not None and again.slope.estimate <= 0:
                warnings += (warn.REVERSED_SLOPE(model=f"model {name_of(model)}", slope=again.slope.estimate),)
        elif again is not None:
            entry["recalibrated"] = {"fitted": None, "reason": again}
        return OfModel(entry, _predictions(model, own, eta, eta_again, fits), updated, warnings)

    def _predict(self, model: Mapping[str, Any], own: NewPatients) -> np.ndarray:
        cutoffs = {name: tissue["cutoff"] for name, tissue in self.frozen.model["tissues"].items()}
        return predict(model, own.columns, own.scores, cutoffs)

    def _in_study(self, model: Mapping[str, Any]) -> Mapping[str, Any]:
        """What the run said of the model."""
        key = model["name"], model["adjusted"]
        return next(m for m in self.frozen.results["models"] if (m["name"], m["adjusted"]) == key)

    def _describe(
        self, own: NewPatients, eta: np.ndarray, model: Mapping[str, Any], is_judged: np.ndarray
    ) -> dict[str, Any]:
        outcome = np.zeros(0) if own.outcome is None else own.outcome
        known, patient = outcome[is_judged].astype(np.int8), own.take(np.flatnonzero(is_judged)).patient
        judged = replace(
            self.assessment,
            engine=self._engine(patient),
            draws=_draw(self.frozen, self.cohort, known, patient, self.assessment.settings),
        )
        return describe_new_predictions(known, eta[is_judged], model["threshold"], judged)

    def _engine(self, patient: np.ndarray | None) -> StatisticsEngine:
        engine = self.assessment.engine
        return engine if patient is None else ClusteredEngine(engine, patient)

    def _recalibrated(self, own: NewPatients, eta: np.ndarray) -> Recalibrated | str | None:
        if self.method == "none" or own.outcome is None:
            return None
        engine = self._engine(own.patient)
        return recalibrate(own.outcome.astype(np.int8), eta, self.method, engine, self.assessment.level)


def _draw(frozen: Frozen, name: str, outcome: np.ndarray, patient: np.ndarray | None, settings: Performance) -> Draws:
    """Bootstrap samples of the new patients, for bands; of rows of several, patients with all of theirs."""
    n, rng = len(outcome), np.random.default_rng(seed_for(frozen.results["study"]["seed"], "external", name))
    if patient is None:
        drawn = rng.integers(0, n, (settings.decision_bootstrap, n))
    else:
        drawn = draw_among_alike(patient, np.bincount(patient, minlength=n), settings.decision_bootstrap, rng)
    return Draws(drawn, stratified_rows(outcome, 0, np.random.default_rng(0)))


def _predictions(
    model: Mapping[str, Any], patients: NewPatients, eta: np.ndarray, eta_again: np.ndarray | None, fits: np.ndarray
) -> pd.DataFrame:
    """A row a patient; where models are recalibrated, who ``fits`` and what is predicted then stands there too."""
    limit = -np.inf if model["threshold"] is None else model["threshold"]
    columns: dict[str, Any] = {"id": patients.ids}
    if patients.outcome is not None:
        columns["outcome"] = pd.array(patients.outcome, dtype="Int64")
    columns |= {
        "model": model["name"],
        "adjusted": model["adjusted"],
        "probability": probability(eta),
        "log_odds": eta,
        "positive": ranked_probability(eta) > limit,
    }
    if eta_again is not None:
        columns |= {
            "part": np.where(fits, FITS, np.where(patients.is_known, "judged", "")),
            "probability_recalibrated": probability(eta_again),
            "log_odds_recalibrated": eta_again,
            "positive_recalibrated": ranked_probability(eta_again) > limit,
        }
    return pd.DataFrame(columns | {f"radscore_{name}": values for name, values in patients.scores.items()})
