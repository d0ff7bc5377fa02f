"""Methods and Results in plain English, written from ``results.json``: what ran and what came out, and nothing else.

Every number and name is taken through :class:`prldh.report.text_writer.Writer`, which notes where in the results it
stands (``facts``), so that the text can be checked against them. What the numbers mean is left to the authors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from prldh.report import text_methods, text_results
from prldh.report.references import as_bibtex, in_words
from prldh.report.text_writer import Path, Writer


@dataclass(frozen=True)
class Text:
    """``methods`` and ``results``: paragraphs with citations as [1]; ``references``: in words, in that order;
    ``bibtex``: the same.

    ``facts``: in the order of the text, (as shown, kind, path in ``results.json``); a share has the paths of both its
    counts.
    """

    methods: list[str]
    results: list[str]
    references: list[str]
    bibtex: str
    facts: list[tuple[str, str, Path]] = field(repr=False)


def write_text(data: dict[str, Any], program: str = "") -> Text:
    """The text of a study's results.

    ``program``: the version of prldh that made them, which ``provenance.json`` knows; nothing is said of it where it is
    not given.
    """
    w = Writer(data, program)
    methods, results = (
        [paragraph for part in parts if (paragraph := " ".join(part(w)))]
        for parts in (text_methods.PARTS, text_results.PARTS)
    )
    versions = {"r": (data["engines"]["r"] or {}).get("version", "")}
    return Text(
        methods, results, [in_words(key, versions.get(key)) for key in w.cited], as_bibtex(w.cited, versions), w.facts
    )


def without_citations(paragraph: str) -> str:
    """A paragraph without its [1, 2]."""
    return re.sub(r" \[\d+(, \d+)*\]", "", paragraph)
