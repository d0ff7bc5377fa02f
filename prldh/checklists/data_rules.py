"""Rules on patients, data and selection. Shared by the standards.

Each takes the dossier and says what the run shows, never more: a Radscore that came as a column may have been made on
anyone, and what an author knows beside the run is asked.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from prldh.checklists.dossier import Dossier
from prldh.checklists.facts import facts_of, listing
from prldh.checklists.findings import (
    Evidence,
    Finding,
    ask,
    cohort_file,
    contradicted,
    extraction,
    file,
    filled,
    not_applicable,
    report,
    result,
    setting,
)
from prldh.checklists.items import STANDARDS, Item, load_standard
from prldh.checklists.phrases import MISSING, key_in_words, value_in_words
from prldh.checklists.regions import lesions_in_words
from prldh.core import Purpose, warn
from prldh.results import cohort_in_words, plan_in_words, row_noun, steps_of

Rule = Callable[[Dossier], Finding]


def for_item(rule: Rule) -> Callable[[Dossier, Item], Finding]:
    """A rule of the run as the rule of an item: what is asked does not matter to it."""
    return lambda d, item: rule(d)


def of_results(rule: Rule) -> Rule:
    """A rule that needs an analysis; without one the author is asked."""

    @functools.wraps(rule)
    def guarded(d: Dossier) -> Finding:
        return rule(d) if d.results is not None else ask()

    return guarded


def name_of(model: Mapping[str, Any]) -> str:
    return model["name"] + (", adjusted" if model["adjusted"] else "")


def share_of_events(d: Dossier) -> str:
    cohort = d.run["cohort"]
    return (
        f"{cohort['events']} of {cohort['n']}{' rows' * ('n_patients' in cohort)}"
        f" ({100 * cohort['events'] / cohort['n']:.1f}%) with {cohort['outcome']} = {cohort['event']}"
    )


def name_schemes(d: Dossier) -> str:
    facts = facts_of(d)
    return ", ".join(f"{facts.scheme(name)} ({s['n_resamples']} refits)" for name, s in facts.schemes.items())


def name_step(d: Dossier, name: str) -> str:
    """A step as the report calls it."""
    return value_in_words(d.words.step(name).short_label)


def name_steps(d: Dossier) -> str:
    lines = []
    for name, tissue in d.selected.items():
        selection = tissue["selection"]
        sources = dict.fromkeys(s["source"] for s in selection["steps"])
        ways = [
            " → ".join([str(own[0]["n_in"]), *(f"{name_step(d, s['name'])} {s['n_out']}" for s in own)])
            for source in sources
            if (own := [s for s in selection["steps"] if s["source"] == source])
        ]
        before = f"{'; '.join(ways)}; " if ways else "no step of selection; "
        lines.append(f"{name}: {before}{len(selection['features'])} in the Radscore")
    return "; ".join(lines) + of_chosen(d)


def of_chosen(d: Dossier) -> str:
    """To stand behind what is said of the way from features to a score, where several were there to choose from."""
    choice = d.run.get("choice")
    return f" (by '{choice['chosen']}', which was chosen on everyone)" if choice else ""


def settings_of_steps(d: Dossier) -> str:
    """Transforms and selection as the study file sets them: each step with its settings."""
    return settings_text(d, [*(d.settings.get("transforms") or []), *d.settings["selection"]])


def settings_text(d: Dossier, steps: Sequence[Mapping[str, Mapping[str, Any]]]) -> str:
    """Names with their settings: ``ICC (threshold 0.75), correlation (between 0.9)``."""
    facts, texts = facts_of(d), []
    for step in steps:
        for name, settings in step.items():
            own = {key: value for key, value in settings.items() if value is not None}
            word = name_step(d, name) if name in d.words.steps else d.words.learner_label(name)
            texts.append(f"{word} ({facts.setting(own)})" if own else word)
    return ", ".join(texts)


def steps_for(d: Dossier, purpose: Purpose) -> list[str]:
    """The steps of the study file that say that they serve a purpose."""
    return [name for _, name, _ in steps_of(d.settings) if d.words.step(name).serves(purpose)]


def place_of(d: Dossier, step: str) -> tuple[str, Mapping[str, Any]]:
    """Where the study file names a step, and its settings; the first where it does so twice."""
    return next((f"{place[0]}.{name}", settings) for place, name, settings in steps_of(d.settings) if name == step)


def name_cohorts(d: Dossier) -> str:
    """The cohorts that the frozen models were tested on, with their numbers."""
    judged = [(c["name"], c.get("n_judged", c["n"]), c.get("events_judged", c["events"])) for c in d.external]
    return "; ".join(f"{name} ({n} patients, {events} events)" for name, n, events in judged)


def cohort_evidence(d: Dossier) -> tuple[Evidence, ...]:
    return (report("plugin-external-validation"), *(cohort_file(c["name"], c["folder"]) for c in d.external))


#: The built-in checklists by the names that the study file gives them.
TITLES = {name: load_standard(name).title for name in STANDARDS}


def span(numbers: Sequence[int]) -> str:
    """``356 to 386``, or the one number that all are."""
    return f"{min(numbers)}" if min(numbers) == max(numbers) else f"{min(numbers)} to {max(numbers)}"


# ---------------------------------------------------------------- the plan


@of_results
def protocol(d: Dossier) -> Finding:
    """TRIPOD+AI 18c: a plan that was made before the run is a protocol of the analysis; where others find it, the
    author says."""
    plan = d.run.get("plan")
    if plan is None:
        return ask()
    return filled(
        _plan_in_words(plan),
        report("plan"),
        result("plan"),
        remaining="where others find the plan, and the study's protocol",
    )


@of_results
def registration(d: Dossier) -> Finding:
    """CLEAR 10, TRIPOD+AI 18d: a run knows of a plan, not of a register."""
    plan = d.run.get("plan")
    return ask() if plan is None else ask(_plan_in_words(plan), report("plan"), result("plan"))


def _plan_in_words(plan: Mapping[str, Any]) -> str:
    departed = "; ".join(
        f"{_planned(each['what'])}: {value_in_words(each['planned'])} → {value_in_words(each['found'])}"
        for each in plan["deviations"][:6]
    )
    n_more = len(plan["deviations"]) - 6
    more = f" and {n_more} more" if n_more > 0 else ""
    told = plan_in_words(plan).replace(f"The plan {plan['file']}, made", "The plan of the analysis, made")
    return told + (f" {departed}{more}." if departed else "") + f" SHA-256 {plan['sha256']}"


def _planned(what: str) -> str:
    """A key of the study file, or a table: ``validation.folds`` as ``validation, folds``."""
    return ", ".join(key_in_words(part) for part in re.split(r"[.\[\]]+", what) if part)


# ---------------------------------------------------------------- patients and data


@of_results
def sample_size(d: Dossier) -> Finding:
    """Riley's criteria; adequate or not, it is reported."""
    riley = d.run.get("sample_size")
    if not riley:
        return ask()
    short = [m for m in riley["models"] if not m["is_enough"]]
    needs = [m["n_needed"] for m in riley["models"]]
    verdict = f"too few for {_named(short)}" if short else "enough for every model"
    value = (
        f"{cohort_in_words(d.run)}, {d.run['cohort']['events']} events; Riley's criteria ask for"
        f" {span(needs)}: {verdict}"
    )
    return filled(
        value, report("sample-size"), result("sample_size"), remaining="how the number of patients was decided"
    )


