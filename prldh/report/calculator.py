"""The calculator: one model at the bedside, as a page of its own and beside its nomogram in the report.

What the page computes is what ``prldh apply`` computes, from the same coefficients; here they are arranged for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from prldh.chain import GROUPS, group_levels
from prldh.core import DataError, LinearScore, nearest, same_text
from prldh.pages import create_environment, typeset
from prldh.report.answer import label, leading_model
from prldh.report.calculator_words import known_of, meaning_of, notes_of
from prldh.report.figure_plan import with_nomogram
from prldh.report.tabs import KINDS
from prldh.results import (
    FrozenModels,
    make_nomogram,
    read_held,
    variables_of,
)

#: What a page of a calculator is known by.
MARK = b'<meta name="generator" content="prldh calculator">'
NOT_A_DEVICE = (
    "Not a medical device. For research and teaching: no authority has approved it, and it must not decide about the"
    " care of a patient."
)
#: A Radscore of more features than this is a field of its value alone.
MOST_FEATURES = 60
INTERCEPT = "(Intercept)"
AGAIN = "Run `prldh analyze … --force` again with this version."


class NoCalculator(DataError):
    """Why a model cannot be a calculator."""


@dataclass(frozen=True)
class Feature:
    """A feature of a linear Radscore: what is typed is centred, scaled and multiplied."""

    name: str
    coefficient: float
    center: float
    scale: float
    low: float | None
    high: float | None
    range: str


@dataclass(frozen=True)
class Form:
    """A linear Radscore from its features; ``reach``: the least and the largest that it may be."""

    intercept: float
    features: tuple[Feature, ...]
    reach: tuple[float, float] | None


@dataclass(frozen=True)
class Field:
    """What is asked of a patient. Of a number the least and largest value seen in training, and in words ``range``,
    whose ends lie within; of a factor its ``levels``. ``form``: where the number is a Radscore that is linear in
    features, these; ``why_no_form``: why it is not."""

    variable: str
    label: str
    unit: str
    low: float | None = None
    high: float | None = None
    range: str = ""
    levels: tuple[str, ...] = ()
    is_score: bool = False
    form: Form | None = None
    why_no_form: str = ""


@dataclass(frozen=True)
class Factor:
    """What a column of the design multiplies: a field in one form. ``level``: the position of the one for which it is
    1; ``group``: the position among the four of two fields cut at ``cutoffs``."""

    field: int
    function: str = "identity"
    level: int = -1
    knots: tuple[float, ...] = ()
    column: int = 0
    second: int = -1
    cutoffs: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Column:
    """A coefficient and the column that it is of; no factors: the intercept. ``about``: the knots and cutoffs that
    the column is made with, in words."""

    term: str
    b: float
    factors: tuple[Factor, ...]
    about: str = ""


@dataclass(frozen=True)
class Axis:
    """A scale of a nomogram: the columns (by position) that it adds up, and the least that they give."""

    label: str
    columns: tuple[int, ...]
    least: float


@dataclass(frozen=True)
class Points:
    """A nomogram's points: how much log odds one is, and its scales."""

    per_point: float
    axes: tuple[Axis, ...]


@dataclass(frozen=True)
class Sums:
    """All that the page's script needs."""

    fields: tuple[Field, ...]
    columns: tuple[Column, ...]
    threshold: float | None
    confidence: float
    covariance: tuple[tuple[float, ...], ...] | None
    predicted: Mapping[str, Sequence[float]] | None
    counts: tuple[int, int]
    points: Points | None


@dataclass(frozen=True)
class Calculator:
    """A model as a page shows it: ``sums`` for the script, the rest in words."""

    title: str
    event: str
    sums: Sums
    no_interval: str
    no_standing: str
    meaning: tuple[str, ...]
    known: tuple[str, ...]
    notes: tuple[str, ...]


