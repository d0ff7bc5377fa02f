"""prldh: a statistics-first radiomics toolkit. The command line is ``prldh``; everything it does is here too.

>>> import prldh
>>> results = prldh.analyze("study.yaml", "out")           # doctest: +SKIP
>>> results.tables["models"]                               # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prldh.apply import apply_models, write_calculator
    from prldh.checklists import run_checklist
    from prldh.demo import demo_cohort
    from prldh.pipeline import analyze
    from prldh.report import RunComparison, compare_runs, read_results, render
    from prldh.results import Results
    from prldh.run import Extraction, check, extract, write_plan

__all__ = [
    "Extraction",
    "Results",
    "RunComparison",
    "__version__",
    "analyze",
    "apply_models",
    "check",
    "compare_runs",
    "demo_cohort",
    "extract",
    "read_results",
    "render",
    "run_checklist",
    "write_calculator",
    "write_plan",
]
__version__ = "0.1.0"

#: Rooms that are imported on first use, so that ``prldh --help`` is quick.
_ROOMS = (
    "apply",
    "chain",
    "checklists",
    "core",
    "data",
    "demo",
    "doctor",
    "engines",
    "plugins",
    "report",
    "results",
    "run",
    "study",
    "testing",
    "validation",
    "work",
)
_HOME = {
    "analyze": "prldh.pipeline",
    "Results": "prldh.results",
    "demo_cohort": "prldh.demo",
    "extract": "prldh.run",
    "Extraction": "prldh.run",
    "check": "prldh.run",
    "write_plan": "prldh.run",
    "apply_models": "prldh.apply",
    "write_calculator": "prldh.apply",
    "compare_runs": "prldh.report",
    "RunComparison": "prldh.report",
    "render": "prldh.report",
    "read_results": "prldh.report",
    "run_checklist": "prldh.checklists",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in _ROOMS:
        return import_module(f"prldh.{name}")
    raise AttributeError(f"module 'prldh' has no attribute '{name}'")


def __dir__() -> list[str]:
    """What is meant to be used, and nothing that is imported for it."""
    return sorted(__all__)
