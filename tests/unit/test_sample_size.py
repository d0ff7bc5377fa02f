"""Riley's criteria: the worked example, what must hold for any study, and the study file's key."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import unmarked
from schemas import check_schema

from prldh.core.errors import DataError, StudyError
from prldh.pipeline import analyze
from prldh.stats.sample_sizes import largest_cox_snell, sample_size
from prldh.study.study_file import read_study

pytestmark = pytest.mark.usefixtures("undrawn")


def test_the_worked_example_of_riley():
    """Riley et al. 2020: Cox-Snell R² 0.288, 24 parameters, prevalence 0.174."""
    found = sample_size(0.174, 24, 0.288)
    assert [found[k] for k in ("n_shrinkage", "n_optimism", "n_risk", "n", "events")] == [623, 662, 221, 662, 116]
    assert np.isnan(found["max_parameters"])
    assert sample_size(0.174, 24, 0.288, 662)["max_parameters"] == 24
    assert sample_size(0.174, 24, 0.288, 661)["max_parameters"] == 23
    assert sample_size(0.174, 1, 0.288, 220)["max_parameters"] == 0  # the overall risk alone needs 221


def test_the_closed_formulas():
    prevalence, parameters, r2 = 0.3, 10, 0.1
    largest = 1 - (prevalence**prevalence * 0.7**0.7) ** 2
    assert largest_cox_snell(prevalence) == pytest.approx(largest, rel=1e-14)
    found = sample_size(prevalence, parameters, r2)
    assert found["n_shrinkage"] == np.ceil(parameters / ((0.9 - 1) * np.log(1 - r2 / 0.9)))
    s = r2 / (r2 + 0.05 * largest)
    assert found["n_optimism"] == np.ceil(parameters / ((s - 1) * np.log(1 - r2 / s)))
    assert found["n_risk"] == np.ceil((1.96 / 0.05) ** 2 * 0.3 * 0.7)
    assert largest_cox_snell(0.5) == pytest.approx(0.75)


@settings(max_examples=100, deadline=None)
@given(st.floats(0.02, 0.98), st.integers(0, 60), st.floats(0.02, 0.95), st.integers(20, 5000))
def test_the_largest_number_of_parameters_is_the_largest(prevalence, parameters, share, n):
    r2 = share * largest_cox_snell(prevalence)
    found = sample_size(prevalence, parameters, r2, n)
    most = found["max_parameters"]
    if n < found["n_risk"]:
        assert most == 0
    else:
        assert sample_size(prevalence, most, r2)["n"] <= n < sample_size(prevalence, most + 1, r2)["n"]
    assert sample_size(prevalence, parameters + 1, r2)["n"] >= found["n"]


@pytest.mark.parametrize(
    "arguments", [(0.0, 1, 0.1), (1.0, 1, 0.1), (0.5, 1, 0.75), (0.5, 1, 0.0), (0.5, -1, 0.1), (float("nan"), 1, 0.1)]
)
def test_what_cannot_be_anticipated_is_refused(arguments):
    with pytest.raises(DataError):
        sample_size(*arguments)


CLINICAL = {"table": "clinical.csv", "id": "id", "outcome": "y", "event": 1}


def test_the_key_of_the_study_file():
    assert read_study({"clinical": CLINICAL})[0].sample_size.r2_nagelkerke == 0.15
    given_one = read_study({"clinical": CLINICAL, "sample_size": {"r2_cox_snell": 0.2}})[0].sample_size
    assert (given_one.r2_nagelkerke, given_one.r2_cox_snell) == (None, 0.2)
    with pytest.raises(StudyError, match="give one of"):
        read_study({"clinical": CLINICAL, "sample_size": {"r2_cox_snell": 0.2, "r2_nagelkerke": 0.2}})
    with pytest.raises(StudyError, match="r2_nagelkerke"):
        read_study({"clinical": CLINICAL, "sample_size": {"r2_nagelkerke": 1.5}})


@pytest.fixture
def study(tmp_path, monkeypatch):
    rng = np.random.default_rng(3)
    n = 60
    ids = [f"p{i}" for i in range(n)]
    y = np.arange(n) % 3 == 0
    grade = np.array(["a", "b", "c"])[rng.integers(0, 3, n)]
    pd.DataFrame({"id": ids, "y": y.astype(int), "age": rng.normal(50, 9, n), "grade": grade}).to_csv(
        tmp_path / "clinical.csv", index=False
    )
    values = rng.normal(size=(n, 7)) + y[:, None] * np.array([1.5, 0, 0, 0, 0, 0, 0])
    pd.DataFrame(values, columns=[f"f{j}" for j in range(7)]).assign(id=ids).to_csv(tmp_path / "disc.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return {
        "engine": "python",
        "report": {"figures": []},
        "clinical": {**CLINICAL, "covariates": {"age": "continuous", "grade": "categorical"}},
        "tissues": {"disc": {"features": "disc.csv"}},
        "selection": [{"correlation": {"between": 0.9, "outcome": 0.3}}],
        "models": [{"name": "Disc", "terms": ["disc"]}, {"name": "Age", "terms": ["age"]}],
        "if_empty": "best",
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 0, "scope": ["model", "pipeline"]},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
    }


def test_results_and_report(study, tmp_path):
    results = analyze(study, tmp_path / "out", jobs=1)
    check_schema(results.data)
    found = results.data["sample_size"]
    assert found["settings"]["prevalence"] == pytest.approx(1 / 3)
    assert found["settings"]["r2_cox_snell"] == pytest.approx(0.15 * largest_cox_snell(1 / 3))
    rows = {(m["name"], m["adjusted"]): m for m in found["models"]}
    parameters = {key: (m["n_parameters"], m["n_candidates_screened"]) for key, m in rows.items()}
    assert parameters == {
        ("Disc", False): (1, 7),
        ("Disc", True): (4, 7),
        ("Age", False): (1, 0),
        ("Age", True): (3, 0),
    }
    one = rows["Disc", False]
    assert (one["n"], one["events"], one["events_per_parameter"], one["is_enough"]) == (60, 20, 20.0, False)
    assert one["n_needed"] == max(c["n"] for c in one["criteria"]) == 342
    told = [w["message"] for w in results.data["warnings"] if w["stage"] == "sample size"]
    assert len(told) == 1
    page = unmarked((tmp_path / "out" / "report.html").read_text())
    assert (
        page.index('id="answer"')
        < page.index('id="patients"')
        < page.index('id="sample-size"')
        < page.index('id="table-one"')
    )
    assert len(results.tables["sample_size"]) == 4


def test_an_impossible_r2_is_told_before_anything_is_computed(study, tmp_path):
    with pytest.raises(StudyError, match="no model can reach"):
        analyze({**study, "sample_size": {"r2_cox_snell": 0.74}}, tmp_path / "out", jobs=1)
