"""Work given to joblib's present backend."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any


def in_parallel(
    work: Callable[..., Any], shared: tuple[Any, ...], items: Mapping[int, Any], **options: Any
) -> Iterator[tuple[int, Any]]:
    """Results by joblib's present backend, numbered, as they finish."""
    from joblib import Parallel, delayed

    calls = (delayed(_numbered)(work, i, item, *shared) for i, item in list(items.items()))
    results = Parallel(return_as="generator_unordered", **options)(calls)
    try:
        yield from results
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # joblib remarks on results that nobody waits for when a run is stopped
            results.close()


def _numbered(work: Callable[..., Any], i: int, item: Any, *shared: Any) -> tuple[int, Any]:
    return i, work(*shared, item)
