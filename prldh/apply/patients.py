"""New patients, as a cohort file names them: read as the study's were, with nothing fitted to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field

from prldh.apply.features import single_images, tables_for, tell_of_strange
from prldh.apply.frozen import Frozen, Want
from prldh.chain import columns_needed, score_inputs
from prldh.core import DataError, FittedStep, Progress, Warn, positions, same_text, warn
from prldh.data import (
    check_ids,
    column_of,
    numbers,
    read_outcome,
    read_table,
    refuse_failed_cells,
    some,
    texts_of_event,
)
from prldh.data.imaging import TissueImages, measure, warn_of_leaks
from prldh.plugins import Registry
from prldh.study import ReadSettings, Strict, Study, Text, Tissue, one_value


class NewClinical(Strict):
    """The clinical table of new patients. What is not given is as in the study; without the outcome's column there are
    predictions alone."""

    table: str
    id: Text | None = None
    outcome: Text | None = None
    event: Annotated[
        bool | int | float | str | None,
        Field(union_mode="smart"),
        BeforeValidator(lambda v: v if v is None else one_value(v)),
    ] = None


class NewCohort(Strict):
    """A cohort file: new patients for frozen models. Tissues whose Radscore is a column need no entry; ``extraction``
    and ``imaging`` are the study's where they are not given."""

    name: Text = Field(min_length=1)
    clinical: NewClinical
    tissues: dict[Text, Tissue] = {}
    extraction: dict[str, dict[str, Any]] | None = None
    imaging: ReadSettings | None = None


@dataclass
class NewPatients:
    """Patients with everything that the models need or, by model, that some model needs.

    ``outcome`` (n,) 0/1 or None; ``columns`` covariates (float64, or text), ``scores`` Radscores, each (n,);
    ``excluded`` those left out, with the reason; ``lacks`` (n,) who has no value, or no logarithm, of a variable.
    """

    ids: tuple[str, ...]
    outcome: np.ndarray | None
    columns: dict[str, np.ndarray]
    scores: dict[str, np.ndarray]
    excluded: tuple[tuple[str, str], ...] = ()
    warnings: list[Warn] = field(default_factory=list)
    lacks: Mapping[Want, np.ndarray] = field(default_factory=dict)

    def rows_of(self, model: Mapping[str, Any], wants: set[Want]) -> np.ndarray:
        """Positions of the patients who have all that the model ``wants``, and levels that its own patients had."""
        has = np.ones(len(self.ids), dtype=bool)
        for want in wants & set(self.lacks):
            has &= ~self.lacks[want]
        for name, levels in model.get("levels", {}).items():
            known = {same_text(level) for level in levels}
            has &= np.array([same_text(cell) in known for cell in self.columns[name]])
        return np.flatnonzero(has)

    def take(self, rows: np.ndarray) -> NewPatients:
        """The patients in ``rows`` (m,) alone."""
        columns, scores = (
            {name: values[rows] for name, values in part.items()} for part in (self.columns, self.scores)
        )
        lacks = {want: where[rows] for want, where in self.lacks.items()}
        outcome = None if self.outcome is None else self.outcome[rows]
        ids = tuple(self.ids[i] for i in rows)
        return replace(self, ids=ids, outcome=outcome, columns=columns, scores=scores, lacks=lacks)

    @property
    def outcome_of_both(self) -> np.ndarray | None:
        """The outcome where patients have it and others have not: what a validation needs."""
        return self.outcome if self.outcome is not None and 0 < self.outcome.sum() < len(self.ids) else None


