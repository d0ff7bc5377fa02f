"""Collinearity: of a model's terms, and of the features that a Radscore is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prldh.core import ABSENT, Absent, Design, Given, Number, Warn, finite, warn
from prldh.engines import StatisticsEngine

#: Above these there is a warning: Kutner, Nachtsheim, Neter and Li (2005), Belsley, Kuh and Welsch (1980).
LARGEST_VIF, LARGEST_CONDITION_NUMBER = 10.0, 30.0
#: A column that others give with an adjusted R² above this is said to be near to their sum.
NEAR = 0.999
SINGULAR = "a column is a sum of others, does not vary, or there are no more patients than columns"


@dataclass(frozen=True)
class TermInflation:
    """A term's variance inflation factor, generalised where it has several columns (``df``), and GVIF^(1 / (2 df))."""

    term: str
    df: Given[int]
    vif: Number
    vif_per_df: Number
    reason: str | Absent = ABSENT


@dataclass(frozen=True)
class TermCollinearity:
    """How far a model's terms say the same.

    ``condition_number`` is Belsley's, of the design with its intercept, columns scaled to unit length;
    ``condition_number_centred`` that of the columns about their means, without the intercept. ``dependencies`` are
    columns that are nearly a sum of others, in words.
    """

    terms: tuple[TermInflation, ...]
    condition_number: Number
    condition_number_centred: Number
    dependencies: tuple[str, ...]
    reason: str | Absent = ABSENT


@dataclass(frozen=True)
class FeatureCollinearity:
    """The same of a Radscore's features, by the inverse of their correlation matrix; ``condition_number`` is that of
    the features as they enter it, standardised."""

    vif: Mapping[str, Number] | None
    condition_number: Number
    dependencies: tuple[str, ...]
    reason: str | Absent = ABSENT


def describe_terms(
    designs: Sequence[Design], outcome: np.ndarray, engine: StatisticsEngine, no_inflation: str, label: str
) -> tuple[TermCollinearity, list[Warn]]:
    """Collinearity of a model's terms.

    Parameters
    ----------
    designs
        One design, or one for each imputed data set: then each number is the mean over them.
    no_inflation
        Why there are no variance inflation factors, such as a fit that is not by maximum likelihood; else empty.
    """
    design = designs[0]
    names = list(dict.fromkeys(design.variables[1:]))
    codes = np.array([names.index(variable) for variable in design.variables[1:]])
    conditions = [engine.collinearity(d.matrix[:, 1:]) for d in designs] if names else []
    whole = {
        key: finite(np.mean([answer[key] for answer in conditions])) if names else None
        for key in ("condition_number", "condition_number_centred")
    }
    reason = no_inflation or ("variance inflation takes two terms" if len(names) < 2 else "")
    if reason:
        terms = tuple(TermInflation(n, int((codes == k).sum()), None, None, reason) for k, n in enumerate(names))
    else:
        answers = [engine.variance_inflation(d.matrix, outcome.astype(float), codes) for d in designs]
        vif = np.mean([answer["vif"] for answer in answers], axis=0)
        df = np.asarray(answers[0]["df"])
        terms = tuple(
            TermInflation(name, int(df[k]), finite(vif[k]), finite(vif[k] ** (1 / (2 * df[k]))))
            if np.isfinite(vif[k])
            else TermInflation(name, int(df[k]), None, None, SINGULAR)
            for k, name in enumerate(names)
        )
    is_missing = whole["condition_number"] is None
    near = near_dependencies(design.matrix[:, 1:], design.columns[1:])
    collinearity = TermCollinearity(terms, **whole, dependencies=near, reason=SINGULAR if is_missing else ABSENT)
    inflated = {t.term: t.vif for t in terms if t.vif is not None and t.vif ** (1 / t.df) > LARGEST_VIF}
    # of one term the columns are a coding, whose conditioning is no finding
    centred = collinearity.condition_number_centred if len(names) > 1 else None
    listed = _listed(design.matrix[:, 1:], "columns", inflated, centred, near)
    return collinearity, [warn.COLLINEAR_TERMS(model=label, listed=listed)] if listed else []


def describe_features(
    values: np.ndarray, names: Sequence[str], engine: StatisticsEngine, label: str
) -> tuple[FeatureCollinearity, list[Warn]]:
    """Collinearity of the features (n, p) of a Radscore."""
    if len(names) < 2:
        reason = "variance inflation takes two features"
        return FeatureCollinearity(None, None, (), reason), []
    answer = engine.collinearity(values)
    vif = {name: finite(v) for name, v in zip(names, answer["vif"], strict=True)}
    condition = finite(answer["condition_number_centred"])
    near = near_dependencies(values, names)
    if condition is None:
        collinearity = FeatureCollinearity(None, None, near, SINGULAR.replace("column", "feature"))
    else:
        collinearity = FeatureCollinearity(vif, condition, near)
    inflated = {name: v for name, v in vif.items() if v is not None and v > LARGEST_VIF}
    listed = _listed(values, "features", inflated, condition, near)
    return collinearity, [warn.COLLINEAR_FEATURES(tissue=label, listed=listed)] if listed else []


def _listed(
    values: np.ndarray, columns: str, inflated: Mapping[str, Number], condition: Number, dependencies: Sequence[str]
) -> str:
    """What is above the limits, the largest first; empty where nothing is. ``columns``: what those of the values (n, p)
    are called."""
    n, p = values.shape
    factors = sorted(inflated.items(), key=lambda item: -(item[1] or 0.0))
    parts = [f"condition number {condition:.3g}"] if (condition or 0.0) > LARGEST_CONDITION_NUMBER else []
    if p >= n:
        parts.insert(0, f"there are {p} {columns} and {n} patients, so that each is a sum of the others")
    if factors:
        parts.insert(0, "variance inflation factor " + ", ".join(f"{v:.3g} of '{name}'" for name, v in factors))
    return "; ".join([*parts, *dependencies])


