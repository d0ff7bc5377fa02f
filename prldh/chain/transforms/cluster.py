"""One column in place of those that say the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from pydantic import Field

from prldh.chain.shared.linear import TIE, correlations, unit_columns
from prldh.chain.transforms.columnwise import of_patients
from prldh.core import Chosen, Fitted, Purpose, Reference, StepRun, TrainingRows
from prldh.engines import StatisticsEngine
from prldh.plugins import LearnerSettings


class ClusterSettings(LearnerSettings):
    threshold: float = Field(0.9, gt=0, le=1, description="features of a cluster correlate at least this much, |r|")
    linkage: Literal["complete", "average", "single"] = Field(
        "complete", description="every pair of a cluster, on average, or with its nearest"
    )
    coefficient: Literal["pearson", "spearman"] = Field("pearson", description="r of values or of ranks")


class ClusterTransform:
    """Hierarchical clusters of columns at the distance 1 − |r|, of each of which one column stays: the one with the
    largest mean |r| with the others. The outcome is not looked at."""

    name = "cluster"
    version = "1"
    gives: Literal["transforms values"] = "transforms values"
    Settings = ClusterSettings
    label = "Correlation clusters"
    short_label = "clusters"
    purposes = {
        Purpose.REDUNDANCY: "",
        Purpose.COLLINEARITY: "of each cluster of features correlated from {threshold} on one was kept",
    }
    references = (
        Reference(
            "buhlmann2013",
            "Bühlmann, Peter and Rütimann, Philipp and van de Geer, Sara and Zhang, Cun-Hui",
            "Correlated variables in regression: clustering and sparse estimation",
            "Journal of Statistical Planning and Inference",
            2013,
            "143",
            "1835--1858",
            "10.1016/j.jspi.2013.05.019",
        ),
    )

    def methods(self, run: StepRun) -> str:
        r = "Spearman's" if run.settings.get("coefficient") == "spearman" else "Pearson's"
        return (
            f"features were clustered by {run.settings.get('linkage', 'complete')} linkage, {r} |r| from {{threshold}}"
            " on, and of each cluster the one closest to the others was kept [@buhlmann2013]"
        )

    def fit(
        self, rows: TrainingRows, settings: ClusterSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Fitted:
        names = sorted(rows.names)  # wherever the columns stand: ties go by name
        values = of_patients(rows)[:, [rows.names.index(name) for name in names]]
        r = absolute_correlations(values, settings.coefficient)
        cluster_of = _clusters(r, settings.threshold, settings.linkage)
        dropped: dict[str, str] = {}
        clusters: dict[str, list[str]] = {}
        for number in np.unique(cluster_of):
            members = np.flatnonzero(cluster_of == number)
            best = members[_closest(r[np.ix_(members, members)])]
            others = members[members != best]
            dropped |= {names[j]: f"in the cluster of {names[best]} (|r| {r[j, best]:.2f} with it)" for j in others}
            if others.size:
                clusters[names[best]] = [names[j] for j in others]
        details = {
            "threshold": settings.threshold,
            "linkage": settings.linkage,
            "coefficient": settings.coefficient,
            "n_clusters": int(cluster_of.max(initial=0)),
            "clusters": dict(sorted(clusters.items())),
        }
        return Chosen(tuple(name for name in rows.names if name not in dropped), dropped, details)

    def from_state(self, state: Mapping[str, Any]) -> Fitted:
        return Chosen.from_state(state)


def absolute_correlations(values: np.ndarray, kind: str) -> np.ndarray:
    """|r| (p, p) of columns (n, p), Pearson's or of their ranks; 0 of a constant column with others."""
    if kind == "spearman":
        from scipy.stats import rankdata

        values = rankdata(values, axis=0)
    units = unit_columns(values)
    return np.minimum(np.abs([correlations(units, own) for own in units]), 1.0)


def _clusters(r: np.ndarray, threshold: float, linkage: str) -> np.ndarray:
    """The cluster (p,) of each column, from 1 on."""
    from scipy.cluster.hierarchy import fcluster
    from scipy.cluster.hierarchy import linkage as joined

    if len(r) < 2:
        return np.ones(len(r), dtype=np.int64)
    # distances that are equal up to rounding tie, and go by the columns' order
    distance = np.round((1 - r[np.triu_indices(len(r), 1)]) / TIE) * TIE
    return np.asarray(fcluster(joined(distance, linkage), 1 - threshold + TIE, "distance"))


def _closest(r: np.ndarray) -> int:
    """The member with the largest mean |r| with the others; the first of ties."""
    total = r.sum(axis=1) - np.diag(r)
    return int(np.argmax(total >= total.max() - TIE))
