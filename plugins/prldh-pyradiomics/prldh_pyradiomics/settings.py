"""What a study file may say under ``extraction: pyradiomics:``, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from prldh.api import StudyError, bounds, expanded, is_file, shown

#: Voxels along an axis of an image; bins of grey values, of which a matrix has the square; voxels of a region.
WIDEST, MOST_BINS, MOST_VOXELS, FINEST_MM = 65_536, 1024, 10**9, 0.001
Positive = Annotated[float, Field(gt=0, le=bounds.NUMBER)]
#: A grey value, which may be negative.
Grey = Annotated[float, Field(ge=-bounds.NUMBER, le=bounds.NUMBER)]
#: In voxels or mm, around each voxel.
Radius = Annotated[float, Field(gt=0, le=1000)]
#: 2 and 2.0 have other names in PyRadiomics: log-sigma-2-mm-3D and log-sigma-2-0-mm-3D.
Sigma = Annotated[int, Field(gt=0, le=1000)] | Annotated[float, Field(gt=0, le=1000)]
#: In voxels: a shell of 20 has thousands of directions, with a matrix each.
Distance = Annotated[int, Field(ge=1, le=20)]
#: In mm; 0: as the image has it.
Spacing = Annotated[float, Field(ge=0, le=1000)]
INTERPOLATORS = Literal[
    "sitkNearestNeighbor",
    "sitkLinear",
    "sitkBSpline",
    "sitkGaussian",
    "sitkLabelGaussian",
    "sitkHammingWindowedSinc",
    "sitkCosineWindowedSinc",
    "sitkWelchWindowedSinc",
    "sitkLanczosWindowedSinc",
    "sitkBlackmanWindowedSinc",
]

ALL_CLASSES = ("firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm", "shape")
IMAGE_TYPES = (
    "Original",
    "Wavelet",
    "LoG",
    "Square",
    "SquareRoot",
    "Logarithm",
    "Exponential",
    "Gradient",
    "LBP2D",
    "LBP3D",
)
PRESETS = ("protocol-1223", "protocol-log", "ibsi")


def _zero_or_a_spacing(value: float) -> float:
    """Finer than a micrometre no image is, and none has so many voxels."""
    if 0 < value < FINEST_MM:
        raise ValueError(f"give 0 or at least {FINEST_MM} mm")
    return value


class Overrides(BaseModel):
    """PyRadiomics' own settings under its own names; what is left out stays as the preset has it."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    binWidth: Positive | None = Field(
        None,
        description="width of the bins of grey values; the preset's is 25",
        json_schema_extra={"unit": "grey values"},
    )
    binCount: Annotated[int, Field(ge=1, le=MOST_BINS)] | None = Field(
        None, description="number of bins of equal width, in place of binWidth", json_schema_extra={"unit": "bins"}
    )
    normalize: bool | None = Field(
        None, description="whether each image becomes z-scores of all its voxels before filters and resampling"
    )
    normalizeScale: Positive | None = Field(None, description="what these z-scores are multiplied by")
    removeOutliers: Positive | None = Field(
        None,
        description=("z-scores beyond this many standard deviations are set to that limit; with normalize alone"),
        json_schema_extra={"unit": "SD"},
    )
    resampledPixelSpacing: (
        Annotated[
            list[Annotated[float, Field(ge=0, le=1000), AfterValidator(_zero_or_a_spacing)]],
            Field(min_length=3, max_length=3),
        ]
        | None
    ) = Field(
        None,
        description="spacing x, y, z to which image and mask are resampled; 0 keeps that axis as it is",
        json_schema_extra={"unit": "mm"},
    )
    interpolator: INTERPOLATORS | None = Field(None, description="how images are resampled, by SimpleITK's names")
    padDistance: Annotated[int, Field(ge=0, le=WIDEST)] | None = Field(
        None,
        description=("how far around the region the image is kept when it is cropped for resampling and filters"),
        json_schema_extra={"unit": "voxels"},
    )
    preCrop: bool | None = Field(
        None, description="whether the image is cropped to the region and padDistance before filters"
    )
    resegmentRange: Annotated[list[Grey], Field(min_length=1, max_length=2)] | None = Field(
        None,
        description=(
            "the range of grey values that stay in the region, as a lower limit or as [lower, upper];"
            " in the units of resegmentMode"
        ),
    )
    resegmentMode: Literal["absolute", "relative", "sigma"] | None = Field(
        None,
        description=(
            "what resegmentRange is in: grey values (absolute), shares of the largest value"
            " (relative), or standard deviations about the region's mean (sigma)"
        ),
    )
    resegmentShape: bool | None = Field(
        None, description="whether shape features too are of the region after resegmentation"
    )
    outlierSigma: Positive | None = Field(
        None,
        description=(
            "voxels further than this from the region's mean are left out, as IBSI's outlier filter"
            " does; not PyRadiomics' own setting, on the fast path alone"
        ),
        json_schema_extra={"unit": "SD"},
    )
    minimumROIDimensions: Annotated[int, Field(ge=1, le=3)] | None = Field(
        None,
        description="along how many axes a region must extend over more than one voxel",
        json_schema_extra={"unit": "axes"},
    )
    minimumROISize: Annotated[int, Field(ge=1, le=MOST_VOXELS)] | None = Field(
        None, description="a region must have more voxels than this", json_schema_extra={"unit": "voxels"}
    )
    distances: Annotated[list[Distance], Field(min_length=1, max_length=20)] | None = Field(
        None,
        description="distances between voxels whose grey values are compared in GLCM, GLDM and NGTDM",
        json_schema_extra={"unit": "voxels"},
    )
    force2D: bool | None = Field(None, description="whether textures are of slices in one plane")
    force2Ddimension: Annotated[int, Field(ge=0, le=2)] | None = Field(
        None, description="the axis across these slices: 0 is z, 1 is y, 2 is x"
    )
    symmetricalGLCM: bool | None = Field(
        None, description="whether each pair of voxels counts in both directions in the GLCM"
    )
    weightingNorm: Literal["euclidean", "manhattan", "infinity", "no_weighting"] | None = Field(
        None,
        description=(
            "how matrices of different directions are weighted by distance before they become one;"
            " default: they are not, and values of directions are averaged"
        ),
    )
    gldm_a: Annotated[int, Field(ge=0, le=MOST_BINS)] | None = Field(
        None,
        description="up to which difference of grey levels neighbours count as dependent in the GLDM",
        json_schema_extra={"unit": "grey levels"},
    )
    voxelArrayShift: Annotated[int, Field(ge=-MOST_VOXELS, le=MOST_VOXELS)] | None = Field(
        None,
        description="added to grey values for Energy, Total Energy and RMS, so that none is negative",
        json_schema_extra={"unit": "grey values"},
    )
    sigma: Annotated[list[Sigma], Field(min_length=1, max_length=100)] | None = Field(
        None, description="widths of the Gaussian of LoG images, an image for each", json_schema_extra={"unit": "mm"}
    )
    wavelet: str | None = Field(None, description="the wavelet's name by PyWavelets, such as coif1")
    level: Annotated[int, Field(ge=1, le=10)] | None = Field(
        None, description="levels of the wavelet decomposition", json_schema_extra={"unit": "levels"}
    )
    start_level: Annotated[int, Field(ge=0, le=10)] | None = Field(
        None, description="the first level whose images are measured"
    )
    gradientUseSpacing: bool | None = Field(None, description="whether gradients are by mm and not by voxel")
    lbp2DRadius: Radius | None = Field(
        None, description="radius of 2D local binary patterns", json_schema_extra={"unit": "voxels"}
    )
    lbp2DSamples: Annotated[int, Field(ge=1, le=24)] | None = Field(
        None, description="points around each voxel in 2D local binary patterns", json_schema_extra={"unit": "points"}
    )
    lbp2DMethod: Literal["default", "ror", "uniform", "var"] | None = Field(
        None, description="the kind of 2D local binary pattern, by scikit-image's names"
    )
    lbp3DLevels: Annotated[int, Field(ge=1, le=10)] | None = Field(
        None,
        description="levels of spherical harmonics in 3D local binary patterns",
        json_schema_extra={"unit": "levels"},
    )
    lbp3DIcosphereRadius: Radius | None = Field(
        None,
        description="radius of the sphere around each voxel in 3D local binary patterns",
        json_schema_extra={"unit": "voxels"},
    )
    lbp3DIcosphereSubdivision: Annotated[int, Field(ge=0, le=5)] | None = Field(
        None, description="how often the faces of that sphere are divided", json_schema_extra={"unit": "divisions"}
    )

    @model_validator(mode="after")
    def _one_way_of_binning(self) -> Overrides:
        if self.binWidth is not None and self.binCount is not None:
            raise ValueError("binWidth and binCount are both given; give one.")
        return self

    @model_validator(mode="after")
    def _known_wavelet(self) -> Overrides:
        if self.wavelet is not None:
            import pywt

            if self.wavelet not in pywt.wavelist(kind="discrete"):
                raise ValueError(
                    f"wavelet '{shown(self.wavelet)}' is not known; coif1 is the default, others are haar, db2, sym4,"
                    " bior1.3 …"
                )
        return self

    def given(self) -> dict[str, Any]:
        """What was said, by PyRadiomics' names."""
        return {name: getattr(self, name) for name in Overrides.model_fields if getattr(self, name) is not None}


