"""Features without what their batches add to them and multiply them by: what ComBat fitted, applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from prldh.core import Columns, DataError, Kind, Warn, is_blank, positions, same_text, take_columns
from prldh.stats import BatchEffect, Combat, apply_combat, effect_of_new_batch

#: Rows of its own from which the effect of a batch is estimated that no training row has.
LEAST_OWN_ROWS = 10


@dataclass(frozen=True)
class Kept:
    """A column whose differences are kept: a number as it is (``levels`` None), or the ``levels`` of a group that have
    a dummy each; what has a level that training rows did not have gets ``otherwise``, their shares."""

    name: str
    levels: tuple[str, ...] | None
    known: tuple[str, ...] = ()
    otherwise: tuple[float, ...] = ()

    @classmethod
    def of(cls, name: str, values: np.ndarray) -> Kept:
        """Of the training rows' values (n,)."""
        if values.dtype.kind == "f":
            return cls(name, None)
        texts = as_texts(values)
        known = sorted(set(texts))
        return cls(name, tuple(known[1:]), tuple(known), tuple(float(np.mean(texts == own)) for own in known[1:]))

    def encode(self, columns: Columns) -> np.ndarray:
        """Columns of the design (n, q)."""
        if self.levels is None:
            return np.asarray(columns[self.name], dtype=float)[:, None]
        texts = as_texts(columns[self.name])
        dummies = np.array([texts == level for level in self.levels]).reshape(len(self.levels), len(texts)).T
        is_known = np.isin(texts, self.known)
        return np.where(is_known[:, None], dummies, np.array(self.otherwise)).astype(float)


def as_texts(values: np.ndarray) -> np.ndarray:
    """Text by which cells are compared (n,)."""
    distinct, place = np.unique(np.asarray(values, dtype=str), return_inverse=True)
    return np.array([same_text(each) for each in distinct], dtype=object)[place.reshape(-1)]


def design_of(kept: Sequence[Kept], columns: Columns, n: int) -> np.ndarray:
    return np.column_stack([np.empty((n, 0)), *(each.encode(columns) for each in kept)])