def read_new_patients(
    cohort: NewCohort,
    folder: Path,
    frozen: Frozen,
    registry: Registry,
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> NewPatients:
    """Read a cohort file's patients. One who lacks anything that some model needs is left out, with the reason; in a
    study with ``missing: by_model``, one who lacks something for every model.

    Raises
    ------
    DataError
        For a missing file or column, doubled ids, text among numbers, an outcome that is not two values, a tissue that
        is not given, or where nobody is left.
    """
    unknown = [name for name in cohort.tissues if name not in frozen.model["tissues"]]
    if unknown:
        raise DataError(
            f"tissues: '{unknown[0]}' is no tissue of the study"
            f" ({', '.join(frozen.model['tissues']) or 'it has none'}). Correct the name."
        )
    return _Reader(cohort, folder, frozen, registry, jobs, progress).read()


class _Reader:
    """One reading of a cohort file: ``reasons`` collects why patients are left out."""

    def __init__(
        self,
        cohort: NewCohort,
        folder: Path,
        frozen: Frozen,
        registry: Registry,
        jobs: int | None,
        progress: Progress | None,
    ) -> None:
        self.cohort, self.folder, self.frozen, self.registry = cohort, folder, frozen, registry
        self.jobs, self.progress = jobs, progress
        self.id_column = cohort.clinical.id or frozen.settings["clinical"]["id"]
        self.path = folder / cohort.clinical.table
        self.frame = read_table(self.path)
        self.ids = check_ids(self.frame, self.id_column, self.path, "clinical.id")
        self.reasons: dict[str, str] = {}
        self.lacks: dict[Want, np.ndarray] = {}
        self.warnings: list[Warn] = []

    def read(self) -> NewPatients:
        """Everyone who has all that the models need."""
        outcome = self._outcome()
        columns = {
            c["name"]: self._covariate(c["name"], c["type"])
            for c in self.frozen.model["covariates"]
            if c["name"] in self.frozen.terms
        }
        scores = {
            name: self._tissue(name, tissue)
            for name, tissue in self.frozen.model["tissues"].items()
            if name in self.frozen.terms
        }
        for name in self.frozen.logarithms:
            why = f"{name} is not above 0, and a model takes its logarithm"
            self._lack(Want(name, "log"), (columns | scores)[name] <= 0, why)
        if self.frozen.takes_by_model:
            self._leave_out_of_all()
        keep = np.array([i not in self.reasons for i in self.ids])
        if not keep.any():
            listed = some(f"{i} ({reason})" for i, reason in self.reasons.items())
            raise DataError(
                f"{self.path.name}: no patient has everything that the models need: {listed}. Fill in or correct these"
                " cells."
            )
        return NewPatients(
            tuple(np.array(self.ids, dtype=object)[keep]),
            None if outcome is None else outcome[keep],
            {k: v[keep] for k, v in columns.items()},
            {k: v[keep] for k, v in scores.items()},
            tuple((i, self.reasons[i]) for i in self.ids if i in self.reasons),
            self.warnings,
            {k: v[keep] for k, v in self.lacks.items()},
        )

    def _leave_out_of_all(self) -> None:
        """Patients of whom no model has all that it needs are left out."""
        of_models = [
            [self.lacks[want] for want in self.frozen.wants(m) if want in self.lacks]
            for m in self.frozen.model["models"]
        ]
        nothing = np.zeros(len(self.ids), dtype=bool)
        for i in np.flatnonzero(np.logical_and.reduce([np.logical_or.reduce([nothing, *own]) for own in of_models])):
            lacks = [want for want, where in self.lacks.items() if where[i]]
            of_form = {form: ", ".join(w.variable for w in lacks if w.form == form) for form in ("value", "log")}
            told = {"value": f"blank: {of_form['value']}", "log": f"not above 0, for a logarithm: {of_form['log']}"}
            self.reasons.setdefault(self.ids[i], "; ".join(told[form] for form, names in of_form.items() if names))

    def _outcome(self) -> np.ndarray | None:
        given, clinical = self.cohort.clinical, self.frozen.settings["clinical"]
        name = given.outcome or clinical["outcome"]
        if name not in self.frame.columns and given.outcome is None:
            return None
        event = clinical["event"] if given.event is None else given.event
        column = column_of(self.frame, name, self.path, "clinical.outcome")
        refuse_failed_cells(column, self.path, self.ids)
        # all with the event or all without: predictions alone
        if set(column) != {""} and column.map(same_text).nunique() == 1:
            return np.full(len(column), same_text(column.iloc[0]) in texts_of_event(event), dtype=np.int8)
        return read_outcome(column, self.ids, event, self.path)[0]

    def _covariate(self, name: str, kind: str) -> np.ndarray:
        column = column_of(self.frame, name, self.path, "clinical")
        if kind == "continuous":
            values = numbers(column, self.ids, self.path)
            self._lack(Want(name), np.isnan(values), f"blank: {name}")
            return values
        refuse_failed_cells(column, self.path, self.ids)
        known = {same_text(level) for level in self.frozen.levels(name)}
        cells = column.to_numpy(dtype=object)
        self._lack(Want(name), cells == "", f"blank: {name}")
        for cell in dict.fromkeys(cell for cell in cells if cell != "" and same_text(cell) not in known):
            self._lack(Want(name), cells == cell, f"{name} '{cell}', which no patient of the study had")
        return cells

    def _tissue(self, name: str, tissue: Mapping[str, Any]) -> np.ndarray:
        """The tissue's Radscore of every patient, NaN of those who are left out."""
        given = self.cohort.tissues.get(name)
        chain = self.frozen.chain(name, self.registry)
        if not chain:
            column = (given and given.radscore) or tissue["column"]
            values = numbers(column_of(self.frame, column, self.path, f"tissues.{name}.radscore"), self.ids, self.path)
            self._lack(Want(name), np.isnan(values), f"blank: {column}")
            return values
        if given is None or given.radscore is not None:
            raise DataError(
                f"tissues.{name}: the Radscore is made from features, and none are given. Give {name} features or"
                " images in the cohort file."
            )
        if given.images is None and any(step.fitted.kind == "chooses images" for step in chain):
            raise DataError(
                f"tissues.{name}: its selection chose among single images, which tables of features do not hold. Give"
                f" {name} images in the cohort file."
            )
        wanted = columns_needed(chain)
        measured = None if given.images is None else self._measure(name, given, wanted)
        values = self._tabled(name, given, wanted) if measured is None else self._values_of(measured, wanted)
        may_be_blank = np.isin(wanted, self._filled_columns(chain))
        blank = np.isnan(values)
        has_values = (np.isfinite(values) | (blank & may_be_blank)).all(axis=1) & ~blank.all(axis=1)
        self._leave_out(~has_values, f"a feature of {name} has no value")
        self.warnings += self._tell_of_filled(name, wanted, blank & has_values[:, None])
        scores = np.full(len(self.ids), np.nan)
        if has_values.any():
            images = single_images(chain, measured, wanted, self._rows_of(measured.ids)[has_values]) if measured else {}
            inputs = score_inputs(chain, tables_for(chain, wanted, values[has_values], images))
            is_kept = np.array([i not in self.reasons for i in self.ids])[has_values]
            self.warnings += tell_of_strange(name, chain[-1].fitted, inputs.values[is_kept])
            scores[has_values] = chain[-1].fitted.apply(inputs.values, inputs.names, {})
        return scores

    def _filled_columns(self, chain: Sequence[FittedStep]) -> list[str]:
        """The columns whose blanks a step of the chain fills."""
        transforms = self.registry.registered("register_transforms")
        fill = {name for name, (item, _) in transforms.items() if getattr(item, "fills_blanks", False)}
        return [name for step in chain if step.step in fill for name in step.fitted.names]

    def _tell_of_filled(self, tissue: str, wanted: Sequence[str], blank: np.ndarray) -> list[Warn]:
        kept = blank[[i not in self.reasons for i in self.ids]]
        if not kept.any():
            return []
        n_of = kept.sum(axis=0)
        listed = some(f"{wanted[j]} ({n_of[j]})" for j in np.argsort(-n_of, kind="stable") if n_of[j])
        n_patients = int(kept.any(axis=1).sum())
        return [warn.FILLED_FEATURES(tissue=tissue, n_patients=n_patients, n_all_patients=len(kept), listed=listed)]

    def _tabled(self, name: str, given: Tissue, wanted: list[str]) -> np.ndarray:
        """The features (n, k) from tables, of which the first reader's count."""
        values, absent = np.full((len(self.ids), len(wanted)), np.nan), list(wanted)
        for table in (readers[0] for readers in given.tables().values()):
            place = self.folder / table
            features = read_table(place)
            rows = self._rows_of(check_ids(features, self.id_column, place, f"tissues.{name}.features"))
            self._leave_out(rows < 0, f"not in {place.name}")
            for feature in [f for f in wanted if f in features.columns]:
                absent.remove(feature)
                column = numbers(features[feature], features[self.id_column], place)
                values[:, wanted.index(feature)] = np.where(rows >= 0, column[rows], np.nan)
        if absent:
            raise DataError(
                f"tissues.{name}: {len(absent)} of {len(wanted)} features of the Radscore are in none of its tables:"
                f" {some(absent)}. Extract them with the study's settings."
            )
        return values

    def _measure(self, name: str, given: Tissue, wanted: list[str]) -> TissueImages:
        """The features as measured on images."""
        settings, cohort = self.frozen.settings, self.cohort
        extraction = settings["extraction"] if cohort.extraction is None else cohort.extraction
        sources = given.sources if "sources" in given.model_fields_set else settings["tissues"][name]["sources"]
        study = Study.model_validate(
            {
                "clinical": {
                    "table": cohort.clinical.table,
                    "id": self.id_column,
                    "outcome": settings["clinical"]["outcome"],
                    "event": 1,
                },
                "tissues": {name: {"images": given.images, "sources": sources}},
                "extraction": {key: value for key, value in extraction.items() if key != "perturb"},
                "imaging": settings["imaging"] if cohort.imaging is None else cohort.imaging.model_dump(),
            }
        )
        tissue = measure(study, self.folder, self.registry, jobs=self.jobs, progress=self.progress).tissues[name]
        lost = [f for f in wanted if f not in tissue.names]
        if lost:
            raise DataError(
                f"tissues.{name}: the images give no {some(lost)}, which the Radscore needs. Use the study's extraction"
                " settings."
            )
        for patient, reason in tissue.aside:
            self.reasons.setdefault(patient, reason)
        self.warnings += warn_of_leaks(name, tissue.chosen, tissue.ids)
        return tissue

    def _values_of(self, measured: TissueImages, wanted: Sequence[str]) -> np.ndarray:
        """These features (n, k), by the first reader's masks."""
        rows = self._rows_of(measured.ids)
        values = np.full((len(self.ids), len(wanted)), np.nan)
        values[rows >= 0] = measured.readers[0][np.ix_(rows[rows >= 0], positions(measured.names, wanted))]
        return values

    def _rows_of(self, ids: Sequence[str]) -> np.ndarray:
        """Where each patient stands among ``ids``, -1 where not."""
        position = {patient: i for i, patient in enumerate(ids)}
        return np.array([position.get(i, -1) for i in self.ids])

    def _lack(self, want: Want, where: np.ndarray, reason: str) -> None:
        """These patients have nothing of what is wanted: models that take it cannot predict them."""
        if self.frozen.takes_by_model:
            self.lacks[want] = where | self.lacks.get(want, np.zeros(len(self.ids), dtype=bool))
        else:
            self._leave_out(where, reason)

    def _leave_out(self, where: np.ndarray, reason: str) -> None:
        for i in np.flatnonzero(where):
            self.reasons.setdefault(self.ids[i], reason)


def describe_case_mix(frozen: Frozen, patients: NewPatients) -> list[dict[str, Any]]:
    """How the new patients differ from the study's: mean and SD, or n and per cent, of each covariate and Radscore that
    a model needs."""
    rows: list[dict[str, Any]] = []
    for entry in frozen.results["table_one"]:
        name = entry["variable"]
        values = patients.columns.get(name, patients.scores.get(name))
        if values is None:
            continue
        values = values[~patients.lacks.get(Want(name), np.zeros(len(values), dtype=bool))]
        if not len(values):
            continue
        for row in entry["rows"]:
            if row["level"] is None:
                sd = float(np.std(values.astype(float), ddof=1)) if len(values) > 1 else None
                new = {"mean": float(np.mean(values.astype(float))), "sd": sd}
                old = {key: row["total"][key] for key in ("mean", "sd")}
            else:
                count = sum(same_text(cell) == same_text(row["level"]) for cell in values)
                new, old = (
                    {"n": count, "percent": 100 * count / len(values)},
                    {key: row["total"][key] for key in ("n", "percent")},
                )
            rows.append({"variable": name, "level": row["level"], "study": old, "new": new})
    return rows
