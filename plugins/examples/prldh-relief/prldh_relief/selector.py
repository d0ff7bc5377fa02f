"""A selection step: features whose values part near patients of unlike outcome (ReliefF, MultiSURF)."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from prldh.api import PluginError, Reference, Selection, SelectorSettings, StepRun, TrainingRows

if TYPE_CHECKING:
    from prldh.api import StatisticsEngine


class ReliefSettings(SelectorSettings):
    """What the study file may say: ``relief: {n: 20}``."""

    n: int = Field(20, ge=1, le=100_000, description="how many features stay")
    algorithm: Literal["relieff", "multisurf"] = Field(
        "relieff", description="ReliefF with a number of neighbours, or MultiSURF with those within a distance"
    )
    neighbours: int = Field(10, ge=1, le=1000, description="of each class, ReliefF; at most as many as there are")


class ReliefSelector:
    """Keep the ``n`` features with the largest Relief weights; of ties the first by name."""

    name = "relief"
    version = "1"
    Settings = ReliefSettings
    label = "Relief"
    explanation = "Relief keeps features that part near patients of unlike outcome"
    references = (
        Reference(
            "urbanowicz2018",
            "Urbanowicz, Ryan J. and Olson, Randal S. and Schmitt, Peter and others",
            "Benchmarking relief-based feature selection methods for bioinformatics data mining",
            "Journal of Biomedical Informatics",
            2018,
            "85",
            "168--188",
            "10.1016/j.jbi.2018.07.015",
        ),
    )

    def methods(self, run: StepRun) -> str:
        """Its part of the Methods."""
        return "the {n} features with the largest weights by {algorithm} [@urbanowicz2018] were kept"

    def check(self, settings: ReliefSettings) -> None:
        """Refuse, before anything is fitted, to run without scikit-rebate."""
        _skrebate()

    def fit(
        self, rows: TrainingRows, settings: ReliefSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Selection:
        """Training rows alone, in the order of their values, so that theirs in the table does not matter. Copies of a
        patient, as a bootstrap draws them, count once: they would be their own nearest neighbours."""
        varies = np.flatnonzero(np.ptp(rows.values, axis=0) > 0)
        weights = np.zeros(len(rows.names))
        if varies.size:
            own = sorted(varies, key=lambda j: rows.names[j])
            _, first = np.unique(np.column_stack([rows.patient, rows.values]), axis=0, return_index=True)
            x, y = rows.values[np.ix_(first, own)], rows.outcome[first]
            order = np.lexsort([*x.T[::-1], y])
            weights[own] = self._weights(x[order], y[order], settings)
        best = sorted(varies, key=lambda j: (-weights[j], rows.names[j]))[: settings.n]
        kept = np.sort(np.array(best, dtype=int))
        dropped = reasons(rows.names, weights, kept, varies, settings.n)
        largest = sorted((float(w) for w in weights[kept]), reverse=True)
        return Selection(kept, dropped, {"weights": largest})

    @staticmethod
    def _weights(x: np.ndarray, y: np.ndarray, settings: ReliefSettings) -> np.ndarray:
        library = _skrebate()
        x = (x - x.min(axis=0)) / np.ptp(x, axis=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if settings.algorithm == "multisurf":
                found = library.MultiSURF(n_features_to_select=1).fit(x, y)
            else:
                neighbours = min(settings.neighbours, int(min(y.sum(), len(y) - y.sum())) - 1)
                found = library.ReliefF(n_features_to_select=1, n_neighbors=max(1, neighbours)).fit(x, y)
        return np.round(found.feature_importances_, 12)


def reasons(
    names: tuple[str, ...], weights: np.ndarray, kept: np.ndarray, varies: np.ndarray, n: int
) -> dict[str, str]:
    """Why each feature goes."""
    stays, moves = set(kept.tolist()), set(varies.tolist())
    return {
        name: f"weight {weights[j]:.3g} is not among the {n} largest" if j in moves else "has one value"
        for j, name in enumerate(names)
        if j not in stays
    }


def _skrebate() -> Any:
    try:
        import skrebate
    except ImportError as error:
        raise PluginError(
            f"the step 'relief' needs scikit-rebate, which cannot be imported ({error}). Run: pip install skrebate"
        ) from error
    return skrebate
