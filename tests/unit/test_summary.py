"""Which held-out number leads: refitted chains first, folds before the bootstrap, a plugin's scheme between them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from prldh.core import ALL_THAT_IS_FITTED, WHOLE
from prldh.results.assembly import Results
from prldh.results.lead import by_honesty, honest_auc, led_by
from prldh.results.leakage import is_artefact
from prldh.results.words import SchemeWords, Words
from prldh.run.terminal import summarise_run

FOUND = {"auc": {"estimate": 0.7, "low": 0.6, "high": 0.8}}


@pytest.mark.parametrize(
    ("validation", "first"),
    [
        ({"model": {"folds": FOUND}, "pipeline": {"bootstrap": FOUND}}, ("pipeline", "bootstrap")),
        ({"pipeline": {"bootstrap": FOUND, "leave_one_out": FOUND, "folds": FOUND}}, ("pipeline", "folds")),
        ({"pipeline": {"bootstrap": FOUND, "by_centre": FOUND}, "model": {"folds": FOUND}}, ("pipeline", "by_centre")),
        ({"pipeline": {"by_centre": FOUND, "leave_one_out": FOUND}}, ("pipeline", "leave_one_out")),
        ({"pipeline": {"folds": {"auc": {"estimate": None}}, "by_centre": FOUND}}, ("pipeline", "by_centre")),
        ({"model": {"by_centre": FOUND}}, ("model", "by_centre")),
    ],
)
def test_the_most_honest_leads(validation, first):
    assert honest_auc({"validation": validation})[:2] == first
    assert first in by_honesty(validation)


def test_nothing_leads_where_nothing_was_validated():
    assert honest_auc({"validation": {}}) is None


TURNED = {"auc": {"estimate": 0.254, "low": 0.174, "high": 0.335}}
MEAN = {"auc_mean": {"estimate": 0.52, "low": 0.4, "high": 0.64}}
OUT_OF_BAG = {"auc": {"estimate": 0.4, "low": 0.3, "high": 0.45, "oob": 0.5, "b632plus": 0.51}}


@pytest.mark.parametrize(
    ("validation", "estimate", "words"),
    [
        ({"pipeline": {"folds": TURNED | MEAN}}, 0.52, f"cross-validation, mean of folds, {WHOLE}"),
        (
            {"pipeline": {"folds": {"auc": {"estimate": None}} | MEAN}},
            0.52,
            f"cross-validation, mean of folds, {WHOLE}",
        ),
        (
            {"pipeline": {"leave_one_out": TURNED, "bootstrap": OUT_OF_BAG}},
            0.51,
            f"bootstrap, .632+, {WHOLE}",
        ),
        ({"pipeline": {"leave_one_out": TURNED}, "model": {"leave_one_out": FOUND}}, None, "no usable held-out AUC"),
        ({"model": {"leave_one_out": {"auc": {"estimate": 0.0, "low": None, "high": None}}}}, None, "no usable"),
    ],
)
def test_an_artefact_never_leads(validation, estimate, words):
    leading = honest_auc({"validation": validation})
    assert (leading and leading[2]["estimate"]) == estimate and led_by({}, {"validation": validation}).startswith(words)


def test_a_scheme_is_called_as_it_calls_itself():
    entry, words = {"validation": {"pipeline": {"mine_own": FOUND}}}, Words(schemes={"mine_own": SchemeWords("My own")})
    assert led_by({}, entry, words).startswith("My own, ") and led_by({}, entry).startswith("mine-own, ")


def test_which_pooled_auc_is_an_artefact():
    """Its whole interval below 0.5; a bootstrap's is not pooled."""
    assert is_artefact(TURNED) and is_artefact({"auc": {"estimate": 0.0, "low": None, "high": None}})
    assert not any(map(is_artefact, (FOUND, OUT_OF_BAG, None, {"auc": {"estimate": 0.45, "low": 0.35, "high": 0.55}})))


@pytest.mark.parametrize(
    ("confidence", "words"),
    [(0.95, "apparent AUC (95% CI)   held-out"), (0.9, "apparent AUC (90% CI)"), (0.975, "apparent AUC (97.5% CI)")],
)
def test_intervals_are_named_by_the_confidence_that_was_asked_for(confidence, words):
    data = {
        "study": {"title": "Disc", "settings": {"performance": {"confidence": confidence}}},
        "cohort": {"n": 9, "events": 4, "excluded": []},
        "models": [{"name": "Disc", "adjusted": False, "auc": FOUND["auc"], "validation": {}}],
        "agreement": [],
        "tissues": {},
        "warnings": [],
    }
    assert words in summarise_run(Results(data, pd.DataFrame()), Path("out"))


def test_the_terminal_calls_honest_only_what_was_made_here_and_names_artefacts():
    terms = {tissue: [{"variable": None}, {"variable": tissue}] for tissue in ("given", "made")}
    models = [
        {"name": name, "adjusted": False, "auc": FOUND["auc"], "terms": terms[tissue], "validation": {"pipeline": held}}
        for name, tissue, held in (
            ("Given", "given", {"folds": FOUND}),
            ("Made", "made", {"folds": FOUND}),
            ("Turned", "made", {"folds": TURNED | MEAN}),
        )
    ]
    data = {
        "study": {"title": "Disc", "settings": {"performance": {"confidence": 0.95}}},
        "cohort": {"n": 9, "events": 4, "excluded": []},
        "agreement": [],
        "tissues": {"given": {"selection": None}, "made": {"selection": {"steps": []}}},
        "warnings": [],
    }
    shown = summarise_run(Results({**data, "models": models}, pd.DataFrame()), Path("out"))
    given, made, turned = (line for line in shown.splitlines() if line.startswith(("Given", "Made", "Turned  ")))
    assert "honest" not in shown and "held-out AUC" in shown and "this run cannot know how it was made" in shown
    assert given.endswith(" a") and made.endswith(" b") and turned.endswith("0.520 (0.400, 0.640) c")
    assert [line for line in shown.splitlines() if line.startswith("  ")] == [
        f"  a  cross-validation, {ALL_THAT_IS_FITTED}, leakage unknown",
        f"  b  cross-validation, {WHOLE}",
        f"  c  cross-validation, mean of folds, {WHOLE}",
    ]
    assert f"Turned: pooled AUC 0.254 (0.174, 0.335) (cross-validation, {WHOLE}): below 0.5" in shown
    assert "honest AUC" in summarise_run(Results({**data, "models": models[1:]}, pd.DataFrame()), Path("out"))


def test_models_are_a_table_of_eighty_columns():
    entry = {"adjusted": True, "auc": FOUND["auc"], "terms": [], "validation": {"pipeline": {"folds": FOUND}}}
    models = [{"name": name, **entry} for name in ("A", "B" * 22, "C" * 60)]
    data = {
        "study": {"title": "Disc", "settings": {"performance": {"confidence": 0.975}}},
        "cohort": {"n": 9, "events": 4, "excluded": []},
        "agreement": [],
        "tissues": {},
        "warnings": [],
        "models": models,
    }
    lines = summarise_run(Results(data, pd.DataFrame()), Path("out")).splitlines()
    assert max(map(len, lines)) <= 80 and f"{'C' * 60}, adjusted" in lines
    assert sum(line.endswith(")") and "0." in line for line in lines) == 3
