"""Sample sizes of an external validation as pmvalsampsize's own tests have them, and R's Mahalanobis distances."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from prldh.stats.domain_distance import domain_distances, held_out_distances
from prldh.stats.external_sample_sizes import external_sample_size

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden_external_size.json").read_text())
NAN = float("nan")


@pytest.mark.parametrize("of", ["normal", "beta"])
def test_sizes_are_those_of_pmvalsampsize(of):
    """``pmvalsampsize(type = "b", prevalence = 0.018, cstatistic = 0.8, oeciwidth = 1, simobs = 1000)``; a width of 1
    is a standard error of 0.2456 there."""
    found = external_sample_size(0.018, np.array(GOLDEN[of]["log_odds"]), 0.8, NAN, 0.2456)
    assert [found[k] for k in ("n_observed_expected", "n_slope", "n_auc")] == GOLDEN[of]["sizes"]
    assert found["n"] == max(GOLDEN[of]["sizes"]) and found["events"] == np.ceil(found["n"] * 0.018)
    assert np.isnan(found["n_net_benefit"])


def test_distances_are_those_of_r():
    own = {name: np.array(values) for name, values in GOLDEN["mahalanobis"].items()}
    rows = own["rows"]
    found = domain_distances(own["new"], rows.mean(axis=0), np.cov(rows.T), len(rows), np.array([0.975]))
    np.testing.assert_allclose(found["squared"], own["squared"], rtol=1e-12)
    np.testing.assert_allclose(held_out_distances(rows), own["held_out"], rtol=1e-10)
