"""The small picture of a case: upright however its voxels are stored."""

from __future__ import annotations

import io
from itertools import permutations, product

import numpy as np
import pytest
from PIL import Image

from prldh.core import Case, Geometry, Volume
from prldh.data.imaging.pictures import draw_case


def _stored(values, mask, spacing, order, flips):
    """A case whose array axes (z, y, x) are the axes ``order`` of one in standard orientation, some running back."""
    turn = tuple(slice(None, None, -1 if flip else None) for flip in flips)
    directions = np.eye(3)[:, ::-1][:, list(order)] * [-1 if flip else 1 for flip in flips]  # a column an array axis
    arrays = [np.ascontiguousarray(a.transpose(order)[turn]) for a in (values, mask)]
    geometry = Geometry(
        arrays[0].shape[::-1],
        tuple(spacing[a] for a in order)[::-1],
        (0.0, 0.0, 0.0),
        tuple(directions[:, ::-1].ravel()),
    )
    return Case("P", "disc", 2, Volume(arrays[0], geometry), (arrays[1],))


@pytest.mark.parametrize("thick", [0, 1, 2])
def test_a_picture_stands_upright_however_its_voxels_are_stored(thick):
    """Spacing is largest along z (axial slices), y (coronal) or x (sagittal) of all 48 ways to store a volume."""
    generator = np.random.default_rng(thick)
    values, mask = generator.random((20, 22, 24)), np.zeros((20, 22, 24), bool)
    mask[5:14, 4:15, 6:13] = True
    mask[np.ix_(*(range(9, 10) if a == thick else range(3, 17) for a in range(3)))] = True  # the largest slice
    spacing = [3.0 if a == thick else 1.0 for a in range(3)]
    drawn = {
        draw_case(_stored(values, mask, spacing, order, flips))
        for order in permutations(range(3))
        for flips in product((False, True), repeat=3)
    }
    assert len(drawn) == 1


@pytest.mark.parametrize(
    ("thick", "bright_at"), [(0, "below"), (1, "above"), (2, "above")], ids=["axial", "coronal", "sagittal"]
)
def test_what_is_below_and_at_the_right_is_radiology_s(thick, bright_at):
    """Brighter to posterior, to the left and to the head: axial and coronal pictures have the left at their right,
    sagittal ones the back; below are the back (axial) or the feet."""
    z, y, x = np.meshgrid(*map(np.arange, (21, 23, 25)), indexing="ij")
    values = (100.0 * z + 10.0 * y + x) if thick else (100.0 * y + x)
    mask = np.ones(values.shape, bool)
    case = _stored(values, mask, [3.0 if a == thick else 1.0 for a in range(3)], (0, 1, 2), (False,) * 3)
    grey = np.asarray(Image.open(io.BytesIO(draw_case(case))).convert("L")).astype(float)[:, :160]
    inside = grey[30:130, 30:130]
    down, right = inside[-20:].mean() - inside[:20].mean(), inside[:, -20:].mean() - inside[:, :20].mean()
    assert (down > 0) == (bright_at == "below") and right > 0
