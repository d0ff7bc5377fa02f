"""The section on images: how they became features, cases, findings, pictures. Arranges what results and files hold,
computes nothing."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

from prldh.core import file_bytes
from prldh.data.imaging import file_stem
from prldh.report.image_sections import image_sections

#: A report carries this many pictures a tissue; the others lie beside it.
PICTURES = 24
#: Patients named beside a finding that many of them have.
MOST_NAMED = 8
#: Between the numbers of a size, as a terminal shows it.
_SIZES = re.compile(r"(?<=\d) x (?=\d)")
SEVERITIES = ("refused", "warning", "note")


def images_view(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """:func:`~prldh.report.image_sections.image_sections`, and in ``of`` by tissue: ``cases`` with their counts of
    findings, ``findings`` (the gravest first, what is alike of several cases once) and ``n_findings``, ``pictures``
    (data URIs, the cases that need a look first), ``n_left_out`` pictures that stay beside the report."""
    of = {
        name: _tissue(entry, folder / "features" / f"{file_stem(name)}.pictures")
        for name, entry in (data.get("images") or {}).items()
    }
    return {"of": of, **image_sections(data)}


def _tissue(entry: dict[str, Any], pictures: Path) -> dict[str, Any]:
    findings = sorted(entry["findings"], key=lambda f: (SEVERITIES.index(f["severity"]), f["line"]))
    of_line: dict[int, list[dict[str, Any]]] = {f["line"]: [] for f in findings}
    for finding in findings:
        of_line[finding["line"]].append(finding)
    cases = [{**case, "findings": of_line.get(case["line"], [])} for case in entry["cases"]]
    with_picture = [case for case in cases if (pictures / f"{case['line']}.png").is_file()]
    shown = sorted(with_picture, key=lambda c: (not c["findings"], c["dice"] if c["dice"] is not None else 1.0))[
        :PICTURES
    ]
    return {
        "cases": cases,
        "findings": _together(findings),
        "n_findings": len(findings),
        "n_left_out": len(with_picture) - len(shown),
        "pictures": [{**case, "uri": _uri(pictures / f"{case['line']}.png")} for case in shown],
    }


def _together(findings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each ``message`` once, with its ``severity``, how many cases have it (``n``) and whose (``patients``)."""
    cases: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        cases.setdefault((finding["severity"], finding["message"]), []).append(str(finding["patient"]))
    return [
        {"severity": severity, "message": _SIZES.sub(" × ", message), "n": len(own), "patients": _named(own)}
        for (severity, message), own in cases.items()
    ]


def _named(patients: list[str]) -> str:
    own = list(dict.fromkeys(patients))
    more = len(own) - MOST_NAMED
    return ", ".join(own[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _uri(path: Path) -> str:
    return "data:image/png;base64," + base64.b64encode(file_bytes(path)).decode()
