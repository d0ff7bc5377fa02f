"""The view model: results arranged as the templates show them. Arranges and words, computes no statistic."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from prldh.core import plain
from prldh.pages import level_of, typeset
from prldh.report.added_value import added_value_view
from prldh.report.drawing import slug
from prldh.report.groups import group_tables
from prldh.report.seen import seen_in_figures
from prldh.report.subgroups import subgroups_view
from prldh.report.ways import ways_view, yardstick_sentences
from prldh.results import (
    ARTEFACT,
    BRIER,
    BY_KEY,
    CLASSIFIED,
    CORRECTED,
    FLOOR,
    LED_AS,
    LINE,
    MEASURES,
    NO_USABLE,
    Words,
    artefacts_in_words,
    by_honesty,
    compares_artefacts,
    computed_once,
    cost_of_leakage,
    has_own_patients,
    has_two_stage_interval,
    honest_auc,
    is_artefact,
    is_bootstrap,
    is_chosen,
    is_honest,
    judged,
    largest_difference,
    leading_key,
    of_table,
    plan_in_words,
    selects,
    size_in_words,
    unknown_leakage,
)

TESTS = {
    "t": "t test (pooled variance)",
    "welch": "Welch's t test",
    "wilcoxon": "Wilcoxon rank-sum test",
    "chi2": "χ² test",
    "fisher": "Fisher's exact test",
}
SUMMARY_RULES = {
    "by_normality": (
        "Mean ± SD where Shapiro and Wilk's test rejects normality in neither outcome (p at least 0.05, with 3 to 5,000"
        " patients in each), else median [quartiles]."
    ),
    "mean": "Mean ± SD.",
    "median": "Median [quartiles].",
}
ROWS_SHOWN = 400
#: Features of a Radscore that a table and its formula list.
FEATURES_SHOWN = 50
#: Tables of each model that a page holds one by one; those of more are in CSV alone.
MODELS_SHOWN = 12


def make_view(data: dict[str, Any], words: Words, figures: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Everything that the templates need beside the results themselves."""
    level = level_of(data)
    panels = {name: figure for name, figure in figures.items() if figure.get("is_panel")}
    figures = {name: figure for name, figure in figures.items() if name not in panels}
    kinds = [
        kind
        for kind, adjusted in (("unadjusted", False), ("adjusted", True))
        if any(m["adjusted"] == adjusted for m in data["models"])
    ]
    return {
        "figures": figures,
        "panels": panels,
        "seen": {
            name: figures[name].get("seen") or seen for name, seen in seen_in_figures(data, words, figures).items()
        },
        "measures": BY_KEY,
        "is_fitted_in_sample": data["study"]["settings"].get("second_stage") in (None, "in_sample"),
        **_features_of_scores(data),
        "ways": ways_view(data, words),
        "subgroups": subgroups_view(data, words),
        "classified": CLASSIFIED,
        "line": of_table(LINE),
        "brier": of_table(BRIER),
        "tests": TESTS,
        "kinds": kinds,
        "lead": _lead(data, level, words),
        "ci": f"{level}% CI",
        "comparisons": by_scope(data["comparisons"]),
        "added_value": added_value_view(data, words),
        "reclassification": by_scope(data.get("reclassification", [])),
        "validation": _validation(data),
        "unknown_leakage": list(dict.fromkeys(u for m in data["models"] if (u := unknown_leakage(data, m)))),
        "is_selected": any(selects(data, m) for m in data["models"]),
        "is_priced": any(row["difference"] is not None for row in _validation(data)),
        "is_artefact": is_artefact,
        "compares_artefacts": partial(compares_artefacts, data),
        "has_compared_artefacts": any(compares_artefacts(data, c) for c in data["comparisons"]),
        "has_artefacts": any(
            is_artefact(m["validation"][scope][s]) for m in data["models"] for scope, s in by_honesty(m["validation"])
        ),
        "artefact": ARTEFACT,
        "held_out_rows": _held_out_rows(data),
        "group_tables": group_tables(data, words),
        "bootstrap_rows": _bootstrap_rows(data),
        "has_two_stage": has_two_stage_interval(data),
        "null_rows": _null_rows(data),
        "ledger": _ledger(data, words),
        **_calibration_rows(data, words),
        "nested": [c for c in data["comparisons"] if (c.get("likelihood_ratio") or {}).get("p") is not None],
        "curves": partial(_curves, words),
        "missing": _missing(data),
        "missing_shares": {
            v["name"]: v["n_missing"] / data["cohort"]["n"] for v in (data.get("missing") or {}).get("variables", [])
        },
        "summary_rule": SUMMARY_RULES[data["study"]["settings"].get("table_one", {}).get("summary", "by_normality")],
        "size": partial(size_in_words, data),
        "has_own_patients": has_own_patients(data),
        "non_events": data["cohort"]["n"] - data["cohort"]["events"],
        "warnings": _warnings([*data["warnings"], *map(asdict, words.warnings)]),
        "is_fitted_in_table_one": bool(data["table_one"]) and any(t["selection"] for t in data["tissues"].values()),
        "agreement": _agreement(data),
        "tissue_figures": {name: _figures_of(name, figures) for name in data["tissues"]},
        "waterfalls": {name: f"scores_{slug(name)}" for name in data["tissues"] if f"scores_{slug(name)}" in figures},
        "stability": {
            name: _stability(data, t["selection"]["stability"]) for name, t in data["tissues"].items() if t["selection"]
        },
        "remarks": words.remarks,
        "explanations": "; ".join(step.explanation for step in words.steps.values() if step.explanation),
        "notes_on_alternatives": {
            name: [
                note
                for step in dict.fromkeys(s["step"] for s in t["selection"].get("sensitivity", ()))
                if (note := words.step(step).note_on_alternatives)
            ]
            for name, t in data["tissues"].items()
            if t["selection"]
        },
        "formulas": {name: _formula(t) for name, t in data["tissues"].items() if t["radscore"]},
        "references": [_references(m["terms"], data) for m in data["models"]],
        "nomograms": [name for name in figures if name.startswith("nomogram_")],
        "curve_points": [round(0.05 * k, 2) for k in range(1, 20)],
        "plan": plan_in_words(data["plan"]) if "plan" in data else "",
        "is_synthetic": data["study"]["title"].lower().startswith("synthetic"),
        "rows_shown": ROWS_SHOWN,
        "models_shown": MODELS_SHOWN,
    }


