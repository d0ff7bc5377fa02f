"""Which held-out number leads: refitted chains first, folds before the bootstrap, a plugin's scheme between them."""

from __future__ import annotations

import pytest

from prldh.summary import by_honesty, honest_auc

FOUND = {"auc": {"estimate": 0.7, "low": 0.6, "high": 0.8}}


@pytest.mark.parametrize(("validation", "first"), [
    ({"model": {"folds": FOUND}, "pipeline": {"bootstrap": FOUND}}, ("pipeline", "bootstrap")),
    ({"pipeline": {"bootstrap": FOUND, "leave_one_out": FOUND, "folds": FOUND}}, ("pipeline", "folds")),
    ({"pipeline": {"bootstrap": FOUND, "by_centre": FOUND}, "model": {"folds": FOUND}}, ("pipeline", "by_centre")),
    ({"pipeline": {"by_centre": FOUND, "leave_one_out": FOUND}}, ("pipeline", "leave_one_out")),
    ({"pipeline": {"folds": {"auc": {"estimate": None}}, "by_centre": FOUND}}, ("pipeline", "by_centre")),
    ({"model": {"by_centre": FOUND}}, ("model", "by_centre")),
])
def test_the_most_honest_leads(validation, first):
    assert honest_auc({"validation": validation})[:2] == first
    assert first in by_honesty(validation)


def test_nothing_leads_where_nothing_was_validated():
    assert honest_auc({"validation": {}}) is None
