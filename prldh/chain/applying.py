"""What was fitted, applied: the same function for training rows, held-out rows, every reader's values and new
patients."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from prldh.core import (
    NO_COLUMNS,
    Chosen,
    Columns,
    DataError,
    FeatureBlock,
    Fitted,
    FittedScore,
    FittedStep,
    GivesFewer,
    ImageValues,
    PluginError,
    ReadsColumns,
    TrainingRows,
    Warn,
    positions,
    warn,
)
from prldh.plugins import FITTED, called, guarded, is_strangers, name_of

#: Numbers that differ by less than this share of what their column ranges over are the same: a state may be rounded,
#: and sums in another order.
SAME = 1e-5
#: The same of the numbers' own size, which single precision keeps seven digits of.
ROUNDING = 1e-6


class Table(NamedTuple):
    """Rows of a tissue: ``values`` (n, p), columns ``names``; ``images`` the single images that they are means of."""

    values: np.ndarray
    names: tuple[str, ...]
    images: ImageValues | None = None


#: The columns of each source; None: of all sources together.
Tables = Mapping[str | None, Table]


def tables_of(blocks: Iterable[FeatureBlock]) -> dict[str | None, Table]:
    """The first reader's values, by source."""
    return {b.source: Table(b.first, b.names, b.images[0] if b.images else None) for b in blocks}


def applied(fitted: Fitted, values: np.ndarray, names: Sequence[str], columns: Columns) -> np.ndarray:
    """What something fitted makes of rows. A stranger's is handed the columns that it reads alone, in its own order:
    whether it finds them by name or by position, it finds the same.

    Raises
    ------
    PluginError
        If a stranger's gives no numbers in the shape that its kind promises.
    """
    if not is_strangers(fitted):
        made: np.ndarray = fitted.apply(values, names, columns)
        return made
    with guarded(FITTED, fitted):  # what it gives may be as odd as what it raises
        own = tuple(getattr(fitted, "names", ()))
        if own and own != tuple(names) and set(own) <= set(names):  # what is missing it says itself
            values, names = values[:, positions(names, own)], own
        given = called(FITTED, fitted, "apply", values, names, columns)
        found = np.asarray(given)  # numbers may come as a list
        n, is_wide = len(values), fitted.kind in ("chooses columns", "transforms values")
        shape = (n, len(fitted.outputs)) if is_wide else (n,)
        dtypes = "b" if fitted.kind == "chooses images" else "fiu"
        what = None
        if found.shape != shape or found.dtype.kind not in dtypes:
            what = f"{found.dtype} {found.shape} in place of numbers {shape}"
        elif np.ma.isMaskedArray(given):  # what is masked would be taken for a number
            what = f"a masked array {found.shape} in place of numbers {shape}"
        elif fitted.kind == "scores" and not np.isfinite(found).all():
            what = f"{int((~np.isfinite(found)).sum())} numbers that are not finite"
        elif fitted.kind == "transforms values" and (n_odd := _count_odd(found, values)):
            what = f"{n_odd} values that are not finite in rows that it read without a blank"
        if what is not None:
            raise PluginError(
                f"the fitted step '{name_of(fitted)}' {fitted.kind} and gives {what}. Update its"
                " plugin, or leave it out."
            )
    return found


def _count_odd(found: np.ndarray, read: np.ndarray) -> int:
    """How many values are infinite, or blank in rows without a blank."""
    are_whole = np.isfinite(read).all(axis=1)
    return int((np.isinf(found) | (np.isnan(found) & are_whole[:, None])).sum())


def check_again(step: Any, noun: str, fitted: Fitted, table: Table, columns: Columns) -> None:
    """What a stranger's step fitted must make the same of the rows that it was fitted on each time: beside other rows,
    read again from its state, which is all that ``model.json`` holds, and asked for some of its columns alone.

    Raises
    ------
    PluginError
    """
    if not is_strangers(fitted) or isinstance(fitted, Chosen) or fitted.kind == "chooses images":
        return  # what was chosen is kept as prldh's own
    with guarded(noun, step):
        wanted = applied(fitted, table.values, table.names, columns)
        for what, outputs, again in _again(step, noun, fitted, table, columns, wanted):
            if not _are_same(again, outputs):
                raise PluginError(
                    f"the {noun} '{step.name}' {what}: new patients would be given other numbers. Update its plugin"
                    f" (`prldh plugins check {step.name}` may show why), or leave it out."
                )


