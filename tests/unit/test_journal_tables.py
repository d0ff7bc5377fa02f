"""Tables 1 to 5 for Word and LaTeX: the numbers of the results, rounded as journals want, whatever the names hold."""

from __future__ import annotations

import json
import re
import zipfile

import docx
import numpy as np
import pandas as pd
import pytest

import prldh
from prldh.pages.journal_table import JournalTable
from prldh.pages.latex import as_latex
from prldh.pages.word import write_word
from prldh.report.journal_tables import make_journal_tables, write_journal_tables
from prldh.report.merged_terms import merged_terms
from prldh.results import honest_auc, variables_of

NASTY = "Größe_50% & {x}\\ #1 $^~<b>"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    g = np.random.default_rng(4)
    n = 60
    s1, s2 = g.normal(size=n), g.normal(size=n)
    y = g.random(n) < 1 / (1 + np.exp(-s1 - 0.5 * s2))
    pd.DataFrame(
        {
            "id": range(n),
            "y": y.astype(int),
            NASTY: g.normal(50, 8, n),
            "sex": g.choice(["f", "m"], n),
            "s1": s1,
            "s2": s2,
        }
    ).to_csv(folder / "t.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prldh.run.outputs.write_figures", lambda *given, **how: {})
        patch.setattr("prldh.run.outputs.render_report", lambda *content: "")
        prldh.analyze(
            {
                "title": "T",
                "engine": "python",
                "clinical": {
                    "table": str(folder / "t.csv"),
                    "id": "id",
                    "outcome": "y",
                    "event": 1,
                    "covariates": {
                        NASTY: {"type": "continuous", "unit": "kg/m²"},
                        "sex": {"type": "categorical", "label": "Sex at birth"},
                    },
                },
                "tissues": {"disc": {"radscore": "s1"}, "muscle": {"radscore": "s2"}},
                "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 4},
                "performance": {"decision_bootstrap": 5, "partial_auc_bootstrap": 5, "interaction_bootstrap": 5},
                "table_one": {"adjust_p": "holm", "standardized_differences": True},
            },
            folder / "out",
            jobs=1,
        )
    return folder / "out"


def cells_of(path) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in docx.Document(str(path)).tables[0].rows]


def test_word_tables_hold_the_numbers(out):
    data = json.loads((out / "results.json").read_text())
    one, two, three, four, five = (cells_of(out / "tables" / f"table{k}.docx") for k in (1, 2, 3, 4, 5))
    age = data["table_one"][0]
    cell = age["rows"][0]["total"]
    assert (
        one[0][:2] == ["Variable", "Total (n = 60)"]
        and one[1][0] == f"{NASTY} (kg/m²)"
        and one[1][1] == f"{cell['mean']:.2f} ± {cell['sd']:.2f}"
    )
    p = age["p"]
    assert ("< 0.001" if p < 0.001 else f"{p:.3f}") in one[1]
    model = data["models"][0]
    auc = model["auc"]
    leading = honest_auc(model)[2]
    shown = [f"{a['estimate']:.3f} ({a['low']:.3f}, {a['high']:.3f})" for a in (leading, auc)]
    assert two[1][:3] == [model["name"], *shown] and len(two) == 1 + len(data["models"])
    held = model["validation"]["pipeline"]["folds"]["auc"]
    row = next(r for r in three if r[:2] == [model["name"], "cross-validation"])
    assert row[2] == f"{held['estimate']:.3f} ({held['low']:.3f}, {held['high']:.3f})" and row[5] == two[1][2]
    assert sum(r[5] == "1 (reference)" for r in four) == 2 and len(four) == 11
    term, own = model["terms"][1], next(r for r in five if r[0].strip() == "disc")
    assert own[1] == f"{term['or']:.3f} ({term['low']:.3f}, {term['high']:.3f})" and len(own) == 5
    assert not any(cell == "0.000" for table in (one, four) for r in table for cell in [r[-1], r[4]])


def test_word_tables_have_three_rules_and_repeat_their_header(out):
    for k in (1, 2, 3, 4, 5):
        xml = zipfile.ZipFile(out / "tables" / f"table{k}.docx").read("word/document.xml").decode()
        assert xml.count("<w:tblHeader") == 1 and xml.count("<w:cantSplit") == xml.count("<w:tr>")
        head, last = re.findall(r"<w:tr>.*?</w:tr>", xml, re.S)[0], re.findall(r"<w:tr>.*?</w:tr>", xml, re.S)[-1]
        assert "<w:top " in head and "<w:bottom " in head and "<w:bottom " in last
        assert ('w:orient="landscape"' in xml) == (k in (1, 2))


