"""Transforms: scikit-learn's numbers without its objects, fitted on training rows, the same for rows and columns in any
order, and JSON."""

from __future__ import annotations

import json
import re
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.decomposition import PCA
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.preprocessing import PowerTransformer, QuantileTransformer, RobustScaler, StandardScaler

from prldh.chain.applying import without_unneeded
from prldh.chain.shared import child_of
from prldh.chain.steps import Protocol, Step, fit_steps
from prldh.chain.transforms import TRANSFORMS
from prldh.chain.transforms.cluster import absolute_correlations
from prldh.chain.transforms.impute import ImputeTransform, Medians
from prldh.chain.transforms.scale import ScaleTransform, Standardised, yeo_johnson
from prldh.core import DataError, TrainingRows
from prldh.engines import PythonEngine
from prldh.testing.kit import checks_of
from prldh.testing.parts import CheckFailed

NAMED = {transform.name: transform for transform in TRANSFORMS}
METHODS = [
    ("near_constant", {}),
    ("impute", {"method": "median"}),
    ("impute", {"method": "knn", "neighbours": 3}),
    ("scale", {"method": "z"}),
    ("scale", {"method": "robust"}),
    ("scale", {"method": "normal"}),
    ("scale", {"method": "power"}),
    ("cluster", {"threshold": 0.5}),
    ("cluster", {"threshold": 0.5, "linkage": "average", "coefficient": "spearman"}),
    ("pca", {"variance": 0.8}),
]
IDS = ["-".join(map(str, (name, *settings.values()))) for name, settings in METHODS]
FILLS = [("impute", {"method": "median"}), ("impute", {"method": "knn", "neighbours": 3})]


def make_rows(n=40, p=8, seed=0, blank=0.0, names=None):
    """Rows whose columns differ in unit, skew and ties; the last is nearly the first."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, p)) * 10.0 ** np.linspace(-3, 6, p)
    values[:, 1] = np.exp(values[:, 1] / np.abs(values[:, 1]).max())
    values[:, 2] = np.round(values[:, 2] / np.abs(values[:, 2]).max() * 3)
    values[:, -1] = values[:, 0] * 1e3 + rng.normal(size=n) * 0.1
    second = values * (1 + 0.01 * rng.normal(size=values.shape))
    if blank:
        values[rng.random(values.shape) < blank] = np.nan
        second[rng.random(values.shape) < blank] = np.nan
    outcome = rng.permutation(np.arange(n) % 5 < 2).astype(np.int8)
    return TrainingRows(values, second, outcome, np.arange(n), names or tuple(f"f{j}" for j in range(p)))


def fit(name, settings, rows):
    transform = NAMED[name]
    return transform.fit(rows, transform.Settings(**settings), np.random.SeedSequence(1), PythonEngine())


def applied(fitted, rows):
    """What becomes of the first reader's values, by column."""
    return dict(zip(fitted.outputs, fitted.apply(rows.values, rows.names, {}).T, strict=True))


def same(first, second, tolerance=0.0):
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_allclose(first[name], second[name], rtol=tolerance, atol=tolerance)


# ---------------------------------------------------------------- scikit-learn's numbers


def test_median_is_scikit_learns():
    rows, others = make_rows(blank=0.1), make_rows(seed=1, blank=0.3)
    theirs = SimpleImputer(strategy="median").fit(rows.values).transform(others.values)
    np.testing.assert_array_equal(fit("impute", {}, rows).apply(others.values, rows.names, {}), theirs)


@pytest.mark.parametrize("neighbours", [1, 4, 100])
def test_nearest_patients_are_scikit_learns_of_standardised_columns(neighbours):
    rows, others = make_rows(blank=0.1), make_rows(seed=1, blank=0.3)
    others.values[0] = np.nan  # nothing is known: the mean
    scaler = StandardScaler().fit(rows.values)
    imputer = KNNImputer(n_neighbors=neighbours).fit(scaler.transform(rows.values))
    theirs = scaler.inverse_transform(imputer.transform(scaler.transform(others.values)))
    ours = fit("impute", {"method": "knn", "neighbours": neighbours}, rows).apply(others.values, rows.names, {})
    unit = np.nanstd(rows.values, axis=0)
    np.testing.assert_allclose(ours / unit, theirs / unit, rtol=1e-12, atol=1e-12)


