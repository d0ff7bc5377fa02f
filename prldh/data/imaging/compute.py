"""Cases: read, measured by every source, and kept as they finish.

What is kept is found again by the content of image and masks, the settings that a source was given and its version: an
unchanged case is never computed twice, and another setting of one source computes that source alone.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, islice
from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import Case, CaseRow, DataError, PluginError, Pooled, PrldhError, write_whole
from prldh.data.imaging.cases import split_series
from prldh.data.imaging.consensus import Consensus, consensus_mask
from prldh.data.imaging.overlap import dice, hausdorff_mm
from prldh.data.imaging.perturb import Perturbation, perturb_mask
from prldh.data.imaging.pictures import draw_case
from prldh.data.imaging.read import acquisition_of_image, files_of, formats_of, load_case
from prldh.data.imaging.sidecar import read_beside
from prldh.data.imaging.sources import ChosenSource, settings_text
from prldh.data.imaging.stepping import ChosenStep, apply_steps
from prldh.plugins import is_writable, lent_all, let_interruptions_pass, text_of_error

#: Part of every key: raised when reading or what is said of a case changes.
FORMAT = 5
Values = tuple[dict[str, float], ...]
#: Of which masks values are: None, the readers' own.
MaskKind = Perturbation | Consensus | None
_REMEDY = "Update the plugin, or leave the source out."


@dataclass(frozen=True)
class CaseResult:
    """What is known of one row of a cases table.

    ``values``: source → one dictionary of named values a reader; ``perturbed``: source → one a perturbed mask;
    ``consensus``: source → one, of the readers' consensus mask.
    ``about``: what
    :func:`describe` says. ``reason``: why the row was put aside (then there are no values). ``n_computed`` counts the
    sources that were not found kept; ``is_kept`` is False where the result could not be kept, as the disk is full or
    the folder cannot be written.
    """

    row: CaseRow
    values: dict[str, Values] = field(default_factory=dict)
    perturbed: dict[str, Values] = field(default_factory=dict)
    consensus: dict[str, Values] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    picture: bytes = b""
    reason: str | None = None
    n_computed: int = 0
    is_kept: bool = True


def compute_cases(
    sources: Mapping[str, ChosenSource],
    reading: Any,
    perturbation: Perturbation | None,
    consensus: Consensus | None,
    steps: Sequence[ChosenStep],
    kept: Path,
    rows: Sequence[CaseRow],
) -> list[CaseResult]:
    """Measure rows by every source.

    Parameters
    ----------
    sources : mapping
        Name → feature source.
    reading
        How images are read, as :func:`prldh.data.imaging.read.load_case` takes it.
    perturbation
        How the mask of a single reader is perturbed; None: it is not.
    consensus
        How the masks of several readers become one that is measured as well; None: they do not.
    steps : sequence of ChosenStep
        What is done to a case before sources get it.
    kept : Path
        Folder of kept results.
    rows : sequence of CaseRow
        Sources with ``extract_many`` get them together.

    Returns
    -------
    list of CaseResult
        A row that cannot be measured is returned with its reason; nothing is raised for it.

    Raises
    ------
    PrldhError
        For what is wrong with all cases: settings, or a source that does not give what it must.
    """
    if len(rows) > 1 and not any(chosen.takes_many for chosen in sources.values()):
        alone = functools.partial(compute_cases, sources, reading, perturbation, consensus, steps, kept)
        return [result for row in rows for result in alone([row])]
    cases = [CaseWork(row, sources, reading, perturbation, consensus, steps, kept) for row in rows]
    for work in cases:
        work.open()
    for name, chosen in sources.items():
        waiting = [work for work in cases if work.reason is None and work.wanted(name)]
        if chosen.takes_many and len(waiting) > 1:
            _measure_together(name, chosen, waiting)
        for work in waiting:
            if work.reason is None and work.wanted(name):
                work.attempt(functools.partial(work.measure, name, chosen), f"the source '{name}' failed on it")
    return [work.result() for work in cases]


def _measure_together(name: str, chosen: ChosenSource, waiting: Sequence[CaseWork]) -> None:
    """One call for all. What fails as a whole is left for one by one, which tells whose fault it is."""
    try:
        answers = lent_all(chosen.source, "extract_many", [work.case_for(name) for work in waiting], chosen.settings)
    except (MemoryError, SystemExit, Exception) as error:
        if isinstance(error, PrldhError) and not isinstance(error, DataError):
            raise
        return
    if len(answers) != len(waiting):
        raise PluginError(
            f"the feature source '{name}' gives {len(answers)} answers for {len(waiting)} cases. {_REMEDY}"
        )
    for work, answer in zip(waiting, answers, strict=True):
        if isinstance(answer, DataError):
            work.reason = str(answer)
        else:
            work.take(name, answer)


class CaseWork:
    """One row on its way: what was found kept, and what is still wanted of whom."""

    def __init__(
        self,
        row: CaseRow,
        sources: Mapping[str, ChosenSource],
        reading: Any,
        perturbation: Perturbation | None,
        consensus: Consensus | None,
        steps: Sequence[ChosenStep],
        kept: Path,
    ) -> None:
        self.row, self.sources, self.reading, self.steps, self.kept = row, sources, reading, steps, kept
        self.perturbation = perturbation if len(row.masks) == 1 else None
        self.consensus = consensus
        self.kinds: tuple[MaskKind, ...] = (None, *(k for k in (self.perturbation, consensus) if k is not None))
        self.values: dict[tuple[str, MaskKind], Values] = {}
        self.about: dict[str, Any] = {}
        self.reason: str | None = None
        self.computed: set[str] = set()
        self.is_kept = True

    def attempt(self, step: Callable[[], None], failed: str | None = None, is_text_quoted: bool = True) -> None:
        """Do a step; what goes wrong with this case alone is its reason to be put aside. ``failed``: what is said where
        a library or a plugin breaks, which must not end the other cases."""
        try:
            step()
        except DataError as error:
            self.reason = str(error)
        except MemoryError:
            self.reason = "it does not fit into memory. Crop the image around the region, or use fewer --jobs."
        except BaseException as error:
            if failed is None or isinstance(error, PrldhError):
                raise
            let_interruptions_pass(error)
            place = traceback.extract_tb(error.__traceback__)[-1]
            quoted = f": {text_of_error(error, 200)}" if is_text_quoted else ""
            self.reason = (
                f"{failed} ({type(error).__name__} in {Path(place.filename).name}, line {place.lineno}{quoted})."
            )

    def open(self) -> None:
        """What is kept of it, and its image where something is not; what goes wrong is its reason."""
        self.attempt(self.find)
        if self.reason is None and self.is_wanted:
            self.attempt(self.read, "it cannot be read", is_text_quoted=False)  # a reader's text may quote the file
        if self.reason is None and self.is_measured_anew:
            self.attempt(self.process, "its image cannot be processed")

    def find(self) -> None:
        """What is kept of this case, and what its headers tell."""

        self.content = content_hash(self.row, self.reading)
        self.formats = formats_of(self.row, self.reading)
        self.beside = read_beside(self.row.image).acquisition  # not kept: it may change where the image does not
        self.places = {
            (name, kind): self.kept / f"{source_key(_processed_key(self.content, self.steps), chosen, kind)}.json"
            for name, chosen in self.sources.items()
            for kind in self.kinds
        }
        self.values = {
            key: tuple(map(_unpacked, stored))
            for key, place in self.places.items()
            if (stored := _find(place)) is not None
        }
        self.about_place = self.kept / f"{_about_key(self.content, self.consensus)}.json"
        self.about = _find(self.about_place) or {}

    @property
    def is_wanted(self) -> bool:
        """Whether something is not kept, so that the image is needed."""
        return not self.about or self.is_measured_anew

    @property
    def is_measured_anew(self) -> bool:
        """Whether a source's values are not kept."""
        return len(self.values) < len(self.places)

    def read(self) -> None:
        """Image and masks, and what is said of them."""

        self.case = load_case(self.row, self.reading)
        self.masks: dict[MaskKind, tuple[np.ndarray, ...]] = {None: self.case.masks}
        if self.consensus is not None:
            agreed = consensus_mask(self.case.masks, self.consensus.consensus)
            agreed.setflags(write=False)
            self.masks[self.consensus] = (agreed,)
        if not self.about:
            picture = base64.b64encode(draw_case(self.case)).decode()
            self.about = describe(self.case, *self.masks.get(self.consensus, ()) if self.consensus else ()) | {
                "dicom": acquisition_of_image(self.row.image, self.reading),
                "picture": picture,
            }
            self.is_kept &= _keep(self.about_place, self.about)
        if self.perturbation is not None and any((name, self.perturbation) not in self.values for name in self.sources):
            self.masks[self.perturbation] = _perturbed_masks(self.case, self.perturbation, self.content)

    def process(self) -> None:
        """The case as the image steps leave it, with all its masks."""
        kinds = list(self.masks)
        every = tuple(mask for kind in kinds for mask in self.masks[kind])
        self.case = apply_steps(replace(self.case, masks=every), self.steps)
        left = iter(self.case.masks)
        self.masks = {kind: tuple(islice(left, len(self.masks[kind]))) for kind in kinds}

    def wanted(self, name: str) -> list[MaskKind]:
        """The kinds of masks that this source has not measured yet."""
        return [kind for kind in self.kinds if (name, kind) not in self.values]

    def case_for(self, name: str) -> Case:
        """All these masks in one case, so that the image is filtered once."""
        return replace(self.case, masks=tuple(mask for kind in self.wanted(name) for mask in self.masks[kind]))

    def measure(self, name: str, chosen: ChosenSource) -> None:
        """This case alone, by one source."""
        self.take(name, chosen.extract(self.case_for(name)))

    def take(self, name: str, answer: Sequence[Mapping[str, float]]) -> None:
        """Share out what a source gave for :meth:`case_for`, and keep it."""
        wanted = self.wanted(name)
        left, n = [_checked(name, values) for values in answer], sum(len(self.masks[kind]) for kind in wanted)
        if len(left) != n:
            raise PluginError(f"the feature source '{name}' gives {len(left)} sets of values for {n} masks. {_REMEDY}")
        for kind in wanted:
            count = len(self.masks[kind])
            self.values[name, kind], left = tuple(left[:count]), left[count:]
            self.is_kept &= _keep(self.places[name, kind], [_packed(values) for values in self.values[name, kind]])
        self.computed.add(name)

    def without_image(self) -> CaseWork:
        """To be sent to another process, which needs the number of masks alone, and has the sources."""
        if hasattr(self, "case"):
            del self.case
            self.masks = {kind: (np.empty(0, bool),) * len(masks) for kind, masks in self.masks.items()}
        self.sources = {}
        return self

    def again(self, sources: Mapping[str, ChosenSource]) -> CaseWork:
        """With the sources, where it was sent to."""
        self.sources = sources
        return self

    def result(self) -> CaseResult:
        """What is known of the row in the end."""
        if self.reason is not None:
            return CaseResult(self.row, reason=self.reason)
        of_kind: dict[Any, dict[str, Values]] = {
            kind: {name: self.values[name, kind] for name in self.sources} for kind in self.kinds
        }
        about = {k: v for k, v in self.about.items() if k != "picture"} | {
            "dicom": {**self.beside, **self.about["dicom"]},
            "formats": self.formats,
            "sha256": self.content,
        }
        return CaseResult(
            self.row,
            of_kind[None],
            {} if self.perturbation is None else of_kind[self.perturbation],
            {} if self.consensus is None else of_kind[self.consensus],
            about,
            base64.b64decode(self.about["picture"]),
            n_computed=len(self.computed),
            is_kept=self.is_kept,
        )


