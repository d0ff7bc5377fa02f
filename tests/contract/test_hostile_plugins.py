"""Plugins that change what they are handed, exit, print or cannot be loaded: the run's numbers stay, or one message
names them."""

from __future__ import annotations

import ast
import builtins
import decimal
import gc
import importlib
import itertools
import json
import locale
import logging
import logging.config
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import types
import warnings
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType, SimpleNamespace
from unittest import mock

import numpy as np
import pandas as pd
import pytest
import scipy.linalg
import sklearn
from click.testing import CliRunner
from pydantic import BaseModel, ConfigDict

import prldh
from prldh import cli as command_line
from prldh.chain.applying import Table, applied, check_again
from prldh.chain.states import from_states
from prldh.core import ASKING, interruptions
from prldh.core.errors import DataError, PluginError, PrldhError
from prldh.core.fitted import Chosen, LinearScore, take_columns
from prldh.core.records import Cohort, Resample, Selection
from prldh.data.imaging.sources import ChosenSource
from prldh.data.imaging.stepping import ChosenStep, apply_steps
from prldh.engines import PythonEngine
from prldh.plugins import registry as of_registry
from prldh.plugins.border import called, handed, lent, lent_next
from prldh.plugins.promises import check_details, check_score
from prldh.plugins.registry import Registry
from prldh.plugins.schemes import draw_resamples
from prldh.report import page
from prldh.results.folder_files import Provenance
from prldh.results.held import hold
from prldh.testing.cases import make_case
from prldh.testing.selector_checks import make_rows
from prldh.work import Workers, end_with, run_work

sys.path.insert(0, str(Path(__file__).parents[1]))
from hostile_plugins import Deep, Exiting, Nothing, Odd, Peaceful, install, plugin_of, small_study, spoil

ROOT = Path(__file__).parents[2]


# ---------------------------------------------------------------- what is handed over


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    limits: list[int] = [1, 2]
    names: dict[str, int] = {"a": 1}


@dataclass
class Record:
    values: np.ndarray
    more: dict
    within: list


def _things():
    frame = pd.DataFrame({"age": [1.0, 2.0], "sex": pd.Categorical(["f", "m"])})
    cohort = Cohort(
        ("A", "B"), np.array([0, 1]), frame, frame[["age"]], (), (), "y", "1", "0", {"c": np.array(["x", "y"])}
    )
    assert cohort.known and cohort.patient.size  # what is computed on first use stands there as well
    return {
        "array": np.arange(3.0),
        "rows": make_rows(),
        "cohort": cohort,
        "case": make_case(),
        "record": Record(np.arange(3), {"x": [1, {"y": 2}]}, [np.arange(2)]),
        "settings": Settings(),
        "nested": {"a": [{"b": np.arange(2)}], "c": ({"d": 1},)},
        "proxy": MappingProxyType({"a": np.arange(2)}),
        "selection": Selection(np.arange(2), {"x": "why"}, {"d": [1]}),
        "score": LinearScore(0.0, (("s", "x"),), np.ones(1), np.zeros(1), np.ones(1), {"d": [1]}),
        "engine": PythonEngine(),
    }


