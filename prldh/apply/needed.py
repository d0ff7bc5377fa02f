"""How many patients a validation of a model in such patients needs, beside those there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from prldh.chain import probability
from prldh.core import finite
from prldh.engines import StatisticsEngine
from prldh.results import honest_auc

CRITERIA = ("observed_expected", "slope", "auc", "net_benefit")
#: Wanted standard errors, as Riley et al. (2021) choose them: 95 % intervals 0.2 wide, of the c-statistic 0.1.
TARGETS = {
    "se_log_observed_expected": 0.051,
    "se_slope": 0.2 / 3.92,
    "se_auc": 0.1 / 3.92,
    "se_net_benefit": 0.051,
}


def describe_needed(
    eta: np.ndarray,
    outcome: np.ndarray,
    threshold: float | None,
    in_study: Mapping[str, Any],
    engine: StatisticsEngine,
) -> dict[str, Any]:
    """Riley et al.'s criteria for one model.

    Parameters
    ----------
    eta : (n,) array
        Its log odds in all patients of the cohort that it predicts.
    outcome : (m,) array
        Of those whose outcome is known. Their share of events is the one that is anticipated or, where one class or
        nobody is there, the mean prediction.
    threshold : float or None
        The model's own, for net benefit.
    in_study
        The model's entry in ``results.json``: its held-out AUC is the one that is anticipated, or else the apparent.
    """
    is_observed = bool(len(outcome)) and 0 < outcome.sum() < len(outcome)
    prevalence = float(outcome.mean() if is_observed else probability(eta).mean())
    held_out = honest_auc(dict(in_study)) if in_study.get("validation") else None
    area = held_out[2].get("estimate") if held_out else None
    anticipated = area if area is not None else in_study.get("auc", {}).get("estimate")
    if not 0 < prevalence < 1:
        return {"n": None, "reason": "all predictions are 0 or 1"}
    answer = engine.compute(
        "external_sample_size",
        prevalence=prevalence,
        log_odds=eta,
        auc=np.nan if anticipated is None else float(anticipated),
        threshold=np.nan if threshold is None else threshold,
        **TARGETS,
    )
    return {
        "prevalence": prevalence,
        "prevalence_is": "observed" if is_observed else "predicted",
        "auc": anticipated,
        "auc_is": "apparent" if area is None else "held out",
        "threshold": threshold,
        "sensitivity": finite(answer["sensitivity"]),
        "specificity": finite(answer["specificity"]),
        "targets": TARGETS,
        "criteria": [_criterion(name, answer[f"n_{name}"], prevalence) for name in CRITERIA],
        "n": int(answer["n"]),
        "events": int(answer["events"]),
    }


def _criterion(name: str, n: float, prevalence: float) -> dict[str, Any]:
    size = finite(n)
    events = None if size is None else int(np.ceil(round(size * prevalence, 9)))
    return {"name": name, "n": None if size is None else int(size), "events": events}
