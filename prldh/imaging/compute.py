"""One case: read, measured by every source, and kept as it finishes.

What is kept is found again by the content of image and masks, the settings that a source was given and its version: an unchanged
case is never computed twice, and another setting of one source computes that source alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from prldh.cache import write_whole
from prldh.errors import DataError
from prldh.imaging.overlap import dice, hausdorff_mm
from prldh.imaging.perturb import Perturbation, perturb_mask
from prldh.imaging.pictures import draw_case
from prldh.imaging.records import Case, CaseRow

#: Part of every key: raised when reading or what is said of a case changes.
FORMAT = 2


@dataclass(frozen=True)
class CaseResult:
    """What is known of one row of a cases table.

    ``values``: source → one dictionary of named values a reader; ``perturbed``: source → one a perturbed mask. ``about``: what :func:`describe` says. ``reason``: why the row was put
    aside (then there are no values). ``n_computed`` counts the sources that were not found kept; ``is_kept`` is False where the result
    could not be kept, as the disk is full or the folder cannot be written.
    """

    row: CaseRow
    values: dict[str, tuple[dict[str, float], ...]] = field(default_factory=dict)
    perturbed: dict[str, tuple[dict[str, float], ...]] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    picture: bytes = b""
    reason: str | None = None
    n_computed: int = 0
    is_kept: bool = True


def compute_case(sources: Mapping[str, tuple[Any, Any]], reading: Any, perturbation: Perturbation | None, kept: Path, row: CaseRow) -> CaseResult:
    """Measure one row by every source.

    Parameters
    ----------
    sources : mapping
        Name → (feature source, its settings).
    reading
        How images are read, as :func:`prldh.imaging.read.load_case` takes it.
    perturbation
        How the mask of a single reader is perturbed; None: it is not.
    kept : Path
        Folder of kept results.
    row : CaseRow

    Returns
    -------
    CaseResult
        A row that cannot be measured is returned with its reason; nothing is raised for it.
    """
    try:
        return _compute(sources, reading, perturbation if len(row.masks) == 1 else None, kept, row)
    except DataError as error:
        return CaseResult(row, reason=str(error))
    except MemoryError:
        return CaseResult(row, reason="it does not fit into memory. Crop the image around the region, or use fewer --jobs.")


def _compute(sources: Mapping[str, tuple[Any, Any]], reading: Any, perturbation: Perturbation | None, kept: Path, row: CaseRow) -> CaseResult:
    content = content_hash(row, reading)
    kinds = (None,) if perturbation is None else (None, perturbation)
    places = {(name, kind): kept / f"{source_key(content, *source, kind)}.json" for name, source in sources.items() for kind in kinds}
    about = _find(kept / f"{content}.json")
    values = {key: found for key, place in places.items() if (found := _find(place)) is not None}
    absent = [key for key in places if key not in values]
    is_kept = True
    if absent or about is None:
        from prldh.imaging.read import acquisition_of_image, load_case

        case = load_case(row, reading)
        if about is None:
            about = describe(case) | {"dicom": acquisition_of_image(row.image, reading), "picture": base64.b64encode(draw_case(case)).decode()}
            is_kept &= _keep(kept / f"{content}.json", about)
        masks = {None: case.masks}
        if any(kind is not None for _, kind in absent):
            masks[perturbation] = _perturbed_masks(case, perturbation, content)
        for name in dict.fromkeys(name for name, _ in absent):
            # in one call, so that the image is filtered once for all masks
            wanted = [kind for kind in kinds if (name, kind) in absent]
            source, settings = sources[name]
            found = list(source.extract(replace(case, masks=tuple(m for kind in wanted for m in masks[kind])), settings))
            for kind in wanted:
                values[name, kind], found = found[: len(masks[kind])], found[len(masks[kind]) :]
                is_kept &= _keep(places[name, kind], values[name, kind])
    picture = base64.b64decode(about.pop("picture"))
    about["sha256"] = content
    by_kind = {kind: {name: tuple(values[name, kind]) for name in sources} for kind in kinds}
    return CaseResult(row, by_kind[None], by_kind.get(perturbation, {}) if perturbation else {}, about, picture, None, len({n for n, _ in absent}), is_kept)


def _perturbed_masks(case: Case, perturbation: Perturbation, content: str) -> tuple[np.ndarray, ...]:
    """The same masks for the same content, whichever worker makes them."""
    generator = np.random.default_rng(int(content[:16], 16))
    return tuple(perturb_mask(case.masks[0], case.image.geometry.spacing_mm[::-1], perturbation, generator) for _ in range(perturbation.n))


def describe(case: Case) -> dict[str, Any]:
    """Facts of a case: ``size`` and ``spacing_mm`` (x, y, z), ``modality``; ``n_voxels`` and ``volume_mm3`` one a reader;
    ``dice`` and ``hd95_mm`` between two readers, None with one."""
    geometry = case.image.geometry
    n_voxels = [int(np.count_nonzero(mask)) for mask in case.masks]
    entry: dict[str, Any] = {
        "size": list(geometry.size), "spacing_mm": [float(s) for s in geometry.spacing_mm], "modality": case.image.modality,
        "n_voxels": n_voxels, "volume_mm3": [n * float(np.prod(geometry.spacing_mm)) for n in n_voxels], "dice": None, "hd95_mm": None,
    }
    if len(case.masks) == 2:
        entry["dice"] = dice(*case.masks)
        entry["hd95_mm"] = hausdorff_mm(*case.masks, geometry.spacing_mm[::-1])
    return entry


# ---------------------------------------------------------------- keys


def content_hash(row: CaseRow, reading: Any) -> str:
    """SHA-256 of everything that reading a case depends on: the files' bytes, label, segment, and how images are read.

    Paths, patient and tissue are no part of it.

    Raises
    ------
    DataError
        If a file cannot be read.
    """
    from prldh.imaging.cases import split_series
    from prldh.imaging.read import files_of

    digest = hashlib.sha256(f"case {FORMAT} {row.label!r} {row.segment!r} {_settings_text(reading)}".encode())
    for place in (row.image, *row.masks):
        digest.update(f"|{split_series(place)[1]}|".encode())
        for file in files_of(place, reading):
            digest.update(_file_hash(file))
    return digest.hexdigest()


def source_key(content: str, source: Any, settings: Any, perturbation: Perturbation | None = None) -> str:
    """The key of one source's values of one case, or of its perturbed masks; how regions are combined afterwards is no part of it.

    A source whose values depend on more than its settings say (a checkpoint, a parameter file) gives that by ``fingerprint(settings)``.
    """
    more = source.fingerprint(settings) if hasattr(source, "fingerprint") else ""
    text = f"{content} {source.name} {source.version} {_settings_text(settings)} {more}" + (f" {_settings_text(perturbation)}" if perturbation else "")
    return hashlib.sha256(text.encode()).hexdigest()


def _settings_text(settings: Any) -> str:
    return json.dumps(settings.model_dump(mode="json", exclude={"combine"}), sort_keys=True)


def _file_hash(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise DataError(f"{path.name} cannot be read: {error.strerror or error}. Check the path and its permissions.") from None


# ---------------------------------------------------------------- what is kept


def _find(path: Path) -> Any:
    """What is kept there, or None: a file that is damaged counts as absent."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, ValueError):
        return None
    digest, _, body = text.partition("\n")
    return json.loads(body) if hashlib.sha256(body.encode()).hexdigest() == digest else None


def _keep(path: Path, content: Any) -> bool:
    """Keep it as JSON (numbers to their last digit) behind its own digest; False where the folder takes nothing."""
    body = json.dumps(content, default=float)
    try:
        write_whole(path, f"{hashlib.sha256(body.encode()).hexdigest()}\n{body}".encode("ascii"))
    except OSError:
        return False
    return True