def _named(models: Sequence[Mapping[str, Any]]) -> str:
    """Models by name, which may hold commas."""
    return listing([f"{m['name']} (adjusted)" if m["adjusted"] else m["name"] for m in models])


@of_results
def enough_for_features(d: Dossier) -> Finding:
    """METRICS 16: every feature of a Radscore counted as a parameter, Riley's largest number of parameters for these
    patients beside."""
    riley = d.run.get("sample_size")
    if not riley:
        return ask()
    evidence = (report("sample-size"), result("sample_size.models"))
    short = [m for m in riley["models"] if not m["is_enough"]]
    if short:
        return contradicted(
            f"{cohort_in_words(d.run)} are fewer than Riley's criteria ask for"
            f" ({span([m['n_needed'] for m in short])}) in {_named(short)}",
            *evidence,
        )
    if d.given_scores:
        return ask(
            f"enough for the models; from how many features the Radscores of {', '.join(d.given_scores)} were made is"
            " not known",
            *evidence,
        )
    most = min(m["max_parameters"] for m in riley["models"])
    counts = {name: len(t["selection"]["features"]) for name, t in d.selected.items()}
    over = {name: n for name, n in counts.items() if n > most}
    listed = ", ".join(f"{name} {n}" for name, n in (over or counts).items())
    if over:
        return contradicted(
            f"features in the Radscore ({listed}) are more than the {most} parameters that Riley's criteria allow these"
            " patients",
            *evidence,
        )
    return filled(
        f"features in the Radscore ({listed}) are within the {most} parameters that Riley's criteria allow", *evidence
    )


