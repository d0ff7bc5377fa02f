"""Two decoders, one rule: series of single files and files of many frames give the same values, whatever lies in bits
that are no number's own, in whatever transfer syntax."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
sys.path.insert(0, str(Path(__file__).parents[1]))
import imaging_data as data
from imaging_cases import FOLDER, need_cases

from prldh.data.imaging.grids import to_mm
from prldh.data.imaging.read import load_case, read_header, read_image
from prldh.data.imaging.refusal import CaseRefused

SYNTAXES = ("ExplicitVRLittleEndian", "ImplicitVRLittleEndian", "ExplicitVRBigEndian", "DeflatedExplicitVRLittleEndian")


def _own(raw: np.ndarray, stored: int, high: int, is_signed: int) -> np.ndarray:
    """PS3.5, 8.1.1, by whole numbers of Python's width."""
    found = (raw.astype(np.int64) >> (high + 1 - stored)) & (2**stored - 1)
    return np.where(found >= 2 ** (stored - 1), found - 2**stored, found) if is_signed else found


def _raw(allocated: int) -> np.ndarray:
    kind = {8: np.uint8, 16: np.uint16, 32: np.uint32}[allocated]
    return np.random.default_rng(3).integers(0, 2**allocated, data.GRID.size[::-1], dtype=np.int64).astype(kind)


def _store(one, raw: np.ndarray, stored: int, high: int, is_signed: int, syntax: str) -> None:
    import pydicom

    one.BitsAllocated, one.BitsStored, one.HighBit = 8 * raw.dtype.itemsize, stored, high
    one.PixelRepresentation, one.RescaleSlope, one.RescaleIntercept = is_signed, 2, -5
    one.file_meta.TransferSyntaxUID = getattr(pydicom.uid, syntax)
    if syntax == "ExplicitVRBigEndian":
        raw = raw.byteswap() if raw.dtype.itemsize > 1 else raw
    one.PixelData = raw.tobytes()
    one["PixelData"].VR = "OW" if raw.dtype.itemsize > 1 else "OB"


def _save(one, path: Path) -> None:
    import pydicom

    syntax = one.file_meta.TransferSyntaxUID
    encoding = {"implicit_vr": syntax.is_implicit_VR, "little_endian": syntax.is_little_endian}
    pydicom.dcmwrite(path, one, **encoding, force_encoding=True)


def _many(path: Path, files: list[Path], raw: np.ndarray, *stored, frame: bool = True) -> Path:
    """The files' slices as the frames of one file, in the order of the files."""
    import pydicom

    one = pydicom.dcmread(files[0])
    one.SOPClassUID = one.file_meta.MediaStorageSOPClassUID = pydicom.uid.EnhancedMRImageStorage
    shared, one.PerFrameFunctionalGroupsSequence = pydicom.Dataset(), []
    measures, axes, transform = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
    measures.PixelSpacing, measures.SliceThickness = one.PixelSpacing, one.SliceThickness
    axes.ImageOrientationPatient = one.ImageOrientationPatient
    transform.RescaleSlope, transform.RescaleIntercept = 2, -5
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [axes]
    shared.PixelValueTransformationSequence = [transform]
    one.SharedFunctionalGroupsSequence = [shared]
    for file in files:
        own, position = pydicom.Dataset(), pydicom.Dataset()
        position.ImagePositionPatient = pydicom.dcmread(file).ImagePositionPatient
        own.PlanePositionSequence = [position]
        one.PerFrameFunctionalGroupsSequence.append(own)
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(one, name)
    if not frame:
        del one.FrameOfReferenceUID
    one.NumberOfFrames = len(files)
    _store(one, raw, *stored)
    del one.RescaleSlope, one.RescaleIntercept
    _save(one, path)
    return path


@pytest.mark.parametrize("is_signed", [0, 1])
@pytest.mark.parametrize(
    ("allocated", "stored", "high"), [(16, 12, 11), (16, 16, 15), (16, 12, 15), (16, 10, 12), (32, 20, 19), (8, 6, 5)]
)
def test_bits_that_are_no_number_s_own_count_for_nothing(tmp_path, allocated, stored, high, is_signed):
    import pydicom

    raw = _raw(allocated)
    expected = 2.0 * _own(raw, stored, high, is_signed) - 5
    files = data.write_series(tmp_path / "s", data.values())
    for file, plane in zip(files, raw, strict=True):
        one = pydicom.dcmread(file)
        _store(one, plane, stored, high, is_signed, "ExplicitVRLittleEndian")
        one.save_as(file)
    assert np.array_equal(read_image(tmp_path / "s").values, expected)
    order = [3, 0, 5, 1, 2, 4]
    path = _many(tmp_path / "m.dcm", [files[i] for i in order], raw[order], stored, high, is_signed, SYNTAXES[0])
    assert np.array_equal(read_image(path).values, expected)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("frame", [True, False])
def test_every_transfer_syntax_and_no_frame_of_reference(tmp_path, syntax, frame):
    raw = _raw(16)
    files = data.write_series(tmp_path / "s", data.values())
    path = _many(tmp_path / "m.dcm", files, raw, 12, 11, 1, syntax, frame=frame)
    image = read_image(path)
    assert np.array_equal(image.values, 2.0 * _own(raw, 12, 11, 1) - 5)
    assert np.allclose(to_mm(image.geometry), to_mm(data.GRID)) and image.geometry.size == data.GRID.size


