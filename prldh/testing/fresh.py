"""What a fit may not depend on: other fits before it, and the process that it is made in."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

from prldh.testing.parts import CheckFailed, in_other_weather, require

CARRIES = "carries nothing from one fit to the next"
ELSEWHERE = "finds the same in another process, of as many features as radiomics has"
#: Rows and features of the data that a refit elsewhere is made of.
N_WIDE, P_WIDE = 60, 400


def fresh(item: Any) -> Any:
    """The object as it is now, to be used beside it; the same one where it cannot be copied."""
    try:
        return copy.deepcopy(item)
    except Exception:  # a lock, a stream: whatever cannot be copied is told of elsewhere
        return item


def carries_nothing(item: Any, first: Callable[[Any], Any], second: Callable[[Any], Any]) -> None:
    """``second`` gives the same of an object that gave ``first`` and of a fresh one, and what ``first`` gave stays as
    it was. Both give text of all that was found."""
    unused = fresh(item)
    kept = first(item)
    text = kept()
    again, alone = second(item), second(unused)
    require(
        again() == alone(),
        "a fit after another one finds something else than the same fit of a fresh object: keep nothing in the object",
    )
    require(kept() == text, "what was fitted first is another thing after the next fit: do not fill an array again")


def finds_the_same_elsewhere(find: Callable[..., str], *given: Any) -> None:
    """``find(*given)`` gives the same text here and in another process."""
    here, there = find(*given), _elsewhere(find, *given)
    require(
        here == there,
        "the same rows and seed gave another fit in another process: draw from the seed alone, keep nothing in module"
        " or class, and do not depend on the order of a set",
    )


def _elsewhere(find: Callable[..., str], *given: Any) -> str:
    """What another process finds; where the object cannot be sent there, which a check of its own tells, what this one
    finds with other random numbers around it."""
    try:
        found, failure = _process().submit(_told, find, *given).result()
    except Exception:
        _process.cache_clear()
        return in_other_weather(lambda: find(*given))
    if failure:
        raise CheckFailed(f"it fails in another process: {failure}")
    return found


def _told(find: Callable[..., str], *given: Any) -> tuple[str, str]:
    """What is found, or else what went wrong: errors of an object need not travel."""
    try:
        return find(*given), ""
    except Exception as error:
        return "", f"{type(error).__name__}: {error}"


@functools.lru_cache(maxsize=1)
def _process() -> Any:
    """One process for all checks, that is there as long as they are made."""
    from joblib.externals.loky import ProcessPoolExecutor

    return ProcessPoolExecutor(max_workers=1, timeout=120)
