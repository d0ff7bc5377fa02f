"""Which figures the results allow, with their titles and descriptions. Those of tissues: ``tissue_plan.py``. Drawn in
``model_drawings.py`` and ``tissue_drawings.py``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import ceil
from typing import Any

from prldh.core import plain
from prldh.pages import interval_text, isolated, level_of
from prldh.report.answer_plan import plan_answer
from prldh.report.drawing import Drawing, slug, with_bands
from prldh.report.groups import group_panels
from prldh.report.model_drawings import (
    ALL_THRESHOLDS,
    Range,
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
from prldh.report.subgroup_drawings import draw_subgroups
from prldh.report.subgroups import subgroup_figures, subgroup_panels
from prldh.report.tissue_drawings import draw_agreement, draw_flow
from prldh.report.tissue_plan import plan_tissue_figures
from prldh.report.way_drawings import draw_ways
from prldh.report.ways import way_rows
from prldh.report.workflow import MOST_TISSUES, draw_workflow, study_stages, tissue_stages
from prldh.results import Words, by_honesty, honest_auc, make_nomogram, row_noun

#: Panels, one a model, that fit a page; of more models the first are drawn.
MOST_PANELS = 9


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


def plan_figures(data: dict[str, Any], words: Words) -> list[Drawing]:
    """The figures that these results allow, in the report's order."""
    flow = describe_flow(data)
    drawings = [
        *plan_answer(data, words),
        *_workflow(data, words),
        Drawing(
            "flow",
            "Flow of patients",
            f"{flow['n_read']} {row_noun(data)}s in the table, {flow['n_excluded']} left out, {flow['n']} analysed:"
            f" {flow['events']} with the event and {flow['n'] - flow['events']} without.",
            lambda: draw_flow(flow),
        ),
    ]
    drawings += [_agreement(name, t) for name, t in (data.get("images") or {}).items() if t["agreement"]]
    for name in data["tissues"]:
        drawings += plan_tissue_figures(name, data, words)
    for adjusted in (False, True):
        models = [m for m in data["models"] if m["adjusted"] == adjusted]
        if models:
            drawings += _model_figures(
                models,
                "adjusted" if adjusted else "unadjusted",
                data.get("net_benefit_differences", []),
                level_of(data),
                words,
                decision_range(data, models),
            )
    drawings += _ways(data, words)
    drawings += [*_groups(data, words), *_subgroups(data, words)]
    if data["interaction"]:
        entries = data["interaction"].get("stratified_roc")
        if entries:
            drawings.append(
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
                drawings.append(
                    Drawing(
                        f"interaction_{kind}",
                        f"Odds ratios of the groups, {kind}",
                        f"Forest plot of the four groups' odds ratios against {data['interaction']['reference']}:"
                        f" {_odds(rows)}.",
                        partial(draw_forest, rows),
                        is_wide=True,
                    )
                )
    return drawings + _nomograms(data)


def _workflow(data: dict[str, Any], words: Words) -> list[Drawing]:
    tissues = list(data["tissues"])
    shown = tissues[:MOST_TISSUES]
    more = f" The first {len(shown)} of {len(tissues)} tissues." if len(tissues) > len(shown) else ""
    shared, of = study_stages(data, words), {name: tissue_stages(name, data, words) for name in shown}
    told = [f"{stage}: {'; '.join(texts)}." for stage, texts in shared.items() if texts]
    told[1:1] = [
        f"{name}: {'; '.join(text for texts in stages.values() for text in texts)}." for name, stages in of.items()
    ]
    return [
        Drawing(
            "workflow",
            "The study's way",
            f"From patients to the report, a column a tissue; figures beside arrows count features.{more}",
            partial(draw_workflow, shared, list(of.values())),
            is_wide=True,
            seen=" ".join(told),
        )
    ]


def _ways(data: dict[str, Any], words: Words) -> list[Drawing]:
    """Ways from features to a score beside each other, where there are several."""
    ways = way_rows(data, words)
    if ways is None:
        return []
    scheme, rows = ways
    told = "; ".join(f"{isolated(row.name)} {interval_text(row.auc)}" for row in rows)
    return [
        Drawing(
            "ways",
            "Ways from features to a score",
            f"AUC (mean of folds), Brier score and calibration slope in {words.scheme(scheme).label}, each with its"
            f" {level_of(data)}% interval; filled: what this run takes. AUC: {told}.",
            partial(draw_ways, rows),
            is_wide=True,
        )
    ]


def _groups(data: dict[str, Any], words: Words) -> list[Drawing]:
    """A forest plot of groups that were held out one after the other, and of all as one."""
    levels, panels, told, column = group_panels(data)
    if not panels:
        return []
    what = "Forest plot of each model's AUC in every group that was held out, and of the groups as one (lowest)"
    draw = partial(draw_subgroups, levels, panels, words.variables(column), "groups as one")
    return [Drawing("groups", "AUC in each group held out", f"{what}. {told}", draw, is_wide=True)]


def _subgroups(data: dict[str, Any], words: Words) -> list[Drawing]:
    """A forest plot a column, where some level has an AUC."""
    drawings = []
    for column, name in subgroup_figures(data).items():
        levels, panels, told = subgroup_panels(data, column)
        if any(area["estimate"] is not None for panel in panels for area in panel.areas):
            drawings.append(
                Drawing(
                    name,
                    f"Held-out AUC by {words.variables.label(column)}",
                    f"Forest plot of each model's AUC in every level; broken line: of everyone. {told}",
                    partial(draw_subgroups, levels, panels, words.variables(column)),
                    is_wide=True,
                )
            )
    return drawings


def with_nomogram(data: dict[str, Any], is_adjusted: bool) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The model that did best, by its most honest AUC, among the unadjusted or the adjusted ones, and its nomogram;
    None where none has one."""
    charts = [(m, chart) for m in data["models"] if m["adjusted"] == is_adjusted and (chart := make_nomogram(m, data))]
    by_auc = ((honest_auc(model) or (None, None, model["auc"]))[2]["estimate"] or 0.0 for model, _ in charts)
    return max(zip(by_auc, charts, strict=True), key=lambda item: item[0])[1] if charts else None


def _nomograms(data: dict[str, Any]) -> list[Drawing]:
    drawings = []
    for adjusted in (False, True):
        found = with_nomogram(data, adjusted)
        if found:
            model, chart = found
            variables = ", ".join(a["label"] for a in chart["axes"])
            drawings.append(
                Drawing(
                    f"nomogram_{'adjusted' if adjusted else 'unadjusted'}",
                    f"Nomogram of {model['name']}{', adjusted' if adjusted else ''}",
                    f"Scales of points of {variables}; the points are added, and the lowest scale turns their total,"
                    f" from 0 to {chart['most']}, into a probability.",
                    partial(draw_nomogram, chart),
                    is_wide=True,
                )
            )
    return drawings


def _agreement(name: str, images: dict[str, Any]) -> Drawing:
    measures = (("dice", "Dice similarity coefficient"), ("hd95_mm", "95% Hausdorff distance in mm"))
    in_words = "; ".join(
        f"{title}: median {plain(a['median'], 2)}, from {plain(a['min'], 2)} to {plain(a['max'], 2)}"
        for key, title in measures
        if (a := images["agreement"].get(key))
    )
    return Drawing(
        f"agreement_{slug(name)}",
        f"{name}: agreement of the readers' masks",
        f"Each region's two masks compared, in ascending order. {in_words}.",
        lambda: draw_agreement(images["cases"], images["agreement"]),
        is_wide=True,
    )


def _model_figures(
    models: list[dict[str, Any]],
    kind: str,
    differences: list[dict[str, Any]],
    level: str,
    words: Words,
    within: Range,
) -> list[Drawing]:
    held = lead_scheme(models)
    lead = words.held_out(*held) if held else ""
    of = f"predictions of {lead}" if held else ""
    shown = models[:MOST_PANELS]
    first = (
        f" The first {len(shown)} of {len(models)} models; the others are in the tables."
        if len(models) > len(shown)
        else ""
    )
    drawings = [
        Drawing(
            f"roc_{kind}",
            f"ROC curves, {kind}",
            f"Apparent ROC curves of the models, with the curve of held-out predictions, {words.scope('pipeline')},"
            f" where there is one (dotted, hollow marks). Apparent AUCs: {_areas(models)}.{first}",
            lambda: draw_roc(shown, f"{level}% CI"),
        ),
        *_roc_bands(shown, kind, held, of, first, level),
        Drawing(
            f"partial_roc_{kind}",
            f"Partial ROC curves, {kind}",
            f"The parts of the ROC curves at high sensitivity and at high specificity.{first}",
            lambda: draw_partial(shown),
            is_wide=True,
        ),
        Drawing(
            f"calibration_{kind}",
            f"Calibration, {kind}, apparent",
            "Observed share of events by predicted probability"
            f"{with_bands((m['calibration']['curve'] for m in shown), level)}; the diagonal is perfect calibration."
            " Bars: patients by prediction, those with the event in colour." + first,
            lambda: draw_calibration([(m["name"], m["calibration"]) for m in shown]),
            is_wide=True,
        ),
        Drawing(
            f"decision_{kind}",
            f"Decision curves, {kind}, apparent",
            "Net benefit by threshold probability, beside treat-all and treat-none"
            f"{with_bands((m['decision_curve'] for m in shown), level)}." + first + _cut(within),
            lambda: draw_decision([(m["name"], m["decision_curve"]) for m in shown], within),
            is_wide=True,
        ),
        *_decision_elsewhere(shown, kind, first, level, within),
        Drawing(
            f"avoided_{kind}",
            f"Net interventions avoided, {kind}",
            "Per 100 patients, by threshold probability, without letting more events go untreated than treating"
            " everyone." + first + _cut(within),
            lambda: draw_avoided(shown, held, lead, within),
            is_wide=True,
        ),
        Drawing(
            f"impact_{kind}",
            f"Clinical impact, {kind}",
            "Numbers per 1,000 patients called high risk, and events among them, by threshold"
            f"{with_bands((m['clinical_impact'] for m in shown), level)}." + first + _cut(within),
            lambda: draw_impact(shown, within),
            is_wide=True,
        ),
    ]
    if held:
        scope, scheme = held
        curves = [(m["name"], m["validation"][scope][scheme]) for m in shown]
        drawings.append(
            Drawing(
                f"decision_held_out_{kind}",
                f"Decision curves, {kind}, held out",
                f"Net benefit by threshold probability of {of}"
                f"{with_bands((v['decision_curve'] for _, v in curves), level)}.{first}{_cut(within)}",
                lambda: draw_decision([(n, v["decision_curve"]) for n, v in curves], within),
                is_wide=True,
            )
        )
        if all("calibration" in v for _, v in curves):
            drawings.append(
                Drawing(
                    f"calibration_held_out_{kind}",
                    f"Calibration, {kind}, held out",
                    "Observed share of events by predicted probability"
                    f"{with_bands((v['calibration']['curve'] for _, v in curves), level)}; {of}."
                    f" Bars: patients by prediction, those with the event in colour.{first}",
                    lambda: draw_calibration([(n, v["calibration"]) for n, v in curves]),
                    is_wide=True,
                )
            )
        own = [d for d in differences if d["adjusted"] == models[0]["adjusted"] and (d["scope"], d["scheme"]) == held]
        if own:
            first_ones = f" The first {MOST_PANELS} of {len(own)} pairs; the others are in the tables."
            drawings.append(
                Drawing(
                    f"difference_{kind}",
                    f"Differences of net benefit, {kind}",
                    "Net benefit of the first model less that of the second, by threshold probability"
                    f"{with_bands((d['curve'] for d in own), level)};"
                    f" {of}.{first_ones if len(own) > MOST_PANELS else ''}",
                    lambda: draw_differences(own[:MOST_PANELS], within),
                    is_wide=True,
                )
            )
    return drawings


def _decision_elsewhere(shown: list[dict[str, Any]], kind: str, first: str, level: str, within: Range) -> list[Drawing]:
    """Decision curves at another prevalence, where the study names one."""
    curves = [(m["name"], m["decision_curve_at_prevalence"]) for m in shown if "decision_curve_at_prevalence" in m]
    if not curves:
        return []
    return [
        Drawing(
            f"decision_elsewhere_{kind}",
            f"Decision curves at another prevalence, {kind}, apparent",
            "Net benefit where another share of patients has the event"
            f"{with_bands((curve for _, curve in curves), level)}." + first,
            lambda: draw_decision(curves, within),
            is_wide=True,
        )
    ]


def _roc_bands(
    models: list[dict[str, Any]], kind: str, held: tuple[str, str] | None, of: str, first: str, level: str
) -> list[Drawing]:
    """ROC curves with their bands, held out where there are such; of results of an earlier version there are none."""
    curves, predictions = [(m["name"], m["roc"]) for m in models], "apparent"
    if held and all("roc" in m["validation"][held[0]][held[1]] for m in models):
        curves, predictions = [(m["name"], m["validation"][held[0]][held[1]]["roc"]) for m in models], of
    if not all("sensitivity_low" in p for _, roc in curves for p in roc):
        return []
    about = (
        f"ROC curve of each model, {predictions}; the band holds the sensitivity's exact {level}% interval at each"
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
    return "; ".join(f"{isolated(m['name'])} {interval_text(m['auc'])}" for m in models[:8])


def _odds(rows: list[dict[str, Any]]) -> str:
    return "; ".join(
        f"{isolated(r['group'])} {interval_text({'estimate': r['or'], 'low': r['low'], 'high': r['high']})}"
        for r in rows
        if not r["reference"]
    )


def _cut(within: Range) -> str:
    """That a curve goes on."""
    return (
        "" if within == ALL_THRESHOLDS else f" Thresholds from {within[0]:g} to {within[1]:g}; all are in results.json."
    )


def decision_range(data: Mapping[str, Any], models: list[dict[str, Any]]) -> Range:
    """The thresholds that figures of these models show: those of the study file, or from 0 to twice the share of events
    or to where one patient in a hundred is still above, whichever is more."""
    given = data["study"]["settings"].get("report", {}).get("decision_range")
    if given:
        return (given[0], given[1])
    held = lead_scheme(models) if all("validation" in m for m in models) else None
    entries = [*models, *(m["validation"][held[0]][held[1]] for m in models if held)]
    shares = [2 * m["events"] / m["n"] for m in models if m.get("n")] or [1.0]
    return (0.0, min(ceil(20 * max([*shares, *map(_reach, entries)]) - 1e-9) / 20, 1.0))


def _reach(entry: Mapping[str, Any]) -> float:
    """The threshold that at most one patient in a hundred is predicted to be above; where that is not known, the end
    of the highest predictions."""
    if entry.get("clinical_impact"):
        points = (p for p in entry["clinical_impact"] if p["high_risk"] is not None and p["high_risk"] <= 10)
        return next((float(p["threshold"]) for p in points), 1.0)
    bins = (entry.get("calibration") or {}).get("histogram") or []
    return max((float(b["high"]) for b in bins if b["event"] or b["nonevent"]), default=0.0)


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