def test_the_same_table_has_the_same_bytes(out, tmp_path):
    data = json.loads((out / "results.json").read_text())
    names = write_journal_tables(data, tmp_path)
    assert sorted(names) == sorted(f"table{k}.{s}" for k in (1, 2, 3, 4, 5) for s in ("docx", "tex"))
    for name in names:
        assert (tmp_path / name).read_bytes() == (out / "tables" / name).read_bytes(), name


def test_latex_balances_and_has_a_cell_for_every_column(out):
    for k in (1, 2, 3, 4, 5):
        text = (out / "tables" / f"table{k}.tex").read_text()
        assert text.count(r"\begin{") == text.count(r"\end{") == 2
        bare = re.sub(r"\\[\\&%#_{}$]", "", text.split("\n", 2)[2])
        assert (
            bare.count("{") == bare.count("}")
            and "%" not in bare.replace("{!}{%", "")
            and "#" not in bare
            and "_" not in re.sub(r"\$_\{", "", bare)
        )
        columns = len(cells_of(out / "tables" / f"table{k}.docx")[0])
        body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
        for line in (line for line in body.splitlines() if line.endswith(r"\\")):
            assert len(re.findall(r"(?<!\\)&", line)) == columns - 1, line


def test_long_and_strange_text_is_taken(tmp_path):
    table = JournalTable(
        "t", "Table 9. " + "x" * 10000, ["a", "b"], [["\x00\x08<script>" * 500, ""], ["  level", "1"]], ["note \x01"]
    )
    write_word(table, tmp_path / "t.docx")
    assert cells_of(tmp_path / "t.docx")[1][0].startswith("<script>") and len(as_latex(table)) > 10000


def test_results_without_pairs_or_validation_have_fewer_tables(out):
    data = json.loads((out / "results.json").read_text())
    data["interaction"], data["table_one"] = None, []
    for m in data["models"]:
        m["validation"] = {}
    assert [t.name for t in make_journal_tables(data)] == ["table2", "table5"]


def test_without_python_docx_the_latex_is_there(out, tmp_path, monkeypatch):
    monkeypatch.setattr("prldh.report.journal_tables.has_docx", lambda: False)
    assert write_journal_tables(json.loads((out / "results.json").read_text()), tmp_path) == [
        f"table{k}.tex" for k in (1, 2, 3, 4, 5)
    ]


def test_covariates_are_called_as_the_study_calls_them(out):
    data = json.loads((out / "results.json").read_text())
    variables = variables_of(data)
    assert variables(NASTY) == f"{NASTY} (kg/m²)" and variables.label(NASTY) == NASTY
    assert variables("sex") == "Sex at birth" and variables("sex:disc") == "Sex at birth:disc"
    assert variables.term({"variable": "sex", "level": "m"}) == "Sex at birth: m"
    assert (
        variables("rcs(disc, 3)") == "rcs(disc, 3)" and variables("groups(disc, muscle)") == "groups of disc and muscle"
    )
    assert any(row[0] == "Sex at birth" for row in cells_of(out / "tables" / "table1.docx"))
    models = merged_terms(data, variables)
    assert {name for m in models for name in m.adjusted_for} == {NASTY, "Sex at birth"}
    # results of earlier versions have names alone
    for own in data["study"]["settings"]["clinical"]["covariates"].values():
        own.pop("label"), own.pop("unit")
    assert variables_of(data)("sex") == "sex"


def test_every_term_of_a_model_stands_once_with_both_of_its_odds_ratios(out):
    data = json.loads((out / "results.json").read_text())
    for m in merged_terms(data, variables_of(data)):
        own = next(e for e in data["models"] if e["name"] == m.name and not e["adjusted"])
        rows = [row for row in m.rows if not row.is_reference]
        assert [row.unadjusted for row in rows] == own["terms"][1:]
        assert all(row.adjusted["term"] == row.unadjusted["term"] for row in rows)
        assert sum(row.is_reference for row in m.rows) == any(t["level"] is not None for t in own["terms"])
