"""Stability of selection: hand-made selections, the closed formula written out, and what a study's results hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pages import unmarked
from schemas import check_schema

from prldh.core.errors import DataError
from prldh.pipeline import analyze
from prldh.report.view import make_view
from prldh.stats.proportions import proportion
from prldh.stats.stability import selection_stability

pytestmark = pytest.mark.usefixtures("undrawn")


def test_identical_sets_are_perfectly_stable():
    found = selection_stability(np.tile([1, 0, 1, 0, 0], (7, 1)))
    assert found == {
        "estimate": pytest.approx(1),
        "variance": pytest.approx(0),
        "low": pytest.approx(1),
        "high": pytest.approx(1),
    }


def test_random_sets_of_a_fixed_size_are_not_stable():
    rng = np.random.default_rng(1)
    z = np.zeros((400, 30))
    for row in z:
        row[rng.choice(30, 6, replace=False)] = 1
    found = selection_stability(z)
    assert abs(found["estimate"]) < 0.01
    assert found["low"] < 0 < found["high"]


def test_disjoint_halves_by_hand():
    # Two resamples select one feature each, of two: s_f² = 2 * 1/4 = 1/2, k/d (1 - k/d) = 1/4, so 1 - 2 = -1
    assert selection_stability(np.eye(2))["estimate"] == pytest.approx(-1)
    # {1, 2}, {1, 3}, {1, 2} of four: p = 1, 2/3, 1/3, 0; mean s² = (3/2)(2/9 + 2/9)/4 = 1/6; k/d = 1/2
    assert selection_stability(np.array([[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0]]))["estimate"] == pytest.approx(1 / 3)


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(2, 12), st.integers(2, 9)).flatmap(
        lambda shape: arrays(np.int8, shape, elements=st.integers(0, 1))
    )
)
def test_the_closed_formula(z):
    """Definition 4 and theorem 7 of Nogueira, Sechidis and Brown 2018, sum by sum."""
    m, d = z.shape
    found = selection_stability(z)
    if z.sum() in (0, m * d):
        assert all(np.isnan(v) for v in found.values())
        return
    p = [sum(int(z[i, f]) for i in range(m)) / m for f in range(d)]
    k = [int(z[i].sum()) for i in range(m)]
    k_mean = sum(k) / m
    chance = k_mean / d * (1 - k_mean / d)
    phi = 1 - sum(m / (m - 1) * x * (1 - x) for x in p) / d / chance
    each = [
        (
            sum(z[i, f] * p[f] for f in range(d)) / d
            - k[i] * k_mean / d**2
            + phi / 2 * (2 * k_mean * k[i] / d**2 - k[i] / d - k_mean / d + 1)
        )
        / chance
        for i in range(m)
    ]
    variance = 4 / m**2 * sum((x - sum(each) / m) ** 2 for x in each)
    assert found["estimate"] == pytest.approx(phi, rel=1e-10, abs=1e-12)
    assert found["variance"] == pytest.approx(variance, rel=1e-9, abs=1e-14)
    half = 1.959963984540054 * variance**0.5
    assert found["low"] == pytest.approx(phi - half, rel=1e-7, abs=1e-7)
    assert found["high"] == pytest.approx(min(phi + half, 1), rel=1e-7, abs=1e-7)
    assert found["estimate"] <= 1 + 1e-12


def test_the_variance_is_that_of_many_repetitions():
    """Sets from one law again and again: the mean estimated variance is the variance of the estimates."""
    rng = np.random.default_rng(5)
    law = np.linspace(0.05, 0.9, 20)
    found = [selection_stability(rng.random((100, 20)) < law) for _ in range(600)]
    estimates = np.array([f["estimate"] for f in found])
    assert np.mean([f["variance"] for f in found]) == pytest.approx(estimates.var(), rel=0.15)
    truth = 1 - np.mean(law * (1 - law)) / (law.mean() * (1 - law.mean()))
    assert 0.92 < np.mean([f["low"] <= truth <= f["high"] for f in found]) < 0.98


def test_what_has_no_stability():
    assert np.isnan(selection_stability(np.array([[1, 0]]))["estimate"])
    assert np.isnan(selection_stability(np.zeros((3, 0)))["estimate"])
    with pytest.raises(DataError):
        selection_stability(np.array([[0.5, 1]]))


def test_results_and_report(tmp_path):
    rng = np.random.default_rng(8)
    n = 60
    ids, y = [f"p{i}" for i in range(n)], (np.arange(n) % 3 == 0)
    pd.DataFrame({"id": ids, "y": y.astype(int)}).to_csv(tmp_path / "clinical.csv", index=False)
    values = rng.normal(size=(n, 8)) + y[:, None] * np.array([1.5, 0.8, 0.6, 0, 0, 0, 0, 0])
    pd.DataFrame(values, columns=[f"f{j}" for j in range(8)]).assign(id=ids).to_csv(tmp_path / "disc.csv", index=False)
    study = {
        "engine": "python",
        "report": {"figures": []},
        "clinical": {"table": str(tmp_path / "clinical.csv"), "id": "id", "outcome": "y", "event": 1},
        "tissues": {"disc": {"features": str(tmp_path / "disc.csv")}},
        "selection": [{"correlation": {"between": 0.9, "outcome": 0.3}}],
        "if_empty": "best",
        "validation": {"leave_one_out": False, "folds": 4, "bootstrap": 20},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
    }
    results = analyze(study, tmp_path / "out", jobs=1)
    check_schema(results.data)
    selection = results.data["tissues"]["disc"]["selection"]
    for scheme, m in (("folds", 4), ("bootstrap", 20)):
        found = selection["stability"][scheme]
        assert set(found["intervals"]) == set(found["frequency"]) | set(selection["features"])
        for feature, share in found["frequency"].items():
            expected = proportion(round(share * m), m)
            assert found["intervals"][feature] == [expected["low"], expected["high"]]
        assert found["index"]["n_features"] == 8
        assert found["index"]["low"] <= found["index"]["estimate"] <= found["index"]["high"]
        assert sorted(found["ranked"]) == sorted(selection["features"])
        shares = [found["frequency"].get(f, 0) for f in found["ranked"]]
        assert shares == sorted(shares, reverse=True)
    assert make_view(results.data, results.words, {})["stability"]["disc"]["lead"] == "bootstrap"
    assert "Stability index" in unmarked((tmp_path / "out" / "report.html").read_text())
    assert len(results.tables["stability_index"]) == 2 and {"low", "high"} <= set(results.tables["stability"].columns)
