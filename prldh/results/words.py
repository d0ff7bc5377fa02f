"""What the objects behind a run say of themselves, as plain data: pages, figures, the text and the checklists read it,
and ask for no object by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prldh.core import DASH, WHOLE, Purpose, Reference, Remark, StepFigure, Warn, scope_words
from prldh.results.variables import Variables

#: Where something stands in ``results.json``.
Place = tuple[Any, ...]
#: In a sentence: ``{threshold}``, or that or `` [@smith2020; @jones2021]``.
FIELD = re.compile(r"\{([^{}]+)\}")
TOKEN = re.compile(FIELD.pattern + r"| \[(@[^\[\]]+)\]")


@dataclass(frozen=True)
class Sentence:
    """A sentence of an object: its ``text`` with fields and citations, the ``places`` of its fields in the results, and
    the ``references`` by key."""

    text: str
    places: Mapping[str, Place] = field(default_factory=dict)
    references: Mapping[str, Reference] = field(default_factory=dict)


@dataclass(frozen=True)
class StepWords:
    """How the report calls a selection step, and what it says of it; generic where nothing is given but its name."""

    label: str
    short_label: str
    explanation: str = ""
    note_on_alternatives: str = ""
    purposes: Mapping[Purpose, str] = field(default_factory=dict)

    def serves(self, purpose: Purpose) -> bool:
        return purpose in self.purposes

    def purpose(self, purpose: Purpose, settings: Mapping[str, Any]) -> str:
        """What the step does for a purpose, in words with its settings."""
        return FIELD.sub(lambda match: str(settings.get(match[1], DASH)), self.purposes[purpose])


@dataclass(frozen=True)
class SchemeWords:
    """How the report calls a scheme of validation; ``sentence`` for the Methods and ``design`` where there are such."""

    label: str
    sentence: Sentence | None = None
    design: str = ""


@dataclass(frozen=True)
class Words:
    """Words of everything that took part in a run.

    ``sentences``: of each step of the study file, transforms first, in its order, None where a step has none.
    ``image_steps``: by tissue and number. ``learners``: labels by name, and ``learner``: the sentence of the one that
    makes the Radscores. ``figures``: by
    tissue and the number of the step among the tissue's. ``remarks``: by tissue, a group a step. ``warnings``: objects
    that failed to say something. ``whole``: what the scope pipeline is of this run's models.
    """

    steps: Mapping[str, StepWords] = field(default_factory=dict)
    schemes: Mapping[str, SchemeWords] = field(default_factory=dict)
    sources: Mapping[str, Sentence] = field(default_factory=dict)
    image_steps: Mapping[tuple[str, int], Sentence] = field(default_factory=dict)
    sentences: tuple[Sentence | None, ...] = ()
    learners: Mapping[str, str] = field(default_factory=dict)
    learner: Sentence | None = None
    figures: Mapping[tuple[str, int], tuple[StepFigure, ...]] = field(default_factory=dict)
    remarks: Mapping[str, tuple[tuple[Remark, ...], ...]] = field(default_factory=dict)
    warnings: tuple[Warn, ...] = ()
    variables: Variables = field(default_factory=Variables)
    whole: str = WHOLE

    def step(self, name: str) -> StepWords:
        return self.steps.get(name) or StepWords(name, name)

    def learner_label(self, name: str) -> str:
        return self.learners.get(name) or name.replace("_", " ")

    def scheme(self, name: str) -> SchemeWords:
        return self.schemes.get(name) or SchemeWords(name.replace("_", "-"))

    def scope(self, name: str) -> str:
        return scope_words(name, self.whole)

    def held_out(self, scope: str, scheme: str) -> str:
        """``10-fold cross-validation, whole modelling process validated``."""
        return f"{self.scheme(scheme).label}, {self.scope(scope)}"


def steps_of(settings: Mapping[str, Any]) -> list[tuple[Place, str, Any]]:
    """The steps of a study's settings, transforms first: place within the settings, name, settings."""
    return [
        ((key, k, name), name, own)
        for key in ("transforms", "selection")
        for k, step in enumerate(settings.get(key) or [])
        for name, own in step.items()
    ]


def cited_keys(citation: str) -> list[str]:
    """``@smith2020; @jones2021`` as keys."""
    return [key.strip().removeprefix("@") for key in citation.split(";")]
