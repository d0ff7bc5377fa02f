"""LightGBM as a learner of prldh."""

from __future__ import annotations

from prldh.api import hookimpl

api = 1


@hookimpl
def register_learners() -> list:
    from prldh_lightgbm.learner import LightgbmLearner

    return [LightgbmLearner()]
