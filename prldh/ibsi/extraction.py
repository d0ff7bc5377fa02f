"""How features were computed, as far as it is known: from ``features/TISSUE.json`` here, from a PyRadiomics file in
``feature_files.py``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from prldh.ibsi.feature_names import parse_name

#: PyRadiomics' settings with the values it takes where nothing is said (its code, 3.0.1 and 3.1).
DEFAULTS: dict[str, Any] = {
    "binWidth": 25,
    "binCount": None,
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
    "resegmentMode": "absolute",
    "resegmentShape": False,
    "voxelArrayShift": 0,
    "symmetricalGLCM": True,
    "weightingNorm": None,
    "gldm_a": 0,
    "minimumROIDimensions": 2,
    "minimumROISize": None,
    "correctMask": False,
    "geometryTolerance": None,
    "sigma": None,
    "wavelet": "coif1",
    "start_level": 0,
    "level": 1,
}
#: What is set of every extraction and says nothing of how features are defined.
TRIVIAL = ("label", "label_channel", "additionalInfo")
#: Where things stand in a PyRadiomics file.
COLUMNS = {
    "settings": "diagnostics_Configuration_Settings",
    "image types": "diagnostics_Configuration_EnabledImageTypes",
    "versions": "diagnostics_Versions_PyRadiomics",
    "voxel size": "diagnostics_Image-original_Spacing",
}
#: Where they stand in ``features/TISSUE.json``.
KEYS = {
    "settings": "sources.{source}.computed.setting",
    "image types": "sources.{source}.computed.imageType",
    "versions": "sources.{source}.packages",
    "voxel size": "cases[].spacing_mm",
    "modality": "cases[].modality",
    "format of masks": "cases[].formats.masks",
    "names of features": "features",
}


@dataclass(frozen=True)
class Extraction:
    """What is known of how one table of features was made.

    ``settings`` and ``image_types`` hold every distinct value found (a table may join several runs); None where they
    are not known. ``corrections`` name where IBSI's definition stood in for PyRadiomics'.
    ``spacings`` counts the images' voxel sizes (x, y, z in mm), ``modalities`` DICOM's. ``dicom`` counts values by
    keyword, ``image_formats`` and ``mask_formats`` what files there were. A patient with several regions counts once.
    ``measured`` says how many regions there are; ``resampled`` counts voxel sizes after resampling, where the file
    records them. ``source``: the feature source here that settings and versions are of. ``lesions``: how many there
    were and how they were combined; ``consensus``: how the readers' masks became the one that the values are of;
    ``image_steps``: what was done to the images before, in order.
    """

    name: str
    where: str
    features: tuple[str, ...]
    versions: tuple[str, ...] = ()
    settings: Mapping[str, tuple[Any, ...]] | None = None
    image_types: Mapping[str, tuple[Any, ...]] | None = None
    modalities: Mapping[str, int] = field(default_factory=dict)
    spacings: Mapping[tuple[float, ...], int] = field(default_factory=dict)
    dicom: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    corrections: tuple[str, ...] = ()
    n_cases: int | None = None
    n_readers: int | None = None
    is_file: bool = False
    image_formats: Mapping[str, int] = field(default_factory=dict)
    mask_formats: Mapping[str, int] = field(default_factory=dict)
    measured: str | None = None
    resampled: Mapping[tuple[float, ...], int] = field(default_factory=dict)
    source: str = ""
    lesions: Mapping[str, Any] | None = None
    consensus: str | None = None
    image_steps: tuple[Mapping[str, Any], ...] = ()

    def place(self, what: str) -> str:
        """Where settings, image types, versions or voxel size stand."""
        known = COLUMNS if self.is_file else KEYS if self.where.startswith("features/") else {}
        return known.get(what, what).format(source=self.source)

    def setting(self, key: str) -> tuple[Any, ...]:
        """The distinct values of a setting; PyRadiomics' own where the file does not say. Only where settings are
        known."""
        assert self.settings is not None
        return self.settings.get(key, (DEFAULTS.get(key),))

    def is_default(self, key: str) -> bool:
        """Whether PyRadiomics' default held, said or not."""
        return self.setting(key) == (DEFAULTS.get(key),)

    def plain_settings(self) -> dict[str, Any] | None:
        """One value a setting where they do not differ; None where settings are not known."""
        if self.settings is None:
            return None
        return {k: v[0] for k, v in self.settings.items() if len(v) == 1} | {"corrections": self.corrections}

    @property
    def radiomic(self) -> tuple[str, ...]:
        """The features that bear PyRadiomics' names."""
        return tuple(f for f in self.features if parse_name(f))

    @property
    def classes(self) -> Counter[str]:
        """How many of them are of each class."""
        return Counter(name.family for f in self.features if (name := parse_name(f)))

    @property
    def images(self) -> Counter[str]:
        """How many of them are of each image type."""
        return Counter(name.image_type for f in self.features if (name := parse_name(f)))


