"""Finished runs beside each other: settings and patients that differ, and every number of one with that of the others.

Reads what runs wrote (``results.json``, ``predictions.csv``) and arranges it; computes no statistic.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prldh.core import (
    CsvFormulas,
    DataError,
    cell_of_csv,
    file_at,
    formulas_of,
    given_path,
    is_there,
    listed,
    shown,
)
from prldh.results import (
    differing_settings,
    finished,
    folder_of,
    make_tables,
    read_provenance,
    read_results,
    shown_setting,
)

#: What rows of the tables are known by, in this order; a table whose rows are not each known by these is no table of
#: single numbers, but a curve.
ROWS_BY = (
    "tissue",
    "source",
    "column",
    "group",
    "protocol",
    "learner",
    "model",
    "name",
    "radscore",
    "adjusted",
    "of",
    "a",
    "b",
    "measure",
    "scope",
    "scheme",
    "step",
    "setting",
    "variable",
    "term",
    "level",
    "feature",
    "first",
    "second",
)
#: Stands between what a row is of: model, scope, scheme.
BETWEEN = "; "
#: Tables that are no numbers of the study's, or whose numbers other tables have.
LEFT_OUT = (
    "agreement",
    "warnings",
    "excluded",
    "scores",
    "dropped_features",
    "features_ibsi",
    "size_by_seed",
    "measures",
)


@dataclass(frozen=True)
class RunComparison:
    """Runs beside each other; each table has one column a run, by its label.

    Attributes
    ----------
    runs
        One row a run: its label, folder, title, patients, events and models.
    settings
        The settings that differ, by key; as text, ``(absent)`` where a run has no such key.
    patients
        The patients who differ, by id: analysed in some runs alone, left out for another reason, or with another
        outcome.
    numbers
        Every number of the tables: of which ``table``, of ``what`` (model, scope, scheme …) and ``number``;
        ``is_equal``: exactly the same in all runs. NaN where a run has no such number.
    features
        The features of the Radscores, by tissue; whether each run's selection kept them.
    choice
        What ``choose`` chose, how, and its rule, in words.
    notes
        What could not be compared, and why; and which files that the runs read are others by content.
    csv_formulas
        Whether formulas are escaped, as one of the runs says.
    """

    runs: pd.DataFrame
    settings: pd.DataFrame
    patients: pd.DataFrame
    numbers: pd.DataFrame
    features: pd.DataFrame
    choice: pd.DataFrame
    notes: tuple[str, ...] = ()
    csv_formulas: CsvFormulas = "warn"

    @property
    def labels(self) -> tuple[str, ...]:
        """What the runs are called: the names of their folders, with as much of the path as tells them apart."""
        return tuple(self.runs["run"])

    @property
    def is_equal(self) -> bool:
        """Whether settings, patients, features and every number are the same."""
        return not len(self.settings) and not len(self.patients) and self.has_equal_numbers

    @property
    def has_equal_numbers(self) -> bool:
        """Whether every number, the selected features and the choice are the same."""
        tables = (self.features, self.choice)
        return bool(self.numbers["is_equal"].all()) and all(len(t) == 0 or t["is_equal"].all() for t in tables)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by name."""
        names = ("runs", "settings", "patients", "numbers", "features", "choice")
        return {name: getattr(self, name) for name in names}


def compare_runs(runs: Sequence[str | os.PathLike]) -> RunComparison:
    """``prldh compare``: finished runs beside each other.

    Parameters
    ----------
    runs
        Output folders of ``analyze`` (or their ``results.json``), two or more.

    Raises
    ------
    DataError
        For fewer than two runs, the same run twice, a folder without results, or results of another schema.
    """
    found = "None" if runs is None else shown(type(runs).__name__)
    if isinstance(runs, (str, bytes, os.PathLike)) or not isinstance(runs, Iterable):
        raise DataError(f"runs: a list of output folders is compared; found {found}. Give two or more.")
    folders = [_folder_of(given_path(run, "runs")) for run in runs]
    if len(folders) < 2:
        raise DataError(f"compare takes two runs or more, found {len(folders)}. Name another output folder.")
    seen: dict[str, Path] = {}
    for folder in folders:
        before = seen.setdefault(os.path.realpath(folder), folder)
        if before is not folder:
            also = "" if before == folder else f" (as {before} too)"
            raise DataError(f"{folder} is given twice{also}. Name each run once.")
    with finished(*folders):
        return _compare(folders)


