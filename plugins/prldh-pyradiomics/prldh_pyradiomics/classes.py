"""PyRadiomics' own feature classes, fed with matrices that are already there.

The formulas are PyRadiomics': each class below inherits them and replaces only what takes time, which is making the
matrices and a few sums over all voxels. Matrices have the same shape and order of memory as PyRadiomics', so that even
rounding is the same.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from prldh_pyradiomics import kernels
from prldh_pyradiomics.texture import GreyLevels


def in_pyradiomics_order(p: np.ndarray, n_absent: int) -> np.ndarray:
    """The same matrix (1, level, level, direction) in the order of memory that PyRadiomics' has after deleting
    ``n_absent`` levels.

    ``numpy.delete`` leaves another order behind for one index than for none or several. Sums follow the order of
    memory, and features that are 0 but for rounding (the cluster shade of a symmetric matrix) follow the sums.
    """
    return p if n_absent == 1 else np.delete(np.delete(p, [], 1), [], 2)


def direction_weights(
    norm: str | None, angles: np.ndarray, spacing_mm: tuple[float, ...], decay: bool
) -> np.ndarray | None:
    """Weights of directions by their length in mm (z, y, x): the length, or exp(−length²) where it decays. None without
    a norm."""
    if norm is None:
        return None
    steps = np.abs(angles) * np.asarray(spacing_mm)
    if norm == "infinity":
        length = steps.max(axis=1)
    elif norm == "euclidean":
        length = np.sqrt((steps**2).sum(axis=1))
    elif norm == "manhattan":
        length = steps.sum(axis=1)
    else:
        return np.ones(len(angles))
    return np.exp(-(length**2)) if decay else length


class _Prepared:
    """What all fast classes share: PyRadiomics' attributes without its SimpleITK images."""

    getFeatureNames: Callable[[], dict[str, bool]]

    def __init__(self, grey: GreyLevels) -> None:
        self.grey = grey
        self.logger = logging.getLogger(type(self).__mro__[2].__module__)
        self.settings = grey.options
        self.label = 1
        self.voxelBased = False
        self.enabledFeatures: dict[str, bool] = {}
        self.featureValues: dict[str, Any] = {}
        self.featureNames = self.getFeatureNames()
        self.coefficients: dict[str, Any] = {"grayLevels": grey.levels, "Ng": int(grey.levels[-1])}
        self.symmetricalGLCM = grey.options.get("symmetricalGLCM", True)
        self.weightingNorm = grey.options.get("weightingNorm")
        self.gldm_a = grey.options.get("gldm_a", 0)
        self.voxelArrayShift = grey.options.get("voxelArrayShift", 0)
        self.pixelSpacing = grey.region.spacing_mm[::-1]

    def _drop_empty(self, p: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Without the directions in which nothing was counted (unless there is only one); what is left empty is NaN in
        the total."""
        if p.shape[-1] > 1:
            empty = np.where(np.sum(total, 0) == 0)
            if len(empty[0]):
                p, total = np.delete(p, empty, p.ndim - 1), np.delete(total, empty, 1)
        total[total == 0] = np.nan
        return p, total


@functools.lru_cache(maxsize=1)
def fast_classes() -> dict[str, type]:
    """The fast classes by PyRadiomics' name of the class; imports radiomics."""
    from radiomics import gldm, glszm, ngtdm

    class Gldm(_Prepared, gldm.RadiomicsGLDM):
        def _initCalculation(self, voxelCoordinates: Any = None) -> None:
            table = self.grey.dependence
            present = np.flatnonzero(table.sum(axis=0))
            self.P_gldm = table[None][:, :, present].astype(float)
            per_size, per_level = self.P_gldm.sum(axis=1), self.P_gldm.sum(axis=2)
            self.coefficients |= {
                "Nz": per_size.sum(axis=1),
                "pd": per_size,
                "pg": per_level,
                "ivector": self.grey.levels.astype(float),
                "jvector": present + 1.0,
            }

    class Glszm(_Prepared, glszm.RadiomicsGLSZM):
        def _initCalculation(self, voxelCoordinates: Any = None) -> None:
            table, sizes = self.grey.zones
            self.P_glszm = table[None].astype(float)
            per_size, per_level = self.P_glszm.sum(axis=1), self.P_glszm.sum(axis=2)
            self.coefficients |= {
                "Nz": per_size.sum(axis=1),
                "Np": np.array([float(self.grey.region.n_voxels)]),
                "ps": per_size,
                "pg": per_level,
                "ivector": self.grey.levels.astype(float),
                "jvector": sizes.astype(float),
            }

    class Ngtdm(_Prepared, ngtdm.RadiomicsNGTDM):
        def _calculateMatrix(self, voxelCoordinates: Any = None) -> np.ndarray:
            return np.stack(
                [self.grey.counts.astype(float), self.grey.differences, self.grey.levels.astype(float)], axis=1
            )[None]

    return {
        "glcm": _glcm(),
        "gldm": Gldm,
        "glrlm": _glrlm(),
        "glszm": Glszm,
        "ngtdm": Ngtdm,
    }


def _glrlm() -> type:
    from radiomics import glrlm

    class Glrlm(_Prepared, glrlm.RadiomicsGLRLM):
        def _calculateMatrix(self, voxelCoordinates: Any = None) -> np.ndarray:
            runs, angles = self.grey.runs
            weights = direction_weights(self.weightingNorm, angles, self.grey.region.spacing_mm, decay=False)
            p = runs[None].astype(float)
            if weights is not None:
                p = np.sum(p * weights, axis=3, keepdims=True)
            p, self.coefficients["Nr"] = self._drop_empty(p, p.sum(axis=(1, 2)))
            return p

    return Glrlm


def _glcm() -> type:
    from radiomics import glcm

    class Glcm(_Prepared, glcm.RadiomicsGLCM):
        def _calculateMatrix(self, voxelCoordinates: Any = None) -> np.ndarray:
            pairs, angles = self.grey.pairs
            weights = direction_weights(self.weightingNorm, angles, self.grey.region.spacing_mm, decay=True)
            p = in_pyradiomics_order(
                pairs[None].astype(float, order="C"), int(self.grey.levels[-1]) - self.grey.n_levels
            )
            if self.symmetricalGLCM:
                p += pairs.transpose(1, 0, 2)[None]
            if weights is not None:
                p = np.sum(p * weights, axis=3, keepdims=True)
            p, total = self._drop_empty(p, p.sum(axis=(1, 2)))
            p /= total[:, None, None, :]
            return p

        def getMCCFeatureValue(self) -> Any:
            px, py = self.coefficients["px"][0, :, 0, :], self.coefficients["py"][0, 0]
            if self.P_glcm.shape[1] < 2:
                return 1  # one level alone: as PyRadiomics
            p = np.ascontiguousarray(self.P_glcm[0].transpose(2, 0, 1))
            q = np.empty_like(p)
            kernels.correlation_matrix(
                p, np.ascontiguousarray(px), np.ascontiguousarray(py), self.coefficients["eps"], q
            )
            eigenvalues = np.linalg.eigvals(q[None])
            eigenvalues.sort()
            return np.nanmean(np.sqrt(eigenvalues[:, :, -2]), axis=1).real

    return Glcm
