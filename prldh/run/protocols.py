"""From what a study file names to what is fitted: steps and learners found in the registry, their settings checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prldh.chain import RADSCORES, ChosenLearner, Protocol, Step
from prldh.core import Blanks, SecondStage, StudyError
from prldh.data import some
from prldh.plugins import (
    REGISTRIES,
    ChecksSettings,
    ComposesLearners,
    Registry,
    answered,
    called,
    json_mapping,
    own_text,
    placed,
    settings_of,
)
from prldh.study import Study


def resolve_protocols(study: Study, registry: Registry, folder: Path = Path()) -> tuple[Protocol, dict[str, Protocol]]:
    """The study's own way from features to a score, and those that it names under ``protocols``.

    Raises
    ------
    StudyError, PluginError
        For steps, learners and settings that there are not, or that do not go together.
    """
    named = {
        name: _protocol(
            study,
            study.transforms if own.transforms is None else own.transforms,
            study.selection if own.selection is None else own.selection,
            study.learner if own.learner is None else own.learner,
            own.second_stage,
            registry,
            folder,
            f"protocols.{name}, ",
        )
        for name, own in study.protocols.items()
    }
    whole = _protocol(study, study.transforms, study.selection, study.learner, study.second_stage, registry, folder, "")
    return whole, named


def blanks_allowed(registry: Registry, own: Protocol, named: Mapping[str, Protocol]) -> Blanks:
    """Features may have blanks where in every protocol a transform fills them, and steps before it take them."""
    without = [name for name, protocol in named.items() if not _fills_blanks(protocol)]
    if not without and _fills_blanks(own):
        return Blanks(allowed=True)
    transforms = registry.registered("register_transforms")
    fill = [name for name, (item, _) in transforms.items() if getattr(item, "fills_blanks", False)]
    which = f", which {some(without)} of `protocols` does without" if without and _fills_blanks(own) else ""
    return Blanks(remedy=f", or let one of `transforms` fill blanks first ({', '.join(fill)}){which}" if fill else "")


def _fills_blanks(protocol: Protocol) -> bool:
    """Whether blanks are filled before a step that cannot take them."""
    for step in protocol.steps:
        if getattr(step.selector, "fills_blanks", False):
            return True
        if not getattr(step.selector, "takes_blanks", False):
            return False
    return False


def _protocol(
    study: Study,
    transforms: Sequence[dict[str, dict[str, Any]]],
    selection: Sequence[dict[str, dict[str, Any]]],
    named: dict[str, dict[str, Any]] | None,
    second_stage: SecondStage | None,
    registry: Registry,
    folder: Path,
    where: str,
) -> Protocol:
    steps = (
        *_resolve_steps(transforms, "register_transforms", f"{where}transforms", registry, folder),
        *_resolve_steps(selection, "register_selectors", f"{where}selection", registry, folder),
    )
    named_or_radscore = named or {study.radscore: dict(RADSCORES[study.radscore])}
    learner = _resolve_learner(named_or_radscore, f"{where}learner", registry, folder)
    by_default: SecondStage = "in_sample" if named is None else getattr(learner.learner, "second_stage", "cross_fitted")
    stage = second_stage or (study.second_stage if _can_be(study.second_stage, learner.learner) else None) or by_default
    if stage == "in_sample" and getattr(learner.learner, "memorises", False):
        raise StudyError(
            f"{where}second_stage: in_sample makes the model of a {learner.learner.name}'s scores of its own training"
            " rows, which it has learned by heart. Set second_stage to cross_fitted or as_is."
        )
    return Protocol(steps, study.selection_by_source, study.if_empty, learner, stage)


def _can_be(stage: SecondStage | None, learner: Any) -> bool:
    """Whether the study's own second stage is one for a protocol's learner, which may know its rows by heart."""
    return stage is not None and not (stage == "in_sample" and getattr(learner, "memorises", False))


#: So often a learner may be made of learners that are made of others.
_DEEPEST = 9


def _resolve_learner(named: Any, where: str, registry: Registry, folder: Path, depth: int = 0) -> ChosenLearner:
    """The learner of that name with its settings checked; one that is made of others has these."""
    given = {named: {}} if isinstance(named, str) else named
    if not isinstance(given, dict) or len(given) != 1:
        raise StudyError(f"{where}: name one learner, such as lasso or {{lasso: {{folds: 10}}}} (found {named!r}).")
    ((name, raw),) = given.items()
    learner = registry.choose("register_learners", name, where)
    settings = settings_of(learner.Settings, raw or {}, f"{where} ({name})")
    settings = placed("learner", learner, settings, folder)
    if isinstance(learner, ChecksSettings):
        called("learner", learner, "check", settings)
    if isinstance(learner, ComposesLearners):
        wanted = "a list of learners' names, or of names with settings"
        named_parts = answered("learner", learner, "parts", settings, read=_as_parts, wanted=wanted)
        if depth == _DEEPEST:
            raise StudyError(f"{where} ({name}): it is made of itself, or of too many within one another. Name others.")
        parts = [_resolve_learner(part, f"{where} ({name})", registry, folder, depth + 1) for part in named_parts]
        within = [(part.learner, part.settings) for part in parts]
        learner = answered("learner", learner, "compose", within, read=_as_learner, wanted="a learner")
    return ChosenLearner(learner, settings)


def _as_parts(found: Any) -> list[Any] | None:
    if not isinstance(found, (list, tuple)):
        return None
    parts = [own_text(part) if isinstance(part, str) else json_mapping(part) for part in found]
    return None if None in parts else parts


def _as_learner(found: Any) -> Any:
    return found if all(hasattr(found, part) for part in REGISTRIES["register_learners"].needs) else None


def _resolve_steps(
    named: Sequence[dict[str, dict[str, Any]]], hook: str, where: str, registry: Registry, folder: Path
) -> tuple[Step, ...]:
    """The steps of these names, with their settings checked by their own models; those with ``relative_to(folder)``
    have paths relative to the study's folder, and one with ``check(settings)`` refuses what no data could change."""
    steps = []
    for i, step in enumerate(named):
        ((name, raw),) = step.items()
        selector = registry.choose(hook, name, f"{where}, step {i + 1}")
        settings_given = settings_of(selector.Settings, raw, f"{where}, step {i + 1} ({name})")
        settings = placed("selector", selector, settings_given, folder)
        if isinstance(selector, ChecksSettings):
            called("selector", selector, "check", settings)
        steps.append(Step(selector, settings, settings_given))
    return tuple(steps)
