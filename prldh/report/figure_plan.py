"""Which figures the results allow, with their titles and descriptions. Drawn in ``model_drawings.py`` and
``tissue_drawings.py``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from matplotlib.figure import Figure

from prldh.pages import interval_text, level_of, plain, step_words, words
from prldh.report.model_drawings import (
    draw_avoided,
    draw_calibration,
    draw_decision,
    draw_differences,
    draw_forest,
    draw_impact,
    draw_nomogram,
    draw_partial,
    draw_roc,
    draw_roc_bands,
    draw_stratified_roc,
)
from prldh.report.tissue_drawings import (
    draw_agreement,
    draw_correlation,
    draw_flow,
    draw_funnel,
    draw_lasso,
    draw_size_curve,
    draw_stability,
    draw_waterfall,
)
from prldh.results import by_honesty, honest_auc, make_nomogram

#: Panels, one a model, that fit a page; of more models the first are drawn.
MOST_PANELS = 9


@dataclass(frozen=True)
class Drawing:
    """A figure to be drawn: its file name, title, a description for those who do not see it, and how. ``is_panel``:
    several figures of the report on one page of a journal; a file beside the report, not shown in it."""

    name: str
    title: str
    description: str
    draw: Callable[[], Figure]
    is_wide: bool = False
    is_panel: bool = False


def describe_flow(data: dict[str, Any], most: int = 8) -> dict[str, Any]:
    """Counts of the flow diagram; the reasons of those left out, the most frequent first."""
    cohort = data["cohort"]
    counts: dict[str, int] = {}
    for entry in cohort["excluded"]:
        counts[entry["reason"]] = counts.get(entry["reason"], 0) + 1
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    if len(ranked) > most:
        ranked = [*ranked[: most - 1], ("other reasons", sum(n for _, n in ranked[most - 1 :]))]
    return {
        "n_read": cohort["n_read"],
        "n": cohort["n"],
        "events": cohort["events"],
        "n_excluded": len(cohort["excluded"]),
        "reasons": ranked,
        "event": f"{cohort['outcome']} = {cohort['event']}",
        "non_event": f"{cohort['outcome']} = {cohort['non_event']}",
    }


def plan_figures(data: dict[str, Any]) -> list[Drawing]:
    """The figures that these results allow, in the report's order."""
    flow = describe_flow(data)
    found = [
        Drawing(
            "flow",
            "Flow of patients",
            f"{flow['n_read']} patients in the table, {flow['n_excluded']} left out, {flow['n']} analysed:"
            f" {flow['events']} with the event and {flow['n'] - flow['events']} without.",
            lambda: draw_flow(flow),
            is_wide=True,
        )
    ]
    found += [_agreement(name, t) for name, t in (data.get("images") or {}).items() if t["agreement"]]
    for name, tissue in data["tissues"].items():
        found += _tissue_figures(name, tissue)
    for adjusted in (False, True):
        models = [m for m in data["models"] if m["adjusted"] == adjusted]
        if models:
            found += _model_figures(
                models,
                "adjusted" if adjusted else "unadjusted",
                data.get("net_benefit_differences", []),
                level_of(data),
            )
    if data["interaction"]:
        entries = data["interaction"].get("stratified_roc")
        if entries:
            found.append(
                Drawing(
                    "stratified_roc",
                    "ROC curves within the other tissue's groups",
                    "Each Radscore's apparent ROC curve among patients high and low in the other.",
                    lambda: draw_stratified_roc(entries, f"{level_of(data)}% CI"),
                    is_wide=True,
                )
            )
        for kind in ("unadjusted", "adjusted"):
            rows = data["interaction"].get(kind)
            if rows:
                found.append(
                    Drawing(
                        f"interaction_{kind}",
                        f"Odds ratios of the groups, {kind}",
                        f"Forest plot of the four groups' odds ratios against {data['interaction']['reference']}:"
                        f" {_odds(rows)}.",
                        lambda r=rows: draw_forest(r),
                        is_wide=True,
                    )
                )
    return found + _nomograms(data)


def _nomograms(data: dict[str, Any]) -> list[Drawing]:
    """Of the model that did best, by its most honest AUC, among the unadjusted and among the adjusted ones."""
    found = []
    for adjusted in (False, True):
        charts = [(m, chart) for m in data["models"] if m["adjusted"] == adjusted and (chart := make_nomogram(m, data))]
        if charts:
            model, chart = max(
                charts, key=lambda item: (honest_auc(item[0]) or (None, None, item[0]["auc"]))[2]["estimate"] or 0.0
            )
            variables = ", ".join(a["variable"] for a in chart["axes"])
            found.append(
                Drawing(
                    f"nomogram_{'adjusted' if adjusted else 'unadjusted'}",
                    f"Nomogram of {model['name']}{', adjusted' if adjusted else ''}",
                    f"Scales of points of {variables}; the points are added, and the lowest scale turns their total,"
                    f" from 0 to {chart['most']}, into a probability.",
                    lambda c=chart: draw_nomogram(c),
                    is_wide=True,
                )
            )
    return found


