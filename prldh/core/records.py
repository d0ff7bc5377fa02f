"""The records that cross a stage. Arrays are documented with shape and unit; nothing here computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from prldh.core.terms import Function

if TYPE_CHECKING:
    import pandas as pd

#: Covariates by name: values (n,) float64 when continuous, codes (n,) into the covariate's levels otherwise (-1:
#: blank).
Coded = Mapping[str, np.ndarray]

#: What is known of rows beside their features, by name (n,): float64 where continuous, with NaN for blanks; text
#: otherwise, with "" for blanks.
Columns = Mapping[str, np.ndarray]

NO_COLUMNS: Columns = MappingProxyType({})


def is_blank(values: np.ndarray) -> np.ndarray:
    """Which cells of a column (n,) are blank."""
    return np.isnan(values) if values.dtype.kind == "f" else np.asarray(values == "")


@dataclass(frozen=True)
class Subjects:
    """What is known of rows beside their features.

    ``outcome`` (n,) 0/1; ``patient`` (n,) int, the same for rows of one patient: the position of the first of them;
    ``columns`` covariates and declared columns.
    """

    outcome: np.ndarray
    patient: np.ndarray
    columns: Columns = field(default_factory=dict)

    @classmethod
    def each(cls, outcome: np.ndarray) -> Subjects:
        """One row a patient, of whom no more is known."""
        return cls(outcome, np.arange(len(outcome)))

    @property
    def n(self) -> int:
        return len(self.outcome)

    def columns_of(self, rows: np.ndarray) -> Columns:
        """The columns of these rows (m,), which may repeat."""
        return {name: values[rows] for name, values in self.columns.items()}


@dataclass(frozen=True)
class Covariate:
    """A clinical variable and how it enters tables and models."""

    name: str
    kind: str  # continuous, categorical or ordinal
    levels: tuple[str, ...] = ()  # reference first; empty when continuous


@dataclass(frozen=True)
class Cohort:
    """The patients that are analysed, in the order of their ids.

    ``outcome`` is (n,) int8, 1 = event. ``table`` holds one column a covariate: float64 when continuous,
    pandas Categorical otherwise. ``scores`` holds the columns that are Radscores already, float64.
    ``excluded`` are patients left out, each with the reason. Covariates and scores may have blanks where the study
    imputes them, or takes each model's patients for itself. ``columns`` are declared ones that are no predictors, text
    (n,) with "" for blanks. ``patients`` (n,) are named where several rows may be one patient's; None: each row is a
    patient, and ids are theirs.
    """

    ids: tuple[str, ...]
    outcome: np.ndarray
    table: pd.DataFrame
    scores: pd.DataFrame
    covariates: tuple[Covariate, ...]
    excluded: tuple[tuple[str, str], ...]
    outcome_name: str
    event: str
    non_event: str
    columns: Columns = field(default_factory=dict)
    patients: tuple[str, ...] | None = None

    @property
    def n(self) -> int:
        return len(self.ids)

    @cached_property
    def patient(self) -> np.ndarray:
        """The position (n,) of the first row of each row's patient."""
        if self.patients is None:
            return np.arange(self.n)
        first = {name: i for i, name in reversed(list(enumerate(self.patients)))}
        return np.array([first[name] for name in self.patients], dtype=np.int64)

    @property
    def n_patients(self) -> tuple[int, int]:
        """How many patients the rows are of, and how many of them have the event in some row."""
        return np.unique(self.patient).size, np.unique(self.patient[self.outcome == 1]).size

    @cached_property
    def known(self) -> Columns:
        """The covariates, and the columns that are no predictors: what schemes and steps are given."""
        covariates = {
            str(name): column.to_numpy(float)
            if column.dtype.kind == "f"
            else column.astype(object).where(column.notna(), "").to_numpy(object)
            for name, column in self.table.items()
        }
        return {**covariates, **self.columns}

    @cached_property
    def subjects(self) -> Subjects:
        """What is known of them beside their features."""
        return Subjects(self.outcome, self.patient, self.known)

    @property
    def n_events(self) -> int:
        return int(self.outcome.sum())

    @cached_property
    def incomplete(self) -> tuple[str, ...]:
        """The covariates that have blanks."""
        return tuple(str(name) for name, column in self.table.items() if column.isna().any())

    @property
    def is_complete(self) -> bool:
        return not self.incomplete

    def blank(self, name: str) -> np.ndarray:
        """Whether each patient lacks a covariate, or a score that came as a column (n,)."""
        columns = [table[name].isna().to_numpy() for table in (self.table, self.scores) if name in table]
        return np.logical_or.reduce([np.zeros(self.n, dtype=bool), *columns])

    def take(self, rows: np.ndarray) -> Cohort:
        """The patients in ``rows`` (m,) alone, each once."""
        return replace(
            self,
            ids=tuple(self.ids[i] for i in rows),
            outcome=self.outcome[rows],
            table=self.table.iloc[rows].reset_index(drop=True),
            scores=self.scores.iloc[rows].reset_index(drop=True),
            columns={name: values[rows] for name, values in self.columns.items()},
            patients=None if self.patients is None else tuple(self.patients[i] for i in rows),
        )

    @cached_property
    def coded(self) -> Coded:
        """The covariates as arrays: what design matrices are made of."""
        return {
            str(name): column.to_numpy(float)
            if column.dtype.kind == "f"
            else column.cat.codes.to_numpy().astype(np.int64)
            for name, column in self.table.items()
        }


