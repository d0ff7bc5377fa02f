"""``prldh explain``: heat maps of a run's Radscore for four patients, drawn beside the run's results."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prldh.cache import write_whole
from prldh.errors import DataError, OutputError, StudyError
from prldh.imaging.records import Case
from prldh.plugins import settings_of
from prldh_uctransnet.checkpoints import file_sha256, load_checkpoint
from prldh_uctransnet.heatmaps import DeepPart, choose_patients, contribution_maps
from prldh_uctransnet.regions import choose_slices, cut_window, picture_of, pictures_of, resize, stack_of, window_of
from prldh_uctransnet.settings import Settings
from prldh_uctransnet.workflow import cases_of

OUTLINE = "#000000"


@dataclass(frozen=True)
class Explained:
    """One patient: picture and outline (size, size) of the slice with most of the region, its map, and the numbers that belong to it."""

    patient: str
    level: str
    radscore: float
    deep_part: float
    picture: np.ndarray
    outline: np.ndarray
    heat: np.ndarray


def explain_study(
    source: Any,
    results: Path,
    tissue: str | None = None,
    *,
    checkpoint: Path | None = None,
    patients: Sequence[str] = (),
    is_forced: bool = False,
) -> list[str]:
    """Draw heat maps of a tissue's Radscore into ``results/explanation``; returns a line a patient.

    Raises
    ------
    StudyError, DataError, PluginError, OutputError
        If the run has no deep Radscore of that tissue, a patient's image cannot be read, or the folder cannot be written.
    """
    study, rows, folder_of_study = cases_of(source, tissue)
    tissue = rows[0].tissue
    settings = settings_of(Settings, study.extraction.get("uctransnet", {}), "extraction.uctransnet").relative_to(folder_of_study)
    if checkpoint is not None:
        settings = settings.model_copy(update={"checkpoint": str(checkpoint)})
    if settings.pool != "mean":
        raise StudyError(
            "extraction.uctransnet.pool: with max a Radscore is not linear in the maps, so there is no exact heat map. Use pool: mean."
        )
    if settings.checkpoint is None:
        raise StudyError(
            "extraction.uctransnet.checkpoint: none is named. Name the one that the features were computed with, there or by --checkpoint."
        )
    radscore, scores = _radscore_of(results, tissue)
    folder = results / "explanation"
    if folder.exists() and not is_forced:
        raise OutputError(f"{folder} is there already. Use --force to draw it again.")
    part, network = DeepPart.of(radscore), load_checkpoint(Path(settings.checkpoint)).network
    strangers = [p for p in patients if p not in scores]
    if strangers:
        raise DataError(f"patient '{strangers[0]}' is not among those that the run analysed. Correct the id.")
    chosen = [("chosen", p) for p in patients] or choose_patients(scores)
    explained = [
        _explain(network, part, settings, [r for r in rows if r.patient == p], study.imaging, level, scores[p]) for level, p in chosen
    ]
    limit = max(float(np.abs(e.heat).max()) for e in explained)
    for e in explained:
        for ending in ("png", "svg"):
            _draw(folder / f"{tissue}_{e.level.replace(' ', '_')}_{e.patient}.{ending}", e, limit)
    about = {
        "schema": "prldh-explanation/1",
        "tissue": tissue,
        "checkpoint_sha256": file_sha256(Path(settings.checkpoint)),
        "limit": limit,
        "patients": [{"id": e.patient, "level": e.level, "radscore": e.radscore, "deep_part": e.deep_part} for e in explained],
    }
    write_whole(folder / f"{tissue}.json", json.dumps(about, indent=2, allow_nan=False).encode())
    return [f"{e.level}: patient {e.patient}, Radscore {e.radscore:.3f}, of it deep {e.deep_part:.3f}" for e in explained]


def _radscore_of(results: Path, tissue: str) -> tuple[dict[str, Any], dict[str, float]]:
    try:
        data = json.loads((results / "results.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise DataError(f"{results} holds no results.json that can be read. Give the output folder of prldh analyze.") from None
    entry = data.get("tissues", {}).get(tissue)
    if not entry or not entry.get("radscore"):
        raise DataError(
            f"the run in {results.name} has no Radscore of tissue '{tissue}' made from features. Give the run that analysed it."
        )
    return entry["radscore"], {s["id"]: s["value"] for s in entry["scores"]}


def _explain(network: Any, part: DeepPart, settings: Settings, rows: Sequence[Any], reading: Any, level: str, score: float) -> Explained:
    """The patient's deep part, over all slices and regions, and the map of the slice with most of the first region."""
    from prldh.imaging.read import load_case

    if not rows:
        raise DataError("a patient of the run has no row in the cases table. Use the study file that the run was made with.")
    cases = [load_case(row, reading) for row in rows]
    maps = [contribution_maps(network, pictures_of(case, 0, settings), part) for case in cases]
    weights = [float(c.masks[0].sum()) for c in cases] if settings.combine == "volume" else None
    deep = float(np.average([m.mean() for m in maps], weights=weights)) - part.constant
    picture, outline = _largest(cases[0], settings)
    return Explained(
        cases[0].patient, level, score, deep, picture, outline, contribution_maps(network, picture[None], part)[0] - part.constant
    )


def _largest(case: Case, settings: Settings) -> tuple[np.ndarray, np.ndarray]:
    """Picture and mask (size, size) of the slice with most of the region that has a picture."""
    stack = stack_of(case.image.values, case.masks[0], case.image.geometry, settings.plane)
    (k,) = choose_slices(stack.mask, "largest")
    picture = picture_of(stack, k, settings)
    if picture is None:
        raise DataError(f"patient {case.patient}: the largest slice of the region holds one value alone, so there is nothing to show.")
    window = window_of(stack.mask[k], stack.pixel_mm, settings.margin_mm, settings.roi)
    return picture, resize(cut_window(stack.mask[k], window).astype(np.float32), stack.pixel_mm, settings.size)


def _draw(path: Path, e: Explained, limit: float) -> None:
    """Picture, map (blue lowers, red raises the score; one scale for all patients), outline and colour bar."""
    import matplotlib

    matplotlib.use("Agg", force=False)
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = e.picture.shape[0]
    figure = Figure(figsize=(4.6, 4), dpi=200, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    extent = (0, size, size, 0)
    axes.imshow(e.picture, cmap="gray", extent=extent, vmin=0, vmax=1)
    shown = axes.imshow(e.heat, cmap="RdBu_r", extent=extent, alpha=0.45, interpolation="bilinear", vmin=-limit, vmax=limit)
    if e.outline.min() < 0.5 < e.outline.max():
        axes.contour(np.arange(size) + 0.5, np.arange(size) + 0.5, e.outline, [0.5], colors=OUTLINE, linewidths=1.2)
    axes.set_axis_off()
    axes.set_title(f"{e.level}: Radscore {e.radscore:.2f}, of it deep {e.deep_part:.2f}", fontsize=9)
    bar = figure.colorbar(shown, ax=axes, shrink=0.9)
    bar.set_label("added to the Radscore (log odds, mean over places)", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".partial-", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    try:
        figure.savefig(name, metadata={"Date": None} if path.suffix == ".svg" else {"Software": None})
        os.replace(name, path)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise OutputError(f"{path.name} cannot be written to {path.parent}: {error.strerror or error}. Free some space.") from None
