"""New patients, as a cohort file names them: read as the study's were, with nothing fitted to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from prldh.apply.cohort_file import NewCohort
from prldh.apply.columns import columns_read, not_reached
from prldh.apply.features import ScoreInputs, single_images, tables_for
from prldh.apply.frozen import Frozen, Want, name_of, why_not
from prldh.apply.measuring import Measuring
from prldh.chain import columns_needed, score_inputs
from prldh.core import (
    Columns,
    DataError,
    FittedStep,
    Progress,
    StudyError,
    Warn,
    positions,
    same_text,
    shown,
    take_columns,
    warn,
)
from prldh.data import (
    check_ids,
    column_of,
    ids_of,
    number_ids,
    numbers,
    open_joined,
    open_table,
    patients_of,
    read_outcome,
    refuse_doubled,
    refuse_failed_cells,
    some,
    tell_of_alike,
    tell_of_coded,
    texts_of_event,
    told_alike,
)
from prldh.data.imaging import TissueImages, refuse_unread
from prldh.plugins import FITTED, Registry, called
from prldh.study import TableRead, Tissue


@dataclass
class NewPatients:
    """Patients with everything that the models need that are applied or, by model, that some of these needs.

    ``outcome`` (n,) 0/1, NaN where it is not known, or None where it is nobody's; ``columns`` covariates (float64, or
    text), ``scores`` Radscores, each (n,); ``inputs`` by tissue the features (n, k) that its score reads; ``part`` (n,)
    the cells that say who recalibrates, or None; ``patients`` whose each row is, or None where each is one;
    ``excluded`` those left out, with the reason; ``lacks`` (n,) who has no value, or no logarithm, of a variable;
    ``not_applied`` by model (name, adjusted) why it is not.
    """

    ids: tuple[str, ...]
    outcome: np.ndarray | None
    columns: dict[str, np.ndarray]
    scores: dict[str, np.ndarray]
    inputs: dict[str, ScoreInputs]
    part: np.ndarray | None = None
    patients: tuple[str, ...] | None = None
    excluded: tuple[tuple[str, str], ...] = ()
    warnings: list[Warn] = field(default_factory=list)
    lacks: Mapping[Want, np.ndarray] = field(default_factory=dict)
    not_applied: Mapping[tuple[str, bool], str] = field(default_factory=dict)

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
        return replace(
            self,
            ids=tuple(self.ids[i] for i in rows),
            outcome=None if self.outcome is None else self.outcome[rows],
            columns=columns,
            scores=scores,
            inputs={name: given.take(rows) for name, given in self.inputs.items()},
            part=None if self.part is None else self.part[rows],
            patients=None if self.patients is None else tuple(self.patients[i] for i in rows),
            lacks={want: where[rows] for want, where in self.lacks.items()},
        )

    @property
    def is_known(self) -> np.ndarray:
        """Whose outcome is known (n,)."""
        return np.zeros(len(self.ids), dtype=bool) if self.outcome is None else ~np.isnan(self.outcome)

    @property
    def owners(self) -> tuple[str, ...]:
        """Whose each row is."""
        return self.ids if self.patients is None else self.patients

    @property
    def patient(self) -> np.ndarray | None:
        """The position (n,) of the first row of each row's patient; None where each row is one."""
        return None if self.patients is None else np.array([self.patients.index(name) for name in self.patients])

    @property
    def n_events(self) -> int | None:
        """Those known to have the event; None where no outcome is known."""
        return None if self.outcome is None else int(np.nansum(self.outcome))


#: Radscores from here on overflow in a model.
LARGEST = 1e100


def has_both(outcome: np.ndarray) -> bool:
    """Whether some of the patients (n,) have the event and some have not: what a validation needs."""
    return bool((outcome == 1).any() and (outcome == 0).any())