def slug(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name)[:40]


def _agreement(name: str, images: dict[str, Any]) -> Drawing:
    words = (("dice", "Dice similarity coefficient"), ("hd95_mm", "95 % Hausdorff distance in mm"))
    told = "; ".join(
        f"{title}: median {plain(a['median'], 2)}, from {plain(a['min'], 2)} to {plain(a['max'], 2)}"
        for key, title in words
        if (a := images["agreement"].get(key))
    )
    return Drawing(
        f"agreement_{slug(name)}",
        f"{name}: agreement of the readers' masks",
        f"Each region's two masks compared, in ascending order. {told}.",
        lambda: draw_agreement(images["cases"], images["agreement"]),
        is_wide=True,
    )


def _tissue_figures(name: str, tissue: dict[str, Any]) -> list[Drawing]:
    stem = slug(name)
    found = [
        Drawing(
            f"scores_{stem}",
            f"{name}: Radscore by patient",
            f"Every patient's {name} Radscore in ascending order, coloured by outcome; bars start at the cutoff of"
            f" {plain(tissue['cutoff'])}.",
            lambda: draw_waterfall(tissue),
            is_wide=True,
        )
    ]
    if not tissue["selection"]:
        return found
    if tissue["selection"]["steps"]:
        found.append(
            Drawing(
                f"funnel_{stem}",
                f"{name}: features left after each step",
                "Bars: how many features each selection step left. " + _funnel_in_words(tissue["selection"]["steps"]),
                lambda: draw_funnel(tissue["selection"]["steps"]),
                is_wide=True,
            )
        )
    for step in tissue["selection"]["steps"]:
        details, source = step["details"], slug(step["source"])
        if step["name"] == "mrmr_forest" and details.get("curve"):
            found.append(
                Drawing(
                    f"forest_{stem}_{source}",
                    f"{name}, {step['source']}: random forest by number of features",
                    f"Mean AUC over inner folds by number of features in mRMR order; {details['chosen_size']} features"
                    " were chosen.",
                    lambda d=details: draw_size_curve(d["curve"], d["chosen_size"], "AUC in inner folds"),
                )
            )
        if step["name"] == "lasso_svm_rfe" and details.get("lasso"):
            found.append(
                Drawing(
                    f"lasso_{stem}_{source}",
                    f"{name}, {step['source']}: LASSO",
                    "Left: coefficients along lambda. Right: cross-validated deviance with its standard deviation; the"
                    f" dashed line is lambda.min, {plain(details['lasso']['lambda_min'], 4)}.",
                    lambda d=details: draw_lasso(d["lasso"]),
                    is_wide=True,
                )
            )
        if step["name"] == "lasso_svm_rfe" and details.get("svm_rfe"):
            found.append(
                Drawing(
                    f"svm_rfe_{stem}_{source}",
                    f"{name}, {step['source']}: SVM-RFE",
                    f"Accuracy in inner folds by number of features; {details['svm_rfe']['chosen_size']} features were"
                    " chosen.",
                    lambda d=details: draw_size_curve(
                        d["svm_rfe"], d["svm_rfe"]["chosen_size"], "accuracy in inner folds"
                    ),
                )
            )
    kept, r = tissue["selection"]["features"], tissue["selection"].get("correlation")
    if r and len(kept) > 1:
        highest = max(abs(v) for i, row in enumerate(r) for v in row[:i])
        found.append(
            Drawing(
                f"correlation_{stem}",
                f"{name}: correlation of the features that stayed",
                f"Heat map of Pearson's r between the {len(kept)} features of the Radscore on all patients; the highest"
                f" |r| of two is {plain(highest, 2)}.",
                lambda: draw_correlation(kept, r),
                is_wide=True,
            )
        )
    if tissue["selection"]["stability"]:
        found.append(
            Drawing(
                f"stability_{stem}",
                f"{name}: how often each feature was selected",
                "Share of resamples in which each feature was selected.",
                lambda: draw_stability(tissue["selection"]),
                is_wide=True,
            )
        )
    return found


