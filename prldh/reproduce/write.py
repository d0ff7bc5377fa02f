"""``reproduce/``: the analysed data, every resample that was drawn, and plain R that computes the report's numbers
again.

A reviewer needs this folder, R and its package pROC, and nothing of Python: ``analysis.R`` reads from top to bottom and
calls R's and pROC's own functions where they give a number, those of ``prldh.R`` (the R package of this project in one
file) elsewhere. What the learners chose is data here: Radscores, and those of every refit.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from prldh import __version__
from prldh.engines import r_sources
from prldh.pages import create_environment
from prldh.plugins import said
from prldh.reproduce.columns import column_names
from prldh.reproduce.describe import R, by_group, describe_study, left_out
from prldh.reproduce.draws import (
    file_name,
    file_of_draws,
    write_chosen,
    write_cohort,
    write_features,
    write_imputations,
    write_refits,
    write_resamples,
)
from prldh.reproduce.r_text import as_r

if TYPE_CHECKING:
    from prldh.models import Plan
    from prldh.validation import EngineRun


def write_reproduction(data: dict[str, Any], plan: Plan, run: EngineRun, folder: Path) -> None:
    """Write the folder: ``README.md``, ``analysis.R``, ``prldh.R``, and the data as CSV."""
    folder.mkdir()
    names = column_names(plan, run)
    write_cohort(plan, run, names, folder)
    write_resamples(plan, folder)
    write_imputations(plan, run, names, folder)
    write_features(plan, run, folder)
    has_refits = write_refits(plan, run, folder)
    write_chosen(plan, run, folder)
    study = describe_study(data, plan, run, names) | {"has_refits": has_refits}
    environment = create_environment(for_html=False)
    title, learner = " ".join(plan.study.title.split()), plan.protocol.learner.learner
    sources = [path.read_text(encoding="utf-8") for path in r_sources()]
    files = sorted(path.name for path in folder.iterdir())
    for name, template, content in (
        ("analysis.R", "analysis.R.j2", {"study": as_r(study)}),
        ("prldh.R", "reproduce/prldh.R.j2", {"version": __version__, "sources": sources}),
        (
            "README.md",
            "reproduce/README.md.j2",
            {
                "study": study,
                "files": files,
                "about": _about_samples(plan),
                "left_out": left_out(plan),
                "python_alone": [measure.label for measure in plan.measures if R not in measure.computed_by],
                "learner": said("learner", learner, "label", learner.name),
                "is_cross_fitted": run.is_cross_fitted,
                "has_other_scores": any(fit.score is not None and fit.radscore is None for fit in run.fits.values()),
                "ways": _ways(run),
                "has_subgroups": bool(run.subgroups),
                "by_group": by_group(plan),
            },
        ),
    ):
        (folder / name).write_text(
            environment.get_template(template).render(title=title, **content) + "\n", encoding="utf-8"
        )


def _about_samples(plan: Plan) -> dict[str, str]:
    """What the bootstrap samples of each file are for."""
    about = {f"drawn_{file_name(scheme)}.csv.gz": f"the validation ({scheme})" for scheme in plan.schemes}
    for k, each in enumerate(plan.patients.values(), 1):
        among = f", among the patients without blanks in {', '.join(each.variables)}" if each.variables else ""
        about |= {
            file_of_draws("bands", k): f"the bands of curves{among}",
            file_of_draws("partial_areas", k): f"partial areas, drawn within each outcome{among}",
            file_of_draws("interaction", k): f"the interaction{among}",
        }
    return about


def _ways(run: EngineRun) -> list[str]:
    """What the run says of ways beside its own, in words; their refits are not in the folder."""
    named = {
        "Each protocol alone": run.protocols,
        "How each did in the inner folds of the choice, and what choosing cost": run.choice,
        "The yardstick (a plain LASSO and a plain ridge)": run.yardstick,
    }
    return [words for words, entry in named.items() if entry]
