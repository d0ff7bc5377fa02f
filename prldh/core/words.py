"""What objects say of themselves: purposes and remarks, and what they are told of a run to say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Purpose(StrEnum):
    """What a selection step does that checklists ask for."""

    #: Keeps features that readers, or perturbed masks, agree on. In words: the measure of agreement, ``ICC``.
    RELIABILITY = "reliability"
    #: Drops features for saying the same as others.
    REDUNDANCY = "redundancy"
    #: Judges the correlation between features. In words: what becomes of those above which limit.
    COLLINEARITY = "collinearity"
    #: Brings sites or scanners together. In words: what is taken away, ``batch effects of centre``.
    HARMONISATION = "harmonisation"


@dataclass(frozen=True)
class Remark:
    """A sentence beneath the selection of a tissue; an urgent one stands at the end of a run in the terminal, too."""

    text: str
    is_urgent: bool = False


@dataclass(frozen=True)
class StepRun:
    """How a selection step was run.

    ``settings`` as the study file has them, the defaults among them; ``n_readers``: the most of any tissue;
    ``n_perturbed``: perturbed masks beside the one reader's, or None.
    """

    settings: Mapping[str, Any]
    n_readers: int = 1
    n_perturbed: int | None = None


@dataclass(frozen=True)
class SourceRun:
    """How a feature source was run: its version and settings, the versions of the ``packages`` that it computes with,
    and what its ``metadata`` says (``computed``)."""

    version: str
    settings: Mapping[str, Any]
    packages: Mapping[str, str]
    computed: Mapping[str, Any]


@dataclass(frozen=True)
class SchemeRun:
    """How a validator was run: the number of its resamples, and the study file's ``validation``."""

    n_resamples: int
    validation: Mapping[str, Any]
