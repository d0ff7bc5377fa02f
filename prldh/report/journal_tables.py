"""Tables 1 to 5 as a journal prints them: text in cells, notes beneath. Written by ``word.py`` and ``latex.py``;
computes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prldh.checklists import has_docx
from prldh.core import APPARENT, DASH, LEAST, OPTIMISM_FROM_SELECTION, REFITTED, Measure, decimals, plain, scheme_words
from prldh.pages import (
    JournalTable,
    as_latex,
    digits_measured,
    interval_text,
    p_text,
    percent_text,
    typeset,
    write_word,
)
from prldh.report.merged_terms import adjusted_for, merged_terms
from prldh.report.view import TESTS, label, summary_rule
from prldh.results import (
    ARTEFACT,
    CLASSIFIED,
    by_honesty,
    cost_of_leakage,
    honest_auc,
    is_artefact,
    is_bootstrap,
    is_chosen,
    is_clustered,
    leading_key,
    led_by,
    refitted_alone,
    selects,
    unknown_leakage,
    variables_of,
    whole_words,
)

ADJUSTED = {"holm": "Holm", "bh": "Benjamini–Hochberg"}


def make_journal_tables(data: dict[str, Any]) -> list[JournalTable]:
    """The tables that these results have rows for."""
    tables = [_table_one(data), _performance(data), _validation(data), _interaction(data), _terms(data)]
    return [table for table in tables if table and table.rows]


def write_journal_tables(data: dict[str, Any], folder: Path) -> list[str]:
    """``table1.docx`` to ``table5.docx`` and the same as ``.tex``; returns the names of the files. Without python-docx
    the first are left out."""

    folder.mkdir(exist_ok=True)
    names = []
    for table in make_journal_tables(data):
        (folder / f"{table.name}.tex").write_text(as_latex(table), encoding="utf-8")
        names.append(f"{table.name}.tex")
        if has_docx():
            write_word(table, folder / f"{table.name}.docx")
            names.append(f"{table.name}.docx")
    return names


def _level(data: dict[str, Any]) -> str:
    return f"{100 * data['study']['settings'].get('performance', {}).get('confidence', 0.95):g}% CI"


def _table_one(data: dict[str, Any]) -> JournalTable:
    cohort, chosen = data["cohort"], data["study"]["settings"].get("table_one", {})
    has_p, method = chosen.get("p_values", True), ADJUSTED.get(chosen.get("adjust_p", "none"))
    has_smd = bool(data["table_one"]) and "smd" in data["table_one"][0]
    head = [
        "Variable",
        f"Total (n = {cohort['n']})",
        f"No event (n = {cohort['n'] - cohort['events']})",
        f"Event (n = {cohort['events']})",
    ]
    head += (
        ["Standardised difference"] * has_smd + ["Statistic", "p"] * has_p + [f"p ({method})"] * bool(has_p and method)
    )
    rows, groups, tests = [], ("total", "nonevent", "event"), []
    sizes = dict(zip(groups, (cohort["n"], cohort["n"] - cohort["events"], cohort["events"]), strict=True))
    variables = variables_of(data)
    for v in data["table_one"]:
        last = [shown(v["smd"], 2)] if has_smd else []
        if has_p:
            tests.append(v["test"])
            last += [
                shown(v["statistic"], 2),
                p_text(v["p"]),
                *([p_text(v[f"p_{chosen['adjust_p']}"])] if method else []),
            ]
        empty = [""] * len(last)
        if v["type"] == "continuous":
            cells = v["rows"][0]
            rows.append([variables(v["variable"]), *(_summary(v, cells[g]) for g in groups), *last])
            if "min" in cells["total"]:
                ends = [_from_to(cells[g]["min"], cells[g]["max"]) for g in groups]
                rows.append(["  smallest to largest", *ends, *empty])
        else:
            rows.append([variables(v["variable"]), "", "", "", *last])
            rows += [
                [
                    f"  {r['level']}",
                    *(f"{r[g]['n']} ({percent_text(r[g]['percent'], sizes[g])})" for g in groups),
                    *empty,
                ]
                for r in v["rows"]
            ]
        if v.get("unknown", {}).get("total"):
            rows.append(["  unknown", *(str(v["unknown"][g]) for g in groups), *empty])
    notes = [summary_rule(data), "n (percent of those known in the column)."]
    if tests:
        notes.append("Tests: " + ", ".join(TESTS[t] for t in dict.fromkeys(tests)) + ".")
    return JournalTable("table1", f"Table 1. Characteristics by {cohort['outcome']}", head, rows, notes)


def shown(value: float | None, digits: int = 3) -> str:
    """A number as journals print it, a dash for None."""
    return typeset(plain(value, digits))


def _quantity(value: float | None, digits: int = 2) -> str:
    """A number in units of what was measured, as on the page."""
    return DASH if value is None else typeset(decimals(value, digits, least=0.0))


def _from_to(low: float | None, high: float | None) -> str:
    digits = digits_measured(low, high)
    return f"{_quantity(low, digits)} to {_quantity(high, digits)}"


def _summary(variable: dict[str, Any], cell: dict[str, Any]) -> str:
    """``56.10 ± 9.20`` or ``55.00 [48.00, 63.00]``."""
    if variable.get("summary") == "median":
        return f"{_quantity(cell['median'])} [{_quantity(cell['q1'])}, {_quantity(cell['q3'])}]"
    return f"{_quantity(cell['mean'])} ± {_quantity(cell['sd'])}"


def _performance(data: dict[str, Any]) -> JournalTable:
    held = [honest_auc(m) for m in data["models"]]
    is_held_out = any(held)
    head = [
        "Model",
        *[f"AUC held out ({_level(data)})"] * is_held_out,
        f"AUC, apparent ({_level(data)})",
        "Threshold",
        *(measure.label for measure in CLASSIFIED),
    ]
    rows = [
        [
            label(data, m),
            *[interval_text(own[2]) if own else DASH] * is_held_out,
            interval_text(m["auc"]),
            shown(m["threshold"]),
            *(_cell(m, measure) for measure in CLASSIFIED),
        ]
        for m, own in zip(data["models"], held, strict=True)
    ]
    how = "DeLong's interval; proportions with Clopper–Pearson intervals"
    if is_clustered(data):
        how = "Obuchowski's interval for rows clustered in patients; proportions without intervals"
    notes = [
        "All but the held-out AUC is apparent: on the patients that made the models, which is hopeful. AUC with"
        f" {how}, at Youden's threshold."
    ]
    ways = dict.fromkeys(led_by(data, m) for m, own in zip(data["models"], held, strict=True) if own)
    notes += [f"Held out: {'; '.join(ways)}."] * is_held_out
    return JournalTable("table2", "Table 2. Performance", head, rows, notes)


def _cell(model: dict[str, Any], measure: Measure) -> str:
    value = model.get(measure.key) or {}
    return interval_text(value) if measure.has_interval(APPARENT) else shown(value.get("estimate"))


def _validation(data: dict[str, Any]) -> JournalTable:
    rows, whole = [], whole_words(data, data["models"])
    for m in data["models"]:
        scopes = [m["validation"].get(scope, {}) for scope in ("pipeline", "model")]
        for scheme in dict.fromkeys(s for schemes in scopes for s in schemes):
            cells = [_auc(schemes.get(scheme)) for schemes in scopes]
            rows.append(
                [
                    label(data, m),
                    scheme_words(scheme),
                    *cells,
                    _cost(data, m, scheme),
                    interval_text(m["auc"]),
                ]
            )
    head = [
        "Model",
        "Scheme",
        f"{whole.capitalize()}, AUC ({_level(data)})",
        f"{REFITTED.capitalize()}, AUC ({_level(data)})",
        "Difference",
        f"Apparent AUC ({_level(data)})",
    ]
    unknown = list(dict.fromkeys(u for m in data["models"] if (u := unknown_leakage(data, m))))
    is_priced = any(cost_of_leakage(data, m, s) is not None for m in data["models"] for s in data["study"]["schemes"])
    notes = [
        (f"{whole.capitalize()}: {'what this run makes' if unknown else 'everything'} is fitted anew")
        + (", selection included," if any(selects(data, m) for m in data["models"]) else "")
        + f" in every resample; {REFITTED}: {refitted_alone(data['models'])}."
        + (f" The difference of the two is the {OPTIMISM_FROM_SELECTION}." if is_priced else "")
        + " Bootstrap: corrected for optimism." * any(is_bootstrap(data, s) for s in data["study"]["schemes"]),
        *unknown,
    ]
    held = [m["validation"][scope][s] for m in data["models"] for scope, s in by_honesty(m["validation"])]
    if any(map(is_artefact, held)):
        notes.append(f"* Pooled AUC {ARTEFACT}.")
    return JournalTable("table3", "Table 3. AUC in validation, and apparent", head, rows, notes)


def _auc(entry: dict[str, Any] | None) -> str:
    if not entry:
        return ""
    pooled = f"{interval_text(entry['auc'])}*" if is_artefact(entry) else ""
    if leading_key(entry) == "auc_groups":
        return f"{interval_text(entry['auc_groups'])} (groups as one; pooled {pooled or interval_text(entry['auc'])})"
    if leading_key(entry) == "auc_mean":
        return f"{interval_text(entry['auc_mean'])} (mean of folds{f'; pooled {pooled}' if pooled else ''})"
    return pooled or interval_text(entry["auc"])


def _cost(data: dict[str, Any], model: dict[str, Any], scheme: str) -> str:
    """The optimism from selection, that it is unknown, or nothing where nothing was selected."""
    if unknown_leakage(data, model):
        return "unknown"
    return shown(cost_of_leakage(data, model, scheme)) if is_chosen(data, model) else ""


def _terms(data: dict[str, Any]) -> JournalTable:
    """Every model's own terms, unadjusted and adjusted beside each other."""
    models = merged_terms(data, variables_of(data))
    told = adjusted_for(models)
    head = [
        "Term",
        *(cell for kind in ["Unadjusted", *["Adjusted"] * bool(told)] for cell in (f"{kind} OR ({_level(data)})", "p")),
    ]
    rows = []
    for model in models:
        rows.append([model.name, *[""] * (len(head) - 1)])
        for row in model.rows:
            of_reference = ["1 (reference)", ""] if row.is_reference else ["", ""]
            both = [_odds(t) if t else of_reference for t in (row.unadjusted, row.adjusted)]
            if not model.adjusted_for:
                both[1] = ["", ""]
            rows.append([f"  {row.label}", *both[0], *(both[1] if told else [])])
    return JournalTable("table5", "Table 5. Odds ratios of the models' own terms", head, rows, [told] * bool(told))


