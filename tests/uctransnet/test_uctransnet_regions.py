"""From image and mask to picture, by hand."""

from __future__ import annotations

from itertools import permutations, product
from types import SimpleNamespace

import numpy as np
import pytest
from prldh_uctransnet.regions import Window, choose_slices, cut_window, pictures_of, stack_of, window_of
from prldh_uctransnet.settings import Settings

from prldh.core.errors import DataError
from prldh.core.imaging import Case, Geometry, Volume

IDENTITY = (1.0, 0, 0, 0, 1, 0, 0, 0, 1)


def make_case(values, *masks, spacing=(1.0, 1.0, 1.0), direction=IDENTITY, patient="P1"):
    geometry = Geometry(values.shape[::-1], spacing, (0.0, 0.0, 0.0), direction)
    return Case(patient, "disc", 2, Volume(values, geometry, "MR"), masks)


def _block(shape=(6, 20, 24), seed=0):
    values = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    mask = np.zeros(shape, bool)
    mask[1:5, 4:12, 3:9] = True
    mask[2, 4:14, 3:11] = True
    return values, mask


def test_slices_are_chosen_by_area_and_position():
    mask = np.zeros((8, 3, 4), bool)
    for k, n in ((1, 2), (3, 5), (4, 5), (6, 1)):
        mask[k].flat[:n] = True
    assert choose_slices(mask, "largest") == [3]
    assert choose_slices(mask, "all") == [1, 3, 4, 6]
    assert choose_slices(mask, SimpleNamespace(middle=2)) == [3, 4]
    assert choose_slices(mask, SimpleNamespace(middle=1)) == [3]
    assert choose_slices(mask, SimpleNamespace(middle=3)) == [1, 3, 4]
    assert choose_slices(mask, SimpleNamespace(middle=9)) == [1, 3, 4, 6]
    with pytest.raises(DataError, match="mask is empty"):
        choose_slices(mask & False, "largest")


def test_the_rectangle_is_widened_in_mm_and_cut_at_the_border():
    mask = np.zeros((20, 30), bool)
    mask[5:9, 10:20] = True
    assert window_of(mask, (1, 1), 0, "rectangle") == Window(5, 9, 10, 20)
    assert window_of(mask, (2, 0.5), 2, "rectangle") == Window(4, 10, 6, 24)
    assert window_of(mask, (2, 0.5), 2.1, "rectangle") == Window(3, 11, 5, 25)
    assert window_of(mask, (1, 1), 100, "rectangle") == Window(0, 20, 0, 30)


def test_the_square_is_square_in_mm_and_stays_inside_where_it_fits():
    mask = np.zeros((20, 30), bool)
    mask[1:3, 10:20] = True
    assert window_of(mask, (1, 1), 0, "square") == Window(0, 10, 10, 20)
    assert window_of(mask, (0.5, 1), 0, "square") == Window(0, 20, 10, 20)
    mask[1, 0:30] = True
    window = window_of(mask, (1, 1), 0, "square")
    assert (window.bottom - window.top, window.right - window.left) == (30, 30)
    picture = np.arange(600).reshape(20, 30)
    cut = cut_window(picture, window)
    assert cut.shape == (30, 30) and (cut[0] == picture[0]).all() and (cut[-1] == picture[-1]).all()


def test_a_picture_that_needs_no_resizing_is_the_region_itself_scaled():
    values, mask = _block((3, 40, 40))
    mask[:] = False
    mask[1, 2:34, 5:37] = True
    (picture,) = pictures_of(make_case(values, mask), 0, Settings(size=32))
    region = values[1, 2:34, 5:37]
    np.testing.assert_allclose(picture, (region - region.min()) / (region.max() - region.min()), atol=1e-6)


def test_pictures_do_not_depend_on_how_voxels_are_stored():
    """The same body stored with flipped and swapped axes gives the same pictures, in every plane."""
    values, mask = _block()
    spacing, cosines = np.array([0.7, 0.9, 3.0]), np.eye(3)
    for plane in ("axial", "sagittal", "coronal"):
        settings = Settings(size=16, slices="all", plane=plane)
        expected = pictures_of(make_case(values, mask, spacing=tuple(spacing)), 0, settings)
        for order, flips in product(permutations(range(3)), product((1, -1), repeat=3)):
            turn = tuple(slice(None, None, f) for f in flips)
            axes = [2 - a for a in order][::-1]  # order is that of x, y, z; arrays are z, y, x
            turned, turned_mask = (v.transpose(axes)[turn[::-1]] for v in (values, mask))
            direction = cosines[:, order] * np.array(flips)
            found = pictures_of(
                make_case(turned, turned_mask, spacing=tuple(spacing[list(order)]), direction=tuple(direction.ravel())),
                0,
                settings,
            )
            np.testing.assert_array_equal(sorted(map(bytes, found)), sorted(map(bytes, expected)))


def test_axial_rows_run_to_posterior_and_sagittal_rows_to_inferior():
    values = np.zeros((4, 5, 6), np.float32)
    values += np.arange(4)[:, None, None] * 100 + np.arange(5)[:, None] * 10 + np.arange(6)
    geometry = Geometry((6, 5, 4), (1.0, 2.0, 3.0), (0.0, 0.0, 0.0), IDENTITY)
    axial = stack_of(values, values > -1, geometry, "axial")
    assert axial.pixel_mm == (2.0, 1.0) and axial.values[1, 2, 3] == 123
    sagittal = stack_of(values, values > -1, geometry, "sagittal")
    assert sagittal.pixel_mm == (3.0, 2.0) and sagittal.values.shape == (6, 4, 5)
    assert sagittal.values[5, 0, 2] == 325, "the top row is the most superior"
    acquired = stack_of(values, values > -1, geometry, "acquired")
    assert np.array_equal(acquired.values, axial.values)


def test_unequal_spacing_is_resampled_to_square_pixels_first():
    """A slope along the coarse axis stays a slope: sampled at half the spacing, then brought to size."""
    values = np.broadcast_to(np.arange(16, dtype=np.float32)[:, None], (16, 32))[None].copy()
    case = make_case(values, np.ones_like(values, bool), spacing=(1.0, 2.0, 1.0))
    (picture,) = pictures_of(case, 0, Settings(size=32))
    expected = np.clip((np.arange(32) + 0.5) / 2 - 0.5, 0, 15) / 15
    np.testing.assert_allclose(picture, np.broadcast_to(expected[:, None], (32, 32)), atol=1e-6)


def test_a_region_without_a_picture_is_told():
    values, mask = _block()
    mask[:] = False
    mask[3, 4, 4] = True
    with pytest.raises(DataError, match="one value alone"):
        pictures_of(make_case(values, mask), 0, Settings(size=16))
    assert pictures_of(make_case(values, mask), 0, Settings(size=16, margin_mm=2)).shape == (1, 16, 16)
    mask[2, 4:9, 4:9] = True
    assert pictures_of(make_case(values, mask), 0, Settings(size=16, slices="all")).shape == (
        1,
        16,
        16,
    ), "the single voxel has no picture"
    values[2, 5, 5] = np.nan
    with pytest.raises(DataError, match="not finite"):
        pictures_of(make_case(values, mask), 0, Settings(size=16))


def test_a_flat_picture_file_is_one_slice():
    values, mask = _block()[0][:1], np.ones((1, 20, 24), bool)
    assert pictures_of(make_case(values, mask), 0, Settings(size=16, slices="all")).shape == (1, 16, 16)
