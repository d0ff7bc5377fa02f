"""What frozen models say of the patients that a Radscore was made of: where new patients may be expected."""

from __future__ import annotations

import numpy as np

from prldh.core import finite
from prldh.results import Training
from prldh.stats import held_out_distances
from prldh.validation import EngineRun

#: A covariance of more features is not written: it is larger than everything else that a model needs.
MOST_FEATURES = 100
#: Shares of patients within the limits that new patients are held to.
SHARES = (0.975, 0.99)


def describe_training(run: EngineRun, tissue: str) -> Training | None:
    """The training patients of a tissue's score; None where it came as a column or no feature is left."""
    if tissue not in run.blocks or not run.fits[tissue].features:
        return None
    names, values = run.features_of(tissue)
    n, p = values.shape
    sd = tuple(map(finite, values.std(axis=0, ddof=1))) if n > 1 else (None,) * p
    mean = tuple(map(finite, values.mean(axis=0)))
    ends = tuple(map(finite, values.min(axis=0))), tuple(map(finite, values.max(axis=0)))
    reason = None
    if p > MOST_FEATURES:
        reason = f"the score reads {p} features, and a covariance is kept of {MOST_FEATURES} at most"
    elif n <= p + 1:
        reason = f"{n} patients are too few for the covariance of {p} features"
    if reason is not None:
        return Training(n, names, mean, sd, None, None, reason, *ends)
    distances = held_out_distances(values)
    if np.isnan(distances).any():
        return Training(n, names, mean, sd, None, None, "a feature does not vary or is a sum of others", *ends)
    covariance = np.cov(values.T, ddof=1).reshape(p, p)
    held_out = {f"{share:g}": finite(np.quantile(distances, share, method="inverted_cdf")) for share in (0.5, *SHARES)}
    return Training(n, names, mean, sd, tuple(map(tuple, covariance.tolist())), held_out, None, *ends)
