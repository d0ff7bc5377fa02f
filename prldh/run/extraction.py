"""extract(): from images and masks to feature tables in a folder."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prldh.core import (
    FEATURES,
    CsvFormulas,
    DataError,
    ImageValues,
    Progress,
    StudyError,
    Warn,
    clean,
    csv_cell,
    given_path,
    one_thread,
)
from prldh.data import tell_of_formulas
from prldh.data.imaging import Images, TissueImages, check_tissues, describe_tissue, file_stem, measure, verify_cases
from prldh.plugins import Registry
from prldh.run.folder import claim_output, refuse_inputs_inside
from prldh.study import Study, check_given, read_study
from prldh.work import unasked

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Extraction:
    """What :func:`extract` gives: ``about`` tissue → what stands in ``features/TISSUE.json``, ``verified`` feature →
    largest relative difference from the reference (None where it was not asked for), ``id_column`` what ids are
    called, ``warnings`` of images and names."""

    about: dict[str, dict[str, Any]]
    images: Images
    verified: dict[str, float] | None
    id_column: str
    warnings: tuple[Warn, ...] = ()

    @cached_property
    def tables(self) -> dict[str, tuple[pd.DataFrame, ...]]:
        """Tissue → one data frame a reader, patient ids as index."""
        return {name: _frames(tissue, self.id_column) for name, tissue in self.images.tissues.items()}


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
    check_given(jobs=jobs)
    study, folder = read_study(study)
    _refuse_without_images(study)
    study = study if dask is None else study.model_copy(update={"compute": study.compute.with_dask(dask)})
    with ExitStack() as stack:
        stack.enter_context(one_thread())
        held = None
        if out is not None:
            held = stack.enter_context(claim_output(given_path(out, "out"), force, FEATURES))
            refuse_inputs_inside(held.out, [folder / p for p in study.inputs()], FEATURES)
        told = progress or unasked()
        images = measure(study, folder, Registry(plugins), jobs=jobs, is_strict=is_strict, progress=told)
        verified = verify_cases(images, verify, np.random.default_rng(study.seed), study.imaging) if verify else None
        id_column = study.clinical.id
        about = {name: describe_tissue(tissue) for name, tissue in images.tissues.items()}
        if held is not None:
            held.place(lambda partial: write_features(partial / "features", images, study, about), FEATURES)
    texts = {
        "ids": dict.fromkeys(i for tissue in images.tissues.values() for i in tissue.ids),
        "features": dict.fromkeys(name for tissue in images.tissues.values() for name in tissue.names),
    }
    warnings = (*images.warnings, *tell_of_formulas(study.report.csv_formulas, texts))
    return Extraction(about, images, verified, id_column, warnings)


def check(
    study: str | os.PathLike | dict | Study,
    *,
    jobs: int | None = None,
    progress: Progress | None = None,
    plugins: Sequence[Any] = (),
) -> dict[str, list[Any]]:
    """What the checks find before anything is computed: tissue → findings. ``plugins``: as :func:`extract` takes them.

    Raises
    ------
    PrldhError
        For a study or cases table that cannot be read, and for a source or step that is not there, lacks a file or a
        package, or refuses its settings, as :func:`extract` does.
    """
    study, folder = read_study(study)
    _refuse_without_images(study)
    return check_tissues(study, folder, Registry(plugins), jobs=jobs, progress=progress or unasked())


def _refuse_without_images(study: Study) -> None:
    if not any(tissue.images for tissue in study.tissues.values()):
        raise StudyError(
            "tissues: none is given as images, so there is nothing to extract. Give a tissue as images: cases.csv"
            " (patient_id, image, mask)."
        )


# ---------------------------------------------------------------- what is written


def write_features(
    folder: Path, images: Images, study: Study, about: Mapping[str, Mapping[str, Any]] | None = None
) -> None:
    """``TISSUE.reader1.parquet`` and ``.csv`` (and ``.reader2``, ``.consensus``), ``TISSUE.perturbed.csv`` where masks
    were perturbed,
    ``TISSUE.SOURCE.images.csv`` where a source measures several images a patient, ``TISSUE.json``, and a picture a case
    in ``TISSUE.pictures``. ``about``: what :func:`describe_tissue` says of each, where that is known."""

    id_column, formulas = study.clinical.id, study.report.csv_formulas
    folder.mkdir()
    for name, tissue in images.tissues.items():
        _refuse_id_among_features(tissue, id_column)
        stem = file_stem(name)
        tables = {f"reader{k}": values for k, values in enumerate(tissue.readers, start=1)}
        if tissue.consensus is not None:
            tables["consensus"] = tissue.consensus
        for reader, values in tables.items():
            _write_parquet(folder / f"{stem}.{reader}.parquet", id_column, tissue.ids, tissue.names, values)
            _write_csv(folder / f"{stem}.{reader}.csv", {id_column: tissue.ids}, tissue.names, values, formulas)
        if tissue.perturbed is not None:
            k, n = tissue.perturbed.shape[:2]
            beside = {id_column: tissue.ids * k, "perturbation": np.repeat(np.arange(1, k + 1), n).tolist()}
            values = tissue.perturbed.reshape(k * n, -1)
            _write_csv(folder / f"{stem}.perturbed.csv", beside, tissue.names, values, formulas)
        for source, readers in tissue.images.items():
            if any(len(images.row) > len(tissue.ids) for images in readers):
                names = [n for n, s in zip(tissue.names, tissue.sources, strict=True) if s == source]
                whose = [*(() if tissue.consensus is None else ("consensus",)), *range(1, len(tissue.readers) + 1)]
                place = folder / f"{stem}.{file_stem(source)}.images.csv"
                _write_images(place, readers, whose, tissue.ids, names, study)
        content = clean(describe_tissue(tissue) if about is None else about[name])
        text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
        (folder / f"{stem}.json").write_text(text + "\n", encoding="utf-8")
        pictures = folder / f"{stem}.pictures"
        pictures.mkdir()
        for result in tissue.results:
            if result.picture:
                (pictures / f"{result.row.line}.png").write_bytes(result.picture)


def _write_images(
    path: Path,
    readers: Sequence[ImageValues],
    whose: Sequence[Any],
    ids: Sequence[str],
    names: Sequence[str],
    study: Study,
) -> None:
    """One line an image: whose it is, the reader, its weight in the patient's mean, and its values."""
    beside = {
        study.clinical.id: [ids[i] for images in readers for i in images.row],
        "reader": [reader for reader, images in zip(whose, readers, strict=True) for _ in images.row],
        "weight": [float(weight) for images in readers for weight in images.weight],
    }
    _write_csv(path, beside, names, np.concatenate([images.values for images in readers]), study.report.csv_formulas)


