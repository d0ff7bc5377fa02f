"""Methods and Results: every number and name in them is in the results, and only what ran is cited."""

from __future__ import annotations

import copy
import itertools
import json
import re
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pandas as pd
import pytest
import yaml

import prldh
from prldh.checklists import model_rules, performance_rules
from prldh.checklists.dossier import dossier_of
from prldh.core import warn
from prldh.core.references import REFERENCES, Reference
from prldh.pages.format import typeset
from prldh.plugins.registry import Registry
from prldh.report.answer import answer_view
from prldh.report.text import write
from prldh.report.text.bibliography import as_bibtex, in_words
from prldh.report.text.limitations import LIMITATIONS, NO_LIMITATION
from prldh.report.text.write import Text, without_citations
from prldh.results.asking import words_of

REGISTRY = Registry()
#: The core's references, and those that objects bring.
EVERY_REFERENCE = [
    *REFERENCES.values(),
    *(
        reference
        for hook in (
            "register_transforms",
            "register_selectors",
            "register_learners",
            "register_validators",
            "register_feature_sources",
        )
        for item, _ in REGISTRY.registered(hook).values()
        for reference in getattr(item, "references", ())
        if reference.key not in REFERENCES
    ),
]


def write_text(data, program: str = "") -> Text:
    """The text with the words of what is installed."""
    return write.write_text(data, words_of(data, REGISTRY), program)


#: Digits that are part of the wording and not of the results.
WORDING = re.compile(r"lay below 0\.5|R²|\.632\+|In Table 1 (no )?p was below 0\.05|χ²")


#: What no sentence has: double blanks, blanks before a stop, empty brackets, numbers that are none, 1 with a plural,
#: lists that end in "and", doubled stops, fields that were not filled.
ARTEFACTS = re.compile(
    r"  | (?:[,;:)]|\.(?!632))|\( |\(\)|\[\]|\bnan\b|\bNone\b(?! of)|\binf\b|\b1 (?:[a-z-]+ )?"
    r"(?:patients|events|refits|features|rows|samples|folds|models|times|levels)\b|\band[.;]|,,|\.\.(?!\.)|;\.|,\.|[{}]"
)


