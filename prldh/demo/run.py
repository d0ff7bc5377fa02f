"""``prldh demo``: two synthetic studies, analysed, and the paper's values beside ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prldh.apply import apply_models, summarise
from prldh.core import DASH, OutputError, in_lines, is_marked, write_whole
from prldh.demo.data import MARK, STUDY, write_published_study
from prldh.demo.features import (
    FEATURES_FOREST,
    FEATURES_VALIDATION,
    demo_cohort,
    write_features_study,
    write_new_patients,
)
from prldh.demo.published import compare_with_paper
from prldh.pipeline import analyze
from prldh.report import render
from prldh.results import honest_auc, interval
from prldh.run import check_output, summarise_run
from prldh.work import Teller

NEW_PATIENTS = 150
#: Which of the paper's values are printed, and how wide their names: a terminal has 80 columns.
SHOWN, QUANTITY = (": sensitivity", ": leave-one-out AUC", ": cutoff"), 62


def run_demo(out: Path, jobs: int | None, force: bool, teller: Teller) -> None:
    """Write both studies under ``out``, analyse them, and print what they found; the study whose report is there
    first comes first."""
    for name in ("published", "features"):
        check_output(out / name, force)
        _check_input(out / f"{name}_input" / STUDY, force)
    _check_input(out / "features_new" / "cohort.yaml", force)
    out.mkdir(parents=True, exist_ok=True)
    teller.say(
        "Study 1, features: SYNTHETIC features of two tissues and two readers; a known\n"
        "few carry signal. It imitates no paper."
    )
    with teller.progress() as progress:
        progress("synthetic tables", 0, 1)
        cohort = demo_cohort()
        study = write_features_study(out / "features_input", cohort, FEATURES_VALIDATION, FEATURES_FOREST)
        progress("synthetic tables", 1, 1)
        features = analyze(study, out / "features", jobs=jobs, force=force, progress=progress)
    teller.say(summarise_run(features, out / "features"))
    teller.say(_beside_the_truth(features.data, cohort.signal))
    new = write_new_patients(out / "features_new", demo_cohort(NEW_PATIENTS, draw=1))
    with teller.progress() as progress:
        applied = apply_models(out / "features", new, jobs=jobs, progress=progress)
        render(out / "features", jobs, progress=progress)
    teller.say("\nIts frozen models on new patients, SYNTHETIC, of the same population:")
    teller.say(in_lines(summarise(applied)))
    teller.say("\nStudy 2, published: 170 SYNTHETIC patients whose tables are those that the\npaper printed.")
    study = write_published_study(out / "published_input")
    with teller.progress() as progress:
        published = analyze(study, out / "published", jobs=jobs, force=force, progress=progress)
    teller.say(summarise_run(published, out / "published"))
    teller.say(_beside_the_paper(published.data, out / "published_beside_the_paper.txt"))
    teller.say("\nReports:")
    for name in ("features", "published"):
        teller.say(in_lines([f"  {out / name / 'report.html'}"]))


def _check_input(file: Path, force: bool) -> None:
    """A study's data are written beside this file, where nothing of somebody else's may stand."""
    folder, is_ours = file.parent, is_marked(file, (MARK.encode(),))
    if not force and not is_ours and folder.exists() and any(folder.iterdir()):
        raise OutputError(
            f"{folder} holds files that are not this demo's, which writes its data there. Give another folder, or"
            " --force to replace what has the same name."
        )


def _beside_the_paper(data: dict[str, Any], whole: Path) -> str:
    """How many of the printed values appear, and the first of them as a table that fits a terminal; all of them go into
    the file ``whole``."""
    rows = compare_with_paper(data)
    exact = [r for r in rows if r["exact"]]
    title = "The paper beside this run (synthetic patients)"
    width = max(len(title), *(len(r["quantity"]) for r in rows))
    lines = [f"{title:{width}}  {'paper':>14}  {'here':>14}"]
    for row in rows:
        mark = "" if row["agrees"] else "  *" if row["exact"] else "  ~"
        lines.append(f"{row['quantity']:{width}}  {row['paper']:>14}  {row['ours'] or DASH:>14}{mark}")
    legend = (
        "~ depends on patients' data that were not published, or contradicts the paper's own counts; not expected to"
        " agree."
    )
    write_whole(whole, ("\n".join([*lines, legend]) + "\n").encode())
    shown = [f"\n{title:{QUANTITY}}  {'paper':>6}  {'here':>6}"]
    for row in (r for r in exact if r["quantity"].endswith(SHOWN)):
        mark = "" if row["agrees"] else "  *"
        shown.append(f"{row['quantity'][:QUANTITY]:{QUANTITY}}  {row['paper']:>6}  {row['ours'] or DASH:>6}{mark}")
    shown.append(
        f"{sum(r['agrees'] for r in exact)} of {len(exact)} values that the printed tables determine appear to every\n"
        f"printed digit; all {len(rows)} values: {whole}"
    )
    return "\n".join(shown)


def _beside_the_truth(data: dict[str, Any], signal: dict[str, tuple[str, ...]]) -> str:
    lines = []
    for tissue, names in signal.items():
        chosen = data["tissues"][tissue]["selection"]["features"]
        hit = [n for n in chosen if n in names]
        lines.append(
            f"{tissue}: selected {len(chosen)} features, {len(hit)} of the {len(names)} that carry signal"
            f" ({', '.join(hit)})"
        )
    for model in data["models"]:
        honest = honest_auc(model)
        if honest and not model["adjusted"]:
            lines.append(f"{model['name']}: apparent {model['auc']['estimate']:.3f}, honest {interval(honest[2])}")
    return "\n".join(lines)
