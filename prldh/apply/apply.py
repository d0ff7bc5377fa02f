"""``prldh apply``: the frozen models of a run on new patients, written beside the run's results."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prldh.apply.case_mix import describe_case_mix
from prldh.apply.cohort_file import NewCohort
from prldh.apply.figures import write_external_figures, write_pooled_figures
from prldh.apply.frozen import PREDICTIONS, Frozen, home_of, name_of, read_frozen
from prldh.apply.judging import Judging
from prldh.apply.patients import NewPatients, has_both, read_new_patients
from prldh.apply.pooling import pool
from prldh.apply.recalibration import Method, check_method, need_part, who_fits
from prldh.apply.shift import describe_shift, tell_of_far_columns
from prldh.core import (
    Draws,
    OutputError,
    Progress,
    StudyError,
    Warn,
    clean,
    csv_of,
    formulas_of,
    given_path,
    sealed,
    warn,
)
from prldh.data import same_id, some, tell_of_formulas
from prldh.data.imaging import file_stem
from prldh.engines import StatisticsEngine
from prldh.models import Assessment
from prldh.pipeline import open_engines
from prldh.plugins import Registry
from prldh.results import EXTERNAL_SCHEMA, FOLDER, MEASURES, POOLED, RESULTS, finished, folder_of
from prldh.run import describe_files, place_whole, refuse_inputs_inside
from prldh.study import Performance, read_settings
from prldh.work import unasked

#: Of patients whose predictions are not judged.
NO_DRAWS = Draws(np.empty((0, 0), dtype=int), np.empty((0, 0), dtype=int))
STAGE = "models on new patients"
FIGURES, POOLED_FIGURES, MODEL = "figures", "pooled", "model.json"

#: A cohort file, or its content.
GivenCohort = str | os.PathLike | dict


def apply_models(
    run: str | os.PathLike,
    cohort: GivenCohort | Sequence[GivenCohort],
    *,
    recalibrate: str = "none",
    accept_edited: bool = False,
    jobs: int | None = None,
    force: bool = False,
    progress: Progress | None = None,
    plugins: Sequence[Any] = (),
) -> dict[str, Any]:
    """Apply a run's frozen models to new patients; where their outcome is known, say how well they predict it.

    Parameters
    ----------
    run
        Output folder of ``prldh analyze``, or a cohort's folder in it whose models were recalibrated.
    cohort
        Path of a cohort file (:class:`~prldh.apply.cohort_file.NewCohort`), or its content; or a list of these.
    recalibrate
        ``intercept``, or ``slope`` with its intercept: fitted on the part that the cohort file states, judged on the
        rest, beside the models as they were on the same rest.
    accept_edited
        Apply a ``model.json`` that is not the one that was written.
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
        ``predictions.csv`` beside it, ROC, calibration and decision curves in ``figures``, recalibrated models in
        ``model.json``. Of a list of cohorts: ``cohorts``, a list of these, and ``pooled``, what stands in
        ``external/pooled.json`` (None of a single one).

    Raises
    ------
    PrldhError
        With one message for everything a user can mend; then nothing is written, of any cohort.
    """
    run = folder_of(given_path(run, "run"))
    method = check_method(recalibrate)
    files: list[Any] = [*cohort] if isinstance(cohort, (list, tuple)) else [cohort]
    is_one = not isinstance(cohort, (list, tuple))
    progress = progress or unasked()
    registry = Registry(plugins)
    home = home_of(run)
    with finished(home):
        frozen = read_frozen(run, registry, accept_edited)
    given = [read_settings(c, NewCohort, "cohort file") for c in files]
    _check_names([new for new, _ in given], run, force)
    for new, folder in given:
        refuse_inputs_inside(run / FOLDER, [folder / p for p in new.inputs()], _owned([n.name for n, _ in given]))
    if method != "none":
        for new, _ in given:
            need_part(new)
    progress(STAGE, 0, len(files) + 1)
    reported = frozen.results["engines"]["reported"]
    # R, or Python with a warning
    (engine, *_), warnings = open_engines("both" if reported == "r" else reported, registry)
    with finished(home, others=[run / MODEL] if frozen.is_edited else ()):
        applied = []
        for new, folder in given:
            patients = read_new_patients(new, folder, frozen, registry, jobs=jobs, progress=progress)
            inputs = describe_files(folder, new.inputs())
            applied.append(_apply_to(new, patients, _Applying(frozen, engine, tuple(warnings), method), inputs))
            progress(STAGE, len(applied), len(files) + 1)
    entries = [each.entry | {"folder": f"{FOLDER}/{each.folder}"} for each in applied]
    texts = {f"{FOLDER}/{each.folder}": each.text for each in applied}
    pooled = None
    if len(entries) > 1:
        shared = [asdict(each) for each in _shared(applied)]
        pooled = sealed({**pool(texts, entries, engine), **({"warnings": shared} if shared else {})})
    _write(run, applied, pooled, frozen)
    progress(STAGE, len(files) + 1, len(files) + 1)
    return entries[0] if is_one else {"cohorts": entries, "pooled": pooled}


def _check_names(cohorts: Sequence[NewCohort], run: Path, force: bool) -> None:
    """Refuse what cannot be written, before anything is computed."""
    if not cohorts:
        raise StudyError("no cohort is given. Give a cohort file, or several.")
    seen: dict[str, str] = {}
    for new in cohorts:
        stem = file_stem(new.name)
        if stem.lower() in seen:
            raise StudyError(
                f"two cohorts ('{seen[stem.lower()]}' and '{new.name}') would be written to one folder,"
                f" {FOLDER}/{stem}. Give each a name of its own."
            )
        seen[stem.lower()] = new.name
        if stem.lower() in (POOLED, POOLED_FIGURES):
            raise StudyError(f"a cohort cannot be called '{new.name}': a file has that name. Give it another one.")
        place = run / FOLDER / stem
        if place.exists() and not force:
            raise OutputError(f"{place} is there already. Give the cohort another name, or --force to replace it.")


def _owned(names: Sequence[str]) -> tuple[str, ...]:
    """What is replaced in the folder of all cohorts."""
    return (*(file_stem(name) for name in names), *([POOLED, POOLED_FIGURES] if len(names) > 1 else []))


@dataclass(frozen=True)
class _Applying:
    """What all cohorts of a call have in common."""

    frozen: Frozen
    engine: StatisticsEngine
    warnings: tuple[Warn, ...]
    method: Method


@dataclass(frozen=True)
class _Applied:
    """A cohort's entry, its predictions, and the recalibrated models as they are written, each in one ``folder``."""

    folder: str
    entry: dict[str, Any]
    ids: tuple[str, ...]
    predictions: pd.DataFrame
    model: str | None

    @property
    def text(self) -> str:
        """What ``external.json`` is."""
        return _as_text(self.entry)