def _text(value) -> str:
    """All that there is of a value."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.tolist()}"
    if isinstance(value, (pd.DataFrame, pd.Series)):
        return value.to_json()
    if isinstance(value, (dict, MappingProxyType)):
        return str({k: _text(v) for k, v in value.items()})
    if isinstance(value, (list, tuple)):
        return str([_text(v) for v in value])
    return f"{type(value).__name__} {_text(vars(value))}" if hasattr(value, "__dict__") else repr(value)


@pytest.mark.parametrize("name", _things())
def test_what_is_handed_over_cannot_be_changed(name):
    value = _things()[name]
    before = _text(value)
    given = handed(value)
    assert _text(given) == before and isinstance(given, dict if name == "proxy" else type(value))
    spoil(given)
    assert _text(value) == before


@pytest.mark.parametrize("way", ["torch", "lapack", "solve"])
@pytest.mark.parametrize("order", "CF")
def test_what_is_handed_over_shares_no_memory(way, order):
    """Each of these writes to an array that is read-only."""
    value = np.asarray(np.random.default_rng(0).normal(size=(6, 6)), order=order)
    before, given = value.copy(), handed(value)
    assert not given.flags.writeable and given.strides == value.strides
    if way == "torch":
        tensor = pytest.importorskip("torch").from_numpy(given)
        tensor -= tensor.mean(0)
    elif way == "lapack":
        scipy.linalg.lapack.dgetrf(given.T if order == "C" else given, overwrite_a=True)
    else:
        scipy.linalg.solve(given.T if order == "C" else given, np.ones(6), overwrite_a=True)
    assert (given != before).any(), "it changes nothing"
    assert (value == before).all()


def test_spoiling_changes_what_is_not_handed_over():
    for name in ("cohort", "record", "settings", "nested", "selection", "score"):
        value = _things()[name]
        before = _text(value)
        spoil(value)
        assert _text(value) != before, name


def test_a_copy_of_what_is_handed_over_is_the_plugins_own():
    import copy
    import pickle

    given = handed({"a": {"b": 1}})
    for own in (dict(given), copy.deepcopy(given), pickle.loads(pickle.dumps(given))):
        own["c"] = 1
        assert own["a"] == {"b": 1}
    with pytest.raises(TypeError, match="read-only"):
        given["c"] = 1
    assert json.loads(json.dumps(given)) == {"a": {"b": 1}}


def test_prldhs_own_objects_are_called_as_they_are():
    rows = make_rows()

    class Own:
        def fit(self, given):
            return given

    Own.__module__ = "prldh.somewhere"
    assert called("selector", Own(), "fit", rows) is rows
    Own.__module__ = "strange"
    assert called("selector", Own(), "fit", rows) is not rows


#: Methods that plugins' objects alone have: who calls one has to do it at the border.
OF_PLUGINS = set(
    """
    extract extract_many extract_part open_stream prepare verify for_steps trained_on resamples evaluate
    alternatives fingerprint check_columns reached_from remedy methods design figures remarks from_parts
    compose reaches
    """.split()
)
#: Calls of prldh's own under these names.
OWN_CALLS = {
    "prldh/checklists/answers.py": {"compose"},  # YAML
    "prldh/study/study_file.py": {"compose"},
    "prldh/chain/transforms/without_batches.py": {"reaches"},  # its own
    "prldh/data/imaging/compute.py": {"extract"},  # a ChosenSource's
    "prldh/cli.py": {"extract"},  # the command's
    "prldh/report/panels.py": {"verify"},  # a picture's
    "prldh/plugins/usable.py": {"evaluate"},  # a marker of a requirement
}


def test_nothing_of_a_plugin_is_called_but_at_the_border():
    for path in (ROOT / "prldh").rglob("*.py"):
        place = path.relative_to(ROOT).as_posix()
        if place.startswith("prldh/testing/"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {n.func.attr for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)}
        assert names & OF_PLUGINS <= OWN_CALLS.get(place, set()), (place, names & OF_PLUGINS)


# ---------------------------------------------------------------- a run


@pytest.fixture
def study(tmp_path):
    return small_study(tmp_path)


def _numbers(folder):
    """What stands in the results, without what a clock says."""

    def timeless(value):
        if isinstance(value, dict):
            return {k: timeless(v) for k, v in value.items() if k not in ("seconds", "warnings")}
        return [timeless(v) for v in value] if isinstance(value, list) else value

    return timeless(json.loads((folder / "results.json").read_text(encoding="utf-8")))


@pytest.mark.usefixtures("undrawn")
def test_a_plugin_of_every_kind_that_changes_everything_changes_nothing(study, tmp_path, capsys):
    for name, spoils in (
        ("peaceful", lambda *given: None),
        ("hostile", lambda *given: [spoil(each) for each in given]),
    ):
        prldh.analyze(study, tmp_path / name, jobs=1, plugins=[plugin_of(Peaceful(spoils).hooks())])
        told = capsys.readouterr()
        assert "fitting" in told.err and told.out == ""
    peaceful, hostile = (_numbers(tmp_path / name) for name in ("peaceful", "hostile"))
    assert hostile["cohort"]["events"] == 24 and hostile["models"][0]["auc"]["estimate"] < 0.99
    assert hostile == peaceful
    for name in ("model.json", "predictions.csv", "checklists/list.json"):
        files = [tmp_path / run / name for run in ("peaceful", "hostile")]
        assert files[0].read_bytes() == files[1].read_bytes(), name
    _is_told_who_took_part(tmp_path / "peaceful")


def _is_told_who_took_part(run):
    codes = [w["code"] for w in json.loads((run / "results.json").read_text(encoding="utf-8"))["warnings"]]
    assert "PRL-112" not in codes  # one refit in another process is the same
    (plugin,) = [
        p for p in json.loads((run / "provenance.json").read_text(encoding="utf-8"))["plugins"] if p["plugin"] == "mine"
    ]
    brings = {"selector quiet", "transform shift", "learner sum", "validator halves", "checklist list", "observer"}
    assert set(plugin["brings"]) == {*brings, "report section section", "statistic squares"}
    assert plugin["distribution"] is None and plugin["version"] == "1" and len(plugin["sha256"]) == 64
    assert "Plugin mine" in (page := (run / "report.html").read_text(encoding="utf-8")) and plugin["sha256"] in page
    for standard in ("tripod-ai", "clear"):
        prldh.run_checklist(run, standard, "json", plugins=[plugin_of(Peaceful().hooks())])
        filled = (run / "checklists" / f"{standard}.json").read_text(encoding="utf-8")
        assert "plugin mine 1 (transform shift, selector quiet, learner sum" in filled, standard
        assert f"files {plugin['sha256'][:12]})" in filled
    content = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    with pytest.raises(DataError, match="provenance.json is not as it was written: plugins"):
        hold(run / "provenance.json", {**content, "plugins": [1]}, Provenance, "Analyse again")
    cohort = {"name": "new", "clinical": {"table": str(run.parent / "clinical.csv")}}
    cohort["tissues"] = {"disc": {"features": str(run.parent / "features.csv")}}
    with pytest.raises(PluginError, match=r"'shift' of the plugin 'mine', which is not here\. Give it again"):
        prldh.apply_models(run, cohort)


def test_a_plugin_of_a_run_that_is_not_installed_is_named(tmp_path, monkeypatch):
    install(tmp_path, monkeypatch, SELECTOR, "leaving")
    registry = Registry()
    registry.choose("register_selectors", "leaving", "selection, step 1")
    (plugin,) = [each for each in registry.took_part() if each.plugin == "leaving"]
    assert str(plugin) == "prldh-leaving 2.5" and plugin.brings == ("selector leaving",)
    code = tmp_path / "leaving_plugin_of_a_test.py"
    code.write_text(code.read_text() + "# another\n")
    (changed,) = [each for each in registry.took_part() if each.plugin == "leaving"]
    assert changed.sha256 != plugin.sha256
    entry = {"step": "leaving", "version": "1", "kind": "transforms values", "source": None, "state": {}}
    message = (
        "tissues.disc: the models were made with 'leaving' of the plugin 'leaving' of prldh-leaving 2.5, which is not"
        " here. Install it: pip install 'prldh-leaving==2.5'."
    )
    with pytest.raises(PluginError) as error:
        from_states([entry], Registry(load_entry_points=False), "tissues.disc", [plugin._asdict()])
    assert str(error.value) == message


class Unseeded:
    """A selector that draws without the seed."""

    name, version, Settings = "unseeded", "1", Nothing

    def fit(self, rows, settings, seed, engine):
        kept = int(np.random.default_rng().integers(0, 10**6)) % len(rows.names)
        return Selection(np.array([kept]), {n: "no" for j, n in enumerate(rows.names) if j != kept})


@pytest.mark.usefixtures("undrawn")
def test_a_refit_that_is_another_one_in_another_process_is_told(study, tmp_path):
    features = tmp_path / "features.csv"
    table, rng = pd.read_csv(features), np.random.default_rng(1)
    pd.concat([table, pd.DataFrame(rng.normal(size=(60, 60))).add_prefix("g")], axis=1).to_csv(features, index=False)
    own = {**study, "transforms": [], "learner": "logistic", "selection": [{"unseeded": {}}]}
    own |= {"validation": {k: v for k, v in study["validation"].items() if k != "halves"}, "report": {"figures": []}}
    results = prldh.analyze(own, tmp_path / "out", jobs=1, plugins=[Unseeded()])
    (told,) = [w for w in results.data["warnings"] if w["code"] == "PRL-112"]
    assert "the selector 'unseeded' of test_hostile_plugins.Unseeded 1" in told["message"], told
    assert "tissue disc: " in told["message"] and "is not the same" in told["message"]


@pytest.mark.usefixtures("undrawn")
def test_a_process_that_may_start_none_blames_no_plugin(study, tmp_path, monkeypatch):
    """Such as those of ``multiprocessing.Pool``, in which several studies are analysed."""
    monkeypatch.setitem(multiprocessing.current_process()._config, "daemon", True)
    own = {**study, "transforms": [], "learner": "logistic", "selection": [{"unseeded": {}}]}
    own |= {"validation": {k: v for k, v in study["validation"].items() if k != "halves"}, "report": {"figures": []}}
    results = prldh.analyze(own, tmp_path / "out", jobs=1, plugins=[Unseeded()])
    assert "PRL-112" not in {w["code"] for w in results.data["warnings"]}


def test_a_source_and_an_image_step_that_change_their_case_change_nothing():
    class Source:
        name, version, Settings = "spoiler", "1", Nothing

        def extract(self, case, settings):
            spoil(case)
            return ({"x": 1.0},)

    class Step:
        name, version, Settings = "spoiling", "1", Nothing

        def apply(self, case, settings):
            image = replace(case.image, values=case.image.values + np.int16(0))
            after = replace(case, image=image)
            spoil(case)
            return after

    case = make_case()
    before = _text(case)
    ChosenSource(Source(), Nothing(), {}, "key").extract(case)
    apply_steps(case, (ChosenStep(Step(), Nothing(), {}, "key"),))
    assert _text(case) == before


@pytest.mark.parametrize(
    "end", [SystemExit(0), GeneratorExit(), type("Odd", (BaseException,), {})("x"), StopIteration()]
)
def test_whatever_a_plugin_raises_is_one_message(end):
    class Ending:
        name, version, Settings = "ending", "1", Nothing

        def fit(self, rows):
            raise end

    with pytest.raises(PluginError, match=f"the selector 'ending' failed: {type(end).__name__}"):
        called("selector", Ending(), "fit", 1)


def test_how_numpy_tells_of_errors_is_set_back():
    class Setting:
        def fit(self):
            np.seterr(all="raise")

    before = np.geterr()
    lent(Setting(), "fit")
    assert np.geterr() == before


def _surroundings():
    ending = [signal.getsignal(each) for each in ASKING]
    shown = [each for each in warnings.filters if each[3] is None]
    return os.getcwd(), os.environ["HOME"], os.environ["PATH"], locale.setlocale(locale.LC_ALL), shown, ending


def _set_another_locale():
    """One that differs, of those that are installed: it may be none."""
    now = locale.setlocale(locale.LC_ALL)
    for name in ("C", "C.UTF-8", "en_US.UTF-8"):
        with suppress(locale.Error):
            if locale.setlocale(locale.LC_ALL, name) != now:
                return


class _Changing:
    def fit(self, folder, fails):
        os.chdir(folder)
        os.environ.update(HOME=str(folder), PRLDH_NEW="1")
        del os.environ["PATH"]
        _set_another_locale()
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", module="a_library")
        for each in ASKING:
            signal.signal(each, signal.SIG_IGN)
        if fails:
            raise ValueError("failed")

    def make(self, folder):
        yield self.fit(folder, False)


@pytest.mark.parametrize("fails", [False, True])
def test_the_surroundings_that_a_plugin_changes_are_set_back(tmp_path, monkeypatch, fails):
    monkeypatch.delenv("PRLDH_NEW", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    before = _surroundings()
    with pytest.raises(PluginError, match="failed") if fails else nullcontext():
        called("selector", _Changing(), "fit", tmp_path, fails)
    assert _surroundings() == before
    changing = _Changing()
    assert lent_next(changing, changing.make(tmp_path), "end") is None
    assert _surroundings() == before
    # what a library sets when it is first imported stays
    assert os.environ.pop("PRLDH_NEW") == "1"
    assert any("a_library" in str(each[3]) for each in warnings.filters)


def _torch():
    return pytest.importorskip("torch")


def _rc():
    import matplotlib

    return matplotlib.rcParams


def _mask():
    os.umask(mask := os.umask(0o022))
    return mask


def _limit(name):
    resource = pytest.importorskip("resource")
    return resource.getrlimit(getattr(resource, name))


def _lower(name, limit):
    import resource

    resource.setrlimit(getattr(resource, name), (limit, _limit(name)[1]))


#: What else a process has one of: what tells it, and what changes it.
SHARED = {
    "random": (lambda: random.getstate(), lambda: random.seed(0)),
    "numpy_random": (lambda: str(np.random.get_state()), lambda: np.random.seed(0)),  # noqa: NPY002
    "numpy_printing": (np.get_printoptions, lambda: np.set_printoptions(precision=1)),
    "numpy_errors": (np.geterr, lambda: np.seterr(all="ignore")),
    "decimals": (lambda: str(decimal.getcontext()), lambda: decimal.setcontext(decimal.Context(prec=2))),
    "recursion": (sys.getrecursionlimit, lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 7)),
    "collecting": (gc.isenabled, gc.disable),
    "hooks": (lambda: (sys.excepthook, sys.unraisablehook), lambda: setattr(sys, "excepthook", print)),
    "umask": (_mask, lambda: os.umask(0o777)),
    "alarm": (lambda: signal.getitimer(signal.ITIMER_REAL)[0] > 0, lambda: signal.alarm(600)),
    "log": (
        lambda: (logging.getLogger().level, list(logging.getLogger().handlers), logging.root.manager.disable),
        lambda: (logging.basicConfig(level=1, force=True), logging.disable(logging.CRITICAL)),
    ),
    "loggers": (
        lambda: logging.getLogger("somebody's").disabled,
        lambda: logging.config.dictConfig({"version": 1, "disable_existing_loggers": True}),
    ),
    "pandas": (lambda: pd.get_option("display.precision"), lambda: pd.set_option("display.precision", 1)),
    "matplotlib": (lambda: dict(dict.items(_rc())), lambda: _rc().update({"font.size": 3.0, "svg.fonttype": "none"})),
    "trace": (sys.gettrace, lambda: sys.settrace(lambda *_: None)),
    "trace_of_threads": (threading.gettrace, lambda: threading.settrace(print)),
    "hook_of_threads": (lambda: threading.excepthook, lambda: setattr(threading, "excepthook", None)),
    "displaying": (lambda: sys.displayhook, lambda: setattr(sys, "displayhook", None)),
    "collector": (lambda: list(gc.callbacks), lambda: gc.callbacks.append(lambda *_: None)),
    "collector_limits": (gc.get_threshold, lambda: gc.set_threshold(1, 2, 3)),
    "switching": (sys.getswitchinterval, lambda: sys.setswitchinterval(3.0)),
    "digits": (sys.get_int_max_str_digits, lambda: sys.set_int_max_str_digits(640)),
    "path": (lambda: list(sys.path), lambda: sys.path.clear()),
    "finders": (lambda: list(sys.meta_path), lambda: sys.meta_path.clear()),
    "path_hooks": (lambda: list(sys.path_hooks), lambda: sys.path_hooks.clear()),
    "arguments": (lambda: list(sys.argv), lambda: sys.argv.append("--force")),
    "zone": (lambda: time.localtime(0).tm_gmtoff, lambda: (os.environ.update(TZ="XXX+9"), time.tzset())),
    "temporary": (tempfile.gettempdir, lambda: setattr(tempfile, "tempdir", "/nowhere")),
    "blocked": (
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32)),
    ),
    "handlers": (
        lambda: [signal.getsignal(each) for each in (signal.SIGALRM, signal.SIGCHLD, signal.SIGPIPE)],
        lambda: [signal.signal(each, print) for each in (signal.SIGALRM, signal.SIGCHLD, signal.SIGPIPE)],
    ),
    "clocks": (
        lambda: signal.getitimer(signal.ITIMER_PROF)[0] > 0,
        lambda: signal.setitimer(signal.ITIMER_PROF, 600),
    ),
    "sizes": (lambda: _limit("RLIMIT_FSIZE"), lambda: _lower("RLIMIT_FSIZE", 10**12)),
    "handles": (lambda: _limit("RLIMIT_NOFILE"), lambda: _lower("RLIMIT_NOFILE", 200)),
    "scikit_learn": (lambda: sklearn.get_config(), lambda: sklearn.set_config(transform_output="pandas")),
    "torch_threads": (lambda: _torch().get_num_threads(), lambda: _torch().set_num_threads(7)),
    "torch_kind": (lambda: _torch().get_default_dtype(), lambda: _torch().set_default_dtype(_torch().float64)),
    "torch_gradients": (lambda: _torch().is_grad_enabled(), lambda: _torch().set_grad_enabled(False)),
}


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("name", SHARED)
def test_what_everyone_shares_and_a_plugin_changes_is_set_back(name, fails):
    told, change = SHARED[name]
    before, within = told(), []

    class Changing:
        def fit(self):
            change()
            within.append(told())
            if fails:
                raise ValueError("failed")

        def make(self):
            yield self.fit()

    with pytest.raises(PluginError, match="failed") if fails else nullcontext():
        called("selector", Changing(), "fit")
    assert within[0] != before, "it changes nothing"
    assert told() == before
    if not fails:
        changing = Changing()
        lent_next(changing, changing.make(), "end")
        assert told() == before


#: Modules that everything here is computed and written by, each with a function of it; and classes.
REPLACED = {
    "builtins": "len",
    "json": "dumps",
    "math": "sqrt",
    "os": "replace",
    "posixpath": "join",
    "hashlib": "sha256",
    "time": "monotonic",
    "pathlib": "Path.exists",
    "numpy": "sort",
    "numpy.linalg": "svd",
    "scipy.stats": "norm",
    "pandas": "DataFrame.to_csv",
    "sklearn.linear_model": "LogisticRegression.fit",
    "prldh.stats.roc": "youden",
    "prldh.engines": "PythonEngine.fit_logistic",
    "prldh.core.files": "write_whole",
}


@pytest.mark.parametrize("module", REPLACED)
def test_what_a_plugin_puts_into_the_place_of_functions_is_set_back(module):
    """Each function and class of a module or class, one of them deleted, whether the plugin fails or not."""
    owner = importlib.import_module(module)
    *within, name = REPLACED[module].split(".")
    for each in within:
        owner = getattr(owner, each)
    before = {n: value for n, value in vars(owner).items() if callable(value) and not n.startswith("__")}
    replaced = sorted({n for n, value in before.items() if isinstance(value, (type, types.FunctionType))} - {name})
    replaced = ["sorted", "open", "print"] if module == "builtins" else replaced

    class Replacing:
        def fit(self):
            setattr(owner, name, lambda *_, **__: 1 / 0)  # an inherited one, too
            for n in replaced[1:]:
                setattr(owner, n, lambda *_, **__: 1 / 0)
            for n in replaced[:1]:
                delattr(owner, n)
            if within:
                raise ValueError("failed")

    with pytest.raises(PluginError, match="failed") if within else nullcontext():
        called("selector", Replacing(), "fit")
    after = {n: value for n, value in vars(owner).items() if n in before or n == name}
    assert after == before and all(after[n] is value for n, value in before.items())


def test_what_a_plugin_adds_to_our_modules_goes_and_what_it_removes_comes_back():
    """A function that a module of prldh does not have itself would come before Python's; a library's own import may
    add what it likes to others."""
    import prldh.stats.roc as roc

    class Adding:
        def fit(self):
            roc.len = lambda _: 1
            json.of_a_library = len
            sys.modules["json"] = None
            del sys.modules["prldh.stats.roc"]

    lent(Adding(), "fit")
    assert not hasattr(roc, "len") and sys.modules["json"] is json and sys.modules["prldh.stats.roc"] is roc
    assert vars(json).pop("of_a_library") is len


def test_every_name_is_looked_at_in_the_first_calls_of_a_method_alone():
    from prldh.plugins.replaced import looked_at

    class Fitting: ...

    calls = [n for n in range(1, 70) if looked_at(Fitting, "fit").is_whole]
    assert calls == [1, 4, 16, 64] and looked_at(Fitting, "apply").is_whole


@pytest.mark.parametrize(("owner", "name"), [(np, "mean"), (np.linalg, "solve"), (builtins, "max"), (json, "dumps")])
def test_what_everyone_computes_with_is_set_back_after_every_call(owner, name):
    """The second call is none of those after which every name is looked at."""
    n_calls = iter(range(6))

    class Replacing:
        def fit(self):
            if next(n_calls) > 0:
                setattr(owner, name, lambda *_, **__: 1 / 0)

    own = getattr(owner, name)
    for _ in range(6):
        called("selector", Replacing(), "fit")
        assert getattr(owner, name) is own


def test_who_replaced_something_is_looked_at_in_every_call():
    """It replaced it again in its second call, which nobody looked at, and every later number was another."""

    class Replacing:
        def fit(self):
            np.sort = lambda *_: 1 / 0

    own = np.sort
    for _ in range(6):
        called("selector", Replacing(), "fit")
        assert np.sort is own


def test_a_plugin_that_closes_files_of_others_is_named():
    code = """
