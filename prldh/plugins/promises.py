"""What plugins promise, held to where they run: one message that names the plugin, in place of a traceback or of a
wrong result.

:mod:`prldh.testing.kit` tests the same and more, before anything runs.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from prldh.core import (
    BUILT_IN,
    Chosen,
    Fitted,
    PluginError,
    PrldhError,
    Selection,
    Warn,
    clean,
    is_interruption,
    is_pretended,
    listen,
    mark_pretended,
)
from prldh.plugins.interfaces import ReadsStates

_REMEDY = "Update its plugin (`prldh plugins check {}` may show why), or leave it out."

#: The same of what has no name that can be checked, such as something fitted.
_ITS_PLUGIN = "Update its plugin, or leave it out."

#: What a scheme's resamples are: everyone held out once a repeat; some held out, once or in many repeats; or samples
#: with those out of them.
KINDS_OF_SCHEMES = ("held_out", "holdout", "repeated_holdout", "bootstrap")

#: What a step of the selection may do.
_KINDS = ("chooses columns", "chooses images", "transforms values")


@contextmanager
def guarded(what: str, item: Any) -> Iterator[None]:
    """Run a stranger's code: what it raises becomes one message. Of this project's own objects an error is a bug and
    stays as it is.

    Raises
    ------
    PluginError
    """
    end_listening = listen() if is_strangers(item) else bool
    try:
        yield
    except (PrldhError, MemoryError):
        raise
    except BaseException as error:  # sys.exit, and whatever else a stranger thinks of
        mark_pretended(error)
        if not is_strangers(item) or (is_interruption(error) and not is_pretended(error)):
            raise
        name = registered_name(item)
        remedy = _ITS_PLUGIN if name is None else _REMEDY.format(name)
        raise PluginError(f"the {what} '{name_of(item)}' failed: {describe_error(error)}. {remedy}") from error
    finally:
        end_listening()


def is_strangers(item: Any) -> bool:
    """Whether an object, or class, is another project's."""
    owner = item if isinstance(item, type) else type(item)
    return owner.__module__.partition(".")[0] != __name__.partition(".")[0]


#: The names of the steps that gave fitted objects of a class. Of one step's alone messages speak by its name.
_GIVEN_BY: WeakKeyDictionary[type, set[str]] = WeakKeyDictionary()


def note_giver(item: Any, given: Any) -> None:
    """Keep whose fit, or reading of a state, gave an object that has no name of its own."""
    name = registered_name(item)
    if name is not None and hasattr(type(given), "apply"):
        _GIVEN_BY.setdefault(type(given), set()).add(name)


def name_of(item: Any) -> str:
    """The name by which messages speak of an object; of one that nobody knows by one, its class's."""
    name = registered_name(item)
    return (item if isinstance(item, type) else type(item)).__qualname__ if name is None else name


def registered_name(item: Any) -> str | None:
    """An object's name, or that of the step which fitted it; None of a class and of what nobody knows by one."""
    if isinstance(item, type):
        return None
    name = getattr(item, "name", None)
    if isinstance(name, str):
        return name
    givers = _GIVEN_BY.get(type(item), set())
    return next(iter(givers)) if len(givers) == 1 else None


def describe_error(error: BaseException) -> str:
    """An error in one line: its kind, its text, and where it came from.

    Examples
    --------
    >>> describe_error(ValueError("no such column"))
    'ValueError: no such column'
    """
    text = text_of_error(error).rstrip(".")
    trace = traceback.extract_tb(error.__traceback__)
    place = Path(trace[-1].filename) if trace else None
    return f"{type(error).__name__}{text and f': {text}'}" + (
        f" ({place.parent.name}/{place.name}, line {trace[-1].lineno})" if place else ""
    )


def text_of_error(error: BaseException, most: int = 300) -> str:
    """What an error says, in one line that prints; of one that cannot say it, nothing."""
    try:
        text = str(error)
    except BaseException as worse:
        let_interruptions_pass(worse)
        return ""
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split())[:most])


