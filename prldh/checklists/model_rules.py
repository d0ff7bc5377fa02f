"""Rules on the analysis: patients, selection, models, validation, performance. Shared by the standards.

Each takes the dossier and says what the run shows, never more: a Radscore that came as a column may have been made on anyone, and
what an author knows beside the run is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from prldh.checklists.dossier import Dossier
from prldh.checklists.findings import Finding, ask, contradicted, file, filled, not_applicable, report, result, setting
from prldh.report.format import p_text
from prldh.summary import honest_auc, interval, scheme_words

Rule = Callable[[Dossier], Finding]
#: Steps that drop features for saying the same as others.
AGAINST_REDUNDANCY = ("correlation", "mrmr_forest", "lasso_svm_rfe")


def of_results(rule: Rule) -> Rule:
    """A rule that needs an analysis; without one the author is asked."""

    def guarded(d: Dossier) -> Finding:
        return rule(d) if d.results is not None else ask()

    guarded.__name__, guarded.__doc__ = rule.__name__, rule.__doc__
    return guarded


def is_radiomic(model: Mapping[str, Any], tissues: Any) -> bool:
    """Whether a Radscore, or groups of them, is among a model's terms."""
    variables = {t.get("variable") or t["term"] for t in model["terms"]}
    return any(v in tissues or v.startswith("groups(") for v in variables)


def _name(model: Mapping[str, Any]) -> str:
    return model["name"] + (", adjusted" if model["adjusted"] else "")


def _share(d: Dossier) -> str:
    cohort = d.results["cohort"]
    return f"{cohort['events']} of {cohort['n']} ({100 * cohort['events'] / cohort['n']:.1f} %) with {cohort['outcome']} = {cohort['event']}"


def _schemes(d: Dossier) -> str:
    words = {name: f"{name.replace('_', '-')} ({s['n_resamples']} refits)" for name, s in d.results["study"]["schemes"].items()}
    return ", ".join(words.values())


def _steps(d: Dossier) -> str:
    lines = []
    for name, tissue in d.selected.items():
        selection = tissue["selection"]
        sources = dict.fromkeys(s["source"] for s in selection["steps"])
        ways = [" → ".join([str(own[0]["n_in"]), *(f"{s['name']} {s['n_out']}" for s in own)]) for source in sources if (own := [s for s in selection["steps"] if s["source"] == source])]
        lines.append(f"{name}: {'; '.join(ways) + '; ' if ways else ''}{len(selection['features'])} in the Radscore")
    return "; ".join(lines)


# ---------------------------------------------------------------- patients and data


@of_results
def sample_size(d: Dossier) -> Finding:
    """Riley's criteria; adequate or not, it is reported."""
    found = d.results.get("sample_size")
    if not found:
        return ask()
    short = [m for m in found["models"] if not m["is_enough"]]
    needs = [m["n_needed"] for m in found["models"]]
    verdict = f"too few for {len(short)} of {len(needs)} models" if short else "enough for every model"
    value = f"{d.results['cohort']['n']} patients, {d.results['cohort']['events']} events; Riley's criteria ask for {min(needs)} to {max(needs)}: {verdict}"
    return filled(value, report("sample-size"), result("sample_size"), remaining="how the number of patients was decided")


@of_results
def enough_for_features(d: Dossier) -> Finding:
    """METRICS 16: every feature of a Radscore counted as a parameter, Riley's largest number of parameters for these patients beside."""
    found = d.results.get("sample_size")
    if not found:
        return ask()
    evidence = (report("sample-size"), result("sample_size.models"))
    short = [m for m in found["models"] if not m["is_enough"]]
    if short:
        return contradicted(f"{d.results['cohort']['n']} patients are fewer than Riley's criteria ask for in {len(short)} of {len(found['models'])} models "
                            f"({min(m['n_needed'] for m in short)} to {max(m['n_needed'] for m in short)})", *evidence)
    if d.given_scores:
        return ask(f"enough for the models; from how many features the Radscores of {', '.join(d.given_scores)} were made is not known", *evidence)
    most = min(m["max_parameters"] for m in found["models"])
    counts = {name: len(t["selection"]["features"]) for name, t in d.selected.items()}
    over = {name: n for name, n in counts.items() if n > most}
    said = ", ".join(f"{name} {n}" for name, n in (over or counts).items())
    if over:
        return contradicted(f"features in the Radscore ({said}) are more than the {most} parameters that Riley's criteria allow these patients", *evidence)
    return filled(f"features in the Radscore ({said}) are within the {most} parameters that Riley's criteria allow", *evidence)