def calculator_of(
    frozen: Mapping[str, Any],
    model: Mapping[str, Any],
    data: dict[str, Any],
    cohorts: Sequence[Mapping[str, Any]] = (),
) -> Calculator:
    """A frozen model as a calculator.

    Parameters
    ----------
    frozen, model
        The content of ``model.json``, and one of its models.
    data
        The content of ``results.json``.
    cohorts
        What ``prldh apply`` said of new patients (:func:`prldh.results.read_external`).

    Raises
    ------
    NoCalculator
        Where a coefficient is infinite, nothing is asked of a patient, or a range is not known.
    """
    entry = next(m for m in data["models"] if (m["name"], m["adjusted"]) == (model["name"], model["adjusted"]))
    what = f"model '{model['name']}'{', adjusted' if model['adjusted'] else ''}"
    _refuse_infinite(model, entry, what)
    fields = tuple(_field(name, frozen, model, data, what) for name in _variables(frozen, model))
    if not fields:
        raise NoCalculator(f"{what} takes nothing of a patient: everyone has the same risk. Name another model.")
    where = {field.variable: k for k, field in enumerate(fields)}
    columns = tuple(_column(c, fields, where, frozen) for c in model["coefficients"])
    interval = model.get("risk_interval") or {"covariance": None, "reason": f"this run kept no covariance. {AGAIN}"}
    predicted = model.get("predicted")
    is_known = predicted is not None and all(x is not None for own in predicted.values() for x in own)
    sums = Sums(
        fields,
        columns,
        model["threshold"],
        interval.get("confidence", 0.95),
        interval["covariance"],
        predicted if is_known else None,
        (model["events"], model["n"] - model["events"]),
        _points(entry, model, data),
    )
    return Calculator(
        label(data, entry),
        f"{frozen['outcome']} = {frozen['event']}",
        sums,
        "" if interval["covariance"] is not None else (interval["reason"] or ""),
        "" if is_known else f"this run kept no predictions of its patients beside the model. {AGAIN}",
        meaning_of(model, entry, data),
        known_of(model, entry, data, cohorts),
        notes_of(frozen, model, [(f.variable, f.why_no_form) for f in fields if f.is_score]),
    )


def calculators_of(folder: Path, data: dict[str, Any]) -> dict[str, Calculator]:
    """The calculators of the models that have the report's nomograms, by their kind. None where the folder has no
    frozen models of this run any more."""
    kinds = {tab.kind: found[0] for tab in KINDS if (found := with_nomogram(data, tab.is_adjusted))}
    try:
        frozen = read_held(folder / "model.json", FrozenModels, AGAIN)
    except (DataError, OSError):
        return {}
    made: dict[str, Calculator] = {}
    frozen_as = {(m["name"], m["adjusted"]): m for m in frozen["models"]}
    for kind, entry in kinds.items():
        model = frozen_as.get((entry["name"], entry["adjusted"]))
        if model is not None:
            with suppress(NoCalculator):
                made[kind] = calculator_of(frozen, model, data)
    return made


def choose_model(frozen: Mapping[str, Any], data: dict[str, Any], name: str | None) -> Mapping[str, Any]:
    """The frozen model of that name, as the report calls it (``NAME`` or ``NAME, adjusted``); by default the one whose
    held-out AUC leads, or without one the first.

    Raises
    ------
    DataError
        With the names that there are.
    """
    known = {f"{m['name']}{', adjusted' if m['adjusted'] else ''}": m for m in frozen["models"]}
    if name is None:
        leading = leading_model(data)
        key = (leading.model["name"], leading.model["adjusted"]) if leading else None
        return next((m for m in frozen["models"] if (m["name"], m["adjusted"]) == key), frozen["models"][0])
    if name not in known:
        near = nearest(name, known)
        raise DataError(
            f"--model: there is no model '{name}'{f'; did you mean {near!r}?' if near else '.'} There are:"
            f" {'; '.join(known)}. Give one of these."
        )
    return known[name]


def calculator_page(calculator: Calculator, data: dict[str, Any], remarks: Iterable[str] = ()) -> str:
    """One self-contained page of a calculator; ``remarks``: what else a reader must know of the model."""
    environment = create_environment()
    environment.filters["calculator_json"] = as_json
    return environment.get_template("calculator.html.j2").render(
        calculators={"calculator": calculator},
        title=data["study"]["title"],
        not_a_device=NOT_A_DEVICE,
        remarks=list(remarks),
        cohort=data["cohort"],
        version=metadata.version("prldh"),
    )


def as_json(sums: Sums) -> Markup:
    """The script's part as JSON that may stand in a page."""
    return htmlsafe_json_dumps(asdict(sums))


