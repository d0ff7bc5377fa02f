"""PERMANOVA beside R's ``vegan::adonis2``, and η² beside ``lm``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from prldh.core import DataError
from prldh.engines.python import PythonEngine

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden_permanova.json").read_text())
NUMBER = np.arange(1, GOLDEN["n"] + 1)[:, None]
GROUP = (NUMBER % 3)[:, 0]
VALUES = {
    "values": np.sin(NUMBER**2 * np.arange(1, 9)) + 0.25 * GROUP[:, None] * (np.arange(1, 9) % 3),
    "wide": np.cos(NUMBER**2 * np.arange(1, 51) * 0.7) + 0.2 * GROUP[:, None] * (np.arange(1, 51) % 2),
}


@pytest.fixture(params=["python", pytest.param("r", marks=pytest.mark.r)])
def compute(request):
    if request.param == "python":
        return PythonEngine().compute
    from prldh.engines.r import REngine

    return REngine().compute


def orders(m, n=GOLDEN["n"]):
    generator = np.random.default_rng(3)
    return np.array([generator.permutation(n) for _ in range(m)]).reshape(m, n)


@pytest.mark.parametrize("name", VALUES)
def test_as_vegan(compute, name):
    facts, m = GOLDEN[name], 1999
    found = compute("permanova", values=VALUES[name], groups=GROUP, permutations=orders(m))
    assert found["f"] == pytest.approx(facts["f"], rel=1e-12) and found["r2"] == pytest.approx(facts["r2"], rel=1e-12)
    error = np.sqrt(facts["p"] * (1 - facts["p"]) * (1 / m + 1 / 9999))
    assert abs(found["p"] - facts["p"]) < 4 * error + 1 / m
    eta = compute("eta_squared", values=VALUES[name], groups=GROUP)
    np.testing.assert_allclose(eta, facts["eta2"], rtol=1e-12)


def test_engines_agree_exactly_on_the_same_permutations(compute):
    for name, values in VALUES.items():
        here = PythonEngine().compute("permanova", values=values, groups=GROUP, permutations=orders(99))
        there = compute("permanova", values=values, groups=GROUP, permutations=orders(99))
        assert list(here) == list(there)
        np.testing.assert_allclose(list(there.values()), list(here.values()), rtol=1e-12, err_msg=name)


def test_what_does_not_exist(compute):
    x = VALUES["values"]
    for values, groups in ((x, GROUP * 0), (x, np.arange(len(x))), (x * 0 + 2.0, GROUP)):
        assert np.isnan(list(compute("permanova", values=values, groups=groups, permutations=orders(5)).values())).all()
    found = compute("permanova", values=x, groups=GROUP, permutations=np.empty((0, len(x)), dtype=int))
    assert np.isnan(found["p"]) and found["f"] > 0
    eta = compute("eta_squared", values=np.column_stack([x[:, 0], x[:, 0] * 0 + 0.1, GROUP]), groups=GROUP)
    assert np.isnan(eta[1]) and eta[2] == pytest.approx(1)


def test_p_is_uniform_without_a_difference():
    generator = np.random.default_rng(9)
    engine = PythonEngine()
    p = [
        engine.compute(
            "permanova",
            values=generator.normal(size=(20, 4)),
            groups=np.arange(20) % 2,
            permutations=np.array([generator.permutation(20) for _ in range(99)]),
        )["p"]
        for _ in range(200)
    ]
    assert 0.4 < np.mean(p) < 0.6 and 0.01 <= np.mean(np.array(p) <= 0.05) <= 0.1


def test_bad_input():
    with pytest.raises(DataError, match="one row for each of the 3 groups"):
        PythonEngine().compute("permanova", values=VALUES["values"], groups=[0, 1, 1], permutations=orders(1))
