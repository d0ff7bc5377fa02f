"""The clinical table: who is analysed, their outcome, covariates, and scores given as columns."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prldh.core import Cohort, Covariate, DataError, Warn, same_text, shown, warn
from prldh.data.cells import PLACEHOLDERS
from prldh.data.coded import coded_levels, tell_of_coded
from prldh.data.ids import ids_of, refuse_alike, refuse_doubled, seen, tell_of_alike
from prldh.data.numeric import numbers, refuse_extreme, refuse_failed_cells
from prldh.data.table_files import and_more, refuse_unwritable
from prldh.data.tables import Column, Table, column_of, open_table, some, tell_of_hidden
from prldh.study import Study, as_unquoted

if TYPE_CHECKING:
    import pandas as pd


def read_cohort(study: Study, folder: Path, aside: Mapping[str, str] | None = None) -> tuple[Cohort, list[Warn]]:
    """Read the clinical table of a study.

    ``aside`` are patients who are left out as their images could not be measured → the reason.

    Patients with a blank covariate or score are left out and listed, or an error, as ``missing`` says; with
    ``multiple_imputation`` those with a blank covariate stay, as scores alone cannot be imputed; with ``by_model`` all
    stay, and every model takes those without blanks in its own terms. A blank outcome is an error, or the patient is
    left out and listed, as ``missing_outcome`` says.

    Patients stand in the order of their ids, whatever the table's: every draw goes by patient, and nobody can shop for
    an order.

    Raises
    ------
    DataError
        For a missing file or column, doubled ids, an outcome that is not two values, text among numbers,
        a level that is not declared, a covariate that cannot be imputed.
    """
    import pandas as pd

    clinical = study.clinical
    path = folder / clinical.table
    frame = open_table(path, clinical.read)
    named = ids_of(frame, clinical.id, "clinical.id")
    is_numbered = clinical.patient is not None and not any(t.tables() or t.images for t in study.tissues.values())
    ids = refuse_doubled(number_ids(named, frame) if is_numbered else named, path)
    patients = None if clinical.patient is None else patients_of(frame, clinical.patient, ids)
    column = column_of(frame, clinical.outcome, "clinical.outcome")
    refuse_failed_cells(column, path, ids)
    has_outcome = (column != "").to_numpy() | (study.missing_outcome == "error")
    outcome = np.zeros(len(ids), dtype=np.int8)
    outcome[has_outcome], non_event, event = read_outcome(column[has_outcome], ids, clinical.event, path)
    _refuse_ambiguous(study, frame, path)
    covariates: list[Covariate] = []
    merged = _told_of_levels(
        column[has_outcome], (non_event, event), clinical.outcome, frame.as_written(clinical.outcome)
    )
    columns: dict[str, np.ndarray | pd.Categorical[Any]] = {}
    for name, settings in clinical.covariates.items():
        if settings.type == "continuous":
            covariates.append(Covariate(name, "continuous"))
            values = numbers(frame, name, ids, "clinical.covariates")
            refuse_extreme([name], values[:, None], path)
            columns[name] = values
        else:
            column = column_of(frame, name, "clinical.covariates")
            refuse_failed_cells(column, path, ids)
            levels = _levels(column, settings.levels, name, ids, path)
            merged += _told_of_levels(column, levels, name, frame.as_written(str(column.name)), may_be_coded=True)
            covariates.append(Covariate(name, settings.type, levels))
            columns[name] = _factor(column, levels)
    given = {
        name: numbers(frame, tissue.radscore, ids, f"tissues.{name}.radscore")
        for name, tissue in study.tissues.items()
        if tissue.radscore is not None
    }
    for name, score in given.items():
        refuse_extreme([str(study.tissues[name].radscore)], score[:, None], path)
    beside: dict[str, np.ndarray] = {}
    for name, source in clinical.columns.items():
        column = column_of(frame, source, f"clinical.columns.{name}")
        refuse_failed_cells(column, path, ids)
        levels = _levels(column, None, name, ids, path)
        merged += _told_of_levels(column, levels, name, frame.as_written(str(column.name)))
        level_of = {same_text(level): level for level in levels}
        beside[name] = np.array([level_of.get(same_text(cell), "") for cell in column], dtype=object)
    by_id = np.array(sorted(range(len(ids)), key=ids.__getitem__))
    coded = _tell_of_coded(study, frame, columns, given)
    ids, outcome, has_outcome = tuple(ids[i] for i in by_id), outcome[by_id], has_outcome[by_id]
    table = pd.DataFrame(columns, index=range(len(by_id))).iloc[by_id].reset_index(drop=True)
    scores = pd.DataFrame(given, index=range(len(by_id))).iloc[by_id].reset_index(drop=True)
    keep, excluded, warnings = _complete(table, scores, has_outcome, ids, study, path)
    if aside:
        reasons = dict(excluded)
        keep &= np.array([i not in aside for i in ids])
        excluded = tuple((i, reasons.get(i) or aside[i]) for i in ids if i in reasons or i in aside)
    cohort = Cohort(
        ids=tuple(np.array(ids, dtype=object)[keep]),
        outcome=outcome[keep],
        table=table[keep].reset_index(drop=True),
        scores=scores[keep].reset_index(drop=True),
        covariates=tuple(covariates),
        excluded=excluded,
        outcome_name=clinical.outcome,
        event=event,
        non_event=non_event,
        columns={name: values[by_id][keep] for name, values in beside.items()},
        patients=None if patients is None else tuple(np.array(patients, dtype=object)[by_id][keep]),
    )
    _check_outcome_left(cohort, path)
    imputed = (
        _blank_covariates(cohort, path, study.imputation.imputations) if study.missing == "multiple_imputation" else []
    )
    return cohort, [
        *tell_of_hidden(frame),
        *_tell_of_rows(cohort),
        *merged,
        *coded,
        *tell_of_alike(ids, path),
        *warnings,
        *absent_levels(cohort),
        *imputed,
    ]


def _tell_of_coded(
    study: Study, frame: Table, columns: Mapping[str, Any], given: Mapping[str, np.ndarray]
) -> list[Warn]:
    """Of numbers that may stand for blanks, among the covariates and Radscores that are numbers."""
    read = {str(study.tissues[name].radscore): score for name, score in given.items()}
    read |= {name: values for name, values in columns.items() if isinstance(values, np.ndarray)}
    return tell_of_coded(frame.path, list(read), read.values())


def _tell_of_rows(cohort: Cohort) -> list[Warn]:
    """Of how many patients the rows are, where several may be one's."""
    if cohort.patients is None:
        return []
    n, events = cohort.n_patients
    return [warn.CLUSTERED(n=cohort.n, n_patients=n, n_events=events)]


