"""From results to what reporting standards ask."""

from __future__ import annotations

from prldh.checklists.built_in import built_in_checklists
from prldh.checklists.dossier import Dossier, dossier_of
from prldh.checklists.filling import fill
from prldh.checklists.findings import NOT_APPLICABLE, STATUSES
from prldh.checklists.ibsi_rules import image_rule
from prldh.checklists.image_rules import counted
from prldh.checklists.items import Item, load_standard
from prldh.checklists.regions import BY_SOURCE, CONSENSUS_WAYS, LESION_WAYS, lesions_in_words
from prldh.checklists.run import check_answers, fill_again, run_checklist, write_checklists
from prldh.checklists.section import checklist_view
from prldh.checklists.writing import FORMATS, has_docx, write_checklist

__all__ = [
    "BY_SOURCE",
    "CONSENSUS_WAYS",
    "Dossier",
    "FORMATS",
    "Item",
    "LESION_WAYS",
    "NOT_APPLICABLE",
    "STATUSES",
    "built_in_checklists",
    "check_answers",
    "checklist_view",
    "counted",
    "dossier_of",
    "fill",
    "fill_again",
    "has_docx",
    "image_rule",
    "lesions_in_words",
    "load_standard",
    "run_checklist",
    "write_checklist",
    "write_checklists",
]
