"""How an image was made is told from DICOM; text that could name a patient is not."""

from __future__ import annotations

import imaging_data as data
import pydicom
import pytest

from prldh.imaging.read import acquisition_of_image


def _changed(path, **fields):
    found = pydicom.dcmread(path)
    for name, value in fields.items():
        setattr(found, name, value)
    found.save_as(path)


def test_numbers_codes_and_the_maker(tmp_path):
    files = data.write_series(tmp_path / "s", data.values())
    for file in files:
        _changed(
            file, Manufacturer="SIEMENS Healthineers", RepetitionTime="2500", EchoTime="98.5", MagneticFieldStrength="1.5", MRAcquisitionType="2D",
            ScanningSequence=["SE", "IR"], ManufacturerModelName="Aera", ProtocolName="Doe^Jane lumbar",
        )
    found = acquisition_of_image(tmp_path / "s")
    assert {k: found[k] for k in ("Modality", "Manufacturer", "RepetitionTime", "EchoTime", "MagneticFieldStrength", "MRAcquisitionType", "ScanningSequence")} == {
        "Modality": "MR", "Manufacturer": "SIEMENS", "RepetitionTime": "2500", "EchoTime": "98.5", "MagneticFieldStrength": "1.5",
        "MRAcquisitionType": "2D", "ScanningSequence": "SE IR",
    }
    assert "Doe" not in str(found) and data.HOSPITAL_ID not in str(found)


@pytest.mark.parametrize("field", ["Manufacturer", "ScanningSequence", "MRAcquisitionType"])
def test_a_name_in_a_field_of_codes_is_not_repeated(tmp_path, field):
    for file in data.write_series(tmp_path / "s", data.values()):
        _changed(file, **{field: "DOE JANE"})
    assert "DOE" not in str(acquisition_of_image(tmp_path / "s"))


def test_other_formats_say_nothing(tmp_path):
    assert acquisition_of_image(data.write(tmp_path / "a.nii.gz", data.values())) == {}