@of_results
def missing_data(d: Dossier) -> Finding:
    """Blanks in covariates, and in features where a transform fills them."""
    found = _missing_covariates(d)
    told = d.run.get("warnings", ())
    blank = [w["message"].rstrip(".") for w in told if w.get("code") == warn.BLANK_FEATURES.code]
    if not blank:
        return found
    evidence = (*found.evidence, setting("transforms"), report("features"))
    return replace(found, value="; ".join([found.value or "", *blank]), evidence=evidence)


def _missing_covariates(d: Dossier) -> Finding:
    missing, excluded = d.run.get("missing"), d.run["cohort"]["excluded"]
    evidence = (setting("missing"), report("patients"))
    if missing:
        blanks = ", ".join(f"{v['name']} ({v['n_missing']})" for v in missing["variables"])
        value = (
            f"{missing['n_patients']} patients with blanks in {blanks}: {missing['imputations']} imputations by chained"
            " equations, pooled by Rubin's rules"
        )
        return filled(value, report("missing"), result("missing"))
    models = d.run["models"]
    if d.settings.get("missing") == "by_model" and any(m["n"] != d.run["cohort"]["n"] for m in models):
        sizes = [m["n"] for m in models]
        return filled(
            f"every model takes the patients without blanks in its own terms: {min(sizes)} to {max(sizes)} of"
            f" {d.run['cohort']['n']}; {len(excluded)} of {d.run['cohort']['n_read']} were left out of everything",
            *evidence,
            remaining="why data are missing",
        )
    if excluded:
        return filled(
            f"{len(excluded)} of {d.run['cohort']['n_read']} {row_noun(d.run)}s were left out, each with its reason "
            f"({MISSING.get(d.settings.get('missing', 'complete_case'), 'by the study file')})",
            *evidence,
            remaining="why data are missing",
        )
    return filled("no patient was left out and no covariate had blanks", *evidence)


@of_results
def class_balance(d: Dossier) -> Finding:
    return filled(
        f"{share_of_events(d)}; no resampling or weighting of classes was made", result("cohort"), report("patients")
    )


@of_results
def participants(d: Dossier) -> Finding:
    cohort = d.run["cohort"]
    return ask(
        f"{cohort['n_read']} {row_noun(d.run)}s read, {len(cohort['excluded'])} left out, {cohort['n']} analysed,"
        f" {cohort['events']} events; what came before the table is not known",
        report("patients"),
        result("cohort"),
    )


@of_results
def table_checks(d: Dossier) -> Finding:
    """Checks of quality that a run makes of images, and what they led to; the author says whether all groups were
    treated alike."""
    checks = []
    for name, t in (d.run.get("images") or {}).items():
        n = len(t["put_aside"])
        checks.append(
            f"{name}: headers, geometry and masks checked, {n} of {t['n_cases']} regions put aside,"
            f" {len(t['findings'])} findings"
        )
    cohort = d.run["cohort"]
    evidence = [report("images")] if checks else []
    checks.append(
        f"tables: ids, blanks and values checked, {len(cohort['excluded'])} of {cohort['n_read']}"
        f" {row_noun(d.run)}s left out"
    )
    return ask("; ".join(checks), *evidence, report("patients"))


@of_results
def guidelines(d: Dossier) -> Finding:
    """Which checklists this run fills in; which guideline was followed, and whether its checklist is attached, the
    author says."""
    asked = [TITLES.get(name, name) for name in d.settings.get("report", {}).get("checklists", [])]
    return ask(f"this run fills in the checklists {', '.join(asked)}", setting("report.checklists")) if asked else ask()


