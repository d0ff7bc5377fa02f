"""Images as other programs write them and somebody damages them: NRRD, DICOM series, SEG, RTSTRUCT."""

from __future__ import annotations

import random
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from changes import CHECK_IMAGES, rewritten
from hostile_images import nifti_headers
from templates import IMAGE_STUDY, write_yaml
from verdicts import Case

LOOK = ("extract", "study.yaml", "--check", "--jobs", "1")
STRICT = (*CHECK_IMAGES, "--strict")


def write_scans(folder: Path) -> None:
    """One patient a format: NRRD with its mask, a DICOM series with a SEG and with an RTSTRUCT, compressed NIfTI."""
    import numpy as np
    import pandas as pd
    from imaging_data import box, values, write, write_rtstruct, write_seg, write_series

    write(folder / "a.nrrd", values(1))
    write(folder / "a_mask.nrrd", (box() == 1).astype(np.uint8))
    for name in "bc":
        slices = write_series(folder / name, values(2), modality="CT", slopes=[1.0] * 6, intercept=-1024)
        for k, path in enumerate(sorted(slices)):
            path.rename(folder / name / f"{k}.dcm")
    write_seg(folder / "b_seg.dcm", [*_in_order(folder / "b")], {"disc": (box() == 1).astype(np.uint8)})
    corner, far = np.array([-18.0, 8.0]), np.array([-12.0, 12.0])
    square = [corner, [far[0], corner[1]], far, [corner[0], far[1]]]
    contours = [np.column_stack([square, [32.5 + 2.5 * k] * 4]) for k in range(3)]
    write_rtstruct(folder / "c_contours.dcm", {"disc": contours})
    write(folder / "d.nii.gz", values(4))
    write(folder / "d_mask.nii.gz", (box() == 1).astype(np.uint8))
    rows = [
        {"patient_id": "P0", "image": "a.nrrd", "mask": "a_mask.nrrd", "segment": ""},
        {"patient_id": "P1", "image": "b", "mask": "b_seg.dcm", "segment": "disc"},
        {"patient_id": "P2", "image": "c", "mask": "c_contours.dcm", "segment": "disc"},
        {"patient_id": "P3", "image": "d.nii.gz", "mask": "d_mask.nii.gz", "segment": ""},
    ]
    pd.DataFrame(rows).to_csv(folder / "disc.csv", index=False)
    outcome = {"patient_id": [f"P{i}" for i in range(4)], "recurrence": ["yes", "no"] * 2}
    pd.DataFrame(outcome).to_csv(folder / "clinical.csv", index=False)
    write_yaml(folder / "params.yaml", {"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Mean"]}})
    write_yaml(folder / "study.yaml", IMAGE_STUDY)


def _in_order(folder: Path) -> list[Path]:
    import pydicom

    return sorted(folder.glob("*.dcm"), key=lambda p: float(pydicom.dcmread(p).ImagePositionPatient[2]))


def _line(name: str, line: str) -> Callable[[bytes], bytes]:
    """A line of a NRRD header written otherwise."""
    return lambda b: re.sub(rb"(?m)^" + name.encode() + rb":.*$", line.encode(), b, count=1)


