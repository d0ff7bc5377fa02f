"""Rules on the way from features to predictions: transforms, learner, second stage, the choice among several ways, and
plain models beside it. Shared by the standards.

As in :mod:`prldh.checklists.data_rules`, a rule says what the run shows, and never more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prldh.checklists.data_rules import (
    name_schemes,
    name_steps,
    of_chosen,
    of_results,
    place_of,
    settings_of_steps,
    settings_text,
    steps_for,
)
from prldh.checklists.dossier import Dossier
from prldh.checklists.facts import facts_of
from prldh.checklists.findings import Evidence, Finding, ask, contradicted, filled, report, result, setting
from prldh.checklists.phrases import key_in_words, scopes_in_words, value_in_words
from prldh.core import Purpose, is_groups, plain
from prldh.models import AS_IS
from prldh.results import by_honesty, interval, steps_of

#: How a score becomes a model, by what the study file calls it.
STAGES = {
    "in_sample": "fitted to the scores of the patients who made them",
    "cross_fitted": "fitted to cross-fitted scores, each patient's by fits on the others",
    "as_is": "not fitted: the score's own log odds are the model's",
}
FITS = {"firth": "Firth's penalised likelihood"}


def learner_of(d: Dossier) -> str:
    """What made the Radscores of this run, in words; with what it chose for itself on everyone."""
    made = [t["radscore"] for t in d.selected.values() if t.get("radscore")]
    return ", ".join(dict.fromkeys(d.words.learner_label(each["method"]) for each in made))


def second_stage_of(d: Dossier) -> str:
    """How the scores became models, in words; empty where no score was made here."""
    stages = dict.fromkeys(t["radscore"]["second_stage"] for t in d.selected.values() if t.get("radscore"))
    return ", ".join(STAGES[stage] for stage in stages)


def transforms_of(d: Dossier) -> str:
    """The transforms with their settings."""
    return settings_text(d, [{name: own} for place, name, own in steps_of(d.settings) if place[0] == "transforms"])


def name_ways(d: Dossier) -> str:
    """The protocols that were compared, and the choice among them."""
    ways, choice = d.run.get("protocols"), d.run.get("choice")
    if not ways:
        return ""
    compared = f"{len(ways)} protocols compared on the same resamples ({', '.join(ways)})"
    if not choice:
        return f"{compared}, none of them chosen by the run"
    return (
        f"{compared}; '{choice['chosen']}' chosen by the rule “{value_in_words(choice['rule'])}” on"
        f" {value_in_words(choice['measure'])} in {choice['folds']} inner folds, anew within every training set"
        " (nested)"
    )


def _ways_evidence(d: Dossier) -> tuple[Evidence, ...]:
    found = [report("ways")] if d.run.get("protocols") or d.run.get("yardstick") else []
    if d.run.get("choice"):
        found += [result("choice"), setting("choose")]
    return tuple(found)


# ---------------------------------------------------------------- the way


def name_plugins(d: Dossier) -> list[str]:
    """The plugins that took part: distribution, version, what each brings, and how the digest of its files begins."""
    named = []
    for plugin in (d.provenance or {}).get("plugins") or ():
        digest = f", files {plugin['sha256'][:12]}" if plugin["sha256"] else ""
        name = f"{plugin['distribution'] or plugin['plugin']} {plugin['version'] or ''}".rstrip()
        named.append(f"plugin {name} ({', '.join(plugin['brings'])}{digest})")
    return named


@of_results
def algorithm(d: Dossier) -> Finding:
    engines = d.run["engines"]
    versions = ", ".join(
        f"{title} {engines[key]['version']}" for key, title in (("r", "R"), ("python", "Python")) if engines[key]
    )
    fits = {m["fit"] for m in d.run["models"]}
    fitted = ", ".join(sorted(FITS.get(fit, fit) for fit in fits - {AS_IS}))
    kinds = [f"logistic regression ({fitted})"] * bool(fitted) + ["Radscores as they are"] * (AS_IS in fits)
    version = f"prldh {d.provenance['prldh']}, " if d.provenance and d.provenance.get("prldh") else ""
    value = f"{' and '.join(kinds)}; {version}{versions}"
    value += "".join(f"; {plugin}" for plugin in name_plugins(d))
    evidence = [report("models"), report("provenance")]
    if learner := learner_of(d):
        value += f"; Radscore by {learner}{of_chosen(d)}; models of it {second_stage_of(d)}"
        evidence.append(result("tissues[].radscore.method", "tissues[].radscore.second_stage"))
    return (ask if d.given_scores else filled)(value, *evidence)


@of_results
def tuning(d: Dossier) -> Finding:
    """Settings as given, what the learner chose for itself, and what was chosen among protocols."""
    seed = f"seed {d.run['study']['seed']}"
    if not d.selected:
        return ask(seed, setting("seed"))
    parts, evidence = [settings_of_steps(d)], [setting("selection"), setting("seed")]
    if d.settings.get("learner"):
        parts.append(f"learner {settings_text(d, [d.settings['learner']])}")
        evidence.append(setting("learner"))
    for name, tissue in d.selected.items():
        chosen = _chosen_by_learner((tissue.get("radscore") or {}).get("details") or {})
        if chosen:
            parts.append(f"{name}: {chosen} by the learner within its training patients")
            evidence.append(result("tissues[].radscore.details"))
    parts += [name_ways(d), seed]
    value = "; ".join(part for part in parts if part)
    return (ask if d.given_scores else filled)(value, *dict.fromkeys(evidence), *_ways_evidence(d))


def _chosen_by_learner(details: Mapping[str, Any]) -> str:
    """The numbers and words among what a learner says of its fit; lists are left to the report."""
    plain = {k: v for k, v in details.items() if isinstance(v, (int, float, str)) and not isinstance(v, bool)}
    return ", ".join(
        f"{key_in_words(key)} {f'{v:.4g}' if isinstance(v, float) else value_in_words(v)}" for key, v in plain.items()
    )


@of_results
def scaling(d: Dossier) -> Finding:
    """Transforms, and what linear learners do themselves; harmonisation of sites where a transform is there for it."""
    if not d.selected:
        return ask()
    parts, evidence = [], [report("radscores")]
    if transforms := transforms_of(d):
        parts.append(f"transforms, fitted on training rows: {transforms}")
        evidence.append(setting("transforms"))
    linear = [t["radscore"] for t in d.selected.values() if t.get("radscore")]
    if not linear or any(each["intercept"] is not None for each in linear):
        parts.append("each feature less its mean, divided by its SD, both of the rows that the Radscore was fitted on")
        evidence.append(result("tissues[].radscore.center", "tissues[].radscore.scale"))
    elif not transforms:
        parts.append(f"features enter {learner_of(d)} as they are")
    harmonised = [
        d.words.step(step).purpose(Purpose.HARMONISATION, place_of(d, step)[1])
        for step in dict.fromkeys(steps_for(d, Purpose.HARMONISATION))
    ]
    parts.append(
        f"harmonisation: {', '.join(harmonised)}, estimated on training rows alone"
        if harmonised
        else "whether a transform harmonises sites, its settings say"
        if transforms
        else "no harmonisation of sites in this run"
    )
    return (ask if d.given_scores else filled)("; ".join(parts), *evidence)


@of_results
def handling(d: Dossier) -> Finding:
    """TRIPOD+AI 12b: form and scale of predictors."""
    listed = (
        ", ".join(f"{facts_of(d).label(name)} {c['type']}" for name, c in d.settings["clinical"]["covariates"].items())
        or "no covariates"
    )
    transforms = transforms_of(d)
    is_grouped = any(is_groups(t.get("variable") or "") for m in d.run["models"] for t in m["terms"])
    return filled(
        f"{listed}; continuous predictors{' and Radscores' * bool(d.run['tissues'])} linear in the log odds"
        + "; groups by Youden's cutoffs" * is_grouped
        + (f"; transforms of features: {transforms}" if transforms else ""),
        setting("clinical.covariates"),
        *([setting("transforms")] if transforms else []),
        report("models"),
    )


@of_results
def model_choice(d: Dossier) -> Finding:
    choice = d.run.get("choice")
    fitted = f"fitted as the study file says: {facts_of(d).counted}"
    if not choice:
        ways = name_ways(d)
        return ask(
            f"{fitted}; {ways or 'the run chooses none'}", setting("models"), report("validation"), *_ways_evidence(d)
        )
    costs = ", ".join(
        f"{facts_of(d).scheme(scheme)}: {plain(own['cost'])}"
        for scheme, own in choice["validation"].items()
        if own["cost"] is not None
    )
    return filled(
        f"{fitted}; {name_ways(d)}: {choice['because']}"
        + (f"; the best-looking protocol looks better than the nested choice by {costs}" if costs else ""),
        *_ways_evidence(d),
        setting("models"),
    )


@of_results
def building(d: Dossier) -> Finding:
    """TRIPOD+AI 12c: model type, building steps, internal validation."""
    if not d.run["study"]["schemes"]:
        return contradicted("there is no internal validation", setting("validation"))
    parts = ["logistic regression"] if any(m.get("fit") != AS_IS for m in d.run["models"]) else []
    if d.selected:
        parts.append(name_steps(d))
    if learner := learner_of(d):
        parts.append(f"Radscore by {learner}; models of it {second_stage_of(d)}")
    parts.append(name_ways(d))
    parts.append(f"validated by {name_schemes(d)}: {scopes_in_words(d, d.settings['validation']['scope'])}")
    parts += name_plugins(d)
    value = "; ".join(part for part in parts if part)
    evidence = (report("models"), report("validation"), setting("selection"), *_ways_evidence(d))
    return (ask if d.given_scores else filled)(value, *evidence)


# ---------------------------------------------------------------- simple models


@of_results
def classical(d: Dossier) -> Finding:
    """METRICS 25: compared with a simple or classical model, as the yardstick is."""
    yardstick = d.run.get("yardstick")
    if not yardstick:
        kinds = learner_of(d)
        made = f", of a Radscore by {kinds}" if kinds else ""
        if all(m.get("fit") == AS_IS for m in d.run["models"]):
            return ask(f"no model is a logistic regression: each is a Radscore as it is{made}", report("models"))
        beside = ", or Radscores as they are" if any(m.get("fit") == AS_IS for m in d.run["models"]) else ""
        return ask(f"the models are themselves logistic regressions{beside}{made}", report("models"))
    judged = next(iter(yardstick.values()))
    ranked = [scheme for m in d.run["models"] for _, scheme in by_honesty(m["validation"]) if scheme in judged]
    scheme = next(iter([*ranked, *judged]))
    shown = []
    for name, by_scheme in yardstick.items():
        own = by_scheme[scheme]
        lead = own["auc_mean"] if (own.get("auc_mean") or {}).get("estimate") is not None else own["auc"]
        text = f"a plain {d.words.learner_label(name)} of all features: AUC {interval(lead)}"
        if own["difference"] and own["difference"]["auc"]["estimate"] is not None:
            text += f", difference from '{own['difference']['model']}' {interval(own['difference']['auc'])}"
            text += ", better than that" if own["is_better"] else ""
        shown.append(text)
    return filled(
        f"on the same resamples ({facts_of(d).scheme(scheme)}), {'; '.join(shown)}", report("ways"), result("yardstick")
    )
