"""The fast path against PyRadiomics itself, feature by feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from prldh.api import Case, PluginError
from prldh_pyradiomics.fast import extract_fast
from prldh_pyradiomics.settings import Settings, make_plan
from prldh_pyradiomics.slow import ONLY_OURS, extract_slowly

#: Below this a value of PyRadiomics is rounding around 0, and differences are counted as if it were this large.
NOISE = 1e-5
#: Features that are in grey levels and 0 where these are all the same.
DEVIATIONS = frozenset(("InterquartileRange", "MeanAbsoluteDeviation", "Range", "RobustMeanAbsoluteDeviation"))


def relative_difference(value: float, reference: float, noise: float = NOISE) -> float:
    """|value − reference| over |reference| or ``noise``, whichever is larger; 0 where both are NaN, infinite where one
    is."""
    if np.isnan(value) and np.isnan(reference) or value == reference:
        return 0.0
    difference = abs(value - reference)
    return float(difference / max(abs(reference), noise)) if np.isfinite(difference) else float("inf")


def compare(ours: Mapping[str, float], reference: Mapping[str, float]) -> dict[str, float]:
    """Relative differences by feature.

    Raises
    ------
    PluginError
        If names or their order differ.
    """
    if list(ours) != list(reference):
        other = [name for name in {**ours, **reference} if (name in ours) != (name in reference)]
        raise PluginError(
            f"the fast path and PyRadiomics give different features: {', '.join(other[:5]) or 'in another order'}. "
            "Report this, and say backend: pyradiomics."
        )
    return {name: relative_difference(ours[name], reference[name], _noise(name, reference)) for name in ours}


def _noise(name: str, reference: Mapping[str, float]) -> float:
    """What is rounding around 0 of a feature: of a deviation in grey levels, as of a region of which nine tenths have
    one value, it grows with these."""
    image, is_first_order, feature = name.partition("_firstorder_")
    if not is_first_order or feature not in DEVIATIONS:
        return NOISE
    levels = (abs(reference.get(f"{image}_firstorder_{end}", 0.0)) for end in ("Minimum", "Maximum"))
    return NOISE * max(1.0, *levels)


def verify(cases: Case | Sequence[Case], settings: Settings) -> dict[str, float]:
    """The largest relative difference of each feature between the fast path and PyRadiomics, over cases and their
    readers.

    IBSI's bin edges and resampling, which PyRadiomics cannot have, are left out of both.
    """
    worst: dict[str, float] = {}
    for case in [cases] if isinstance(cases, Case) else cases:
        plan = make_plan(settings, case.image.modality)
        plan = replace(plan, corrections=tuple(c for c in plan.corrections if c not in ONLY_OURS))
        for ours, reference in zip(extract_fast(case, plan), extract_slowly(case, plan), strict=True):
            for name, difference in compare(ours, reference).items():
                worst[name] = max(difference, worst.get(name, 0.0))
    return worst
