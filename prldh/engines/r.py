"""The R engine: every number from R itself, through the R package in ``r/``. How R is found and called: ``r_home.py``,
``r_session.py``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from prldh.core import Warn, warn
from prldh.engines.packages import r_packages_of
from prldh.engines.protocol import WHOLE_NUMBERS, StatisticsEngine, Versions, is_array
from prldh.engines.r_session import evaluate, is_list, text_or_none, to_python
from prldh.stats import is_vector


class REngine(StatisticsEngine):
    """Statistics by R. The functions, their arguments and results are those of the R package ``prldh``.

    Attributes
    ----------
    warnings : list of Warn
        What R warned about, in order. Nothing is printed.

    Raises
    ------
    EngineError
        By every method: if R, rpy2 or an R package is missing, if R reports an error, or if R was started before this
        process was forked off.

    Examples
    --------
    >>> engine = REngine()
    >>> engine.auc([0, 0, 1, 1], [1.0, 2.0, 2.0, 3.0])["estimate"]  # doctest: +SKIP
    0.875
    """

    name = "r"

    def __init__(self) -> None:
        self.warnings: list[Warn] = []
        self.called: set[str] = set()
        self._versions: Versions | None = None

    def compute(self, statistic: str, **arguments: Any) -> Any:
        """The function of that name in the R package."""
        self.called.add(statistic)
        given = {name.removesuffix("_"): _as_r_takes_it(name, value) for name, value in arguments.items()}
        value = self._evaluate(statistic, given)
        if not is_list(value):
            return to_python(value, is_vector(statistic))
        return {key: to_python(item, is_vector(statistic, key)) for key, item in zip(value.names, value, strict=True)}

    def pool_covariance(self, estimates: ArrayLike, covariances: ArrayLike) -> np.ndarray:
        """Total covariance of pooled estimates; the covariances (m, k, k) go to R one below the other."""
        stacked = np.asarray(covariances, dtype=np.float64)
        return super().pool_covariance(estimates, stacked.reshape(-1, stacked.shape[-1]))

    def versions(self) -> Versions:
        """``{"version": R's, "packages": {name: version, or None where it is not installed}}``."""
        if self._versions is None:
            vector = self._evaluate("package_versions", {})
            versions = dict(zip(vector.names, (text_or_none(v) for v in vector), strict=True))
            number = versions.pop("R")
            self._versions = {"version": number, "packages": {k: v for k, v in versions.items() if k != "stats"}}
        return self._versions

    def packages_called(self) -> tuple[str, ...]:
        """R's packages whose functions the statistics run that were asked for, where they are installed."""
        called, installed = r_packages_of(self.called), self.versions()["packages"]
        return tuple(name for name in installed if name in called and installed[name])

    def use_own_code(self, own: bool = True) -> None:
        """Take Hosmer-Lemeshow, decision and impact curves from prldh's own R code even where R has packages for
        them."""
        self._evaluate("use_own_code", {"own": bool(own)})

    def _evaluate(self, function: str, arguments: dict[str, Any]) -> Any:
        """R's value of one function; what R warns of is kept."""
        value, messages = evaluate(function, arguments)
        remarks = (" ".join(m.removeprefix(f"{function}: ").split()) for m in messages)
        self.warnings += [warn.ENGINE_REMARK(engine=self.name, function=function, message=m) for m in remarks]
        return value

    def close(self) -> None:
        """Do nothing: an embedded R lives as long as its process."""


def _as_r_takes_it(name: str, value: Any) -> Any:
    """An argument as R has it: row numbers end to end, other arrays as they are, of floats; each number a float."""
    if not is_array(value):
        return value if isinstance(value, (str, bool)) else float(value)
    if name in WHOLE_NUMBERS:
        return np.ascontiguousarray(value, dtype=np.int32).reshape(-1)
    return np.asarray(value, dtype=np.float64)
