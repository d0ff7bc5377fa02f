"""R beside Python: every quantity that both engines computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from prldh.core import ENGINES, Measure, Number, clean
from prldh.results.entries import model_entry
from prldh.validation import EngineRun

#: Keys by which an entry of a list is known; lists without them are curves and are compared as a whole.
IDENTITIES = ("name", "term", "group", "variable", "a", "level", "feature")
NOT_COMPARED = ("is_radscore", "smd", "histogram")  # smd is computed once, by Python; a histogram is a count


@dataclass(frozen=True)
class AgreementRow:
    """One quantity by both engines, or the reason why there is no difference."""

    quantity: str
    r: Number
    python: Number
    difference: Number
    reason: str | None


def compare_runs(runs: Sequence[EngineRun]) -> list[AgreementRow]:
    """Every quantity of two engines' runs; nothing of one."""
    if len(runs) < 2:
        return []
    first, second = (_side(run) for run in runs)
    return compare_engines(first, second, runs[0].assessment.measures)


def _side(run: EngineRun) -> dict[str, Any]:
    """What an engine computed, as plain JSON values."""
    tissues: dict[str, dict[str, Any]] = {}
    for name, fit in run.fits.items():
        tissues[name] = {"cutoff": fit.cutoff}
        if fit.radscore is not None:
            score = fit.radscore
            coefficients = zip((name for _, name in score.features), score.coefficients, strict=True)
            tissues[name]["radscore"] = {"intercept": score.intercept, **dict(coefficients)}
            tissues[name]["collinearity"] = run.collinearity[name]
    return clean(
        {
            "tissues": tissues,
            "table_one": run.table_one,
            "associations": run.associations,
            "univariate": run.univariate or {},
            "models": [model_entry(run, i) for i in range(len(run.models))],
            # on held-out predictions partial areas are compared by one engine alone
            "comparisons": [c for c in run.comparisons if c.pair.scheme is None or c.measure == "auc"],
            "net_benefit_differences": run.net_benefit_differences,
            "reclassification": run.reclassification,
            "interaction": run.interaction or {},
        }
    )


def compare_engines(r: Any, python: Any, measures: Sequence[Measure] = ()) -> list[AgreementRow]:
    """One row per quantity that both engines computed, zero differences too. Of a curve the row holds the pair of
    values that differ most. Measures that one engine alone can compute are left out."""
    rows: list[AgreementRow] = []
    single = {measure.key for measure in measures if set(measure.computed_by) < set(ENGINES)}
    _walk(r, python, "", {*NOT_COMPARED, *single}, rows)
    return rows


def _walk(r: Any, python: Any, path: str, left_out: set[str], rows: list[AgreementRow]) -> None:
    if isinstance(r, dict) and isinstance(python, dict):
        for key in r:
            if key in python and key not in left_out:
                _walk(r[key], python[key], f"{path}.{key}" if path else key, left_out, rows)
    elif isinstance(r, list) and isinstance(python, list):
        if len(r) != len(python):  # a curve has a point for each distinct prediction, and near-ties may fall either way
            reason = "different numbers of points, so the curves are not compared"
            rows.append(AgreementRow(f"{path} (length)", len(r), len(python), None, reason))
        elif r and all(isinstance(x, dict) for x in r) and any(k in r[0] for k in IDENTITIES):
            for x, y in zip(r, python, strict=True):
                _walk(x, y, f"{path}[{_identity(x)}]", left_out, rows)
        else:
            _walk_curve(r, python, path, rows)
    elif _is_number(r) and _is_number(python) and not (r is None and python is None):
        rows.append(_row(path, r, python))


def _walk_curve(r: list, python: list, path: str, rows: list[AgreementRow]) -> None:
    keys = [k for k in (r[0] if r and isinstance(r[0], dict) else {}) if _is_number(r[0][k])]
    if not keys:
        pairs = [(x, y) for x, y in zip(r, python, strict=True) if _is_number(x) and _is_number(y)]
        if pairs:
            rows.append(_row(f"{path} ({len(r)} values)", *max(pairs, key=_distance)))
    for key in keys:
        pairs = [(x.get(key), y.get(key)) for x, y in zip(r, python, strict=True)]
        pairs = [p for p in pairs if not (p[0] is None and p[1] is None)]
        if pairs:
            rows.append(_row(f"{path}.{key} ({len(pairs)} values)", *max(pairs, key=_distance)))


def _identity(entry: dict[str, Any]) -> str:
    parts = [str(entry[k]) for k in IDENTITIES if entry.get(k) is not None]
    parts += [str(entry[k]) for k in ("b", "by", "scope", "scheme", "measure") if isinstance(entry.get(k), str)]
    if isinstance(entry.get("adjusted"), bool):
        parts.append("adjusted" if entry["adjusted"] else "unadjusted")
    return ", ".join(parts)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _distance(pair: tuple[Number, Number]) -> float:
    r, python = pair
    return np.inf if r is None or python is None else abs(r - python)


def _row(quantity: str, r: Number, python: Number) -> AgreementRow:
    if r is None or python is None:
        return AgreementRow(quantity, r, python, None, "only one engine gives a number")
    return AgreementRow(quantity, r, python, r - python, None)
