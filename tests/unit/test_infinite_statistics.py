"""A statistic that is infinite is said to be: null in the results, with p and the reason, and ∞ in the report."""

from __future__ import annotations

import numpy as np
import pytest

from prldh.core import ABSENT, Draws, clean, record_of
from prldh.core.jsonable import INFINITE
from prldh.engines import PythonEngine
from prldh.engines.r import REngine
from prldh.models import Assessment, HosmerLemeshow, hosmer_lemeshow
from prldh.models.compare import AsymptoticTest, Comparison
from prldh.models.roc_curves import DifferenceTest
from prldh.pages.format import statistic
from prldh.results.json_schema import SchemaMaker
from prldh.results.measures import MEASURES
from prldh.results.nulls import explain_nulls
from prldh.study.statistics import Performance

ENGINES = ["python", pytest.param("r", marks=pytest.mark.r)]
#: The last three have an event where none was expected, and the other way round.
OUTCOME, PROBABILITY = np.array([1.0, 0, 0, 1, 1, 1]), np.array([0.0, 0.0, 0.2, 0.3, 1.0, 1.0])


def assessment(engine: str, **settings) -> Assessment:
    none = np.empty((0, len(OUTCOME)), dtype=int)
    made = PythonEngine() if engine == "python" else REngine()
    return Assessment(made, Performance(**settings), Draws(none, none), MEASURES)


@pytest.mark.parametrize("engine", ENGINES)
def test_hosmer_lemeshow_where_an_event_was_excluded(engine):
    test = hosmer_lemeshow(OUTCOME, PROBABILITY, assessment(engine, hosmer_lemeshow_groups=3), is_fitted=False)
    assert (test.statistic, test.p, test.df, test.reason) == (None, 0.0, 3.0, INFINITE)
    assert statistic(clean(test)).striptags() == "∞"
    (warning,) = [w for w in explain_nulls({"hosmer_lemeshow": clean(test)}) if "statistic" in w.message]
    assert INFINITE in warning.message and "too few distinct groups" not in warning.message


@pytest.mark.parametrize("engine", ENGINES)
def test_a_finite_one_and_one_that_does_not_exist_have_no_reason(engine):
    own = assessment(engine, hosmer_lemeshow_groups=3)
    finite = hosmer_lemeshow(OUTCOME, np.linspace(0.2, 0.9, 6), own)
    assert finite.statistic > 0 and finite.reason is ABSENT and "reason" not in clean(finite)
    nothing = hosmer_lemeshow(OUTCOME, np.full(6, 0.5), own)
    assert (nothing.statistic, nothing.df, nothing.p, nothing.reason) == (None, None, None, ABSENT)
    assert statistic(clean(nothing)).striptags() == "–"


@pytest.mark.parametrize(("first", "shown"), [([1, 2, 3, 4], "∞"), ([4, 3, 2, 1], "−∞")])
def test_a_difference_without_variance(first, shown):
    """Areas of 1 and 0, or 0 and 1: DeLong's variance of the difference is 0."""
    answer = PythonEngine().compare_auc(np.array([0.0, 0, 1, 1]), np.array(first), -np.array(first))
    test = record_of(DifferenceTest, answer)
    assert (test.statistic, test.p, test.reason) == (None, 0.0, INFINITE)
    assert statistic(clean(test)).striptags() == shown


@pytest.mark.parametrize(
    "kind", [HosmerLemeshow, DifferenceTest, AsymptoticTest, Comparison], ids=lambda kind: kind.__name__
)
def test_the_schema_knows_the_reason(kind):
    schema = SchemaMaker(MEASURES).of(kind)
    assert schema["properties"]["reason"] == {"type": "string"} and "reason" not in schema["required"]
