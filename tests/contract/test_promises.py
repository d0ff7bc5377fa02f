"""What plugins promise is held to where they run: one message that names the plugin, never a traceback or a wrong
result."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pydantic import BaseModel

import prldh
from prldh.chain.applying import applied
from prldh.core.errors import DataError, PluginError
from prldh.core.records import Resample, Selection
from prldh.plugins.border import called
from prldh.plugins.hookspecs import hookimpl
from prldh.plugins.promises import check_details, check_resamples, check_selection, describe_error, guarded
from prldh.plugins.registry import Registry

pytestmark = pytest.mark.usefixtures("undrawn")

NAMES = ("a", "b", "c")


class Stranger:
    """A selector of somebody else's, that answers what it is told to."""

    name, version = "strange", "1"

    class Settings(BaseModel):
        pass

    def __init__(self, answer):
        self.answer = answer

    def fit(self, rows, settings, seed, engine):
        return self.answer(rows) if callable(self.answer) else self.answer


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "gives NoneType in place of a prldh.core.records.Selection"),
        ([0, 1], "gives list in place"),
        (Selection(np.array([0, 3]), {"b": "why"}), "positions from 0 to 3 of 3 features"),
        (Selection(np.array([-1]), {"a": "why", "b": "why"}), "positions from -1 to -1"),
        (Selection(np.array([1, 1]), {"a": "why"}), "keeps a feature twice"),
        (Selection(np.array([0.0]), {"b": "why", "c": "why"}), r"keeps float64 \(1,\) in place of positions"),
        (Selection(np.array([True, False, False]), {}), r"keeps bool \(3,\)"),
        (Selection(["a"], {}), "in place of positions"),
        (Selection(np.array([0]), ["b", "c"]), "gives list in place of reasons by name"),
    ],
)
def test_a_selection_that_is_none(found, message):
    with pytest.raises(PluginError, match=f"the selector 'strange' .*{message}.*`prldh plugins check strange`"):
        check_selection(Stranger(None), found, NAMES)


def test_selections_that_are():
    for kept in ([], [2], [2, 0], [0, 1, 2]):
        dropped = {n: "why" for j, n in enumerate(NAMES) if j not in kept}
        # the run says then that no reason was given
        check_selection(Stranger(None), Selection(np.array(kept, dtype=int), {}), NAMES)
        for as_given in (kept, tuple(kept), np.array(kept), np.array(kept, dtype=np.uint8)):
            check_selection(Stranger(None), Selection(as_given, dropped), NAMES)


def test_details_are_json():
    check_details("selector", Stranger(None), {"n": np.int64(3), "x": np.float64("nan"), "all": np.arange(2)})
    with pytest.raises(PluginError, match="'strange' gives details that cannot be written as JSON"):
        check_details("selector", Stranger(None), {"n": object()})
    with pytest.raises(PluginError, match="the learner 'strange' gives list in place of details by name"):
        check_details("learner", Stranger(None), [1])


@pytest.mark.parametrize(
    ("kind", "test", "told"),
    [
        ("holdout", (2, 3, 3), "holds a row out twice in repeat 0, fold 0"),
        ("repeated_holdout", (2, 2), "holds a row out twice"),
        ("bootstrap", (2, 2), "holds a row out twice"),
        ("holdout", (), "holds nobody out in repeat 0, fold 0"),
        ("held_out", (), "holds nobody out"),
        ("bootstrap", (), None),
    ],
)
def test_rows_are_held_out_once(kind, test, told):
    resample = Resample(np.array([0, 1]), np.array(test, dtype=int), 0, 0)
    with pytest.raises(PluginError, match=told) if told else nullcontext():
        check_resamples("odd", kind, [resample], 4)


def _resample(train=(0, 1), test=(2, 3), repeat=0, fold=0):
    return Resample(np.array(train), np.array(test), repeat, fold)


