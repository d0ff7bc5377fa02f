"""Table 1's options: adjusted p-values, standardised differences, and p-values left out of the report."""

from __future__ import annotations

import gc
import re
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import unmarked
from schemas import check_schema
from statsmodels.stats.multitest import multipletests

from prldh.core.errors import DataError
from prldh.engines import PythonEngine
from prldh.pages import digits_measured
from prldh.pipeline import analyze
from prldh.report.journal_tables import make_journal_tables
from prldh.stats.moments import moments
from prldh.stats.multiplicity import adjust_p
from prldh.stats.normality import shapiro_wilk
from prldh.stats.standardized_difference import standardized_level_difference, standardized_mean_difference

pytestmark = pytest.mark.usefixtures("undrawn")

# -- adjusted p-values


def test_by_hand():
    p = np.array([0.01, 0.02, 0.03, np.nan, 0.04])
    np.testing.assert_allclose(adjust_p(p, "holm"), [0.04, 0.06, 0.06, np.nan, 0.06])
    np.testing.assert_allclose(adjust_p(p, "bh"), [0.04, 0.04, 0.04, np.nan, 0.04])
    assert adjust_p(np.array([]), "bh").size == 0
    assert np.isnan(adjust_p(np.array([np.nan]), "holm")).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.01, 0.02, 0.5])), min_size=1, max_size=30))
def test_they_are_those_of_statsmodels(values):
    p = np.array(values)
    with patch.object(gc, "collect"):  # which it does in every call
        holm = multipletests(p, method="holm")[1]
    np.testing.assert_allclose(adjust_p(p, "holm"), holm, rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(adjust_p(p, "bh"), multipletests(p, method="fdr_bh")[1], rtol=1e-12, atol=1e-300)
    assert (adjust_p(p, "holm") >= adjust_p(p, "bh") - 1e-15).all()


def test_nonsense_is_refused():
    with pytest.raises(DataError):
        adjust_p(np.array([0.1]), "bonferroni")
    with pytest.raises(DataError):
        adjust_p(np.array([1.1]), "holm")


# -- standardised differences


def test_of_numbers_by_hand():
    a, b = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0, 8.0])
    expected = (5 - 2) / np.sqrt((1 + 20 / 3) / 2)
    assert standardized_mean_difference(a, b) == pytest.approx(expected, rel=1e-14)
    assert standardized_mean_difference(b, a) == pytest.approx(-expected, rel=1e-14)
    assert standardized_mean_difference(np.ones(3), np.ones(2)) == 0
    assert np.isnan(standardized_mean_difference(np.ones(3), np.zeros(2)))
    assert np.isnan(standardized_mean_difference(np.ones(3), np.array([1.0])))


def test_of_levels_by_hand():
    # two levels: |0.5 - 0.25| / sqrt((0.25 + 0.1875) / 2)
    assert standardized_level_difference(np.array([[75, 50], [25, 50]])) == pytest.approx(
        0.25 / np.sqrt(0.21875), rel=1e-12
    )
    # three levels, shares 0.2 0.3 0.5 and 0.4 0.4 0.2; without the first level: T - C = (0.1, -0.3), S = [[.225,
    # -.115], [-.115, .205]]
    determinant = 0.225 * 0.205 - 0.115**2
    square = (0.1**2 * 0.205 + 2 * 0.1 * -0.3 * 0.115 + 0.3**2 * 0.225) / determinant
    assert standardized_level_difference(np.array([[20, 40], [30, 40], [50, 20]])) == pytest.approx(
        np.sqrt(square), rel=1e-12
    )
    assert standardized_level_difference(np.array([[10, 20], [5, 10]])) == 0
    assert np.isnan(standardized_level_difference(np.array([[10, 0], [0, 10]])))
    assert np.isnan(standardized_level_difference(np.array([[10, 0], [5, 0]])))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 30), st.integers(1, 30)), min_size=2, max_size=6), st.randoms())