class Settings(Overrides):
    """``extraction: pyradiomics:`` of a study file."""

    preset: str = Field(
        "protocol-1223",
        description=(
            "protocol-1223 (the published study's), protocol-log, ibsi, or path of a PyRadiomics"
            " parameter file, relative to the study file"
        ),
    )
    backend: Literal["fast", "pyradiomics"] = Field(
        "fast", description="fast: prldh's own code, within 1e-9 of PyRadiomics; pyradiomics: PyRadiomics itself"
    )
    combine: Literal["mean", "volume"] = Field(
        "mean",
        description=(
            "how several parts of one patient's region become a value: their mean, or the mean weighted by volume"
        ),
    )
    exact_log: bool = Field(
        False, description="whether LoG filters the whole image, and not the neighbourhood of the region"
    )
    shape2D: bool = Field(
        False,
        description=("whether shape2D takes the place of shape in a preset, for regions in one plane; needs force2D"),
    )
    modality: dict[str, Overrides] = Field(
        default_factory=dict,
        max_length=100,
        description=(
            "settings for images of one modality alone, such as {MR: {normalize: true}}; they go before the others"
        ),
    )

    def relative_to(self, folder: Path) -> Settings:
        """The same with a parameter file's path relative to a folder, that of the study file, unless it is absolute."""
        return (
            self if self.preset in PRESETS else self.model_copy(update={"preset": str(folder / expanded(self.preset))})
        )


