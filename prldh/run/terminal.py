"""The few lines that a terminal shows at the end of a run."""

from __future__ import annotations

from pathlib import Path
from string import ascii_lowercase
from textwrap import wrap
from typing import Any

from prldh.core import TERMINAL_COLUMNS, in_lines
from prldh.results import (
    Results,
    Words,
    artefacts_in_words,
    cohort_in_words,
    honest_auc,
    interval,
    is_honest,
    largest_difference,
    led_by,
    plan_in_words,
    size_in_words,
    unknown_leakage,
)

#: Longer names of models stand in lines of their own.
WIDEST_NAME = 32
#: Stages whose warnings change what was asked for, so that the terminal tells them too.
TOLD_AT_ONCE = ("engines", "cohort", "features")


def summarise_run(results: Results, out: Path) -> str:
    """Cohort, each model's apparent and held-out AUC, the largest difference between the engines, and where the report
    is."""
    data = results.data
    cohort = data["cohort"]
    left_out = f", {len(cohort['excluded'])} left out" if cohort["excluded"] else ""
    lines = [f"{data['study']['title']}: {cohort_in_words(data)}, {cohort['events']} events{left_out}"]
    lines += _areas(data, results.words)
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
    return in_lines(lines)


def _areas(data: dict[str, Any], words: Words) -> list[str]:
    """Each model's apparent and held-out AUC as a table of at most 80 columns, and below it how the latter were held
    out: by letters where models differ."""
    labels = [_label(data, entry) for entry in data["models"]]
    width = max([*(len(label) for label in labels if len(label) <= WIDEST_NAME), 5])
    level = f"{100 * data['study']['settings']['performance']['confidence']:g}"
    lines = [f"{'model':{width}}  {f'apparent AUC ({level}% CI)':22}  {_held_out_title(data)}"]
    how = [_how_held_out(data, entry, words) for entry in data["models"]]
    letters = dict(zip(dict.fromkeys(how), ascii_lowercase, strict=False))
    for entry, label, told in zip(data["models"], labels, how, strict=True):
        leading, mark = honest_auc(entry), f" {letters.get(told, '*')}" if len(letters) > 1 else ""
        if len(label) > width:
            lines.append(label)
            label = ""
        held_out = interval(leading[2]) if leading else "none"
        lines.append(f"{label:{width}}  {interval(entry['auc']):22}  {held_out}{mark}")
    if len(letters) < 2:
        return [*lines, *wrap(f"held out: {how[0]}", TERMINAL_COLUMNS, subsequent_indent="  ")] if how else lines
    legend = (
        wrap(f"  {letter}  {told}", TERMINAL_COLUMNS, subsequent_indent="     ") for told, letter in letters.items()
    )
    return [*lines, *(line for each in legend for line in each)]


def _how_held_out(data: dict[str, Any], entry: dict[str, Any], words: Words) -> str:
    unknown = ", leakage unknown" if honest_auc(entry) and unknown_leakage(data, entry) else ""
    return f"{led_by(data, entry, words)}{unknown}"


def _held_out_title(data: dict[str, Any]) -> str:
    """``honest AUC`` where everything of every model was fitted anew in the run."""
    leading = [(entry, held) for entry in data["models"] if (held := honest_auc(entry))]
    return (
        "honest AUC" if leading and all(is_honest(data, entry, held[0]) for entry, held in leading) else "held-out AUC"
    )


def _artefacts(data: dict[str, Any]) -> list[str]:
    """Pooled AUCs that are no result, one line a model."""
    return [f"{_label(data, entry)}: {words}" for entry in data["models"] if (words := artefacts_in_words(data, entry))]


def _label(data: dict[str, Any], entry: dict[str, Any]) -> str:
    return entry["name"] + (", adjusted" if entry["adjusted"] else "") + size_in_words(data, entry)
