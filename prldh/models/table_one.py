"""Table 1: every covariate, Radscore and the groups, by outcome, with the study's tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prldh.chain import GROUPS, group_codes, group_levels
from prldh.core import Cohort, ModelSpec, Warn, finite, warn
from prldh.engines import StatisticsEngine
from prldh.stats import adjust_p, standardized_level_difference, standardized_mean_difference
from prldh.study import TableOne


def make_table_one(
    cohort: Cohort,
    specs: tuple[ModelSpec, ...],
    scores: Mapping[str, np.ndarray],
    cutoffs: Mapping[str, float],
    settings: TableOne,
    engine: StatisticsEngine,
) -> tuple[list[dict[str, Any]], list[Warn]]:
    """Rows of Table 1.

    Continuous variables are compared by ``settings.continuous`` (pooled t, Welch or Wilcoxon), categorical ones by
    Pearson's chi-squared without continuity correction, or Fisher's exact test where more than 20 % of the expected
    counts are below 5. Where asked for, ``p_holm`` or ``p_bh`` is adjusted over all rows that have a p (Radscores and
    groups too), and ``smd`` is the standardised difference: signed, event minus non-event, of a continuous variable; at
    least 0 of a categorical one. Blanks, which multiple imputation leaves in the cohort, do not count here:
    ``n_missing`` tells how many.
    """
    continuous_test = settings.continuous
    rows, warnings = [], []
    for covariate in cohort.covariates:
        column = cohort.table[covariate.name]
        known = column.notna().to_numpy()
        outcome = cohort.outcome[known]
        if covariate.kind == "continuous":
            row = _continuous(covariate.name, column.to_numpy(float)[known], outcome, continuous_test, engine)
        else:
            row = _categorical(covariate.name, column.cat.codes.to_numpy()[known], covariate.levels, outcome, engine)
        rows.append({**row, "n_missing": int((~known).sum())})
    for name, values in scores.items():
        if name not in cohort.table.columns:
            rows.append({**_continuous(name, values, cohort.outcome, continuous_test, engine), "is_radscore": True})
    for first, second in _group_pairs(specs):
        codes = group_codes(scores, cutoffs, first, second)
        rows.append(
            _categorical(f"groups({first}, {second})", codes, group_levels(first, second), cohort.outcome, engine)
        )
    if settings.adjust_p != "none":
        adjusted = adjust_p(np.array([np.nan if row["p"] is None else row["p"] for row in rows]), settings.adjust_p)
        for row, p in zip(rows, adjusted, strict=True):
            row[f"p_{settings.adjust_p}"] = finite(p)
    for row in rows:
        if not settings.standardized_differences:
            del row["smd"]
        if row["p"] is None:
            warnings.append(warn.NO_TEST(variable=row["variable"]))
    return rows, warnings


def _group_pairs(specs: tuple[ModelSpec, ...]) -> list[tuple[str, str]]:
    found = []
    for spec in specs:
        for term in spec.own_terms:
            match = GROUPS.match(term)
            if match and (match["first"], match["second"]) not in found:
                found.append((match["first"], match["second"]))
    return found


def _continuous(name, values, outcome, test, engine) -> dict[str, Any]:
    event = outcome == 1
    found = engine.continuous_test(values[~event], values[event], test)
    cells = {"total": _moments(values), "nonevent": _moments(values[~event]), "event": _moments(values[event])}
    return {
        "variable": name,
        "type": "continuous",
        "test": test,
        "statistic": finite(found["statistic"]),
        "df": finite(found["df"]),
        "p": finite(found["p"]),
        "rows": [{"level": None, **cells}],
        "smd": finite(standardized_mean_difference(values[~event], values[event])),
    }


def _moments(values: np.ndarray) -> dict[str, float | None]:
    if not values.size:
        return dict.fromkeys(("mean", "sd", "median", "q1", "q3"), None)
    q1, median, q3 = np.quantile(values, [0.25, 0.5, 0.75])
    sd = float(np.std(values, ddof=1)) if values.size > 1 else None
    return {"mean": float(values.mean()), "sd": sd, "median": float(median), "q1": float(q1), "q3": float(q3)}


def _categorical(name, codes, levels, outcome, engine) -> dict[str, Any]:
    counts = np.array(
        [[np.sum((codes == k) & (outcome == c)) for c in (0, 1)] for k in range(len(levels))], dtype=float
    )
    totals = counts.sum(axis=0)
    rows = []
    for level, (nonevent, event) in zip(levels, counts, strict=True):
        cells = {
            "total": (nonevent + event, totals.sum()),
            "nonevent": (nonevent, totals[0]),
            "event": (event, totals[1]),
        }
        rows.append(
            {"level": level, **{k: {"n": int(a), "percent": 100 * a / b if b else None} for k, (a, b) in cells.items()}}
        )
    observed = counts[counts.sum(axis=1) > 0]
    row = {
        "variable": name,
        "type": "categorical",
        "test": "chi2",
        "statistic": None,
        "df": None,
        "p": None,
        "rows": rows,
    }
    row["smd"] = finite(standardized_level_difference(counts))
    if len(observed) > 1:
        expected = np.outer(observed.sum(axis=1), totals) / totals.sum()
        row["test"] = "fisher" if np.mean(expected < 5) > 0.2 else "chi2"
        found = engine.categorical_test(observed, row["test"])
        row.update({k: finite(found[k]) for k in ("statistic", "df", "p")})
    return row
