"""What plugins import: hooks, protocols, records, errors, and the few functions that share prldh's way with files and
tables. Nothing else of prldh need be named; what stands here keeps its name.

>>> from prldh.api import Selection, TrainingRows, hookimpl
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from prldh.core import (
    Case,
    CaseRow,
    ComputeError,
    DataError,
    EngineError,
    FeatureBlock,
    Geometry,
    ImageValues,
    OutputError,
    PluginError,
    Pooled,
    PrldhError,
    Progress,
    Resample,
    Selection,
    StudyError,
    TrainingRows,
    Volume,
    nearest,
    whole_file,
    write_whole,
)
from prldh.plugins import (
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
    SelectorSettings,
    TrainedOnPatients,
    Validator,
    VerifiesValues,
    hookimpl,
    settings_of,
)

if TYPE_CHECKING:
    from prldh.data import read_table, some
    from prldh.data.imaging import dice, file_stem, hausdorff_mm, load_case, read_cases, read_image
    from prldh.engines import StatisticsEngine
    from prldh.ibsi import describe_feature
    from prldh.study import ReadSettings, Study, read_study
    from prldh.work import show_progress

__all__ = [
    "Case",
    "CaseRow",
    "Checklist",
    "ChecksSettings",
    "ComputeError",
    "DataError",
    "DescribesFeatures",
    "DescribesFit",
    "EngineError",
    "ExtractsMany",
    "FeatureBlock",
    "FeatureSource",
    "Geometry",
    "HasFingerprint",
    "HasMetadata",
    "ImageValues",
    "NamesPackages",
    "OffersAlternatives",
    "OutputError",
    "PluginError",
    "Pooled",
    "PrldhError",
    "Progress",
    "ReadSettings",
    "RelativeSettings",
    "ReportSection",
    "Resample",
    "ScoresAnswers",
    "Selection",
    "Selector",
    "SelectorSettings",
    "StatisticsEngine",
    "Study",
    "StudyError",
    "TrainedOnPatients",
    "TrainingRows",
    "Validator",
    "VerifiesValues",
    "Volume",
    "describe_feature",
    "dice",
    "file_stem",
    "hausdorff_mm",
    "hookimpl",
    "load_case",
    "nearest",
    "read_cases",
    "read_image",
    "read_study",
    "read_table",
    "settings_of",
    "show_progress",
    "some",
    "whole_file",
    "write_whole",
]

#: Names whose rooms take seconds to import: imported on first use.
_LATER = {
    "read_table": "prldh.data",
    "some": "prldh.data",
    "dice": "prldh.data.imaging",
    "file_stem": "prldh.data.imaging",
    "hausdorff_mm": "prldh.data.imaging",
    "load_case": "prldh.data.imaging",
    "read_cases": "prldh.data.imaging",
    "read_image": "prldh.data.imaging",
    "StatisticsEngine": "prldh.engines",
    "describe_feature": "prldh.ibsi",
    "ReadSettings": "prldh.study",
    "Study": "prldh.study",
    "read_study": "prldh.study",
    "show_progress": "prldh.work",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(_LATER[name]), name)
    raise AttributeError(f"module 'prldh.api' has no attribute '{name}'")
