"""Runs beside each other on the terminal, and as a file."""

from __future__ import annotations

import json
import string
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from prldh.core import (
    DASH,
    FEATURES,
    OWNED,
    TERMINAL_COLUMNS,
    OutputError,
    check_target,
    clean,
    csv_of,
    plain,
    printable,
    write_whole,
)
from prldh.pages import create_environment, digits_for, p_text
from prldh.report.runs import BETWEEN, RunComparison
from prldh.results import BY_KEY, files_read

LABEL = 24
#: So many patients or features are spelt out on the terminal; all stand in the file.
SPELT_OUT = 12
OF_WAYS = ("auc", "auc_mean", "brier", "slope")
#: What the terminal shows of each table: its heading, the rows (of one measure, where there are several), and the
#: numbers; the file has every number.
SHOWN = {
    "models": ("Models, apparent", "", ("n", "events", "auc", "calibration_brier", "threshold")),
    "validation": (
        "Models, validated",
        "",
        ("auc", "auc_groups", "auc_mean", "b632plus", "brier", "slope", "intercept", "calibration_citl"),
    ),
    "protocols": ("Protocols", "", OF_WAYS),
    "yardstick": ("Yardstick", "", OF_WAYS),
    "comparisons": ("Comparisons of models' AUCs", "auc", ("difference", "p")),
}
#: Numbers that are limits of another, and so stand in its brackets.
LIMITS = ("low", "high")
#: Labels of numbers that are no measure's.
LABELS = {
    "n": "patients",
    "difference": "difference",
    "b632plus": ".632+ AUC",
    "auc_groups": "AUC, groups as one",
    "slope": "slope",
}
FORMATS = ("html", "csv", "json")
#: By which a comparison is known that was written here, in any of the formats.
MARKS = (b'<meta name="generator" content="prldh compare">', b"part,what,name,", b'"schema": "prldh-comparison/1"')


def summarise_comparison(compared: RunComparison) -> str:
    """What differs between runs, as text of 80 columns."""
    letters = _letters(len(compared.labels))
    lines = [
        _wrapped(
            f"{letter} = {run['folder']}: {run['title']}; {run['n']} patients, {run['events']} events"
            + (f", {run['n_excluded']} left out" if run["n_excluded"] else "")
        )
        for letter, run in zip(letters, compared.runs.to_dict("records"), strict=True)
    ]
    lines += [_wrapped(f"note: {note}") for note in compared.notes]
    if compared.is_equal and not compared.notes:
        lines += ["", _verdict(compared)]
        return "\n".join(lines)
    lines += _part("Settings", compared.settings, "setting", letters, compared.labels, len(compared.settings))
    if not _are_unknown(compared):
        lines += _part("Patients", compared.patients, "id", letters, compared.labels, SPELT_OUT)
    for name in SHOWN:
        lines += _numbers(compared, name, letters)
    lines += _features(compared, letters)
    if len(compared.choice):
        shown = compared.choice[compared.choice["what"] != "because"]
        lines += ["", "Choice among protocols"]
        lines += [
            row
            for _, each in shown.iterrows()
            for row in _row(each["what"], [each[run] for run in compared.labels], letters)
        ]
    return "\n".join([*lines, "", _verdict(compared)])


def write_comparison(compared: RunComparison, out: Path, *, force: bool = False) -> str:
    """Write everything to a file, of the format that its ending says, and return the line to print.

    Raises
    ------
    OutputError
        For another ending, a place that cannot be written, a file of one of the runs, or one that no comparison is and
        that ``force`` does not allow to replace.
    """
    form = out.suffix.lower().removeprefix(".")
    if form not in FORMATS:
        raise OutputError(
            f"--out {out}: the ending says the format, and {out.suffix or 'none'} is none of"
            f" {', '.join('.' + f for f in FORMATS)}. Give another name."
        )
    never = [Path(folder) / name for folder in compared.runs["folder"] for name in (*OWNED, *FEATURES)]
    read = [each for folder in compared.runs["folder"] for each in files_read(Path(folder))]
    check_target(out, "--out", marks=MARKS, never=never, force=force, read=read)
    text = {"html": _as_html, "csv": _as_csv, "json": _as_json}[form](compared)
    try:
        write_whole(out, text.encode("utf-8"), is_result=True)
    except OSError as error:
        raise OutputError(
            f"{out} cannot be written: {error.strerror or error}. Give another place with --out."
        ) from None
    return f"comparison: {out}"


