"""What changes every column by itself, by parameters of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np

from prldh.core import Kind, TrainingRows, positions, take_columns


@dataclass(frozen=True, eq=False)
class Columnwise(ABC):
    """Parameters of every column, each array with a row a column: (p,) or (p, q)."""

    names: tuple[str, ...]
    parameters: Mapping[str, np.ndarray]
    dropped: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    kind: ClassVar[Kind] = "transforms values"
    #: What it is called in its state.
    method: ClassVar[str]

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.names

    @property
    def state(self) -> dict[str, Any]:
        numbers = {key: each.tolist() for key, each in self.parameters.items()}
        return {"method": self.method, "names": list(self.names), "parameters": numbers}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        return cls(
            tuple(state["names"]),
            {key: np.array(each, dtype=np.float64) for key, each in state["parameters"].items()},
        )

    def only(self, outputs: Sequence[str]) -> Self:
        """The same of these columns alone."""
        rows = positions(self.names, outputs)
        return replace(self, names=tuple(outputs), parameters={k: each[rows] for k, each in self.parameters.items()})

    def apply(self, values: np.ndarray, names: Sequence[str], columns: Mapping[str, np.ndarray]) -> np.ndarray:
        return self.change(take_columns(values, names, self.names))

    @abstractmethod
    def change(self, values: np.ndarray) -> np.ndarray:
        """What becomes of rows (n, p) whose columns are its ``names``, in their order; blanks (NaN) stay."""


def of_patients(rows: TrainingRows) -> np.ndarray:
    """Reader 1's values (n, p), sorted by patient: sums do not depend on the order in which rows come."""
    return rows.values[np.argsort(rows.patient, kind="stable")]