def test_levels_have_no_order(counts, random):
    table = np.array(counts)
    found = standardized_level_difference(table)
    shuffled = table[random.sample(range(len(table)), len(table))]
    assert standardized_level_difference(shuffled) == pytest.approx(found, rel=1e-8, abs=1e-10)
    assert standardized_level_difference(table[:, ::-1]) == pytest.approx(found, rel=1e-8, abs=1e-10)
    assert standardized_level_difference(np.vstack([table, [0, 0]])) == pytest.approx(found, rel=1e-8, abs=1e-10)
    if len(table) == 2:
        p = table[1] / table.sum(axis=0)
        by_hand = abs(p[1] - p[0]) / np.sqrt((p * (1 - p)).sum() / 2)
        assert found == pytest.approx(by_hand, rel=1e-8, abs=1e-10)


# -- moments and normality


@pytest.mark.parametrize(
    ("values", "statistic", "p"),
    [
        # R 4.2.2: shapiro.test(values)
        ([148, 154, 158, 160, 161, 162, 166, 170, 182, 195, 236], 0.78881469483538735, 0.0067038140565029254),
        ([1, 2, 4], 0.96428571428571419, 0.6368868450289632),
        ([1, 2, 3, 7, 1.5], 0.8155783411549431, 0.10789313457770071),
        (np.arange(1, 41) ** 2, 0.89929010872877579, 0.001823048746275986),
        (np.log(np.arange(1, 201)), 0.83866618644145619, 1.2509211551732239e-13),
        (np.sin(np.arange(1, 5001)), 0.89944617862751175, 2.6502688533171441e-49),
    ],
)
def test_normality_is_that_of_r(values, statistic, p):
    found = shapiro_wilk(np.array(values))
    assert found["statistic"] == pytest.approx(statistic, rel=1e-12) and found["p"] == pytest.approx(p, rel=1e-9)


def test_there_is_no_normality_of_few_of_many_or_of_constant_values():
    for values in ([], [1.0, 2.0], [3.0, 3.0, 3.0, 3.0], np.arange(5001.0)):
        assert np.isnan(list(shapiro_wilk(np.array(values)).values())).all()
        found = PythonEngine().moments(values)
        assert np.isnan(found["sd"]) == (len(values) < 2)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=40), st.floats(0.01, 100), st.floats(-100, 100))
def test_normality_knows_no_unit_and_no_order(values, factor, shift):
    x = np.round(values, 3)
    found, other = shapiro_wilk(x), shapiro_wilk((-x * factor + shift)[::-1])
    if np.ptp(x) > 0.01:
        assert other["statistic"] == pytest.approx(found["statistic"], rel=1e-6)
        assert 0 <= found["p"] <= 1 and found["statistic"] <= 1 + 1e-12


def test_moments_by_hand():
    found = moments(np.array([4.0, 1.0, 7.0, 2.0]))
    assert found == pytest.approx({"mean": 3.5, "sd": 7**0.5, "median": 3, "q1": 1.75, "q3": 4.75, "min": 1, "max": 7})


# -- a study


def run(tmp_path, **table_one):
    rng = np.random.default_rng(4)
    n = 60
    y = np.arange(n) % 3 == 0
    table = pd.DataFrame(
        {
            "id": [f"p{i}" for i in range(n)],
            "y": y.astype(int),
            "age": rng.normal(50, 9, n) + 3 * y,
            "score": rng.normal(size=n),
        }
    )
    table["grade"] = np.array(["a", "b", "c"])[rng.integers(0, 3, n)]
    table.to_csv(tmp_path / "clinical.csv", index=False)
    study = {
        "engine": "python",
        "report": {"figures": []},
        "table_one": table_one,
        "tissues": {"disc": {"radscore": "score"}},
        "clinical": {
            "table": str(tmp_path / "clinical.csv"),
            "id": "id",
            "outcome": "y",
            "event": 1,
            "covariates": {"age": "continuous", "grade": "categorical"},
        },
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
    }
    results = analyze(study, tmp_path / "out", jobs=1, force=True)
    check_schema(results.data)
    page = unmarked((tmp_path / "out" / "report.html").read_text())
    return results, page[page.index('<section id="table-one"') : page.index('<section id="univariate"')]