class ImageValues(NamedTuple):
    """Features of single images (slices of a region) whose weighted mean is a patient's row.

    ``values`` (m, p) float64; ``row`` (m,) int, which row an image belongs to: rising, and every row has some;
    ``weight`` (m,) its share in the mean.
    """

    values: np.ndarray
    row: np.ndarray
    weight: np.ndarray

    def of_rows(self, rows: np.ndarray) -> ImageValues:
        """The images of ``rows`` (m,), which may repeat; they are numbered as they stand there."""
        images = np.split(np.arange(self.row.size), np.flatnonzero(np.diff(self.row)) + 1)
        taken = np.concatenate([images[row] for row in rows])
        return ImageValues(
            self.values[taken], np.repeat(np.arange(len(rows)), [len(images[row]) for row in rows]), self.weight[taken]
        )

    def take(self, columns: np.ndarray) -> ImageValues:
        """The same images with these columns only."""
        return self._replace(values=self.values[:, columns])

    def where(self, stays: np.ndarray) -> ImageValues:
        """The images that stay, ``stays`` (m,) bool."""
        return ImageValues(self.values[stays], self.row[stays], self.weight[stays])

    def pooled(self) -> np.ndarray:
        """The weighted mean of every row's images (n, p)."""
        starts = np.flatnonzero(np.diff(self.row, prepend=-1))
        return (
            np.add.reduceat(self.values * self.weight[:, None], starts) / np.add.reduceat(self.weight, starts)[:, None]
        )


@dataclass(frozen=True)
class FeatureBlock:
    """Features of one tissue from one source, rows in the cohort's order.

    ``first`` is (n, p) float64, reader 1; ``second`` the same of reader 2, or None; ``perturbed`` (k, n, p) of k
    perturbed masks, or None; ``images`` the single images behind every reader's values, one a reader, where the source
    gives them; ``further`` as ``second``, of readers 3, 4 … ``tissue`` is empty where it is not known, ``made_by`` what
    the source tells the steps. ``is_consensus``: ``first`` is of the readers' consensus masks, and reader 1, 2 … are
    ``second`` and ``further``.
    """

    source: str
    names: tuple[str, ...]
    first: np.ndarray
    second: np.ndarray | None
    perturbed: np.ndarray | None = None
    images: tuple[ImageValues, ...] | None = None
    further: tuple[np.ndarray, ...] = ()
    tissue: str = ""
    made_by: Mapping[str, Any] = field(default_factory=dict)
    is_consensus: bool = False

    @property
    def readers(self) -> tuple[np.ndarray, ...]:
        """The values (n, p) of every reader, reader 1's first; before them those of a consensus."""
        return (self.first, *([] if self.second is None else [self.second]), *self.further)

    @property
    def raters(self) -> tuple[np.ndarray, ...]:
        """The values (n, p) of every reader, reader 1's first: whose agreement can be judged."""
        return self.readers[1:] if self.is_consensus else self.readers