def _again(
    step: Any, noun: str, fitted: Fitted, table: Table, columns: Columns, wanted: np.ndarray
) -> Iterator[tuple[str, np.ndarray, np.ndarray | None]]:
    """What would be wrong, what is wanted, and what is found; None where that is of another kind or columns."""
    values, names = table.values, table.names
    yield "gives the same rows other numbers each time", wanted, applied(fitted, values, names, columns)
    half = {name: each[::2] for name, each in columns.items()}
    of_half = applied(fitted, values[::2], names, half)
    yield "gives a row other numbers where other rows stand beside it", wanted[::2], of_half
    own = _read_again(step, noun, fitted, fitted.outputs)
    found = None if own is None else applied(own, values, names, columns)
    yield "reads another thing from its state than it fitted", wanted, found
    if isinstance(fitted, GivesFewer) and fitted.outputs:
        fewer = list(fitted.outputs[::2])
        own = _read_again(step, noun, called(FITTED, fitted, "only", fewer), fewer)
        found = None if own is None else applied(own, values, names, columns)
        yield "gives another thing where it is asked for some of its columns alone", wanted[:, ::2], found


def _read_again(step: Any, noun: str, fitted: Fitted, outputs: Sequence[str]) -> Fitted | None:
    """What the step reads from the state of something fitted; None where that does not give these ``outputs``."""
    if not all(hasattr(fitted, part) for part in ("kind", "outputs", "state")):
        return None
    again: Fitted = called(noun, step, "from_state", json.loads(json.dumps(fitted.state)))
    is_one = all(hasattr(again, part) for part in ("kind", "names", "outputs", "apply"))
    return again if is_one and again.kind == fitted.kind and [*again.outputs] == [*outputs] else None


def _are_same(found: np.ndarray | None, wanted: np.ndarray) -> bool:
    """Whether numbers are the same, but for rounding: by what their columns range over, in whatever unit these are."""
    if found is None or found.shape != wanted.shape:
        return False
    finite = np.where(np.isfinite(wanted), wanted, np.nan)
    high, low = np.fmax.reduce(finite, axis=0), np.fmin.reduce(finite, axis=0)
    with np.errstate(invalid="ignore"):  # infinite ones, which are the same or not
        near = np.abs(found - wanted) <= SAME * (high - low) + ROUNDING * np.fmax(np.abs(high), np.abs(low))
    return bool((near | (found == wanted) | (np.isnan(found) & np.isnan(wanted))).all())


def permuting(fitted: FittedScore, values: np.ndarray) -> Callable[[int, np.ndarray], np.ndarray]:
    """What gives a score's log odds (r, n) of rows (n, k), columns as its ``names``, with other values (r, n) of column
    j: by the score's own way where it has a quick one."""
    if not is_strangers(fitted) and hasattr(fitted, "permuting"):
        quick: Callable[[int, np.ndarray], np.ndarray] = fitted.permuting(values)
        return quick

    def log_odds(j: int, other: np.ndarray) -> np.ndarray:
        rows = np.tile(values, (len(other), 1, 1))
        rows[:, :, j] = other
        return applied(fitted, rows.reshape(-1, values.shape[1]), fitted.names, NO_COLUMNS).reshape(other.shape)

    return log_odds


def images_that_stay(fitted: Fitted, images: ImageValues, names: Sequence[str]) -> np.ndarray:
    """Which images (m,) a step that chooses among them leaves."""
    return applied(fitted, images.values, names, {"row": images.row, "weight": images.weight})


