"""Harmonisation, pooling and PERMANOVA on problems drawn at random, beside sva, metafor and vegan."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from prldh.engines.python import PythonEngine
from prldh.stats.combat import apply_combat, fit_combat
from prldh.stats.meta_analysis import LEAST_FOR_PREDICTION

DRAWN = json.loads((Path(__file__).parent / "data" / "golden_drawn.json").read_text())


def pairs(of):
    return list(zip(DRAWN["asked"][of], DRAWN["answers"][of], strict=True))


@pytest.fixture(params=["python", pytest.param("r", marks=pytest.mark.r)])
def engine(request):
    if request.param == "python":
        return PythonEngine()
    from prldh.engines.r import REngine

    return REngine()


def test_combat_is_svas():
    """Unequal batches, some of one patient, features that are constant in a batch, covariates, reference batches."""
    seen = set()
    for asked, answer in pairs("combat"):
        batch, values = np.array(asked["batch"]), np.array(asked["values"])
        covariates = None if asked["covariates"] is None else np.array(asked["covariates"])
        fit = fit_combat(values, batch, covariates, asked["is_parametric"], asked["reference"])
        found = apply_combat(fit, values, batch, covariates)
        alone = np.bincount(batch).min() == 1  # sva then corrects every batch in location alone, and we that one
        rows = np.isin(batch, np.flatnonzero(np.bincount(batch) == 1)) if alone else slice(None)
        error = np.abs(found - np.array(answer))[rows] / values.std(axis=0)
        assert error.max() < 1e-8
        seen.add((asked["is_parametric"], asked["reference"] is None, covariates is None, bool(alone)))
        seen.add("constant" if not fit.changed.all() else "")
    assert "constant" in seen and len(seen) > 9


def test_random_effects_are_metafors(engine):
    """2 to 25 centres without, with some and with huge heterogeneity. Where REML's tau2 is 0 metafor stops at 1e-13."""
    tau2 = []
    for asked, answer in pairs("pooled"):
        found = engine.pool_random_effects(asked["y"], asked["v"], asked["level"])
        for key, expected in answer.items():
            if key.startswith("prediction") and len(asked["y"]) < LEAST_FOR_PREDICTION:
                assert np.isnan(found[key])
            else:
                near = 1e-3 if key == "i2" and found["tau2"] == 0 else 1e-9
                assert found[key] == pytest.approx(expected, rel=2e-6, abs=near), (key, asked)
        tau2.append(found["tau2"])
    assert tau2.count(0) > 5 and max(tau2) > 100


def test_permanova_is_vegans(engine):
    for asked, answer in pairs("permanova"):
        found = engine.compute(
            "permanova",
            values=np.array(asked["values"]),
            groups=np.array(asked["groups"]),
            permutations=np.empty((0, len(asked["groups"])), dtype=int),
        )
        assert found["f"] == pytest.approx(answer["f"], rel=1e-10)
        assert found["r2"] == pytest.approx(answer["r2"], rel=1e-10)
