"""Principal components in place of the columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from prldh.chain.shared.linear import TIE, standardise
from prldh.chain.transforms.columnwise import of_patients
from prldh.core import Fitted, Kind, Reference, StepRun, TrainingRows, bounds, take_columns
from prldh.engines import StatisticsEngine
from prldh.plugins import LearnerSettings


class PcaSettings(LearnerSettings):
    components: int | None = Field(
        None, ge=1, le=bounds.FEATURES, description="how many; unset: by the share of variance"
    )
    variance: float = Field(0.95, gt=0, le=1, description="the fewest components that explain this share")


@dataclass(frozen=True, eq=False)
class Components:
    """Sums of standardised columns: ``center`` and ``scale`` (p,), ``loadings`` (k, p), a row a component."""

    names: tuple[str, ...]
    outputs: tuple[str, ...]
    center: np.ndarray
    scale: np.ndarray
    loadings: np.ndarray
    dropped: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    kind: ClassVar[Kind] = "transforms values"

    @property
    def state(self) -> dict[str, Any]:
        numbers = {key: getattr(self, key).tolist() for key in ("center", "scale", "loadings")}
        return {"names": list(self.names), "outputs": list(self.outputs), **numbers}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Components:
        center, scale, loadings = (np.array(state[key], dtype=np.float64) for key in ("center", "scale", "loadings"))
        return cls(tuple(state["names"]), tuple(state["outputs"]), center, scale, loadings)

    def only(self, outputs: Sequence[str]) -> Components:
        """The same with these components alone."""
        loadings = self.loadings[[self.outputs.index(name) for name in outputs]]
        return Components(self.names, tuple(outputs), self.center, self.scale, loadings)

    def apply(self, values: np.ndarray, names: Sequence[str], columns: Mapping[str, np.ndarray]) -> np.ndarray:
        own = (take_columns(values, names, self.names) - self.center) / self.scale
        scores = np.zeros((len(own), len(self.loadings)))
        for j, loading in enumerate(self.loadings.T):  # column by column: equal rows have equal sums
            scores += own[:, j, None] * loading
        return scores


class PcaTransform:
    """Principal components of the standardised columns."""

    name = "pca"
    version = "1"
    gives: Literal["transforms values"] = "transforms values"
    Settings = PcaSettings
    label = "Principal components"
    short_label = "PCA"
    references = (
        Reference(
            "jolliffe2016",
            "Jolliffe, Ian T. and Cadima, Jorge",
            "Principal component analysis: a review and recent developments",
            "Philosophical Transactions of the Royal Society A",
            2016,
            "374",
            "20150202",
            "10.1098/rsta.2015.0202",
        ),
    )

    def methods(self, run: StepRun) -> str:
        if run.settings.get("components"):
            return (
                "standardised features were replaced by their first {components} principal components [@jolliffe2016]"
            )
        return (
            "standardised features were replaced by the fewest principal components that explain the share {variance}"
            " of their variance [@jolliffe2016]"
        )

    def fit(
        self, rows: TrainingRows, settings: PcaSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Fitted:
        names = tuple(sorted(rows.names))  # wherever the columns stand
        values = of_patients(rows)[:, [rows.names.index(name) for name in names]]
        z, center, scale = standardise(values)
        _, s, directions = np.linalg.svd(z, full_matrices=False)
        n_there = int((s > s.max(initial=0.0) * max(z.shape) * np.finfo(np.float64).eps).sum())
        share = s[:n_there] ** 2 / max((s**2).sum(), np.finfo(np.float64).tiny)
        wanted = settings.components or int(np.sum(np.cumsum(share) < settings.variance - TIE)) + 1
        k = min(wanted, n_there)
        remarks = (
            (f"{k} components in place of {wanted}: there are no more",) if settings.components and k < wanted else ()
        )
        details = {
            "components": k,
            "share": share[:k].tolist(),
            "n_there": n_there,
        }
        of = f" of {rows.source}" if rows.source else ""
        outputs = tuple(f"PC{j + 1}{of}" for j in range(k))
        return Components(names, outputs, center, scale, _signed(directions[:k]), {}, details, remarks)

    def from_state(self, state: Mapping[str, Any]) -> Fitted:
        return Components.from_state(state)


def _signed(directions: np.ndarray) -> np.ndarray:
    """The same components (k, p), each with its largest loading positive; the first of those that tie."""
    size = np.abs(directions)
    if not size.size:
        return directions
    largest = np.argmax(size >= size.max(axis=1, keepdims=True) - TIE, axis=1)
    return directions * np.sign(directions[np.arange(len(directions)), largest])[:, None]
