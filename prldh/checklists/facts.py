"""What several answers of a checklist say alike, in one record, so that they cannot contradict each other: which models
there are and which were compared, on whom they were tested, and what was looked at by groups of patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from prldh.checklists.dossier import Dossier
from prldh.checklists.phrases import value_in_words
from prldh.core import SCOPE_WORDS
from prldh.results import compares_artefacts, honest_auc, tissues_of_model

#: Names that a sentence lists before it says how many more there are.
MOST = 6


def listing(names: tuple[str, ...] | list[str], most: int = MOST) -> str:
    """``A, B, C and 4 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


@dataclass(frozen=True)
class Facts:
    """The facts of an analysis.

    A model is counted once, adjusted for covariates as well or not. ``models`` are the study's, by name, with whether
    they hold a Radscore; ``adjusted`` those that were fitted with covariates beside their terms. ``clinical`` is the
    entry of the covariates alone that a run fits beside the study's models, or None.
    """

    dossier: Dossier

    @cached_property
    def models(self) -> dict[str, bool]:
        run, kinds = self.dossier.run, {}
        for model in run["models"]:
            if not model["adjusted"] or model["name"] not in kinds:
                kinds[model["name"]] = bool(tissues_of_model(run, model))
        return kinds

    @cached_property
    def adjusted(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(m["name"] for m in self.dossier.run["models"] if m["adjusted"]))

    @cached_property
    def clinical(self) -> Mapping[str, Any] | None:
        """None as well where the study's only model is that of the covariates itself."""
        entry = self.dossier.run.get("clinical_model") or {}
        return entry if entry.get("added_value") else None

    @property
    def clinical_covariates(self) -> tuple[str, ...]:
        """The covariates that the model of these alone holds."""
        terms = (self.clinical or {}).get("terms", ())
        return tuple(self.label(name) for name in dict.fromkeys(t["variable"] for t in terms) if name != "(Intercept)")

    @property
    def radiomic(self) -> tuple[str, ...]:
        """The models that hold a Radscore."""
        return tuple(name for name, is_radiomic in self.models.items() if is_radiomic)

    @property
    def plain(self) -> tuple[str, ...]:
        """The study's models without a Radscore."""
        return tuple(name for name, is_radiomic in self.models.items() if not is_radiomic)

    @cached_property
    def pairs(self) -> tuple[Mapping[str, Any], ...]:
        """The comparisons by AUC."""
        return tuple(c for c in self.dossier.run["comparisons"] if c["measure"] == "auc")

    @property
    def added_value(self) -> tuple[Mapping[str, Any], ...]:
        """Each model's AUC less that of the covariates alone, on the predictions that say most: held out, where there
        are such; none of artefacts."""
        rows = [r for r in (self.clinical or {}).get("added_value", ()) if r.get("measure", "auc") == "auc"]
        held = [r for r in rows if r["scope"] == "pipeline"] or [r for r in rows if r["scope"]] or rows
        led = honest_auc(dict(self.clinical)) if self.clinical else None
        own = [r for r in held if led and r["scheme"] == led[1]]
        own = own or [r for r in held if r["scheme"] == held[0]["scheme"]]
        return tuple(r for r in own if not compares_artefacts(self.dossier.run, r))

    @property
    def counted(self) -> str:
        """``2 models (A, B), A also adjusted for covariates``."""
        names = list(self.models)
        told = f"{len(names)} model{'s' * (len(names) != 1)} ({listing(names)})"
        return f"{told}, {self.as_adjusted}" if self.adjusted else told

    @property
    def as_adjusted(self) -> str:
        """Which of the models were adjusted as well."""
        if len(self.adjusted) == len(self.models):
            return "also adjusted for covariates" if len(self.models) == 1 else "each also adjusted for covariates"
        return f"{listing(self.adjusted)} also adjusted for covariates"

    @property
    def schemes(self) -> dict[str, Mapping[str, Any]]:
        return dict(self.dossier.run["study"]["schemes"])

    def scheme(self, name: str | None) -> str:
        """A scheme of validation as the report calls it."""
        return "apparent" if name is None else self.dossier.words.scheme(name).label

    @cached_property
    def grouped(self) -> dict[str, str]:
        """The schemes that hold whole groups out, by name, with the column of the groups."""
        held = [m["validation"].get(scope, {}) for m in self.dossier.run["models"] for scope in SCOPE_WORDS]
        return {
            name: str(own["column"])
            for by_scheme in held
            for name, own in by_scheme.items()
            if (own or {}).get("column") and own.get("groups")
        }

    @cached_property
    def subgroups(self) -> dict[str, Mapping[str, Any]]:
        return dict(self.dossier.run.get("subgroups") or {})

    @property
    def cohorts(self) -> tuple[Mapping[str, Any], ...]:
        """The cohorts of other patients that the frozen models were tested on."""
        return self.dossier.external

    @property
    def covariates(self) -> tuple[str, ...]:
        """As the study labels them."""
        return tuple(map(self.label, self.dossier.settings["clinical"]["covariates"]))

    def label(self, name: str) -> str:
        """A covariate as the study labels it."""
        own = self.dossier.settings["clinical"]["covariates"].get(name)
        return (own.get("label") if isinstance(own, Mapping) else None) or name

    @property
    def adjusted_for(self) -> tuple[str, ...]:
        """What models were adjusted for, as far as the study file says."""
        names = self.dossier.settings["adjust"]
        return self.covariates if names is None else tuple(map(self.label, names))

    @property
    def names(self) -> frozenset[str]:
        """What the study itself calls so: tissues, columns, models, protocols."""
        clinical = self.dossier.settings.get("clinical", {})
        columns = clinical.get("columns") or {}
        return frozenset(
            [
                *self.dossier.settings.get("tissues", ()),
                *clinical.get("covariates", ()),
                *columns,
                *columns.values(),
                *self.models,
                *(self.dossier.settings.get("protocols") or ()),
            ]
        )

    def setting(self, value: Any) -> str:
        """A setting of the study file in words; what the study calls by a name keeps it."""
        return value_in_words(value, self.names)


def facts_of(d: Dossier) -> Facts:
    """The facts of a dossier with an analysis."""
    return Facts(d)
