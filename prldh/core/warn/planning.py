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
