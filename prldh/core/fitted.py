"""Fit and apply are a pair: what a step learned from training rows, and applies to anyone's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal, Protocol, cast, runtime_checkable

import numpy as np

from prldh.core.errors import DataError
from prldh.core.records import ImageValues, SelectionStep
from prldh.core.warn.kinds import Warn

#: What a fitted step does to rows.
Kind = Literal["chooses columns", "chooses images", "transforms values", "scores"]


class Fitted(Protocol):
    """What a step learned from training rows. It is applied to those, to held-out rows, to another reader's values and
    to new patients alike.

    ``names`` are the columns that it reads, ``outputs`` those that it gives, in order; a score gives none. ``state`` is
    all that ``apply`` needs, as JSON (text, finite numbers, lists and dicts of them); from it ``from_state`` of the
    step that fitted it makes the same again. What a step of the selection gives may have ``dropped`` (column → why it
    goes), ``details`` and ``warnings`` as well, as :class:`~prldh.core.records.Selection` has them.
    """

    @property
    def kind(self) -> Kind: ...

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def outputs(self) -> tuple[str, ...]: ...

    @property
    def state(self) -> dict[str, Any] | None: ...

    def apply(self, values: np.ndarray, names: Sequence[str], columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """What becomes of rows (n, p) whose columns are ``names``: in any order, and others may be among them.

        What chooses columns or transforms values gives (n, k), a column an output. What scores gives log odds (n,).
        What chooses images gets single images as rows, and gives which of them stay (n,) bool, at least one a patient.

        Parameters
        ----------
        columns
            Clinical columns (n,) by name, such as a batch. Of single images: the ``row`` of the patient that each
            belongs to, rising, and its ``weight`` in the patient's mean.

        Raises
        ------
        DataError
            If one of its ``names`` is missing (:func:`take_columns` says which).
        """
        ...


@runtime_checkable
class GivesFewer(Protocol):
    """Something fitted that can give some of its columns alone, so that frozen models ask new patients for no more than
    they need."""

    def only(self, outputs: Sequence[str]) -> Fitted:
        """The same with these ``outputs`` alone; it reads no more than they need."""
        ...


@runtime_checkable
class ReadsColumns(Protocol):
    """Something fitted that reads clinical columns, and cannot be applied to everyone.

    ``columns_read`` are the names of these columns. ``apply`` raises where it is given rows that it does not reach.
    """

    columns_read: tuple[str, ...]

    def reaches(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Which rows (n,) bool it can be applied to, such as those of batches that it knows; ``columns`` as ``apply``
        is given them."""
        ...


class FittedScore(Fitted, Protocol):
    """What a learner learned: of kind ``scores``.

    ``names`` are the columns that it reads: those alone that it makes use of. It may have ``details`` (JSON, for the
    report) and ``warnings`` (sentences) as well.
    """

    def log_odds(self, values: np.ndarray) -> np.ndarray:
        """The score (n,), log odds of the event, of rows (n, k) whose columns are its ``names`` in their order."""
        ...