def _checked(name: str, values: Mapping[str, float]) -> dict[str, float]:
    """Plain text and numbers, so that what is kept and what is measured now are the same."""
    try:
        items = list(values.items())
        images = np.asarray(values.images, dtype=np.float64) if isinstance(values, Pooled) else None
    except (AttributeError, TypeError, ValueError):
        raise PluginError(f"the feature source '{name}' gives something else than named numbers. {_REMEDY}") from None
    if not items:
        raise PluginError(f"the feature source '{name}' gives no feature. {_REMEDY}")
    plain = {_checked_name(name, feature): _checked_value(name, feature, value) for feature, value in items}
    if images is None:
        return plain
    if images.ndim != 2 or not len(images) or images.shape[1] != len(plain):
        raise PluginError(
            f"the feature source '{name}' gives single images of shape {images.shape} for {len(plain)} features."
            f" {_REMEDY}"
        )
    return Pooled(plain, images)


def _checked_name(source: str, feature: Any) -> str:
    if not is_writable(feature) or not feature.strip():
        raise PluginError(f"the feature source '{source}' names a feature {feature!r:.80}, which is no text. {_REMEDY}")
    return str(feature)


def _checked_value(source: str, feature: str, value: Any) -> float:
    try:
        if not isinstance(value, (complex, np.complexfloating)):  # whose imaginary part NumPy leaves out
            return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    raise PluginError(
        f"the feature source '{source}' gives {value!r:.80} as '{feature:.80}' in place of a number. {_REMEDY}"
    )


