"""The first screen of the page: what was asked and what held-out patients answer, in sentences and in tiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prldh.core import OPTIMISM_FROM_SELECTION, number_of, plain, scope_words
from prldh.pages import level_of, percent_text, typeset
from prldh.report.ways import yardstick_sentences
from prldh.results import (
    BY_KEY,
    NO_USABLE,
    Words,
    artefacts_in_words,
    by_honesty,
    cohort_in_words,
    cost_of_leakage,
    honest_auc,
    is_bootstrap,
    is_chosen,
    is_honest,
    leading_key,
    led_as,
    refitted_alone,
    row_noun,
    selects,
    size_in_words,
    unknown_leakage,
    whole_words,
)

NOT_VALIDATED = "no validation was asked for"


@dataclass(frozen=True)
class Tile:
    """A number of the first screen: what it is, the number in words, and of what it is; ``is_known``: otherwise
    ``detail`` says why it is not."""

    label: str
    value: str
    detail: str
    is_known: bool = True


@dataclass(frozen=True)
class Leading:
    """The model whose held-out AUC leads, and that AUC."""

    model: Mapping[str, Any]
    scope: str
    scheme: str
    auc: Mapping[str, Any]


def label(data: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    """A model's name, that it is adjusted, and its patients where models have their own."""
    return f"{entry['name']}{', adjusted' if entry['adjusted'] else ''}{size_in_words(data, entry)}"


def leading_model(data: Mapping[str, Any]) -> Leading | None:
    """The best of the models by their most honest AUC; None where none has one."""
    ranked = [(found, m) for m in data["models"] if (found := honest_auc(m))]
    if not ranked:
        return None
    (scope, scheme, auc), model = max(ranked, key=lambda item: item[0][2]["estimate"])
    return Leading(model, scope, scheme, auc)


def answer_view(data: dict[str, Any], words: Words) -> dict[str, Any]:
    """``sentences``: what was asked, what held-out patients answer, and what those that made the models would have
    said; ``notes`` on reading them; ``tiles``."""
    return {**_told(data, level_of(data), words), "tiles": _tiles(data, words)}


def _tiles(data: Mapping[str, Any], words: Words) -> list[Tile]:
    cohort, best, level = data["cohort"], leading_model(data), level_of(dict(data))
    rows = f"{cohort_in_words(data)}; " if "n_patients" in cohort else ""
    share = percent_text(100 * cohort["events"] / cohort["n"], cohort["n"])
    return [
        *_held_out_tiles(data, best, words, level),
        Tile(
            f"{row_noun(data).capitalize()}s and events",
            f"{cohort['n']} and {cohort['events']}",
            f"{rows}{share}% have {cohort['outcome']} = {cohort['event']}",
        ),
        _needed(data, best.model if best else data["models"][0]),
    ]


def _held_out_tiles(data: Mapping[str, Any], best: Leading | None, words: Words, level: str) -> list[Tile]:
    names = ("Held-out AUC", "Held-out calibration slope")
    if best is None:
        is_validated = any(by_honesty(m["validation"]) for m in data["models"])
        return [Tile(name, "not known", NO_USABLE if is_validated else NOT_VALIDATED, False) for name in names]
    held = best.model["validation"][best.scope][best.scheme]
    fitted = scope_words(best.scope, whole_words(data, [best.model]))
    of = f"{label(data, best.model)}: {words.scheme(best.scheme).label}{led_as(held)}, {fitted}"
    unknown = "; leakage is unknown" if unknown_leakage(data, best.model) else ""
    slope = held.get("slope") or {}
    return [
        Tile(names[0], plain(best.auc["estimate"]), f"{_limits(best.auc, level)}. {of}{unknown}"),
        Tile(
            names[1],
            typeset(plain(slope["estimate"], 2)),
            f"{_limits(slope, level, 2)}. 1 is right, below 1 too extreme",
        )
        if slope.get("estimate") is not None
        else Tile(names[1], "not known", slope.get("reason") or BY_KEY["slope"].null or "", False),
    ]


def _limits(entry: Mapping[str, Any], level: str, digits: int = 3) -> str:
    if entry.get("low") is None or entry.get("high") is None:
        return "no interval"
    return f"{level}% CI {typeset(plain(entry['low'], digits))} to {typeset(plain(entry['high'], digits))}"


def _needed(data: Mapping[str, Any], model: Mapping[str, Any]) -> Tile:
    name = "Patients needed"
    sized = (data.get("sample_size") or {}).get("models") or ()
    own = next((x for x in sized if (x["name"], x["adjusted"]) == (model["name"], model["adjusted"])), None)
    if own is None or own["n_needed"] is None:
        return Tile(name, "not known", "no sample size was computed in this run", False)
    enough = "enough" if own["is_enough"] else "too few"
    screened = own.get("n_candidates_screened")
    more = f"; {screened} candidate features were screened beside" if screened else ""
    return Tile(
        name,
        f"{own['n_needed']}",
        f"for {own['n_parameters']} parameter{'s' * (own['n_parameters'] != 1)} (Riley); {own['n']} are {enough}{more}",
    )


