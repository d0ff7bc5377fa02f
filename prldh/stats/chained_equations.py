"""Multiple imputation by chained equations (fully conditional specification), fitted on some rows and applied to
others.

Each incomplete variable is drawn in turn from its model given all others, in several rounds; m chains give m completed
data sets. What was fitted fills in rows that it has never seen: by the models of the last round, row by row, so that
what is filled in for one patient depends on nothing of other new patients.

References
----------
S. van Buuren, Statistical Methods in Medical Research 16 (2007) 219. I. R. White, P. Royston, A. M. Wood, Statistics in
Medicine 30 (2011) 377. S. van Buuren, Flexible Imputation of Missing Data (2018). R: ``mice::mice``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import ArrayLike

from prldh.core import DataError
from prldh.stats.conditional_models import Conditional, draw_linear, draw_logistic, draw_regardless, fill, pick

CONTINUOUS = "continuous"


@dataclass(frozen=True)
class Coding:
    """How variables become predictors: standardised numbers, and one standardised 0/1 column a level but the first.

    ``levels`` (c,) the level that a column stands for, NaN for a number; ``variable`` (c,) its variable, -1 for the
    extra predictors, which come first. ``center``, ``scale`` (c,) are those of the training rows' observed cells; a
    constant column (scale infinite) predicts nothing and is left out. ``columns`` and ``predictors``: for each variable
    its own columns, and those that predict it.
    """

    kinds: tuple[str | int, ...]
    variable: np.ndarray
    levels: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    columns: tuple[np.ndarray, ...]
    predictors: tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Chains:
    """Imputation models as fitted on training rows.

    ``completed`` (m, n, p): the training rows, filled in. ``unobserved``: the variables without any value there, filled
    with 0, which predict nothing. ``models``: for each chain the model of the last round of every variable that was
    incomplete; those of the others are added when new rows first need them.
    """

    completed: np.ndarray
    unobserved: tuple[int, ...]
    models: tuple[dict[int, Conditional], ...]
    coding: Coding
    values: np.ndarray  # (n, p) the training rows as given
    extra: np.ndarray  # (n, q)
    order: np.ndarray  # (p,) the variables by increasing missingness
    n_iterations: int
    donors: int
    seed: np.random.SeedSequence

    def model_of(self, j: int, t: int) -> Conditional:
        """Chain j's model of variable t."""
        if t not in self.models[j]:
            # Its own random stream: whatever new rows ask for, nothing else moves
            generator = _generator(self.seed, j, 1 + int(t))
            coded = _coded(self.coding, self.completed[j], self.extra)
            observed = np.flatnonzero(~np.isnan(self.values[:, t]))
            self.models[j][t] = _draw_model(self.coding, t, coded, self.values, observed, self.donors, None, generator)
        return self.models[j][t]


def fit_chains(
    values: ArrayLike,
    kinds: Sequence[str | int],
    extra: ArrayLike | None,
    n_imputations: int,
    n_iterations: int,
    seed: np.random.SeedSequence,
    donors: int = 5,
) -> Chains:
    """Impute training rows, and keep what is needed to impute others.

    Parameters
    ----------
    values : (n, p) array
        The variables, NaN where missing; a factor's cells are codes 0 … K - 1.
    kinds : (p,) sequence
        "continuous", or the number K of a factor's levels.
    extra : (n, q) array or None
        Complete numeric predictors that are not imputed: scores, and the outcome where it is to be among the
        predictors.
    n_imputations, n_iterations : int
        Completed data sets, and rounds of each chain. With one incomplete variable there is nothing to iterate and one
        round is made.
    seed : SeedSequence
        Chain j draws from a stream of its own: more imputations leave the first as they are.
    donors : int
        Nearest donors among whom a continuous value is drawn.

    Raises
    ------
    DataError
        Where shapes do not fit, a factor has other codes, a value is infinite, or an extra predictor is not complete.

    Notes
    -----
    Imputed values are observed ones: donors' values, and levels that occur in the rows given. A variable with one
    observed value is filled with it, one with none with 0 (``unobserved``): a constant has no coefficient in any model.
    Rows may repeat (a bootstrap sample), and copies of one patient may be filled in differently.

    Examples
    --------
    >>> values = np.array([[1.0, 0], [2.0, 0], [np.nan, 1], [4.0, 1], [5.0, np.nan]])
    >>> chains = fit_chains(values, ("continuous", 2), None, 3, 5, np.random.SeedSequence(1))
    >>> chains.completed.shape, bool(np.isnan(chains.completed).any())
    ((3, 5, 2), False)
    """
    values, extra = _checked(values, kinds, extra)
    missing = np.isnan(values)
    order = np.argsort(missing.sum(axis=0), kind="stable")
    incomplete = [t for t in order if missing[:, t].any()]
    coding = _make_coding(values, kinds, extra)
    rounds = n_iterations if len(incomplete) > 1 else 1
    completed, models = np.empty((n_imputations, *values.shape)), []
    for j in range(n_imputations):
        completed[j], conditionals = _run_chain(coding, values, extra, incomplete, rounds, donors, _generator(seed, j))
        models.append(conditionals)
    unobserved = tuple(int(t) for t in np.flatnonzero(missing.all(axis=0)))
    return Chains(completed, unobserved, tuple(models), coding, values, extra, order, n_iterations, donors, seed)


