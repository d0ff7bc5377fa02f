"""The few lines that a terminal shows of images: what their checks find, and what was measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any, NamedTuple

from prldh.core import in_lines, number_of, printable, warn
from prldh.data import some
from prldh.data.imaging import file_stem, without_names

#: So many warnings or notes of one kind are spelt out on the terminal; the others are counted.
SPELT_OUT = 3


def summarise_findings(findings_by_tissue: dict[str, list[Any]], is_kept: bool = False) -> tuple[str, bool]:
    """The checks of images as a table, the gravest first, and whether no case would be put aside.

    Where the text ``is_kept`` (a log, rather than a terminal), files are not named, as their names may be patients',
    and a row is a line. Every refusal stands there; of warnings and notes of one kind the first few.
    """
    rank = {"refused": 0, "warning": 1, "note": 2}
    every = sorted(
        (
            (rank[f.severity], f.tissue, f.kind if rank[f.severity] else "", f.line, f)
            for findings in findings_by_tissue.values()
            for f in findings
        ),
        key=lambda item: item[:4],
    )
    rows: list[_Row] = []
    shown: Counter[tuple[int, str, str]] = Counter()
    n_of = Counter(item[:3] for item in every)
    for *_, f in every:
        kind = (rank[f.severity], f.tissue, f.kind if rank[f.severity] else "")
        shown[kind] += 1
        if f.severity == "refused" or n_of[kind] <= SPELT_OUT + 1 or shown[kind] <= SPELT_OUT:
            patient, line = (f.patient, str(f.line)) if f.line else ("", "")  # line 0: of the tissue as a whole
            rows.append(_Row(f.severity, f.tissue, patient, line, (is_kept and f.unnamed) or f.message))
        elif shown[kind] == n_of[kind]:
            rows.append(_Row(f.severity, f.tissue, "", "", f"and {n_of[kind] - SPELT_OUT} more like these."))
    counts = {severity: sum(f.severity == severity for *_, f in every) for severity in rank}
    n_aside = len({(f.tissue, f.line) for *_, f in every if f.severity == "refused"})
    lines = _table(rows, None if is_kept else get_terminal_size().columns)
    lines.append(
        f"{number_of(n_aside, 'case')} would be put aside, {number_of(counts['warning'], 'warning')},"
        f" {number_of(counts['note'], 'note')}."
    )
    return in_lines(lines), not n_aside


class _Row(NamedTuple):
    severity: str
    tissue: str
    patient: str
    line: str
    found: str


def _table(rows: list[_Row], width: int | None) -> list[str]:
    """Rows under their titles; what was found is folded within ``width`` columns, where that is known."""
    if not rows:
        return []
    every = [_Row("check", "tissue", "patient", "line", "found"), *rows]
    widths = [max(len(row[k]) for row in every) for k in range(4)]
    lines = []
    for row in every:
        before = "  ".join(f"{cell:{w}}" for cell, w in zip(row[:4], widths, strict=True)) + "  "
        room = max(24, width - len(before)) if width else len(row.found) + 1
        folded = wrap(printable(row.found), room, break_on_hyphens=False, break_long_words=False) or [""]
        lines += [before + folded[0], *(" " * len(before) + more for more in folded[1:])]
    return lines


def _whose(about: Mapping[str, Any]) -> str:
    """Of how many patients the rows are; where these are lesions, of how many lesions."""
    lesions = about.get("lesions")
    if not lesions or not lesions["n_several"]:
        return number_of(about["n_patients"], "patient")
    return f"{number_of(lesions['n'], 'lesion')} of {number_of(lesions['n_patients'], 'patient')}"


def summarise_extraction(done: Any, out: Path, is_kept: bool = False) -> str:
    """What ``prldh extract`` says at its end: cases, what was put aside and why, agreement of readers, verification.

    Where the text ``is_kept``, files are not named, as in :func:`summarise_findings`.
    """

    lines = []
    for name, about in done.about.items():
        tissue = done.images.tissues[name]
        computed = sum(r.n_computed > 0 for r in tissue.results)
        lines.append(
            f"{name}: {about['n_measured']} of {number_of(about['n_cases'], 'case')} measured ({computed} now,"
            f" {about['n_measured'] - computed} kept from before), {_whose(about)},"
            f" {number_of(len(about['features']), 'feature')}, {number_of(about['n_readers'], 'reader')}."
        )
        lines += [
            f"  put aside: patient {r.row.patient} (line {r.row.line}):"
            f" {without_names(r.reason, r.row) if is_kept else r.reason}"
            for r in tissue.results
            if r.reason is not None
        ]
        lines += [
            f"  put aside: patient {patient}: {reason}"
            for patient, reason in tissue.aside
            if patient not in {r.row.patient for r in tissue.results}
        ]
        n_warned = sum(f.severity == "warning" for f in tissue.findings)
        if n_warned:
            lines.append(
                f"  the checks warn of {number_of(n_warned, 'thing')}: see {out / 'features' / file_stem(name)}.json,"
                " or `prldh extract STUDY.yaml --check`."
            )
        absent = tissue.absent
        if absent:
            lines.append(f"  without a value for some patient: {number_of(len(absent), 'feature')} ({some(absent)}).")
    # patients put aside are listed already
    lines += [f"  {w.message}" for w in done.warnings if w.code != warn.PATIENTS_ASIDE.code]
    if done.verified:
        worst = max(done.verified, key=done.verified.get)
        lines.append(
            f"Verified against the reference: {number_of(len(done.verified), 'feature')}, largest relative difference"
            f" {done.verified[worst]:.1e} ({worst})."
        )
    elif done.verified is not None:
        lines.append("Nothing was verified: the sources have no reference implementation.")
    return in_lines([*lines, f"Features: {out / 'features'}"])