def _formula(tissue: dict[str, Any]) -> str:
    """``Radscore = −1.234 + 0.456 × f(feature) …``; the table beneath has centres, scales and more digits."""
    score = tissue["radscore"]
    if score.get("reason"):
        return f"The Radscore is a {score['method'].replace('_', ' ')}'s: {score['reason']}"
    if len(score["coefficients"]) > FEATURES_SHOWN:
        return (
            f"Radscore = {typeset(plain(score['intercept'], 4))} + Σ coefficient × z(feature) over"
            f" {len(score['coefficients'])} features, where z(feature) = (value − centre) / scale"
        )
    parts = [
        f"{'−' if b < 0 else '+'} {typeset(plain(abs(b), 4))} × z({feature})"
        for feature, b in score["coefficients"].items()
    ]
    return (
        f"Radscore = {typeset(plain(score['intercept'], 4))} {' '.join(parts)}, where z(feature) = (value − centre) /"
        " scale"
    )


def _features_of_scores(data: dict[str, Any]) -> dict[str, Any]:
    """By tissue: the features that the table of its Radscore lists, what they are worth in held-out patients, and in
    which scheme that was seen."""
    shown: dict[str, list[str]] = {}
    falls: dict[str, Any] = {}
    schemes: dict[str, str] = {}
    for name, t in data["tissues"].items():
        if not t["selection"]:
            continue
        by_scheme = t["radscore"].get("importance") or {}
        schemes[name] = next(iter(by_scheme), "")
        falls[name] = by_scheme.get(schemes[name])
        features = t["selection"]["features"]
        if len(features) > FEATURES_SHOWN:
            size = {f: abs(b or 0.0) for f, b in (t["radscore"]["coefficients"] or {}).items()}
            listed = list((falls[name] or {"features": {}})["features"])
            rest = sorted((f for f in features if f not in listed), key=lambda f: -size.get(f, 0.0))
            features = [*listed, *rest][:FEATURES_SHOWN]
        shown[name] = list(features)
    return {"features_shown": shown, "importance": falls, "importance_scheme": schemes}


