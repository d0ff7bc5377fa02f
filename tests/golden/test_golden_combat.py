"""ComBat beside R's ``sva::ComBat``, at its own stopping rule, and where sva has no answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from prldh.core import DataError
from prldh.stats.combat import apply_combat, effect_of_new_batch, fit_combat

GOLDEN = {
    key: np.array(value) if isinstance(value, list) else value
    for key, value in json.loads((Path(__file__).parent / "data" / "golden_combat.json").read_text()).items()
}
BATCH, VALUES = GOLDEN["batch"], GOLDEN["values"]
KEPT = np.column_stack([GOLDEN["age"], GOLDEN["sex"]]).astype(float)


def inputs(p):
    """The formula of make_golden_combat.R."""
    i, j = np.arange(1, GOLDEN["n"] + 1)[:, None], np.arange(1, p + 1)
    b = BATCH[:, None]
    return (
        10 * j
        + (1 + 0.3 * j) * (np.sin(i * j * 1.7) + np.cos(i * i + j))
        + b * (0.5 + 0.1 * j)
        + b * 0.4 * np.sin(i * 3.1 + j * 2.3)
        + 0.03 * j * i
    )


def corrected(values, batch, covariates=None, is_parametric=True, reference=None):
    fit = fit_combat(values, batch, covariates, is_parametric, reference)
    return apply_combat(fit, values, batch, covariates)


@pytest.mark.parametrize(
    ("name", "covariates", "is_parametric", "reference"),
    [
        ("parametric", None, True, None),
        ("nonparametric", None, False, None),
        ("reference", None, True, 1),
        ("parametric_mod", KEPT, True, None),
        ("nonparametric_mod", KEPT, False, None),
        ("reference_mod", KEPT, True, 2),
        ("reference_nonparametric_mod", KEPT, False, 0),
    ],
)
def test_as_sva(name, covariates, is_parametric, reference):
    found = corrected(VALUES, BATCH, covariates, is_parametric, reference)
    np.testing.assert_allclose(found, GOLDEN[name], rtol=1e-8, atol=1e-8)
    assert np.abs(found - VALUES).max() > 0.5  # it does something
    if reference is not None:
        np.testing.assert_array_equal(found[BATCH == reference], VALUES[BATCH == reference])


def test_more_features_than_patients():
    np.testing.assert_allclose(inputs(12), VALUES, rtol=1e-12)
    found = corrected(inputs(60), BATCH, KEPT)
    np.testing.assert_allclose(found[:, [0, 16, 59]], GOLDEN["wide"], rtol=1e-8)


def test_what_does_not_vary_within_a_batch_stays():
    flat = VALUES.copy()
    flat[BATCH == 1, 2], flat[:, 6] = 5.0, 2.0
    found = corrected(flat, BATCH, KEPT)
    np.testing.assert_allclose(found, GOLDEN["flat"], rtol=1e-8)
    np.testing.assert_array_equal(found[:, [2, 6]], flat[:, [2, 6]])


@pytest.mark.parametrize(
    ("name", "covariates", "is_parametric"), [("alone", KEPT, True), ("alone_nonparametric", None, False)]
)
def test_a_batch_of_one_row_is_corrected_in_location(name, covariates, is_parametric):
    """sva corrects every batch in location alone then; of that row the answers are the same."""
    batch = BATCH.copy()
    batch[3] = 3
    fit = fit_combat(VALUES, batch, covariates, is_parametric)
    found = apply_combat(fit, VALUES, batch, covariates)
    np.testing.assert_allclose(found[3], GOLDEN[name], rtol=1e-8)
    assert (fit.effects[3].scale == 1).all() and (fit.effects[0].scale != 1).all()


def plainly(values, batch, covariates, reference=None):
    """Johnson's parametric ComBat feature by feature, in loops: standardise, shrink, take away."""
    n, p = values.shape
    batches = range(int(batch.max()) + 1)
    x = np.column_stack([batch == i for i in batches] + [covariates]).astype(float)
    beta = [np.linalg.lstsq(x, values[:, j], rcond=None)[0] for j in range(p)]
    z, mean, sd = np.empty((n, p)), np.empty((n, p)), np.empty(p)
    for j in range(p):
        rest = values[:, j] - x @ beta[j]
        base = batch == reference if reference is not None else np.ones(n, bool)
        sd[j] = np.sqrt(np.mean(rest[base] ** 2))
        shares = [np.mean(batch == i) if reference is None else float(i == reference) for i in batches]
        center = sum(share * beta[j][i] for i, share in enumerate(shares))
        mean[:, j] = center + covariates @ beta[j][len(shares) :]
        z[:, j] = (values[:, j] - mean[:, j]) / sd[j]
    for i in batches:
        own = z[batch == i]
        g, d = own.mean(axis=0), own.var(axis=0, ddof=1)
        if i == reference:
            continue
        t2, m, s2 = g.var(ddof=1), d.mean(), d.var(ddof=1)
        a, b = (2 * s2 + m**2) / s2, (m * s2 + m**3) / s2
        g_star, d_star, change = g, d, 1.0
        while change > 1e-4:
            g_new = (t2 * len(own) * g + d_star * g.mean()) / (t2 * len(own) + d_star)
            d_new = (0.5 * ((own - g_new) ** 2).sum(axis=0) + b) / (len(own) / 2 + a - 1)
            change = max((abs(g_new - g_star) / g_star).max(), (abs(d_new - d_star) / d_star).max())
            g_star, d_star = g_new, d_new
        z[batch == i] = (own - g_star) / np.sqrt(d_star)
    answer = z * sd + mean
    return np.where((batch == reference)[:, None], values, answer) if reference is not None else answer


