"""The measures: each is named once, and what computes, writes, reads or tells one of them asks that record."""

from __future__ import annotations

import inspect
import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from prldh.core.entries import Interval
from prldh.core.jsonable import clean
from prldh.core.measures import APPARENT, CELLS, Measure
from prldh.core.records import Draws
from prldh.engines.python import PythonEngine
from prldh.models.performance import Assessment, classify, describe_auc, describe_predictions, tell_of_certain
from prldh.models.values import Confusion
from prldh.results.agreement import compare_engines
from prldh.results.json_schema import SchemaMaker
from prldh.results.measures import BY_KEY, CLASSIFIED, MEASURES
from prldh.results.nulls import NAMES, explain_nulls
from prldh.results.schemas import schema_of
from prldh.stats.by_name import all_statistics, find_statistic
from prldh.study.statistics import Performance

DOCUMENTED = " ".join(" ".join((f.__doc__ or "").split()) for f in all_statistics().values())


@pytest.fixture
def assessment():
    rng = np.random.default_rng(3)
    settings = Performance(thresholds=[0.0, 0.2, 0.5], prevalence=0.2)
    return Assessment(PythonEngine(), settings, Draws(rng.integers(0, 90, (20, 90)), np.empty((0, 90), int)), MEASURES)


def numbers_of(value):
    """Every number of a cleaned value, but for limits and what stands beside an estimate."""
    if isinstance(value, dict):
        return [value["estimate"]] if "estimate" in value else [x for v in value.values() for x in numbers_of(v)]
    return [value] if isinstance(value, float) else []


def test_each_is_named_once_and_every_statistic_is_there():
    assert max(Counter(measure.key for measure in MEASURES).values()) == 1
    for measure in MEASURES:
        arguments = inspect.signature(find_statistic(measure.function)).parameters
        assert set(measure.cells) <= set(arguments), measure.key
        assert {cell for cells in measure.cells.values() for cell in cells} <= set(CELLS), measure.key


@pytest.mark.parametrize("measure", [m for m in MEASURES if m.r], ids=lambda m: m.key)
def test_r_s_function_is_the_one_that_the_statistics_name(measure):
    assert measure.r in DOCUMENTED or measure.key == "auc_mean"  # of folds: cvAUC's, in prldh/stats/resampled.py


def test_values_lie_within_their_ranges(assessment):
    rng = np.random.default_rng(8)
    for spread in (0.3, 2.0, 20.0):
        eta = spread * rng.normal(size=90)
        y = (rng.random(90) < 1 / (1 + np.exp(-rng.normal(size=90) - eta / spread))).astype(float)
        found, _ = describe_predictions(y, eta[None, :], eta, assessment, "model")
        assert set(found) == {m.key for m in MEASURES if APPARENT in m.places}
        values = {**found, **found["calibration"].numbers}
        for measure in MEASURES:
            low, high = measure.range
            for number in numbers_of(clean(values.get(measure.key))) if math.isfinite(high) else ():
                assert low <= number <= high, measure.key


def test_the_schema_tells_range_direction_r_and_when_it_is_null():
    model = schema_of("results")["properties"]["models"]["items"]
    assert model["properties"]["auc"]["title"] == "AUC"
    assert model["properties"]["auc"]["description"].startswith("from 0 to 1; higher is better; R: pROC::ci.auc; null")
    assert "e50" not in model["properties"]["calibration"]["required"], "it came later"
    assert "ici" in model["properties"]["calibration"]["required"]


def test_a_measure_of_the_classification_is_its_record_alone(assessment):
    """Another share of the table: computed, in the schema, with its reason, and without a line elsewhere."""
    share = replace(
        BY_KEY["ppv"],
        key="prevalence",
        label="Prevalence",
        cells={"successes": ("tp", "fn"), "total": CELLS},
        null_parts={"estimate": "nobody is there"},
    )
    found = classify(Confusion(3, 2, 1, 4), replace(assessment, measures=(*MEASURES, share)))
    assert list(found) == [*(m.key for m in CLASSIFIED), "prevalence"]
    assert found["prevalence"] == Interval(**PythonEngine().proportion(4, 10))
    assert SchemaMaker([share]).of_measures(APPARENT)["properties"]["prevalence"]["title"] == "Prevalence"


def test_an_engine_that_cannot_compute_a_measure_has_python_s_number_and_no_row_of_agreement(assessment):
    class Other(PythonEngine):
        name = "r"

        def compute(self, statistic, **arguments):
            assert statistic != "proportion", "this engine cannot"
            return super().compute(statistic, **arguments)

    alone = Measure("alone", "Alone", "proportion", BY_KEY["ppv"].places, BY_KEY["ppv"].cells, computed_by=("python",))
    found = classify(Confusion(3, 2, 1, 4), replace(assessment, engine=Other(), measures=(alone,)))
    assert found["alone"].estimate == 0.6
    sides = [{"models": [{"name": "a", "alone": {"estimate": 0.6}, "ppv": {"estimate": 0.6}}]}] * 2
    assert [row.quantity for row in compare_engines(*sides, (alone, BY_KEY["ppv"]))] == ["models[a].ppv.estimate"]


@pytest.mark.parametrize("measure", [m for m in MEASURES if m.null], ids=lambda m: m.key)
def test_a_null_has_the_reason_of_its_measure(measure):
    (warning,) = explain_nulls({"models": [{measure.key: None}]})
    assert warning.message == f"models: {NAMES.get(measure.key, measure.label)} (1) without a value: {measure.null}."


@pytest.mark.r
def test_r_has_every_measure_with_the_same_numbers():
    from prldh.engines.r import REngine

    cells = {"tp": 7, "fp": 2, "fn": 4, "tn": 11}
    for measure in CLASSIFIED:
        given = {name: sum(cells[c] for c in own) for name, own in measure.cells.items()}
        r, python = (engine.compute(measure.function, **given) for engine in (REngine(), PythonEngine()))
        assert r == pytest.approx(python, rel=1e-9), measure.key


@pytest.mark.parametrize(
    ("y", "told"),
    [
        ([0, 0, 0, 1, 1], ["model: the AUC is 1, so its interval has no width; it does not mean certainty."]),
        ([1, 1, 0, 0, 0], ["model: the AUC is 0, so its interval has no width; it does not mean certainty."]),
        ([1, 0, 0, 0, 0], ["model: the AUC is 0, and it has no interval; it does not mean certainty."]),
        ([0, 1, 0, 1, 0], []),
    ],
)
def test_an_order_that_is_all_right_or_all_wrong_is_told_as_it_is(assessment, y, told):
    auc = describe_auc(np.array(y, dtype=float), np.arange(5.0)[None, :], assessment)
    assert [w.message for w in tell_of_certain(auc, "model")] == told
    assert (auc.low is not None and auc.low == auc.high) == any("no width" in message for message in told)
