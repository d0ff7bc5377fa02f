"""``prldh explain``: heat maps of a run's Radscore for four patients, drawn beside the run's results."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prldh.api import (
    Case,
    DataError,
    OutputError,
    StudyError,
    cases_as_measured,
    file_stem,
    file_text,
    is_folder,
    read_study,
    settings_for,
    uninterrupted,
    write_whole,
)
from prldh_uctransnet.checkpoints import file_sha256, load_checkpoint
from prldh_uctransnet.drawing import SCHEMA, Overlay, draw, in_words, signed
from prldh_uctransnet.heatmaps import (
    DeepPart,
    Inside,
    NoDeepPartError,
    choose_patients,
    contribution_maps,
    gradient_cam,
)
from prldh_uctransnet.library_table import SOURCE
from prldh_uctransnet.prediction import Segmenter
from prldh_uctransnet.regions import (
    Stack,
    choose_slices,
    cut_window,
    edges_of,
    resize,
    slices_with_pictures,
    stack_of,
    window_of,
)
from prldh_uctransnet.settings import Settings
from prldh_uctransnet.slices import picture_of_slice, target_of_slice
from prldh_uctransnet.workflow import cases_of

FOLDER = "explanation"


@dataclass(frozen=True)
class Explained:
    """One patient: picture and outline (size, size) of the slice with most of the region, what its places add to the
    deep part, and the numbers that belong to it. ``n_slices`` are those that the deep part is the mean of; ``shape`` is
    the height over the width of what is shown, in mm, and ``edges`` what lies there."""

    patient: str
    level: str
    radscore: float
    deep_part: float
    picture: np.ndarray
    outline: np.ndarray
    heat: np.ndarray
    case: Case
    n_slices: int
    inside: Inside
    shape: float
    edges: tuple[str, ...]

    @property
    def title(self) -> str:
        """What stands above the picture: level, Radscore, its deep part, what this slice adds to it, how much of that
        inside the outline."""
        own = f"; this slice of {self.n_slices}: {signed(float(self.heat.sum()))}" if self.n_slices > 1 else ""
        return (
            f"{self.level.capitalize()}\nRadscore {signed(self.radscore)}, of it deep {signed(self.deep_part)}{own}\n"
            f"{in_words(self.inside.share, self.inside.covered)}"
        )

    @property
    def meaning(self) -> str:
        """What the colours are."""
        return f"log odds a place; {self.heat.size} places sum to {signed(float(self.heat.sum()))}"


def explain_study(
    source: Any,
    results: Path,
    tissue: str | None = None,
    *,
    checkpoint: Path | None = None,
    patients: Sequence[str] = (),
    is_segmentation: bool = False,
    is_forced: bool = False,
) -> list[str]:
    """Draw heat maps of a tissue's Radscore, or of every tissue's that has deep features, into
    ``results/explanation``; returns a line a patient. With ``is_segmentation`` Grad-CAM of the network's segmentation
    of the same patients, too.

    Raises
    ------
    StudyError, DataError, PluginError, OutputError
        If the run has no deep Radscore of that tissue or of any, a patient's image cannot be read, or the folder cannot
        be written.
    """
    study, _ = read_study(source)
    deep = [name for name, t in study.tissues.items() if t.images is not None and SOURCE in t.sources]
    if tissue is not None or len(deep) < 2:
        return _explain_tissue(source, results, tissue, checkpoint, patients, is_segmentation, is_forced)
    if checkpoint is not None:
        raise StudyError(
            f"--checkpoint is one tissue's, and {', '.join(deep)} have deep features. Name the tissue with --tissue."
        )
    lines, refused = [], []
    for name in deep:
        try:
            drawn = _explain_tissue(source, results, name, None, patients, is_segmentation, is_forced)
        except NoDeepPartError as error:
            refused.append(error)
            lines.append(f"{name}: no heat maps: {error}")
            continue
        lines += [f"{name}, {line}" for line in drawn]
    if len(refused) == len(deep):
        raise refused[0]
    return lines


def _explain_tissue(
    source: Any,
    results: Path,
    tissue: str | None,
    checkpoint: Path | None,
    patients: Sequence[str],
    is_segmentation: bool,
    is_forced: bool,
) -> list[str]:
    """The same of one tissue."""
    study, rows, folder_of_study = cases_of(source, tissue)
    tissue = rows[0].tissue
    settings = settings_for(study, tissue, SOURCE, Settings).relative_to(folder_of_study)
    if checkpoint is not None:
        settings = settings.model_copy(update={"checkpoint": str(checkpoint)})
    if settings.pool != "mean":
        raise StudyError(
            "extraction.uctransnet.pool: with max a Radscore is not linear in the maps, so there is no exact heat map."
            " Use pool: mean."
        )
    if settings.checkpoint is None:
        raise StudyError(
            "extraction.uctransnet.checkpoint: none is named. Name the one that the features were computed with, there"
            " or by --checkpoint."
        )
    run = _run_of(results, tissue)
    scores = run.scores
    folder = results / FOLDER
    place = folder / f"{file_stem(tissue)}.json"
    if place.exists() and not is_forced:
        raise OutputError(f"{folder} holds heat maps of '{tissue}' already. Use --force to draw them again.")
    if os.path.lexists(folder) and not is_folder(folder):
        raise OutputError(f"{folder} is no folder, and heat maps go there. Remove it, or move it away.")
    part, loaded = DeepPart.of(run.radscore), load_checkpoint(Path(settings.checkpoint))
    sha256 = file_sha256(Path(settings.checkpoint))
    if run.checkpoint_sha256 not in (None, sha256):
        raise DataError(
            f"{settings.checkpoint} is not the checkpoint that measured '{tissue}' in {results.name} (SHA-256"
            f" {sha256[:12]}, and the run's is {str(run.checkpoint_sha256)[:12]}). Name the run's own."
        )
    segmenter = Segmenter(loaded, "cpu") if is_segmentation else None  # refused before anything is drawn
    strangers = [p for p in patients if p not in scores]
    if strangers:
        raise DataError(f"patient '{strangers[0]}' is not among those that the run analysed. Correct the id.")
    chosen = [("chosen", p) for p in patients] or choose_patients(scores)
    explained = []
    for level, patient in chosen:
        own = [r for r in rows if r.patient == patient and r.line not in run.aside]
        if not own:
            raise DataError(
                "a patient of the run has no row in the cases table. Use the study file that the run was made with."
            )
        cases = cases_as_measured(study, folder_of_study, own, settings.combine == "volume")
        explained.append(
            _explain(loaded.network, part, settings, cases, level, scores[patient], run.images_kept.get(patient))
        )
    limit = max(float(np.abs(e.heat).max()) for e in explained)
    stems = {e.patient: file_stem(f"{tissue}_{e.level.replace(' ', '_')}_{e.patient}") for e in explained}
    about = {
        "schema": SCHEMA,
        "tissue": tissue,
        "checkpoint_sha256": sha256,
        "limit": limit,
        "has_segmentation": is_segmentation,
        "patients": [
            {
                "id": e.patient,
                "level": e.level,
                "radscore": e.radscore,
                "deep_part": e.deep_part,
                "n_slices": e.n_slices,
                "map_sum": float(e.heat.sum()),
                "n_places": int(e.heat.size),
                "share_inside": e.inside.share,
                "area_inside": e.inside.covered,
                "edges": list(e.edges),
                "file": stems[e.patient],
            }
            for e in explained
        ],
    }
    drawn = Path(tempfile.mkdtemp(prefix=".partial-", dir=results))
    try:
        for e in explained:
            limits = (-limit, limit)
            overlay = Overlay(e.title, e.picture, e.outline, e.heat, e.meaning, "RdBu_r", limits, e.shape, e.edges)
            draw(drawn, stems[e.patient], overlay)
        if segmenter is not None:
            for e in explained:
                draw(drawn, f"{stems[e.patient]}_segmentation", segmentation_cam(segmenter, e.case, e.level))
        with uninterrupted():  # none stands without what is said of it
            folder.mkdir(exist_ok=True)
            for picture in sorted(drawn.iterdir()):
                os.replace(picture, folder / picture.name)
            write_whole(place, json.dumps(about, indent=2, allow_nan=False).encode(), is_result=True)
    except OSError as error:
        raise OutputError(
            f"heat maps cannot be written to {folder}: {error.strerror or error}. Free some space, or check that the"
            " folder can be written."
        ) from None
    finally:
        shutil.rmtree(drawn, ignore_errors=True)
    return [
        f"{e.level}: patient {e.patient}, Radscore {e.radscore:.3f}, of it deep {e.deep_part:.3f};"
        f" {in_words(e.inside.share, e.inside.covered)}"
        for e in explained
    ]


@dataclass(frozen=True)
class Run:
    """What a run says of a tissue: its Radscore, patients' ``scores``, lines of the cases table that were put
    ``aside``, patient → which images stay where a step chose among them, and the digest of the checkpoint that measured
    it, None where that is not known."""

    radscore: dict[str, Any]
    scores: dict[str, float]
    aside: set[int]
    images_kept: dict[str, list[int]]
    checkpoint_sha256: str | None = None


def _run_of(results: Path, tissue: str) -> Run:
    try:
        data = json.loads(file_text(results / "results.json"))
    except (OSError, ValueError):
        raise DataError(
            f"{results} holds no results.json that can be read. Give the output folder of prldh analyze."
        ) from None
    if not isinstance(data, dict) or not isinstance(data.get("tissues"), dict):
        raise DataError(f"{results / 'results.json'} is damaged. Give the output folder of prldh analyze.")
    entry = data["tissues"].get(tissue)
    if not entry or not entry.get("radscore"):
        raise DataError(
            f"the run in {results.name} has no Radscore of tissue '{tissue}' made from features. Give the run that"
            " analysed it."
        )
    aside = {row["line"] for row in data.get("images", {}).get(tissue, {}).get("put_aside", ())}
    kept = entry["selection"].get("images_kept", {}).get(SOURCE, {})
    source = data.get("images", {}).get(tissue, {}).get("sources", {}).get(SOURCE, {})
    scores = {s["id"]: s["value"] for s in entry["scores"]}
    return Run(entry["radscore"], scores, aside, kept, (source.get("computed") or {}).get("checkpoint_sha256"))


def _explain(
    network: Any,
    part: DeepPart,
    settings: Settings,
    cases: Sequence[tuple[Case, float]],
    level: str,
    score: float,
    kept: Sequence[int] | None,
) -> Explained:
    """The patient's deep part, over all images that count, and the map of the one with most of the region in the first
    region that has one.

    ``cases``: each with its share in the patient's row. ``kept``: numbers of the images that a step left, over the
    patient's regions; None: all of them.
    """
    images, weight = [], []
    for case, share in cases:
        stack, pictures = slices_with_pictures(case, 0, settings)
        images += [(case, stack, k, picture) for k, picture in pictures]
        weight += [share / len(pictures)] * len(pictures)
    counted = range(len(images)) if kept is None else kept
    maps = contribution_maps(network, np.stack([images[i][3] for i in counted]), part)
    weights = np.array([weight[i] for i in counted])
    maps *= (weights / weights.sum())[:, None, None]  # together they add up to the deep part
    first = images[counted[0]][0]
    position = max((j for j, i in enumerate(counted) if images[i][0] is first), key=lambda j: _area(images[counted[j]]))
    _, stack, k, picture = images[counted[position]]
    window = window_of(stack.mask[k], stack.pixel_mm, settings.margin_mm, settings.roi)
    outline = resize(cut_window(stack.mask[k], window).astype(np.float32), stack.pixel_mm, settings.size)
    height, width = (
        n * mm for n, mm in zip((window.bottom - window.top, window.right - window.left), stack.pixel_mm, strict=True)
    )
    return Explained(
        first.patient,
        level,
        score,
        float(maps.sum()),
        picture,
        outline,
        maps[position],
        first,
        len(maps),
        Inside.of(maps[position], outline),
        height / width,
        edges_of(first.image.geometry, settings.plane),
    )


def _area(image: tuple[Case, Stack, int, np.ndarray]) -> int:
    _, stack, k, _ = image
    return int(stack.mask[k].sum())


def segmentation_cam(segmenter: Segmenter, case: Case, level: str) -> Overlay:
    """Grad-CAM of the network's own segmentation, on the whole slice with most of the region, as the network is given
    it."""
    stack = stack_of(case.image.values, case.masks[0], case.image.geometry, segmenter.plane)
    (k,) = choose_slices(stack.mask, "largest")
    limits = stack.limits if segmenter.scale == "image" else None
    picture = picture_of_slice(stack, k, segmenter.size, limits)
    heat = gradient_cam(segmenter.network, picture[None])[0]
    meaning = "Grad-CAM of the segmentation (largest value 1)"
    outline, largest = target_of_slice(stack, k, segmenter.size).astype(np.float32), float(heat.max()) or 1.0
    return Overlay(
        f"{level.capitalize()}\nWhat the network segments by",
        picture,
        outline,
        heat / largest,
        meaning,
        "inferno",
        (0.0, 1.0),
        edges=edges_of(case.image.geometry, segmenter.plane),
    )
