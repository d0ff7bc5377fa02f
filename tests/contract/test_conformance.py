"""The conformance kit: everything built in and both plugins of this repository pass it, and each check catches what it
is for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from pydantic import BaseModel, ConfigDict

from prldh import testing
from prldh.chain.selection.correlation import filter_correlated
from prldh.cli import cli
from prldh.core.errors import OutputError, PluginError
from prldh.core.fitted import Chosen
from prldh.core.records import Resample, Selection
from prldh.plugins import hookspecs
from prldh.plugins.registry import REGISTRIES, Registry
from prldh.run.preparation import check_held_out
from prldh.testing.checks import CHECKS
from prldh.testing.conformance import check_plugin, write_skeleton
from prldh.testing.fresh import ELSEWHERE
from prldh.testing.kit import checks_of, parametrize_with_checks
from prldh.testing.parts import CheckFailed
from prldh.testing.skeleton import KINDS, USUAL

sys.path.insert(0, str(Path(__file__).parents[1]))
from fitted_steps import AsChosen, Clip, Limits, Rotate

BUILT_IN = [item for hook in REGISTRIES for item, _ in Registry(load_entry_points=False).registered(hook).values()]
FEWER_TREES = {
    "mrmr_forest": {"trees": 20, "sizes": [1, 3], "seeds": 2},
    "boruta": {"trees": 20, "runs": 20},
    "stability": {"halves": 10},
    "random_forest": {"trees": 20},
    "boosting": {"trees": 20, "folds": 2},
    "mean": {"of": ["logistic", {"random_forest": {"trees": 10}}, {"mean": {"of": ["lasso"]}}]},
}


#: Whose fit of hundreds of features takes a minute.
LONG = ("boruta", "lasso_svm_rfe", "mrmr_forest")


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(
            check, id=str(check), marks=[pytest.mark.slow] * (check.promise == ELSEWHERE and check.item in LONG)
        )
        for item in BUILT_IN
        for check in checks_of(item, FEWER_TREES.get(item.name))
    ],
)
def test_built_ins_conform(check):
    check()


def test_every_kind_of_built_in_was_checked():
    assert {testing.kind_of(item) for item in BUILT_IN} == {
        "selector",
        "transform",
        "learner",
        "validator",
        "engine",
        "checklist",
        "report section",
        "image step",
    }
    assert {kind.noun for kind in REGISTRIES.values()} == set(CHECKS)


def test_pyradiomics_conforms():
    pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")
    pytest.importorskip("radiomics", reason="PyRadiomics is not installed")
    lines = list(check_plugin(Registry(), "prldh-pyradiomics", "pyradiomics: {preset: ibsi}"))
    assert len(lines) == len(CHECKS["feature source"]) and all(each.is_well for each in lines), lines


# ---------------------------------------------------------------- each check catches what it is for


class Nothing(BaseModel):
    """No settings, and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Loose(BaseModel):
    """Ignores what it does not know."""


class First:
    """Keeps the first feature: a selector that conforms, to be spoilt."""

    name = "first"
    version = "1"
    Settings = Nothing

    def fit(self, rows, settings, seed, engine):
        return Selection(np.array([0]), {n: "not the first" for n in rows.names[1:]})


class Everyone:
    """Holds out the first half, then the second."""

    name = "halves"
    version = "1"
    kind = "held_out"

    def resamples(self, outcome, settings, seed):
        rows = np.arange(outcome.size)
        return [Resample(rows[rows % 2 != k], rows[rows % 2 == k], 0, k) for k in (0, 1)]


class Mean:
    """One value a region."""

    name = "mean"
    version = "1"
    Settings = Nothing

    def extract(self, case, settings):
        return tuple({"mean": float(case.image.values[m].mean())} for m in case.masks)

    def describe(self, names, settings):
        return {n: {"unit": None, "ibsi": None, "family": "mine"} for n in names}


class Two:
    """A checklist of two items."""

    name = "two"
    version = "1"

    def evaluate(self, dossier):
        known = dossier.results is not None
        return [
            {
                "number": 1,
                "text": "Was it analysed?",
                "status": "filled" if known else "author",
                "evidence": [{"where": "results", "href": "results.json"}] if known else [],
            },
            {"number": 2, "text": "Who paid?", "status": "author", "evidence": []},
        ]

    def score(self, entries):
        return {"answered": sum(e["status"] == "filled" for e in entries), "of": len(entries)}


class Words:
    """A section."""

    name = "words"
    title = "In words"

    def render(self, results, folder):
        return f"<p>{results['cohort']['n']} patients</p>"


@parametrize_with_checks([First(), Everyone(), Mean(), Two(), Words(), Clip(), Rotate(), AsChosen()])
def test_small_ones_conform(check):
    check()


