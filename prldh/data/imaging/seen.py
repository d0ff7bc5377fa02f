"""Patients who trained what a source computes with: a network that has seen a patient does not measure him as it would
a stranger.

A feature source that was trained has ``trained_on(settings)``: the SHA-256 (hexadecimal) of the ids of the patients
that trained it, those who chose its epoch included, or an empty set where that is not known. It is asked for hashes, so
that a checkpoint names nobody.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from prldh.core import Warn, warn
from prldh.data.imaging.sources import ChosenSource
from prldh.data.tables import some
from prldh.plugins import TrainedOnPatients, answered, own_text

_HASH = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class TrainedOn:
    """``n_trained``: how many patients trained a source in all, None where it does not know; ``n`` and ``ids`` are
    those of some patients, in order."""

    n_trained: int | None
    n: int
    ids: tuple[str, ...]

    @property
    def may_leak(self) -> bool:
        """Whether some of the patients trained the source, or it is not known."""
        return bool(self.n) or self.n_trained is None


def trained_on(
    chosen: ChosenSource, ids: Iterable[str], patient_of: Mapping[str, str] | None = None
) -> TrainedOn | None:
    """Which of these patients trained a source; None where it was not trained (it has no ``trained_on``).
    ``patient_of``: id → patient, where ids are lesions': either of them may have trained it."""
    if not isinstance(chosen.source, TrainedOnPatients):
        return None
    wanted = "a list of hashes"
    hashes = answered("feature source", chosen.source, "trained_on", chosen.settings, read=_as_hashes, wanted=wanted)
    whose = patient_of or {}
    seen = [
        i for i in ids if not hashes.isdisjoint(hashlib.sha256(p.encode()).hexdigest() for p in (i, whose.get(i, i)))
    ]
    return TrainedOn(len(hashes) or None, len(seen), tuple(seen))


def _as_hashes(given: Any) -> set[str] | None:
    if not isinstance(given, Collection) or isinstance(given, str):
        return None
    hashes = {(own_text(each) or "").lower() for each in given}
    return hashes if all(_HASH.fullmatch(each) for each in hashes) else None  # an id itself would be nobody's


def warn_of_leaks(
    tissue: str, sources: Mapping[str, ChosenSource], ids: Iterable[str], patient_of: Mapping[str, str] | None = None
) -> list[Warn]:
    """A warning for every source that some of the analysed patients trained."""
    ids, warnings = list(ids), []
    for name, chosen in sources.items():
        overlap = trained_on(chosen, ids, patient_of)
        if overlap and overlap.n:
            warnings.append(
                warn.TRAINED_ON_PATIENTS(
                    tissue=tissue, n_trained=overlap.n, n=len(ids), source=name, listed=some(list(overlap.ids))
                )
            )
    return warnings
