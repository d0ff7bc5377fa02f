"""The built-in checklists: which rule looks for the evidence of which item. An item without a rule is the
author's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from prldh.checklists import data_rules, model_rules, performance_rules, way_rules
from prldh.checklists.data_rules import for_item, of_chosen
from prldh.checklists.dossier import Dossier
from prldh.checklists.facts import listing
from prldh.checklists.feature_rules import compliance, feature_set, software
from prldh.checklists.findings import FILLED, Finding, ask, extraction, filled, report, setting
from prldh.checklists.ibsi_rules import ibsi_rules, image_rule
from prldh.checklists.image_rules import Rule, filters, from_settings, preprocessing, shown
from prldh.checklists.items import Item, Standard, load_standard
from prldh.checklists.phrases import key_in_words
from prldh.checklists.score import metrics_score
from prldh.ibsi import TRIVIAL, Extraction, names_pyradiomics


@dataclass(frozen=True)
class BuiltIn:
    """A checklist of :mod:`prldh.checklists.items` with its rules.

    ``score``: what the answered items come to, from the entries; None where the standard has no score.
    """

    standard: Standard
    rules: Mapping[str, Rule] = field(repr=False)
    score: Callable[[list[dict[str, Any]]], dict[str, Any]] | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.standard.name

    @property
    def version(self) -> str:
        return self.standard.version

    def evaluate(self, dossier: Dossier) -> list[dict[str, Any]]:
        """One entry an item, in the standard's order; METRICS' conditions first."""
        rows = []
        for item in (*self.standard.conditions, *self.standard.items):
            finding = self.rules.get(item.number, lambda d, i: ask())(dossier, item)
            rows.append(_entry(item, finding, item in self.standard.conditions))
        return rows


def _entry(item: Item, finding: Finding, is_condition: bool) -> dict[str, Any]:
    verdict = finding.verdict or {"filled": "yes", "contradicted": "no", "not applicable": "n/a"}.get(finding.status)
    return {
        "number": item.number,
        "section": item.section,
        "topic": item.topic,
        "text": item.text,
        "status": finding.status,
        "value": finding.value,
        "evidence": [{"where": e.where, "href": e.href, "key": e.key} for e in finding.evidence],
        "reason": finding.reason,
        "remaining": finding.remaining,
        "question": item.question,
        "answer": None,
        "page": None,
        "comment": None,
        "verdict": verdict,
        "weight": item.weight,
        "conditions": list(item.conditions),
        "is_condition": is_condition,
    }


#: Where rules of the run are looked for, by name.
RULES = (data_rules, way_rules, model_rules, performance_rules)


def _rules(**table: str) -> dict[str, Rule]:
    """Rules of the run by the items they answer, written ``rule="9 16"``."""
    return {
        number: for_item(next(getattr(module, name) for module in RULES if hasattr(module, name)))
        for name, numbers in table.items()
        for number in numbers.split()
    }


#: How images were acquired, as far as it is asked of every modality or of the one there is.
PROTOCOL_ITEMS = ("7", "8", "14", "18a", "19", "20", "27", "28", "29", "30")

# ---------------------------------------------------------------- CLEAR


def _ibsi(number: str) -> Rule:
    """What the rule of an IBSI item says."""
    item = next(i for i in load_standard("ibsi").items if i.number == number)
    return lambda d, _: image_rule(d, item)


def _several(*numbers: str) -> Rule:
    """What the rules of several IBSI items say together, each under its topic: filled where all are, or do not
    apply."""
    topics = {i.number: i.topic for i in load_standard("ibsi").items}

    def rule(d: Dossier, item: Item) -> Finding:
        findings = {number: _ibsi(number)(d, item) for number in numbers}
        by_topic: dict[str, list[str]] = {}
        for number, f in findings.items():
            if f.value:
                by_topic.setdefault(topics[number].lower(), []).append(f.value)
        value = "; ".join(f"{topic}: {', '.join(dict.fromkeys(parts))}" for topic, parts in by_topic.items()) or None
        evidence = tuple(dict.fromkeys(e for f in findings.values() if f.value for e in f.evidence))
        remaining = "; ".join(dict.fromkeys(f.remaining for f in findings.values() if f.value and f.remaining)) or None
        if not by_topic or any(f.status not in (FILLED, "not applicable") for f in findings.values()):
            return ask(value, *evidence)
        return filled(value, *evidence, remaining=remaining)

    return rule


def _hint(rule: Rule) -> Rule:
    """What a rule says, for an item that it does not answer: that they are shared, or that one set of images was
    used."""

    def hint(d: Dossier, item: Item) -> Finding:
        finding = rule(d, item)
        return ask(finding.value, *finding.evidence)

    return hint


def _together(*rules: Rule) -> Rule:
    """What several rules say: filled where the first is, the others beside it."""

    def rule(d: Dossier, item: Item) -> Finding:
        findings = [each(d, item) for each in rules]
        value = "; ".join(dict.fromkeys(f.value for f in findings if f.value)) or None
        evidence = tuple(dict.fromkeys(e for f in findings for e in f.evidence))
        return (
            filled(value, *evidence, remaining=findings[0].remaining)
            if findings[0].status == FILLED
            else ask(value, *evidence)
        )

    return rule


def other_settings(d: Dossier, item: Item) -> Finding:
    """CLEAR 28: which settings were given; all others are the defaults."""

    def describe(e: Extraction) -> str:
        keys = [key for key in e.settings or () if key not in TRIVIAL and not e.is_default(key)]
        changed = [f"{key_in_words(key)} {shown(e, key)}" for key in keys]
        return (
            f"set: {', '.join(changed)}; all others are PyRadiomics' defaults"
            if changed
            else "all settings are PyRadiomics' defaults"
        )

    return from_settings(d, "all", describe)


def feature_software(d: Dossier, item: Item) -> Finding:
    finding, status = software(d, item), compliance(d, item)
    value = "; ".join(v for v in (finding.value, status.value) if v) or None
    evidence = tuple(dict.fromkeys((*finding.evidence, *status.evidence)))
    return (
        filled(value, *evidence, remaining="whether the IBSI benchmarks were reproduced")
        if finding.status == FILLED
        else ask(value, *evidence)
    )


PROTOCOL = _several(*PROTOCOL_ITEMS)


def title_hint(d: Dossier, item: Item) -> Finding:
    return ask(f"the study file's title is “{d.results['study']['title']}”", setting("title")) if d.results else ask()


CLEAR_RULES: dict[str, Rule] = {
    "1": title_hint,
    **_rules(
        guidelines="7",
        sample_size="9",
        registration="10",
        flowchart="12",
        n_patients="13",
        no_leakage="15",
        covariates="17",
        outcome="18",
        readers="20",
        feature_counts="27",
        missing_data="29",
        class_balance="30",
        reliability="31",
        scaling="32",
        reduction="33",
        algorithm="34",
        tuning="35",
        confounders="36",
        model_choice="37",
        internal_external="38",
        measures="39",
        uncertainty="40",
        comparison="41",
        non_radiomic="42 48",
        interpretability="43",
        baseline="44",
        participants="45",
        selected_features="46",
        performance="47",
    ),
    "16": PROTOCOL,
    "19": _together(_several("48a", "48c", "49"), for_item(data_rules.lesions)),
    "21": preprocessing,
    "22": _several("50a", "51"),
    "23": _several("56a", "56b", "56c"),
    "24": filters,
    "25": feature_software,
    "26": feature_set,
    "28": other_settings,
    "54": for_item(model_rules.ready("the features that were analysed", "reproduce")),
    "55": _hint(other_settings),
    "56": for_item(model_rules.ready("the analysis in plain R", "reproduce/analysis.R")),
    "57": for_item(model_rules.ready("the frozen models", "model.json")),
}

# ---------------------------------------------------------------- METRICS


def has_segmentation(d: Dossier, item: Item) -> Finding:
    """Masks were read here; or features bear PyRadiomics' names, which it never measures without a mask."""
    images = [name for name, t in d.settings.get("tissues", {}).items() if t["images"]]
    measured = images or [e.name for e in d.extractions if e.where.startswith("features/")]
    if measured:
        return filled(
            f"yes: masks of {', '.join(measured)} were read",
            *([setting("tissues")] if images else [extraction(e, "format of masks") for e in d.extractions]),
        )
    named = [e for e in d.extractions if e.radiomic]
    if named:
        value = (
            f"yes: PyRadiomics measures within masks, and features of {', '.join(e.name for e in named)} bear its names"
        )
        return filled(value, *(extraction(e, "names of features") for e in named))
    return model_rules.readers(d)


