"""The checks of selectors: what :class:`prldh.plugins.interfaces.Selector` and what it fits promise."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from prldh.chain import Answer, read_answer
from prldh.core import Chosen, DataError, Fitted, PluginError, Selection, TrainingRows, Warn, take_columns
from prldh.engines import PythonEngine
from prldh.plugins import DescribesFit, check_selection
from prldh.testing.fresh import CARRIES, ELSEWHERE, N_WIDE, P_WIDE, carries_nothing, finds_the_same_elsewhere
from prldh.testing.parts import (
    NAMED,
    TRAVELS,
    UNKNOWN,
    WORDS,
    CheckFailed,
    as_json,
    has_name_and_version,
    in_other_weather,
    read_settings,
    refuses_unknown_keys,
    require,
    travels,
    unchangeable,
)
from prldh.testing.words import results_of_step, say_what_the_report_can_use


def make_rows(n: int = 40, p: int = 10, readers: int = 2, seed: int = 0) -> TrainingRows:
    """Training rows (n, p): the first two features tell of the outcome, the third is a copy of the first, the fourth
    has ties throughout. The column ``centre`` has three, all alike; ``age`` is a number."""
    rng = np.random.default_rng(seed)
    outcome = rng.permutation(np.arange(n) % 5 < 2).astype(np.int8)
    values = rng.normal(size=(n, p))
    values[:, :2] += 1.5 * outcome[:, None]
    values[:, 2], values[:, 3] = values[:, 0], np.round(values[:, 3])
    second = unchangeable(values + 0.1 * rng.normal(size=values.shape)) if readers == 2 else None
    return TrainingRows(
        unchangeable(values),
        second,
        unchangeable(outcome),
        unchangeable(np.arange(n)),
        tuple(f"feature {j}" for j in range(p)),
        columns={
            "centre": unchangeable(np.array(["east", "north", "west"], dtype=object)[np.arange(n) * 7 % 3]),
            "age": unchangeable(np.round(50 + 10 * rng.normal(size=n))),
        },
    )


def _changed(rows: TrainingRows, change: Callable[[np.ndarray], np.ndarray]) -> TrainingRows:
    """The rows with other values, every reader's."""
    second = None if rows.second is None else unchangeable(change(rows.second))
    further = tuple(unchangeable(change(values)) for values in rows.further)
    return replace(rows, values=unchangeable(change(rows.values)), second=second, further=further)


def _with_constants(rows: TrainingRows) -> TrainingRows:
    return _changed(rows, lambda values: np.where(np.isin(np.arange(values.shape[1]), (4, 5)), 3.0, values))


def _bootstrapped(rows: TrainingRows) -> TrainingRows:
    drawn = np.sort(np.random.default_rng(1).integers(0, rows.outcome.size, rows.outcome.size))
    sample = _changed(rows, lambda values: values[drawn])
    columns = {name: unchangeable(values[drawn]) for name, values in rows.columns.items()}
    return replace(sample, outcome=unchangeable(rows.outcome[drawn]), patient=unchangeable(drawn), columns=columns)


def _tied(rows: TrainingRows) -> TrainingRows:
    return _changed(rows, np.round)


def _give(selector: Any, raw: Any, rows: TrainingRows) -> Selection | Fitted:
    return selector.fit(rows, read_settings(selector, raw), np.random.SeedSequence(7), PythonEngine())


def _fit(selector: Any, raw: Any, rows: TrainingRows) -> Answer:
    fit = _give(selector, raw, rows)
    try:
        check_selection(selector, fit, rows.names)
    except PluginError as error:
        raise CheckFailed(str(error)) from None
    return read_answer(fit, rows)


def _is_whole(answer: Answer, rows: TrainingRows) -> None:
    """Every name that goes has its reason, and no other; columns may become others without one."""
    gone = [name for name in rows.names if name not in answer.fitted[-1].outputs]
    missing, more = [n for n in gone if n not in answer.dropped], [n for n in answer.dropped if n not in gone]
    require(not missing or answer.fitted[-1].kind == "transforms values", f"dropped has no reason for {missing[:3]}")
    require(not more, f"dropped names what was kept, or is no feature: {more[:3]}")
    bad = [n for n, reason in answer.dropped.items() if not (isinstance(reason, str) and reason.strip())]
    require(not bad, f"a reason must be text: {bad[:3]}")
    require(all(isinstance(w, (str, Warn)) for w in answer.warnings), "warnings must be sentences")
    as_json(answer.details, "details")