def _seedless(rows, kept=0):
    return Selection(np.array([np.random.randint(len(rows.names))]), {}, {})  # noqa: NPY002


def _remembering():
    seen = []

    def fit(rows, settings, seed, engine):
        seen.append(rows)
        kept = filter_correlated(seen[0].values, seen[0].outcome, 0.9, 0.3)[0][:1] if len(seen) > 1 else np.array([0])
        return Selection(
            np.array([len(seen) - 1]),
            {n: "memory" for j, n in enumerate(rows.names) if j != len(seen) - 1},
            {"kept": kept},
        )

    return fit


def _kept(positions, dropped=None):
    def fit(rows, settings, seed, engine):
        gone = {n: "why" for j, n in enumerate(rows.names) if j not in positions} if dropped is None else dropped
        return Selection(np.array(positions), gone)

    return fit


def _changing(rows, settings, seed, engine):
    rows.values[0] = 0.0
    return Selection(np.array([0]), {n: "x" for n in rows.names[1:]})


def _refusing(when):
    def fit(rows, settings, seed, engine):
        if when(rows):
            raise ZeroDivisionError("division by zero")
        return First().fit(rows, settings, seed, engine)

    return fit


def _limiting(**parts):
    """A fit that gives limits with other parts: values, or methods of what was fitted."""

    def fit(rows, settings, seed, engine):
        fitted = Clip().fit(rows, settings, seed, engine)
        return type("Spoilt", (Limits,), parts)(fitted.names, fitted.low, fitted.high)

    return fit


def _by_position(self, values, names, columns):
    return np.clip(values[:, : self.low.size], self.low[: values.shape[1]], self.high[: values.shape[1]])


def _narrower(self, values, names, columns):
    self.low[:] += 1.0
    return Limits.apply(self, values, names, columns)


def _drawn(outcome, settings, seed):
    rows = np.random.permutation(outcome.size)  # noqa: NPY002
    return [Resample(rows[5:], rows[:5], 0, 0)]


def _resampling(train, test):
    return lambda outcome, settings, seed: [Resample(np.array(train), np.array(test), 0, 0)]


def _measuring(values):
    return lambda case, settings: tuple(values(case) for _ in case.masks)


