"""What a study file may say under ``extraction: pyradiomics:``, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from prldh.api import StudyError, bounds, expanded, is_file, shown

#: Voxels along an axis of an image; bins of grey values, of which a matrix has the square; voxels of a region.
WIDEST, MOST_BINS, MOST_VOXELS = 65_536, 1024, 10**9
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


class Overrides(BaseModel):
    """PyRadiomics' own settings under its own names; what is left out stays as the preset has it.

    One is not PyRadiomics': ``outlierSigma`` leaves out voxels further than so many standard deviations from the
    region's mean, as IBSI's outlier filter does, also beside a ``resegmentRange`` and after it. Only the fast path has
    it.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    binWidth: Positive | None = None
    binCount: Annotated[int, Field(ge=1, le=MOST_BINS)] | None = None
    normalize: bool | None = None
    normalizeScale: Positive | None = None
    removeOutliers: Positive | None = None
    resampledPixelSpacing: (
        Annotated[list[Annotated[float, Field(ge=0, le=1000)]], Field(min_length=3, max_length=3)] | None
    ) = None
    interpolator: INTERPOLATORS | None = None
    padDistance: Annotated[int, Field(ge=0, le=WIDEST)] | None = None
    preCrop: bool | None = None
    resegmentRange: Annotated[list[Grey], Field(min_length=1, max_length=2)] | None = None
    resegmentMode: Literal["absolute", "relative", "sigma"] | None = None
    resegmentShape: bool | None = None
    outlierSigma: Positive | None = None
    minimumROIDimensions: Annotated[int, Field(ge=1, le=3)] | None = None
    minimumROISize: Annotated[int, Field(ge=1, le=MOST_VOXELS)] | None = None
    distances: Annotated[list[Distance], Field(min_length=1, max_length=20)] | None = None
    force2D: bool | None = None
    force2Ddimension: Annotated[int, Field(ge=0, le=2)] | None = None
    symmetricalGLCM: bool | None = None
    weightingNorm: Literal["euclidean", "manhattan", "infinity", "no_weighting"] | None = None
    gldm_a: Annotated[int, Field(ge=0, le=MOST_BINS)] | None = None
    voxelArrayShift: Annotated[int, Field(ge=-MOST_VOXELS, le=MOST_VOXELS)] | None = None
    sigma: Annotated[list[Sigma], Field(min_length=1, max_length=100)] | None = None
    wavelet: str | None = None
    level: Annotated[int, Field(ge=1, le=10)] | None = None
    start_level: Annotated[int, Field(ge=0, le=10)] | None = None
    gradientUseSpacing: bool | None = None
    lbp2DRadius: Radius | None = None
    lbp2DSamples: Annotated[int, Field(ge=1, le=24)] | None = None
    lbp2DMethod: Literal["default", "ror", "uniform", "var"] | None = None
    lbp3DLevels: Annotated[int, Field(ge=1, le=10)] | None = None
    lbp3DIcosphereRadius: Radius | None = None
    lbp3DIcosphereSubdivision: Annotated[int, Field(ge=0, le=5)] | None = None

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
    """``extraction: pyradiomics:`` of a study file.

    ``shape2D`` puts PyRadiomics' shape2D in the place of shape in a preset, for regions in one plane; it needs
    ``force2D: true``. ``modality`` holds settings for images of one modality alone (``{MR: {normalize: true,
    normalizeScale: 100, binWidth: 5}}``); they go before the others. ``exact_log`` filters whole images for LoG instead
    of the neighbourhood of the region.
    """

    preset: str = "protocol-1223"
    backend: Literal["fast", "pyradiomics"] = "fast"
    combine: Literal["mean", "volume"] = "mean"
    exact_log: bool = False
    shape2D: bool = False
    modality: dict[str, Overrides] = Field(default_factory=dict, max_length=100)

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