def take_columns(values: np.ndarray, names: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """The columns ``wanted`` (n, k) of ``values`` (n, p), whose columns are ``names``.

    Raises
    ------
    DataError
        If one is missing.

    Examples
    --------
    >>> take_columns(np.array([[1.0, 2.0, 3.0]]), ("a", "b", "c"), ("c", "a"))
    array([[3., 1.]])
    """
    return values[:, positions(names, wanted)]


def positions(names: Sequence[str], wanted: Sequence[str]) -> np.ndarray:
    """Where each of ``wanted`` stands among ``names`` (k,).

    Raises
    ------
    DataError
        If one is missing.
    """
    where = {name: j for j, name in enumerate(names)}
    missing = [name for name in wanted if name not in where]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DataError(
            f"the column '{missing[0]}'{more} of {len(wanted)} is missing, and a fitted step cannot be applied without"
            " it. Give a table with the columns that it was fitted on."
        )
    return np.array([where[name] for name in wanted], dtype=np.intp)


@dataclass(frozen=True)
class Chosen:
    """The columns that a step chose, by name; the rest is what the report says of it."""

    names: tuple[str, ...]
    dropped: Mapping[str, str] = field(default_factory=dict, compare=False)
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)

    kind: ClassVar[Kind] = "chooses columns"
    name: ClassVar[str] = "columns"
    version: ClassVar[str] = "1"

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.names

    @property
    def state(self) -> dict[str, Any]:
        return {"names": list(self.names)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Chosen:
        return cls(tuple(state["names"]))

    def only(self, outputs: Sequence[str]) -> Chosen:
        return Chosen(tuple(outputs))

    def apply(self, values: np.ndarray, names: Sequence[str], columns: Mapping[str, np.ndarray]) -> np.ndarray:
        return take_columns(values, names, self.names)


#: Says which images stay, (m,) bool, at least one a row.
ChooseImages = Callable[[ImageValues], np.ndarray]


@dataclass(frozen=True)
class ChosenImages:
    """Which single images stay, by a rule fitted on the columns ``names``.

    A rule that has a ``state`` (JSON) is carried into the frozen models, and ``from_state`` of its step reads it there.
    """

    names: tuple[str, ...]
    choose: ChooseImages

    kind: ClassVar[Kind] = "chooses images"

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.names

    @property
    def state(self) -> dict[str, Any] | None:
        """None where the rule has none."""
        rule = getattr(self.choose, "state", None)
        return None if rule is None else {"names": list(self.names), "rule": rule}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], rule: Callable[[Any], ChooseImages]) -> ChosenImages:
        """The same again; ``rule`` makes the rule of its state."""
        return cls(tuple(state["names"]), rule(state["rule"]))

    def apply(self, values: np.ndarray, names: Sequence[str], columns: Mapping[str, np.ndarray]) -> np.ndarray:
        own = take_columns(values, names, self.names)
        return self.choose(ImageValues(own, columns["row"], columns["weight"]))


def reach_of(scores: np.ndarray) -> tuple[float, float]:
    """The range of the scores (n,) of rows that were fitted, and a quarter of it beyond either end: how far scores of
    others are believed.

    One patient with a feature that is an artefact, a million SD away, would otherwise settle by itself what is fitted
    to scores or measured on them.
    """
    low, high = float(scores.min()), float(scores.max())
    beyond = (high - low) / 4
    return low - beyond, high + beyond


