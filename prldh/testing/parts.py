"""What the checks are made of."""

from __future__ import annotations

import contextlib
import json
import pickle
import random
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args

import numpy as np
from pydantic import BaseModel, ValidationError

from prldh.chain.selection import CorrelationSelector
from prldh.core import PrldhError, StudyError, clean
from prldh.data.imaging import ChosenSource
from prldh.pipeline import analyze
from prldh.plugins import REGISTRIES, settings_of

NAMED = "has a name and a version"
TRAVELS = "can be sent to worker processes"
UNKNOWN = "refuses unknown settings"
WORDS = "says of itself what the report can use"
_FORBID = 'give it model_config = ConfigDict(extra="forbid")'


class CheckFailed(AssertionError):
    """A promise that an object does not keep: what was promised, what was found."""


def kind_of(item: Any) -> str:
    """What an object is: the kind of whose attributes it has all.

    Raises
    ------
    CheckFailed
        If it is none, with a guess where a class was given.
    """
    for kind in REGISTRIES.values():
        is_whole = kind.describes(item) and all(hasattr(item, name) for name in kind.needs)
        if kind.noun != "engine" and is_whole and not isinstance(item, type):
            return kind.noun
    if isinstance(item, type) and hasattr(item, "fit_logistic"):
        return "engine"
    hint = (
        "; have you forgotten the `()`?"
        if isinstance(item, type)
        else "; prldh/plugins/interfaces.py says what each has."
    )
    raise CheckFailed(
        f"{item!r} is no selector, transform, learner, validator, feature source, image step, statistic, checklist,"
        f" report section or engine class{hint}"
    )


def require(is_kept: bool, message: str) -> None:
    """Raise unless the promise is kept."""
    if not is_kept:
        raise CheckFailed(message)


def read_settings(item: Any, raw: Any) -> Any:
    """The settings as the pipeline would hand them over, ready to be used."""

    settings = settings_of(item.Settings, dict(raw or {}), item.name)
    if kind_of(item) != "feature source":
        return settings
    return ChosenSource.of(item, settings, Path.cwd()).settings


def refuses_unknown_keys(item: Any, raw: Any) -> None:
    """A misspelt setting must not be ignored silently."""
    settings_of(item.Settings, dict(raw or {}), item.name)
    with contextlib.suppress(ValidationError):
        item.Settings.model_validate({**(raw or {}), "no_such_setting": 1})
        raise CheckFailed(f"{item.Settings.__name__} accepts an unknown key: {_FORBID}")
    try:
        settings_of(item.Settings, {**(raw or {}), "no_such_setting": 1}, item.name)
    except StudyError as error:
        require("no_such_setting" in str(error), f"the message does not name the key: {error}")
    for model in _models_within(item.Settings):
        is_strict = model.model_config.get("extra") == "forbid" or bool(model.__pydantic_decorators__.model_validators)
        require(is_strict, f"{model.__name__}, within {item.Settings.__name__}, accepts an unknown key: {_FORBID}")


def _models_within(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The settings models that stand within another, at whatever depth."""
    found: dict[type[BaseModel], None] = {}
    waiting: list[Any] = [field.annotation for field in model.model_fields.values()]
    while waiting:
        each = waiting.pop()
        if isinstance(each, type) and issubclass(each, BaseModel):
            if each not in found and each is not model:
                found[each] = None
                waiting += [field.annotation for field in each.model_fields.values()]
        else:
            waiting += get_args(each)
    return list(found)


def travels(item: Any, raw: Any) -> None:
    """Work is spread over processes: the object and its settings are pickled."""
    carried = [item]
    if hasattr(item, "Settings"):
        carried.append(read_settings(item, raw))
    try:
        pickle.loads(pickle.dumps(carried))
    except Exception as error:  # pickle raises anything
        raise CheckFailed(f"it cannot be sent to a worker process: {type(error).__name__}: {error}") from None


def has_name_and_version(item: Any, raw: Any) -> None:
    """Both are written beside results."""
    del raw
    require(
        isinstance(item.name, str) and item.name == item.name.strip() != "", f"name must be text, found {item.name!r}"
    )
    version = getattr(item, "version", "1")
    require(isinstance(version, str) and version != "", f"version must be text, found {version!r}")


def in_other_weather(call: Callable[[], Any]) -> Any:
    """Call it with other states of the global random number generators, and leave those as they were."""
    numpy_state, python_state = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        np.random.seed(random.randrange(2**32))  # noqa: NPY002
        random.seed()
        return call()
    finally:
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)


def as_json(value: Any, what: str) -> str:
    """The value as results.json would hold it."""
    try:
        return json.dumps(clean(value), sort_keys=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise CheckFailed(f"{what} cannot be written as JSON: {error}") from None


def unchangeable(values: np.ndarray) -> np.ndarray:
    """A read-only copy: inputs are shared between workers and belong to nobody."""
    values = np.array(values)
    values.setflags(write=False)
    return values


@lru_cache(maxsize=1)
def example_run() -> tuple[dict[str, Any], str]:
    """``results.json`` of a small study, and the text of its ``provenance.json``: what checklists and sections are
    shown.

    Raises
    ------
    CheckFailed
        If the study cannot be analysed because of a plugin, a section that does not render among them.
    """
    import tempfile

    import pandas as pd

    rng = np.random.default_rng(3)
    outcome = np.arange(40) % 5 < 2
    table = pd.DataFrame(
        {
            "id": [f"P{i}" for i in range(40)],
            "event": np.where(outcome, "yes", "no"),
            "score": outcome + rng.normal(size=40),
            "age": rng.normal(60, 9, 40),
        }
    )
    for j in range(4):
        table[f"feature{j}"] = outcome * (j < 2) + rng.normal(size=40)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table[["id", "event", "score", "age"]].to_csv(folder / "clinical.csv", index=False)
        table.drop(columns=["event", "score", "age"]).to_csv(folder / "features.csv", index=False)
        study = {
            "title": "A <small> study & its <script>",
            "engine": "python",
            "selection": [{CorrelationSelector.name: {"outcome": 0.1}}],
            "clinical": {
                "table": str(folder / "clinical.csv"),
                "id": "id",
                "outcome": "event",
                "event": "yes",
                "covariates": {"age": "continuous"},
            },
            "tissues": {"disc": {"radscore": "score"}, "muscle": {"features": str(folder / "features.csv")}},
            "validation": {"leave_one_out": False, "folds": 2, "bootstrap": 0},
            "performance": {
                "partial_auc_bootstrap": 0,
                "decision_bootstrap": 0,
                "interaction_bootstrap": 0,
                "thresholds": [0.2, 0.4],
            },
            "report": {"figures": []},
        }
        try:
            analyze(study, folder / "out", jobs=1)
        except PrldhError as error:
            raise CheckFailed(f"a small study cannot be analysed: {error}") from None
        return json.loads((folder / "out" / "results.json").read_text(encoding="utf-8")), (
            folder / "out" / "provenance.json"
        ).read_text(encoding="utf-8")
