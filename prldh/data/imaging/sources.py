"""Feature sources as a study chooses them."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel

from prldh.core import Case, PluginError, PrldhError, StudyError, nearest, shown
from prldh.plugins import (
    ChecksSettings,
    DividesCases,
    ExtractsMany,
    HasMetadata,
    InformsSteps,
    Registry,
    ServesCommands,
    answered,
    called,
    check_details,
    fingerprint_of,
    json_mapping,
    layered_settings,
    lent_all,
    placed,
    settings_of,
)
from prldh.study import SHIPPED_SOURCES, Study
from prldh.work import Workers

HOOK = "register_feature_sources"

#: The key of ``extraction`` that says how masks are perturbed.
PERTURB = "perturb"

Checked = TypeVar("Checked", bound=BaseModel)


@dataclass(frozen=True)
class ChosenSource:
    """A feature source and its settings.

    Paths in ``settings`` are resolved; ``settings_given`` holds the settings as the study file has them. ``key``:
    everything that the values depend on beside the case. ``jobs``: processes that may share the parts of one case.
    """

    source: Any
    settings: Any
    settings_given: Mapping[str, Any]
    key: str
    jobs: int = 1

    @classmethod
    def of(cls, source: Any, settings: Any, folder: Path) -> ChosenSource:
        """Ready to measure: settings with ``relative_to(folder)`` have paths relative to the study file; a source with
        ``check(settings)`` refuses what no image could change; one whose values depend on more than its settings say
        (the content of a checkpoint, of a parameter file) gives that by ``fingerprint(settings)``.

        Raises
        ------
        StudyError, PluginError
            As the source says.
        """
        settings_given = settings.model_dump(mode="json")
        settings = placed("feature source", source, settings, folder)
        if isinstance(source, ChecksSettings):
            called("feature source", source, "check", settings)
        more = fingerprint_of("feature source", source, settings)
        return cls(
            source,
            settings,
            settings_given,
            f"{source.name} {source.version} {code_of(source)} {settings_text(settings_given)} {more}",
        )

    @property
    def for_steps(self) -> Mapping[str, Any]:
        """What the source tells the steps that take its features."""
        if not isinstance(self.source, InformsSteps):
            return {}
        wanted = "a dictionary of text and numbers"
        return answered("feature source", self.source, "for_steps", self.settings, read=json_mapping, wanted=wanted)

    @property
    def computed(self) -> Mapping[str, Any] | None:
        """What the source says that its values depend on, in the terms of its software; None: it says nothing."""
        if not isinstance(self.source, HasMetadata):
            return None
        about: Mapping[str, Any] = called("feature source", self.source, "metadata", self.settings)
        check_details("feature source", self.source, about)
        return about

    @property
    def takes_many(self) -> bool:
        """Whether cases are given to it together."""
        return isinstance(self.source, ExtractsMany)

    @property
    def divides_cases(self) -> bool:
        """Whether processes can share one case."""
        return isinstance(self.source, DividesCases)

    def extract(self, case: Case) -> Sequence[Mapping[str, float]]:
        """What the source gives of a case, by as many processes as it is worth; the values are the same."""
        parts = lent_all(self.source, "parts", case, self.settings) if self.jobs > 1 and self.divides_cases else ()
        if len(parts) < 2:
            return lent_all(self.source, "extract", case, self.settings)
        with Workers(self.jobs, shared=(self.source, self.settings, case), tries_here=True) as workers:
            answers = dict(workers.spread(_extract_part, dict(enumerate(parts)), is_cheap=False))
        merged: list[dict[str, float]] = [{} for _ in case.masks]
        for i in range(len(parts)):
            for whole, values in zip(merged, answers[i], strict=True):
                whole |= values
        return merged


def _extract_part(source: DividesCases, settings: Any, case: Case, part: Any) -> Sequence[Mapping[str, float]]:
    return lent_all(source, "extract_part", case, settings, part)


def code_of(source: Any) -> str:
    """A digest of the files that a source is written in (its whole package): an author who edits it does not raise its
    version each time."""
    package = sys.modules.get(type(source).__module__.partition(".")[0])
    place = getattr(package, "__file__", None)
    if place is None:
        return ""
    files = sorted(Path(place).parent.rglob("*.py")) if hasattr(package, "__path__") else [Path(place)]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()[:12]


def settings_text(settings: Mapping[str, Any]) -> str:
    """Settings as text; how regions are combined, which comes after measuring, is no part of it."""
    return json.dumps({k: v for k, v in settings.items() if k != "combine"}, sort_keys=True)


def check_names(study: Study, registry: Registry) -> None:
    """Each key of ``extraction``, the study's and every tissue's, must name a source that is installed, asked for or
    one of this project's, or be ``perturb``; and each source that is asked for must be there.

    Raises
    ------
    StudyError, PluginError
        With the nearest name.
    """
    known = {
        *registry.registered(HOOK),
        *(s for t in study.tissues.values() if t.images for s in t.sources),
        *SHIPPED_SOURCES,
        PERTURB,
    }
    places = [("extraction", study.extraction)]
    places += [(f"tissues.{name}.extraction", tissue.extraction) for name, tissue in study.tissues.items()]
    for place, given in places:
        for name in given:
            if name not in known:
                near = nearest(name, known)
                hint = f"; did you mean '{near}'?" if near else f" (there are: {', '.join(sorted(known))})."
                raise StudyError(
                    f"{place}.{name}: there is no feature source of that name{hint}{registry.of_skipped()}"
                )
    measuring = {name: tissue.sources for name, tissue in study.tissues.items() if tissue.images}
    for tissue, sources in measuring.items():  # before settings that would be read by one whose name is misspelt here
        for name in sources:
            if name not in SHIPPED_SOURCES:
                registry.choose(HOOK, name, f"tissues.{tissue}.sources")
    refuse_unread(study.extraction, measuring, registry)
    for tissue, settings in study.tissues.items():
        unused = [name for name in settings.extraction if name not in (*settings.sources, PERTURB)]
        if unused:
            raise StudyError(
                f"tissues.{tissue}.extraction.{unused[0]}: the tissue is not measured by '{unused[0]}' (sources:"
                f" [{', '.join(settings.sources)}]). Name it there, or remove its settings."
            )


def refuse_unread(
    extraction: Mapping[str, Mapping[str, Any]], measuring: Mapping[str, Sequence[str]], registry: Registry
) -> None:
    """Settings of a source that measures no tissue are a slip, unless commands of its own read them as well, which
    then must fit. ``measuring``: the sources of each tissue that is given as images.

    Raises
    ------
    StudyError
        With the sources that do measure one.
    """
    sources = list(dict.fromkeys(source for named in measuring.values() for source in named))
    for name, said in extraction.items():
        if name in sources or (name == PERTURB and sources):
            continue
        source: Any = registry.registered(HOOK).get(name, (None, ""))[0]
        is_read = sources and isinstance(source, ServesCommands)
        if is_read:
            settings_of(source.Settings, dict(said), f"extraction.{name}")
            continue
        if not sources:
            raise StudyError(
                f"extraction.{shown(name)}: nothing reads it: no tissue is given as images. Remove it, or give images."
            )
        near = nearest(name, sources)
        raise StudyError(
            f"extraction.{shown(name)}: nothing reads it: no tissue is measured by '{shown(name)}' (sources:"
            f" [{', '.join(sources)}])."
            + (f" Did you mean '{near}'?" if near else " Name it there, or remove its settings.")
        )


def settings_for(study: Study, tissue: str, name: str, model: type[Checked]) -> Checked:
    """What a study says of ``name``, a feature source or ``perturb``, for one tissue: the tissue's own keys, and the
    study's for the rest.

    Raises
    ------
    StudyError
        For a key or a value that does not fit; where it stands, in the study's part or the tissue's.
    """
    general, own = study.extraction.get(name, {}), study.tissues[tissue].extraction.get(name, {})
    return layered_settings(model, general, own, f"extraction.{name}", f"tissues.{tissue}.extraction.{name}")


def _where_it_stands(error: PrldhError, source: str, tissue: str, study: Study) -> PrldhError:
    """A source's refusal of its settings, which it knows as the study's, under the tissue that gives them."""
    place = f"extraction.{source}"
    own = study.tissues[tissue].extraction.get(source, {})
    key = str(error).removeprefix(f"{place}.").partition(":")[0].partition(" ")[0].partition(".")[0]
    is_own = str(error).startswith(f"{place}:") and own or str(error).startswith(f"{place}.") and key in own
    return type(error)(f"tissues.{tissue}.{error}", error.unnamed) if is_own else error


def choose_sources(study: Study, tissue: str, registry: Registry, folder: Path) -> dict[str, ChosenSource]:
    """The feature sources of a tissue, by name.

    Raises
    ------
    StudyError, PluginError
        If none is named, one is not installed, or refuses its settings.
    """
    sources = {}
    for name in study.tissues[tissue].sources:
        where = f"tissues.{tissue}.sources"
        if name in SHIPPED_SOURCES and name not in registry.registered(HOOK):
            raise PluginError(
                f"{where}: the feature source '{name}' is not installed. Install its plugin prldh-{name} (pip install"
                f" prldh-{name}).{registry.of_skipped()}"
            )
        if name in sources:
            raise StudyError(f"{where}: '{name}' is named twice. Remove one.")
        source = registry.choose(HOOK, name, where)
        if not hasattr(source, "Settings"):
            raise PluginError(
                f"{where}: the feature source '{name}' has no Settings, a pydantic model. Update its plugin."
            )
        settings = settings_for(study, tissue, name, source.Settings)
        try:
            sources[name] = ChosenSource.of(source, settings, folder)
        except PrldhError as error:
            raise _where_it_stands(error, name, tissue, study) from None
    if not sources:
        raise StudyError(
            f"tissues.{tissue}.sources: no feature source is named. Name one, such as sources: [{SHIPPED_SOURCES[0]}]."
        )
    return sources
