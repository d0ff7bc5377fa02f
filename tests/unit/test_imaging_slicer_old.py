"""Segmentations that a 3D Slicer of before 2016 saved: where their voxels lie stands outside the header's geometry."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
sys.path.insert(0, str(Path(__file__).parents[1]))
import imaging_data as data
from imaging_cases import FOLDER, need_cases

from prldh.data.imaging.check import check_cases
from prldh.data.imaging.grids import to_mm
from prldh.data.imaging.read import load_case, read_image
from prldh.data.imaging.refusal import CaseRefused

LOW, HIGH = (2, 2, 1), (10, 7, 5)  # x, y, z of the part of the grid that is stored


def _extent(low, high) -> str:
    return " ".join(f"{a} {b - 1}" for a, b in zip(low, high, strict=True))


def _write(path: Path, axes: str, extents: list[str], **fields: str) -> Path:
    """The two boxes as segments of their own in the layers of an old file; ``axes``: spatial (4 of them) or list."""
    import nrrd

    cut = tuple(slice(a, b) for a, b in zip(LOW[::-1], HIGH[::-1], strict=True))
    layers = np.stack([data.box()[cut] == k for k in (1, 2)]).astype(np.uint8)
    turn = to_mm(data.GRID)[:3, :3].T
    if axes == "spatial":
        header = {"space dimension": 4, "kinds": ["domain"] * 4, "space origin": [*data.GRID.origin_mm, 0]}
        header["space directions"] = np.block([[turn, np.zeros((3, 1))], [np.zeros((1, 3)), np.ones((1, 1))]])
        voxels = layers.transpose(3, 2, 1, 0)
    else:
        header = {"space": "left-posterior-superior", "kinds": ["list"] + ["domain"] * 3}
        header |= {"space origin": data.GRID.origin_mm, "space directions": np.vstack([np.full(3, np.nan), turn])}
        voxels = layers.transpose(0, 3, 2, 1)
    for i, extent in enumerate(extents):
        header |= {f"Segment{i}_ID": f"S{i}", f"Segment{i}_Name": "ab"[i], f"Segment{i}_Extent": extent}
    nrrd.write(str(path), voxels, header | fields)
    return path


@pytest.fixture
def image(tmp_path) -> Path:
    return data.write(tmp_path / "image.nii.gz", data.values())


@pytest.mark.parametrize("axes", ["spatial", "list"])
@pytest.mark.parametrize("is_told", [True, False])
def test_segments_lie_where_the_extent_says(tmp_path, image, axes, is_told):
    extents = [_extent((2, 2, 1), (6, 7, 4)), _extent((7, 3, 2), (10, 6, 5))]  # together they are the whole
    told = {"Segmentation_Extent": _extent(LOW, HIGH)} if is_told else {}
    path = _write(tmp_path / "m.seg.nrrd", axes, extents, **told)
    for k, name in ((1, "a"), (2, "b")):
        assert np.array_equal(load_case(data.row(image, path, segment=name)).masks[0], data.box() == k)


def test_what_lies_outside_a_segment_s_extent_is_not_its_own(tmp_path, image):
    extents = [_extent((3, 2, 1), (6, 7, 3)), _extent((7, 3, 2), (10, 6, 5))]
    path = _write(tmp_path / "m.seg.nrrd", "spatial", extents, Segmentation_Extent=_extent(LOW, HIGH))
    expected = data.box() == 1
    expected[3], expected[:, :, 2] = False, False
    assert np.array_equal(load_case(data.row(image, path, segment="a")).masks[0], expected)


def test_layers_without_a_number_are_those_of_their_segments(tmp_path, image):
    path = _write(
        tmp_path / "m.seg.nrrd",
        "list",
        [_extent((0, 0, 0), (8, 5, 4))] * 2,
        Segmentation_ReferenceImageExtentOffset="0 0 0",
    )
    grid = data.Geometry((12, 10, 6), data.GRID.spacing_mm, data.GRID.origin_mm, data.GRID.direction)
    moved = np.zeros_like(data.box())
    moved[:4, :5, :8] = data.box()[1:5, 2:7, 2:10]
    assert grid.size == data.GRID.size
    for k, name in ((1, "a"), (2, "b")):
        assert np.array_equal(load_case(data.row(image, path, segment=name)).masks[0], moved == k)


@pytest.mark.parametrize("extent", ["0 3 0 3 0 3", "0 3 0 3", "0 x 0 3 0 3", "0 99999999 0 3 0 3"])
def test_an_extent_that_is_not_the_voxels_is_refused(tmp_path, image, extent):
    path = _write(tmp_path / "m.seg.nrrd", "spatial", [_extent(LOW, HIGH)] * 2, Segmentation_Extent=extent)
    with pytest.raises(CaseRefused, match="field Extent") as caught:
        load_case(data.row(image, path, segment="a"))
    assert caught.value.kind == "geometry"


@pytest.mark.parametrize("axes", ["spatial", "list"])
def test_layers_without_segments_are_refused(tmp_path, image, axes):
    path = _write(tmp_path / "m.seg.nrrd", axes, [_extent((0, 0, 0), (8, 5, 4))] * 2)
    path.write_bytes(path.read_bytes().replace(b"Segment0_ID", b"Segment0_XX"))
    with pytest.raises(CaseRefused, match="2 layers and tells of no segment"):
        load_case(data.row(image, path))
    with pytest.raises(CaseRefused, match="2 layers of a segmentation"):
        read_image(path)


@need_cases
def test_a_bladder_of_an_old_slicer():
    """The image's voxels hold their own column; the mask was drawn on columns 224 to 281."""
    folder = FOLDER / "old_slicer_seg"
    row = data.row(folder / "image.nrrd", folder / "EclipseProstate_Bladder_Union_PTV.seg.nrrd")
    case = load_case(row)
    columns = case.image.values[case.masks[0]]
    assert (columns.min(), columns.max()) == (224, 281)
    assert np.array_equal(np.argwhere(case.masks[0]).min(axis=0)[:2], [9 + 1, 199 + 1])
    assert not [f for f in check_cases([row]) if f.severity == "refused"]
