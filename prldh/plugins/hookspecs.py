"""The hooks through which everything exchangeable enters prldh, the built-ins included.

A hook *registers* objects; the study file *chooses* among them by name. Results therefore never depend on the order
in which plugins are found, and a name that is registered twice is an error.

A plugin is a distribution with an entry point in the group ``prldh``::

    [project.entry-points.prldh]
    my_plugin = "my_package.prldh_plugin"
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import click

    from prldh.plugins.interfaces import (
        Checklist,
        FeatureSource,
        ImageStep,
        Learner,
        ReportSection,
        Selector,
        Statistic,
        Transform,
        Validator,
    )

PROJECT = "prldh"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_feature_sources() -> list[FeatureSource]:
    """Return feature sources: objects that turn one case (image, mask) into named values."""


@hookspec
def register_image_steps() -> list[ImageStep]:
    """Return image steps: from a case (image, masks) to a case, before sources measure it."""


@hookspec
def register_selectors() -> list[Selector]:
    """Return selectors: steps that are fitted on training rows and say which features they keep, and why."""


@hookspec
def register_transforms() -> list[Transform]:
    """Return transforms: steps before the selection, fitted on training rows, that change values."""


@hookspec
def register_learners() -> list[Learner]:
    """Return learners: what is fitted on the features that are left and gives the score, log odds of the event."""


@hookspec
def register_validators() -> list[Validator]:
    """Return validators: schemes that say which rows train and which are held out."""


@hookspec
def register_statistics() -> list[Statistic]:
    """Return statistics of predictions: each is computed of every model, apparent and held out, beside prldh's own."""


@hookspec
def register_engines() -> list[type]:
    """Return engine classes that follow :class:`prldh.engines.protocol.StatisticsEngine`; each is called without
    arguments. Study files choose between ``r``, ``python`` and ``both`` alone as yet."""


@hookspec
def register_checklists() -> list[Checklist]:
    """Return reporting checklists: items with rules that find their evidence in a run."""


@hookspec
def register_report_sections() -> list[ReportSection]:
    """Return report sections: a title, and a function from results to HTML that is shown after the built-in ones;
    where it returns nothing but blanks, the section is left out."""


@hookspec
def register_commands(cli: click.Group) -> None:
    """Add click commands to the command line: ``cli.add_command(...)``."""


@hookspec
def stage_finished(stage: str, result: Any) -> None:
    """Observe that a stage has finished. What is returned is ignored, and the result must not be changed."""
