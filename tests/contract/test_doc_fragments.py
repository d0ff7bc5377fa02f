"""No block of a page goes unread: pages run from end to end, their tests name them, or their fragments of a study file
are held to the settings of all steps, learners and sources."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest
from doc_blocks import RUN, Block, blocks_of
from pydantic import ValidationError

import prldh
from prldh.chain import plan_models
from prldh.core import PrldhError
from prldh.plugins import Registry, settings_of
from prldh.run.protocols import resolve_protocols
from prldh.study import Study, parse_yaml

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "plugins").rglob("*.md")]
    if page not in RUN and "build" not in page.parts and any(blocks_of(page.read_text(encoding="utf-8")))
)
#: Which test runs the commands and the code of a page that does not run as a whole.
RUN_BY = {
    "README.md": "end_to_end/test_readme.py",
    "docs/calculator.md": "browser/test_calculator.py",
    "docs/compare.md": "unit/test_plan_before_the_run.py",
    "docs/install.md": "end_to_end/test_wheel.py",
    "docs/lesions.md": "end_to_end/test_lesions_page.py",
    "docs/new_patients.md": "end_to_end/test_many_cohorts.py",
    "docs/plugins.md": "contract/test_plugins_page.py",
    "docs/r.md": "r/test_r_page.py",
    "docs/result_tables.md": "end_to_end/test_notebook.py",
    "docs/reference/cli.md": "contract/test_reference_pages.py",
    "plugins/prldh-uctransnet/README.md": "uctransnet/test_uctransnet_readme.py",
}
#: What such a page holds that is no fragment of a study file.
ELSEWHERE = {
    "README.md": "a study file and a cohort file, which its test runs",
    "docs/new_patients.md": "a cohort file, which its test runs",
    "docs/checklists.md": "answers to a checklist",
}
#: Code for clusters that no test has.
CLUSTERS = "docs/cluster.md"
COVARIATES = {"age": "continuous", "bmi": "continuous", "duration": "continuous", "sex": "categorical"}
STUDY = {
    "clinical": {
        "table": "clinical.csv",
        "id": "patient_id",
        "outcome": "recurrence",
        "event": 1,
        "covariates": {**COVARIATES, "pfirrmann": "categorical"},
        "columns": {"centre": "hospital"},
    },
    "tissues": {"disc": {"features": "disc.csv"}, "muscle": {"features": "muscle.csv"}},
}


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _fragments(block: Block) -> list[dict]:
    """A block as mappings: lines that give one key several values, as alternatives, are one each."""
    parts = re.split(r"^(?=\w)", block.text, flags=re.M)
    found: list[dict] = []
    for part in filter(str.strip, parts):
        read = dict(parse_yaml(part, "the page").content or {})
        if not found or set(found[-1]) & set(read):
            found.append({})
        found[-1] |= read
    return found


def _registry(page: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """What is installed and, of an example, its plugin without its library."""
    registry = Registry()
    if page.parent.parent.name == "examples":
        name = page.parent.name.replace("-", "_")
        monkeypatch.syspath_prepend(str(page.parent))
        registry.register(importlib.import_module(name), name=name)
    return registry


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_fragment_of_a_study_file_is_one(page, monkeypatch, tmp_path):
    name = _name(page)
    blocks = [block for block in blocks_of(page.read_text(encoding="utf-8")) if block.language == "yaml"]
    if name in ELSEWHERE:
        return
    registry = _registry(page, monkeypatch)
    for fragment in (fragment for block in blocks for fragment in _fragments(block)):
        study = _study(fragment)
        assert plan_models(study)
        for settings in (study.extraction, *(tissue.extraction for tissue in study.tissues.values())):
            for source in settings:
                item, _ = registry.registered("register_feature_sources")[source]
                settings_of(item.Settings, settings[source], f"extraction.{source}")
        known = registry.registered("register_feature_sources")
        assert {source for tissue in study.tissues.values() for source in tissue.sources} <= set(known)
        if page.parent.parent.name == "examples":  # whose libraries are not there
            for key, hook in (("selection", "register_selectors"), ("learner", "register_learners")):
                for name, settings in (pair for step in _steps(fragment, key) for pair in step.items()):
                    settings_of(registry.registered(hook)[name][0].Settings, settings, name)
        elif not any("feature_library" in step for step in study.selection):  # reads the library's file at once
            assert resolve_protocols(study, registry, tmp_path)


def _steps(fragment: dict, key: str) -> list[dict]:
    steps = fragment.get(key, [])
    return steps if isinstance(steps, list) else [steps]


def _study(fragment: dict) -> Study:
    """A fragment with all that a study file must have; what is about images gets some."""
    study: dict = {**STUDY, **fragment, "clinical": {**STUDY["clinical"], **fragment.get("clinical", {})}}
    if "tissues" not in fragment and ("extraction" in fragment or "imaging" in fragment):
        sources = sorted(fragment.get("extraction", {"pyradiomics": {}}))
        study["tissues"] = {"disc": {"images": "disc.csv", "sources": sources}}
    return Study.model_validate(study)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_commands_and_code_have_a_test(page):
    name = _name(page)
    code = {block.language for block in blocks_of(page.read_text(encoding="utf-8"))} - {"yaml", "mermaid", ""}
    if not code or name == CLUSTERS:
        return
    assert name in RUN_BY, f"{name} has blocks of {', '.join(sorted(code))} that no test runs"
    assert page.name in (ROOT / "tests" / RUN_BY[name]).read_text(encoding="utf-8")


def test_the_list_has_no_page_that_is_gone():
    assert {*RUN_BY, *ELSEWHERE, CLUSTERS} <= {_name(page) for page in PAGES}


def test_a_fragment_with_a_wrong_key_is_found(tmp_path):
    assert _fragments(Block("yaml", "", "a: 1\na: 2\nb: 3\n# c\n")) == [{"a": 1}, {"a": 2, "b": 3}]
    for wrong in ({"learner": "forrest"}, {"selection": [{"icc": {"treshold": 1}}]}, {"imaging": {"x": 1}}):
        with pytest.raises((PrldhError, ValidationError)):
            resolve_protocols(_study(wrong), Registry(), tmp_path)


def test_code_for_clusters_gives_analyze_what_it_takes():
    """The clusters themselves are nowhere at hand: what they are asked for is theirs."""
    known = set(inspect.signature(prldh.analyze).parameters)
    for block in blocks_of((ROOT / CLUSTERS).read_text(encoding="utf-8")):
        calls = [n for n in ast.walk(ast.parse(block.text)) if isinstance(n, ast.Call)]
        (call,) = [n for n in calls if ast.unparse(n.func) == "prldh.analyze"]
        assert {keyword.arg for keyword in call.keywords} <= known and len(call.args) == 2
