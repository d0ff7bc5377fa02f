"""PyRadiomics alone, with the refusals and corrections of the fast path; and those corrections."""

from __future__ import annotations

import numpy as np

from prldh.api import Case, StudyError
from prldh_pyradiomics.filters import check_log
from prldh_pyradiomics.own import run_pyradiomics
from prldh_pyradiomics.prepare import prepare
from prldh_pyradiomics.settings import Plan

#: Corrections that PyRadiomics itself cannot be given.
ONLY_OURS = {"bin_edges", "resampling_grid"}


def extract_slowly(case: Case, plan: Plan) -> tuple[dict[str, float], ...]:
    """Values of every reader's region by PyRadiomics alone, corrected as the plan says.

    Raises
    ------
    StudyError
        If the plan asks for what PyRadiomics cannot do.
    DataError
        If the image or a region cannot be used.
    """
    if ONLY_OURS & set(plan.corrections):
        raise StudyError(
            "extraction.pyradiomics: PyRadiomics itself cannot put bin edges and grids where IBSI does. "
            "Say backend: fast, or choose another preset."
        )
    if plan.options.get("outlierSigma") is not None:
        raise StudyError(
            "extraction.pyradiomics: outlierSigma is not a setting of PyRadiomics. Say backend: fast, or use"
            " resegmentMode: sigma."
        )
    n_voxels = [0] * len(case.masks)
    # for its refusals, and the number of voxels after resampling
    for prepared in prepare(case.image, case.masks, plan):
        if "LoG" in plan.image_types:
            sigmas = plan.image_types["LoG"].get("sigma", plan.options.get("sigma", []))
            check_log(prepared.image.values.shape, prepared.image.spacing_mm, sigmas)
        for reader, shape in zip(prepared.readers, prepared.shapes, strict=True):
            n_voxels[reader] = shape.n_voxels
    return tuple(
        correct(run_pyradiomics(case.image, mask, plan), plan, n) for mask, n in zip(case.masks, n_voxels, strict=True)
    )


def correct(values: dict[str, float], plan: Plan, n_voxels: int) -> dict[str, float]:
    """IBSI's definitions in place of PyRadiomics', where the plan asks for them.

    Kurtosis without its 3 (0 stays 0: a region of one value), and axis lengths of a covariance that divides by N − 1
    instead of N.
    """
    for name, value in values.items():
        if "kurtosis" in plan.corrections and name.endswith("_firstorder_Kurtosis"):
            values[name] = value - 3 if value else value
        if "axis_lengths" in plan.corrections and name.startswith("original_shape_") and name.endswith("AxisLength"):
            values[name] = value * float(np.sqrt(n_voxels / (n_voxels - 1)))
    return values
