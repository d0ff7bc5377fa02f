"""A feature source: IBSI's features, as MIRP measures them."""

from __future__ import annotations

import csv
import importlib.metadata
import logging
import math
import re
import tempfile
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from prldh.api import Case, DataError, PluginError, Reference, SourceRun

#: DICOM's modality → MIRP's; any other is generic: arbitrary units, nothing assumed.
MODALITIES = {"CT": "ct", "MR": "mr", "PT": "pt"}
#: What MIRP adds to a name: distance, coarseness, dimensions, merging, discretisation.
SUFFIX = re.compile(r"(_d[\d.]+)?(_a[\d.]+)?(_3d)?(_v_mrg|_avg)?(_fb[ns]_[nw][\d.]+)?$")
#: What MIRP tells beside the features.
ABOUT = ("sample_name", "image_")
#: Where features stand that are of the region's form, in mm; others are without unit or in the image's.
UNITS = {
    "morph_volume": "mm3",
    "morph_vol_approx": "mm3",
    "morph_area_mesh": "mm2",
    "morph_av": "1/mm",
    "morph_com": "mm",
    "morph_diam": "mm",
    "morph_pca_maj_axis": "mm",
    "morph_pca_min_axis": "mm",
    "morph_pca_least_axis": "mm",
}


class MirpSettings(BaseModel):
    """What the study file may say under ``extraction: {mirp: …}``."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    bins: int | None = Field(None, ge=2, le=1024, description="grey levels of a fixed number of bins; default 32")
    bin_width: float | None = Field(None, gt=0, description="width of bins, in the image's unit, in place of bins")
    directions: Literal["merged", "averaged"] = Field(
        "merged", description="of GLCM and GLRLM: matrices of all directions added up, or their features averaged"
    )
    spacing_mm: float | None = Field(None, ge=0.1, le=50, description="voxels are made cubes of this edge first")
    low: float | None = Field(None, description="intensities below are left out of the region")
    high: float | None = Field(None, description="intensities above are left out of the region")
    combine: Literal["mean", "volume"] = Field("mean", description="how regions of a patient become one row")

    @model_validator(mode="after")
    def _one_discretisation(self) -> Self:
        if self.bins is not None and self.bin_width is not None:
            raise ValueError("give bins or bin_width, not both")
        if self.low is not None and self.high is not None and self.low >= self.high:
            raise ValueError("low must lie below high")
        if self.bin_width is not None and self.low is None:
            raise ValueError("bin_width needs low, where the first bin begins: without it bins depend on the patient")
        return self

    def for_mirp(self) -> dict[str, Any]:
        """The same in MIRP's words."""
        way = {"merged": "3d_volume_merge", "averaged": "3d_average"}[self.directions]
        said: dict[str, Any] = {
            "base_feature_families": "all",
            "glcm_spatial_method": way,
            "glrlm_spatial_method": way,
        }
        if self.bin_width is not None:
            said |= {"base_discretisation_method": "fixed_bin_size", "base_discretisation_bin_width": self.bin_width}
        else:
            said |= {"base_discretisation_method": "fixed_bin_number", "base_discretisation_n_bins": self.bins or 32}
        if self.spacing_mm is not None:
            said["new_spacing"] = self.spacing_mm
        if self.low is not None or self.high is not None:
            said["resegmentation_intensity_range"] = [
                np.nan if self.low is None else self.low,
                np.nan if self.high is None else self.high,
            ]
        return said