def _figures_of(name: str, figures: dict[str, Any]) -> list[str]:
    """The figures of a tissue's selection, those of one kind together."""
    own = [figure for figure, about in figures.items() if about.get("tissue") == name]
    kinds = list(dict.fromkeys(figures[figure]["kind"] for figure in own))
    return sorted(own, key=lambda figure: kinds.index(figures[figure]["kind"]))


def _stability(data: dict[str, Any], schemes: dict[str, Any]) -> dict[str, Any]:
    """The model's features ranked by how often they were selected: in the bootstrap, or else in the first scheme."""
    known = {scheme: entry for scheme, entry in schemes.items() if "index" in entry}
    if not known:
        return {"schemes": {}, "rows": []}
    lead = next((scheme for scheme in known if is_bootstrap(data, scheme)), next(iter(known)))
    rows = []
    for feature in known[lead]["ranked"]:
        limits = [entry["intervals"][feature] for entry in known.values()]
        shares = [entry["frequency"].get(feature, 0.0) for entry in known.values()]
        rows.append(
            (
                feature,
                [
                    {"estimate": share, "low": low, "high": high}
                    for share, (low, high) in zip(shares, limits, strict=True)
                ],
            )
        )
    return {"schemes": known, "lead": lead, "rows": rows}


def label(data: dict[str, Any], entry: dict[str, Any]) -> str:
    """A model's name, that it is adjusted, and its patients where models have their own."""
    return entry["name"] + (", adjusted" if entry["adjusted"] else "") + size_in_words(data, entry)


def _references(terms: list[dict[str, Any]], data: dict[str, Any]) -> str:
    """``sex, female; grade, III``: the level of each factor of a model to which its odds ratios compare."""
    levels: dict[str, list[str]] = {}
    for term in terms:
        if term["level"] is not None:
            levels.setdefault(term["variable"], []).append(term["level"])
    known = {v["variable"]: [row["level"] for row in v["rows"]] for v in data["table_one"]}
    references = {
        variable: next((level for level in known.get(variable, []) if level not in own), None)
        for variable, own in levels.items()
    }
    return "; ".join(f"{variable}, {level}" for variable, level in references.items() if level is not None)


def _lead(data: dict[str, Any], level: str, words: Words) -> dict[str, list[str]]:
    """``sentences``: what was asked, what held-out patients answer, and what those that made the models would have
    said; ``notes`` on reading them."""
    cohort, models = data["cohort"], data["models"]
    share = 100 * cohort["events"] / cohort["n"]
    which = f"the model “{label(data, models[0])}” tells" if len(models) == 1 else f"{len(models)} models tell"
    asked = (
        f"What was asked: how well {which} patients with {cohort['outcome']} = {cohort['event']} ({cohort['events']} of"
        f" {cohort['n']}, {share:.1f} %) from those without."
    )
    ranked = [(leading, m) for m in models if (leading := honest_auc(m))]
    if not ranked:
        best = max(models, key=lambda m: m["auc"]["estimate"] or 0.0)
        return {
            "sentences": [
                asked,
                f"Of other patients nothing is known: {NO_USABLE}."
                if any(by_honesty(m["validation"]) for m in models)
                else "Of other patients nothing is known, as no validation was asked for.",
                (
                    f"In the patients to whom it was fitted, {_which(data, best)} has an AUC of"
                    f" {_with_interval(best['auc'], level)}, which is too high by construction."
                ),
            ],
            "notes": _artefacts(data),
        }
    (scope, scheme, auc), best = max(ranked, key=lambda item: item[0][2]["estimate"])
    is_all = is_honest(data, best, scope)
    # .632+ weighs what held-out patients give with what the model's own give
    is_weighed = leading_key(best["validation"][scope][scheme]) == "b632plus"
    where = "corrected for optimism" if is_weighed else "in patients held out from fitting"
    sentences = [
        asked,
        (
            f"{f'The honest answer: {where}' if is_all else where[0].upper() + where[1:]}"
            f" ({_how_held_out(data, scheme, words)}{_mean(best, scope, scheme)}, {_fitted_anew(data, best, scope)}),"
            f" {_which(data, best)} reaches an AUC of {_with_interval(auc, level)}, where 0.5 is chance and 1 is"
            f" perfect.{' ' * bool(unknown_leakage(data, best))}{unknown_leakage(data, best)}"
        ),
        _hopeful(data, best, scope, scheme, level),
    ]
    notes = []
    if auc.get("low") is not None and auc["low"] <= 0.5 <= auc["high"]:
        notes.append("The interval of this AUC includes 0.5: that the model tells nothing is not excluded.")
    if len(ranked) > 1:
        notes.append(
            "The best of several is chosen by looking, so even its held-out AUC is somewhat hopeful: read all rows of"
            " Table 3."
        )
    sentences += yardstick_sentences(data, words)[:1]  # of the scheme that leads; the others stand in their section
    return {"sentences": sentences, "notes": [*notes, *_never_selected(data, words), *_artefacts(data)]}


