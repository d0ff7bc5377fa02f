"""What a study file may say of training: ``extraction.uctransnet.train``. The defaults are the published recipe."""

from __future__ import annotations

from math import cos, pi
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from prldh.api import bounds


def _is_a_multiple_of_16(size: int) -> int:
    if size % 16:
        raise ValueError(f"must be a multiple of 16, such as {max(1, round(size / 16)) * 16}")
    return size


#: Beyond these a number is a slip: weeks of a GPU, and more than its memory holds.
MOST_EPOCHS, MOST_PATIENTS, LARGEST_SIDE, LARGEST_BATCH = 100_000, 20_000, 4096, 65_536
#: Side of the square that the network is given, in pixels.
Side = Annotated[int, AfterValidator(_is_a_multiple_of_16)]


def _says_who(value: Any) -> Any:
    is_share = isinstance(value, float) and 0 < value < 1
    is_list = isinstance(value, (list, tuple)) and all(isinstance(v, str) for v in value)
    if not is_share and not is_list and not (isinstance(value, str) and value):
        raise ValueError(
            "must be a list of ids such as [P001, P002] (in quotes where they are numbers), a share above 0 and below"
            " 1, or a file of ids"
        )
    return tuple(value) if is_list else value


#: Patients as a list, a share or a file.
Who = Annotated[
    Annotated[tuple[str, ...], Field(max_length=MOST_PATIENTS)] | Annotated[float, Field(gt=0, lt=1)] | str,
    BeforeValidator(_says_who),
]


class Recipe(BaseModel):
    """How a network is trained; how the learning rate falls, :func:`rate_at` says."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    epochs: int = Field(
        50, ge=1, le=MOST_EPOCHS, description="passes over the training slices", json_schema_extra={"unit": "epochs"}
    )
    batch: int = Field(
        32, ge=1, le=LARGEST_BATCH, description="slices a step of the optimiser", json_schema_extra={"unit": "slices"}
    )
    micro_batch: int | None = Field(
        None,
        ge=1,
        le=LARGEST_BATCH,
        description=(
            "slices that are held at once, whose gradients are added up to a step. Default: on a GPU"
            " the whole batch, halved where it does not fit; on a CPU what about 4 GB hold"
        ),
        json_schema_extra={"unit": "slices"},
    )
    learning_rate: float = Field(1e-4, gt=0, le=100, description="the optimiser's learning rate")
    schedule: Literal["constant", "cosine", "polynomial"] = Field(
        "constant", description="how the learning rate falls from epoch to epoch"
    )
    warmup: int = Field(
        0,
        ge=0,
        le=MOST_EPOCHS,
        description="epochs in which the learning rate rises first",
        json_schema_extra={"unit": "epochs"},
    )
    weight_decay: float = Field(1e-4, ge=0, le=100, description="the optimiser's weight decay")
    validation: float = Field(
        0.2, gt=0, lt=1, description="share of the patients that choose the epoch and do not train"
    )
    held_out: Who = Field(
        (),
        description=(
            "patients that neither train nor choose the epoch: a list of ids, a share that is drawn, or a file of ids"
        ),
    )
    patience: int | None = Field(
        None,
        ge=1,
        le=MOST_EPOCHS,
        description="epochs without a better validation Dice after which training ends; default: never",
        json_schema_extra={"unit": "epochs"},
    )
    augment: bool = Field(
        True, description="whether slices are turned, scaled, shifted and changed in contrast at random"
    )
    flip: bool = Field(False, description="whether slices are mirrored at random too")
    on: Literal["slices", "rectangles"] = Field(
        "slices",
        description=(
            "what the network is trained on: whole slices widened to a square, or rectangles around"
            " the mask, as the feature source cuts them"
        ),
    )
    roi: Literal["rectangle", "square"] = Field(
        "rectangle",
        description=(
            "the shape of what is cut out, of rectangles: the region's rectangle, or the square that keeps proportions"
        ),
    )
    margin_mm: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="how far beyond the region a rectangle reaches",
        json_schema_extra={"unit": "mm"},
    )
    scale: Literal["picture", "image"] = Field(
        "picture",
        description=("whether grey values are scaled to 0 to 1 by the ends of the picture or of the whole image"),
    )
    slices: Literal["all", "masked"] = Field(
        "all", description="all slices of every volume, or those that the mask meets"
    )
    plane: Literal["acquired", "axial", "sagittal", "coronal"] = Field(
        "acquired", description="the plane of the slices: as acquired, or resampled to axial, sagittal or coronal"
    )
    reader: int = Field(
        1, ge=1, le=2, description="whose masks the network is trained on: the first or the second reader's"
    )
    size: Side = Field(
        224,
        ge=32,
        le=LARGEST_SIDE,
        description="side of the square that is given to the network; a multiple of 16",
        json_schema_extra={"unit": "pixels"},
    )
    width: int = Field(
        64,
        ge=2,
        le=1024,
        description="channels of the network's first layer; 64 is the published network",
        json_schema_extra={"unit": "channels"},
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="where the network is trained; auto: a GPU that is there"
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="auto: bf16 on a CUDA GPU that has it, fp32 elsewhere"
    )
    workers: int | None = Field(
        None,
        ge=0,
        le=bounds.JOBS,
        description="threads that gather the next slices meanwhile; default: two on a GPU, none on a CPU",
        json_schema_extra={"unit": "threads"},
    )

    @model_validator(mode="after")
    def _fits(self) -> Recipe:
        if self.on == "slices" and (self.margin_mm or self.roi != "rectangle"):
            raise ValueError("margin_mm and roi are of rectangles; set on: rectangles, or leave them out")
        if self.warmup >= self.epochs:
            raise ValueError(f"warmup ({self.warmup}) must be shorter than the training (epochs: {self.epochs})")
        return self


def rate_at(recipe: Recipe, epoch: int) -> float:
    """The learning rate in an epoch, counted from 1: rises linearly over ``warmup`` epochs; then ``constant``,
    ``cosine`` (half a wave, Loshchilov and Hutter 2017) or ``polynomial`` (a straight line to the power 0.9), both of
    which would be 0 in the epoch after the last."""
    done = epoch - 1
    if done < recipe.warmup:
        return recipe.learning_rate * (done + 1) / (recipe.warmup + 1)
    share = (done - recipe.warmup) / (recipe.epochs - recipe.warmup)
    factor = {"constant": 1.0, "cosine": 0.5 * (1 + cos(pi * share)), "polynomial": (1 - share) ** 0.9}
    return recipe.learning_rate * factor[recipe.schedule]


#: What may differ when a training run is taken up again.
FREE_ON_RESUME = ("epochs", "patience", "micro_batch", "device", "workers")


def free_on_resume(recipe: Recipe) -> tuple[str, ...]:
    """As :data:`FREE_ON_RESUME`, but the number of epochs where the learning rate depends on it."""
    return tuple(k for k in FREE_ON_RESUME if k != "epochs" or recipe.schedule == "constant")
