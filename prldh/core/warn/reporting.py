"""What there may be to say of writing the report: PRL-120."""

from __future__ import annotations

from prldh.core.warn.kinds import WarnKind

NO_WORDS = WarnKind(
    "PRL-120",
    "report",
    "text",
    "An object that could not say what it is",
    "{error} The report has general words in its place.",
    "A step, validator or source of a plugin failed when the report asked it for its label, sentence, references or"
    " figures, or said what does not fit the results. Numbers are as they are. It stands in the report alone, which may"
    " be written by another version of the plugin than the results.",
    "Update the plugin, and run `prldh report DIR`; `prldh plugins check NAME` shows why.",
)
