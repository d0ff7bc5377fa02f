"""Feature tables of one reader or more, joined to the cohort on the patient id."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from prldh.core import NO_BLANKS, Blanks, Cohort, DataError, FeatureBlock, StudyError, Warn, shown, warn
from prldh.data.coded import tell_of_coded
from prldh.data.contents import ROW_NAMES
from prldh.data.ids import check_ids, same_id, told_alike
from prldh.data.imaging import Images
from prldh.data.numeric import first_bad, refuse_extreme, why_no_number
from prldh.data.table_files import and_more
from prldh.data.tables import Table, open_joined, some, tell_of_hidden
from prldh.study import Study, TableFile


def read_features(
    study: Study, folder: Path, cohort: Cohort, images: Images, blanks: Blanks = NO_BLANKS
) -> tuple[dict[str, tuple[FeatureBlock, ...]], list[Warn]]:
    """Feature blocks of every tissue that has tables or was measured on images, one block a source. Blanks that are
    allowed are NaN.

    Raises
    ------
    DataError
        Missing files, ids that do not match, readers with different columns, blanks that are not allowed, a patient of
        whom reader 1 has none of the features, text, infinite values, the outcome among the features, nothing but
        constants.
    """
    blocks: dict[str, tuple[FeatureBlock, ...]] = {}
    warnings: list[Warn] = []
    for name, tissue in study.tissues.items():
        if tissue.images is not None:
            blocks[name], block_warnings = images.tissues[name].blocks(cohort.ids, blanks)
            warnings += block_warnings
            _refuse_shared_names(name, list(blocks[name]))
            continue
        tissue_blocks = []
        for source, tables in tissue.tables().items():
            block, block_warnings = _read_block(name, source, tables, study, folder, cohort, blanks)
            tissue_blocks.append(block)
            warnings += block_warnings
        if tissue_blocks:
            _refuse_shared_names(name, tissue_blocks)
            blocks[name] = tuple(tissue_blocks)
    return blocks, warnings


def _read_block(
    tissue: str, source: str, tables: list[TableFile], study: Study, folder: Path, cohort: Cohort, blanks: Blanks
) -> tuple[FeatureBlock, list[Warn]]:
    readers: list[tuple[tuple[str, ...], np.ndarray, Path]] = []
    warnings: list[Warn] = []
    paths = [folder / table.path for table in tables]
    real = [(os.path.realpath(path), table.read.sheet) for path, table in zip(paths, tables, strict=True)]
    for k, path in enumerate(paths):
        if real[k] in real[:k]:
            raise StudyError(
                f"tissues.{tissue}.features: {path.name} is given for two readers. Give the other reader's table, or"
                " leave it out."
            )
    for path, reader in zip(paths, tables, strict=True):
        names, values, reader_warnings = _read_reader(tissue, reader, study, folder, cohort, blanks)
        readers.append((names, values, path))
        warnings += [w for w in reader_warnings if w not in warnings]
    names, first, path = readers[0]
    _refuse_nothing_but_blanks(first, cohort, path)
    others: list[np.ndarray] = []
    for other, values, other_path in readers[1:]:
        if set(other) != set(names):
            only_first, only_second = (
                [n for n in names if n not in set(other)],
                [n for n in other if n not in set(names)],
            )
            raise DataError(
                f"tissues.{tissue}: the readers' tables have different features: only in {path.name}:"
                f" {some(only_first) or 'none'}; only in {other_path.name}: {some(only_second) or 'none'}. Extract both"
                " with the same settings."
            )
        position = {n: i for i, n in enumerate(other)}
        same_order = np.ascontiguousarray(values[:, [position[n] for n in names]])
        for earlier, (_, _, earlier_path) in zip([first, *others], readers, strict=False):
            if np.array_equal(earlier, same_order, equal_nan=True):
                warnings.append(warn.SAME_READERS(tissue=tissue, first=earlier_path.name, second=other_path.name))
        others.append(same_order)
    second = others[0] if others else None
    return FeatureBlock(source, names, first, second, further=tuple(others[1:]), tissue=tissue), warnings


def _read_reader(
    tissue: str, file: TableFile, study: Study, folder: Path, cohort: Cohort, blanks: Blanks
) -> tuple[tuple[str, ...], np.ndarray, list[Warn]]:
    """Names of the features, their values (n, p), and what there is to say of the table."""
    clinical = study.clinical
    table, where = open_joined(folder, file, clinical.read), f"tissues.{tissue}.features"
    ids = check_ids(table, clinical.id, where)
    path, warnings = table.path, []
    columns = [c for c in table.columns if c != clinical.id]
    is_same_table = os.path.realpath(path) == os.path.realpath(folder / clinical.table)
    taken = {clinical.outcome, clinical.patient, *clinical.covariates, *clinical.columns.values()}
    taken |= {tissue.radscore for tissue in study.tissues.values()}
    if is_same_table and file.read.sheet == clinical.read.sheet:
        columns = [c for c in columns if c not in taken]
        warnings.append(warn.CLINICAL_TABLE_AGAIN(table=path.name))
    elif outcome := _in_any_writing(clinical.outcome, columns):
        raise DataError(
            f"{where}: {path.name} holds the outcome '{shown(outcome)}' among its features. Remove that column, or"
            " rename it where it is no outcome."
        )
    of_study = {same_id(name) for name in (*taken, *clinical.columns) if name is not None}
    namesakes = [c for c in columns if same_id(c) in of_study]
    if namesakes:
        warnings.append(warn.NAMED_LIKE_COVARIATES(table=path.name, listed=some(namesakes)))
    columns, told = _features_among(columns, table)
    warnings += told
    if not columns:
        raise DataError(f"{where}: {path.name} has no feature columns beside '{shown(clinical.id)}'.")
    rows, told = _match_ids(ids, cohort, table, tissue)
    columns.sort()  # whatever the table's order: ties go by name
    values = _numbers(table, columns, rows, ids, blanks)
    return tuple(columns), values, [*warnings, *told, *tell_of_coded(path, columns, values.T)]


#: What PyRadiomics' batch table repeats of the table that it was given, by name in lower case.
_BATCH_COLUMNS = ("image", "mask", "label", "label_channel", "segment")


def _in_any_writing(name: str, columns: Sequence[str]) -> str | None:
    """The column that is so called, in whatever case or form of its characters."""
    wanted = same_id(name)
    return next((column for column in columns if same_id(column) == wanted), None)


def _features_among(columns: list[str], table: Table) -> tuple[list[str], list[Warn]]:
    """The columns that are features: neither PyRadiomics' diagnostics, nor what its batch table repeats, nor names of
    rows."""
    path, warnings = table.path, tell_of_hidden(table)
    diagnostics = [c for c in columns if c.startswith("diagnostics_")]
    if diagnostics:
        columns = [c for c in columns if not c.startswith("diagnostics_")]
        warnings.append(warn.DIAGNOSTICS(n=len(diagnostics), table=path.name))
    if diagnostics or {"image", "mask"} <= {c.lower() for c in columns}:
        repeated = [c for c in columns if c.lower() in _BATCH_COLUMNS]
        texts = [c for c in columns if c not in repeated and table.is_text(c)]
        if repeated or texts:
            columns = [c for c in columns if c not in {*repeated, *texts}]
            warnings.append(warn.BATCH_COLUMNS(table=path.name, listed=some([*repeated, *texts], 8)))
    if ROW_NAMES in columns:
        columns = [c for c in columns if c != ROW_NAMES]
        warnings.append(warn.ROW_NAMES_LEFT_OUT(table=path.name, name=ROW_NAMES))
    return columns, warnings


def _match_ids(ids: Sequence[str], cohort: Cohort, table: Table, tissue: str) -> tuple[np.ndarray, list[Warn]]:
    """Where the patients stand in a table, and the patients that the clinical table has not, told."""
    position = {p: i for i, p in enumerate(ids)}
    excluded = {p for p, _ in cohort.excluded}
    known = set(cohort.ids) | excluded
    absent = [p for p in (*cohort.ids, *excluded) if p not in position]
    strange = [p for p in ids if p not in known]
    is_inner, name = table.read.join == "inner", table.path.name
    hint = told_alike(absent, strange)
    if absent or (strange and not is_inner):
        parts = [f"{len(absent)} patients of the clinical table are not in {name} ({some(absent)})"] if absent else []
        parts += [f"{len(strange)} ids of {name} are not in the clinical table ({some(strange)})"] if strange else []
        do = "correct or remove these rows"
        do += "" if absent else ", or say read: {join: inner} to leave them out"
        raise DataError(
            f"tissues.{tissue}.features: ids do not match: {'; '.join(parts)}. Tables are joined on the id; {do}.{hint}"
        )
    rows = np.array([position[p] for p in cohort.ids])
    n = len(strange)
    told = [warn.EXTRA_PATIENTS(tissue=tissue, table=name, n=n, n_all=len(ids), listed=some(strange))] if n else []
    return rows, told


def _numbers(table: Table, columns: Sequence[str], rows: np.ndarray, ids: Sequence[str], blanks: Blanks) -> np.ndarray:
    values, blank = (part[rows] for part in table.values(columns))
    if blank.any() and not blanks.allowed:
        i, j = np.argwhere(blank)[0]
        raise DataError(
            f"{table.path.name}, row {table.rows[rows[i]]} (patient {shown(ids[rows[i]])}), feature"
            f" '{shown(columns[j])}' is"
            f" blank{and_more(int(blank.sum()))}. Extract it again, or remove the feature or the"
            f" patient{blanks.remedy}."
        )
    bad = first_bad(table, columns, values, blank, rows)
    if bad is None:
        refuse_extreme(columns, values, table.path)
        return np.ascontiguousarray(values)
    what, do = why_no_number(bad, table)
    if bad.n_infinite:
        what, do = f"is not finite{and_more(bad.n_infinite)}", "Correct it, or remove the feature"
    row = rows[bad.row]
    raise DataError(
        f"{table.path.name}, row {table.rows[row]} (patient {shown(ids[row])}), feature '{shown(columns[bad.column])}':"
        f" '{shown(bad.cell)}' {what}. {do or 'Correct it, or remove the column if it is no feature'}."
    )


def _refuse_nothing_but_blanks(values: np.ndarray, cohort: Cohort, path: Path) -> None:
    empty = np.flatnonzero(np.isnan(values).all(axis=1))
    if empty.size:
        raise DataError(
            f"{path.name}: patient {shown(cohort.ids[empty[0]])} has none of its features{and_more(empty.size)}, so"
            " that there is nothing to fill them from. Extract them again, or remove the patient."
        )


def _refuse_shared_names(tissue: str, blocks: list[FeatureBlock]) -> None:
    seen: dict[str, str] = {}
    for block in blocks:
        for name in block.names:
            if name in seen:
                raise DataError(
                    f"tissues.{tissue}: the feature '{shown(name)}' is in the sources '{seen[name]}' and"
                    f" '{block.source}'. Rename one."
                )
            seen[name] = block.source


def without_constants(tissue: str, block: FeatureBlock) -> tuple[np.ndarray, dict[str, str], list[Warn]]:
    """Columns that vary over the rows given, and the reason for each that does not.

    Raises
    ------
    DataError
        If every feature is constant.
    """
    # blanks are no value
    constant = ~(np.fmax.reduce(block.first, axis=0) > np.fmin.reduce(block.first, axis=0))
    if constant.all():
        raise DataError(
            f"tissues.{tissue}: all {len(block.names)} features of source '{block.source}' are constant. Check the"
            " table."
        )
    wholly_blank = np.isnan(block.first).all(axis=0)
    dropped = {block.names[j]: "constant" for j in np.flatnonzero(constant & ~wholly_blank)}
    warnings = []
    if dropped:
        warnings.append(
            warn.CONSTANT_FEATURES(
                tissue=tissue, source=block.source, dropped=_constant(len(dropped)), listed=some(dropped)
            )
        )
    empty = [block.names[j] for j in np.flatnonzero(wholly_blank)]
    if empty:
        dropped |= dict.fromkeys(empty, "blank for every patient")
        warnings.append(warn.WHOLLY_BLANK(tissue=tissue, source=block.source, n=len(empty), listed=some(empty)))
    return np.flatnonzero(~constant), dropped, warnings


def tell_of_blanks(tissue: str, block: FeatureBlock) -> list[Warn]:
    """A warning of the features that have blanks by the first reader, and how many per cent; the most blank first."""
    share = np.isnan(block.first).mean(axis=0)
    order = [j for j in np.argsort(-share, kind="stable") if 0 < share[j] < 1]
    if not order:
        return []
    n_patients = int(np.isnan(block.first[:, order]).any(axis=1).sum())
    listed = some(f"{block.names[j]} ({100 * share[j]:.3g}%)" for j in order)
    return [
        warn.BLANK_FEATURES(
            tissue=tissue,
            source=block.source,
            n=len(order),
            n_all=len(block.names),
            n_patients=n_patients,
            n_all_patients=len(block.first),
            listed=listed,
        )
    ]


def _constant(count: int) -> str:
    return "1 constant feature was" if count == 1 else f"{count} constant features were"