def _told(data: dict[str, Any], level: str, words: Words) -> dict[str, list[str]]:
    """``sentences``: what was asked, what held-out patients answer, and what those that made the models would have
    said; ``notes`` on reading them."""
    cohort, models = data["cohort"], data["models"]
    share = percent_text(100 * cohort["events"] / cohort["n"], cohort["n"])
    which = f"the model “{label(data, models[0])}” tells" if len(models) == 1 else f"{len(models)} models tell"
    asked = (
        f"What was asked: how well {which} patients with {cohort['outcome']} = {cohort['event']} ({cohort['events']} of"
        f" {cohort_in_words(data) if 'n_patients' in cohort else cohort['n']}, {share}%) from those without."
    )
    leading = leading_model(data)
    if leading is None:
        best = max(models, key=lambda m: m["auc"]["estimate"] or 0.0)
        which = f"the model with the highest apparent AUC, “{label(data, best)}”," if len(models) > 1 else "it"
        return {
            "sentences": [
                asked,
                f"Of other patients nothing is known: {NO_USABLE}."
                if any(by_honesty(m["validation"]) for m in models)
                else f"Of other patients nothing is known, as {NOT_VALIDATED}.",
                (
                    f"In the patients to whom it was fitted, {which} has an AUC of"
                    f" {_with_interval(best['auc'], level)}, which is too high by construction."
                ),
            ],
            "notes": _artefacts(data),
        }
    best, scope, scheme, auc = leading.model, leading.scope, leading.scheme, leading.auc
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
    if sum(honest_auc(m) is not None for m in models) > 1:
        notes.append(
            "The best of several is chosen by looking, so even its held-out AUC is somewhat hopeful: read all rows of"
            " Table 3."
        )
    sentences += yardstick_sentences(data, words)[:1]  # of the scheme that leads; the others stand in their section
    return {"sentences": sentences, "notes": [*notes, *_never_selected(data, words), *_artefacts(data)]}


def _fitted_anew(data: dict[str, Any], model: Mapping[str, Any], scope: str) -> str:
    """What was: everything, where that is true."""
    what = "everything" if is_honest(data, model, scope) else "what this run makes"
    if scope != "pipeline":
        return f"{refitted_alone([model])} fitted anew each time"
    if what != "everything" and not is_chosen(data, model):
        return "the score taken as given, and what this run makes of it fitted anew each time"
    return f"{what} fitted anew each time{', selection included' if selects(data, model) else ''}"


def _mean(model: Mapping[str, Any], scope: str, scheme: str) -> str:
    held = model["validation"][scope][scheme]
    return led_as(held) if leading_key(held) != "b632plus" else ""  # which the scheme's design says


def _artefacts(data: dict[str, Any]) -> list[str]:
    """A note on the pooled AUCs that are no result, one a model."""
    return [f"{label(data, m)}: {words}" for m in data["models"] if (words := artefacts_in_words(data, m))]


def _never_selected(data: dict[str, Any], words: Words) -> list[str]:
    """One sentence a tissue whose frozen Radscore has features that no resample of a scheme selected."""
    sentences = []
    for name, tissue in data["tissues"].items():
        own = tissue["selection"] or {}
        for scheme, entry in own.get("stability", {}).items():
            never = [feature for feature in own["features"] if feature not in entry["frequency"]]
            if never:
                were, n = "was" if len(never) == 1 else "were", entry["n_resamples"]
                told = f"selected in 0 of the {n} resamples" if n > 1 else "not selected in the one resample"
                sentences.append(
                    f"Of the frozen Radscore of “{name}” {len(never)} of {number_of(len(own['features']), 'feature')}"
                    f" ({', '.join(never)}) {were} {told}"
                    f" ({words.scheme(scheme).label}): other patients would have given another Radscore."
                )
    return sentences


def _which(data: dict[str, Any], best: Mapping[str, Any]) -> str:
    """The model that is spoken of: which of several is best, one number says of none."""
    return f"the model with the highest of these AUCs, “{label(data, best)}”," if len(data["models"]) > 1 else "it"


def _with_interval(auc: Mapping[str, Any], level: str) -> str:
    if auc.get("low") is None or auc.get("high") is None:
        return f"{plain(auc['estimate'])} (no interval)"
    return f"{plain(auc['estimate'])} ({level}% CI {plain(auc['low'])} to {plain(auc['high'])})"


def _how_held_out(data: dict[str, Any], scheme: str, words: Words) -> str:
    own = words.scheme(scheme)
    n = data["study"].get("schemes", {}).get(scheme, {}).get("n_resamples", 0)
    return own.design or f"{own.label}, {n} fits"


def _hopeful(data: dict[str, Any], best: Mapping[str, Any], scope: str, scheme: str, level: str) -> str:
    """What the same model reaches where it, or its selection, has seen the patients."""
    seen = f"In the patients to whom it was fitted it reaches {_with_interval(best['auc'], level)}"
    leak = cost_of_leakage(data, best, scheme) if scope == "pipeline" else None
    if leak is None:
        return f"{seen}."
    kept, whole = (best["validation"][of][scheme]["auc"] for of in ("model", "pipeline"))
    cost, alone = f"so that the {OPTIMISM_FROM_SELECTION} is {typeset(plain(leak))}", refitted_alone([best])
    if is_bootstrap(data, scheme):
        return (
            f"{seen}; corrected for optimism it is {_with_interval(whole, level)} with everything fitted anew and"
            f" {_with_interval(kept, level)} with {alone}, {cost}."
        )
    if leading_key(best["validation"]["pipeline"][scheme]) != "auc":  # which is not what the two are compared by
        return (
            f"{seen}; pooled over all who were held out it reaches {_with_interval(kept, level)} where {alone} is"
            f" fitted anew each time and {_with_interval(whole, level)} with everything, {cost}."
        )
    return f"{seen}, and {_with_interval(kept, level)} where {alone} is fitted anew each time, {cost}."