def regions(d: Dossier) -> Finding:
    """IBSI 1: the names that the study gives its regions; of a feature file alone, how many there are."""
    names = list(d.settings.get("tissues", {}))
    lesions = "".join(f"; {e.name}: {lesions_in_words(e.lesions)}" for e in d.extractions if e.lesions)
    if names:
        return ask(f"the study's tissues are {', '.join(names)}{lesions}", setting("tissues"))
    measured = [e for e in d.extractions if e.measured]
    value = "; ".join(f"{e.measured}" if e.is_file else f"{e.name}: {e.measured}" for e in measured)
    return ask(value + lesions, *(extraction(e, "regions", "n_measured") for e in measured)) if value else ask()


def lesions(d: Dossier) -> Finding:
    """CLEAR 19: how many lesions there were, and which of a patient's count."""
    value = "; ".join(f"{e.name}: {lesions_in_words(e.lesions)}" for e in d.extractions if e.lesions)
    return ask(value, *(extraction(e, "lesions", "lesions") for e in d.extractions if e.lesions)) if value else ask()


@of_results
def outcome(d: Dossier) -> Finding:
    cohort = d.run["cohort"]
    return ask(
        f"the outcome is {cohort['outcome']}, the event {cohort['event']}",
        setting("clinical.outcome"),
        result("cohort"),
    )


def n_patients(d: Dossier) -> Finding:
    if d.results is None:
        return regions(d)
    return ask(
        f"{cohort_in_words(d.run)}, of one clinical table"
        if "n_patients" in d.run["cohort"]
        else f"{d.run['cohort']['n']} patients of one clinical table",
        result("cohort"),
        setting("clinical.table"),
    )


@of_results
def counts_per_analysis(d: Dossier) -> Finding:
    return filled(
        "; ".join(f"{name_of(m)}: {m['n']} {row_noun(d.run)}s, {m['events']} events" for m in d.run["models"]),
        report("models"),
        result("models[].n", "models[].events"),
    )


@of_results
def baseline(d: Dossier) -> Finding:
    if not d.run["table_one"]:
        return ask()
    names = ", ".join(v["variable"] for v in d.run["table_one"])
    return filled(
        f"Table 1, by outcome: {names}",
        report("table-one"),
        result("table_one"),
        remaining="characteristics by source of data, where there are several",
    )


@of_results
def one_set(d: Dossier) -> Finding:
    """TRIPOD+AI 16 and the like: resampling has no second set; new patients are one, beside the study's."""
    if d.external:
        return filled(
            f"{name_cohorts(d)}: case mix beside the study's",
            *cohort_evidence(d),
            remaining="differences in setting, eligibility and outcome",
        )
    return not_applicable(
        "one cohort, validated by resampling: there is no separate evaluation set in this run", result("study.schemes")
    )


@of_results
def covariates(d: Dossier) -> Finding:
    variables = d.settings["clinical"]["covariates"]
    if not variables:
        return not_applicable("no predictor beside the Radscores is in the study", setting("clinical.covariates"))
    listed = ", ".join(f"{facts_of(d).label(name)} ({c['type']})" for name, c in variables.items())
    return filled(
        f"{listed}; continuous ones linear, the others as factors", setting("clinical.covariates"), report("models")
    )


# ---------------------------------------------------------------- selection


@of_results
def preselection(d: Dossier) -> Finding:
    if d.given_scores or not d.selected:
        parts = [f"Radscores given as columns: {', '.join(d.given_scores)}"] if d.given_scores else []
        parts += [name_steps(d)] if d.selected else []
        return ask("; ".join(parts), setting("tissues")) if parts else ask()
    return filled(name_steps(d), report("radscores"), setting("selection"), remaining="why these candidates")


def feature_counts(d: Dossier) -> Finding:
    if d.results is None and d.extractions:
        listed = ", ".join(f"{e.name} {len(e.features)}" for e in d.extractions)
        return filled(
            f"features of each region: {listed}", *(extraction(e, "names of features") for e in d.extractions)
        )
    if not d.selected:
        return ask()
    counts = {}
    for name, t in d.selected.items():
        first: dict[str, int] = {}
        for step in t["selection"]["steps"]:
            first.setdefault(step["source"], step["n_in"])
        counts[name] = sum(first.values()) or len(t["selection"]["features"])
    listed = ", ".join(f"{name} {n}" for name, n in counts.items())
    evidence = (report("radscores"), result("tissues[].selection.steps[].n_in"))
    return ask(listed, *evidence) if d.given_scores else filled(f"features that entered selection: {listed}", *evidence)