# ---------------------------------------------------------------- terminal


def _letters(n: int) -> list[str]:
    return list(string.ascii_uppercase[:n]) if n <= len(string.ascii_uppercase) else [str(k + 1) for k in range(n)]


def _wrapped(text: str, indent: str = "    ") -> str:
    return textwrap.fill(printable(text), TERMINAL_COLUMNS, subsequent_indent=indent, break_on_hyphens=False)


def _are_unknown(compared: RunComparison) -> bool:
    """Whether it is not known who the patients of a run are."""
    return any("patients of" in note for note in compared.notes)


def _verdict(compared: RunComparison) -> str:
    """How many numbers are exactly the same."""
    n, equal = len(compared.numbers), int(compared.numbers["is_equal"].sum())
    same = "" if len(compared.settings) else "the same settings, "
    same += "" if len(compared.patients) or _are_unknown(compared) else "the same patients, "
    if n == equal:
        return _wrapped(f"{(same + 'all').capitalize()} {n:,} numbers exactly equal.", "")
    return _wrapped(f"{n:,} numbers compared, {equal:,} exactly equal, {n - equal:,} not.", "")


def _part(
    title: str, table: pd.DataFrame, key: str, letters: Sequence[str], labels: Sequence[str], most: int
) -> list[str]:
    lines = ["", f"{title} that differ: {len(table) or 'none'}"]
    for _, each in table.head(most).iterrows():
        lines += _row(str(each[key]), [str(each[label]) for label in labels], letters)
    return lines + ([f"  and {len(table) - most} more"] if len(table) > most else [])


def _row(label: str, cells: Sequence[str], letters: Sequence[str], note: str = "") -> list[str]:
    """A label with one cell a run: in one line where they fit; else beneath, side by side or a line a run. Equal cells
    stand once."""
    label, cells = printable(label), [printable(cell) for cell in cells]
    if len(set(cells)) == 1 and not note:
        return [_wrapped(f"  {label:<{LABEL}}  {cells[0]}  (equal)", " " * (LABEL + 4))]
    shown = [f"{letter} {cell}" for letter, cell in zip(letters, cells, strict=True)]
    beside, beneath = (TERMINAL_COLUMNS - LABEL - 2) // len(shown) - 2, max(len(cell) for cell in shown)
    if len(label) <= LABEL and beneath <= beside:
        lines = [f"  {label:<{LABEL}}  " + "  ".join(f"{cell:<{beside}}" for cell in shown).rstrip()]
    elif n := (TERMINAL_COLUMNS - 2) // (beneath + 2):
        rows = [shown[k : k + n] for k in range(0, len(shown), n)]
        lines = [_wrapped(f"  {label}"), *("    " + "  ".join(f"{c:<{beneath}}" for c in row).rstrip() for row in rows)]
    else:
        lines = [_wrapped(f"  {label}"), *(_wrapped(f"    {cell}", " " * 6) for cell in shown)]
    return [*lines, f"    {note}"] if note else lines


def _numbers(compared: RunComparison, name: str, letters: Sequence[str]) -> list[str]:
    title, of_measure, numbers = SHOWN[name]
    table = compared.numbers[compared.numbers["table"] == name]
    lines: list[str] = []
    for what in table["what"].unique():
        if of_measure and of_measure not in what.split(BETWEEN):
            continue
        rows = table[table["what"] == what].set_index("number")
        own = [
            line
            for number in numbers
            if number in rows.index
            for line in _number_row(rows, number, compared.labels, letters)
        ]
        lines += [_wrapped(f" {what}"), *own] if own else []
    return ["", title, *lines] if lines else []


def _number_row(rows: pd.DataFrame, number: str, labels: Sequence[str], letters: Sequence[str]) -> list[str]:
    keys = [number, *(f"{number}_{limit}" for limit in LIMITS if f"{number}_{limit}" in rows.index)]
    if number == "difference":
        keys += [limit for limit in LIMITS if limit in rows.index]
    values = {label: rows.loc[keys, label].astype(float).tolist() for label in labels}
    if all(pd.isna(value) for own in values.values() for value in own):
        return []
    cells = [shown_number(number, *values[label]) for label in labels]
    is_equal = bool(rows.loc[keys, "is_equal"].all())
    note = ""
    if not is_equal and len(set(cells)) == 1:
        largest = max(abs(a - b) for own in zip(*values.values(), strict=True) for a in own for b in own)
        note = f"differ by up to {largest:.1e}"
    return _row(_label(number), cells, letters, note)