def _same(first: Answer, second: Answer, message: str) -> None:
    outputs = [[list(fitted.outputs) for fitted in answer.fitted] for answer in (first, second)]
    equal = (
        outputs[0] == outputs[1]
        and [fitted.state for fitted in first.fitted] == [fitted.state for fitted in second.fitted]
        and first.dropped == second.dropped
        and as_json(first.details, "details") == as_json(second.details, "details")
    )
    require(equal, f"{message}: {outputs[0]} and {outputs[1]}, or other states, reasons or details")


def _keeps_in_range_with_reasons(selector: Any, raw: Any) -> None:
    rows = make_rows()
    _is_whole(_fit(selector, raw, rows), rows)


def _is_deterministic(selector: Any, raw: Any) -> None:
    rows = make_rows()
    _same(
        _fit(selector, raw, rows),
        in_other_weather(lambda: _fit(selector, raw, rows)),
        "the same rows and seed gave two selections; draw from the seed alone",
    )


def _sees_training_rows_only(selector: Any, raw: Any) -> None:
    """Read-only inputs, and nothing that another fit was given is remembered."""
    rows = make_rows()
    first = _fit(selector, raw, rows)
    _fit(selector, raw, make_rows(seed=1))
    _same(first, _fit(selector, raw, rows), "what a fit finds depends on rows that an earlier fit was given")


def _text_of(answer: Answer) -> str:
    """All that a fit found, as text."""
    parts = [(fitted.kind, fitted.names, fitted.outputs, fitted.state) for fitted in answer.fitted]
    told = [w if isinstance(w, str) else w.message for w in answer.warnings]
    return as_json([parts, dict(answer.dropped), answer.details, told], "what it found")


def _carries_nothing(selector: Any, raw: Any) -> None:
    def finding(seed: int) -> Callable[[Any], Callable[[], str]]:
        rows = make_rows(seed=seed)
        return lambda own: partial(_text_of, _fit(own, raw, rows))

    carries_nothing(selector, finding(1), finding(0))


def _find(selector: Any, raw: Any) -> str:
    return _text_of(_fit(selector, raw, make_rows(N_WIDE, P_WIDE)))


def _is_the_same_elsewhere(selector: Any, raw: Any) -> None:
    """Here after another fit, there as the first."""
    _fit(selector, raw, make_rows(seed=1))
    finds_the_same_elsewhere(_find, selector, raw)


def _survives(change: Callable[[TrainingRows], TrainingRows]) -> Callable[[Any, Any], None]:
    def check(selector: Any, raw: Any) -> None:
        rows = change(make_rows())
        _is_whole(_fit(selector, raw, rows), rows)

    return check


def _takes_few_features(selector: Any, raw: Any) -> None:
    for p in (1, 2):
        rows = make_rows().take(np.arange(p))
        _is_whole(_fit(selector, raw, rows), rows)


def _takes_one_reader(selector: Any, raw: Any) -> None:
    rows = make_rows(readers=1)
    _is_whole(_fit(selector, raw, rows), rows)


def _describes_without_changing(selector: Any, raw: Any) -> None:
    if not isinstance(selector, DescribesFit):
        return
    rows = make_rows()
    fit = _give(selector, raw, rows)
    before = deepcopy(fit)
    details = selector.describe(rows, read_settings(selector, raw), np.random.SeedSequence(7), fit)
    require(isinstance(details, Mapping), f"describe must return a dictionary, found {type(details).__name__}")
    as_json(details, "what describe returns")
    _same(read_answer(before, rows), read_answer(fit, rows), "describe changed what was found")


