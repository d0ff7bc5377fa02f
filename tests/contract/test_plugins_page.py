"""The example of docs/plugins.md is a plugin that keeps its promises."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import click
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import prldh
from prldh.plugins import hookspecs
from prldh.plugins.registry import REGISTRIES, Registry
from prldh.plugins.words import WORDS
from prldh.testing.kit import checks_of

pytestmark = pytest.mark.usefixtures("undrawn")

PAGE = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.S)


def _registered(monkeypatch, example):
    """A registry with an example of the page as the plugin ``mine``, and what it registers by name."""
    module = types.ModuleType("plugin_of_the_page")
    monkeypatch.setitem(sys.modules, module.__name__, module)  # so that its classes can be pickled
    exec(example, module.__dict__)
    registry = Registry(load_entry_points=False)
    registry.register(module, name="mine")
    found = [item for hook in REGISTRIES for item, plugin in registry.registered(hook).values() if plugin == "mine"]
    return registry, {item.name: item for item in found}


def test_the_example_registers_and_conforms(capsys, monkeypatch):
    registry, found = _registered(monkeypatch, EXAMPLES[0])
    assert set(found) == {"halves", "shared", "thanks"}
    for item in found.values():
        for check in checks_of(item):
            check()
    group = click.Group()
    registry.manager.hook.register_commands(cli=group)
    assert CliRunner().invoke(group, ["hello"]).output == "hello\n"
    registry.manager.hook.stage_finished(stage="cohort", result=None)
    assert capsys.readouterr().out.endswith("cohort is done\n")


def test_the_example_of_fit_and_apply_conforms(monkeypatch):
    _, found = _registered(monkeypatch, EXAMPLES[2])
    for check in checks_of(found["clip"]):
        check()


def test_the_learner_of_the_page_conforms(monkeypatch):
    _, found = _registered(monkeypatch, EXAMPLES[3])
    for check in checks_of(found["discriminant"]):
        check()


def test_the_image_step_of_the_page_conforms(monkeypatch):
    _, found = _registered(monkeypatch, EXAMPLES[4])
    for check in checks_of(found["clamp"]):
        check()


def test_the_page_names_every_hook():
    hooks = {name for name, f in vars(hookspecs).items() if hasattr(f, "prldh_spec")}
    assert hooks == set(re.findall(r"^\| `(\w+)` \|", PAGE.split("| member |")[0], re.M))


def test_the_example_with_words_conforms_and_is_told_in_the_report(tmp_path):
    module = types.ModuleType("words_of_the_page")
    exec(EXAMPLES[1], module.__dict__)
    for name in ("Spread", "SpreadSettings"):
        vars(module)[name].__module__ = __name__
        globals()[name] = vars(module)[name]
    for check in checks_of(module.Spread()):
        check()
    rng = np.random.default_rng(1)
    outcome = np.arange(40) % 5 < 2
    table = pd.DataFrame({"id": range(40), "y": outcome.astype(int)})
    features = pd.DataFrame({f"f{j}": outcome + rng.normal(size=40) * 3.0**j for j in range(4)}).assign(id=range(40))
    table.to_csv(tmp_path / "t.csv", index=False)
    features.to_csv(tmp_path / "f.csv", index=False)
    study = {
        "engine": "python",
        "clinical": {"table": str(tmp_path / "t.csv"), "id": "id", "outcome": "y", "event": 1},
        "tissues": {"disc": {"features": str(tmp_path / "f.csv")}},
        "selection": [{"spread": {"least": 0.2}}],
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
        "report": {"figures": [], "checklists": ["metrics"]},
    }
    prldh.analyze(study, tmp_path / "out", jobs=1, plugins=[module.Spread()])
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    for said in (
        "<td>Spread of values</td>",
        "Steps: spread drops features that hardly vary.",
        "standard deviation was at least 0.2 of the largest [",
        "Smith A, Jones B. On spread. Journal of Examples 2020; 1:2–3.",
        "disc, features: spread of features",
        "The share falls from 1.000 to",
    ):
        assert said in page, said
    assert "@article{smith2020," in (tmp_path / "out" / "references.bib").read_text(encoding="utf-8")
    assert "by spread:" in (tmp_path / "out" / "checklists" / "metrics.csv").read_text(encoding="utf-8")


def test_the_page_names_every_member_that_words_declare():
    declared = {
        member
        for protocols in WORDS.values()
        for protocol in protocols
        for member in (*protocol.__annotations__, *(name for name in vars(protocol) if not name.startswith("_")))
    }
    rows = PAGE.split("| member |")[1].split("\n\n")[0].splitlines()[2:]
    assert declared == {name for row in rows for name in re.findall(r"`(\w+)[`(]", row.split("|")[1])}
