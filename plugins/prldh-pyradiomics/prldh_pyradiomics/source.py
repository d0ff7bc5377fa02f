"""The feature source ``pyradiomics``."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Sequence
from typing import Any

from prldh.api import Case, Reference, SourceRun
from prldh_pyradiomics.settings import Settings as PyRadiomicsSettings
from prldh_pyradiomics.settings import make_plan


class PyRadiomicsSource:
    """PyRadiomics' features of a region, by the fast path or by PyRadiomics itself."""

    name = "pyradiomics"
    Settings = PyRadiomicsSettings
    packages = ("pyradiomics-bhklab", "SimpleITK", "PyWavelets", "numpy")
    references = (
        Reference(
            "vangriethuysen2017",
            "van Griethuysen, Joost J. M. and Fedorov, Andriy and Parmar, Chintan and others",
            "Computational radiomics system to decode the radiographic phenotype",
            "Cancer Research",
            2017,
            "77",
            "e104--e107",
            "10.1158/0008-5472.CAN-17-0339",
        ),
    )

    def methods(self, run: SourceRun) -> str:
        """The sentence for the Methods, with the version of PyRadiomics where it is known."""
        version = " (pyradiomics-bhklab {packages.pyradiomics-bhklab})" if "pyradiomics-bhklab" in run.packages else ""
        return f"Features were measured on images by PyRadiomics' feature definitions [@vangriethuysen2017]{version}."

    @property
    def version(self) -> str:
        """The version of this plugin and of PyRadiomics: values depend on both."""
        from prldh_pyradiomics import __version__

        for distribution in ("pyradiomics-bhklab", "pyradiomics"):
            try:
                return f"{__version__} ({distribution} {importlib.metadata.version(distribution)})"
            except importlib.metadata.PackageNotFoundError:
                continue
        return __version__

    def check(self, settings: PyRadiomicsSettings) -> None:
        """Refuse before any image is read what no image could change: a preset that is not there, PyRadiomics that
        cannot be imported, a filter of its that lacks a package.

        Raises
        ------
        StudyError, PluginError
        """
        from prldh_pyradiomics.own import check_extension, check_image_types, radiomics_version

        plan = make_plan(settings)
        if settings.backend == "fast":
            check_extension()
        else:
            radiomics_version()
        check_image_types(plan)

    def extract(self, case: Case, settings: PyRadiomicsSettings) -> tuple[dict[str, float], ...]:
        """Values of one case, one dictionary a reader, by PyRadiomics' names and in its order.

        Raises
        ------
        DataError
            If the image or a mask cannot be used.
        StudyError
            If the settings cannot be used.
        PluginError
            If PyRadiomics cannot be imported.
        """
        plan = make_plan(settings, case.image.modality)
        if settings.backend == "fast":
            from prldh_pyradiomics.fast import extract_fast

            return extract_fast(case, plan)
        from prldh_pyradiomics.slow import extract_slowly

        return extract_slowly(case, plan)

    def parts(self, case: Case, settings: PyRadiomicsSettings) -> list[Any]:
        """A part for every filtered image; none where PyRadiomics itself measures."""
        from prldh_pyradiomics.fast import parts_of

        return parts_of(make_plan(settings, case.image.modality)) if settings.backend == "fast" else []

    def extract_part(self, case: Case, settings: PyRadiomicsSettings, part: Any) -> tuple[dict[str, float], ...]:
        """The values of one part, as :meth:`extract` gives them."""
        from prldh_pyradiomics.fast import extract_part

        return extract_part(case, make_plan(settings, case.image.modality), part)

    def describe(self, names: Sequence[str], settings: PyRadiomicsSettings) -> dict[str, dict[str, Any]]:
        """What each feature is: unit, IBSI code (or None), family, image type, and whether its definition departs from
        IBSI's."""
        from prldh_pyradiomics.describe import describe

        plan = make_plan(settings)
        return {name: describe(name, plan) for name in names}

    def metadata(self, settings: PyRadiomicsSettings) -> dict[str, Any]:
        """Everything that the values depend on beside image and mask: to be written beside them, and hashed where they
        are kept."""
        plan = make_plan(settings)
        by_modality = {name: make_plan(settings, name).as_json() for name in settings.modality}
        return {
            "source": self.name,
            "version": self.version,
            "preset": settings.preset,
            "backend": settings.backend,
            "exact_log": settings.exact_log,
            "notes": list(plan.notes),
            **plan.as_json(),
            "modality": by_modality,
        }

    def fingerprint(self, settings: PyRadiomicsSettings) -> str:
        """What the values depend on beside what the settings say: the content of a parameter file, not where it
        lies."""
        return json.dumps({k: v for k, v in self.metadata(settings).items() if k != "preset"}, sort_keys=True)

    def verify(self, cases: Case | Sequence[Case], settings: PyRadiomicsSettings) -> dict[str, float]:
        """The largest relative difference of each feature from PyRadiomics' own, over one or more cases and their
        readers."""
        from prldh_pyradiomics.verify import verify

        return verify(cases, settings)
