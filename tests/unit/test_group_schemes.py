"""Schemes by groups, by a fixed split and at random; rows of one patient are never parted."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from prldh.core import DataError, Resample, StudyError, Subjects
from prldh.plugins import draw_resamples, settings_of
from prldh.run.preparation import prepare
from prldh.validation.group_schemes import deal_groups
from prldh.validation.resampling import VALIDATORS

BY_NAME = {validator.name: validator for validator in VALIDATORS}


def seed() -> np.random.SeedSequence:
    return np.random.SeedSequence(3)


def settings_for(name: str, raw: Any) -> Any:
    model = getattr(BY_NAME[name], "Settings", None)
    return raw if model is None else settings_of(model, raw, name)


def make_subjects(n_patients: int = 40, seed: int = 1) -> Subjects:
    """Patients with one to four rows, of four centres; some have both outcomes."""
    rng = np.random.default_rng(seed)
    patient = np.repeat(np.arange(n_patients), rng.integers(1, 5, n_patients))
    first = np.searchsorted(patient, patient)
    centre = np.array(list("ABCD"), dtype=object)[patient % 4]
    return Subjects(rng.integers(0, 2, patient.size), first, {"centre": centre})


SCHEMES: list[tuple[str, Any]] = [
    ("leave_one_out", True),
    ("folds", {"folds": 4, "repeats": 2}),
    ("bootstrap", 20),
    ("leave_one_group_out", {"column": "centre"}),
    ("group_folds", {"column": "centre", "folds": 2, "repeats": 2}),
    ("split", {"column": "centre", "train": ["A", "B"], "test": ["C", "D"]}),
    ("monte_carlo", {"test": 0.3, "repeats": 10}),
]


def test_every_scheme_is_swept():
    assert {name for name, _ in SCHEMES} == set(BY_NAME)


@pytest.mark.parametrize(("name", "raw"), SCHEMES)
def test_rows_of_a_patient_are_never_parted(name, raw):
    subjects = make_subjects()
    resamples = draw_resamples(name, BY_NAME[name], settings_for(name, raw), subjects, seed())
    sizes = np.bincount(subjects.patient)
    for r in resamples:
        train, test = (set(subjects.patient[rows]) for rows in (r.train, r.test))
        assert not train & test
        for rows in (r.train, r.test):  # whole patients, each as often in all of its rows
            counts = np.bincount(subjects.patient[rows], minlength=len(sizes))
            times = counts[sizes > 0] / sizes[sizes > 0]
            assert (times == times.round()).all()


@pytest.mark.parametrize(("name", "raw"), SCHEMES)
def test_one_row_a_patient_is_what_the_validator_gives(name, raw):
    rng = np.random.default_rng(2)
    outcome, centre = rng.integers(0, 2, 60), rng.choice(np.array(list("ABCD"), dtype=object), 60)
    settings = settings_for(name, raw)
    drawn = draw_resamples(name, BY_NAME[name], settings, Subjects(outcome, np.arange(60), {"centre": centre}), seed())
    more = () if name in ("leave_one_out", "folds", "bootstrap", "monte_carlo") else ({"centre": centre},)
    plain = BY_NAME[name].resamples(outcome, settings, np.random.SeedSequence(3), *more)
    assert all(
        np.array_equal(a.train, b.train) and np.array_equal(a.test, b.test) for a, b in zip(drawn, plain, strict=True)
    )


def test_each_group_is_held_out_once_by_its_name():
    subjects = make_subjects()
    found = draw_resamples(
        "l", BY_NAME["leave_one_group_out"], settings_for("leave_one_group_out", {"column": "centre"}), subjects, seed()
    )
    assert [r.group for r in found] == list("ABCD")
    for r in found:
        assert set(subjects.columns["centre"][r.test]) == {r.group}
        assert r.group not in set(subjects.columns["centre"][r.train])


def test_groups_are_dealt_whole_and_evenly():
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(30), rng.integers(2, 12, 30))
    outcome = (rng.random(group.size) < np.where(group < 10, 0.8, 0.1)).astype(int)  # events come in a third of groups
    fold = deal_groups(outcome, group, 5, seed())
    assert all(np.unique(fold[group == g]).size == 1 for g in range(30))
    events, sizes = np.bincount(fold, outcome, 5), np.bincount(fold, minlength=5)
    assert events.min() > 0.7 * events.mean() and sizes.min() > 0.7 * sizes.mean()
    assert not np.array_equal(fold, deal_groups(outcome, group, 5, np.random.SeedSequence(9)))


def test_no_fold_is_empty_with_as_many_groups_as_folds():
    group = np.repeat(np.arange(4), [50, 1, 1, 1])
    outcome = np.arange(53) % 2
    assert sorted(np.unique(deal_groups(outcome, group, 4, seed()))) == [0, 1, 2, 3]


def test_random_splits_are_stratified_and_of_the_wanted_size():
    outcome = np.repeat([0, 1], [80, 20])
    settings = settings_for("monte_carlo", {"test": 0.25, "repeats": 5})
    found = BY_NAME["monte_carlo"].resamples(outcome, settings, seed())
    assert [r.repeat for r in found] == list(range(5))
    assert all(len(r.test) == 25 and outcome[r.test].sum() == 5 and len(r.train) == 75 for r in found)
    assert len({tuple(r.test) for r in found}) == 5


# ---------------------------------------------------------------- a study


def study_of(folder, validation: dict, order=None, **clinical) -> dict:
    rng = np.random.default_rng(5)
    n = 60
    table = pd.DataFrame(
        {
            "id": [f"P{i:02d}" for i in range(n)],
            "y": np.arange(n) % 3 == 0,
            "hospital": np.array(list("ABC"))[rng.integers(0, 3, n)],
            "pure": np.where(np.arange(n) % 3 == 0, "E", np.where(np.arange(n) % 3 == 1, "N", "M")),
            "one": "A",
            "gaps": np.where(np.arange(n) == 7, "", "x"),
            "part": np.where(np.arange(n) < 40, "train", np.where(np.arange(n) < 55, "test", "later")),
            "age": rng.normal(60, 8, n).round(),
            "sex": rng.choice(["f", "m"], n),
            "score": rng.normal(size=n),
        }
    )
    table.iloc[rng.permutation(n) if order is None else order].to_csv(folder / "clinical.csv", index=False)
    columns = {"centre": "hospital", "pure": "pure", "one": "one", "gaps": "gaps", "part": "part"}
    return {
        "engine": "python",
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "y",
            "event": True,
            "columns": columns,
            "covariates": {"age": "continuous", "sex": "categorical"},
            **clinical,
        },
        "tissues": {"s": {"radscore": "score"}},
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0, **validation},
    }


BAD: list[tuple[dict, type[Exception], str]] = [
    ({"leave_one_group_out": {"column": "center"}}, StudyError, "did you mean 'centre'.*clinical: {columns"),
    ({"leave_one_group_out": {"column": "age"}}, StudyError, "'age' is a continuous covariate"),
    ({"leave_one_group_out": {"column": "gaps"}}, DataError, "blank for 1 of 60 patients"),
    ({"leave_one_group_out": {"column": "one"}}, DataError, "all patients have 'A'"),
    ({"leave_one_group_out": {"column": "pure"}}, DataError, "without 'E' no events are left to train on"),
    ({"leave_one_group_out": {}}, StudyError, "column: this key is required"),
    (
        {"leave_one_group_out": {"column": "centre", "colum": "centre"}},
        StudyError,
        "unknown key 'colum'; did you mean 'column'",
    ),
    (
        {"group_folds": {"column": "centre", "folds": 4}},
        DataError,
        "4 folds need as many groups.*has 3. Set folds to 3",
    ),
    ({"group_folds": {"column": "pure", "folds": 2}}, DataError, "without 'E'.*, one fold, no events are left"),
    ({"group_folds": {"column": "centre", "folds": 1}}, StudyError, "folds: must be at least 2"),
    ({"split": {"column": "part", "test": ["tset"]}}, DataError, "'tset' does not occur in 'part'"),
    ({"split": {"column": "part", "test": ["train"]}}, StudyError, "'train' is among both"),
    ({"split": {"column": "pure", "train": ["E", "N"], "test": ["M"]}}, DataError, "test: 20 patients, none of them"),
    ({"split": {"column": "part", "test": []}}, StudyError, "must have at least 1"),
    ({"monte_carlo": {"test": 1.0}}, StudyError, "less than 1"),
    ({"monte_carlo": {"repeats": 0}}, StudyError, "at least 1"),
    ({"leave_one_group": {"column": "centre"}}, StudyError, "did you mean 'leave_one_group_out'"),
    ({"leave_one_grup_out": {"column": "centre"}}, StudyError, "did you mean 'leave_one_group_out'"),
]


@pytest.mark.parametrize(("validation", "error", "message"), BAD)
def test_what_cannot_be_is_one_message(tmp_path, validation, error, message):
    with pytest.raises(error, match=message):
        prepare(study_of(tmp_path, validation))


@pytest.mark.parametrize(
    ("clinical", "message"),
    [
        ({"columns": {"y": "y"}}, "'y' is the outcome"),
        ({"columns": {"age": "hospital"}}, "'age' is a covariate too"),
        ({"columns": {"s": "hospital"}}, "'s' is a tissue too"),
        ({"columns": {"centre": "hopsital"}}, "'hopsital'.*Did you mean 'hospital'"),
        ({"patient": "y"}, "the outcome or a covariate"),
        ({"patient": "gaps"}, "the patient 'gaps' is blank in row"),
        ({"patient": "nobody"}, "'nobody'"),
    ],
)
def test_columns_that_cannot_be_are_one_message(tmp_path, clinical, message):
    with pytest.raises((StudyError, DataError), match=message):
        prepare(study_of(tmp_path, {"folds": 2}, **clinical))


def test_resamples_do_not_depend_on_the_order_of_rows(tmp_path):
    validation = {
        "leave_one_group_out": {"column": "centre"},
        "group_folds": {"column": "centre", "folds": 2},
        "split": {"column": "part"},
        "monte_carlo": {"repeats": 3},
    }
    for name in "ab":
        (tmp_path / name).mkdir()
    first = prepare(study_of(tmp_path / "a", validation))
    second = prepare(study_of(tmp_path / "b", validation, order=np.arange(60)[::-1]))
    for name, (kind, resamples) in first.schemes.items():
        assert kind == second.schemes[name][0]
        for a, b in zip(resamples, second.schemes[name][1], strict=True):
            assert np.array_equal(a.train, b.train) and np.array_equal(a.test, b.test)


def test_a_split_may_leave_patients_out_which_is_told(tmp_path):
    plan = prepare(study_of(tmp_path, {"split": {"column": "part"}}))
    (split,) = plan.schemes["split"][1]
    assert (len(split.train), len(split.test)) == (40, 15)
    assert [w.message for w in plan.warnings if w.code == "PRL-181"] == [
        "split: 5 of 60 patients are in neither part of the split, and neither train nor are held out there."
    ]


def test_groups_that_tell_the_outcome_are_told(tmp_path):
    told = [w.message for w in prepare(study_of(tmp_path, {"folds": 2})).warnings if w.code == "PRL-182"]
    assert len(told) == 1 and told[0].startswith(
        "'pure' and the outcome are confounded (Cramér's V 1.00): 'E' 20 of 20"
    )


# ---------------------------------------------------------------- plugins


class OfThree:
    """A scheme as it was before columns were given."""

    name, version, kind = "of_three", "1", "held_out"

    def resamples(self, outcome, settings, seed):
        rows = np.arange(outcome.size)
        return [Resample(rows[rows % 3 != k], rows[rows % 3 == k], 0, k) for k in range(3)]


class ByCentre:
    name, version, kind = "by_centre", "1", "held_out"
    given: ClassVar[dict] = {}

    def resamples(self, outcome, settings, seed, columns):
        self.given.update(columns)
        return OfThree().resamples(outcome, settings, seed)


def test_validators_of_plugins_with_and_without_columns(tmp_path):
    study = study_of(tmp_path, {"of_three": True, "by_centre": {"any": "thing"}})
    plan = prepare(study, plugins=[OfThree(), ByCentre()])
    assert [len(plan.schemes[name][1]) for name in ("of_three", "by_centre")] == [3, 3]
    assert ByCentre.given["age"].dtype.kind == "f" and set(ByCentre.given["sex"]) == {"f", "m"}
    assert list(ByCentre.given["centre"]) == list(plan.cohort.columns["centre"])


def test_a_column_that_differs_within_a_patient_is_told():
    subjects = make_subjects()
    centre = subjects.columns["centre"].copy()
    rows = np.flatnonzero(np.bincount(subjects.patient, minlength=subjects.n)[subjects.patient] > 1)
    centre[rows[1]] = "Z"
    mixed = Subjects(subjects.outcome, subjects.patient, {"centre": centre})
    with pytest.raises(DataError, match="in rows of one patient, who cannot be parted"):
        draw_resamples(
            "l",
            BY_NAME["leave_one_group_out"],
            settings_for("leave_one_group_out", {"column": "centre"}),
            mixed,
            seed(),
        )


@pytest.mark.parametrize("order", [None, np.arange(60)[::-1]])
def test_ids_that_repeat_are_numbered_where_nothing_is_joined(tmp_path, order):
    study = study_of(tmp_path, {"folds": 4}, order, id="hospital", patient="hospital")
    study["clinical"]["columns"] = {}
    with pytest.raises(DataError, match="at least 4 patients of each outcome, found 3"):
        prepare(study)
    study["validation"]["folds"] = 3
    cohort = prepare(study).cohort
    assert cohort.n == 60 and cohort.n_patients == (3, 3)
    assert cohort.ids[:2] == ("A #1", "A #10") and len(set(cohort.ids)) == 60
    assert cohort.scores["s"].sum() == pytest.approx(pd.read_csv(tmp_path / "clinical.csv")["score"].sum())
