"""One mask of several readers'."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from prldh.core import DataError
from prldh.study import ConsensusWay

#: A probability so near to one half is a tie.
TIE = 1e-9


class Consensus(BaseModel):
    """How the readers' masks become one."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    consensus: ConsensusWay = Field(description="how the readers' masks become one: staple, majority or intersection")


def consensus_mask(masks: Sequence[np.ndarray], way: ConsensusWay) -> np.ndarray:
    """The consensus of two masks or more.

    Parameters
    ----------
    masks : sequence of (z, y, x) boolean arrays
        One a reader, on one grid.
    way : str
        ``majority``: inside is what more than half of the readers have inside, so that of two readers it is what both
        have. ``intersection``: what all have. ``staple``: where the probability by :func:`staple` is above one half.
        A tie is outside.

    Returns
    -------
    (z, y, x) boolean array

    Raises
    ------
    DataError
        If nothing is inside.
    """
    if way == "intersection":
        found = np.logical_and.reduce(masks)
    elif way == "majority":
        found = 2 * np.sum(masks, axis=0, dtype=np.int32) > len(masks)
    elif all(np.array_equal(mask, masks[0]) for mask in masks[1:]):
        found = masks[0]  # without a difference there is nothing to estimate
    else:
        found = staple(masks) > 0.5 + TIE
    if not found.any():
        raise DataError(
            f"nothing is inside the consensus ({way}) of {len(masks)} readers' masks. See whether they are of one"
            " region, or take another way."
        )
    return np.asarray(found)


def staple(masks: Sequence[np.ndarray]) -> np.ndarray:
    """The probability of each voxel to be inside, with the readers' sensitivities and specificities estimated by
    expectation-maximisation (z, y, x).

    As SimpleITK's ``STAPLE``: the prior is the share of the whole image that readers have inside on average, and the
    first guess the share of readers at each voxel. Voxels that the same readers have inside are the same to it, so that
    their numbers are all that it is computed from.

    Parameters
    ----------
    masks : sequence of (z, y, x) boolean arrays
        One a reader, on one grid; not all equal.

    References
    ----------
    Warfield SK, Zou KH, Wells WM (2004) IEEE Trans Med Imaging 23:903-921.
    """
    code = np.zeros(masks[0].shape, dtype=np.int64)
    for k, mask in enumerate(masks):
        code += mask.astype(np.int64) << k
    patterns, where, counts = np.unique(code[code > 0], return_inverse=True, return_counts=True)
    patterns, counts = np.append(patterns, 0), np.append(counts, code.size - counts.sum())
    is_inside = (patterns[:, None] >> np.arange(len(masks)) & 1).astype(bool)  # (pattern, reader)
    weight = is_inside.mean(axis=1)
    prior = float(weight @ counts) / code.size
    before = np.full((2, len(masks)), np.inf)
    while True:
        inside, outside = weight * counts, (1 - weight) * counts
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.array([inside @ is_inside / inside.sum(), outside @ ~is_inside / outside.sum()])
            sensitivity, specificity = found
            of_inside = np.where(is_inside, sensitivity, 1 - sensitivity).prod(axis=1)
            of_outside = np.where(is_inside, 1 - specificity, specificity).prod(axis=1)
            weight = np.nan_to_num(prior * of_inside / (prior * of_inside + (1 - prior) * of_outside))
        if np.all((found - before) ** 2 <= 1e-14) or not np.isfinite(found).all():
            break
        before = found
    probability = np.full(code.shape, weight[-1])
    probability[code > 0] = weight[:-1][where]
    return probability
