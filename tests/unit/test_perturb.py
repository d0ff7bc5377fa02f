"""Perturbed masks: what each setting does, and that nothing is lost at a border or of a voxel."""

import numpy as np
import pytest

from prldh.core import StudyError
from prldh.data.imaging.overlap import dice, hausdorff_mm
from prldh.data.imaging.perturb import Perturbation, perturb_mask
from prldh.plugins import settings_of

SPACING = (3.0, 0.8, 0.8)
STILL = {"contour_mm": 0, "translation_mm": 0, "rotation_degrees": 0}


def _ellipsoid(shape=(16, 60, 60), radius=(4, 14, 10), center=None):
    center = center or [s / 2 for s in shape]
    return (
        sum(
            ((g - c) / r) ** 2
            for g, c, r in zip(np.ogrid[tuple(slice(0, s) for s in shape)], center, radius, strict=True)
        )
        <= 1
    )


def test_without_any_perturbation_the_mask_stays():
    mask = _ellipsoid()
    assert (perturb_mask(mask, SPACING, Perturbation(**STILL), np.random.default_rng(1)) == mask).all()


def test_a_translation_moves_the_centre_by_as_many_millimetres():
    mask = _ellipsoid()
    moved = []
    for seed in range(200):
        found = perturb_mask(
            mask, SPACING, Perturbation(**STILL | {"translation_mm": 1.6}), np.random.default_rng(seed)
        )
        moved.append((np.argwhere(found).mean(axis=0) - np.argwhere(mask).mean(axis=0)) * SPACING)
    np.testing.assert_allclose(np.std(moved, axis=0)[1:], 1.6, rtol=0.2)
    assert np.abs(np.mean(moved, axis=0)).max() < 0.5


def test_a_turn_keeps_centre_and_volume():
    mask = _ellipsoid()
    found = perturb_mask(mask, SPACING, Perturbation(**STILL | {"rotation_degrees": 20}), np.random.default_rng(4))
    assert found.sum() == pytest.approx(mask.sum(), rel=0.02) and dice(found, mask) < 0.995
    np.testing.assert_allclose(np.argwhere(found).mean(axis=0), np.argwhere(mask).mean(axis=0), atol=0.1)


def test_the_contour_moves_by_about_its_setting():
    mask = _ellipsoid()
    found = [
        perturb_mask(mask, SPACING, Perturbation(**STILL | {"contour_mm": 1.0}), np.random.default_rng(s))
        for s in range(20)
    ]
    assert 0.8 < np.mean([hausdorff_mm(mask, f, SPACING) for f in found]) < 3.2
    assert np.mean([f.sum() for f in found]) == pytest.approx(mask.sum(), rel=0.1)


def test_the_same_seed_gives_the_same_mask():
    first, second = (perturb_mask(_ellipsoid(), SPACING, Perturbation(), np.random.default_rng(7)) for _ in range(2))
    assert (first == second).all() and (first != _ellipsoid()).any()


@pytest.mark.parametrize("corner", [(0, 0, 0), (15, 59, 59), (8, 0, 30)])
def test_a_region_at_the_border_stays_on_the_grid(corner):
    mask = _ellipsoid(center=corner)
    found = perturb_mask(mask, SPACING, Perturbation(), np.random.default_rng(2))
    assert found.shape == mask.shape and dice(found, mask) > 0.7


def test_one_voxel_never_vanishes():
    mask = np.zeros((5, 6, 7), bool)
    mask[2, 3, 3] = True
    assert all(
        perturb_mask(mask, SPACING, Perturbation(contour_mm=3), np.random.default_rng(s)).any() for s in range(30)
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("across", [0.1, 1.0, 30.0])
def test_in_an_image_of_one_plane_the_mask_stays_in_its_plane(axis, across):
    """Whatever stands for the thickness changes nothing."""
    y, x = np.mgrid[:48, :64]
    plane = ((y - 24) / 10) ** 2 + ((x - 30) / 14) ** 2 < 1
    mask, spacing = np.expand_dims(plane, axis), list(np.insert([0.5, 0.5], axis, across))
    sizes = [int(perturb_mask(mask, tuple(spacing), Perturbation(), np.random.default_rng(s)).sum()) for s in range(20)]
    assert len(set(sizes)) > 5 and 0.8 * plane.sum() < min(sizes) and max(sizes) < 1.25 * plane.sum()


@pytest.mark.parametrize("settings", [{"contour_mm": float("inf")}, {"contour_mm": 1e6}, {"rotation_degrees": 1e300}])
def test_what_no_machine_holds_is_refused_in_the_study_file(settings):
    with pytest.raises(StudyError, match=r"^extraction\.perturb: (contour_mm|rotation_degrees): .*(at most|finite)"):
        settings_of(Perturbation, settings, "extraction.perturb")
