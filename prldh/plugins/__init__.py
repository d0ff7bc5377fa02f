"""What can be added and how it is found: hooks, protocols, the registry, and the promises held to."""

from __future__ import annotations

from prldh.plugins.hookspecs import hookimpl
from prldh.plugins.interfaces import (
    Checklist,
    ChecksSettings,
    DescribesFeatures,
    DescribesFit,
    ExtractsMany,
    FeatureSource,
    HasFingerprint,
    HasMetadata,
    NamesPackages,
    OffersAlternatives,
    RelativeSettings,
    ReportSection,
    ScoresAnswers,
    Selector,
    TrainedOnPatients,
    Validator,
    VerifiesValues,
)
from prldh.plugins.promises import check_details, check_resamples, check_selection, guarded
from prldh.plugins.registry import REGISTRIES, Registry
from prldh.plugins.settings import SelectorSettings, settings_of

__all__ = [
    "Checklist",
    "ChecksSettings",
    "DescribesFeatures",
    "DescribesFit",
    "ExtractsMany",
    "FeatureSource",
    "HasFingerprint",
    "HasMetadata",
    "NamesPackages",
    "OffersAlternatives",
    "REGISTRIES",
    "Registry",
    "RelativeSettings",
    "ReportSection",
    "ScoresAnswers",
    "Selector",
    "SelectorSettings",
    "TrainedOnPatients",
    "Validator",
    "VerifiesValues",
    "check_details",
    "check_resamples",
    "check_selection",
    "guarded",
    "hookimpl",
    "settings_of",
]
