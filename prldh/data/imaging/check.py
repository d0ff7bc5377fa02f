"""Checks before anything is computed: what would go wrong, and what a reader of the results should know.

Headers are read first, and voxels only where they are needed: of masks, and of images that may hold NaN.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from prldh.core import CaseRow, file_at, is_file, is_there
from prldh.data.imaging.dicom_file import IDENTIFYING, names_patient, read_dataset
from prldh.data.imaging.header import Header
from prldh.data.imaging.naming import without_names
from prldh.data.imaging.read import fit_mask, need_libraries, read_header, read_image
from prldh.data.imaging.refusal import CaseRefused
from prldh.data.imaging.sidecar import read_beside
from prldh.data.tables import some
from prldh.study import ReadSettings
from prldh.work import Workers, run_work

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Finding:
    """What a check found.

    ``severity``: ``refused`` (the row is put aside), ``warning`` or ``note``. ``patient`` is the table's id, ``line``
    the row of the cases table; what is said of a whole tissue has ``""`` and 0. ``unnamed``: the message without the
    names of files, where it may be kept, as in a log.
    """

    patient: str
    tissue: str
    line: int
    severity: str
    kind: str
    message: str
    unnamed: str = ""


@dataclass(frozen=True)
class ImageFacts:
    """What is compared between the cases: where the image's voxels come from, and what they are."""

    row: CaseRow
    spacing_mm: tuple[float, ...]
    modality: str | None
    content: str
    file: Path
    units: str | None = None
    is_flat: bool = False