def is_hand_crafted(d: Dossier, item: Item) -> Finding:
    named = {e.name: len(e.radiomic) for e in d.extractions if e.radiomic}
    listed = ", ".join(f"{name} {n}" for name, n in named.items())
    if named:
        return filled(
            f"yes: features with PyRadiomics' names ({listed})",
            *(extraction(e, "names of features") for e in d.extractions if e.radiomic),
        )
    told = "; ".join(f"{name}: {_where_from(d.settings['tissues'][name])}" for name in d.selected)
    return ask(told, setting("tissues")) if told else ask()


def _where_from(tissue: Mapping[str, Any]) -> str:
    """Where the features of a tissue come from, as far as the study file says."""
    if tissue["images"]:
        return f"features measured on images by {listing(list(tissue['sources']))}"
    tables = tissue["features"]
    named = f" called {listing(list(tables))}" if isinstance(tables, Mapping) else ""
    one = not named and len(tables) == 1
    return (
        f"features of {'a given table' if one else 'given tables'}{named}; what measured them is not known to the run"
    )


def is_tabular(d: Dossier, item: Item) -> Finding:
    names = list(d.selected) or [e.name for e in d.extractions]
    return (
        filled(
            f"yes: features of {', '.join(names)}",
            *([setting("tissues")] if d.selected else [extraction(e, "names of features") for e in d.extractions]),
        )
        if names
        else ask()
    )


