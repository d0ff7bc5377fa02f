"""Ways from features to a score beside each other: rows and sentences for the report, from ``results.json`` alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prldh.core import plain
from prldh.pages import interval_text, level_of
from prldh.report.way_drawings import WayRow
from prldh.results import Place, Words, by_honesty

#: A way as sentences of the results name it.
QUOTED = re.compile(r"'([^']*)'")
#: A step with what is set of it, and a list, within what is set of another.
OF_STEP = re.compile(r"\{([^{}:]+): \{([^{}]*)\}\}")
LISTED = re.compile(r"\[([^\[\]]*)\]")
#: What a choice goes by, in words.
MEASURED = {"auc": "AUC", "brier": "Brier score"}


def ways_view(data: dict[str, Any], words: Words) -> dict[str, Any] | None:
    """What the section on ways shows; None where there is nothing to be compared."""
    if not data.get("protocols") and not data.get("yardstick"):
        return None
    rows = list(_protocol_rows(data))
    return {
        "rows": rows,
        "has_models": len({row["model"] for row in rows}) > 1,
        "tissues": {name: way_in_words(entry, words) for name, entry in data.get("protocols", {}).items()},
        "choice": _choice_sentences(data, words),
        "no_winner": _no_winner(data, words),
        "yardstick": list(yardstick_rows(data, words)),
        "verdicts": yardstick_sentences(data, words),
    }


def leading(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The AUC that leads: the mean of folds, or the pooled one where there is none."""
    mean: Mapping[str, Any] | None = entry.get("auc_mean")
    pooled: Mapping[str, Any] = entry["auc"]
    return mean if mean and mean["estimate"] is not None else pooled


