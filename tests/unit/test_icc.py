"""Intraclass correlation: published ratings by both engines, the definition, many features, and the filter of a
study."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from prldh.chain.selection.icc import IccSelector, IccSettings
from prldh.core.errors import DataError, StudyError
from prldh.core.records import TrainingRows
from prldh.engines.python import PythonEngine
from prldh.plugins.registry import Registry
from prldh.run.protocols import resolve_protocols
from prldh.stats.icc import FORMS, icc_form
from prldh.study.study import Study

#: Shrout and Fleiss (1979), table 2: six targets by four judges, and the six correlations of their table 4.
RATINGS = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float)
PUBLISHED = {"ICC1": 0.17, "ICC2": 0.29, "ICC3": 0.71, "ICC1k": 0.44, "ICC2k": 0.62, "ICC3k": 0.91}
PSYCH = json.loads((Path(__file__).parents[1] / "golden" / "data" / "golden_more.json").read_text())[
    "icc_shrout_fleiss_1979"
]


@pytest.fixture(params=["python", pytest.param("r", marks=pytest.mark.r)])
def engine(request):
    if request.param == "python":
        return PythonEngine()
    from prldh.engines.r import REngine

    return REngine()


# -- the numbers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_four_judges_of_shrout_and_fleiss(engine, form):
    found = engine.icc_of_ratings(RATINGS, form)
    assert found["estimate"].round(2).tolist() == [PUBLISHED[form]]
    expected = next(row for row in PSYCH["results"] if row["type"] == form)
    np.testing.assert_array_equal(PSYCH["ratings"], RATINGS)
    np.testing.assert_allclose(found["estimate"], expected["ICC"], rtol=1e-10)
    np.testing.assert_allclose(
        [found["low"][0], found["high"][0]], [expected["lower bound"], expected["upper bound"]], rtol=1e-8
    )


def test_from_the_mean_squares_of_three_readers(engine):
    rng = np.random.default_rng(2)
    n, k = 11, 3
    x = rng.normal(size=(n, 1)) + 0.5 * rng.normal(size=(n, k)) + [0.0, 0.3, -0.4]
    between = k * x.mean(axis=1).var(ddof=1)
    readers = n * x.mean(axis=0).var(ddof=1)
    within = x.var(axis=1, ddof=1).mean()
    error = (within * n * (k - 1) - readers * (k - 1)) / ((n - 1) * (k - 1))
    expected = {
        "ICC1": (between - within) / (between + (k - 1) * within),
        "ICC1k": (between - within) / between,
        "ICC2": (between - error) / (between + (k - 1) * error + k * (readers - error) / n),
        "ICC2k": (between - error) / (between + (readers - error) / n),
        "ICC3": (between - error) / (between + (k - 1) * error),
        "ICC3k": (between - error) / between,
    }
    for form, value in expected.items():
        assert engine.icc_of_ratings(x, form)["estimate"][0] == pytest.approx(value, rel=1e-12), form


def test_two_readers_are_ratings_of_two(engine):
    rng = np.random.default_rng(3)
    first = rng.normal(size=(20, 4))
    second = first + 0.4 * rng.normal(size=(20, 4))
    for form in FORMS:
        pair, ratings = (
            engine.icc(first, second, form, 0.9),
            engine.icc_of_ratings(np.stack([first, second], axis=1), form, 0.9),
        )
        for key in ("estimate", "low", "high"):
            np.testing.assert_allclose(pair[key], ratings[key], rtol=1e-13, err_msg=f"{form} {key}")
        assert ((pair["low"] < pair["estimate"]) & (pair["estimate"] < pair["high"])).all()


def test_what_is_not_defined_is_nan(engine):
    found = engine.icc_of_ratings(np.stack([np.full((5, 3), 2.0), np.tile([1.0, 2.0, 3.0], (5, 1))], axis=2))
    assert all(np.isnan(found[key]).all() and found[key].shape == (2,) for key in found)
    assert np.isnan(engine.icc_of_ratings(RATINGS[:, :1])["estimate"]).tolist() == [True]
    assert np.isnan(engine.icc_of_ratings(RATINGS[:1])["low"]).tolist() == [True]
    alike = engine.icc_of_ratings(np.tile(RATINGS[:, :1], (1, 4)), "ICC2")
    assert [alike[key][0] for key in ("estimate", "low", "high")] == [1.0, 1.0, 1.0]


@pytest.mark.r
@pytest.mark.parametrize("form", FORMS)
def test_the_engines_agree(form):
    from prldh.engines.r import REngine

    rng = np.random.default_rng(5)
    ratings = (
        rng.normal(size=(30, 1, 40)) * rng.random(40) * 3
        + rng.normal(size=(30, 3, 40))
        + 0.2 * rng.normal(size=(1, 3, 40))
    )
    one, other = PythonEngine().icc_of_ratings(ratings, form), REngine().icc_of_ratings(ratings, form)
    for key in ("estimate", "low", "high"):
        np.testing.assert_allclose(one[key], other[key], rtol=1e-8, atol=1e-10, err_msg=key)


@pytest.mark.parametrize("form", FORMS)
def test_features_together_are_as_one_by_one(form):
    rng = np.random.default_rng(6)
    first = rng.normal(size=(170, 40))
    second = first + 0.3 * rng.normal(size=first.shape)
    engine = PythonEngine()
    together = engine.icc(first, second, form)["low"]
    for j in range(40):
        assert engine.icc(first[:, [j]], second[:, [j]], form)["low"][0] == pytest.approx(together[j], rel=1e-9)


def test_bad_input_is_refused():
    with pytest.raises(DataError, match="dimensions"):
        PythonEngine().icc_of_ratings(np.ones(4))
    with pytest.raises(DataError, match="ICC4"):
        PythonEngine().icc_of_ratings(RATINGS, "ICC4")


# -- names and the filter --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "spellings"),
    {
        "ICC1": ["ICC1", "ICC(1,1)", "icc(1, 1)", "ICC(1)"],
        "ICC2": ["ICC2", "ICC(2,1)", "ICC(A,1)", "icc2"],
        "ICC3": ["ICC(3,1)", "ICC(C,1)"],
        "ICC1k": ["ICC1k", "ICC(1,k)", "ICC(k)", "ICC1K"],
        "ICC2k": ["ICC(2,k)", "ICC(A,k)", "ICC(2, K)"],
        "ICC3k": ["ICC(3,k)", "ICC(C,k)"],
    }.items(),
)
def test_the_field_s_spellings(form, spellings):
    clinical = {"table": "t.csv", "id": "id", "outcome": "y", "event": 1}
    plugins = Registry(load_entry_points=False)
    for spelling in spellings:
        assert icc_form(spelling) == form
        study = Study.model_validate({"clinical": clinical, "selection": [{"icc": {"form": spelling}}]})
        (step,) = resolve_protocols(study, plugins)[0].steps
        assert step.settings.form == form


@pytest.mark.parametrize("spelling", ["ICC4", "ICC(4,1)", "ICC(2,2)", "ICC", "", "kappa", 2.5])
def test_what_is_no_form_is_refused(spelling):
    with pytest.raises(DataError, match="form must be one of"):
        icc_form(spelling)
    clinical = {"table": "t.csv", "id": "id", "outcome": "y", "event": 1}
    study = Study.model_validate({"clinical": clinical, "selection": [{"icc": {"form": spelling}}]})
    with pytest.raises(StudyError, match=r"selection, step 1 \(icc\): form: give one of ICC1"):
        resolve_protocols(study, Registry(load_entry_points=False))


@pytest.mark.parametrize("form", FORMS)
def test_the_filter_judges_the_estimate_or_the_lower_limit(engine, form):
    rng = np.random.default_rng(9)
    first = rng.normal(size=(25, 60))
    second = first + rng.normal(size=first.shape) * np.linspace(0.05, 2.0, 60)
    rows = TrainingRows(
        first, second, np.repeat([0, 1], [15, 10]).astype(np.int8), np.arange(25), tuple(f"f{j}" for j in range(60))
    )
    found = engine.icc(first, second, form)
    kept = {}
    for on, key in (("estimate", "estimate"), ("lower", "low")):
        selection = IccSelector().fit(
            rows, IccSettings(threshold=0.75, form=form, on=on), np.random.SeedSequence(1), engine
        )
        kept[on] = selection.kept.tolist()
        assert kept[on] == np.flatnonzero(found[key] > 0.75).tolist()
        assert len(selection.dropped) == 60 - len(kept[on])
    assert 0 < len(kept["lower"]) < len(kept["estimate"]) < 60