import os
from prldh.core.errors import PluginError
from prldh.plugins.border import called

class Closing:
    name = "closing"
    def fit(self):
        os.closerange(3, 100)

try:
    called("selector", Closing(), "fit")
except PluginError as error:
    os.write(2, str(error).encode())
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "the selector 'closing' failed: ClosedFiles: it closed files that are not its own" in ended.stderr, ended


def test_draws_without_a_seed_go_on_from_fit_to_fit():
    """A plugin that draws from the shared state sees others in each fit, and the process's own are not used up."""

    class Drawing:
        def fit(self):
            return float(np.random.random())  # noqa: NPY002

    np.random.seed(1)  # noqa: NPY002
    own = np.random.random()  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    assert lent(Drawing(), "fit") != lent(Drawing(), "fit")
    assert np.random.random() == own  # noqa: NPY002


def test_a_plugin_that_warns_in_every_fit_is_heard_once():
    class Warning_:
        def fit(self):
            warnings.warn("old", FutureWarning, stacklevel=1)

    with warnings.catch_warnings(record=True) as heard:
        warnings.resetwarnings()
        warnings.simplefilter("default")
        for _ in range(4):
            lent(Warning_(), "fit")
    assert len(heard) == 1


def test_a_second_interruption_of_a_plugin_ends_the_process_at_once():
    """The first one is an interruption of Python's, and what ends the process by the second one stays so."""
    code = """
import os, signal
from prldh.core import end_tidily
from prldh.plugins.border import lent

class Slow:
    def fit(self):
        os.kill(os.getpid(), signal.SIGINT)

end_tidily()
try:
    lent(Slow(), "fit")
except KeyboardInterrupt:
    print("first", flush=True)
os.kill(os.getpid(), signal.SIGINT)
print("went on")
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "first\n", "")


def test_a_folder_that_is_gone_meanwhile_is_no_error(tmp_path, monkeypatch):
    class Deleting:
        def fit(self, folder):
            os.chdir(folder.parent)
            folder.rmdir()

    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    lent(Deleting(), "fit", folder)
    assert os.getcwd() == str(tmp_path)
    folder.mkdir()
    os.chdir(folder)
    lent(Deleting(), "fit", folder)
    lent(_Changing(), "fit", tmp_path, False)
    os.chdir(tmp_path)


def test_what_plugins_print_from_several_threads_goes_aside(capsys):
    from threading import Barrier, Thread

    together = Barrier(4)

    class Loud:
        def say(self, n):
            together.wait()
            print(f"loud {n}")

    threads = [Thread(target=lent, args=(Loud(), "say", n)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    print("own")
    told = capsys.readouterr()
    assert told.out == "own\n" and sorted(told.err.split("\n")[:-1]) == [f"loud {n}" for n in range(4)]


ODD = {
    "None": lambda: None,
    "text": lambda: "x",
    "list": lambda: [object()],
    "array": lambda: np.zeros((2, 2, 2)),
    "half a character": lambda: "half \udc80",
    "odd": Odd,
    "exiting": Exiting,
    "deep": Deep,
}
#: Hooks, and methods whose answer is another one.
ANSWERS = {
    "register_selectors": (
        *("fit", "describe", "alternatives", "fingerprint", "check_columns", "reached_from", "remedy"),
        *("methods", "figures", "remarks"),
    ),
    "register_transforms": ("fit", "describe", "check_columns"),
    "register_learners": ("fit", "fingerprint", "methods"),
    "register_validators": ("resamples", "methods", "design"),
    "register_checklists": ("evaluate", "score"),
    "register_report_sections": ("render",),
}
FITTED = [
    (kind, method)
    for kind in ("register_transforms", "register_learners")
    for method in ("apply", "log_odds", "names", "outputs", "state", "kind")
]


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("what", ODD)
@pytest.mark.parametrize(
    ("hook", "method", "is_fitted"),
    [(hook, method, False) for hook, methods in ANSWERS.items() for method in methods]
    + [(hook, method, True) for hook, method in FITTED],
)
def test_an_odd_answer_is_one_message_or_nothing(study, tmp_path, monkeypatch, hook, method, is_fitted, what):
    odd = ODD[what]()
    monkeypatch.setattr("prldh.pipeline.repeat_elsewhere", lambda plan: ())
    hooks = Peaceful().hooks()
    (item,) = hooks[hook]()
    if is_fitted:
        fit = item.fit

        def spoilt(*given):
            found = fit(*given)
            value = (lambda *_: odd) if method in ("apply", "log_odds") else odd
            setattr(found, method, value)
            return found

        item.fit = spoilt
    else:
        setattr(item, method, lambda *_: odd)
    hooks[hook] = lambda: [item]
    try:
        prldh.analyze(study, tmp_path / "out", jobs=1, plugins=[plugin_of(hooks)])
    except PrldhError as error:
        assert "Traceback" not in str(error) and len(str(error)) < 2000 and item.name in str(error)
        assert not (tmp_path / "out").exists()


def _times(found, factors):
    """The same, what it gives times the next of these."""
    own = found.apply
    found.apply = lambda *given: next(factors) * own(*given)
    return found


def _changed(found, change):
    """The same, with what it gives changed by a function of that and the rows."""
    own = found.apply
    found.apply = lambda values, names, columns: change(own(values, names, columns), values)
    return found


def _renamed(found):
    """The same numbers, as columns of other names."""
    found.outputs = tuple(f"other {name}" for name in found.outputs)
    return found


def _with_only(found, only):
    found.only = only
    return found


#: What something fitted does that it must not: a change of what was fitted, one of what is read from its state, and
#: what is told.
NOT_THE_SAME = {
    "another factor": (None, lambda found: _times(found, itertools.repeat(2)), "reads another thing from its state"),
    "nothing": (None, lambda found: None, "reads another thing from its state"),
    "of small numbers": (
        lambda found: _changed(found, lambda given, _: given * 1e-9),
        lambda found: _changed(found, lambda given, _: given * -2e-9),
        "reads another thing from its state",
    ),
    "counts": (lambda found: _times(found, itertools.count(1)), None, "gives the same rows other numbers each time"),
    "centres": (
        lambda found: _changed(found, lambda given, _: given - given.mean(axis=0)),
        None,
        "gives a row other numbers where other rows stand beside it",
    ),
}
#: The same of transforms alone, which give columns.
NOT_THE_SAME_COLUMNS = {
    "other names": (None, _renamed, "reads another thing from its state"),
    "fewer are others": (
        lambda found: _with_only(found, lambda outputs: _times(type(found)(outputs), itertools.repeat(2))),
        lambda found: _times(found, itertools.repeat(1 + (len(found.names) < 4))),
        "gives another thing where it is asked for some of its columns alone",
    ),
    "fewer are all": (
        lambda found: _with_only(found, lambda outputs: found),
        None,
        "gives another thing where it is asked for some of its columns alone",
    ),
    "fewer are none": (
        lambda found: _with_only(found, lambda outputs: None),
        None,
        "gives another thing where it is asked for some of its columns alone",
    ),
}


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("hook", "noun", "fitted", "read", "told"),
    [
        pytest.param(hook, noun, *way, id=f"{noun}, {name}")
        for hook, noun, ways in (
            ("register_transforms", "transform", NOT_THE_SAME | NOT_THE_SAME_COLUMNS),
            ("register_learners", "learner", NOT_THE_SAME),
        )
        for name, way in ways.items()
    ],
)
def test_what_is_fitted_is_the_same_each_time_and_from_its_state(study, tmp_path, hook, noun, fitted, read, told):
    """New patients would be given other numbers than those that the run judged."""
    hooks = Peaceful().hooks()
    (item,) = hooks[hook]()
    own_fit, own_read = item.fit, item.from_state
    if fitted is not None:
        item.fit = lambda *given: fitted(own_fit(*given))
    if read is not None:
        item.from_state = lambda state: read(own_read(state))
    hooks[hook] = lambda: [item]
    with pytest.raises(PluginError, match=rf"the {noun} '{item.name}' {told}.*would be given other numbers"):
        prldh.analyze(study, tmp_path / "out", jobs=1, plugins=[plugin_of(hooks)])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("hook", ["register_transforms", "register_learners"])
def test_a_fit_that_changes_what_was_fitted_before_is_told(study, tmp_path, hook):
    """A learner that returns itself, or keeps one dictionary: model.json would hold what was fitted last."""
    hooks, kept = Peaceful().hooks(), []
    (item,) = hooks[hook]()
    own = item.fit

    def fit(*given):
        kept.append(own(*given))
        kept[0].state |= {"fits": len(kept)}
        return kept[0]

    item.fit = fit
    hooks[hook] = lambda: [item]
    with pytest.raises(PluginError, match=f"'{item.name}' changes what it fitted before when it is fitted again"):
        prldh.analyze(study, tmp_path / "out", jobs=1, plugins=[plugin_of(hooks)])
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: (folder / "results.json").write_text("{}"), "results.json"),
        (lambda folder: (folder / "results.json").unlink(), "results.json"),
        (shutil.rmtree, r"\w+"),
        (lambda folder: (folder / "of_mine.txt").write_text("x"), None),
    ],
)
def test_a_section_leaves_the_files_of_the_folder_as_they_are(tmp_path, change, told):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "results.json").write_text('{"a": 1}')
    section = SimpleNamespace(render=lambda results, folder: f"<p>said</p>{change(folder)}")
    with pytest.raises(PluginError, match=f"section 's' of the plugin 'p' .*: .*{told}") if told else nullcontext():
        assert "said" in page._rendered("s", section, "p", {}, folder)


def test_columns_and_values_of_what_is_fitted_are_checked():
    rows = np.array([[1.0, np.nan], [2.0, 3.0]])
    for given, told in (
        ([[np.inf, 0], [0, 0]], "1 values that are not finite in rows that it read without a blank"),
        ([[0, 0], [np.nan, 0]], "1 values that are not finite"),
        ([[np.nan, 0], [0, 0]], None),
    ):
        fitted = SimpleNamespace(
            kind="transforms values", names=("a", "b"), outputs=("a", "b"), apply=lambda *_, given=given: given
        )
        with pytest.raises(PluginError, match=told) if told else nullcontext():
            applied(fitted, rows, ("a", "b"), {})
    learner = SimpleNamespace(name="odd")
    for names, told in (
        (np.array(["a"]), "names are ndarray in place of a tuple of text"),
        (("a", "a"), "reads a column twice"),
        ((1,), "reads a column that is named 1, which is no text"),
    ):
        score = SimpleNamespace(kind="scores", names=names, outputs=(), state={}, apply=None, log_odds=None)
        with pytest.raises(PluginError, match=told):
            check_score(learner, score, ("a",))
    with pytest.raises(PluginError, match="the selector 'odd' gives None as a reason in place of text"):
        check_details("selector", learner, {"a": None}, "reasons")


def test_what_is_put_before_an_inherited_method_goes():
    for put in (None, mock.MagicMock()):

        class Putting:
            def fit(self, put=put):
                pd.DataFrame.to_csv = put

        called("selector", Putting(), "fit")
        assert "to_csv" not in vars(pd.DataFrame) and callable(pd.DataFrame.to_csv)


@dataclass
class Some:
    """Columns times a number, of which some may be asked for."""

    names: tuple[str, ...]
    factor: float = 1e6
    kind = "transforms values"
    outputs = property(lambda self: self.names)

    @property
    def state(self):
        return {"names": list(self.names), "factor": self.factor}

    def only(self, outputs):
        return Some(tuple(outputs), self.factor)

    def apply(self, values, names, columns):
        return (take_columns(values, names, self.names) * self.factor).astype(np.float32)


@dataclass(frozen=True)
class OwnChosen(Chosen):
    """A plugin's own record of what it chose."""


