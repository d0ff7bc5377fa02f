"""Terms of models beside R's own numbers (``make_golden_terms.R``): variance inflation by ``car::vif``, condition
numbers by ``kappa``, likelihood-ratio tests by ``drop1``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import prldh
from prldh.core import Design
from prldh.engines.python import PythonEngine
from prldh.engines.r import REngine
from prldh.models.likelihoods import overall_tests

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden_terms.json").read_text())
TABLE = pd.read_csv(Path(prldh.__file__).parent / "demo" / "published_cohort.csv")
OUTCOME = (TABLE["recurrence"] == "yes").to_numpy(float)
MODELS = ["numbers", "factors"]
ENGINES = [PythonEngine, pytest.param(REngine, marks=pytest.mark.r)]


def design_of(terms: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The design as R codes it, and the term of each column after the intercept."""
    columns, codes = [np.ones(len(TABLE))], []
    for k, term in enumerate(terms):
        values = TABLE[term]
        if values.dtype.kind in "if":
            columns.append(values.to_numpy(float))
            codes.append(k)
        else:
            for level in sorted(values.unique())[1:]:
                columns.append((values == level).to_numpy(float))
                codes.append(k)
    return np.column_stack(columns), np.array(codes)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", MODELS)
def test_variance_inflation_is_cars(engine, name):
    golden = GOLDEN[name]
    design, codes = design_of(golden["terms"])
    found = engine().variance_inflation(design, OUTCOME, codes)
    np.testing.assert_allclose(found["vif"], golden["gvif"], rtol=1e-10)
    np.testing.assert_array_equal(found["df"], golden["df"])
    np.testing.assert_allclose(found["vif_per_df"], np.array(golden["gvif"]) ** (1 / (2 * np.array(golden["df"]))))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", MODELS)
def test_columns_inflate_as_the_inverse_of_their_correlations_says(engine, name):
    golden = GOLDEN[name]
    found = engine().collinearity(design_of(golden["terms"])[0][:, 1:])
    np.testing.assert_allclose(found["vif"], golden["features_vif"], rtol=1e-10)
    for key in ("condition_number", "condition_number_centred"):
        assert found[key] == pytest.approx(golden[key], rel=1e-10)


@pytest.mark.parametrize("engine", ENGINES)
def test_leaving_a_factor_out_is_drop1s(engine):
    golden = GOLDEN["factors"]
    matrix, codes = design_of(golden["terms"])
    names = ("(Intercept)", *(golden["terms"][k] for k in codes))
    tests = overall_tests([Design(matrix, names, names, (None,) * len(names))], "maximum likelihood", OUTCOME, engine())
    wanted = [k for k, df in enumerate(golden["df"]) if df > 1]
    assert [each.term for each in tests] == [golden["terms"][k] for k in wanted]
    for each, k in zip(tests, wanted, strict=True):
        for key in ("statistic", "df", "p"):
            assert getattr(each.test, key) == pytest.approx(golden["drop1"][key][k], rel=1e-9)
