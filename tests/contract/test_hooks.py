"""Hook names and arguments are a promise to plugin authors; what they register is found, and refused where it is
wrong."""

from __future__ import annotations

import html
import inspect
import re
import subprocess
import sys
from types import SimpleNamespace

import pytest

from prldh.core.errors import PluginError
from prldh.plugins import hookspecs
from prldh.plugins.registry import REGISTRIES, Registry

HOOKS = {
    "register_feature_sources": [],
    "register_image_steps": [],
    "register_transforms": [],
    "register_learners": [],
    "register_selectors": [],
    "register_validators": [],
    "register_statistics": [],
    "register_engines": [],
    "register_checklists": [],
    "register_report_sections": [],
    "register_commands": ["cli"],
    "stage_finished": ["stage", "result"],
}


def test_hook_names_and_arguments_are_pinned():
    found = {
        name: list(inspect.signature(f).parameters) for name, f in vars(hookspecs).items() if hasattr(f, "prldh_spec")
    }
    assert found == HOOKS


def test_every_hook_documents_what_it_returns():
    for name in HOOKS:
        assert len(inspect.getdoc(getattr(hookspecs, name))) > 40


def test_built_ins_register_through_the_hooks():
    manager = Registry(load_entry_points=False)
    assert set(manager.registered("register_selectors")) == {
        "icc",
        "mrmr_forest",
        "correlation",
        "lasso_svm_rfe",
        "univariate",
        "lasso",
        "elastic_net",
        "boruta",
        "stability",
    }
    assert set(manager.registered("register_transforms")) == {
        "impute",
        "combat",
        "scale",
        "cluster",
        "pca",
        "near_constant",
    }
    assert set(manager.registered("register_learners")) == {
        "logistic",
        "lasso",
        "ridge",
        "elastic_net",
        "linear_svm",
        "random_forest",
        "boosting",
        "mean",
    }
    by_column = {"leave_one_group_out", "group_folds", "split"}
    assert (
        set(manager.registered("register_validators"))
        == {"leave_one_out", "folds", "bootstrap", "monte_carlo"} | by_column
    )
    assert set(manager.registered("register_engines")) == {"r", "python"}
    assert {origin for hook in REGISTRIES for _, origin in manager.registered(hook).values()} == {"prldh"}


def test_managers_are_made_not_shared():
    assert Registry() is not Registry()


def _plugin(**hooks):
    """A plugin module with these register functions."""
    return SimpleNamespace(**{name: hookspecs.hookimpl(function) for name, function in hooks.items()})


def _selector(name="mine", **more):
    return SimpleNamespace(**{"name": name, "version": "1", "Settings": object, "fit": lambda *a: None, **more})


def test_a_strangers_selector_is_chosen_by_name():
    manager = Registry(load_entry_points=False)
    mine = _selector()

    def register_selectors():
        return [mine]

    manager.register(_plugin(register_selectors=register_selectors), name="stranger")
    assert manager.choose("register_selectors", "mine", "selection") is mine


def test_a_doubled_name_is_an_error_that_names_both_plugins():
    manager = Registry(load_entry_points=False)

    def register_selectors():
        return [_selector("icc")]

    manager.register(_plugin(register_selectors=register_selectors), name="stranger")
    with pytest.raises(PluginError, match=r"'icc'.*'(prldh|stranger)' and '(prldh|stranger)'"):
        manager.registered("register_selectors")


def test_an_incomplete_object_and_a_class_are_refused_with_a_guess():
    class Unfinished:
        """No name, no fit."""

    for item, message in (
        (SimpleNamespace(name="x"), "has no version, Settings, fit"),
        (Unfinished, r"forgotten the `\(\)`"),
    ):
        manager = Registry(load_entry_points=False)

        def register_selectors(item=item):
            return [item]

        manager.register(_plugin(register_selectors=register_selectors), name="stranger")
        with pytest.raises(PluginError, match=message):
            manager.registered("register_selectors")


def test_a_hook_must_return_a_list():
    manager = Registry(load_entry_points=False)

    def register_validators():
        return None

    manager.register(_plugin(register_validators=register_validators), name="stranger")
    with pytest.raises(PluginError, match="must return a list, found NoneType"):
        manager.registered("register_validators")


def test_an_unknown_name_says_what_there_is():
    with pytest.raises(PluginError, match=r"there is no selector 'ic'.*Did you mean 'icc'"):
        Registry(load_entry_points=False).choose("register_selectors", "ic", "selection, step 1")


def test_importing_the_command_line_imports_nothing_heavy():
    code = (
        "import sys, prldh.cli; heavy = {'torch', 'SimpleITK', 'radiomics', 'rpy2', 'sklearn', 'matplotlib',"
        " 'statsmodels'} & set(sys.modules);assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_rpy2_is_imported_where_r_is_started():
    from pathlib import Path

    import prldh

    importers = [
        p.name
        for p in Path(prldh.__file__).parent.rglob("*.py")
        if re.search(r"import rpy2|from rpy2|import_module\(.rpy2", p.read_text())
    ]
    assert set(importers) == {"r_home.py", "r_session.py"}


def test_a_section_that_fails_is_told_in_its_place(tmp_path):
    """At the end of a long run a plugin's fault must not lose the results."""
    from prldh.report.page import _rendered

    class Section:
        name, title = "mine", "Mine"

        def render(self, results, folder):
            raise KeyError("<b>absent</b>")

    class Odd:
        name, title = "odd", "Odd"

        def __init__(self, gives):
            self.gives = gives

        def render(self, results, folder):
            return self.gives

    class Changing(Section):
        def render(self, results, folder):
            results.clear()
            return "<p>x</p>"

    results = {"title": "T"}
    assert _rendered("odd", Odd("<p>x</p>"), "stranger", results, tmp_path) == "<p>x</p>"
    told = _rendered("mine", Changing(), "stranger", results, tmp_path)
    assert "TypeError: what a plugin is handed is read-only" in told and results == {"title": "T"}
    for gives, shown in ((None, "None"), (b"<p>x</p>", "b'<p>x</p>'"), ("<p>\ud800</p>", r"'<p>\ud800</p>'")):
        told = html.unescape(_rendered("odd", Odd(gives), "stranger", results, tmp_path))
        assert f"TypeError: render gives {shown} in place of HTML" in told
    shown = str(_rendered("mine", Section(), "stranger", {}, tmp_path))
    assert (
        "section 'mine' of the plugin 'stranger' could not be made: KeyError" in shown.replace("&#39;", "'")
        and "<b>" not in shown
    )