def read_new_patients(
    cohort: NewCohort,
    folder: Path,
    frozen: Frozen,
    registry: Registry,
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> NewPatients:
    """Read a cohort file's patients. Models of which a column or a tissue is not there are not applied. A patient who
    lacks anything that one of the others needs is left out, with the reason; in a study with ``missing: by_model``, one
    who lacks something for every model.

    Raises
    ------
    DataError
        For a missing file, doubled ids, text among numbers, an outcome of more than two values, or where no model can
        be applied or nobody is left.
    """
    unknown = [name for name in cohort.tissues if name not in frozen.model["tissues"]]
    if unknown:
        raise DataError(
            f"tissues: '{unknown[0]}' is no tissue of the study"
            f" ({', '.join(frozen.model['tissues']) or 'it has none'}). Correct the name."
        )
    _refuse_unread(cohort, frozen.settings["tissues"], registry)
    return _Reader(cohort, folder, frozen, registry, jobs, progress).read()


def _refuse_unread(cohort: NewCohort, of_study: Mapping[str, Any], registry: Registry) -> None:
    """Settings of images in a cohort file that gives none, or of sources that measure none, are a slip."""
    measuring = {
        name: tissue.sources if "sources" in tissue.model_fields_set else of_study[name]["sources"]
        for name, tissue in cohort.tissues.items()
        if tissue.images is not None
    }
    refuse_unread(cohort.extraction or {}, measuring, registry)
    if cohort.imaging is not None and not measuring:
        raise StudyError("imaging: nothing reads it: no tissue is given as images. Remove it, or give images.")


class _NotThereError(Exception):
    """What a tissue's Radscore is made of is not there: its models are not applied."""


@dataclass(frozen=True)
class _ReadTissue:
    """A tissue of everyone in the table: ``scores`` (n,), NaN where there are none; what the score reads; where the
    features ``wanted`` are ``filled`` (n, p)."""

    scores: np.ndarray
    inputs: ScoreInputs | None = None
    wanted: Sequence[str] = ()
    filled: np.ndarray | None = None


@contextmanager
def _states_that_fit(tissue: str) -> Iterator[None]:
    """Steps are read one by one, so that it shows here only that one has not as many columns as it was fitted to."""
    try:
        yield
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise DataError(
            f"tissues.{tissue}: the states of the steps in model.json do not fit each other. Run `prldh analyze …"
            " --force` again."
        ) from error


class _Reader:
    """One reading of a cohort file. ``aside`` collects by variable why patients are left out, ``absent`` what is
    missing of a variable as a whole."""

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
        self.id_column = cohort.clinical.id or frozen.settings["clinical"]["id"]
        self.path = folder / cohort.clinical.table
        of_study = TableRead(ids=frozen.settings["clinical"].get("read", {}).get("ids"))
        self.clinical_read = cohort.clinical.read.joined_as(of_study)
        self.measuring = Measuring(
            cohort,
            folder,
            frozen.settings,
            frozen.results,
            self.clinical_read,
            self.id_column,
            registry,
            jobs,
            progress,
        )
        self.frame = open_table(self.path, self.clinical_read)
        self.ids, self.patients = self._rows()
        self.aside: dict[str, list[tuple[np.ndarray, str]]] = {}
        self.absent: dict[str, str] = {}
        self.lacks: dict[Want, np.ndarray] = {}
        self.warnings: list[Warn] = tell_of_alike(self.ids, self.path)

    def _rows(self) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
        """The ids of the rows, and whose each is where the study or the cohort file says that rows may be several of a
        patient."""
        given, of_study = self.cohort.clinical.patient, self.frozen.settings["clinical"].get("patient")
        ids = ids_of(self.frame, self.id_column, "clinical.id")
        if given is None and of_study not in self.frame.columns:
            return refuse_doubled(ids, self.path), None
        is_joined = any(tissue.tables() or tissue.images for tissue in self.cohort.tissues.values())
        rows = refuse_doubled(ids if is_joined else number_ids(ids, self.frame), self.path)
        return rows, patients_of(self.frame, given or of_study, rows)

    def read(self) -> NewPatients:
        """Everyone who has all that the models need that can be applied."""
        outcome, part = self._outcome(), self._part()
        self._look_for_columns()
        tissues = self._tissues()
        models = self._applied()
        needed = {name for model in models for name in self.frozen.needs(model)}
        columns = {
            c["name"]: self._covariate(c["name"], c["type"])
            for c in self.frozen.model["covariates"]
            if c["name"] in needed
        }
        measured = {name: values for name, values in columns.items() if values.dtype.kind == "f"}
        self.warnings += tell_of_coded(self.path, list(measured), measured.values())
        tissues = {name: read for name, read in tissues.items() if name in needed}
        scores = {name: read.scores for name, read in tissues.items()}
        logarithms = sorted({w.variable for m in models for w in self.frozen.wants(m) if w.form == "log"})
        for name in logarithms:
            self._lack(
                Want(name, "log"),
                (columns | scores)[name] <= 0,
                f"{name} is not above 0, and a model takes its logarithm",
            )
        reasons: dict[str, str] = {}
        for name in (*columns, *tissues):
            for where, why in self.aside.get(name, ()):
                for i in np.flatnonzero(where):
                    reasons.setdefault(self.ids[i], why)
        if self.frozen.takes_by_model:
            self._leave_out_of_all(models, reasons)
        keep = np.array([i not in reasons for i in self.ids])
        if not keep.any():
            listed = some((f"{shown(i)} ({reason})" for i, reason in reasons.items()), limit=400)
            raise DataError(
                f"{self.path.name}: no patient has everything that the models need: {listed}. Fill in or correct these"
                " cells."
            )
        for name, read in tissues.items():
            self.warnings += self._tell_of_filled(name, read, keep)
        everyone = NewPatients(
            self.ids,
            outcome,
            columns,
            scores,
            {name: read.inputs for name, read in tissues.items() if read.inputs is not None},
            part,
            self.patients,
            tuple((i, reasons[i]) for i in self.ids if i in reasons),
            self.warnings,
            self.lacks,
            {(m["name"], m["adjusted"]): reason for m in self.frozen.model["models"] if (reason := self._why_not(m))},
        )
        return everyone.take(np.flatnonzero(keep))

    def _why_not(self, model: Mapping[str, Any]) -> str | None:
        """Why a model is not applied; None where it is."""
        missing = dict.fromkeys(self.absent[name] for name in self.frozen.in_order(model) if name in self.absent)
        return why_not(model, self.frozen.results) or "; ".join(missing) or None

    def _applied(self) -> list[Mapping[str, Any]]:
        """The models that can be applied."""
        reasons: dict[str, list[str]] = {}
        applied = []
        for model in self.frozen.model["models"]:
            reason = self._why_not(model)
            if reason is None:
                applied.append(model)
            else:
                reasons.setdefault(reason, []).append(name_of(model))
        if not applied:
            listed = "; ".join(f"{some(names, 3)}: {reason}" for reason, names in reasons.items())
            raise DataError(f"{self.path.name}: no model can be applied. {listed}. Give what is missing.")
        return applied

    def _look_for_columns(self) -> None:
        """Which covariates and Radscores have no column, and which tissues nothing is given of."""
        for covariate in self.frozen.model["covariates"]:
            self._look_for(covariate["name"], covariate["name"], "clinical")
        for name, tissue in self.frozen.model["tissues"].items():
            given = self.cohort.tissues.get(name)
            if not tissue["chain"]:
                column = (given and given.radscore) or tissue["column"]
                self._look_for(name, column, f"tissues.{name}.radscore")
            elif given is None or given.radscore is not None:
                self.absent[name] = f"tissues.{name}: the Radscore is made from features, and none are given"

    def _look_for(self, variable: str, column: str, where: str) -> None:
        try:
            column_of(self.frame, column, where)
        except DataError as error:
            self.absent[variable] = str(error).rstrip(".")

    def _tissues(self) -> dict[str, _ReadTissue]:
        """The tissues of models of which nothing is missing so far; what is missing is told apart."""
        wanted = {name for model in self._applied() for name in self.frozen.needs(model)}
        tissues: dict[str, _ReadTissue] = {}
        for name, tissue in self.frozen.model["tissues"].items():
            if name in wanted:
                try:
                    tissues[name] = self._tissue(name, tissue)
                except _NotThereError as missing:
                    self.absent[name] = str(missing)
        return tissues

    def _leave_out_of_all(self, models: Sequence[Mapping[str, Any]], reasons: dict[str, str]) -> None:
        """Patients of whom no model has all that it needs are left out."""
        of_models = [[self.lacks[want] for want in self.frozen.wants(m) if want in self.lacks] for m in models]
        nothing = np.zeros(len(self.ids), dtype=bool)
        for i in np.flatnonzero(np.logical_and.reduce([np.logical_or.reduce([nothing, *own]) for own in of_models])):
            lacks = [want for want, where in self.lacks.items() if where[i]]
            of_form = {form: ", ".join(w.variable for w in lacks if w.form == form) for form in ("value", "log")}
            told = {"value": f"blank: {of_form['value']}", "log": f"not above 0, for a logarithm: {of_form['log']}"}
            reasons.setdefault(self.ids[i], "; ".join(told[form] for form, names in of_form.items() if names))

    def _outcome(self) -> np.ndarray | None:
        """The outcome (n,) of everyone, NaN where the cell is blank; None where nobody's is known."""
        given, clinical = self.cohort.clinical, self.frozen.settings["clinical"]
        name = given.outcome or clinical["outcome"]
        if name not in self.frame.columns and given.outcome is None:
            return None
        event = clinical["event"] if given.event is None else given.event
        column = column_of(self.frame, name, "clinical.outcome")
        refuse_failed_cells(column, self.path, self.ids)
        is_known = (column != "").to_numpy()
        known = column[is_known]
        if not len(known):
            return None
        outcome = np.full(len(column), np.nan)
        # all with the event or all without: predictions alone
        if known.map(same_text).nunique() == 1:
            self._refuse_unknown_outcome(known.iloc[0], name, event)
            outcome[is_known] = same_text(known.iloc[0]) in texts_of_event(event)
        else:
            outcome[is_known] = read_outcome(known, self.ids, event, self.path)[0]
        return outcome

    def _refuse_unknown_outcome(self, value: str, name: str, event: object) -> None:
        """The one value of an outcome is the study's event or its other value, unless the cohort file says which is."""
        other = self.frozen.results["cohort"].get("non_event")
        known = {*texts_of_event(event), same_text(str(other))}
        if self.cohort.clinical.event is None and other is not None and same_text(value) not in known:
            raise DataError(
                f"clinical.outcome: '{name}' of {self.path.name} is '{shown(value)}' for everyone, which is neither the"
                f" study's event ('{event}') nor '{other}'. Set clinical.event in the cohort file."
            )

    def _part(self) -> np.ndarray | None:
        """The cells (n,) of the column that says who recalibrates; None where the cohort file names none."""
        part = self.cohort.recalibrate
        if part is None or part.column is None:
            return None
        column = column_of(self.frame, part.column, "recalibrate.column")
        refuse_failed_cells(column, self.path, self.ids)
        return column.to_numpy(dtype=object)

    def _covariate(self, name: str, kind: str) -> np.ndarray:
        if kind == "continuous":
            values = numbers(self.frame, name, self.ids, "clinical")
            self._lack(Want(name), np.isnan(values), f"blank: {name}")
            return values
        column = column_of(self.frame, name, "clinical")
        refuse_failed_cells(column, self.path, self.ids)
        known = {same_text(level) for level in self.frozen.levels(name)}
        near = {level.casefold(): f" ('{shown(level)}' had)" for level in known}
        cells = column.to_numpy(dtype=object)
        self._lack(Want(name), cells == "", f"blank: {name}")
        for cell in dict.fromkeys(cell for cell in cells if cell != "" and same_text(cell) not in known):
            alike = near.get(same_text(cell).casefold(), "")
            self._lack(Want(name), cells == cell, f"{name} '{shown(cell)}', which no patient of the study had{alike}")
        return cells

    def _tissue(self, name: str, tissue: Mapping[str, Any]) -> _ReadTissue:
        """A tissue of everyone, with NaN as the Radscore of those who are left out."""
        given = self.cohort.tissues.get(name)
        chain = self.frozen.chain(name, self.registry)
        if not chain:
            column = (given and given.radscore) or tissue["column"]
            values = numbers(self.frame, column, self.ids, f"tissues.{name}.radscore")
            self.warnings += tell_of_coded(self.path, [column], [values])
            self._lack(Want(name), np.isnan(values), f"blank: {column}")
            return _ReadTissue(values)
        assert given is not None, "tissues of which nothing is given were told apart before"
        if given.images is None and any(step.fitted.kind == "chooses images" for step in chain):
            raise _NotThereError(
                f"tissues.{name}: its selection chose among single images, which tables of features do not hold"
            )
        wanted = columns_needed(chain)
        measured = None if given.images is None else self._measured(name, given, wanted)
        values = self._tabled(name, given, wanted) if measured is None else self._values_of(measured, wanted)
        may_be_blank = np.isin(wanted, self._filled_columns(chain))
        blank = np.isnan(values)
        has_values = (np.isfinite(values) | (blank & may_be_blank)).all(axis=1) & ~blank.all(axis=1)
        self._leave_out(name, ~has_values, f"a feature of {name} has no value")
        columns = self._columns_read(name, chain)
        known = np.flatnonzero(has_values)
        for where, why in not_reached(chain, {column: cells[known] for column, cells in columns.items()}):
            has_values[known[where]] = False
            self._leave_out(name, np.isin(np.arange(len(self.ids)), known[where]), why)
        score, rows = chain[-1].fitted, np.flatnonzero(has_values)
        inputs = ScoreInputs(score, score.names, np.full((len(self.ids), len(score.names)), np.nan))
        scores = np.full(len(self.ids), np.nan)
        if len(rows):
            images = single_images(chain, measured, wanted, self._rows_of(measured.ids)[rows]) if measured else {}
            own = {column: cells[rows] for column, cells in columns.items()}
            with _states_that_fit(name):
                read = score_inputs(chain, tables_for(chain, wanted, values[rows], images), own)
                inputs.values[rows] = take_columns(read.values, read.names, score.names)
                with np.errstate(over="ignore", invalid="ignore"):
                    scores[rows] = called(FITTED, score, "apply", read.values, read.names, own)
        is_number = np.abs(scores) < LARGEST
        self._leave_out(name, has_values & ~is_number, f"the Radscore of {name} is no number that a model can take")
        return _ReadTissue(scores, inputs, wanted, blank & has_values[:, None])

    def _columns_read(self, tissue: str, chain: Sequence[FittedStep]) -> Columns:
        """The clinical columns (n,) that the steps read."""
        declared = {**self.frozen.settings["clinical"].get("columns", {}), **self.cohort.clinical.columns}
        try:
            return columns_read(chain, declared, self.frozen.model["covariates"], self.frame, self.ids)
        except DataError as error:
            raise _NotThereError(f"tissues.{tissue}: {str(error).rstrip('.')}") from None

    def _filled_columns(self, chain: Sequence[FittedStep]) -> list[str]:
        """The columns whose blanks a step of the chain fills."""
        transforms = self.registry.registered("register_transforms")
        fill = {name for name, (item, _) in transforms.items() if getattr(item, "fills_blanks", False)}
        return [name for step in chain if step.step in fill for name in step.fitted.names]

    def _tell_of_filled(self, tissue: str, read: _ReadTissue, keep: np.ndarray) -> list[Warn]:
        """A warning where features of patients that are kept (n,) were filled."""
        kept = np.zeros((0, 0), dtype=bool) if read.filled is None else read.filled[keep]
        if not kept.any():
            return []
        n_of = kept.sum(axis=0)
        listed = some(f"{read.wanted[j]} ({n_of[j]})" for j in np.argsort(-n_of, kind="stable") if n_of[j])
        n_patients = int(kept.any(axis=1).sum())
        return [warn.FILLED_FEATURES(tissue=tissue, n_patients=n_patients, n_all_patients=len(kept), listed=listed)]

    def _tabled(self, name: str, given: Tissue, wanted: list[str]) -> np.ndarray:
        """The features (n, k) from tables, of which the first reader's count."""
        tables = [open_joined(self.folder, readers[0], self.clinical_read) for readers in given.tables().values()]
        absent = [feature for feature in wanted if not any(feature in table for table in tables)]
        if absent:
            raise _NotThereError(
                f"tissues.{name}: {len(absent)} of {len(wanted)} features of the Radscore are in none of its tables:"
                f" {some(absent)}"
            )
        values = np.full((len(self.ids), len(wanted)), np.nan)
        left = set(wanted)
        where = f"tissues.{name}.features"
        for features in tables:
            ids = check_ids(features, self.id_column, where)
            rows = self._rows_of(ids)
            self._refuse_alike(rows < 0, ids, features.path.name, where)
            self._leave_out(name, rows < 0, f"not in {features.path.name}")
            own = [feature for feature in wanted if feature in left and feature in features]
            for feature in own:
                left.remove(feature)
                column = numbers(features, feature, ids, where)
                values[:, wanted.index(feature)] = np.where(rows >= 0, column[rows], np.nan)
            self.warnings += tell_of_coded(features.path, own, values[:, positions(wanted, own)].T)
        return values

    def _refuse_alike(self, is_absent: np.ndarray, ids: Sequence[str], table: str, where: str) -> None:
        """Patients (n,) whom a table has under an id in another writing would be left out for it."""
        known = set(self.ids)
        hint = told_alike((self.ids[i] for i in np.flatnonzero(is_absent)), (i for i in ids if i not in known))
        if hint:
            n = int(is_absent.sum())
            raise DataError(f"{where}: {n} patients of {self.path.name} are not in {table}.{hint}")

    def _measured(self, name: str, given: Tissue, wanted: list[str]) -> TissueImages:
        """The tissue as measured on images, where it has the features that are wanted."""
        tissue, warnings = self.measuring.tissue(name, given)
        self.warnings += warnings
        lost = [f for f in wanted if f not in tissue.names]
        if lost:
            raise _NotThereError(
                f"tissues.{name}: the images give no {some(lost)}, which the Radscore needs by the study's extraction"
                " settings"
            )
        for patient, reason in tissue.aside:
            self._leave_out(name, np.array([i == patient for i in self.ids]), reason)
        return tissue

    def _values_of(self, measured: TissueImages, wanted: Sequence[str]) -> np.ndarray:
        """These features (n, k), by the first reader's masks."""
        rows = self._rows_of(measured.ids)
        values = np.full((len(self.ids), len(wanted)), np.nan)
        values[rows >= 0] = measured.used[np.ix_(rows[rows >= 0], positions(measured.names, wanted))]
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
            self._leave_out(want.variable, where, reason)

    def _leave_out(self, variable: str, where: np.ndarray, reason: str) -> None:
        self.aside.setdefault(variable, []).append((where, reason))
