"""What is fitted on the features that are left of a tissue, and gives its score: log odds of the event."""

from __future__ import annotations

from prldh.chain.learners.linear import RADSCORES, LogisticLearner
from prldh.chain.learners.penalised import ElasticNetLearner, LassoLearner, RidgeLearner
from prldh.chain.learners.registered import LEARNERS

__all__ = ["LEARNERS", "RADSCORES", "ElasticNetLearner", "LassoLearner", "LogisticLearner", "RidgeLearner"]
