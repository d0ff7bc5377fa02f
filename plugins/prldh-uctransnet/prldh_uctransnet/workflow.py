"""From a study file to a trained network, masks, and how good they are: what the commands call, and notebooks may."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from prldh.api import (
    CaseRow,
    DataError,
    OutputError,
    Progress,
    Study,
    StudyError,
    check_target,
    is_folder,
    is_there,
    read_cases,
    read_study,
    rows_by_patient,
    settings_for,
    without_names,
    write_whole,
)
from prldh_uctransnet import parallel
from prldh_uctransnet.checkpoints import file_sha256, hash_patient, load_checkpoint
from prldh_uctransnet.curves import draw_curves
from prldh_uctransnet.devices import choose_device
from prldh_uctransnet.evaluation import RESULTS, Agreement, compare, in_lines, pairs, write_results
from prldh_uctransnet.keeping import BEST, LAST, LOG
from prldh_uctransnet.library_table import SOURCE
from prldh_uctransnet.prediction import ENDINGS, Segmenter, load_volume, write_mask
from prldh_uctransnet.settings import Settings
from prldh_uctransnet.slices import by_image, is_picture, load_image, load_together, n_pages
from prldh_uctransnet.splitting import held_out_of
from prldh_uctransnet.training import train

CURVES = "training.svg"
HELD_OUT = "held_out.csv"


def _unheard(text: str) -> None:
    """What another process than the first would say."""


def _silent(stage: str, done: int, total: int) -> None:
    """No progress."""


def check_places(out: Path, names: Sequence[str], never: Sequence[Path], is_forced: bool) -> None:
    """Refuse a folder to write ``names`` to where it is none, or holds what is not to be replaced; ``never``: inputs.

    Raises
    ------
    OutputError
        With what is in the way.
    """
    if os.path.lexists(out) and not is_folder(out):
        what = "no folder" if is_there(out) else "a link to nothing"
        raise OutputError(f"--out {out} is {what}. Give a folder, or the name of a new one.")
    for name in names:
        check_target(out / name, "--out", never=never, force=is_forced)


def cases_of(source: str | os.PathLike | dict | Study, tissue: str | None) -> tuple[Study, list[CaseRow], Path]:
    """A study, the rows of one tissue's cases table, and the folder that the study's paths are relative to.

    Raises
    ------
    StudyError
        If no tissue is given as images, or several are and none is named.
    """

    study, folder = read_study(source)
    there = [name for name, t in study.tissues.items() if t.images is not None]
    if tissue is None and len(there) == 1:
        tissue = there[0]
    table = study.tissues[tissue].cases() if tissue in study.tissues else None
    if tissue is None or table is None:
        named = f"'{tissue}' is not one of them" if tissue else "name one with --tissue"
        raise StudyError(
            f"tissues: those with images are {', '.join(there) or 'none'}; {named}. Give a tissue the key images, a"
            " cases table."
        )
    read = table.read.joined_as(study.clinical.read)
    rows = read_cases(
        folder / table.path,
        tissue,
        study.clinical.id,
        read=read,
        patient_column=study.clinical.patient,
        share_images=study.tissues[tissue].share_images,
    )
    return study, rows, folder


def train_study(
    source: str | os.PathLike | dict | Study,
    out: Path,
    tissue: str | None = None,
    *,
    device: str | None = None,
    epochs: int | None = None,
    seed: int | None = None,
    is_resumed: bool = False,
    is_forced: bool = False,
    progress: Progress = _silent,
    say: Callable[[str], None] = print,
) -> dict[str, Any]:
    """Train on the images and masks of a tissue; returns the log, ``training.json``.

    Raises
    ------
    StudyError, DataError, PluginError, OutputError
        As :func:`prldh_uctransnet.training.train`; and if the folder holds a network already.
    """
    if not is_resumed and not is_forced and any((out / name).exists() for name in (LAST, BEST)):
        raise OutputError(
            f"output folder {out} holds a trained network already. Give another folder, --resume to go on, or --force"
            " to replace it."
        )
    study, rows, folder = cases_of(source, tissue)
    own = (LAST, BEST, LOG, CURVES, HELD_OUT)
    check_places(out, own, _inputs(source, study, folder, rows), is_forced or is_resumed)
    rows = rows_by_patient(study, folder, rows)
    recipe = settings_for(study, rows[0].tissue, SOURCE, Settings).train
    recipe = recipe.model_copy(update={k: v for k, v in {"device": device, "epochs": epochs}.items() if v is not None})
    seed = study.seed if seed is None else seed
    is_first = parallel.world()[0] == 0
    say = say if is_first else _unheard
    held_out = held_out_of(recipe, [row.patient for row in rows], seed, folder, study.clinical.id, say)
    try:
        parallel.meet(parallel.own_device(choose_device(recipe.device)))
        images, aside = load_together(rows, study.imaging, recipe, progress if is_first else _silent)
        for text in aside:
            say(f"put aside: {text}")
        there = {image.patient for image in images}
        recipe = recipe.model_copy(update={"held_out": tuple(p for p in held_out if p in there)})
        log = train(images, recipe, seed, out, is_resumed=is_resumed, say=say)
    finally:
        parallel.leave()
    if is_first:
        if held_out:
            write_whole(out / HELD_OUT, "".join(f"{p}\n" for p in (study.clinical.id, *held_out)).encode())
        write_whole(out / CURVES, draw_curves(log["history"], int(log["best"]["epoch"])))
    return log


def predict_images(
    images: Sequence[Path],
    checkpoint: Path,
    out: Path,
    *,
    kind: str = "nifti",
    plane: str | None = None,
    device: str | None = None,
    is_forced: bool = False,
) -> list[str]:
    """Write a mask for each image; returns a line for each. An image that cannot be used has its reason in its line.

    Raises
    ------
    OutputError
        If a mask is there already, or two images would have the same.
    DataError
        If no image can be used.
    """
    places = [out / _mask_name(path, kind) for path in images]
    doubled = [p for p in places if places.count(p) > 1]
    if doubled:
        raise OutputError(f"two images would have the mask {doubled[0].name}. Predict them into different folders.")
    there = [p for p in places if p.exists() and not is_forced]
    if there:
        raise OutputError(f"{there[0]} is there already. Give another folder, or --force to replace masks.")
    check_places(out, [p.name for p in places], [*images, checkpoint], is_forced)
    segmenter, lines, n_bad = Segmenter(load_checkpoint(checkpoint), device or "auto", plane), [], 0
    for path, place in zip(images, places, strict=True):
        try:
            image = load_volume(path)
            mask = segmenter(image)
        except DataError as error:
            lines.append(f"{path.name}: left out: {error}")
            n_bad += 1
            continue
        write_mask(place, mask, image)
        n = int(np.count_nonzero(mask))
        lines.append(
            f"{path.name}: {n} voxels in {place}" if n else f"{path.name}: nothing found, the mask {place} is empty"
        )
    if n_bad == len(images):
        raise DataError(f"none of {n_bad} images can be used; the first: {lines[0]}")
    return lines


def _inputs(source: object, study: Study, folder: Path, rows: Sequence[CaseRow]) -> list[Path]:
    """The files that a study is read from."""
    own = [Path(source)] if isinstance(source, (str, os.PathLike)) else []
    images = [path for row in rows for path in (row.image, *row.masks)]
    return [*own, *(folder / path for path in study.inputs()), *images]


def _mask_name(path: Path, kind: str) -> str:
    stem = path.name
    for ending in (".nii.gz", ".seg.nrrd", path.suffix):
        if ending and stem.lower().endswith(ending.lower()):
            stem = stem[: -len(ending)]
            break
    picture = ".tif" if is_picture(path) and n_pages(path) > 1 else ".png"
    return f"{stem}_mask{picture if is_picture(path) else ENDINGS[kind]}"


def evaluate_study(
    source: str | os.PathLike | dict | Study,
    checkpoint: Path,
    out: Path,
    tissue: str | None = None,
    *,
    device: str | None = None,
    is_unseen: bool = False,
    is_forced: bool = False,
    progress: Progress = _silent,
) -> list[str]:
    """Compare a network's masks with each reader's, image by image; write ``segmentation.csv`` and ``.json``; returns a
    summary.

    Raises
    ------
    OutputError
        If results are there already.
    DataError
        If no case can be used.
    """
    if not is_forced and any((out / name).exists() for name in RESULTS):
        raise OutputError(
            f"output folder {out} holds {RESULTS[0]} already. Give another folder, or --force to replace it."
        )
    study, rows, folder = cases_of(source, tissue)
    check_places(out, RESULTS, [checkpoint, *_inputs(source, study, folder, rows)], is_forced)
    rows = rows_by_patient(study, folder, rows)
    loaded = load_checkpoint(checkpoint)
    seen = set(loaded.provenance.get("patients_sha256", ()))
    groups = [g for g in by_image(rows) if not (is_unseen and hash_patient(g[0].patient) in seen)]
    if not groups:
        raise DataError(
            "every patient trained the network or chose its epoch. Leave --unseen out, or hold patients out with"
            " train.held_out."
        )
    segmenter = Segmenter(loaded, device or "auto")
    agreements: dict[str, list[Agreement]] = {}
    aside: list[dict[str, Any]] = []
    for i, group in enumerate(groups):
        progress("segmentation", i, len(groups))
        try:
            case = load_image(group, study.imaging)
            masks = {f"reader {k + 1}": m for k, m in enumerate(case.masks)} | {"network": segmenter(case.image)}
        except DataError as error:
            aside.append(
                {"patient": group[0].patient, "line": group[0].line, "reason": without_names(str(error), group[0])}
            )
            continue
        for a, b in pairs(list(masks)):
            agreements.setdefault(f"{b} against {a}", []).append(
                compare(case.patient, case.line, masks[a], masks[b], case.image.geometry.spacing_mm)
            )
    progress("segmentation", len(groups), len(groups))
    if not agreements:
        raise DataError(
            f"none of {len(groups)} images can be used; the first, patient {aside[0]['patient']} (line"
            f" {aside[0]['line']}): {aside[0]['reason']}"
        )
    unit = "px" if all(is_picture(g[0].image) for g in groups) else "mm"
    write_results(out, agreements, aside, seen, unit, file_sha256(checkpoint), study.report.csv_formulas)
    return in_lines(agreements, aside, seen, unit)
