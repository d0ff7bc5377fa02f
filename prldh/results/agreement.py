"""R beside Python: every quantity that both engines computed, each by code of its own.

What is a count of patients, a setting, or the statistic of one engine is no such quantity: records mark it
(:class:`~prldh.core.entries.Single`), and a measure says which engines compute it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any, get_args, get_type_hints, is_typeddict

import numpy as np

from prldh.core import ENGINES, Later, Measure, Number, Single, clean
from prldh.models import (
    HELD_OUT_PARTIAL_AREAS,
    Comparison,
    NetBenefitDifference,
    Plan,
    Reclassification,
    TableOneRow,
    UnivariateScreen,
)
from prldh.models.interaction import Interaction
from prldh.results.entries import ModelEntry, clinical_model, model_entry
from prldh.validation import EngineRun

#: Keys by which an entry of a list is known; lists without them are curves and are compared as a whole.
IDENTITIES = ("name", "term", "group", "variable", "a", "level", "feature")
#: Differences are judged relatively; numbers that are smaller than this, as if they had this size.
FLOOR = 1e-3


@dataclass(frozen=True)
class AgreementRow:
    """One quantity by both engines, or the reason why there is no difference; ``relative`` is it as :func:`judged`."""

    quantity: str
    r: Number
    python: Number
    difference: Number
    relative: Later[Number]
    reason: str | None


def judged(r: Number, python: Number) -> float:
    """By how much two numbers differ, relatively, but absolutely in units of :data:`FLOOR` where both are smaller.

    Infinite where one of them is missing.

    Examples
    --------
    >>> judged(9.8e16, 9.8e16 + 16384) < 1e-12, judged(1e-17, -1e-17) < 1e-12, judged(0.0, 0.0)
    (True, True, 0.0)
    """
    if r is None or python is None:
        return np.inf
    return abs(r - python) / max(abs(r), abs(python), FLOOR)


def largest_difference(agreement: Iterable[dict[str, Any]]) -> float | None:
    """The largest of the rows of ``agreement``, as :func:`judged`; None where nothing was compared."""
    return max((judged(row["r"], row["python"]) for row in agreement if row["difference"] is not None), default=None)


def compare_runs(plan: Plan, runs: Sequence[EngineRun]) -> list[AgreementRow]:
    """Every quantity of two engines' runs; nothing of one."""
    if len(runs) < 2:
        return []
    first, second = (_side(plan, run) for run in runs)
    return compare_engines(first, second, runs[0].assessment.measures)


def _side(plan: Plan, run: EngineRun) -> dict[str, Any]:
    """What an engine computed, as plain JSON values."""
    tissues: dict[str, dict[str, Any]] = {}
    for name, fit in run.fits.items():
        tissues[name] = {"cutoff": fit.cutoff}
        if fit.score is not None:
            tissues[name]["features"] = [f"{source}: {feature}" for source, feature in fit.features]
            score = fit.radscore
            if score is not None:
                coefficients = dict(zip(score.names, score.coefficients, strict=True))
                tissues[name]["radscore"] = {"intercept": score.intercept, **coefficients}
            tissues[name]["collinearity"] = run.collinearity[name]
            tissues[name]["selection"] = {
                f"{step.name}, {step.source}": step.by_engine for step in fit.steps if step.by_engine
            }
    return clean(
        {
            "tissues": tissues,
            "table_one": run.table_one,
            "associations": run.associations,
            "univariate": run.univariate or {},
            "models": [model_entry(run, i) for i in range(len(plan.specs))],
            "clinical_model": {} if plan.covariates_alone is None else clinical_model(plan, run),
            "comparisons": [c for c in run.comparisons if c.pair.scheme is None or c.measure == "auc"],
            "net_benefit_differences": run.net_benefit_differences,
            "reclassification": run.reclassification,
            "interaction": run.interaction or {},
            "subgroups": run.subgroups,
        },
        without=Single,
    )


def compare_engines(r: Any, python: Any, measures: Sequence[Measure] = ()) -> list[AgreementRow]:
    """One row per quantity that both engines computed, zero differences too. Of a curve the row holds the pair of
    values that differ most. Measures that one engine alone can compute are left out."""
    rows: list[AgreementRow] = []
    _walk(r, python, "", {measure.key for measure in _of_one_engine(measures)}, rows)
    return rows


