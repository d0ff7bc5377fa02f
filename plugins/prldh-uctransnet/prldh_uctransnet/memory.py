"""Too little memory: what says so, and the smaller part that is tried next."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TypeVar

import torch

from prldh.api import PluginError

T = TypeVar("T")
#: Apple's GPUs and CUDA's errors; a CPU; cuDNN and cuBLAS; cuDNN where no way of computing has the workspace that it
#: asks for.
_SAYS_SO = ("out of memory", "can't allocate memory", "ALLOC_FAILED", "unable to find an engine")


def attempt(work: Callable[[], T]) -> T | None:
    """What ``work`` gives, or None where the memory does not suffice. Other errors are raised."""
    try:
        return work()
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and not any(s in str(error) for s in _SAYS_SO):
            raise
    return None  # not inside the clause: its traceback holds the tensors that must go before the next attempt


def halved(batch: int, device: torch.device, what: str, say: Callable[[str], None], more: str = "") -> int:
    """Half of a batch that does not fit, said in one line; ``what`` is one of it, such as "picture of 224 x 224".

    Raises
    ------
    PluginError
        If the batch is one already.
    """
    if batch == 1:
        raise PluginError(f"one {what} does not fit into the memory of {device}. Use a smaller size, or device: cpu.")
    if device.type in ("cuda", "mps"):
        getattr(torch, device.type).empty_cache()
    say(f"the memory of {device} is too small: {batch // 2} {what.split()[0]}s at a time from here on{more}")
    return batch // 2


def on_stderr(text: str) -> None:
    """Say it beside what a command prints."""
    print(text, file=sys.stderr, flush=True)
