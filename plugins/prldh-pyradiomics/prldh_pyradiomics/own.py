"""PyRadiomics itself: importing it quietly, asking for its features, and running it as it is."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import importlib.util
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from prldh.api import DataError, PluginError, Volume
from prldh_pyradiomics.settings import Plan
from prldh_pyradiomics.shape import c_shape


@functools.lru_cache(maxsize=1)
def radiomics_version() -> str:
    """Import PyRadiomics, silence its log, and say which version it is.

    Raises
    ------
    PluginError
        If it cannot be imported, or two distributions of it stand in each other's way.
    """
    installed = _installed()
    try:
        import radiomics

        radiomics.setVerbosity(60)
        logging.getLogger("radiomics").setLevel(logging.CRITICAL + 10)
    except Exception as error:  # a broken C extension raises what it likes
        raise _cannot_be_imported(error) from error
    return f"{installed[0]} {_version_of(installed[0])}" if installed else f"radiomics {radiomics.__version__}"


def check_extension() -> None:
    """Refuse what :func:`radiomics_version` refuses without importing more than one extension.

    Raises
    ------
    PluginError
    """
    _installed()
    try:
        c_shape()
    except Exception as error:
        raise _cannot_be_imported(error) from error


def _installed() -> list[str]:
    installed = [name for name in ("pyradiomics", "pyradiomics-bhklab") if _version_of(name)]
    if len(installed) > 1:
        raise PluginError(
            "pyradiomics and pyradiomics-bhklab are both installed and overwrite each other's files. Run: "
            "pip uninstall -y pyradiomics pyradiomics-bhklab && pip install pyradiomics-bhklab==3.1.4"
        )
    return installed


def _cannot_be_imported(error: Exception) -> PluginError:
    return PluginError(
        f"PyRadiomics cannot be imported: {type(error).__name__}: {error}. Run: pip install"
        " pyradiomics-bhklab==3.1.4 (it is built on this machine and needs gcc and Python's headers)."
    )


def _version_of(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def check_image_types(plan: Plan) -> None:
    """PyRadiomics leaves out, with a line in its log, the images of a filter that lacks a package.

    Raises
    ------
    PluginError
        If it would.
    """
    if "LBP2D" in plan.image_types and importlib.util.find_spec("skimage") is None:
        raise PluginError(
            "extraction.pyradiomics: LBP2D needs scikit-image, not installed here. Run: pip install scikit-image"
        )
    if "LBP3D" in plan.image_types:
        if importlib.util.find_spec("trimesh") is None:
            raise PluginError(
                "extraction.pyradiomics: LBP3D needs trimesh, not installed here. Run: pip install trimesh"
            )
        try:
            from scipy.special import sph_harm  # noqa: F401
        except ImportError:
            raise PluginError(
                "extraction.pyradiomics: PyRadiomics' LBP3D needs a function that SciPy"
                f" {importlib.metadata.version('scipy')} no longer has (scipy.special.sph_harm). Leave LBP3D out, or"
                " run: pip install 'scipy<1.17'"
            ) from None


@functools.lru_cache(maxsize=16)
def feature_names(feature_class: str) -> dict[str, bool]:
    """The features of a class in PyRadiomics' order, and whether each is deprecated."""
    radiomics_version()
    import radiomics

    return radiomics.getFeatureClasses()[feature_class].getFeatureNames()


def sitk_image(values: np.ndarray, volume: Volume | None = None, spacing_mm: tuple[float, ...] | None = None) -> Any:
    """A SimpleITK image of values (z, y, x), lying where the volume lies, or at the origin with a spacing (x, y, z)."""
    import SimpleITK as sitk

    native = values.dtype.newbyteorder("=")
    image = sitk.GetImageFromArray(np.ascontiguousarray(values, dtype=native))
    if volume is not None:
        image.SetSpacing([float(s) for s in volume.geometry.spacing_mm])
        image.SetOrigin([float(o) for o in volume.geometry.origin_mm])
        image.SetDirection([float(d) for d in volume.geometry.direction])
    elif spacing_mm is not None:
        image.SetSpacing([float(s) for s in spacing_mm])
    return image


def run_pyradiomics(volume: Volume, mask: np.ndarray, plan: Plan) -> dict[str, float]:
    """All values of one region by PyRadiomics alone, in its order and under its names.

    Raises
    ------
    DataError
        If PyRadiomics refuses the region.
    """
    radiomics_version()
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    extractor = RadiomicsFeatureExtractor(**plan.options)
    extractor.settings = dict(plan.options)  # without what a constructor of another version would add
    extractor.enabledImagetypes = {name: dict(own) for name, own in plan.image_types.items()}
    extractor.enabledFeatures = {name: list(wanted or []) for name, wanted in plan.classes.items()}
    with quietly():
        feature_vector = extractor.execute(
            sitk_image(volume.values, volume), sitk_image(mask.astype(np.uint8), volume), label=1
        )
    return {name: float(value) for name, value in feature_vector.items() if not name.startswith("diagnostics_")}


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Run PyRadiomics' code: its warnings about divisions by 0 are expected, and what it refuses is said in our words.

    Raises
    ------
    DataError
        In place of PyRadiomics' and SimpleITK's errors.
    """
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except (ValueError, RuntimeError, IndexError, AssertionError) as error:
            reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            raise DataError(
                f"PyRadiomics cannot compute features here: {reason}. Look at the image and the mask in a viewer, or"
                " change the settings."
            ) from error
