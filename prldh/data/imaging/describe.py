"""What is said of a tissue that was measured on images: in ``features/TISSUE.json`` and in ``results.json``."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np

from prldh import __version__
from prldh.data.imaging.naming import without_names
from prldh.data.imaging.patients import TissueImages
from prldh.data.imaging.seen import trained_on
from prldh.data.imaging.sources import ChosenSource
from prldh.plugins import HasMetadata, NamesPackages

SCHEMA = "prldh-features/1"


def describe_tissue(tissue: TissueImages) -> dict[str, Any]:
    """Sources with their settings, features with units and IBSI codes, cases, and what befell them.

    Names of files are not in it: they may name patients.
    """
    return {
        "schema": SCHEMA,
        "tissue": tissue.tissue,
        "prldh": __version__,
        **_summary(tissue, tissue.ids),
        "features": {name: dict(tissue.about[name]) for name in tissue.names},
    }


def describe_images(tissue: TissueImages, analysed: Sequence[str]) -> dict[str, Any]:
    """The same without the features, the regions' volumes, how well two readers' masks agree, and which of the
    ``analysed`` patients trained a source."""
    cases = [r.about for r in tissue.results if r.reason is None]
    volumes = (
        [describe_spread([c["volume_mm3"][reader] for c in cases]) for reader in range(len(tissue.readers))]
        if cases
        else []
    )
    return {
        **_summary(tissue, analysed),
        "n_features": len(tissue.names),
        "agreement": describe_agreement(cases),
        "volumes_mm3": volumes,
    }


def _summary(tissue: TissueImages, patients: Sequence[str]) -> dict[str, Any]:
    measured = [r for r in tissue.results if r.reason is None]
    rows = {r.row.line: r.row for r in tissue.results}
    return {
        "n_patients": len(tissue.ids),
        "n_readers": len(tissue.readers),
        "perturbation": tissue.perturbation and tissue.perturbation.model_dump(),
        "n_cases": len(tissue.results),
        "n_measured": len(measured),
        "sources": {
            name: {
                "version": c.source.version,
                "settings": dict(c.said),
                "packages": _packages(c.source),
                **_computed(c),
                **_trained(c, patients),
            }
            for name, c in tissue.chosen.items()
        },
        "cases": [
            {"patient": r.row.patient, "line": r.row.line, "label": r.row.label, "segment": r.row.segment, **r.about}
            for r in measured
        ],
        "put_aside": [
            {"patient": r.row.patient, "line": r.row.line, "reason": without_names(r.reason, r.row)}
            for r in tissue.results
            if r.reason is not None
        ],
        "patients_put_aside": [{"id": patient, "reason": reason} for patient, reason in tissue.aside],
        "findings": [
            {
                "patient": f.patient,
                "line": f.line,
                "severity": f.severity,
                "kind": f.kind,
                "message": without_names(f.message, rows[f.line]) if f.line else f.message,
            }
            for f in tissue.findings
        ],
    }


def _computed(chosen: ChosenSource) -> dict[str, Any]:
    """What a source says that its values depend on, in the terms of its software (its method ``metadata``): what the
    checklists read. Paths that it repeats stand as in the study file."""
    if not isinstance(chosen.source, HasMetadata):
        return {}
    found = chosen.source.metadata(chosen.settings)
    return {
        "computed": {
            key: chosen.said[key] if isinstance(value, str) and key in chosen.said else value
            for key, value in found.items()
        }
    }


def _trained(chosen: ChosenSource, patients: Sequence[str]) -> dict[str, Any]:
    found = trained_on(chosen, patients)
    return {} if found is None else {"trained_on": found}


def describe_agreement(cases: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """:func:`describe_spread` of Dice's coefficient and of the 95 % Hausdorff distance; None with one reader."""
    found = {key: spread for key in ("dice", "hd95_mm") if (spread := describe_spread([c[key] for c in cases]))}
    return found or None


def describe_spread(values: Sequence[float | None]) -> dict[str, Any] | None:
    """``n``, mean, SD (ddof 1; None of one value), median, quartiles (linear between order statistics), least and
    largest of the finite values; None where there are none."""
    known = np.array([v for v in values if v is not None and np.isfinite(v)], dtype=float)
    if not known.size:
        return None
    q1, median, q3 = (float(q) for q in np.quantile(known, [0.25, 0.5, 0.75]))
    return {
        "n": int(known.size),
        "mean": float(known.mean()),
        "sd": float(known.std(ddof=1)) if known.size > 1 else None,
        "median": median,
        "q1": q1,
        "q3": q3,
        "min": float(known.min()),
        "max": float(known.max()),
    }


def _packages(source: Any) -> dict[str, str]:
    """Versions of the distributions that a source says it computes with (its attribute ``packages``)."""
    return {name: metadata.version(name) for name in (source.packages if isinstance(source, NamesPackages) else ())}
