"""One DICOM file, read without trust and without the patient.

Only the named tags are parsed, an error never quotes what stands in a file, and pydicom's own warnings, which do, are
silent.
"""

from __future__ import annotations

import functools
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import file_at, is_file
from prldh.data.imaging.dicom_inflate import DEFLATED, Inflated, TooLarge
from prldh.data.imaging.header import Identity
from prldh.data.imaging.refusal import CaseRefused

#: Fields that tell who a patient is; which of them hold something is said, what they hold never.
IDENTIFYING = (
    "PatientName",
    "PatientID",
    "OtherPatientIDs",
    "PatientBirthDate",
    "PatientAddress",
    "PatientTelephoneNumbers",
    "PatientMotherBirthName",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PerformingPhysicianName",
    "OperatorsName",
    "InstitutionName",
    "InstitutionAddress",
)
#: So much of a deflated file is unpacked at most: of one that is read up to its voxels, and of one that is read whole.
_LARGEST_HEADER, _LARGEST_FILE = 1 << 28, 1 << 31
#: How many bytes follow in a deflated file.
UNKNOWN = 1 << 62
NO_IMAGES = ("SEG", "RTSTRUCT", "RTPLAN", "RTDOSE", "SR", "PR", "KO", "REG", "DOC")
#: What may be said of a modality (DICOM PS3.3 C.7.3.1.1.1); other text in that field could be anything.
MODALITIES = frozenset(
    (
        "CT",
        "MR",
        "PT",
        "NM",
        "US",
        "CR",
        "DX",
        "DR",
        "MG",
        "XA",
        "RF",
        "OCT",
        "OPT",
        "SC",
        "PX",
        "IO",
        "IVUS",
        "RTIMAGE",
        "OT",
        *NO_IMAGES,
    )
)

#: How an image was made: fields that hold numbers, codes of a closed list, and the maker. Text of any other kind could
#: be anything.
_NUMBERS = (
    "KVP",
    "XRayTubeCurrent",
    "Exposure",
    "SliceThickness",
    "SpacingBetweenSlices",
    "PixelSpacing",
    "Rows",
    "Columns",
    "ReconstructionDiameter",
    "MagneticFieldStrength",
    "RepetitionTime",
    "EchoTime",
    "InversionTime",
    "FlipAngle",
    "EchoTrainLength",
    "NumberOfAverages",
    "DiffusionBValue",
    "AcquisitionDuration",
    "ActualFrameDuration",
    "ContrastBolusVolume",
    "ContrastBolusTotalDose",
)
CODES = {
    "MRAcquisitionType": ("1D", "2D", "3D"),
    "ScanningSequence": ("SE", "IR", "GR", "EP", "RM"),
    "SequenceVariant": ("SK", "MTC", "SS", "TRSS", "SP", "MP", "OSP", "NONE"),
    "SUVType": ("BSA", "BW", "LBM", "LBMJAMES128", "LBMJANMA", "IBW"),
    "DecayCorrection": ("NONE", "START", "ADMIN"),
}
_MAKERS = (
    "GE",
    "SIEMENS",
    "PHILIPS",
    "CANON",
    "TOSHIBA",
    "HITACHI",
    "FUJIFILM",
    "UNITED IMAGING",
    "SHIMADZU",
    "HOLOGIC",
    "ESAOTE",
    "NEUSOFT",
    "SAMSUNG",
    "AGFA",
    "KONICA",
    "CARESTREAM",
)


@functools.lru_cache(maxsize=1)
def quiet_pydicom() -> Any:
    """pydicom, set to neither warn nor log what stands in a file."""
    import logging

    import pydicom

    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE
    return pydicom


