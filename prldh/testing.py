"""The conformance kit: named checks of what plugins register, for their authors' tests and for ``prldh plugins check``.

Each check gets an object as the study file would choose it, runs it on small made data, and raises :class:`CheckFailed`
with what was
promised and what was found. Built-ins pass the same checks. In a plugin's tests::

    from prldh.testing import parametrize_with_checks

    @parametrize_with_checks([MySelector(), MySource()], {"my_source": {"checkpoint": "tests/best.pt"}})
    def test_conforms(check):
        check()

An object whose settings have no defaults, or a validator, which gets what the study file says as it stands, names some
that work: here, or in an attribute ``example_settings``.
"""

from __future__ import annotations

import json
import pickle
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np

from prldh.errors import PrldhError, StudyError
from prldh.plugins import REGISTRIES, settings_of
from prldh.results import clean

Example = Mapping[str, Any]


class CheckFailed(AssertionError):
    """A promise that an object does not keep: what was promised, what was found."""


@dataclass(frozen=True)
class Check:
    """One promise of one object; call it to put it to the test."""

    what: str  # selector, validator, feature source, checklist, report section or engine
    item: str
    promise: str
    run: Callable[[], None]

    def __call__(self) -> None:
        """Raises :class:`CheckFailed`; anything else that is raised is the object's own error."""
        self.run()

    def __str__(self) -> str:
        return f"{self.what} {self.item}: {self.promise}"


def checks_of(item: Any, settings: Any = None) -> list[Check]:
    """Every check of an object, by what it looks like.

    Parameters
    ----------
    item
        A selector, validator, feature source, checklist, report section, or engine class.
    settings
        What the study file would say of it; default: its ``example_settings``, or nothing.

    Raises
    ------
    CheckFailed
        If it looks like none of these.

    Examples
    --------
    >>> from prldh.resampling import LeaveOneOut
    >>> for check in checks_of(LeaveOneOut()):
    ...     check()
    """
    from prldh import testing_checks

    what = kind_of(item)
    raw = getattr(item, "example_settings", None) if settings is None else settings
    return [
        Check(what, str(item.name), promise, partial(check, item, raw))
        for promise, check in testing_checks.CHECKS[what].items()
    ]


def kind_of(item: Any) -> str:
    """What an object is: the kind of whose attributes it has all.

    Raises
    ------
    CheckFailed
        If it is none, with a guess where a class was given.
    """
    for what, attributes in REGISTRIES.values():
        if what != "engine" and all(hasattr(item, name) for name in attributes) and not isinstance(item, type):
            return what
    if isinstance(item, type) and hasattr(item, "fit_logistic"):
        return "engine"
    hint = "; have you forgotten the `()`?" if isinstance(item, type) else "; prldh/interfaces.py says what each has."
    raise CheckFailed(
        f"{item!r} is no selector, validator, feature source, checklist, report section or engine class{hint}"
    )


def parametrize_with_checks(items: Iterable[Any], settings: Mapping[str, Any] | None = None) -> Any:
    """A pytest decorator: the test gets every check of every object as ``check``. ``settings``: by the object's
    name."""
    import pytest

    checks = [
        check for item in items for check in checks_of(item, (settings or {}).get(getattr(item, "name", ""), None))
    ]
    return pytest.mark.parametrize("check", checks, ids=str)


# ---------------------------------------------------------------- what checks are made of


def require(is_kept: bool, message: str) -> None:
    """Raise unless the promise is kept."""
    if not is_kept:
        raise CheckFailed(message)


def read_settings(item: Any, raw: Any) -> Any:
    """The settings as the pipeline would hand them over, ready to be used."""
    from prldh.imaging.sources import ChosenSource

    settings = settings_of(item.Settings, dict(raw or {}), item.name)
    if kind_of(item) != "feature source":
        return settings
    from pathlib import Path

    return ChosenSource.of(item, settings, Path.cwd()).settings


def refuses_unknown_keys(item: Any, raw: Any) -> None:
    """A misspelt setting must not be ignored silently."""
    settings_of(item.Settings, dict(raw or {}), item.name)
    try:
        settings_of(item.Settings, {**(raw or {}), "no_such_setting": 1}, item.name)
    except StudyError as error:
        require("no_such_setting" in str(error), f"the message does not name the key: {error}")
    else:
        raise CheckFailed('an unknown key is accepted: give Settings model_config = ConfigDict(extra="forbid")')


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
    from pathlib import Path

    import pandas as pd

    from prldh.pipeline import analyze

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
            "selection": [{"correlation": {"outcome": 0.1}}],
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
