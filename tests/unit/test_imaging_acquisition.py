"""How an image was made is told from DICOM; text that could name a patient is not."""

from __future__ import annotations

import imaging_data as data
import numpy as np
import pydicom
import pytest

from prldh.data.imaging.describe import describe_spread
from prldh.data.imaging.read import acquisition_of_image, formats_of
from prldh.study.imaging import ReadSettings


def _changed(path, **fields):
    found = pydicom.dcmread(path)
    for name, value in fields.items():
        setattr(found, name, value)
    found.save_as(path)


def test_numbers_codes_and_the_maker(tmp_path):
    files = data.write_series(tmp_path / "s", data.values())
    for file in files:
        _changed(
            file,
            Manufacturer="SIEMENS Healthineers",
            RepetitionTime="2500",
            EchoTime="98.5",
            MagneticFieldStrength="1.5",
            MRAcquisitionType="2D",
            ScanningSequence=["SE", "IR"],
            ManufacturerModelName="Aera",
            ProtocolName="Doe^Jane lumbar",
        )
    found = acquisition_of_image(tmp_path / "s")
    assert {
        k: found[k]
        for k in (
            "Modality",
            "Manufacturer",
            "RepetitionTime",
            "EchoTime",
            "MagneticFieldStrength",
            "MRAcquisitionType",
            "ScanningSequence",
        )
    } == {
        "Modality": "MR",
        "Manufacturer": "SIEMENS",
        "RepetitionTime": "2500",
        "EchoTime": "98.5",
        "MagneticFieldStrength": "1.5",
        "MRAcquisitionType": "2D",
        "ScanningSequence": "SE IR",
    }
    assert "Doe" not in str(found) and data.HOSPITAL_ID not in str(found)


@pytest.mark.parametrize("field", ["Manufacturer", "ScanningSequence", "MRAcquisitionType"])
def test_a_name_in_a_field_of_codes_is_not_repeated(tmp_path, field):
    for file in data.write_series(tmp_path / "s", data.values()):
        _changed(file, **{field: "DOE JANE"})
    assert "DOE" not in str(acquisition_of_image(tmp_path / "s"))


def test_other_formats_say_nothing(tmp_path):
    assert acquisition_of_image(data.write(tmp_path / "a.nii.gz", data.values())) == {}


def test_formats_of_images_and_masks(tmp_path):
    box = data.box()
    slices = sorted(
        data.write_series(tmp_path / "s", data.values()),
        key=lambda f: float(pydicom.dcmread(f).ImagePositionPatient[2]),
    )
    seg = data.write_seg(tmp_path / "seg.dcm", slices, {"disc": box == 1, "muscle": box == 2})
    nifti = data.write(tmp_path / "m.nii.gz", box)
    slicer = data.write_slicer(tmp_path / "m.seg.nrrd", box[None], [("disc", 1, 0)])
    contours = data.write_rtstruct(
        tmp_path / "rt.dcm", {"disc": [np.array([[0.0, 10, 32.5], [5, 10, 32.5], [5, 20, 32.5]])]}
    )
    assert formats_of(data.row(tmp_path / "s", nifti, seg)) == {
        "image": "DICOM series",
        "masks": ["label map, NIfTI", "DICOM SEG, manual"],
    }
    assert formats_of(data.row(nifti, slicer, contours)) == {
        "image": "NIfTI",
        "masks": ["3D Slicer segmentation", "DICOM RTSTRUCT"],
    }
    parts = data.write_seg(tmp_path / "parts.dcm", slices, {"disc": (box == 1) * 0.6}, "FRACTIONAL")
    lower = ReadSettings(fraction=0.25)
    assert formats_of(data.row(nifti, parts), lower)["masks"] == ["DICOM SEG, manual (fractions, from 0.25 on)"]
    _changed(seg, SegmentSequence=[])
    assert formats_of(data.row(nifti, seg))["masks"] == ["DICOM SEG"]


def test_a_word_in_the_place_of_the_kind_of_segmentation_is_not_repeated(tmp_path):
    slices = sorted(
        data.write_series(tmp_path / "s", data.values()),
        key=lambda f: float(pydicom.dcmread(f).ImagePositionPatient[2]),
    )
    seg = data.write_seg(tmp_path / "seg.dcm", slices, {"disc": data.box() == 1})
    found = pydicom.dcmread(seg)
    found.SegmentSequence[0].SegmentAlgorithmType = "DOE JANE"
    found.save_as(seg)
    assert formats_of(data.row(tmp_path / "s", seg))["masks"] == ["DICOM SEG"]


def test_spread_leaves_out_what_is_not_defined():
    found = describe_spread([1.0, None, 4.0, float("inf"), 2.0, 3.0, float("nan")])
    assert vars(found) == {
        "n": 4,
        "mean": 2.5,
        "sd": pytest.approx(1.2909944487358056),
        "median": 2.5,
        "q1": 1.75,
        "q3": 3.25,
        "min": 1.0,
        "max": 4.0,
    }
    assert describe_spread([2.0]).sd is None and describe_spread([None]) is None