def _model_figures(
    models: list[dict[str, Any]], kind: str, differences: list[dict[str, Any]], level: str
) -> list[Drawing]:
    held = lead_scheme(models)
    of = f"predictions of {words(held[1])}, scope {held[0]}" if held else ""
    shown = models[:MOST_PANELS]
    first = (
        f" The first {len(shown)} of {len(models)} models; the others are in the tables."
        if len(models) > len(shown)
        else ""
    )
    found = [
        Drawing(
            f"roc_{kind}",
            f"ROC curves, {kind}",
            "Apparent ROC curves of the models (solid or dashed), with the curve of held-out predictions of the whole"
            f" chain where there is one (dotted). Apparent AUCs: {_areas(models)}.",
            lambda: draw_roc(models, f"{level}% CI"),
        ),
        *_roc_bands(shown, kind, held, of, first, level),
        Drawing(
            f"partial_roc_{kind}",
            f"Partial ROC curves, {kind}",
            "The parts of the ROC curves at high sensitivity and at high specificity.",
            lambda: draw_partial(models),
            is_wide=True,
        ),
        Drawing(
            f"calibration_{kind}",
            f"Calibration, {kind}, apparent",
            f"Observed share of events by predicted probability with pointwise {level}% bands; the diagonal is perfect"
            " calibration." + first,
            lambda: draw_calibration([(m["name"], m["calibration"]) for m in shown]),
            is_wide=True,
        ),
        Drawing(
            f"decision_{kind}",
            f"Decision curves, {kind}, apparent",
            f"Net benefit by threshold probability, with treat-all and treat-none, and pointwise {level}% bands."
            + first,
            lambda: draw_decision([(m["name"], m["decision_curve"]) for m in shown]),
            is_wide=True,
        ),
        Drawing(
            f"avoided_{kind}",
            f"Net interventions avoided, {kind}",
            "Per 100 patients, by threshold probability, without letting more events go untreated than treating"
            " everyone." + first,
            lambda: draw_avoided(shown, held),
            is_wide=True,
        ),
        Drawing(
            f"impact_{kind}",
            f"Clinical impact, {kind}",
            f"Numbers per 1,000 patients called high risk, and events among them, by threshold, with pointwise {level}%"
            " bands." + first,
            lambda: draw_impact(shown),
            is_wide=True,
        ),
    ]
    if held:
        scope, scheme = held
        curves = [(m["name"], m["validation"][scope][scheme]) for m in shown]
        found.append(
            Drawing(
                f"decision_held_out_{kind}",
                f"Decision curves, {kind}, held out",
                f"Net benefit by threshold probability of {of}, with pointwise {level}% bands.{first}",
                lambda: draw_decision([(n, v["decision_curve"]) for n, v in curves]),
                is_wide=True,
            )
        )
        if all("calibration" in v for _, v in curves):
            found.append(
                Drawing(
                    f"calibration_held_out_{kind}",
                    f"Calibration, {kind}, held out",
                    f"Observed share of events by predicted probability with pointwise {level}% bands; {of}.{first}",
                    lambda: draw_calibration([(n, v["calibration"]) for n, v in curves]),
                    is_wide=True,
                )
            )
        own = [d for d in differences if d["adjusted"] == models[0]["adjusted"] and (d["scope"], d["scheme"]) == held]
        if own:
            first_ones = f" The first {MOST_PANELS} of {len(own)} pairs; the others are in the tables."
            found.append(
                Drawing(
                    f"difference_{kind}",
                    f"Differences of net benefit, {kind}",
                    "Net benefit of the first model less that of the second, by threshold probability, with pointwise"
                    f" {level}% bands;"
                    f" {of}.{first_ones if len(own) > MOST_PANELS else ''}",
                    lambda: draw_differences(own[:MOST_PANELS]),
                    is_wide=True,
                )
            )
    return found


def _roc_bands(
    models: list[dict[str, Any]], kind: str, held: tuple[str, str] | None, of: str, first: str, level: str
) -> list[Drawing]:
    """ROC curves with their bands, held out where there are such; of results of an earlier version there are none."""
    curves, said = [(m["name"], m["roc"]) for m in models], "apparent"
    if held and all("roc" in m["validation"][held[0]][held[1]] for m in models):
        curves, said = [(m["name"], m["validation"][held[0]][held[1]]["roc"]) for m in models], of
    if not all("sensitivity_low" in p for _, roc in curves for p in roc):
        return []
    about = (
        f"ROC curve of each model, {said}; the band holds the sensitivity's exact {level}% interval at each"
        f" threshold.{first}"
    )
    return [
        Drawing(
            f"roc_bands_{kind}",
            f"ROC curves with bands, {kind}",
            about,
            lambda: draw_roc_bands(curves),
            is_wide=len(models) > 1,
        )
    ]


def _areas(models: list[dict[str, Any]]) -> str:
    return "; ".join(f"{m['name']} {interval_text(m['auc'])}" for m in models[:8])


def _odds(rows: list[dict[str, Any]]) -> str:
    return "; ".join(
        f"{r['group']} {interval_text({'estimate': r['or'], 'low': r['low'], 'high': r['high']})}"
        for r in rows
        if not r["reference"]
    )


def _funnel_in_words(steps: list[dict[str, Any]]) -> str:
    """``features: 1223 read, 900 after icc, …``"""
    said = []
    for source in dict.fromkeys(s["source"] for s in steps):
        own = [s for s in steps if s["source"] == source]
        said.append(
            f"{source}: {own[0]['n_in']} read, "
            + ", ".join(f"{s['n_out']} after {step_words(s['name'], is_short=True)}" for s in own)
            + "."
        )
    return " ".join(said)


def lead_scheme(models: list[dict[str, Any]]) -> tuple[str, str] | None:
    """The most honest scope and scheme that every one of these models has."""
    return next(
        (
            pair
            for pair in by_honesty(models[0]["validation"] if models else {})
            if all(pair[1] in m["validation"].get(pair[0], {}) for m in models)
        ),
        None,
    )
