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


def relative_difference(value: float, reference: float) -> float:
    """|value − reference| over |reference| or :data:`NOISE`, whichever is larger; 0 where both are NaN, infinite where
    one is."""
    if np.isnan(value) and np.isnan(reference) or value == reference:
        return 0.0
    difference = abs(value - reference)
    return float(difference / max(abs(reference), NOISE)) if np.isfinite(difference) else float("inf")


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
    return {name: relative_difference(ours[name], reference[name]) for name in ours}


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
