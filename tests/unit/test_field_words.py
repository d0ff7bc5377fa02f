"""What people read says the field's words, not this house's; terms that a page uses are explained."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from prldh.core import OPTIMISM_FROM_SELECTION, REFITTED, WHOLE
from prldh.report.terms import with_terms
from prldh.results import GLOSSARY, MEASURES, TERMS_BY_MEASURE

ROOT = Path(__file__).parents[2]
HOUSE = re.compile(r"\bscope (pipeline|model|\{)|\bscope <|cost of leakage", re.IGNORECASE)


def _strings(path: Path) -> Iterator[str]:
    """What a module may say: its texts without docstrings, a formatted one as it is written."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body
        if isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(v.value if isinstance(v, ast.Constant) else "{" for v in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


def test_no_text_says_the_words_of_this_house():
    """Modules, templates and documentation; the keys of a study file stand in backticks there."""
    said = {path: list(_strings(path)) for path in (ROOT / "prldh").rglob("*.py")}
    pages = [*(ROOT / "reports").rglob("*.j2"), *(ROOT / "docs").glob("*.md"), ROOT / "README.md"]
    said |= {path: [path.read_text(encoding="utf-8")] for path in pages}
    found = [(path.name, HOUSE.search(text)[0]) for path, texts in said.items() for text in texts if HOUSE.search(text)]
    assert len(said) > 200 and found == []


def test_every_measure_has_a_term_and_every_term_is_found_as_it_is_written():
    assert {measure.key for measure in MEASURES} == set(TERMS_BY_MEASURE)
    assert {WHOLE, REFITTED, OPTIMISM_FROM_SELECTION} <= {term.name for term in GLOSSARY}
    assert len({term.address for term in GLOSSARY}) == len(GLOSSARY)
    for term in GLOSSARY:
        for form in (term.name, *term.forms):
            page, used = with_terms(f'<section id="a"><p>So {form} is.</p></section>')
            assert term in used and f'href="#{term.address}"' in page, form


def test_labels_of_measures_are_terms_in_heads_of_tables():
    heads = "".join(f'<th scope="col">{measure.label}</th>' for measure in MEASURES if measure.label)
    page, used = with_terms(f'<section id="a"><table><tr>{heads}</tr></table></section>')
    bare = [m.label for m in MEASURES if f">{m.label}</th>" in page]
    assert bare == [] and {TERMS_BY_MEASURE[m.key].name for m in MEASURES if m.key != "confusion"} <= {
        term.name for term in used
    }


@pytest.mark.parametrize(
    "kept",
    [
        "<td>AUC</td>",
        '<th scope="row">Slope of AUC</th>',
        "<svg><text>AUC</text></svg>",
        "<pre>AUC</pre>",
        "<h3>AUC</h3>",
        "<p>the AUCx, my-AUC</p>",
    ],
)
def test_names_of_a_study_drawings_and_headings_are_left_alone(kept):
    assert with_terms(f'<section id="a">{kept}</section>')[0] == f'<section id="a">{kept}</section>'


def test_a_term_is_linked_once_a_section_and_in_every_head():
    page, _ = with_terms(
        '<section id="a"><p>AUC, AUC</p><p>AUC</p><table><tr><th scope="col">AUC</th><th scope="col">AUC</th></tr>'
        '</table></section><section id="b"><p>AUC</p></section><section id="text"><p>AUC</p></section>'
    )
    assert page.count('<a class="term"') == 2 and page.count("<abbr") == 2 and '<section id="text"><p>AUC</p>' in page
