"""What a run found: assembling, schema, tables, reading, and the number that leads."""

from __future__ import annotations

from prldh.results.assembly import Results, assemble
from prldh.results.features import selected_features
from prldh.results.lead import by_honesty, honest_auc, interval, racing_sentence, scheme_words
from prldh.results.measures import BRIER, BY_KEY, CLASSIFIED, CORRECTED, LINE, MEASURES, of_table
from prldh.results.nomogram import make_nomogram
from prldh.results.reading import EXTERNAL_SCHEMA, FOLDER, RESULTS, read_external, read_results
from prldh.results.schemas import schema_of

__all__ = [
    "BRIER",
    "BY_KEY",
    "CLASSIFIED",
    "CORRECTED",
    "EXTERNAL_SCHEMA",
    "FOLDER",
    "LINE",
    "MEASURES",
    "RESULTS",
    "Results",
    "assemble",
    "by_honesty",
    "honest_auc",
    "interval",
    "make_nomogram",
    "of_table",
    "racing_sentence",
    "read_external",
    "read_results",
    "schema_of",
    "scheme_words",
    "selected_features",
]
