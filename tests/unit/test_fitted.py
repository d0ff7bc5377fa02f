"""Fit and apply are a pair: what was fitted on training rows gives the same on them, on others, and from its state."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from prldh.chain.applying import apply_chain, apply_to_training, change_values, columns_needed, score_inputs, tables_of
from prldh.chain.radscore import fit_tissue, training_rows
from prldh.chain.selection.correlation import CorrelationSelector
from prldh.chain.states import from_states, to_states
from prldh.chain.steps import Protocol, Step
from prldh.core.errors import DataError, PluginError
from prldh.core.fitted import Chosen, LinearScore
from prldh.core.records import FeatureBlock, ImageValues, Subjects
from prldh.engines.python import PythonEngine
from prldh.plugins.registry import Registry

sys.path.insert(0, str(Path(__file__).parents[1]))
from fitted_steps import AsChosen, AsSelection, ChooseImages, Clip, Rotate

N = 60


def make_blocks(seed=0, n=N, has_images=False):
    """Two sources of two readers, of which some columns tell of the outcome."""
    rng = np.random.default_rng(seed)
    outcome = (np.arange(n) % 3 == 0).astype(np.int8)
    blocks = []
    for source, p in (("radiomics", 12), ("deep", 7)):
        values = rng.normal(size=(n, p)) + 1.2 * outcome[:, None] * (np.arange(p) < 3)
        images = None
        if has_images:
            row = np.repeat(np.arange(n), 3)
            single = values[row] + rng.normal(size=(3 * n, p))
            images = tuple(ImageValues(single + shift, row, rng.uniform(0.5, 2, 3 * n)) for shift in (0.0, 0.1))
            values = images[0].pooled()
        second = images[1].pooled() if images else values + 0.1 * rng.normal(size=values.shape)
        names = tuple(f"{source} {j}" for j in range(p))
        blocks.append(FeatureBlock(source, names, values, second, None, images))
    return tuple(blocks), outcome


def protocol_of(*selectors, by_source=True):
    return Protocol(tuple(Step(s, s.Settings()) for s in selectors), by_source, "best")


def fit(blocks, outcome, protocol, rows=None):
    rows = np.sort(np.random.default_rng(1).integers(0, outcome.size, outcome.size)) if rows is None else rows
    training = training_rows(blocks, Subjects.each(outcome), rows)
    sources = tuple(b.source for b in blocks)
    return rows, fit_tissue(training, sources, protocol, np.random.SeedSequence(3), PythonEngine(), is_described=True)


CHAINS = {
    "columns": ((CorrelationSelector(),), True),
    "columns of all sources together": ((CorrelationSelector(),), False),
    "every column": ((), True),
    "values": ((Clip(), CorrelationSelector()), True),
    "values after a choice, of all sources together": ((AsChosen(), Clip()), False),
    "other columns": ((Clip(), Rotate(), AsSelection()), True),
    "images": ((AsSelection(), ChooseImages(), CorrelationSelector()), True),
}


@pytest.fixture(params=CHAINS)
def fitted(request):
    """Blocks, the rows that trained (which repeat), and the fit."""
    selectors, by_source = CHAINS[request.param]
    blocks, outcome = make_blocks(has_images=any(isinstance(s, ChooseImages) for s in selectors))
    return blocks, *fit(blocks, outcome, protocol_of(*selectors, by_source=by_source))


def test_what_was_fitted_gives_the_training_rows_their_values_again(fitted):
    blocks, rows, found = fitted
    np.testing.assert_array_equal(apply_chain(found.chain, tables_of(blocks))[rows], found.values)


def test_from_its_state_it_is_bitwise_the_same(fitted):
    blocks, _, found = fitted
    text = json.dumps(to_states(found.chain), allow_nan=False)
    registry = Registry([Clip(), Rotate(), ChooseImages()], load_entry_points=False)
    again = from_states(json.loads(text), registry, "tissues.disc")
    others, _ = make_blocks(seed=9, n=25, has_images=blocks[0].images is not None)
    np.testing.assert_array_equal(apply_chain(again, tables_of(others)), apply_chain(found.chain, tables_of(others)))
    assert json.dumps(to_states(again)) == text


def _turned(block):
    order = np.arange(len(block.names))[::-1]
    images = block.images and tuple(each.take(order) for each in block.images)
    names = tuple(block.names[j] for j in order)
    return replace(block, names=names, first=block.first[:, order], second=None, images=images)


def test_columns_may_stand_in_another_order(fitted):
    blocks, _, found = fitted
    turned = tuple(_turned(block) for block in reversed(blocks))
    np.testing.assert_array_equal(
        apply_chain(found.chain, tables_of(turned)), apply_chain(found.chain, tables_of(blocks))
    )


def test_a_column_that_is_missing_is_one_message(fitted):
    blocks, _, found = fitted
    name = columns_needed(found.chain)[-1]
    (block,) = (b for b in blocks if name in b.names)
    stays = np.array([j for j, each in enumerate(block.names) if each != name])
    images = block.images and tuple(each.take(stays) for each in block.images)
    fewer = replace(
        block, names=tuple(block.names[j] for j in stays), first=block.first[:, stays], second=None, images=images
    )
    with pytest.raises(DataError, match=f"the column '{name}'.* is missing"):
        apply_chain(found.chain, tables_of(fewer if b is block else b for b in blocks))


def test_rows_need_no_columns_but_those(fitted):
    blocks, _, found = fitted
    needed = set(columns_needed(found.chain))
    fewer = []
    for block in blocks:
        stays = np.array([j for j, name in enumerate(block.names) if name in needed], dtype=int)
        images = block.images and tuple(each.take(stays) for each in block.images)
        names = tuple(block.names[j] for j in stays)
        fewer.append(replace(block, names=names, first=block.first[:, stays], second=None, images=images))
    np.testing.assert_array_equal(
        apply_chain(found.chain, tables_of(fewer)), apply_chain(found.chain, tables_of(blocks))
    )


def test_the_score_reads_the_values_that_the_report_shows(fitted):
    blocks, rows, found = fitted
    changed = change_values(blocks, found.chain)
    columns = {name: block.first[:, j] for block in changed for j, name in enumerate(block.names)}
    inputs = score_inputs(found.chain, tables_of(blocks))
    assert inputs.names == found.radscore.names
    for j, name in enumerate(inputs.names):
        np.testing.assert_array_equal(inputs.values[:, j], columns[name])
        np.testing.assert_allclose(found.radscore.center[j], inputs.values[rows, j].mean(), atol=1e-12)
    source = {name: block.source for block in changed for name in block.names}
    assert [(source[name], name) for name in inputs.names] == list(found.radscore.features)


def _far(block, rows):
    """The block with other values in these rows."""
    is_far = np.isin(np.arange(N), rows)
    images = block.images and tuple(
        each._replace(values=each.values + 1e3 * is_far[each.row, None]) for each in block.images
    )
    first, second = (values + 1e3 * is_far[:, None] for values in (block.first, block.second))
    return replace(block, first=first, second=second, images=images)


@pytest.mark.parametrize("name", CHAINS)
def test_held_out_rows_move_nothing_that_is_fitted(name):
    selectors, by_source = CHAINS[name]
    protocol = protocol_of(*selectors, by_source=by_source)
    blocks, outcome = make_blocks(has_images=any(isinstance(s, ChooseImages) for s in selectors))
    rows, found = fit(blocks, outcome, protocol)
    far = tuple(_far(block, np.setdiff1d(np.arange(N), rows)) for block in blocks)
    _, again = fit(far, outcome, protocol)
    assert to_states(again.chain) == to_states(found.chain) and len(rows) == N > np.unique(rows).size
    np.testing.assert_array_equal(apply_chain(found.chain, tables_of(far))[rows], found.values)


def test_choices_of_columns_in_a_row_are_one():
    blocks, outcome = make_blocks()
    _, found = fit(blocks, outcome, protocol_of(CorrelationSelector(), AsSelection()))
    assert [(type(s.fitted), s.source) for s in found.chain] == [
        (Chosen, "radiomics"),
        (Chosen, "deep"),
        (LinearScore, None),
    ]
    assert len(columns_needed(found.chain)) == len(found.radscore.names) == 6


def test_a_selection_and_something_fitted_choose_the_same():
    blocks, outcome = make_blocks()
    found = [fit(blocks, outcome, protocol_of(selector))[1] for selector in (AsSelection(), AsChosen())]
    assert found[0].steps == found[1].steps and found[0].warnings == found[1].warnings
    assert to_states(found[0].chain) == to_states(found[1].chain)
    np.testing.assert_array_equal(found[0].values, found[1].values)


def test_another_reader_and_perturbed_masks_get_the_same_limits():
    blocks, outcome = make_blocks()
    rng = np.random.default_rng(4)
    block = replace(blocks[0], perturbed=blocks[0].first + rng.normal(size=(4, *blocks[0].first.shape)))
    (rows,) = training_rows((block,), Subjects.each(outcome), np.arange(N))
    limits = Clip().fit(rows, Clip.Settings(), None, None)
    changed, warnings = apply_to_training(limits, rows)
    assert not warnings and changed.names == rows.names
    for before, after in ((rows.values, changed.values), (rows.second, changed.second)):
        np.testing.assert_array_equal(after, np.clip(before, limits.low, limits.high))
    np.testing.assert_array_equal(changed.perturbed, np.clip(rows.perturbed, limits.low, limits.high))
    assert (changed.second != rows.second).any() and (changed.second <= limits.high).all()


def test_a_column_that_becomes_constant_goes_with_that_reason():
    blocks, outcome = make_blocks()
    values = blocks[0].first.copy()
    values[:, 5] = 0
    values[7, 5] = 1  # one value beyond the quantiles
    block = replace(blocks[0], first=values)
    _, found = fit((block,), outcome, protocol_of(Clip()), np.arange(N))
    (step,) = found.steps
    assert step.dropped == {"radiomics 5": "constant after it"} and step.n_out == 11
    assert "radiomics 5" not in found.radscore.names
    flat = replace(blocks[0], first=np.eye(N)[:, :12])
    _, found = fit((flat,), outcome, protocol_of(Clip()), np.arange(N))
    assert found.empty_step == "every feature of source 'radiomics' is constant after 'clip'." and not found.chain


# ---------------------------------------------------------------- states that cannot be read


def _entry(**changes):
    blocks, outcome = make_blocks()
    _, found = fit(blocks[:1], outcome, protocol_of(Clip()))
    return {**to_states(found.chain)[0], **changes}


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"version": "2"}, DataError, "'clip' is of version 2, and version 3 is installed.*`prldh analyze … --force`"),
        ({"step": "klip"}, PluginError, "tissues.disc: there is no selector 'klip'.*Did you mean 'clip'"),
        ({"step": "icc"}, PluginError, "'icc' has no from_state"),
        ({"step": "columns"}, DataError, "'columns' is of version 3, and version 1 is installed"),
        ({"step": "columns", "version": "1", "state": {}}, DataError, "'columns' is damaged: it has no names"),
        ({"state": {}}, PluginError, "the selector 'clip' failed: KeyError"),
        ({"state": None}, DataError, "its selection chose among single images, which model.json does not hold"),
    ],
)
def test_a_state_that_cannot_be_read_is_one_message(changes, error, message):
    registry = Registry([Clip()], load_entry_points=False)
    entry = _entry(**changes)
    if changes.get("step") == "icc":
        entry["version"] = registry.choose("register_selectors", "icc", "").version
    with pytest.raises(error, match=message) as caught:
        from_states([entry], registry, "tissues.disc")
    assert "\n" not in str(caught.value)


def test_images_that_are_not_there_are_told():
    blocks, outcome = make_blocks(has_images=True)
    _, found = fit(blocks, outcome, protocol_of(ChooseImages()))
    with pytest.raises(DataError, match="chooses among single images, and there are none"):
        apply_chain(found.chain, tables_of(replace(b, images=None) for b in blocks))
