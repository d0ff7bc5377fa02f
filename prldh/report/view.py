"""The view model: results arranged as the templates show them. Arranges and words, computes no statistic."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from prldh.core import (
    ALL_THAT_IS_FITTED,
    HELD_OUT,
    HOLDOUT,
    OPTIMISM_FROM_SELECTION,
    REPEATED_HOLDOUT,
    SCOPE_WORDS,
    is_groups,
    listed,
    plain,
)
from prldh.pages import level_of, typeset, typeset_within
from prldh.report.added_value import added_value_view
from prldh.report.answer import answer_view, label
from prldh.report.drawing import slug
from prldh.report.figure_plan import MOST_PANELS, lead_scheme
from prldh.report.groups import group_tables
from prldh.report.merged_terms import adjusted_for, merged_terms
from prldh.report.seen import seen_in_figures
from prldh.report.subgroups import subgroups_view
from prldh.report.tabs import KINDS, kinds_of, tabs_of, views_of
from prldh.report.ways import ways_view
from prldh.results import (
    ARTEFACT,
    BRIER,
    BY_KEY,
    CLASSIFIED,
    CORRECTED,
    FLOOR,
    LINE,
    MEASURES,
    Variables,
    Words,
    by_honesty,
    compares_artefacts,
    computed_once,
    cost_of_leakage,
    has_own_patients,
    has_two_stage_interval,
    is_artefact,
    is_bootstrap,
    is_chosen,
    is_clustered,
    judged,
    labelled,
    largest_difference,
    leading_key,
    of_table,
    plan_in_words,
    refitted_alone,
    selects,
    size_in_words,
    steps_of,
    unknown_leakage,
    unknown_leakage_of_all,
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
#: Where a variable is summarised by its median and tested by its mean.
MEANS_TESTED = (
    "The test beside a median compares means all the same, as table_one.continuous is set; wilcoxon there compares"
    " ranks."
)
ROWS_SHOWN = 400
#: Rows of a table that stand open where it is not its section's first view; longer ones fold.
ROWS_OPEN = 24
#: Features of a Radscore that a table and its formula list.
FEATURES_SHOWN = 50
#: Tables of each model that a page holds one by one; those of more are in CSV alone.
MODELS_SHOWN = 12
#: Warnings of a stage that stand open; more are folded.
WARNINGS_OPEN = 3


def summary_rule(data: dict[str, Any]) -> str:
    """How Table 1 summarises what is continuous, and that a test beside it is of another kind."""
    chosen = data["study"]["settings"].get("table_one", {})
    rule = SUMMARY_RULES[chosen.get("summary", "by_normality")]
    is_mixed = any(v.get("summary") == "median" and v["test"] in ("t", "welch") for v in data["table_one"])
    return f"{rule} {MEANS_TESTED}" if is_mixed and chosen.get("p_values", True) else rule


def make_view(data: dict[str, Any], words: Words, figures: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Everything that the templates need beside the results themselves."""
    level, merged = level_of(data), merged_terms(data, words.variables)
    panels = {name: figure for name, figure in figures.items() if figure.get("is_panel")}
    figures = {name: figure for name, figure in figures.items() if name not in panels}
    return {
        "figures": {
            name: {**figure, **{key: typeset_within(figure[key]) for key in ("title", "description")}}
            for name, figure in figures.items()
        },
        "panels": panels,
        "seen": {
            name: typeset_within(figures[name].get("seen") or seen)
            for name, seen in seen_in_figures(data, words, figures).items()
        },
        "measures": BY_KEY,
        "is_fitted_in_sample": data["study"]["settings"].get("second_stage") in (None, "in_sample"),
        **_features_of_scores(data),
        "ways": ways_view(data, words),
        "subgroups": subgroups_view(data, words),
        "classified": CLASSIFIED,
        "brier": of_table(BRIER),
        "tests": TESTS,
        "kind_tabs": kinds_of(data),
        "views": views_of(data),
        "tissue_tabs": list(tabs_of(list(data["tissues"])).values()),
        "held_bands": _held_bands(data, figures),
        "optimism": OPTIMISM_FROM_SELECTION,
        "interaction_tabs": [t for t in KINDS if (data["interaction"] or {}).get(t.kind)],
        "nomogram_tabs": [t for t in KINDS if f"nomogram_{t.kind}" in figures],
        "warnings_open": WARNINGS_OPEN,
        "leading_line": sorted(of_table(LINE), key=lambda measure: measure.key != "slope"),
        "answer": answer_view(data, words),
        "ci": f"{level}% CI",
        "comparisons": by_scope(data["comparisons"], words),
        "merged": merged,
        "adjusted_for": adjusted_for(merged),
        "added_value": added_value_view(data, words),
        "reclassification": by_scope(data.get("reclassification", []), words),
        "validation": _validation(data),
        "unknown_leakage": unknown_leakage_of_all(data),
        "is_selected": any(selects(data, m) for m in data["models"]),
        "is_priced": any(row["difference"] is not None for row in _validation(data)),
        "is_artefact": is_artefact,
        "compares_artefacts": partial(compares_artefacts, data),
        "has_compared_artefacts": any(compares_artefacts(data, c) for c in data["comparisons"]),
        "has_added_artefacts": any(
            compares_artefacts(data, c) for c in (data.get("clinical_model") or {}).get("added_value", ())
        ),
        "has_artefacts": any(
            is_artefact(m["validation"][scope][s]) for m in data["models"] for scope, s in by_honesty(m["validation"])
        ),
        "artefact": ARTEFACT,
        "held_out_rows": _held_out_rows(data),
        "note_on_intervals": note_on_intervals(data),
        "pooled_title": pooled_title(data),
        "has_repeats": _has_repeats(data),
        "scopes": {scope for m in data["models"] for scope, _ in by_honesty(m["validation"])},
        "group_tables": group_tables(data, words),
        "bootstrap_rows": _bootstrap_rows(data),
        "has_two_stage": has_two_stage_interval(data),
        "null_rows": _null_rows(data),
        "ledger": _ledger(data, words),
        **_calibration_rows(data, words),
        "nested": [c for c in data["comparisons"] if (c.get("likelihood_ratio") or {}).get("p") is not None],
        "curves": partial(_curves, words),
        "missing": _missing(data, words.variables),
        "missing_shares": {
            v["name"]: v["n_missing"] / data["cohort"]["n"] for v in (data.get("missing") or {}).get("variables", [])
        },
        "summary_rule": summary_rule(data),
        "rows_open": ROWS_OPEN,
        "size": partial(size_in_words, data),
        "has_own_patients": has_own_patients(data),
        "non_events": data["cohort"]["n"] - data["cohort"]["events"],
        "warnings": _warnings([*data["warnings"], *map(asdict, words.warnings)], labelled(data)),
        "refitted_alone": refitted_alone(data["models"]),
        "fitted_in_table_one": _fitted_in_table_one(data),
        "agreement": _agreement(data),
        "tissue_figures": {name: _figures_of(name, figures) for name in data["tissues"]},
        "waterfalls": {name: f"scores_{slug(name)}" for name in data["tissues"] if f"scores_{slug(name)}" in figures},
        "stability": {
            name: _stability(data, t["selection"]["stability"]) for name, t in data["tissues"].items() if t["selection"]
        },
        "remarks": words.remarks,
        "explanations": "; ".join(
            dict.fromkeys(
                told for _, name, _ in steps_of(data["study"]["settings"]) if (told := words.step(name).explanation)
            )
        ),
        "notes_on_alternatives": {
            name: [
                note
                for step in dict.fromkeys(s["step"] for s in t["selection"].get("sensitivity", ()))
                if (note := words.step(step).note_on_alternatives)
            ]
            for name, t in data["tissues"].items()
            if t["selection"]
        },
        "formulas": {name: _formula(t, words) for name, t in data["tissues"].items() if t["radscore"]},
        "references": [_references(m["terms"], data, words.variables) for m in data["models"]],
        "nomograms": [name for name in figures if name.startswith("nomogram_")],
        "curve_points": [round(0.05 * k, 2) for k in range(1, 20)],
        "plan": plan_in_words(data["plan"]) if "plan" in data else "",
        "is_synthetic": data["study"]["title"].lower().startswith("synthetic"),
        "rows_shown": ROWS_SHOWN,
        "models_shown": MODELS_SHOWN,
    }