@dataclass(frozen=True)
class TrainingRows:
    """What a selector may see: training rows and nothing else.

    ``values`` (n, p) float64, reader 1's features, where a row may repeat (bootstrap); ``second`` the same of
    reader 2 or None; ``outcome`` (n,) int8; ``patient`` (n,) int, equal for rows of one patient; ``names`` (p,);
    ``perturbed`` (k, n, p) the values of k perturbed masks, or None; ``images`` the single images behind every reader's
    values, or None; ``further`` as ``second``, of readers 3, 4 …; ``filled`` (n, p) bool, where a value was blank, by
    whichever reader or perturbed mask, before a step filled it, or None; ``source``: the one that they are of, or what
    all of them together are called; empty where that is not known; ``columns`` what is known of the rows beside their
    features, by name (n,): covariates, and columns that the study declares (``clinical.columns``); ``tissue`` whose
    features they are, empty where that is not known; ``made_by`` source → what it tells the steps. Blanks are NaN, and
    come to steps that stand before one that fills them alone. ``is_consensus``: ``values`` are of the readers'
    consensus masks, and reader 1, 2 … are ``second`` and ``further``; ``raters`` are the readers in either case.
    """

    values: np.ndarray
    second: np.ndarray | None
    outcome: np.ndarray
    patient: np.ndarray
    names: tuple[str, ...]
    perturbed: np.ndarray | None = None
    images: tuple[ImageValues, ...] | None = None
    further: tuple[np.ndarray, ...] = ()
    filled: np.ndarray | None = None
    source: str = ""
    columns: Columns = field(default_factory=dict)
    tissue: str = ""
    made_by: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    is_consensus: bool = False

    @property
    def readers(self) -> tuple[np.ndarray, ...]:
        """The values (n, p) of every reader, reader 1's first; before them those of a consensus."""
        return (self.values, *([] if self.second is None else [self.second]), *self.further)

    @property
    def raters(self) -> tuple[np.ndarray, ...]:
        """The values (n, p) of every reader, reader 1's first: whose agreement can be judged."""
        return self.readers[1:] if self.is_consensus else self.readers

    def of_rows(self, rows: np.ndarray) -> TrainingRows:
        """These rows (m,) alone, all columns."""
        return replace(
            self,
            values=self.values[rows],
            second=None if self.second is None else self.second[rows],
            outcome=self.outcome[rows],
            patient=self.patient[rows],
            perturbed=None if self.perturbed is None else self.perturbed[:, rows],
            images=None if self.images is None else tuple(each.of_rows(rows) for each in self.images),
            further=tuple(values[rows] for values in self.further),
            filled=None if self.filled is None else self.filled[rows],
            columns={name: values[rows] for name, values in self.columns.items()},
        )

    def take(self, columns: np.ndarray) -> TrainingRows:
        """The same rows with these columns only."""
        return replace(
            self,
            values=self.values[:, columns],
            second=None if self.second is None else self.second[:, columns],
            names=tuple(self.names[j] for j in columns),
            perturbed=None if self.perturbed is None else self.perturbed[:, :, columns],
            images=None if self.images is None else tuple(each.take(columns) for each in self.images),
            further=tuple(values[:, columns] for values in self.further),
            filled=None if self.filled is None else self.filled[:, columns],
        )

    @property
    def blank(self) -> np.ndarray:
        """Where a value is blank by some reader or perturbed mask (n, p)."""
        everything = (*self.readers, *(() if self.perturbed is None else self.perturbed))
        return np.logical_or.reduce([np.isnan(each) for each in everything])


