"""The data of the folder: patients, resamples, imputations, features, refitted Radscores."""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from prldh.core import BOOTSTRAP, csv_cell, csv_of
from prldh.models.interaction import draw_interaction_rows
from prldh.reproduce.columns import PATIENT, Names

if TYPE_CHECKING:
    from prldh.models import Plan
    from prldh.validation import EngineRun

#: More refitted Radscores than this are left out, with scope ``pipeline`` of the models that need them: they would be
#: many megabytes.
MOST_REFITTED = 500_000


def write_cohort(plan: Plan, run: EngineRun, names: Names, folder: Path) -> None:
    cohort = plan.cohort
    table = pd.DataFrame({"id": cohort.ids, "outcome": cohort.outcome})
    if cohort.patients is not None:
        table[PATIENT] = cohort.patients
    for name, column in names.covariates.items():
        table[column] = _as_text(cohort.table[name])
    for name, column in names.tissues.items():
        table[column] = run.fits[name].fitting
    for name, column in names.applied.items():
        table[column] = run.fits[name].values
    _write_csv(folder / "cohort.csv", table, plan)


def _as_text(column: pd.Series) -> pd.Series:
    """Levels as text, blanks empty; numbers as they are."""
    return column if column.dtype.kind == "f" else column.astype(object).where(column.notna(), "")


def write_resamples(plan: Plan, folder: Path) -> None:
    """Folds by patient; bootstrap samples as counts, one line a sample and one number a patient."""
    cohort = plan.cohort
    folds = []
    for scheme, (kind, resamples) in plan.schemes.items():
        if kind != BOOTSTRAP:
            folds += [(scheme, r.repeat + 1, r.fold + 1, cohort.ids[k]) for r in resamples for k in r.test]
        else:
            _write_counts(folder / f"drawn_{file_name(scheme)}.csv.gz", [r.train for r in resamples], cohort.n)
    if folds:
        _write_csv(folder / "folds.csv", pd.DataFrame(folds, columns=["scheme", "repetition", "fold", "id"]), plan)
    n_interaction = 0 if cohort.patients is not None else plan.study.performance.interaction_bootstrap
    for k, each in enumerate(plan.patients.values(), 1):
        if not each.has_both:
            continue
        n, draws = each.cohort.n, each.draws
        interaction = draw_interaction_rows(plan.study.seed, n, n_interaction)
        for name, rows in (
            ("bands", draws.patients),
            ("partial_areas", draws.stratified),
            ("interaction", interaction),
        ):
            _write_counts(folder / file_of_draws(name, k), rows, n)


def _write_counts(path: Path, rows: Iterable[np.ndarray], n: int) -> None:
    lines = [",".join(map(str, np.bincount(row, minlength=n))) for row in rows]
    if lines:
        _write_gz(path, "\n".join(lines) + "\n")


def write_imputations(plan: Plan, run: EngineRun, names: Names, folder: Path) -> None:
    """The completed columns of every imputation, one data set below the other."""
    if not plan.imputes:
        return
    tables = []
    for k, completed in enumerate(run.completed):
        columns = {names.covariates[name]: _as_text(completed.table[name]) for name in plan.cohort.incomplete}
        tables.append(
            pd.DataFrame({"imputation": k + 1, "id": plan.cohort.ids, **{c: list(v) for c, v in columns.items()}})
        )
    _write_csv(folder / "imputed.csv.gz", pd.concat(tables), plan)


def write_features(plan: Plan, run: EngineRun, folder: Path) -> None:
    """First reader's values of the features that make the Radscores or that the report lists, one line a feature;
    p-values of all."""
    lines = []
    screens = run.univariate.features if run.univariate else {}
    shown = {name: {each.feature for each in screen.smallest} for name, screen in screens.items()}
    for name, blocks in run.blocks.items():
        wanted = shown.get(name, set()) | {feature for _, feature in run.fits[name].features}
        lines += [
            (name, feature, *block.first[:, j])
            for block in blocks
            for j, feature in enumerate(block.names)
            if feature in wanted
        ]
    if lines:
        _write_csv(folder / "features.csv.gz", pd.DataFrame(lines), plan, header=False)
    if len(run.univariate_features):
        _write_csv(folder / "univariate_p.csv.gz", run.univariate_features[["tissue", "p"]], plan)


def write_refits(plan: Plan, run: EngineRun, folder: Path) -> bool:
    """Radscores and cutoffs that the learners made in every resample, one line a resample and tissue; whether they were
    written.

    Beside them, where there are any, the scores that each resample's model is made of: those of its training patients
    by fits on the others among them.
    """
    refits = [
        (scheme, r, name, refit[name])
        for scheme, of_scheme in run.refits.items()
        for r, refit in enumerate(of_scheme, 1)
        for name in plan.blocks
    ]
    cross_fitted = [each for each in refits if each[-1].cross_fitted is not None]
    if not 0 < (len(refits) + len(cross_fitted)) * plan.cohort.n <= MOST_REFITTED:
        return False
    formulas = plan.study.report.csv_formulas
    for file, rows in (
        ("refitted.csv.gz", [(*place, float(each.cutoff), each.values) for *place, each in refits]),
        ("cross_fitted.csv.gz", [(*place, float(each.cutoff), each.fitting) for *place, each in cross_fitted]),
    ):
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(
            [*(csv_cell(each, formulas) for each in place), *np.asarray(values, dtype=float).tolist()]
            for *place, values in rows
        )
        if rows:
            _write_gz(folder / file, text.getvalue())
    return True


def write_chosen(plan: Plan, run: EngineRun, folder: Path) -> None:
    """The way that was chosen in every resample, with its second stage."""
    if run.choosing is None:
        return
    rows = [
        (scheme, r, way, plan.protocols[way].second_stage)
        for scheme, ways in run.choosing.chosen.items()
        for r, way in enumerate(ways, 1)
    ]
    columns = ["scheme", "resample", "protocol", "second_stage"]
    _write_csv(folder / "chosen.csv", pd.DataFrame(rows, columns=columns), plan)


def file_name(scheme: str) -> str:
    return re.sub(r"\W", "_", scheme)


def _write_csv(path: Path, table: pd.DataFrame, plan: Plan, header: bool = True) -> None:
    """A table, packed where its name says so."""
    text = csv_of(table, plan.study.report.csv_formulas, header)
    if path.suffix == ".gz":
        _write_gz(path, text)
    else:
        path.write_text(text, encoding="utf-8", newline="")


def _write_gz(path: Path, text: str) -> None:
    """Compressed without name and time, so that a second run writes the same bytes."""
    raw = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as stream:
        stream.write(text.encode("utf-8"))
    path.write_bytes(raw.getvalue())


def file_of_draws(name: str, k: int) -> str:
    """Of the k-th patients, from 1: everyone."""
    return f"drawn_{name}{f'_{k}' if k > 1 else ''}.csv.gz"