@dataclass(frozen=True)
class LinearScore:
    """A linear Radscore: intercept + sum of coefficient * (feature - center) / scale.

    ``reach``: the least and the largest score that it gives; what the sum is beyond them is cut off. None: no limit.
    """

    intercept: float
    features: tuple[tuple[str, str], ...]  # (source, feature name)
    coefficients: np.ndarray  # (k,)
    center: np.ndarray  # (k,)
    scale: np.ndarray  # (k,)
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)
    warnings: tuple[str | Warn, ...] = field(default=(), compare=False)
    reach: tuple[float, float] | None = None

    kind: ClassVar[Kind] = "scores"
    name: ClassVar[str] = "linear score"
    version: ClassVar[str] = "1"
    outputs: ClassVar[tuple[str, ...]] = ()

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for _, name in self.features)

    @property
    def state(self) -> dict[str, Any]:
        numbers = zip(self.coefficients.tolist(), self.center.tolist(), self.scale.tolist(), strict=True)
        return {
            "intercept": self.intercept,
            "reach": None if self.reach is None else list(self.reach),
            "features": [
                {"source": source, "name": name, "coefficient": b, "center": center, "scale": scale}
                for (source, name), (b, center, scale) in zip(self.features, numbers, strict=True)
            ],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> LinearScore:
        features = state["features"]
        numbers = [np.array([f[key] for f in features], dtype=float) for key in ("coefficient", "center", "scale")]
        coefficients, center, scale = numbers
        names = tuple((f["source"], f["name"]) for f in features)
        score = cls(float(state["intercept"]), names, coefficients, center, scale)
        if state.get("reach") is None:  # models of before have none
            return score
        low, high = map(float, state["reach"])
        if low > high:
            raise ValueError("its reach ends before it begins")
        return replace(score, reach=(low, high))

    def of_sources(self, source_of: Mapping[str, str]) -> LinearScore:
        """The same, each feature with the source that it came from."""
        return replace(self, features=tuple((source_of.get(name, source), name) for source, name in self.features))

    def log_odds(self, values: np.ndarray) -> np.ndarray:
        """The score (n,) of rows whose columns are its features, in their order."""
        return self._within(self.sum(values))

    def sum(self, values: np.ndarray) -> np.ndarray:
        """The same without the limits of its reach."""
        total = np.full(values.shape[0], self.intercept)
        for j in range(len(self.coefficients)):
            total += self._term(j, values[:, j])
        return total

    def _within(self, scores: np.ndarray) -> np.ndarray:
        return scores if self.reach is None else np.clip(scores, *self.reach)

    def reaching(self, values: np.ndarray) -> LinearScore:
        """The same, for rows (n, k) that it was fitted to: what it gives goes no further beyond their scores than
        :func:`reach_of` says."""
        return replace(self, reach=reach_of(self.sum(values)))

    def permuting(self, values: np.ndarray) -> Callable[[int, np.ndarray], np.ndarray]:
        """What gives, bit for bit, the scores (r, n) of rows (n, k) whose column j has other values, r times (r, n):
        only what is added from that column on is added again."""
        terms = [self._term(j, values[:, j]) for j in range(len(self.coefficients))]
        before = [np.full(values.shape[0], self.intercept)]
        for term in terms:
            before.append(before[-1] + term)

        def log_odds(j: int, other: np.ndarray) -> np.ndarray:
            total: np.ndarray = before[j] + self._term(j, other)
            for term in terms[j + 1 :]:
                total += term
            return self._within(total)

        return log_odds

    def _term(self, j: int, values: np.ndarray) -> np.ndarray:
        """What feature j adds to the scores of rows with these values of it."""
        term: np.ndarray = self.coefficients[j] * ((values - self.center[j]) / self.scale[j])
        return term

    def apply(self, values: np.ndarray, names: Sequence[str], columns: Mapping[str, np.ndarray]) -> np.ndarray:
        return self.log_odds(take_columns(values, names, self.names))


#: What the chain itself fits, by the names in their states; no step of a plugin may have one of these.
BUILT_IN: dict[str, type[Chosen] | type[LinearScore]] = {each.name: each for each in (Chosen, LinearScore)}


@dataclass(frozen=True)
class FittedStep:
    """One of the steps from the features of a tissue to its Radscore.

    ``source``: the one whose columns it is applied to; None: what all of them give. ``step`` and ``version`` say whose
    state it is: a registered step's, or one of :data:`BUILT_IN`. ``as_fitted``: of a stranger's, its state as JSON when
    it was fitted; a later fit must not change it.
    """

    fitted: Fitted
    source: str | None
    step: str
    version: str
    as_fitted: str | None = None


#: How a score becomes a model: by a logistic model on the score's own training rows; on scores of rows that were held
#: out of folds within them; or not at all, the score being the log odds already.
SecondStage = Literal["in_sample", "cross_fitted", "as_is"]


@dataclass(frozen=True)
class TissueFit:
    """A tissue's Radscore as fitted on some rows.

    ``values`` (n,) its Radscores; ``cutoff`` Youden's on the fitting rows; ``chain`` what was fitted, in order, the
    score last; ``empty_step`` names the step that left nothing (then there is no chain, and the Radscore is 0, or the
    log odds of everyone where it is taken as it is). ``features`` are the score's, as (source, name).
    ``cross_fitted`` (n,) are the scores of the same rows by chains that did not see them, where models and cutoffs are
    made of these; else None.
    """

    values: np.ndarray
    cutoff: float
    chain: tuple[FittedStep, ...] = ()
    steps: tuple[SelectionStep, ...] = ()
    empty_step: str | None = None
    warnings: tuple[Warn, ...] = ()
    features: tuple[tuple[str, str], ...] = ()
    cross_fitted: np.ndarray | None = None

    @property
    def fitting(self) -> np.ndarray:
        """The scores (n,) that models, cutoffs and thresholds are made of."""
        return self.values if self.cross_fitted is None else self.cross_fitted

    @property
    def score(self) -> FittedScore | None:
        """The score that ends the chain; None where there is no chain."""
        return cast(FittedScore, self.chain[-1].fitted) if self.chain else None

    @property
    def radscore(self) -> LinearScore | None:
        """The score that ends the chain where it is linear."""
        return self.score if isinstance(self.score, LinearScore) else None