def test_what_keeps_its_promise_is_not_blamed():
    """Numbers of any size, in single precision, some of the columns alone; what chooses columns needs no state."""
    values = np.random.default_rng(0).normal(size=(20, 3)) + 1e3
    step = SimpleNamespace(name="some", from_state=lambda state: Some(tuple(state["names"]), round(state["factor"], 3)))
    for factor in (1e-12, 1e6):
        step.from_state = lambda state: Some(tuple(state["names"]), state["factor"])
        check_again(step, "transform", Some(("a", "b", "c"), factor), Table(values, ("a", "b", "c")), {})
    check_again(SimpleNamespace(name="own"), "selector", OwnChosen(("a",)), Table(values, ("a", "b", "c")), {})


class ByPosition(Some):
    """Takes its columns by position, as what was written for arrays does."""

    def only(self, outputs):
        return ByPosition(tuple(outputs), self.factor)

    def apply(self, values, names, columns):
        assert values.shape[1] == len(self.names) and tuple(names) == tuple(self.names)
        return values * self.factor


def test_what_takes_columns_by_position_is_given_its_own_in_its_order():
    values = np.random.default_rng(0).normal(size=(20, 4))
    step = SimpleNamespace(name="some", from_state=lambda state: ByPosition(tuple(state["names"]), state["factor"]))
    fitted = ByPosition(("a", "b", "c"), 2.0)
    check_again(step, "transform", fitted, Table(values, ("d", "c", "b", "a")), {})
    found = applied(fitted, values, ("d", "c", "b", "a"), {})
    np.testing.assert_array_equal(found, 2 * values[:, [3, 2, 1]])


