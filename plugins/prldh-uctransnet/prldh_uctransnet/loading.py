"""Slices as training takes them: gathered from the images' own arrays, the next ones while a step is computed."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from prldh_uctransnet.slices import Slices


class Rows:
    """The slices of several images in one row of numbers, without a second copy of them.

    ``rows[numbers]`` is a tensor (n, size, size) of its own.
    """

    def __init__(self, arrays: Sequence[np.ndarray]) -> None:
        self._arrays = arrays
        self._start = np.cumsum([0, *(len(a) for a in arrays)])

    def __len__(self) -> int:
        return int(self._start[-1])

    def __getitem__(self, numbers: np.ndarray) -> Tensor:
        owner = np.searchsorted(self._start, numbers, side="right") - 1
        rows = [self._arrays[o][i - self._start[o]] for o, i in zip(owner, numbers, strict=True)]
        return torch.from_numpy(np.stack(rows))


def rows_of(images: Sequence[Slices]) -> tuple[Rows, Rows]:
    """Pictures and targets of images, image by image."""
    return Rows([s.pictures for s in images]), Rows([s.targets for s in images])


class Ahead:
    """Parts of batches on a device, gathered (and put where a GPU takes them from by itself) by ``workers`` threads
    while others are computed; 0: when they are asked for.

    Pictures come as float (n, 1, H, W), in the GPU's own order of memory, and targets alike.
    """

    def __init__(self, pictures: Rows | Tensor, targets: Rows | Tensor, device: torch.device, workers: int) -> None:
        self.pictures, self.targets, self.device, self.workers = pictures, targets, device, workers
        self._pool = ThreadPoolExecutor(workers) if workers else None
        self._coming: OrderedDict[bytes, Future] = OrderedDict()
        self._plan: list[np.ndarray] = []

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def plan(self, parts: Sequence[np.ndarray]) -> None:
        """What will be asked for, in this order. Two parts a worker are gathered ahead; another part, such as half of
        one that did not fit into the memory, is gathered when it is asked for."""
        self._plan = list(parts)[::-1]
        self._go_on()

    def _go_on(self) -> None:
        while self._pool is not None and self._plan and len(self._coming) < 2 * self.workers:
            part = self._plan.pop()
            self._coming[part.tobytes()] = self._pool.submit(self._gather, part)

    def _gather(self, part: np.ndarray) -> tuple[Tensor, Tensor]:
        found = self.pictures[part], self.targets[part]
        return (found[0].pin_memory(), found[1].pin_memory()) if self.device.type == "cuda" else found

    def take(self, part: np.ndarray) -> tuple[Tensor, Tensor]:
        """Pictures and targets of a part."""
        coming = self._coming.pop(part.tobytes(), None)
        x, y = self._gather(part) if coming is None else coming.result()
        self._go_on()
        return self._on_device(x), self._on_device(y)

    def _on_device(self, rows: Tensor) -> Tensor:
        return to_input(rows[:, None].to(self.device, non_blocking=rows.is_pinned()))


def to_input(x: Tensor) -> Tensor:
    """Floats, on a CUDA GPU with the channels last, as its convolutions take them."""
    return x.float().contiguous(memory_format=torch.channels_last) if x.device.type == "cuda" else x.float()
