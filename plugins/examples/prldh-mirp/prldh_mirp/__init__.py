"""MIRP as a feature source of prldh."""

from __future__ import annotations

from prldh.api import hookimpl

api = 1


@hookimpl
def register_feature_sources() -> list:
    from prldh_mirp.source import MirpSource

    return [MirpSource()]