def is_dicom(path: Path) -> bool:
    """Whether a file begins as DICOM files do (a preamble of 128 bytes, then DICM)."""
    with file_at(path).open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def read_dataset(
    path: Path, tags: Sequence[str | int] | None = None, stop_before_pixels: bool = True
) -> tuple[Any, int]:
    """A DICOM file's data set and how many bytes of voxels follow what was read (of a deflated file nobody knows:
    :data:`UNKNOWN`); ``tags`` limits what is parsed.

    Raises
    ------
    CaseRefused
        If it is no DICOM file, unpacks to too much, is damaged or cut off.
    """
    pydicom = quiet_pydicom()
    with file_at(path).open("rb") as plain:
        start = plain.read(4096)
        if start[128:132] != b"DICM":
            raise CaseRefused(f"'{path.name}' is not a DICOM file, or lost its beginning. Export it again.")
        is_deflated = DEFLATED in start
        try:
            file: Any = plain
            if is_deflated:
                file = io.BufferedReader(Inflated(path, _LARGEST_HEADER if stop_before_pixels else _LARGEST_FILE))
            file.seek(0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                dataset = pydicom.dcmread(
                    file, force=False, stop_before_pixels=stop_before_pixels, specific_tags=list(tags) if tags else None
                )
            read = file.tell()
        except TooLarge:
            raise CaseRefused(
                f"'{path.name}' is deflated DICOM that unpacks to too much. Save it uncompressed.", "too_large"
            ) from None
        except Exception:  # whatever a damaged or hostile file makes pydicom raise; its text may quote the file
            raise CaseRefused(f"'{path.name}' is damaged or cut off DICOM. Copy or export it again.") from None
    if is_deflated:
        return dataset, UNKNOWN
    # in front of the voxels stand their tag and length, and with explicit types the type
    return dataset, path.stat().st_size - read - (8 if dataset.original_encoding[0] else 12)


def identity_of(dataset: Any, frame: str | None = None) -> Identity:
    """Whose file it is; ``frame`` where the frame of reference stands elsewhere."""
    return Identity(
        text_of(dataset, "PatientID"),
        frame or text_of(dataset, "FrameOfReferenceUID"),
        text_of(dataset, "SeriesInstanceUID"),
        tuple(name for name in IDENTIFYING if text_of(dataset, name)),
        text_of(dataset, "PatientIdentityRemoved").upper() == "YES",
    )


def names_patient(dataset: Any, patient: str) -> bool:
    """Whether the study's id of a patient is what DICOM calls the patient's id or name."""
    wanted = patient.strip().lower()
    return bool(wanted) and wanted in {
        text_of(dataset, name).strip().lower() for name in ("PatientID", "PatientName", "OtherPatientIDs")
    }


def text_of(dataset: Any, name: str) -> str:
    """A field as text, empty where it is absent or does not fit its type."""
    try:
        value = dataset.get(name)
    except Exception:
        return ""
    return "" if value is None else str(value)


def modality_of(dataset: Any) -> str | None:
    """DICOM's code of the modality, or None where it is not one of those known."""
    modality = text_of(dataset, "Modality").strip().upper()
    return modality if modality in MODALITIES else None


def acquisition_of(path: Path) -> dict[str, str]:
    """How the image of a DICOM file was made: keyword → value. Nothing that could tell of a patient is among it.

    Raises
    ------
    CaseRefused
        If it cannot be read.
    """
    dataset, _ = read_dataset(path, ("Modality", "Manufacturer", *_NUMBERS, *CODES))
    acquisition = {"Modality": modality_of(dataset) or ""}
    acquisition["Manufacturer"] = maker_of(text_of(dataset, "Manufacturer"))
    for name in _NUMBERS:
        parts = _parts(dataset, name)
        acquisition[name] = " ".join(f"{float(p):g}" for p in parts) if parts and all(map(_is_number, parts)) else ""
    for name, known in CODES.items():
        parts = _parts(dataset, name)
        acquisition[name] = " ".join(parts) if parts and all(p in known for p in parts) else ""
    return {name: value for name, value in acquisition.items() if value}


def maker_of(text: str) -> str:
    """The maker that a text names, of a list; empty for others."""
    words = text.upper().replace(",", " ").replace(".", " ")
    return next((maker for maker in _MAKERS if f" {maker} " in f" {words} "), "")


def _parts(dataset: Any, name: str) -> list[str]:
    return [
        part
        for part in text_of(dataset, name).strip("[]").replace("\\", ",").replace("'", "").replace(" ", "").split(",")
        if part
    ]


def _is_number(text: str) -> bool:
    try:
        return np.isfinite(float(text))
    except ValueError:
        return False


def dicom_files(folder: Path) -> list[Path]:
    """The DICOM files of a folder by name, subfolders left out."""
    return sorted(path for path in folder.iterdir() if is_file(path) and _is_meant(path))


def _is_meant(path: Path) -> bool:
    """Files that are no DICOM are passed over in a folder, but not those whose name says that they are."""
    if path.name.upper() == "DICOMDIR" or path.name.startswith("."):
        return False
    return path.suffix.lower() in (".dcm", ".ima", ".dicom") or is_dicom(path)
