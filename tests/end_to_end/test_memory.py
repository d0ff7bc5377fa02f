"""Memory is bounded: features are shared by the workers, and a refit of 5,000 features of two readers on 2,000 patients
stays below 1.5 GB."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from prldh.core.records import FeatureBlock, Resample, Subjects
from prldh.plugins.registry import Registry
from prldh.run.protocols import resolve_protocols
from prldh.study.study import Study
from prldh.validation.spread import Refits, refit_one
from prldh.work.work import Workers, run_work

STATUS = Path("/proc/self/status")


def _measured(settings, blocks, given, item):
    """Peak memory of this process (bytes) after a refit, how the features lie in it, and what was selected."""
    first = blocks["tissue"][0].first
    is_shared = isinstance(first, np.memmap) or isinstance(first.base, np.memmap)
    refitted, _, _ = refit_one(settings, blocks, given, item)
    peak = 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", STATUS.read_text())[1])
    return peak, is_shared, refitted["tissue"].features


@pytest.mark.slow
@pytest.mark.skipif(not STATUS.exists(), reason="/proc tells how much memory a process has used")
def test_a_worker_stays_below_its_bound(record_property):
    n, p = 2000, 5000
    rng = np.random.default_rng(0)
    outcome = (np.arange(n) % 4 == 0).astype(np.int8)
    first = rng.normal(size=(n, p))
    first[:, :10] += 0.8 * outcome[:, None]
    block = FeatureBlock("features", tuple(f"f{j:04d}" for j in range(p)), first, first + 0.3 * rng.normal(size=(n, p)))
    study = Study.model_validate(
        {
            "clinical": {"table": "x", "id": "i", "outcome": "y", "event": 1},
            "tissues": {"tissue": {"features": ["a", "b"]}},
            "if_empty": "best",
            "selection": [
                {"icc": {}},
                {"mrmr_forest": {"trees": 20, "sizes": [1, 5, 20]}},
                {"correlation": {"outcome": 0.1}},
                {"lasso_svm_rfe": {}},
            ],
        }
    )
    settings = Refits(Subjects.each(outcome), resolve_protocols(study, Registry())[0], 1, None, None, study.imputation)
    items = [("bootstrap", r, Resample(rng.integers(0, n, n), np.arange(5), 0, 0)) for r in range(4)]
    with Workers(2, shared=({"tissue": (block,)}, {})) as workers:
        found = run_work(partial(_measured, settings), items, workers, lambda done: None)
    assert all(is_shared and features for _, is_shared, features in found)
    peak = max(peak for peak, *_ in found)
    record_property("told", f"peak memory of a worker at {n:,} x {p:,}, two readers: {peak / 1e9:.2f} GB")
    assert peak < 1.5e9
