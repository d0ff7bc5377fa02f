"""Rules on models and their validation. Shared by the standards.

As in :mod:`prldh.checklists.data_rules`, a rule says what the run shows, and never more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prldh.checklists.data_rules import (
    Rule,
    cohort_evidence,
    name_cohorts,
    name_of,
    name_schemes,
    name_step,
    name_steps,
    of_results,
    place_of,
    steps_for,
)
from prldh.checklists.dossier import Dossier
from prldh.checklists.facts import facts_of, listing
from prldh.checklists.findings import (
    EXTRACTED,
    Evidence,
    Finding,
    ask,
    contradicted,
    extraction,
    file,
    filled,
    not_applicable,
    report,
    result,
    setting,
)
from prldh.checklists.phrases import scopes_in_words
from prldh.checklists.regions import CONSENSUS_WAYS
from prldh.core import Purpose, is_groups, plain
from prldh.models import AS_IS
from prldh.pages import p_text
from prldh.results import interval, selects

# ---------------------------------------------------------------- models


@of_results
def confounders(d: Dossier) -> Finding:
    """CLEAR 36, METRICS 19: what the run holds of them: adjusted models, the covariates alone, performance by subgroup,
    by group left out and on other patients."""
    facts = facts_of(d)
    parts, evidence = [], [setting("adjust")]
    if facts.adjusted:
        for_ = listing(facts.adjusted_for)
        parts.append(f"adjusted for {for_}: {listing(facts.adjusted)}")
        evidence.insert(0, report("models"))
    else:
        parts.append("no model of this run is adjusted")
    if facts.clinical:
        parts.append(f"the covariates alone ({listing(facts.clinical_covariates)}) are judged beside them")
        evidence.append(result("clinical_model"))
    across, places = by_groups(d)
    is_handled = bool(facts.adjusted or across)
    return (filled if is_handled else ask)(
        "; ".join([*parts, *across]),
        *dict.fromkeys([*evidence, *places]),
        **(
            {"remaining": "how the variables were chosen, and which confounders were not measured"}
            if is_handled
            else {}
        ),
    )


def by_groups(d: Dossier) -> tuple[list[str], list[Evidence]]:
    """What a run holds on differences between groups of patients: subgroups, groups held out whole, other cohorts."""
    facts, parts, evidence = facts_of(d), [], []
    told = [text for name in facts.subgroups if (text := _by_subgroup(d, name))]
    if told:
        parts.append(f"held-out AUC, calibration slope and calibration in the large {'; '.join(told)}")
        evidence += [report("subgroups"), result("subgroups"), setting("subgroups")]
    for name, column in facts.grouped.items():
        parts.append(f"groups of {column} held out whole, by {facts.scheme(name)}{_spread_of_groups(d, name)}")
        evidence += [report("validation"), setting(f"validation.{name}")]
    if facts.cohorts:
        parts.append(f"on other patients: {name_cohorts(d)}")
        evidence += cohort_evidence(d)
    return parts, evidence


def _spread_of_groups(d: Dossier, scheme: str) -> str:
    """The AUCs of the groups of a scheme that holds each out, of the first model that has them, and the interval in
    which another group's is expected."""
    for model in d.run["models"]:
        for scope in ("pipeline", "model"):
            own = model["validation"].get(scope, {}).get(scheme) or {}
            aucs = [(g["level"], (g.get("auc") or {}).get("estimate")) for g in own.get("groups") or ()]
            told = [f"{level} {auc:.3f}" for level, auc in aucs if auc is not None]
            if not told:
                continue
            pooled = own.get("auc_groups") or {}
            text = f"AUC of {name_of(model)}: {listing(told)}"
            if pooled.get("estimate") is not None:
                text += f"; pooled {interval(pooled)}"
            if pooled.get("prediction_low") is not None:
                text += f", expected of another {pooled['prediction_low']:.3f} to {pooled['prediction_high']:.3f}"
            return f" ({text})"
    return ""


