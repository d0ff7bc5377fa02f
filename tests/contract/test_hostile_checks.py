"""`prldh plugins check` catches what no fit alone shows: state between fits, chance, ends of the program, settings that
ignore what they do not know; failures that are expected have a reason."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from pydantic import BaseModel, ConfigDict

from prldh.cli import cli
from prldh.core import interruptions
from prldh.core.errors import PluginError, StudyError
from prldh.core.records import Resample, Selection
from prldh.plugins import hookspecs, settings_of
from prldh.plugins.registry import Registry
from prldh.testing.checks import CHECKS
from prldh.testing.conformance import check_plugin
from prldh.testing.fresh import CARRIES, ELSEWHERE
from prldh.testing.kit import checks_of
from prldh.testing.parts import UNKNOWN, CheckFailed

sys.path.insert(0, str(Path(__file__).parents[1]))
from hostile_plugins import Odd

IN_RANGE = "keeps positions in range and gives a reason for every name it drops"


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


class First:
    name, version, Settings = "first", "1", Nothing

    def kept(self, rows):
        return 0

    def fit(self, rows, settings, seed, engine):
        j = self.kept(rows)
        return Selection(np.array([j]), {n: "another" for i, n in enumerate(rows.names) if i != j})


def _strongest(rows):
    return int(np.argmax(np.abs(rows.values.T @ (rows.outcome - rows.outcome.mean()))))


class InTheObject(First):
    def kept(self, rows):
        self.found = getattr(self, "found", float(rows.values[0, 0]))
        return int(self.found == rows.values[0, 0])


class InTheClass(First):
    found: list = []

    def kept(self, rows):
        self.found.append(1)
        return len(self.found) % 2


class ByChance(First):
    def kept(self, rows):
        return int(np.random.default_rng().integers(len(rows.names))) if len(rows.names) > 20 else 0


class ByTheGlobalState(First):
    def kept(self, rows):
        return np.random.randint(len(rows.names)) if len(rows.names) > 20 else 0  # noqa: NPY002


class BySet(First):
    def kept(self, rows):
        return rows.names.index(next(iter(set(rows.names))))


class Exits(First):
    def kept(self, rows):
        raise SystemExit(0)


class Says(First):
    def fit(self, rows, settings, seed, engine):
        return Selection(np.array([0]), {n: "no" for n in rows.names[1:]}, {}, "a sentence")


@dataclass
class Score:
    names: tuple
    weights: np.ndarray
    warnings: object = ()
    kind, outputs = "scores", ()

    @property
    def state(self):
        return {"names": list(self.names), "weights": self.weights.tolist()}

    def log_odds(self, values):
        return values @ self.weights

    def apply(self, values, names, columns):
        return self.log_odds(values[:, [list(names).index(n) for n in self.names]])


class Learner:
    name, version, gives, Settings, warnings = "slope", "1", "scores", Nothing, ()

    def fit(self, rows, settings, seed, engine):
        return Score(rows.names, rows.values.T @ (rows.outcome - rows.outcome.mean()), self.warnings)

    def from_state(self, state):
        return Score(tuple(state["names"]), np.array(state["weights"]))


class SameBuffer(Learner):
    """Fills one array again and again."""

    def fit(self, rows, settings, seed, engine):
        found = super().fit(rows, settings, seed, engine)
        if not hasattr(self, "buffer") or self.buffer.size != found.weights.size:
            self.buffer = found.weights
        self.buffer[:] = found.weights
        return Score(found.names, self.buffer)


class Sentence(Learner):
    warnings = "a sentence"


class Inner(BaseModel):
    """Ignores what it does not know."""

    size: int = 1


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    sizes: list[Inner | None] = []


class Allowing(BaseModel):
    model_config = ConfigDict(extra="allow")


class Halves:
    name, version, kind, Settings = "halves", "1", "held_out", Inner
    n_drawn = 0

    def resamples(self, outcome, settings, seed):
        self.n_drawn += 1
        rows = np.roll(np.arange(outcome.size), self.n_drawn)
        return [Resample(rows[rows % 2 != k], rows[rows % 2 == k], 0, k) for k in (0, 1)]


class Remembers:
    """A source, an image step or a checklist that keeps what it was given first."""

    name, version, Settings = "remembers", "1", Nothing
    first = None

    def extract(self, case, settings):
        self.first = self.first or case.patient
        return tuple({"x": float(len(self.first) + (self.first == case.patient))} for _ in case.masks)

    def describe(self, names, settings):
        return {}


class Answers:
    name, version = "answers", "1"
    first = None

    def evaluate(self, dossier):
        self.first = self.first or ("known" if dossier.results else "unknown")
        return [{"number": "1", "text": self.first, "status": "author", "evidence": []}]


@pytest.mark.parametrize(
    ("item", "promise", "message"),
    [
        (InTheObject(), CARRIES, "something else than the same fit of a fresh object"),
        (InTheClass(), ELSEWHERE, "another fit in another process"),
        (ByChance(), ELSEWHERE, "another fit in another process"),
        (ByTheGlobalState(), ELSEWHERE, "another fit in another process"),
        (BySet(), ELSEWHERE, "another fit in another process"),
        (Exits(), IN_RANGE, "it ends the program (SystemExit: 0"),
        (Exits(), ELSEWHERE, "it ends the program (SystemExit: 0"),
        (Says(), IN_RANGE, "gives a sentence in place of a tuple of warnings: write ('a sentence'…,)"),
        (SameBuffer(), CARRIES, "what was fitted first is another thing after the next fit"),
        (Sentence(), CARRIES, "gives a sentence in place of a tuple of warnings"),
        (Halves(), CARRIES, "something else than the same fit of a fresh object"),
        (Halves(), UNKNOWN, "Inner accepts an unknown key"),
        (Remembers(), CARRIES, "something else than the same fit of a fresh object"),
        (Answers(), CARRIES, "something else than the same fit of a fresh object"),
        (type("Own", (First,), {"Settings": Inner})(), UNKNOWN, "Inner accepts an unknown key"),
        (type("Own", (First,), {"Settings": Allowing})(), UNKNOWN, "Allowing accepts an unknown key"),
        (type("Own", (First,), {"Settings": Outer})(), UNKNOWN, "Inner, within Outer, accepts an unknown key"),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "version") else None,
)
def test_what_no_fit_alone_shows_is_caught(item, promise, message):
    (check,) = [each for each in checks_of(item) if each.promise == promise]
    with pytest.raises(CheckFailed) as failure:
        check()
    assert message in str(failure.value)


@pytest.mark.parametrize("item", [First(), Learner()], ids=lambda item: item.name)
def test_what_is_as_it_should_be_passes(item):
    for check in checks_of(item):
        if check.promise in (CARRIES, ELSEWHERE, UNKNOWN):
            check()


def test_a_run_refuses_a_key_that_settings_would_ignore():
    assert settings_of(Inner, {"size": 2}, "here").size == 2
    with pytest.raises(StudyError, match="here: unknown key 'sise'; did you mean 'size'"):
        settings_of(Inner, {"sise": 2}, "here")


# ---------------------------------------------------------------- what is expected to fail


def _registry(item):
    registry = Registry(load_entry_points=False)
    hook = hookspecs.hookimpl(lambda: [item])
    registry.register(SimpleNamespace(register_checklists=hook), name="stranger")
    return registry


class Expected(Answers):
    expected_failed_checks = {CARRIES: "it counts how often it was asked"}


class Better(Answers):
    expected_failed_checks = {"has a name and a version": "not yet"}

    def evaluate(self, dossier):
        return [{"number": "1", "text": "x", "status": "author", "evidence": []}]


def test_a_failure_that_is_expected_is_told_with_its_reason_and_one_that_passes_too():
    by_promise = {each.promise: each for each in check_plugin(_registry(Expected()), "stranger")}
    assert set(by_promise) == set(CHECKS["checklist"])
    line = str(by_promise[CARRIES])
    assert by_promise[CARRIES].is_well and line.startswith("expected checklist answers: carries nothing")
    assert line.endswith("(expected: it counts how often it was asked)")
    passed = next(each for each in check_plugin(_registry(Better()), "stranger") if each.reason)
    assert passed.status == "passed" and passed.is_well
    assert str(passed).startswith(
        "passed   checklist answers: has a name and a version, though it was expected to fail"
    )


@pytest.mark.parametrize(
    ("expected", "message"),
    [
        ({"carries nothing from one fit to the nxt": "x"}, "did you mean 'carries nothing from one fit to the next'"),
        ({CARRIES: ""}, "must be promise → reason"),
        ([CARRIES], "must be promise → reason"),
    ],
)
def test_expectations_that_say_nothing_are_refused(expected, message):
    item = type("Odd", (Answers,), {"expected_failed_checks": expected})()
    (failed,) = check_plugin(_registry(item), "stranger")
    assert not failed.is_well and message in str(failed)


def test_check_prints_json(monkeypatch):
    monkeypatch.setattr("prldh.plugins.Registry", lambda: _registry(Answers()))
    done = CliRunner().invoke(cli, ["plugins", "check", "stranger", "--json"])
    found = json.loads(done.stdout)
    assert done.exit_code == 1 and found["plugin"] == "stranger" and found["failed"] == 1
    assert {each["promise"]: each["status"] for each in found["checks"]}[CARRIES] == "failed"
    assert all(set(each) == {"status", "kind", "item", "promise", "message", "reason"} for each in found["checks"])


def _raising(error):
    def member(self):
        raise error

    return property(member)


#: What an object says for its checks, made where it is asked for.
ODD_MEMBERS = {
    "expected, odd": {"expected_failed_checks": Odd()},
    "expected, raises": {"expected_failed_checks": _raising(ValueError("half \udc80"))},
    "expected, interrupts": {"expected_failed_checks": _raising(KeyboardInterrupt())},
    "example, raises": {"example_settings": _raising(ValueError("two\nlines"))},
    "example, ends": {"example_settings": _raising(SystemExit(0))},
    "evaluates, interrupts": {"evaluate": _raising(KeyboardInterrupt())},
    "evaluates, mute": {"evaluate": _raising(type("Mute", (Exception,), {"__str__": lambda self: 1 / 0})())},
}


@pytest.mark.parametrize("what", ODD_MEMBERS)
def test_check_prints_json_whatever_an_object_does(monkeypatch, what):
    item = type("Own", (Answers,), ODD_MEMBERS[what])
    if what.startswith("evaluates"):  # the registry asks whether it is there
        item.evaluate, broken = Answers.evaluate, item.evaluate
        registry = _registry(item())
        registry.registered("register_checklists")
        item.evaluate = broken
    else:
        registry = _registry(item())
    monkeypatch.setattr("prldh.plugins.Registry", lambda: registry)
    monkeypatch.setattr(interruptions, "_asked", [])
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        done = CliRunner().invoke(cli, ["plugins", "check", "stranger", "--json"])
    finally:
        signal.signal(signal.SIGINT, former)
    found = json.loads(done.stdout)
    assert done.exit_code == 1 and found["failed"] >= 1, done
    assert all("\n" not in each["message"] for each in found["checks"]) and "Traceback" not in done.stderr


@pytest.mark.parametrize("gives", [Odd, lambda: "scores", lambda: None])
def test_a_transform_says_that_it_is_one(gives):
    item = type("Own", (Learner,), {"gives": gives()})()
    registry = Registry(load_entry_points=False, load_built_ins=False)
    registry.register(SimpleNamespace(register_transforms=hookspecs.hookimpl(lambda: [item])), name="stranger")
    with pytest.raises(PluginError, match=r"transform 'slope' of plugin 'stranger' gives .* must have gives = \"trans"):
        registry.registered("register_transforms")
