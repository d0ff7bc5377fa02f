"""``reproduce/``: the analysed data as CSV and a plain R script that prints the report's numbers again.

The script needs R and pROC and nothing of prldh: a reviewer can read it from top to bottom.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from prldh.report.environment import create_environment

if TYPE_CHECKING:
    from prldh.pipeline import EngineRun
    from prldh.plan import Plan


def write_reproduction(data: dict[str, Any], plan: Plan, run: EngineRun, folder: Path) -> None:
    """Write ``cohort.csv`` (outcome 0/1, covariates, Radscores), the held-out folds, and ``analysis.R``."""
    folder.mkdir()
    cohort = plan.cohort
    names = {name: f"x{i + 1}" for i, name in enumerate([*cohort.table.columns, *(t for t in run.fits if t not in cohort.table.columns)])}
    table = pd.DataFrame({"id": cohort.ids, "outcome": cohort.outcome})
    for name, column in names.items():
        table[column] = cohort.table[name].astype(object) if name in cohort.table.columns else run.fits[name].values
    for name, column in names.items():  # text may look like numbers: levels are declared in the script
        if name in cohort.table.columns and cohort.table[name].dtype.kind != "f":
            table[column] = table[column].astype(str)
    table.to_csv(folder / "cohort.csv", index=False, float_format="%.17g")
    folds = []
    for scheme, (kind, resamples) in plan.schemes.items():
        if kind == "held_out":
            folds += [(scheme, r.repeat, r.fold, cohort.ids[k]) for r in resamples for k in r.test]
    pd.DataFrame(folds, columns=["scheme", "repeat", "fold", "id"]).to_csv(folder / "folds.csv", index=False)
    script = create_environment(for_html=False).get_template("analysis.R.j2").render(
        title=plan.study.title, data=data, names=names, covariates=cohort.covariates, specs=plan.specs, cutoffs=run.cutoffs,
        level=plan.study.performance.confidence, partial=plan.study.performance.partial_auc,
        groups=plan.study.performance.hosmer_lemeshow_groups, continuous_test=plan.study.table_one.continuous,
        has_model_scope="model" in plan.study.validation.scope,
    )
    (folder / "analysis.R").write_text(script, encoding="utf-8")