@dataclass(frozen=True)
class Plan:
    """What is computed for an image.

    ``options`` are PyRadiomics' settings, ``image_types`` its image types with their own settings, ``classes`` the
    feature classes with the features wanted of each (None: all that are not deprecated), all in the order of the
    output. ``corrections`` are IBSI's definitions where PyRadiomics departs from them.
    """

    options: dict[str, Any]
    image_types: dict[str, dict[str, Any]]
    classes: dict[str, list[str] | None]
    corrections: tuple[str, ...] = ()
    exact_log: bool = False
    notes: tuple[str, ...] = field(default=())

    def image_options(self, image: str) -> dict[str, Any]:
        """Settings of their own that images of that name in the output have."""
        prefixes = {"log": "LoG", "lbp-2d": "LBP2D", "lbp-3d": "LBP3D"}
        stem = next(
            (v for k, v in prefixes.items() if image.lower().startswith(k + "-")),
            image.split("-")[0].rstrip("0123456789"),
        )
        return next((own for name, own in self.image_types.items() if name.lower() == stem.lower()), {})

    def is_corrected(self, family: str, feature: str, deviates: str) -> bool:
        """Whether a deviation from IBSI is mended by one of the corrections."""
        return (
            ("kurtosis" in self.corrections and (family, feature) == ("firstorder", "Kurtosis"))
            or ("axis_lengths" in self.corrections and family == "shape" and feature.endswith("AxisLength"))
            or ("bin_edges" in self.corrections and deviates == "by bin edges")
        )

    def as_json(self) -> dict[str, Any]:
        """For the metadata: what was asked, in PyRadiomics' terms."""
        return {
            "setting": self.options,
            "imageType": self.image_types,
            "featureClass": {k: v or "all" for k, v in self.classes.items()},
            "corrections": list(self.corrections),
        }


