"""Units of PET, and SUV by body weight from the header."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
sys.path.insert(0, str(Path(__file__).parents[1]))
import imaging_data as data

from prldh.data.imaging.check import check_cases
from prldh.data.imaging.read import acquisition_of_image, read_image
from prldh.data.imaging.refusal import CaseRefused
from prldh.study.imaging import ReadSettings

SUV = ReadSettings(pet="suv_bw")
#: 70 kg, 370 MBq of F-18 at 10:00, scanned at 11:00. 3600 s are 0.5465974 half-lives, 2 to the minus that is 0.6846333,
#: so that 253.31431 MBq are left; 70,000 g of that are 2.7633656e-4 mL/Bq.
AT_START, AT_INJECTION = 2.7633656e-4, 70_000 / 370e6


def _pet(folder: Path, seed: int = 0, **changes: object) -> Path:
    """A PET series in Bq/mL, each slice with its own slope; ``changes`` None: the field is absent."""
    import pydicom

    array = np.abs(data.values(seed))
    fields: dict[str, object] = {
        "Units": "BQML",
        "DecayCorrection": "START",
        "CorrectedImage": ["NORM", "DTIM", "ATTN", "SCAT", "DECY"],
        "PatientWeight": 70,
        "SeriesDate": "20240301",
        "SeriesTime": "110000.000000",
        "AcquisitionDate": "20240301",
        "AcquisitionTime": "110300",
    }
    dose: dict[str, object] = {
        "RadionuclideTotalDose": 370e6,
        "RadionuclideHalfLife": 6586.2,
        "RadiopharmaceuticalStartTime": "100000",
    }
    for file in data.write_series(folder, array, modality="PT", slopes=[0.5 + k for k in range(6)]):
        one = pydicom.dcmread(file)
        for name, value in (fields | {k: v for k, v in changes.items() if k in fields or k == "SUVType"}).items():
            if value is not None:
                setattr(one, name, value)
        injection = pydicom.Dataset()
        for name, value in (dose | {k: v for k, v in changes.items() if k.startswith("Radio")}).items():
            if value is not None:
                setattr(injection, name, value)
        one.RadiopharmaceuticalInformationSequence = [injection]
        one.save_as(file)
    return folder


def _factor(folder: Path) -> float:
    stored, suv = read_image(folder).values, read_image(folder, SUV).values
    assert np.allclose(suv, stored * (suv.max() / stored.max()), rtol=1e-12)
    return float(suv.max() / stored.max())


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, AT_START),
        ({"DecayCorrection": "ADMIN"}, AT_INJECTION),
        ({"RadiopharmaceuticalStartDateTime": "20240301100000.00", "RadiopharmaceuticalStartTime": None}, AT_START),
        # a moment before midnight, with and without its date
        (
            {
                "SeriesTime": "003000",
                "AcquisitionTime": "003000",
                "RadiopharmaceuticalStartDateTime": "20240229233000",
            },
            AT_START,
        ),
        ({"SeriesTime": "003000", "AcquisitionTime": "003000", "RadiopharmaceuticalStartTime": "233000"}, AT_START),
        # a series that was made anew later: the acquisition tells
        ({"SeriesTime": "180000", "AcquisitionTime": "110000"}, AT_START),
        ({"Units": "GML"}, 1.0),
        ({"Units": "GML", "SUVType": "BW", "PatientWeight": None}, 1.0),
    ],
)
def test_suv_by_body_weight(tmp_path, changes, expected):
    assert _factor(_pet(tmp_path / "p", **changes)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"PatientWeight": None}, "PatientWeight is absent"),
        ({"PatientWeight": 0}, "PatientWeight is absent, 0"),
        ({"RadionuclideTotalDose": None}, "RadionuclideTotalDose"),
        ({"RadionuclideTotalDose": 370}, "RadionuclideTotalDose is 370, which is no injected activity in Bq"),
        ({"PatientWeight": 70_000}, "PatientWeight is 70000, which is no weight in kg"),
        ({"RadionuclideHalfLife": 0}, "RadionuclideHalfLife"),
        ({"DecayCorrection": "NONE"}, "neither START nor ADMIN"),
        ({"CorrectedImage": ["NORM", "ATTN"]}, "not corrected for decay"),
        ({"RadiopharmaceuticalStartTime": None}, "time of the injection"),
        ({"RadiopharmaceuticalStartDateTime": "20240302100000"}, "after the scan"),
        ({"RadionuclideHalfLife": 282_000}, "day of the injection"),
        ({"SeriesTime": None, "AcquisitionTime": None}, "time of the scan"),
        ({"Units": "CNTS"}, "units are CNTS"),
        ({"Units": "GML", "SUVType": "LBM"}, "units are GML, SUV by LBM"),
        ({"Units": "Mustermann"}, "units are not told"),
    ],
)
def test_what_the_header_does_not_tell_is_said_and_nothing_is_guessed(tmp_path, changes, why):
    folder = _pet(tmp_path / "p", **changes)
    assert read_image(folder).values.max() > 0  # as it is stored, it is read
    with pytest.raises(CaseRefused, match=why) as caught:
        read_image(folder, SUV)
    assert caught.value.kind == "units" and "Mustermann" not in str(caught.value)


def test_what_makers_keep_for_themselves(tmp_path):
    import pydicom

    folder = _pet(tmp_path / "p", Units="CNTS")
    for file in folder.iterdir():
        one = pydicom.dcmread(file)
        one.private_block(0x7053, "Philips PET Private Group", create=True).add_new(0x00, "DS", "0.000437")
        one.save_as(file)
    assert _factor(folder) == pytest.approx(0.000437)
    # a series made anew: GE keeps the start of the scan, which no bed position's time tells
    folder = _pet(tmp_path / "g", SeriesTime="180000", AcquisitionTime="110700")
    assert _factor(folder) > 1.01 * AT_START
    for file in folder.iterdir():
        one = pydicom.dcmread(file)
        one.private_block(0x0009, "GEMS_PETD_01", create=True).add_new(0x0D, "DT", "20240301110000.00")
        one.save_as(file)
    assert _factor(folder) == pytest.approx(AT_START, rel=1e-6)


def test_units_that_differ_in_a_cohort_are_a_finding_and_suv_mends_it(tmp_path):
    _pet(tmp_path / "a", 1)
    _pet(tmp_path / "b", 2, Units="GML")
    mask = data.write(tmp_path / "m.nii.gz", data.box())
    rows = [data.row(tmp_path / name, mask, label=1, patient=name, line=k) for k, name in enumerate("ab", 2)]
    (said,) = [f for f in check_cases(rows) if f.kind == "mixed_units"]
    assert said.severity == "warning" and "BQML in 1" in said.message and "GML in 1" in said.message
    assert not [f for f in check_cases(rows, SUV) if f.kind == "mixed_units"]
    assert acquisition_of_image(tmp_path / "a")["Units"] == "BQML"
    assert acquisition_of_image(tmp_path / "a", SUV)["Units"] == "BQML, read as SUV by body weight"


def test_other_modalities_stay_as_they_are(tmp_path):
    data.write_series(tmp_path / "s", data.values())
    assert np.array_equal(read_image(tmp_path / "s", SUV).values, data.values())
    path, mask = data.write(tmp_path / "i.nii", data.values()), data.write(tmp_path / "m.nii", data.box())
    assert np.array_equal(read_image(path, SUV).values, data.values())
    (said,) = [f for f in check_cases([data.row(path, mask, label=1)], SUV) if f.kind == "units"]
    assert said.severity == "note" and "stay as they are" in said.message
