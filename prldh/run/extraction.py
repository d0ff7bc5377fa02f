"""extract(): from images and masks to feature tables in a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from prldh.core import DataError, ImageValues, Progress, StudyError, clean
from prldh.data.imaging import Images, TissueImages, check_tissues, describe_tissue, file_stem, measure, verify_cases
from prldh.plugins import Registry
from prldh.run.folder import FEATURES, claim_output, place_whole, refuse_inputs_inside
from prldh.study import Study, read_study


@dataclass(frozen=True)
class Extraction:
    """What :func:`extract` gives: ``tables`` tissue → one data frame a reader (patient ids as index), ``about`` tissue
    → what stands in ``features/TISSUE.json``, ``verified`` feature → largest relative difference from the reference
    (None where it was not asked for)."""

    tables: dict[str, tuple[pd.DataFrame, ...]]
    about: dict[str, dict[str, Any]]
    images: Images
    verified: dict[str, float] | None


def extract(
    study: str | os.PathLike | dict | Study,
    out: str | os.PathLike | None,
    *,
    jobs: int | None = None,
    dask: str | None = None,
    force: bool = False,
    is_strict: bool = False,
    verify: int = 0,
    progress: Progress | None = None,
    plugins: Sequence[Any] = (),
) -> Extraction:
    """Measure the images of a study and write feature tables.

    Of the clinical table only the ids are needed.

    Parameters
    ----------
    study
        Path of a study file, or its content.
    out
        Output folder; ``features/`` in it appears whole or not at all. None: nothing is written.
    jobs, dask
        Worker processes, or the address of a Dask scheduler; override the study file.
    force
        Replace features that are already in ``out``.
    is_strict
        Raise for the first case that would be put aside.
    verify
        Compute this many random cases again by the reference implementation of each source that has one.
    progress
        Called with (stage, done, total).
    plugins
        Feature sources (or modules with hooks) to choose from beside what is installed.

    Raises
    ------
    PrldhError
        With one message for everything a user can mend; then nothing is written.
    """
    study, folder = read_study(study)
    _refuse_without_images(study)
    study = study if dask is None else study.model_copy(update={"compute": study.compute.with_dask(dask)})
    with threadpool_limits(1):
        claimed = None
        if out is not None:
            claimed = claim_output(Path(out), force, FEATURES)
            refuse_inputs_inside(claimed, [folder / p for p in study.inputs()], FEATURES)
        images = measure(study, folder, Registry(plugins), jobs=jobs, is_strict=is_strict, progress=progress)
        verified = verify_cases(images, verify, np.random.default_rng(study.seed), study.imaging) if verify else None
    id_column = study.clinical.id
    if claimed is not None:
        place_whole(claimed, lambda partial: write_features(partial / "features", images, id_column), FEATURES)
    tables = {name: _frames(tissue, id_column, as_index=True) for name, tissue in images.tissues.items()}
    return Extraction(tables, {name: describe_tissue(t) for name, t in images.tissues.items()}, images, verified)


def check(
    study: str | os.PathLike | dict | Study, *, jobs: int | None = None, progress: Progress | None = None
) -> dict[str, list[Any]]:
    """What the checks find before anything is computed: tissue → findings.

    Raises
    ------
    PrldhError
        For a study or cases table that cannot be read.
    """
    study, folder = read_study(study)
    _refuse_without_images(study)
    return check_tissues(study, folder, jobs=jobs, progress=progress)


def _refuse_without_images(study: Study) -> None:
    if not any(tissue.images for tissue in study.tissues.values()):
        raise StudyError(
            "tissues: none is given as images, so there is nothing to extract. Give a tissue as images: cases.csv"
            " (patient_id, image, mask)."
        )


# ---------------------------------------------------------------- what is written


def write_features(folder: Path, images: Images, id_column: str) -> None:
    """``TISSUE.reader1.parquet`` and ``.csv`` (and ``.reader2``, ``.consensus``), ``TISSUE.perturbed.csv`` where masks
    were perturbed,
    ``TISSUE.SOURCE.images.csv`` where a source measures several images a patient, ``TISSUE.json``, and a picture a case
    in ``TISSUE.pictures``."""

    folder.mkdir()
    for name, tissue in images.tissues.items():
        stem = file_stem(name)
        for reader, frame in enumerate(_frames(tissue, id_column, as_index=False), start=1):
            frame.to_parquet(folder / f"{stem}.reader{reader}.parquet", index=False)
            frame.to_csv(folder / f"{stem}.reader{reader}.csv", index=False)
        if tissue.consensus is not None:
            agreed = _frame(tissue.consensus, tissue, id_column)
            agreed.to_parquet(folder / f"{stem}.consensus.parquet", index=False)
            agreed.to_csv(folder / f"{stem}.consensus.csv", index=False)
        if tissue.perturbed is not None:
            frames = [pd.DataFrame(values, columns=list(tissue.names)) for values in tissue.perturbed]
            columns = [id_column, "perturbation", *tissue.names]
            labels: list[dict[str, Any]] = [
                {id_column: tissue.ids, "perturbation": k} for k in range(1, len(frames) + 1)
            ]
            labelled = [f.assign(**label)[columns] for f, label in zip(frames, labels, strict=True)]
            pd.concat(labelled).to_csv(folder / f"{stem}.perturbed.csv", index=False)
        for source, readers in tissue.images.items():
            if any(len(images.row) > len(tissue.ids) for images in readers):
                names = [n for n, s in zip(tissue.names, tissue.sources, strict=True) if s == source]
                numbers = range(1, len(tissue.readers) + 1)
                whose = [*(() if tissue.consensus is None else ("consensus",)), *numbers]
                _image_frame(readers, whose, tissue.ids, names, id_column).to_csv(
                    folder / f"{stem}.{file_stem(source)}.images.csv", index=False
                )
        text = json.dumps(clean(describe_tissue(tissue)), indent=1, ensure_ascii=False, allow_nan=False)
        (folder / f"{stem}.json").write_text(text + "\n", encoding="utf-8")
        pictures = folder / f"{stem}.pictures"
        pictures.mkdir()
        for result in tissue.results:
            if result.picture:
                (pictures / f"{result.row.line}.png").write_bytes(result.picture)


def _image_frame(
    readers: Sequence[ImageValues], whose: Sequence[Any], ids: Sequence[str], names: Sequence[str], id_column: str
) -> pd.DataFrame:
    """One line an image: whose it is, the reader, its weight in the patient's mean, and its values."""
    frames = []
    for reader, images in zip(whose, readers, strict=True):
        about = pd.DataFrame({id_column: [ids[i] for i in images.row], "reader": reader, "weight": images.weight})
        frames.append(pd.concat([about, pd.DataFrame(images.values, columns=list(names))], axis=1))
    return pd.concat(frames, ignore_index=True)


def _frames(tissue: TissueImages, id_column: str, as_index: bool) -> tuple[pd.DataFrame, ...]:
    if id_column in tissue.names:
        raise DataError(
            f"tissues.{tissue.tissue}: a feature has the name of the id column '{id_column}'. Rename the id column."
        )
    frames = (_frame(values, tissue, id_column) for values in tissue.readers)
    return tuple(frame.set_index(id_column) if as_index else frame for frame in frames)


def _frame(values: np.ndarray, tissue: TissueImages, id_column: str) -> pd.DataFrame:
    """A table: the ids, then one column a feature."""
    frame = pd.DataFrame(values, columns=list(tissue.names))
    frame.insert(0, id_column, list(tissue.ids))
    return frame
