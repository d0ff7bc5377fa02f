"""What every room may use: records that cross a stage, errors, seeds, the row ledger, files and names."""

from __future__ import annotations

from prldh.core import warn
from prldh.core.cache import cache_folder
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
from prldh.core.refits import Predictions, TissueRefit
from prldh.core.seeds import seed_for
from prldh.core.warn.kinds import Warn

__all__ = [
    "ABSENT",
    "APPARENT",
    "Absent",
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
    "Pattern",
    "PluginError",
    "Pooled",
    "Predictions",
    "PrldhError",
    "Progress",
    "Radscore",
    "Resample",
    "Selection",
    "SelectionStep",
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
    "finite",
    "finite_numbers",
    "keys_by_field",
    "keys_of",
    "later",
    "nearest",
    "record_of",
    "records_of",
    "seed_for",
    "warn",
    "whole_file",
    "write_whole",
]
