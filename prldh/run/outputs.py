"""The output folder: claimed before computing, written beside, and moved into place when it is whole."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prldh.checklists import write_checklists
from prldh.core import clean
from prldh.report import render_report, write_beside, write_figures
from prldh.reproduce import write_reproduction
from prldh.run.extraction import write_features
from prldh.run.folder import place_whole, what_is_written
from prldh.run.frozen import frozen_models
from prldh.run.provenance import describe_provenance

if TYPE_CHECKING:
    from prldh.models import Plan
    from prldh.results import Results
    from prldh.validation import EngineRun


def write_outputs(results: Results, plan: Plan, run: EngineRun, out: Path, started: float) -> None:
    """Write everything of the contract's output folder."""

    def write(folder: Path) -> None:
        (folder / "tables").mkdir()
        for name, table in results.tables.items():
            table.to_csv(folder / "tables" / f"{name}.csv", index=False, quoting=csv.QUOTE_MINIMAL)
        results.predictions.to_csv(folder / "predictions.csv", index=False)
        _dump(folder / "model.json", frozen_models(plan, run))
        provenance = describe_provenance(plan, results, started, folder / "model.json")
        _dump(folder / "provenance.json", provenance)
        if plan.images.tissues:
            write_features(folder / "features", plan.images, plan.study.clinical.id)
        figures = write_figures(results.data, results.words, folder / "figures")
        write_beside(results.data, results.words, folder)
        if plan.cohort.patients is None:
            write_reproduction(results.data, plan, run, folder / "reproduce")
        write_checklists(plan.study.report.checklists, results, provenance, plan.answers, plan.registry, folder)
        (folder / "report.html").write_text(
            render_report(results.data, provenance, figures, folder, results.words, plan.registry), encoding="utf-8"
        )
        (folder / "results.json").write_text(results.to_json(), encoding="utf-8")

    place_whole(out, write, what_is_written(plan.study))


def _dump(path: Path, content: Any) -> None:

    path.write_text(json.dumps(clean(content), indent=1, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")