# ---------------------------------------------------------------- features/TISSUE.json


def from_metadata(name: str, where: str, content: Mapping[str, Any]) -> Extraction:
    """From what ``prldh extract`` writes beside the features of a tissue (``features/TISSUE.json``, or ``images`` of
    ``results.json``)."""
    cases = content.get("cases") or []
    modalities = _by_patient(cases, lambda c: [c.get("modality") or (c.get("dicom") or {}).get("Modality")])
    sources = content.get("sources") or {}
    name_of_source = next((source for source, about in sources.items() if _is_by_pyradiomics(about)), "")
    source = sources.get(name_of_source) or {}
    blocks = _blocks(source.get("computed"), [c.get("modality") for c in cases])
    versions = tuple(f"{package} {version}" for package, version in (source.get("packages") or {}).items())
    if source and not any(map(names_pyradiomics, versions)):
        versions = (f"source {name_of_source} {source.get('version', '')}".strip(), *versions)
    return Extraction(
        name,
        where,
        tuple(content.get("features") or ()),
        versions,
        merge_settings([b["setting"] for b in blocks]) if blocks else None,
        merge_settings([b["imageType"] for b in blocks]) if blocks else None,
        modalities,
        _by_patient(cases, lambda c: [tuple(c.get("spacing_mm") or ())]),
        _count_dicom(cases),
        tuple(blocks[0].get("corrections") or ()) if blocks else (),
        content.get("n_measured"),
        content.get("n_readers"),
        image_formats=_by_patient(cases, lambda c: [(c.get("formats") or {}).get("image")]),
        measured=(
            f"{content['n_measured']} regions of {content['n_patients']} patients"
            if {"n_measured", "n_patients"} <= set(content)
            else None
        ),
        mask_formats=_by_patient(cases, lambda c: (c.get("formats") or {}).get("masks") or []),
        source=name_of_source,
        lesions=content.get("lesions"),
        consensus=content.get("consensus"),
        image_steps=tuple(content.get("image_steps") or ()),
    )


def names_pyradiomics(text: str) -> bool:
    """Whether a text names the program, by whatever distribution it came.

    Examples
    --------
    >>> names_pyradiomics("pyradiomics-bhklab 3.1.4"), names_pyradiomics("torch 2.6")
    (True, False)
    """
    return "PyRadiomics".lower() in text.lower()


def _is_by_pyradiomics(about: Mapping[str, Any]) -> bool:
    """Whether a source computes with PyRadiomics, or says its settings as a parameter file of it does."""
    return bool(_blocks(about.get("computed"), ())) or any(map(names_pyradiomics, about.get("packages") or {}))


def _by_patient(
    cases: Sequence[Mapping[str, Any]], values: Callable[[Mapping[str, Any]], Sequence[Any]]
) -> Counter[Any]:
    """How many patients have each value; blanks left out."""
    pairs = dict.fromkeys(
        (c.get("patient", i), value)
        for i, c in enumerate(cases)
        for value in values(c)
        if value not in (None, "", (), [])
    )
    return Counter(value for _, value in pairs)


def _blocks(computed: Any, image_modalities: Sequence[str | None]) -> list[Mapping[str, Any]]:
    """The settings that held, as in a PyRadiomics parameter file: those of each modality there is, and the general ones
    for the rest."""
    if not isinstance(computed, Mapping) or not isinstance(computed.get("setting"), Mapping):
        return []
    own = {m.upper(): block for m, block in (computed.get("modality") or {}).items()}
    modalities = Counter(m.upper() for m in image_modalities if m)
    blocks = [own[m] for m in modalities if m in own]
    covered = sum(n for m, n in modalities.items() if m in own)
    general = {"imageType": {}, **computed}
    return [
        *([general] if covered < len(image_modalities) or not blocks else []),
        *({"imageType": {}, **block} for block in blocks),
    ]


def _count_dicom(cases: Sequence[Mapping[str, Any]]) -> dict[str, Counter[str]]:
    keywords = dict.fromkeys(k for c in cases for k in c.get("dicom") or {})
    counts = {k: _by_patient(cases, partial(_of_header, keyword=k)) for k in keywords}
    return {k: counted for k, counted in counts.items() if counted}


def _of_header(case: Mapping[str, Any], keyword: str) -> list[str | None]:
    return [_text((case.get("dicom") or {}).get(keyword))]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return (
        " × ".join(_text(v) for v in value)
        if isinstance(value, (list, tuple))
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def merge_settings(dictionaries: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Every key with its distinct values; where one row does not say, PyRadiomics' default stands in for it."""
    keys = dict.fromkeys(k for d in dictionaries for k in d)
    merged = {}
    for key in keys:
        values = [d.get(key, DEFAULTS.get(key)) for d in dictionaries]
        merged[key] = tuple(v for i, v in enumerate(values) if v not in values[:i])
    return merged
