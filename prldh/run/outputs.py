"""The output folder: claimed before computing, written beside, and moved into place when it is whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prldh.checklists import write_checklists
from prldh.core import SEAL, Held, Progress, clean, csv_of
from prldh.report import render_report, write_beside, write_figures
from prldh.reproduce import write_reproduction
from prldh.run.extraction import write_features
from prldh.run.folder import what_is_written
from prldh.run.frozen import frozen_models
from prldh.run.provenance import describe_provenance, sha256_of

if TYPE_CHECKING:
    from prldh.models import Plan
    from prldh.results import Results
    from prldh.validation import EngineRun


def write_outputs(
    results: Results, plan: Plan, run: EngineRun, held: Held, started: float, jobs: int, progress: Progress
) -> None:
    """Write everything of the contract's output folder; ``jobs`` processes draw."""

    formulas = plan.study.report.csv_formulas

    def write(folder: Path) -> None:
        progress("tables and models", 0, 1)
        (folder / "tables").mkdir()
        for name, table in results.tables.items():
            (folder / "tables" / f"{name}.csv").write_text(csv_of(table, formulas), encoding="utf-8", newline="")
        (folder / "predictions.csv").write_text(csv_of(results.predictions, formulas), encoding="utf-8", newline="")
        models = frozen_models(plan, run)
        _dump(folder / "model.json", models)
        (folder / "results.json").write_text(results.to_json(), encoding="utf-8")
        if plan.images.tissues:
            write_features(folder / "features", plan.images, plan.study)
        written = {name: sha256_of(folder / name) for name in _lasting(folder)}
        provenance = describe_provenance(plan, results, started, models[SEAL], written)
        _dump(folder / "provenance.json", provenance)
        write_beside(results.data, results.words, folder)
        write_reproduction(results.data, plan, run, folder / "reproduce")
        write_checklists(plan.study.report.checklists, results, provenance, plan.answers, plan.registry, folder)
        progress("tables and models", 1, 1)
        figures = write_figures(results.data, results.words, folder / "figures", jobs=jobs, progress=progress)
        progress("checklists and report", 1, 2)
        (folder / "report.html").write_text(
            render_report(results.data, provenance, figures, folder, results.words, plan.registry, folder),
            encoding="utf-8",
        )
        progress("checklists and report", 2, 2)

    held.place(write, what_is_written(plan.study))


def _lasting(folder: Path) -> list[str]:
    """What was written and no command replaces but another run."""
    features = sorted(path for path in folder.glob("features/*") if path.is_file())
    return ["results.json", "model.json", "predictions.csv", *(f"features/{path.name}" for path in features)]


def _dump(path: Path, content: Any) -> None:

    path.write_text(json.dumps(clean(content), indent=1, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")