def _packed(values: dict[str, float]) -> Any:
    return [values, values.images.tolist()] if isinstance(values, Pooled) else values


def _unpacked(content: Any) -> dict[str, float]:
    return Pooled(content[0], np.array(content[1])) if isinstance(content, list) else content


def _perturbed_masks(case: Case, perturbation: Perturbation, content: str) -> tuple[np.ndarray, ...]:
    """The same masks for the same content, whichever worker makes them."""
    generator = np.random.default_rng(int(content[:16], 16))
    return tuple(
        perturb_mask(case.masks[0], case.image.geometry.spacing_mm[::-1], perturbation, generator)
        for _ in range(perturbation.n)
    )


def describe(case: Case, consensus: np.ndarray | None = None) -> dict[str, Any]:
    """Facts of a case: ``size`` and ``spacing_mm`` (x, y, z), ``modality``; ``n_voxels`` and ``volume_mm3`` one a
    reader; ``dice`` and ``hd95_mm`` between readers (the mean over pairs of more than two), None with one; of a
    ``consensus`` mask as well, with each reader's ``dice`` with it."""
    geometry = case.image.geometry
    n_voxels = [int(np.count_nonzero(mask)) for mask in case.masks]
    entry: dict[str, Any] = {
        "size": list(geometry.size),
        "spacing_mm": [float(s) for s in geometry.spacing_mm],
        "modality": case.image.modality,
        "n_voxels": n_voxels,
        "volume_mm3": [n * float(np.prod(geometry.spacing_mm)) for n in n_voxels],
        "dice": None,
        "hd95_mm": None,
    }
    pairs = list(combinations(case.masks, 2))
    if pairs:
        entry["dice"] = float(np.mean([dice(*pair) for pair in pairs]))
        entry["hd95_mm"] = float(np.mean([hausdorff_mm(*pair, geometry.spacing_mm[::-1]) for pair in pairs]))
    if consensus is not None:
        n = int(np.count_nonzero(consensus))
        entry["consensus"] = {
            "n_voxels": n,
            "volume_mm3": n * float(np.prod(geometry.spacing_mm)),
            "dice": [dice(mask, consensus) for mask in case.masks],
        }
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

    digest = hashlib.sha256(
        f"case {FORMAT} {row.label!r} {row.segment!r} {settings_text(reading.model_dump(mode='json'))}".encode()
    )
    for place in (row.image, *row.masks):
        digest.update(f"|{split_series(place)[1]}|".encode())
        for file in files_of(place, reading):
            digest.update(_file_hash(file))
    return digest.hexdigest()


