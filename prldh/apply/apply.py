"""``prldh apply``: the frozen models of a run on new patients, written beside the run's results."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prldh.apply.figures import write_external_figures
from prldh.apply.frozen import Frozen, predict, read_frozen, why_not
from prldh.apply.patients import NewCohort, NewPatients, describe_case_mix, read_new_patients
from prldh.apply.validation import describe_new_predictions
from prldh.chain import probability
from prldh.core import Draws, OutputError, Progress, Warn, clean, seed_for, warn
from prldh.data import some
from prldh.data.imaging import file_stem
from prldh.models import Assessment
from prldh.pipeline import open_engines
from prldh.plugins import Registry
from prldh.results import EXTERNAL_SCHEMA, FOLDER, MEASURES, RESULTS, interval
from prldh.run import place_whole
from prldh.stats import stratified_rows
from prldh.study import Performance, read_settings

#: Of patients whose predictions are not judged.
NO_DRAWS = Draws(np.empty((0, 0), dtype=int), np.empty((0, 0), dtype=int))
PREDICTIONS, FIGURES = "predictions.csv", "figures"


def apply_models(
    run: str | os.PathLike,
    cohort: str | os.PathLike | dict,
    *,
    jobs: int | None = None,
    force: bool = False,
    progress: Progress | None = None,
    plugins: Sequence[Any] = (),
) -> dict[str, Any]:
    """Apply a run's frozen models to new patients; where their outcome is known, say how well they predict it.

    Parameters
    ----------
    run
        Output folder of ``prldh analyze``.
    cohort
        Path of a cohort file (:class:`~prldh.apply.patients.NewCohort`), or its content.
    jobs
        Worker processes for measuring images.
    force
        Replace what was said of a cohort of this name.
    plugins
        Feature sources to choose from beside what is installed.

    Returns
    -------
    dict
        What stands in ``external/NAME/external.json``, and that ``folder``; predictions of every patient are in
        ``predictions.csv`` beside it, ROC, calibration and decision curves in ``figures``.

    Raises
    ------
    PrldhError
        With one message for everything a user can mend; then nothing is written.
    """
    run = Path(run)
    frozen = read_frozen(run)
    new, folder = read_settings(cohort, NewCohort, "cohort file")
    place = run / FOLDER / file_stem(new.name)
    if place.exists() and not force:
        raise OutputError(f"{place} is there already. Give the cohort another name, or --force to replace it.")
    registry = Registry(plugins)
    patients = read_new_patients(new, folder, frozen, registry, jobs=jobs, progress=progress)
    entry, predictions = _describe(frozen, new, patients, registry)
    _write(place, entry, predictions, frozen)
    return entry | {"folder": f"{FOLDER}/{place.name}"}


def _describe(
    frozen: Frozen, new: NewCohort, patients: NewPatients, registry: Registry
) -> tuple[dict[str, Any], pd.DataFrame]:

    # these patients have a prevalence of their own, for which the frozen predictions were not made
    settings = Performance.model_validate(frozen.settings["performance"]).model_copy(update={"prevalence": None})
    reported = frozen.results["engines"]["reported"]
    # R, or Python with a warning
    (engine, *_), warnings = open_engines("both" if reported == "r" else reported, registry)
    warnings = [*patients.warnings, *warnings, *_known(frozen, patients)]
    outcome = patients.outcome_of_both
    assessment = Assessment(engine, settings, NO_DRAWS, MEASURES)
    cutoffs = {name: tissue["cutoff"] for name, tissue in frozen.model["tissues"].items()}
    models, tables = [], []
    for model in frozen.model["models"]:
        reason = why_not(model, frozen.results)
        entry = {"name": model["name"], "adjusted": model["adjusted"], "not_applied": reason}
        own = patients.take(patients.rows_of(model, frozen.wants(model)))
        if reason is None:
            entry |= {"n": len(own.ids), "events": None if own.outcome is None else int(own.outcome.sum())}
            eta = predict(model, own.columns, own.scores, cutoffs)
            tables.append(_predictions(model, eta, own))
            known = own.outcome_of_both
            if outcome is not None and known is None:
                entry["not_applied"] = (
                    f"{entry['n']} patients have all that it needs, {entry['events']} of them with the event, so that"
                    " nothing can be said of how right it is"
                )
            elif known is not None:
                judged = replace(assessment, draws=_draw(frozen, new.name, known, settings))
                entry |= describe_new_predictions(known, eta, model["threshold"], judged)
        models.append(entry)
    about = {
        "schema": EXTERNAL_SCHEMA,
        "name": new.name,
        "model_sha256": frozen.sha256,
        "n": len(patients.ids),
        "n_read": len(patients.ids) + len(patients.excluded),
        "events": None if patients.outcome is None else int(patients.outcome.sum()),
        "excluded": [{"id": i, "reason": reason} for i, reason in patients.excluded],
        "is_validated": outcome is not None,
        "confidence": settings.confidence,
        "case_mix": describe_case_mix(frozen, patients),
        "models": models,
        "engine": engine.name,
        "warnings": [asdict(w) for w in warnings],
    }
    return clean(about), pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _known(frozen: Frozen, patients: NewPatients) -> list[Warn]:
    """A warning where new patients have ids of the study's: the same people validate nothing."""
    there = {s["id"] for tissue in frozen.results["tissues"].values() for s in tissue["scores"]}
    same = [i for i in patients.ids if i in there]
    if not same:
        return []
    return [warn.SAME_PATIENTS(n_same=len(same), n=len(patients.ids), listed=some(same))]


