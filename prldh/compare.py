"""Comparisons of models, and of engines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prldh.errors import StudyError
from prldh.models import probability
from prldh.plugins import nearest
from prldh.records import Design, ModelSpec, Warn
from prldh.seeds import integer_seed
from prldh.stats.finite import finite_numbers
from prldh.study import Study


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
                    f"comparisons: there is no model '{name}'" + (f"; did you mean '{near}'?" if near else f" (models: {', '.join(names)}).")
                )
        if a == b:
            raise StudyError(f"comparisons: '{a}' is compared with itself. Name two models.")
    return [tuple(pair) for pair in study.comparisons]


def compare_models(
    pair: tuple[str, str], adjusted: bool, scope: str | None, scheme: str | None, outcome: np.ndarray,
    first: np.ndarray, second: np.ndarray, engine: Any, study: Study,
) -> list[dict[str, Any]]:
    """Differences of AUC (DeLong) and partial areas (stratified bootstrap) of two models' log odds (n,).

    Partial areas of held-out predictions are compared by the Python engine whatever the engine: a test of pROC's
    takes a second, and there is one for every scheme and scope.
    """
    y, a, b = outcome.astype(float), probability(first), probability(second)
    level = study.performance.confidence
    row = {"a": pair[0], "b": pair[1], "adjusted": adjusted, "scope": scope, "scheme": scheme}
    keys = ("difference", "low", "high", "statistic", "p")
    found = [{**row, "measure": "auc", "method": "DeLong", **finite_numbers(engine.compare_auc(y, a, b, level), keys)}]
    high, low = study.performance.partial_auc
    n = study.performance.partial_auc_bootstrap
    comparer = engine if scheme is None else _python_engine()
    for focus in ("sensitivity", "specificity"):
        if n:
            seed = integer_seed(study.seed, "partial auc", pair[0], pair[1], str(adjusted), str(scope), str(scheme), focus)
            result = comparer.compare_partial_auc(y, a, b, focus, high, low, n, seed, level)
            method = f"stratified bootstrap, {n} resamples ({comparer.name})"
            found.append({**row, "measure": f"pauc_{focus}", "method": method, **finite_numbers(result, keys)})
    return found


def _python_engine() -> Any:
    from prldh.engines.python import PythonEngine

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

    ``has_test``: both models are fitted by maximum likelihood, so that their likelihood-ratio test exists.
    """
    label = "adjusted" if adjusted else "unadjusted"
    advice = (
        "Read the likelihood-ratio test beside it, and the comparison on held-out predictions." if has_test else
        "The likelihood-ratio test is null, because one of them is fitted by Firth's penalised likelihood; read the comparison on held-out predictions."
    )
    return Warn(
        "comparisons",
        f"'{pair[0]}' and '{pair[1]}' ({label}) are nested: DeLong's test of their apparent AUCs is not valid under the null "
        f"(Demler 2012). {advice}",
    )



# ---------------------------------------------------------------- R beside Python

#: Keys by which an entry of a list is known; lists without them are curves and are compared as a whole.
IDENTITIES = ("name", "term", "group", "variable", "a", "level")
NOT_COMPARED = ("is_radscore", "smd")  # smd is computed once, by Python


def compare_engines(r: Any, python: Any, reasons: Mapping[str, str]) -> list[dict[str, Any]]:
    """One row per quantity that both engines computed, zero differences too.

    ``reasons`` maps a part of a quantity's name to the sentence that says why its two values need not agree: their
    difference is null. Of a curve the row holds the pair of values that differ most.
    """
    rows: list[dict[str, Any]] = []
    _walk(r, python, "", rows)
    for row in rows:
        reason = next((text for part, text in reasons.items() if part in row["quantity"]), None)
        if reason:
            row["difference"], row["reason"] = None, reason
    return rows


def _walk(r: Any, python: Any, path: str, rows: list) -> None:
    if isinstance(r, dict) and isinstance(python, dict):
        for key in r:
            if key in python and key not in NOT_COMPARED:
                _walk(r[key], python[key], f"{path}.{key}" if path else key, rows)
    elif isinstance(r, list) and isinstance(python, list):
        if len(r) != len(python):  # a curve has a point for each distinct prediction, and near-ties may fall either way
            row = _row(f"{path} (length)", len(r), len(python))
            rows.append({**row, "difference": None, "reason": "different numbers of points, so the curves are not compared"})
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
        return {"quantity": quantity, "r": r, "python": python, "difference": None, "reason": "only one engine gives a number"}
    return {"quantity": quantity, "r": r, "python": python, "difference": r - python, "reason": None}
