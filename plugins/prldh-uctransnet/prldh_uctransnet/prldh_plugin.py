"""What prldh finds of this plugin. Importing it does not import torch."""

from __future__ import annotations

from prldh.hookspecs import hookimpl


@hookimpl
def register_feature_sources() -> list:
    from prldh_uctransnet.source import UCTransNetSource

    return [UCTransNetSource()]
