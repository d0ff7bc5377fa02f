"""Contours that stand there twice, overlap, leave a slice out, or are of other kinds than closed ones."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
sys.path.insert(0, str(Path(__file__).parents[1]))
import imaging_data as data

from prldh.data.imaging.check import check_cases
from prldh.data.imaging.contours import painted
from prldh.data.imaging.grids import to_mm
from prldh.data.imaging.read import load_case
from prldh.study import ReadSettings

BOX = (1.5, 8.5, 0.5, 7.5)


def _rectangle(k: float, x0: float, x1: float, y0: float, y1: float) -> np.ndarray:
    index = np.array([[x0, y0, k, 1], [x1, y0, k, 1], [x1, y1, k, 1], [x0, y1, k, 1]])
    return (index @ to_mm(data.GRID).T)[:, :3]


def _dense(points: np.ndarray, n: int = 7) -> np.ndarray:
    """The same outline with n points an edge."""
    steps = np.arange(n)[:, None] / n
    ends = np.roll(points, -1, axis=0)
    return np.concatenate([a + steps * (b - a) for a, b in zip(points, ends, strict=True)])


@pytest.mark.parametrize(
    "again",
    [
        lambda c: c,
        lambda c: c[::-1],
        lambda c: np.roll(c, 2, axis=0),
        lambda c: np.vstack([c, c[:1]]),
        lambda c: np.round(c, 2),
        _dense,
    ],
    ids=["as it is", "the other way round", "begun elsewhere", "closed", "rounded", "denser"],
)
@pytest.mark.parametrize("n", [1, 2])
def test_a_contour_that_stands_there_twice_is_one(again, n):
    once = [_rectangle(k, *BOX) for k in (1, 2, 3)]
    expected, remarks = painted(once, data.GRID, "rs.dcm")
    assert not remarks and expected.sum() == 3 * 7 * 7
    found, remarks = painted([*once, *[again(once[1])] * n], data.GRID, "rs.dcm")
    assert np.array_equal(found, expected)
    assert remarks == (("doubled_contours", f"{n} contour(s) of 'rs.dcm' stand there twice: counted once."),)


def test_a_hole_that_stands_there_twice_is_one_hole():
    outer, hole = _rectangle(2, *BOX), _rectangle(2, 3.5, 5.5, 2.5, 4.5)
    expected = painted([outer, hole], data.GRID, "rs.dcm")[0]
    assert expected.sum() == 49 - 4
    assert np.array_equal(painted([outer, hole, hole[::-1], outer], data.GRID, "rs.dcm")[0], expected)


def test_contours_that_overlap_partly_are_a_finding():
    a, b = _rectangle(2, 1.5, 5.5, 1.5, 5.5), _rectangle(2, 3.5, 8.5, 3.5, 7.5)
    mask, remarks = painted([a, b], data.GRID, "rs.dcm")
    assert mask.sum() == 16 + 20 - 2 * 4
    ((kind, message),) = remarks
    assert kind == "overlapping_contours" and "slice 3: 4 voxels" in message
    apart = [_rectangle(2, 1.5, 3.5, 1.5, 5.5), _rectangle(2, 3.5, 8.5, 3.5, 7.5)]  # side by side
    assert painted(apart, data.GRID, "rs.dcm")[1] == ()


def test_a_missing_middle_slice_is_a_finding(tmp_path):
    files = data.write_series(tmp_path / "s", data.values())
    path = data.write_rtstruct(tmp_path / "rs.dcm", {"a": [_rectangle(k, *BOX) for k in (1, 2, 4)]})
    assert files
    found = {f.kind: f for f in check_cases([data.row(tmp_path / "s", path)])}
    assert (
        found["missing_contour"].severity == "warning" and "slice(s) 4 of the image" in found["missing_contour"].message
    )
    mask = load_case(data.row(tmp_path / "s", path)).masks[0]
    assert mask.any(axis=(1, 2)).tolist() == [False, True, True, False, True, False]


def test_contours_that_were_interpolated_count_and_lines_do_not(tmp_path):
    import pydicom

    data.write_series(tmp_path / "s", data.values())
    path = data.write_rtstruct(tmp_path / "rs.dcm", {"a": [_rectangle(k, *BOX) for k in (1, 2, 3, 4)]})
    one = pydicom.dcmread(path)
    one.ROIContourSequence[0].ContourSequence.append(pydicom.Dataset())  # a closed one without points
    kinds = ("CLOSED_PLANAR", "INTERPOLATED_PLANAR", "CLOSEDPLANAR_XOR", "OPEN_PLANAR", "CLOSED_PLANAR")
    for contour, kind in zip(one.ROIContourSequence[0].ContourSequence, kinds, strict=True):
        contour.ContourGeometricType = kind
    one.save_as(path)
    row = data.row(tmp_path / "s", path)
    assert load_case(row).masks[0].any(axis=(1, 2)).tolist() == [False, True, True, True, False, False]
    (said,) = [f for f in check_cases([row]) if f.kind == "open_contours"]
    assert "2 of the 5 contours" in said.message


@pytest.mark.parametrize(
    ("contours", "kind"),
    [
        ([_rectangle(k, -5.6, 4.5, 1.5, 5.5) for k in (1, 2)], "outside_image"),  # by half
        ([_rectangle(1, 1.5, 5.5, 1.5, 5.5), _rectangle(2, 30, 40, 1.5, 5.5)], "geometry"),  # one beside the image
        ([_rectangle(1, 1.5, 5.5, 90, 99)], "another_patient"),
        ([_rectangle(1, 1.5, 1e200, 1.5, 5.5)], "outside_image"),
    ],
)
def test_a_region_that_leaves_its_image_sideways_is_refused_as_any_other(tmp_path, contours, kind):
    data.write_series(tmp_path / "series", data.values())
    row = data.row(tmp_path / "series", data.write_rtstruct(tmp_path / "rs.dcm", {"a": contours}))
    assert kind in {finding.kind for finding in check_cases([row]) if finding.severity == "refused"}


def test_what_little_lies_outside_is_told_and_the_rest_is_where_it_was(tmp_path):
    data.write_series(tmp_path / "series", data.values())
    boxes = [_rectangle(k, 0.5, 8.5, 0.5, 8.5) for k in (1, 2, 3)]
    tall = [*boxes[:2], _rectangle(3, -1.5, 8.5, 0.5, 8.5)]
    mask = painted(boxes, data.GRID, "rs.dcm")[0].copy()
    mask[3, 1:9, 0] = True
    row = data.row(tmp_path / "series", data.write_rtstruct(tmp_path / "rs.dcm", {"a": tall}))
    settings = ReadSettings(outside=0.1)
    assert np.array_equal(load_case(row, settings).masks[0], mask)
    assert [f.message for f in check_cases([row], settings) if f.kind == "outside_image"] == [
        "3.8% of the region in the mask 'rs.dcm' lie outside the image and are left out."
    ]