def let_interruptions_pass(error: BaseException) -> None:
    """Raise an error again where it is somebody's who asked the process to end, and not a stranger's own."""
    if is_interruption(error) and not is_pretended(error):
        raise error


def require_answer(is_kept: bool, what: str, item: Any, method: str, found: Any, wanted: str) -> None:
    """Refuse what a method of an object gave.

    Raises
    ------
    PluginError
    """
    if not is_kept:
        name = name_of(item)
        raise PluginError(
            f"the {what} '{name}' gives {in_short(found):.80} by {method} in place of {wanted}. {_REMEDY.format(name)}"
        )


def in_short(found: Any) -> str:
    """What something is, in one line; of what cannot say it, its kind."""
    try:
        return " ".join(repr(found).split())
    except BaseException as error:
        let_interruptions_pass(error)
        return f"a {type(found).__name__}"


def own_text(found: Any) -> str | None:
    """Text that files can hold, as Python's own: a kind of text may compare otherwise. None of anything else."""
    return str.__str__(found) if isinstance(found, str) and is_writable(str.__str__(found)) else None


def check_texts(value: Any) -> None:
    """All text within records, mappings and lists can be written.

    Raises
    ------
    ValueError
        If some cannot.
    """
    if isinstance(value, str) and not is_writable(value):
        raise ValueError(f"it gives text that no file holds: {value!r:.80}")
    if is_dataclass(value) and not isinstance(value, type):
        check_texts([getattr(value, part.name) for part in fields(value)])
    elif isinstance(value, Mapping):
        check_texts([*value, *value.values()])
    elif isinstance(value, (list, tuple)):
        for each in value:
            check_texts(each)


def is_writable(text: Any) -> bool:
    """Whether something is text that files can hold: half a character of UTF-16 is none."""
    try:
        return isinstance(text, str) and bool(text.encode("utf-8") or True)
    except UnicodeEncodeError:
        return False


def check_selection(selector: Any, selection: Any, names: Sequence[str]) -> None:
    """What a selector gave for the features that it was given: a selection, or something fitted.

    Raises
    ------
    PluginError
        If it is neither, or its positions are not those of distinct features, or reasons are not by name.
    """

    def refuse(what: str) -> PluginError:
        return PluginError(f"the selector '{selector.name}' {what}. {_REMEDY.format(selector.name)}")

    problem = _why_no_warnings(selection)
    if problem:
        raise refuse(problem)
    if not isinstance(selection, Selection):
        problem = _why_not_fitted(selector, selection, names)
        if problem:
            raise refuse(problem)
        return
    kept, p = np.asarray(selection.kept), len(names)
    if kept.ndim != 1 or (kept.size and kept.dtype.kind not in "iu"):
        raise refuse(f"keeps {kept.dtype} {kept.shape} in place of positions (a row of whole numbers)")
    if kept.size and (kept.min() < 0 or kept.max() >= p):
        raise refuse(f"keeps positions from {kept.min()} to {kept.max()} of {p} features (0 to {p - 1})")
    if np.unique(kept).size < kept.size:
        raise refuse("keeps a feature twice")
    if not isinstance(selection.dropped, Mapping):
        raise refuse(f"gives {type(selection.dropped).__name__} in place of reasons by name for what it drops")
    if not isinstance(selection.details, Mapping):
        raise refuse(f"gives {type(selection.details).__name__} in place of details by name")


def _why_no_warnings(found: Any) -> str | None:
    """What is wrong with the warnings of what was found: a sentence alone would be told letter by letter."""
    warnings = getattr(found, "warnings", ())
    if isinstance(warnings, str):
        return f"gives a sentence in place of a tuple of warnings: write ({warnings[:40]!r}…,)"
    if not isinstance(warnings, (list, tuple)) or not all(isinstance(each, (str, Warn)) for each in warnings):
        return f"gives {warnings!r:.80} in place of a tuple of sentences as warnings"
    return None


