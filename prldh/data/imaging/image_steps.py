"""Image steps that come with prldh: what is done to an image before it is measured, of that image alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from prldh.core import Case, DataError, Reference, StepRun, bounds

#: Up to what SimpleITK's own types and a machine's memory hold; beyond lies a slip of the keyboard.
_Count = Annotated[int, Field(ge=1, le=100_000)]
_Radius = Annotated[int, Field(ge=1, le=100)]
#: Bins of Otsu's histogram, as in SimpleITK's own example of N4.
_OTSU_BINS = 200
#: An axis is not shrunk to fewer voxels than these.
_LEAST = 4


class StepSettings(BaseModel):
    """Settings of an image step: nothing unknown, and no number that is infinite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class N4Settings(StepSettings):
    shrink: _Count = Field(4, description="the field is fitted on every n-th voxel along an axis, at least 4 of each")
    iterations: Annotated[list[_Count], Field(min_length=1, max_length=8)] = Field(
        [50, 50, 50, 50], description="the most iterations of each level, the grid of the field being halved in between"
    )
    convergence: float = Field(0.001, gt=0, le=1, description="a level ends where the field changes by less than this")
    control_points: int = Field(4, ge=4, le=32, description="of the field's B-spline along an axis, at the first level")


class N4:
    """N4 bias-field correction: SimpleITK's, fitted on the foreground by Otsu's threshold."""

    name = "n4"
    version = "1"
    Settings = N4Settings
    label = "N4 bias-field correction"
    ibsi_item = "45"
    of_image_alone = True
    packages = ("SimpleITK",)
    references = (
        Reference(
            "tustison2010",
            "Tustison, Nicholas J. and Avants, Brian B. and Cook, Philip A. and others",
            "N4ITK: improved N3 bias correction",
            "IEEE Transactions on Medical Imaging",
            2010,
            "29",
            "1310--1320",
            "10.1109/TMI.2010.2046908",
        ),
        Reference(
            "otsu1979",
            "Otsu, Nobuyuki",
            "A threshold selection method from gray-level histograms",
            "IEEE Transactions on Systems, Man, and Cybernetics",
            1979,
            "9",
            "62--66",
            "10.1109/TSMC.1979.4310076",
        ),
    )

    def methods(self, run: StepRun) -> str:
        return (
            "non-uniformity was corrected by N4 [@tustison2010], fitted within Otsu's foreground [@otsu1979] of the"
            " image shrunk by a factor of {shrink}"
        )

    def apply(self, case: Case, settings: N4Settings) -> Case:
        """The image divided by its bias field, float32."""
        import SimpleITK as sitk

        image = _in_single_precision(case)
        thin = [axis for axis, n in enumerate(image.GetSize()) if n == 1]
        if len(thin) > 1:
            raise DataError("N4 corrects no image of one row or column. Leave it out.")
        if thin:  # of one slice: in its plane
            image = sitk.Extract(image, [0 if axis in thin else n for axis, n in enumerate(image.GetSize())])
        inside = sitk.OtsuThreshold(image, 0, 1, _OTSU_BINS)
        of_inside = sitk.GetArrayViewFromImage(image)[sitk.GetArrayViewFromImage(inside) == 1]
        if not of_inside.size or of_inside.min() == of_inside.max():
            raise DataError("the image's foreground has one value: there is no field to see. Look at the image.")
        if of_inside.min() <= 0:
            raise DataError(
                f"the image has values down to {of_inside.min():g} in its foreground, and N4 takes logarithms: it is"
                f" for magnitude images of MRI. Leave {self.name} out for this tissue, or give the image as it was"
                " reconstructed."
            )
        factors = [max(1, min(settings.shrink, n // _LEAST)) for n in image.GetSize()]
        filtering = sitk.N4BiasFieldCorrectionImageFilter()
        filtering.SetNumberOfThreads(1)  # sums in one order, whatever the machine
        filtering.SetMaximumNumberOfIterations(settings.iterations)
        filtering.SetConvergenceThreshold(settings.convergence)
        filtering.SetNumberOfControlPoints([settings.control_points] * image.GetDimension())
        filtering.Execute(sitk.Shrink(image, factors), sitk.Shrink(inside, factors))
        field = np.exp(sitk.GetArrayFromImage(filtering.GetLogBiasFieldAsImage(image)))
        return _with_values(case, sitk.GetArrayViewFromImage(image) / field)

    def fingerprint(self, settings: N4Settings) -> str:
        return _simpleitk()


class ZScoreSettings(StepSettings):
    inside: Literal["image", "foreground"] = Field(
        "image", description="whose mean and SD are taken: of the whole image, or of what is above Otsu's threshold"
    )
    scale: float = Field(
        1.0,
        gt=0,
        le=bounds.NUMBER,
        description="what the z-score is multiplied by; 100 suits bin widths of grey values",
    )


class ZScore:
    """Intensities as multiples of the image's SD above its mean."""

    name = "z_score"
    version = "1"
    Settings = ZScoreSettings
    label = "z-score of intensities"
    ibsi_item = "46"
    of_image_alone = True
    packages = ("SimpleITK",)
    references = N4.references[1:]

    def methods(self, run: StepRun) -> str:
        where = "Otsu's foreground [@otsu1979]" if run.settings.get("inside") == "foreground" else "the whole image"
        return f"intensities became z-scores by mean and SD of {where}, times {{scale}}"

    def apply(self, case: Case, settings: ZScoreSettings) -> Case:
        """(value - mean) / SD, with n - 1 in the SD, times ``scale``; float64."""
        values = case.image.values.astype(np.float64)
        inside = values
        if settings.inside == "foreground":
            import SimpleITK as sitk

            threshold = sitk.OtsuThresholdImageFilter()
            threshold.SetNumberOfHistogramBins(_OTSU_BINS)
            threshold.Execute(sitk.Cast(_as_sitk(case), sitk.sitkFloat64))
            inside = values[values > threshold.GetThreshold()]
        with np.errstate(over="ignore"):
            sd = float(inside.std(ddof=1)) if inside.size > 1 else 0.0
        if not sd > 0:
            raise DataError(f"the {settings.inside} has one value, and a z-score needs several. Look at the image.")
        if not np.isfinite(sd):
            raise DataError(f"the image has values up to {np.abs(values).max():g}, whose SD no number holds.")
        return _with_values(case, (values - inside.mean()) / sd * settings.scale)

    def fingerprint(self, settings: ZScoreSettings) -> str:
        return _simpleitk() if settings.inside == "foreground" else ""


class EqualisationSettings(StepSettings):
    alpha: float = Field(0.3, ge=0, le=1, description="0: equalisation, 1: unsharp masking")
    beta: float = Field(0.3, ge=0, le=1, description="0: the window's own, 1: the image as it was")
    radius: _Radius | Annotated[list[_Radius], Field(min_length=3, max_length=3)] = Field(
        5, description="of the window in voxels, or one an axis (x, y, z)"
    )


class HistogramEqualisation:
    """Adaptive histogram equalisation: SimpleITK's."""

    name = "histogram_equalisation"
    version = "1"
    Settings = EqualisationSettings
    label = "adaptive histogram equalisation"
    ibsi_item = "47"
    of_image_alone = True
    packages = ("SimpleITK",)
    references = (
        Reference(
            "stark2000",
            "Stark, J. Alex",
            "Adaptive image contrast enhancement using generalizations of histogram equalization",
            "IEEE Transactions on Image Processing",
            2000,
            "9",
            "889--896",
            "10.1109/83.841534",
        ),
    )

    def methods(self, run: StepRun) -> str:
        return "the histogram was equalised adaptively [@stark2000], alpha {alpha} and beta {beta}"

    def apply(self, case: Case, settings: EqualisationSettings) -> Case:
        """The image with its contrast enhanced locally, float32."""
        import SimpleITK as sitk

        image = _in_single_precision(case)
        filtering = sitk.AdaptiveHistogramEqualizationImageFilter()
        filtering.SetNumberOfThreads(1)
        filtering.SetAlpha(settings.alpha)
        filtering.SetBeta(settings.beta)
        radius = settings.radius
        filtering.SetRadius([radius] * 3 if isinstance(radius, int) else radius)
        equalised = filtering.Execute(image)
        return _with_values(case, sitk.GetArrayFromImage(equalised))

    def fingerprint(self, settings: EqualisationSettings) -> str:
        return _simpleitk()


#: In the order in which they are listed.
IMAGE_STEPS: Sequence[Any] = (N4(), ZScore(), HistogramEqualisation())


def _as_sitk(case: Case) -> Any:
    import SimpleITK as sitk

    geometry = case.image.geometry
    image = sitk.GetImageFromArray(case.image.values)
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_mm)
    image.SetDirection(geometry.direction)
    return image


def _in_single_precision(case: Case) -> Any:
    """The image as float32, which N4 and the equalisation of SimpleITK compute in.

    Raises
    ------
    DataError
        If it has one value, or its values become one or infinite in that precision.
    """
    import SimpleITK as sitk

    low, high = float(case.image.values.min()), float(case.image.values.max())
    if low == high:
        raise DataError("the image has one value: there is nothing to correct or to equalise. Look at the image.")
    limit = float(np.finfo(np.float32).max)
    if max(-low, high) > limit or np.float32(low) == np.float32(high):
        raise DataError(
            f"the image has values from {low!r} to {high!r}, which single precision, in which SimpleITK computes this,"
            " does not hold apart. Shift or scale them, or leave the step out."
        )
    return sitk.Cast(_as_sitk(case), sitk.sitkFloat32)


def _with_values(case: Case, values: np.ndarray) -> Case:
    return replace(case, image=replace(case.image, values=values.reshape(case.image.values.shape)))


def _simpleitk() -> str:
    import SimpleITK as sitk

    return f"SimpleITK {sitk.Version.VersionString()}"
