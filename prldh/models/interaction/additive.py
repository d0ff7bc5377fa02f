"""Interaction on the additive scale: RERI, AP and S against low/low, with delta-method and bootstrap intervals.

From odds ratios (RERI_OR), and from risk ratios: unadjusted those of the crude risks, adjusted those of risks that the
model predicts with everyone in each group in turn.

References
----------
Rothman (1976), Rothman & Keller (1972), Hosmer & Lemeshow (1992) Epidemiology 3:452, Assmann et al. (1996) Epidemiology
7:286, Flanders & Rhodes (1987) J Chronic Dis 40:697.
"""

from __future__ import annotations

import numpy as np

from prldh.core import finite
from prldh.models.interaction.pair import Fitted, Pair

MEASURES = ("reri", "ap", "s")
#: A crude risk of 0 in a bootstrap sample, as a fitted model would have it.
NEARLY_NOTHING = 1e-9
Measures = dict[str, dict[str, float | int | None]]


def describe_additive(pair: Pair, fitted: Fitted) -> tuple[Measures, Measures]:
    """The measures from the odds ratios of a fitted model of the groups, and from the ratios of its standardised
    risks."""
    columns = _columns(pair, fitted)
    if columns is None:
        return _measures(pair, None, None), _measures(pair, None, None)
    to_lowest = np.array([[0.0, 0.0, -1.0], [1.0, 0.0, -1.0], [0.0, 1.0, -1.0]])  # high/high is the model's reference
    of_groups = np.ix_(columns, columns)
    odds = (to_lowest @ fitted.coefficients[columns], to_lowest @ fitted.covariance[of_groups] @ to_lowest.T)
    each = [
        pair.engine.standardized_risk_ratios(d.matrix, fitted.coefficients, fitted.covariance, columns)
        for d in fitted.designs
    ]
    risks = tuple(np.mean([found[key] for found in each], axis=0) for key in ("logs", "covariance"))
    odds_logs, risk_logs = _resampled_logs(pair, fitted, columns, to_lowest)
    return _measures(pair, odds, odds_logs), _measures(pair, risks, risk_logs)


def describe_additive_crude(pair: Pair) -> Measures:
    """The measures from the ratios of the crude risks."""
    groups = np.arange(4)[:, None]
    n, events = _counts(pair.codes, pair.outcome, groups)
    logs = None
    if (n > 0).all() and (events > 0).all():
        variance = 1 / events - 1 / n
        logs = _against_last(events / n), np.diag(variance[:3]) + variance[3]
    n, events = _counts(pair.codes[pair.rows], pair.outcome[pair.rows], groups[:, None])
    with np.errstate(invalid="ignore", divide="ignore"):
        return _measures(pair, logs, _against_last(np.maximum(events / n, NEARLY_NOTHING).T))


def _columns(pair: Pair, fitted: Fitted) -> np.ndarray | None:
    """Columns of high/low, low/high and low/low; None where one is missing or has no estimate."""
    place = {level: j for j, level in enumerate(fitted.designs[0].levels) if level in pair.levels}
    columns = [place.get(level) for level in pair.levels[1:]]
    if None in columns or fitted.infinite[columns].any() or not np.isfinite(fitted.coefficients[columns]).all():
        return None
    return np.array(columns)


def _resampled_logs(
    pair: Pair, fitted: Fitted, columns: np.ndarray, to_lowest: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Log odds ratios and log risk ratios (B, 3) of every bootstrap sample; NaN where a group has no patients."""
    odds, risks = [np.empty((0, 3))], [np.empty((0, 3))]
    for design, rows, b in pair.refit(fitted):
        is_there = (pair.codes[rows][:, None, :] == np.arange(4)[:, None]).any(axis=2).all(axis=1)
        b = np.where(is_there[:, None], b, np.nan)
        odds.append(b[:, columns] @ to_lowest.T)
        found = pair.engine.standardized_risks(
            design.matrix, b, columns, rows.ravel(), np.full(len(rows), rows.shape[1])
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            risks.append(_against_last(np.asarray(found["risks"], dtype=float)))
    return np.concatenate(odds), np.concatenate(risks)


def _counts(codes: np.ndarray, outcome: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Patients and events of each group, along the last axis of codes."""
    own = codes == groups
    return own.sum(axis=-1).astype(float), (own & (outcome == 1)).sum(axis=-1).astype(float)


def _against_last(risks: np.ndarray) -> np.ndarray:
    return np.log(risks[..., :3]) - np.log(risks[..., 3:])


def _measures(pair: Pair, logs: tuple[np.ndarray, np.ndarray] | None, resampled: np.ndarray | None) -> Measures:
    """As ``results.json`` has them: ``low`` and ``high`` by the delta method; with bootstrap samples, their percentiles
    beside them."""
    delta = pair.engine.additive_interaction(*logs, pair.level) if logs else {}
    found: Measures = {
        key: {k: finite(delta[key][k]) if logs else None for k in ("estimate", "low", "high")} for key in MEASURES
    }
    if not len(pair.rows):
        return found
    boot = pair.engine.additive_interaction_resampled(resampled, pair.level) if logs else {}
    for key in MEASURES:
        limits = boot[key] if logs else {"low": np.nan, "high": np.nan, "n_defined": 0}
        found[key] |= {
            "boot_low": finite(limits["low"]),
            "boot_high": finite(limits["high"]),
            "n_resamples": len(pair.rows),
            "n_defined": int(limits["n_defined"]),
        }
    return found