def _as_text(content: Mapping[str, Any]) -> str:
    return json.dumps(clean(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _apply_to(
    new: NewCohort, patients: NewPatients, applying: _Applying, files: Sequence[Mapping[str, Any]]
) -> _Applied:
    """Everything that is said of one cohort; ``files``: what was read."""
    frozen, engine = applying.frozen, applying.engine
    # these patients have a prevalence of their own, for which the frozen predictions were not made
    settings = Performance.model_validate(frozen.settings["performance"]).model_copy(update={"prevalence": None})
    fits = np.zeros(len(patients.ids), dtype=bool)
    if applying.method != "none":
        fits = who_fits(new, patients, frozen.results["study"]["seed"])
    is_judged = patients.is_known & ~fits
    is_validated = patients.outcome is not None and has_both(patients.outcome[is_judged])
    shift, far = describe_shift(frozen, patients, engine)
    case_mix = describe_case_mix(frozen, patients)
    warnings = [
        *patients.warnings,
        *applying.warnings,
        *_known(frozen, patients),
        *_told(frozen, patients),
        *tell_of_formulas(formulas_of(frozen.settings), {"ids": patients.ids}),
        *far,
        *tell_of_far_columns(frozen, patients, case_mix),
    ]
    judging = Judging(new.name, frozen, Assessment(engine, settings, NO_DRAWS, MEASURES), applying.method)
    models, tables, updated = [], [], []
    for model in frozen.model["models"]:
        entry: dict[str, Any] = {
            "name": model["name"],
            "adjusted": model["adjusted"],
            "not_applied": patients.not_applied.get((model["name"], model["adjusted"])),
        }
        rows = np.empty(0, dtype=int)
        if entry["not_applied"] is None:
            rows = patients.rows_of(model, frozen.wants(model))
            entry["not_applied"] = None if len(rows) else "no patient has all that it needs"
        if entry["not_applied"] is None:
            of_model = judging.judge(model, patients.take(rows), fits[rows], is_validated)
            entry |= of_model.entry
            tables.append(of_model.predictions)
            warnings += of_model.warnings
            updated += [of_model.updated] if of_model.updated else []
        models.append(entry)
    text = _as_text(sealed({**frozen.model, "models": updated})) if updated else None
    about = {
        "schema": EXTERNAL_SCHEMA,
        "name": new.name,
        "model_sha256": frozen.sha256,
        "is_edited": frozen.is_edited,
        "n": len(patients.ids),
        **({} if patients.patients is None else {"n_patients": len(set(patients.patients))}),
        "n_read": len(patients.ids) + len(patients.excluded),
        "events": patients.n_events,
        "n_without_outcome": int((~patients.is_known).sum()),
        "n_judged": int(is_judged.sum()),
        "events_judged": None if patients.outcome is None else int(patients.outcome[is_judged].sum()),
        "excluded": [{"id": i, "reason": reason} for i, reason in patients.excluded],
        "is_validated": is_validated,
        "confidence": settings.confidence,
        "recalibration": _describe_recalibration(new, patients, fits, applying.method, text),
        "case_mix": case_mix,
        "domain_shift": shift,
        "models": models,
        "engine": engine.name,
        "warnings": [asdict(w) for w in warnings],
        "files": list(files),
    }
    predictions = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    return _Applied(file_stem(new.name), sealed(about), patients.ids, predictions, text)


def _describe_recalibration(
    new: NewCohort, patients: NewPatients, fits: np.ndarray, method: Method, model: str | None
) -> dict[str, Any] | None:
    """What was fitted, on whom, and the checksum of the models that came of it; None where nothing was asked for."""
    if method == "none":
        return None
    assert patients.outcome is not None, "who fits was chosen among known outcomes"
    return {
        "method": method,
        "part": need_part(new).entry,
        "n": int(fits.sum()),
        "events": int(patients.outcome[fits].sum()),
        "model": None if model is None else f"{FOLDER}/{file_stem(new.name)}/{MODEL}",
        "model_sha256": None if model is None else hashlib.sha256(model.encode()).hexdigest(),
    }


def _known(frozen: Frozen, patients: NewPatients) -> list[Warn]:
    """A warning where new patients have ids of the study's, or of those who recalibrated the models: the same people
    validate nothing."""
    there = {s["id"] for tissue in frozen.results["tissues"].values() for s in tissue["scores"]}
    known = {same_id(i) for i in there | frozen.made_by | frozen.recalibrated_by}
    same = [i for i in patients.ids if same_id(i) in known]
    if not same:
        return []
    return [warn.SAME_PATIENTS(n_same=len(same), n=len(patients.ids), listed=some(same))]


def _shared(applied: Sequence[_Applied]) -> list[Warn]:
    """A warning where cohorts have ids in common: the same people, pooled, would count twice."""
    named: dict[str, tuple[str, list[str]]] = {}
    for each in applied:
        for same, own in {same_id(own): own for own in each.ids}.items():
            named.setdefault(same, (own, []))[1].append(each.entry["name"])
    several = [(own, names) for own, names in named.values() if len(names) > 1]
    if not several:
        return []
    listed = some(f"{own} ({', '.join(names)})" for own, names in several)
    return [warn.SHARED_PATIENTS(n=len(several), listed=listed)]


def _told(frozen: Frozen, patients: NewPatients) -> list[Warn]:
    """Warnings of models that were changed or are not applied, and of patients without an outcome."""
    warnings = [warn.EDITED_MODELS()] if frozen.is_edited else []
    if patients.not_applied:
        listed = some(
            (
                f"{name_of({'name': name, 'adjusted': adjusted})} ({reason})"
                for (name, adjusted), reason in patients.not_applied.items()
            ),
            limit=400,
        )
        n_all = len(frozen.model["models"])
        warnings.append(warn.MODELS_NOT_APPLIED(n=len(patients.not_applied), n_all=n_all, listed=listed))
    without = [i for i, is_known in zip(patients.ids, patients.is_known, strict=True) if not is_known]
    if without and patients.outcome is not None:
        warnings.append(warn.WITHOUT_OUTCOME(n=len(without), n_all=len(patients.ids), listed=some(without)))
    return warnings


def _write(run: Path, applied: Sequence[_Applied], pooled: Mapping[str, Any] | None, frozen: Frozen) -> None:
    """All cohorts, whole or not at all."""

    def write(folder: Path) -> None:
        for each in applied:
            place = folder / each.folder
            place.mkdir()
            (place / RESULTS).write_text(each.text, encoding="utf-8")
            text = csv_of(each.predictions, formulas_of(frozen.settings))
            (place / PREDICTIONS).write_text(text, encoding="utf-8", newline="")
            if each.model is not None:
                (place / MODEL).write_text(each.model, encoding="utf-8")
            write_external_figures(each.entry, place / FIGURES, frozen.results)
        if pooled is not None:
            (folder / POOLED).write_text(_as_text(pooled), encoding="utf-8")
            write_pooled_figures(pooled, [each.entry for each in applied], folder / POOLED_FIGURES, frozen.results)

    place_whole(run / FOLDER, write, _owned([each.folder for each in applied]))
