"""Blanks in features, wherever these are read and judged."""

from __future__ import annotations

import numpy as np
import pytest

from prldh.chain.applying import columns_needed, without_unneeded
from prldh.chain.selection.icc import IccSelector
from prldh.chain.transforms import ImputeTransform
from prldh.core import Blanks, Chosen, DataError, FeatureBlock, FittedStep, LinearScore, TrainingRows, complete_rows
from prldh.data import tell_of_blanks, without_constants
from prldh.data.imaging.patients import TissueImages
from prldh.data.imaging.sources import ChosenSource
from prldh.engines import PythonEngine

SEED, ENGINE = np.random.SeedSequence(1), PythonEngine()


def test_patterns_of_blanks_hold_every_column_once():
    blank = np.random.default_rng(0).random((12, 30)) < 0.1
    seen = []
    for columns, rows in complete_rows(blank):
        seen += columns.tolist()
        for j in columns:
            assert np.flatnonzero(~blank[:, j]).tolist() == rows.tolist()
    assert sorted(seen) == list(range(30))


def images(values, second):
    ids, names = tuple(f"P{i}" for i in range(len(values))), ("a", "b", "c", "d")
    chosen = {"s": ChosenSource(None, None, {}, "")}
    return TissueImages("disc", ids, names, ("s",) * 4, (values, second), (), (), (), chosen, {})


def test_a_feature_that_an_image_does_not_have_is_blank_where_blanks_are_allowed():
    values = np.arange(20.0).reshape(5, 4)
    second = values + 0.5
    values[1, 0], values[2, 1], values[:, 2] = np.nan, np.inf, np.nan
    second[3, 3] = np.nan
    measured = images(values, second)
    (block,), warnings = measured.blocks(measured.ids, Blanks(allowed=True))
    assert block.names == ("a", "b", "d") and np.isnan(block.first).sum() == 2 and np.isnan(block.first[2, 1])
    assert np.isnan(block.second).sum() == 1
    assert [w.code for w in warnings] == ["PRL-034"] and "1 features" in warnings[0].message  # nobody has c
    with pytest.raises(DataError, match="no feature has a value for every patient"):
        measured.blocks(measured.ids)


def test_blanks_are_told_and_do_not_vary():
    first = np.array([[1.0, 2.0, np.nan, 5.0], [np.nan, 2.0, np.nan, 6.0], [3.0, np.nan, np.nan, 7.0]])
    block = FeatureBlock("s", ("a", "b", "c", "d"), first, None)
    columns, dropped, warnings = without_constants("disc", block)
    assert columns.tolist() == [0, 3] and dropped == {"b": "constant", "c": "blank for every patient"}
    assert [w.code for w in warnings] == ["PRL-024", "PRL-026"]
    (told,) = tell_of_blanks("disc", block)
    assert "2 of 4 features are blank for some of 2 of 3 patients: a (33.3%), b (33.3%)" in told.message
    assert not tell_of_blanks("disc", FeatureBlock("s", ("d",), first[:, 3:], None))


@pytest.mark.parametrize("readers", [2, 3])
def test_agreement_is_of_those_whom_all_readers_measured(readers):
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(20, 4))
    values = [truth + 0.3 * rng.normal(size=truth.shape) for _ in range(readers)]
    filled = np.zeros((20, 4), dtype=bool)
    filled[:6, 1], filled[3:9, 2], filled[:18, 3] = True, True, True
    for each in values:
        each[filled] = 0.0  # whatever was filled in
    rows = TrainingRows(
        values[0], values[1], np.arange(20) % 2, np.arange(20), tuple("abcd"), further=tuple(values[2:]), filled=filled
    )
    selector = IccSelector()
    answer = selector.fit(rows, selector.Settings(threshold=0.0), SEED, ENGINE)
    own = [
        ENGINE.icc_of_ratings(np.stack([each[~filled[:, j], j] for each in values], axis=1))["estimate"][0]
        for j in range(3)
    ]
    assert answer.details["estimate"]["min"] == pytest.approx(min(own), rel=1e-12)
    assert answer.details["estimate"]["max"] == pytest.approx(max(own), rel=1e-12)
    assert answer.details["least_patients"] == 2
    assert answer.dropped == {"d": "ICC not defined (2 patients without blanks)"}


def test_frozen_steps_ask_for_what_the_score_reads():
    rows = TrainingRows(
        np.random.default_rng(0).normal(size=(10, 5)), None, np.arange(10) % 2, np.arange(10), tuple("abcde")
    )
    medians = ImputeTransform().fit(rows, ImputeTransform.Settings(), SEED, ENGINE)
    one = np.ones(1)
    chain = [
        FittedStep(Chosen(tuple("abcde")), "s", "columns", "1"),
        FittedStep(medians, "s", "impute", "1"),
        FittedStep(Chosen(("b", "d")), "s", "columns", "1"),
        FittedStep(Chosen(("x", "y")), "other", "columns", "1"),
        FittedStep(LinearScore(0.0, (("s", "d"),), one, one, one), None, "linear score", "1"),
    ]
    left = without_unneeded(chain)
    assert [step.fitted.outputs for step in left] == [("b", "d"), ("b", "d"), ("b", "d"), ("x", "y"), ()]
    assert columns_needed(left) == ["b", "d", "x", "y"]  # all that was selected, as ever