def _compare(folders: Sequence[Path]) -> RunComparison:
    data, tables = zip(*map(_whole, folders), strict=True)
    labels = _labels(folders)
    patients, notes = _patients(folders, labels, data)
    return RunComparison(
        _runs(folders, labels, data),
        _settings(labels, data),
        patients,
        _numbers(labels, tables),
        _features(labels, data),
        _choice(labels, data),
        (*notes, *_changed_files(folders)),
        "escape" if any(map(_escapes, data)) else "warn",
    )


def _changed_files(folders: Sequence[Path]) -> list[str]:
    """What runs read under one name and with another content, in one note: numbers differ by them where no setting
    does."""
    contents: dict[str, set[str]] = {}
    for folder in folders:
        with suppress(DataError):  # of a file that was altered nothing is known
            for each in (read_provenance(folder) or {}).get("files", ()):
                contents.setdefault(each["path"], set()).add(each["sha256"])
    changed = [shown(path, 240) for path in sorted(contents) if len(contents[path]) > 1]
    return [f"what the runs read is not the same: {listed(changed)} changed between them"] if changed else []


def _escapes(data: Mapping[str, Any]) -> bool:
    return formulas_of(data["study"].get("settings") or {}) == "escape"


def _folder_of(run: Path) -> Path:
    """The folder of a run; of one whose results are not there the message says what is."""
    if not is_there(run):
        raise DataError(f"{run} is not there. Give the output folder of `prldh analyze`.")
    return folder_of(run)


def _whole(folder: Path) -> tuple[dict[str, Any], dict[str, pd.DataFrame]]:
    """The results of a run and their tables."""
    data = read_results(folder)
    return data, make_tables(data)


#: Columns of the tables beside those of the runs.
COLUMNS = frozenset(
    ("run", "setting", "id", "table", "what", "number", "tissue", "feature", "is_equal", "part", "name")
)


def _labels(folders: Sequence[Path]) -> list[str]:
    """The last parts of the paths, as many as tell the runs apart, and them from the other columns."""
    parts = [Path(os.path.realpath(folder)).parts for folder in folders]
    for n in range(1, max(map(len, parts)) + 1):
        labels = ["/".join(part for part in own[-n:] if part != os.sep) for own in parts]
        if len({*labels, *COLUMNS}) == len(labels) + len(COLUMNS):
            return labels
    return [str(folder) for folder in folders]


def _runs(folders: Sequence[Path], labels: Sequence[str], data: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "run": label,
                "folder": str(folder),
                "title": each["study"]["title"],
                "n": each["cohort"]["n"],
                "events": each["cohort"]["events"],
                "n_excluded": len(each["cohort"]["excluded"]),
                "n_models": len(each["models"]),
                "seed": each["study"].get("seed"),
                "engine": each["engines"]["reported"],
            }
            for label, folder, each in zip(labels, folders, data, strict=True)
        ]
    )


