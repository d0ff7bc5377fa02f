"""Work given to joblib's present backend."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from prldh.core import beginning_processes


def in_parallel(
    work: Callable[..., Any], shared: tuple[Any, ...], items: Iterable[tuple[Any, Any]], **options: Any
) -> Iterator[tuple[Any, Any]]:
    """Results by joblib's present backend, numbered as the items are, as they finish."""
    from joblib import Parallel, delayed

    calls = (delayed(_numbered)(work, i, item, *shared) for i, item in items)
    results: Any = None
    try:
        with beginning_processes():
            results = Parallel(return_as="generator_unordered", **options)(calls)
        yield from results
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joblib remarks on results that nobody waits for when a run is stopped
            if results is not None:
                results.close()


def _numbered(work: Callable[..., Any], i: Any, item: Any, *shared: Any) -> tuple[Any, Any]:
    return i, work(*shared, item)