def apply_step(fitted: Fitted, table: Table, columns: Columns = NO_COLUMNS) -> Table:
    """The rows as one step leaves them. Single images go no further than a step that transforms values.

    Raises
    ------
    DataError
        If a column or the single images that the step needs are missing.
    """
    images = table.images
    if fitted.kind == "chooses images":
        if images is None:
            raise DataError(
                "a fitted step chooses among single images, and there are none behind these values. Give images in"
                " place of tables, measured with the study's settings."
            )
        images = images.where(images_that_stay(fitted, images, table.names))
        return Table(images.pooled(), table.names, images)
    values = applied(fitted, table.values, table.names, columns)
    if images is not None:
        is_choice = fitted.kind == "chooses columns"
        images = images.take(positions(table.names, fitted.outputs)) if is_choice else None
    return Table(values, fitted.outputs, images)


def apply_to_training(fitted: Fitted, rows: TrainingRows) -> tuple[TrainingRows, list[Warn]]:
    """Training rows as one step leaves them, every reader's values and perturbed masks', and warnings."""
    if fitted.kind == "chooses columns":
        return rows.take(positions(rows.names, fitted.outputs)), []
    images = rows.images or (None,) * len(rows.readers)  # one a reader
    first, *others = (
        apply_step(fitted, Table(values, rows.names, own), rows.columns)
        for values, own in zip(rows.readers, images, strict=False)
    )
    left = tuple(table.images for table in (first, *others) if table.images is not None)
    perturbed = rows.perturbed
    warnings: list[Warn] = []
    if perturbed is not None and fitted.kind == "chooses images":
        perturbed = None
        warnings = [warn.PERTURBED_NOT_USED()]
    elif perturbed is not None:
        given = (applied(fitted, values, rows.names, rows.columns) for values in perturbed)
        perturbed = np.array(list(given))
    changed = replace(
        rows,
        values=first.values,
        second=others[0].values if others else None,
        further=tuple(table.values for table in others[1:]),
        names=first.names,
        perturbed=perturbed,
        images=left or None,
        filled=_filled(rows, first.names),
    )
    return changed, warnings


def _filled(rows: TrainingRows, outputs: Sequence[str]) -> np.ndarray | None:
    """Where a value of the outputs (n, k) was blank before, of columns that keep their name; None: nowhere."""
    filled = rows.blank if rows.filled is None else rows.blank | rows.filled
    if not filled.any():
        return None
    of_column = dict(zip(rows.names, filled.T, strict=True))
    nowhere = np.zeros(len(filled), dtype=bool)
    return np.column_stack([of_column.get(name, nowhere) for name in outputs])


def rows_reached(chain: Sequence[FittedStep], columns: Columns, n: int) -> np.ndarray:
    """Which of ``n`` rows (n,) bool the steps of a chain can be applied to."""
    reading = [step.fitted for step in chain if isinstance(step.fitted, ReadsColumns)]
    return np.logical_and.reduce(
        [np.ones(n, dtype=bool), *(called(FITTED, fitted, "reaches", columns) for fitted in reading)]
    )


def score_inputs(chain: Sequence[FittedStep], tables: Tables, columns: Columns = NO_COLUMNS) -> Table:
    """The columns that the last of the steps reads, as those before it leave them; NaN in rows that a step cannot be
    applied to."""
    n = len(next(iter(tables.values())).values)
    reached = rows_reached(chain, columns, n)
    if reached.all():
        return _score_inputs(chain, tables, columns)
    rows = np.flatnonzero(reached)
    values = np.full((n, len(chain[-1].fitted.names)), np.nan)
    if rows.size:
        own = {source: _of_rows(table, rows) for source, table in tables.items()}
        values[rows] = _score_inputs(chain, own, {name: each[rows] for name, each in columns.items()}).values
    return Table(values, tuple(chain[-1].fitted.names))


def _of_rows(table: Table, rows: np.ndarray) -> Table:
    return Table(table.values[rows], table.names, None if table.images is None else table.images.of_rows(rows))


def _score_inputs(chain: Sequence[FittedStep], tables: Tables, columns: Columns) -> Table:
    *before, last = chain
    for step in before:
        if step.source is None:
            tables = {None: apply_step(step.fitted, _gathered(tables.values(), step.fitted.names), columns)}
        else:
            tables = {**tables, step.source: apply_step(step.fitted, tables[step.source], columns)}
    return _gathered(tables.values(), last.fitted.names)


