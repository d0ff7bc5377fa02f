"""What is fitted on the features that are left of a tissue, and gives its score: log odds of the event."""

from __future__ import annotations

from prldh.chain.learners.contributions import Contributions, shap_values
from prldh.chain.learners.linear import RADSCORES, LogisticLearner
from prldh.chain.learners.mean import linear_scores
from prldh.chain.learners.penalised import ElasticNetLearner, LassoLearner, RidgeLearner
from prldh.chain.learners.registered import LEARNERS, YARDSTICKS

__all__ = [
    "Contributions",
    "ElasticNetLearner",
    "LEARNERS",
    "LassoLearner",
    "LogisticLearner",
    "RADSCORES",
    "RidgeLearner",
    "YARDSTICKS",
    "linear_scores",
    "shap_values",
]