def _fitted_anew(data: dict[str, Any], model: dict[str, Any], scope: str) -> str:
    """What was: everything, where that is true."""
    what = "everything" if is_honest(data, model, scope) else "what this run makes"
    if scope != "pipeline" or (what != "everything" and not is_chosen(data, model)):
        return "the logistic model alone fitted anew each time"
    return f"{what} fitted anew each time{', selection included' if selects(data, model) else ''}"


def _mean(model: dict[str, Any], scope: str, scheme: str) -> str:
    return LED_AS.get(leading_key(model["validation"][scope][scheme]) or "", "")


def _artefacts(data: dict[str, Any]) -> list[str]:
    """A note on the pooled AUCs that are no result, one a model."""
    return [f"{label(data, m)}: {words}" for m in data["models"] if (words := artefacts_in_words(m))]


def _never_selected(data: dict[str, Any], words: Words) -> list[str]:
    """One sentence a tissue whose frozen Radscore has features that no resample of a scheme selected."""
    sentences = []
    for name, tissue in data["tissues"].items():
        own = tissue["selection"] or {}
        for scheme, entry in own.get("stability", {}).items():
            never = [feature for feature in own["features"] if feature not in entry["frequency"]]
            if never:
                sentences.append(
                    f"Of the frozen Radscore of “{name}” {len(never)} of {len(own['features'])} features"
                    f" ({', '.join(never)}) were selected in 0 of the {entry['n_resamples']} resamples"
                    f" ({words.scheme(scheme).label}): other patients would have given another Radscore."
                )
    return sentences


def _which(data: dict[str, Any], best: dict[str, Any]) -> str:
    return f"the best model, “{label(data, best)}”," if len(data["models"]) > 1 else "it"


def _with_interval(auc: dict[str, Any], level: str) -> str:
    if auc.get("low") is None or auc.get("high") is None:
        return f"{plain(auc['estimate'])} (no interval)"
    return f"{plain(auc['estimate'])} ({level}% CI {plain(auc['low'])} to {plain(auc['high'])})"


def _how_held_out(data: dict[str, Any], scheme: str, words: Words) -> str:
    own = words.scheme(scheme)
    n = data["study"].get("schemes", {}).get(scheme, {}).get("n_resamples", 0)
    return own.design or f"{own.label}, {n} fits"


def _hopeful(data: dict[str, Any], best: dict[str, Any], scope: str, scheme: str, level: str) -> str:
    """What the same model reaches where it, or its selection, has seen the patients."""
    seen = f"In the patients to whom it was fitted it reaches {_with_interval(best['auc'], level)}"
    leak = cost_of_leakage(data, best, scheme) if scope == "pipeline" else None
    if leak is None:
        return f"{seen}."
    kept, whole = (best["validation"][of][scheme]["auc"] for of in ("model", "pipeline"))
    cost = f"so that the cost of leakage is {typeset(plain(leak))}"
    if is_bootstrap(data, scheme):
        return (
            f"{seen}; corrected for optimism it is {_with_interval(whole, level)} with everything fitted anew and"
            f" {_with_interval(kept, level)} with the logistic model alone, {cost}."
        )
    return f"{seen}, and {_with_interval(kept, level)} where the logistic model alone is fitted anew each time, {cost}."