@pytest.mark.parametrize("reference", [None, 1])
def test_as_the_definition_in_plain_loops(reference):
    np.testing.assert_allclose(
        corrected(VALUES, BATCH, KEPT, True, reference), plainly(VALUES, BATCH, KEPT, reference), rtol=1e-9
    )


def test_new_rows_get_the_frozen_parameters():
    """As neuroHarmonize's ``harmonizationApply``: the training rows' location and scale of each batch, whoever comes,
    alone or with others. What the training rows get is what their fit gave."""
    rng = np.random.default_rng(4)
    train = rng.permutation(len(VALUES))[:24]
    new = np.setdiff1d(np.arange(len(VALUES)), train)
    fit = fit_combat(VALUES[train], BATCH[train], KEPT[train])
    together = apply_combat(fit, VALUES[new], BATCH[new], KEPT[new])
    for row, of_row in zip(new, together, strict=True):
        np.testing.assert_array_equal(apply_combat(fit, VALUES[[row]], BATCH[[row]], KEPT[[row]])[0], of_row)
        effect = fit.effects[BATCH[row]]
        mean = fit.center + KEPT[row] @ fit.covariates
        by_hand = ((VALUES[row] - mean) / fit.spread - effect.location) / np.sqrt(effect.scale) * fit.spread + mean
        np.testing.assert_allclose(of_row, by_hand, rtol=1e-12)


@pytest.mark.parametrize(("name", "reference"), [("all", None), ("reference", 1)])
def test_as_neuroharmonize_on_new_rows(name, reference):
    facts = json.loads((Path(__file__).parent / "data" / "golden_harmonize.json").read_text())
    train, new = slice(None, facts["n_train"]), slice(facts["n_train"], None)
    fit = fit_combat(VALUES[train], BATCH[train], KEPT[train], True, reference)
    for rows, key in ((train, "trained"), (new, "applied")):
        found = apply_combat(fit, VALUES[rows], BATCH[rows], KEPT[rows])
        np.testing.assert_allclose(found, facts[name][key], rtol=1e-9)


@pytest.mark.parametrize("is_parametric", [True, False])
def test_order_units_and_coding_do_not_matter(is_parametric):
    found = corrected(VALUES, BATCH, KEPT, is_parametric)
    turned = np.random.default_rng(1).permutation(len(VALUES))
    np.testing.assert_allclose(corrected(VALUES[turned], BATCH[turned], KEPT[turned], is_parametric), found[turned])
    unit, shift = 10.0 ** np.arange(-6, 6), 1e3 * np.arange(12)
    np.testing.assert_allclose(corrected(VALUES * unit + shift, BATCH, KEPT, is_parametric), found * unit + shift)
    recoded = np.column_stack([1e4 - 7 * KEPT[:, 0], 3 + 2 * KEPT[:, 1] - 0.1 * KEPT[:, 0]])
    np.testing.assert_allclose(corrected(VALUES, BATCH, recoded, is_parametric), found)
    np.testing.assert_allclose(corrected(VALUES, (BATCH + 1) % 3, KEPT, is_parametric), found)