# ---------------------------------------------------------------- what is asked


def _refuse_infinite(model: Mapping[str, Any], entry: Mapping[str, Any], what: str) -> None:
    infinite = {s["term"] for s in entry["separation"]} if entry["fit"] != "firth" else set()
    listed = [c["term"] for c in model["coefficients"] if c["b"] is None and c["term"] in infinite]
    if listed:
        raise NoCalculator(
            f"{what} cannot be a calculator: it has no finite coefficient of {', '.join(listed)} (separation). Name"
            " another model, or analyse again with separation: firth."
        )


def _variables(frozen: Mapping[str, Any], model: Mapping[str, Any]) -> list[str]:
    """The covariates and tissues whose values a model takes, each once, as its terms name them; not those of which no
    coefficient could be estimated."""
    found: list[str] = []
    for coefficient in (c for c in model["coefficients"] if c["b"] is not None):
        if groups := GROUPS.match(coefficient["variable"]):
            found += [groups["first"], groups["second"]]
        elif coefficient.get("parts"):
            found += [part["variable"] for part in coefficient["parts"]]
        elif coefficient["variable"] != INTERCEPT:
            found.append(coefficient["variable"])
    return list(dict.fromkeys(found))


def _field(name: str, frozen: Mapping[str, Any], model: Mapping[str, Any], data: dict[str, Any], what: str) -> Field:
    variables = variables_of(data)
    kinds = {c["name"]: c["type"] for c in frozen["covariates"]}
    is_score = name in frozen["tissues"]
    if not is_score and kinds[name] != "continuous":
        levels = model.get("levels", {}).get(name) or [
            row["level"] for v in data["table_one"] if v["variable"] == name for row in v["rows"] if row["total"]["n"]
        ]
        return Field(name, variables.label(name), "", levels=tuple(map(str, levels)))
    low, high = _seen(name, model, data)
    if low is None or high is None:
        raise NoCalculator(
            f"{what} cannot be a calculator: the range of '{name}' in training is not known, outside of which it must"
            f" refuse. {AGAIN}"
        )
    shown = range_text(low, high)
    if not is_score:
        return Field(name, variables.label(name), variables.units.get(name, ""), low, high, shown)
    form = _form(frozen["tissues"][name])
    return Field(
        name,
        f"Radscore of {name}",
        "",
        low,
        high,
        shown,
        is_score=True,
        form=form if isinstance(form, Form) else None,
        why_no_form=form if isinstance(form, str) else "",
    )