@of_results
def reduction(d: Dossier) -> Finding:
    """Dimension reduction, fitted on training rows: contradicted where only scope model was run, for then it saw the
    held-out ones."""
    if not d.selected:
        return ask()
    if d.run["study"]["schemes"] and "pipeline" not in d.settings["validation"]["scope"]:
        return contradicted(
            f"{name_steps(d)}; on all patients, held-out ones included: the whole modelling process was not validated",
            setting("validation.scope"),
            report("radscores"),
        )
    return (ask if d.given_scores else filled)(
        f"{name_steps(d)}{f'; settings: {own}' if (own := settings_of_steps(d)) else ''}",
        report("radscores"),
        setting("selection"),
    )


@of_results
def selected_features(d: Dossier) -> Finding:
    if not d.selected:
        return ask()
    names = "; ".join(f"{name}: {', '.join(t['selection']['features'])}" for name, t in d.selected.items())
    return (ask if d.given_scores else filled)(names, report("radscores"), file("tables/features_ibsi.csv"))


def _reliability(d: Dossier) -> tuple[bool, str, tuple[Evidence, ...]]:
    """Whether features of every tissue were judged on several readers or on perturbed masks, what is said of it, and
    where it stands."""
    judged, sentences = [], []
    steps = list(dict.fromkeys(steps_for(d, Purpose.RELIABILITY)))
    measure = " or ".join(d.words.step(step).purposes[Purpose.RELIABILITY] for step in steps)
    places = [place_of(d, step)[0] for step in steps] or ["selection"]
    evidence = (report("radscores"), *map(setting, places))
    for name, t in d.selected.items():
        own = [s for s in t["selection"]["steps"] if s["name"] in steps]
        perturbed = ((d.run.get("images") or {}).get(name) or {}).get("perturbation")
        over = (
            f"{t['selection']['readers']} readers"
            if t["selection"]["readers"] > 2
            else "two readers"
            if t["selection"]["readers"] == 2
            else f"{perturbed['n']} perturbed masks of one reader"
            if perturbed
            else None
        )
        judged.append(bool(own and over))
        if own and over:
            sentences.append(
                f"{name}: {sum(s['n_out'] for s in own)} of {sum(s['n_in'] for s in own)} features kept by {measure} of"
                f" {over}"
            )
        else:
            sentences.append(f"{name}: {f'one reader, {measure} not judged' if own else 'no step on reliability'}")
    return bool(judged) and all(judged), "; ".join(sentences), evidence


@of_results
def reliability(d: Dossier) -> Finding:
    """Reliability of segmentation: done here, or not in this run and then the author's to say."""
    if not d.selected:
        return ask()
    is_judged, value, evidence = _reliability(d)
    return filled(value, *evidence) if is_judged and not d.given_scores else ask(f"in this run: {value}", *evidence)


@of_results
def unstable_removed(d: Dossier) -> Finding:
    """METRICS 14. Where the run measured the images itself, nothing can have been removed before: then it is a
    contradiction."""
    if not d.selected:
        return ask()
    is_judged, value, evidence = _reliability(d)
    if is_judged and not d.given_scores:
        return filled(value, *evidence)
    if not is_judged and not d.given_scores and all(d.settings["tissues"][name]["images"] for name in d.selected):
        return contradicted(f"measured here and never judged: {value}", *evidence)
    return ask(f"in this run: {value}", *evidence)


@of_results
def redundancy(d: Dossier) -> Finding:
    if not d.selected:
        return ask()
    steps = steps_for(d, Purpose.REDUNDANCY)
    evidence = (setting("selection"), report("radscores"))
    if not steps:
        return ask("no step of this run drops features for being alike", *evidence)
    return (ask if d.given_scores else filled)(
        f"by {', '.join(name_step(d, step) for step in steps)}: {name_steps(d)}", *evidence
    )
