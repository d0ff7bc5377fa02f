"""Dice and HD95 of hand-made masks against MONAI, and the rule for what has no number."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from monai.metrics import DiceMetric, HausdorffDistanceMetric
from prldh_uctransnet.evaluation import compare, summarise

SPACING = (0.5, 0.75, 3.0)  # x, y, z


def _masks():
    """Reference and found: overlapping boxes, the same twice, apart, missed, false alarm, both empty."""
    shape = (4, 12, 14)
    empty = np.zeros(shape, bool)

    def box(z, y, x):
        made = empty.copy()
        made[z[0] : z[1], y[0] : y[1], x[0] : x[1]] = True
        return made

    a, b, c = box((1, 3), (2, 8), (3, 9)), box((1, 4), (3, 9), (5, 12)), box((0, 1), (9, 11), (11, 13))
    return [(a, b), (a, a), (a, c), (a, empty), (empty, b), (empty, empty)]


def _as_monai(metric, pairs):
    for reference, found in pairs:
        metric(
            y_pred=torch.tensor(found)[None, None].float(),
            y=torch.tensor(reference)[None, None].float(),
            **({"spacing": SPACING[::-1]} if isinstance(metric, HausdorffDistanceMetric) else {}),
        )
    return metric.get_buffer()[:, 0].tolist()


@pytest.mark.filterwarnings("ignore")
def test_as_monai_case_by_case_and_on_average():
    pairs = _masks()
    cases = [compare(f"P{i}", i + 2, a, b, SPACING) for i, (a, b) in enumerate(pairs)]
    dice = _as_monai(DiceMetric(include_background=True, ignore_empty=True), pairs[:4])
    assert [c.dice for c in cases[:4]] == pytest.approx(dice, abs=1e-6)
    distance = _as_monai(HausdorffDistanceMetric(include_background=True, percentile=95), pairs[:3])
    assert [c.hd95_mm for c in cases[:3]] == pytest.approx(distance, rel=1e-6)
    metric = HausdorffDistanceMetric(include_background=True, percentile=95, reduction="mean")
    _as_monai(metric, pairs[:3])
    assert summarise(cases[:3])["hd95_mm"]["mean"] == pytest.approx(metric.aggregate().item(), rel=1e-6)


def test_by_hand():
    (a, b), same, *_ = _masks()
    case = compare("P", 2, a, b, SPACING)
    assert case.dice == pytest.approx(2 * (2 * 5 * 4) / (2 * 6 * 6 + 3 * 6 * 7)) and case.kind == "both"
    assert compare("P", 2, *same, SPACING).hd95_mm == 0


def test_cases_without_a_number_are_counted_and_not_averaged_away():
    cases = [compare(f"P{i}", i + 2, a, b, SPACING) for i, (a, b) in enumerate(_masks())]
    assert [c.kind for c in cases] == ["both", "both", "both", "missed", "false_alarm", "both_empty"]
    assert (
        [c.dice for c in cases[3:5]] == [0, 0]
        and np.isnan(cases[5].dice)
        and all(np.isnan(c.hd95_mm) for c in cases[3:])
    )
    found = summarise(cases)
    assert (found["n_cases"], found["n_missed"], found["n_false_alarm"], found["n_both_empty"]) == (6, 1, 1, 1)
    dice = [c.dice for c in cases[:5]]
    assert (
        found["dice"]["n"] == 5
        and found["dice"]["mean"] == pytest.approx(np.mean(dice))
        and found["dice"]["sd"] == pytest.approx(np.std(dice, ddof=1))
    )
    assert found["hd95_mm"]["n"] == 3
    json.dumps(found, allow_nan=False)


@pytest.mark.filterwarnings("ignore")
def test_masks_of_noise_in_anisotropic_voxels_are_as_monai_has_them():
    """Ragged masks up to the border of the image, where surfaces are hardest."""
    generator = np.random.default_rng(4)
    pairs = [
        tuple(generator.random((5, 9, 11)) < share for share in generator.uniform(0.05, 0.9, 2)) for _ in range(12)
    ]
    cases = [compare("P", 2, a, b, SPACING) for a, b in pairs]
    assert [c.dice for c in cases] == pytest.approx(_as_monai(DiceMetric(), pairs), abs=1e-6)
    # MONAI: float32
    assert [c.hd95_mm for c in cases] == pytest.approx(
        _as_monai(HausdorffDistanceMetric(percentile=95), pairs), rel=1e-5
    )


@pytest.mark.filterwarnings("ignore")
def test_dice_where_drawn_is_monai_s_mean():
    """MONAI leaves out every case that the reader left empty; ours counts false alarms as 0, and gives that mean beside
    it."""
    cases = [compare(f"P{i}", i + 2, a, b, SPACING) for i, (a, b) in enumerate(_masks())]
    metric = DiceMetric(ignore_empty=True)
    _as_monai(metric, _masks())
    found = summarise(cases)
    assert found["dice_where_drawn"]["mean"] == pytest.approx(metric.aggregate().item(), abs=1e-6)
    assert (
        found["dice_where_drawn"]["n"] == 4
        and found["dice"]["n"] == 5
        and found["dice"]["mean"] < found["dice_where_drawn"]["mean"]
    )


def test_nothing_but_missed_cases_has_no_distance():
    """MONAI's mean over none is 0, which reads as perfect; here it is absent."""
    found = summarise([compare("P", 2, *_masks()[3], SPACING)])
    assert found["hd95_mm"] == {"n": 0, "mean": None, "sd": None, "median": None, "min": None, "max": None}
    assert found["dice"]["mean"] == 0 and found["dice"]["sd"] is None


def test_one_slice_is_compared_by_its_outlines():
    generator = np.random.default_rng(1)
    a, b = (np.zeros((1, 30, 30), bool) for _ in range(2))
    a[0, 5:20, 5:20], b[0, 8:26, 6:19] = True, True
    b ^= (generator.random(b.shape) < 0.02) & b
    expected = HausdorffDistanceMetric(include_background=True, percentile=95)
    expected(torch.tensor(b)[None].float(), torch.tensor(a)[None].float(), spacing=(2.0, 0.5))
    assert compare("P", 2, a, b, (0.5, 2.0, 9.0)).hd95_mm == pytest.approx(expected.aggregate().item(), rel=1e-6)
