"""What a PyRadiomics feature is: image type, class, IBSI code, definition, aggregation, and where PyRadiomics deviates.

The codes and deviations are facts of the IBSI reference manual (arXiv:1612.07003), of PyRadiomics' documentation and
code, and of both on the IBSI digital phantom; the definitions are in our own words.
"""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).resolve().parent / "data"

#: PyRadiomics' names: what comes before (a tissue's or sequence's name), the image type, the class, the feature, what
#: comes behind. R turns hyphens into dots, other programs into underscores, and some know no capitals.
NAME = re.compile(
    r"^(?:(?P<prefix>.+?)[_.])??(?P<image>original|wavelet\d*[-._][LH]{2,3}|log[-._]sigma[-._]\d+(?:[-._]\d+)?[-._]mm[-._][23]D|squareroot|square"
    r"|logarithm|exponential|gradient|lbp[-._]2D|lbp[-._]3D[-._](?:m\d+|k))"
    r"[_.](?P<family>firstorder|shape2D|shape|glcm|glrlm|glszm|gldm|ngtdm)[_.](?P<feature>[A-Za-z0-9]+)(?:[-_.](?P<suffix>.+))?$",
    re.IGNORECASE,
)
#: Aggregation by class, in-plane or 3D, directions averaged or merged; read from PyRadiomics' code and confirmed on the
#: digital phantom.
AGGREGATION = {
    "DHQ4": "over the whole region (3D)",
    "ITBB": "3D, mean over directions",
    "IAZD": "3D, directions merged",
    "JJUI": "2.5D, mean over directions",
    "ZW7Z": "2.5D, directions merged",
    "KOBO": "3D, one matrix",
    "62GR": "2.5D, slices merged",
}
FILTERS_OUTSIDE_IBSI = ("square", "squareroot", "logarithm", "exponential", "gradient", "lbp")
UNKNOWN = "not a name of PyRadiomics: unknown to IBSI's list"


@dataclass(frozen=True)
class FeatureName:
    """The parts of a PyRadiomics feature's name, as PyRadiomics spells them; ``prefix`` and ``suffix`` are what others
    put before and behind it, such as the sequence."""

    prefix: str
    image: str
    family: str
    feature: str
    suffix: str = ""

    @property
    def key(self) -> str:
        return f"{self.family}_{self.feature}"

    @property
    def image_type(self) -> str:
        """The image type as PyRadiomics' settings call it."""
        stem = re.split(r"[^a-z]", self.image, maxsplit=1)[0]
        names = {
            "original": "Original",
            "wavelet": "Wavelet",
            "log": "LoG",
            "square": "Square",
            "squareroot": "SquareRoot",
            "logarithm": "Logarithm",
            "exponential": "Exponential",
            "gradient": "Gradient",
            "lbp": "LBP2D" if "2D" in self.image else "LBP3D",
        }
        return names[stem]


@functools.lru_cache(maxsize=1 << 15)  # every rule asks again
def parse_name(name: str) -> FeatureName | None:
    """The parts of a PyRadiomics name, or None where it is none.

    >>> parse_name("wavelet-LLH_glcm_Idm").key
    'glcm_Idm'
    >>> parse_name("MR_log-sigma-1-0-mm-3D_firstorder_Mean").image
    'log-sigma-1-0-mm-3D'
    >>> parse_name("disc.wavelet.LLH_glcm_Idm.reader1")
    FeatureName(prefix='disc', image='wavelet-LLH', family='glcm', feature='Idm', suffix='reader1')
    >>> parse_name("uctransnet_017") is None
    True
    """
    match = NAME.match(name)
    if match is None:
        return None
    known = _spelling().get(f"{match['family']}_{match['feature']}".lower())
    if not known:
        return None
    family, feature = known.split("_", 1)
    return FeatureName(match["prefix"] or "", _spell_image(match["image"]), family, feature, match["suffix"] or "")


def _spell_image(text: str) -> str:
    """``wavelet.llh`` as PyRadiomics writes it: ``wavelet-LLH``."""
    kind, *parts = re.split(r"[-._]", text.lower())
    upper = parts if kind.startswith("wavelet") else [p for p in parts if p in ("2d", "3d")]
    return "-".join([kind, *(p.upper() if p in upper else p for p in parts)])


@functools.cache
def _spelling() -> dict[str, str]:
    return {name.lower(): name for name in features()}


@functools.cache
def features() -> dict[str, dict[str, str]]:
    """What is known of every PyRadiomics feature, by ``class_Feature``."""
    with (DATA / "ibsi_features.csv").open(encoding="utf-8", newline="") as handle:
        return {row["pyradiomics_name"]: row for row in csv.DictReader(handle)}