@pytest.mark.parametrize(
    ("whole", "spoilt", "caught"),
    [
        (First, {"Settings": Loose}, "refuses unknown"),
        (First, {"fit": _kept([0, 0])}, "keeps positions"),
        (First, {"fit": _kept([-1])}, "keeps positions"),
        (First, {"fit": _kept([0], {})}, "keeps positions"),
        (First, {"fit": _kept([0], {"feature 0": "kept and dropped"})}, "keeps positions"),
        (First, {"fit": lambda *_: [0]}, "keeps positions"),
        (
            First,
            {"fit": lambda rows, *_: replace(_seedless(rows), dropped={n: "x" for n in rows.names})},
            "keeps positions",
        ),
        (First, {"fit": _remembering()}, "fitted on the rows"),
        (First, {"fit": _changing}, "fitted on the rows"),
        (First, {"fit": _refusing(lambda r: (np.ptp(r.values, axis=0) == 0).any())}, "constant columns"),
        (First, {"fit": _refusing(lambda r: len(set(r.patient.tolist())) < r.patient.size)}, "copies of patients"),
        (First, {"fit": _refusing(lambda r: len(r.names) < 3)}, "one or two features"),
        (First, {"fit": _refusing(lambda r: r.second is None)}, "one reader"),
        (First, {"fit": _refusing(lambda r: (r.values == np.round(r.values)).all())}, "ties"),
        (Clip, {"fit": _limiting(apply=_by_position)}, "other values where columns stand in another order"),
        (Clip, {"fit": _limiting(apply=lambda self, values, *_: values[:, :1])}, "in place of (40, 10), a column"),
        (Clip, {"fit": _limiting(apply=_narrower)}, "is the same again from its state"),
        (Clip, {"fit": _limiting(kind="chooses columns")}, "other values than those of the columns that it chose"),
        (Clip, {"fit": _limiting(kind="scores")}, "must be one that chooses columns, chooses images, transforms"),
        (Clip, {"fit": _limiting(outputs=("a", "a"))}, "gives a column twice"),
        (Clip, {"fit": _limiting(state=property(vars))}, "its state is not JSON: Object of type ndarray"),
        (Clip, {"from_state": lambda state: Limits(tuple(state["names"]), np.round(state["low"], 3), 9.0)}, "state"),
        (AsChosen, {"fit": lambda rows, *_: Chosen(("b",))}, "reads the column 'b', which it was not given"),
        (AsChosen, {"fit": lambda rows, *_: Limits(rows.names, 0.0, 1.0)}, "has no from_state that reads it"),
        (
            First,
            {"describe": lambda rows, settings, seed, found: found.dropped.clear() or {}},
            "describes what it found",
        ),
        (First, {"version": ""}, "name and a version"),
        (Everyone, {"resamples": _resampling([0, 1], [1, 2])}, "do not train"),
        (Everyone, {"resamples": _resampling([0, 0], [1, 2])}, "do not train"),
        (Everyone, {"kind": "jackknife"}, "do not train"),
        (Everyone, {"resamples": _resampling(range(30), range(30, 40))}, "do not train"),
        (Everyone, {"resamples": _resampling([0, 1], [40])}, "in range"),
        (Everyone, {"resamples": _resampling([0.5, 1], [3])}, "in range"),
        (Everyone, {"resamples": _drawn}, "its seed alone"),
        (Mean, {"extract": _measuring(lambda c: {"mean": float("nan")})}, "finite numbers"),
        (Mean, {"extract": lambda case, settings: {"mean": 1.0}}, "one dictionary"),
        (Mean, {"extract": _measuring(lambda c: {c.patient: 1.0})}, "same features in the same order"),
        (Mean, {"extract": _measuring(lambda c: {"mean": np.random.rand()})}, "alike every time"),  # noqa: NPY002
        (
            Mean,
            {
                "extract": _measuring(
                    lambda c: {"mean": float(np.float64(1) / c.image.values.std() if c.image.values.std() else np.inf)}
                )
            },
            "says why not",
        ),
        (Mean, {"describe": lambda names, settings: {}}, "describes every feature"),
        (
            Mean,
            {"extract_many": lambda cases, settings: [({"mean": 0.0},) * 2 for _ in cases]},
            "many as it measures one",
        ),
        (
            Two,
            {"evaluate": lambda dossier: [{"number": 1, "text": "x", "status": "yes", "evidence": []}]},
            "items with number",
        ),
        (Two, {"evaluate": lambda dossier: [{"number": 1, "text": "x", "status": "author"}]}, "items with number"),
        (
            Two,
            {"evaluate": lambda dossier: Two().evaluate(dossier)[: 1 + (dossier.results is None)]},
            "items with number",
        ),
        (Words, {"render": lambda results, folder: f"<p>{results['study']['title']}</p>"}, "escaped"),
        (Words, {"render": lambda results, folder: results.clear() or ""}, "changes nothing"),
        (Words, {"render": lambda results, folder: next(iter(results["tissues"]))}, "without tissues"),
    ],
)
def test_a_broken_promise_is_caught(whole, spoilt, caught):
    methods = {k: staticmethod(v) if callable(v) and not isinstance(v, type) else v for k, v in spoilt.items()}
    manager = Registry(load_entry_points=False)
    item = type("Spoilt", (whole,), methods)()
    hook = next(h for h, kind in REGISTRIES.items() if kind.noun == testing.kind_of(item))
    manager.register(SimpleNamespace(**{hook: _hook(hook, [item])}), name="stranger")
    failed = [str(each) for each in check_plugin(manager, "stranger") if not each.is_well]
    assert any(caught in line for line in failed), failed
    assert all("\n" not in line for line in failed)


def _hook(name, items):
    def register():
        return items

    register.__name__ = name
    return hookspecs.hookimpl(register)


def test_a_selector_that_cannot_be_sent_to_workers_is_caught():
    selector = First()
    selector.helper = lambda: None
    check = next(c for c in checks_of(selector) if "worker" in c.promise)
    with pytest.raises(CheckFailed, match="cannot be sent to a worker process"):
        check()


def test_a_class_is_refused_with_a_guess():
    with pytest.raises(CheckFailed, match=r"forgotten the `\(\)`"):
        checks_of(First)


def test_a_run_refuses_a_validator_that_leaves_patients_out():
    rows = np.arange(6)
    halves = [Resample(rows[3:], rows[:3], 0, 0), Resample(rows[:3], rows[3:], 0, 1)]
    check_held_out("mine", "held_out", halves, 6)
    check_held_out("mine", "bootstrap", halves[:1], 6)
    for odd in (
        halves[:1],
        [*halves, Resample(rows[3:], rows[:1], 0, 2)],
        [*halves, Resample(rows[3:], rows[:3], 1, 0)],
    ):
        with pytest.raises(
            PluginError, match="validation.mine: in repeat [01] [13] of 6 patients are not held out exactly once"
        ):
            check_held_out("mine", "held_out", odd, 6)


# ---------------------------------------------------------------- the commands