def _settings(labels: Sequence[str], data: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    differs = differing_settings(*(each["study"].get("settings") or {} for each in data))
    rows = [
        {"setting": each.key, **dict(zip(labels, map(shown_setting, each.values), strict=True))} for each in differs
    ]
    return pd.DataFrame(rows, columns=["setting", *labels])


# ---------------------------------------------------------------- patients


def _patients(
    folders: Sequence[Path], labels: Sequence[str], data: Sequence[Mapping[str, Any]]
) -> tuple[pd.DataFrame, list[str]]:
    """The patients whose lot is not the same in all runs, and what is not known."""
    lots, notes = [], []
    for folder, label, each in zip(folders, labels, data, strict=True):
        known = _lots(folder, each)
        if known is None:
            notes.append(
                f"the patients of {label} are not known: {folder / 'predictions.csv'} is missing or cannot be read"
            )
        lots.append(known)
    columns = ["id", *labels]
    if any(lot is None for lot in lots):
        return pd.DataFrame(columns=columns), notes
    everyone = sorted({patient for lot in lots for patient in lot or {}})
    rows = []
    for patient in everyone:
        own = [(lot or {}).get(patient, "not in this run") for lot in lots]
        if len(set(own)) > 1:
            rows.append({"id": patient, **dict(zip(labels, own, strict=True))})
    return pd.DataFrame(rows, columns=columns), notes


def _lots(folder: Path, data: Mapping[str, Any]) -> dict[str, str] | None:
    """By patient ``outcome = value`` or ``left out: reason``; None where the file of predictions is lost."""
    try:
        table = pd.read_csv(
            file_at(folder / "predictions.csv"), usecols=["id", "outcome"], dtype=str, keep_default_na=False
        )
    except (OSError, ValueError):
        return None
    cohort, formulas = data["cohort"], formulas_of(data["study"].get("settings") or {})
    ids = [cell_of_csv(cell, formulas) for cell in table["id"]]
    words = {"1": cohort.get("event", "1"), "0": cohort.get("non_event", "0")}
    name = cohort.get("outcome", "outcome")
    lots = {
        patient: f"{name} = {words.get(outcome, outcome)}"
        for patient, outcome in zip(ids, table["outcome"], strict=True)
    }
    return lots | {each["id"]: f"left out: {each['reason']}" for each in cohort["excluded"]}


# ---------------------------------------------------------------- numbers


def _numbers(labels: Sequence[str], every: Sequence[Mapping[str, pd.DataFrame]]) -> pd.DataFrame:
    rows = []
    for name in dict.fromkeys(name for tables in every for name in tables if name not in LEFT_OUT):
        by_run = [_by_row(tables.get(name)) for tables in every]
        if any(own is None for own in by_run):
            continue
        of_rows: list[dict[str, dict[str, float]]] = [own for own in by_run if own is not None]
        for what in dict.fromkeys(what for own in of_rows for what in own):
            cells = [own.get(what, {}) for own in of_rows]
            for number in dict.fromkeys(number for own in cells for number in own):
                values = [own.get(number, np.nan) for own in cells]
                if all(map(np.isnan, values)):
                    continue
                is_equal = all(_is_equal(values[0], value) for value in values[1:])
                rows.append(
                    {"table": name, "what": what, "number": number}
                    | dict(zip(labels, values, strict=True))
                    | {"is_equal": is_equal}
                )
    return pd.DataFrame(rows, columns=["table", "what", "number", *labels, "is_equal"])


def _is_equal(first: float, second: float) -> bool:
    return first == second or (np.isnan(first) and np.isnan(second))


def _by_row(table: pd.DataFrame | None) -> dict[str, dict[str, float]] | None:
    """The numbers of every row, by what the row is of; None where rows are points of a curve."""
    if table is None:
        return {}
    keys = [key for key in ROWS_BY if key in table and not _is_number(table[key])]
    if not keys and len(table) > 1:
        return None
    columns = [str(c) for c in table if c not in keys and _is_number(table[c])]
    rows: dict[str, dict[str, float]] = {}
    for _, row in table.iterrows():
        what = BETWEEN.join(_key_text(key, row[key]) for key in keys if _is_told(row[key])) or "all"
        if what in rows:
            return None
        rows[what] = {column: _number(row[column]) for column in columns}
    return rows


def _is_number(column: pd.Series) -> bool:
    """Whether a column holds numbers, blanks aside."""
    if column.dtype.kind in "iuf":
        return bool(column.notna().any())
    held = [value for value in column if value is not None and not (isinstance(value, float) and np.isnan(value))]
    return bool(held) and all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in held)


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _is_told(value: Any) -> bool:
    return value not in (None, "", False) and not (isinstance(value, float) and np.isnan(value))


def _key_text(key: str, value: Any) -> str:
    return key if value is True else str(value)


# ---------------------------------------------------------------- features and choice


def _features(labels: Sequence[str], data: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    kept = [
        {
            (name, feature)
            for name, tissue in each["tissues"].items()
            if tissue["selection"]
            for feature in tissue["selection"]["features"]
        }
        for each in data
    ]
    rows = []
    for name, feature in dict.fromkeys(pair for own in kept for pair in sorted(own)):
        has = [(name, feature) in own for own in kept]
        rows.append(
            {"tissue": name, "feature": feature}
            | dict(zip(labels, has, strict=True))
            | {"is_equal": len(set(has)) == 1}
        )
    return pd.DataFrame(rows, columns=["tissue", "feature", *labels, "is_equal"])


def _choice(labels: Sequence[str], data: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    choices = [each.get("choice") or {} for each in data]
    rows = []
    for key in ("chosen", "rule", "measure", "model", "folds", "because"):
        own = ["none" if choice.get(key) is None else str(choice[key]) for choice in choices]
        if any(choices):
            rows.append({"what": key} | dict(zip(labels, own, strict=True)) | {"is_equal": len(set(own)) == 1})
    return pd.DataFrame(rows, columns=["what", *labels, "is_equal"])
