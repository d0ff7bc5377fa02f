"""Feature sources as a study chooses them."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prldh.core import PluginError, StudyError, nearest
from prldh.plugins import ChecksSettings, ExtractsMany, HasFingerprint, Registry, RelativeSettings, settings_of
from prldh.study import SHIPPED_SOURCES, Study

HOOK = "register_feature_sources"


@dataclass(frozen=True)
class ChosenSource:
    """A feature source and its settings.

    Paths in ``settings`` are resolved; ``settings_given`` holds the settings as the study file has them. ``key``:
    everything that the values depend on beside the case.
    """

    source: Any
    settings: Any
    settings_given: Mapping[str, Any]
    key: str

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
        if isinstance(settings, RelativeSettings):
            settings = settings.relative_to(folder)
        if isinstance(source, ChecksSettings):
            source.check(settings)
        more = source.fingerprint(settings) if isinstance(source, HasFingerprint) else ""
        return cls(
            source,
            settings,
            settings_given,
            f"{source.name} {source.version} {code_of(source)} {settings_text(settings_given)} {more}",
        )

    @property
    def takes_many(self) -> bool:
        """Whether cases are given to it together."""
        return isinstance(self.source, ExtractsMany)


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
    """Each key of ``extraction`` must name a source that is installed, asked for or one of this project's, or be
    ``perturb``.

    Raises
    ------
    StudyError
        With the nearest name.
    """
    known = {
        *registry.registered(HOOK),
        *(s for t in study.tissues.values() if t.images for s in t.sources),
        *SHIPPED_SOURCES,
        "perturb",
    }
    for name in study.extraction:
        if name not in known:
            near = nearest(name, known)
            hint = f"; did you mean '{near}'?" if near else f" (there are: {', '.join(sorted(known))})."
            raise StudyError(f"extraction.{name}: there is no feature source of that name{hint}")


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
                f" prldh-{name})."
            )
        if name in sources:
            raise StudyError(f"{where}: '{name}' is named twice. Remove one.")
        source = registry.choose(HOOK, name, where)
        if not hasattr(source, "Settings"):
            raise PluginError(
                f"{where}: the feature source '{name}' has no Settings, a pydantic model. Update its plugin."
            )
        settings = settings_of(source.Settings, study.extraction.get(name, {}), f"extraction.{name}")
        sources[name] = ChosenSource.of(source, settings, folder)
    if not sources:
        raise StudyError(
            f"tissues.{tissue}.sources: no feature source is named. Name one, such as sources: [{SHIPPED_SOURCES[0]}]."
        )
    return sources
