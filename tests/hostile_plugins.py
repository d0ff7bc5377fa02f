"""Plugins that do what they must not, and distributions of them that are installed for one test."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from prldh.core.fitted import take_columns
from prldh.core.records import Resample, Selection
from prldh.plugins.hookspecs import hookimpl


def spoil(value: Any, depth: int = 0) -> None:
    """Change whatever can be changed of a value by ordinary ways, and all that is within it."""
    if depth > 6 or isinstance(value, (str, bytes, int, float, type(None), type)):
        return
    for change in CHANGES:
        with suppress(Exception):
            change(value)
    inner: list[Any] = []
    with suppress(Exception):
        inner = list(value.values() if isinstance(value, Mapping) else value)[:50]
    if isinstance(value, (np.ndarray, pd.DataFrame, pd.Series)):
        inner = []
    with suppress(Exception):
        inner += list(vars(value).values())
    for each in inner:
        spoil(each, depth + 1)


def _flip(value: Any) -> None:
    value[...] = 1 - value


def _unlocked(value: Any) -> None:
    value.setflags(write=True)
    value[...] = 1 - value


def _empty(value: Any) -> None:
    value[...] = ""


def _frame(value: Any) -> None:
    value.iloc[:, :] = value.iloc[::-1].to_numpy()


def _columns(value: Any) -> None:
    for name in list(value.columns):
        value[name] = value[name].to_numpy()[::-1]


def _entries(value: Any) -> None:
    for key in list(value):
        value[key] = 0


def _attributes(value: Any) -> None:
    if hasattr(value, "iloc"):
        return  # a frame without its insides is no frame
    names = [f.name for f in dataclasses.fields(value)] if dataclasses.is_dataclass(value) else list(vars(value))
    for name in names:
        setattr(value, name, None)


def _methods(value: Any) -> None:
    for name in ("auc", "delong", "youden", "fit_logistic", "refit_logistic"):
        if hasattr(value, name):
            setattr(value, name, lambda *_, **__: {"estimate": 1.0, "threshold": 0.0})


CHANGES = [
    _flip,
    _unlocked,
    _empty,
    _frame,
    _columns,
    _entries,
    lambda value: value.sort(),
    lambda value: value.fill(0),
    lambda value: value.setdefault("more", 1),
    lambda value: value.update(more=1),
    lambda value: value.append(1),
    lambda value: value.clear(),
    lambda value: value.pop(next(iter(value))),
    _methods,
    _attributes,
]


def install(folder: Path, monkeypatch: Any, code: str, name: str = "hostile", requires: tuple[str, ...] = ()) -> None:
    """Make a distribution ``prldh-NAME`` of one module, as installed."""
    about = folder / f"prldh_{name}-2.5.dist-info"
    about.mkdir(parents=True)
    required = "".join(f"Requires-Dist: {each}\n" for each in requires)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: prldh-{name}\nVersion: 2.5\n{required}")
    (about / "entry_points.txt").write_text(f"[prldh]\n{name} = {name}_plugin_of_a_test\n")
    (folder / f"{name}_plugin_of_a_test.py").write_text(code)
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, f"{name}_plugin_of_a_test", raising=False)


class Odd(dict):  # type: ignore[type-arg]
    """A mapping that raises wherever somebody looks at it."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("nobody looks at me")

    __eq__ = __hash__ = __repr__ = __str__ = __len__ = __iter__ = __bool__ = __getitem__ = _refuse  # type: ignore[assignment]
    __contains__ = keys = values = items = get = _refuse  # type: ignore[assignment]


class Exiting:
    """Something that ends the process wherever somebody looks at it."""

    def _exit(self, *_: Any) -> Any:
        sys.exit(3)

    __repr__ = __str__ = __eq__ = __len__ = __iter__ = __bool__ = __int__ = _exit
    __hash__ = None  # type: ignore[assignment]