#: PyRadiomics' defaults (radiomics.featureextractor, version 3.1): written out, so that they reach the metadata. The
#: bin width is 25.0 rather than 25, with which bins of 8-bit images overflow.
DEFAULTS = {
    "minimumROIDimensions": 2,
    "minimumROISize": None,
    "normalize": False,
    "normalizeScale": 1,
    "removeOutliers": None,
    "resampledPixelSpacing": None,
    "interpolator": "sitkBSpline",
    "preCrop": False,
    "padDistance": 5,
    "distances": [1],
    "force2D": False,
    "force2Ddimension": 0,
    "resegmentRange": None,
    "label": 1,
    "additionalInfo": False,
    "binWidth": 25.0,
}


def preset(name: str) -> Plan:
    """The plan of a preset or of a PyRadiomics parameter file.

    Raises
    ------
    StudyError
        If there is neither a preset nor a file of that name, or the file cannot be used.
    """
    every = dict.fromkeys(ALL_CLASSES)
    if name == "protocol-1223":
        images = {
            "Original": {},
            "Wavelet": {"wavelet": "coif1"},
            "Square": {},
            "SquareRoot": {},
            "Logarithm": {},
            "Exponential": {},
        }
        return Plan(dict(DEFAULTS), images, every)
    if name == "protocol-log":
        classes = dict.fromkeys(("firstorder", "glcm", "glrlm", "shape"))
        return Plan(dict(DEFAULTS), {"Original": {}, "LoG": {"sigma": [1.0, 2.0, 3.0]}}, classes)
    if name == "ibsi":
        return Plan(
            dict(DEFAULTS),
            {"Original": {}},
            every,
            corrections=("kurtosis", "axis_lengths", "bin_edges", "resampling_grid"),
        )
    if Path(name).suffix.lower() in {".yaml", ".yml", ".json"} or is_file(Path(name)):
        from prldh_pyradiomics.parameters import read_parameters

        return read_parameters(Path(name))
    raise StudyError(
        f"extraction.pyradiomics.preset: there is no preset '{shown(name)}'. Give one of {', '.join(PRESETS)}, or"
        " the path of"
        " a PyRadiomics parameter file that ends in .yaml, .yml or .json."
    )


def make_plan(settings: Settings, modality: str | None = None) -> Plan:
    """The plan of these settings for images of a modality (DICOM's, or None).

    Raises
    ------
    StudyError
        As :func:`preset`.
    """
    base = preset(settings.preset)
    given = settings.given()
    if modality is not None:
        own = next((o for name, o in settings.modality.items() if name.upper() == modality.upper()), None)
        given |= own.given() if own else {}
    options = dict(base.options)
    if "binCount" in given:
        options.pop("binWidth", None)
    if "binWidth" in given:
        options.pop("binCount", None)
    options |= given
    classes = base.classes
    if settings.shape2D:
        if not options.get("force2D"):
            raise StudyError("extraction.pyradiomics.shape2D needs force2D: true beside it. Add it, or remove shape2D.")
        classes = {("shape2D" if name == "shape" else name): wanted for name, wanted in base.classes.items()}
    # what is said here also goes before what a preset or a file says of one image type
    images = {name: {k: v for k, v in own.items() if k not in given} for name, own in base.image_types.items()}
    if "sigma" in given and "LoG" not in images:
        images["LoG"] = {}
    by_itself = [t for t in images if t in {"Gradient", "LBP2D", "LBP3D"}]
    notes = tuple(f"{t} images are filtered by PyRadiomics itself, on the whole image" for t in by_itself)
    if "shape2D" in classes:
        notes += ("shape2D is computed by PyRadiomics itself",)
    return Plan(options, images, classes, base.corrections, settings.exact_log, notes)
