"""Rules on how well models do: measures with their intervals, calibration, and models beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prldh.checklists.data_rules import (
    name_of,
    of_results,
)
from prldh.checklists.dossier import Dossier
from prldh.checklists.facts import MOST, facts_of, listing
from prldh.checklists.findings import (
    Finding,
    ask,
    contradicted,
    filled,
    not_applicable,
    report,
    result,
    setting,
)
from prldh.core import scope_words
from prldh.pages import p_text
from prldh.results import (
    PENALISED,
    POOLED_WALD,
    PROFILE,
    SANDWICH,
    by_honesty,
    honest_auc,
    interval,
    is_clustered,
    leading_comparisons,
    led_as,
    led_by,
    odds_ratio_limits,
    unknown_leakage,
    whole_words,
)

#: How a kind of limits of odds ratios was computed.
LIMITS = {
    PROFILE: "profile likelihood",
    PENALISED: "profile penalised likelihood (Firth)",
    POOLED_WALD: "Wald, pooled over imputations",
    SANDWICH: "Wald with the sandwich",
}


def _performance(d: Dossier) -> list[str]:
    lines = []
    for m in d.run["models"]:
        held = honest_auc(m)
        lines.append(
            f"{name_of(m)}: apparent AUC {interval(m['auc'])}"
            + (
                f", {_led(d, m, held)}: {interval(held[2])}"
                if held
                else f", {led_by(d.run, m, d.words)}"
                if by_honesty(m["validation"])
                else ""
            )
            + (" (leakage unknown)" if held and unknown_leakage(d.run, m) else "")
        )
    return lines


@of_results
def performance(d: Dossier) -> Finding:
    if not d.run["study"]["schemes"]:
        return contradicted("apparent numbers alone: nothing was held out", report("performance"))
    n, events = d.run["cohort"]["n"], d.run["cohort"]["events"]
    return filled(
        f"{'; '.join(_performance(d))}. Always guessing the commoner outcome is right in"
        f" {100 * max(events, n - events) / n:.1f}%",
        report("validation"),
        report("performance"),
        report("calibration"),
    )


@of_results
def performance_intervals(d: Dossier) -> Finding:
    if not d.run["study"]["schemes"]:
        return contradicted("apparent numbers alone: nothing was held out", report("performance"))
    by = ", ".join(facts_of(d).subgroups)
    return filled(
        "; ".join(_performance(d)) + (f"; by {by}, with intervals, in the report" if by else ""),
        report("validation"),
        report("performance"),
        *([report("subgroups")] if by else []),
        remaining=None if by else "performance in key subgroups",
    )


@of_results
def measures(d: Dossier) -> Finding:
    return filled(
        "AUC and partial AUC, accuracy, sensitivity, specificity, predictive values, calibration, decision curves",
        report("performance"),
        report("calibration"),
        report("usefulness"),
        remaining="why these",
    )


@of_results
def uncertainty(d: Dossier) -> Finding:
    level = f"{100 * d.settings.get('performance', {}).get('confidence', 0.95):g}"
    methods = " or ".join(dict.fromkeys(m["auc"]["method"] for m in d.run["models"] if m["auc"].get("method")))
    limits = " or ".join(LIMITS[kind] for kind in odds_ratio_limits(d.run))
    parts = [
        f"AUC by {methods or 'DeLong'}",
        "proportions have none" if is_clustered(d.run) else "proportions by Clopper–Pearson",
        *([f"odds ratios by {limits}"] if limits else []),
    ]
    return filled(
        f"{level}% intervals: {'; '.join(parts)}",
        report("performance"),
        report("models"),
    )


@of_results
def calibration(d: Dossier) -> Finding:
    """Held-out calibration: of a logistic model on its own patients it is perfect by construction."""
    if not d.run["study"]["schemes"]:
        of_itself = {t["radscore"]["second_stage"] for t in d.selected.values() if t.get("radscore")}
        perfect = ", where it is perfect by construction" if of_itself <= {"in_sample"} else ""
        return contradicted(f"calibration is apparent alone{perfect}: nothing was held out", report("calibration"))
    held = {
        name_of(m): [m["validation"][scope][scheme] for scope, scheme in by_honesty(m["validation"])]
        for m in d.run["models"]
    }
    lacking = [n for n, own in held.items() if all((v.get("slope") or {}).get("estimate") is None for v in own)]
    if lacking:
        return contradicted(f"no held-out calibration slope of {', '.join(lacking)}", report("calibration"))
    is_drawn = all(any((v.get("calibration") or {}).get("curve") for v in own) for own in held.values())
    return filled(
        f"slope{', intercept and curve' if is_drawn else ' and intercept'} on held-out predictions of every model",
        report("calibration"),
        result("models[].validation"),
    )


def _pair(c: Mapping[str, Any]) -> str:
    return f"{c['a']} – {c['b']}" + (", adjusted" if c["adjusted"] else "")


@of_results
def comparison(d: Dossier) -> Finding:
    facts = facts_of(d)
    rows, over = facts.pairs, facts.added_value
    if not rows and over:
        return filled(
            f"{over[0]['method']} ({_where(d, over[0])}), against the covariates alone: {_tests(over)}",
            report("comparisons"),
            result("clinical_model.added_value"),
        )
    if len(facts.models) < 2:
        return not_applicable(f"nothing to compare: the study has {facts.counted}", result("models"))
    if not rows:
        return ask("no pair of models was compared", setting("comparisons"))
    shown = leading_comparisons(d.run, rows) if any(c["scope"] for c in rows) else rows
    if not shown:
        return ask("the held-out AUCs that were compared are artefacts: no result", report("comparisons"))
    against = f"; against the covariates alone: {_tests(over)}" if over else ""
    return filled(
        f"{shown[0]['method']} ({_where(d, shown[0])}): {_tests(shown)}{against}",
        report("comparisons"),
        result("comparisons"),
        *([result("clinical_model.added_value")] if over else []),
    )


def _where(d: Dossier, c: Mapping[str, Any]) -> str:
    """On which predictions a comparison was made."""
    if c["scope"]:
        return f"{facts_of(d).scheme(c['scheme'])}, {d.words.scope(c['scope'])}"
    return "apparent, on the patients to whom the models were fitted"


def _tests(rows: Sequence[Mapping[str, Any]]) -> str:
    more = f"; and {len(rows) - MOST} more" if len(rows) > MOST else ""
    return "; ".join(f"{_pair(c)}: {_p(c)}" for c in rows[:MOST]) + more


def _p(c: Mapping[str, Any]) -> str:
    """The test to be read: of nested models on the patients to whom they were fitted not that of the AUCs."""
    nested = None if c["scope"] else (c.get("likelihood_ratio") or {}).get("p")
    return f"p {p_text(c['p'])}" if nested is None else f"p {p_text(nested)} (likelihood ratio)"


@of_results
def non_radiomic(d: Dossier) -> Finding:
    """Compared with a model of clinical covariates alone: one must be among the models, and in a comparison with a
    radiomic one."""
    facts = facts_of(d)
    kinds, plain = facts.models, facts.plain
    if not d.run["tissues"]:
        return ask("the study has no tissue: which of its predictors are radiomic is not known", setting("tissues"))
    if facts.clinical:
        return _over_covariates(d)
    if not plain:
        return contradicted(
            "every model of this run holds a Radscore: none of clinical covariates alone to compare with",
            report("models"),
            setting("models"),
        )
    pairs = [
        c
        for c in d.run["comparisons"]
        if c["measure"] == "auc"
        and kinds.get(c["a"]) != kinds.get(c["b"])
        and None not in (kinds.get(c["a"]), kinds.get(c["b"]))
    ]
    if not pairs:
        held = (
            f"{', '.join(plain)} stands beside the models that hold a Radscore in every table, but no such pair was"
            " tested"
        )
        return ask(held, report("performance"), setting("comparisons"))
    shown = "; ".join(dict.fromkeys(f"{c['a']} – {c['b']}" for c in pairs))
    return filled(f"compared: {shown}; decision curves of every model", report("comparisons"), report("usefulness"))


def _over_covariates(d: Dossier) -> Finding:
    """The model of the covariates alone, and what the models add to it."""
    facts = facts_of(d)
    clinical = dict(facts.clinical or {})
    held = honest_auc(clinical)
    alone = f"the covariates alone ({listing(facts.clinical_covariates)}): apparent AUC {interval(clinical['auc'])}"
    alone += f", {_led(d, clinical, held)}: {interval(held[2])}" if held else ""
    rows = facts.added_value
    more = f"; and {len(rows) - MOST} more" if len(rows) > MOST else ""
    added = "; ".join(f"{name_of({**c, 'name': c['a']})} {_gain(c)}" for c in rows[:MOST]) + more
    value = f"{alone}; added to that AUC ({_where(d, rows[0])}): {added}" if rows else alone
    evidence = (result("clinical_model"), report("comparisons"), report("usefulness"))
    is_held = any(c["scope"] for c in rows)  # apparent, what was fitted to these patients adds too much
    return (filled if is_held else ask)(f"{value}; decision curves of every model", *evidence)


def _gain(c: Mapping[str, Any]) -> str:
    shown = interval({"estimate": c["difference"], "low": c["low"], "high": c["high"]})
    return shown + (f", {_p(c)}" if c.get("p") is not None else "")


def _led(d: Dossier, model: Mapping[str, Any], held: tuple[str, str, Mapping[str, Any]]) -> str:
    """What leads, as the report calls it: ``cross-validation, whole modelling process validated``."""
    scope, scheme, _ = held
    how = led_as(model["validation"][scope][scheme])
    return f"{facts_of(d).scheme(scheme)}{how}, {scope_words(scope, whole_words(d.run, [model]))}"
