"""What steps, learners and transforms share: inner folds, seeds of parts, standardised columns, draws of forests."""

from __future__ import annotations

from prldh.chain.shared.folds import distinct_patients, stratified_folds
from prldh.chain.shared.linear import unit_columns
from prldh.chain.shared.rows import child_of, in_patient_order, inner_folds

__all__ = [
    "child_of",
    "distinct_patients",
    "in_patient_order",
    "inner_folds",
    "stratified_folds",
    "unit_columns",
]
