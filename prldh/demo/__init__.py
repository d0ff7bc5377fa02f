"""The synthetic studies: two that the demo analyses, images with two readers, and images of four scanners."""

from __future__ import annotations

from prldh.demo.features import demo_cohort
from prldh.demo.run import run_demo

__all__ = ["demo_cohort", "run_demo"]
