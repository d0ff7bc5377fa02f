"""Stability selection: the features that the LASSO takes first in most halves of the patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from prldh.chain.shared import child_of, in_patient_order
from prldh.chain.shared.folds import stratified_folds
from prldh.chain.shared.linear import TIE, standardise
from prldh.core import (
    Across,
    Curve,
    Purpose,
    Reference,
    Remark,
    Selection,
    StepFigure,
    StepRun,
    TrainingRows,
    bounds,
    plain,
)
from prldh.engines import StatisticsEngine
from prldh.plugins import SelectorSettings
from prldh.stats import cv_elastic_net

#: Patients of the rarer class in a half, without which the LASSO's path is not computed.
LEAST_PATIENTS = 3


class StabilitySettings(SelectorSettings):
    threshold: float = Field(0.75, gt=0.5, le=1, description="the share of halves that must take a feature")
    false: float = Field(
        1.0, gt=0, le=bounds.FEATURES, description="the bound of the expected number of features taken falsely"
    )
    q: int | None = Field(
        None, ge=1, le=bounds.FEATURES, description="how many a half takes at most; unset: what the bound allows"
    )
    halves: int = Field(100, ge=10, le=bounds.RESAMPLES, description="how many halves of the patients are drawn")
    complementary: bool = Field(True, description="in pairs that have no patient in common")


class StabilitySelector:
    """Keep features that at least the share ``threshold`` of random halves of the patients take.

    A half has half of the patients of each outcome. It takes the features that are first to enter the path of the LASSO
    (logistic), as the penalty falls, as long as they are ``q`` at most. The expected number of features that are taken
    falsely is at most q² / ((2 threshold − 1) p) for p features.

    Notes
    -----
    N. Meinshausen, P. Bühlmann, JRSS B 72 (2010) 417-473, theorem 1: the bound holds where features without effect are
    exchangeable and the LASSO does no worse than chance. R. D. Shah, R. J. Samworth, JRSS B 75 (2013) 55-80: with
    complementary pairs it holds without these, of features that a half takes with a probability of at most q / p. R:
    ``stabs::stabsel``, which draws halves without regard to outcomes.
    """

    name = "stability"
    version = "1"
    Settings = StabilitySettings
    label = "Stability selection"
    short_label = "stability"
    explanation = "stability selection keeps features that most halves of the patients take"
    purposes = {Purpose.REDUNDANCY: ""}
    references = (
        Reference(
            "meinshausen2010",
            "Meinshausen, Nicolai and Bühlmann, Peter",
            "Stability selection",
            "Journal of the Royal Statistical Society, Series B",
            2010,
            "72",
            "417--473",
            "10.1111/j.1467-9868.2010.00740.x",
        ),
        Reference(
            "shah2013",
            "Shah, Rajen D. and Samworth, Richard J.",
            "Variable selection with error control: another look at stability selection",
            "Journal of the Royal Statistical Society, Series B",
            2013,
            "75",
            "55--80",
            "10.1111/j.1467-9868.2011.01034.x",
        ),
    )

    def methods(self, run: StepRun) -> str:
        pairs = " in complementary pairs [@shah2013]" if run.settings.get("complementary") else ""
        return (
            "features were kept that the LASSO took first in the share {threshold} or more of {halves} random halves of"
            f" the patients{pairs} (stability selection [@meinshausen2010])"
        )

    def fit(
        self, rows: TrainingRows, settings: StabilitySettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Selection:
        p = len(rows.names)
        if p < 2:  # glmnet takes two features or more
            return Selection(np.arange(p), {}, {"note": "one feature left: stability selection skipped"})
        rows = in_patient_order(rows)
        halves = draw_halves(rows.outcome, rows.patient, settings.halves, settings.complementary, child_of(seed, 0))
        fewest = min(
            (np.unique(rows.patient[half][rows.outcome[half] == y]).size for half in halves for y in (0, 1)), default=0
        )
        if fewest < LEAST_PATIENTS:
            why = f"stability selection skipped, as halves have {fewest} patients of a class: all features are kept"
            return Selection(np.arange(p), {}, {"note": why}, (why,))
        bound = (2 * settings.threshold - 1) * p
        q = settings.q or max(1, int(np.sqrt(settings.false * bound) + TIE))
        taken = np.zeros(p)
        for number, half in enumerate(halves):
            fold = stratified_folds(rows.outcome[half], 3, child_of(seed, number + 1), rows.patient[half])
            taken[first_to_enter(rows.values[half], rows.outcome[half], fold, q)] += 1
        share = taken / len(halves)
        is_kept = share >= settings.threshold - TIE
        order = np.argsort(-share, kind="stable")
        details = {
            "threshold": settings.threshold,
            "halves": len(halves),
            "complementary": settings.complementary,
            "q": q,
            "expected_false": q**2 / bound,
            "share": {rows.names[j]: float(share[j]) for j in order if share[j]},
            "n_features": p,
        }
        dropped = {
            rows.names[j]: f"taken in {100 * share[j]:.3g}% of {len(halves)} halves, < {100 * settings.threshold:g}%"
            for j in np.flatnonzero(~is_kept)
        }
        told: tuple[str, ...] = ()
        if settings.q is None and q**2 / bound > settings.false * (1 + TIE):
            told = (
                f"stability selection cannot bound the features taken falsely by {plain(settings.false)} among {p}:"
                f" with one feature a half the bound is {plain(q**2 / bound)}",
            )
        return Selection(np.flatnonzero(is_kept), dropped, details, told)

    def figures(self, details: Mapping[str, Any]) -> list[StepFigure]:
        share = list((details.get("share") or {}).values())
        if not share:
            return []
        n_kept = sum(each >= details["threshold"] - TIE for each in share)
        across = Across("features, by rank", mark=n_kept + 0.5, mark_label=f"kept: {n_kept}", is_whole=True)
        ranks = list(range(1, len(share) + 1))
        return [
            StepFigure(
                "stability",
                "stability selection",
                f"Share of {details['halves']} halves of the patients that take each feature; from"
                f" {plain(details['threshold'])} on a feature is kept.",
                (("Stability selection", Curve(across, "share of halves", ranks, share)),),
                f"{n_kept} of {details['n_features']} features reach the share {plain(details['threshold'])}; the most"
                f" frequent one is taken in the share {plain(share[0])}.",
            )
        ]

    def remarks(self, details_by_source: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Remark]:
        remarks = []
        for source, details in details_by_source:
            if "expected_false" not in details:
                continue
            remarks.append(
                Remark(
                    f"Stability selection in {source}: at most {plain(details['expected_false'])} features are expected"
                    f" to be taken falsely (each half took {details['q']} of {details['n_features']} at most)."
                )
            )
        return remarks


def draw_halves(
    outcome: np.ndarray, patient: np.ndarray, n: int, complementary: bool, seed: np.random.SeedSequence
) -> list[np.ndarray]:
    """Rows of ``n`` random halves of the patients, in pairs without a patient in common where ``complementary``.

    Of each outcome half of the distinct patients is drawn, rounded down, and all copies of a patient come along.
    """
    generator = np.random.default_rng(seed)
    halves: list[np.ndarray] = []
    members = [np.unique(patient[outcome == y]) for y in (0, 1)]
    while len(halves) < n:
        orders = [generator.permutation(own) for own in members]
        for k in range(2 if complementary else 1):
            drawn = np.concatenate([order[k * (len(order) // 2) :][: len(order) // 2] for order in orders])
            halves.append(np.flatnonzero(np.isin(patient, drawn)))
    return halves[:n]


def first_to_enter(values: np.ndarray, outcome: np.ndarray, fold: np.ndarray, q: int) -> np.ndarray:
    """The columns that have a coefficient somewhere on the LASSO's path down to the last penalty at which these are
    ``q`` at most."""
    z, _, _ = standardise(values)
    if not z.any():
        return np.array([], dtype=np.int64)
    path = cv_elastic_net(z, outcome.astype(np.float64), fold + 1)["path"][1:]
    entered = np.logical_or.accumulate(path != 0, axis=1)
    few = np.flatnonzero(entered.sum(axis=0) <= q)
    return np.flatnonzero(entered[:, few[-1]])
