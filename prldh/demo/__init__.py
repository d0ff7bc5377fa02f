"""The synthetic studies: two that the demo analyses, and images of four scanners."""

from __future__ import annotations

from prldh.demo.features import demo_cohort
from prldh.demo.run import run_demo, write_demo_data

__all__ = ["demo_cohort", "run_demo", "write_demo_data"]