def _says_what_the_report_can_use(selector: Any, raw: Any) -> None:
    """Of a fit as it is described, by two readers and by one, and of one that left no details."""
    for readers in (2, 1):
        rows = make_rows(readers=readers)
        fit = _give(selector, raw, rows)
        details = dict(read_answer(fit, rows).details)
        if isinstance(selector, DescribesFit):
            details |= selector.describe(rows, read_settings(selector, raw), np.random.SeedSequence(7), fit)
        for given in (details, {}):
            say_what_the_report_can_use(selector, results_of_step(selector, raw, given, readers))


def _applies_what_it_fitted(selector: Any, raw: Any) -> None:
    """Training rows and others alike, columns by name in any order, one message where one is missing."""
    rows, others = make_rows(), make_rows(seed=1)
    for fitted in _fit(selector, raw, rows).fitted:
        if fitted.kind == "chooses images":
            continue
        values, shape = fitted.apply(rows.values, rows.names, rows.columns), (rows.outcome.size, len(fitted.outputs))
        require(np.shape(values) == shape, f"apply gives {np.shape(values)} in place of {shape}, a column an output")
        if fitted.kind == "chooses columns":
            own = take_columns(rows.values, rows.names, fitted.outputs)
            require(np.array_equal(values, own), "apply gives other values than those of the columns that it chose")
        before, order = fitted.apply(others.values, others.names, others.columns), np.arange(len(rows.names))[::-1]
        turned = others.take(order)
        after = fitted.apply(unchangeable(turned.values), turned.names, turned.columns)
        require(np.array_equal(before, after), "apply gives other values where columns stand in another order")
        for name in fitted.names[:1]:
            fewer = rows.take(np.array([j for j, each in enumerate(rows.names) if each != name]))
            try:
                fitted.apply(unchangeable(fewer.values), fewer.names, fewer.columns)
            except DataError as error:
                require(name in str(error), f"the message does not name the column '{name}' that is missing: {error}")
            else:
                raise CheckFailed(f"apply says nothing of the column '{name}' that is missing; take_columns does")


def _is_the_same_from_its_state(selector: Any, raw: Any) -> None:
    """Through JSON, bit by bit; applying changes no state."""
    rows, others = make_rows(), make_rows(seed=1)
    for fitted in _fit(selector, raw, rows).fitted:
        if fitted.state is None:
            continue
        try:
            text = json.dumps(fitted.state, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise CheckFailed(f"its state is not JSON: {error}") from None
        again = (Chosen if isinstance(fitted, Chosen) else selector).from_state(json.loads(text))
        parts = [(each.kind, each.names, each.outputs) for each in (fitted, again)]
        require(parts[0] == parts[1], f"from_state gives another kind, names or outputs: {parts[0]} and {parts[1]}")
        if fitted.kind != "chooses images":
            first, second = (each.apply(others.values, others.names, others.columns) for each in (fitted, again))
            is_same = np.array_equal(first, second, equal_nan=True)
            require(is_same, "what from_state gives makes other values of the same rows")
        require(json.dumps(fitted.state) == text, "applying it changed its state")


SELECTOR_CHECKS: dict[str, Callable[[Any, Any], None]] = {
    NAMED: has_name_and_version,
    UNKNOWN: refuses_unknown_keys,
    TRAVELS: travels,
    "keeps positions in range and gives a reason for every name it drops": _keeps_in_range_with_reasons,
    "finds the same for the same seed": _is_deterministic,
    "is fitted on the rows it is given alone, and does not change them": _sees_training_rows_only,
    CARRIES: _carries_nothing,
    ELSEWHERE: _is_the_same_elsewhere,
    "survives ties": _survives(_tied),
    "survives constant columns": _survives(_with_constants),
    "survives a bootstrap sample's copies of patients": _survives(_bootstrapped),
    "takes one or two features": _takes_few_features,
    "takes one reader": _takes_one_reader,
    "describes what it found without changing it": _describes_without_changing,
    WORDS: _says_what_the_report_can_use,
    "applies what it fitted to anyone, by the columns' names": _applies_what_it_fitted,
    "is the same again from its state": _is_the_same_from_its_state,
}