def test_known_batches_are_recovered():
    """Many features, a known offset and factor a batch: what is estimated is near, and what is left has neither."""
    rng = np.random.default_rng(6)
    n, p = 600, 80
    batch, x = rng.integers(0, 4, n), rng.normal(size=(n, 1))
    offset, factor = np.array([0.0, 1.0, -2.0, 0.5]), np.array([1.0, 1.5, 0.7, 2.0])
    values = x * 0.8 + offset[batch][:, None] + factor[batch][:, None] * rng.normal(size=(n, p))
    for is_parametric in (True, False):
        fit = fit_combat(values, batch, x, is_parametric)
        location = np.array([(effect.location * fit.spread).mean() for effect in fit.effects])
        scale = np.array([(np.sqrt(effect.scale) * fit.spread).mean() for effect in fit.effects])
        np.testing.assert_allclose(location - location[0], offset, atol=0.15)
        np.testing.assert_allclose(scale, factor, rtol=0.06)
        found = apply_combat(fit, values, batch, x)
        means = np.array([(found - 0.8 * x)[batch == i].mean(axis=0) for i in range(4)])
        assert np.ptp(means, axis=0).max() < 0.4 < 0.2 * np.ptp(offset)
        slope = np.array([np.polyfit(x[:, 0], column, 1)[0] for column in found.T])
        np.testing.assert_allclose(slope, 0.8, atol=0.25)  # what was kept is still there


def test_where_sva_has_no_answer():
    one = corrected(VALUES[:, :1], BATCH)  # no other feature to shrink towards: location and scale as they are
    for i in range(3):
        assert one[BATCH == i].mean() == pytest.approx(one.mean(), rel=1e-12)
    same = corrected(np.repeat(VALUES[:, :1], 4, axis=1), BATCH)  # priors without variance
    assert np.isfinite(same).all()
    np.testing.assert_allclose(same, np.repeat(same[:, :1], 4, axis=1), rtol=1e-12)
    many = np.random.default_rng(2).normal(size=(4000, 5)) * [1, 2, 3, 4, 5]  # likelihoods of 0 in floating point
    found = corrected(many, np.arange(4000) % 2, is_parametric=False)
    assert np.isfinite(found).all()
    determined = np.column_stack([VALUES, 3 * KEPT[:, 0] + BATCH])  # nothing left of it
    np.testing.assert_array_equal(corrected(determined, BATCH, KEPT)[:, -1], determined[:, -1])


def test_copies_of_one_patient_are_one_row():
    """As in a bootstrap sample: they do not vary, and must not keep all features from being corrected."""
    batch = BATCH.copy()
    batch[3] = 3
    twice = np.append(np.arange(len(VALUES)), [3, 3])
    fit = fit_combat(VALUES[twice], batch[twice])
    assert fit.changed.all() and (fit.effects[3].scale == 1).all()
    alone = fit_combat(VALUES, VALUES[:, 0].argsort() * 0, reference=0)  # a batch of its own is what it is
    np.testing.assert_array_equal(apply_combat(alone, VALUES, BATCH * 0), VALUES)


def test_a_new_batch_by_its_own_rows():
    rest = BATCH != 2
    fit = fit_combat(VALUES[rest], BATCH[rest], KEPT[rest])
    effect = effect_of_new_batch(fit, VALUES[~rest], KEPT[~rest])
    found = apply_combat(fit, VALUES[~rest], np.full((~rest).sum(), 2), KEPT[~rest], (effect,))
    before = (VALUES[~rest] - (fit.center + KEPT[~rest] @ fit.covariates)) / fit.spread
    after = (found - (fit.center + KEPT[~rest] @ fit.covariates)) / fit.spread
    assert np.abs(after.mean(axis=0)).mean() < 0.3 * np.abs(before.mean(axis=0)).mean()
    untouched = apply_combat(fit, VALUES[~rest], np.full((~rest).sum(), -1), KEPT[~rest])
    np.testing.assert_array_equal(untouched, VALUES[~rest])
    flat = VALUES[~rest].copy()
    flat[:, 3] = 1.0
    assert np.isfinite(effect_of_new_batch(fit, flat, KEPT[~rest]).scale).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v, b, x: (v, b * 0, x), "one batch alone"),
        (lambda v, b, x: (v, b, (b == 1)[:, None] * 1.0), "determined by the batches"),
        (lambda v, b, x: (v, b, np.column_stack([x, x[:, 0] + b])), "determined by the batches"),
        (lambda v, b, x: (v, b, x * 0), "determined by the batches"),
        (lambda v, b, x: (v[:4], np.array([0, 0, 1, 1]), x[:4]), "4 rows are too few"),
        (lambda v, b, x: (v, np.arange(len(v)), None), "too few|one patient alone"),
        (lambda v, b, x: (np.where(v > v.mean(), np.nan, v), b, x), "must be finite"),
    ],
)
def test_bad_input(change, message):
    with pytest.raises(DataError, match=message):
        fit_combat(*change(VALUES, BATCH, KEPT))


def test_a_reference_of_one_row():
    batch = BATCH.copy()
    batch[3] = 3
    with pytest.raises(DataError, match="reference batch has one patient"):
        fit_combat(VALUES, batch, None, True, 3)