def _draw(frozen: Frozen, name: str, outcome: np.ndarray, settings: Performance) -> Draws:
    """Bootstrap samples of the new patients, for bands."""
    seed, n = frozen.results["study"]["seed"], len(outcome)
    drawn = np.random.default_rng(seed_for(seed, "external", name)).integers(0, n, (settings.decision_bootstrap, n))
    return Draws(drawn, stratified_rows(outcome, 0, np.random.default_rng(0)))


def _predictions(model: dict[str, Any], eta: np.ndarray, patients: NewPatients) -> pd.DataFrame:
    p = probability(eta)
    known = {} if patients.outcome is None else {"outcome": patients.outcome}
    is_positive = p > (-np.inf if model["threshold"] is None else model["threshold"])
    scores = {f"radscore_{name}": values for name, values in patients.scores.items()}
    return pd.DataFrame(
        {
            "id": patients.ids,
            **known,
            "model": model["name"],
            "adjusted": model["adjusted"],
            "probability": p,
            "log_odds": eta,
            "positive": is_positive,
            **scores,
        }
    )


def _write(place: Path, entry: dict[str, Any], predictions: pd.DataFrame, frozen: Frozen) -> None:

    def write(folder: Path) -> None:
        (folder / RESULTS).write_text(
            json.dumps(entry, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
        )
        predictions.to_csv(folder / PREDICTIONS, index=False)
        write_external_figures(entry, folder / FIGURES, frozen.results)

    place_whole(place, write, (RESULTS, PREDICTIONS, FIGURES))


def summarise(entry: dict[str, Any]) -> list[str]:
    """A few lines for the terminal."""
    events = "outcome not known" if entry["events"] is None else f"{entry['events']} events"
    left_out = f", {len(entry['excluded'])} left out" if entry["excluded"] else ""
    lines = [f"{entry['name']}: {entry['n']} new patients, {events}{left_out}"]
    labels = [_label(m, entry["n"]) for m in entry["models"]]
    width = max(map(len, labels))
    if entry["is_validated"]:
        heading = f"AUC ({100 * entry['confidence']:g}% CI)"
        lines.append(f"{'model':{width}}  {heading:22}  {'calibration slope':20}  observed / expected")
    for m, label in zip(entry["models"], labels, strict=True):
        if m["not_applied"]:
            lines.append(f"{label:{width}}  not applied: {m['not_applied']}")
        elif entry["is_validated"]:
            lines.append(
                f"{label:{width}}  {interval(m['auc']):22}  {interval(m['slope'], 2):20} "
                f" {interval(m['observed_expected'], 2)}"
            )
    return [*lines, *(f"warning: {w['message']}" for w in entry["warnings"])]


def _label(model: dict[str, Any], n: int) -> str:
    """``n`` patients are there; how many a model predicts is told where these are others."""
    own = "" if model.get("n", n) == n else f" (n = {model['n']})"
    return model["name"] + (", adjusted" if model["adjusted"] else "") + own
