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

    middle: int = Field(ge=1, le=65_536)


class Settings(BaseModel):
    """``extraction.uctransnet``. :mod:`prldh_uctransnet.regions` says exactly what slices, plane, margin and roi mean.

    ``checkpoint``: the trained network, a path; without it the source refuses. ``pool``: how the slices' values become
    one. ``combine``: how several regions of a patient do. ``precision``: bf16 and fp16 are quicker on a GPU and change
    values (``benchmarks/embedding.py`` tells by how many SDs between patients); ``auto`` is bf16 on a CUDA GPU that has
    it, fp16 on an older one, fp32 elsewhere. ``batch`` None is 8 on a CPU and 256 on a GPU. ``readers``: processes
    that read images for the one that computes; None: on a GPU as many as ``--jobs``, on a CPU none, where as many
    processes each read and compute. ``train``: how ``prldh segment train`` makes a checkpoint. ``library``: the table
    of this network's features that the selector ``feature_library`` compares with, where it names none itself.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    checkpoint: str | None = None
    slices: Literal["largest", "all"] | Middle = "largest"
    plane: Literal["acquired", "axial", "sagittal", "coronal"] = "acquired"
    roi: Literal["rectangle", "square"] = "rectangle"
    margin_mm: float = Field(0.0, ge=0, le=1000)
    scale: Literal["picture", "image"] = "picture"
    pool: Literal["mean", "max"] = "mean"
    combine: Literal["mean", "volume"] = "mean"
    size: Side = Field(224, ge=16, le=LARGEST_SIDE)
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["fp32", "bf16", "fp16", "auto"] = "fp32"
    batch: int | None = Field(None, ge=1, le=LARGEST_BATCH)
    compile: bool = False
    # values do not depend on who reads the images
    readers: int | None = Field(None, ge=1, le=bounds.JOBS, exclude=True)
    # values depend on the checkpoint, not on how another one would be trained
    train: Recipe = Field(Recipe(), exclude=True)
    # nor on what they will be compared with
    library: str | None = Field(None, exclude=True)

    def relative_to(self, folder: Path) -> Settings:
        """The same with the paths of checkpoint and library relative to a folder, that of the study file, unless they
        are absolute or begin with ``~``."""
        paths = {"checkpoint": self.checkpoint, "library": self.library}
        return self.model_copy(
            update={key: str(folder / expanded(path)) for key, path in paths.items() if path is not None}
        )
