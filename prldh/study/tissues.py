"""The tissues of a study file: a Radscore that is given, feature tables, or images to be measured."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from prldh.core import bounds
from prldh.study.reading import Named, TableFile, as_file
from prldh.study.strict import Strict, Text
from prldh.study.ways import Steps

#: Keys of ``extraction`` that a study file may hold whatever is installed: the sources that this project ships, each in
#: a distribution called ``prldh-NAME``.
SHIPPED_SOURCES = ("pyradiomics", "uctransnet")


#: How several lesions of a patient become the patient's row.
LesionWay = Literal["mean", "volume", "largest", "three_largest"]
#: How several readers' masks become one.
ConsensusWay = Literal["staple", "majority", "intersection"]
Tables = Annotated[list[Named], Field(max_length=bounds.NAMES)]
#: Feature tables, one a reader; or several sources of them.
FeatureTables = Annotated[
    Annotated[Tables, Tag("tables")]
    | Annotated[dict[str, Tables], Field(max_length=bounds.NAMES), Tag("tables by source")],
    Discriminator(lambda v: "tables by source" if isinstance(v, dict) else "tables"),
]


#: Keys of a tissue that say how its images are measured.
OF_IMAGES = ("share_images", "lesions", "consensus", "image_steps")


class Tissue(Strict):
    """Where a tissue's Radscore comes from: one of a column, feature tables, or images."""

    radscore: Text | None = Field(None, description="the column of the clinical table that already is the Radscore")
    features: FeatureTables | None = Field(
        None, description="feature tables, one a reader: a path, a list of paths, or lists by source"
    )
    images: Named | None = Field(
        None,
        description=(
            "the cases table: patient_id, image, and mask or mask_reader1, mask_reader2 …; optionally"
            " label, segment, lesion"
        ),
    )
    sources: list[str] = Field(
        [SHIPPED_SOURCES[0]],
        min_length=1,
        max_length=bounds.NAMES,
        description="the feature sources that measure the images",
    )
    extraction: dict[str, dict[str, Any]] = Field(
        {},
        max_length=bounds.NAMES,
        description="settings of the sources for this tissue; they go before the study's key by key",
    )
    share_images: bool = Field(
        False, description="whether rows of several ids may name one image, as lesions of a patient do"
    )
    lesions: LesionWay | None = Field(
        None,
        description=(
            "how several lesions of one id become a row: their mean, the mean weighted by volume, the"
            " largest lesion, or the mean of the three largest weighted by volume. Default: as each"
            " source's `combine` says"
        ),
    )
    consensus: ConsensusWay | None = Field(
        None,
        description=(
            "how the readers' masks become the one that the values are of: staple, majority or"
            " intersection. Default: the first reader's mask"
        ),
    )
    image_steps: Steps | None = Field(
        None, description="what is done to each image before it is measured; default: the study's `image_steps`"
    )

    @field_validator("features", mode="before")
    @classmethod
    def _one_table_is_a_list_of_one(cls, value: Any) -> Any:
        if isinstance(value, TableFile) or _is_one_table(value):
            return [value]
        if isinstance(value, dict):
            return {k: [v] if _is_one_table(v) else v for k, v in value.items()}
        return value

    @model_validator(mode="after")
    def _exactly_one(self) -> Tissue:
        given = [k for k in ("radscore", "features", "images") if getattr(self, k) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of radscore, features, images (found: {', '.join(given) or 'none'})")
        if self.features == {}:
            raise ValueError("features names no table (found {}). Give a list of tables, or a list for each source")
        for tables in self.tables().values():
            if not tables:
                raise ValueError("features takes one table a reader (found none)")
        of_images = [k for k in (*OF_IMAGES, "extraction") if getattr(self, k) not in (None, False, {})]
        if self.images is None and self.sources != [SHIPPED_SOURCES[0]]:
            of_images.append("sources")
        if of_images and self.images is None:
            raise ValueError(f"{of_images[0]} is about images, and {given[0]} is given. Give images, or remove it")
        return self

    def tables(self) -> dict[str, list[TableFile]]:
        """Feature tables by source; a plain list is the source ``features``."""
        named = self.features if isinstance(self.features, dict) else {"features": self.features or []}
        return {source: [as_file(t) for t in tables] for source, tables in named.items() if self.features is not None}

    def cases(self) -> TableFile | None:
        """The table of images, where there is one."""
        return None if self.images is None else as_file(self.images)


def _is_one_table(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and isinstance(value.get("path"), str))
