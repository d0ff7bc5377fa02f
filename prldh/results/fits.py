"""How a run's models were fitted, for whoever tells it: what limits their odds ratios have, and what is fitted anew
where models alone are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from prldh.models import AS_IS, FIRTH
from prldh.results.lead import is_clustered

PROFILE, PENALISED, POOLED_WALD, SANDWICH = "profile", "penalised", "pooled", "sandwich"


def odds_ratio_limits(data: Mapping[str, Any]) -> list[str]:
    """The kinds of limits that the odds ratios of a run's models have; none of a model that is a score as it is."""
    fitted = [m for m in data["models"] if m.get("fit") != AS_IS]
    return [kind for kind in (PROFILE, PENALISED, POOLED_WALD, SANDWICH) if kind in {_limits(data, m) for m in fitted}]


def _limits(data: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    if is_clustered(data):
        return SANDWICH
    if model.get("n_imputations"):
        return POOLED_WALD
    return PENALISED if model.get("fit") == FIRTH else PROFILE


def refitted_alone(models: Iterable[Mapping[str, Any]]) -> str:
    """What is fitted anew with these models refitted: of a score as it is nothing."""
    as_is = {m.get("fit") == AS_IS for m in models}
    if as_is == {True}:
        return "nothing but the threshold"
    return "the logistic model alone" + " (of a Radscore as it is, nothing)" * (True in as_is)
