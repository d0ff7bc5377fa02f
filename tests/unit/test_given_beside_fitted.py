"""What is said of Table 1 where one score was fitted and another given."""

from __future__ import annotations

import pytest

from prldh.report.view import _fitted_in_table_one

FITTED, GIVEN = {"selection": {"steps": []}}, {"selection": None}


@pytest.mark.parametrize(
    ("tissues", "groups", "said"),
    [
        ({"disc": FITTED, "muscle": FITTED}, True, "Radscores and the cutoffs of their groups were fitted"),
        ({"disc": FITTED, "blood": GIVEN}, True, "Radscores of disc and the cutoffs of groups were fitted"),
        ({"disc": FITTED, "blood": GIVEN}, False, "The Radscore of disc was fitted"),
        ({"disc": FITTED}, False, "The Radscore of disc was fitted"),
        ({"disc": FITTED, "muscle": FITTED}, False, "Radscores were fitted"),
    ],
)
def test_what_was_fitted_is_named(tissues, groups, said):
    rows = [{"variable": "disc"}, *[{"variable": "groups(disc, blood)"}] * groups]
    told = _fitted_in_table_one({"tissues": tissues, "table_one": rows})
    assert told.startswith(said)
    assert ("How the score blood came about is not known here." in told) == ("blood" in tissues)


def test_of_given_scores_alone_nothing_is_said():
    assert _fitted_in_table_one({"tissues": {"blood": GIVEN}, "table_one": [{"variable": "blood"}]}) == ""