@of_results
def missing_data(d: Dossier) -> Finding:
    found, excluded = d.results.get("missing"), d.results["cohort"]["excluded"]
    evidence = (setting("missing"), report("patients"))
    if found:
        blanks = ", ".join(f"{v['name']} ({v['n_missing']})" for v in found["variables"])
        value = f"{found['n_patients']} patients with blanks in {blanks}: {found['imputations']} imputations by chained equations, pooled by Rubin's rules"
        return filled(value, report("missing"), result("missing"))
    if excluded:
        return filled(f"{len(excluded)} of {d.results['cohort']['n_read']} patients were left out, each with its reason ({d.settings.get('missing', 'complete_case')})", *evidence, remaining="why data are missing")
    return filled("no patient was left out and no covariate had blanks", *evidence)


@of_results
def class_balance(d: Dossier) -> Finding:
    return filled(f"{_share(d)}; no resampling or weighting of classes was made", result("cohort"), report("patients"))


@of_results
def participants(d: Dossier) -> Finding:
    cohort = d.results["cohort"]
    return ask(f"{cohort['n_read']} read, {len(cohort['excluded'])} left out, {cohort['n']} analysed, {cohort['events']} events; what came before the table is not known", report("patients"), result("cohort"))


@of_results
def outcome(d: Dossier) -> Finding:
    cohort = d.results["cohort"]
    return ask(f"the outcome is {cohort['outcome']}, the event {cohort['event']}", setting("clinical.outcome"), result("cohort"))


@of_results
def n_patients(d: Dossier) -> Finding:
    return ask(f"{d.results['cohort']['n']} patients of {PurePath(d.settings['clinical']['table']).name}", result("cohort"), setting("clinical.table"))


@of_results
def counts_per_analysis(d: Dossier) -> Finding:
    return filled("; ".join(f"{_name(m)}: {m['n']} patients, {m['events']} events" for m in d.results["models"]), report("models"), result("models[].n, models[].events"))


@of_results
def baseline(d: Dossier) -> Finding:
    if not d.results["table_one"]:
        return ask()
    names = ", ".join(v["variable"] for v in d.results["table_one"])
    return filled(f"Table 1, by outcome: {names}", report("table-one"), result("table_one"), remaining="characteristics by source of data, where there are several")


@of_results
def one_set(d: Dossier) -> Finding:
    """TRIPOD+AI 16 and the like: resampling has no second set."""
    return not_applicable("one cohort, validated by resampling: there is no separate evaluation set in this run", result("study.schemes"))


@of_results
def covariates(d: Dossier) -> Finding:
    found = d.settings["clinical"]["covariates"]
    if not found:
        return not_applicable("no predictor beside the Radscores is in the study", setting("clinical.covariates"))
    said = ", ".join(f"{name} ({c['type']})" for name, c in found.items())
    return filled(f"{said}; continuous ones linear, the others as factors", setting("clinical.covariates"), report("models"))


# ---------------------------------------------------------------- selection


@of_results
def preselection(d: Dossier) -> Finding:
    if d.given_scores or not d.selected:
        known = f"; {_steps(d)}" if d.selected else ""
        return ask(f"Radscores given as columns: {', '.join(d.given_scores) or 'none'}{known}", setting("tissues"))
    return filled(_steps(d), report("radscores"), setting("selection"), remaining="why these candidates")