@pytest.mark.parametrize(
    ("kind", "resamples", "message"),
    [
        ("folds", [_resample()], "kind 'folds'"),
        ("held_out", None, "must give a list of prldh.core.records.Resample, found NoneType"),
        ("held_out", [], "list of 0"),
        ("held_out", [(0, 1)], "found list of 1"),
        ("held_out", [_resample(test=(2, 4))], r"rows from 2 to 4 as test in repeat 0, fold 0, of 4 patients"),
        ("held_out", [_resample(train=(-1, 0))], "rows from -1 to 0 as train"),
        ("held_out", [_resample(test=(2.0, 3.0))], r"gives float64 \(2,\) as test"),
        ("held_out", [_resample(test=(True, False))], r"gives bool \(2,\) as test"),
        ("held_out", [_resample(train=())], "no training rows in repeat 0, fold 0"),
        ("bootstrap", [_resample(), _resample()], "the same repeat and fold"),
    ],
)
def test_resamples_that_are_none(kind, resamples, message):
    with pytest.raises(PluginError, match=f"validation.mine: the validator .*{message}"):
        check_resamples("mine", kind, resamples, 4)


def test_resamples_that_are():
    check_resamples("mine", "held_out", [_resample(), _resample((2, 3), (0, 1), fold=1)], 4)
    check_resamples("mine", "bootstrap", [_resample((0, 0, 1, 1), ()), _resample((3, 3, 3, 3), (0, 1, 2), repeat=1)], 4)


def test_a_stranger_s_error_is_one_message_and_our_own_stays_a_traceback():
    with (
        pytest.raises(
            PluginError,
            match=(
                r"the selector 'strange' failed: ValueError: of its own \(contract/test_promises.py, line \d+\)\."
                r" Update"
            ),
        ),
        guarded("selector", Stranger(None)),
    ):
        raise ValueError("of\nits own.")
    for as_it_is in (DataError("a reason."), MemoryError()):
        with pytest.raises(type(as_it_is)), guarded("selector", Stranger(None)):
            raise as_it_is
    from prldh.chain.selection.univariate import UnivariateSelector

    with pytest.raises(ZeroDivisionError), guarded("selector", UnivariateSelector()):
        raise ZeroDivisionError
    assert describe_error(SystemExit()) == "SystemExit"


class Chose:
    """What a stranger fitted, that is applied only to some."""

    kind, names, outputs, state = "transforms values", ("a",), ("a",), {}

    def apply(self, values, names, columns):
        return [] if len(values) > 2 else 1 / 0


@pytest.mark.parametrize(
    ("n", "message"), [(2, "failed: ZeroDivisionError"), (3, "transforms values and gives float64")]
)
def test_what_a_step_fitted_is_told_by_the_step_s_name(n, message):
    fitted = called("selector", Stranger(Chose()), "fit", None, None, None, None)
    with pytest.raises(PluginError, match=f"the fitted step 'strange' {message}"):
        applied(fitted, np.zeros((n, 1)), ("a",), {})


def test_a_hook_that_fails_names_its_plugin():
    manager = Registry(load_entry_points=False)

    @hookimpl
    def register_selectors():
        raise KeyError("absent")

    manager.register(SimpleNamespace(register_selectors=register_selectors), name="mine")
    with pytest.raises(PluginError, match="register_selectors of plugin 'mine' failed: KeyError: 'absent'"):
        manager.registered("register_selectors")


# ---------------------------------------------------------------- in a run


@pytest.fixture
def study(tmp_path):
    rng = np.random.default_rng(3)
    outcome = np.arange(40) % 5 < 2
    ids = [f"P{i}" for i in range(40)]
    pd.DataFrame({"id": ids, "event": np.where(outcome, "yes", "no")}).to_csv(tmp_path / "clinical.csv", index=False)
    pd.DataFrame({"id": ids, **{f"f{j}": outcome + rng.normal(size=40) for j in range(4)}}).to_csv(
        tmp_path / "features.csv", index=False
    )
    return {
        "engine": "python",
        "selection": [{"strange": {}}],
        "tissues": {"disc": {"features": str(tmp_path / "features.csv")}},
        "clinical": {
            "table": str(tmp_path / "clinical.csv"),
            "id": "id",
            "outcome": "event",
            "event": "yes",
            "covariates": {},
        },
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0},
    }