@dataclass(frozen=True)
class Selection:
    """What a selector keeps and why the rest went.

    ``kept`` (k,) positions into the names it was given; ``dropped`` maps every other name to its reason;
    ``details`` is JSON-able material for the report, ``warnings`` are sentences for its readers. ``images``, where a
    step chooses among the single images, is the fitted rule that says which stay, (m,) bool, at least one a row; rows
    are then the means of these, for patients who did not train as well.
    """

    kept: np.ndarray
    dropped: dict[str, str]
    details: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    images: Callable[[ImageValues], np.ndarray] | None = None


@dataclass(frozen=True)
class SelectionStep:
    """One step as it happened within one source; ``by_engine`` are those of its details that the engine computed."""

    name: str
    source: str
    n_in: int
    n_out: int
    dropped: dict[str, str]
    details: dict[str, Any]
    by_engine: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Resample:
    """One refit: ``train`` row numbers (repeats in a bootstrap sample) and ``test`` row numbers; ``group``: what those
    held out have in common, where a scheme goes by groups."""

    train: np.ndarray
    test: np.ndarray
    repeat: int
    fold: int
    group: str = ""


@dataclass(frozen=True)
class Draws:
    """Bootstrap samples that bands and intervals share: row numbers of patients.

    ``patients`` (B, n) drawn from everyone; ``stratified`` (S, n) drawn within each outcome. Drawn once, so that both
    engines use the same.
    """

    patients: np.ndarray
    stratified: np.ndarray


@dataclass(frozen=True)
class ModelSpec:
    """A model to be fitted: its terms, and whether the adjusting covariates stand beside them."""

    name: str
    adjusted: bool
    terms: tuple[str, ...]  # the model's own terms followed by the adjusting covariates
    own_terms: tuple[str, ...]


@dataclass(frozen=True)
class Part:
    """What a column of a design is made of: a variable in one form, for one of its levels, or one column of a spline
    with these knots. A column of a product has several, which are multiplied."""

    variable: str
    function: Function = "identity"
    level: str | None = None
    knots: tuple[float, ...] = ()
    column: int = 0


@dataclass(frozen=True)
class Design:
    """A design matrix. ``matrix`` (n, k), first column ones; ``columns`` (k,) names as R writes them; ``variables``
    (k,) the term each column belongs to, ``levels`` (k,) its level or None; ``parts`` (k,) what it is made of, empty
    where the matrix was not made of terms."""

    matrix: np.ndarray
    columns: tuple[str, ...]
    variables: tuple[str, ...]
    levels: tuple[str | None, ...]
    parts: tuple[tuple[Part, ...], ...] = ()

    def without(self, term: str) -> Design:
        """The same without the columns of a term."""
        kept = [j for j, variable in enumerate(self.variables) if variable != term]
        columns, variables = (tuple(each[j] for j in kept) for each in (self.columns, self.variables))
        parts = tuple(self.parts[j] for j in kept) if self.parts else ()
        return Design(self.matrix[:, kept], columns, variables, tuple(self.levels[j] for j in kept), parts)

    def like(self, other: Design) -> Design:
        """The same rows with another design's columns, for coefficients of that one: 0 in a level that nobody here has;
        who is in a level that it has no column for is in none, as in its reference."""
        if self.columns == other.columns:
            return self
        where = {column: j for j, column in enumerate(zip(self.variables, self.columns, strict=True))}
        matrix = np.zeros((len(self.matrix), len(other.columns)))
        for j, column in enumerate(zip(other.variables, other.columns, strict=True)):
            if column in where:
                matrix[:, j] = self.matrix[:, where[column]]
        return replace(other, matrix=matrix)

    @property
    def knots(self) -> dict[str, tuple[float, ...]]:
        """Of each spline, by the form in which terms have it."""
        splines = [part for parts in self.parts for part in parts if part.function == "spline"]
        return {f"rcs({part.variable}, {len(part.knots)})": part.knots for part in splines}