@of_results
def feature_counts(d: Dossier) -> Finding:
    if not d.selected:
        return ask()
    counts = {}
    for name, t in d.selected.items():
        first: dict[str, int] = {}
        for step in t["selection"]["steps"]:
            first.setdefault(step["source"], step["n_in"])
        counts[name] = sum(first.values()) or len(t["selection"]["features"])
    said = ", ".join(f"{name} {n}" for name, n in counts.items())
    evidence = (report("radscores"), result("tissues[].selection.steps[].n_in"))
    return ask(said, *evidence) if d.given_scores else filled(f"features that entered selection: {said}", *evidence)


@of_results
def reduction(d: Dossier) -> Finding:
    """Dimension reduction, fitted on training rows: contradicted where only scope model was run, for then it saw the held-out ones."""
    if not d.selected:
        return ask()
    if d.results["study"]["schemes"] and "pipeline" not in d.settings["validation"]["scope"]:
        return contradicted(f"{_steps(d)}; on all patients, held-out ones included: scope pipeline was not run", setting("validation.scope"), report("radscores"))
    cutoffs = ", ".join(f"{name} {settings}" for step in d.settings["selection"] for name, settings in step.items())
    return (ask if d.given_scores else filled)(f"{_steps(d)}; settings: {cutoffs}", report("radscores"), setting("selection"))


@of_results
def selected_features(d: Dossier) -> Finding:
    if not d.selected:
        return ask()
    names = "; ".join(f"{name}: {', '.join(t['selection']['features'])}" for name, t in d.selected.items())
    return (ask if d.given_scores else filled)(names, report("radscores"), file("tables/features_ibsi.csv"))


def _reliability(d: Dossier) -> tuple[bool, str]:
    """Whether features of every tissue were judged on two readers, and what is said of it."""
    steps = {name for step in d.settings["selection"] for name in step}
    readers = {name: t["selection"]["readers"] for name, t in d.selected.items()}
    kept = []
    for name, t in d.selected.items():
        icc = [s for s in t["selection"]["steps"] if s["name"] == "icc"]
        if icc and readers[name] == 2:
            kept.append(f"{name}: {sum(s['n_out'] for s in icc)} of {sum(s['n_in'] for s in icc)} features kept by ICC of two readers")
        else:
            kept.append(f"{name}: {'one reader, ICC not judged' if 'icc' in steps else 'no step on reliability'}")
    return bool(d.selected) and "icc" in steps and all(n == 2 for n in readers.values()), "; ".join(kept)


@of_results
def reliability(d: Dossier) -> Finding:
    """Reliability of segmentation: done here, or not in this run and then the author's to say."""
    if not d.selected:
        return ask()
    is_judged, said = _reliability(d)
    evidence = (report("radscores"), setting("selection.icc"))
    return filled(said, *evidence) if is_judged and not d.given_scores else ask(f"in this run: {said}", *evidence)


@of_results
def unstable_removed(d: Dossier) -> Finding:
    """METRICS 14. Where the run measured the images itself, nothing can have been removed before: then it is a contradiction."""
    if not d.selected:
        return ask()
    is_judged, said = _reliability(d)
    evidence = (report("radscores"), setting("selection.icc"))
    if is_judged and not d.given_scores:
        return filled(said, *evidence)
    if not is_judged and not d.given_scores and all(d.settings["tissues"][name]["images"] for name in d.selected):
        return contradicted(f"measured here and never judged: {said}", *evidence)
    return ask(f"in this run: {said}", *evidence)


@of_results
def redundancy(d: Dossier) -> Finding:
    if not d.selected:
        return ask()
    steps = [name for step in d.settings["selection"] for name in step if name in AGAINST_REDUNDANCY]
    evidence = (setting("selection"), report("radscores"))
    if not steps:
        return ask("no step of this run drops features for being alike", *evidence)
    return (ask if d.given_scores else filled)(f"by {', '.join(steps)}: {_steps(d)}", *evidence)


