"""How features were computed, as far as it is known: from ``features/TISSUE.json``, or from the diagnostics columns of a PyRadiomics file."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from prldh.checklists.feature_names import parse_name
from prldh.errors import DataError
from prldh.tables import BLANKS, read_table

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
    "settings": "sources.pyradiomics.computed.setting",
    "image types": "sources.pyradiomics.computed.imageType",
    "versions": "sources.pyradiomics.packages",
    "voxel size": "cases[].spacing_mm",
    "modality": "cases[].modality",
    "format of masks": "cases[].formats.masks",
    "names of features": "features",
}
#: A text longer than this is no settings dictionary: it is not parsed.
LONGEST = 20_000
PREFIX = "diagnostics_"


@dataclass(frozen=True)
class Extraction:
    """What is known of how one table of features was made.

    ``settings`` and ``image_types`` hold every distinct value found (a table may join several runs); None where they are not known.
    ``corrections`` name where IBSI's definition stood in for PyRadiomics'.
    ``spacings`` counts the images' voxel sizes (x, y, z in mm), ``modalities`` DICOM's. ``dicom`` counts values by keyword, ``image_formats``
    and ``mask_formats`` what files there were. A patient with several regions counts once.
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

    def place(self, what: str) -> str:
        """Where settings, image types, versions or voxel size stand."""
        known = COLUMNS if self.is_file else KEYS if self.where.startswith("features/") else {}
        return known.get(what, what)

    def setting(self, key: str) -> tuple[Any, ...]:
        """The distinct values of a setting; PyRadiomics' own where the file does not say. Only where settings are known."""
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
        return Counter(parse_name(f).family for f in self.radiomic)

    @property
    def images(self) -> Counter[str]:
        """How many of them are of each image type."""
        return Counter(parse_name(f).image_type for f in self.radiomic)


# ---------------------------------------------------------------- features/TISSUE.json


def from_metadata(name: str, where: str, content: Mapping[str, Any]) -> Extraction:
    """From what ``prldh extract`` writes beside the features of a tissue (``features/TISSUE.json``, or ``images`` of ``results.json``)."""
    cases = content.get("cases") or []
    modalities = _by_patient(cases, lambda c: [c.get("modality")])
    source = (content.get("sources") or {}).get("pyradiomics") or {}
    blocks = _blocks(source.get("computed"), [c.get("modality") for c in cases])
    versions = tuple(f"{package} {version}" for package, version in (source.get("packages") or {}).items())
    if source and not any("pyradiomics" in v for v in versions):
        versions = (f"source pyradiomics {source.get('version', '')}".strip(), *versions)
    return Extraction(
        name,
        where,
        tuple(content.get("features") or ()),
        versions,
        _merge([b["setting"] for b in blocks]) if blocks else None,
        _merge([b["imageType"] for b in blocks]) if blocks else None,
        modalities,
        _by_patient(cases, lambda c: [tuple(c.get("spacing_mm") or ())]),
        _count_dicom(cases),
        tuple(blocks[0].get("corrections") or ()) if blocks else (),
        content.get("n_measured"),
        content.get("n_readers"),
        image_formats=_by_patient(cases, lambda c: [(c.get("formats") or {}).get("image")]),
        mask_formats=_by_patient(cases, lambda c: (c.get("formats") or {}).get("masks") or []),
    )


def _by_patient(cases: Sequence[Mapping[str, Any]], values: Callable[[Mapping[str, Any]], Sequence[Any]]) -> Counter[Any]:
    """How many patients have each value; blanks left out."""
    pairs = dict.fromkeys((c.get("patient", i), value) for i, c in enumerate(cases) for value in values(c) if value not in (None, "", (), []))
    return Counter(value for _, value in pairs)


def _blocks(computed: Any, found_modalities: Sequence[str | None]) -> list[Mapping[str, Any]]:
    """The settings that held, as in a PyRadiomics parameter file: those of each modality there is, and the general ones for the rest."""
    if not isinstance(computed, Mapping) or not isinstance(computed.get("setting"), Mapping):
        return []
    own = {m.upper(): block for m, block in (computed.get("modality") or {}).items()}
    modalities = Counter(m.upper() for m in found_modalities if m)
    found = [own[m] for m in modalities if m in own]
    covered = sum(n for m, n in modalities.items() if m in own)
    general = {"imageType": {}, **computed}
    return [*([general] if covered < len(found_modalities) or not found else []), *({"imageType": {}, **block} for block in found)]