class NoArray:
    """What a library gives that is no array, and says so: a tensor that wants its gradient, a sparse matrix."""

    def __array__(self, *_, **__):
        raise RuntimeError("no array")


#: Half of a character, which no file holds.
HALF = "\ud800"
#: What a plugin gives that files or numbers cannot hold: the hook, what is set of what it fits or gives, and what is
#: told.
UNWRITABLE = {
    "reason": (
        "register_selectors",
        lambda found: replace(found, dropped={"f2": HALF}),
        "as a reason in place of text",
    ),
    "detail": ("register_selectors", lambda found: replace(found, details={"a": [HALF]}), "gives details that cannot"),
    "key": ("register_selectors", lambda found: replace(found, details={HALF: 1}), "gives details that cannot"),
    "ragged": ("register_selectors", lambda found: replace(found, kept=[[0], [0, 1]]), "failed: ValueError"),
    "column": ("register_transforms", lambda found: _put(found, outputs=(HALF, "b", "c", "d")), "gives a column that"),
    "number": (
        "register_transforms",
        lambda found: _put(found, outputs=(1, 2, 3, 4)),
        "gives a column that is named 1",
    ),
    "blank": ("register_transforms", lambda found: _put(found, outputs=("a", " ", "c", "d")), "gives a column that is"),
    "state": ("register_transforms", lambda found: _put(found, state={"names": [HALF]}), "state is not JSON"),
    "masked": (
        "register_transforms",
        lambda found: _changed(found, lambda given, _: np.ma.array(given, mask=given > 0)),
        "gives a masked array",
    ),
    "no array": ("register_transforms", lambda found: _changed(found, lambda *_: NoArray()), "failed: RuntimeError"),
    "score": ("register_learners", lambda found: _changed(found, lambda *_: NoArray()), "failed: RuntimeError"),
    "of a score": ("register_learners", lambda found: _put(found, state={"names": [HALF]}), "state is not JSON"),
    "its detail": ("register_learners", lambda found: _put(found, details={"a": HALF}), "gives details that cannot"),
    "its set": ("register_learners", lambda found: _put(found, details={"a": {1}}), "gives details that cannot"),
    "its list": ("register_learners", lambda found: _put(found, details=[1]), "gives list in place of details"),
    **{
        f"{part} {number!r}": (
            "register_validators",
            lambda found, part=part, number=number: [replace(each, **{part: number}) for each in found],
            told,
        )
        for part in ("repeat", "fold")
        for number, told in (
            ([0], "gives \\[0\\] as a"),
            (None, "gives None as a"),
            (-1, "gives -1 as a"),
            (0.5, "gives 0.5 as a"),
            (HALF, "as a .* in place of a whole number"),
            (10**30, "as a .* in place of a whole number"),
        )
    },
    "repeat 1": (
        "register_validators",
        lambda found: [replace(each, repeat=1) for each in found],
        "gives 1 repeats, numbered up to 1: they are numbered from 0 on",
    ),
    "group": (
        "register_validators",
        lambda found: [replace(each, group=HALF) for each in found],
        "as a group in place",
    ),
    "rows": ("register_validators", lambda found: [replace(found[0], train=[[0], [0, 1]])], "failed: ValueError"),
}


