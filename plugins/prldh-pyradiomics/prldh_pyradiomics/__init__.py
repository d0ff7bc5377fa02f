"""PyRadiomics as a feature source of prldh, with a fast path that gives the same values."""

from __future__ import annotations

from prldh.api import hookimpl

__version__ = "0.1.0"


@hookimpl
def register_feature_sources() -> list:
    from prldh_pyradiomics.source import PyRadiomicsSource

    return [PyRadiomicsSource()]
