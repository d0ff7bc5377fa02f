"""New patients' images, measured as the study's were where the cohort file does not say otherwise; where it does, that
is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prldh.apply.cohort_file import NewCohort
from prldh.core import Progress, Warn, warn
from prldh.data.imaging import PERTURB, TissueImages, describe_tissue, measure, read_cases, warn_of_leaks
from prldh.plugins import COMPUTED_ON, Registry
from prldh.study import OF_IMAGES, ReadSettings, Study, TableRead, Tissue

#: What makes other masks, and other voxels of the same files.
_OF_MASKS = ("lesions", "consensus")
_OF_VOXELS = ("fraction", "pet")


@dataclass(frozen=True)
class Measuring:
    """How the images of a cohort file are measured: ``settings`` are the study's and ``results`` the run's,
    ``clinical_read`` and ``id_column`` say how the cohort's tables are read."""

    cohort: NewCohort
    folder: Path
    settings: Mapping[str, Any]
    results: Mapping[str, Any]
    clinical_read: TableRead
    id_column: str
    registry: Registry
    jobs: int | None
    progress: Progress | None

    def tissue(self, name: str, given: Tissue) -> tuple[TissueImages, list[Warn]]:
        """A tissue that the cohort file gives as images, and what there is to say of it.

        Raises
        ------
        DataError, StudyError, PluginError
            As :func:`prldh.data.imaging.measure`.
        """
        cohort, of_study = self.cohort, self.settings["tissues"][name]
        extraction = self.settings["extraction"] if cohort.extraction is None else cohort.extraction
        own = dict(of_study.get("extraction", {})) if cohort.extraction is None else {}
        own |= {source: {**own.get(source, {}), **keys} for source, keys in given.extraction.items()}
        sources = given.sources if "sources" in given.model_fields_set else of_study["sources"]
        masks, warnings = self._masks(name, given)
        study = Study.model_validate(
            {
                "clinical": {
                    "table": cohort.clinical.table,
                    "read": self.clinical_read.model_dump(),
                    "id": self.id_column,
                    "patient": cohort.clinical.patient,
                    "outcome": self.settings["clinical"]["outcome"],
                    "event": 1,
                },
                "tissues": {
                    name: {
                        "images": given.images,
                        "sources": sources,
                        "extraction": _unperturbed(own),
                        **masks,
                    }
                },
                "extraction": {source: said for source, said in extraction.items() if source in sources},
                "image_steps": self.settings.get("image_steps") or [],
                "imaging": self.settings["imaging"] | _given(cohort.imaging),
            }
        )
        tissue = measure(study, self.folder, self.registry, jobs=self.jobs, progress=self.progress).tissues[name]
        leaks = warn_of_leaks(name, tissue.chosen, tissue.ids, tissue.patient_of)
        return tissue, [*warnings, *leaks, *self._differences(name, given, tissue)]

    def _masks(self, name: str, given: Tissue) -> tuple[dict[str, Any], list[Warn]]:
        """How masks and lesions become a row: as in the study, where the cohort file does not say it. Of one reader's
        masks there is no consensus, and they stand for it."""
        used = self.settings["tissues"][name]
        own = given.model_dump(include=set(OF_IMAGES) & given.model_fields_set)
        masks = {key: used[key] for key in OF_IMAGES if used.get(key) is not None} | own
        cases = given.cases()
        if masks.get("consensus") and "consensus" not in own and cases is not None:
            read = cases.read.joined_as(self.clinical_read)
            rows = read_cases(
                self.folder / cases.path, name, self.id_column, read=read, patient_column=self.cohort.clinical.patient
            )
            if len(rows[0].masks) == 1:
                del masks["consensus"]
                return masks, [warn.ONE_MASK(tissue=name, consensus=used["consensus"])]
        return masks, []

    def _differences(self, name: str, given: Tissue, tissue: TissueImages) -> list[Warn]:
        """A warning for each source that says that its values depend on something else than in the study, or that is
        given other images, masks or lesions."""
        of_images = self.results.get("images", {}).get(name, {})
        of_run = of_images.get("sources", {})
        common = self._said_otherwise(name, given)
        steps = [(chosen.step.name, dict(chosen.settings_given)) for chosen in tissue.steps]
        if steps != [(step["name"], step["settings"]) for step in of_images.get("image_steps") or ()]:
            common.append("image_steps")
        told = []
        for source, entry in describe_tissue(tissue)["sources"].items():
            now, then = entry.get("computed", {}), of_run.get(source, {}).get("computed", {})
            keys = [k for k, value in then.items() if k != COMPUTED_ON and k in now and now[k] != value] + common
            if keys:
                told.append(warn.OTHER_EXTRACTION(tissue=name, source=source, keys=" and ".join(keys)))
        return told

    def _said_otherwise(self, name: str, given: Tissue) -> list[str]:
        """What the cohort file says of reading images, of masks and of lesions, and the study says otherwise."""
        of_study, reading = self.settings["tissues"][name], self.settings["imaging"]
        said = given.model_dump(include=set(_OF_MASKS) & given.model_fields_set)
        read = {key: value for key, value in _given(self.cohort.imaging).items() if key in _OF_VOXELS}
        return [key for key, value in said.items() if value != of_study.get(key)] + [
            f"imaging.{key}" for key, value in read.items() if value != reading.get(key, value)
        ]


def _given(settings: ReadSettings | None) -> dict[str, Any]:
    """The settings that were given: the others are the study's."""
    return {} if settings is None else settings.model_dump(exclude_unset=True)


def _unperturbed(extraction: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of an extraction without those of perturbed masks, of which a Radscore reads nothing."""
    return {key: value for key, value in extraction.items() if key != PERTURB}
