"""Steps that read clinical columns: whether these are as they need them, and whom what they fit can be applied to,
before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from prldh.chain import Protocol, Step
from prldh.core import BOOTSTRAP, REPEATED_HOLDOUT, Resample, StudyError, Subjects, Warn, scheme_words, warn
from prldh.plugins import UsesColumns, answered, own_text

#: Resamples by scheme, each with its kind.
Schemes = Mapping[str, tuple[str, list[Resample]]]


def check_columns(own: Protocol, named: Mapping[str, Protocol], subjects: Subjects) -> tuple[Warn, ...]:
    """What the steps of the protocols have to say of the columns that they read, each once.

    Raises
    ------
    StudyError, DataError
        Where these are not as a step needs them.
    """
    told: dict[Warn, None] = {}
    for where, step in _reading(own, named):
        given = (step.settings, subjects, where)
        found = answered("step", step.selector, "check_columns", *given, read=_as_warnings, wanted="a list of warnings")
        told |= dict.fromkeys(found)
    return tuple(told)


def within_reach(
    own: Protocol, named: Mapping[str, Protocol], schemes: Schemes, subjects: Subjects
) -> tuple[dict[str, tuple[str, list[Resample]]], tuple[Warn, ...]]:
    """The schemes; from the held-out rows of samples, of a bootstrap or a part at random, those are left out that a
    step could not be applied to, which is told.

    Raises
    ------
    StudyError
        Where another scheme holds such rows out.
    """
    kept, told = dict(schemes), []
    for where, step in _reading(own, named):
        for name, (kind, resamples) in kept.items():
            reached = [_reached_from(step, subjects, r.train) for r in resamples]
            lost = [int((~own[r.test]).sum()) for own, r in zip(reached, resamples, strict=True)]
            n_resamples = sum(n > 0 for n in lost)
            if not n_resamples:
                continue
            remedy = answered("step", step.selector, "remedy", step.settings, read=own_text, wanted="text")
            if kind not in (BOOTSTRAP, REPEATED_HOLDOUT):
                raise StudyError(
                    f"{where}: validation.{name} holds patients out whom it cannot be applied to ({n_resamples} of"
                    f" {len(resamples)} resamples): {remedy}."
                )
            kept[name] = kind, [replace(r, test=r.test[own[r.test]]) for own, r in zip(reached, resamples, strict=True)]
            why = remedy.partition(". ")[0]
            told.append(
                warn.NOT_REACHED(
                    scheme=scheme_words(name),
                    n=sum(lost),
                    n_resamples=n_resamples,
                    n_all=len(resamples),
                    step=step.selector.name,
                    why=why,
                )
            )
    return kept, tuple(dict.fromkeys(told))


def _reached_from(step: Step, subjects: Subjects, train: np.ndarray) -> np.ndarray:
    """Which of all rows (n,) bool what is fitted on the rows ``train`` could be applied to."""

    def as_booleans(found: Any) -> np.ndarray | None:
        is_one = isinstance(found, np.ndarray) and found.dtype == bool and found.shape == (subjects.n,)
        return np.array(found) if is_one else None

    given, wanted = (step.settings, subjects.columns, train), f"booleans ({subjects.n},)"
    return answered("step", step.selector, "reached_from", *given, read=as_booleans, wanted=wanted)


def _as_warnings(found: Any) -> tuple[Warn, ...] | None:
    warnings = tuple(found) if isinstance(found, (list, tuple)) else (None,)
    return warnings if all(isinstance(each, Warn) for each in warnings) else None


def reads_columns(own: Protocol, named: Mapping[str, Protocol]) -> bool:
    """Whether a step of some protocol reads clinical columns."""
    return bool(list(_reading(own, named)))


def _reading(own: Protocol, named: Mapping[str, Protocol]) -> list[tuple[str, Step]]:
    """The steps that read clinical columns, and where they stand in the study file."""
    found = []
    for prefix, protocol in (("", own), *((f"protocols.{name}, ", each) for name, each in named.items())):
        for part, steps in (("transforms", protocol.transforms), ("selection", protocol.selection)):
            for i, step in enumerate(steps):
                name = step.selector.name
                if isinstance(step.selector, UsesColumns):
                    found.append((f"{prefix}{part}, step {i + 1} ({name})", step))
    return found