def computed_once(measures: Sequence[Measure]) -> list[str]:
    """The statistics that one engine alone computes, in words: they have no row."""
    kinds = (TableOneRow, UnivariateScreen, ModelEntry, Comparison, NetBenefitDifference, Reclassification, Interaction)
    words = [mark.words for kind in kinds for mark in _marks(kind, set())]
    return list(
        dict.fromkeys(
            [w for w in words if w] + [HELD_OUT_PARTIAL_AREAS] + [m.name or m.label for m in _of_one_engine(measures)]
        )
    )


def _of_one_engine(measures: Sequence[Measure]) -> list[Measure]:
    return [measure for measure in measures if set(measure.computed_by) < set(ENGINES)]


def _marks(kind: Any, seen: set[Any]) -> Iterator[Single]:
    """The marks of a record's fields, and of the records that they hold."""
    if kind not in seen:
        seen.add(kind)
        parts = get_type_hints(kind, include_extras=True).values() if isinstance(kind, type) else get_args(kind)
        for part in parts:
            if isinstance(part, Single):
                yield part
            elif get_args(part) or is_dataclass(part) or is_typeddict(part):
                yield from _marks(part, seen)


def _walk(r: Any, python: Any, path: str, left_out: set[str], rows: list[AgreementRow]) -> None:
    if isinstance(r, dict) and isinstance(python, dict):
        for key in r:
            if key in python and key not in left_out:
                _walk(r[key], python[key], f"{path}.{key}" if path else key, left_out, rows)
    elif isinstance(r, list) and isinstance(python, list):
        if r and python and all(isinstance(x, str) for x in [*r, *python]):
            rows.append(_row_of_sets(path, r, python))
        elif len(r) != len(
            python
        ):  # a curve has a point for each distinct prediction, and near-ties may fall either way
            reason = "different numbers of points, so the curves are not compared"
            rows.append(AgreementRow(f"{path} (length)", len(r), len(python), None, None, reason))
        elif r and all(isinstance(x, dict) for x in r) and any(k in r[0] for k in IDENTITIES):
            for x, y in zip(r, python, strict=True):
                _walk(x, y, f"{path}[{_identity(x)}]", left_out, rows)
        else:
            _walk_curve(r, python, path, rows)
    elif _is_number(r) and _is_number(python) and not (r is None and python is None):
        rows.append(_row(path, r, python))


def _walk_curve(r: list, python: list, path: str, rows: list[AgreementRow]) -> None:
    keys = [k for k in (r[0] if r and isinstance(r[0], dict) else {}) if _is_number(r[0][k])]
    columns = {f".{key}": [(x.get(key), y.get(key)) for x, y in zip(r, python, strict=True)] for key in keys}
    if not keys:
        columns = {"": [(x, y) for x, y in zip(r, python, strict=True) if _is_number(x) and _is_number(y)]}
    for key, pairs in columns.items():
        known = [pair for pair in pairs if pair != (None, None)]
        if known:
            rows.append(_row(f"{path}{key} ({len(known)} values)", *max(known, key=lambda pair: judged(*pair))))


def _identity(entry: dict[str, Any]) -> str:
    parts = [str(entry[k]) for k in IDENTITIES if entry.get(k) is not None]
    parts += [str(entry[k]) for k in ("b", "by", "scope", "scheme", "measure") if isinstance(entry.get(k), str)]
    if isinstance(entry.get("adjusted"), bool):
        parts.append("adjusted" if entry["adjusted"] else "unadjusted")
    return ", ".join(parts)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _row(quantity: str, r: Number, python: Number) -> AgreementRow:
    if r is None or python is None:
        return AgreementRow(quantity, r, python, None, None, "only one engine gives a number")
    return AgreementRow(quantity, r, python, r - python, judged(r, python), None)


def _row_of_sets(quantity: str, r: list[str], python: list[str]) -> AgreementRow:
    """Sets that were chosen: how many each holds, and by how many they differ where they are not the same."""
    alone = [
        f"{engine} alone has {', '.join(sorted(a - b))}"
        for engine, a, b in (("R", set(r), set(python)), ("Python", set(python), set(r)))
        if a - b
    ]
    if alone:
        return AgreementRow(f"{quantity} (set)", len(r), len(python), None, None, "; ".join(alone))
    return _row(f"{quantity} (set)", len(r), len(python))
