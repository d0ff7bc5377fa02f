"""Another name of :mod:`prldh.api`."""

from __future__ import annotations

from typing import Any

from prldh import api

__all__ = [*api.__all__]


def __getattr__(name: str) -> Any:
    return getattr(api, name)