SCALERS = {
    "z": StandardScaler,
    "robust": RobustScaler,
    "normal": lambda: QuantileTransformer(n_quantiles=40, output_distribution="normal", subsample=None),
    "power": PowerTransformer,
}


@pytest.mark.parametrize("method", SCALERS)
def test_scales_are_scikit_learns(method):
    rows, others = make_rows(), make_rows(seed=1)  # of which some lie outside the training range
    units = np.ones(8) if method in ("power", "normal") else 10.0 ** np.arange(8)
    own = replace(rows, values=rows.values / np.abs(rows.values).max(axis=0) * 3 * units)
    new = others.values / np.abs(rows.values).max(axis=0) * 3 * units
    theirs = SCALERS[method]().fit(own.values)
    fitted = fit("scale", {"method": method}, own)
    for values in (own.values, new):
        np.testing.assert_allclose(
            fitted.apply(values, own.names, {}), theirs.transform(values), rtol=1e-12, atol=1e-12
        )


@given(st.floats(-50, 50), st.floats(-4, 6))
def test_yeo_johnson_is_its_formula(x, power):
    if x >= 0:
        expected = np.log1p(x) if power == 0 else ((x + 1) ** power - 1) / power
    else:
        expected = -np.log1p(-x) if power == 2 else -((1 - x) ** (2 - power) - 1) / (2 - power)
    if min(abs(power), abs(power - 2)) > 1e-3 or power in (0, 2):  # the formula itself cancels near these
        assert yeo_johnson(np.array([x]), power)[0] == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_principal_components_are_scikit_learns_but_for_the_sign():
    rows, others = make_rows(), make_rows(seed=1)
    scaler = StandardScaler().fit(rows.values)
    theirs = PCA(svd_solver="full").fit(scaler.transform(rows.values))
    fitted = fit("pca", {"components": 6}, rows)
    expected = theirs.transform(scaler.transform(others.values))[:, :6]
    ours = fitted.apply(others.values, rows.names, {})
    sign = np.sign((ours * expected).sum(axis=0))
    np.testing.assert_allclose(ours, expected * sign, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(fitted.details["share"], theirs.explained_variance_ratio_[:6], rtol=1e-10)
    assert (fitted.loadings[np.arange(6), np.abs(fitted.loadings).argmax(axis=1)] > 0).all()


# ---------------------------------------------------------------- rules of their own


def test_near_constant_is_carets_rule():
    n = 100
    columns = {
        "rare": np.r_[np.zeros(96), np.ones(4)],  # 24 times as frequent, 2 distinct
        "at the limit": np.r_[np.zeros(95), np.ones(5)],  # 19 times is not more than 19 times
        "many": np.r_[np.zeros(88), np.arange(1, 13)],  # 88 times, but 13 % distinct
        "ten": np.r_[np.zeros(91), np.arange(1, 10)],  # 91 times, and 10 % distinct
        "whole": np.arange(n, dtype=float),
        "one": np.ones(n),
        "blank": np.full(n, np.nan),
        "few": np.r_[np.full(90, np.nan), np.zeros(5), np.ones(5)],  # blanks are no value
    }
    values = np.column_stack(list(columns.values()))
    rows = TrainingRows(values, None, np.arange(n) % 2, np.arange(n), tuple(columns))
    assert set(fit("near_constant", {}, rows).dropped) == {"rare", "ten", "one", "blank"}
    assert set(fit("near_constant", {"ratio": 18}, rows).dropped) == {"rare", "at the limit", "ten", "one", "blank"}


@pytest.mark.parametrize("kind", ["pearson", "spearman"])
def test_clusters_leave_no_pair_of_a_cluster_below_the_limit(kind):
    rng = np.random.default_rng(3)
    common = rng.normal(size=(60, 4))
    values = np.repeat(common, 5, axis=1) + rng.normal(size=(60, 20)) * rng.uniform(0.1, 1.2, 20)
    names = tuple(f"f{j:02}" for j in range(20))
    rows = TrainingRows(values, None, np.arange(60) % 2, np.arange(60), names)
    r = np.abs(spearmanr(values)[0] if kind == "spearman" else np.corrcoef(values.T))
    np.testing.assert_allclose(absolute_correlations(values, kind), r, atol=1e-12)
    found = fit("cluster", {"threshold": 0.7, "coefficient": kind}, rows)
    assert set(found.names) | set(found.dropped) == set(names) and 4 <= len(found.names) < 20
    for best, others in found.details["clusters"].items():
        members = [names.index(name) for name in (best, *others)]
        own = r[np.ix_(members, members)]
        assert own.min() >= 0.7
        assert own.sum(axis=1)[0] >= own.sum(axis=1).max() - 1e-9
    kept = [names.index(name) for name in found.names]
    assert len(kept) == found.details["n_clusters"]


def test_of_columns_that_are_equal_the_first_by_name_stays():
    x = np.random.default_rng(0).normal(size=(30, 2))
    names = ("c", "a", "b", "z")
    rows = TrainingRows(x[:, [0, 0, 0, 1]], None, np.arange(30) % 2, np.arange(30), names)
    assert fit("cluster", {}, rows).names == ("a", "z")


def test_components_are_no_more_than_rows_less_one():
    rows = make_rows(n=6, p=30)
    fitted = fit("pca", {"components": 20}, rows)
    assert len(fitted.outputs) == 5 and fitted.warnings == ("5 components in place of 20: there are no more",)
    copies = rows.of_rows(np.array([0, 0, 1, 1, 2, 2, 2]))  # three patients
    assert len(fit("pca", {"variance": 1.0}, copies).outputs) == 2
    assert len(fit("pca", {"variance": 0.01}, rows).outputs) == 1


def test_values_beyond_the_training_range_stay_finite():
    rows = make_rows()
    for method in SCALERS:
        fitted = fit("scale", {"method": method}, rows)
        far = fitted.apply(
            np.vstack([rows.values.max(axis=0) * 1e3 + 1, rows.values.min(axis=0) * 1e3 - 1]), rows.names, {}
        )
        assert np.isfinite(far).all() and (far[0] >= far[1]).all()
    normal = fit("scale", {"method": "normal"}, rows).apply(np.array([[-1e300] * 8, [1e300] * 8]), rows.names, {})
    np.testing.assert_allclose(normal, [[-5.19933758] * 8, [5.19933758] * 8], rtol=1e-6)


def test_a_scale_that_has_no_spread_does_no_harm():
    n = 30
    rng = np.random.default_rng(0)
    mostly = np.r_[np.zeros(24), rng.normal(size=6)] * 1e6  # its quartiles are equal
    huge, far = rng.normal(size=n) * 1e200, 1e9 + rng.integers(0, 3, n)
    values = np.column_stack([np.full(n, 7.0), mostly, huge, far])
    rows = TrainingRows(values, None, np.arange(n) % 2, np.arange(n), ("constant", "mostly", "huge", "far"))
    for method in SCALERS:
        changed = applied(fit("scale", {"method": method}, rows), rows)
        assert all(np.isfinite(each).all() for each in changed.values()), method
        assert np.ptp(changed["constant"]) == 0
        assert all(np.ptp(changed[name]) > 0 for name in ("mostly", "huge", "far")), method
        assert np.unique(changed["far"]).size == np.unique(far).size
    assert applied(fit("scale", {"method": "robust"}, rows), rows)["mostly"].std() == pytest.approx(1)


def test_a_power_that_does_not_exist_is_not_used():
    values = np.random.default_rng(0).normal(size=(30, 2)) * [1e200, 1]
    rows = TrainingRows(values, None, np.arange(30) % 2, np.arange(30), ("a", "b"))
    fitted = fit("scale", {"method": "power"}, rows)
    assert fitted.warnings == ("no power of Yeo and Johnson's tells all values apart: standardised as they are: a",)
    z = values[:, 0] / 1e200
    np.testing.assert_allclose(applied(fitted, rows)["a"], (z - z.mean()) / z.std(), rtol=1e-9)
    assert fitted.details["power"]["a"] == 1 != fitted.details["power"]["b"]


def test_what_is_blank_for_every_training_patient_goes():
    rows = make_rows(blank=0.1)
    rows.values[:, 3] = np.nan
    for name, settings in FILLS:
        fitted = fit(name, settings, rows)
        assert "f3" not in fitted.outputs and dict(fitted.dropped) == {"f3": "blank for every training patient"}
        assert fitted.details["blank"]["f3"] == 1 and np.isfinite(fitted.apply(rows.values, rows.names, {})).all()


def test_one_row_and_one_column():
    one = make_rows().of_rows(np.array([3]))
    for name, settings in METHODS:
        for rows in (one, make_rows().take(np.array([0]))):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                fitted = fit(name, settings, rows)
                assert np.isfinite(fitted.apply(rows.values, rows.names, {})).all()


def test_of_patients_equally_far_the_first_is_the_nearest():
    values = np.array([[0.0, 1.0], [0.0, 2.0], [1.0, 3.0], [1.0, np.nan], [0.0, np.nan]])
    rows = TrainingRows(values, None, np.array([0, 1, 0, 1, 0]), np.array([7, 5, 1, 2, 3]), ("a", "b"))
    for order in ([0, 1, 2, 3, 4], [1, 0, 4, 3, 2]):
        fitted = fit("impute", {"method": "knn", "neighbours": 1}, rows.of_rows(np.array(order)))
        assert fitted.apply(values, rows.names, {})[4, 1] == 2.0  # patient 5 before patient 7


# ---------------------------------------------------------------- fit and apply are a pair


@pytest.mark.parametrize(("name", "settings"), METHODS, ids=IDS)
def test_order_of_rows_and_columns_does_not_matter(name, settings):
    rows, others = make_rows(blank=0.1 * (name == "impute")), make_rows(seed=1)
    rng = np.random.default_rng(5)
    shuffled = rows.of_rows(rng.permutation(40)).take(rng.permutation(8))
    before, after = fit(name, settings, rows), fit(name, settings, shuffled)
    same(applied(before, others), applied(after, others.take(rng.permutation(8))))


@pytest.mark.parametrize(("name", "settings"), METHODS, ids=IDS)
def test_copies_of_patients_count_as_often_as_they_were_drawn(name, settings):
    rows, others = make_rows(blank=0.1 * (name == "impute")), make_rows(seed=1)
    drawn = np.random.default_rng(2).integers(0, 40, 40)
    by_rows = replace(rows.of_rows(drawn), patient=np.arange(40))  # the same rows as if of forty patients
    tolerance = 1e-5 if settings.get("method") == "power" else 1e-9  # powers are found to about 1e-8
    same(
        applied(fit(name, settings, rows.of_rows(drawn)), others),
        applied(fit(name, settings, by_rows), others),
        tolerance,
    )


@pytest.mark.parametrize(("name", "settings"), METHODS, ids=IDS)
def test_json_makes_the_same_again(name, settings):
    rows, others = make_rows(blank=0.1 * (name == "impute")), make_rows(seed=1)
    fitted = fit(name, settings, rows)
    again = NAMED[name].from_state(json.loads(json.dumps(fitted.state, allow_nan=False)))
    assert (again.kind, again.names, again.outputs) == (fitted.kind, fitted.names, fitted.outputs)
    same(applied(fitted, others), applied(again, others))
    with pytest.raises(DataError, match=f"'{fitted.names[0]}'"):
        fitted.apply(others.values[:, :-1], tuple(n for n in others.names if n != fitted.names[0]), {})


@pytest.mark.parametrize(("name", "settings"), [m for m in METHODS if m[0] != "near_constant"], ids=IDS[1:])
def test_some_outputs_alone_are_the_same(name, settings):
    rows, others = make_rows(blank=0.1 * (name == "impute")), make_rows(seed=1)
    fitted = fit(name, settings, rows)
    if not hasattr(fitted, "only"):
        assert settings.get("method") == "knn"  # it needs all columns to know who is near
        return
    few = fitted.only(fitted.outputs[1:3])
    whole = applied(fitted, others)
    same(applied(few, others), {name: whole[name] for name in fitted.outputs[1:3]})


def steps_of(*named):
    steps = tuple(Step(NAMED[name], NAMED[name].Settings(**settings)) for name, settings in named)
    return Protocol(steps, True, "stop")


def run(rows, *named, label="s"):
    seed = child_of(np.random.SeedSequence(1), 0)
    return fit_steps(label, label, rows, steps_of(*named), seed, PythonEngine(), None, True)


def test_a_chain_fills_every_readers_blanks_by_the_first_readers_rows():
    rows = make_rows(blank=0.1)
    found = run(rows, ("near_constant", {}), ("impute", {}), ("scale", {}))
    filled = [np.where(np.isnan(each), np.nanmedian(rows.values, axis=0), each) for each in rows.readers]
    for mine, theirs in zip(found.rows.readers, filled, strict=True):
        expected = (theirs - filled[0].mean(axis=0)) / filled[0].std(axis=0)
        np.testing.assert_allclose(mine, expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(found.rows.filled, np.isnan(rows.values) | np.isnan(rows.second))
    assert [step.name for step in found.steps] == ["near_constant", "impute", "scale"]


def test_a_chain_asks_for_no_more_columns_than_are_left():
    found = run(make_rows(blank=0.1), ("impute", {}), ("scale", {}), ("cluster", {"threshold": 0.3}))
    left = found.rows.names
    assert 0 < len(left) < 8 and all(set(left) == set(s.fitted.names) for s in without_unneeded(found.chain))


def test_components_of_two_sources_have_names_of_their_own():
    first = run(make_rows(), ("pca", {"components": 2}), label="shape").rows.names
    second = run(make_rows(seed=1), ("pca", {"components": 2}), label="texture").rows.names
    assert first == ("PC1 of shape", "PC2 of shape") and not set(first) & set(second)


def test_nothing_but_blanks_is_a_failure_with_its_reason():
    rows = make_rows()
    blank = replace(rows, values=np.full_like(rows.values, np.nan))
    found = run(blank, ("impute", {}))
    assert found.failure == "every feature of source 's' is constant."


# ---------------------------------------------------------------- the conformance kit catches what breaks this


class OfAllReaders(ScaleTransform):
    def fit(self, rows, settings, seed, engine):
        center = np.mean(rows.readers, axis=(0, 1))
        return Standardised(rows.names, {"center": center, "scale": np.ones_like(center)})


class OfTheFirstRow(ScaleTransform):
    def fit(self, rows, settings, seed, engine):
        return Standardised(rows.names, {"center": rows.values[0], "scale": np.ones(len(rows.names))})


class OfThePresent(Standardised):
    def change(self, values):
        return values - values.mean(axis=0)


class CentredAnew(ScaleTransform):
    def fit(self, rows, settings, seed, engine):
        return OfThePresent(rows.names, {"center": np.zeros(len(rows.names))})

    def from_state(self, state):
        return OfThePresent.from_state(state)


class LeavesBlanks(ScaleTransform):
    fills_blanks = True


class ChangesAll(ImputeTransform):
    def fit(self, rows, settings, seed, engine):
        return Zeros(rows.names, {})

    def from_state(self, state):
        return Zeros.from_state(state)


class Zeros(Medians):
    def change(self, values):
        return np.zeros_like(values)


@pytest.mark.parametrize(
    ("transform", "promise"),
    [
        (OfAllReaders, "gives every reader's values the same parameters"),
        (OfTheFirstRow, "does not depend on the order of rows and columns"),
        (CentredAnew, "changes each row by itself"),
        (LeavesBlanks, "fills or takes blanks where it says so"),
        (ChangesAll, "fills or takes blanks where it says so"),
    ],
)
def test_a_broken_promise_is_caught(transform, promise):
    check = next(check for check in checks_of(transform()) if check.promise == promise)
    with pytest.raises(CheckFailed):
        check()


# ---------------------------------------------------------------- docs/transforms.md

PAGE = (Path(__file__).parents[2] / "docs" / "transforms.md").read_text(encoding="utf-8")
SECTIONS = {found[1]: found[2] for found in re.finditer(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)}


def test_the_pages_defaults_are_the_settings_own():
    assert set(SECTIONS) == set(NAMED)
    for name, transform in NAMED.items():
        rows = re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", SECTIONS[name], re.M)
        settings = transform.Settings(**getattr(transform, "example_settings", {})).model_dump(mode="json")
        defaults = {
            key: settings[key] if key not in getattr(transform, "example_settings", {}) else field.get_default()
            for key, field in transform.Settings.model_fields.items()
            if not field.is_required()
        }
        assert {key: yaml.safe_load(value) for key, value in rows} == json.loads(json.dumps(defaults))