def _label(number: str) -> str:
    key = number.removeprefix("calibration_")
    return LABELS.get(number) or (BY_KEY[key].label if key in BY_KEY else number.replace("_", " "))


def shown_number(number: str, *values: float) -> str:
    """A number, or an estimate with its limits, as the report formats it: a count without decimals, a p-value by its
    own rule, limits in brackets.

    Examples
    --------
    >>> shown_number("auc", 0.8571, 0.797, 0.918), shown_number("p", 1e-5), shown_number("events", 36.0)
    ('0.857 (0.797, 0.918)', '< 0.001', '36')
    """
    value, low, high = (None if np.isnan(v) else float(v) for v in (*values, np.nan, np.nan)[:3])
    if value is not None and is_count(number) and value.is_integer():
        return f"{value:.0f}"
    if number == "p" or number.endswith("_p") or number.startswith("p_"):
        return p_text(value)
    if low is None and high is None:
        return plain(value, digits_for(value))
    digits = digits_for(value)
    return f"{plain(value, digits)} ({plain(low, digits)}, {plain(high, digits)})"


def is_count(number: str) -> bool:
    """Whether a number of that name is a count."""
    return number in ("n", "events", "tp", "fp", "fn", "tn") or number.startswith("n_") or number.endswith("_n")


def _features(compared: RunComparison, letters: Sequence[str]) -> list[str]:
    if not len(compared.features):
        return []
    lines = ["", "Selected features"]
    for tissue, table in compared.features.groupby("tissue", sort=False):
        lines.append(_wrapped(f"  {tissue}: {int(table['is_equal'].sum())} of {len(table)} in all runs"))
        for letter, label in zip(letters, compared.labels, strict=True):
            rest = table.loc[table[label] & ~table["is_equal"], "feature"].astype(str).tolist()
            n_more = f" and {len(rest) - SPELT_OUT} more" if len(rest) > SPELT_OUT else ""
            if rest:
                lines.append(_wrapped(f"    {letter}, not in all: {', '.join(rest[:SPELT_OUT])}{n_more}", " " * 6))
    return lines


# ---------------------------------------------------------------- files


def _as_json(compared: RunComparison) -> str:
    tables = {name: table.astype(object).to_dict("records") for name, table in compared.tables.items()}
    content = {
        "schema": "prldh-comparison/1",
        "is_equal": compared.is_equal,
        "notes": list(compared.notes),
        **tables,
    }
    return json.dumps(clean(content), indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _as_csv(compared: RunComparison) -> str:
    """One table: of which ``part`` a row is, of ``what``, its ``name``, one column a run, and whether all are equal."""
    labels = list(compared.labels)
    parts = [
        compared.settings.assign(part="settings", what="", name=compared.settings["setting"], is_equal=False),
        compared.patients.assign(part="patients", what="", name=compared.patients["id"], is_equal=False),
        compared.features.assign(part="features", what=compared.features["tissue"], name=compared.features["feature"]),
        compared.choice.assign(part="choice", what="", name=compared.choice["what"]),
        compared.numbers.assign(part=compared.numbers["table"], name=compared.numbers["number"]),
    ]
    columns = ["part", "what", "name", *labels, "is_equal"]
    whole = pd.concat([part[columns].astype(object) for part in parts], ignore_index=True)
    return csv_of(whole, compared.csv_formulas)


def _as_html(compared: RunComparison) -> str:
    numbers = [
        (str(name).replace("_", " "), [_shown_row(row, compared.labels) for _, row in table.iterrows()])
        for name, table in compared.numbers.groupby("table", sort=False)
    ]
    template = create_environment().get_template("runs.html.j2")
    return template.render(
        runs=compared.runs.to_dict("records"),
        labels=compared.labels,
        settings=compared.settings.to_dict("records"),
        patients=compared.patients.to_dict("records"),
        features=compared.features.to_dict("records"),
        choice=compared.choice.to_dict("records"),
        numbers=numbers,
        notes=compared.notes,
        verdict=_verdict(compared).replace("\n", " "),
    )


def _shown_row(row: pd.Series, labels: Sequence[str]) -> dict[str, Any]:
    shown = {label: shown_number(str(row["number"]), row[label]) for label in labels}
    exact = {label: DASH if pd.isna(row[label]) else repr(float(row[label])) for label in labels}
    return {"what": row["what"], "number": row["number"], "shown": shown, "exact": exact, "is_equal": row["is_equal"]}
