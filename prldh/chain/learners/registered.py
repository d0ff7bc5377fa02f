"""The built-in learners, from the plain to the flexible."""

from __future__ import annotations

from prldh.chain.learners.linear import LassoLearner, LogisticLearner

LEARNERS = (LogisticLearner(), LassoLearner())