@dataclass(frozen=True, eq=False)
class WithoutBatches:
    """Features without what their batches add and multiply; ``fit`` is of the columns ``names``, ``batches`` are the
    training rows' in its order."""

    names: tuple[str, ...]
    fit: Combat
    batches: tuple[str, ...]
    batch: str
    kept: tuple[Kept, ...]
    unseen: str
    dropped: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str | Warn, ...] = ()

    kind: ClassVar[Kind] = "transforms values"

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.names

    @property
    def columns_read(self) -> tuple[str, ...]:
        return (self.batch, *(each.name for each in self.kept))

    @property
    def state(self) -> dict[str, Any]:
        fit = self.fit
        return {
            "names": list(self.names),
            "batch": self.batch,
            "batches": list(self.batches),
            "unseen": self.unseen,
            "kept": [
                {
                    "name": each.name,
                    "levels": None if each.levels is None else list(each.levels),
                    "known": list(each.known),
                    "otherwise": list(each.otherwise),
                }
                for each in self.kept
            ],
            "parametric": fit.is_parametric,
            "reference": fit.reference,
            "changed": fit.changed.tolist(),
            "center": fit.center.tolist(),
            "covariates": fit.covariates.tolist(),
            "spread": fit.spread.tolist(),
            "effects": [{"location": e.location.tolist(), "scale": e.scale.tolist()} for e in fit.effects],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> WithoutBatches:
        changed = np.array(state["changed"], dtype=bool)
        k = int(changed.sum())
        fit = Combat(
            changed,
            np.array(state["center"], dtype=float),
            np.array(state["covariates"], dtype=float).reshape(-1, k),
            np.array(state["spread"], dtype=float),
            tuple(
                BatchEffect(np.array(e["location"], dtype=float), np.array(e["scale"], dtype=float))
                for e in state["effects"]
            ),
            state["reference"],
            bool(state["parametric"]),
        )
        kept = tuple(
            Kept(
                each["name"],
                None if each["levels"] is None else tuple(each["levels"]),
                tuple(each["known"]),
                tuple(each["otherwise"]),
            )
            for each in state["kept"]
        )
        return cls(tuple(state["names"]), fit, tuple(state["batches"]), state["batch"], kept, state["unseen"])

    def only(self, outputs: Sequence[str]) -> WithoutBatches:
        """The same of these columns alone; all of them where new batches are estimated, which takes all features."""
        if self.unseen == "own_rows":
            return self
        rows = positions(self.names, outputs)
        fit = self.fit
        own = (np.cumsum(fit.changed) - 1)[rows][fit.changed[rows]]  # where those that change stand among these
        effects = tuple(BatchEffect(e.location[own], e.scale[own]) for e in fit.effects)
        less = replace(
            fit,
            changed=fit.changed[rows],
            center=fit.center[own],
            covariates=fit.covariates[:, own],
            spread=fit.spread[own],
            effects=effects,
        )
        return replace(self, names=tuple(outputs), fit=less)

    def reaches(self, columns: Columns) -> np.ndarray:
        batch = self._batches_of(columns)
        known = np.logical_and.reduce([~is_blank(np.asarray(columns[each.name])) for each in self.kept])
        return known & reached_batches(batch, self.batches, self.unseen)

    def apply(self, values: np.ndarray, names: Sequence[str], columns: Mapping[str, np.ndarray]) -> np.ndarray:
        own = take_columns(values, names, self.names)
        missing = [name for name in self.columns_read if name not in columns]
        if missing:
            raise DataError(
                f"the clinical column '{missing[0]}' is missing, and batch effects cannot be taken away without it."
                " Give a clinical table with the columns that they were estimated with."
            )
        self._refuse(columns)
        batch = self._batches_of(columns)
        x = design_of(self.kept, columns, len(own))
        new = sorted(set(batch) - set(self.batches)) if self.unseen == "own_rows" else []
        further = tuple(effect_of_new_batch(self.fit, own[batch == each], x[batch == each]) for each in new)
        number = {each: i for i, each in enumerate((*self.batches, *new))}
        return apply_combat(self.fit, own, np.array([number.get(each, -1) for each in batch]), x, further)

    def _batches_of(self, columns: Columns) -> np.ndarray:
        return as_texts(columns[self.batch])

    def _refuse(self, columns: Columns) -> None:
        reached = self.reaches(columns)
        if reached.all():
            return
        for each in self.kept:
            blank = is_blank(np.asarray(columns[each.name]))
            if blank.any():
                raise DataError(f"'{each.name}' is blank for {blank.sum()} of {blank.size} patients. Fill it in.")
        strange = sorted(set(self._batches_of(columns)[~reached]))
        raise DataError(
            f"{(~reached).sum()} of {reached.size} patients are of a batch ({self.batch} {name_some(strange)}) that"
            f" {_WHY[self.unseen]}. Batches known: {', '.join(self.batches)}."
        )


_WHY = {
    "refuse": "no training patient has",
    "own_rows": f"no training patient has, and of which fewer than {LEAST_OWN_ROWS} patients are there to estimate it",
    "unchanged": "is not known",
}


def name_some(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def reached_batches(batch: np.ndarray, seen: Sequence[str], unseen: str) -> np.ndarray:
    """Which rows (n,) a fit can be applied to whose training rows have the batches ``seen``."""
    reached = np.isin(batch, list(seen))
    if unseen == "unchanged":
        return np.ones(len(batch), dtype=bool)
    if unseen == "own_rows":
        distinct, place, n_of = np.unique(batch.astype(str), return_inverse=True, return_counts=True)
        reached |= ((n_of >= LEAST_OWN_ROWS) & (distinct != ""))[place.reshape(-1)]
    return reached