def _seen(name: str, model: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """The range of a number in the patients that made the model; those of earlier versions have that of everyone."""
    ends = model.get("ranges", {}).get(name) or data["cohort"].get("ranges", {}).get(name)
    if ends is None and name in data["tissues"]:
        values = [s["value"] for s in data["tissues"][name]["scores"] if s["value"] is not None]
        ends = {"low": min(values), "high": max(values)} if values else None
    return (ends["low"], ends["high"]) if ends else (None, None)


def range_text(low: float, high: float) -> str:
    """``18.3 to 81.2``: as many digits as tell the ends apart, rounded inward, so that what is shown is within.

    Examples
    --------
    >>> range_text(18.257, 81.249), range_text(-0.50004, 3.0), range_text(2, 2)
    ('18.3 to 81.2', '−0.50 to 3', '2 to 2')
    >>> range_text(-2.0859e-120, 3.0e-121)
    '−2.08 × 10⁻¹²⁰ to 3 × 10⁻¹²¹'
    """
    size = high - low
    if size == 0:
        return " to ".join([typeset(f"{low:.12g}")] * 2)
    digits = max(0, 2 - math.floor(math.log10(size)))
    scale = 10.0**digits
    ends = low, high
    inward = math.ceil(low * scale - 1e-9) / scale, math.floor(high * scale + 1e-9) / scale
    # no rounding where a number is short already
    shown = [
        f"{end:.12g}" if float(f"{end:.{digits}f}") == end else _with_digits(rounded, digits)
        for end, rounded in zip(ends, inward, strict=True)
    ]
    return " to ".join(typeset(text) for text in shown)


def _with_digits(value: float, digits: int) -> str:
    """A number rounded to so many decimals: in a power of ten where it would be a row of zeros."""
    if value == 0 or abs(value) >= 1e-6:
        return f"{value:.{digits}f}"
    return f"{value:.{max(0, digits + math.floor(math.log10(abs(value)) + 1e-9))}e}"


def _form(tissue: Mapping[str, Any]) -> Form | str:
    """How a Radscore is made of features that can be typed, or why it is not."""
    chain, training = tissue["chain"], tissue.get("training")
    if not chain:
        return ""
    if chain[-1]["step"] != LinearScore.name:
        return "It is no linear sum of features: “prldh apply” computes it."
    if any(step["kind"] != "chooses columns" for step in chain[:-1]):
        return "Steps before it change the features' values: “prldh apply” computes it."
    score = LinearScore.from_state(chain[-1]["state"])
    if len(score.names) > MOST_FEATURES:
        return f"It is made of {len(score.names)} features: “prldh apply” computes it."
    seen: dict[str, tuple[float | None, float | None]] = {}
    if training and "low" in training:
        ends = zip(training["names"], training["low"], training["high"], strict=True)
        seen = {name: (low, high) for name, low, high in ends}
    made = []
    for name, b, center, scale in zip(score.names, score.coefficients, score.center, score.scale, strict=True):
        low, high = seen.get(name, (None, None))
        shown = "" if low is None or high is None else range_text(low, high)
        made.append(Feature(name, float(b), float(center), float(scale), low, high, shown))
    return Form(score.intercept, tuple(made), score.reach)


def _column(
    coefficient: Mapping[str, Any], fields: Sequence[Field], where: Mapping[str, int], frozen: Mapping[str, Any]
) -> Column:
    """A coefficient that could not be estimated beside the others counts 0, as everywhere."""
    b, variable, level = coefficient["b"] or 0.0, coefficient["variable"], coefficient["level"]
    if variable == INTERCEPT or not set(_variables(frozen, {"coefficients": [{**coefficient, "b": b}]})) <= set(where):
        return Column(coefficient["term"], b, ())
    if groups := GROUPS.match(variable):
        first, second = groups["first"], groups["second"]
        cutoffs = tuple(frozen["tissues"][name]["cutoff"] for name in (first, second))
        place = group_levels(first, second).index(level)
        factor = Factor(where[first], "group", place, second=where[second], cutoffs=cutoffs)
        about = " and ".join(f"high {name} is above {cut}" for name, cut in zip((first, second), cutoffs, strict=True))
        return Column(coefficient["term"], b, (factor,), about)
    parts = coefficient.get("parts") or [
        {"variable": variable, "function": "identity", "level": level, "knots": (), "column": 0}
    ]
    splines = [
        f"column {part['column'] + 1} of Hmisc's rcspline.eval(inclx = TRUE), knots"
        f" {', '.join(map(str, part['knots']))}"
        for part in parts
        if part["function"] == "spline"
    ]
    return Column(coefficient["term"], b, tuple(_factor(part, fields, where) for part in parts), "; ".join(splines))


def _factor(part: Mapping[str, Any], fields: Sequence[Field], where: Mapping[str, int]) -> Factor:
    k = where[part["variable"]]
    if part["level"] is not None and part["function"] == "identity":
        levels = [same_text(level) for level in fields[k].levels]
        wanted = same_text(part["level"])
        return Factor(k, "level", levels.index(wanted) if wanted in levels else -1)
    return Factor(k, part["function"], knots=tuple(part["knots"]), column=part["column"])


def _points(entry: dict[str, Any], model: Mapping[str, Any], data: dict[str, Any]) -> Points | None:
    """Those of the model's nomogram; a recalibrated model has other coefficients and none."""
    chart = None if "recalibrated" in model else make_nomogram(entry, data)
    if chart is None:
        return None
    where: dict[str, list[int]] = {}
    for k, coefficient in enumerate(model["coefficients"]):
        where.setdefault(coefficient["variable"], []).append(k)
    axes = [
        Axis(axis["label"], tuple(where[axis["variable"]]), min(tick["log_odds"] for tick in axis["ticks"]))
        for axis in chart["axes"]
    ]
    return Points(chart["per_point"], tuple(axes))
