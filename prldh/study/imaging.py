"""How images are read: a section of the study file."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from prldh.core import bounds
from prldh.study.strict import Strict


class ReadSettings(Strict):
    """What is allowed of images and masks."""

    memory_gb: float = Field(
        2.0,
        gt=0,
        le=bounds.NUMBER,
        description=(
            "the most memory that reading one image or one mask may take; told from the header before"
            " anything is allocated"
        ),
        json_schema_extra={"unit": "GB"},
    )
    tolerance: float = Field(
        0.1,
        ge=0,
        lt=0.5,
        description="how far the grid of a mask may lie off that of its image and still count as the same",
        json_schema_extra={"unit": "voxels of the image"},
    )
    max_spacing_ratio: float = Field(
        2.0,
        ge=1,
        le=bounds.NUMBER,
        description=(
            "a mask on another grid is resampled by nearest neighbour, unless its voxels are this"
            " many times larger than the image's along an axis; then it is refused"
        ),
    )
    outside: float = Field(
        0.01,
        ge=0,
        lt=1,
        description="the largest part of a region that may lie outside its image",
        json_schema_extra={"unit": "share of the region"},
    )
    fraction: float = Field(
        0.5,
        gt=0,
        le=1,
        description=("from which part on a voxel of a fractional segmentation (DICOM SEG) belongs to its region"),
    )
    pet: Literal["as_stored", "suv_bw"] = Field(
        "as_stored",
        description=(
            "whether PET in DICOM keeps its stored units (as_stored) or becomes SUV by body weight,"
            " from the header (suv_bw)"
        ),
    )
    anisotropy: float = Field(
        3.0,
        ge=1,
        le=bounds.NUMBER,
        description="the ratio of largest to smallest spacing above which a case is warned about",
    )
