"""``associations:``, a variable by high and low Radscore or by two levels, held to SciPy and counts."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from pages import unmarked
from phone import cut_on_a_phone
from schemas import check_schema
from scipy import stats

import prldh
from prldh.core import PrldhError

pytestmark = pytest.mark.usefixtures("undrawn")

N = 90


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    g = np.random.default_rng(8)
    event = g.integers(0, 2, N)
    grade = g.choice(["III", "IV", "V"], N)
    age = g.normal(50, 9, N).round(1)
    return pd.DataFrame(
        {
            "id": [f"P{i:03d}" for i in range(N)],
            "y": event,
            "disc": event + g.normal(0, 1, N),
            "grade": np.where(g.random(N) < 0.1, "", grade),
            "age": age,
            "sex": g.choice(["f", "m"], N),
        }
    )


def _study(table: pd.DataFrame, folder, associations, **changes) -> dict:
    table.to_csv(folder / "clinical.csv", index=False)
    return {
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "y",
            "event": 1,
            "covariates": {"grade": "categorical", "age": "continuous", "sex": "categorical"},
        },
        "tissues": {"disc": {"radscore": "disc"}},
        "associations": associations,
        "missing": "multiple_imputation",
        "imputation": {"imputations": 2, "imputations_in_resamples": 1},
        "engine": "both",
        "univariate": False,
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0},
        "report": {"figures": [], "checklists": []},
        **changes,
    }


@pytest.fixture(scope="module")
def run(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("associations")
    pairs = [["grade", "disc"], ["age", "disc"], ["disc", "sex"], ["age", "sex"]]
    results = prldh.analyze(_study(table, folder, pairs), folder / "out", jobs=1)
    return results, folder / "out"


def test_a_grade_by_high_and_low_radscore_is_the_chi_squared_of_their_counts(run, table):
    results, _ = run
    check_schema(results.data)
    grade = results.data["associations"][0]
    known = table[table["grade"] != ""]
    high = known["disc"] > results.data["tissues"]["disc"]["cutoff"]
    counts = pd.crosstab(known["grade"], high)
    expected = stats.chi2_contingency(counts, correction=False)
    assert (grade["variable"], grade["by"], grade["test"]) == ("grade", "disc", "chi2")
    assert grade["groups"] == ["low disc", "high disc"] and grade["n_missing"] == N - len(known)
    assert (grade["n_first"], grade["n_second"]) == tuple(counts.sum())
    assert [row["first"]["n"] for row in grade["rows"]] == list(counts[False])
    assert [row["second"]["n"] for row in grade["rows"]] == list(counts[True])
    assert grade["statistic"] == pytest.approx(expected.statistic, rel=1e-12)
    assert grade["p"] == pytest.approx(expected.pvalue, rel=1e-10)


def test_a_number_by_two_groups_is_the_t_test_of_the_first_minus_the_second(run, table):
    _, age, disc, by_sex = run[0].data["associations"]
    high = table["disc"] > run[0].data["tissues"]["disc"]["cutoff"]
    for entry, first, second in (
        (age, table["age"][~high], table["age"][high]),
        (disc, *(table["disc"][table["sex"] == s] for s in disc["groups"])),
        (by_sex, *(table["age"][table["sex"] == s] for s in by_sex["groups"])),
    ):
        expected = stats.ttest_ind(first, second)
        assert entry["statistic"] == pytest.approx(expected.statistic, rel=1e-9)
        assert entry["p"] == pytest.approx(expected.pvalue, rel=1e-9)
        assert entry["rows"][0]["first"]["mean"] == pytest.approx(first.mean())
    assert age["cutoff"] is not None and by_sex["cutoff"] is None


def test_both_engines_the_table_and_the_report_have_them(run):
    results, out = run
    rows = [row for row in results.data["agreement"] if row["quantity"].startswith("associations[")]
    assert {row["quantity"] for row in rows} >= {"associations[grade, disc].p", "associations[age, sex].p"}
    assert all(abs(row["difference"]) < 1e-8 for row in rows)
    written = pd.read_csv(out / "tables" / "associations.csv")
    assert list(written.groupby(["variable", "by"], sort=False).size()) == [3, 1, 1, 1]
    page = unmarked((out / "report.html").read_text())
    assert "grade by disc" in page and "low disc (n = " in page
    assert json.loads((out / "results.json").read_text())["associations"] == results.data["associations"]


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (
            [["grad", "disc"]],
            "[grad, disc]: 'grad' is neither a covariate nor a tissue; did you mean 'grade'?",
        ),
        ([["grade", "muscle"]], "'muscle' is neither a covariate nor a tissue; there are: grade, age, sex, disc."),
        ([["grade", "grade"]], "names one variable twice"),
        ([["disc", "age"]], "'age' is continuous and makes no groups"),
        ([["age", "grade"]], "'grade' has 3 levels among the analysed patients (III, IV, V)"),
    ],
)
def test_a_pair_that_cannot_be_is_one_message(table, tmp_path, pairs, words):
    complete = table[table["grade"] != ""]
    with pytest.raises(PrldhError) as error:
        prldh.analyze(_study(complete, tmp_path, pairs, engine="python"), tmp_path / "out", jobs=1)
    assert words in str(error.value) and not (tmp_path / "out").exists()


def test_a_variable_that_does_not_vary_has_no_test_and_says_so(table, tmp_path):
    same = table.assign(age=50.0)
    results = prldh.analyze(_study(same, tmp_path, [["age", "disc"]], engine="python"), tmp_path / "out", jobs=1)
    (entry,) = results.data["associations"]
    assert entry["p"] is None
    (said,) = [w["message"] for w in results.data["warnings"] if w["code"] == "PRL-064"]
    assert said.startswith("'age' by 'disc' has no test")


@pytest.mark.browser
def test_a_phone_shows_both_sides_and_their_total(browser, run):
    n, cut = cut_on_a_phone(browser, run[1])
    assert n > 15 and cut == []
