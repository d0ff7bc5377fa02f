"""Whether an installed plugin can be used here: what its distribution requires, and the API that it was written for."""

from __future__ import annotations

import functools
from importlib import metadata
from types import ModuleType
from typing import Any

#: The API of hooks, protocols and records that this version of prldh has.
API = 1


class UnusableError(Exception):
    """Why a plugin cannot be used, as the rest of a sentence on it."""


def check_requirements(distribution: metadata.Distribution) -> None:
    """Whatever a distribution requires is installed, in a version that it takes; extras are nobody's need.

    Raises
    ------
    UnusableError
    """
    from packaging.requirements import InvalidRequirement, Requirement

    for text in distribution.requires or ():
        try:
            required = Requirement(text)
        except InvalidRequirement:
            raise UnusableError(f"it requires '{text}', which is no requirement") from None
        if required.marker is not None and not required.marker.evaluate({"extra": ""}):
            continue
        wanted = f"{required.name}{required.specifier}"
        try:
            version = _version(required.name)
        except metadata.PackageNotFoundError:
            raise UnusableError(f"it requires {wanted}, which is not installed (pip install '{wanted}')") from None
        if not required.specifier.contains(version, prereleases=True):
            raise UnusableError(f"it requires {wanted}, and {version} is installed (pip install '{wanted}')")


@functools.lru_cache(maxsize=256)  # of what is installed; what is not is looked for again
def _version(name: str) -> str:
    return metadata.version(name)


def check_api(plugin: Any) -> None:
    """A plugin may name the API that it was written for (``api = 1``); a submodule of that name is none.

    Raises
    ------
    UnusableError
        If it is another one.
    """
    api = getattr(plugin, "api", API)
    if isinstance(api, ModuleType):
        return
    if isinstance(api, bool) or not isinstance(api, int):
        raise UnusableError(f"its api is {api!r:.80}, and must be a whole number, such as api = {API}")
    if api > API:
        raise UnusableError(f"it was written for API {api}, and this version of prldh has API {API}: update prldh")
    if api < 1:
        raise UnusableError(f"its api is {api}, and the first one is 1")