def is_end_to_end(d: Dossier, item: Item) -> Finding:
    """No network goes from image to prediction where every Radscore is made of features here."""
    if d.results is None or d.given_scores or not d.selected:
        return ask()
    made = way_rules.learner_of(d)
    return Finding(
        FILLED,
        f"no: every Radscore is made of features{f', by {made}{of_chosen(d)}' if made else ''}, and no network goes"
        " from images to predictions",
        (report("radscores"), report("models")),
        verdict="no",
    )


def held_out_test(d: Dossier, item: Item) -> Finding:
    finding = model_rules.no_leakage(d)
    return (
        filled(f"{finding.value}. By resampling: no separate test set was put aside", *finding.evidence)
        if finding.status == FILLED
        else finding
    )


def reported_settings(d: Dossier, item: Item) -> Finding:
    finding = other_settings(d, item)
    return (
        filled(finding.value, *finding.evidence, remaining="publish them with the paper")
        if finding.status == FILLED
        else finding
    )


def standard_software(d: Dossier, item: Item) -> Finding:
    finding = software(d, item)
    return (
        filled(finding.value, *finding.evidence)
        if finding.status == FILLED and names_pyradiomics(finding.value or "")
        else ask(finding.value, *finding.evidence)
    )


METRICS_RULES: dict[str, Rule] = {
    "C1": has_segmentation,
    "C2": _together(_several("48a"), for_item(model_rules.readers)),
    "C3": is_hand_crafted,
    "C4": is_tabular,
    "C5": is_end_to_end,
    **_rules(
        guidelines="1",
        participants="2",
        outcome="3",
        one_reader="10",
        unstable_removed="14",
        redundancy="15",
        enough_for_features="16",
        no_leakage="18",
        confounders="19",
        uncertainty="21",
        calibration="22",
        non_radiomic="24",
        other_institution="27",
    ),
    "6": PROTOCOL,
    "8": _together(_several("48a", "48c", "49"), for_item(model_rules.readers)),
    "9": _several("48a", "48c"),
    "23": _hint(_several("8")),
    "11": _hint(_several("45", "46", "47", "50a", "51", "56a", "56b", "57")),
    "12": standard_software,
    "13": reported_settings,
    "20": lambda d, i: _suitable_metrics(d),
    "25": for_item(way_rules.classical),
    "26": held_out_test,
    "28": for_item(model_rules.ready("the analysed data", "reproduce")),
    "29": for_item(model_rules.ready("the analysis in plain R", "reproduce/analysis.R")),
    "30": for_item(model_rules.ready("the frozen models", "model.json")),
}


