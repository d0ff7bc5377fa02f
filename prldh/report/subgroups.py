"""What the page shows of subgroups."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prldh.core import plain
from prldh.pages import interval_text, isolated, level_of, p_text, typeset
from prldh.report.drawing import slug
from prldh.report.subgroup_drawings import SubgroupPanel
from prldh.results import Words

#: Panels of a forest plot that fit a page; models beyond these are in the tables.
MOST_MODELS = 3


def subgroups_view(data: Mapping[str, Any], words: Words) -> list[dict[str, Any]]:
    """A column each: its name, of which predictions, rows of the table and a sentence a model on how levels differ."""
    figures = subgroup_figures(data)
    return [
        {
            "column": column,
            "figure": figures[column],
            "of": words.held_out(entry["scope"], entry["scheme"]),
            "rows": list(_rows(entry)),
            "notes": _notes(entry["heterogeneity"]),
            "reasons": _reasons(entry),
        }
        for column, entry in (data.get("subgroups") or {}).items()
    ]


def subgroup_figures(data: Mapping[str, Any]) -> dict[str, str]:
    """The name of the figure of every column; numbered where two would have one name."""
    names: dict[str, str] = {}
    for k, column in enumerate(data.get("subgroups") or {}, 1):
        name = f"subgroups_{slug(column)}"
        names[column] = f"{name}_{k}" if name in names.values() else name
    return names


def _rows(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for level in entry["levels"]:
        for k, model in enumerate(level["models"]):
            yield {
                "level": name_of_level(level),
                "n_rows": len(level["models"]) if not k else 0,
                "model": _label(model),
                **{key: model[key] for key in ("n", "events", "auc", "slope", "citl")},
            }


def _label(model: Mapping[str, Any]) -> str:
    return f"{model['name']}{', adjusted' * model['adjusted']}"


def name_of_level(level: Mapping[str, Any]) -> str:
    """A level as tables show it."""
    return "(blank)" if level["is_blank"] else level["level"]


def _notes(compared: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence a model on how levels differ; models of which the same is said share one."""
    of: dict[str, list[str]] = {}
    for each in compared:
        of.setdefault(_note(each), []).append(_label(each))
    return [f"{'; '.join(names)}: {note}" for note, names in of.items()]


def _note(each: Mapping[str, Any]) -> str:
    """How far a model's AUC differs between levels."""
    left = each["left_out"]
    out = f" Left out (one class, no variance, or an AUC of 0 or 1): {', '.join(left)}." if left else ""
    if each["q"] is None:
        return f"not compared, as {each['reason']}.{out}"
    return (
        f"Cochran's Q {plain(each['q'], 2)} on {each['df']:.0f} df, p {p_text(each['p'])};"
        f" τ² {typeset(plain(each['tau2']))}, I² {100 * (each['i2'] or 0.0):.0f}%, of the logit AUCs of"
        f" {each['n_levels']} levels.{out}"
    )


def _reasons(entry: Mapping[str, Any]) -> list[str]:
    """Why numbers are missing, with the levels that it concerns."""
    by_reason: dict[str, list[str]] = {}
    for level in entry["levels"]:
        for model in level["models"]:
            for key in ("auc", "slope", "citl"):
                if model[key].get("reason"):
                    by_reason.setdefault(model[key]["reason"], []).append(name_of_level(level))
    return [f"{', '.join(dict.fromkeys(levels))}: {reason}." for reason, levels in by_reason.items()]


def subgroup_panels(data: Mapping[str, Any], column: str) -> tuple[list[str], list[SubgroupPanel], str]:
    """What the forest plot of a column shows, the unadjusted models first, and the same in words."""
    entry = data["subgroups"][column]
    levels = [level for level in entry["levels"] if not level["is_blank"]]
    named = [f"{level['level']}\n{level['events']}/{level['n']} events" for level in levels]
    everyone = {
        (m["name"], m["adjusted"]): (m["validation"].get(entry["scope"], {}).get(entry["scheme"]) or {}).get("auc")
        for m in data["models"]
    }
    panels = []
    order = sorted(range(len(levels[0]["models"])), key=lambda i: levels[0]["models"][i]["adjusted"])
    for i in order[:MOST_MODELS]:
        model = levels[0]["models"][i]
        area = everyone.get((model["name"], model["adjusted"])) or {}
        panels.append(SubgroupPanel(_label(model), area.get("estimate"), [e["models"][i]["auc"] for e in levels]))
    told = "; ".join(
        f"{isolated(panel.name)}: "
        + ", ".join(
            f"{isolated(e['level'])} {interval_text(dict(a))}" for e, a in zip(levels, panel.areas, strict=True)
        )
        for panel in panels
    )
    return named, panels, f"Intervals of {level_of(dict(data))}%. {told}."
