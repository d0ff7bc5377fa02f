"""What there may be to say of groups of patients: PRL-180 to PRL-183."""

from __future__ import annotations

from prldh.core.warn.kinds import WarnKind

GROUPS_LEFT_OUT = WarnKind(
    "PRL-180",
    "validation",
    "validation",
    "Groups that are not pooled",
    "Left out of the summary over groups, with one class, equal predictions, or an AUC of 0 or 1: {n} of {n_of} groups"
    " ({listed}).",
    "A group without events, or without non-events, has no AUC; one that a model tells apart without error has no"
    " logit, and one in which the refit gives all the same prediction no variance.",
    "Nothing, where few are; their patients are among the pooled predictions. Otherwise join groups.",
)
IN_NO_PART = WarnKind(
    "PRL-181",
    "validation",
    "validation",
    "Patients in no part of a split",
    "{scheme}: {n} of {n_of} patients are in neither part of the split, and neither train nor are held out there.",
    "The column that fixes the split has other values as well.",
    "Name these values under `train` or `test`, unless that is meant.",
)
CLUSTERED = WarnKind(
    "PRL-183",
    "cohort",
    "patients",
    "Several rows of one patient",
    "{n} rows are of {n_patients} patients, {n_events} of whom have the event in some row: patients are held out and"
    " drawn whole, AUC and coefficients have variances of clustered rows, and what has no such form is"
    " left out.",
    "Rows of one patient (lesions, visits) are alike, so that they say less than as many patients would.",
    "Nothing; read n by patient beside n by row.",
)
CONFOUNDED = WarnKind(
    "PRL-182",
    "cohort",
    "patients",
    "Groups that nearly tell the outcome",
    "'{column}' and the outcome are confounded (Cramér's V {v}): {listed}.",
    "Where groups differ so much in outcome, what tells the groups apart (a scanner, a protocol) looks like what tells"
    " the outcome, and harmonising groups removes true differences as well.",
    "Validate by leaving groups out (`leave_one_group_out`), and read numbers within groups.",
)
