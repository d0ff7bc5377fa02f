"""Dice's coefficient and the Hausdorff distance, by hand and against MONAI."""

import numpy as np
import pytest

from prldh.data.imaging.overlap import dice, hausdorff_mm


def _boxes(shift):
    a = np.zeros((6, 9, 10), bool)
    a[1:4, 2:6, 3:8] = True
    return a, np.roll(a, shift, axis=2)


def test_by_hand():
    a, b = _boxes(2)
    assert dice(a, b) == pytest.approx(2 * 36 / 120)
    assert hausdorff_mm(a, b, (3.0, 1.0, 0.5), 100) == pytest.approx(1.0)
    assert hausdorff_mm(a, a, (3.0, 1.0, 0.5)) == 0


def test_one_voxel_against_another():
    a, b = np.zeros((3, 4, 5), bool), np.zeros((3, 4, 5), bool)
    a[0, 0, 0] = b[2, 1, 3] = True
    assert hausdorff_mm(a, b, (2.0, 1.0, 0.5)) == pytest.approx(np.sqrt(16 + 1 + 2.25))
    assert dice(a, b) == 0


def test_empty_masks_have_no_distance():
    a, b = _boxes(1)
    empty = np.zeros_like(a)
    assert np.isnan(dice(empty, empty)) and dice(a, empty) == 0
    assert np.isnan(hausdorff_mm(a, empty, (1, 1, 1))) and np.isnan(hausdorff_mm(empty, empty, (1, 1, 1)))


@pytest.mark.parametrize("seed", range(6))
def test_as_monai(seed):
    monai = pytest.importorskip("monai.metrics", reason="MONAI comes with the UCTransNet plugin")
    torch = pytest.importorskip("torch")
    from scipy.ndimage import gaussian_filter

    generator = np.random.default_rng(seed)
    spacing = tuple(generator.uniform(0.4, 3, 3))
    shared = gaussian_filter(generator.normal(size=(12, 20, 17)), 2)
    a, b = (shared + 0.3 * gaussian_filter(generator.normal(size=shared.shape), 1) > 0.05 for _ in range(2))
    tensors = [torch.tensor(m)[None, None].float() for m in (a, b)]
    distance = monai.compute_hausdorff_distance(*tensors, include_background=True, percentile=95, spacing=spacing)
    assert hausdorff_mm(a, b, spacing) == pytest.approx(distance.item(), rel=1e-6)
    assert dice(a, b) == pytest.approx(monai.compute_dice(*tensors).item(), rel=1e-6)