def _about_key(content: str, consensus: Consensus | None) -> str:
    """The key of what is said of a case."""
    return content if consensus is None else hashlib.sha256(f"{content} {consensus.consensus}".encode()).hexdigest()


def _processed_key(content: str, steps: Sequence[ChosenStep]) -> str:
    """The key of a case as the image steps leave it."""
    if not steps:
        return content
    return hashlib.sha256(" ".join((content, *(chosen.key for chosen in steps))).encode()).hexdigest()


def source_key(content: str, chosen: ChosenSource, kind: MaskKind = None) -> str:
    """The key of one source's values of one case, or of its perturbed masks, or consensus; how regions are combined
    afterwards is no part of it."""
    text = f"{content} {chosen.key}" + (f" {settings_text(kind.model_dump(mode='json'))}" if kind else "")
    return hashlib.sha256(text.encode()).hexdigest()


def _file_hash(path: Path) -> bytes:
    try:
        state = path.stat()
        return _hash_of(path, state.st_mtime_ns, state.st_size)
    except OSError as error:
        raise DataError(
            f"'{path.name}' cannot be read: {error.strerror or error}. Check the path and its permissions."
        ) from None


@functools.lru_cache(maxsize=2048)  # lesions of one image, which may be a folder of many files
def _hash_of(path: Path, changed_ns: int, size: int) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


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
        write_whole(path, f"{hashlib.sha256(body.encode()).hexdigest()}\n{body}".encode("ascii"), mode=0o600)
    except OSError:
        return False
    return True
