"""What is one thing in two writings is not two: patients of a column, the outcome among features, a model's name."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import prldh
from prldh.apply.apply import _known, _shared
from prldh.core.errors import DataError, StudyError
from prldh.data import read_cohort, same_id, told_alike
from prldh.study import read_study

pytestmark = pytest.mark.usefixtures("undrawn")


def _study(folder, person, outcome_like="f9", models=None):
    n, rng = 40, np.random.default_rng(1)
    y = np.arange(n) % 2
    ids = [f"P{k:02d}" for k in range(n)]
    pd.DataFrame({"id": ids, "person": person, "relapse": y, "age": rng.normal(60, 9, n).round(1)}).to_csv(
        folder / "clinical.csv", index=False
    )
    features = pd.DataFrame(rng.normal(size=(n, 3)), columns=["f1", "f2", outcome_like]).assign(id=ids)
    features.to_csv(folder / "features.csv", index=False)
    return {
        "title": "Alike",
        "engine": "python",
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "patient": "person",
            "outcome": "relapse",
            "event": 1,
            "covariates": {"age": "continuous"},
        },
        "tissues": {"disc": {"features": str(folder / "features.csv")}},
        **({"models": models} if models else {}),
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 0},
    }


def _persons(*last_two):
    return [*(f"Person {k:02d}" for k in range(38)), *last_two]


@pytest.mark.parametrize(
    ("person", "told"),
    [
        (_persons("Ana", "ANA"), "look alike"),
        (_persons("Zoé", "Zoe\u0301"), "look alike"),
        (_persons("Ana 1", "Ana\u00a01"), "look alike"),
        (_persons("Ana\u200b", "Ana"), "look alike"),
        ([*range(38), "7.5", "7.50"], "one number written in two ways"),
    ],
)
def test_a_patient_in_two_writings_is_refused(tmp_path, person, told):
    with pytest.raises(DataError, match=f"clinical.csv: a patient of 'person' is written in two ways:.*{told}"):
        prldh.analyze(_study(tmp_path, person), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["relapse", "Relapse", "RELAPSE", "relapse\u200b"])
def test_the_outcome_among_the_features_is_refused_however_it_is_written(tmp_path, name):
    with pytest.raises(DataError, match="holds the outcome '.*' among its features. Remove that column, or rename"):
        prldh.analyze(_study(tmp_path, _persons("a", "b"), name), tmp_path / "out")


def test_a_model_is_not_named_like_the_one_that_others_are_held_against(tmp_path):
    models = [{"name": "covariates alone", "terms": ["disc"]}]
    with pytest.raises(StudyError, match="'covariates alone' is what prldh calls the model that the others are held"):
        prldh.analyze(_study(tmp_path, _persons("a", "b"), models=models), tmp_path / "out")


def test_new_patients_are_the_study_s_and_each_other_s_in_any_writing():
    scores = [{"id": i} for i in ("P01", "P02", "7")]
    frozen = SimpleNamespace(results={"tissues": {"disc": {"scores": scores}}}, made_by=set(), recalibrated_by={"Q9"})
    (told,) = _known(frozen, SimpleNamespace(ids=["p01", "P02\u200b", "7.0", "q9", "new"]))
    assert "4 of 5 new patients" in str(told)
    cohorts = [SimpleNamespace(ids=ids, entry={"name": n}) for n, ids in (("A", ["P1", "P2"]), ("B", ["p1", "P3"]))]
    (told,) = _shared(cohorts)
    assert "P1 (A, B)" in str(told)


def test_ids_of_another_writing_are_the_same():
    assert len({same_id(i) for i in ("P01", "p01", "P01\u200b")}) == len({same_id(i) for i in ("7", "7.0", "07")}) == 1


@pytest.mark.parametrize(
    ("own", "other", "is_refused"),
    [
        ("Zo\u00e9", "Zoe\u0301", True),
        ("P1", "P1\u200b", True),
        ("P1", "\u04201", True),
        ("P 1", "P\u00a01", True),
        ("P 1", "P  1", True),
        ("P-1", "P\u20131", True),
        ("P1", "p1", False),
        ("1", "01", False),
        ("1", "1.0", False),
        ("7", "\uff17", False),
        ("P1", "P2", None),
        ("1", "11", None),
        ("\u0416\u0430\u043d", "\u0416\u0430\u043d\u0430", None),
    ],
)
def test_two_ids_of_one_table_that_may_be_one_patient_are_told_or_refused(tmp_path, own, other, is_refused):
    _study(tmp_path, _persons("a", "b"))
    table = pd.read_csv(tmp_path / "clinical.csv", dtype=str)
    table.loc[[3, 7], "id"] = [own, other]
    table.to_csv(tmp_path / "clinical.csv", index=False)
    clinical = {"table": "clinical.csv", "id": "id", "outcome": "relapse", "event": "1"}
    study, _ = read_study({"clinical": clinical})
    if is_refused:
        with pytest.raises(DataError, match=r"ids '.*' in row 5 and '.*' in row 9 look the same") as told:
            read_cohort(study, tmp_path)
        assert str(told.value).isascii() or own == "Zo\u00e9"
        return
    _, warnings = read_cohort(study, tmp_path)
    assert [w.code for w in warnings] == ([] if is_refused is None else ["PRL-148"])
    assert all(f"'{name}'" in w.message for name in (own, other) for w in warnings)


def test_letters_of_another_alphabet_are_told_across_tables(tmp_path):
    assert "letters of another alphabet" in told_alike(["\u0420" + "7"], ["P7"])
    assert "'\\u04207' and 'P7'" in told_alike(["\u0420" + "7"], ["P7"])
    assert same_id("\u0420" + "7") == same_id("p7")


@pytest.mark.parametrize(("wide", "own"), [("\uff10\uff17", "7"), ("\uff30\uff17", "p7"), ("\uff30-\uff17", "P-7")])
def test_wide_letters_and_digits_are_other_writings(wide, own):
    """As East Asian keyboards write them: they passed for other patients without a word."""
    assert same_id(wide) == same_id(own)
    assert "in width" in told_alike([wide], [own]) and "in width" in told_alike([own], [wide])
