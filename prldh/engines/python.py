"""The Python engine: every number from :mod:`prldh.stats`."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

import numpy as np

from prldh.core import Warn, warn
from prldh.engines.packages import PACKAGES, packages_of
from prldh.engines.protocol import WHOLE_NUMBERS, StatisticsEngine, Versions, is_array
from prldh.stats import find_statistic, is_nearly_certain


class PythonEngine(StatisticsEngine):
    """Statistics by NumPy, SciPy and numba; see :class:`prldh.engines.protocol.StatisticsEngine` for the functions.

    Attributes
    ----------
    warnings : list of Warn
        What a reader of the numbers has to know, in order. Nothing is printed.

    Examples
    --------
    >>> engine = PythonEngine()
    >>> engine.auc([0, 0, 1, 1], [1.0, 2.0, 2.0, 3.0])["estimate"]
    0.875
    """

    name = "python"

    def __init__(self) -> None:
        self.warnings: list[Warn] = []
        self.called: set[str] = set()

    def compute(self, statistic: str, **arguments: Any) -> Any:
        """The function of that name in :mod:`prldh.stats`."""
        self.called.add(statistic)
        given = {
            name: np.asarray(value, dtype=None if name in WHOLE_NUMBERS else float) if is_array(value) else value
            for name, value in arguments.items()
        }
        answer = find_statistic(statistic)(**given)
        self.warnings += [
            warn.ENGINE_REMARK(engine=self.name, function=statistic, message=message)
            for message in _remarks(statistic, given, answer)
        ]
        return answer

    def versions(self) -> Versions:
        """``{"version": Python's, "packages": {name: version, or None where it is not installed}}``."""
        return {"version": platform.python_version(), "packages": {name: _version(name) for name in PACKAGES}}

    def packages_called(self) -> tuple[str, ...]:
        """The packages whose functions the statistics run that were asked for."""
        return packages_of(find_statistic(name) for name in sorted(self.called))

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""


def _remarks(statistic: str, given: Mapping[str, Any], answer: Any) -> Iterator[str]:
    """What has to be known of an answer, as R's functions warn of it."""
    if statistic in ("fit_logistic", "fit_firth") and not answer["converged"]:
        yield f"no convergence in {answer['iterations']:.0f} iterations"
    if statistic == "fit_logistic" and is_nearly_certain(given["design"], answer["coefficients"]):
        yield "fitted probabilities numerically 0 or 1 occurred"
    if statistic == "hosmer_lemeshow" and answer["n_groups"] < given.get("groups", 10):
        yield f"ties left {answer['n_groups']:.0f} of the {given.get('groups', 10)} groups asked for"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
