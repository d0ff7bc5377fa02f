"""Whole slices as the segmentation network sees them, and its answer back on the slice.

A slice is widened to a square in mm (border pixels repeated), brought to square pixels and to size x size as
:mod:`prldh_uctransnet.regions` says, and scaled min-max. Masks go the same way, empty beyond the border, and are set
where more than half of a pixel is. With ``on: rectangles`` training takes the rectangles that the feature source cuts
instead, of the slices that the mask meets. The way back: logits are interpolated to the widened slice and cut to the
slice; a pixel is set where its logit is above 0.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from prldh.api import Case, CaseRow, DataError, Geometry, Progress, ReadSettings, Volume, file_at, load_case, some
from prldh_uctransnet import parallel
from prldh_uctransnet.recipe import Recipe
from prldh_uctransnet.regions import Stack, Window, cut_window, picture_of, resize, scale, stack_of, window_of

PICTURES = (".png", ".tif", ".tiff", ".bmp", ".jpg", ".jpeg")


@dataclass(frozen=True)
class Slices:
    """The slices of one image of one patient: ``pictures`` (n, size, size) float16, 0 … 1, and ``targets`` of the same
    shape, 0/1."""

    patient: str
    pictures: np.ndarray
    targets: np.ndarray


def load_image(rows: Sequence[CaseRow], reading: ReadSettings) -> Case:
    """One image with the union of its rows' regions. PNG and TIFF pictures, with PNG or NumPy masks, have pixels of 1 x
    1.

    Raises
    ------
    DataError
        If image or mask cannot be used.
    """
    cases = [load_picture(row) if is_picture(row.image) else load_case(row, reading) for row in rows]
    masks = tuple(np.logical_or.reduce([c.masks[k] for c in cases]) for k in range(len(cases[0].masks)))
    return Case(cases[0].patient, cases[0].tissue, cases[0].line, cases[0].image, masks)


def is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES


def n_pages(path: Path) -> int:
    """Pages of a picture file; 1 where it cannot be read, as reading it says why."""
    from PIL import Image

    try:
        with Image.open(file_at(path)) as image:
            return int(getattr(image, "n_frames", 1))
    except (OSError, ValueError):
        return 1


def by_image(rows: Iterable[CaseRow]) -> list[list[CaseRow]]:
    """Rows of one patient's one image together, in the table's order: the regions of an image are one target."""
    groups: dict[tuple[str, Path], list[CaseRow]] = {}
    for row in rows:
        groups.setdefault((row.patient, row.image), []).append(row)
    return list(groups.values())


def load_picture(row: CaseRow) -> Case:
    """A 2-D picture and its masks; a TIFF of several pages is a stack of slices."""
    values = read_picture(row.image)
    masks = []
    for path in row.masks:
        labels = _read_array(path) if path.suffix.lower() == ".npy" else read_picture(path)
        labels = labels[None] if labels.ndim == 2 else labels
        if labels.shape != values.shape:
            raise DataError(
                f"mask {path.name} is {labels.shape[1:]} with {len(labels)} page(s), its image {row.image.name} "
                f"{values.shape[1:]} with {len(values)}. Export them alike."
            )
        masks.append(labels == row.label if row.label is not None else labels != 0)
    geometry = Geometry(values.shape[::-1], (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0, 0, 0, 1, 0, 0, 0, 1))
    return Case(row.patient, row.tissue, row.line, Volume(values, geometry), tuple(masks))


def read_picture(path: Path) -> np.ndarray:
    """Grey values (page, row, column); colour becomes luminance.

    Raises
    ------
    DataError
        If the file is missing or no picture.
    """
    from PIL import Image, ImageSequence

    try:
        with Image.open(file_at(path)) as image:
            pages = [
                np.asarray(p if p.mode in ("L", "I", "F", "1", "P") or p.mode.startswith("I;16") else p.convert("L"))
                for p in ImageSequence.Iterator(image)
            ]
    except (OSError, ValueError) as error:
        raise DataError(
            f"picture {path.name} cannot be read ({type(error).__name__}). Check the path, or export it as PNG."
        ) from None
    if len({p.shape for p in pages}) > 1:
        raise DataError(f"the pages of {path.name} differ in size. Export them alike.")
    return np.stack(pages)


def _read_array(path: Path) -> np.ndarray:
    try:
        labels = np.load(file_at(path), allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(
            f"mask {path.name} cannot be read ({type(error).__name__}). Save labels as a plain NumPy array of two"
            " dimensions."
        ) from None
    if not isinstance(labels, np.ndarray) or labels.ndim not in (2, 3):
        raise DataError(f"mask {path.name} must be an array (row, column) of labels. Save it so.")
    return labels


def slices_of(case: Case, recipe: Recipe) -> Slices:
    """The slices of an image for training.

    Raises
    ------
    DataError
        If the table has no mask of that reader.
    """
    if recipe.reader > len(case.masks):
        raise DataError(
            f"train.reader is {recipe.reader}, and the cases table has the masks of one reader. Use reader: 1."
        )
    stack = stack_of(case.image.values, case.masks[recipe.reader - 1], case.image.geometry, recipe.plane)
    is_masked = recipe.slices == "masked" or recipe.on == "rectangles"
    chosen = np.flatnonzero(stack.mask.any(axis=(1, 2))).tolist() if is_masked else list(range(len(stack.values)))
    if recipe.on == "rectangles":
        made = [(p, target_of(stack, k, recipe)) for k in chosen if (p := picture_of(stack, k, recipe)) is not None]
        pictures, targets = [p for p, _ in made], [t for _, t in made]
    else:
        limits = stack.limits if recipe.scale == "image" else None
        pictures = [picture_of_slice(stack, k, recipe.size, limits) for k in chosen]
        targets = [target_of_slice(stack, k, recipe.size) for k in chosen]
    shape = (0, recipe.size, recipe.size)
    return Slices(
        case.patient,
        np.array(pictures, np.float16).reshape(-1, *shape[1:]),
        np.array(targets, np.uint8).reshape(-1, *shape[1:]),
    )


def whole(stack: Stack) -> Window:
    """The slice widened to a square in mm."""
    return window_of(np.ones(stack.values.shape[1:], bool), stack.pixel_mm, 0, "square")


def target_of(stack: Stack, k: int, recipe: Recipe) -> np.ndarray:
    """The mask of slice ``k`` in its rectangle (size, size), boolean."""
    window = window_of(stack.mask[k], stack.pixel_mm, recipe.margin_mm, recipe.roi)
    return resize(cut_window(stack.mask[k], window).astype(np.float32), stack.pixel_mm, recipe.size) > 0.5


def picture_of_slice(stack: Stack, k: int, size: int, limits: tuple[float, float] | None = None) -> np.ndarray:
    """Slice ``k`` (size, size), 0 … 1 by its own lowest and highest value or by ``limits``; all 0 where these are the
    same.

    Raises
    ------
    DataError
        If it holds values that are not finite.
    """
    values = cut_window(stack.values[k], whole(stack)).astype(np.float32)
    if not np.isfinite(values).all():
        raise DataError(f"slice {k + 1} of the image has values that are not finite. Export it again, or fill them.")
    return scale(resize(values, stack.pixel_mm, size), limits)


def target_of_slice(stack: Stack, k: int, size: int) -> np.ndarray:
    """The mask of slice ``k`` (size, size), boolean."""
    window, mask = whole(stack), stack.mask[k]
    wide = np.zeros((window.bottom - window.top, window.right - window.left), np.float32)
    wide[-window.top : mask.shape[0] - window.top, -window.left : mask.shape[1] - window.left] = mask
    return resize(wide, stack.pixel_mm, size) > 0.5


def mask_of_logits(logits: np.ndarray, stack: Stack) -> np.ndarray:
    """The mask (slice, row, column) of logits (slice, size, size)."""
    import torch
    from torch.nn.functional import interpolate

    window = whole(stack)
    shape = (window.bottom - window.top, window.right - window.left)
    wide = interpolate(torch.from_numpy(logits)[:, None], shape, mode="bilinear", align_corners=False)[:, 0].numpy() > 0
    height, width = stack.values.shape[1:]
    return wide[:, -window.top : height - window.top, -window.left : width - window.left]


def load_all(
    rows: Sequence[CaseRow], reading: ReadSettings, recipe: Recipe, progress: Progress
) -> tuple[list[Slices], list[str]]:
    """Every image's slices, and what was put aside and why.

    Raises
    ------
    DataError
        If no image can be used, or no mask is set anywhere.
    """
    images, aside, groups = [], [], by_image(rows)
    for i, group in enumerate(groups):
        progress("images", i, len(groups))
        try:
            slices = slices_of(load_image(group, reading), recipe)
        except DataError as error:
            aside.append(f"patient {group[0].patient} (line {group[0].line}): {error}")
            continue
        if len(slices.pictures):
            images.append(slices)
        else:
            aside.append(
                f"patient {group[0].patient} (line {group[0].line}): no slice has a region to train on, as"
                " train.slices: masked and train.on: rectangles ask for."
            )
    progress("images", len(groups), len(groups))
    if not images:
        raise DataError(f"none of {len(groups)} images can be used for training: {some(aside, limit=400)}")
    if not any(s.targets.any() for s in images):
        raise DataError(
            f"every mask of {len(images)} images is empty, so there is nothing to learn. Check masks and label."
        )
    return images, aside


def load_together(
    rows: Sequence[CaseRow], reading: ReadSettings, recipe: Recipe, progress: Progress
) -> tuple[list[Slices], list[str]]:
    """As :func:`load_all`; of several processes on a machine the first reads, and all see its one copy."""
    if parallel.world()[1] == 1:
        return load_all(rows, reading, recipe, progress)

    def read(folder: Path) -> tuple[list[Slices], list[str]]:
        images, aside = load_all(rows, reading, recipe, progress)
        for k, image in enumerate(images):
            np.save(folder / f"{k}.pictures.npy", image.pictures)
            np.save(folder / f"{k}.targets.npy", image.targets)
        (folder / "about.json").write_text(json.dumps([[image.patient for image in images], aside]))
        return take(folder)

    def take(folder: Path) -> tuple[list[Slices], list[str]]:
        patients, aside = json.loads((folder / "about.json").read_text())
        arrays = [
            [np.load(folder / f"{k}.{kind}.npy", mmap_mode="r") for kind in ("pictures", "targets")]
            for k in range(len(patients))
        ]
        return [Slices(p, *own) for p, own in zip(patients, arrays, strict=True)], aside

    return parallel.once_a_machine(read, take)
