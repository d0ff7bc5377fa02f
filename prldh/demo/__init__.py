"""The two synthetic studies."""

from __future__ import annotations

from prldh.demo.features import demo_cohort
from prldh.demo.run import run_demo

__all__ = ["demo_cohort", "run_demo"]
