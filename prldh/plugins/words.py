"""What an object may say of itself. Every member is optional and declared here; where one is absent, or the object is
no longer installed, the report has general words in its place.

A sentence is plain text in which ``{threshold}`` stands for a value and ``[@smith2020]`` for one of the object's
``references``, two of them as ``[@smith2020; @jones2021]``. The report puts numbers and citations there, so that a
sentence can hold no number that the results do not have.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from prldh.core import Purpose, Reference, Remark, SchemeRun, SourceRun, StepFigure, StepRun


@runtime_checkable
class Labelled(Protocol):
    """A selector, validator or feature source with a name for tables: ``Reliability (ICC)``, ``cross-validation``."""

    label: str


@runtime_checkable
class ShortlyLabelled(Protocol):
    """A selector with a shorter name for the axes of figures: ``ICC``."""

    short_label: str


@runtime_checkable
class Explained(Protocol):
    """A selector with half a sentence for readers who do not know it: ``mRMR ranks features by …``."""

    explanation: str


@runtime_checkable
class Cited(Protocol):
    """A selector, validator or feature source with papers behind it; what its sentence cites is in
    ``references.bib``."""

    references: Sequence[Reference]


@runtime_checkable
class SelectorMethods(Protocol):
    """A selector with its part of the sentence on the steps of the Methods: ``features were kept where …``.

    Values are settings, by their keys, and ``n_perturbed``. An empty text: it did nothing in this run.
    """

    def methods(self, run: StepRun) -> str: ...


@runtime_checkable
class LearnerMethods(Protocol):
    """A learner with its part of the sentence on the Radscore: ``the LASSO [@tibshirani1996], its penalty chosen …``.

    Values are settings, by their keys. :class:`~prldh.core.words.StepRun` has no source here.
    """

    def methods(self, run: StepRun) -> str: ...


@runtime_checkable
class ImageStepMethods(Protocol):
    """An image step with half a sentence for the Methods: ``non-uniformity was corrected by N4 [@tustison2010]``.

    Values are settings, by their keys.
    """

    def methods(self, run: StepRun) -> str: ...


@runtime_checkable
class SourceMethods(Protocol):
    """A feature source with a sentence for the Methods: ``Features were measured on images by …``.

    Values are ``version``, ``settings.KEY`` and ``packages.NAME``.
    """

    def methods(self, run: SourceRun) -> str: ...


@runtime_checkable
class ValidatorMethods(Protocol):
    """A validator with words for ``Models were validated by …`` in the Methods.

    Values are ``n_resamples`` and ``validation.KEY``, of the study file.
    """

    def methods(self, run: SchemeRun) -> str: ...


@runtime_checkable
class Designed(Protocol):
    """A validator with words for how patients were held out, in the report's first sentences: ``10-fold
    cross-validation, repeated 5 times``. Plain text, its numbers in it."""

    def design(self, run: SchemeRun) -> str: ...


@runtime_checkable
class Drawn(Protocol):
    """A selector with figures of what it found on everyone within a source: ``details`` are its selection's, as
    ``results.json`` holds them, those of earlier versions too."""

    def figures(self, details: Mapping[str, Any]) -> Sequence[StepFigure]: ...


@runtime_checkable
class Remarked(Protocol):
    """A selector with sentences beneath the selection of a tissue; ``details_by_source``: (source, details) of
    each time that the step was fitted on everyone."""

    def remarks(self, details_by_source: Sequence[tuple[str, Mapping[str, Any]]]) -> Sequence[Remark]: ...


@runtime_checkable
class Purposeful(Protocol):
    """A selector that does what checklists ask for: purpose → in words, with ``{threshold}`` for a setting."""

    purposes: Mapping[Purpose, str]


@runtime_checkable
class NotesAlternatives(Protocol):
    """A selector with a sentence beneath the comparison of its ``alternatives``."""

    note_on_alternatives: str


#: What each kind of object may say, by what it is called; the registry refuses a method that is nearly one of these.
WORDS: dict[str, tuple[type, ...]] = {
    "selector": (
        Labelled,
        ShortlyLabelled,
        Explained,
        Cited,
        SelectorMethods,
        Drawn,
        Remarked,
        Purposeful,
        NotesAlternatives,
    ),
    "transform": (Labelled, ShortlyLabelled, Explained, Cited, SelectorMethods, Drawn, Remarked, Purposeful),
    "learner": (Labelled, ShortlyLabelled, Explained, Cited, LearnerMethods),
    "validator": (Labelled, Cited, ValidatorMethods, Designed),
    "feature source": (Labelled, Cited, SourceMethods),
    "image step": (Labelled, Cited, ImageStepMethods),
}