NRRD: dict[str, Callable[[bytes], bytes]] = {
    "magic": lambda b: b"NRRD0009" + b[8:],
    "magic_text": lambda b: b"NRRX0004" + b[8:],
    "type_unknown": _line("type", "type: quaternion"),
    "type_block": _line("type", "type: block"),
    "type_double": _line("type", "type: double"),
    "dimension_0": _line("dimension", "dimension: 0"),
    "dimension_2": _line("dimension", "dimension: 2"),
    "dimension_17": _line("dimension", "dimension: 17"),
    "dimension_huge": _line("dimension", f"dimension: {10**20}"),
    "sizes_huge": _line("sizes", "sizes: 2000000 2000000 2000000"),
    "sizes_0": _line("sizes", "sizes: 0 10 6"),
    "sizes_minus": _line("sizes", "sizes: -12 10 6"),
    "sizes_few": _line("sizes", "sizes: 12 10"),
    "sizes_many": _line("sizes", "sizes: 12 10 6 2"),
    "sizes_text": _line("sizes", "sizes: a b c"),
    "no_sizes": _line("sizes", "# sizes"),
    "no_directions": _line("space directions", "# none"),
    "directions_zero": _line("space directions", "space directions: (0,0,0) (0,0,0) (0,0,0)"),
    "directions_nan": _line("space directions", "space directions: (nan,0,0) (0,1,0) (0,0,1)"),
    "directions_huge": _line("space directions", "space directions: (1e300,0,0) (0,1e300,0) (0,0,1e300)"),
    "directions_none": _line("space directions", "space directions: none none none"),
    "directions_flat": _line("space directions", "space directions: (1,0,0) (1,0,0) (0,0,1)"),
    "directions_open": _line("space directions", "space directions: (1,0,0 (0,1,0) (0,0,1)"),
    "origin_nan": _line("space origin", "space origin: (nan,nan,nan)"),
    "origin_far": _line("space origin", "space origin: (1e200,0,0)"),
    "space_unknown": _line("space", "space: upside-down"),
    "space_time": _line("space", "space: left-posterior-superior-time"),
    "encoding_unknown": _line("encoding", "encoding: morse"),
    "encoding_hex": _line("encoding", "encoding: hex"),
    "encoding_raw": _line("encoding", "encoding: raw"),
    "encoding_text": _line("encoding", "encoding: ascii"),
    "endian_big": _line("endian", "endian: big"),
    "endian_middle": _line("endian", "endian: middle"),
    "data_elsewhere": lambda b: b.replace(b"encoding:", b"data file: /dev/zero\nencoding:", 1),
    "data_above": lambda b: b.replace(b"encoding:", b"data file: ../../../etc/passwd\nencoding:", 1),
    "data_missing": lambda b: b.replace(b"encoding:", b"data file: nowhere.raw\nencoding:", 1),
    "data_of_itself": lambda b: b.replace(b"encoding:", b"data file: a.nrrd\nencoding:", 1),
    "data_list": lambda b: b.replace(b"encoding:", b"data file: LIST\na\nb\nencoding:", 1),
    "skip_minus": lambda b: b.replace(b"encoding:", b"byte skip: -5\nencoding:", 1),
    "skip_huge": lambda b: b.replace(b"encoding:", b"byte skip: 99999999999\nencoding:", 1),
    "lines_skipped": lambda b: b.replace(b"encoding:", b"line skip: 1000000\nencoding:", 1),
    "key_values": lambda b: b.replace(b"encoding:", b"a:=\x1b[31m\\n\nencoding:", 1),
    "long_line": lambda b: b.replace(b"encoding:", b"content: " + b"x" * 2_000_000 + b"\nencoding:", 1),
    "no_blank_line": lambda b: b.replace(b"\n\n", b"\n", 1),
    "windows_lines": lambda b: b.split(b"\n\n", 1)[0].replace(b"\n", b"\r\n") + b"\r\n\r\n" + b.split(b"\n\n", 1)[1],
    "cut_header": lambda b: b[:100],
    "cut_voxels": lambda b: b[:-20],
    "empty": lambda b: b"",
    "not_text": lambda b: b[:5] + random.Random(3).randbytes(300) + b[5:],
}


def _tag(**values: Any) -> Callable[[Any], None]:
    def change(found: Any) -> None:
        for key, value in values.items():
            if value is ...:
                delattr(found, key)
            else:
                setattr(found, key, value)

    return change


def _raw_tag(group: int, element: int, vr: str, value: Any) -> Callable[[Any], None]:
    def change(found: Any) -> None:
        from pydicom.dataelem import RawDataElement
        from pydicom.tag import Tag

        tag = Tag(group, element)
        found._dict[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)

    return change


