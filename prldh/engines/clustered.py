"""An engine for rows of which several may be one patient's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import norm

from prldh.core import Warn
from prldh.engines.protocol import StatisticsEngine, Versions

NAN = float("nan")
#: What each statistic says of chance, which takes rows to be independent and has no clustered form here.
OF_INDEPENDENT_ROWS: Mapping[str, tuple[str, ...]] = {
    "auc": ("variance", "low", "high"),
    "brier_score": ("low", "high"),
    "calibration": ("spiegelhalter_z", "spiegelhalter_p"),
    "categorical_test": ("statistic", "p"),
    "compare_auc": ("low", "high", "statistic", "p"),
    "compare_independent_auc": ("low", "high", "statistic", "p"),
    "compare_partial_auc_asymptotic": ("low", "high", "statistic", "p"),
    "continuous_test": ("statistic", "p"),
    "fit_firth": ("standard_errors", "p_values", "covariance"),
    "fit_logistic": ("standard_errors", "p_values", "covariance"),
    "hosmer_lemeshow": ("p",),
    "likelihood_ratio": ("statistic", "p"),
    "likelihood_ratio_firth": ("statistic", "p"),
    "mean_of_folds": ("low", "high", "se"),
    "proportion": ("low", "high"),
    "univariate_screen": ("w", "p_wilcoxon", "t", "p_t"),
}
#: Statistics that are arrays of limits.
LIMITS = ("profile_limits", "firth_limits")


class ClusteredEngine(StatisticsEngine):
    """Another engine's numbers, with variances and tests of rows that are clustered in patients; what has no clustered
    form is NaN. Samples that it is given are samples of patients.

    Parameters
    ----------
    engine
        Whose numbers they are.
    patient : (n,) int array
        The same number for rows of one patient, of all rows that it will be asked of; of others there are estimates
        alone.
    """

    def __init__(self, engine: StatisticsEngine, patient: np.ndarray) -> None:
        self.engine, self.patient, self.name = engine, patient, engine.name

    @property
    def warnings(self) -> list[Warn]:  # type: ignore[override]  # the other engine's, as it has them
        return self.engine.warnings

    @property
    def called(self) -> set[str]:  # type: ignore[override]  # the other engine's, as it has them
        return self.engine.called

    def of_rows(self, rows: np.ndarray) -> ClusteredEngine:
        return ClusteredEngine(self.engine, self.patient[rows])

    @property
    def is_clustered(self) -> bool:
        return True

    def count_patients(self, is_own: np.ndarray) -> int:
        return int(np.unique(self.patient[is_own]).size)

    @property
    def auc_method(self) -> str:
        return "Obuchowski, rows clustered in patients,"

    @property
    def plain(self) -> StatisticsEngine:
        return self.engine

    def versions(self) -> Versions:
        return self.engine.versions()

    def packages_called(self) -> tuple[str, ...]:
        return self.engine.packages_called()

    def close(self) -> None:
        self.engine.close()

    def compute(self, statistic: str, **arguments: Any) -> Any:
        if len(np.atleast_1d(arguments.get("outcome", ()))) == len(self.patient):
            if statistic in ("auc", "compare_auc", "brier_score"):
                clustered = {"auc": "clustered_auc", "compare_auc": "compare_clustered_auc"}
                own = clustered.get(statistic, "clustered_brier_score")
                return self.engine.compute(own, **arguments, patient=self.patient)
            if statistic == "fit_logistic":
                return self._fit(arguments)
            if statistic == "profile_limits":
                return self._limits(**arguments)
        answer = self.engine.compute(statistic, **arguments)
        if statistic in LIMITS:
            return np.full_like(answer, NAN)
        nothing: list[str] = [key for key in OF_INDEPENDENT_ROWS.get(statistic, ()) if key in answer]
        if statistic == "reclassification":
            nothing = [key for key in answer if key.endswith(("_low", "_high", "_z", "_p"))]
        return {**answer, **{key: answer[key] * NAN for key in nothing}} if nothing else answer

    def _fit(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """A logistic model with sandwich standard errors."""
        answer = self.engine.compute("fit_logistic", **arguments)
        covariance = np.asarray(self.engine.compute("clustered_covariance", **arguments, patient=self.patient))
        errors = np.sqrt(np.diag(covariance))
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2.0 * norm.sf(np.abs(np.asarray(answer["coefficients"]) / errors))
        return {**answer, "standard_errors": errors, "p_values": p, "covariance": covariance}

    def _limits(self, design: Any, outcome: Any, level: float) -> np.ndarray:
        """Wald's limits (k, 2) by the sandwich; NaN where the fit tells the outcomes apart, as the residuals that the
        sandwich is made of then vanish."""
        fit = self._fit({"design": design, "outcome": outcome})
        eta, y = np.asarray(design, dtype=float) @ np.asarray(fit["coefficients"], dtype=float), np.asarray(outcome)
        if eta[y == 1].min(initial=np.inf) > eta[y == 0].max(initial=-np.inf):
            return np.full((len(fit["coefficients"]), 2), NAN)
        half = norm.ppf((1 + level) / 2) * fit["standard_errors"]
        return np.column_stack([fit["coefficients"] - half, fit["coefficients"] + half])