def test_check_says_what_is_not_there():
    manager = Registry(load_entry_points=False)
    with pytest.raises(PluginError, match="no plugin 'icx' is installed. Did you mean 'icc'"):
        list(check_plugin(manager, "icx"))
    with pytest.raises(PluginError, match="--settings: 'folds' is none of what is checked: icc"):
        list(check_plugin(manager, "icc", "folds: 3"))
    with pytest.raises(PluginError, match="--settings: line 1, column 2 is not valid YAML"):
        list(check_plugin(manager, "icc", "{"))


def test_check_prints_a_line_a_check_and_exits_by_what_it_found():
    done = CliRunner().invoke(cli, ["plugins", "check", "icc"])
    assert done.exit_code == 0 and done.output.count("\n") == len(CHECKS["selector"])
    done = CliRunner().invoke(cli, ["plugins", "check", "icc", "--settings", "icc: {treshold: 0.5}"])
    assert done.exit_code == 1 and "did you mean 'threshold'" in done.output and "checks failed" in done.output


def run_new(folders):
    """The tests and the checks of written plugins, installed the way pip leaves them, folders of metadata on the
    path."""
    for folder in folders:
        package = folder.name.replace("-", "_")
        about = folder / f"{package}-0.1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {folder.name}\nVersion: 0.1.0\n")
        (about / "entry_points.txt").write_text(f"[prldh]\n{package.removeprefix('prldh_')} = {package}\n")
    places = [str(folder) for folder in folders]
    names = [folder.name.removeprefix("prldh-") for folder in folders]
    code = (
        "import pytest; from prldh.cli import cli\n"
        f"assert pytest.main(['-q', '-p', 'no:cacheprovider', '--import-mode=importlib', *{places}]) == 0\n"
        f"for name in {names}: cli(['plugins', 'check', name], standalone_mode=False)"
    )
    path = os.pathsep.join([*places, *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": path},
        cwd=folders[0],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for folder in folders:
        text = "".join(p.read_text() for p in folder.rglob("*.*") if p.suffix in (".py", ".toml", ".md"))
        assert not re.search("@[A-Z]+@", text)
    return done.stdout.count("\nok       ")


@pytest.mark.ci
def test_a_new_plugin_of_each_kind_works_as_it_is_written(tmp_path):
    """Each alone, and the usual two together; what `plugins check` looks at is of those kinds and no other."""
    kinds = {
        "transform": "transform",
        "learner": "learner",
        "validator": "validator",
        "statistic": "statistic",
        "checklist": "checklist",
        "section": "report section",
    }
    assert {*kinds, *USUAL} == set(KINDS)
    write_skeleton("prldh-mine", tmp_path)
    for kind in kinds:
        done = CliRunner().invoke(cli, ["plugins", "new", f"prldh-my{kind}", "--kind", kind, "--in", str(tmp_path)])
        assert done.exit_code == 0, done.output
    n_checks = sum(len(CHECKS[what]) for what in (*kinds.values(), "selector", "feature source"))
    assert run_new([tmp_path / name for name in ("prldh-mine", *(f"prldh-my{kind}" for kind in kinds))]) == n_checks


def test_several_kinds_go_together_and_another_is_refused(tmp_path):
    write_skeleton("prldh-both", tmp_path, ("learner", "section", "learner"))
    written = {p.relative_to(tmp_path / "prldh-both").as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    modules = {f"prldh_both/{module}.py" for module in ("__init__", "learner", "section")}
    assert written == {"pyproject.toml", "README.md", "tests/test_conformance.py", *modules}
    with pytest.raises(OutputError, match="no plugin of the kind 'figure'. Found: source, transform"):
        write_skeleton("prldh-other", tmp_path, ("figure",))
    told = CliRunner().invoke(cli, ["plugins", "new", "--help"]).output
    assert all(kind in " ".join(told.split()) for kind in KINDS)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("1st", "cannot be a distribution's name"),
        ("class", "cannot be a package's name in Python"),
        ("prldh-class", "cannot be a package's name in Python"),
        ("../up", "cannot be"),
        ("prldh", "is taken"),
        ("prldh-prldh", "is taken"),  # the plugin would have the name of prldh's own
        ("two words", "cannot be"),
        ("prldh-ünïcode", "cannot be"),
        ("a\nb", r"'a\\nb' cannot be"),
        ("a" * 300, "cannot be written: File name too long"),
        ("there", "exists already"),
    ],
)
def test_new_refuses(tmp_path, name, message):
    (tmp_path / "there").mkdir()
    with pytest.raises(OutputError, match=message):
        write_skeleton(name, Path(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["there"]


@pytest.mark.parametrize("name", ["pandas", "prldh-pyradiomics"])
def test_a_new_plugin_hides_no_package(tmp_path, name):
    pytest.importorskip(name.replace("-", "_"))
    with pytest.raises(OutputError, match="there is one of that name already"):
        write_skeleton(name, tmp_path)
    assert not list(tmp_path.iterdir())
