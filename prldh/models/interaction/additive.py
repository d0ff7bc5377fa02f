"""Interaction on the additive scale: RERI, AP and S against low/low, with delta-method and bootstrap intervals.

From odds ratios (RERI_OR), and from risk ratios: unadjusted those of the crude risks, adjusted those of risks that the
model predicts with everyone in each group in turn.

References
----------
Rothman (1976), Rothman & Keller (1972), Hosmer & Lemeshow (1992) Epidemiology 3:452, Assmann et al. (1996) Epidemiology
7:286, Flanders & Rhodes (1987) J Chronic Dis 40:697.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from prldh.core import ABSENT, Absent, Given, Number, finite
from prldh.models.interaction.pair import Fitted, Pair

#: A crude risk of 0 in a bootstrap sample, as a fitted model would have it.
NEARLY_NOTHING = 1e-9


@dataclass(frozen=True)
class AdditiveMeasure:
    """A measure with limits by the delta method, and where there are bootstrap samples, their percentiles."""

    estimate: Number
    low: Number
    high: Number
    boot_low: Number | Absent = ABSENT
    boot_high: Number | Absent = ABSENT
    n_resamples: Given[int | Absent] = ABSENT
    n_defined: int | Absent = ABSENT


@dataclass(frozen=True)
class AdditiveMeasures:
    """Relative excess risk due to interaction, attributable proportion, and synergy index."""

    reri: AdditiveMeasure
    ap: AdditiveMeasure
    s: AdditiveMeasure


def describe_additive(pair: Pair, fitted: Fitted) -> tuple[AdditiveMeasures, AdditiveMeasures]:
    """The measures from the odds ratios of a fitted model of the groups, and from the ratios of its standardised
    risks."""
    columns = _columns(pair, fitted)
    if columns is None:
        return _measures(pair, None, None), _measures(pair, None, None)
    to_lowest = np.array([[0.0, 0.0, -1.0], [1.0, 0.0, -1.0], [0.0, 1.0, -1.0]])  # high/high is the model's reference
    of_groups = np.ix_(columns, columns)
    b, covariance = fitted.fit.coefficients, fitted.fit.covariance
    odds = (to_lowest @ b[columns], to_lowest @ covariance[of_groups] @ to_lowest.T)
    each = [pair.engine.standardized_risk_ratios(d.matrix, b, covariance, columns) for d in fitted.designs]
    risks = tuple(np.mean([answer[key] for answer in each], axis=0) for key in ("logs", "covariance"))
    odds_logs, risk_logs = _resampled_logs(pair, fitted, columns, to_lowest)
    return _measures(pair, odds, odds_logs), _measures(pair, risks, risk_logs)


def describe_additive_crude(pair: Pair) -> AdditiveMeasures:
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
    columns = [fitted.column_of(level) for level in pair.levels[1:]]
    if any(j is None or not fitted.fit.has_estimate(j) or np.isnan(fitted.fit.coefficients[j]) for j in columns):
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
        standardized = pair.engine.standardized_risks(
            design.matrix, b, columns, rows.ravel(), np.full(len(rows), rows.shape[1])
        )
        with np.errstate(invalid="ignore", divide="ignore"):
            risks.append(_against_last(np.asarray(standardized["risks"], dtype=float)))
    return np.concatenate(odds), np.concatenate(risks)


def _counts(codes: np.ndarray, outcome: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Patients and events of each group, along the last axis of codes."""
    own = codes == groups
    return own.sum(axis=-1).astype(float), (own & (outcome == 1)).sum(axis=-1).astype(float)


def _against_last(risks: np.ndarray) -> np.ndarray:
    return np.log(risks[..., :3]) - np.log(risks[..., 3:])


def _measures(pair: Pair, logs: tuple[np.ndarray, np.ndarray] | None, resampled: np.ndarray | None) -> AdditiveMeasures:
    """From log ratios with their covariance, and those of bootstrap samples; None where they do not exist."""
    n = len(pair.rows)
    delta = pair.engine.additive_interaction(*logs, pair.level) if logs else None
    boot = None
    if n and logs and resampled is not None:
        boot = pair.engine.additive_interaction_resampled(resampled, pair.level)

    def measure(key: str) -> AdditiveMeasure:
        estimate, low, high = (finite(delta[key][k]) if delta else None for k in ("estimate", "low", "high"))
        by_delta = AdditiveMeasure(estimate, low, high)
        if not n:
            return by_delta
        boot_low, boot_high = (finite(boot[key][k]) if boot else None for k in ("low", "high"))
        n_defined = int(boot[key]["n_defined"]) if boot else 0
        return replace(by_delta, boot_low=boot_low, boot_high=boot_high, n_resamples=n, n_defined=n_defined)

    return AdditiveMeasures(measure("reri"), measure("ap"), measure("s"))
