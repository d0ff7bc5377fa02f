"""What plugins import: hooks, protocols, records, errors, and the few functions that share prldh's way with files and
tables. Nothing else of prldh need be named; what stands here keeps its name.

>>> from prldh.api import Selection, TrainingRows, hookimpl
"""

from __future__ import annotations

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
from prldh.data import read_table, some
from prldh.data.imaging import dice, file_stem, hausdorff_mm, load_case, read_cases, read_image
from prldh.engines import StatisticsEngine
from prldh.ibsi import describe_feature
from prldh.plugins import (
    Checklist,
    FeatureSource,
    ReportSection,
    Selector,
    SelectorSettings,
    Validator,
    hookimpl,
    settings_of,
)
from prldh.study import Study, read_study
from prldh.work import show_progress

__all__ = [
    "Case",
    "CaseRow",
    "Checklist",
    "ComputeError",
    "DataError",
    "EngineError",
    "FeatureBlock",
    "FeatureSource",
    "Geometry",
    "ImageValues",
    "OutputError",
    "PluginError",
    "Pooled",
    "PrldhError",
    "Progress",
    "ReportSection",
    "Resample",
    "Selection",
    "Selector",
    "SelectorSettings",
    "StatisticsEngine",
    "Study",
    "StudyError",
    "TrainingRows",
    "Validator",
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
