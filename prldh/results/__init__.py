"""What a run found: assembling, schema, tables, reading, and the number that leads."""

from __future__ import annotations

from prldh.results.agreement import FLOOR, computed_once, judged, largest_difference
from prldh.results.asking import words_of
from prldh.results.assembly import Results, assemble, way_as_run
from prldh.results.differences import NOT_THERE, SettingDiffers, differing_settings, shown_setting
from prldh.results.features import selected_features
from prldh.results.folder_files import FeaturesFile, FrozenModels, Training
from prldh.results.glossary import GLOSSARY, TERMS_BY_MEASURE, Term
from prldh.results.held import hold, parse, read_held
from prldh.results.lead import (
    NO_USABLE,
    artefacts_in_words,
    bootstrap_first,
    by_honesty,
    has_two_stage_interval,
    honest_auc,
    interval,
    is_bootstrap,
    is_clustered,
    led_by,
    scheme_words,
    whole_words,
)
from prldh.results.leakage import (
    ARTEFACT,
    LED_AS,
    compares_artefacts,
    cost_of_leakage,
    given_scores,
    is_artefact,
    is_chosen,
    is_honest,
    leading_key,
    selects,
    tissues_of,
    tissues_of_model,
    unknown_leakage,
    unknown_leakage_of_all,
)
from prldh.results.measures import BRIER, BY_KEY, CLASSIFIED, CORRECTED, LINE, MEASURES, of_table
from prldh.results.nomogram import make_nomogram
from prldh.results.planned import Deviation, PlanFollowed, plan_in_words
from prldh.results.reading import (
    EXTERNAL_SCHEMA,
    FOLDER,
    POOLED,
    POOLED_SCHEMA,
    RESULTS,
    altered_files,
    finished,
    read_applied,
    read_external,
    read_pooled,
    read_provenance,
    read_results,
    refuse_other,
)
from prldh.results.schemas import schema_of
from prldh.results.sizes import has_own_patients, size_in_words
from prldh.results.strangers import measured, try_statistics
from prldh.results.table_columns import describe_columns, tables_page
from prldh.results.tables import make_tables
from prldh.results.variables import Variables, labelled, variables_of
from prldh.results.words import TOKEN, Place, Sentence, Words, cited_keys, steps_of

__all__ = [
    "ARTEFACT",
    "BRIER",
    "BY_KEY",
    "CLASSIFIED",
    "CORRECTED",
    "Deviation",
    "EXTERNAL_SCHEMA",
    "FLOOR",
    "FOLDER",
    "FeaturesFile",
    "FrozenModels",
    "GLOSSARY",
    "LED_AS",
    "LINE",
    "MEASURES",
    "NOT_THERE",
    "NO_USABLE",
    "POOLED",
    "POOLED_SCHEMA",
    "Place",
    "PlanFollowed",
    "RESULTS",
    "Results",
    "Sentence",
    "SettingDiffers",
    "TERMS_BY_MEASURE",
    "TOKEN",
    "Term",
    "Training",
    "Variables",
    "Words",
    "altered_files",
    "artefacts_in_words",
    "assemble",
    "bootstrap_first",
    "by_honesty",
    "cited_keys",
    "compares_artefacts",
    "computed_once",
    "cost_of_leakage",
    "describe_columns",
    "differing_settings",
    "finished",
    "given_scores",
    "has_own_patients",
    "has_two_stage_interval",
    "hold",
    "honest_auc",
    "interval",
    "is_artefact",
    "is_bootstrap",
    "is_chosen",
    "is_clustered",
    "is_honest",
    "judged",
    "largest_difference",
    "leading_key",
    "labelled",
    "led_by",
    "make_nomogram",
    "make_tables",
    "measured",
    "try_statistics",
    "of_table",
    "parse",
    "plan_in_words",
    "read_applied",
    "read_external",
    "read_held",
    "read_pooled",
    "read_provenance",
    "read_results",
    "refuse_other",
    "schema_of",
    "scheme_words",
    "selected_features",
    "selects",
    "shown_setting",
    "size_in_words",
    "steps_of",
    "tables_page",
    "tissues_of",
    "tissues_of_model",
    "unknown_leakage",
    "unknown_leakage_of_all",
    "whole_words",
    "way_as_run",
    "variables_of",
    "words_of",
]
