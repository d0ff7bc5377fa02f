"""The study file: its keys as typed models, reading it, and a scaffold to start from."""

from __future__ import annotations

from prldh.study.clinical import Event, one_value
from prldh.study.imaging import ReadSettings
from prldh.study.reading import AS_IT_IS, Named, TableFile, TableRead, as_file
from prldh.study.scaffold import new_study_file, write_scaffold, write_study
from prldh.study.statistics import Imputation, Performance, SampleSize, TableOne, Univariate
from prldh.study.strict import Strict, Text
from prldh.study.study import Study, check_given
from prldh.study.study_file import as_unquoted, read_settings, read_study
from prldh.study.tissues import OF_IMAGES, SHIPPED_SOURCES, ConsensusWay, LesionWay, Tissue
from prldh.study.validation import Validation
from prldh.study.ways import DEFAULT_SELECTION, Choose, ProtocolSettings
from prldh.study.yaml_text import Written, parse_json, parse_yaml, read_text

__all__ = [
    "AS_IT_IS",
    "Choose",
    "DEFAULT_SELECTION",
    "Imputation",
    "Named",
    "OF_IMAGES",
    "Performance",
    "ProtocolSettings",
    "ReadSettings",
    "SHIPPED_SOURCES",
    "SampleSize",
    "Strict",
    "Study",
    "TableFile",
    "TableOne",
    "TableRead",
    "Text",
    "ConsensusWay",
    "Event",
    "LesionWay",
    "Tissue",
    "Univariate",
    "Validation",
    "Written",
    "as_file",
    "as_unquoted",
    "check_given",
    "one_value",
    "parse_json",
    "parse_yaml",
    "read_settings",
    "read_study",
    "read_text",
    "new_study_file",
    "write_scaffold",
    "write_study",
]
