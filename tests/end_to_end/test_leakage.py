"""What a run may say of leakage and of held-out numbers: nothing is honest of which a part lay outside it, and no
artefact is a result."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pages import unmarked
from phone import cut_on_a_phone

from prldh.checklists import has_docx
from prldh.core import ALL_THAT_IS_FITTED, WHOLE
from prldh.pipeline import analyze
from prldh.run import prepare

pytestmark = pytest.mark.usefixtures("undrawn")

CASES = Path(__file__).parents[1] / "cases"
CLAIMS = re.compile(r"honest|everything fitted anew|Everything that is fitted|optimism from selection", re.IGNORECASE)


def words(page: str) -> str:
    """The text of a page, but for the title of a table's column, and for the glossary."""
    page = re.sub(r'<th scope="col">(<abbr[^>]*>)?Optimism from selection.*?</th>', "", page)
    return re.sub(r"<[^>]+>", " ", page.partition('<section id="glossary">')[0])


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Noise features chosen on everyone, given as a score (AUC 0.873 held out)."""
    folder = tmp_path_factory.mktemp("given")
    shutil.copytree(CASES / "given_score", folder / "study")
    return analyze(folder / "study" / "study.yaml", out=folder / "out"), folder / "out"


def test_of_a_given_score_nothing_is_called_honest(given):
    results, out = given
    model = results.data["models"][0]
    assert round(model["validation"]["pipeline"]["folds"]["auc"]["estimate"], 3) == 0.873
    assert (
        model["validation"]["difference"]["folds"] is None and "column" in model["validation"]["difference"]["reason"]
    )
    page = words(unmarked((out / "report.html").read_text()))
    assert not CLAIMS.findall(page) and page.count("leakage is unknown") >= 4
    for path in [*out.glob("tables/*.tex"), *out.glob("checklists/*.tex")]:
        text = path.read_text()
        assert "honest" not in text and "the optimism from selection" not in text, path.name
    assert "unknown" in (out / "tables" / "table3.tex").read_text()
    assert "leakage is unknown" in (out / "checklists" / "clear.tex").read_text()
    (warning,) = (w for w in results.data["warnings"] if w["code"] == "PRL-111")
    assert "'lesion'" in warning["message"]
    assert not [w for w in results.data["warnings"] if w["message"].startswith("difference")]
    assert has_docx() is False or (out / "tables" / "table3.docx").exists()


def test_of_a_given_score_nothing_says_that_the_whole_process_was_validated(given):
    """Captions, warnings, checklists, tables and the text: what a run did not make it validates nowhere."""
    told = [
        path
        for path in given[1].rglob("*")
        if path.suffix in {".html", ".json", ".tex", ".txt", ".md", ".csv", ".log"} and "reproduce" not in path.parts
    ]
    assert len(told) > 30
    of_covariates = re.compile(rf"covariates alone[^;]{{0,400}}?{WHOLE}", re.IGNORECASE)  # nothing of them lay outside
    said = {path.name: of_covariates.sub("", words(unmarked(path.read_text()))) for path in told}
    assert [name for name, text in said.items() if WHOLE in text.lower()] == []
    page = words(unmarked((given[1] / "report.html").read_text()))
    assert page.count(ALL_THAT_IS_FITTED) > 20
    assert prepare(CASES / "given_score" / "study.yaml").whole == ALL_THAT_IS_FITTED, "as warnings and progress say"


@pytest.mark.browser
def test_a_phone_shows_the_number_of_every_table_of_a_given_score(browser, given):
    n, cut = cut_on_a_phone(browser, given[1])
    assert n > 20 and cut == []


def test_covariates_alone_cost_nothing_and_say_so(tmp_path):
    table = pd.read_csv(CASES / "given_score" / "clinical.csv")
    table.to_csv(tmp_path / "clinical.csv", index=False)
    study = {
        "title": "Age",
        "seed": 1,
        "engine": "python",
        "clinical": {"table": str(tmp_path / "clinical.csv"), "id": "patient_id", "outcome": "event", "event": "yes"}
        | {"covariates": {"age": "continuous"}},
        "models": [{"name": "Age", "terms": ["age"]}],
        "adjust": [],
        "validation": {"leave_one_out": False, "folds": 5, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
        "report": {"figures": [], "checklists": []},
    }
    results = analyze(study, out=tmp_path / "out")
    difference = results.data["models"][0]["validation"]["difference"]
    assert difference["folds"] is None and "nothing of this model is selected" in difference["reason"]
    assert "optimism from selection" not in words(unmarked((tmp_path / "out" / "report.html").read_text()))


def test_an_artefact_is_marked_in_the_tables_and_absent_from_the_text(tmp_path):
    """Two patients' worth of signal, left out one by one: the fit moves against each of them."""
    n = 40
    table = pd.DataFrame(
        {
            "patient_id": [f"P{i:02d}" for i in range(n)],
            "event": ["yes", "no"] * (n // 2),
            "age": 50 + np.repeat(np.random.default_rng(3).normal(0, 9, n // 2), 2).round(1),
            "weight": 70 + np.random.default_rng(4).normal(0, 9, n).round(1),
        }
    )
    table.to_csv(tmp_path / "clinical.csv", index=False)
    study = {
        "title": "Nothing",
        "seed": 1,
        "engine": "python",
        "clinical": {"table": str(tmp_path / "clinical.csv"), "id": "patient_id", "outcome": "event", "event": "yes"}
        | {"covariates": {"age": "continuous", "weight": "continuous"}},
        "models": [{"name": "Age", "terms": ["age"]}, {"name": "Weight", "terms": ["weight"]}],
        "adjust": [],
        "validation": {"leave_one_out": True, "folds": 0, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
        "report": {"figures": [], "checklists": []},
    }
    results = analyze(study, out=tmp_path / "out")
    auc = results.data["models"][0]["validation"]["pipeline"]["leave_one_out"]["auc"]
    assert auc["high"] < 0.5
    shown = f"{auc['estimate']:.3f}"
    page = unmarked((tmp_path / "out" / "report.html").read_text())
    text = words(page[page.index('id="text"') :])
    assert shown not in text[: text.index("Warnings")] and "no usable held-out AUC" in text
    compared = page[page.index('id="comparisons"') : page.index('id="text"')]
    assert re.search(r"Age − Weight</th><td><span[^<]*</span>\*</td><td>AUC</td><td>leave-one-out</td>", compared)
    assert "The pooled AUC of one of the two is below 0.5" in unmarked(compared)
    assert "an artefact of refits" in words(page) and f"{shown}" in words(page)
    table3 = (tmp_path / "out" / "tables" / "table3.tex").read_text()
    assert f"{shown} (0" in table3 and "{*}" in table3 and "artefact" in table3
    assert "artefact" in (tmp_path / "out" / "tables" / "validation.csv").read_text()
