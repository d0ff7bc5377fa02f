"""Units of PET, and the standardised uptake value by body weight (SUVbw) from the header.

SUVbw = activity concentration (Bq/mL) · body weight (g) / injected activity (Bq), which is decayed to the time that the
image's values are corrected to: what IBSI's reference manual calls data conversion (23XZ), by the steps that QIBA's
profile gives for DICOM. Values corrected to the start of the scan (DecayCorrection START) are divided
by what was left of the injected activity then; values corrected to the injection (ADMIN), by the activity itself.

References
----------
Zwanenburg A et al. (2016) arXiv:1612.07003, v11. QIBA FDG-PET/CT Technical Committee (2013), vendor-neutral pseudo-code
for SUV. DICOM PS3.3, C.8.9.1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from prldh.data.imaging.dicom_file import read_dataset, text_of
from prldh.data.imaging.refusal import CaseRefused

#: DICOM's codes of units (PS3.3, C.8.9.1.1.3); other text in that field could be anything.
UNITS = (
    *("CNTS", "NONE", "CM2", "PCNT", "CPS", "BQML", "MGMINML", "UMOLMINML", "MLMING", "MLG", "1CM", "UMOLML"),
    *("PROPCNTS", "PROPCPS", "MLMINML", "MLML", "GML", "STDDEV"),
)
SUV_TYPES = ("BSA", "BW", "LBM", "LBMJAMES128", "LBMJANMA", "IBW")
#: The scan's own time where GE keeps it, and Philips's factor from counts to SUVbw: element, and whose its block is.
_GE_SCAN = 0x0009100D, 0x00090010, "GEMS_PETD_01"
_PHILIPS_SUV = 0x70531000, 0x70530010, "Philips PET Private Group"
_TAGS = (
    "Modality",
    "Units",
    "SUVType",
    "DecayCorrection",
    "CorrectedImage",
    "PatientWeight",
    "SeriesDate",
    "SeriesTime",
    "AcquisitionDate",
    "AcquisitionTime",
    "RadiopharmaceuticalInformationSequence",
    *_GE_SCAN[:2],
    *_PHILIPS_SUV[:2],
)
#: Least activity in Bq and largest weight in kg that are taken for such: below or beyond they are MBq and g.
_LEAST_DOSE, _LARGEST_WEIGHT = 1e4, 1000.0
#: Without a date, an injection counts as on the day of the scan; nuclides that live longer are injected days before.
_LONGEST_WITHOUT_DATE = 12 * 3600.0


def units_of(path: Path) -> str | None:
    """In which units a PET's values are: DICOM's code, with the kind of SUV; None where that is not said."""
    dataset, _ = read_dataset(path, ("Modality", "Units", "SUVType"))
    return _units(dataset)


def _units(dataset: Any) -> str | None:
    units = text_of(dataset, "Units").strip().upper()
    if text_of(dataset, "Modality").strip().upper() != "PT" or units not in UNITS:
        return None
    kind = text_of(dataset, "SUVType").strip().upper()
    if units == "GML" and kind in SUV_TYPES and kind != "BW":
        return f"GML, SUV by {kind}"
    return units


def suv_factor(files: Sequence[Path], name: str) -> float:
    """What the values of a PET series (its files) are to be multiplied by to become SUVbw.

    Raises
    ------
    CaseRefused
        If a field that this needs is absent, 0, no number or in another unit, or the units cannot become SUVbw.
    """
    dataset, _ = read_dataset(files[0], _TAGS)
    units = _units(dataset)
    if units == "GML":
        return 1.0  # which is by body weight where nothing else is said
    if units == "CNTS":
        try:
            factor = float(_of_maker(dataset, *_PHILIPS_SUV))
        except ValueError:  # absent, or something else
            factor = 0.0
        if 0 < factor < float("inf"):
            return factor
    if units != "BQML":
        raise _refused(name, f"its units are {units or 'not told'}, not BQML or GML by body weight")
    corrected = text_of(dataset, "CorrectedImage").upper()
    if corrected and "DECY" not in corrected:
        raise _refused(name, "it is not corrected for decay (CorrectedImage)")
    injection: Any = next(iter(dataset.get("RadiopharmaceuticalInformationSequence") or ()), {})
    weight = _number(dataset, "PatientWeight", name)
    dose = _number(injection, "RadionuclideTotalDose", name)
    if weight > _LARGEST_WEIGHT:
        raise _refused(name, f"PatientWeight is {weight:g}, which is no weight in kg")
    if dose < _LEAST_DOSE:
        raise _refused(name, f"RadionuclideTotalDose is {dose:g}, which is no injected activity in Bq (in MBq?)")
    correction = text_of(dataset, "DecayCorrection").strip().upper()
    if correction == "START":
        half_life = _number(injection, "RadionuclideHalfLife", name)
        dose *= 2.0 ** (-_seconds(dataset, injection, half_life, files, name) / half_life)
    elif correction != "ADMIN":
        raise _refused(name, "DecayCorrection is neither START nor ADMIN")
    return 1000 * weight / dose


def _seconds(dataset: Any, injection: Any, half_life: float, files: Sequence[Path], name: str) -> float:
    """From the injection to the time that the values are corrected to."""
    scan = _start_of_scan(dataset, files, name)
    told = text_of(injection, "RadiopharmaceuticalStartDateTime")
    start = _moment(told[:8], told[8:])
    if start is not None:
        passed = (scan - start).total_seconds()
    else:
        start = _moment(f"{scan:%Y%m%d}", text_of(injection, "RadiopharmaceuticalStartTime"))
        if start is None:
            raise _refused(name, "the time of the injection (RadiopharmaceuticalStartTime) is absent or no time")
        if half_life > _LONGEST_WITHOUT_DATE:
            raise _refused(
                name, "the day of the injection (RadiopharmaceuticalStartDateTime) of so slow a nuclide is absent"
            )
        passed = (scan - start).total_seconds()
        if passed < 0:  # injected before midnight
            passed += timedelta(days=1).total_seconds()
    if not 0 <= passed < 20 * half_life:
        raise _refused(name, "the injection lies after the scan, or 20 half-lives before it")
    return passed


def _start_of_scan(dataset: Any, files: Sequence[Path], name: str) -> datetime:
    """The series' time where it is no later than the acquisition; else the maker's own, or the earliest acquisition."""
    series = _moment(text_of(dataset, "SeriesDate"), text_of(dataset, "SeriesTime"))
    acquired = _moment(text_of(dataset, "AcquisitionDate"), text_of(dataset, "AcquisitionTime"))
    if series is not None and (acquired is None or series <= acquired):
        return series
    of_maker = _of_maker(dataset, *_GE_SCAN)
    found = _moment(of_maker[:8], of_maker[8:])
    if found is None:
        moments = [
            _moment(text_of(one, "AcquisitionDate"), text_of(one, "AcquisitionTime"))
            for one, _ in (read_dataset(file, ("AcquisitionDate", "AcquisitionTime")) for file in files)
        ]
        found = min((m for m in moments if m is not None), default=None)
    if found is None:
        raise _refused(name, "the time of the scan (SeriesDate, SeriesTime) is absent or no time")
    return found


def _of_maker(dataset: Any, tag: int, block: int, maker: str) -> str:
    """A maker's private element as text; empty where it is absent or the block is another maker's."""
    try:
        if str(dataset[block].value).strip() != maker:
            return ""
        value = dataset[tag].value
        return value.decode("ascii").strip("\0 ") if isinstance(value, bytes) else str(value)
    except Exception:  # absent, or of another type
        return ""


def _moment(date: str, time: str) -> datetime | None:
    """DICOM's date and time, perhaps with a fraction of a second, as one moment; an offset from UTC is passed over."""
    day, clock = re.fullmatch(r"\s*(\d{8})\s*", date), re.match(r"\s*(\d{2})(\d{2})?(\d{2})?(\.\d+)?", time)
    if day is None or clock is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in clock.groups()[:3])
    try:
        return datetime.strptime(day[1], "%Y%m%d") + timedelta(
            hours=hours, minutes=minutes, seconds=seconds + float(clock[4] or 0)
        )
    except ValueError:
        return None


def _number(dataset: Any, keyword: str, name: str) -> float:
    try:
        value = float(dataset.get(keyword))
    except (TypeError, ValueError):
        value = 0.0
    if not 0 < value < float("inf"):
        raise _refused(name, f"{keyword} is absent, 0 or no number")
    return value


def _refused(name: str, why: str) -> CaseRefused:
    return CaseRefused(
        f"'{name}' cannot become SUV by body weight: {why}. Complete the header, or leave imaging.pet at as_stored.",
        "units",
    )
