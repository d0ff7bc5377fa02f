"""The statistics engines: one protocol, R's and Python's."""

from __future__ import annotations

from prldh.engines.clustered import ClusteredEngine
from prldh.engines.packages import PACKAGES, packages_of
from prldh.engines.protocol import StatisticsEngine, Versions
from prldh.engines.python import PythonEngine
from prldh.engines.r import REngine
from prldh.engines.r_home import r_available, r_sources

__all__ = [
    "ClusteredEngine",
    "PACKAGES",
    "PythonEngine",
    "REngine",
    "StatisticsEngine",
    "Versions",
    "packages_of",
    "r_available",
    "r_sources",
]