def _put(found, **parts):
    for name, value in parts.items():
        setattr(found, name, value)
    return found


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(("hook", "change", "told"), UNWRITABLE.values(), ids=UNWRITABLE)
def test_what_no_file_can_hold_is_one_message(study, tmp_path, hook, change, told):
    hooks = Peaceful().hooks()
    (item,) = hooks[hook]()
    method = {"register_validators": "resamples", "register_checklists": "evaluate"}.get(hook, "fit")
    own = getattr(item, method)
    setattr(item, method, _fourth(own, change) if method == "resamples" else lambda *given: change(own(*given)))
    hooks[hook] = lambda: [item]
    with pytest.raises(PluginError, match=told) as refused:
        prldh.analyze(study, tmp_path / "out", jobs=1, plugins=[plugin_of(hooks)])
    str(refused.value).encode()
    assert not (tmp_path / "out").exists()


def _fourth(own, change):
    return lambda outcome, settings, seed, columns: change(own(outcome, settings, seed, columns))


def test_resamples_are_prldhs_own_records():
    """A list of positions, an array that is filled again, an object without a group: all are what they say."""
    rows = np.arange(4)
    given = SimpleNamespace(train=[0, 1], test=rows[2:], repeat=np.int64(0), fold=np.uint8(1))
    validator = SimpleNamespace(name="loose", kind="holdout", resamples=lambda outcome, settings, seed: [given])
    subjects = SimpleNamespace(patient=np.arange(4), outcome=np.array([0, 1, 0, 1]), n=4)
    (found,) = draw_resamples("loose", validator, None, subjects, np.random.SeedSequence(0))
    rows[:] = 0
    assert found.train.tolist() == [0, 1] and found.test.tolist() == [2, 3] and found.train.dtype == np.int64
    assert (type(found), found.repeat, found.fold, found.group) == (Resample, 0, 1, "")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([0.5, 1.0], None),
        ([0.5, float("nan")], "gives 1 numbers that are not finite"),
        ([float("inf"), -float("inf")], "gives 2 numbers that are not finite"),
    ],
)
def test_scores_of_a_plugin_are_finite_numbers_in_whatever_list(given, told):
    score = SimpleNamespace(kind="scores", names=("a",), outputs=(), apply=lambda *_: given)
    with pytest.raises(PluginError, match=told) if told else nullcontext():
        found = applied(score, np.ones((2, 1)), ("a",), {})
        assert isinstance(found, np.ndarray) and found.tolist() == given


# ---------------------------------------------------------------- what a plugin does to the process

DOING = """
import os, subprocess, sys, threading, time
import numpy as np
from pydantic import BaseModel
from prldh.api import Selection, hookimpl

class Nothing(BaseModel, extra="forbid"):
    pass

class Doing:
    name, version, Settings = "doing", "1", Nothing
    is_done = False
    def fit(self, rows, settings, seed, engine):
        if not Doing.is_done:
            Doing.is_done = True
            {}
        return Selection(np.arange(2), {{name: "no" for name in rows.names[2:]}})

@hookimpl
def register_selectors():
    return [Doing()]
"""
#: By name: what it does once, and what is said of it.
DEEDS = {
    "nothing": ("pass", ""),
    "leaves_a_process": (
        "os.path.exists('left') or open('left', 'w').write(str(subprocess.Popen(['sleep', '600']).pid))",
        "",
    ),
    "leaves_a_copy": (
        "copy = os.path.exists('left') or os.fork(); copy or time.sleep(600); "
        "copy > 1 and open('left', 'w').write(str(copy))",
        "",
    ),
    "goes_on_twice": ("os.fork()", ""),
    "closes_streams": ("sys.stdout.close(); sys.stderr.close(); sys.__stdout__.close()", ""),
    "closes_buffers": ("sys.stderr.buffer.close()", ""),
    "closes_handles": ("os.close(1); os.close(2); os.open(os.devnull, os.O_RDONLY)", ""),
    "replaces_streams": ("sys.stdout = sys.stderr = open(os.devnull, 'w')", ""),
    "interrupts": ("raise KeyboardInterrupt", "the selector 'doing' failed: KeyboardInterrupt"),
    "ends_generators": ("raise GeneratorExit", "the selector 'doing' failed: GeneratorExit"),
    "exits": ("sys.exit(0)", "the selector 'doing' failed: SystemExit"),
    "closes_all": ("os.closerange(3, 4096)", "the selector 'doing' failed: ClosedFiles: it closed files that are not"),
    "closes_locks": (
        "folders = [f'/proc/self/fd/{n}' for n in os.listdir('/proc/self/fd')]; "
        "[os.close(int(f[14:])) for f in folders if os.path.exists(f) and '.prldh' in os.readlink(f)]",
        "",
    ),
    "disarms": ("sys.exit = None", ""),
    "is_cancelled": (
        "import asyncio; raise asyncio.CancelledError",
        "the selector 'doing' failed: CancelledError",
    ),
}


def _write_small_study(study, folder):
    small = {key: value for key, value in study.items() if key not in ("transforms", "learner")}
    small |= {"selection": [{"doing": {}}], "report": {"figures": [], "checklists": []}, "yardstick": False}
    small["clinical"] = {**small["clinical"], "covariates": {}}
    small["validation"] = {key: value for key, value in small["validation"].items() if key != "halves"}
    (folder / "study.yaml").write_text(json.dumps(small))


ANALYZE = ("analyze", "study.yaml", "--out", "out", "--jobs", "1")


def _fast():
    """In the child: without what these tests do not look at."""
    import prldh.pipeline
    import prldh.run.outputs as outputs

    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
    prldh.pipeline.repeat_elsewhere = lambda plan: ()
    outputs.write_figures, outputs.render_report = lambda *a, **k: {}, lambda *a, **k: "<!doctype html>"


@pytest.mark.ci
@pytest.mark.usefixtures("undrawn")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="a case is a fork of the warm process")
def test_what_a_plugin_does_to_the_process_changes_no_result(study, tmp_path, monkeypatch):
    from forked import run_forked

    _write_small_study(study, tmp_path)
    expected = None
    for name, (deed, said) in DEEDS.items():
        with monkeypatch.context() as patch:
            install(tmp_path / name, patch, DOING.format(deed), f"does_{name}")
            shutil.rmtree(tmp_path / "out", ignore_errors=True)
            told = run_forked(ANALYZE, tmp_path, _fast, tmp_path)
            left = tmp_path / "left"
            if said:
                assert told.code == 1 and said in told.err and told.kind == "message", (name, told)
                assert not (tmp_path / "out").exists() and not list(tmp_path.rglob(".prldh-*")), name
                continue
            assert told.code == 0, (name, told)
            found = _numbers(tmp_path / "out")
            expected = expected or found
            assert found == expected, name
            assert "AUC" in told.out, (name, told)  # the summary, on standard output, once
            assert told.out.count("report: out/report.html\n") == 1
            if left.exists():  # it goes on, and the folder can be written to
                try:
                    again = run_forked((*ANALYZE, "--force"), tmp_path, _fast, tmp_path)
                finally:
                    os.kill(int(left.read_text()), signal.SIGKILL)
                    left.unlink()
                assert again.code == 0, (name, again)
            assert not list(tmp_path.rglob(".prldh-*"))


def _interrupted_within(item):
    class Pretending:
        name = "pretending"

        def fit(self):
            raise KeyboardInterrupt

    Pretending.__module__ = "strange"
    called("selector", Pretending(), "fit")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the worker is a fork")
def test_an_interruption_that_a_plugin_raises_in_a_worker_names_it():
    """As it does in the process that was started: nobody has interrupted either. A real one stays one."""
    for work, expected in ((_interrupted_within, 1), (_interrupted_for_real, 2)):
        child = os.fork()
        if not child:
            told = 0
            try:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                end_with.__wrapped__(os.getppid())
                with interruptions.hear_interruptions():
                    work(None)
            except PluginError as error:
                told = int("'pretending' failed: KeyboardInterrupt" in str(error))
            except KeyboardInterrupt:
                told = 2
            finally:
                os._exit(told)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == expected


def _interrupted_for_real(item):
    class Slow:
        name = "slow"

        def fit(self):
            signal.raise_signal(signal.SIGINT)

    called("selector", Slow(), "fit")


@pytest.mark.slow
def test_an_interruption_that_a_plugin_raises_in_one_of_two_workers_names_it():
    with Workers(2) as workers, pytest.raises(PluginError, match="'pretending' failed: KeyboardInterrupt"):
        run_work(_interrupted_within, [1, 2], workers, lambda done: None)


