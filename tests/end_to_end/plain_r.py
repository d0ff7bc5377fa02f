"""Runs a study's reproduce/analysis.R by plain Rscript and finds every printed quantity in results.json."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest


def compare_with_plain_r(data: dict[str, Any], out: Path) -> int:
    """Returns how many numbers were compared; fails at the first that differs."""
    printed = subprocess.run(["Rscript", "--vanilla", "analysis.R"], cwd=out / "reproduce", capture_output=True, text=True, check=True).stdout
    n = 0
    for line in printed.splitlines():
        quantity, value = line.split("\t")
        wanted = find(data, quantity)
        if wanted is None:
            assert value in ("NA", "NaN", "Inf", "-Inf"), line
            continue
        assert float(value) == pytest.approx(wanted, rel=2e-7, abs=1e-9), line
        n += 1
    return n


def find(data: dict[str, Any], quantity: str) -> float | None:
    """A number of the results by the name that analysis.R prints."""
    if quantity.startswith("cohort."):
        return data["cohort"][quantity.removeprefix("cohort.")]
    head, name, rest = re.fullmatch(r"(\w+)\[(.*?)\]\.(.*)", quantity).groups()
    if head == "tissues":
        return data["tissues"][name][rest]
    if head == "table_one":
        return next(r for r in data["table_one"] if r["variable"] == name)[rest]
    model, kind = name.rsplit(", ", 1)
    value: Any = next(m for m in data["models"] if m["name"] == model and m["adjusted"] == (kind == "adjusted"))
    term = re.fullmatch(r"terms\[(.*)\]\.(\w+)", rest)
    if term:
        return next(t for t in value["terms"] if t["term"] == term[1])[term[2]]
    threshold = re.fullmatch(r"decision_curve\[(.*)\]\.net_benefit", rest)
    if threshold:
        return next(p for p in value["decision_curve"] if p["threshold"] == float(threshold[1]))["net_benefit"]
    for key in rest.split("."):
        value = value[key]
    return value