@of_results
def scaling(d: Dossier) -> Finding:
    if not d.selected:
        return ask()
    said = "each feature less its mean, divided by its SD, both of the rows that the Radscore was fitted on; no harmonisation of sites in this run"
    evidence = (report("radscores"), result("tissues[].radscore.center, scale"))
    return ask(said, *evidence) if d.given_scores else filled(said, *evidence)


@of_results
def handling(d: Dossier) -> Finding:
    covariates_said = ", ".join(f"{name} {c['type']}" for name, c in d.settings["clinical"]["covariates"].items()) or "no covariates"
    return filled(f"{covariates_said}; continuous predictors and Radscores linear in the log odds; groups by Youden's cutoffs", setting("clinical.covariates"), report("models"))


# ---------------------------------------------------------------- models


@of_results
def algorithm(d: Dossier) -> Finding:
    engines = d.results["engines"]
    versions = ", ".join(f"{title} {engines[key]['version']}" for key, title in (("r", "R"), ("python", "Python")) if engines[key])
    fits = sorted({m["fit"] for m in d.results["models"]})
    version = f"prldh {d.provenance['prldh']}, " if d.provenance and d.provenance.get("prldh") else ""
    value = f"logistic regression ({', '.join(fits)}); {version}{versions}"
    if d.selected:
        value += f"; Radscore by {d.settings['radscore']}"
    return (ask if d.given_scores else filled)(value, report("models"), report("provenance"))


@of_results
def tuning(d: Dossier) -> Finding:
    if not d.selected:
        return ask(f"seed {d.results['study']['seed']}", setting("seed"))
    value = f"{', '.join(f'{name} {settings}' for step in d.settings['selection'] for name, settings in step.items())}; seed {d.results['study']['seed']}"
    return (ask if d.given_scores else filled)(value, setting("selection"), setting("seed"))


@of_results
def confounders(d: Dossier) -> Finding:
    adjusted = [m for m in d.results["models"] if m["adjusted"]]
    if not adjusted:
        return ask("no model of this run is adjusted", setting("adjust"))
    names = list(d.settings["clinical"]["covariates"]) if d.settings["adjust"] is None else d.settings["adjust"]
    return filled(f"{len(adjusted)} models adjusted for {', '.join(names)}", report("models"), setting("adjust"), remaining="how these were chosen")


@of_results
def model_choice(d: Dossier) -> Finding:
    return ask(f"{len(d.results['models'])} models were fitted, as the study file names them; the run chooses none", setting("models"), report("validation"))


@of_results
def outputs(d: Dossier) -> Finding:
    thresholds = "; ".join(f"{_name(m)}: {m['threshold']:.3f}" for m in d.results["models"] if m["threshold"] is not None)
    return filled(f"probability of the event; thresholds by Youden's index on the fitted patients ({thresholds or 'none'})", report("models"), result("models[].threshold"))


@of_results
def specification(d: Dossier) -> Finding:
    return filled("all coefficients, centres, scales and cutoffs are in model.json and the report", file("model.json"), report("models"), remaining="where others get at it")


@of_results
def interpretability(d: Dossier) -> Finding:
    said = "odds ratios of every term" + (", coefficients and stability of every feature of the Radscores" if d.selected else "")
    return (ask if d.given_scores else filled)(said, report("models"), *([report("radscores")] if d.selected else []))


# ---------------------------------------------------------------- validation