class Deep(dict):  # type: ignore[type-arg]
    """A dictionary that stands within itself."""

    def __init__(self) -> None:
        super().__init__()
        self["deep"] = self


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Peaceful:
    """Of every kind one, as it should be; ``spoils``: it changes what it is handed before and after."""

    def __init__(self, spoils=lambda *given: None):
        self.spoils = spoils

    def hooks(self):
        spoils = self.spoils

        class Step:
            name, version, Settings = "quiet", "1", Nothing
            label = "Quiet"

            def check(self, settings):
                spoils(settings)

            def fingerprint(self, settings):
                spoils(settings)
                return ""

            def fit(self, rows, settings, seed, engine):
                print("fitting")
                chosen = Selection(np.arange(2), {n: "no" for n in rows.names[2:]}, {"n": [2]})
                spoils(rows, settings, engine)
                return chosen

            def describe(self, rows, settings, seed, fit):
                spoils(rows, settings, fit)
                return {"m": [1]}

            def alternatives(self, settings):
                spoils(settings)
                return {"as it is": settings, "without": None}

            def methods(self, run):
                spoils(run)
                return "two features were kept"

            def figures(self, details):
                spoils(details)
                return []

            def remarks(self, details_by_source):
                spoils(details_by_source)
                return []

            def check_columns(self, settings, subjects, where):
                spoils(settings, subjects)
                return []

            def reached_from(self, settings, columns, train):
                reached = np.ones(len(next(iter(columns.values()))), bool)
                spoils(settings, columns, train)
                return reached

            def remedy(self, settings):
                return "x. y"

        class Shift:
            names = outputs = state = kind = None

            def __init__(self, names):
                self.names = self.outputs = tuple(names)
                self.state, self.kind = {"names": list(names)}, "transforms values"

            def apply(self, values, names, columns):
                found = take_columns(values, names, self.names) + 1.0
                spoils(values, columns)
                return found

        class Transform(Step):
            name, gives = "shift", "transforms values"

            def fit(self, rows, settings, seed, engine):
                spoils(rows, settings, engine)
                return Shift(rows.names)

            def from_state(self, state):
                return Shift(state["names"])

        class Score:
            kind, outputs = "scores", ()

            def __init__(self, names):
                self.names, self.state = tuple(names), {"names": list(names)}

            def log_odds(self, values):
                found = values.sum(axis=1) - values.shape[1]
                spoils(values)
                return found

            def apply(self, values, names, columns):
                found = values[:, [list(names).index(n) for n in self.names]].sum(axis=1)
                spoils(values, columns)
                return found

        class Learner:
            name, version, gives, Settings = "sum", "1", "scores", Nothing

            def fit(self, rows, settings, seed, engine):
                spoils(rows, settings, engine)
                return Score(rows.names)

            def from_state(self, state):
                return Score(state["names"])

        class Halves:
            name, version, kind = "halves", "1", "held_out"

            def resamples(self, outcome, settings, seed, columns):
                rows = np.arange(outcome.size)
                spoils(outcome, settings, columns)
                return [Resample(rows[rows % 2 != k], rows[rows % 2 == k], 0, k) for k in (0, 1)]

        class List:
            name, version = "list", "1"

            def evaluate(self, dossier):
                spoils(dossier)
                return [{"number": "1", "text": "a", "status": "author", "evidence": []}]

            def score(self, entries):
                spoils(entries)
                return {"points": 1}

        class Section:
            name, title = "section", "Section"

            def render(self, results, folder):
                spoils(results)
                return "<p>x</p>"

        class Squares:
            name, version, label = "squares", "1", "Mean squared error"

            def measure(self, outcome, probability):
                found = float(np.mean((outcome - probability) ** 2))
                spoils(outcome, probability)
                return {"estimate": found, "low": found / 2, "high": found * 2}

        def stage_finished(stage, result):
            spoils(result)

        return {
            "register_selectors": lambda: [Step()],
            "register_transforms": lambda: [Transform()],
            "register_learners": lambda: [Learner()],
            "register_validators": lambda: [Halves()],
            "register_checklists": lambda: [List()],
            "register_report_sections": lambda: [Section()],
            "register_statistics": lambda: [Squares()],
            "stage_finished": stage_finished,
        }


def plugin_of(hooks):
    """A plugin with these hooks, to be given to a run."""
    return SimpleNamespace(__name__="mine", **{name: hookimpl(function) for name, function in hooks.items()})


def small_study(folder: Path) -> dict[str, Any]:
    """A study of 60 patients that has something of every kind that :class:`Peaceful` registers."""
    rng = np.random.default_rng(3)
    outcome = np.arange(60) % 5 < 2
    ids = [f"P{i:02}" for i in range(60)]
    clinical = {
        "id": ids,
        "event": np.where(outcome, "yes", "no"),
        "age": rng.normal(60, 9, 60),
        "hospital": ["a", "b"] * 30,
    }
    pd.DataFrame(clinical).to_csv(folder / "clinical.csv", index=False)
    pd.DataFrame({"id": ids, **{f"f{j}": 0.8 * outcome + rng.normal(size=60) for j in range(4)}}).to_csv(
        folder / "features.csv", index=False
    )
    return {
        "engine": "python",
        "transforms": [{"shift": {}}],
        "selection": [{"quiet": {}}],
        "learner": "sum",
        "tissues": {"disc": {"features": str(folder / "features.csv")}},
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "event",
            "event": "yes",
            "covariates": {"age": "continuous"},
            "columns": {"centre": "hospital"},
        },
        "validation": {"leave_one_out": False, "folds": 2, "repeats": 1, "bootstrap": 0, "halves": True},
        "performance": {"partial_auc_bootstrap": 0, "decision_bootstrap": 0, "interaction_bootstrap": 0},
        "report": {"figures": [], "checklists": ["list"]},
    }
