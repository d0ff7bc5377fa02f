"""The first figure of the page: which AUCs it shows. Drawn in ``answer_drawings.py``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from prldh.core import REFITTED, plain
from prldh.pages import interval_text, level_of
from prldh.report.answer import leading_model
from prldh.report.answer_drawings import APPARENT, YARDSTICK, AnswerRow, draw_answer
from prldh.report.drawing import Drawing
from prldh.report.ways import leading, yardstick_rows
from prldh.results import Words, by_honesty, leading_key, led_as

#: The first figure as a phone shows it.
NARROW = "answer_narrow"
#: Models that the first screen holds; the others are in Table 3.
MOST_MODELS = 12


def plan_answer(data: dict[str, Any], words: Words) -> list[Drawing]:
    """The first figure of the page, of any study; and the same as wide as a phone or a column of a journal."""
    rows, scheme = answer_rows(data, words)
    whole = words.scope("pipeline")
    told = "; ".join(f"{row.name}: {_row_in_words(row, whole)}" for row in rows)
    hows = {led_as(m["validation"].get("pipeline", {}).get(scheme) or {}) for m in _shown(data)}
    how = hows.pop() if len(hows) == 1 else ""
    where = f" Held out: {words.scheme(scheme).label}{how}." if scheme else " No model was validated."
    n = len(data["models"])
    first = f" {MOST_MODELS} of {n} models: the first, and the best held out." if n > MOST_MODELS else ""
    wide = Drawing(
        "answer",
        "How well the models tell patients apart",
        f"AUC of each model with its {level_of(data)}% interval; the broken line is chance.{where}{first}",
        partial(draw_answer, rows, whole),
        is_wide=True,
        seen=f"{told}.",
    )
    return [wide, replace(wide, name=NARROW, draw=partial(draw_answer, rows, whole, True), is_wide=False)]


def answer_rows(data: dict[str, Any], words: Words) -> tuple[list[AnswerRow], str]:
    """A row a model and a plain model of the yardstick; and the scheme of the held-out numbers, that which leads."""
    models = _shown(data)
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


def _shown(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The first models, and always the one of which the sentences speak."""
    models: list[dict[str, Any]] = data["models"]
    first, best = models[:MOST_MODELS], leading_model(data)
    if best is None or best.model in first:
        return first
    return [*first[:-1], next(m for m in models if m is best.model)]


def _led(held: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The AUC of a held-out entry that leads."""
    key = leading_key(held) if held else None
    if key == "b632plus":
        return {"estimate": held["auc"][key], **{end: held["auc"].get(f"{key}_{end}") for end in ("low", "high")}}
    return held[key] if key else None


def _row_in_words(row: AnswerRow, whole: str) -> str:
    named = ((whole, row.whole), (REFITTED, row.refitted), (APPARENT, row.apparent), (YARDSTICK, row.yardstick))
    told = [f"{name} {interval_text(dict(auc))}" for name, auc in named if auc and auc["estimate"] is not None]
    if row.null and row.null["low"] is not None:
        told.append(f"null band {plain(row.null['low'])} to {plain(row.null['high'])}")
    return ", ".join(told) or "no AUC"
