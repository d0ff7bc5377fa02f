"""What lies beside a NIfTI image, which does not say itself how it was made: the JSON file of the same name that BIDS
asks for."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prldh.core import DataError, is_there
from prldh.data.imaging.dicom_file import CODES, MODALITIES, maker_of
from prldh.study import parse_json, read_text

ENDS = (".nii.gz", ".nii")
#: BIDS's keys of numbers: DICOM's name, by what to multiply for DICOM's unit, and the most that can be meant (BIDS has
#: seconds where DICOM has milliseconds, and a file that has milliseconds all the same is not understood).
_NUMBERS = {
    "RepetitionTime": ("RepetitionTime", 1000.0, 100.0),
    "EchoTime": ("EchoTime", 1000.0, 1.0),
    "InversionTime": ("InversionTime", 1000.0, 100.0),
    "FrameDuration": ("ActualFrameDuration", 1000.0, 1e5),
    "AcquisitionDuration": ("AcquisitionDuration", 1.0, 1e5),
    "FlipAngle": ("FlipAngle", 1.0, 360.0),
    "EchoTrainLength": ("EchoTrainLength", 1.0, 1e5),
    "NumberOfAverages": ("NumberOfAverages", 1.0, 1e4),
    "MagneticFieldStrength": ("MagneticFieldStrength", 1.0, 100.0),
    "SliceThickness": ("SliceThickness", 1.0, 1e4),
    "SpacingBetweenSlices": ("SpacingBetweenSlices", 1.0, 1e4),
    "KVP": ("KVP", 1.0, 1e4),
    "XRayTubeCurrent": ("XRayTubeCurrent", 1.0, 1e5),
    "XRayExposure": ("Exposure", 1.0, 1e6),
}
_TEXTS = ("Modality", "Manufacturer", *CODES)


@dataclass(frozen=True)
class Beside:
    """``acquisition``: DICOM's keyword → value, as ``dicom_file.acquisition_of`` gives it; ``trouble``: what is wrong
    with the file, or None. Nothing of it that could tell of a patient is kept: numbers, codes and makers of a list."""

    acquisition: dict[str, str] = field(default_factory=dict)
    trouble: str | None = None


def read_beside(image: Path) -> Beside:
    """What the JSON file beside an image says; nothing where there is none. Whatever lies there, no case fails for
    it."""
    end = next((end for end in ENDS if image.name.lower().endswith(end)), None)
    if end is None:
        return Beside()
    place = image.with_name(f"{image.name[: -len(end)]}.json")
    if not is_there(place):
        return Beside()
    called = f"the JSON file beside '{image.name}'"
    try:
        content = parse_json(read_text(place, "sidecar", DataError, "Mend or remove it."), called, DataError)
    except DataError as error:
        return Beside(trouble=f"{called} is left out: {str(error).replace(str(place), called)}")
    if not isinstance(content, dict):
        return Beside(trouble=f"{called} is left out: it holds no keys with values. Mend or remove it.")
    acquisition, strange = {}, []
    for key, (name, factor, most) in _NUMBERS.items():
        if content.get(key) is not None:
            text = _numbers(content[key], factor, most)
            acquisition[name] = text or ""
            strange += [] if text else [key]
    for key in _TEXTS:
        if content.get(key) is not None:
            words = _words(content[key])
            acquisition[key] = "" if words is None else _known(key, words)
            strange += [key] if words is None else []
    return Beside(
        {name: value for name, value in acquisition.items() if value},
        f"{called}: {', '.join(strange)} {'is' if len(strange) == 1 else 'are'} left out, as what stands there is not"
        " what BIDS asks for (times in seconds). Mend it there."
        if strange
        else None,
    )


def _numbers(value: Any, factor: float, most: float) -> str | None:
    """One number or several, in DICOM's unit; None for anything else."""
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        return None
    if not all(math.isfinite(v) and 0 <= v <= most for v in values):
        return None
    return " ".join(dict.fromkeys(f"{v * factor:g}" for v in values[:20]))


def _words(value: Any) -> list[str] | None:
    """The words of a text, or of several."""
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(v, str) for v in values):
        return None
    return [part for v in values for part in re.split(r"[\\/_,;\s]+", v.strip().upper()) if part]


def _known(key: str, words: list[str]) -> str:
    """What is of the list of a key; text of any other kind could be anything, and is not kept."""
    if key == "Manufacturer":
        return maker_of(" ".join(words))
    known = MODALITIES if key == "Modality" else CODES[key]
    return " ".join(words) if words and all(word in known for word in words) else ""