def cohort(n: int = 48, seed: int = 1) -> pd.DataFrame:
    g = np.random.default_rng(seed)
    disc, age = g.normal(size=n), g.normal(50, 8, n).round()
    event = g.random(n) < 1 / (1 + np.exp(0.6 - disc))
    return pd.DataFrame(
        {
            "id": range(n),
            "y": np.where(event, "yes", "no"),
            "age 2": age,
            "s1": disc,
            "s2": g.normal(size=n) + 0.3 * disc,
        }
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two scores, three schemes; pictures are left out."""
    folder = tmp_path_factory.mktemp("text")
    cohort().to_csv(folder / "t.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prldh.run.outputs.write_figures", lambda *given, **how: {})
        patch.setattr("prldh.run.outputs.render_report", lambda *content: "")
        results = prldh.analyze(
            {
                "title": "T",
                "seed": 20240101,
                "engine": "python",
                "clinical": {
                    "table": str(folder / "t.csv"),
                    "id": "id",
                    "outcome": "y",
                    "event": "yes",
                    "covariates": {"age 2": "continuous"},
                },
                "tissues": {"disc 1": {"radscore": "s1"}, "muscle": {"radscore": "s2"}},
                "validation": {"leave_one_out": True, "folds": 4, "bootstrap": 6},
                "performance": {"decision_bootstrap": 5, "partial_auc_bootstrap": 10, "interaction_bootstrap": 5},
                "table_one": {"adjust_p": "holm"},
            },
            folder / "out",
            jobs=1,
        )
    assert (folder / "out" / "references.bib").read_text() == write_text(results.data).bibtex
    return results.data


def as_shown(data, kind: str, path: tuple) -> str:
    """What the text has to show for a place in the results, by decimal arithmetic of its own."""

    def at(place):
        value = data
        for key in place:
            value = value[key]
        return value

    if kind == "share":
        part, whole = (Decimal(at(p)) for p in path)
        return str((100 * part / whole).quantize(Decimal("0.1"), ROUND_HALF_EVEN))
    if kind.startswith("agreement"):
        sizes = [(abs(r["difference"]), abs(r["r"]), abs(r["python"])) for r in at(path) if r["difference"] is not None]
        rows = [difference / max(r, python, 0.001) for difference, r, python in sizes]
        return str(len(rows)) if kind.endswith("count") else typeset(f"{max(rows):.1e}")
    labels = {
        name: (own or {}).get("label") or name
        for name, own in data["study"]["settings"]["clinical"]["covariates"].items()
    }
    if kind in ("key", "covariate"):
        assert path[-1] in at(path[:-1])
        return str(path[-1]) if kind == "key" else labels.get(path[-1], path[-1])
    value = at(path)
    if kind == "count":
        return str(len(value))
    if kind == "alike":
        return str([each[path[-1]] for each in at(path[:-2])].count(value))
    if kind == "variable":
        return labels.get(value, value)
    if kind == "text":
        return " ".join(str(value).split())
    if kind == "p":
        if value < 0.001 or value >= 0.9995:
            return "0.001" if value < 0.001 else "0.999"
        rounded = [Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN) for digits in range(3, 10)]
        # no rounding takes it to what it is held against
        return str(next((p for p in rounded if p not in map(Decimal, ("0.01", "0.05", "0.1"))), rounded[-1]))
    if kind == "set":
        settings = yaml.safe_load(value.partition(": ")[2])
        return ", ".join(f"{key.replace('_', ' ')} {each}" for key, each in settings.items())
    if kind == "exact":
        return str(value) if isinstance(value, int) else f"{value:g}"
    if kind == "percent":
        return f"{Decimal(repr(value)) * 100:f}".rstrip("0").rstrip(".")
    digits = int(kind.split()[1])
    if value and abs(value) < 1e-12:  # rounding of sums
        return f"{0:.{digits}f}"
    if 0.5 * 10**-digits <= abs(value) < 1e6:
        return str(Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)).replace("-", "−")
    mantissa, exponent = f"{value:.{max(digits - 1, 1)}e}".split("e")
    return (
        f"{mantissa.replace('-', '−')} × 10{''.join('⁻⁰¹²³⁴⁵⁶⁷⁸⁹'['-0123456789'.index(c)] for c in str(int(exponent)))}"
    )


def check(data) -> int:
    """Walks through the text from fact to fact; between them no digit may stand that is not wording. Returns how many
    there were."""
    text = write_text(data)
    whole = "\n".join(without_citations(p) for p in [*text.methods, *text.results, *text.limitations])
    rest, at = [], 0
    for shown, kind, path in text.facts:
        assert shown == as_shown(data, kind, path), (kind, path)
        place = whole.find(shown, at)
        assert place >= 0, (shown, path)
        rest.append(whole[at:place])
        at = place + len(shown)
    rest.append(whole[at:])
    assert not ARTEFACTS.findall(whole), [whole[m.start() - 60 : m.end() + 20] for m in ARTEFACTS.finditer(whole)]
    loose = re.findall(r"\S*\d\S*", WORDING.sub("", " | ".join(rest)))
    assert not loose, loose
    return len(text.facts)


def test_every_number_is_in_the_results(data):
    assert check(data) > 150


def test_subgroups_are_told_by_the_model_whose_levels_differ_most(data):
    def model(name, area):
        return {"name": name, "adjusted": False, "auc": {"estimate": area, "low": None, "high": None}}

    levels = [
        {"level": level, "is_blank": False, "models": [model("A", first), model("B", second)]}
        for level, first, second in (("< 50", 0.7, 0.6), ("≥ 50", 0.71, 0.82), ("odd", None, 1.0))
    ]
    tests = [{"name": name, "adjusted": False, "p": p, "left_out": ["odd"]} for name, p in (("A", 0.9), ("B", 0.012))]
    entry = {"scope": "pipeline", "scheme": "folds", "levels": levels}
    own = {**data, "subgroups": {"age": {**entry, "heterogeneity": tests}, "sex": {**entry, "heterogeneity": []}}}
    assert check(own) > check(data)
    text = write_text(own)
    assert any("Held-out performance was described by age and sex" in p for p in text.methods)
    said = "By age, the held-out AUC of “B”, the model of which levels differed most, differed between levels (0.600 in"
    assert any(f"{said} < 50 to 0.820 in ≥ 50; Cochran's Q, p = 0.012)." in p for p in text.results)
    assert not any("By sex" in p for p in text.results)


def test_a_number_that_is_not_would_be_found(data, monkeypatch):
    monkeypatch.setattr("prldh.report.text.results.PARTS", (lambda w: iter(["The AUC was 0.91."]),))
    with pytest.raises(AssertionError, match="0.91"):
        check(data)


def test_a_changed_number_changes_the_text(data):
    changed = copy.deepcopy(data)
    changed["models"][0]["auc"]["estimate"] = 0.123456
    assert "0.123" in " ".join(write_text(changed).results) and check(changed)


def test_only_what_ran_is_cited(data):
    text = write_text(data)
    cited = re.findall(r"^@\w+\{(\w+),", text.bibtex, re.M)
    assert {"delong1988", "efron1997", "holm1979", "hosmer1992"} <= set(cited)
    assert ("firth1993" in cited) == any(m["fit"] == "firth" for m in data["models"])
    assert not {"rubin1987", "peng2005", "guyon2002", "shrout1979", "r", "robin2011", "nogueira2018"} & set(cited)
    used = {
        int(n)
        for p in [*text.methods, *text.results]
        for group in re.findall(r" \[(\d+(?:, \d+)*)\]", p)
        for n in group.split(", ")
    }
    assert used == set(range(1, len(text.references) + 1)) and len(cited) == len(text.references)
    without = copy.deepcopy(data)
    without["study"]["settings"]["table_one"]["p_values"] = False
    without["interaction"], without["comparisons"], without["reclassification"], without["univariate"] = (
        None,
        [],
        [],
        None,
    )
    for m in without["models"]:
        m["validation"] = {}
    text = write_text(without)
    assert not {"efron1997", "holm1979", "hosmer1992", "demler2012", "pencina2008", "harrell1996"} & set(
        re.findall(r"\{(\w+),", text.bibtex)
    )
    assert (
        "No internal validation was made." in " ".join(text.methods)
        and "not validated" in " ".join(text.results)
        and check(without)
    )


def test_missing_numbers_are_not_made_up(data):
    changed = copy.deepcopy(data)
    for m in changed["models"]:
        for scope in m["validation"].values():
            for entry in scope.values():
                if isinstance(entry, dict):
                    entry["auc"].update(dict.fromkeys(entry["auc"], None))
                    entry.pop("auc_mean", None)
        m["auc"]["low"] = None
    text = " ".join(write_text(changed).results)
    assert "None" not in text and "nan" not in text and "no usable held-out AUC" in text and "(no interval)" in text


def test_bibtex_has_balanced_braces_and_every_field():
    for reference in EVERY_REFERENCE:
        key = reference.key
        entry = as_bibtex([reference], {"r": "4.2.2"})
        assert (
            entry.count("{") == entry.count("}")
            and entry.startswith(f"@{reference.kind}{{{key},")
            and "title = {{" in entry
        )
        assert re.search(r"\d{4}|version 4", in_words(reference, "4.2.2" if key == "r" else None)), key
        assert "year" in entry or key == "r"


def test_study_with_selection_reads_as_it_ran(data):
    """Steps that did not run, and a reliability that one reader cannot show, are not told."""
    changed = copy.deepcopy(data)
    changed["study"]["settings"]["selection"] = [
        {"icc": {"threshold": 0.75}},
        {"correlation": {"between": 0.9, "outcome": 0.3}},
        {"mine": {}},
        {"unused": {}},
    ]
    steps = [
        {"name": n, "source": "radiomics", "n_in": i, "n_out": o, "dropped": {}, "details": {}}
        for n, i, o in (("icc", 40, 40), ("correlation", 40, 5), ("mine", 5, 2))
    ]
    selection = {
        "steps": steps,
        "features": ["a", "b"],
        "sources": {"a": "radiomics", "b": "radiomics"},
        "readers": 1,
        "stability": {"folds": {"index": {"estimate": 0.5, "low": 0.4, "high": 0.6}}},
    }
    changed["tissues"]["disc 1"] |= {"selection": selection, "radscore": {"method": "logistic"}}
    text = write_text(changed)
    methods = " ".join(text.methods)
    assert (
        "intraclass" not in methods
        and "unused" not in methods
        and "the step mine" in methods
        and "at least 0.3" in methods
    )
    assert (
        "Of 40 radiomics features of disc 1, 2 entered its Radscore; the stability index over the resamples"
        " (cross-validation) was 0.500" in " ".join(text.results)
    )
    check(changed)
    selection["readers"] = 2
    assert "intraclass" in " ".join(write_text(changed).methods) and check(changed)


def test_real_table(shared_data, tmp_path):
    """aSAH, with a level of confidence and ranges of its own; blanks that leave patients out."""
    table = pd.read_csv(shared_data / "tables" / "aSAH.csv", dtype=str)
    table.insert(0, "id", [f"{i:03d}" for i in range(len(table))])
    table.loc[3, "age"] = ""
    table.to_csv(tmp_path / "t.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prldh.run.outputs.write_figures", lambda *given, **how: {})
        patch.setattr("prldh.run.outputs.render_report", lambda *content: "")
        data = prldh.analyze(
            {
                "title": "aSAH",
                "engine": "python",
                "clinical": {
                    "table": str(tmp_path / "t.csv"),
                    "id": "id",
                    "outcome": "outcome",
                    "event": "Poor",
                    "covariates": {"age": "continuous", "gender": "categorical"},
                },
                "tissues": {"S100B": {"radscore": "s100b"}},
                "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 8},
                "performance": {
                    "confidence": 0.9,
                    "partial_auc": {"sensitivity": [1, 0.9], "specificity": [0.8, 0.2]},
                    "decision_bootstrap": 5,
                    "partial_auc_bootstrap": 10,
                },
            },
            tmp_path / "out",
            jobs=1,
        ).data
    assert check(json.loads(json.dumps(data))) > 40
    text = " ".join(write_text(data).results)
    assert "The table held 113 patients, of whom 1 was left out: " in text and "(90% CI" in text
    assert "(n = 1). The other 112 were analysed" in text


# ---------------------------------------------------------------- kinds of study


def selected(data, readers: int = 2, **mrmr) -> dict:
    """The study with features of the first tissue selected by the default steps."""
    changed = copy.deepcopy(data)
    changed["study"]["settings"]["selection"] = [
        {"icc": {"threshold": 0.75, "form": "ICC2", "on": "estimate"}},
        {"mrmr_forest": {"folds": 5, "features": 30, "trees": 200, "rule": "argmax", "racing": False, **mrmr}},
        {"lasso_svm_rfe": {"folds": 10, "combine": "intersection"}},
    ]
    steps = [
        {"name": n, "source": "features", "n_in": i, "n_out": o, "dropped": {}, "details": {}}
        for n, i, o in (("icc", 1223, 80), ("mrmr_forest", 80, 5), ("lasso_svm_rfe", 5, 2))
    ]
    stability = {"folds": {"index": {"estimate": 0.5, "low": 0.4, "high": 0.6}, "n_empty": 1, "n_resamples": 4}}
    selection = {
        "steps": steps,
        "features": ["a", "b"],
        "sources": {"a": "features", "b": "features"},
        "readers": readers,
        "stability": stability,
    }
    changed["tissues"]["disc 1"] |= {"selection": selection, "radscore": {"method": "logistic"}}
    return changed


def of_images(data, **about) -> dict:
    """The same with features measured on images by two sources."""
    changed = selected(data, readers=1)
    sources = {
        "pyradiomics": {"version": "0.1.0", "packages": {"pyradiomics-bhklab": "3.1.4"}},
        "uctransnet": {
            "version": "0.1.0",
            "packages": {"torch": "2.13.0"},
            "trained_on": {"n_trained": 9, "n": 2, "ids": ["P1", "P2"]},
        },
        "mine": {"version": "7", "packages": {}},
    }
    changed["images"] = {"disc 1": {"sources": sources, "perturbation": {"n": 10}, **about}}
    return changed


def of_two_networks(data) -> dict:
    """The same with another tissue, measured by the same source with settings and a network of its own."""
    changed = of_images(data)
    for n, tissue in ((2, "disc 1"), (0, "muscle 3")):
        network = {"version": "0.1.0", "packages": {}, "settings": {"plane": tissue}}
        changed["images"][tissue] = {
            "sources": {"uctransnet": network | {"trained_on": {"n_trained": 9, "n": n, "ids": []}}},
            "perturbation": None,
        }
    return changed


def tables_only(data) -> dict:
    changed = copy.deepcopy(data) | {"tissues": {}, "interaction": None}
    changed["table_one"] = [v for v in changed["table_one"] if v["variable"] == "age 2"]
    return changed


def one_model(data) -> dict:
    return copy.deepcopy(data) | {
        "models": data["models"][:1],
        "comparisons": [],
        "reclassification": [],
        "interaction": None,
    }


def firth(data, n: int) -> dict:
    changed = copy.deepcopy(data)
    for m in changed["models"][:n]:
        m["fit"] = "firth"
    return changed


def imputed(data) -> dict:
    changed = copy.deepcopy(data) | {"missing": {"imputations": 20, "variables": []}}
    changed["study"]["settings"]["missing"] = "multiple_imputation"
    changed["models"][1]["n_imputations"] = 20
    return changed


def by_r(data) -> dict:
    return copy.deepcopy(data) | {
        "engines": (
            data["engines"]
            | {
                "reported": "r",
                "r": {"version": "4.2.2", "packages": {"pROC": "1.18.0", "glmnet": "4.1.6"}},
                "called": {"r": ["pROC"], "python": ["numpy"]},
            }
        ),
        "agreement": [],
    }


def permuted(data) -> dict:
    changed = copy.deepcopy(data)
    changed["models"][0]["validation"]["pipeline"]["folds"]["null"] = {"n": 50}
    return changed


#: Ways from features to a score, as the results have them.
WAYS = {
    name: {"tissues": {"disc 1": {"transforms": [], **way, "second_stage": "in_sample"}}, "validation": {}}
    for name, way in {
        "mine": {"selection": ["correlation: {between: 0.9, outcome: 0.3}"], "learner": "logistic"},
        "woods": {"selection": [], "learner": "random_forest: {trees: 30}"},
        "third": {"selection": [], "learner": "lasso"},
    }.items()
}


def with_ways(data) -> dict:
    return selected(data) | {"protocols": WAYS}


def without_selection(data) -> dict:
    """A Radscore of all features, in a run with one resample."""
    changed = selected(data)
    own = changed["tissues"]["disc 1"]["selection"]
    own["steps"], own["stability"]["folds"]["index"]["estimate"] = [], None
    return changed


def with_a_choice(data) -> dict:
    """One way, without any selection, was chosen on everyone, others in resamples."""
    choice = {
        "rule": "one_se",
        "measure": "auc",
        "model": "Disc",
        "folds": 5,
        "chosen": "woods",
        "candidates": {"mine": {}, "woods": {}},
        "validation": {"folds": {"how_often": {"mine": 3, "woods": 1}}},
    }
    return without_selection(data) | {"protocols": WAYS, "choice": choice}


def with_a_yardstick(data, low: float | None) -> dict:
    difference = {"auc": {"estimate": 0.1, "low": low, "high": None if low is None else 0.3}}
    return copy.deepcopy(data) | {"yardstick": {"lasso": {"folds": {"difference": difference}}}}


def clustered(data) -> dict:
    """Several rows a patient: tests without a clustered form have no p."""
    changed = copy.deepcopy(data)
    changed["cohort"] |= {"n_patients": 40, "events_patients": 12}
    for v in changed["table_one"]:
        v["p"] = None
    held = (e for m in changed["models"] for by in m["validation"].values() for e in by.values() if isinstance(e, dict))
    for entry in (*changed["models"], *held):
        if "hosmer_lemeshow" in entry:
            entry["hosmer_lemeshow"]["p"] = entry["calibration"]["spiegelhalter_z"] = None
    return changed


def covariates_themselves(data) -> dict:
    """The one model is that of the covariates alone."""
    changed = one_model(data)
    changed["clinical_model"]["added_value"] = []
    return changed


def by_a_split(data) -> dict:
    changed = copy.deepcopy(data)
    for scheme in changed["study"]["schemes"].values():
        scheme["kind"] = "holdout"
    return changed


def calibrated_when_held_out(data) -> dict:
    """Apparent predictions are too few for a calibration line, those that were held out are not."""
    changed = copy.deepcopy(data)
    for m in changed["models"]:
        m["calibration"] |= {"slope": None, "intercept": None}
    return changed


def without_width(data) -> dict:
    changed = selected(data)
    changed["tissues"]["disc 1"]["selection"]["stability"]["folds"]["index"] = dict.fromkeys(
        ("estimate", "low", "high"), 0.238
    )
    return changed


def not_validated(data) -> dict:
    changed = copy.deepcopy(data)
    for m in [*changed["models"], changed["clinical_model"]]:
        m["validation"] = {}
    for c in changed["comparisons"]:
        c["difference"] = c["p"] = None
    return changed


def with_artefacts(data) -> dict:
    """Of every model of the study, though not of the covariates alone, the pooled AUCs are artefacts."""
    changed = copy.deepcopy(data)
    for m in changed["models"]:
        for by_scheme in (m["validation"][scope] for scope in ("model", "pipeline")):
            for entry in by_scheme.values():
                if "n_repeats" in entry:
                    entry["auc"] |= {"estimate": 0.2, "low": 0.1, "high": 0.3}
    return changed


def with_rounding(data) -> dict:
    changed = selected(data)
    changed["tissues"]["disc 1"]["selection"]["stability"]["folds"]["index"] = {
        "estimate": -3e-17,
        "low": -0.509,
        "high": 0.509,
    }
    return changed


KINDS = {
    "a choice among ways": (
        with_a_choice,
        [
            "was chosen among 2; the one that was chosen on everyone, “woods”, is described here.",
            "Among 2 ways from features to a score the first listed whose mean AUC lay within",
            "anew within every training set",
            "The ways: “mine”: correlation (between 0.9, outcome 0.3), then logistic regression, then second stage"
            " in-sample; “woods”: random forest (trees 30), then",
            "Of the 4 training sets (cross-validation) it fell on “mine” in 3 and “woods” in 1; on everyone on “woods”",
            "without being a candidate: “third”: LASSO, then",
            "the choice of the way, the selection of features, Radscores and cutoffs included,",
        ],
        ["corrected resampled intervals", "that remained"],
    ),
    "ways": (
        with_ways,
        ["3 ways from features to a score were compared on the same resamples: “mine”: correlation ("],
        ["chosen"],
    ),
    "no selection": (
        without_selection,
        ["to outcomes, Radscores and cutoffs included,", "while Radscores and cutoffs had seen"],
        ["the selection of features", "Nogueira", "that remained"],
    ),
    "a yardstick": (lambda d: with_a_yardstick(d, -0.1), ["Differences have corrected resampled intervals"], []),
    "a yardstick on groups": (lambda d: with_a_yardstick(d, None), ["As a yardstick"], ["corrected resampled"]),
    "clustered rows": (
        clustered,
        ["of 40 patients, and", "of these rows ("],
        ["Characteristics of patients", "Hosmer", "Spiegelhalter"],
    ),
    "the covariates themselves": (covariates_themselves, [], ["ovariates alone", "held against"]),
    "calibrated when held out": (calibrated_when_held_out, ["Calibration was measured by intercept, slope,"], []),
    "an interval without width": (without_width, ["was 0.238 (no interval)"], ["0.238 to"]),
    "not validated": (
        not_validated,
        ["of the covariates alone was fitted on the same patients", "No internal validation"],
        ["validated on the same"],
    ),
    "artefacts": (
        lambda d: with_artefacts(d),
        ["the covariates alone had an AUC of"],
        ["less theirs", "Differences of held"],
    ),
    "a split": (by_a_split, [" Held-out AUCs less theirs were"], ["Pooled held-out"]),
    "rounding": (with_rounding, ["was 0.000 (95% CI −0.509 to 0.509)"], ["10⁻⁹"]),
    "tables only": (
        tables_only,
        ["Everything that is fitted to outcomes was fitted anew"],
        ["A Radscore above", "features", "Interaction", "images", "cutoff"],
    ),
    "one model": (
        one_model,
        ["had an apparent AUC of", "Its sensitivity was"],
        ["compared by DeLong", "highest of these", "reclassification", "nested"],
    ),
    "selected features": (
        selected,
        [
            "(a) features were kept where the intraclass correlation (between readers, form ICC2)",
            "30 features",
            "the number with the highest mean AUC;",
            "or the LASSO's where there was none",
            "Of 1223 features of disc 1, 2 entered",
            "in 1 of 4 resamples (cross-validation) no feature was left",
        ],
        ["racing", "standard error", "perturbed", "within each source"],
    ),
    "racing": (lambda d: selected(d, racing=True), ["dropped early (racing, an approximation)"], ["standard error"]),
    "one standard error": (
        lambda d: selected(d, rule="one_se"),
        ["the smallest number within one standard error of the highest mean AUC"],
        ["racing"],
    ),
    "perturbed masks": (of_images, ["over a reader's mask and 10 perturbed ones"], ["between readers"]),
    "one reader, not perturbed": (lambda d: of_images(d, perturbation=None), [], ["intraclass"]),
    "images": (
        of_images,
        [
            "PyRadiomics' feature definitions",
            "(pyradiomics-bhklab 3.1.4)",
            "the encoder of a UCTransNet",
            "(torch 2.13.0)",
            "by the source mine",
            "2 of the patients analysed had been used to train this source",
        ],
        ["None of the patients"],
    ),
    "two networks": (
        of_two_networks,
        [
            "Its settings were each tissue's own (disc 1 and muscle 3).",
            "2 of the patients analysed had been used to train this source for disc 1, so",
            "None of the patients analysed had been used to train this source for muscle 3.",
        ],
        ["train this source,", "train this source."],
    ),
    "Firth everywhere": (
        lambda d: firth(d, 99),
        ["Because the outcome was separated"],
        ["by maximum likelihood", "by the profile likelihood"],
    ),
    "Firth once": (
        lambda d: firth(d, 1),
        ["by maximum likelihood", "Where the outcome was separated"],
        ["Because the outcome"],
    ),
    "imputation": (
        imputed,
        ["were imputed 20 times by chained equations", "Wald's method, pooled over imputations"],
        ["complete-case"],
    ),
    "R alone": (
        by_r,
        ["in R 4.2.2", "pROC 1.18.0", "NumPy"],
        ["glmnet", "SciPy", "a second time", "each on its own"],
    ),
    "Python alone": (copy.deepcopy, ["in Python 3."], ["in R ", "pROC", "a second time", "each on its own"]),
    "permuted outcomes": (permuted, ["on 50 random permutations"], []),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_study_is_told_as_it_ran(data, kind):
    if kind == "images":
        pytest.importorskip("prldh_pyradiomics", reason="its own words are told")
    make, present, absent = KINDS[kind]
    changed = make(data)
    assert check(changed) > 40
    text = write_text(changed)
    whole = without_citations(" ".join([*text.methods, *text.results, *text.limitations]))
    assert not re.search(r"\bNone\b(?! of)(?! of)|\bnan\b|  |\.\.|,,", whole)
    for words in present:
        assert words in whole, words
    for words in absent:
        assert words not in whole, words


def test_checklists_and_pictures_change_nothing(data):
    changed = copy.deepcopy(data)
    changed["study"]["settings"]["report"] = {"checklists": ["ibsi", "clear", "metrics", "tripod-ai"], "figures": []}
    assert write_text(changed) == write_text(data)


def test_the_version_of_the_program_is_told_where_it_is_known(data):
    assert (
        "with prldh in Python" in write_text(data).methods[-1]
        and "with prldh 9.9 in Python" in write_text(data, "9.9").methods[-1]
    )


# ---------------------------------------------------------------- BibTeX


def parse_bibtex(text: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Key → (kind, fields), by the grammar: ``@kind{key, name = {value}, …}`` with balanced braces in values. Anything
    else is an error."""
    entries, at = {}, 0

    def skip() -> None:
        nonlocal at
        while at < len(text) and text[at].isspace():
            at += 1

    def take(pattern: str) -> str:
        nonlocal at
        skip()
        hit = re.compile(pattern).match(text, at)
        assert hit, f"{pattern} expected at {text[at : at + 40]!r}"
        at = hit.end()
        return hit[0]

    def braced() -> str:
        nonlocal at
        take(r"\{")
        start, depth = at, 1
        while depth:
            assert at < len(text), "unbalanced braces"
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        return text[start : at - 1]

    skip()
    while at < len(text):
        kind = take(r"@[a-z]+")[1:]
        take(r"\{")
        key, fields = take(r"[A-Za-z][A-Za-z0-9]*"), {}
        while take(r"[,}]") == ",":
            skip()
            if text[at] == "}":
                continue
            name = take(r"[a-z]+")
            take("=")
            assert name not in fields
            fields[name] = braced()
        assert key not in entries
        entries[key] = (kind, fields)
        skip()
    return entries


NEEDED = {
    "article": {"author", "title", "journal", "year"},
    "inproceedings": {"author", "title", "booktitle", "year"},
    "incollection": {"author", "title", "booktitle", "year"},
    "book": {"author", "title", "publisher", "year"},
    "manual": {"title"},
}


def test_bibtex_parses_with_the_fields_that_each_kind_needs():
    pytest.importorskip("prldh_uctransnet", reason="its references are among them")
    entries = parse_bibtex(as_bibtex(EVERY_REFERENCE, {"r": "4.2.2"}))
    assert list(entries) == [reference.key for reference in EVERY_REFERENCE] and {"peng2005", "wang2022"} <= set(
        entries
    )
    for key, (kind, fields) in entries.items():
        assert NEEDED[kind] <= set(fields), key
        assert all(
            value.isascii() and value.strip() and not re.search(r"(?<!\\)[&%#$]", value)
            for name, value in fields.items()
            if name not in ("doi", "url")
        ), key
        assert re.fullmatch(r"\d{4}", fields.get("year", "2000")) and re.fullmatch(
            r"10\.\d{4,}/\S+", fields.get("doi", "10.1000/x")
        )
        assert all(re.fullmatch(r"others|\{[^{}]+\}|[^,]+, [^,]+", name) for name in fields["author"].split(" and ")), (
            key
        )


def test_the_parser_of_this_test_refuses_what_is_not_bibtex():
    for wrong in (
        "@article{a, title = {x}",
        "@article{a, title = x}",
        "article{a}",
        "@article{a, title = {x} year = {1}}",
        "@a{k}@a{k}",
    ):
        with pytest.raises(AssertionError):
            parse_bibtex(wrong)


def test_two_papers_of_one_key_are_told_apart_and_strange_letters_stay():
    one = Reference("smith2020", "Smith, Ann", "First", "Journal", 2020)
    other = Reference("smith2020", "Smith, Bør", "Second", "Somewhere", 2020, kind="misc")
    entries = parse_bibtex(as_bibtex([one, other]))
    assert list(entries) == ["smith2020", "smith2020a"] and entries["smith2020a"][0] == "misc"
    assert (
        entries["smith2020a"][1]["author"] == "Smith, Bør" and entries["smith2020a"][1]["howpublished"] == "Somewhere"
    )


def test_participants_are_counted_by_the_reason_for_which_they_were_left_out(data):
    data = copy.deepcopy(data)
    reasons = ["no image", "blank: age", "no image"]
    data["cohort"]["excluded"] = [{"id": str(k), "reason": reason} for k, reason in enumerate(reasons)]
    data["cohort"]["n_read"] = data["cohort"]["n"] + 3
    check(data)
    paragraph = write_text(data).results[0]
    assert "of whom 3 were left out: no image (n = 2) and blank: age (n = 1). The other 48 were analysed" in paragraph
    data["cohort"]["excluded"] = data["cohort"]["excluded"][:1]
    data["cohort"]["n_read"] = data["cohort"]["n"] + 1
    check(data)
    assert "of whom 1 was left out: no image (n = 1)." in write_text(data).results[0]


def test_the_covariates_alone_and_what_models_add_to_them_are_told(data):
    text = " ".join(write_text(data).results)
    assert ") the covariates alone had an AUC of" in text and "Pooled held-out AUCs less theirs were" in text
    without = {key: value for key, value in data.items() if key != "clinical_model"}
    check(without)
    assert "ovariates alone" not in " ".join([*write_text(without).results, *write_text(without).methods])


def test_every_code_says_what_limitation_it_is_or_that_it_is_none():
    codes = {kind.code for kind in warn.CATALOGUE}
    assert codes == set(LIMITATIONS) | NO_LIMITATION and not set(LIMITATIONS) & NO_LIMITATION


@pytest.mark.parametrize("code", [*LIMITATIONS, ""])
def test_limitations_are_those_that_the_run_warned_of(data, code):
    warned = {**data, "warnings": [{"code": code, "stage": "s", "message": "m"}] * bool(code)}
    assert write_text(warned).limitations == ([LIMITATIONS[code]] if code else [])


def test_all_limitations_make_one_paragraph_without_an_artefact(data):
    check({**data, "warnings": [{"code": code, "stage": "s", "message": "m"} for code in LIMITATIONS]})


def test_covariates_are_told_by_their_labels(data):
    data = copy.deepcopy(data)
    data["study"]["settings"]["clinical"]["covariates"]["age 2"]["label"] = "Age at surgery"
    data["table_one"][0]["p"] = 0.0498
    check(data)
    assert "Age at surgery (p = 0.0498)" in " ".join(write_text(data).results)


#: A fit with its number of imputations, and what Methods and the checklist say of the limits of its odds ratios.
LIMITS = {
    ("maximum likelihood", 0): ("by the profile likelihood", "profile likelihood"),
    ("maximum likelihood", 5): ("Wald's method, pooled over imputations", "Wald, pooled over imputations"),
    ("firth", 0): ("the profile penalised likelihood", "profile penalised likelihood (Firth)"),
    ("as_is", 0): ("", ""),
}
SETS_OF_FITS = [s for n in range(1, len(LIMITS) + 1) for s in itertools.combinations(LIMITS, n)]


@pytest.mark.parametrize("fits", SETS_OF_FITS, ids=str)
@pytest.mark.parametrize("is_clustered", [False, True], ids=["patients", "rows"])
def test_limits_and_refits_are_told_of_the_fits_that_were_made(data, fits, is_clustered):
    own = copy.deepcopy(data)
    own["models"] = [copy.deepcopy(data["models"][0]) for _ in fits]
    for model, (fit, n_imputations) in zip(own["models"], fits, strict=True):
        model.update(fit=fit, n_imputations=n_imputations)
    if is_clustered:
        own["cohort"]["n_patients"] = own["cohort"]["n"] - 1
    methods = " ".join(without_citations(p) for p in write_text(own).methods)
    dossier = dossier_of(own, None, words=words_of(own, REGISTRY))
    answered = performance_rules.uncertainty(dossier).value
    explained = model_rules.interpretability(dossier).value
    for key, (in_methods, in_checklist) in LIMITS.items():
        if in_methods:
            told = key in fits and not is_clustered
            assert (in_methods in methods) == told, methods
            assert (in_checklist in re.split(": | or |; odds ratios by ", answered)) == told, answered
    fitted = {fit for fit, _ in fits} - {"as_is"}
    assert ("sandwich" in methods) == ("sandwich" in answered) == (is_clustered and bool(fitted))
    assert ("odds ratios" in explained) == ("odds ratios" in answered) == bool(fitted)
    assert ("threshold alone were refitted" in methods) == (("as_is", 0) not in fits)
    assert ("thresholds alone were set anew" in methods) == (not fitted)
    assert ("Where the outcome was separated" in methods) == ({"firth", "maximum likelihood"} <= fitted)


@pytest.mark.parametrize("scheme", ["folds", "leave_one_out", "bootstrap"])
@pytest.mark.parametrize("is_mean", [False, True], ids=["pooled", "mean"])
def test_the_auc_that_leads_is_called_the_same_wherever_it_stands(data, scheme, is_mean):
    own = copy.deepcopy(data)
    for m in [*own["models"], own["clinical_model"]]:
        for scope, held in m["validation"].items():
            if scope in ("pipeline", "model"):
                m["validation"][scope] = {scheme: held[scheme]}
                if scheme != "bootstrap":
                    held[scheme]["auc"].update(estimate=0.7, low=0.6, high=0.8)
                if is_mean and scheme != "bootstrap":
                    held[scheme]["auc_mean"] = {"estimate": 0.6, "low": None, "high": None}
                    held[scheme]["auc"].update(estimate=0.2, low=0.1, high=0.3)
    how = ", .632+" if scheme == "bootstrap" else ", mean of folds" if is_mean else ""
    words = words_of(own, REGISTRY)
    label = f"{words.scheme(scheme).label}{how}, "
    tile = answer_view(own, words)["tiles"][0]
    assert label in tile.detail
    assert label in performance_rules.performance(dossier_of(own, None, words=words)).value
    told = " ".join(without_citations(p) for p in write_text(own).results)
    start = "Corrected for optimism (.632+ bootstrap" if how == ", .632+" else f"On held-out patients ({label}"
    assert start in told
    assert ("On held-out patients (bootstrap" in told) is False
