"""Reclassification: by hand, at the edges, and as results have it; the penalised likelihood-ratio test of nested
models."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from prldh.core import warn
from prldh.core.errors import DataError
from prldh.core.jsonable import clean
from prldh.core.records import Draws
from prldh.engines.python import PythonEngine
from prldh.models.compare import Compared
from prldh.models.performance import Assessment
from prldh.models.reclassification import describe_reclassification
from prldh.pages.environment import create_environment
from prldh.report.view import MODELS_SHOWN, ROWS_OPEN, by_scope
from prldh.results.measures import MEASURES
from prldh.results.words import SchemeWords, Words
from prldh.stats.firth import fit_firth
from prldh.stats.firth_ratio import likelihood_ratio_firth
from prldh.stats.reclassification import reclassification
from prldh.study.statistics import Performance

KEYS = ("nri", "cnri", "idi")


def test_by_hand():
    """Three events: up, down, stays with a higher probability; five non-events: two down, one up, one tie, one stays
    with a lower one."""
    y = np.array([1, 1, 1, 0, 0, 0, 0, 0])
    a = np.array([0.3, 0.6, 0.7, 0.6, 0.7, 0.4, 0.2, 0.45])
    b = np.array([0.6, 0.4, 0.8, 0.3, 0.2, 0.6, 0.2, 0.35])
    found = reclassification(y, a, b, np.array([0.5]))
    assert [found[f"nri_{k}"] for k in ("up_events", "down_events", "up_nonevents", "down_nonevents")] == [1, 1, 1, 2]
    assert [found[f"cnri_{k}"] for k in ("up_events", "down_events", "up_nonevents", "down_nonevents")] == [2, 1, 1, 3]
    assert found["nri"] == pytest.approx(0 / 3 + 1 / 5)
    assert found["cnri"] == pytest.approx(1 / 3 + 2 / 5)
    assert found["idi"] == pytest.approx((0.3 - 0.2 + 0.1) / 3 - (-0.3 - 0.5 + 0.2 + 0 - 0.1) / 5)
    np.testing.assert_array_equal(found["table_events"], [[0, 1], [1, 1]])
    np.testing.assert_array_equal(found["table_nonevents"], [[2, 1], [2, 0]])
    error = np.sqrt(2 / 9 + (3 / 25 - 1 / 125))
    assert found["nri_z"] == pytest.approx(0.2 / error)
    assert found["nri_high"] - found["nri_low"] == pytest.approx(2 * 1.959963984540054 * error)


def test_a_probability_at_the_cut_point_is_in_the_lower_category():
    found = reclassification(np.array([1, 0]), np.array([0.5, 0.5]), np.array([0.5 + 1e-9, 0.5]), np.array([0.5]))
    np.testing.assert_array_equal(found["table_events"], [[0, 1], [0, 0]])
    np.testing.assert_array_equal(found["table_nonevents"], [[1, 0], [0, 0]])


def test_swapping_the_models_turns_the_sign_round():
    rng = np.random.default_rng(3)
    y = (rng.random(60) < 0.4).astype(int)
    a, b = np.round(rng.random((2, 60)), 1)
    one, other = reclassification(y, a, b, np.array([0.3, 0.6])), reclassification(y, b, a, np.array([0.3, 0.6]))
    for key in KEYS:
        assert one[key] == pytest.approx(-other[key], abs=1e-12)
        assert one[f"{key}_p"] == pytest.approx(other[f"{key}_p"])
        assert one[key] == pytest.approx(one[f"{key}_events"] + one[f"{key}_nonevents"])
    np.testing.assert_array_equal(one["table_events"], other["table_events"].T)


def test_event_rate_nri_is_the_difference_in_sensitivity_and_specificity():
    rng = np.random.default_rng(4)
    y = (rng.random(80) < 0.3).astype(int)
    a, b = rng.random((2, 80))
    cut = y.mean()
    found = reclassification(y, a, b, np.array([cut]))
    assert found["nri_events"] == pytest.approx((b[y == 1] > cut).mean() - (a[y == 1] > cut).mean())
    assert found["nri_nonevents"] == pytest.approx((b[y == 0] <= cut).mean() - (a[y == 0] <= cut).mean())


@pytest.mark.parametrize("y", [np.zeros(6), np.ones(6), np.zeros(0)])
def test_one_class_has_no_reclassification(y):
    p = np.linspace(0.1, 0.9, y.size)
    found = reclassification(y, p, p[::-1], np.array([0.5]))
    assert all(np.isnan(found[f"{key}{suffix}"]) for key in KEYS for suffix in ("", "_low", "_high", "_z", "_p"))
    assert found["n_events"] == y.sum() and found["table_events"].sum() == y.sum()


def test_identical_predictions_change_nothing_and_have_no_test():
    y, p = np.array([0, 0, 1, 1, 0]), np.array([0.1, 0.5, 0.5, 0.9, 0.2])
    found = reclassification(y, p, p, np.array([0.4]))
    for key in KEYS:
        assert found[key] == 0.0
        assert np.isnan([found[f"{key}_{k}"] for k in ("low", "high", "z", "p")]).all()


def test_everybody_moving_alike_has_no_standard_error():
    """n = 7: (7/49 - 49/343) is not 0 in floating point."""
    y = np.repeat([1, 0], 7)
    a = np.full(14, 0.3)
    found = reclassification(y, a, np.where(y == 1, 0.7, 0.3), np.array([0.5]))
    assert found["nri"] == 1.0 and np.isnan(found["nri_p"])
    shifted = reclassification(y, np.linspace(0.1, 0.5, 14), np.linspace(0.1, 0.5, 14) + 0.1, np.array([0.5]))
    assert shifted["idi"] == pytest.approx(0.0, abs=1e-15) and np.isnan(shifted["idi_p"])


def test_three_patients():
    found = reclassification(np.array([1, 0, 0]), np.array([0.2, 0.4, 0.6]), np.array([0.6, 0.3, 0.7]), np.array([0.5]))
    assert found["nri_events"] == 1.0 and np.isnan(found["idi_events_low"]) and np.isnan(found["idi_p"])
    assert np.isfinite(found["cnri_nonevents_p"])


@pytest.mark.parametrize("cuts", [[0.0], [1.0], [0.4, 0.4], [0.6, 0.2], [np.nan]])
def test_cut_points_are_ascending_risks(cuts):
    with pytest.raises(DataError, match="ascending cut points"):
        reclassification(np.array([0, 1]), np.array([0.1, 0.2]), np.array([0.1, 0.2]), np.array(cuts))


def test_no_cut_point_is_one_category():
    found = reclassification(np.array([0, 1, 1]), np.array([0.1, 0.2, 0.9]), np.array([0.1, 0.4, 0.2]), np.array([]))
    assert found["nri"] == 0.0 and found["table_events"].shape == (1, 1) and found["cnri_up_events"] == 1


# -- as results have it ----------------------------------------------------------------------------------------


@pytest.fixture
def predictions():
    rng = np.random.default_rng(5)
    first = rng.normal(size=50)
    y = (rng.random(50) < 1 / (1 + np.exp(-first))).astype(np.int8)
    return y, first, first + rng.normal(size=50)


def describe(predictions, **settings):
    rows = np.empty((0, 50), dtype=int)
    assessment = Assessment(PythonEngine(), Performance(**settings), Draws(rows, rows), MEASURES)
    pair = Compared("disc", "both", False, None, None, 50, int(predictions[0].sum()))
    return clean(describe_reclassification(pair, *predictions, assessment))


def test_without_categories_the_share_of_events_is_the_cut_point(predictions):
    entry = describe(predictions)
    assert entry["categories"] == [round(predictions[0].mean(), 12)]
    assert (entry["a"], entry["b"], entry["scheme"]) == ("disc", "both", None)
    json.dumps(entry, allow_nan=False)
    for name in ("nri", "continuous_nri", "idi"):
        whole = entry[name]
        assert whole["low"] < whole["estimate"] < whole["high"] and 0 < whole["p"] <= 1
        assert whole["estimate"] == pytest.approx(whole["events"]["estimate"] + whole["nonevents"]["estimate"])
    assert entry["nri"]["events"]["n"] == predictions[0].sum()
    assert sum(cell["events"] + cell["nonevents"] for cell in entry["table"]) == 50
    assert sum(cell["events"] for cell in entry["table"] if cell["new"] > cell["old"]) == entry["nri"]["events"]["up"]


def test_categories_are_the_study_s(predictions):
    entry = describe(predictions, risk_categories=[0.6, 0.3, 0.6])
    assert entry["categories"] == [0.3, 0.6] and entry["categories_from"] == "performance.risk_categories"
    assert [(cell["old"], cell["new"]) for cell in entry["table"]] == [(i, j) for i in range(3) for j in range(3)]


def test_one_outcome_gives_nulls(predictions):
    y, first, second = predictions
    entry = describe((np.zeros(50, dtype=np.int8), first, second))
    assert entry["categories"] == [] and entry["nri"]["estimate"] is None and entry["idi"]["p"] is None
    json.dumps(entry, allow_nan=False)


@pytest.mark.parametrize("cuts", [[], [0.0, 0.5], [0.5, 1.0], [-0.1], "half"])
def test_settings_refuse_what_is_no_cut_point(cuts):
    with pytest.raises(ValidationError):
        Performance(risk_categories=cuts)


def test_the_warning_names_what_to_read_first():
    message = warn.RECLASSIFICATION().message
    assert all(
        part in message
        for part in ("useless markers", "not valid for nested models", "likelihood-ratio test", "net benefit")
    )


def test_the_report_shows_p_values_of_held_out_predictions_alone(predictions):
    apparent = describe(predictions, risk_categories=[0.3, 0.6])
    held_out = {**apparent, "scope": "pipeline", "scheme": "folds", "adjusted": True}
    words = Words(schemes={"folds": SchemeWords("cross-validation")})
    source = '{% import "macros.html.j2" as m with context %}{% include "sections/reclassification.html.j2" %}'
    template = create_environment(words).from_string(source)
    rows = [apparent, held_out]
    view = {"models_shown": MODELS_SHOWN, "rows_open": ROWS_OPEN, "size": lambda comparison: ""}
    shown = template.render(data={"reclassification": rows}, view=view | {"reclassification": by_scope(rows, words)})
    assert (
        "Read the likelihood-ratio test" in shown
        and "both for disc, adjusted" in shown
        and "cross-validation, whole modelling process validated" in shown
    )
    tables = shown.split("<table>")[1:3]
    assert [table.count('<th scope="col">p</th>') for table in tables] == [3, 0]
    moves = shown.split("Who moves")[1]
    assert moves.count("<tr>") == 2 * (1 + 3) and "≤ " in moves and "&gt; " in moves
    assert "nothing to compare" in template.render(data={"reclassification": []}, view=view | {"reclassification": []})


# -- the penalised likelihood-ratio test -----------------------------------------------------------------------


@pytest.fixture
def separated():
    """(40, 4): an intercept, a score, a level without events, a score."""
    rng = np.random.default_rng(6)
    x = np.column_stack([np.ones(40), rng.normal(size=40), np.arange(40) % 4 == 0, rng.normal(size=40)])
    y = (rng.random(40) < 0.5).astype(float)
    y[x[:, 2] == 1] = 0
    return x, y


def test_one_column_is_fit_firth_s_p_value(separated):
    x, y = separated
    for j in (1, 2, 3):
        found = likelihood_ratio_firth(np.delete(x, j, axis=1), x, y)
        assert found["df"] == 1
        assert found["p"] == pytest.approx(fit_firth(x, y)["p_values"][j], rel=1e-7)


def test_which_columns_span_the_models_does_not_matter(separated):
    x, y = separated
    small, large = x[:, :2], x
    turned = large.copy()
    turned[:, 1] += 2 * turned[:, 3]
    turned[:, 2] -= turned[:, 1]
    one, other = likelihood_ratio_firth(small, large, y), likelihood_ratio_firth(small * [1, 3], turned, y)
    assert one["df"] == other["df"] == 2
    assert one["statistic"] == pytest.approx(other["statistic"], rel=1e-8)


def test_a_two_by_two_table_by_hand():
    """Saturated: 1/2 is added to every cell, so that the margins of the null hypothesis have 1 more."""
    x = np.column_stack([np.ones(16), np.repeat([0.0, 1.0], 8)])
    y = np.array([1] * 3 + [0] * 5 + [1] * 8)

    def value(events, others):
        return events * np.log(events / (events + others)) + others * np.log(others / (events + others))

    expected = 2 * (value(3.5, 5.5) + value(8.5, 0.5) - value(12, 6))
    assert likelihood_ratio_firth(x[:, :1], x, y)["statistic"] == pytest.approx(expected, rel=1e-10)


def test_models_that_are_not_nested_have_no_test(separated):
    x, y = separated
    for small, large in ((x[:, [0, 1]], x[:, [0, 3]]), (x, x[:, :3])):
        assert np.isnan(list(likelihood_ratio_firth(small, large, y).values())).all()


def test_the_same_model_has_no_degrees_of_freedom(separated):
    x, y = separated
    found = likelihood_ratio_firth(x, np.column_stack([x, x[:, 1] + x[:, 3]]), y)
    assert found["df"] == 0 and found["statistic"] == 0 and np.isnan(found["p"])
