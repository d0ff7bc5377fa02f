"""What a plugin's objects look like. Structural types: nothing has to be inherited; :mod:`prldh.testing.kit` holds
objects to what is said here.

``example_settings``, which any object may have, are settings that the checks use where its defaults do not do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from pydantic import BaseModel

from prldh.core import Case, Resample, Selection, TrainingRows

if TYPE_CHECKING:
    from prldh.checklists import Dossier


@runtime_checkable
class Selector(Protocol):
    """A selection step. ``Settings`` is a pydantic model that refuses unknown keys.

    A selector may also have ``describe(rows, settings, seed, found) -> dict``: more to say in the report of a fit on
    everyone, such as how far it depends on chance. It is called after that fit, with what it found, and never in
    resamples. ``alternatives(settings) -> dict``, label → settings or None (the step left out), the chosen ones among
    them, are compared in the report (:mod:`prldh.validation.sensitivity`). Settings with ``relative_to(folder)`` have
    paths relative to the study file; ``check(settings)`` refuses what no data could change; ``fingerprint(settings)``
    is text that stands for what the choice depends on beside rows and settings, such as the content of a file.
    """

    name: str
    version: str
    Settings: type[BaseModel]

    def fit(self, rows: TrainingRows, settings: BaseModel, seed: np.random.SeedSequence, engine: Any) -> Selection:
        """Choose features from training rows. May use nothing else, and draws random numbers from ``seed`` alone."""
        ...


@runtime_checkable
class Validator(Protocol):
    """A scheme of resamples.

    ``kind`` is ``"held_out"`` (predictions of the test rows are pooled: in each repeat every patient is held out once)
    or ``"bootstrap"`` (optimism and out-of-bag; training rows may repeat). A test row never trains, and no two
    resamples share repeat and fold.
    """

    name: str
    version: str
    kind: str

    def resamples(self, outcome: np.ndarray, settings: Any, seed: np.random.SeedSequence) -> list[Resample]:
        """The resamples of this scheme for outcome (n,) 0/1; ``settings`` is what the study file gives under its
        name."""
        ...


@runtime_checkable
class FeatureSource(Protocol):
    """A source of features: one case in, named values out.

    ``Settings`` is a pydantic model that refuses unknown keys; a key ``combine`` in it (``mean`` or ``volume``) says
    how several regions of a patient become one row. A source that gains from many cases at once may also have
    ``extract_many(cases, settings) -> list`` of what ``extract`` returns for each, or the
    :class:`~prldh.core.errors.DataError` of a case without values in its place. Values that are the mean of single
    images may come as :class:`~prldh.core.imaging.Pooled`, for selectors that choose among the images.
    ``check(settings)``, ``fingerprint(settings)`` and ``relative_to(folder)`` of its settings are as a selector's; a
    fingerprint makes that kept cases are measured again. ``metadata(settings)`` says in the terms of its software what
    the values depend on, ``verify(case, settings)`` compares them with a reference (feature → largest relative
    difference), ``packages`` names the distributions that it computes with. One that was trained on patients says on
    whom by ``trained_on(settings)``, see :mod:`prldh.data.imaging.seen`.
    """

    name: str
    version: str
    Settings: type[BaseModel]

    def extract(self, case: Case, settings: BaseModel) -> tuple[dict[str, float], ...]:
        """Values of one case, one dictionary a reader. Names are the same, in the same order, for every case.

        Raises :class:`~prldh.core.errors.DataError` where the case has no values; it is then put aside with that
        reason.
        """
        ...

    def describe(self, names: Sequence[str], settings: BaseModel) -> dict[str, dict[str, Any]]:
        """What each feature is: ``unit``, ``ibsi`` (its code, or None), ``family``."""
        ...


@runtime_checkable
class Checklist(Protocol):
    """A reporting checklist whose items look for their evidence in what is known of a study.

    One that also has ``score(entries) -> dict`` is asked what its answered items come to.
    """

    name: str
    version: str

    def evaluate(self, dossier: Dossier) -> list[dict[str, Any]]:
        """One entry an item: ``number``, ``text``, ``status`` (filled, contradicted, author or not applicable) and
        ``evidence``, a list of ``{where, href}`` with links relative to the output folder; ``value``, ``reason``,
        ``question`` and ``section`` where there are any.

        ``dossier.results`` is the content of ``results.json``, or None where there was no analysis.
        """
        ...


@runtime_checkable
class ReportSection(Protocol):
    """A section of the report from a plugin."""

    name: str
    title: str

    def render(self, results: dict[str, Any], folder: Path) -> str:
        """An HTML fragment; it is placed as it is, so escape what comes from data. An empty one leaves the section
        out."""
        ...