def apply_chains(
    chains: Chains, values: ArrayLike, extra: ArrayLike | None, ids: ArrayLike, seed: np.random.SeedSequence
) -> np.ndarray:
    """Impute new rows by the models that were fitted on the training rows.

    Parameters
    ----------
    values, extra : (k, p), (k, q) array
        As in :func:`fit_chains`.
    ids : (k,) integers from 0
        A row's random numbers are those of its id: a patient's cells do not depend on which other rows are given, nor
        on their order.
    seed : SeedSequence

    Returns
    -------
    (m, k, p) array
        Row by row: first random observed values of the training rows, then as many rounds as were asked for, by chain
        j's last models.

    Raises
    ------
    DataError
        As :func:`fit_chains`.
    """
    values, extra = _checked(values, chains.coding.kinds, extra, chains.extra.shape[1])
    rows = np.flatnonzero(np.isnan(values).any(axis=1))
    n_imputations, p = len(chains.models), values.shape[1]
    completed = np.tile(values, (n_imputations, 1, 1))
    if not len(rows):
        return completed
    shape = (n_imputations, 1 + chains.n_iterations, p)
    uniforms = np.array([_generator(seed, int(i)).random(shape) for i in np.asarray(ids)[rows]])
    missing = np.isnan(values[rows])
    targets = [(t, np.flatnonzero(missing[:, t])) for t in chains.order if missing[:, t].any()]
    for j in range(n_imputations):
        filled = values[rows]
        for t, cells in targets:
            filled[cells, t] = pick(_observed(chains.values, t), uniforms[cells, j, 0, t])
        coded = _coded(chains.coding, filled, extra[rows])
        for r in range(chains.n_iterations):
            for t, cells in targets:
                _fill_cells(chains.coding, t, cells, chains.model_of(j, t), filled, coded, uniforms[cells, j, 1 + r, t])
        completed[j, rows] = filled
    return completed


# -- one chain -------------------------------------------------------------------------------------------------


def _run_chain(
    coding: Coding,
    values: np.ndarray,
    extra: np.ndarray,
    incomplete: Sequence[int],
    rounds: int,
    donors: int,
    generator: np.random.Generator,
) -> tuple[np.ndarray, dict[int, Conditional]]:
    """The rows completed (n, p), and the models of the last round."""
    filled = values.copy()
    cells = {t: np.flatnonzero(np.isnan(values[:, t])) for t in incomplete}
    observed = {t: np.flatnonzero(~np.isnan(values[:, t])) for t in incomplete}
    for t in incomplete:
        filled[cells[t], t] = pick(values[observed[t], t], generator.random(len(cells[t])))
    coded = _coded(coding, filled, extra)
    models: dict[int, Conditional] = {}
    for _ in range(rounds):
        for t in incomplete:
            start = models[t].mode if t in models else None
            models[t] = _draw_model(coding, t, coded, values, observed[t], donors, start, generator)
            _fill_cells(coding, t, cells[t], models[t], filled, coded, generator.random(len(cells[t])))
    return filled, models


def _draw_model(
    coding: Coding,
    t: int,
    coded: np.ndarray,
    values: np.ndarray,
    observed: np.ndarray,
    donors: int,
    start: np.ndarray | None,
    generator: np.random.Generator,
) -> Conditional:
    """Variable t's model, fitted on the rows where it is observed."""
    columns, known = coding.columns[t], values[observed, t]
    if not np.isfinite(coding.scale[columns]).any():
        return draw_regardless(known)
    x = _rows(coded, observed, coding.predictors[t])
    if coding.kinds[t] == CONTINUOUS:
        return draw_linear(x, coded[observed, columns[0]], known, donors, generator)
    return draw_logistic(x, known, start, generator)