# ---------------------------------------------------------------- which column is nearly a sum of which


def near_dependencies(values: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
    """Columns (n, p) that are nearly a sum of others (adjusted R² above :data:`NEAR`), each with the sum in words.

    A column is told of the first time that those before it give it, by as few of them as do.

    Examples
    --------
    >>> tilt, slope = np.array([12.4, 20.1, 8.3, 15.2, 30.9, 11.1]), np.array([30.2, 41.7, 28.6, 52.9, 33.3, 38.4])
    >>> print(*near_dependencies(np.column_stack([tilt, slope, np.round(tilt + slope)]), ["PT", "SS", "PI"]))
    'PI' is the rounded sum of 'PT' and 'SS' (at most 0.5 away)
    """
    with np.errstate(over="ignore"):
        spans = np.ptp(values, axis=0)
    sums: list[str] = []
    independent: list[int] = []
    basis = np.empty((len(values), 0))  # orthonormal, of the independent columns
    for j in map(int, np.flatnonzero((spans > 0) & np.isfinite(spans))):
        left = len(values) - 1 - len(independent)
        if left < 1:  # any further column is a sum of as many as there are patients, which says nothing of it
            break
        target = _centred(values, [j])[:, 0]
        rest = target - basis @ (basis.T @ target)
        rest -= basis @ (basis.T @ rest)
        if independent and _share(rest @ rest, target, left) < 1 - NEAR:
            sums.append(_in_words(values, j, _fewest(values, j, independent), names))
        else:
            independent.append(j)
            basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
    return tuple(sums)


def _centred(values: np.ndarray, columns: Sequence[int]) -> np.ndarray:
    chosen = values[:, columns]
    scaled = (chosen - chosen.min(axis=0)) / np.ptp(chosen, axis=0)
    return scaled - scaled.mean(axis=0)


def _share(rest: float, target: np.ndarray, left: int) -> float:
    """1 − R², adjusted: of the sum of squares ``rest`` with so many degrees of freedom left, of a centred column."""
    return float(rest / (target @ target) * (len(target) - 1) / left)


def _fewest(values: np.ndarray, j: int, others: Sequence[int]) -> list[int]:
    """Those of the others without which column j is further off than before: one after the other is left out that adds
    least to the sum of squares, which is b² over its diagonal element of (X'X)⁻¹."""
    kept, target, x = list(others), _centred(values, [j])[:, 0], _centred(values, others)
    inverse = np.linalg.pinv(x.T @ x, hermitian=True)
    b = np.linalg.lstsq(x, target, rcond=None)[0]
    rest = target - x @ b
    squares, left = float(rest @ rest), len(target) - 1 - len(kept)
    least = 2 * max(_share(squares, target, left), 1e-20)
    while len(kept) > 1:
        added = b**2 / np.diag(inverse)
        k = int(np.argmin(added))
        if _share(squares + added[k], target, left + 1) > least:
            break
        squares, left = squares + float(added[k]), left + 1
        b = np.delete(b - inverse[:, k] * (b[k] / inverse[k, k]), k)
        inverse = inverse - np.outer(inverse[:, k], inverse[k]) / inverse[k, k]
        inverse = np.delete(np.delete(inverse, k, axis=0), k, axis=1)
        del kept[k]
    return kept


def _regressed(values: np.ndarray, j: int, others: Sequence[int]) -> tuple[np.ndarray, float, float]:
    """Coefficients, intercept and the largest difference of column j on others, in their units."""
    x, target = values[:, others], values[:, j]
    scale = np.ptp(target) / np.ptp(x, axis=0)
    b = np.linalg.lstsq(_centred(values, others), _centred(values, [j])[:, 0], rcond=None)[0] * scale
    rest = target - x @ b
    return b, float(rest.mean()), float(np.abs(rest - rest.mean()).max())


def _in_words(values: np.ndarray, j: int, others: Sequence[int], names: Sequence[str]) -> str:
    b, constant, off = _regressed(values, j, others)
    if (b > 0).sum() == 1 < len(b):  # a = b − c is told as b = a + c
        turned = int(np.argmax(b))
        j, others = others[turned], [j, *(k for k in others if k != others[turned])]
        b, constant, off = _regressed(values, j, others)
    target = values[:, j]
    quoted = [f"'{names[k]}'" for k in others]
    off_sum = float(np.abs(target - values[:, others].sum(axis=1)).max())
    rounding = 1e-9 * float(np.abs(target).max())
    if np.abs(b - 1).max() < 0.05 and off_sum <= max(2 * off, rounding):
        listed = " and ".join([", ".join(quoted[:-1]), quoted[-1]][len(quoted) == 1 :])
        decimals = next((d for d in range(7) if (np.round(target, d) == target).all()), 7)
        is_rounded = rounding < off_sum <= 0.5 * 10.0**-decimals + rounding
        what = f"{'rounded ' if is_rounded else ''}{'copy' if len(quoted) == 1 else 'sum'}"
        away = f" (at most {off_sum:.2g} away)" if off_sum > rounding else ""
        return f"'{names[j]}' is the {what} of {listed}{away}"
    terms = [f"{'−' if v < 0 else '+'} {abs(v):.3g} × {name}" for v, name in zip([*b], quoted, strict=True)]
    combined = " ".join([*terms, f"{'−' if constant < 0 else '+'} {abs(constant):.3g}"]).removeprefix("+ ")
    return f"'{names[j]}' is {combined} (at most {off:.2g} away)"