@functools.cache
def deviations() -> dict[str, dict[str, Any]]:
    """Where PyRadiomics leaves IBSI, by a short name."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's where it is there: a tenth of the time
    content = yaml.load((DATA / "pyradiomics_deviations.yaml").read_text(encoding="utf-8"), Loader=loader)
    return {entry["id"]: entry for entry in content["deviations"]}


def aggregation(family: str, force_2d: bool, weighting: str | None) -> str | None:
    """IBSI's code of how PyRadiomics aggregates a class; None where IBSI has none for it (weighted directions, 2D
    shape)."""
    if family in ("firstorder", "shape"):
        return "DHQ4"
    if family in ("glszm", "ngtdm", "gldm"):
        return "62GR" if force_2d else "KOBO"
    if family in ("glcm", "glrlm") and weighting in (None, "no_weighting"):
        return {
            (False, None): "ITBB",
            (False, "no_weighting"): "IAZD",
            (True, None): "JJUI",
            (True, "no_weighting"): "ZW7Z",
        }[force_2d, weighting]
    return None


def describe_feature(name: str, settings: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One row of the feature table.

    Parameters
    ----------
    name
        As PyRadiomics writes it.
    settings
        PyRadiomics' settings, with the ``corrections`` to IBSI's definitions that were made; None where they are not
        known: then the aggregation is that of its defaults, and said to be so.

    Returns
    -------
    dict
        ``feature``, ``image``, ``class``, ``ibsi_name``, ``ibsi_code``, ``family``, ``family_code``, ``definition``,
        ``aggregation``, ``aggregation_code``, ``deviates`` (no, yes, by bin edges, no IBSI code, unknown), ``note``.
    """
    parts = parse_name(name)
    if parts is None:
        row: dict[str, Any] = dict.fromkeys(
            (
                "image",
                "class",
                "ibsi_name",
                "ibsi_code",
                "family",
                "family_code",
                "definition",
                "aggregation",
                "aggregation_code",
            )
        )
        return {"feature": name, **row, "deviates": "unknown", "note": UNKNOWN}
    known = features()[parts.key]
    used = settings or {}
    code = aggregation(parts.family, bool(used.get("force2D", False)), used.get("weightingNorm"))
    words = AGGREGATION.get(code or "", "")
    deviates, note = _deviation(parts, known, settings)
    return {
        "feature": name,
        "image": parts.image,
        "class": parts.family,
        "ibsi_name": known["ibsi_name"] or None,
        "ibsi_code": known["ibsi_code"] or None,
        "family": known["ibsi_family"] or None,
        "family_code": known["ibsi_family_code"] or None,
        "definition": known["definition"],
        "aggregation": (
            (words + ("" if settings is not None or code == "DHQ4" else ", if PyRadiomics' defaults were used")) or None
        ),
        "aggregation_code": code,
        "deviates": deviates,
        "note": note,
    }


def _deviation(parts: FeatureName, known: Mapping[str, str], settings: Mapping[str, Any] | None) -> tuple[str, str]:
    """Whether a feature leaves IBSI, and how. Bin edges are said to depend on the settings, for with a bin count they
    do not deviate."""
    used = settings or {}
    notes = [known["note"]] if known["note"] else []
    deviates = {"no": "no", "yes": "yes", "not_in_ibsi": "no IBSI code"}[known["deviates"]]
    if known["deprecated"] == "yes" and "deprecated" not in known["note"]:
        notes.append("deprecated in PyRadiomics")
    if known["fixed_bin_width_sensitivity"] != "none" and used.get("binCount") is None and deviates == "no":
        deviates = "by bin edges" if settings is not None else "by bin edges, where the bin width was fixed"
        notes.append("with a fixed bin width PyRadiomics counts edges from 0, IBSI from the lower bound")
    if parts.key in deviations()["voxel_array_shift"]["affects"] and used.get("voxelArrayShift"):
        deviates = "yes"
    if _is_corrected(parts, deviates, used.get("corrections", ())):
        deviates, notes = "no", ["corrected to IBSI's definition"]
    if parts.image.startswith(FILTERS_OUTSIDE_IBSI):
        notes.append("this image filter has no IBSI reference values")
    elif parts.image != "original":
        notes.append("filtered image: see IBSI 2; PyRadiomics' filter is its own form")
    return deviates, "; ".join(notes)


def _is_corrected(parts: FeatureName, deviates: str, corrections: Sequence[str]) -> bool:
    """Whether the extraction put IBSI's definition in the place of PyRadiomics'."""
    return (
        ("kurtosis" in corrections and parts.key == "firstorder_Kurtosis")
        or ("bin_edges" in corrections and deviates == "by bin edges")
        or ("axis_lengths" in corrections and parts.key in deviations()["axis_lengths"]["affects"])
    )


def describe_features(names: Sequence[str], settings: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """:func:`describe_feature` of each."""
    return [describe_feature(name, settings) for name in names]


def _without_code(name: str) -> str:
    """How a class of PyRadiomics' is called of which some features have no code of IBSI's."""
    called = {"firstorder": "First order", "shape": "Shape", "shape2D": "Shape in 2D"}.get(name, name.upper())
    return f"{called}, without a code"


def count_families(names: Sequence[str], settings: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Features by IBSI family: ``family``, ``code``, ``n``, and of them how many are ``as_ibsi``, ``bin_edges`` (other
    ones than IBSI's), ``deviate``, and ``no_code``; last those that are not PyRadiomics', of which nothing is known
    (``unknown``)."""
    rows: dict[tuple[str, str | None], dict[str, Any]] = {}
    keys = {
        "no": "as_ibsi",
        "by bin edges": "bin_edges",
        "yes": "deviate",
        "no IBSI code": "no_code",
        "unknown": "unknown",
    }
    described = describe_features(names, settings)
    for row in sorted(described, key=lambda r: r["deviates"] == "unknown"):
        known = row["deviates"] != "unknown"
        family = row["family"] or _without_code(row["class"]) if known else "Not PyRadiomics'"
        entry = rows.setdefault(
            (family, row["family_code"]),
            {"family": family, "code": row["family_code"], "n": 0, **dict.fromkeys(keys.values(), 0)},
        )
        entry["n"] += 1
        entry[keys[row["deviates"].split(",")[0]]] += 1
    return list(rows.values())
