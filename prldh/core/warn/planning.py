"""What there may be to say of plans made before a run, and of subgroups: PRL-170 and on."""

from __future__ import annotations

from prldh.core.warn.kinds import WarnKind

PLAN_DEVIATIONS = WarnKind(
    "PRL-170",
    "plan",
    "provenance",
    "The run departs from its plan",
    "{n} of what the plan {file} fixed {is_are} otherwise: {listed}.",
    "`prldh analyze --plan` compares settings, seed, tables (less the outcome), images, files and versions with those"
    " of `prldh plan`. A deviation stops nothing; the section on provenance lists each.",
    "Say in the paper what was changed, when and why; or run what was planned.",
)
NO_SUBGROUPS = WarnKind(
    "PRL-171",
    "validation",
    "validation",
    "No scheme whose predictions could be looked at by subgroup",
    "subgroups: no scheme of this study holds everyone, or one fixed part, out, so that there are no pooled held-out"
    " predictions to judge in subgroups.",
    "Subgroups are judged on the held-out predictions of the leading scheme. A bootstrap has none, and of random splits"
    " each holds other patients out.",
    "Switch cross-validation on (`validation.folds: 10`), or leave `subgroups` out.",
)
SMALL_SUBGROUPS = WarnKind(
    "PRL-172",
    "validation",
    "subgroups",
    "Subgroups with few patients of a class",
    "subgroups by {column}: fewer than {least} patients with the event, or without it, and so no intervals: {listed}.",
    "Numbers of so few patients vary widely; an interval would not hold what it promises, and Cochran's Q finds"
    " differences between such levels too seldom.",
    "Merge levels, choose other cuts, or read these numbers as what they are.",
)
