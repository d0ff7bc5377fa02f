"""DICOM SEG: fractions and where they are cut, labels, few dimension indices, frames in any order."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
pytest.importorskip("highdicom", reason="highdicom writes the segmentations")
sys.path.insert(0, str(Path(__file__).parents[1]))
import imaging_data as data
from imaging_cases import FOLDER, need_cases

from prldh.data.imaging.check import check_cases
from prldh.data.imaging.read import load_case
from prldh.data.imaging.refusal import CaseRefused
from prldh.study.imaging import ReadSettings


def _masks(folder: Path, path: Path, settings: ReadSettings | None = None, **meant) -> np.ndarray:
    return load_case(data.row(folder, path, **meant), settings).masks[0]


@pytest.fixture
def series(tmp_path) -> list[Path]:
    return data.write_series(tmp_path / "s", data.values())


def test_where_fractions_are_cut_is_a_setting_and_is_said(tmp_path, series):
    parts = (data.box() == 1) * 0.4 + (data.box() == 2) * 0.6
    path = data.write_seg(tmp_path / "seg.dcm", series, {"a": parts}, "FRACTIONAL")
    assert np.array_equal(_masks(tmp_path / "s", path), data.box() == 2)
    lower = ReadSettings(fraction=0.3)
    assert np.array_equal(_masks(tmp_path / "s", path, lower), data.box() > 0)
    with pytest.raises(CaseRefused, match="empty"):
        _masks(tmp_path / "s", path, ReadSettings(fraction=0.9))
    (said,) = [f for f in check_cases([data.row(tmp_path / "s", path)], lower) if f.kind == "fractional"]
    n = int((data.box() > 0).sum())
    assert said.severity == "warning" and "from 0.3 on" in said.message and f"{n} are between 0 and 1" in said.message


def test_frames_may_stand_in_any_order_and_leave_slices_out(tmp_path, series):
    import pydicom

    path = data.write_seg(tmp_path / "seg.dcm", series, {"a": data.box() == 1, "b": data.box() == 2})
    one = pydicom.dcmread(path)
    stored, groups = one.pixel_array, list(one.PerFrameFunctionalGroupsSequence)
    for kind in ("DimensionIndexSequence", "DimensionOrganizationSequence"):
        delattr(one, kind)  # what highdicom will not do without
    order = np.random.default_rng(5).permutation(len(groups))
    one.PerFrameFunctionalGroupsSequence = [groups[i] for i in order]
    one.PixelData = pydicom.pixels.pack_bits(stored[order])
    one.save_as(path)
    for name, k in (("a", 1), ("b", 2)):
        assert np.array_equal(_masks(tmp_path / "s", path, segment=name), data.box() == k)


def test_a_label_map_in_dicom(tmp_path, series):
    import pydicom

    path = data.write_seg(tmp_path / "seg.dcm", series, {"a": data.box() == 1, "b": data.box() == 2})
    one = pydicom.dcmread(path)
    one.SegmentationType, one.BitsAllocated, one.BitsStored, one.HighBit = "LABELMAP", 8, 8, 7
    one.PerFrameFunctionalGroupsSequence = []
    for file in series:
        own, place = pydicom.Dataset(), pydicom.Dataset()
        place.ImagePositionPatient = pydicom.dcmread(file).ImagePositionPatient
        own.PlanePositionSequence = [place]
        one.PerFrameFunctionalGroupsSequence.append(own)
    one.NumberOfFrames, one.PixelData = len(series), data.box().tobytes()
    one["PixelData"].VR = "OB"
    one.save_as(path)
    for name, k in (("a", 1), ("b", 2)):
        assert np.array_equal(_masks(tmp_path / "s", path, segment=name), data.box() == k)
    assert np.array_equal(_masks(tmp_path / "s", path), data.box() > 0)


def test_tiles_of_a_microscope_are_refused_for_what_they_are(tmp_path, series):
    import pydicom

    path = data.write_seg(tmp_path / "seg.dcm", series, {"a": data.box() == 1})
    one = pydicom.dcmread(path)
    one.DimensionOrganizationType = "TILED_FULL"
    one.save_as(path)
    with pytest.raises(CaseRefused, match="microscope"):
        _masks(tmp_path / "s", path)


@need_cases
def test_fractions_with_one_dimension_index():
    """42 frames of a brain's, 82,527 voxels above half, none of them outside the image."""
    folder = FOLDER / "fractional_seg"
    row = data.row(folder / "image", folder / "mask.dcm")
    assert int(load_case(row).masks[0].sum()) == 82_527
    kinds = {f.kind: f.severity for f in check_cases([row])}
    assert kinds.get("fractional") == "warning" and "outside_image" not in kinds and "refused" not in kinds.values()
