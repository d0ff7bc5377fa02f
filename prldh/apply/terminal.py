"""What a terminal of 80 columns shows of new patients."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prldh.core import TERMINAL_COLUMNS, warn
from prldh.results import folder_of, interval

#: Widths of the three columns of numbers, and what is left for a model's name.
COLUMNS = (21, 18, 19)
LABEL = TERMINAL_COLUMNS - sum(COLUMNS) - 2 * len(COLUMNS)


def summarise_applied(applied: Mapping[str, Any], run: Path) -> list[str]:
    """What ``prldh apply`` says of its cohorts at its end."""
    lines, run = [], folder_of(run)
    for entry in applied["cohorts"]:
        place = run / entry["folder"]
        lines += [*summarise(entry), f"predictions: {place / 'predictions.csv'}"]
        if entry["recalibration"] is not None and entry["recalibration"]["model"] is not None:
            lines.append(f"recalibrated models: {place / 'model.json'}")
    if applied["pooled"] is not None:
        lines += summarise_pooled(applied["pooled"])
    return [*lines, f"`prldh report {run}` shows this in the report"]


def summarise(entry: Mapping[str, Any]) -> list[str]:
    """A few lines of a cohort."""
    lines = _filled(_headline(entry))
    models = entry["models"]
    again = entry["recalibration"]
    if again is not None:
        lines += _filled(
            f"recalibrated ({again['method']}) on {again['n']} patients, {again['events']} events; judged on the other"
            f" {entry['n_judged']}, {entry['events_judged']} events"
        )
    if entry["is_validated"]:
        title = f"AUC ({100 * entry['confidence']:g}% CI)"
        lines += _row("model", (title, "calibration slope", "observed / expected"))
    for m in models:
        label = _label(m, entry["n"])
        if m["not_applied"] or "not_judged" in m:
            kind = "not applied" if m["not_applied"] else "not judged"
            lines += _filled(f"{label}  {kind}: {m['not_applied'] or m['not_judged']}")
        elif entry["is_validated"]:
            lines += _row(label, _numbers(m))
            if "auc" in m.get("recalibrated", {}):
                lines += _row("  recalibrated", _numbers(m["recalibrated"]))
    for m in models:
        if m.get("recalibrated", {}).get("reason"):
            lines += _filled(f"{_label(m, entry['n'])}  not recalibrated: {m['recalibrated']['reason']}")
    lines += _needed(entry)
    # models that are not applied stand there already
    told = [w for w in entry["warnings"] if w["code"] != warn.MODELS_NOT_APPLIED.code]
    return lines + [line for w in told for line in _filled(f"warning: {w['message']}")]


def _headline(entry: Mapping[str, Any]) -> str:
    events = "outcome not known" if entry["events"] is None else f"{entry['events']} events"
    left_out = f", {len(entry['excluded'])} left out" if entry["excluded"] else ""
    without = entry["n_without_outcome"] if entry["events"] is not None else 0
    unknown = f", {without} without outcome" if without else ""
    what = "new patients" if "n_patients" not in entry else f"rows of {entry['n_patients']} new patients"
    return f"{entry['name']}: {entry['n']} {what}, {events}{unknown}{left_out}"


def _needed(entry: Mapping[str, Any]) -> list[str]:
    """How many patients a precise validation of all models needs."""
    sizes = [m["sample_size"]["n"] for m in entry["models"] if m.get("sample_size", {}).get("n")]
    if not sizes:
        return []
    span = f"{min(sizes)}" if min(sizes) == max(sizes) else f"{min(sizes)} to {max(sizes)}"
    return _filled(
        f"a precise validation (Riley et al. 2021) needs {span} such patients; {entry['n_judged']} judge here"
    )


def summarise_pooled(pooled: Mapping[str, Any]) -> list[str]:
    """A few lines of several cohorts together."""
    judged = [c for c in pooled["cohorts"] if c["is_validated"]]
    if len(judged) < 2:
        return _filled(f"not pooled: {len(judged)} of {len(pooled['cohorts'])} cohorts say how right the models are")
    lines = [line for each in pooled.get("warnings", ()) for line in _filled(f"warning: {each['message']}")]
    lines += _filled(f"{len(judged)} cohorts pooled (random effects; Hartung-Knapp-Sidik-Jonkman)")
    lines += _row("model", (f"AUC ({100 * pooled['confidence']:g}% CI)", "calibration slope", "observed / expected"))
    for m in pooled["models"]:
        if m["n_cohorts"]:
            lines += _row(_label(m, None), _numbers(m))
            if "recalibrated" in m:
                lines += _row("  recalibrated", _numbers(m["recalibrated"]))
            if m["auc"]["prediction_low"] is not None:
                low, high = (m["auc"][key] for key in ("prediction_low", "prediction_high"))
                lines.append(f"  AUC in another cohort (prediction interval): {low:.3f} to {high:.3f}")
    return lines


def _numbers(m: Mapping[str, Any]) -> tuple[str, str, str]:
    return interval(m["auc"]), interval(m["slope"], 2), interval(m["observed_expected"], 2)


def _row(label: str, cells: Sequence[str]) -> list[str]:
    """A line, or two where the label is too long for one."""
    numbers = "".join(f"  {cell:{width}}" for cell, width in zip(cells, COLUMNS, strict=True)).rstrip()
    if len(numbers) + LABEL > TERMINAL_COLUMNS:
        return [*_filled(label), *_filled("  " + "  ".join(cells))]
    if len(label) <= LABEL:
        return [f"{label:{LABEL}}{numbers}"]
    return [*_filled(label), f"{'':{LABEL}}{numbers}"]


def _filled(text: str) -> list[str]:
    return textwrap.wrap(text, TERMINAL_COLUMNS, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _label(model: Mapping[str, Any], n: int | None) -> str:
    """``n`` patients are there; how many a model predicts is told where these are others."""
    own = "" if model.get("n", n) == n or n is None else f" (n = {model['n']})"
    return model["name"] + (", adjusted" if model["adjusted"] else "") + own
