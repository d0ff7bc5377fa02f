"""Rectangles in, values out: batches across patients, computed while others are read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from prldh_uctransnet.crops import Crop
from prldh_uctransnet.embedding import Embedder

#: Batches that a GPU has at a time: it computes one while the values of the one before it are fetched.
IN_FLIGHT = 2


def is_waited_for(device: torch.device) -> bool:
    """Whether what is given to a device is done when the call returns."""
    return device.type == "cpu"


@dataclass(eq=False)
class _Coming:
    """A case on its way: values by reader, and how many pictures have neither."""

    patient: str = ""
    rows: dict[int, list[np.ndarray]] = field(default_factory=dict)
    n_left: int = 0
    is_whole: bool = False


class PictureStream:
    """What a source is given piece by piece (:class:`prldh.api.CaseStream`).

    Parameters
    ----------
    embedder
        The network on its device.
    size
        Side of the pictures.
    named
        Makes of the values (s, 512) of a reader's slices, and the patient, what the source answers.
    """

    def __init__(self, embedder: Embedder, size: int, named: Callable[[np.ndarray, str], Any]) -> None:
        self.embedder, self.size, self.named = embedder, size, named
        self._cases: dict[int, _Coming] = {}
        self._held: deque[tuple[_Coming, Crop]] = deque()
        self._flying: deque[tuple[list[tuple[_Coming, Crop]], Any]] = deque()

    def put(self, owner: int, pieces: Sequence[Crop], is_last: bool) -> list[tuple[int, Any]]:
        """Take rectangles of a case; what is finished by now."""
        case = self._cases.setdefault(owner, _Coming())
        for crop in pieces:
            case.patient, case.n_left = crop.patient, case.n_left + 1
            self._held.append((case, crop))
        case.is_whole |= is_last
        while len(self._held) >= self.embedder.batch:
            self._launch(self.embedder.batch)
        return self._finished()

    def drop(self, owner: int) -> None:
        """Forget a case; what is computed already of it is nobody's."""
        case = self._cases.pop(owner, None)
        self._held = deque((c, crop) for c, crop in self._held if c is not case)

    def close(self) -> list[tuple[int, Any]]:
        """What is left."""
        while self._held:
            self._launch(min(self.embedder.batch, len(self._held)))
        while self._flying:
            self._land()
        return self._finished()

    def _launch(self, n: int) -> None:
        part = [self._held.popleft() for _ in range(n)]
        self._flying.append((part, self.embedder.launch([crop for _, crop in part], self.size)))
        while len(self._flying) >= (1 if is_waited_for(self.embedder.device) else IN_FLIGHT):
            self._land()

    def _land(self) -> None:
        part, values = self._flying.popleft()
        for (case, crop), row in zip(part, values.cpu().numpy().astype(np.float64), strict=True):
            case.rows.setdefault(crop.reader, []).append(row)
            case.n_left -= 1

    def _finished(self) -> list[tuple[int, Any]]:
        whole = [owner for owner, case in self._cases.items() if case.is_whole and not case.n_left]
        answers = []
        for owner in whole:
            case = self._cases.pop(owner)
            answers.append((owner, tuple(self.named(np.array(case.rows[r]), case.patient) for r in sorted(case.rows))))
        return answers
