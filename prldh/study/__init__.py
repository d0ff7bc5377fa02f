"""The study file: its keys as typed models, reading it, and a scaffold to start from."""

from __future__ import annotations

from prldh.study.imaging import ReadSettings
from prldh.study.scaffold import write_scaffold
from prldh.study.strict import Strict, Text
from prldh.study.study import (
    SHIPPED_SOURCES,
    Imputation,
    Performance,
    SampleSize,
    Study,
    TableOne,
    Tissue,
    Univariate,
    Validation,
    one_value,
)
from prldh.study.study_file import as_unquoted, read_settings, read_study
from prldh.study.ways import DEFAULT_SELECTION, Choose, ProtocolSettings

__all__ = [
    "Choose",
    "DEFAULT_SELECTION",
    "Imputation",
    "Performance",
    "ProtocolSettings",
    "ReadSettings",
    "SHIPPED_SOURCES",
    "SampleSize",
    "Strict",
    "Study",
    "TableOne",
    "Text",
    "Tissue",
    "Univariate",
    "Validation",
    "as_unquoted",
    "one_value",
    "read_settings",
    "read_study",
    "write_scaffold",
]
