"""How images became features, in IBSI's terms, tissue beside tissue: the words are those of the checklist's rules.
Computes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from prldh.checklists import (
    BY_SOURCE,
    CONSENSUS_WAYS,
    NOT_APPLICABLE,
    Dossier,
    Item,
    counted,
    dossier_of,
    image_rule,
    lesions_in_words,
    load_standard,
)
from prldh.core import plain
from prldh.ibsi import Extraction, count_families
from prldh.report.drawing import slug

ACQUISITION = ("Patient", "Acquisition", "Reconstruction")
PROCESSING = (
    "Image registration",
    "Image processing - data conversion",
    "Image processing - post-acquisition processing",
    "Image interpolation",
    "ROI interpolation",
    "Re-segmentation",
    "Discretisation",
    "Image transformation",
)
FEATURES = ("Image biomarker computation", "Image biomarker computation - texture parameters")
#: What the tables of features say themselves.
BESIDE = ("58", "60", "61")
#: A row of a table: IBSI's number (or none), what is told, and one cell a tissue.
Row = dict[str, Any]


def image_sections(data: Mapping[str, Any]) -> dict[str, Any]:
    """The rows of the four sections: ``tissues`` their columns; ``acquisition``, ``processing``, ``segmentation``,
    ``features`` rows; ``unknown`` sentences on what no file tells; ``agreement`` (the figure's name) and ``families``
    by tissue, the latter of tissues given as tables too, where PyRadiomics' names are among theirs."""
    images = data.get("images") or {}
    everything = {e.name: e for e in dossier_of(data, None).extractions}
    extractions = {name: e for name, e in everything.items() if name in images}
    files = [
        _row("Format of the images", lambda e: counted(e.image_formats), extractions),
        _row(
            "Size, voxels",
            lambda e: counted(Counter(" × ".join(map(str, size)) for size in _sizes(images[e.name])), 4),
            extractions,
        ),
    ]
    return {
        "tissues": list(extractions),
        "acquisition": [*files, *_ibsi_rows(extractions, ACQUISITION)],
        "unknown": _together({name: sentence for name, e in extractions.items() if (sentence := _unknown(e))}),
        "processing": _ibsi_rows(extractions, PROCESSING),
        "segmentation": _segmentation(images, extractions),
        "features": [
            _row("Software", lambda e: "; ".join(_software(images[e.name])), extractions),
            *_ibsi_rows(extractions, FEATURES),
        ],
        "families": {
            name: sorted(count_families(e.features, e.plain_settings()), key=_by_family)
            for name, e in everything.items()
            if name in images or e.radiomic
        },
        "agreement": {name: f"agreement_{slug(name)}" for name, t in images.items() if t["agreement"]},
    }


def _by_family(row: Mapping[str, Any]) -> tuple[bool, bool, str]:
    """Families of IBSI's in the order of their names, then what has no code, then what is not in the list."""
    return bool(row["unknown"]), row["code"] is None, str(row["family"]).lower()


def _row(
    title: str, say: Callable[[Extraction], str | None], extractions: Mapping[str, Extraction], number: str = ""
) -> Row:
    return {"number": number, "title": title, "cells": [say(e) or "not recorded" for e in extractions.values()]}


def _ibsi_rows(extractions: Mapping[str, Extraction], sections: Sequence[str]) -> list[Row]:
    """The items of which something is known of a tissue; what does not apply to any is left out."""
    rows = []
    asked = [i for i in load_standard("ibsi").items if i.section in sections and i.number not in BESIDE]
    topics = Counter(item.topic for item in asked)
    for item in asked:
        findings = [image_rule(Dossier(extractions=(e,)), item) for e in extractions.values()]
        if any(f.value for f in findings):
            cells = [f.value or ("does not apply" if f.status == NOT_APPLICABLE else "not recorded") for f in findings]
            rows.append({"number": item.number, "title": _title(item, topics), "cells": cells})
    return rows


def _title(item: Item, topics: Counter[str]) -> str:
    """What an item is about, and what of it where several are about the same."""
    return item.topic if topics[item.topic] == 1 else f"{item.topic}: {item.brief}"


def _unknown(e: Extraction) -> str | None:
    """What of the acquisition no file tells: all of it where the format has no place for it, or the items without an
    answer."""
    if not e.dicom:
        what = f"{' and '.join(e.image_formats)} does" if len(e.image_formats) == 1 else "the format does"
        return (
            f"{what} not record how the images were acquired (scanner, field strength or tube voltage, sequence or"
            " kernel, slice thickness). The IBSI checklist asks the authors."
        )
    silent = [
        item
        for item in load_standard("ibsi").items
        if item.section in ACQUISITION[1:] and item.dicom and _is_silent(e, item)
    ]
    if not silent:
        return None
    topics = dict.fromkeys(i.topic if i.topic[1].isupper() else i.topic[0].lower() + i.topic[1:] for i in silent)
    return f"not recorded in what is read of the headers: {', '.join(topics)}. The IBSI checklist asks the authors."


def _together(sentences: Mapping[str, str]) -> list[str]:
    """One sentence for all tissues of which the same is said."""
    names: dict[str, list[str]] = {}
    for name, text in sentences.items():
        names.setdefault(text, []).append(name)
    return [f"{', '.join(tissues)}: {text}" for text, tissues in names.items()]


def _is_silent(e: Extraction, item: Item) -> bool:
    finding = image_rule(Dossier(extractions=(e,)), item)
    return finding.value is None and finding.status != NOT_APPLICABLE


def _sizes(tissue: Mapping[str, Any]) -> list[tuple[int, ...]]:
    """One size a patient and image size."""
    return [size for _, size in dict.fromkeys((c["patient"], tuple(c["size"])) for c in tissue["cases"])]


# ---------------------------------------------------------------- masks


def _segmentation(images: Mapping[str, Any], extractions: Mapping[str, Extraction]) -> list[Row]:
    def of(say: Callable[[Mapping[str, Any]], str]) -> Callable[[Extraction], str]:
        return lambda e: say(images[e.name])

    rows = [
        _row("Readers", of(_readers), extractions, "48b"),
        *_where_some(images, "consensus", _row("Consensus of the readers", of(_consensus), extractions, "48b")),
        _row("Format of the masks", lambda e: counted(e.mask_formats), extractions, "48c"),
        _row("Regions", of(_regions), extractions),
        *_where_some(images, "lesions", _row("Lesions", of(_lesions), extractions)),
        _row("Part of the mask", of(_parts), extractions),
        _row("Volume, mL: median (quartiles), least to largest", of(_volumes), extractions),
        _row("Put aside", of(_aside), extractions),
        _row("Findings of the checks", of(_findings), extractions),
    ]
    return [
        *rows,
        *(
            r
            for r in _ibsi_rows(extractions, ("Segmentation",))
            if r["number"] == "49" and any("contours" in cell for cell in r["cells"])
        ),
    ]


def _readers(t: Mapping[str, Any]) -> str:
    if not t["perturbation"]:
        return str(t["n_readers"])
    p = t["perturbation"]
    return (
        f"{t['n_readers']}, each mask perturbed {p['n']} times (SD: contour {p['contour_mm']} mm, shift"
        f" {p['translation_mm']} mm, turn {p['rotation_degrees']}°)"
    )


def _regions(t: Mapping[str, Any]) -> str:
    """How many were measured, and how several of a patient became one row."""
    measured = (
        f"{t['n_measured']} region{'s' * (t['n_measured'] != 1)} of {t['n_patients']}"
        f" patient{'s' * (t['n_patients'] != 1)}"
    )
    several = sum(n > 1 for n in Counter(c["patient"] for c in t["cases"]).values())
    if not several or (t.get("lesions") or {}).get("combined", BY_SOURCE) != BY_SOURCE:
        return measured
    ways = dict.fromkeys(
        "mean weighted by volume" if s["settings"].get("combine") == "volume" else "mean" for s in t["sources"].values()
    )
    return f"{measured}; {several} with several, merged by the {' or '.join(ways)} of each feature"


def _where_some(images: Mapping[str, Any], key: str, row: Row) -> list[Row]:
    """The row, where some tissue has what it is about."""
    return [row] if any(t.get(key) for t in images.values()) else []


def _lesions(t: Mapping[str, Any]) -> str:
    """How many there were, and how those of a patient became one row."""
    return lesions_in_words(t["lesions"]) if t.get("lesions") else "not told apart"


def _consensus(t: Mapping[str, Any]) -> str:
    """How it was made, its volumes, and how well readers agree with it."""
    if not t.get("consensus"):
        return "none: the first reader's values are used"
    volumes, overlap = t.get("consensus_mm3"), (t.get("agreement") or {}).get("dice_with_consensus")
    return (
        f"{CONSENSUS_WAYS[t['consensus']]}; its values are used, the readers' own serve to judge agreement"
        + (f"; {_volume(volumes)} mL" if volumes else "")
        + (f"; mean Dice of a reader with it {plain(overlap['mean'])}" if overlap else "")
    )


def _parts(t: Mapping[str, Any]) -> str:
    named = Counter(
        c["segment"] or (f"label {c['label']}" if c["label"] is not None else "everything that is not 0")
        for c in t["cases"]
    )
    return ", ".join(f"{name} ({n})" for name, n in named.most_common(6)) + (
        f" and {len(named) - 6} more" if len(named) > 6 else ""
    )


def _volumes(t: Mapping[str, Any]) -> str:
    spreads = [v for v in t.get("volumes_mm3", []) if v]
    summaries = [_volume(spread) for spread in spreads]
    return (
        summaries[0]
        if len(summaries) == 1
        else "; ".join(f"reader {k}: {text}" for k, text in enumerate(summaries, start=1))
    )


def _volume(spread: Mapping[str, Any]) -> str:
    m, q1, q3, least, most = (plain(spread[k] / 1000, 2) for k in ("median", "q1", "q3", "min", "max"))
    return f"{m} ({q1} to {q3}), {least} to {most}"


def _aside(t: Mapping[str, Any]) -> str:
    return f"{len(t['put_aside'])} of {t['n_cases']} regions, {len(t['patients_put_aside'])} patients"


def _findings(t: Mapping[str, Any]) -> str:
    counts = Counter(f["severity"] for f in t["findings"])
    return (
        ", ".join(
            f"{counts[s]} {s}{'s' * (counts[s] > 1 and s != 'refused')}"
            for s in ("refused", "warning", "note")
            if counts[s]
        )
        or "none"
    )


# ---------------------------------------------------------------- features


def _software(t: Mapping[str, Any]) -> list[str]:
    """Each source with its version, what it computes with, and settings that are no default."""
    software = []
    for name, source in t["sources"].items():
        packages = ", ".join(f"{package} {version}" for package, version in source["packages"].items())
        settings = ", ".join(
            f"{k} {v}" for k, v in source["settings"].items() if v is not None and v not in ({}, False)
        )
        software.append(
            f"{name} {source['version']}"
            + (f"; {packages}" if packages else "")
            + (f"; set: {settings}" if settings else "")
        )
    return software