@pytest.mark.ci
@pytest.mark.usefixtures("undrawn")
def test_a_thread_that_never_ends_does_not_keep_the_command(study, tmp_path, monkeypatch):
    """Started in a fit: the results are there, it is told, and the exit status is that of the work."""
    _write_small_study(study, tmp_path)
    deed = "threading.Thread(target=time.sleep, args=(600,), name='busy').start()"
    install(tmp_path / "plugin", monkeypatch, DOING.format(deed), "threads")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "plugin"), str(ROOT)])}
    soon = "from prldh.core import leaving; leaving.GRACE_S = 1.0; from prldh.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", soon, *ANALYZE], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    assert done.returncode == 0 and "report: out/report.html\n" in done.stdout, done
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("prldh: ")]
    assert "what a plugin left running in a thread goes on ('busy of time'); the process ends" in told
    assert json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))["models"]


# ---------------------------------------------------------------- plugins that cannot be used

GOOD = """
from prldh.api import hookimpl
@hookimpl
def register_selectors():
    return []
"""
UNUSABLE = {
    "absent": ("import nowhere_to_be_found", (), "ModuleNotFoundError: No module named 'nowhere_to_be_found'"),
    "exits": ("import sys; sys.exit(0)", (), "SystemExit"),
    "odd": ("class Odd(BaseException): pass\nraise Odd('x')", (), "Odd: x"),
    "syntax": ("def (", (), "SyntaxError"),
    "coloured": ("raise ValueError('\x1b[31mred')", (), "ValueError: ?[31mred"),
    "memory": ("raise MemoryError", (), "MemoryError"),
    "recursive": ("def f(): f()\nf()", (), "RecursionError"),
    "attributes": ("def __getattr__(name): raise RuntimeError(name)", (), "RuntimeError"),
    "arguments": (GOOD.replace("selectors()", "selectors(a)"), (), "can not be found in the hookspec"),
    "nameless": (
        GOOD.replace("return []", "return [type('X', (), {'name': 3, 'version': '1', 'Settings': 1, 'fit': print})()]"),
        (),
        "has no name, but 3",
    ),
    "slashed": (
        GOOD.replace("return []", "return [type('X', (), dict(name='../x', version='1', Settings=1, fit=print))()]"),
        (),
        "has a name with a slash",
    ),
    "half": (
        GOOD.replace("return []", r"return [type('X', (), dict(name='\ud800', version='1', Settings=1, fit=print))()]"),
        (),
        r"has no name, but '\ud800'",
    ),
    "labelled": (
        GOOD.replace(
            "return []",
            r"return [type('X', (), dict(name='x', label='\ud800', version='1', Settings=1, fit=print))()]",
        ),
        (),
        r"has '\ud800' as its label, which is no text",
    ),
    "misnamed": (GOOD.replace("selectors", "selector"), (), "unknown hook 'register_selector'"),
    "newer": (GOOD + "api = 2", (), "it was written for API 2"),
    "worded": (GOOD + "api = '1'", (), "its api is '1', and must be a whole number"),
    "true": (GOOD + "api = True", (), "its api is True"),
    "none": (GOOD + "api = 0", (), "its api is 0"),
    "needy": (GOOD, ("nowhere-to-be-found>=3",), "it requires nowhere-to-be-found>=3, which is not installed"),
    "ahead": (GOOD, ("prldh>=99",), "it requires prldh>=99, and "),
    "unreadable": (GOOD, ("prldh >>> 1",), "which is no requirement"),
    "extra": (GOOD, ("nowhere; extra == 'gpu'", "prldh"), None),
    "first": (GOOD + "api = 1", (), None),
    "submodule": ("import json as api\n" + GOOD, (), None),
    "raising": (GOOD.replace("return []", "raise KeyError('x')"), (), "register_selectors of plugin"),
    "exiting": (GOOD.replace("return []", "raise SystemExit"), (), "register_selectors of plugin"),
    "listless": (GOOD.replace("return []", "return None"), (), "must return a list, found NoneType"),
    "classy": (GOOD.replace("return []", "return [dict]"), (), "forgotten the `()`"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_plugin_that_cannot_be_used_is_skipped_with_one_line(tmp_path, monkeypatch, capsys, name):
    code, requires, reason = UNUSABLE[name]
    install(tmp_path, monkeypatch, "print('hello')\n" + code, name, requires)
    monkeypatch.setattr(of_registry, "_SAID", set())
    for _ in range(2):  # as a command makes several
        registry = Registry()
        assert "icc" in registry.registered("register_selectors")
    told = capsys.readouterr()
    assert told.out == ""
    lines = [line for line in told.err.splitlines() if line.startswith("prldh: ")]
    if reason is None:
        assert not registry.skipped and not lines and name in {each.plugin for each in registry.distributions}
        return
    assert len(lines) == 1 and f"the plugin '{name}' of prldh-{name} 2.5 is skipped: " in lines[0]
    assert reason in lines[0] and f"pip uninstall prldh-{name}" in lines[0]
    assert name not in {each.plugin for each in registry.distributions}
    with pytest.raises(PluginError, match=f"there is no selector 'mine_of_it'.* It may be that the plugin '{name}' of"):
        registry.choose("register_selectors", "mine_of_it", "selection, step 1")


@pytest.mark.parametrize("where", ["import", "hook"])
def test_an_interruption_that_a_plugin_raises_before_a_run_is_its_own(tmp_path, monkeypatch, capsys, where):
    """It ended every command, ``--help`` included, as if somebody had asked for it."""
    code = "raise KeyboardInterrupt" if where == "import" else GOOD.replace("return []", "raise KeyboardInterrupt")
    install(tmp_path, monkeypatch, code, f"stops_{where}")
    monkeypatch.setattr(of_registry, "_SAID", set())
    monkeypatch.setattr(interruptions, "_asked", [])
    former = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, lambda *_: None)
        with pytest.raises(KeyboardInterrupt):  # who does not hear of signals cannot tell
            Registry().registered("register_selectors")
        signal.signal(signal.SIGINT, signal.default_int_handler)
        assert "icc" in Registry().registered("register_selectors")
        with interruptions.hear_interruptions():
            assert "icc" in Registry().registered("register_selectors")
        assert f"the plugin 'stops_{where}' of prldh-stops_{where} 2.5 is skipped" in capsys.readouterr().err
    finally:
        signal.signal(signal.SIGINT, former)


SELECTOR = """
from prldh.api import hookimpl

class Leaving:
    name, version, Settings = "leaving", "1", object
    def fit(self, rows, settings, seed, engine): ...

@hookimpl
def register_selectors():
    return [Leaving()]
"""
COMMANDS = """
import click
from prldh.api import hookimpl

@hookimpl
def register_commands(cli):
    print("registering")
    @cli.command()
    def hello():
        print("hello")
    {}
"""
HOSTILE_COMMANDS = {
    "replaces": ("@cli.command()\n    def analyze(): pass", "it would replace the command 'analyze'"),
    "renames": ("cli.add_command(click.Command('x'), 'doctor')", "it would replace the command 'doctor'"),
    "removes": ("del cli.commands['report']", "it would replace the command 'report'"),
    "within": ("cli.commands['plugins'].add_command(click.Command('x'), 'check')", "replace the command 'check'"),
    "rewires": ("cli.commands['analyze'].callback = print", "it would replace the command 'analyze'"),
    "reoptions": ("cli.commands['apply'].params.clear()", "it would replace the command 'apply'"),
    "odd": ("cli.add_command(None, 'x')", "'x' is no command"),
    "raises": ("raise ValueError('no')", "they failed: ValueError: no"),
    "exits": ("raise SystemExit(0)", "they failed: SystemExit"),
    "wraps": ("cli.commands['doctor'].invoke = lambda c: 0", "it would replace the command 'doctor'"),
    "hides": ("cli.commands['doctor'].hidden = True", "it would replace the command 'doctor'"),
    "defaults": ("cli.commands['analyze'].params[1].required = False", "it would replace the command 'analyze'"),
    "becomes": ("cli.__class__ = click.Group", "it would replace the command 'cli'"),
    "finds": ("cli.get_command = lambda *given: None", "it would replace the command 'cli'"),
    "mutes": ("cli.context_settings['help_option_names'] = []", "it would replace the command 'cli'"),
    "ends": ("cli.result_callback()(lambda *given: 1 / 0)", "it would replace the command 'cli'"),
    "unnamed": ("cli.commands[None] = click.Command('x')", "None is no name of a command"),
    "spaced": ("cli.add_command(click.Command('two words'))", "'two words' is no name of a command"),
    "hyphened": ("cli.add_command(click.Command('--help'))", "'--help' is no name of a command"),
    "broken": (r"cli.add_command(click.Command('a\nb'))", r"'a\nb' is no name of a command"),
    "half": (r"cli.add_command(click.Command('\ud800'))", r"'\ud800' is no name of a command"),
    "duck": ("cli.commands['x'] = type('D', (), {'callback': None, 'params': []})()", "'x' is no command"),
    "class": ("cli.commands['x'] = click.Command", "'x' is no command"),
    "optionless": ("cli.add_command(click.Command('x', params=[3]))", "takes what is no option or argument of click"),
    "helpless": ("cli.add_command(click.Command('x', help=3))", "they failed: "),
    "async": ("async def f(): pass\n    cli.add_command(click.Command('x', callback=f))", "'x' is asynchronous"),
    "yields": ("def f(): yield\n    cli.add_command(click.Command('x', callback=f))", "'x' is a generator"),
    "loops": ("g = click.Group('x'); g.add_command(g); cli.add_command(g)", "stands within itself, or too deep"),
    "holds": ("g = click.Group('x', commands={'y': 3}); cli.add_command(g)", "'y' is no command"),
    "is_ours": ("cli.add_command(cli, 'x')", "stands within itself, or too deep"),
    "adds": ("pass", None),
}


# as asyncio.run does, which refuses where a browser's tests have a loop of their own in this process
HONEST_COMMANDS = {
    "runs_itself": """class Own(click.Command):
        def invoke(self, ctx): return list(super().invoke(ctx).__await__())
    @cli.command(cls=Own)
    async def extra(): print("done")""",
    "runs_its_own": """class Own(click.Group):
        def invoke(self, ctx): return list(super().invoke(ctx).__await__())
    @cli.group(cls=Own, invoke_without_command=True)
    async def extra(): print("done")""",
    "takes_pieces": """group = click.Group("extra", invoke_without_command=True, chain=True)
    @group.command()
    def piece(): yield "done"
    @group.result_callback()
    def join(found): print(*[each for pieces in found for each in pieces] or ["done"])
    cli.add_command(group)""",
    "knows_its_place": """class Own(click.Command):
        def format_help(self, ctx, formatter): formatter.write(f"of {ctx.parent.command.name}")
    cli.add_command(Own("extra", callback=lambda: print("done")))""",
    "reads_help": """cli.get_help(click.Context(cli))
    cli.commands["doctor"].get_help(click.Context(cli.commands["doctor"]))
    cli.add_command(click.Command("extra", callback=lambda: print("done")))""",
}


@pytest.mark.parametrize("name", HONEST_COMMANDS)
def test_an_honest_command_is_offered(tmp_path, monkeypatch, capsys, name):
    from click.testing import CliRunner

    own = dict(command_line.cli.commands)
    install(tmp_path, monkeypatch, COMMANDS.format(HONEST_COMMANDS[name]), f"honest_{name}")
    monkeypatch.setattr(of_registry, "_SAID", set())
    for command in own.values():  # as at the start of a process
        monkeypatch.setattr(command, "_help_option", None, raising=False)
    try:
        Registry(load_built_ins=False).add_commands(command_line.cli)
        assert "left out" not in capsys.readouterr().err
        asked = ["piece"] if name == "takes_pieces" else []
        done = CliRunner().invoke(command_line.cli.commands["extra"], asked)
        assert (done.exit_code, done.output) == (0, "done\n")
    finally:
        vars(command_line.cli)["commands"] = own


def _all_of_commands(commands):
    parts = {"cli": command_line.cli, **commands}
    parts |= {f"{n} {k}": p for n, c in parts.items() for k, p in enumerate(c.params)}
    inner = {"commands", "params", "context_settings", "_help_option"}
    return {
        n: (p, type(p), {k: dict(v) if isinstance(v, dict) else v for k, v in vars(p).items() if k not in inner})
        for n, p in parts.items()
    } | {f"{n}, more": (list(c.params), dict(c.context_settings)) for n, c in parts.items() if hasattr(c, "params")}


@pytest.mark.parametrize("name", HOSTILE_COMMANDS)
def test_a_command_that_would_replace_ours_is_refused(tmp_path, monkeypatch, capsys, name):
    own = dict(command_line.cli.commands)
    before = _all_of_commands(own)
    code, reason = HOSTILE_COMMANDS[name]
    install(tmp_path, monkeypatch, COMMANDS.format(code), f"of_{name}")
    monkeypatch.setattr(of_registry, "_SAID", set())
    try:
        Registry(load_built_ins=False).add_commands(command_line.cli)
        told = capsys.readouterr()
        assert told.out == "" and "registering" in told.err
        assert _all_of_commands({n: c for n, c in command_line.cli.commands.items() if n in own}) == before
        if reason is None:
            assert "hello" in command_line.cli.commands and "left out" not in told.err
        else:
            assert "hello" not in command_line.cli.commands
            assert f"the commands of the plugin 'of_{name}' of prldh-of_{name} 2.5 are left out: " in told.err
            assert reason in told.err
    finally:
        vars(command_line.cli)["commands"] = own


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a case is a fork of the warm process")
@pytest.mark.parametrize("where", ["import", "commands", "hook"])
def test_what_is_printed_is_not_lost_without_a_word(tmp_path, monkeypatch, where):
    """A plugin closed what keeps standard output; what was printed after it went elsewhere, with status 0."""
    from forked import run_forked

    closes = "import os; os.closerange(3, 4096)"
    hook = f"def register_selectors():\n    {closes}\n    return []"
    code = {"import": closes, "commands": COMMANDS.format(closes), "hook": f"{GOOD.partition('@')[0]}@hookimpl\n{hook}"}
    install(tmp_path, monkeypatch, code[where], f"closes_{where}")
    told = run_forked(("plugins", "list"), tmp_path, _fast, tmp_path)
    assert told.code == 1 and told.kind == "message", told
    assert f"'closes_{where}'" in told.message and "closed files that are not its own" in told.message


RAISES = {
    "fails": ("1 / 0", 1, "the command 'boom' of the plugin 'fails' of prldh-fails 2.5 failed: ZeroDivisionError"),
    "misses": ("open('/nowhere')", 1, "the command 'boom' of the plugin 'misses' of prldh-misses 2.5 failed: FileNotF"),
    "closes": ("raise GeneratorExit", 1, "'closes' of prldh-closes 2.5 failed: GeneratorExit"),
    "stops": ("raise KeyboardInterrupt", 1, "'stops' of prldh-stops 2.5 failed: KeyboardInterrupt"),
    "refuses": ("from prldh.api import DataError; raise DataError('No such table.')", 1, "prldh: No such table."),
    "leaves": ("raise SystemExit(3)", 3, ""),
    "misuses": ("raise click.UsageError('not so')", 2, "Error: not so"),
}


@pytest.mark.parametrize("name", RAISES)
def test_what_a_command_of_a_plugin_raises_is_one_message(tmp_path, monkeypatch, name):
    code, status, told = RAISES[name]
    command = f"g = click.Group('boom')\n    @g.command()\n    def go():\n        {code}\n    cli.add_command(g)"
    install(tmp_path, monkeypatch, COMMANDS.format(command), name)
    cli = command_line.PrldhGroup("prldh")
    Registry(load_built_ins=False).add_commands(cli)
    monkeypatch.setattr(interruptions, "_asked", [])
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        done = CliRunner().invoke(cli, ["boom", "go"])
    finally:
        signal.signal(signal.SIGINT, former)
    assert done.exit_code == status and told in done.stderr and "Traceback" not in done.output
    assert done.stdout == "" and done.stderr.count("prldh: ") == (status == 1)


@pytest.mark.ci
def test_help_and_doctor_and_commands_of_plugins_work_beside_broken_ones(tmp_path, monkeypatch):
    for name in ("absent", "exits", "newer"):
        install(tmp_path, monkeypatch, UNUSABLE[name][0], name)
    install(tmp_path, monkeypatch, COMMANDS.format("pass"), "well")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "prldh", *arguments], capture_output=True, text=True, env=environment, cwd=tmp_path
        )

    for arguments, shown in ((["--help"], "analyze"), (["hello"], "hello\n"), (["doctor"], "plugin prldh-well 2.5")):
        done = run(*arguments)
        skipped = [line for line in done.stderr.splitlines() if "is skipped" in line]
        assert done.returncode == 0 and shown in done.stdout and len(skipped) == 3, (arguments, done)
        assert "Traceback" not in done.stderr and "registering" not in done.stdout
