"""One thread for the compiled code that computes: results do not depend on how sums are split over threads."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


@contextmanager
def one_thread() -> Iterator[None]:
    """BLAS and OpenMP use one thread within, and as many as before afterwards.

    To look through what a process has loaded takes a millisecond, longer than many a fit: it is done again where
    modules were imported since.
    """
    with _controller().limit(limits=1):
        yield


_known: tuple[int, ThreadpoolController] | None = None


def _controller() -> ThreadpoolController:
    from threadpoolctl import ThreadpoolController

    global _known  # what is loaded is the process's
    n = len(sys.modules)
    if _known is None or _known[0] != n:
        _known = n, ThreadpoolController()
    return _known[1]
