"""Fit and apply under hypothesis: what must hold for any table, and any number that a state holds."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from prldh.chain.applying import apply_chain, tables_of
from prldh.chain.radscore import fit_tissue, training_rows
from prldh.chain.selection.correlation import CorrelationSelector
from prldh.chain.states import from_states, to_states
from prldh.chain.steps import Protocol, Step
from prldh.core.fitted import Chosen, LinearScore
from prldh.core.records import FeatureBlock, Subjects
from prldh.engines.python import PythonEngine
from prldh.plugins.registry import Registry

sys.path.insert(0, str(Path(__file__).parents[1]))
from fitted_steps import AsChosen, AsSelection, Clip

REGISTRY = Registry([Clip()], load_entry_points=False)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, width=64)


@st.composite
def studies(draw):
    """One or two sources of random values, continuous or with ties and constants, and steps in random order."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(12, 40))
    outcome = rng.permutation(np.arange(n) % draw(st.integers(2, 4)) == 0).astype(np.int8)
    blocks = []
    for source in ("a", "b")[: draw(st.integers(1, 2))]:
        p = draw(st.integers(1, 8))
        values = rng.normal(size=(n, p)) * 10.0 ** rng.integers(-6, 7, p) + outcome[:, None] * rng.normal(size=p)
        if draw(st.booleans()):
            values = np.round(values)
        names = tuple(f"{source} {j}" for j in rng.permutation(p))
        blocks.append(FeatureBlock(source, names, values, None))
    chosen = draw(st.lists(st.sampled_from([AsChosen(), AsSelection(), Clip(), CorrelationSelector()]), max_size=4))
    steps = tuple(Step(selector, selector.Settings()) for selector in chosen)
    rows = np.r_[np.flatnonzero(outcome)[:2], np.flatnonzero(outcome == 0)[:2], rng.integers(0, n, n)]
    return tuple(blocks), outcome, Protocol(steps, draw(st.booleans()), "best"), rows, rng


@settings(max_examples=60, deadline=None)
@given(studies())
def test_fit_and_apply_are_a_pair(study):
    blocks, outcome, protocol, rows, rng = study
    sources = tuple(block.source for block in blocks)
    training = training_rows(blocks, Subjects.each(outcome), rows)
    fit = fit_tissue(training, sources, protocol, np.random.SeedSequence(1), PythonEngine())
    scores = apply_chain(fit.chain, tables_of(blocks))
    np.testing.assert_array_equal(scores[rows], fit.values)
    again = from_states(json.loads(json.dumps(to_states(fit.chain), allow_nan=False)), REGISTRY, "tissues.x")
    np.testing.assert_array_equal(apply_chain(again, tables_of(blocks)), scores)
    patients = rng.permutation(outcome.size)
    turned = []
    for block in blocks:
        order = rng.permutation(len(block.names))
        names = tuple(block.names[j] for j in order)
        turned.append(FeatureBlock(block.source, names, block.first[np.ix_(patients, order)], None))
    np.testing.assert_array_equal(apply_chain(again, tables_of(turned)), scores[patients])


@given(NUMBERS, st.lists(st.tuples(st.text(max_size=8), NUMBERS, NUMBERS, NUMBERS), max_size=6))
def test_numbers_and_names_come_back_as_they_were(intercept, terms):
    numbers = [np.array([term[k] for term in terms], dtype=float) for k in (1, 2, 3)]
    score = LinearScore(intercept, tuple(("source", f"{j}{term[0]}") for j, term in enumerate(terms)), *numbers)
    again = LinearScore.from_state(json.loads(json.dumps(score.state, allow_nan=False)))
    assert again.features == score.features and np.float64(again.intercept).tobytes() == np.float64(intercept).tobytes()
    for before, after in zip(numbers, (again.coefficients, again.center, again.scale), strict=True):
        assert before.tobytes() == after.tobytes()
    chosen = Chosen(score.names)
    assert Chosen.from_state(json.loads(json.dumps(chosen.state))) == chosen
