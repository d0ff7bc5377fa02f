"""How a validator is asked for its resamples: by patient, with the columns that the study declares."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from prldh.core import Columns, DataError, Resample, StudyError, Subjects, is_blank, nearest
from prldh.plugins.border import called
from prldh.plugins.promises import check_resamples, guarded


class PatientColumns(Mapping[str, np.ndarray]):
    """Columns with one value a patient (p,); which rows differ within a patient is told when such a column is asked
    for."""

    def __init__(self, subjects: Subjects) -> None:
        self._subjects = subjects

    def __getitem__(self, name: str) -> np.ndarray:
        values, patient = self._subjects.columns[name], self._subjects.patient
        own, of_patient = values, values[patient]
        is_same = (own == of_patient) | (is_blank(own) & is_blank(of_patient))
        if not is_same.all():
            i = int(np.flatnonzero(~is_same)[0])
            raise DataError(
                f"'{name}' is '{of_patient[i]}' and '{own[i]}' in rows of one patient, who cannot be parted. Give the"
                " patient one value."
            )
        return np.asarray(values[np.unique(patient)])

    def __iter__(self) -> Iterator[str]:
        return iter(self._subjects.columns)

    def __len__(self) -> int:
        return len(self._subjects.columns)


def draw_resamples(
    name: str, validator: Any, settings: Any, subjects: Subjects, seed: np.random.SeedSequence
) -> list[Resample]:
    """The resamples of a scheme, as rows. A validator is asked for resamples of patients, so that rows of a patient are
    never parted; one with the event in some row is one with the event.

    Raises
    ------
    PluginError, DataError, StudyError
        Where what the validator gives is none, or it refuses.
    """
    patients, place = np.unique(subjects.patient, return_inverse=True)
    place = place.reshape(-1)
    outcome = np.zeros(len(patients), dtype=subjects.outcome.dtype)
    np.maximum.at(outcome, place, subjects.outcome)
    more = (PatientColumns(subjects),) if takes_columns(validator) else ()
    with guarded("validator", validator):  # what it gives may be as odd as what it raises
        given = called("validator", validator, "resamples", outcome, settings, seed, *more)
        check_resamples(name, validator.kind, given, len(patients))
        resamples = [
            Resample(_rows(r.train), _rows(r.test), int(r.repeat), int(r.fold), getattr(r, "group", "")) for r in given
        ]
    if len(patients) == subjects.n:
        return resamples
    rows_of = np.split(np.argsort(place, kind="stable"), np.cumsum(np.bincount(place))[:-1])

    def expand(numbers: np.ndarray) -> np.ndarray:
        return np.concatenate([rows_of[p] for p in numbers]) if len(numbers) else np.empty(0, dtype=np.int64)

    return [replace(r, train=expand(r.train), test=expand(r.test)) for r in resamples]


def _rows(given: Any) -> np.ndarray:
    """Row numbers as a copy: a validator may fill its own array again."""
    return np.array(given, dtype=np.int64)


def takes_columns(validator: Any) -> bool:
    """Whether a validator has a fourth argument: the columns that the study declares, and the covariates."""
    parameters = inspect.signature(validator.resamples).parameters.values()
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters) > 3


def groups_in(columns: Columns, name: str, where: str) -> np.ndarray:
    """The groups (n,) that a column says, as text, without blanks.

    Raises
    ------
    StudyError
        Where there is no such column, or it is a continuous covariate.
    DataError
        Where it has blanks.
    """
    if name not in columns:
        near = nearest(name, columns)
        hint = f"; did you mean '{near}'?" if near else f" ({', '.join(columns) or 'there are none'})."
        raise StudyError(
            f"{where}: '{name}' is not among clinical.columns and covariates{hint} Declare it, such as clinical:"
            f" {{columns: {{{name}: COLUMN}}}}."
        )
    values = columns[name]
    if values.dtype.kind == "f":
        raise StudyError(
            f"{where}: '{name}' is a continuous covariate, which has no groups. Name a categorical one, or declare the"
            " column under clinical.columns, which reads it as text."
        )
    n_blank = int((values == "").sum())
    if n_blank:
        raise DataError(f"{where}: '{name}' is blank for {n_blank} of {len(values)} patients. Fill it in.")
    return np.asarray(values)
