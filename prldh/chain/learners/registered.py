"""The built-in learners, from the plain to the flexible."""

from __future__ import annotations

from prldh.chain.learners.boosting import BoostingLearner
from prldh.chain.learners.linear import LogisticLearner
from prldh.chain.learners.linear_svm import LinearSvmLearner
from prldh.chain.learners.mean import MeanLearner
from prldh.chain.learners.penalised import ElasticNetLearner, LassoLearner, RidgeLearner
from prldh.chain.learners.random_forest import RandomForestLearner

LEARNERS = (
    LogisticLearner(),
    LassoLearner(),
    RidgeLearner(),
    ElasticNetLearner(),
    LinearSvmLearner(),
    RandomForestLearner(),
    BoostingLearner(),
    MeanLearner(),
)

#: Plain ones that every study is measured by.
YARDSTICKS = (LassoLearner(), RidgeLearner())