def _suitable_metrics(d: Dossier) -> Finding:
    """METRICS 20: discrimination, calibration and clinical use of a binary outcome are all there."""
    finding = performance_rules.measures(d)
    return filled(f"{finding.value}, for a binary outcome", *finding.evidence) if finding.status == FILLED else finding


# ---------------------------------------------------------------- TRIPOD+AI


def predictors(d: Dossier, item: Item) -> Finding:
    finding = feature_set(d, item)
    return (
        replace(finding, remaining="when they were measured, and whether blind to the outcome")
        if finding.status == FILLED
        else finding
    )


def tripod_rules() -> dict[str, Rule]:
    rules: dict[str, Rule] = {
        "1": title_hint,
        "7": _together(_several("46", "50a", "56a", "56b", "57"), for_item(data_rules.table_checks)),
        "9b": predictors,
        **_rules(
            n_patients="5a",
            outcome="8a",
            preselection="9a",
            readers="9c",
            sample_size="10",
            missing_data="11",
            no_leakage="12a",
            handling="12b",
            building="12c",
            subgroups="12d 14 23b",
            measures="12e",
            class_balance="13",
            outputs="15",
            not_evaluation="12f 24",
            new_predictions="12g",
            new_case_mix="20c",
            one_set="16",
            participants="20a",
            baseline="20b",
            counts_per_analysis="21",
            specification="22",
            performance_intervals="23a",
            protocol="18c",
            registration="18d",
        ),
        "18e": for_item(model_rules.ready("the analysed data", "reproduce")),
        "18f": for_item(model_rules.ready("the analysis in plain R", "reproduce/analysis.R")),
    }
    return rules


# ---------------------------------------------------------------- CLAIM

CLAIM_RULES: dict[str, Rule] = {
    "1": title_hint,
    **_rules(
        n_patients="7",
        missing_data="12",
        outcome="14",
        readers="16",
        reliability="18",
        no_leakage="19 20",
        building="22",
        algorithm="23",
        tuning="25",
        model_choice="26",
        measures="28",
        uncertainty="29",
        interpretability="31",
        internal="32",
        other_institution="33",
        registration="34",
        participants="35",
        baseline="36",
        performance_intervals="37 38",
        protocol="42",
    ),
    "9": _hint(_several("45", "46", "47", "50a", "51", "56a", "56b", "57")),
    "13": PROTOCOL,
    "17": _together(_several("48a", "48c", "49"), for_item(model_rules.readers)),
    "30": _hint(for_item(data_rules.reliability)),
    "43": for_item(model_rules.ready("the frozen models", "model.json")),
}


def built_in_checklists() -> list[BuiltIn]:
    """All of them, as the hook registers them."""
    return [
        BuiltIn(load_standard("ibsi"), ibsi_rules()),
        BuiltIn(load_standard("clear"), CLEAR_RULES),
        BuiltIn(load_standard("metrics"), METRICS_RULES, metrics_score),
        BuiltIn(load_standard("tripod-ai"), tripod_rules()),
        BuiltIn(load_standard("claim"), CLAIM_RULES),
    ]
