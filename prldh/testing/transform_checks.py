"""The checks of transforms: what :class:`prldh.plugins.interfaces.Transform` and what it fits promise, beside what a
selector's do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from prldh.core import Chosen, Fitted, TrainingRows, take_columns
from prldh.engines import PythonEngine
from prldh.testing.parts import as_json, read_settings, require, unchangeable
from prldh.testing.selector_checks import SELECTOR_CHECKS, make_rows

#: Values that differ by less than this share are the same: sums in another order.
ROUNDING = 1e-8
#: Of made rows, which values are blank.
BLANK_SHARE = 0.1


def _fit(transform: Any, raw: Any, rows: TrainingRows) -> Fitted:
    fitted: Fitted = transform.fit(rows, read_settings(transform, raw), np.random.SeedSequence(7), PythonEngine())
    return fitted


def _by_column(fitted: Fitted, rows: TrainingRows) -> dict[str, np.ndarray]:
    return dict(zip(fitted.outputs, fitted.apply(unchangeable(rows.values), rows.names, rows.columns).T, strict=True))


def _are_same(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> bool:
    return first.keys() == second.keys() and all(
        np.allclose(first[name], second[name], rtol=ROUNDING, atol=ROUNDING, equal_nan=True) for name in first
    )


def _gives_every_reader_the_same(transform: Any, raw: Any) -> None:
    """Parameters are reader 1's: another reader's values change nothing of them."""
    rows = make_rows()
    others = replace(rows, second=unchangeable(np.asarray(rows.second) * 3 + 1))
    states = [as_json(_fit(transform, raw, each).state, "its state") for each in (rows, others)]
    require(states[0] == states[1], "what it fits depends on the second reader's values")


def _knows_no_order(transform: Any, raw: Any) -> None:
    """Rows and columns in another order give the same, by the columns' names."""
    rows, others = make_rows(), make_rows(seed=1)
    rng = np.random.default_rng(4)
    shuffled = rows.of_rows(rng.permutation(rows.outcome.size)).take(rng.permutation(len(rows.names)))
    before, after = (_by_column(_fit(transform, raw, each), others) for each in (rows, shuffled))
    require(_are_same(before, after), "rows or columns in another order give other values; sort by patient and name")


def _changes_row_by_row(transform: Any, raw: Any) -> None:
    """A patient's values do not depend on who else is there: held-out rows tell nothing of each other."""
    rows, others = make_rows(), make_rows(seed=1)
    fitted = _fit(transform, raw, rows)
    some = np.array([7, 3, 20])
    alone = {name: own[some] for name, own in _by_column(fitted, others).items()}
    require(_are_same(_by_column(fitted, others.of_rows(some)), alone), "a row's values depend on the other rows")


def _fills_or_takes_blanks(transform: Any, raw: Any) -> None:
    """As ``fills_blanks`` and ``takes_blanks`` say, and what it fills is in its state."""
    fills, takes = (getattr(transform, name, False) for name in ("fills_blanks", "takes_blanks"))
    if not fills and not takes:
        return
    whole = make_rows()
    blank = np.random.default_rng(2).random(whole.values.shape) < BLANK_SHARE
    rows = replace(whole, values=unchangeable(np.where(blank, np.nan, whole.values)))
    fitted = _fit(transform, raw, rows)
    values = fitted.apply(rows.values, rows.names, rows.columns)
    if fills:
        require(bool(np.isfinite(values).all()), "fills_blanks is true, and it leaves blanks")
        known = [name for name in fitted.outputs if name in rows.names]
        own = take_columns(rows.values, rows.names, known)
        after = take_columns(values, fitted.outputs, known)
        is_kept = np.array_equal(own[~np.isnan(own)], after[~np.isnan(own)])
        require(is_kept or len(known) < len(fitted.outputs), "it changes values that are not blank")
    state = json.loads(as_json(fitted.state, "its state"))
    again = (Chosen if isinstance(fitted, Chosen) else transform).from_state(state)
    others = replace(rows, values=unchangeable(rows.values[::-1]))
    require(_are_same(_by_column(fitted, others), _by_column(again, others)), "from_state fills blanks otherwise")


TRANSFORM_CHECKS: dict[str, Callable[[Any, Any], None]] = {
    **SELECTOR_CHECKS,
    "gives every reader's values the same parameters": _gives_every_reader_the_same,
    "does not depend on the order of rows and columns": _knows_no_order,
    "changes each row by itself": _changes_row_by_row,
    "fills or takes blanks where it says so": _fills_or_takes_blanks,
}