def number_ids(named: Column, frame: Table) -> Column:
    """Ids that stand several times numbered, in the order of their rows' content: nothing else is joined on them."""
    ids = named.series()
    if not ids.duplicated().any():
        return named
    own = frame.as_text().set_index(ids.index).assign(**{str(ids.name): ids})
    own = own.sort_values(list(own.columns), kind="stable")
    number = own.groupby(str(ids.name), sort=False).cumcount().add(1).astype(str)
    is_one = ~ids.duplicated(keep=False) | (ids == "")
    return replace(named, cells=ids.where(is_one, ids + " #" + number.reindex(ids.index)).to_numpy(object))


def patients_of(frame: Table, name: str, ids: tuple[str, ...]) -> tuple[str, ...]:
    """Whose each row is, as text."""
    column = ids_of(frame, name, "clinical.patient")
    blank = np.flatnonzero(column.cells == "")
    if blank.size:
        raise DataError(
            f"{frame.path.name}: the patient '{shown(name)}' is blank in row {column.index[blank[0]]} (id"
            f" {shown(ids[blank[0]])}){and_more(blank.size)}. Say whose row it is."
        )
    owners = tuple(column)
    refuse_alike(owners, f"{frame.path.name}: a patient of '{shown(name)}'")
    return owners


def absent_levels(cohort: Cohort) -> list[Warn]:
    """Levels that no analysed patient has, which have no coefficient; most of all a reference that is another than was
    declared."""
    warnings = []
    for covariate in cohort.covariates:
        if not covariate.levels:
            continue
        values = set(cohort.table[covariate.name].dropna())
        present = [level for level in covariate.levels if level in values]
        absent = [level for level in covariate.levels if level not in values]
        if absent and present:
            reference = (
                f"; '{shown(present[0])}' is the reference instead of '{shown(absent[0])}'"
                if covariate.levels[0] in absent
                else ""
            )
            warnings.append(
                warn.ABSENT_LEVELS(covariate=covariate.name, levels=some(map(repr, absent)), reference=reference)
            )
        if len(present) == 1:
            warnings.append(warn.ONE_LEVEL(covariate=covariate.name, level=present[0]))
    return warnings


