"""What commands write at the top of an output folder."""

from __future__ import annotations

#: What a run writes at the top of its output folder, ``explanation``, the heat maps that `prldh explain` draws of it,
#: and ``external``, what `prldh apply` says of new patients; --force replaces these and nothing else.
OWNED = (
    "results.json",
    "report.html",
    "tables",
    "figures",
    "predictions.csv",
    "provenance.json",
    "model.json",
    "checklists",
    "references.bib",
    "reproduce",
    "explanation",
    "external",
)
#: What an extraction writes there, and an analysis of images.
FEATURES = ("features",)
