"""The output folder: claimed before computing, written beside, and moved into place when it is whole."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prldh.errors import OutputError

if TYPE_CHECKING:
    from prldh.pipeline import EngineRun
    from prldh.plan import Plan
    from prldh.records import Draws
    from prldh.results import Results
    from prldh.study import Study

#: What a run writes at the top of its output folder, ``explanation``, the heat maps that `prldh explain` draws of it,
#: and ``external``, what `prldh apply` says of new patients; --force replaces these and nothing else.
OWNED = (
    "results.json",
    "report.html",
    "tables",
    "figures",
    "predictions.csv",
    "provenance.json",
    "model.json",
    "checklists",
    "references.bib",
    "reproduce",
    "explanation",
    "external",
)
#: What an extraction writes there, and an analysis of images.
FEATURES = ("features",)


def claim_output(out: Path, force: bool, owned: tuple[str, ...] = OWNED) -> Path:
    """Check, before anything is computed, that results can be written there.

    ``owned``: what the run writes at the top of the folder; the first of them says that results are there.

    Raises
    ------
    OutputError
        If results are there already and ``force`` is off, or the place cannot be written.
    """
    try:
        exists, is_folder = out.exists(), out.is_dir()
    except OSError as error:
        raise OutputError(
            f"output folder {_shortened(out)} cannot be made: {error.strerror or error}. Give another folder."
        ) from None
    if exists and not is_folder:
        raise OutputError(f"output {out} is a file. Give a folder.")
    if not force and (out / owned[0]).exists():
        raise OutputError(
            f"output folder {out} holds {'results' if owned == OWNED else owned[0]} already. Give another folder, or"
            " --force to replace them."
        )
    strange = [name for name in owned if not force and (out / name).exists()]
    if strange:
        raise OutputError(
            f"output folder {out} holds '{strange[0]}', which prldh writes, but no results.json: it seems to be yours. "
            "Give another folder, or --force to replace it."
        )
    parent = _existing_parent(out)
    try:
        handle, name = tempfile.mkstemp(prefix=".prldh-", dir=parent)
        os.close(handle)
        os.unlink(name)
    except OSError as error:
        raise OutputError(
            f"output folder {out} cannot be written: {error.strerror or error} ({parent}). Give another folder."
        ) from None
    return out


def _existing_parent(out: Path) -> Path:
    for place in (out, *out.absolute().parents):
        if place.exists():
            if not place.is_dir():
                raise OutputError(f"output folder {out} cannot be made: {place} is a file. Give another folder.")
            return place
    return Path.cwd()


def _shortened(out: Path) -> str:
    return str(out) if len(str(out)) <= 80 else f"{str(out)[:77]}..."


def what_is_written(study: Study) -> tuple[str, ...]:
    """What a run of this study writes at the top of its output folder."""
    return OWNED + FEATURES if any(tissue.images for tissue in study.tissues.values()) else OWNED


def refuse_inputs_inside(out: Path, inputs: list[Path], owned: tuple[str, ...] = OWNED) -> None:
    """Inputs must not lie where results are replaced.

    Raises
    ------
    OutputError
        If a table of the study is in a folder that --force replaces.
    """
    for path in inputs:
        for name in owned:
            if path.resolve().is_relative_to((out / name).resolve()):
                raise OutputError(
                    f"{path} is read by the study and lies in {out / name}, which results replace. Give another output"
                    " folder."
                )


def place_whole(out: Path, write: Callable[[Path], None], owned: tuple[str, ...] = OWNED) -> None:
    """Call ``write(folder)`` on a hidden folder and move what it wrote into ``out``; on failure nothing stays.

    A fresh ``out`` appears by one rename. In an existing one, former results are moved aside first and
    ``results.json`` comes last, so that a folder with results is always whole; on failure they are put back.

    Raises
    ------
    OutputError
        If the disk is full or the place cannot be written.
    """
    out = out.absolute()
    is_fresh = not out.exists()
    made = [place for place in out.parents if not place.exists()]
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        # Inside an existing folder, for its parent may be another file system or not writable
        partial = Path(tempfile.mkdtemp(prefix=".prldh-", suffix=".partial", dir=out.parent if is_fresh else out))
        try:
            write(partial)
            if is_fresh:
                partial.chmod(0o755)
                os.replace(partial, out)
            else:
                _replace_owned(partial, out, owned)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except BaseException as error:
        for place in made:
            with suppress(OSError):
                place.rmdir()
        if not isinstance(error, OSError):
            raise
        raise OutputError(
            f"output {out} cannot be written: {error.strerror or error}. Nothing was left behind; free space or give"
            " another folder."
        ) from error


def _replace_owned(partial: Path, out: Path, owned: tuple[str, ...]) -> None:
    """Exchange the results in ``out`` for those in ``partial``; on failure the former ones are put back."""
    new = sorted((item.name for item in partial.iterdir()), key=lambda name: name == "results.json")
    aside = partial / ".former"
    aside.mkdir()
    try:
        for name in owned:
            if (out / name).exists():
                os.replace(out / name, aside / name)
        for name in new:
            os.replace(partial / name, out / name)
    except BaseException:
        for name in new:
            if not (partial / name).exists():
                os.replace(out / name, partial / name)
        for item in aside.iterdir():
            os.replace(item, out / item.name)
        raise


def write_outputs(results: Results, plan: Plan, run: EngineRun, draws: Draws, out: Path, started: float) -> None:
    """Write everything of the contract's output folder."""
    from prldh.checklists.command import write_checklists
    from prldh.extraction import write_features
    from prldh.report.figures import write_figures
    from prldh.report.render import render_report, write_beside
    from prldh.reproduce import write_reproduction

    def write(folder: Path) -> None:
        (folder / "tables").mkdir()
        for name, table in results.tables.items():
            table.to_csv(folder / "tables" / f"{name}.csv", index=False, quoting=csv.QUOTE_MINIMAL)
        results.predictions.to_csv(folder / "predictions.csv", index=False)
        _dump(folder / "model.json", frozen_models(plan, run))
        provenance = describe_provenance(plan, results, started)
        _dump(folder / "provenance.json", provenance)
        if plan.images.tissues:
            write_features(folder / "features", plan.images, plan.study.clinical.id)
        figures = write_figures(results.data, folder / "figures")
        write_beside(results.data, folder)
        write_reproduction(results.data, plan, run, draws, folder / "reproduce")
        write_checklists(plan.study.report.checklists, results.data, provenance, plan.answers, plan.plugins, folder)
        (folder / "report.html").write_text(render_report(results.data, provenance, figures, folder), encoding="utf-8")
        (folder / "results.json").write_text(results.to_json(), encoding="utf-8")

    place_whole(out, write, what_is_written(plan.study))


