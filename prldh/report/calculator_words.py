"""What a calculator's page says in words: the threshold, what the model was held against, where a score comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from prldh.core import plain
from prldh.pages import level_of, typeset
from prldh.results import by_honesty, honest_auc, led_by, row_noun, unknown_leakage


def _share(value: Any) -> str:
    return plain(100 * value, 1)


def _limits(entry: Mapping[str, Any], level: str, digits: int = 3) -> str:
    """``0.72 (95% CI 0.61 to 0.83)``."""
    shown = typeset(plain(entry.get("estimate"), digits))
    if entry.get("low") is None or entry.get("high") is None:
        return f"{shown} (no interval)"
    low, high = (typeset(plain(entry[end], digits)) for end in ("low", "high"))
    return f"{shown} ({level}% CI {low} to {high})"


def meaning_of(model: Mapping[str, Any], entry: Mapping[str, Any], data: dict[str, Any]) -> tuple[str, ...]:
    """What the threshold means."""
    if model["threshold"] is None:
        return ("The model has no threshold: its predictions do not tell patients apart.",)
    first = (
        f"Risks above {_share(model['threshold'])}% are called positive. This threshold is Youden's: in the patients"
        " that made the model it had the largest sum of sensitivity and specificity. It weighs a missed event as much"
        " as a false alarm, which is a choice, and no advice on treatment."
    )
    if "recalibrated" in model:
        return (first, "It was chosen before the model was recalibrated, and stays as it was.")
    level = level_of(data)
    apparent = ", ".join(
        f"{name} {_limits(entry[key], level)}"
        for key, name in (
            ("sensitivity", "sensitivity"),
            ("specificity", "specificity"),
            ("ppv", "PPV"),
            ("npv", "NPV"),
        )
        if entry.get(key, {}).get("estimate") is not None
    )
    return (first, f"In the patients that chose it, and so too hopeful: {apparent}.")


def known_of(
    model: Mapping[str, Any], entry: dict[str, Any], data: dict[str, Any], cohorts: Sequence[Mapping[str, Any]]
) -> tuple[str, ...]:
    """What the model was held against, and how well it did there; what was not validated is said not to be."""
    level, found = level_of(data), honest_auc(entry)
    n, noun = entry.get("n", data["cohort"]["n"]), row_noun(data)
    made = f"The model was made of {n} {noun}s, {_events(entry, data)} with the event."
    if found is not None:
        scope, scheme, auc = found
        slope = entry["validation"][scope][scheme].get("slope") or {}
        told = f"Held-out AUC {_limits(auc, level)}: {led_by(data, entry)}."
        if slope.get("estimate") is not None:
            told += f" Calibration slope {_limits(slope, level, 2)}, where 1 is right and below 1 too extreme."
        before = "Before it was recalibrated: " if "recalibrated" in model else ""
        inside = [before + told, unknown_leakage(data, entry)]
    elif by_honesty(entry["validation"]):
        inside = [f"Of other patients nothing is known: {led_by(data, entry)}."]
    else:
        inside = ["Not validated: the run asked for no validation, and how well the model does in others is not known."]
    outside = [_of_cohort(cohort, model) for cohort in cohorts]
    if not any(outside):
        outside = ["In patients of no other study or hospital was it tried with known outcomes."]
    return tuple(text for text in (made, *inside, *outside) if text)


def _events(entry: Mapping[str, Any], data: Mapping[str, Any]) -> int:
    return int(entry.get("events", data["cohort"]["events"]))


def _of_cohort(cohort: Mapping[str, Any], model: Mapping[str, Any]) -> str:
    """What a cohort of new patients said of the model; nothing where it did not judge it, or judged another one."""
    about = model.get("recalibrated")
    if about is not None and about["cohort"] != cohort["name"]:
        return ""
    own = next(
        (m for m in cohort.get("models", ()) if (m["name"], m["adjusted"]) == (model["name"], model["adjusted"])), None
    )
    if own is None or not cohort["is_validated"] or cohort.get("is_stale"):
        return ""
    judged = own.get("recalibrated") if about is not None else own
    if not judged or not (judged.get("auc") or {}).get("estimate"):
        return ""
    level = f"{100 * cohort.get('confidence', 0.95):g}"
    n, events = own.get("n_judged", cohort["n"]), own.get("events_judged", cohort["events"])
    told = f"In new patients, “{cohort['name']}” ({n}, {events} with the event"
    told += ", others than those who recalibrated it)" if about is not None else ")"
    told += f": AUC {_limits(judged['auc'], level)}"
    for key, name in (("slope", "calibration slope"), ("observed_expected", "observed / expected events")):
        if (judged.get(key) or {}).get("estimate") is not None:
            told += f", {name} {_limits(judged[key], level, 2)}"
    return f"{told}."


def notes_of(frozen: Mapping[str, Any], model: Mapping[str, Any], scores: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Where each Radscore comes from (``scores``: its tissue, and why it cannot be made here of features), and how the
    model was made where that is not by maximum likelihood."""
    notes = []
    for name, why_no_form in scores:
        if frozen["tissues"][name]["chain"]:
            notes.append(
                f"Radscore of {name}: the value that this study's steps give, as in the column radscore_{name} of the"
                f" predictions that “prldh apply” writes. {why_no_form}".rstrip()
            )
        else:
            column = frozen["tissues"][name]["column"]
            notes.append(f"Radscore of {name}: the score that the study's column “{column}” holds.")
    about = model.get("recalibrated")
    if about is not None:
        slope = "" if about["slope"] == 1.0 else f" and slope ({plain(about['slope'])})"
        notes.append(
            f"Recalibrated on {about['n']} patients of “{about['cohort']}” ({about['events']} with the event):"
            f" intercept ({plain(about['intercept'])}){slope}. Where a patient stands is among the study's patients, by"
            " the recalibrated risks."
        )
    if model["fit"] == "firth":
        notes.append("Fitted by Firth's penalised likelihood, as an outcome is separated.")
    return tuple(notes)
