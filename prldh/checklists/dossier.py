"""Everything that is known of a study when a checklist is filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prldh.core import DataError, is_folder, is_there
from prldh.ibsi import Extraction, from_metadata, read_feature_file
from prldh.plugins import Registry
from prldh.results import (
    FeaturesFile,
    Words,
    read_external,
    read_held,
    read_provenance,
    read_results,
    refuse_other,
    words_of,
)


@dataclass(frozen=True)
class Dossier:
    """What rules may look at.

    Parameters
    ----------
    results
        The content of ``results.json``; None where there was no analysis.
    provenance
        The content of ``provenance.json``, or None.
    extractions
        One a tissue (or the one feature file) whose features are known.
    title
        What the checklist is of.
    external
        What ``prldh apply`` found on other patients whose outcomes are known, where the models are still the same.
    words
        What the objects behind the analysis say of themselves.
    """

    results: Mapping[str, Any] | None = None
    provenance: Mapping[str, Any] | None = None
    extractions: tuple[Extraction, ...] = field(default_factory=tuple)
    title: str = ""
    external: tuple[Mapping[str, Any], ...] = ()
    words: Words = Words()

    @property
    def run(self) -> Mapping[str, Any]:
        """The content of ``results.json``, for rules that are only asked where there was an analysis."""
        if self.results is None:
            raise ValueError("there was no analysis")
        return self.results

    @property
    def settings(self) -> Mapping[str, Any]:
        """The study file as it was run; empty without an analysis."""
        return self.results["study"]["settings"] if self.results else {}

    @property
    def known(self) -> tuple[Extraction, ...]:
        """The extractions by PyRadiomics whose settings are known."""
        return tuple(e for e in self.extractions if e.settings is not None)

    @property
    def modalities(self) -> set[str]:
        """DICOM's modalities of all images read; empty where they are not known."""
        return {m for e in self.extractions for m in e.modalities}

    @property
    def given_scores(self) -> list[str]:
        """Tissues whose Radscore came as a column: how it was made is not known."""
        return [name for name, t in (self.results or {}).get("tissues", {}).items() if t["selection"] is None]

    @property
    def selected(self) -> dict[str, Any]:
        """Tissues whose features were selected in this run."""
        return {name: t for name, t in (self.results or {}).get("tissues", {}).items() if t["selection"] is not None}


def dossier_of(
    results: Mapping[str, Any],
    provenance: Mapping[str, Any] | None,
    folder: Path | None = None,
    words: Words | None = None,
) -> Dossier:
    """What an analysis shows, with ``features/TISSUE.json`` where the folder holds it."""
    described = _read_metadata(folder) if folder else {}
    extractions = []
    for name, tissue in results["tissues"].items():
        images = (results.get("images") or {}).get(name)
        names = feature_names(tissue)
        if name in described:
            extractions.append(described.pop(name))
        elif images:
            extraction = from_metadata(name, "results.json", images)
            extractions.append(Extraction(**{**vars(extraction), "features": names}))
        elif names:
            extractions.append(Extraction(name, "results.json", names))
    return Dossier(
        results,
        provenance,
        tuple(extractions),
        results["study"]["title"],
        _validated(folder) if folder else (),
        words or Words(),
    )


def _validated(folder: Path) -> tuple[Mapping[str, Any], ...]:

    return tuple(entry for entry in read_external(folder) if entry["is_validated"] and not entry["is_stale"])


def feature_names(tissue: Mapping[str, Any]) -> tuple[str, ...]:
    """All features that a tissue's selection was given: those kept, and those that each step dropped."""
    if tissue["selection"] is None:
        return ()
    dropped = [f for step in tissue["selection"]["steps"] for f in step["dropped"]]
    return tuple(dict.fromkeys([*tissue["selection"]["features"], *dropped]))


def read_dossier(path: Path, registry: Registry) -> Dossier:
    """What is known at ``path``: an output folder of ``analyze`` or ``extract``, or a PyRadiomics feature file;
    ``registry``: where the objects behind it are found.

    Raises
    ------
    DataError
        If it is neither, or cannot be read.
    """

    if not is_there(path):
        raise DataError(
            f"{path} is not there. Give an output folder of `prldh analyze` or `prldh extract`, or a PyRadiomics"
            " feature file."
        )
    if not is_folder(path) and path.name != "results.json":
        if path.suffix.lower() in (".yaml", ".yml"):
            refuse_other(path)
        extraction = read_feature_file(path)
        return Dossier(extractions=(extraction,), title=path.name)
    folder = path if is_folder(path) else path.parent
    if is_there(folder / "results.json"):
        results = read_results(folder)
        return dossier_of(results, read_provenance(folder), folder, words_of(results, registry))
    described = _read_metadata(folder)
    if not described:
        raise DataError(
            f"{folder} holds neither results.json (of `prldh analyze`) nor features/TISSUE.json (of `prldh extract`). "
            "Give such a folder, or a PyRadiomics feature file."
        )
    return Dossier(None, read_provenance(folder), tuple(described.values()), f"Features of {', '.join(described)}")


def _read_metadata(folder: Path) -> dict[str, Extraction]:
    extractions = {}
    for path in sorted((folder / "features").glob("*.json")) if (folder / "features").is_dir() else []:
        do = "It is what `prldh extract` writes beside its features: extract again."
        try:
            content = read_held(path, FeaturesFile, do)
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}. {do}") from None
        try:
            extractions[content["tissue"]] = from_metadata(content["tissue"], f"features/{path.name}", content)
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path} is damaged ({type(error).__name__}: {str(error)[:80]}). {do}") from None
    return extractions
