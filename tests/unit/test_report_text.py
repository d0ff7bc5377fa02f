"""Methods and Results: every number and name in them is in the results, and only what ran is cited."""

from __future__ import annotations

import copy
import json
import re
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pandas as pd
import pytest

import prldh
from prldh.report.references import REFERENCES, as_bibtex, in_words
from prldh.report.text import without_citations, write_text

#: Digits that are part of the wording and not of the results.
WORDING = re.compile(r"R²|\.632\+|In Table 1 (no )?p was below 0\.05|χ²|SciPy 1\.0")


def cohort(n: int = 48, seed: int = 1) -> pd.DataFrame:
    g = np.random.default_rng(seed)
    disc, age = g.normal(size=n), g.normal(50, 8, n).round()
    event = g.random(n) < 1 / (1 + np.exp(0.6 - disc))
    return pd.DataFrame({"id": range(n), "y": np.where(event, "yes", "no"), "age 2": age, "s1": disc, "s2": g.normal(size=n) + 0.3 * disc})


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two scores, three schemes; pictures are left out."""
    folder = tmp_path_factory.mktemp("text")
    cohort().to_csv(folder / "t.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prldh.report.figures.write_figures", lambda data, folder: {})
        patch.setattr("prldh.report.render.render_report", lambda *content: "")
        found = prldh.analyze({
            "title": "T", "seed": 20240101, "engine": "python", "clinical": {"table": str(folder / "t.csv"), "id": "id", "outcome": "y", "event": "yes", "covariates": {"age 2": "continuous"}},
            "tissues": {"disc 1": {"radscore": "s1"}, "muscle": {"radscore": "s2"}}, "validation": {"leave_one_out": True, "folds": 4, "bootstrap": 6},
            "performance": {"decision_bootstrap": 5, "partial_auc_bootstrap": 10, "interaction_bootstrap": 5}, "table_one": {"adjust_p": "holm"},
        }, folder / "out", jobs=1)
    assert (folder / "out" / "references.bib").read_text() == write_text(found.data).bibtex
    return found.data


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
        rows = [abs(r["difference"]) for r in at(path) if r["difference"] is not None]
        return str(len(rows)) if kind.endswith("count") else f"{max(rows):.1e}"
    if kind == "key":
        assert path[-1] in at(path[:-1])
        return str(path[-1])
    value = at(path)
    if kind == "count":
        return str(len(value))
    if kind == "text":
        return " ".join(str(value).split())
    if kind == "p":
        return "0.001" if value < 0.001 else "0.999" if value > 0.9995 else str(Decimal(value).quantize(Decimal("0.001"), ROUND_HALF_EVEN))
    if kind == "exact":
        return str(value) if isinstance(value, int) else f"{value:g}"
    if kind == "percent":
        return f"{Decimal(repr(value)) * 100:f}".rstrip("0").rstrip(".")
    digits = int(kind.split()[1])
    shown = str(Decimal(value).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN))
    return shown if 0.5 * 10**-digits <= abs(value) < 1e6 else f"{value:.{max(digits - 1, 1)}e}"


def check(data) -> int:
    """Walks through the text from fact to fact; between them no digit may stand that is not wording. Returns how many there were."""
    text = write_text(data)
    whole = "\n".join(without_citations(p) for p in [*text.methods, *text.results])
    rest, at = [], 0
    for shown, kind, path in text.facts:
        assert shown == as_shown(data, kind, path), (kind, path)
        place = whole.find(shown, at)
        assert place >= 0, (shown, path)
        rest.append(whole[at:place])
        at = place + len(shown)
    rest.append(whole[at:])
    loose = re.findall(r"\S*\d\S*", WORDING.sub("", " | ".join(rest)))
    assert not loose, loose
    return len(text.facts)


def test_every_number_is_in_the_results(data):
    assert check(data) > 150


def test_a_number_that_is_not_would_be_found(data, monkeypatch):
    monkeypatch.setattr("prldh.report.text._agreed", lambda w: iter(["The AUC was 0.91."]))
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
    used = {int(n) for p in [*text.methods, *text.results] for group in re.findall(r" \[(\d+(?:, \d+)*)\]", p) for n in group.split(", ")}
    assert used == set(range(1, len(text.references) + 1)) and len(cited) == len(text.references)
    without = copy.deepcopy(data)
    without["study"]["settings"]["table_one"]["p_values"] = False
    without["interaction"], without["comparisons"], without["reclassification"], without["univariate"] = None, [], [], None
    for m in without["models"]:
        m["validation"] = {}
    said = write_text(without)
    assert not {"efron1997", "holm1979", "hosmer1992", "demler2012", "pencina2008", "harrell1996"} & set(re.findall(r"\{(\w+),", said.bibtex))
    assert "No internal validation was made." in " ".join(said.methods) and "not validated" in " ".join(said.results) and check(without)


def test_missing_numbers_are_not_made_up(data):
    changed = copy.deepcopy(data)
    for m in changed["models"]:
        for scope in m["validation"].values():
            for found in scope.values():
                if isinstance(found, dict):
                    found["auc"].update(dict.fromkeys(found["auc"], None))
                    found.pop("auc_mean", None)
        m["auc"]["low"] = None
    text = " ".join(write_text(changed).results)
    assert "None" not in text and "nan" not in text and "it was not validated" in text and "no finite interval" in text


def test_bibtex_has_balanced_braces_and_every_field():
    for key, reference in REFERENCES.items():
        entry = as_bibtex([key], {"r": "4.2.2"})
        assert entry.count("{") == entry.count("}") and entry.startswith(f"@{reference.kind}{{{key},") and "title = {{" in entry
        assert re.search(r"\d{4}|version 4", in_words(key, "4.2.2" if key == "r" else None)), key
        assert "year" in entry or key == "r"


def test_study_with_selection_reads_as_it_ran(data):
    """Steps that did not run, and a reliability that one reader cannot show, are not told."""
    changed = copy.deepcopy(data)
    changed["study"]["settings"]["selection"] = [{"icc": {"threshold": 0.75}}, {"correlation": {"between": 0.9, "outcome": 0.3}}, {"mine": {}}, {"unused": {}}]
    steps = [{"name": n, "source": "radiomics", "n_in": i, "n_out": o, "dropped": {}, "details": {}} for n, i, o in (("icc", 40, 40), ("correlation", 40, 5), ("mine", 5, 2))]
    selection = {"steps": steps, "features": ["a", "b"], "sources": {"a": "radiomics", "b": "radiomics"}, "readers": 1, "stability": {"folds": {"index": {"estimate": 0.5, "low": 0.4, "high": 0.6}}}}
    changed["tissues"]["disc 1"] |= {"selection": selection, "radscore": {"method": "logistic"}}
    text = write_text(changed)
    methods = " ".join(text.methods)
    assert "intraclass" not in methods and "unused" not in methods and "the step mine" in methods and "at least 0.3" in methods
    assert "Of 40 radiomics features of disc 1, 2 entered its Radscore; the stability index over the resamples (cross-validation) was 0.500" in " ".join(text.results)
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
        patch.setattr("prldh.report.figures.write_figures", lambda data, folder: {})
        patch.setattr("prldh.report.render.render_report", lambda *content: "")
        data = prldh.analyze({
            "title": "aSAH", "engine": "python", "clinical": {"table": str(tmp_path / "t.csv"), "id": "id", "outcome": "outcome", "event": "Poor", "covariates": {"age": "continuous", "gender": "categorical"}},
            "tissues": {"S100B": {"radscore": "s100b"}}, "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 8},
            "performance": {"confidence": 0.9, "partial_auc": {"sensitivity": [1, 0.9], "specificity": [0.8, 0.2]}, "decision_bootstrap": 5, "partial_auc_bootstrap": 10},
        }, tmp_path / "out", jobs=1).data
    assert check(json.loads(json.dumps(data))) > 40
    text = " ".join(write_text(data).results)
    assert "The table held 113 patients, of whom 1 was left out; 112 were analysed" in text and "(90% CI" in text
