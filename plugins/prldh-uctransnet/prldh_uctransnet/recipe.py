"""What a study file may say of training: ``extraction.uctransnet.train``. The defaults are the published recipe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


def _is_a_multiple_of_16(size: int) -> int:
    if size % 16:
        raise ValueError(f"must be a multiple of 16, such as {max(1, round(size / 16)) * 16}")
    return size


#: Side of the square that the network is given, in pixels.
Side = Annotated[int, AfterValidator(_is_a_multiple_of_16)]


class Recipe(BaseModel):
    """How a network is trained.

    ``batch``: images a step; where they do not fit, ``micro_batch`` of them at a time, their gradients added up
    (BatchNorm then sees the part). ``micro_batch`` None: on a GPU all of them, halved where they do not fit; on a CPU
    as many as about 4 GB hold, four of 224 x
    224. ``validation``: share of the patients that choose the epoch; ``held_out``: patients that neither train nor
         choose.
    ``slices``: ``all`` of every volume, or those that the mask meets. ``patience``: epochs without a better validation
    Dice after which training ends. ``precision`` auto: bf16 on a CUDA GPU, fp32 elsewhere. ``width`` 64 is the
    published network.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    epochs: int = Field(50, ge=1)
    batch: int = Field(32, ge=1)
    micro_batch: int | None = Field(None, ge=1)
    learning_rate: float = Field(1e-4, gt=0)
    weight_decay: float = Field(1e-4, ge=0)
    validation: float = Field(0.2, gt=0, lt=1)
    held_out: tuple[str, ...] = ()
    patience: int | None = Field(None, ge=1)
    augment: bool = True
    flip: bool = False
    slices: Literal["all", "masked"] = "all"
    plane: Literal["acquired", "axial", "sagittal", "coronal"] = "acquired"
    reader: int = Field(1, ge=1, le=2)
    size: Side = Field(224, ge=32)
    width: int = Field(64, ge=2)
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"


#: What may differ when a training run is taken up again.
FREE_ON_RESUME = ("epochs", "patience", "micro_batch", "device")
