"""What is fitted on the features that are left of a tissue, and gives its score: log odds of the event."""

from __future__ import annotations

from prldh.chain.learners.contributions import Contributions, shap_values
from prldh.chain.learners.linear import LassoLearner, LogisticLearner
from prldh.chain.learners.registered import LEARNERS, YARDSTICKS

__all__ = ["LEARNERS", "YARDSTICKS", "Contributions", "LassoLearner", "LogisticLearner", "shap_values"]