def _protocol_rows(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row a protocol, model and scheme; the choice as a whole after its ways."""
    choice: Mapping[str, Any] | None = data.get("choice")
    schemes = dict.fromkeys(s for entry in data.get("protocols", {}).values() for s in entry["validation"])
    for scheme in schemes:
        for name, entry in data["protocols"].items():
            for m in entry["validation"][scheme]["models"]:
                chosen = choice is not None and choice["chosen"] == name
                label = f"{m['name']}{', adjusted' * m['adjusted']}"
                yield {"way": name, "is_chosen": chosen, "scheme": scheme, "model": label, "entry": m}
        if choice is not None and scheme in choice["validation"]:
            own = choice["validation"][scheme]
            yield {
                "way": "the choice, made anew",
                "is_chosen": False,
                "scheme": scheme,
                "model": choice["model"],
                "entry": own,
            }


def way_rows(data: dict[str, Any], words: Words) -> tuple[str, list[WayRow]] | None:
    """What the figure of ways shows: those of the first scheme and of the model that the choice, or the run, is judged
    by, then the choice and the yardstick; and that scheme."""
    protocols: Mapping[str, Any] = data.get("protocols") or {}
    choice: Mapping[str, Any] | None = data.get("choice")
    schemes = dict.fromkeys(s for entry in protocols.values() for s in entry["validation"])
    if not schemes:
        return None
    scheme = next(iter(schemes))
    rows = []
    for name, entry in protocols.items():
        models = entry["validation"][scheme]["models"]
        own = [m for m in models if not choice or m["name"] == choice["model"]] or models
        if own:
            rows.append(_row(name, own[0], choice is not None and choice["chosen"] == name))
    if choice:
        rows.append(_row("the choice, made anew", choice["validation"][scheme], True))
    for name, by_scheme in (data.get("yardstick") or {}).items():
        if scheme in by_scheme:
            rows.append(_row(f"yardstick, plain {words.learner_label(name)}", by_scheme[scheme], False))
    return scheme, rows


def _row(name: str, entry: Mapping[str, Any], is_taken: bool) -> WayRow:
    return WayRow(name, dict(leading(entry)), entry["brier"], entry["slope"], is_taken)


def way_in_words(
    entry: Mapping[str, Any], words: Words, told: Callable[[Place], str] | None = None, joint: str = " → "
) -> str:
    """A way in words: its steps with what is set of them, learner and second stage. ``told``: what is set of the
    step that stands there in the entry."""
    name, tissue = next(iter(entry["tissues"].items()))
    places: list[tuple[Place, str]] = [
        ((key, k), text) for key in ("transforms", "selection") for k, text in enumerate(tissue[key])
    ]
    parts = []
    for place, text in [*places, (("learner",), tissue["learner"])]:
        own, _, settings = text.partition(": ")
        label = words.learner_label(own) if place == ("learner",) else words.step(own).short_label
        if settings:
            label += f" ({told(('tissues', name, *place)) if told else set_in_words(settings)})"
        parts.append(label)
    return joint.join([*parts, f"second stage {tissue['second_stage'].replace('_', '-')}"])


def set_in_words(settings: str) -> str:
    """What is set of a step, as the results hold it, as a reader has it.

    Examples
    --------
    >>> set_in_words("{between: 0.9, outcome: 0.3}"), set_in_words("{of: [lasso, {random_forest: {trees: 30}}]}")
    ('between 0.9, outcome 0.3', 'of lasso, random forest (trees 30)')
    """
    text = settings.removeprefix("{").removesuffix("}").replace("_", " ")
    while found := OF_STEP.search(text) or LISTED.search(text):
        inner = f"{found[1]} ({found[2]})" if found.re is OF_STEP else found[1]
        text = f"{text[: found.start()]}{inner}{text[found.end() :]}"
    return text.replace(": ", " ")


def _choice_sentences(data: dict[str, Any], words: Words) -> list[str]:
    """What was chosen, why, how often in resamples, and what choosing cost."""
    choice = data.get("choice")
    if not choice:
        return []
    noun = MEASURED[choice["measure"]]
    because = QUOTED.sub(r"“\1”", choice["because"])
    sentences = [f"Chosen on everyone: {because}. The frozen models are made by it."]
    for scheme, entry in choice["validation"].items():
        often = ", ".join(f"“{name}” {n}" for name, n in sorted(entry["how_often"].items(), key=lambda i: -i[1]))
        sentences.append(f"Within the training sets of {words.scheme(scheme).label} the choice fell on: {often}.")
        if entry["cost"] == 0:
            sentences.append(f"What choosing cost: nothing here; “{entry['best_looking']}” looks best and was chosen.")
        elif entry["cost"] is not None:
            sentences.append(
                f"What choosing cost: “{entry['best_looking']}” looks best on the same patients, and its {noun} differs"
                f" from that of the choice by {plain(abs(entry['cost']))}"
                f" ({'in its favour' if entry['cost'] > 0 else 'against it'});"
                " whoever picks the best-looking way afterwards reports that number."
            )
    return sentences


def _no_winner(data: dict[str, Any], words: Words) -> list[str]:
    """Of each scheme, whether any way is shown to differ from the one that the run takes."""
    sentences = []
    schemes = dict.fromkeys(s for entry in data.get("protocols", {}).values() for s in entry["validation"])
    for scheme in schemes:
        models = [
            (name, m["difference"])
            for name, entry in data["protocols"].items()
            for m in entry["validation"][scheme]["models"]
            if m["difference"]
        ]
        known = [(name, d) for name, d in models if d["auc"]["low"] is not None]
        apart = [(name, d) for name, d in known if d["auc"]["low"] > 0 or d["auc"]["high"] < 0]
        where = words.scheme(scheme).label
        if not known:
            continue
        if not apart:
            sentences.append(
                f"In {where} no way is shown to be better than another: every interval of a difference in AUC from"
                " that of this run holds 0."
            )
        for name, d in apart:
            side = "higher" if d["auc"]["low"] > 0 else "lower"
            sentences.append(
                f"In {where} “{name}” has a {side} AUC than this run's “{d['model']}”:"
                f" {interval_text(d['auc'])} ({level_of(data)}% corrected resampled interval)."
            )
    return sentences


def yardstick_rows(data: dict[str, Any], words: Words) -> Iterator[dict[str, Any]]:
    """One row a learner and scheme."""
    for name, by_scheme in (data.get("yardstick") or {}).items():
        for scheme, entry in by_scheme.items():
            yield {"label": f"plain {words.learner_label(name)}", "scheme": scheme, "entry": entry}


def yardstick_sentences(data: dict[str, Any], words: Words) -> list[str]:
    """The yardstick beside the study's own model, a sentence a scheme, the one that leads first: better only where the
    corrected interval excludes 0, otherwise both numbers."""
    by_scheme: dict[str, list[dict[str, Any]]] = {}
    for row in yardstick_rows(data, words):
        if row["entry"]["difference"] and leading(row["entry"])["estimate"] is not None:
            by_scheme.setdefault(row["scheme"], []).append(row)
    sentences = []
    ranked = [scheme for m in data["models"][:1] for _, scheme in by_honesty(m["validation"])]
    for scheme, rows in sorted(by_scheme.items(), key=lambda each: ranked.index(each[0])):
        model = rows[0]["entry"]["difference"]["model"]
        own, which = _own_auc(data, model, scheme)
        told = " and ".join(f"by {row['label']} {leading(row['entry'])['estimate']:.3f}" for row in rows)
        of_own = "" if own is None else f"; “{model}” has {own:.3f}"
        where = f"on the same patients ({words.scheme(scheme).label}; {which})"
        text = f"The yardstick: {where} all features have {told}{of_own}."
        better = [row for row in rows if row["entry"]["is_better"]]
        if better:
            listed = "; ".join(
                f"{row['label']} by {interval_text(row['entry']['difference']['auc'])}" for row in better
            )
            text += f" The yardstick is better: {listed} ({level_of(data)}% corrected resampled interval)."
        sentences.append(text)
    return sentences


def _own_auc(data: dict[str, Any], model: str, scheme: str) -> tuple[float | None, str]:
    """The AUC of this run's model, and which AUC it is."""
    for m in data["models"]:
        held_out = m["validation"].get("pipeline", {}).get(scheme)
        if m["name"] == model and held_out:
            led = leading(held_out)
            is_mean = "repeats" in held_out["auc"] and "confusion" not in held_out
            pooled = "AUC, mean over splits" if is_mean else "pooled AUC"
            return led["estimate"], pooled if led is held_out["auc"] else "AUC, mean of folds"
    return None, "AUC, mean of folds"