def _fitted_in_table_one(data: dict[str, Any]) -> str:
    """What of Table 1 was fitted to the patients that it describes; a score that was given is not said to be."""
    fitted = [name for name, tissue in data["tissues"].items() if tissue["selection"]]
    given = [name for name in data["tissues"] if name not in fitted]
    if not data["table_one"] or not fitted:
        return ""
    beside = ""
    if given:
        beside = f" How the {'score' if len(given) == 1 else 'scores'} {listed(given)} came about is not known here."
    groups = any(is_groups(row["variable"]) for row in data["table_one"])
    if len(fitted) == 1 and not groups:
        return (
            f"The Radscore of {fitted[0]} was fitted to these patients: it differs between outcomes by construction,"
            f" and its p is too small.{beside}"
        )
    whose = f"Radscores of {listed(fitted)}" if given else "Radscores"
    cutoffs = (" and the cutoffs of groups" if given else " and the cutoffs of their groups") * groups
    return (
        f"{whose}{cutoffs} were fitted to these patients: they differ between outcomes by construction, and their p is"
        f" too small.{beside}"
    )


def _formula(tissue: dict[str, Any], words: Words) -> str:
    """``Radscore = −1.234 + 0.456 × f(feature) …``; the table beneath has centres, scales and more digits."""
    score = tissue["radscore"]
    if score.get("reason"):
        made = words.learner_label(score["method"])
        return f"The Radscore was made by {made}; {score['reason'].replace(': ', ' and ')}."
    kept = ""
    if ends := score.get("reach"):
        low, high = (typeset(plain(end, 4)) for end in ends)
        if low != high:  # of a score that is not the same for everyone
            kept = f"; below {low} or above {high} it is taken for that end, which nobody here reaches"
    if len(score["coefficients"]) > FEATURES_SHOWN:
        return (
            f"Radscore = {typeset(plain(score['intercept'], 4))} + Σ coefficient × z(feature) over"
            f" {len(score['coefficients'])} features, where z(feature) = (value − centre) / scale{kept}"
        )
    parts = [
        f"{'−' if b < 0 else '+'} {typeset(plain(abs(b), 4))} × z({feature})"
        for feature, b in score["coefficients"].items()
    ]
    return (
        f"Radscore = {typeset(plain(score['intercept'], 4))} {' '.join(parts)}, where z(feature) = (value − centre) /"
        f" scale{kept}"
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


def _references(terms: list[dict[str, Any]], data: dict[str, Any], variables: Variables) -> str:
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
    return "; ".join(
        f"{variables.label(variable)}, {level}" for variable, level in references.items() if level is not None
    )


def by_scope(rows: list[dict[str, Any]], words: Words) -> list[tuple[str, list[dict[str, Any]]]]:
    """What was found on held-out predictions, scope pipeline first, and the apparent."""
    held = [
        (f"On held-out predictions, {words.scope(scope)}", [r for r in rows if r["scope"] == scope])
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
                    "is_adjusted": m["adjusted"],
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


def _held_bands(data: dict[str, Any], figures: dict[str, Any]) -> list[str]:
    """The kinds of models whose ROC curves with bands are of held-out predictions."""
    kinds = []
    for tab in kinds_of(data):
        own = [m for m in data["models"] if m["adjusted"] == tab.is_adjusted][:MOST_PANELS]
        held = lead_scheme(own)
        if held and f"roc_bands_{tab.kind}" in figures:
            kinds += [tab.kind] * all("roc" in m["validation"][held[0]][held[1]] for m in own)
    return kinds


def _each_scheme(data: dict[str, Any], is_wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    return [
        {
            "label": label(data, m),
            "is_adjusted": m["adjusted"],
            "scope": scope,
            "scheme": scheme,
            "entry": entry,
            "lead": entry.get(leading_key(entry) or ""),
        }
        for m in data["models"]
        for scope in ("pipeline", "model")
        for scheme, entry in m["validation"].get(scope, {}).items()
        if is_wanted(entry)
    ]


def _held_out_rows(data: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Held-out entries by scope, scope pipeline first."""
    rows = _each_scheme(data, lambda entry: "n_repeats" in entry)
    return [(scope, own) for scope in ("pipeline", "model") if (own := [r for r in rows if r["scope"] == scope])]


def _has_repeats(data: dict[str, Any]) -> bool:
    """Whether any held-out number is a mean over repeats."""
    return bool(_each_scheme(data, lambda entry: entry.get("n_repeats", 1) > 1))


def pooled_title(data: dict[str, Any]) -> str:
    """What the AUC of an entry is, beside the mean of folds."""
    names = {HELD_OUT: "pooled", HOLDOUT: "of the part held out", REPEATED_HOLDOUT: "mean over splits"}
    ran = {row["scheme"] for row in _each_scheme(data, lambda entry: "n_repeats" in entry)}
    kinds = {data["study"]["schemes"][scheme]["kind"] for scheme in ran}
    return f"AUC, {' or '.join(name for kind, name in names.items() if kind in kinds)}"


def note_on_intervals(data: dict[str, Any]) -> str:
    """What intervals the held-out AUCs have, of those that the run has."""
    kinds, rows = data["study"]["schemes"], _each_scheme(data, lambda entry: "n_repeats" in entry)
    pooled = [row["entry"] for row in rows if kinds[row["scheme"]]["kind"] != REPEATED_HOLDOUT]
    has_mean = any((entry.get("auc_mean") or {}).get("estimate") is not None for entry in pooled)
    sentences = []
    if pooled:
        of_mean = (
            "; the mean of folds has none then"
            if is_clustered(data)
            else "; that of the mean of folds is of its logit, by DeLong's variances within folds, and is left out"
            " where simulations show that it would hold too seldom"
        )
        own = "Obuchowski's for rows clustered in patients" if is_clustered(data) else "DeLong's"
        sentences.append(
            f"The interval of the pooled AUC is {own}, conditional on the fitted models{of_mean * has_mean}."
        )
        if any(entry["n_repeats"] > 1 for entry in pooled):
            means = "both are means" if has_mean else "it is a mean"
            sentences.append(f"Over repeats {means}, no narrower for being several.")
    if len(pooled) < len(rows):
        sentences.append(
            "Where each repeat holds other patients out, the AUC is the mean over repeats, with Nadeau and Bengio's"
            " corrected interval on the logit scale, left out where simulations do not show that it holds."
        )
    return " ".join(sentences)


def _calibration_rows(data: dict[str, Any], words: Words) -> dict[str, list[dict[str, Any]]]:
    """Held-out calibration of the more honest scope and the apparent one, model by model; the other scope apart."""
    rows: list[dict[str, Any]] = []
    more: list[dict[str, Any]] = []
    for m in data["models"]:
        scopes = [scope for scope in ("pipeline", "model") if scope in m["validation"]]
        for k, scope in enumerate(scopes):
            for scheme, entry in m["validation"][scope].items():
                if "calibration" in entry:
                    of = words.scheme(scheme).label + ("" if scope == "pipeline" else f", {words.scope(scope)}")
                    (more if k else rows).append(
                        {
                            "label": label(data, m),
                            "is_adjusted": m["adjusted"],
                            "is_held": True,
                            "of": of,
                            "calibration": entry["calibration"],
                            "hosmer_lemeshow": entry.get("hosmer_lemeshow"),
                        }
                    )
        rows.append(
            {
                "label": label(data, m),
                "is_adjusted": m["adjusted"],
                "is_held": False,
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
                {
                    "text": f"{words.scope(scope).capitalize()}, {words.scheme(scheme).label}: {n:,} fits; {leakage}.",
                    "is_leak": bool(leaks),
                }
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
    return [
        {**row, "measure": m.name, "noise": m.noise, "estimates": row["entry"][m.key]}
        for row in rows
        for m in CORRECTED
    ]


def _curves(words: Words, model: dict[str, Any]) -> list[tuple[str, list, list | None, bool]]:
    """A model's decision curves, the held-out ones first: what they are of, the curve, the clinical
    impact, and whether they are of held-out predictions."""
    entries = [
        *(
            (words.held_out(scope, scheme), entry)
            for scope in ("pipeline", "model")
            for scheme, entry in model["validation"].get(scope, {}).items()
            if "decision_curve" in entry
        ),
        ("apparent", model),
    ]
    elsewhere = [
        (f"at the other prevalence, {title}", entry["decision_curve_at_prevalence"], None, entry is not model)
        for title, entry in entries
        if "decision_curve_at_prevalence" in entry
    ]
    own = [(title, e["decision_curve"], e.get("clinical_impact"), e is not model) for title, e in entries]
    return [*own, *elsewhere]


def _missing(data: dict[str, Any], variables: Variables) -> list[dict[str, Any]]:
    """Models with imputed covariates: fraction of missing information of the AUC, and of the term that has most."""
    rows = []
    for m in data["models"]:
        terms = [t for t in m["terms"] if t.get("fmi") is not None]
        if terms:
            most = max(terms, key=lambda t: t["fmi"])
            fmi = m["auc"].get("fmi")
            rows.append({"label": label(data, m), "auc": fmi, "largest": most["fmi"], "term": variables.term(most)})
    return rows


#: Stages whose warnings are for those who want to know how a number came about, and their titles.
TITLES = {"engine r": "Engine R", "engine python": "Engine Python", "null values": "Numbers without a value"}
_SCOPE = "|".join(map(re.escape, (*SCOPE_WORDS.values(), ALL_THAT_IS_FITTED)))
_OF = re.compile(rf"(model '.*?'(?:, adjusted)?(?:, (?:scope \w+|{_SCOPE}))?(?:, [\w-]+)?): (.+)", re.DOTALL)


def _warnings(warnings: list[dict[str, str]], told: Callable[[str], str] = str) -> dict[str, Any]:
    """By stage, those of the engines and of absent numbers apart; what is said alike of several models once, with the
    models in ``of``."""
    stages: dict[str, dict[str, list[str]]] = {}
    for warning in warnings:
        message = typeset_within(told(warning["message"]))
        message = message.replace("(+infinity)", "(+∞)").replace("(-infinity)", "(−∞)")
        match = _OF.fullmatch(message)
        of, text = match.groups() if match else ("", message)
        stages.setdefault(warning["stage"], {}).setdefault(text, []).extend([of] * bool(of))
    shown = {
        stage: [{"text": text[:1].upper() + text[1:] if of else text, "of": of} for text, of in models_of.items()]
        for stage, models_of in stages.items()
    }
    titled = [
        (
            stage,
            TITLES.get(stage) or f"{stage[:1].upper()}{stage[1:]}",
            entries,
        )
        for stage, entries in shown.items()
    ]
    technical = [(title, entries) for stage, title, entries in titled if stage in TITLES]
    return {
        "main": [(title, entries) for stage, title, entries in titled if stage not in TITLES],
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