def _why_not_fitted(selector: Any, fitted: Any, names: Sequence[str]) -> str | None:
    """What is wrong with a fitted step of a selector that was given the features ``names``; None where nothing is."""
    if not all(hasattr(fitted, part) for part in ("kind", "names", "outputs", "apply")):
        what = "a prldh.core.records.Selection or a prldh.core.fitted.Fitted"
        return f"gives {type(fitted).__name__} in place of {what}"
    if fitted.kind not in _KINDS:
        return f"gives something that {fitted.kind}, and a step of the selection must be one that {', '.join(_KINDS)}"
    given = set(names)
    problem = _why_no_names(fitted, "names", "reads") or _why_no_names(fitted, "outputs", "gives")
    if problem:
        return problem
    strange = [name for name in fitted.names if name not in given]
    if strange:
        return f"reads the column '{strange[0]}', which it was not given"
    if fitted.kind != "transforms values" and not set(fitted.outputs) <= given:
        return "chooses a column that it was not given"
    if isinstance(fitted, Chosen):
        return None
    if selector.name in BUILT_IN:
        return "has the name of what prldh fits itself"
    if isinstance(selector, ReadsStates):
        return None
    return "fits something of its own and has no from_state that reads it"


def _why_no_names(fitted: Any, part: str, what: str) -> str | None:
    """What is wrong with the columns that something fitted ``reads`` or ``gives``."""
    columns = getattr(fitted, part)
    if not isinstance(columns, (list, tuple)):
        return f"fits something whose {part} are {type(columns).__name__} in place of a tuple of text"
    nameless = [name for name in columns if not is_writable(name) or not name.strip()]
    if nameless:
        return f"{what} a column that is named {nameless[0]!r:.80}, which is no text"
    return f"{what} a column twice" if len(set(columns)) < len(columns) else None


def check_score(learner: Any, score: Any, names: Sequence[str]) -> None:
    """What a learner gave for the features ``names``: a fitted score that reads no others.

    Raises
    ------
    PluginError
    """
    problem = None
    if not all(hasattr(score, part) for part in ("kind", "names", "outputs", "state", "apply", "log_odds")):
        problem = f"gives {type(score).__name__} in place of a prldh.core.fitted.FittedScore"
    elif score.kind != "scores":
        problem = f"gives something that {score.kind}, and a learner must give one that scores"
    elif not (problem := _why_no_names(score, "names", "reads")):
        given = set(names)
        strange = [name for name in score.names if name not in given]
        problem = f"reads the column '{strange[0]}', which it was not given" if strange else _why_no_warnings(score)
        if problem is None and is_strangers(score):
            problem = _why_no_state(score)
    if problem:
        raise PluginError(f"the learner '{learner.name}' {problem}. {_REMEDY.format(learner.name)}")


def _why_no_state(score: Any) -> str | None:
    """What is wrong with the outputs or the state of a score, which fitting into ``model.json`` takes."""
    if not isinstance(score.outputs, (list, tuple)) or len(score.outputs):
        return f"gives a score with the outputs {score.outputs!r:.80}, and a score has none: outputs = ()"
    state = score.state
    if not isinstance(state, dict):
        return f"fits something whose state is {type(state).__name__} in place of a dictionary"
    problem = _why_no_json(lambda: state)
    return problem and f"fits something whose state is not JSON: {problem}"


def check_state(selector: Any, fitted: Fitted) -> None:
    """What a selector fitted must fit into ``model.json``; a rule by which images were chosen may have no state.

    Raises
    ------
    PluginError
    """
    with guarded("selector", selector):
        state = fitted.state
        problem = _why_no_json(lambda: state)
    is_one = isinstance(state, dict) or (state is None and fitted.kind == "chooses images")
    if not problem and not is_one:
        problem = f"{type(state).__name__} is no dictionary"
    if problem:
        raise PluginError(
            f"the selector '{selector.name}' fits something whose state is not JSON: {problem}."
            f" {_REMEDY.format(selector.name)}"
        )