def by_scope(rows: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    """What was found on held-out predictions, scope pipeline first, and the apparent."""
    held = [
        (f"On held-out predictions, scope {scope}", [r for r in rows if r["scope"] == scope])
        for scope in ("pipeline", "model")
    ]
    groups = [*held, ("Apparent", [r for r in rows if r["scope"] is None])]
    return [
        (
            title + (f" (the first {ROWS_SHOWN} of {len(own)}; all are in tables/)" if len(own) > ROWS_SHOWN else ""),
            own[:ROWS_SHOWN],
        )
        for title, own in groups
    ]


def _validation(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Table 3: one row a model and scheme, apparent, scope model and scope pipeline side by side."""
    rows = []
    for m in data["models"]:
        scopes = [m["validation"].get(scope, {}) for scope in ("model", "pipeline")]
        for scheme in dict.fromkeys(s for schemes in scopes for s in schemes):
            model, pipeline = (schemes.get(scheme) for schemes in scopes)
            rows.append(
                {
                    "label": label(data, m),
                    "scheme": scheme,
                    "apparent": m["auc"],
                    "model": model,
                    "pipeline": pipeline,
                    "difference": cost_of_leakage(data, m, scheme),
                    "is_unknown": bool(unknown_leakage(data, m)),
                    "is_chosen": is_chosen(data, m),
                }
            )
    return rows


def _each_scheme(data: dict[str, Any], is_wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    return [
        {"label": label(data, m), "scope": scope, "scheme": scheme, "entry": entry}
        for m in data["models"]
        for scope in ("pipeline", "model")
        for scheme, entry in m["validation"].get(scope, {}).items()
        if is_wanted(entry)
    ]


def _held_out_rows(data: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Held-out entries by scope, scope pipeline first."""
    rows = _each_scheme(data, lambda entry: "n_repeats" in entry)
    return [(scope, own) for scope in ("pipeline", "model") if (own := [r for r in rows if r["scope"] == scope])]


def _calibration_rows(data: dict[str, Any], words: Words) -> dict[str, list[dict[str, Any]]]:
    """Held-out calibration of the more honest scope and the apparent one, model by model; the other scope apart."""
    rows: list[dict[str, Any]] = []
    more: list[dict[str, Any]] = []
    for m in data["models"]:
        scopes = [scope for scope in ("pipeline", "model") if scope in m["validation"]]
        for k, scope in enumerate(scopes):
            for scheme, entry in m["validation"][scope].items():
                if "calibration" in entry:
                    of = f"{words.scheme(scheme).label}, scope {scope}"
                    (more if k else rows).append(
                        {
                            "label": label(data, m),
                            "of": of,
                            "calibration": entry["calibration"],
                            "hosmer_lemeshow": entry.get("hosmer_lemeshow"),
                        }
                    )
        rows.append(
            {
                "label": label(data, m),
                "of": "apparent",
                "calibration": m["calibration"],
                "hosmer_lemeshow": m["hosmer_lemeshow"],
            }
        )
    return {"calibration_rows": rows, "calibration_more": more}


def _ledger(data: dict[str, Any], words: Words) -> list[dict[str, Any]]:
    """One sentence a scope and scheme: how many fits were handed no held-out row, or which were."""
    lines = []
    for scope, schemes in reversed(list(data.get("ledger", {}).items())):
        for scheme, rows in schemes.items():
            n, leaks = sum(r["n_fits"] for r in rows), [r for r in rows if r["n_held_out_rows_read"]]
            leakage = (
                "no held-out row was handed to any"
                if not leaks
                else "held-out rows were handed to fits of " + ", ".join(r["stage"] for r in leaks)
            )
            lines.append(
                {"text": f"Scope {scope}, {words.scheme(scheme).label}: {n:,} fits; {leakage}.", "is_leak": bool(leaks)}
            )
    return lines


def _null_rows(data: dict[str, Any]) -> list[dict[str, Any]]:
    rows = _each_scheme(data, lambda entry: "null" in entry)
    return [
        {**row, "null": null, "observed": row["entry"][null["measure"]]["estimate"]}
        for row in rows
        for null in [row["entry"]["null"]]
    ]


def _bootstrap_rows(data: dict[str, Any]) -> list[dict[str, Any]]:
    rows = _each_scheme(data, lambda entry: "oob" in entry["auc"])
    return [{**row, "measure": m.name, "estimates": row["entry"][m.key]} for row in rows for m in CORRECTED]


def _curves(words: Words, model: dict[str, Any]) -> list[tuple[str, list, list | None]]:
    """A model's decision curves, the held-out ones first: what they are of, the curve, and the clinical impact."""
    entries = [
        *(
            (f"{words.scheme(scheme).label}, scope {scope}", entry)
            for scope in ("pipeline", "model")
            for scheme, entry in model["validation"].get(scope, {}).items()
            if "decision_curve" in entry
        ),
        ("apparent", model),
    ]
    elsewhere = [
        (f"at the other prevalence, {title}", entry["decision_curve_at_prevalence"], None)
        for title, entry in entries
        if "decision_curve_at_prevalence" in entry
    ]
    return [*((title, entry["decision_curve"], entry.get("clinical_impact")) for title, entry in entries), *elsewhere]


def _missing(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Models with imputed covariates: fraction of missing information of the AUC, and of the term that has most."""
    rows = []
    for m in data["models"]:
        terms = [t for t in m["terms"] if t.get("fmi") is not None]
        if terms:
            most = max(terms, key=lambda t: t["fmi"])
            fmi = m["auc"].get("fmi")
            rows.append({"label": label(data, m), "auc": fmi, "largest": most["fmi"], "term": most["term"]})
    return rows


#: Stages whose warnings are for those who want to know how a number came about.
TECHNICAL = ("engine r", "engine python", "null values")
_OF = re.compile(r"(model '.*?'(?:, adjusted)?(?:, scope \w+)?(?:, [\w-]+)?): (.+)", re.DOTALL)


def _warnings(warnings: list[dict[str, str]]) -> dict[str, Any]:
    """By stage, those of the engines and of absent numbers apart; what is said alike of several models once, with the
    models in ``of``."""
    stages: dict[str, dict[str, list[str]]] = {}
    for warning in warnings:
        match = _OF.fullmatch(warning["message"])
        of, text = match.groups() if match else ("", warning["message"])
        stages.setdefault(warning["stage"], {}).setdefault(text, []).extend([of] * bool(of))
    shown = {
        stage: [{"text": text[:1].upper() + text[1:] if of else text, "of": of} for text, of in models_of.items()]
        for stage, models_of in stages.items()
    }
    titled = [
        (
            stage,
            f"{stage[:1].upper()}{stage[1:]}".replace("Engine r", "Engine R").replace("Engine python", "Engine Python"),
            entries,
        )
        for stage, entries in shown.items()
    ]
    technical = [(title, entries) for stage, title, entries in titled if stage in TECHNICAL]
    return {
        "main": [(title, entries) for stage, title, entries in titled if stage not in TECHNICAL],
        "technical": technical,
        "n_technical": sum(len(entries) for _, entries in technical),
    }


def _agreement(data: dict[str, Any]) -> dict[str, Any]:
    """The agreement table's rows, largest difference first, and how many more there are."""
    rows = data["agreement"]
    compared = [r for r in rows if r["difference"] is not None]
    ranked = sorted(rows, key=lambda row: -judged(row["r"], row["python"]))
    return {
        "n": len(rows),
        "n_compared": len(compared),
        "n_exact": sum(r["difference"] == 0 for r in compared),
        "largest": largest_difference(rows),
        "floor": FLOOR,
        "once": ", ".join(computed_once(MEASURES)),
        "rows": ranked[:ROWS_SHOWN],
        "n_more": max(0, len(ranked) - ROWS_SHOWN),
    }
