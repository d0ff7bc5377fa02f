"""prldh: a statistics-first radiomics toolkit. The command line is ``prldh``; everything it does is here too.

>>> import prldh
>>> results = prldh.analyze("study.yaml", "out")           # doctest: +SKIP
>>> results.tables["models"]                               # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prldh.demo.features import demo_cohort
    from prldh.external.command import apply_models
    from prldh.extraction import Extraction, extract
    from prldh.pipeline import analyze
    from prldh.results import Results

__all__ = ["Extraction", "Results", "__version__", "analyze", "apply_models", "demo_cohort", "extract"]
__version__ = "0.1.0"

_HOME = {
    "analyze": "prldh.pipeline",
    "Results": "prldh.results",
    "demo_cohort": "prldh.demo.features",
    "extract": "prldh.extraction",
    "Extraction": "prldh.extraction",
    "apply_models": "prldh.external.command",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that ``prldh --help`` is quick."""
    if name in _HOME:
        from importlib import import_module

        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'prldh' has no attribute '{name}'")
