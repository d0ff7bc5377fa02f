"""How images are read: a section of the study file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from prldh.core import bounds
from prldh.study.strict import Strict


class ReadSettings(Strict):
    """What is allowed of images and masks.

    ``memory_gb``: the most that reading one image or one mask may take; told from the header before anything is
    allocated. ``tolerance``: how far, in voxels of the image, the grid of a mask may lie off that of its image and
    still count as the same grid. ``max_spacing_ratio``: a mask on another grid is resampled by nearest neighbour unless
    its voxels are this many times larger than the image's along an axis of the image; then it is refused.
    ``outside``: the largest part of a region that may lie outside its image.
    ``fraction``: from which part on a voxel of a fractional segmentation (DICOM SEG) belongs to its region.
    ``pet``: whether PET in DICOM keeps its stored units or becomes SUV by body weight, from the header.
    ``anisotropy``: largest over smallest spacing above which a case is warned about.
    """

    memory_gb: float = Field(2.0, gt=0, le=bounds.NUMBER)
    tolerance: float = Field(0.1, ge=0, lt=0.5)
    max_spacing_ratio: float = Field(2.0, ge=1, le=bounds.NUMBER)
    outside: float = Field(0.01, ge=0, lt=1)
    fraction: float = Field(0.5, gt=0, le=1)
    pet: Literal["as_stored", "suv_bw"] = "as_stored"
    anisotropy: float = Field(3.0, ge=1, le=bounds.NUMBER)
