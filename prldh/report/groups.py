"""What the page shows of groups that were held out one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prldh.core import plain
from prldh.pages import interval_text, p_text
from prldh.report.subgroup_drawings import SubgroupPanel
from prldh.report.subgroups import MOST_MODELS
from prldh.results import Words, by_honesty


def group_tables(data: Mapping[str, Any], words: Words) -> list[dict[str, Any]]:
    """A table a model of the scope that leads: title, levels, all as one, and a note on how the groups differ."""
    return list(_tables(data, words))


def _tables(data: Mapping[str, Any], words: Words) -> Iterator[dict[str, Any]]:
    for model in data["models"]:
        ranked = by_honesty(model["validation"])
        for scope, scheme in ranked:
            entry = model["validation"][scope][scheme]
            if scope == ranked[0][0] and entry.get("groups"):
                kind = f"{model['name']}{', adjusted' * model['adjusted']}"
                pooled = entry["auc_groups"]
                yield {
                    "title": f"{kind}: each group held out, {words.held_out(scope, scheme)}",
                    "levels": entry["groups"],
                    "pooled": pooled,
                    "note": _note(pooled),
                }


def _note(pooled: Mapping[str, Any]) -> str:
    """How far the groups differ, and what a new one may have."""
    n, out = pooled["n_groups"], pooled["left_out"]
    sentences = [f"Groups as one: {pooled['method']}; {n} group{'s' * (n != 1)}."]
    if pooled["tau2"] is not None:
        sentences.append(
            f"Between groups: τ² {plain(pooled['tau2'])} on the logit scale, I² {100 * pooled['i2']:.0f}%, Cochran's Q"
            f" {plain(pooled['q'], 2)} (p {p_text(pooled['q_p'])})."
        )
    if pooled["prediction_low"] is not None:
        ends = {"low": pooled["prediction_low"], "high": pooled["prediction_high"]}
        shown = interval_text({"estimate": pooled["estimate"], **ends}).split(" ", 1)[1]
        sentences.append(f"In a new group the AUC would lie within {shown}, by the prediction interval.")
    if pooled.get("reason"):
        sentences.append(f"{pooled['reason'][0].upper()}{pooled['reason'][1:]}.")
    if out:
        sentences.append(f"Left out, with one class, equal predictions, or an AUC of 0 or 1: {', '.join(out)}.")
    return " ".join(sentences)


def group_panels(data: Mapping[str, Any]) -> tuple[list[str], list[SubgroupPanel], str, str]:
    """What the forest plot of groups shows, the unadjusted models first, the same in words, and whose groups they are;
    nothing where no scheme goes by groups. Its rows are the first model's groups: a model that leads by other groups is
    in the tables alone."""
    shown: list[tuple[str, Mapping[str, Any]]] = []
    levels: list[str] = []
    column = ""
    for model in sorted(data["models"], key=lambda m: m["adjusted"]):
        ranked = by_honesty(model["validation"])
        for scope, scheme in ranked[:1]:
            entry = model["validation"][scope][scheme]
            groups = entry.get("groups") or []
            if groups and not shown:
                levels = [group["level"] for group in groups]
                settings = data["study"]["settings"]["validation"].get(scheme)
                column = settings.get("column", "") if isinstance(settings, Mapping) else ""
            if groups and [group["level"] for group in groups] == levels:
                shown.append((f"{model['name']}{', adjusted' * model['adjusted']}", entry))
    if not shown:
        return [], [], "", ""
    shown = shown[:MOST_MODELS]
    rows = [f"{g['level']}\n{g['events']}/{g['n']} events" for g in shown[0][1]["groups"]] + ["Groups as one"]
    panels = [
        SubgroupPanel(
            name, entry["auc_groups"]["estimate"], [*(g["auc"] for g in entry["groups"]), entry["auc_groups"]]
        )
        for name, entry in shown
    ]
    told = "; ".join(f"{name}: groups as one {interval_text(dict(entry['auc_groups']))}" for name, entry in shown)
    return rows, panels, f"{told}.", column
