"""Rules on features: which were computed, by what software, how near to IBSI, and the parameters of texture
matrices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from prldh.checklists.dossier import Dossier
from prldh.checklists.findings import Finding, ask, extraction, filled, not_applicable
from prldh.checklists.image_rules import Rule, from_settings, join, one, shown
from prldh.checklists.items import Item
from prldh.ibsi import AGGREGATION, Extraction, aggregation, describe_features


def feature_set(d: Dossier, item: Item) -> Finding:
    def describe(e: Extraction) -> str | None:
        if not e.features:
            return None
        rows = describe_features(e.radiomic)
        coded, rest = sum(r["ibsi_code"] is not None for r in rows), len(e.features) - len(rows)
        classes = ", ".join(f"{family} {n}" for family, n in e.classes.items())
        return (
            f"{len(rows)} with PyRadiomics' names ({classes}; {coded} with an IBSI code)"
            if rows
            else "none with PyRadiomics' names"
        ) + (f", {rest} others" if rest else "")

    value = join(d.extractions, describe)
    if value is None:
        return ask()
    if len(d.extractions) > 1 and not value.startswith(f"{d.extractions[0].name}: "):
        value = f"in each of {', '.join(e.name for e in d.extractions)}: {value}"
    evidence = tuple(extraction(e, "names of features") for e in d.extractions)
    complete = all(len(e.radiomic) == len(e.features) > 0 for e in d.extractions) and not d.given_scores
    return filled(value, *evidence) if complete else ask(value, *evidence)


def compliance(d: Dossier, item: Item) -> Finding:
    def describe(e: Extraction) -> str | None:
        rows = describe_features(e.radiomic, e.plain_settings())
        counts = Counter(r["deviates"].split(",")[0] for r in rows)
        parts = [
            f"{counts[k]} {words}"
            for k, words in (
                ("no", "as IBSI defines them"),
                ("by bin edges", "differ by bin edges"),
                ("yes", "deviate"),
                ("no IBSI code", "have no IBSI code"),
            )
            if counts[k]
        ]
        return f"of {len(rows)} PyRadiomics features: {', '.join(parts)}" if rows else None

    value = join(d.extractions, describe)
    return ask(value, *(extraction(e, "names of features and settings") for e in d.extractions)) if value else ask()


def software(d: Dossier, item: Item) -> Finding:
    known = [e for e in d.extractions if e.versions]
    value, evidence = (
        join(tuple(known), lambda e: ", ".join(e.versions)),
        tuple(extraction(e, "versions") for e in known),
    )
    if not value:
        return ask()
    return (
        filled(value, *evidence) if len(known) == len(d.extractions) and not d.given_scores else ask(value, *evidence)
    )


def texture(classes: tuple[str, ...], keys: str, describe: Callable[[Extraction], str | None]) -> Rule:
    """A parameter of some texture classes: not applicable where every extraction is known and none computed them."""

    def rule(d: Dossier, item: Item) -> Finding:
        closed = (
            d.extractions
            and not d.given_scores
            and all(e.features and len(e.radiomic) == len(e.features) for e in d.extractions)
        )
        if closed and not any(set(classes) & set(e.classes) for e in d.extractions):
            return not_applicable(
                f"no {', '.join(classes)} features were computed",
                *(extraction(e, "names of features") for e in d.extractions),
            )
        return from_settings(d, keys, describe)

    return rule


def no_distance_zones(d: Dossier, item: Item) -> Finding:
    """PyRadiomics has no distance zone matrix; other features could be of one."""
    closed = (
        d.extractions
        and not d.given_scores
        and all(e.features and len(e.radiomic) == len(e.features) for e in d.extractions)
    )
    return (
        not_applicable(
            "PyRadiomics has no distance zone matrix, and all features bear its names",
            *(extraction(e, "names of features") for e in d.extractions),
        )
        if closed
        else ask()
    )


def describe_aggregation(e: Extraction) -> str | None:
    flat, weighting = bool(one(e, "force2D")), one(e, "weightingNorm")
    by_text: dict[str, list[str]] = {}
    for family in e.classes or ("firstorder", "glcm", "glrlm", "glszm", "ngtdm", "gldm"):
        code = aggregation(family, flat, weighting)
        by_text.setdefault(f"{AGGREGATION[code]} ({code})" if code else "no code of IBSI", []).append(family)
    return "; ".join(f"{', '.join(families)}: {text}" for text, families in by_text.items())


def describe_distance(e: Extraction) -> str:
    return f"{shown(e, 'distances')}, Chebyshev"


TEXTURE: dict[str, Rule] = {
    "62": texture(("glcm", "glrlm", "glszm", "gldm", "ngtdm"), "force2D, weightingNorm", describe_aggregation),
    "63": texture(
        ("glcm", "glrlm", "gldm", "ngtdm"),
        "weightingNorm",
        lambda e: f"GLCM and GLRLM: {shown(e, 'weightingNorm')}; NGTDM and GLDM: none",
    ),
    "64": texture(
        ("glcm",),
        "symmetricalGLCM",
        lambda e: (
            ("symmetric" if one(e, "symmetricalGLCM") else "asymmetric")
            + (" (PyRadiomics' default)" if e.is_default("symmetricalGLCM") else "")
        ),
    ),
    "65": texture(("glcm",), "distances", describe_distance),
    "66": texture(
        ("glszm",),
        "force2D",
        lambda e: "1, Chebyshev: " + ("8 neighbours in a slice" if one(e, "force2D") else "26 neighbours"),
    ),
    "67": no_distance_zones,
    "68": no_distance_zones,
    "69": texture(("ngtdm",), "distances", describe_distance),
    "70": texture(("gldm",), "distances", describe_distance),
    "71": texture(("gldm",), "gldm_a", lambda e: f"alpha {shown(e, 'gldm_a')}"),
}