@of_results
def no_leakage(d: Dossier) -> Finding:
    """Whether the held-out patients took part in nothing that was fitted: selection, Radscore, cutoffs, model, threshold."""
    schemes, scopes = d.results["study"]["schemes"], d.settings["validation"]["scope"]
    if not schemes:
        return contradicted("no patient was held out: every number describes the patients that made the models", setting("validation"))
    leaks = [r["stage"] for by_scheme in d.results.get("ledger", {}).values() for rows in by_scheme.values() for r in rows if r["n_held_out_rows_read"]]
    if leaks:
        return contradicted(f"held-out rows were read by fits of {', '.join(dict.fromkeys(leaks))}", report("validation"), result("ledger"))
    has_groups = any((t.get("variable") or "").startswith("groups(") for m in d.results["models"] for t in m["terms"])
    if "pipeline" not in scopes and (d.selected or has_groups):
        what = " and ".join(w for w, holds in (("features were selected", d.selected), ("group cutoffs were chosen", has_groups)) if holds)
        return contradicted(f"only scope model was run: {what} on all patients, held-out ones included", setting("validation.scope"), report("validation"))
    said = f"patients held out by {_schemes(d)}, seed {d.results['study']['seed']}; scope {', '.join(scopes)}; no held-out row was read by any fit"
    evidence = (report("validation"), result("ledger"), setting("validation"))
    if d.given_scores:
        return ask(f"{said}. But the Radscores of {', '.join(d.given_scores)} came as columns: whether held-out patients took part in making them is not known", *evidence)
    return filled(said, *evidence)


@of_results
def internal_external(d: Dossier) -> Finding:
    if not d.results["study"]["schemes"]:
        return contradicted("this run tested nothing on patients that were held out", setting("validation"))
    return filled(f"internal, by {_schemes(d)}; no external data in this run", report("validation"), setting("validation"))


@of_results
def building(d: Dossier) -> Finding:
    """TRIPOD+AI 12c: model type, building steps, internal validation."""
    if not d.results["study"]["schemes"]:
        return contradicted("there is no internal validation", setting("validation"))
    value = f"logistic regression; {_steps(d) + '; ' if d.selected else ''}validated by {_schemes(d)}, scope {', '.join(d.settings['validation']['scope'])}"
    return (ask if d.given_scores else filled)(value, report("models"), report("validation"), setting("selection"))


def _performance(d: Dossier) -> list[str]:
    lines = []
    for m in d.results["models"]:
        held = honest_auc(m)
        lines.append(f"{_name(m)}: apparent AUC {interval(m['auc'])}" + (f", {scheme_words(held[1])}, scope {held[0]}: {interval(held[2])}" if held else ""))
    return lines


@of_results
def performance(d: Dossier) -> Finding:
    if not d.results["study"]["schemes"]:
        return contradicted("apparent numbers alone: nothing was held out", report("performance"))
    n, events = d.results["cohort"]["n"], d.results["cohort"]["events"]
    return filled(f"{'; '.join(_performance(d))}. Always guessing the commoner outcome is right in {100 * max(events, n - events) / n:.1f} %", report("validation"), report("performance"), report("calibration"))


@of_results
def performance_intervals(d: Dossier) -> Finding:
    if not d.results["study"]["schemes"]:
        return contradicted("apparent numbers alone: nothing was held out", report("performance"))
    return filled("; ".join(_performance(d)), report("validation"), report("performance"), remaining="performance in key subgroups")


@of_results
def measures(d: Dossier) -> Finding:
    return filled("AUC and partial AUC, accuracy, sensitivity, specificity, predictive values, calibration, decision curves", report("performance"), report("calibration"), report("usefulness"), remaining="why these")


@of_results
def uncertainty(d: Dossier) -> Finding:
    level = f"{100 * d.settings.get('performance', {}).get('confidence', 0.95):g}"
    methods = ", ".join(dict.fromkeys(m["auc"]["method"] for m in d.results["models"] if m["auc"].get("method")))
    return filled(f"{level}% intervals: AUC by {methods or 'DeLong'}, proportions by Clopper–Pearson, odds ratios by profile likelihood", report("performance"), report("models"))


