"""The few lines that a terminal shows at the end of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prldh.results import (
    Results,
    artefacts_in_words,
    honest_auc,
    interval,
    is_honest,
    largest_difference,
    led_by,
    plan_in_words,
    size_in_words,
    unknown_leakage,
)

#: Stages whose warnings change what was asked for, so that the terminal tells them too.
TOLD_AT_ONCE = ("engines", "cohort", "features")


def summarise_run(results: Results, out: Path) -> str:
    """Cohort, each model's apparent and held-out AUC, the largest difference between the engines, and where the report
    is."""
    data = results.data
    cohort = data["cohort"]
    left_out = f", {len(cohort['excluded'])} left out" if cohort["excluded"] else ""
    lines = [f"{data['study']['title']}: {cohort['n']} patients, {cohort['events']} events{left_out}"]
    width = max(len(_label(data, m)) for m in data["models"])
    level = f"{100 * data['study']['settings']['performance']['confidence']:g}"
    lines.append(f"{'model':{width}}  {f'apparent AUC ({level}% CI)':23}  {_held_out_title(data)}")
    for entry in data["models"]:
        leading = honest_auc(entry)
        unknown = ", leakage unknown" if leading and unknown_leakage(data, entry) else ""
        shown = f"{interval(leading[2])}  {led_by(entry)}{unknown}" if leading else led_by(entry)
        lines.append(f"{_label(data, entry):{width}}  {interval(entry['auc']):23}  {shown}")
    lines += dict.fromkeys(u for entry in data["models"] if honest_auc(entry) and (u := unknown_leakage(data, entry)))
    lines += _artefacts(data)
    largest = largest_difference(data["agreement"])
    if largest is not None:
        n = sum(row["difference"] is not None for row in data["agreement"])
        lines.append(f"R and Python: {n} quantities compared, largest relative difference {largest:.1e}")
    remarks = (remark for groups in results.words.remarks.values() for group in groups for remark in group)
    lines += [remark.text for remark in remarks if remark.is_urgent]
    lines += [f"warning: {w['message']}" for w in data["warnings"] if w["stage"] in TOLD_AT_ONCE]
    if "plan" in data:
        lines.append(plan_in_words(data["plan"]))
    n = len(data["warnings"])
    lines.append(f"{n} warning{'s' * (n != 1)}, listed in the report")
    lines.append(f"report: {out / 'report.html'}")
    return "\n".join(lines)


def _held_out_title(data: dict[str, Any]) -> str:
    """``honest AUC`` where everything of every model was fitted anew in the run."""
    leading = [(entry, held) for entry in data["models"] if (held := honest_auc(entry))]
    return "honest AUC" if all(is_honest(data, entry, held[0]) for entry, held in leading) else "held-out AUC"


def _artefacts(data: dict[str, Any]) -> list[str]:
    """Pooled AUCs that are no result, one line a model."""
    return [f"{_label(data, entry)}: {words}" for entry in data["models"] if (words := artefacts_in_words(entry))]


def _label(data: dict[str, Any], entry: dict[str, Any]) -> str:
    return entry["name"] + (", adjusted" if entry["adjusted"] else "") + size_in_words(data, entry)
