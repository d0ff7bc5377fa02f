"""Comparisons of models, and of engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import norm

from prldh.chain import probability
from prldh.core import Design, Draws, ModelSpec, Predictions, StudyError, Warn, finite, finite_numbers, nearest, warn
from prldh.engines import PythonEngine, StatisticsEngine
from prldh.models.fit import MAXIMUM_LIKELIHOOD, mean_log_odds
from prldh.models.performance import curve_rows
from prldh.study import Performance, Study

TEST = ("difference", "low", "high", "statistic", "p")
ASYMPTOTIC = "asymptotic, placement values restricted to the range"


def plan_comparisons(study: Study, specs: tuple[ModelSpec, ...]) -> list[tuple[str, str]]:
    """Pairs of model names; all pairs unless the study names them.

    Raises
    ------
    StudyError
        If a name is no model, or a model is compared with itself.
    """
    names = list(dict.fromkeys(s.name for s in specs))
    if study.comparisons is None:
        return [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    for a, b in study.comparisons:
        for name in (a, b):
            if name not in names:
                near = nearest(name, names)
                raise StudyError(
                    f"comparisons: there is no model '{name}'"
                    + (f"; did you mean '{near}'?" if near else f" (models: {', '.join(names)}).")
                )
        if a == b:
            raise StudyError(f"comparisons: '{a}' is compared with itself. Name two models.")
    return [tuple(pair) for pair in study.comparisons]


def compare_models(
    pair: tuple[str, str],
    adjusted: bool,
    scope: str | None,
    scheme: str | None,
    outcome: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    engine: StatisticsEngine,
    settings: Performance,
    draws: Draws,
) -> list[dict[str, Any]]:
    """Differences of AUC (DeLong) and partial areas (stratified bootstrap, and asymptotic) of two models.

    ``first`` and ``second`` (m, n) are their log odds, one row an imputation; of several the AUCs' differences are
    pooled, and partial areas are those of the mean log odds. Partial areas of held-out predictions are compared by the
    Python engine whatever the engine: there are many, and R takes a fraction of a second for each.
    """
    y, level = outcome.astype(float), settings.confidence
    row = {"a": pair[0], "b": pair[1], "adjusted": adjusted, "scope": scope, "scheme": scheme}
    found = [{**row, "measure": "auc", **_compare_auc(y, first, second, engine, level)}]
    a, b = (probability(mean_log_odds(etas)) for etas in (first, second))
    comparer = engine if scheme is None else _python_engine()
    n = len(draws.stratified)
    for focus, (high, low) in settings.partial_ranges().items():
        asymptotic = comparer.compare_partial_auc_asymptotic(y, a, b, focus, high, low, level)
        tests = {"asymptotic": {**finite_numbers(asymptotic, TEST), "method": ASYMPTOTIC}}
        if n:
            result = comparer.compare_partial_auc(y, a, b, focus, high, low, draws.stratified, n, level)
            method = f"stratified bootstrap, {n} resamples ({comparer.name})"
            found.append({**row, "measure": f"pauc_{focus}", "method": method, **finite_numbers(result, TEST), **tests})
        else:
            found.append(
                {**row, "measure": f"pauc_{focus}", "method": ASYMPTOTIC, **finite_numbers(asymptotic, TEST), **tests}
            )
    return found


def _compare_auc(
    y: np.ndarray, first: np.ndarray, second: np.ndarray, engine: StatisticsEngine, level: float
) -> dict[str, Any]:
    m = max(len(first), len(second))
    pairs = [(probability(first[k % len(first)]), probability(second[k % len(second)])) for k in range(m)]
    found = [engine.compare_auc(y, a, b, level) for a, b in pairs]
    if m == 1:
        return {"method": "DeLong", **finite_numbers(found[0], TEST)}
    width = 2 * norm.ppf((1 + level) / 2)
    difference = np.array([[f["difference"]] for f in found])
    variance = np.array([[((f["high"] - f["low"]) / width) ** 2] for f in found])
    pooled = engine.pool_estimates(difference, variance, np.inf, level)
    values = {"difference": "estimate", "low": "low", "high": "high", "p": "p"}
    entry = {k: finite(pooled[v][0]) for k, v in values.items()}
    entry["statistic"] = finite(pooled["estimate"][0] / pooled["se"][0]) if pooled["se"][0] > 0 else None
    return {"method": f"DeLong in each of {m} imputed data sets, Rubin's rules", **entry}


def compare_net_benefit(
    pair: tuple[str, str],
    adjusted: bool,
    scope: str | None,
    scheme: str | None,
    outcome: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    engine: StatisticsEngine,
    settings: Performance,
    draws: Draws,
) -> dict[str, Any]:
    """Net benefit of the first model less that of the second at every threshold, with a band from the same bootstrap
    samples for both."""
    a, b = (np.round(probability(mean_log_odds(etas)), 12) for etas in (first, second))
    curve = engine.compare_decision_curves(
        outcome.astype(float),
        a,
        b,
        np.array(settings.thresholds),
        draws.patients,
        len(draws.patients),
        settings.confidence,
    )
    return {
        "a": pair[0],
        "b": pair[1],
        "adjusted": adjusted,
        "scope": scope,
        "scheme": scheme,
        "curve": curve_rows(curve),
    }


def compare_out_of_bag(
    pair: tuple[str, str],
    adjusted: bool,
    scope: str,
    scheme: str,
    outcome: np.ndarray,
    first: Predictions,
    second: Predictions,
    engine: StatisticsEngine,
    settings: Performance,
) -> dict[str, Any]:
    """The same of bootstrap models, in the patients that their samples do not hold."""
    a, b = (np.round(probability(p.log_odds), 12) for p in (first, second))
    curve = engine.compare_out_of_bag_decision_curves(
        outcome.astype(float), a, b, first.out_of_bag(), np.array(settings.thresholds), settings.confidence
    )
    return {
        "a": pair[0],
        "b": pair[1],
        "adjusted": adjusted,
        "scope": scope,
        "scheme": scheme,
        "curve": curve_rows(curve),
    }


def compare_likelihoods(
    small: Sequence[Design], large: Sequence[Design], fits: Sequence[str], outcome: np.ndarray, engine: StatisticsEngine
) -> tuple[dict[str, Any], bool]:
    """Likelihood-ratio test of nested models, and whether it exists.

    ``fits`` tells how the two were fitted: where both are by maximum likelihood it is the usual test; where one is
    Firth's, the penalised test with the large model's penalty. Over imputed data sets the statistics are pooled by Li,
    Meng, Raghunathan and Rubin's rule (D2): ``statistic`` is then F.
    """
    y = outcome.astype(float)
    is_likely = all(how == MAXIMUM_LIKELIHOOD for how in fits)
    test = engine.likelihood_ratio if is_likely else engine.likelihood_ratio_firth
    m = max(len(small), len(large))
    found = [test(small[k % len(small)].matrix, large[k % len(large)].matrix, y) for k in range(m)]
    entry: dict[str, Any] = {k: finite(found[0][k]) for k in ("statistic", "df", "p")}
    entry["method"] = "likelihood ratio" if is_likely else "penalised likelihood ratio (Firth)"
    if m > 1 and entry["p"] is not None:
        pooled = engine.pool_likelihood_ratio(np.array([f["statistic"] for f in found]), found[0]["df"])
        entry |= {
            "statistic": finite(pooled["statistic"]),
            "df": finite(pooled["df1"]),
            "df2": finite(pooled["df2"]),
            "p": finite(pooled["p"]),
        }
        entry["method"] += f", F of {m} imputed data sets (D2)"
    return entry, entry["p"] is not None


def _python_engine() -> Any:

    return PythonEngine()


def nested(first: Design, second: Design) -> str | None:
    """``"first"`` if the first model's columns lie in the span of the second's, ``"second"`` the other way round."""
    a, b = np.linalg.matrix_rank(first.matrix), np.linalg.matrix_rank(second.matrix)
    both = np.linalg.matrix_rank(np.hstack([first.matrix, second.matrix]))
    if a == b:
        return None
    if both == b:
        return "first"
    return "second" if both == a else None


def nested_warning(pair: tuple[str, str], adjusted: bool, has_test: bool = True) -> Warn:
    """The warning that stands beside the apparent comparison of nested models (Demler, Pencina & D'Agostino 2012).

    ``has_test``: their likelihood-ratio test exists.
    """
    label = "adjusted" if adjusted else "unadjusted"
    advice = (
        "Read the likelihood-ratio test beside it, and the comparison on held-out predictions."
        if has_test
        else "The likelihood-ratio test does not exist here; read the comparison on held-out predictions."
    )
    return warn.NESTED(first=pair[0], second=pair[1], label=label, advice=advice)


# ---------------------------------------------------------------- R beside Python

#: Keys by which an entry of a list is known; lists without them are curves and are compared as a whole.
IDENTITIES = ("name", "term", "group", "variable", "a", "level", "feature")
NOT_COMPARED = ("is_radscore", "smd")  # smd is computed once, by Python


def compare_engines(r: Any, python: Any) -> list[dict[str, Any]]:
    """One row per quantity that both engines computed, zero differences too. Of a curve the row holds the pair of
    values that differ most."""
    rows: list[dict[str, Any]] = []
    _walk(r, python, "", rows)
    return rows


def _walk(r: Any, python: Any, path: str, rows: list) -> None:
    if isinstance(r, dict) and isinstance(python, dict):
        for key in r:
            if key in python and key not in NOT_COMPARED:
                _walk(r[key], python[key], f"{path}.{key}" if path else key, rows)
    elif isinstance(r, list) and isinstance(python, list):
        if len(r) != len(python):  # a curve has a point for each distinct prediction, and near-ties may fall either way
            row = _row(f"{path} (length)", len(r), len(python))
            rows.append(
                {**row, "difference": None, "reason": "different numbers of points, so the curves are not compared"}
            )
        elif r and all(isinstance(x, dict) for x in r) and any(k in r[0] for k in IDENTITIES):
            for x, y in zip(r, python, strict=True):
                _walk(x, y, f"{path}[{_identity(x)}]", rows)
        else:
            _walk_curve(r, python, path, rows)
    elif _is_number(r) and _is_number(python) and not (r is None and python is None):
        rows.append(_row(path, r, python))


def _walk_curve(r: list, python: list, path: str, rows: list) -> None:
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


def _identity(entry: dict) -> str:
    parts = [str(entry[k]) for k in IDENTITIES if entry.get(k) is not None]
    parts += [str(entry[k]) for k in ("b", "scope", "scheme", "measure") if isinstance(entry.get(k), str)]
    if isinstance(entry.get("adjusted"), bool):
        parts.append("adjusted" if entry["adjusted"] else "unadjusted")
    return ", ".join(parts)


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _distance(pair: tuple) -> float:
    if pair[0] is None or pair[1] is None:
        return np.inf
    return abs(pair[0] - pair[1])


def _row(quantity: str, r: float | None, python: float | None) -> dict[str, Any]:
    if r is None or python is None:
        return {
            "quantity": quantity,
            "r": r,
            "python": python,
            "difference": None,
            "reason": "only one engine gives a number",
        }
    return {"quantity": quantity, "r": r, "python": python, "difference": r - python, "reason": None}