def check_cases(
    rows: Sequence[CaseRow],
    settings: ReadSettings | None = None,
    jobs: int = 1,
    progress: Callable[[int], None] | None = None,
    whose: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Check the cases of a tissue.

    Parameters
    ----------
    rows : sequence of CaseRow
    settings : ReadSettings, optional
    jobs : int
        Processes.
    progress : function, optional
        Told how many rows are done.
    whose : mapping, optional
        Id → whose it is: ids of one owner may share an image. Default: each id is another patient's.

    Returns
    -------
    list of Finding
        In the order of the rows, then what is said of a whole tissue.
    """
    need_libraries()
    with Workers(min(jobs, max(len(rows), 1)), shared=(settings or ReadSettings(),), tries_here=True) as workers:
        checked = run_work(_check_row, list(rows), workers, progress or (lambda done: None))
    facts = [fact for _, fact in checked if fact is not None]
    findings = [finding for of_row, _ in checked for finding in of_row] + _duplicates(facts, whose or {})
    findings.sort(key=lambda finding: finding.line)
    return findings + _mixtures(facts)


# ---------------------------------------------------------------- one case


def _check_row(settings: ReadSettings, row: CaseRow) -> tuple[list[Finding], ImageFacts | None]:
    findings: list[Finding] = []

    def say(severity: str, kind: str, message: str) -> None:
        unnamed = without_names(message, row)
        findings.append(Finding(row.patient, row.tissue, row.line, severity, kind, message, unnamed))

    def tried(work: Callable[[], Answer]) -> Answer | None:
        try:
            return work()
        except CaseRefused as error:
            say("refused", error.kind, str(error))
        # a library's own failure on a strange file: one bad case must not end the check of the others
        except Exception as error:
            say(
                "refused",
                "unreadable",
                f"the files of this case cannot be read ({type(error).__name__}). Copy or export them again.",
            )
        return None

    header = tried(lambda: read_header(row.image, settings))
    if header is None:
        for path in row.masks:  # said with the image at once, rather than one by one
            if not is_there(path) and "#" not in path.name:
                say(
                    "refused",
                    "missing_file",
                    f"not found: {path}. Correct the path in the cases table (absolute, or relative to that table).",
                )
        return findings, None
    _say_of_image(row, header, settings, say)
    if header.may_be_nan:
        tried(lambda: read_image(row.image, settings))
    fitted = [tried(functools.partial(fit_mask, path, row, header, settings)) for path in row.masks]
    for path, one in zip(row.masks, fitted, strict=True):
        if one is not None:
            for kind, message in one.remarks:
                say("warning", kind, message)
            _say_of_mask(path.name, one.mask, header.is_flat, say)
    masks = [one.mask for one in fitted if one is not None]
    if len(fitted) == len(masks) == 2 and np.array_equal(masks[0], masks[1]):
        say(
            "warning",
            "equal_readers",
            "both readers' masks are the same, voxel by voxel. Check that they are two readings.",
        )
    elif len(masks) > 1 and not any((a & b).any() for a, b in combinations(masks, 2)):
        say(
            "warning",
            "disjoint_readers",
            "no two readers' masks share a voxel. Check that they are of one region.",
        )
    content = tried(lambda: _content_key(header))
    file = header.files[len(header.files) // 2]
    return findings, (
        ImageFacts(row, header.geometry.spacing_mm, header.modality, content, file, _read_units(header), header.is_flat)
        if content is not None
        else None
    )


def _read_units(header: Header) -> str | None:
    """In which units a PET's values are once they are read."""
    if header.units is not None and header.units.endswith("SUV by body weight"):
        return "SUV by body weight"
    return header.units


def _say_of_image(row: CaseRow, header: Header, settings: ReadSettings, say: Callable[[str, str, str], None]) -> None:
    if header.sheared is not None:
        say(
            "warning",
            "sheared",
            f"'{row.image.name}' has axes that are not at right angles: it is resampled, linearly, onto a grid whose"
            " axes are.",
        )
    if header.is_flat:
        say(
            "note",
            "flat",
            f"'{row.image.name}' is of one plane and has no thickness: features of one plane are asked for with"
            " force2D and shape2D.",
        )
    if not header.is_oriented:
        say(
            "warning",
            "orientation",
            f"'{row.image.name}' is Analyze 7.5, which does not say which side is left, nor where the image lies: a"
            " mask must be of the same format. Convert both to NIfTI where you know.",
        )
    if not header.has_size:
        say(
            "warning",
            "no_size",
            f"'{row.image.name}' does not say how large its pixels are: lengths are in pixels, though they are called"
            " mm.",
        )
    trouble = read_beside(row.image).trouble
    if trouble:
        say("warning", "sidecar", trouble)
    spacing = header.geometry.spacing_mm[: 2 if header.is_flat else 3]
    ratio = max(spacing) / min(spacing)
    if ratio > settings.anisotropy:
        say(
            "warning",
            "anisotropy",
            f"the voxels of '{row.image.name}' are {ratio:.3g} times longer than wide"
            f" ({' x '.join(f'{s:.4g}' for s in spacing)} mm).",
        )
    if header.identity is None:
        if settings.pet == "suv_bw":
            say(
                "note",
                "units",
                f"'{row.image.name}' is no DICOM: its units are not told, and its values stay as they are.",
            )
        return
    if header.identity.filled:
        say(
            "note",
            "identifying",
            f"'{row.image.name}' has identifying DICOM fields ({', '.join(header.identity.filled)}). Nothing of them is"
            " written anywhere.",
        )
    about, _ = read_dataset(header.files[0], IDENTIFYING)
    if not header.identity.is_removed and names_patient(about, row.patient):
        say(
            "warning",
            "identifying",
            "the table's id is the patient's id or name in DICOM, and the table's id is written in every output. "
            "Use a pseudonym, unless it is one.",
        )


def _say_of_mask(name: str, mask: np.ndarray, is_flat: bool, say: Callable[[str, str, str], None]) -> None:
    sides = []
    for axis, ends in ((2, "xX"), (1, "yY"), (0, "zZ")):
        if mask.shape[axis] > 1:
            first, last = mask.take(0, axis).any(), mask.take(-1, axis).any()
            sides += [
                f"the {'first' if end.islower() else 'last'} in {end.lower()}"
                for end, is_there in zip(ends, (first, last), strict=True)
                if is_there
            ]
    if sides:
        say(
            "warning",
            "border",
            f"the region in the mask '{name}' touches the border of the image ({', '.join(sides)}): it may be cut off.",
        )
    thin = [
        axis
        for axis, other in (("z", (1, 2)), ("y", (0, 2)), ("x", (0, 1)))
        if np.count_nonzero(mask.any(axis=other)) == 1 and not (is_flat and axis == "z")
    ]
    if thin:
        say(
            "warning",
            "one_slice",
            f"the region in the mask '{name}' is one slice thick (in {', '.join(thin)}): features in 3D say little"
            " of it.",
        )


# ---------------------------------------------------------------- images among each other


def _content_key(header: Header) -> str:
    """A quick key of what is in an image: equal where it is equal, and seldom otherwise.

    DICOM: the voxels of the middle slice, whatever its header says. Gzip: its own checksum and length. Else: length and
    the middle.
    """
    file = header.files[len(header.files) // 2]
    if header.kind in ("dicom", "frames", "plane"):
        return f"{header.geometry.size} {_digest([_pixel_bytes(file)])}"
    size = file_at(file).stat().st_size
    with file.open("rb") as handle:
        if file.name.lower().endswith(".gz"):
            handle.seek(-8, 2)
            return f"gzip {handle.read(8).hex()}"
        handle.seek(size // 2)
        return f"{size} {_digest([handle.read(1 << 16)])}"


def _pixel_bytes(file: Path) -> bytes:
    dataset, _ = read_dataset(file, ("PixelData",), stop_before_pixels=False)
    return bytes(dataset.get("PixelData") or b"")


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def _content(fact: ImageFacts) -> str:
    """What settles it: everything in the file, unpacked (of a gzip bomb 8 GiB at most); of DICOM the key already is the
    voxels."""
    name = fact.file.name.lower()
    if fact.content.startswith("(") or not is_file(fact.file):
        return fact.content
    with gzip.open(fact.file) if name.endswith(".gz") else fact.file.open("rb") as handle:
        return _digest(islice(iter(functools.partial(handle.read, 1 << 20), b""), 1 << 13))


def _duplicates(facts: Sequence[ImageFacts], whose: Mapping[str, str]) -> list[Finding]:
    """Images that several patients share: whose it is cannot be told, so that every row with it is put aside."""

    def owner(fact: ImageFacts) -> str:
        return whose.get(fact.row.patient, fact.row.patient)

    alike: dict[str, list[ImageFacts]] = defaultdict(list)
    for fact in facts:
        alike[fact.content].append(fact)
    findings = []
    for group in alike.values():
        if len({owner(fact) for fact in group}) < 2:
            continue
        contents: dict[Path, str] = {}
        same: dict[str, list[ImageFacts]] = defaultdict(list)
        for fact in group:
            if fact.file not in contents:
                contents[fact.file] = _content(fact)
            same[contents[fact.file]].append(fact)
        for equal in same.values():
            for fact in equal:
                others = sorted({owner(other) for other in equal} - {owner(fact)})
                if others:
                    message = (
                        f"'{fact.row.image.name}' holds the same image as that of patient {some(others)}. Correct"
                        " the cases table"
                        + ("." if whose else ", or say share_images: true where they are lesions of one patient.")
                    )
                    findings.append(
                        Finding(
                            fact.row.patient,
                            fact.row.tissue,
                            fact.row.line,
                            "refused",
                            "duplicate_image",
                            message,
                            without_names(message, fact.row),
                        )
                    )
    return findings


def _mixtures(facts: Sequence[ImageFacts]) -> list[Finding]:
    """Modalities and spacings that differ between the patients of a tissue."""
    findings = []
    for tissue in dict.fromkeys(fact.row.tissue for fact in facts):
        ours = [fact for fact in facts if fact.row.tissue == tissue]
        modalities = Counter(
            modality for _, modality in {(fact.row.patient, fact.modality) for fact in ours} if modality
        )
        if len(modalities) > 1:
            counts = _counted(modalities)
            findings.append(
                Finding(
                    "",
                    tissue,
                    0,
                    "warning",
                    "mixed_modalities",
                    f"modalities differ between patients: {counts}. Values are not comparable.",
                )
            )
        units = Counter(units for _, units in {(fact.row.patient, fact.units) for fact in ours} if units)
        if len(units) > 1:
            counts = _counted(units)
            message = (
                f"high values are dark in some images and bright in others ({counts}). Values are not comparable;"
                " export all in one sense."
                if "MONOCHROME1" in units
                else f"units of PET differ between patients: {counts}. Values are not comparable; imaging: {{pet:"
                f" suv_bw}} makes them SUV by body weight, from the headers."
            )
            findings.append(Finding("", tissue, 0, "warning", "mixed_units", message))
        n_flat = sum(fact.is_flat for fact in ours)
        if 0 < n_flat < len(ours):
            findings.append(
                Finding(
                    "",
                    tissue,
                    0,
                    "warning",
                    "mixed_planes",
                    f"{n_flat} of {len(ours)} images are of one plane and the others are volumes. Values are not"
                    " comparable; give planes a tissue of their own.",
                )
            )
        spacings = np.sort(np.array([fact.spacing_mm for fact in ours]), axis=1)
        low, high = spacings.min(axis=0), spacings.max(axis=0)
        if np.any(high > 1.01 * low):
            shown = ", ".join(
                f"{a:.3g}" if b <= 1.01 * a else f"{a:.3g}-{b:.3g}" for a, b in zip(low, high, strict=True)
            )
            findings.append(
                Finding(
                    "",
                    tissue,
                    0,
                    "warning",
                    "mixed_spacings",
                    f"voxel sizes differ between images ({shown} mm, smallest side first): many features depend on"
                    " them. Consider resampling.",
                )
            )
    return findings


def _counted(counts: Counter[str]) -> str:
    """The commonest first, ties by name."""
    return ", ".join(f"{name} in {n}" for name, n in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