def _coefficient(term: Mapping[str, Any]) -> float | None:
    """B, 0 where it is rounding beside its standard error, as on the page."""
    b, se = term["b"], term["se"]
    return 0.0 if b is not None and se is not None and abs(b) < LEAST * se else b


def _odds(term: Mapping[str, Any]) -> list[str]:
    return [interval_text({"estimate": term["or"], "low": term["low"], "high": term["high"]}), p_text(term["p"])]


def _interaction(data: dict[str, Any]) -> JournalTable | None:
    x = data["interaction"]
    if not x:
        return None
    rows = []
    for kind in ("unadjusted", "adjusted"):
        if x.get(kind):
            rows.append([kind.capitalize(), *[""] * 5])
        for g in x.get(kind) or []:
            start = [f"  {g['group']}", f"{g['events']} / {g['n']}"]
            odds = {"estimate": g["or"], "low": g["low"], "high": g["high"]}
            rows.append(
                [
                    *start,
                    *(
                        [DASH] * 3 + ["1 (reference)"]
                        if g["reference"]
                        else [shown(_coefficient(g)), shown(g["se"]), p_text(g["p"]), interval_text(odds)]
                    ),
                ]
            )
    head = ["Group", "Events / n", "B", "SE", "p", f"OR ({_level(data)})"]
    notes = [f"Reference: {x['reference']}."]
    firth = [kind for kind in ("unadjusted", "adjusted") if x.get("fit", {}).get(kind) == "firth"]
    if firth:
        notes.append(f"By Firth's penalised likelihood: {', '.join(firth)}.")
    return JournalTable("table4", f"Table 4. Groups of {x['pair'][0]} and {x['pair'][1]}", head, rows, notes)
