"""What a study file may say of the feature source ``uctransnet``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from prldh.api import bounds, expanded
from prldh_uctransnet.recipe import LARGEST_BATCH, LARGEST_SIDE, Recipe, Side


class Middle(BaseModel):
    """The n slices in the middle of those that the mask meets."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    middle: int = Field(
        ge=1,
        le=65_536,
        description="how many slices in the middle of those that the mask meets",
        json_schema_extra={"unit": "slices"},
    )


class Settings(BaseModel):
    """``extraction.uctransnet``; what slices, plane, margin and roi mean exactly: :mod:`prldh_uctransnet.regions`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    checkpoint: str | None = Field(
        None, description=("path of the trained network, relative to the study file; without it the source refuses")
    )
    slices: Literal["largest", "all"] | Middle = Field(
        "largest",
        description=(
            "which slices are embedded: the one with the largest region, all that the mask meets, or {middle: n}"
        ),
    )
    plane: Literal["acquired", "axial", "sagittal", "coronal"] = Field(
        "acquired", description="the plane of the slices: as acquired, or resampled to axial, sagittal or coronal"
    )
    roi: Literal["rectangle", "square"] = Field(
        "rectangle",
        description=(
            "the shape that is cut out around the region: its rectangle, or the square that keeps proportions"
        ),
    )
    margin_mm: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="how far beyond the region the cut-out reaches",
        json_schema_extra={"unit": "mm"},
    )
    scale: Literal["picture", "image"] = Field(
        "picture",
        description=(
            "whether grey values are scaled to 0 to 1 by the ends of the cut-out (picture) or of the whole image"
        ),
    )
    pool: Literal["mean", "max"] = Field("mean", description="how the values of several slices become one")
    combine: Literal["mean", "volume"] = Field(
        "mean",
        description=(
            "how the values of several regions of a patient become one: their mean, or the mean weighted by volume"
        ),
    )
    size: Side = Field(
        224,
        ge=16,
        le=LARGEST_SIDE,
        description="side of the square that is given to the network; a multiple of 16",
        json_schema_extra={"unit": "pixels"},
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="where the network runs; auto: a GPU that is there"
    )
    precision: Literal["fp32", "bf16", "fp16", "auto"] = Field(
        "fp32",
        description=(
            "the precision of the network's numbers: bf16 and fp16 are quicker on a GPU and change"
            " values; auto: bf16 on a CUDA GPU that has it, fp16 on an older one, fp32 elsewhere"
        ),
    )
    batch: int | None = Field(
        None,
        ge=1,
        le=LARGEST_BATCH,
        description="pictures that are embedded at once; default: 8 on a CPU, 256 on a GPU",
        json_schema_extra={"unit": "pictures"},
    )
    compile: bool = Field(False, description="whether the network is compiled by torch first")
    # values do not depend on who reads the images
    readers: int | None = Field(
        None,
        ge=1,
        le=bounds.JOBS,
        exclude=True,
        description=(
            "processes that read images for the one that computes; default: on a GPU as many as --jobs, on a CPU none"
        ),
        json_schema_extra={"unit": "processes"},
    )
    # values depend on the checkpoint, not on how another one would be trained
    train: Recipe = Field(Recipe(), exclude=True, description="how `prldh segment train` makes a checkpoint")
    # nor on what they will be compared with
    library: str | None = Field(
        None,
        exclude=True,
        description=(
            "path of the table of this network's features that the selector feature_library compares"
            " with, where it names none itself"
        ),
    )

    def relative_to(self, folder: Path) -> Settings:
        """The same with the paths of checkpoint and library relative to a folder, that of the study file, unless they
        are absolute or begin with ``~``."""
        paths = {"checkpoint": self.checkpoint, "library": self.library}
        return self.model_copy(
            update={key: str(folder / expanded(path)) for key, path in paths.items() if path is not None}
        )