def _write_csv(
    path: Path, beside: Mapping[str, Sequence[Any]], names: Sequence[str], values: np.ndarray, formulas: CsvFormulas
) -> None:
    """A table, without pandas, which takes as long to import as some studies to measure; absent values are blank."""
    cells = values.astype(object)
    cells[np.isnan(values)] = None
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([csv_cell(name, formulas) for name in (*beside, *names)])
        rows = zip(*beside.values(), cells.tolist(), strict=True)
        writer.writerows([*(csv_cell(cell, formulas) for cell in own), *row] for *own, row in rows)


def _write_parquet(path: Path, id_column: str, ids: Sequence[str], names: Sequence[str], values: np.ndarray) -> None:
    """Absent values are null. Arrays are made of their memory: pyarrow's own ways import pandas."""
    import pyarrow
    from pyarrow.parquet import write_table

    texts = [name.encode() for name in ids]
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    columns = [
        pyarrow.LargeStringArray.from_buffers(len(texts), pyarrow.py_buffer(ends), pyarrow.py_buffer(b"".join(texts)))
    ]
    for column in np.ascontiguousarray(values.T):
        known = ~np.isnan(column)
        bits = None if known.all() else pyarrow.py_buffer(np.packbits(known, bitorder="little"))
        columns.append(pyarrow.Array.from_buffers(pyarrow.float64(), len(texts), [bits, pyarrow.py_buffer(column)]))
    write_table(pyarrow.table(columns, names=[id_column, *names]), path)


def _refuse_id_among_features(tissue: TissueImages, id_column: str) -> None:
    if id_column in tissue.names:
        raise DataError(
            f"tissues.{tissue.tissue}: a feature has the name of the id column '{id_column}'. Rename the id column."
        )


def _frames(tissue: TissueImages, id_column: str) -> tuple[pd.DataFrame, ...]:
    import pandas as pd

    _refuse_id_among_features(tissue, id_column)
    ids = pd.Index(list(tissue.ids), name=id_column)
    return tuple(pd.DataFrame(values, index=ids, columns=list(tissue.names)) for values in tissue.readers)
