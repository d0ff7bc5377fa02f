"""What must hold for any data: completions are observed values, rows and chains do not influence each other, pooling is
consistent."""

from __future__ import annotations

import warnings

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prldh.stats.chained_equations import CONTINUOUS, apply_chains, fit_chains
from prldh.stats.rubin import pool_auc, pool_covariance, pool_estimates

few = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def incomplete(draw, largest: int = 25):
    """Training rows and new rows, of any kinds, with ties, constants, collinear columns and holes; a third of the cells
    may be blank."""
    n, k, p, q = (draw(st.integers(a, b)) for a, b in ((1, largest), (1, 8), (1, 5), (0, 3)))
    kinds = tuple(draw(st.sampled_from([CONTINUOUS, 1, 2, 3, 5])) for _ in range(p))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = draw(st.sampled_from([0.0, 0.1, 0.4, 0.9, 1.0]))
    spread = draw(st.sampled_from([0.0, 1.0, 1e-9, 1e12]))
    base = rng.integers(0, 4, n + k)
    columns = []
    for kind in kinds:
        own = base if rng.random() < 0.3 else rng.integers(0, 6, n + k)
        columns.append(own * spread + rng.integers(0, 2) * 1e6 if kind == CONTINUOUS else own % kind)
    values = np.column_stack(columns).astype(float)
    values[rng.random(values.shape) < share] = np.nan
    extra = np.column_stack([base, rng.normal(size=n + k), rng.integers(0, 2, n + k)]).astype(float)[:, :q]
    return kinds, values[:n], extra[:n], values[n:], extra[n:], draw(st.integers(0, 10**6))


@few
@given(incomplete())
def test_completions_are_observed_values(data):
    kinds, values, extra, new, predictors, seed = data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        chains = fit_chains(values, kinds, extra, 2, 3, np.random.SeedSequence(seed))
        found = apply_chains(chains, new, predictors, np.arange(len(new)), np.random.SeedSequence(seed))
    for given_rows, filled in ((values, chains.completed), (new, found)):
        assert filled.shape == (2, *given_rows.shape)
        for t in range(len(kinds)):
            known = ~np.isnan(given_rows[:, t])
            observed = values[~np.isnan(values[:, t]), t]
            np.testing.assert_array_equal(filled[:, known, t], np.tile(given_rows[known, t], (2, 1)))
            assert np.isin(filled[:, ~known, t], observed if observed.size else [0.0]).all()
    assert chains.unobserved == tuple(np.flatnonzero(np.isnan(values).all(axis=0)))


@few
@given(incomplete(), st.data())
def test_a_new_row_depends_on_itself_alone(data, more):
    kinds, values, extra, new, predictors, seed = data
    ids = np.arange(len(new)) * 7 + 3
    sequence = np.random.SeedSequence(seed)
    whole = apply_chains(fit_chains(values, kinds, extra, 2, 2, sequence), new, predictors, ids, sequence)
    rows = np.array(more.draw(st.lists(st.integers(0, len(new) - 1), min_size=1, max_size=5)))
    some = apply_chains(
        fit_chains(values, kinds, extra, 2, 2, sequence), new[rows], predictors[rows], ids[rows], sequence
    )
    np.testing.assert_array_equal(some, whole[:, rows])


@few
@given(incomplete())
def test_fitting_knows_nothing_of_new_rows(data):
    """What new rows ask for adds models, and changes none."""
    kinds, values, extra, new, predictors, seed = data
    chains = fit_chains(values, kinds, extra, 2, 2, np.random.SeedSequence(seed))
    completed, models = chains.completed.copy(), [dict(m) for m in chains.models]
    first = apply_chains(chains, new, predictors, np.arange(len(new)), np.random.SeedSequence(1))
    apply_chains(chains, np.full_like(new, np.nan), predictors, np.arange(len(new)), np.random.SeedSequence(2))
    np.testing.assert_array_equal(chains.completed, completed)
    assert all(chains.models[j][t] is m for j in range(2) for t, m in models[j].items())
    np.testing.assert_array_equal(
        apply_chains(chains, new, predictors, np.arange(len(new)), np.random.SeedSequence(1)), first
    )


# -- Rubin's rules ---------------------------------------------------------------------------------------------

numbers = st.floats(-50, 50).map(lambda x: round(x, 6))
matrices = st.tuples(st.integers(1, 8), st.integers(1, 4)).flatmap(
    lambda shape: st.tuples(arrays(float, shape, elements=numbers), arrays(float, shape, elements=st.floats(1e-3, 50)))
)


@few
@given(matrices, st.sampled_from([np.inf, 200.0, 7.0]), st.randoms(use_true_random=False))
def test_pooling_is_consistent(data, df, random):
    q, u = data
    found = pool_estimates(q, u, df)
    m = len(q)
    np.testing.assert_allclose(found["estimate"], q.mean(axis=0), rtol=1e-12, atol=1e-12)
    assert (found["se"] ** 2 >= u.mean(axis=0) * (1 - 1e-12)).all()
    assert ((found["fmi"] >= 0) & (found["fmi"] <= 1) & (found["fmi"] >= found["lambda"])).all()
    assert (found["df"] > 0).all() and (found["df"] <= df).all()
    assert ((found["low"] <= found["estimate"]) & (found["estimate"] <= found["high"])).all()
    excludes_zero = (found["low"] > 0) | (found["high"] < 0)
    clear = np.abs(found["p"] - 0.05) > 1e-9
    assert (excludes_zero == (found["p"] < 0.05))[clear].all()
    order = list(range(m))
    random.shuffle(order)
    again = pool_estimates(q[order], u[order], df)
    for key in found:
        np.testing.assert_allclose(again[key], found[key], rtol=1e-7, atol=1e-9, err_msg=key)
    np.testing.assert_allclose(np.diag(pool_covariance(q, [np.diag(v) for v in u])), found["se"] ** 2, rtol=1e-9)


@few
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.05)), min_size=1, max_size=8))
def test_pooled_areas_are_areas(pairs):
    a, v = (np.array(x) for x in zip(*pairs, strict=True))
    a = np.round(a, 4)
    found = pool_auc(a, v)
    assert a.min() - 1e-12 <= found["estimate"] <= a.max() + 1e-12
    assert 0 <= found["low"] <= found["estimate"] + 1e-12 and found["estimate"] - 1e-12 <= found["high"] <= 1
    assert found["scale"] == ("identity" if ((a == 0) | (a == 1)).any() else "logit")
