"""The JSON file beside a NIfTI image: what of it is kept, in which units, and that nothing in it stops a case."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import prldh
from prldh.checklists.built_in import built_in_checklists
from prldh.checklists.dossier import read_dossier
from prldh.data.imaging.sidecar import read_beside
from prldh.plugins import Registry

WHOLE = {
    "Modality": "MR",
    "Manufacturer": "Siemens Healthineers",
    "ManufacturersModelName": "Prisma of Erika Mustermann",
    "MagneticFieldStrength": 3,
    "RepetitionTime": 2.5,
    "EchoTime": 0.0028,
    "InversionTime": 0.9,
    "FlipAngle": 9,
    "SliceThickness": 1.2,
    "EchoTrainLength": 7,
    "MRAcquisitionType": "3D",
    "ScanningSequence": "GR\\IR",
    "SequenceVariant": ["SK", "SP", "MP"],
    "SeriesDescription": "Mustermann t1",
    "PatientName": "Erika Mustermann",
    "PatientID": "4711",
    "PatientBirthDate": "19000101",
    "InstitutionName": "Hospital",
    "AcquisitionDateTime": "2020-01-01T00:00:00",
}


def _beside(folder: Path, text: str | bytes | None, name: str = "a.nii.gz"):
    place = folder / f"{name.removesuffix('.gz').removesuffix('.nii')}.json"
    if text is not None:
        place.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_beside(folder / name)


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "sub-01_T1w.NII.gz"])
def test_what_bids_says_is_kept_in_the_units_of_dicom_and_nothing_of_the_patient(tmp_path, name):
    place = tmp_path / f"{name.split('.')[0]}.json"
    place.write_text(json.dumps(WHOLE, indent="\t"))
    found = read_beside(tmp_path / name)
    assert found.trouble is None
    assert found.acquisition == {
        "Modality": "MR",
        "Manufacturer": "SIEMENS",
        "MagneticFieldStrength": "3",
        "RepetitionTime": "2500",
        "EchoTime": "2.8",
        "InversionTime": "900",
        "FlipAngle": "9",
        "SliceThickness": "1.2",
        "EchoTrainLength": "7",
        "MRAcquisitionType": "3D",
        "ScanningSequence": "GR IR",
        "SequenceVariant": "SK SP MP",
    }


def test_there_need_not_be_one(tmp_path):
    assert _beside(tmp_path, None).acquisition == {} and _beside(tmp_path, None).trouble is None
    (tmp_path / "b.json").write_text("{")
    assert read_beside(tmp_path / "b.nrrd").trouble is None  # only NIfTI has such a file


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid JSON"),
        ("", "not valid JSON"),
        ("[1, 2]", "holds no keys"),
        ('"text"', "holds no keys"),
        ("null", "holds no keys"),
        (b"\xff\xfe\x00{", "not UTF-8"),
        ("[" * 100_000, "deep"),
        ('{"a": ' + "9" * 500 + "}", "a number of 500 characters"),
        ('{"EchoTime": 1, "EchoTime": 2}', "stands twice"),
        ('{"a": "' + "x" * 600_000 + '"}', "at most"),
    ],
)
def test_one_that_cannot_be_read_is_one_warning_without_its_path(tmp_path, text, said):
    found = _beside(tmp_path, text)
    assert found.acquisition == {} and said in found.trouble and str(tmp_path) not in found.trouble
    assert found.trouble.startswith("the JSON file beside 'a.nii.gz'")


def test_nor_does_a_folder_or_a_pipe_hold_up_a_case(tmp_path):
    (tmp_path / "a.json").mkdir()
    assert "left out" in _beside(tmp_path, None).trouble
    os.mkfifo(tmp_path / "p.json")
    assert "left out" in read_beside(tmp_path / "p.nii").trouble


@pytest.mark.parametrize(
    "value", [True, "2.5", {"a": 1}, [], [1, "x"], -1, float("nan"), float("inf"), 2500, 10**90, [[1]]]
)
def test_what_bids_does_not_say_is_left_out_with_one_warning(tmp_path, value):
    found = _beside(tmp_path, json.dumps({"RepetitionTime": value, "Manufacturer": [1], "FlipAngle": 9}))
    assert found.acquisition == {"FlipAngle": "9"}
    assert "RepetitionTime, Manufacturer are left out" in found.trouble


def test_text_that_is_of_no_list_is_not_kept(tmp_path):
    text = {"Manufacturer": "Erika's scanner", "ScanningSequence": "Mustermann", "Modality": "MRI"}
    found = _beside(tmp_path, json.dumps(text))
    assert found.acquisition == {} and found.trouble is None


def test_an_extraction_keeps_it_reads_it_again_and_the_checklist_says_it(tmp_path, monkeypatch):
    """Of the image alone: what changed beside it is read, though nothing is measured again."""
    pytest.importorskip("SimpleITK", reason="images need SimpleITK")
    from lesion_data import Plain, study_of, write_patients

    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path / "cache"))
    patients = write_patients(tmp_path)
    cases = [{"patient_id": p, "image": f"{p}.nii.gz", "mask": f"{p}_mask.nii.gz", "label": 3} for p in patients]
    clinical = [{"patient_id": p, "event": i % 2} for i, p in enumerate(patients)]
    study = study_of(tmp_path, cases, clinical)
    for k, patient in enumerate(patients):
        (tmp_path / f"{patient}.json").write_text(json.dumps(WHOLE) if k else "{")
    for n, seconds in enumerate((2.5, 3.0)):
        (tmp_path / f"{patients[1]}.json").write_text(json.dumps({**WHOLE, "RepetitionTime": seconds}))
        prldh.extract(study, tmp_path / f"out{n}", jobs=1, plugins=[Plain()])
        text = (tmp_path / f"out{n}" / "features" / "liver.json").read_text()
        about = json.loads(text)
        kept = {case["patient"]: case["dicom"] for case in about["cases"]}
        assert kept[patients[0]] == {} and kept[patients[1]]["RepetitionTime"] == f"{1000 * seconds:g}"
        assert [f["kind"] for f in about["findings"]].count("sidecar") == 1 and not about["put_aside"]
        assert "Mustermann" not in text and "4711" not in text
    dossier = read_dossier(tmp_path / "out1", Registry())
    found = {e["number"]: e for c in built_in_checklists() if c.name == "ibsi" for e in c.evaluate(dossier)}
    assert "repetition time" in found["19"]["value"] and "3000 ms (1)" in found["19"]["value"]
    assert found["14"]["status"] == "not applicable"  # the files say that the images are MR