@of_results
def outputs(d: Dossier) -> Finding:
    thresholds = "; ".join(
        f"{name_of(m)}: {plain(m['threshold'])}" for m in d.run["models"] if m["threshold"] is not None
    )
    return filled(
        f"probability of the event; thresholds by Youden's index on the fitted patients ({thresholds or 'none'})",
        report("models"),
        result("models[].threshold"),
    )


@of_results
def specification(d: Dossier) -> Finding:
    made = [name for name, t in d.selected.items() if is_no_sum(t)]
    value = "all coefficients, centres, scales and cutoffs are in the file of the frozen models and in the report"
    if made:
        value += f"; the scores of {', '.join(made)}, which are no sums of features, in that file as they were fitted"
    return filled(
        value,
        file("model.json"),
        report("models"),
        remaining="where others get at it",
    )


@of_results
def interpretability(d: Dossier) -> Finding:
    is_resampled = any(t["selection"].get("stability") for t in d.selected.values()) and any(
        selects(d.run, m) for m in d.run["models"]
    )
    is_weighed = any((t.get("radscore") or {}).get("importance") for t in d.selected.values())
    has_sums = any(not is_no_sum(t) for t in d.selected.values())
    as_is = [m.get("fit") == AS_IS for m in d.run["models"]]
    parts = [
        f"odds ratios of every term{' of the logistic models' if any(as_is) else ''}" if not all(as_is) else "",
        "coefficients of every feature of the Radscores" if has_sums else "",
        "how often each feature was selected" if is_resampled else "",
        "by how much the AUC of held-out patients falls without each feature" if is_weighed else "",
    ]
    value = "; ".join(part for part in parts if part)
    return (ask if d.given_scores else filled)(value, report("models"), *([report("radscores")] if d.selected else []))


# ---------------------------------------------------------------- validation


@of_results
def no_leakage(d: Dossier) -> Finding:
    """Whether the held-out patients took part in nothing that was fitted: selection, Radscore, cutoffs, model,
    threshold."""
    schemes, scopes = d.run["study"]["schemes"], d.settings["validation"]["scope"]
    if not schemes:
        return contradicted(
            "no patient was held out: every number describes the patients that made the models", setting("validation")
        )
    leaks = [
        r["stage"]
        for by_scheme in d.run.get("ledger", {}).values()
        for rows in by_scheme.values()
        for r in rows
        if r["n_held_out_rows_read"]
    ]
    if leaks:
        return contradicted(
            f"held-out rows were handed to fits of {', '.join(name_step(d, stage) for stage in dict.fromkeys(leaks))}",
            report("validation"),
            result("ledger"),
        )
    if known := _seen_in_training(d, known=True):
        return contradicted(
            f"patients of this analysis trained a feature source: {'; '.join(known)}",
            report("images"),
            result("images[].sources[].trained_on"),
        )
    has_groups = any(is_groups(t.get("variable") or "") for m in d.run["models"] for t in m["terms"])
    if "pipeline" not in scopes and (d.selected or has_groups):
        what = " and ".join(
            w
            for w, holds in (("features were selected", d.selected), ("group cutoffs were chosen", has_groups))
            if holds
        )
        return contradicted(
            f"models alone were refitted: {what} on all patients, held-out ones included",
            setting("validation.scope"),
            report("validation"),
        )
    value = (
        f"patients held out by {name_schemes(d)}, seed {d.run['study']['seed']}; {scopes_in_words(d, scopes)}; "
        "no held-out row was handed to any fit"
    )
    evidence = (report("validation"), result("ledger"), setting("validation"))
    if d.given_scores:
        return ask(
            f"{value}. But the Radscores of {', '.join(d.given_scores)} came as columns: "
            "whether held-out patients took part in making them is not known, so leakage is unknown",
            *evidence,
        )
    if unknown := _seen_in_training(d, known=False):
        return ask(
            f"{value}. But on whom it was trained is not known of {'; '.join(unknown)}",
            *evidence,
            result("images[].sources[].trained_on"),
        )
    return filled(value, *evidence)


