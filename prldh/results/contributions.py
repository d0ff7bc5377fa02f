"""What each feature adds to Radscores: over everyone, and of a few patients from low to high."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from prldh.chain import score_inputs, tables_of
from prldh.chain.learners import shap_values
from prldh.core import ABSENT, Absent, Later, Number, PluginError
from prldh.models import Plan
from prldh.validation import EngineRun

#: Features that are listed one by one, of everyone and of a patient.
MOST_LISTED, MOST_OF_A_PATIENT = 20, 8
#: Where the patients who are shown stand among the Radscores.
PLACES = (0.05, 0.35, 0.65, 0.95)
METHOD = "SHAP values in log odds: with the base they sum to the Radscore"


@dataclass(frozen=True)
class PatientContributions:
    """A patient's Radscore, what the features that weigh most add to it, and all others together."""

    id: str
    value: Number
    features: Mapping[str, Number]
    others: Number


@dataclass(frozen=True)
class ContributionsEntry:
    """``base``: the Radscore of an average patient; ``mean_absolute`` over everyone, the largest first. Null, with the
    ``reason``, where they cannot be computed."""

    base: Number
    mean_absolute: Mapping[str, Number]
    patients: tuple[PatientContributions, ...]
    method: Later[str]
    reason: str | Absent = ABSENT


def describe_contributions(plan: Plan, run: EngineRun, name: str) -> ContributionsEntry:
    """Of a tissue whose score was made in the run, on everyone, by the frozen chain."""
    fit = run.fits[name]
    assert fit.score is not None
    values = score_inputs(fit.chain, tables_of(plan.blocks[name]), plan.cohort.known).values
    try:
        found = shap_values(fit.score, values)
    except PluginError as error:
        return ContributionsEntry(None, {}, (), METHOD, str(error))
    if found is None:
        method = "what features add is known of linear scores, forests, boosted trees and means of these"
        return ContributionsEntry(None, {}, (), METHOD, method)
    names, size = fit.score.names, np.abs(found.values).mean(axis=0)
    ranked = sorted(range(len(names)), key=lambda j: (-size[j], names[j]))
    order = np.argsort(fit.values, kind="stable")
    shown = dict.fromkeys(int(order[round(place * (len(order) - 1))]) for place in PLACES)
    return ContributionsEntry(
        found.base,
        {names[j]: float(size[j]) for j in ranked[:MOST_LISTED]},
        tuple(_of_patient(plan.cohort.ids[i], float(fit.values[i]), names, found.values[i]) for i in shown),
        METHOD,
    )


def _of_patient(patient: str, value: float, names: tuple[str, ...], added: np.ndarray) -> PatientContributions:
    ranked = sorted(range(len(names)), key=lambda j: (-abs(added[j]), names[j]))
    listed, others = ranked[:MOST_OF_A_PATIENT], ranked[MOST_OF_A_PATIENT:]
    own = {names[j]: float(added[j]) for j in listed}
    return PatientContributions(patient, value, own, float(added[others].sum()) if others else 0.0)