DICOM: dict[str, Callable[[Any], None]] = {
    "no_spacing": _tag(PixelSpacing=...),
    "spacing_0": _tag(PixelSpacing=[0, 0]),
    "spacing_one": _tag(PixelSpacing="0.9"),
    "spacing_minus": _tag(PixelSpacing=[-1, 1]),
    "spacing_other": _tag(PixelSpacing=[3, 3]),
    "spacing_text": _raw_tag(0x0028, 0x0030, "DS", b"a\\b "),
    "spacing_nan": _raw_tag(0x0028, 0x0030, "DS", b"nan\\nan "),
    "no_position": _tag(ImagePositionPatient=...),
    "position_nan": _raw_tag(0x0020, 0x0032, "DS", b"nan\\0\\0 "),
    "position_of_another": _tag(ImagePositionPatient=[-20, 5, 32.5]),
    "position_far": _tag(ImagePositionPatient=[-20, 5, 1e15]),
    "position_two": _tag(ImagePositionPatient=[1, 2]),
    "no_orientation": _tag(ImageOrientationPatient=...),
    "orientation_0": _tag(ImageOrientationPatient=[0, 0, 0, 0, 0, 0]),
    "orientation_skew": _tag(ImageOrientationPatient=[1, 0, 0, 1, 0, 0]),
    "orientation_other": _tag(ImageOrientationPatient=[0, 1, 0, 1, 0, 0]),
    "orientation_five": _raw_tag(0x0020, 0x0037, "DS", b"1\\0\\0\\0\\1"),
    "rows_0": _tag(Rows=0),
    "rows_huge": _tag(Rows=65535, Columns=65535),
    "rows_other": _tag(Rows=5),
    "no_rows": _tag(Rows=...),
    "bits_1": _tag(BitsAllocated=1, BitsStored=1, HighBit=0),
    "bits_32": _tag(BitsAllocated=32, BitsStored=32, HighBit=31),
    "bits_stored_more": _tag(BitsStored=24),
    "samples_3": _tag(SamplesPerPixel=3),
    "photometric_palette": _tag(PhotometricInterpretation="PALETTE COLOR"),
    "photometric_inverted": _tag(PhotometricInterpretation="MONOCHROME1"),
    "photometric_unknown": _tag(PhotometricInterpretation="\x1b[31m"),
    "representation_2": _tag(PixelRepresentation=2),
    "no_pixels": _tag(PixelData=...),
    "pixels_short": _tag(PixelData=b"\0\0" * 7),
    "pixels_long": _tag(PixelData=b"\0\0" * 7000),
    "slope_0": _tag(RescaleSlope=0),
    "slope_huge": _tag(RescaleSlope="1e300"),
    "slope_text": _raw_tag(0x0028, 0x1053, "DS", b"steep "),
    "slope_of_one_slice": _tag(RescaleSlope=2),
    "no_series": _tag(SeriesInstanceUID=...),
    "series_other": _tag(SeriesInstanceUID="1.2.3"),
    "no_uid": _tag(SOPInstanceUID=...),
    "frame_other": _tag(FrameOfReferenceUID="9.9.9"),
    "modality_text": _tag(Modality="\x1b[31mX" * 3),
    "no_modality": _tag(Modality=...),
    "class_of_pdf": _tag(SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1"),
    "charset_unknown": _tag(SpecificCharacterSet="ISO_IR 999"),
    "name_of_bytes": _raw_tag(0x0010, 0x0010, "PN", b"\xff\xfe\x1b[31m "),
    "date_of_text": _raw_tag(0x0008, 0x0020, "DA", b"someday "),
    "frames_many": _tag(NumberOfFrames=1000000),
    "frames_text": _raw_tag(0x0028, 0x0008, "IS", b"many"),
    "gap": _tag(ImagePositionPatient=[-20, 5, 200]),
    "unit_counts": _tag(Modality="PT", Units="CNTS"),
    "private": _raw_tag(0x0009, 0x1001, "UN", b"\0" * 100_000),
}  # fmt: skip


def _slice(how: Callable[[Any], None], files: tuple[str, ...] = ("b/2.dcm",)) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        import pydicom

        for file in files:
            found = pydicom.dcmread(folder / file)
            how(found)
            found.save_as(folder / file, enforce_file_format=False)

    return change


def _syntax(uid: bytes) -> Callable[[Path], None]:
    """Another transfer syntax than the voxels have, of a name as long."""
    return rewritten("b/2.dcm", lambda b: b.replace(b"1.2.840.10008.1.2.1\0", uid.ljust(20, b"\0"), 1))


FILES: dict[str, Callable[[Path], None]] = {
    "slice_cut": rewritten("b/2.dcm", lambda b: b[: len(b) // 2]),
    "slice_empty": rewritten("b/2.dcm", lambda b: b""),
    "slice_without_preamble": rewritten("b/2.dcm", lambda b: b[132:]),
    "slice_of_text": rewritten("b/2.dcm", lambda b: b"not an image"),
    "slice_of_bytes": rewritten("b/2.dcm", lambda b: random.Random(5).randbytes(4000)),
    "slice_twice": lambda folder: (folder / "b" / "9.dcm").write_bytes((folder / "b" / "2.dcm").read_bytes()) and None,
    "slice_gone": lambda folder: (folder / "b" / "2.dcm").unlink(),
    "one_slice": lambda folder: [p.unlink() for p in sorted((folder / "b").iterdir())[1:]] and None,
    "no_slices": lambda folder: [p.unlink() for p in (folder / "b").iterdir()] and None,
    "notes_beside": lambda folder: (folder / "b" / "notes.txt").write_text("a") and None,
    "link_in_a_circle": lambda folder: (folder / "b" / "x.dcm").symlink_to("x.dcm"),
    "folder_within": lambda folder: (folder / "b" / "more.dcm").mkdir(),
    "syntax_unknown": _syntax(b"1.2.3.4.5"),
    "syntax_other": _syntax(b"1.2.840.10008.1.2.5"),
    "syntax_implicit": _syntax(b"1.2.840.10008.1.2"),
    "syntax_big_endian": _syntax(b"1.2.840.10008.1.2.2"),
    "length_beyond": rewritten("b/2.dcm", lambda b: b[:-300] + struct.pack("<HHII", 0x7FE0, 0x0010, 0xFFFFFFF0, 0)),
    "seg_cut": rewritten("b_seg.dcm", lambda b: b[: len(b) // 2]),
    "seg_is_a_slice": rewritten("b_seg.dcm", lambda b: b"" or b[:128] + b[128:]),
    "contours_cut": rewritten("c_contours.dcm", lambda b: b[: len(b) // 2]),
    "contours_empty": rewritten("c_contours.dcm", lambda b: b""),
}
SEG: dict[str, Callable[[Any], None]] = {
    "no_segments": _tag(SegmentSequence=...),
    "no_frames": _tag(PerFrameFunctionalGroupsSequence=...),
    "no_shared": _tag(SharedFunctionalGroupsSequence=...),
    "frames_wrong": _tag(NumberOfFrames=99),
    "kind_unknown": _tag(SegmentationType="LABELMAP"),
    "pixels_short": _tag(PixelData=b"\0\0"),
    "rows_other": _tag(Rows=3),
    "frame_other": _tag(FrameOfReferenceUID="9.9"),
}
CONTOURS: dict[str, Callable[[Any], None]] = {
    "no_contours": _tag(ROIContourSequence=...),
    "no_names": _tag(StructureSetROISequence=...),
    "two_points": lambda found: _contour(found, ["0", "0", "32.5", "1", "1", "32.5"]),
    "half_a_point": lambda found: _contour(found, ["0", "0", "32.5", "1"]),
    "nothing": lambda found: _contour(found, []),
    "not_flat": lambda found: _contour(found, ["-18", "8", "32.5", "-12", "8", "40", "-12", "12", "50"]),
    "far": lambda found: _contour(found, ["1e9", "1e9", "32.5", "2e9", "1e9", "32.5", "2e9", "2e9", "32.5"]),
    "crossing": lambda found: _contour(
        found, ["-18", "8", "32.5", "-12", "12", "32.5", "-12", "8", "32.5", "-18", "12", "32.5"]
    ),
    "name_twice": lambda found: found.StructureSetROISequence.append(found.StructureSetROISequence[0]),
    "name_escape": lambda found: setattr(found.StructureSetROISequence[0], "ROIName", "\x1b[31m"),
    "number_other": lambda found: setattr(found.ROIContourSequence[0], "ReferencedROINumber", 77),
    "kind_point": lambda found: setattr(
        found.ROIContourSequence[0].ContourSequence[0], "ContourGeometricType", "POINT"
    ),
}


def _contour(found: Any, data: list[str]) -> None:
    found.ROIContourSequence[0].ContourSequence[0].ContourData = data


def scans() -> Iterator[Case]:
    """All of them; looking at images and measuring them in turn."""
    commands = (CHECK_IMAGES, LOOK, STRICT)
    every: list[tuple[str, Callable[[Path], None]]] = []
    every += [(f"nrrd.image.{name}", rewritten("a.nrrd", how)) for name, how in NRRD.items()]
    every += [(f"nrrd.mask.{name}", rewritten("a_mask.nrrd", how)) for name, how in list(NRRD.items())[::2]]
    every += [(f"dicom.{name}", _slice(how)) for name, how in DICOM.items()]
    whole = tuple(f"b/{k}.dcm" for k in range(6))
    every += [(f"dicom_series.{name}", _slice(how, whole)) for name, how in list(DICOM.items())[::2]]
    every += [(f"file.{name}", change) for name, change in FILES.items()]
    every += [(f"seg.{name}", _slice(how, ("b_seg.dcm",))) for name, how in SEG.items()]
    every += [(f"contours.{name}", _slice(how, ("c_contours.dcm",))) for name, how in CONTOURS.items()]
    for i, (name, change) in enumerate(every):
        yield Case("scans", name, "scans", commands[i % 3], change)
    for name, change in nifti_headers("d.nii.gz"):
        yield Case("scans", f"checked.image.{name}", "scans", LOOK, change)
    for name, change in nifti_headers("d_mask.nii.gz"):
        yield Case("scans", f"checked.mask.{name}", "scans", LOOK, change)