def _dump(path: Path, content: Any) -> None:
    from prldh.results import clean

    path.write_text(json.dumps(clean(content), indent=1, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")


def frozen_models(plan: Plan, run: EngineRun) -> dict[str, Any]:
    """Everything needed to apply the models to a new patient: centres, scales, coefficients, cutoffs."""
    tissues = {}
    for name, fit in run.fits.items():
        tissues[name] = {"cutoff": fit.cutoff, "column": plan.study.tissues[name].radscore, "radscore": None}
        if fit.radscore is not None:
            score = fit.radscore
            tissues[name]["radscore"] = {
                "intercept": score.intercept,
                "features": [
                    {"source": s, "name": f, "coefficient": float(b), "center": float(c), "scale": float(d)}
                    for (s, f), b, c, d in zip(
                        score.features, score.coefficients, score.center, score.scale, strict=True
                    )
                ],
            }
    models = []
    for spec, (design, *_), entry in zip(plan.specs, run.designs, run.models, strict=True):
        coefficients = [
            {"term": c, "variable": v, "level": level, "b": t["b"]}
            for c, v, level, t in zip(design.columns, design.variables, design.levels, entry["terms"], strict=True)
        ]
        models.append(
            {
                "name": spec.name,
                "adjusted": spec.adjusted,
                "fit": entry["fit"],
                "terms": list(spec.terms),
                "coefficients": coefficients,
                "threshold": entry["threshold"],
            }
        )
    return {
        "schema": "prldh-model/1",
        "title": plan.study.title,
        "outcome": plan.cohort.outcome_name,
        "event": plan.cohort.event,
        "covariates": [{"name": c.name, "type": c.kind, "levels": list(c.levels)} for c in plan.cohort.covariates],
        "rule": (
            "high or positive is strictly above; log odds = sum of b * column; Radscore = intercept + sum of"
            " coefficient * (value - center) / scale"
        ),
        "tissues": tissues,
        "models": models,
    }


def describe_provenance(plan: Plan, results: Results, started: float) -> dict[str, Any]:
    """Versions, seed, settings, hashes of the files read, commit and times."""
    study = plan.study
    now = time.time()
    return {
        "schema": "prldh-provenance/1",
        "prldh": _version("prldh"),
        "commit": _commit(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "started": _iso(started),
        "finished": _iso(now),
        "seconds": round(now - started, 3),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "packages": {
            p: _version(p)
            for p in (
                "numpy",
                "scipy",
                "pandas",
                "scikit-learn",
                "statsmodels",
                "numba",
                "rpy2",
                "matplotlib",
                "pluggy",
                "pydantic",
            )
        },
        "engines": results.data["engines"],
        "seed": study.seed,
        "settings": study.model_dump(mode="json"),
        "files": [
            {"path": p, "sha256": _sha256(plan.folder / p), "bytes": (plan.folder / p).stat().st_size}
            for p in study.inputs()
        ],
    }


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the checkout that the code runs from, ``+`` where it was changed; None when installed."""
    here = Path(__file__).resolve().parent
    if not (here.parent / ".git").exists():
        return None
    try:
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
        changed = subprocess.run(
            ["git", "status", "--porcelain", "-uno"], cwd=here, capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return head + ("+" if changed.strip() else "")


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="seconds")


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