def test_by_default_the_table_is_as_it_was(tmp_path):
    results, page = run(tmp_path)
    assert not {"smd", "p_holm", "p_bh"} & {k for row in results.data["table_one"] for k in row}
    assert '<th scope="col">p</th>' in page and "Standardised" not in page


@pytest.mark.parametrize(("method", "name"), [("holm", "Holm"), ("bh", "Benjamini–Hochberg")])
def test_what_is_asked_for_is_there(tmp_path, method, name):
    results, page = run(tmp_path, adjust_p=method, standardized_differences=True)
    rows = results.data["table_one"]
    assert [r["variable"] for r in rows] == ["age", "grade", "disc"]
    np.testing.assert_allclose(
        [r[f"p_{method}"] for r in rows], adjust_p(np.array([r["p"] for r in rows]), method), rtol=1e-14
    )
    assert rows[0]["smd"] > 0  # higher among events
    assert f"p ({name})" in page and "Standardised difference" in page
    assert {f"p_{method}", "smd"} <= set(results.tables["table_one"].columns)
    heads, cells = (
        page.count('<th scope="col">'),
        [line.count("<td") + line.count("<th") for line in page.splitlines() if line.startswith("<tr><t")],
    )
    assert set(cells) == {heads} == {9}


def test_p_values_can_be_left_out_of_the_report(tmp_path):
    results, page = run(tmp_path, p_values=False, standardized_differences=True, adjust_p="holm")
    assert all(r["p"] is not None for r in results.data["table_one"])
    assert '<th scope="col">p' not in page and "t test" not in page and "Holm" not in page
    assert {line.count("<td") + line.count("<th") for line in page.splitlines() if line.startswith("<tr><t")} == {5}


# -- what is shown of a continuous variable


def test_what_is_shown_follows_the_rule(tmp_path):
    """Mean ± SD where normality is rejected in neither outcome; the ends stand beneath."""
    results, page = run(tmp_path)
    page = re.sub("</?span[^>]*>", "", page).replace("−", "-").replace("&nbsp;", " ").replace("\u00a0", " ")
    for row in (r for r in results.data["table_one"] if r["type"] == "continuous"):
        p = [row["normality"][group]["p"] for group in ("nonevent", "event")]
        assert row["summary"] == ("mean" if min(p) >= 0.05 else "median")
        cells = row["rows"][0]["event"]
        assert cells["min"] <= cells["q1"] <= cells["median"] <= cells["q3"] <= cells["max"]
        mean, median = f"{cells['mean']:.2f} ± {cells['sd']:.2f}", f"{cells['median']:.2f} ["
        shown, other = (mean, median) if row["summary"] == "mean" else (median, mean)
        assert f">{shown}" in page and f">{other}" not in page
        k = digits_measured(cells["min"], cells["max"])
        assert f"<td>{cells['min']:.{k}f} to {cells['max']:.{k}f}</td>" in page
    assert "Shapiro and Wilk" in page
    assert "unknown" not in page
    assert {"summary", "total_min", "event_max", "unknown_event", "normality_p_event"} <= set(
        results.tables["table_one"].columns
    )


@pytest.mark.parametrize("summary", ["mean", "median"])
def test_what_is_shown_can_be_chosen(tmp_path, summary):
    results, page = run(tmp_path, summary=summary)
    assert {r["summary"] for r in results.data["table_one"] if r["type"] == "continuous"} == {summary}
    assert ("±" in page) == (summary == "mean") and "Shapiro" not in page
    (table,) = [t for t in make_journal_tables(results.data) if t.name == "table1"]
    cells = [cell for row in table.rows for cell in row]
    assert any("±" in cell for cell in cells) == (summary == "mean")
    assert any(" to " in cell for cell in cells)