def _fill_cells(
    coding: Coding,
    t: int,
    cells: np.ndarray,
    model: Conditional,
    filled: np.ndarray,
    coded: np.ndarray,
    uniforms: np.ndarray,
) -> None:
    """Fill in variable t of these rows, in ``filled`` (k, p) and as predictors in ``coded`` (k, c)."""
    new = fill(model, _rows(coded, cells, coding.predictors[t]), uniforms)
    filled[cells, t] = new
    for c in coding.columns[t]:
        coded[cells, c] = _standardised(coding, c, new)


# -- coding ----------------------------------------------------------------------------------------------------


def _make_coding(values: np.ndarray, kinds: Sequence[str | int], extra: np.ndarray) -> Coding:
    made = [(-1, np.nan, column) for column in extra.T]
    for t, kind in enumerate(kinds):
        observed = _observed(values, t)
        for level in [np.nan] if kind == CONTINUOUS else range(1, int(kind)):
            made.append((t, level, observed if kind == CONTINUOUS else (observed == level).astype(float)))
    variable, levels = np.array([t for t, _, _ in made], np.int64), np.array([level for _, level, _ in made], float)
    center, scale = (np.array([of(column) for *_, column in made], float) for of in (_mean, _sd))
    scale[scale == 0.0] = np.inf
    columns = tuple(np.flatnonzero(variable == t) for t in range(len(kinds)))
    predictors = tuple(np.flatnonzero(np.isfinite(scale) & (variable != t)) for t in range(len(kinds)))
    return Coding(tuple(kinds), variable, levels, center, scale, columns, predictors)


def _mean(column: np.ndarray) -> float:
    return float(column.mean()) if len(column) else 0.0


def _sd(column: np.ndarray) -> float:
    if not len(column) or column.min() == column.max():  # rounding would leave a trace
        return 0.0
    with np.errstate(over="ignore"):
        return float(column.std())


def _observed(values: np.ndarray, t: int) -> np.ndarray:
    return values[~np.isnan(values[:, t]), t]


def _standardised(coding: Coding, c: int, column: np.ndarray) -> np.ndarray:
    level = coding.levels[c]
    return ((column if np.isnan(level) else column == level) - coding.center[c]) / coding.scale[c]


def _coded(coding: Coding, filled: np.ndarray, extra: np.ndarray) -> np.ndarray:
    """The predictors (k, c) of rows without missing values."""
    coded = np.empty((len(filled), len(coding.scale)))
    for c, t in enumerate(coding.variable):
        coded[:, c] = _standardised(coding, c, extra[:, c] if t < 0 else filled[:, t])
    return coded


@numba.njit(cache=True)
def _rows(coded: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """A design matrix (k, 1 + columns) of these rows, first column ones."""
    x = np.empty((rows.shape[0], columns.shape[0] + 1))
    for i in range(rows.shape[0]):
        x[i, 0] = 1.0
        for j in range(columns.shape[0]):
            x[i, j + 1] = coded[rows[i], columns[j]]
    return x


# -- seeds and checks ------------------------------------------------------------------------------------------


def _generator(seed: np.random.SeedSequence, *key: int) -> np.random.Generator:
    """A stream by numbers, whatever was spawned before."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, *key))))


def _checked(
    values: ArrayLike, kinds: Sequence[str | int], extra: ArrayLike | None, n_extra: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    values = np.array(values, dtype=float)
    if values.ndim != 2 or values.shape[1] != len(kinds):
        raise DataError(f"values must be (n, {len(kinds)}), a column for each kind: found {values.shape}.")
    extra = np.empty((len(values), 0)) if extra is None else np.array(extra, dtype=float)
    if extra.ndim != 2 or len(extra) != len(values) or n_extra not in (None, extra.shape[1]):
        raise DataError(
            f"extra predictors must have the rows of values and the columns that were fitted: found {extra.shape}."
        )
    if not np.isfinite(extra).all() or np.isinf(values).any():
        raise DataError(
            "values must be finite or missing, and extra predictors complete: scores and outcome are not imputed."
        )
    for t, kind in enumerate(kinds):
        known = _observed(values, t)
        if kind != CONTINUOUS and ((known != np.floor(known)) | (known < 0) | (known >= int(kind))).any():
            raise DataError(f"variable {t} must hold codes from 0 to {int(kind) - 1}, or nothing.")
    return values, extra
