"""How well two masks agree: Dice's coefficient and Hausdorff distances."""

from __future__ import annotations

import numpy as np


def dice(a: np.ndarray, b: np.ndarray) -> float:
    """Dice similarity coefficient of two boolean masks of one shape: 2 |a and b| / (|a| + |b|); NaN where both are
    empty.

    References
    ----------
    Dice LR (1945) Ecology 26:297-302.

    Examples
    --------
    >>> dice(np.array([True, True, False]), np.array([False, True, False]))
    0.6666666666666666
    """
    total = int(np.count_nonzero(a)) + int(np.count_nonzero(b))
    return 2 * int(np.count_nonzero(a & b)) / total if total else float("nan")


def hausdorff_mm(a: np.ndarray, b: np.ndarray, spacing_mm: tuple[float, ...], percentile: float = 95) -> float:
    """Percentile of the distances between two surfaces, in mm: the larger of both directions.

    The surface of a mask are its voxels that have a face outside it (or outside the image); distances run between voxel
    centres. Each direction's percentile is interpolated linearly; 100 is the Hausdorff distance itself.

    Parameters
    ----------
    a, b : boolean arrays of one shape
    spacing_mm : one number an axis, in the order of the arrays' axes (z, y, x)
    percentile : float
        0 … 100.

    Returns
    -------
    float
        NaN where a mask is empty: the distance does not exist.

    References
    ----------
    Huttenlocher DP et al. (1993) IEEE TPAMI 15:850-863; as monai.metrics.compute_hausdorff_distance(percentile=95).
    """
    from scipy.ndimage import binary_erosion, distance_transform_edt

    if not a.any() or not b.any():
        return float("nan")
    both = np.argwhere(a | b)
    window = tuple(slice(low, high + 1) for low, high in zip(both.min(axis=0), both.max(axis=0), strict=True))
    a, b = np.pad(a[window], 1), np.pad(b[window], 1)
    edge_a, edge_b = a & ~binary_erosion(a), b & ~binary_erosion(b)
    to_b = distance_transform_edt(~edge_b, sampling=spacing_mm)[edge_a]
    to_a = distance_transform_edt(~edge_a, sampling=spacing_mm)[edge_b]
    return float(max(np.percentile(to_b, percentile), np.percentile(to_a, percentile)))