def _plug(monkeypatch, **hooks):
    def make(given=()):
        manager = Registry(given, load_entry_points=False)
        manager.register(SimpleNamespace(**{name: hookimpl(function) for name, function in hooks.items()}), name="mine")
        return manager

    monkeypatch.setattr("prldh.run.preparation.Registry", make)


def _failing(rows):
    raise RuntimeError(f"cannot choose among {len(rows.names)}")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (_failing, "the selector 'strange' failed: RuntimeError: cannot choose among 4"),
        (lambda rows: Selection(np.array([-1]), dict.fromkeys(rows.names[:3], "why")), "keeps positions from -1"),
        (lambda rows: Selection(np.arange(4), {}, {"x": {1, 2}.__iter__()}), "details that cannot be written as JSON"),
    ],
)
def test_a_run_tells_whose_selector_it_was(study, tmp_path, monkeypatch, answer, message):
    _plug(monkeypatch, register_selectors=lambda: [Stranger(answer)])
    with pytest.raises(PluginError, match=message):
        prldh.analyze(study, tmp_path / "out", jobs=1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "state", "message"),
    [
        ("strange", {"low": np.zeros(4)}, "state is not JSON: Object of type ndarray"),
        ("strange", {"low": float("nan")}, "state is not JSON: Out of range float"),
        ("strange", None, "state is not JSON: NoneType is no dictionary"),
        ("linear score", {}, "the selector 'linear score' has the name of what prldh fits itself"),
    ],
)
def test_a_state_that_cannot_be_kept_is_told_before_anything_is_refitted(
    study, tmp_path, monkeypatch, name, state, message
):
    class Fitted:
        kind, names, outputs, state = "transforms values", ("f0",), ("f0",), None

        def apply(self, values, names, columns):
            return values[:, :1]

    class Selector(Stranger):
        def from_state(self, state):
            return Fitted()

    Fitted.state, Selector.name = state, name
    _plug(monkeypatch, register_selectors=lambda: [Selector(Fitted())])
    with pytest.raises(PluginError, match=message):
        prldh.analyze({**study, "selection": [{name: {}}]}, tmp_path / "out", jobs=1)
    assert not (tmp_path / "out").exists()


def test_a_run_tells_whose_validator_or_observer_it_was(study, tmp_path, monkeypatch):
    class Beyond:
        name, version, kind = "beyond", "1", "held_out"

        def resamples(self, outcome, settings, seed):
            if settings == "fail":
                raise LookupError("no rows")
            return [Resample(np.arange(20), np.arange(20, 41), 0, 0)]

    def stage_finished(stage, result):
        if stage == "radscore":
            result.clear()

    _plug(
        monkeypatch,
        register_validators=lambda: [Beyond()],
        register_selectors=lambda: [Stranger(lambda rows: Selection(np.arange(4), {}))],
        stage_finished=stage_finished,
    )
    for settings, message in (
        (1, "validation.beyond: the validator gives rows from 20 to 40 as test in repeat 0, fold 0, of 40 patients"),
        ("fail", "the validator 'beyond' failed: LookupError: no rows"),
    ):
        with pytest.raises(PluginError, match=message):
            prldh.analyze(study | {"validation": study["validation"] | {"beyond": settings}}, tmp_path / "out", jobs=1)
    with pytest.raises(
        PluginError, match="the plugin 'mine', which observes the stage 'radscore', failed: TypeError: .* read-only"
    ):
        prldh.analyze(study, tmp_path / "out", jobs=1)


class Shared(Chose):
    """What two steps fit."""


def test_what_several_steps_fit_is_told_by_its_class_and_not_by_the_wrong_name():
    one, other = Stranger(Shared()), Stranger(Shared())
    other.name = "other"
    fitted = [called("selector", each, "fit", None, None, None, None) for each in (one, other)]
    with pytest.raises(PluginError, match="the fitted step 'Shared' failed"):
        applied(fitted[0], np.zeros((2, 1)), ("a",), {})