def _refuse_ambiguous(study: Study, frame: Table, path: Path) -> None:
    for name, tissue in study.tissues.items():
        if name in frame.columns and tissue.radscore != name:
            raise DataError(
                f"tissues.{name}: {path.name} has a column '{name}' too, which is not this tissue's radscore. Rename"
                " the tissue or the column."
            )


def texts_of_event(event: object) -> tuple[str, ...]:
    """What cells may hold, as :func:`~prldh.core.same_text` has them, that means the event."""
    return (
        ("yes", "true", "1") if event is True else ("no", "false", "0") if event is False else (same_text(str(event)),)
    )


def read_outcome(column: pd.Series, ids: tuple[str, ...], event: object, path: Path) -> tuple[np.ndarray, str, str]:
    """The outcome (n,) int8, and what the table has for no event and for the event.

    Raises
    ------
    DataError
        For a blank cell, values that are not two, or an event that does not occur.
    """
    where = f"outcome column '{shown(column.name)}' of {path.name}"
    blank = np.flatnonzero((column == "").to_numpy())
    if blank.size:
        i = blank[0]
        raise DataError(
            f"{where} is blank in row {column.index[i]} (patient {shown(ids[i])}){and_more(blank.size)}. Fill it in,"
            " remove the row, or set missing_outcome: leave_out."
        )
    refuse_unwritable(column.unique(), path, f"a value of the outcome '{shown(column.name)}'")
    canonical = column.map(same_text)
    values = sorted(canonical.unique())
    as_written = {c: column[canonical == c].min() for c in values}
    if len(values) != 2:
        counts = ", ".join(f"'{shown(as_written[c])}' ({int((canonical == c).sum())})" for c in values[:6])
        do = (
            "The outcome must have exactly two values, one of them the event"
            if len(values) > 2
            else "Without both values nothing can be compared"
        )
        counts_of = {as_written[c]: int((canonical == c).sum()) for c in values}
        coded = coded_levels(counts_of)
        doubtful = [each for each in counts_of if each.casefold() in PLACEHOLDERS or each in coded]
        if doubtful and len(values) > 2:
            do += (
                f"; or say read: {{missing: [{', '.join(_quoted(shown(each)) for each in doubtful)}]}} under clinical"
                " and missing_outcome: leave_out, if that stands for a blank"
            )
        raise DataError(
            f"{where} has {len(values)} value{'s' * (len(values) > 1)}: {counts}{' …' if len(values) > 6 else ''}."
            f" {do}."
        )
    match = [v for v in values if v in texts_of_event(event)]
    if not match:
        raise DataError(
            f"clinical.event: '{shown(event)}' does not occur in {where}, which has"
            f" {' and '.join(repr(shown(as_written[v])) for v in values)}. Set event to one of them."
        )
    is_event = (canonical == match[0]).to_numpy()
    other = next(v for v in values if v != match[0])
    return is_event.astype(np.int8), as_written[other], as_written[match[0]]


