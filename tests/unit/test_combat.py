"""ComBat as a transform: fitted on training rows, applied to anyone with the columns that it names, frozen."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import rankdata

from prldh.chain.applying import Table, apply_chain, rows_reached, score_inputs
from prldh.chain.steps import Protocol, Step
from prldh.chain.transforms.combat import CombatTransform, WithoutBatches
from prldh.core import DataError, FittedStep, LinearScore, Resample, StudyError, Subjects, TrainingRows
from prldh.engines import PythonEngine
from prldh.plugins import settings_of
from prldh.run.reach import within_reach
from prldh.stats.combat import apply_combat, fit_combat
from prldh.testing.kit import checks_of

COMBAT = CombatTransform()


def make_rows(n=60, p=12, seed=0, centres=("a", "b", "c"), effect=1.0, patients=None):
    """Rows of several centres, each of which adds and multiplies; age and sex change the features as well."""
    rng = np.random.default_rng(seed)
    number = np.arange(n) % len(centres)
    centre = np.array(centres, dtype=object)[number]
    age, sex = rng.normal(60, 10, n), np.array(["f", "m"], dtype=object)[rng.integers(0, 2, n)]
    outcome = (np.arange(n) // len(centres) % 3 == 0).astype(np.int8)
    values = rng.normal(size=(n, p)) + 0.02 * age[:, None] + 0.3 * (sex == "m")[:, None]
    values = values * (1 + 0.5 * effect * number[:, None]) + effect * number[:, None] * (1 + 0.1 * np.arange(p))
    values[:, 0] += outcome
    values *= 10.0 ** np.linspace(-4, 6, p)
    second = values * 1.01
    columns = {"centre": centre, "age": age, "sex": sex}
    patient = np.arange(n) if patients is None else patients
    return TrainingRows(values, second, outcome, patient, tuple(f"f{j:02}" for j in range(p)), columns=columns)


def fit(rows, **settings):
    given = settings_of(COMBAT.Settings, {"batch": "centre", **settings}, "transforms")
    return COMBAT.fit(rows, given, np.random.SeedSequence(1), PythonEngine())


def applied(fitted, rows):
    return fitted.apply(rows.values, rows.names, rows.columns)


def of_centres(rows, *centres):
    return rows.of_rows(np.flatnonzero(np.isin(rows.columns["centre"].astype(str), centres)))


@pytest.mark.parametrize("settings", [{}, {"keep": ["age", "sex"]}, {"method": "nonparametric"}, {"reference": "b"}])
def test_conforms(settings):
    example = {"batch": "centre", **settings}
    if "sex" in settings.get("keep", ()):
        example["keep"] = ["age"]
    if "reference" in settings:
        example["reference"] = "north"
    for check in checks_of(COMBAT, example):
        check()


def test_it_is_the_statistic_with_dummies_of_kept_groups():
    rows = make_rows()
    kept = np.column_stack([rows.columns["age"], rows.columns["sex"] == "m"]).astype(float)
    number = np.searchsorted(["a", "b", "c"], rows.columns["centre"].astype(str))
    for settings, arguments in (
        ({"keep": ["age", "sex"]}, (kept, True, None)),
        ({"method": "nonparametric"}, (None, False, None)),
        ({"keep": ["sex"], "reference": "b"}, (kept[:, 1:], True, 1)),
    ):
        expected = apply_combat(fit_combat(rows.values, number, *arguments), rows.values, number, arguments[0])
        unit = np.abs(rows.values).max(axis=0)
        np.testing.assert_allclose(applied(fit(rows, **settings), rows) / unit, expected / unit, atol=1e-12)


@pytest.mark.parametrize("settings", [{}, {"keep": ["age", "sex"]}, {"unseen": "own_rows"}, {"reference": "c"}])
def test_json_and_fewer_columns_are_the_same(settings):
    rows, others = make_rows(), make_rows(seed=1)
    fitted = fit(rows, **settings)
    again = COMBAT.from_state(json.loads(json.dumps(fitted.state, allow_nan=False)))
    np.testing.assert_array_equal(applied(again, others), applied(fitted, others))
    names = ("f07", "f02")
    less = again.only(names)
    both = dict(zip(less.outputs, applied(less, others).T, strict=True))
    whole = dict(zip(fitted.outputs, applied(fitted, others).T, strict=True))
    for name in names:
        np.testing.assert_array_equal(both[name], whole[name])
    assert len(less.names) == (12 if settings.get("unseen") == "own_rows" else 2)


def test_held_out_rows_and_outcomes_change_nothing():
    rows, others = make_rows(), make_rows(seed=3)
    fitted = fit(rows, keep=["age"])
    whole = applied(fitted, others)
    for i in range(5):  # alone, or beside others
        np.testing.assert_array_equal(applied(fitted, others.of_rows(np.array([i])))[0], whole[i])
    turned = replace(rows, outcome=1 - rows.outcome, second=None)
    assert fit(turned, keep=["age"]).state == fitted.state


def test_what_does_not_vary_stays_and_is_told():
    rows = make_rows()
    rows.values[rows.columns["centre"] == "b", 4] = 7.0
    fitted = fit(rows)
    np.testing.assert_array_equal(applied(fitted, rows)[:, 4], rows.values[:, 4])
    told = [w for w in fitted.warnings if getattr(w, "code", "") == "PRL-161"]
    assert len(told) == 1 and "1 of 12 features" in told[0].message and "'f04'" in told[0].message


# ---------------------------------------------------------------- batches that training rows do not have


def test_unseen_batches():
    rows = make_rows(n=80, centres=("a", "b", "c", "d"))
    train, new = of_centres(rows, "a", "b", "c"), of_centres(rows, "d")
    refusing = fit(train)
    assert not refusing.reaches(new.columns).any() and refusing.reaches(train.columns).all()
    with pytest.raises(DataError, match=re.escape("20 of 20 patients are of a batch (centre 'd') that no training")):
        applied(refusing, new)
    unchanged = fit(train, unseen="unchanged")
    np.testing.assert_array_equal(applied(unchanged, new), new.values)
    own = fit(train, unseen="own_rows")
    unit = np.abs(rows.values).max(axis=0)
    found, seen = applied(own, new) / unit, applied(own, train) / unit
    before = np.abs((new.values / unit).mean(axis=0) - seen.mean(axis=0)).mean()
    assert np.abs(found.mean(axis=0) - seen.mean(axis=0)).mean() < 0.25 * before
    others = replace(new, outcome=1 - new.outcome)
    np.testing.assert_array_equal(applied(own, others), applied(own, new))  # outcomes are not looked at
    few = new.of_rows(np.arange(9))
    assert not own.reaches(few.columns).any() and own.reaches(new.of_rows(np.arange(10)).columns).all()
    with pytest.raises(DataError, match="fewer than 10 patients"):
        applied(own, few)
    np.testing.assert_array_equal(applied(own, train), applied(refusing, train))


def test_a_chain_gives_no_score_to_rows_that_it_does_not_reach():
    rows = make_rows()
    fitted = fit(of_centres(rows, "a", "b"))
    score = LinearScore(0.0, (("s", "f00"), ("s", "f05")), np.ones(2), np.zeros(2), np.ones(2))
    chain = [FittedStep(fitted, None, COMBAT.name, "1"), FittedStep(score, None, "linear score", "1")]
    tables = {None: Table(rows.values, rows.names)}
    found = apply_chain(chain, tables, rows.columns)
    is_new = rows.columns["centre"] == "c"
    assert np.isnan(found[is_new]).all() and np.isfinite(found[~is_new]).all()
    np.testing.assert_array_equal(rows_reached(chain, rows.columns, 60), ~is_new)
    known = of_centres(rows, "a", "b")
    np.testing.assert_array_equal(
        apply_chain(chain, {None: Table(known.values, known.names)}, known.columns), found[~is_new]
    )
    assert np.isnan(score_inputs(chain, tables, rows.columns).values[is_new]).all()


def test_training_rows_may_lack_batches_references_and_levels():
    rows = make_rows()
    alone = fit(of_centres(rows, "a"), unseen="own_rows")  # one centre is what others are brought to
    own = of_centres(rows, "a")
    np.testing.assert_array_equal(applied(alone, own), own.values)
    new = applied(alone, of_centres(rows, "c"))
    unit = np.abs(rows.values).max(axis=0)
    assert np.abs(new.mean(axis=0) - own.values.mean(axis=0)).max() < np.abs(rows.values).max()
    assert (np.abs(new.mean(axis=0) - own.values.mean(axis=0)) / unit).mean() < 0.1
    without = fit(of_centres(rows, "a", "b"), reference="c")
    assert without.fit.reference is None and any("reference c" in str(w) for w in without.warnings)
    sexes = fit(rows.of_rows(np.flatnonzero(rows.columns["sex"] == "f")), keep=["sex"])
    assert np.isfinite(applied(sexes, rows)).all()  # men are corrected as the mean patient is
    mixed = replace(rows, columns={**rows.columns, "scanner": rows.columns["centre"]})
    told = fit(mixed, keep=["scanner"])  # determined by the batch in these rows: left out, and told
    assert any("partly determined" in str(w) for w in told.warnings)
    np.testing.assert_allclose(applied(told, mixed) / unit, applied(fit(rows), rows) / unit, atol=1e-12)


def test_rows_of_one_patient_are_not_parted_from_each_other():
    patients = np.repeat(np.arange(30), 2)
    rows = make_rows(patients=patients)
    rows = replace(rows, columns={**rows.columns, "centre": np.repeat(rows.columns["centre"][:30], 2)})
    described = COMBAT.describe(rows, COMBAT.Settings(batch="centre"), np.random.SeedSequence(2), fit(rows))
    assert sum(len(own["before"]) for own in described["effect"]["components"].values()) == 30


# ---------------------------------------------------------------- before anything is computed


def subjects(rows):
    return Subjects(rows.outcome, rows.patient, rows.columns)


def with_column(**columns):
    rows = make_rows()
    return replace(rows, columns={**rows.columns, **{k: np.array(v, dtype=object) for k, v in columns.items()}})


@pytest.mark.parametrize(
    ("settings", "rows", "error", "message"),
    [
        ({"batch": "center"}, make_rows(), StudyError, "T.batch: 'center' is not among clinical.columns.*'centre'"),
        ({"batch": "age"}, make_rows(), StudyError, "continuous covariate"),
        ({}, with_column(centre=["a", ""] * 30), DataError, "'centre' is blank for 30 of 60 patients"),
        ({}, with_column(centre=["a"] * 60), DataError, "every patient is of the centre 'a'"),
        (
            {},
            with_column(centre=list(map(str, range(60)))),
            DataError,
            "60 of which have one patient",
        ),
        ({"reference": "z"}, make_rows(), StudyError, r"T.reference: 'z' is no centre \(found 'a', 'b', 'c'\)"),
        ({"keep": ["stage"]}, make_rows(), StudyError, "T.keep: 'stage' is not among clinical.columns and covariates"),
        ({"keep": ["sex"]}, with_column(sex=["m", ""] * 30), DataError, "'sex' is blank for 30 of 60"),
        ({"keep": ["id"]}, with_column(id=list(map(str, range(60)))), StudyError, "60 values in 60 patients"),
        (
            {"keep": ["s"]},
            with_column(s=["x", "x", "y"] * 20),
            DataError,
            "'s' is determined by the centre.*a x; b x; c y",
        ),
        (
            {"keep": ["y"]},
            with_column(y=list(np.where(make_rows().outcome, "bad", "good"))),
            StudyError,
            "says the outcome",
        ),
    ],
)
def test_messages(settings, rows, error, message):
    given = settings_of(COMBAT.Settings, {"batch": "centre", **settings}, "T")
    with pytest.raises(error, match=message):
        COMBAT.check_columns(given, subjects(rows), "T")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"keep": ["outcome"]}, "the outcome cannot be kept"),
        ({"keep": ["centre"]}, "'centre' is the batch"),
        ({"keep": ["age", "age"]}, "keep names a column twice"),
        ({"method": "empirical"}, "'parametric' or 'nonparametric'"),
        ({"unseen": "guess"}, "'refuse', 'own_rows' or 'unchanged'"),
        ({"batsh": 1}, "unknown key 'batsh'"),
        ({"keep": "age"}, "must be a list"),
    ],
)
def test_settings(settings, message):
    with pytest.raises(StudyError, match=message):
        settings_of(COMBAT.Settings, {"batch": "centre", **settings}, "transforms, step 1 (combat)")
    with pytest.raises(StudyError, match=r"batch: this key is required"):
        settings_of(COMBAT.Settings, {}, "transforms, step 1 (combat)")


def test_numbers_that_name_batches_are_texts():
    rows = replace(make_rows(), columns={"centre": np.array(["1", "2.0", "3"] * 20, dtype=object)})
    fitted = fit(rows, reference=2)
    assert fitted.batches == ("1", "2", "3") and fitted.fit.reference == 1
    new = replace(rows, columns={"centre": np.array(["1.0", "2", "3.0"] * 20, dtype=object)})
    np.testing.assert_array_equal(applied(fitted, new), applied(fitted, rows))


def test_confounding_with_the_outcome_is_told_with_the_table():
    rows = make_rows()
    settings = COMBAT.Settings(batch="centre")
    assert COMBAT.check_columns(settings, subjects(rows), "T") == ()
    outcome = np.where(rows.columns["centre"] == "c", 1, rows.outcome).astype(np.int8)
    (told,) = COMBAT.check_columns(settings, subjects(replace(rows, outcome=outcome)), "T")
    assert told.code == "PRL-160" and "a 7 of 20, b 7 of 20, c 20 of 20" in told.message
    assert "one outcome alone in 'c'" in told.message


# ---------------------------------------------------------------- what fitting on everyone would have leaked


def test_fitting_on_everyone_leaks():
    """Features know nothing of the outcome, and centres differ in prevalence. A ComBat that is fitted on everyone and
    keeps the outcome writes it into held-out features; one that is fitted on training rows cannot. Own rows of a centre
    that is left out tell nothing of its outcomes either."""

    def area(y, score):
        ranks = rankdata(score)
        return (ranks[y == 1].sum() - y.sum() * (y.sum() + 1) / 2) / (y.sum() * (1 - y).sum())

    found = {"everyone": [], "training": []}
    for seed in range(12):
        rng = np.random.default_rng(seed)
        n, p = 60, 200
        batch = np.repeat([0, 1, 2, 3, 4, 5], 10)
        y = (rng.random(n) < np.where(batch % 2, 0.8, 0.2)).astype(float)
        values = rng.normal(size=(n, p)) + rng.normal(size=(6, p))[batch]
        train = np.flatnonzero(np.arange(n) % 2 == 0)
        test = np.setdiff1d(np.arange(n), train)
        kept = apply_combat(fit_combat(values, batch, y[:, None]), values, batch, y[:, None])
        fair = fit_combat(values[train], batch[train])
        for name, own in (("everyone", kept), ("training", apply_combat(fair, values, batch))):
            direction = own[train][y[train] == 1].mean(axis=0) - own[train][y[train] == 0].mean(axis=0)
            found[name].append(area(y[test], own[test] @ direction))
    everyone, training = (np.mean(found[name]) for name in ("everyone", "training"))
    assert everyone > 0.8 and abs(training - 0.5) < 0.1, (everyone, training)


# ---------------------------------------------------------------- schemes


def test_schemes_hold_out_only_whom_the_steps_reach():
    rows = make_rows(n=40, centres=("a", "b", "c", "d"))
    own = subjects(rows)
    centre = rows.columns["centre"]

    def protocol(**settings):
        given = settings_of(COMBAT.Settings, {"batch": "centre", **settings}, "T")
        return Protocol((Step(COMBAT, given),), True, "stop")

    left_out = [Resample(np.flatnonzero(centre != c), np.flatnonzero(centre == c), 0, k) for k, c in enumerate("abcd")]
    schemes = {"leave_one_group_out": ("held_out", left_out)}
    with pytest.raises(
        StudyError, match=r"transforms, step 1 \(combat\): validation.leave_one_group_out.*4 of 4.*own_rows"
    ):
        within_reach(protocol(), {}, schemes, own)
    for unseen in ("own_rows", "unchanged"):
        kept, told = within_reach(protocol(unseen=unseen), {}, schemes, own)
        assert kept == schemes and told == ()
    with pytest.raises(StudyError, match="protocols.other, transforms, step 1"):
        within_reach(protocol(unseen="unchanged"), {"other": protocol()}, schemes, own)
    drawn = np.flatnonzero(centre != "d")
    samples = [Resample(drawn, np.flatnonzero(centre == "d"), 0, 0), Resample(np.arange(30), np.arange(30, 40), 0, 1)]
    kept, (told,) = within_reach(protocol(), {}, {"bootstrap": ("bootstrap", samples)}, own)
    assert [len(r.test) for r in kept["bootstrap"][1]] == [0, 10]
    assert told.code == "PRL-162" and "10 predictions" in told.message and "1 of 2 samples" in told.message


def test_the_figure_and_the_sentences():
    rows = make_rows()
    fitted = fit(rows, keep=["age"])
    details = {
        **fitted.details,
        **COMBAT.describe(rows, COMBAT.Settings(batch="centre"), np.random.SeedSequence(2), fitted),
    }
    effect = details["effect"]
    before, after = (np.array(list(effect["eta_squared"].values()))[:, i] for i in (0, 1))
    assert np.median(before) > 0.3 and np.median(after) < 0.05
    tests = effect["permanova"]
    assert tests["before"]["p"] == 0.001 and tests["after"]["r2"] < 0.1 * tests["before"]["r2"]
    (figure,) = COMBAT.figures(details)
    assert [title for title, _ in figure.parts] == ["Before harmonisation", "After harmonisation", "Share of variance"]
    (remark,) = COMBAT.remarks([("pyradiomics", details)])
    assert "before and" in remark.text
    both = COMBAT.remarks([("pyradiomics", {**details, "unseen": "own_rows"})])
    assert "transductive" in both[1].text and "true differences" in both[1].text


def test_a_state_of_one_feature():
    rows = make_rows(p=1)
    fitted = fit(rows)
    assert isinstance(fitted, WithoutBatches)
    again = COMBAT.from_state(json.loads(json.dumps(fitted.state)))
    np.testing.assert_array_equal(applied(again, rows), applied(fitted, rows))