def _seen_in_training(d: Dossier, known: bool) -> list[str]:
    """Feature sources that analysed patients trained; or, with ``known`` off, trained ones that do not say on whom."""
    sources = []
    for tissue, images in (d.run.get("images") or {}).items():
        for name, source in images["sources"].items():
            trained = source.get("trained_on")
            if trained and trained["n"] and known:
                sources.append(f"{name} of {tissue} by {trained['n']} of {d.run['cohort']['n']}")
            elif trained and trained["n_trained"] is None and not known:
                sources.append(f"{name} of {tissue}")
    return sources


@of_results
def internal_external(d: Dossier) -> Finding:
    if not d.run["study"]["schemes"]:
        return contradicted("this run tested nothing on patients that were held out", setting("validation"))
    outside = f"on other patients, {name_cohorts(d)}" if d.external else "no external data in this run"
    return filled(
        f"internal, by {name_schemes(d)}; {outside}",
        report("validation"),
        setting("validation"),
        *(cohort_evidence(d) if d.external else ()),
    )


@of_results
def internal(d: Dossier) -> Finding:
    """CLAIM 32."""
    if not d.run["study"]["schemes"]:
        return contradicted("this run tested nothing on patients that were held out", setting("validation"))
    return filled(
        f"on held-out patients of the same source, by {name_schemes(d)}:"
        f" {scopes_in_words(d, d.settings['validation']['scope'])}",
        report("validation"),
        setting("validation"),
    )


@of_results
def other_institution(d: Dossier) -> Finding:
    """METRICS 27. A run knows its patients, not where they were treated: with other patients or without, the author
    says."""
    if d.external:
        return ask(f"the frozen models were tested on other patients: {name_cohorts(d)}", *cohort_evidence(d))
    held = (
        f"on patients held out of its own table, by {name_schemes(d)}"
        if d.run["study"]["schemes"]
        else "on no patients but those that made the models"
    )
    return ask(
        f"this run tested {held}; the frozen models can be applied to others", report("validation"), file("model.json")
    )


@of_results
def new_predictions(d: Dossier) -> Finding:
    """TRIPOD+AI 12g: only where new patients were predicted."""
    if not d.external:
        return not_evaluation(d)
    updated = _recalibrated(d)
    fitted = f"; {updated}" if updated else "; nothing was fitted to the new patients"
    return filled(
        f"log odds by the frozen transforms, scores, coefficients and cutoffs{fitted}",
        file("model.json"),
        *cohort_evidence(d),
    )


@of_results
def new_case_mix(d: Dossier) -> Finding:
    """TRIPOD+AI 20c."""
    return (
        filled(f"{name_cohorts(d)}: every predictor beside the study's", *cohort_evidence(d))
        if d.external
        else not_evaluation(d)
    )


@of_results
def not_evaluation(d: Dossier) -> Finding:
    """Rows on evaluating a model that exists: whether it was updated."""
    updated = _recalibrated(d)
    if updated:
        return filled(updated, *cohort_evidence(d))
    if d.external:
        return not_applicable(
            "the models were applied to new patients as they were: none was updated", *cohort_evidence(d)
        )
    return not_applicable("only for evaluating an existing model; this run developed its models", result("models"))


def _recalibrated(d: Dossier) -> str:
    """Which cohorts recalibrated the models, and how; empty where none did."""
    what = {"intercept": "the intercept", "slope": "intercept and slope"}
    own = [(c["name"], c["recalibration"]) for c in d.external if c.get("recalibration")]
    return "; ".join(
        f"{what[r['method']]} of each model were fitted on {r['n']} patients of {name} ({r['events']} with the event)"
        " and judged on the others, beside the model as it was"
        for name, r in own
    )


def is_no_sum(tissue: Mapping[str, Any]) -> bool:
    """Whether a Radscore made here is no sum of its features, as a forest's."""
    score = tissue.get("radscore") or {}
    return score.get("intercept", 0.0) is None