def apply_chain(chain: Sequence[FittedStep], tables: Tables, columns: Columns = NO_COLUMNS) -> np.ndarray:
    """The Radscore (n,) of rows, by the fitted steps of a tissue; 0 for everyone where there are none, NaN of rows that
    a step cannot be applied to, such as those of a batch that it does not know.

    Raises
    ------
    DataError
        If a column or single images that a step needs are missing.
    """
    if not chain:
        return np.zeros(len(next(iter(tables.values())).values))
    inputs = score_inputs(chain, tables, columns)
    reached = rows_reached(chain, columns, len(inputs.values))
    if reached.all():
        return applied(chain[-1].fitted, inputs.values, inputs.names, columns)
    scores = np.full(len(reached), np.nan)
    if reached.any():
        own = {name: each[reached] for name, each in columns.items()}
        scores[reached] = applied(chain[-1].fitted, inputs.values[reached], inputs.names, own)
    return scores


def without_unneeded(chain: Sequence[FittedStep]) -> tuple[FittedStep, ...]:
    """The steps with no more columns than those after them read, where a step can give fewer: what new patients need.
    The columns that stay in the end are all kept."""
    left: list[FittedStep] = []
    needed: set[str] = set()
    for step in reversed(chain):
        fitted = step.fitted
        is_last = not any(step.source == other.source for other in left)
        outputs = [name for name in fitted.outputs if name in needed]
        if not is_last and len(outputs) < len(fitted.outputs) and isinstance(fitted, GivesFewer):
            fitted = called(FITTED, fitted, "only", outputs)
        needed = (needed - set(fitted.outputs)) | set(fitted.names)
        left.insert(0, replace(step, fitted=fitted))
    return tuple(left)


def columns_needed(chain: Sequence[FittedStep]) -> list[str]:
    """The features that rows must have for these steps."""
    needed: dict[str, None] = {}
    made: set[str] = set()
    for step in chain:
        needed |= dict.fromkeys(name for name in step.fitted.names if name not in made)
        made |= set(step.fitted.outputs)
    return list(needed)


def change_values(
    blocks: tuple[FeatureBlock, ...], chain: Sequence[FittedStep], columns: Columns = NO_COLUMNS
) -> tuple[FeatureBlock, ...]:
    """The blocks with the values that the steps of a chain make of the first reader's. No column goes; new ones join
    the first block that the step was given."""
    for step in chain:
        if step.fitted.kind in ("chooses columns", "scores"):
            continue
        own = tables_of(block for block in blocks if step.source in (None, block.source))
        given = next(iter(own.values())) if len(own) == 1 else _gathered(own.values(), step.fitted.names)
        table = apply_step(step.fitted, given, columns)
        made = dict(zip(table.names, table.values.T, strict=True))
        known = {name for of_source in own.values() for name in of_source.names}
        new = dict.fromkeys(own, ()) | {next(iter(own)): tuple(name for name in made if name not in known)}
        images = None if table.images is None else (table.images,)
        blocks = tuple(
            _with_values(block, made, new[block.source], images) if block.source in own else block for block in blocks
        )
    return blocks


def _with_values(
    block: FeatureBlock, made: Columns, new: tuple[str, ...], images: tuple[ImageValues, ...] | None
) -> FeatureBlock:
    values = [made.get(name, block.first[:, j]) for j, name in enumerate(block.names)] + [made[name] for name in new]
    return FeatureBlock(
        block.source, block.names + new, np.column_stack(values), None, None, images, (), block.tissue, block.made_by
    )


def _gathered(tables: Iterable[Table], names: Sequence[str]) -> Table:
    """These columns, from whichever table has them."""
    where = {name: (table.values, j) for table in tables for j, name in enumerate(table.names)}
    positions(tuple(where), names)
    taken = [where[name] for name in names]
    return Table(np.column_stack([values[:, j] for values, j in taken]), tuple(names))
