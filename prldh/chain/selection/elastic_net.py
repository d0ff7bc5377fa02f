"""The features that the elastic net has a coefficient for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prldh.chain.selection.lasso import ElasticNetSettings, LassoSelector, LassoSettings
from prldh.core import REFERENCES
from prldh.engines import StatisticsEngine

#: Solved so far that which coefficients are 0 does not depend on where the solver stopped.
TOLERANCE = 1e-14


class ElasticNetSelector(LassoSelector):
    """Keep the features with a coefficient other than 0 in a logistic regression with the elastic net's penalty, which
    keeps features that say the same together, where the LASSO keeps one."""

    name = "elastic_net"
    Settings = ElasticNetSettings
    label = "Elastic net"
    short_label = "elastic net"
    explanation = "the elastic net keeps features that a penalised model makes use of, alike ones together"
    purposes = {}
    references = (
        REFERENCES["zou2005"],
        REFERENCES["friedman2010"],
    )

    def _called(self) -> str:
        return (
            "features were kept to which the elastic net [@zou2005; @friedman2010] with the mixing parameter {alpha}"
            " gave a coefficient"
        )

    def _path(
        self,
        standardised: np.ndarray,
        outcome: np.ndarray,
        fold: np.ndarray,
        settings: LassoSettings,
        engine: StatisticsEngine,
    ) -> Mapping[str, Any]:
        alpha = settings.alpha if isinstance(settings, ElasticNetSettings) else 1.0
        found: Mapping[str, Any] = engine.cv_elastic_net(standardised, outcome, fold, alpha=alpha, tolerance=TOLERANCE)
        return found