@of_results
def calibration(d: Dossier) -> Finding:
    """Held-out calibration: of a logistic model on its own patients it is perfect by construction."""
    if not d.results["study"]["schemes"]:
        return contradicted("calibration is apparent alone, where it is perfect by construction: nothing was held out", report("calibration"))
    lacking = [_name(m) for m in d.results["models"] if not any("calibration" in v or "slope" in v for scope in ("model", "pipeline") for v in m["validation"].get(scope, {}).values())]
    if lacking:
        return contradicted(f"no held-out calibration of {', '.join(lacking)}", report("calibration"))
    return filled("slope, intercept and curve on held-out predictions of every model", report("calibration"), result("models[].validation"))


def _pair(c: Mapping[str, Any]) -> str:
    return f"{c['a']} – {c['b']}" + (", adjusted" if c["adjusted"] else "")


@of_results
def comparison(d: Dossier) -> Finding:
    rows = [c for c in d.results["comparisons"] if c["measure"] == "auc"]
    if len({m["name"] for m in d.results["models"]}) < 2:
        return not_applicable("there is one model: nothing to compare", result("models"))
    if not rows:
        return ask("no pair of models was compared", setting("comparisons"))
    held = [c for c in rows if c["scope"] == "pipeline"] or [c for c in rows if c["scope"]] or rows
    where = f"{held[0]['scheme']}, scope {held[0]['scope']}" if held[0]["scope"] else "apparent"
    shown = "; ".join(f"{_pair(c)}: p {p_text(c['p'])}" for c in held[:6] if c["scheme"] == held[0]["scheme"])
    return filled(f"{held[0]['method']} ({where}): {shown}", report("comparisons"), result("comparisons"))


@of_results
def non_radiomic(d: Dossier) -> Finding:
    """Compared with a model of clinical covariates alone: one must be among the models, and in a comparison with a radiomic one."""
    tissues = d.results["tissues"]
    if not tissues:
        return ask("the study has no tissue: which of its predictors are radiomic is not known", setting("tissues"))
    kinds = {m["name"]: is_radiomic(m, tissues) for m in d.results["models"] if not m["adjusted"]}
    plain = [name for name, radiomic in kinds.items() if not radiomic]
    if not plain:
        return contradicted("every model of this run holds a Radscore: none of clinical covariates alone to compare with", report("models"), setting("models"))
    pairs = [c for c in d.results["comparisons"] if c["measure"] == "auc" and kinds.get(c["a"]) != kinds.get(c["b"]) and None not in (kinds.get(c["a"]), kinds.get(c["b"]))]
    if not pairs:
        return contradicted(f"{', '.join(plain)} was fitted, but not compared with a model that holds a Radscore", setting("comparisons"))
    shown = "; ".join(dict.fromkeys(f"{c['a']} – {c['b']}" for c in pairs))
    return filled(f"compared: {shown}; decision curves of every model", report("comparisons"), report("usefulness"))


@of_results
def multicollinearity(d: Dossier) -> Finding:
    if not d.selected:
        return ask()
    between = next((s["correlation"]["between"] for s in d.settings["selection"] if "correlation" in s), None)
    if between is None:
        return ask("no step of this run judged correlation between features", setting("selection"))
    return (ask if d.given_scores else filled)(f"of features correlated above {between} one was kept", setting("selection.correlation"), report("radscores"))


@of_results
def readers(d: Dossier) -> Finding:
    counts = {name: t["selection"]["readers"] for name, t in d.selected.items()}
    return ask("; ".join(f"{name}: tables of {n} reader{'s' * (n > 1)}" for name, n in counts.items()), result("tissues[].selection.readers")) if counts else ask()


@of_results
def flowchart(d: Dossier) -> Finding:
    return ask(f"steps as run: {_steps(d)}", report("radscores"), setting("selection")) if d.selected else ask()


@of_results
def no_subgroups(d: Dossier) -> Finding:
    return ask("this run examined no subgroups, sites or clusters", result("models"))


def ready(what: str, *names: str) -> Rule:
    """What the output folder holds for sharing; whether it is shared, and where, the author says."""

    @of_results
    def rule(d: Dossier) -> Finding:
        return ask(f"ready to be shared: {what}", *(file(name) for name in names))

    return rule
