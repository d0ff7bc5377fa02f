"""What prldh finds of this plugin. Importing it does not import torch."""

from __future__ import annotations

import click

from prldh.api import hookimpl


@hookimpl
def register_feature_sources() -> list:
    from prldh_uctransnet.source import UCTransNetSource

    return [UCTransNetSource()]


@hookimpl
def register_selectors() -> list:
    from prldh_uctransnet.library import FeatureLibrary

    return [FeatureLibrary()]


@hookimpl
def register_report_sections() -> list:
    from prldh_uctransnet.section import DeepFeatures

    return [DeepFeatures()]


@hookimpl
def register_commands(cli: click.Group) -> None:
    from prldh_uctransnet.commands import explain, segment

    cli.add_command(segment)
    cli.add_command(explain)