def _count_dicom(cases: Sequence[Mapping[str, Any]]) -> dict[str, Counter[str]]:
    keywords = dict.fromkeys(k for c in cases for k in c.get("dicom") or {})
    return {k: n for k in keywords if (n := _by_patient(cases, lambda c, k=k: [_text((c.get("dicom") or {}).get(k))]))}


def _text(value: Any) -> str:
    if value is None:
        return ""
    return " × ".join(_text(v) for v in value) if isinstance(value, (list, tuple)) else f"{value:g}" if isinstance(value, float) else str(value)


# ---------------------------------------------------------------- a PyRadiomics file


def read_feature_file(path: Path) -> Extraction:
    """A table of PyRadiomics (CSV, TSV, XLSX, Parquet), one row a case, with its ``diagnostics_`` columns where it has them.

    Raises
    ------
    DataError
        If it is no such table, or a settings cell cannot be read.
    """
    table = read_table(path)
    names = tuple(str(c) for c in table.columns)
    features = tuple(c for c in names if parse_name(c))
    columns = {c.removeprefix(PREFIX): table[c] for c in names if c.startswith(PREFIX)}
    if not features and not columns:
        old = next((c for c in names if c.startswith("general_info_")), None)
        if old:
            raise DataError(
                f"{path} has the column '{old}': it is of PyRadiomics 2.0 or before, whose columns are not read. Extract again with a later version."
            )
        raise DataError(
            f"{path} is no table of PyRadiomics: no column is named as its features are (such as original_shape_Sphericity), "
            f"and none begins with {PREFIX}. "
            "Give its feature table, or an output folder of `prldh analyze` or `prldh extract`."
        )
    settings = _read_dictionaries(columns.get("Configuration_Settings"), "Configuration_Settings", path)
    images = _read_dictionaries(columns.get("Configuration_EnabledImageTypes"), "Configuration_EnabledImageTypes", path)
    spacing = _read_spacings(columns.get("Image-original_Spacing"), path)
    versions = _distinct(columns.get("Versions_PyRadiomics"))
    return Extraction(
        path.name,
        path.name,
        features,
        tuple(f"PyRadiomics {v}" for v in versions),
        None if settings is None else _merge(settings),
        None if images is None else _merge(images),
        {},
        spacing,
        {},
        (),
        len(table),
        None,
        True,
    )


def _distinct(column: pd.Series | None) -> list[str]:
    return [] if column is None else list(dict.fromkeys(v for v in column if v not in BLANKS))


def _read_dictionaries(column: pd.Series | None, name: str, path: Path) -> list[dict[str, Any]] | None:
    found = _distinct(column)
    return [_read_dictionary(text, f"{path}, column {PREFIX}{name}, row {list(column).index(text) + 2}") for text in found] or None


def _read_dictionary(text: str, place: str) -> dict[str, Any]:
    """A dictionary as Python or JSON writes it. Nothing in it is run.

    Raises
    ------
    DataError
        If it is neither.
    """
    if len(text) <= LONGEST:
        for read in (ast.literal_eval, json.loads):
            try:
                content = read(re.sub(r"^OrderedDict\((.*)\)$", r"\1", text.strip()) if read is ast.literal_eval else text)
                if isinstance(content, dict) or (isinstance(content, list) and all(isinstance(p, tuple) and len(p) == 2 for p in content)):
                    return {str(k): v for k, v in dict(content).items()}
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                continue
    shown = text[:60] + ("..." if len(text) > 60 else "")
    raise DataError(
        f"{place}: settings are expected as a dictionary, such as {{'binWidth': 25}}; found {shown!r}. Mend the cell, or leave it empty."
    )


def _merge(dictionaries: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Any, ...]]:
    """Every key with its distinct values; where one row does not say, PyRadiomics' default stands in for it."""
    keys = dict.fromkeys(k for d in dictionaries for k in d)
    merged = {}
    for key in keys:
        values = [d.get(key, DEFAULTS.get(key)) for d in dictionaries]
        merged[key] = tuple(v for i, v in enumerate(values) if v not in values[:i])
    return merged


def _read_spacings(column: pd.Series | None, path: Path) -> Counter[tuple[float, ...]]:
    found: Counter[tuple[float, ...]] = Counter()
    for i, text in enumerate([] if column is None else column):
        numbers = re.findall(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?", text)
        if text in BLANKS:
            continue
        if len(numbers) not in (2, 3):
            raise DataError(
                f"{path}, column {PREFIX}Image-original_Spacing, row {i + 2}: a voxel size of two or three numbers is expected; "
                f"found {text[:60]!r}. Mend the cell, or leave it empty."
            )
        found[tuple(round(float(v), 6) for v in numbers)] += 1
    return found
