"""Which held-out number leads: refitted chains first, folds before the bootstrap, a plugin's scheme between them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from prldh.results.assembly import Results
from prldh.results.lead import by_honesty, honest_auc
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


@pytest.mark.parametrize(
    ("confidence", "words"),
    [(0.95, "apparent AUC (95% CI)    honest"), (0.9, "apparent AUC (90% CI)"), (0.975, "apparent AUC (97.5% CI)")],
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
