"""A stranger's step is no second class: the demo's steps and sources under other names have every figure, reference and
sentence that they have under their own."""

from __future__ import annotations

import re

import pytest
import yaml

import prldh
from prldh.chain.selection.protocol import SELECTORS
from prldh.checklists.built_in import built_in_checklists
from prldh.checklists.dossier import dossier_of
from prldh.demo.features import demo_cohort, write_features_study
from prldh.report.figure_plan import plan_figures
from prldh.report.panels import plan_panels
from prldh.report.seen import seen_in_figures
from prldh.report.text.write import write_text
from prldh.results.words import Words

FOREST = {"trees": 20, "sizes": [1, 2, 5], "seeds": 3}
VALIDATION = {"leave_one_out": False, "folds": 3, "bootstrap": 3, "scope": ["pipeline"]}
SOURCES = {"radiomics": "first_source", "deep": "second_source"}


def renamed(name: str) -> str:
    return f"{name}_of_a_stranger"


#: The demo's steps under other names, as a plugin would bring them.
STRANGERS = [type(f"Renamed{type(each).__name__}", (type(each),), {"name": renamed(each.name)})() for each in SELECTORS]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """Results of the demo's study of features, small: as it is, and with its steps and sources renamed."""
    folder = tmp_path_factory.mktemp("renamed")
    cohort = demo_cohort(n=70, n_radiomics=40, n_deep=20)
    path = write_features_study(folder / "in", cohort, VALIDATION, FOREST)
    study = yaml.safe_load(path.read_text())
    study |= {
        "engine": "python",
        "performance": {"decision_bootstrap": 5, "partial_auc_bootstrap": 5, "interaction_bootstrap": 5},
        "report": {"figures": [], "checklists": []},
    }
    other = {
        **study,
        "selection": [{renamed(name): settings for name, settings in step.items()} for step in study["selection"]],
        "tissues": {
            tissue: {"features": {SOURCES[source]: tables for source, tables in entry["features"].items()}}
            for tissue, entry in study["tissues"].items()
        },
    }
    for name, content in (("own", study), ("renamed", other)):
        (folder / "in" / f"{name}.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    with pytest.MonkeyPatch.context() as patch:  # planned below, and not drawn
        patch.setattr("prldh.run.outputs.write_figures", lambda *given, **how: {})
        patch.setattr("prldh.run.outputs.render_report", lambda *given: "")
        return [
            prldh.analyze(folder / "in" / f"{name}.yaml", folder / name, jobs=1, plugins=plugins)
            for name, plugins in (("own", []), ("renamed", STRANGERS))
        ]


def as_own(text: str) -> str:
    """A text of the renamed study with the names of the demo."""
    for own, other in SOURCES.items():
        text = text.replace(other, own)
    return text.replace("_of_a_stranger", "")


def drawings(results, words=None):
    words = words or results.words
    return [*plan_figures(results.data, words), *plan_panels(results.data, words)]


def test_every_figure_is_found_again(both):
    own, other = both
    assert [(d.name, d.title, d.description) for d in drawings(own)] == [
        tuple(map(as_own, (d.name, d.title, d.description))) for d in drawings(other)
    ]
    assert [d.is_wide for d in drawings(own)] == [d.is_wide for d in drawings(other)]
    seen = [
        {d.name: d.seen for d in drawings(r)} | seen_in_figures(r.data, r.words, [d.name for d in drawings(r)])
        for r in both
    ]
    assert seen[0] == {as_own(name): as_own(text) for name, text in seen[1].items()}


def test_every_reference_and_sentence_is_found_again(both):
    own, other = (write_text(r.data, r.words) for r in both)
    assert own.references == other.references and own.bibtex == other.bibtex
    assert own.methods == other.methods and own.results == list(map(as_own, other.results))
    assert {"shrout1979", "peng2005", "breiman2001", "tibshirani1996", "guyon2002"} <= set(
        re.findall(r"\{(\w+),", other.bibtex)
    )


def test_every_word_of_tables_checklists_and_remarks_is_found_again(both):
    own, other = both
    assert own.words.remarks and own.words.remarks == {
        tissue: tuple(tuple(type(r)(as_own(r.text), r.is_urgent) for r in remarks) for remarks in groups)
        for tissue, groups in other.words.remarks.items()
    }
    assert own.words.steps == {as_own(name): words for name, words in other.words.steps.items()}
    for checklist in built_in_checklists():
        answered = [checklist.evaluate(dossier_of(r.data, None, words=r.words)) for r in both]
        assert answered[0] == [_as_own_entry(entry) for entry in answered[1]], checklist.name


def _as_own_entry(entry):
    if isinstance(entry, str):
        return as_own(entry)
    if isinstance(entry, dict):
        return {key: _as_own_entry(value) for key, value in entry.items()}
    return [_as_own_entry(each) for each in entry] if isinstance(entry, (list, tuple)) else entry


def test_what_is_not_installed_any_more_has_general_words_and_nothing_fails(both):
    _, other = both
    names = [d.name for d in drawings(other, Words())]
    assert "funnel_disc" in names and not any("lasso" in name for name in names)
    funnel = next(d for d in drawings(other, Words()) if d.name == "funnel_disc")
    assert "after icc_of_a_stranger" in funnel.description
    text = write_text(other.data, Words())
    assert f"the step {renamed('icc')} was applied" in " ".join(text.methods) and "shrout1979" not in text.bibtex
    assert "fits of the scheme folds" in " ".join(text.methods)
    for checklist in built_in_checklists():
        assert checklist.evaluate(dossier_of(other.data, None))
