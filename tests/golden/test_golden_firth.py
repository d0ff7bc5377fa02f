"""Firth's fit of the sex2 data against R's logistf 1.26.1, which stops at 1e-5."""

from __future__ import annotations

import json

import numpy as np
import pytest

from prldh.engines.python import PythonEngine


@pytest.mark.parametrize("which", ["python", pytest.param("r", marks=pytest.mark.r)])
def test_sex2_is_logistf_s(shared_data, which):
    data, values = shared_data / "tables" / "sex2.csv", shared_data / "r_golden" / "golden_more.json"
    for path in (data, values):
        if not path.exists():
            pytest.skip(f"not there: {path}")
    golden = json.loads(values.read_text())["firth_sex2"]
    table = np.genfromtxt(data, delimiter=",", names=True)
    design = np.column_stack([np.ones(len(table)), *(table[name] for name in list(golden["coef"])[1:])])
    if which == "r":
        from prldh.engines.r import REngine as Engine
    else:
        Engine = PythonEngine
    engine = Engine()
    fit, limits = engine.fit_firth(design, table["case"]), engine.firth_limits(design, table["case"])
    found = {
        "coef": fit["coefficients"],
        "se": fit["standard_errors"],
        "p": fit["p_values"],
        "lower": limits[:, 0],
        "upper": limits[:, 1],
    }
    for key, ours in found.items():
        np.testing.assert_allclose(ours, list(golden[key].values()), atol=1e-5, rtol=0, err_msg=key)
    np.testing.assert_allclose([fit["log_likelihood"], fit["null_deviance"] / -2], golden["loglik"], atol=1e-5, rtol=0)