@of_results
def multicollinearity(d: Dossier) -> Finding:
    if not d.selected:
        return ask()
    steps = steps_for(d, Purpose.COLLINEARITY)
    if not steps:
        return ask("no step of this run judged correlation between features", setting("selection"))
    within = (
        ", within each source"
        if d.settings.get("selection_by_source")
        and any(len(set(t["selection"].get("sources", {}).values())) > 1 for t in d.selected.values())
        else ""
    )
    place, settings = place_of(d, steps[0])
    return (ask if d.given_scores else filled)(
        f"{d.words.step(steps[0]).purpose(Purpose.COLLINEARITY, settings)}{within}",
        setting(place),
        report("radscores"),
    )


def readers(d: Dossier) -> Finding:
    """How many readers' tables or masks there were; who they are, the author says."""
    counts = {name: ("tables", t["selection"]["readers"]) for name, t in d.selected.items()}
    measured = {e.name: ("masks", e.n_readers) for e in d.extractions if e.n_readers}
    value = "; ".join(f"{name}: {what} of {n} reader{'s' * (n > 1)}" for name, (what, n) in (counts | measured).items())
    if not value:
        return ask()
    agreed = {
        n: t["agreement"]["dice"]
        for n, t in ((d.results or {}).get("images") or {}).items()
        if (t.get("agreement") or {}).get("dice")
    }
    value += "".join(f"; {name}: mean Dice {dice['mean']:.3f} between them" for name, dice in agreed.items())
    value += "".join(
        f"; {e.name}: features are of their consensus, {CONSENSUS_WAYS[e.consensus]}"
        for e in d.extractions
        if e.consensus
    )
    evidence = [result("tissues[].selection.readers")] if counts else []
    return ask(
        value,
        *evidence,
        *(
            extraction(e, "readers", "n_readers")
            for e in d.extractions
            if e.n_readers and e.where.startswith(EXTRACTED)
        ),
    )


def one_reader(d: Dossier) -> Finding:
    """METRICS 10: whose masks a model would need of new patients."""
    finding = readers(d)
    most = max((t["selection"]["readers"] for t in d.selected.values()), default=1)
    others = "the second's serve" if most == 2 else "the others' serve"
    if any(e.consensus for e in d.extractions):
        return ask(f"{finding.value}; a new patient needs these readers, or one of them", *finding.evidence)
    return (
        ask(f"{finding.value}; the first reader's enter the Radscore, {others} the ICC", *finding.evidence)
        if most > 1
        else finding
    )


@of_results
def flowchart(d: Dossier) -> Finding:
    return ask(f"steps as run: {name_steps(d)}", report("radscores"), setting("selection")) if d.selected else ask()


@of_results
def subgroups(d: Dossier) -> Finding:
    """TRIPOD+AI 12d, 14, 23b: performance by subgroup and by group held out, and whether it differs between them."""
    across, places = by_groups(d)
    if not across:
        return ask("this run examined no subgroups, sites or clusters", result("models"))
    if not facts_of(d).subgroups and not facts_of(d).grouped:
        return ask("; ".join(across), *dict.fromkeys(places))
    return filled("; ".join(across), *dict.fromkeys(places), remaining="why these subgroups, and what follows from it")


def _by_subgroup(d: Dossier, column: str) -> str:
    """A column, its levels, and Cochran's Q of the models."""
    entry = facts_of(d).subgroups[column]
    levels = [f"{e['level']} {e['n']} ({e['events']} events)" for e in entry["levels"] if not e["is_blank"]]
    tests = [f"{name_of(h)} p {p_text(h['p'])}" for h in entry["heterogeneity"] if h["p"] is not None]
    shown = f", Cochran's Q of the logit AUC: {', '.join(tests[:4])}" if tests else ", levels not compared"
    listed = f"{', '.join(levels[:6])}{f' and {len(levels) - 6} more' if len(levels) > 6 else ''}"
    return f"by {column} ({listed}{shown})"


def ready(what: str, *names: str) -> Rule:
    """What the output folder holds for sharing; whether it is shared, and where, the author says."""

    @of_results
    def rule(d: Dossier) -> Finding:
        return ask(f"in the output folder: {what}", *(file(name) for name in names))

    return rule
