"""The figure of the first screen: the AUCs of a study's models on one axis. Draws what ``results.json`` holds, computes
nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from prldh.core import REFITTED, WHOLE, plain
from prldh.pages import FAINT, GUIDE, TWO_COLUMNS, axes_of, colour, interval_text, label, level_of, put_level
from prldh.report.drawing import Drawing
from prldh.report.ways import leading, yardstick_rows
from prldh.results import Words, by_honesty, leading_key

#: Models that the first screen holds; the others are in Table 3.
MOST_MODELS = 12
#: Where the marks of a row stand, from the upper to the lower one.
APPARENT_AT, REFITTED_AT, WHOLE_AT = -0.27, 0.0, 0.27
APPARENT, YARDSTICK, NULL, CHANCE = "apparent", "yardstick", "null band: outcome permuted", "chance"


class AnswerRow(NamedTuple):
    """A model's AUCs as {estimate, low, high}, None where it has none; ``null``: the band of permuted outcomes."""

    name: str
    apparent: Mapping[str, Any] | None = None
    refitted: Mapping[str, Any] | None = None
    whole: Mapping[str, Any] | None = None
    yardstick: Mapping[str, Any] | None = None
    null: Mapping[str, Any] | None = None


def plan_answer(data: dict[str, Any], words: Words) -> Drawing:
    """The first figure of the page, of any study."""
    rows, scheme = answer_rows(data, words)
    told = "; ".join(f"{row.name}: {_row_in_words(row)}" for row in rows)
    where = f" Held out: {words.scheme(scheme).label}." if scheme else " No model was validated."
    n = len(data["models"])
    first = f" The first {MOST_MODELS} of {n} models." if n > MOST_MODELS else ""
    return Drawing(
        "answer",
        "How well the models tell patients apart",
        f"AUC of each model with its {level_of(data)}% interval; the broken line is chance.{where}{first}",
        partial(draw_answer, rows),
        is_wide=True,
        seen=f"{told}.",
    )


def answer_rows(data: dict[str, Any], words: Words) -> tuple[list[AnswerRow], str]:
    """A row a model and a plain model of the yardstick; and the scheme of the held-out numbers, that which leads."""
    models = data["models"][:MOST_MODELS]
    scheme = next((scheme for m in models for _, scheme in by_honesty(m["validation"])), "")
    rows = []
    for m in models:
        held = {scope: m["validation"].get(scope, {}).get(scheme) or {} for scope in ("pipeline", "model")}
        null = held["pipeline"].get("null")
        rows.append(
            AnswerRow(
                f"{m['name']}{', adjusted' * m['adjusted']}",
                m["auc"],
                _led(held["model"]),
                _led(held["pipeline"]),
                null={"low": null["low"], "high": null["high"]} if null else None,
            )
        )
    for row in yardstick_rows(data, words):
        if row["scheme"] == scheme:
            rows.append(AnswerRow(row["label"], yardstick=leading(row["entry"])))
    return rows, scheme


def _led(held: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The AUC of a held-out entry that leads."""
    key = leading_key(held) if held else None
    if key == "b632plus":
        return {"estimate": held["auc"][key], **{end: held["auc"].get(f"{key}_{end}") for end in ("low", "high")}}
    return held[key] if key else None


def _row_in_words(row: AnswerRow) -> str:
    named = ((WHOLE, row.whole), (REFITTED, row.refitted), (APPARENT, row.apparent), (YARDSTICK, row.yardstick))
    told = [f"{name} {interval_text(dict(auc))}" for name, auc in named if auc and auc["estimate"] is not None]
    if row.null and row.null["low"] is not None:
        told.append(f"null band {plain(row.null['low'])} to {plain(row.null['high'])}")
    return ", ".join(told) or "no AUC"


def draw_answer(rows: Sequence[AnswerRow]) -> Figure:
    """Dots with intervals on one axis: apparent hollow, model refitted half, whole modelling process filled."""
    figure, axis = axes_of(TWO_COLUMNS, 0.95 + 0.27 * len(rows))
    drawn: dict[str, Any] = {}
    for k, row in enumerate(rows):
        if row.null and row.null["low"] is not None and row.null["high"] is not None:
            corner, width = (row.null["low"], k - 0.42), row.null["high"] - row.null["low"]
            drawn[NULL] = axis.add_patch(Rectangle(corner, width, 0.84, color=FAINT, alpha=0.5, linewidth=0, zorder=0))
        for name, auc, at, mark, fill, shade in (
            (WHOLE, row.whole, WHOLE_AT, "o", "full", colour(0)),
            (REFITTED, row.refitted, REFITTED_AT, "o", "left", colour(0)),
            (APPARENT, row.apparent, APPARENT_AT, "o", "none", GUIDE),
            (YARDSTICK, row.yardstick, REFITTED_AT, "D", "full", colour(1)),
        ):
            if auc is None or auc["estimate"] is None:
                continue
            if auc.get("low") is not None and auc.get("high") is not None:
                axis.hlines(k + at, auc["low"], auc["high"], shade, linewidth=1, zorder=2)
            (drawn[name],) = axis.plot(
                [auc["estimate"]],
                [k + at],
                mark,
                color=shade,
                fillstyle=fill,
                markerfacecoloralt="white",
                markersize=4.5,
                zorder=3,
            )
    put_level(axis, CHANCE, x=0.5, linestyle=(0, (4, 3)), zorder=1)
    drawn[CHANCE] = axis.lines[-1]
    axis.set(xlabel="AUC", ylim=(len(rows) - 0.5, -0.5), yticks=range(len(rows)))
    axis.set_yticklabels([label(row.name, 30, 2) for row in rows])
    axis.set_xlim(min(0.45, axis.get_xlim()[0]), 1.005)
    axis.tick_params(axis="y", length=0)
    order = [name for name in (WHOLE, REFITTED, APPARENT, YARDSTICK, NULL, CHANCE) if name in drawn]
    figure.legend([drawn[name] for name in order], order, loc="outside lower center", ncols=3)
    return figure
