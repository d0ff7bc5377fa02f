"""What is said of a tissue that was measured on images: in ``features/TISSUE.json`` and in ``results.json``."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np

from prldh import __version__
from prldh.imaging.measure import TissueImages
from prldh.imaging.naming import without_names
from prldh.imaging.seen import trained_on
from prldh.imaging.sources import ChosenSource

SCHEMA = "prldh-features/1"


def describe_tissue(tissue: TissueImages) -> dict[str, Any]:
    """Sources with their settings, features with units and IBSI codes, cases, and what befell them.

    Names of files are not in it: they may name patients.
    """
    return {
        "schema": SCHEMA, "tissue": tissue.tissue, "prldh": __version__, **_summary(tissue, tissue.ids),
        "features": {name: dict(tissue.about[name]) for name in tissue.names},
    }


def describe_images(tissue: TissueImages, analysed: Sequence[str]) -> dict[str, Any]:
    """The same without the features, how well two readers' masks agree, and which of the ``analysed`` patients trained a source."""
    return {**_summary(tissue, analysed), "n_features": len(tissue.names), "agreement": describe_agreement([r.about for r in tissue.results if r.reason is None])}


def _summary(tissue: TissueImages, patients: Sequence[str]) -> dict[str, Any]:
    measured = [r for r in tissue.results if r.reason is None]
    rows = {r.row.line: r.row for r in tissue.results}
    return {
        "n_patients": len(tissue.ids), "n_readers": len(tissue.readers), "perturbation": tissue.perturbation and tissue.perturbation.model_dump(), "n_cases": len(tissue.results), "n_measured": len(measured),
        "sources": {
            name: {"version": c.source.version, "settings": dict(c.said), "packages": _packages(c.source), **_computed(c), **_trained(c, patients)}
            for name, c in tissue.chosen.items()
        },
        "cases": [{"patient": r.row.patient, "line": r.row.line, "label": r.row.label, "segment": r.row.segment, **r.about} for r in measured],
        "put_aside": [{"patient": r.row.patient, "line": r.row.line, "reason": without_names(r.reason, r.row)} for r in tissue.results if r.reason is not None],
        "patients_put_aside": [{"id": patient, "reason": reason} for patient, reason in tissue.aside],
        "findings": [
            {"patient": f.patient, "line": f.line, "severity": f.severity, "kind": f.kind, "message": without_names(f.message, rows[f.line]) if f.line else f.message}
            for f in tissue.findings
        ],
    }


def _computed(chosen: ChosenSource) -> dict[str, Any]:
    """What a source says that its values depend on, in the terms of its software (its method ``metadata``): what the checklists read. Paths
    that it repeats stand as in the study file."""
    if not hasattr(chosen.source, "metadata"):
        return {}
    found = chosen.source.metadata(chosen.settings)
    return {"computed": {key: chosen.said[key] if isinstance(value, str) and key in chosen.said else value for key, value in found.items()}}


def _trained(chosen: ChosenSource, patients: Sequence[str]) -> dict[str, Any]:
    found = trained_on(chosen, patients)
    return {} if found is None else {"trained_on": found}


def describe_agreement(cases: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Mean, SD (ddof 1), median, least and largest of Dice's coefficient and of the 95 % Hausdorff distance; None with one reader."""
    found = {}
    for key in ("dice", "hd95_mm"):
        values = np.array([c[key] for c in cases if c[key] is not None and np.isfinite(c[key])])
        if values.size:
            found[key] = {
                "n": int(values.size), "mean": float(values.mean()), "sd": float(values.std(ddof=1)) if values.size > 1 else None,
                "median": float(np.median(values)), "min": float(values.min()), "max": float(values.max()),
            }
    return found or None


def _packages(source: Any) -> dict[str, str]:
    """Versions of the distributions that a source says it computes with (its attribute ``packages``)."""
    return {name: metadata.version(name) for name in getattr(source, "packages", ())}
