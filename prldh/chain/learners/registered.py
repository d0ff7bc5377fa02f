"""The built-in learners, from the plain to the flexible."""

from __future__ import annotations

from prldh.chain.learners.linear import LogisticLearner
from prldh.chain.learners.penalised import ElasticNetLearner, LassoLearner, RidgeLearner

LEARNERS = (LogisticLearner(), LassoLearner(), RidgeLearner(), ElasticNetLearner())