def _why_no_json(make: Callable[[], Any]) -> str | None:
    """Why no file can hold what is made, half a character of UTF-16 among it; None where one can."""
    try:
        json.dumps(make(), allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (TypeError, ValueError) as error:
        return str(error)
    except RecursionError:
        return "it stands within itself, or too deep"
    return None


def json_mapping(found: Any) -> dict[str, Any] | None:
    """A mapping by text of what JSON holds, as a dictionary; None of anything else."""
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        return None
    own = dict(found)
    return own if _why_no_json(lambda: clean(own)) is None else None


def check_details(noun: str, item: Any, details: Any, what: str = "details") -> None:
    """What a selector, transform or learner says of its fit, ``what``, must fit into ``results.json``.

    Raises
    ------
    PluginError
    """
    problem = None
    if not isinstance(details, Mapping):
        problem = f"{type(details).__name__} in place of {what} by name"
    elif what == "reasons" and not all(is_writable(each) for each in details.values()):
        strange = next(each for each in details.values() if not is_writable(each))
        problem = f"{strange!r:.80} as a reason in place of text"
    else:
        with guarded(noun, item):  # a mapping of a kind of its own may refuse
            problem = _why_no_json(lambda: clean(details))
        problem = problem and f"{what} that cannot be written as JSON: {problem}"
    if problem:
        raise PluginError(f"the {noun} '{item.name}' gives {problem}. {_REMEDY.format(item.name)}")


def check_resamples(name: str, kind: str, resamples: Any, n: int) -> None:
    """What a validator gives for ``n`` patients, as :class:`prldh.plugins.interfaces.Validator` says it. Rows that
    train and are held out are the ledger's to tell.

    Raises
    ------
    PluginError
        If it is no list of resamples, rows are out of range, or two have the same repeat and fold.
    """

    def refuse(what: str) -> PluginError:
        return PluginError(f"validation.{name}: the validator {what}. {_REMEDY.format(name)}")

    if kind not in KINDS_OF_SCHEMES:
        raise refuse(f"has kind {kind!r}, and must be one of {', '.join(KINDS_OF_SCHEMES)}")
    parts = ("train", "test", "repeat", "fold")
    if (
        not isinstance(resamples, (list, tuple))
        or not resamples
        or not all(hasattr(r, part) for r in resamples for part in parts)
    ):
        raise refuse(
            "must give a list of prldh.core.records.Resample, found"
            f" {type(resamples).__name__}{f' of {len(resamples)}' if isinstance(resamples, (list, tuple)) else ''}"
        )
    for r in resamples:
        for part in ("repeat", "fold"):
            number = getattr(r, part)
            if not isinstance(number, (int, np.integer)) or isinstance(number, bool) or not 0 <= number < 1 << 31:
                raise refuse(f"gives {number!r:.80} as a {part} in place of a whole number from 0")
        if not is_writable(getattr(r, "group", "")):
            raise refuse(f"gives {r.group!r:.80} as a group in place of text")
        place = f"repeat {r.repeat}, fold {r.fold}"
        for part, rows in (("train", np.asarray(r.train)), ("test", np.asarray(r.test))):
            if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
                raise refuse(f"gives {rows.dtype} {rows.shape} as {part} in {place} in place of row numbers")
            if rows.size and (rows.min() < 0 or rows.max() >= n):
                raise refuse(
                    f"gives rows from {rows.min()} to {rows.max()} as {part} in {place}, of {n} patients (0 to {n - 1})"
                )
        if not len(r.train):
            raise refuse(f"gives no training rows in {place}")
        if not len(r.test) and kind != "bootstrap":
            raise refuse(f"holds nobody out in {place}")
        if len(np.unique(r.test)) < len(r.test):
            raise refuse(f"holds a row out twice in {place}")
    if len({(r.repeat, r.fold) for r in resamples}) < len(resamples):
        raise refuse("gives two resamples the same repeat and fold")
    repeats = {int(r.repeat) for r in resamples}
    if max(repeats) >= len(repeats):
        raise refuse(f"gives {len(repeats)} repeats, numbered up to {max(repeats)}: they are numbered from 0 on")