def _levels(
    column: pd.Series, declared: list[str] | None, name: str, ids: tuple[str, ...], path: Path
) -> tuple[str, ...]:
    present = column[column != ""]
    refuse_unwritable(present.unique(), path, f"a value of the column '{shown(name)}'")
    if declared is None:
        by_value = {same_text(v): v for v in sorted(present.unique(), key=lambda v: (-len(v), v))}
        keys = list(by_value)
        try:
            keys.sort(key=float)
        except ValueError:
            keys.sort(key=lambda k: by_value[k])
        return tuple(by_value[k] for k in keys)
    known = {same_text(v) for v in declared}
    strange = present[~present.map(same_text).isin(known)]
    if len(strange):
        i = int(np.flatnonzero(column.index == strange.index[0])[0])
        number = as_unquoted(strange.iloc[0])
        is_unquoted = number != strange.iloc[0] and same_text(number) in known
        do = (
            f"Quote it in the study file ('{shown(strange.iloc[0])}'), which reads it as {number} without quotes"
            if is_unquoted
            else "Declare or correct it"
        )
        raise DataError(
            f"{path.name}, row {strange.index[0]} (patient {shown(ids[i])}), column '{shown(name)}':"
            f" '{shown(strange.iloc[0])}' is not among the declared levels"
            f" ({some(declared, 12)}){f'; {strange.nunique()} such values' if strange.nunique() > 1 else ''}."
            f" {do}."
        )
    return tuple(declared)


def _told_of_levels(
    column: pd.Series, levels: tuple[str, ...], name: str, written: pd.Series, may_be_coded: bool = False
) -> list[Warn]:
    """What is told of a column of text: cells that are read as a level though they are written otherwise, levels that
    differ in case or spaces alone, and levels that may stand for blanks; numbers among them where it ``may_be_coded``,
    as a hospital's number is no code. ``written``: the column with the spaces around its cells."""
    counts = Counter(cell for cell in column if cell != "")
    level_of = {same_text(level): level for level in levels}
    as_one = {cell: level_of[same_text(cell)] for cell in counts if cell not in levels}
    warnings = [
        warn.LEVELS_AS_ONE(covariate=name, n=counts[cell], cell=seen(cell), level=level)
        for cell, level in sorted(as_one.items())
    ]
    padded = Counter(raw for cell, raw in zip(column, written[column.index], strict=True) if cell != "" and cell != raw)
    bare = counts - Counter(raw.strip() for raw in padded.elements())
    warnings += [
        warn.LEVELS_AS_ONE(covariate=name, n=n, cell=seen(raw), level=level_of[same_text(raw)])
        for raw, n in sorted(padded.items())
        if raw.strip() and bare[raw.strip()]
    ]
    n_of: Counter[str] = Counter()
    for cell, n in counts.items():
        n_of[level_of[same_text(cell)]] += n
    alike: dict[str, list[str]] = {}
    for level in levels:
        if n_of[level]:
            alike.setdefault(" ".join(same_text(level).casefold().split()), []).append(level)
    for several in alike.values():
        if len(several) > 1:
            listed = ", ".join(f"'{shown(level)}' ({n_of[level]})" for level in several)
            warnings.append(warn.ALIKE_LEVELS(covariate=name, listed=listed))
    coded = coded_levels({level: n_of[level] for level in levels if n_of[level]}) if may_be_coded else []
    doubtful = [level for level in levels if n_of[level] and (level.casefold() in PLACEHOLDERS or level in coded)]
    if doubtful:
        n = sum(n_of[level] for level in doubtful)
        warnings.append(
            warn.PLACEHOLDER_LEVELS(
                covariate=name,
                listed=" and ".join(
                    f"{n_of[level]} cell{'s' * (n_of[level] > 1)} with '{shown(level)}'" for level in doubtful
                ),
                are="are" if n > 1 else "is",
                levels="levels" if len(doubtful) > 1 else "a level",
                quoted=", ".join(map(_quoted, doubtful)),
            )
        )
    return warnings


def _quoted(text: str) -> str:
    """Text as a study file quotes it."""
    return json.dumps(text, ensure_ascii=False)


def _factor(column: pd.Series, levels: tuple[str, ...]) -> pd.Categorical[Any]:
    import pandas as pd

    code = {same_text(level): i for i, level in enumerate(levels)}
    codes = [code[same_text(v)] if v != "" else -1 for v in column]
    return pd.Categorical.from_codes(codes, categories=pd.Index(levels))


