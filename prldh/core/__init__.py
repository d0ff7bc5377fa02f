"""What every room may use: records that cross a stage, errors, seeds, the row ledger, files and names."""

from __future__ import annotations

from prldh.core import warn
from prldh.core.cache import cache_folder
from prldh.core.decimals import DASH, decimals, plain
from prldh.core.entries import (
    ABSENT,
    NO_INTERVAL,
    Absent,
    Among,
    Estimate,
    Inline,
    Interval,
    Later,
    Number,
    Pattern,
    bare,
    keys_by_field,
    keys_of,
    later,
)
from prldh.core.errors import ComputeError, DataError, EngineError, OutputError, PluginError, PrldhError, StudyError
from prldh.core.figures import Across, Curve, Paths, Points, StepFigure
from prldh.core.files import whole_file, write_whole
from prldh.core.imaging import Case, CaseRow, Geometry, Pooled, Volume
from prldh.core.jsonable import clean, finite, finite_numbers, record_of, records_of
from prldh.core.ledger import Entry, Ledger, LedgerRow, add_up
from prldh.core.measures import APPARENT, BOOTSTRAP, CALIBRATION, CELLS, ENGINES, HELD_OUT, HIGHER, LOWER, Measure, at
from prldh.core.names import nearest
from prldh.core.progress import Progress
from prldh.core.records import (
    Coded,
    Cohort,
    Covariate,
    Design,
    Draws,
    FeatureBlock,
    ImageChoice,
    ImageValues,
    ModelSpec,
    Radscore,
    Resample,
    Selection,
    SelectionStep,
    TissueFit,
    TrainingRows,
)
from prldh.core.references import REFERENCES, Reference
from prldh.core.refits import Predictions, TissueRefit
from prldh.core.seeds import seed_for
from prldh.core.warn.kinds import Warn
from prldh.core.words import Purpose, Remark, SchemeRun, SourceRun, StepRun

__all__ = [
    "ABSENT",
    "APPARENT",
    "Absent",
    "Across",
    "Among",
    "BOOTSTRAP",
    "CALIBRATION",
    "CELLS",
    "Case",
    "CaseRow",
    "Coded",
    "Cohort",
    "ComputeError",
    "Covariate",
    "Curve",
    "DASH",
    "DataError",
    "Design",
    "Draws",
    "ENGINES",
    "EngineError",
    "Entry",
    "Estimate",
    "FeatureBlock",
    "Geometry",
    "HELD_OUT",
    "HIGHER",
    "ImageChoice",
    "ImageValues",
    "Inline",
    "Interval",
    "LOWER",
    "Later",
    "Ledger",
    "LedgerRow",
    "Measure",
    "ModelSpec",
    "NO_INTERVAL",
    "Number",
    "OutputError",
    "Paths",
    "Pattern",
    "PluginError",
    "Points",
    "Pooled",
    "Predictions",
    "PrldhError",
    "Progress",
    "Purpose",
    "REFERENCES",
    "Radscore",
    "Reference",
    "Remark",
    "Resample",
    "SchemeRun",
    "Selection",
    "SelectionStep",
    "SourceRun",
    "StepFigure",
    "StepRun",
    "StudyError",
    "TissueFit",
    "TissueRefit",
    "TrainingRows",
    "Volume",
    "Warn",
    "add_up",
    "at",
    "bare",
    "cache_folder",
    "clean",
    "decimals",
    "finite",
    "finite_numbers",
    "keys_by_field",
    "keys_of",
    "later",
    "nearest",
    "plain",
    "record_of",
    "records_of",
    "seed_for",
    "warn",
    "whole_file",
    "write_whole",
]
