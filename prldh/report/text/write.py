"""Methods and Results in plain English, written from ``results.json``: what ran and what came out, and nothing else.

Every number and name is taken through :class:`prldh.report.text.writer.Writer`, which notes where in the results it
stands (``facts``), so that the text can be checked against them. What the numbers mean is left to the authors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from prldh.report.text import limitations, methods, results
from prldh.report.text.bibliography import as_bibtex, in_words
from prldh.report.text.writer import Writer
from prldh.results import Place, Words


@dataclass(frozen=True)
class Text:
    """``methods``, ``results`` and ``limitations``: paragraphs with citations as [1]; ``references``: in words, in that
    order; ``bibtex``: the same.

    ``facts``: in the order of the text, (as shown, kind, path in ``results.json``); a share has the paths of both its
    counts.
    """

    methods: list[str]
    results: list[str]
    limitations: list[str]
    references: list[str]
    bibtex: str
    facts: list[tuple[str, str, Place]] = field(repr=False)


def write_text(data: dict[str, Any], words: Words, program: str = "") -> Text:
    """The text of a study's results.

    ``words``: what its steps, schemes and sources say of themselves; ``program``: the version of prldh that made them,
    which ``provenance.json`` knows; nothing is said of it where it is not given.
    """
    w = Writer(data, words, program)
    in_methods, in_results = _paragraphs(methods.PARTS, w), _paragraphs(results.PARTS, w)
    limits = _paragraphs([limitations.limitations], w)
    versions = {"r": (data["engines"]["r"] or {}).get("version", "")}
    references = [in_words(r, versions.get(r.key)) for r in w.cited]
    return Text(in_methods, in_results, limits, references, as_bibtex(w.cited, versions), w.facts)


def _paragraphs(parts: Iterable[Callable[[Writer], Iterator[str]]], w: Writer) -> list[str]:
    """Those of which anything is to be said."""
    return [paragraph for part in parts if (paragraph := " ".join(part(w)))]


def without_citations(paragraph: str) -> str:
    """A paragraph without its [1, 2]."""
    return re.sub(r" \[\d+(, \d+)*\]", "", paragraph)
