"""Blank covariates of a study: what is imputed, no leak from held-out patients, what is told and refused."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import special

from prldh.core.errors import DataError, StudyError
from prldh.core.records import Cohort, Covariate
from prldh.core.seeds import seed_for
from prldh.data import imputation
from prldh.data.cohort import read_cohort
from prldh.data.imputation import impute_everyone, impute_resample, never_observed
from prldh.engines.python import PythonEngine
from prldh.stats.chained_equations import CONTINUOUS, fit_chains
from prldh.stats.resampled import auc_of_rows
from prldh.study.statistics import Imputation
from prldh.study.study_file import read_study

engine = PythonEngine()
SEED = np.random.SeedSequence(20240101)


@pytest.fixture(autouse=True)
def no_warnings():
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        yield


# -- the stage -------------------------------------------------------------------------------------------------

COVARIATES = (
    Covariate("age", "continuous"),
    Covariate("sex", "categorical", ("f", "m")),
    Covariate("grade", "ordinal", ("III", "IV", "V")),
)


def cohort_with_blanks(n: int = 90, seed: int = 0, share: float = 0.2, slope: float = 1.0) -> tuple[Cohort, dict]:
    rng = np.random.default_rng(seed)
    age = rng.normal(60, 9, n)
    y = (rng.random(n) < special.expit(slope * (age - 60) / 9)).astype(np.int8)
    sex, grade = rng.integers(0, 2, n), rng.integers(0, 3, n)
    blank = rng.random((3, n)) < share
    table = pd.DataFrame(
        {
            "age": np.where(blank[0], np.nan, age),
            "sex": pd.Categorical.from_codes(np.where(blank[1], -1, sex), categories=["f", "m"]),
            "grade": pd.Categorical.from_codes(np.where(blank[2], -1, grade), categories=["III", "IV", "V"]),
        }
    )
    ids = tuple(f"p{i:03d}" for i in range(n))
    cohort = Cohort(ids, y, table, pd.DataFrame(index=range(n)), COVARIATES, (), "relapse", "yes", "no")
    return cohort, {"disc": rng.normal(size=n) + y}


def test_everyone():
    cohort, scores = cohort_with_blanks()
    found = impute_everyone(cohort, scores, Imputation(imputations=6, iterations=3), SEED)
    assert len(found) == 6
    for completed in found:
        assert completed.is_complete and completed.ids == cohort.ids and completed.outcome is cohort.outcome
        assert list(completed.table) == list(cohort.table) and (completed.table.dtypes == cohort.table.dtypes).all()
        for name, column in cohort.table.items():
            known = column.notna()
            assert (completed.table[name][known] == column[known]).all()
        for name, column in completed.coded.items():
            assert column.dtype == cohort.coded[name].dtype
    assert len({tuple(c.table["age"]) for c in found}) == 6
    again = impute_everyone(cohort, scores, Imputation(imputations=6, iterations=3), SEED)
    assert all(a.table.equals(b.table) for a, b in zip(found, again, strict=True))
    complete = found[0]
    assert impute_everyone(complete, scores, Imputation(), SEED) == [complete]


@pytest.fixture
def fitted(monkeypatch):
    """Every imputation model that the stage fits, as it is right after."""
    seen = []

    def spy(*arguments):
        chains = fit_chains(*arguments)
        models = [
            {t: [np.copy(getattr(m, f.name)) for f in fields(m)] for t, m in of_chain.items()}
            for of_chain in chains.models
        ]
        seen.append([chains.completed.copy(), models])
        return chains

    monkeypatch.setattr(imputation, "fit_chains", spy)
    return seen


SMALL = Imputation(imputations_in_resamples=3, iterations_in_resamples=3)


def resample(cohort, scores, train, coded=None, outcome=None):
    """What ``impute_resample`` makes of the cohort with other covariates and outcomes."""
    changed = replace(
        imputation.with_covariates(cohort, coded or cohort.coded),
        outcome=cohort.outcome if outcome is None else outcome,
    )
    return impute_resample(changed, scores, train, SMALL, seed_for(1, "imputation", "folds", 0))


def same_tables(a: list, b: list, rows=slice(None)) -> bool:
    return all((x[name][rows] == y[name][rows]).all() for x, y in zip(a, b, strict=True) for name in x)


def test_held_out_rows_influence_nothing_that_is_fitted(fitted):
    cohort, scores = cohort_with_blanks()
    rng = np.random.default_rng(1)
    train = np.sort(rng.integers(0, 90, 90))
    held_out = np.setdiff1d(np.arange(90), train)
    before = resample(cohort, scores, train)
    coded = {name: column.copy() for name, column in cohort.coded.items()}
    coded["age"][held_out] = rng.permutation(np.where(np.arange(held_out.size) % 2, np.nan, 1e6))
    coded["sex"][held_out] = rng.integers(-1, 2, held_out.size)
    coded["grade"][held_out] = 2
    outcome, other = cohort.outcome.copy(), {"disc": scores["disc"].copy()}
    outcome[held_out] = 1 - outcome[held_out]
    other["disc"][held_out] *= -50
    after = resample(cohort, other, train, coded, outcome)
    assert same_tables(before[0], after[0])
    assert same_tables(before[1], after[1], np.unique(train))
    assert len(fitted) == 4
    for (completed, models), (again, others) in ((fitted[0], fitted[2]), (fitted[1], fitted[3])):
        np.testing.assert_array_equal(completed, again)
        for chain, same in zip(models, others, strict=True):
            assert chain.keys() == same.keys()
            for t in chain:
                for a, b in zip(chain[t], same[t], strict=True):
                    np.testing.assert_array_equal(a, b)


def test_held_out_imputations_do_not_know_outcomes_nor_each_other():
    cohort, scores = cohort_with_blanks()
    train, held_out = np.arange(60), np.arange(60, 90)
    before = resample(cohort, scores, train)[1]
    outcome = cohort.outcome.copy()
    outcome[held_out] = 1 - outcome[held_out]
    assert same_tables(before, resample(cohort, scores, train, outcome=outcome)[1])
    outcome[train] = 1 - outcome[train]  # nor those of training rows
    fitting, testing = resample(cohort, scores, train, outcome=outcome)
    assert same_tables(before, testing) and not same_tables(resample(cohort, scores, train)[0], fitting)
    coded = {name: column.copy() for name, column in cohort.coded.items()}
    for name in coded:
        coded[name][held_out[1:]] = coded[name][held_out[1:]][::-1]
    assert same_tables(before, resample(cohort, scores, train, coded)[1], np.r_[train, held_out[:1]])


def test_tables_of_a_resample():
    cohort, scores = cohort_with_blanks()
    train = np.array([5, 5, 5, *range(20, 80)])
    fitting, testing = resample(cohort, scores, train)
    assert len(fitting) == len(testing) == 3 and never_observed(cohort, train) == ()
    for rows, tables in ((train, fitting), (np.arange(90), testing)):
        for table in tables:
            for name, column in cohort.coded.items():
                known = ~np.isnan(column[rows]) & (column[rows] != -1)
                assert table[name].dtype == column.dtype and len(table[name]) == len(rows)
                np.testing.assert_array_equal(table[name][known], column[rows][known])
                assert np.isfinite(table[name]).all() and (name == "age" or (table[name] >= 0).all())


def test_a_covariate_that_no_training_row_has():
    cohort, scores = cohort_with_blanks()
    coded = {name: column.copy() for name, column in cohort.coded.items()}
    coded["grade"][:60], coded["age"][:60] = -1, np.nan
    fitting, testing = resample(cohort, scores, np.arange(60), coded)
    assert never_observed(imputation.with_covariates(cohort, coded), np.arange(60)) == ("age", "grade")
    assert all((table["grade"] == 0).all() and (table["age"] == 0).all() for table in fitting)
    rest = coded["grade"][60:] >= 0
    assert all((table["grade"][60:][rest] == coded["grade"][60:][rest]).all() for table in testing)


def test_the_leak_that_is_avoided():
    """What nobody knows of a new patient cannot help to predict it: imputed with the outcome, held-out patients look
    predictable."""
    cohort, _ = cohort_with_blanks(1200, 5, share=0.6, slope=2.0)
    train, held_out = np.arange(600), np.arange(600, 1200)
    y, age = cohort.outcome, cohort.coded["age"]
    fitting, testing = resample(cohort, {}, train)
    values = np.column_stack([age, *(np.where(cohort.coded[n] < 0, np.nan, cohort.coded[n]) for n in ("sex", "grade"))])
    cheat = fit_chains(values, (CONTINUOUS, 2, 3), y[:, None], 3, 3, SEED).completed

    def held_out_auc(tables):
        eta = np.zeros(1200)
        for filled, everyone in zip(fitting, tables, strict=True):
            fit = engine.fit_logistic(np.column_stack([np.ones(600), filled["age"]]), y[train])["coefficients"]
            eta += fit[0] + fit[1] * everyone
        return auc_of_rows(y[held_out], eta[None, held_out])[0]

    honest, leaking = held_out_auc([t["age"] for t in testing]), held_out_auc(list(cheat[:, :, 0]))
    # age where known, its mean elsewhere
    best = auc_of_rows(y[held_out], np.where(np.isnan(age), 60.0, age)[None, held_out])[0]
    assert honest < best + 0.01 and honest > best - 0.08
    assert leaking > best + 0.08


# -- reading ---------------------------------------------------------------------------------------------------


def read(folder: Path, table: str, **more):
    (folder / "clinical.csv").write_text(table)
    covariates = {"age": "continuous", "sex": "categorical"}
    study = {
        "clinical": {"table": "clinical.csv", "id": "id", "outcome": "y", "event": 1, "covariates": covariates},
        "tissues": {"disc": {"radscore": "disc"}},
        "missing": "multiple_imputation",
        **more,
    }
    return read_cohort(read_study(study)[0], folder)


TABLE = "id,y,age,sex,disc\na,0,50,f,1.5\nb,1,,m,2.5\nc,0,70,,0.5\nd,1,61,m,\ne,1,,f,1.0\n"


def test_blank_covariates_stay_and_blank_scores_go(tmp_path):
    cohort, warnings = read(tmp_path, TABLE)
    assert cohort.ids == ("a", "b", "c", "e") and cohort.excluded == (("d", "blank: disc"),)
    assert (
        np.isnan(cohort.table["age"]).sum() == 2
        and cohort.coded["sex"].tolist() == [0, 1, -1, 0]
        and not cohort.is_complete
    )
    assert [w.stage for w in warnings] == ["cohort", "cohort"]
    assert "1 of 5 patients was left out for blank Radscores, which are not imputed: d (disc)" in warnings[0].message
    assert "3 blank cells of age (2), sex (1) in 3 of 4 patients are imputed" in warnings[1].message
    assert "missing at random" in warnings[1].message
    complete, warnings = read(tmp_path, TABLE + "f,1,66,m,2.0\n", missing="complete_case")
    assert (
        complete.ids == ("a", "f") and complete.is_complete and "left out for blank covariates" in warnings[0].message
    )


def test_nothing_to_tell_where_nothing_is_blank(tmp_path):
    cohort, warnings = read(tmp_path, "id,y,age,sex,disc\na,0,50,f,1.5\nb,1,60,m,2.5\n")
    assert cohort.is_complete and warnings == []


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (
            TABLE.replace("50", "").replace("70", "").replace("61", ""),
            "'age' is blank for 4 of 4 patients that are analysed, so there is nothing",
        ),
        (
            TABLE.replace("70", "50"),
            "'age' is blank for 2 of 4 patients that are analysed and has '50.0' in all others",
        ),
        (TABLE.replace(",m,", ",f,"), "'sex' is blank for 1 of 4 patients that are analysed and has 'f' in all others"),
    ],
)
def test_what_cannot_be_imputed(tmp_path, table, told):
    with pytest.raises(DataError) as error:
        read(tmp_path, table)
    assert (
        told in str(error.value) and "clinical.csv" in str(error.value) and "remove the covariate" in str(error.value)
    )


def test_settings():
    study = {"clinical": {"table": "c.csv", "id": "id", "outcome": "y", "event": 1}}
    found = read_study(study)[0]
    assert found.missing == "complete_case"
    assert found.imputation.model_dump() == {
        "imputations": 20,
        "iterations": 10,
        "donors": 5,
        "imputations_in_resamples": 5,
        "iterations_in_resamples": 5,
    }
    for bad in ({"imputations": 0}, {"donors": -1}, {"iteration": 3}):
        with pytest.raises(StudyError, match="imputation"):
            read_study({**study, "imputation": bad})


def test_replacing_covariates_keeps_the_rest():
    cohort, _ = cohort_with_blanks()
    same = imputation.with_covariates(cohort, cohort.coded)
    assert same.table.equals(cohort.table)
    assert all(getattr(same, f.name) is getattr(cohort, f.name) for f in fields(cohort) if f.name != "table")