def test_a_slope_of_0_is_none_in_both(tmp_path):
    import pydicom

    raw = _raw(16)
    files = data.write_series(tmp_path / "s", raw, slopes=[0] * 6, intercept=3)
    assert np.array_equal(read_image(tmp_path / "s").values, raw + 3.0)
    path = _many(tmp_path / "m.dcm", files, raw, 16, 15, 0, SYNTAXES[0])
    one = pydicom.dcmread(path)
    transform = one.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence[0]
    transform.RescaleSlope, transform.RescaleIntercept = 0, 3
    one.save_as(path)
    assert np.array_equal(read_image(path).values, raw + 3.0)


def test_enhanced_files_of_one_frame_are_a_series(tmp_path):
    raw = _raw(16)
    (tmp_path / "m").mkdir()
    for k, file in enumerate(data.write_series(tmp_path / "s", data.values())):
        _many(tmp_path / "m" / f"{k}.dcm", [file], raw[k], 12, 11, 1, SYNTAXES[0])
    image = read_image(tmp_path / "m")
    assert np.array_equal(image.values, 2.0 * _own(raw, 12, 11, 1) - 5)
    assert np.allclose(to_mm(image.geometry), to_mm(data.GRID))


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_every_transfer_syntax_of_a_series(tmp_path, syntax):
    import pydicom

    raw = _raw(16)
    for file, plane in zip(data.write_series(tmp_path / "s", data.values()), raw, strict=True):
        one = pydicom.dcmread(file)
        _store(one, plane, 12, 11, 0, syntax)
        _save(one, file)
    assert np.array_equal(read_image(tmp_path / "s").values, 2.0 * _own(raw, 12, 11, 0) - 5)


def test_compressed_frames_without_a_decoder_of_pydicom_s_are_gdcm_s(tmp_path, monkeypatch):
    import pydicom

    from prldh.data.imaging import dicom_pixels

    raw = _raw(16) & 0x0FFF
    path = _many(tmp_path / "m.dcm", data.write_series(tmp_path / "s", data.values()), raw, 12, 11, 0, SYNTAXES[0])
    one = pydicom.dcmread(path)
    one.compress(pydicom.uid.RLELossless)
    one.save_as(path)
    expected = 2.0 * raw - 5
    assert np.array_equal(read_image(path).values, expected)

    def none(dataset):
        raise RuntimeError("no decoder")

    monkeypatch.setattr(dicom_pixels, "_decoder", none)
    header = read_header(path)
    from prldh.data.imaging.dicom_frames import read_frames_values

    assert np.array_equal(read_frames_values(header), expected)


def test_what_no_library_decodes_is_not_called_damaged(tmp_path):
    import pydicom

    raw = _raw(16)
    path = _many(tmp_path / "m.dcm", data.write_series(tmp_path / "s", data.values()), raw, 12, 11, 0, SYNTAXES[0])
    one = pydicom.dcmread(path)
    one.PixelData = pydicom.encaps.encapsulate([b"\0" * 100] * 6)
    one["PixelData"].is_undefined_length = True
    one.file_meta.TransferSyntaxUID = pydicom.uid.HTJ2KLossless
    one.save_as(path)
    with pytest.raises(CaseRefused, match="cannot be decoded by pydicom and GDCM") as caught:
        read_image(path)
    assert "damaged" not in str(caught.value)


def test_a_slice_of_another_patient_in_a_series_is_refused(tmp_path):
    import pydicom

    files = data.write_series(tmp_path / "s", data.values())
    one = pydicom.dcmread(files[2])
    one.PatientID = ""
    one.save_as(files[2])
    assert read_header(tmp_path / "s").geometry.size == data.GRID.size  # nothing said is nobody else
    one.PatientID = "KH-0815"
    one.save_as(files[2])
    with pytest.raises(CaseRefused, match="several PatientIDs") as caught:
        read_header(tmp_path / "s")
    assert caught.value.kind == "another_patient" and "0815" not in str(caught.value)


@need_cases
def test_an_enhanced_file_whose_upper_bits_are_used():
    import pydicom

    path = FOLDER / "bits_stored" / "0063.dcm"
    found = read_image(path).values
    assert found.max() == 4095 and found.shape == (63, 86, 86)
    assert sorted(np.bincount(found.astype(int).ravel())) == sorted(
        np.bincount(pydicom.dcmread(path).pixel_array.ravel())
    )


@need_cases
@pytest.mark.parametrize(
    ("image", "mask", "n"),
    [
        ("hyperfine/001.dcm", "hyperfine_mask.nrrd", 965),
        ("philips_enhanced/IM-0001-0170-0001.dcm", "philips_enhanced_mask.nrrd", 973),
        ("siemens_multiframe/IM-0001-0001-0001.dcm", "siemens_multiframe_mask.nrrd", 973),
    ],
)
def test_enhanced_files_of_three_makers(image, mask, n):
    """Steps are regular to 2e-4 mm; none has a frame of reference."""
    import pydicom

    folder = FOLDER / "enhanced"
    case = load_case(data.row(folder / image, folder / mask))
    assert int(case.masks[0].sum()) == n
    one = pydicom.dcmread(folder / image)
    slopes = [
        f.get(
            "PixelValueTransformationSequence",
            one.SharedFunctionalGroupsSequence[0].get("PixelValueTransformationSequence")
            if "SharedFunctionalGroupsSequence" in one
            else None,
        )[0].RescaleSlope
        for f in one.PerFrameFunctionalGroupsSequence
    ]
    expected = one.pixel_array.astype(float) * np.array(slopes, float)[:, None, None]
    assert case.image.values.sum() == pytest.approx(expected.sum(), rel=1e-12)