def _complete(
    table: pd.DataFrame,
    scores: pd.DataFrame,
    has_outcome: np.ndarray,
    ids: tuple[str, ...],
    study: Study,
    path: Path,
) -> tuple[np.ndarray, tuple[tuple[str, str], ...], list[Warn]]:
    """Who stays (n,), who is left out and why."""
    import pandas as pd

    needed = {"by_model": scores[[]], "multiple_imputation": scores}.get(
        study.missing, pd.concat([table, scores], axis=1)
    )
    blank = needed.isna().to_numpy(dtype=bool)
    keep = has_outcome & ~blank.any(axis=1)
    names = [
        ", ".join([study.clinical.outcome] * (not known) + list(dict.fromkeys(needed.columns[row])))
        for known, row in zip(has_outcome, blank, strict=True)
    ]
    excluded = tuple((ids[i], f"blank: {names[i]}") for i in np.flatnonzero(~keep))

    def left_out(rows: np.ndarray, what: str, listed: str) -> Warn:
        count = f"{rows.size} of {len(ids)} patients {'was' if rows.size == 1 else 'were'}"
        return warn.LEFT_OUT_BLANK(count=count, what=what, listed=listed)

    warnings = []
    without_outcome, rows = np.flatnonzero(~has_outcome), np.flatnonzero(has_outcome & ~keep)
    if without_outcome.size:
        warnings.append(left_out(without_outcome, "outcomes", some([ids[i] for i in without_outcome])))
    if rows.size:
        listed = some([f"{shown(ids[i])} ({names[i]})" for i in rows], limit=400)
        if study.missing == "error":
            raise DataError(
                f"{path.name}: {_patients(rows.size, 'has', 'have')} blank covariates: {listed}. Fill them in, or set"
                " missing: complete_case, by_model or multiple_imputation."
            )
        what = "Radscores, which are not imputed" if study.missing == "multiple_imputation" else "covariates"
        warnings.append(left_out(rows, what, listed))
    return keep, excluded, warnings


def _blank_covariates(cohort: Cohort, path: Path, n_imputations: int) -> list[Warn]:
    """What is to be imputed so many times, told.

    Raises
    ------
    DataError
        Where the observed values of a covariate with blanks are all the same, or there is none.
    """
    if cohort.is_complete:
        return []
    blank = cohort.table.isna()
    counts = {name: int(blank[name].sum()) for name in cohort.incomplete}
    for name, n in counts.items():
        values = cohort.table[name].dropna().unique()
        if len(values) < 2:
            others = f" and has '{shown(values[0])}' in all others" if len(values) else ""
            raise DataError(
                f"{path.name}: column '{shown(name)}' is blank for {n} of"
                f" {_patients(cohort.n, 'that is analysed', 'that are analysed')}{others}, so there is nothing to"
                " impute from. Fill cells in, or remove the covariate."
            )
    cells, patients = sum(counts.values()), int(blank.any(axis=1).sum())
    listed = ", ".join(f"{name} ({n})" for name, n in counts.items())
    return [
        warn.IMPUTED(
            cells=f"{cells} blank cell{'s' * (cells > 1)}",
            listed=listed,
            patients=patients,
            n=cohort.n,
            are="are" if cells > 1 else "is",
        ),
        *([warn.IMPUTED_ONCE()] if n_imputations == 1 else []),
    ]


def _patients(count: int, one: str, several: str) -> str:
    return f"1 patient {one}" if count == 1 else f"{count} patients {several}"


def _check_outcome_left(cohort: Cohort, path: Path) -> None:
    if cohort.n_events in (0, cohort.n):
        left = "no events are" if cohort.n_events == 0 else "only events are"
        raise DataError(
            f"{path.name}: {left} among the {_patients(cohort.n, 'that is', 'that are')} left after"
            f" {len(cohort.excluded)} were left out:"
            f" {some((f'{shown(i)} ({reason})' for i, reason in cohort.excluded), limit=400)}. Fill"
            " in the blanks, remove the covariate, or mend the images."
        )