class MirpSource:
    """Morphology, intensity, histogram and texture features, each with IBSI's code."""

    name = "mirp"
    Settings = MirpSettings
    packages = ("mirp", "numpy")
    references = (
        Reference(
            "zwanenburg2024",
            "Zwanenburg, Alex and Löck, Steffen",
            "MIRP: A Python package for standardised radiomics",
            "Journal of Open Source Software",
            2024,
            "9",
            "6413",
            "10.21105/joss.06413",
        ),
    )

    @property
    def version(self) -> str:
        """Of this plugin and of MIRP: values depend on both."""
        try:
            return f"0.1.0 (mirp {importlib.metadata.version('mirp')})"
        except importlib.metadata.PackageNotFoundError:
            return "0.1.0"

    def methods(self, run: SourceRun) -> str:
        """Its sentence in the Methods."""
        version = " (version {packages.mirp})" if "mirp" in run.packages else ""
        return f"Features were measured on images by MIRP{version} as IBSI defines them [@zwanenburg2024]."

    def check(self, settings: MirpSettings) -> None:
        """Refuse, before any image is read, to measure without MIRP."""
        _extract_features()

    def extract(self, case: Case, settings: MirpSettings) -> tuple[dict[str, float], ...]:
        """One dictionary a reader, the same names in the same order for every case."""
        return tuple(self._measure(case, mask, settings) for mask in case.masks)

    def describe(self, names: Sequence[str], settings: MirpSettings) -> dict[str, dict[str, Any]]:
        """What each feature is: unit, IBSI code (or None), family."""
        return {name: describe(name) for name in names}

    def _measure(self, case: Case, mask: np.ndarray, settings: MirpSettings) -> dict[str, float]:
        import SimpleITK

        extract_features = _extract_features()
        if not mask.any():
            raise DataError("the mask is empty. Draw the region, or leave the case out.")
        with tempfile.TemporaryDirectory(prefix="prldh-mirp-") as folder:
            paths = {}
            for what, array in (("image", case.image.values.astype(np.float32)), ("mask", mask.astype(np.uint8))):
                picture = SimpleITK.GetImageFromArray(array)
                picture.SetSpacing(case.image.geometry.spacing_mm)
                paths[what] = str(Path(folder) / f"{what}.nii.gz")
                SimpleITK.WriteImage(picture, paths[what])
            try:
                logging.disable(logging.INFO)  # a line for every region
                (row,) = extract_features(
                    image=paths["image"],
                    mask=paths["mask"],
                    image_modality=MODALITIES.get(case.image.modality or ""),
                    **settings.for_mirp(),
                )
            except (ValueError, IndexError, ZeroDivisionError) as error:
                raise DataError(f"MIRP cannot measure the region: {error}. Look at image and mask.") from error
            finally:
                logging.disable(logging.NOTSET)
        if row is None or not len(row):
            raise DataError("MIRP gives nothing of the region. Look at image and mask, and at low and high.")
        return values_of(row.iloc[0].to_dict())


def values_of(row: dict[str, Any]) -> dict[str, float]:
    """The features of what MIRP gives of a region, by its own names; features that do not exist there are refused.

    Raises
    ------
    DataError
        If a feature is no finite number.
    """
    values = {name: float(value) for name, value in row.items() if not name.startswith(ABOUT)}
    missing = [name for name, value in values.items() if not math.isfinite(value)]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DataError(
            f"MIRP has no value of {missing[0]}{more}: the region may be too small or of one grey level. Look at it."
        )
    return values


@cache
def _known() -> dict[str, tuple[str | None, str]]:
    """Name without what MIRP adds to it → IBSI's code, and what MIRP calls the feature."""
    with files("prldh_mirp").joinpath("features.csv").open(encoding="utf-8") as stream:
        return {row["stem"]: (row["ibsi"] or None, row["name"]) for row in csv.DictReader(stream)}


def describe(name: str) -> dict[str, Any]:
    """What a feature is, by MIRP's name of it."""
    stem = SUFFIX.sub("", name)
    code, called = _known().get(stem, (None, name))
    family = called.split(" - ")[0].lower()
    return {"unit": UNITS.get(stem, ""), "ibsi": code, "family": family, "label": called}


def _extract_features() -> Any:
    try:
        from mirp import extract_features
    except ImportError as error:
        raise PluginError(
            f"the source 'mirp' needs MIRP, which cannot be imported ({error}). Run: pip install mirp"
        ) from error
    return extract_features
