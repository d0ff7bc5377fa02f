"""Two models beside each other on the patients whom both have: apparent, and on the held-out predictions of every scope
and scheme."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prldh.chain import unplaced_splines
from prldh.core import ABSENT, BOOTSTRAP, REPEATED_HOLDOUT, Absent, Warn, scheme_words, scope_words, warn
from prldh.models import (
    Assessment,
    Compared,
    LikelihoodRatio,
    Patients,
    Plan,
    compare_areas,
    compare_likelihoods,
    compare_models,
    compare_net_benefit,
    compare_out_of_bag,
    describe_reclassification,
    mean_log_odds,
    nested,
    nested_warning,
)
from prldh.validation.common import fitted_on
from prldh.validation.compare_repeats import compare_over_repeats
from prldh.validation.engine_run import EngineRun, FittedOn
from prldh.validation.refit import held_out_imputed

#: Of predictions of the patients who made the models.
APPARENT_PREDICTIONS = ""


@dataclass(frozen=True)
class Pair:
    """Two models as fitted on the patients whom both have; ``apparent`` names them."""

    apparent: Compared
    patients: Patients
    first: FittedOn
    second: FittedOn

    def nested_test(self, run: EngineRun) -> tuple[LikelihoodRatio | Absent, list[Warn]]:
        """The likelihood-ratio test where one is nested in the other, and what is then to be said of their AUCs."""
        smaller = nested(self.first.designs[0], self.second.designs[0])
        if not smaller:
            return ABSENT, []
        small, large = (self.first, self.second) if smaller == "first" else (self.second, self.first)
        fits, outcome = [self.first.fit, self.second.fit], self.patients.cohort.outcome
        test = compare_likelihoods(small.designs, large.designs, fits, outcome, run.engine)
        return test, [nested_warning(self.apparent, has_test=test.p is not None)]


@dataclass(frozen=True)
class Meeting:
    """What both predict of the same patients: log odds (m, n), one row an imputation, or of bootstrap samples and
    repeats that each hold others out (``kind``) the predictions of every resample."""

    pair: Compared
    kind: str
    outcome: np.ndarray
    first: Any
    second: Any
    assessment: Assessment


def compare_pair(plan: Plan, run: EngineRun, i: int, j: int) -> None:
    """Models i and j, unadjusted or adjusted both: areas, net benefit and reclassification."""
    pair, adjusted = (plan.specs[i].name, plan.specs[j].name), plan.specs[i].adjusted
    shared = _shared(plan, run, i, j, Compared(*pair, adjusted, None, None, 0, 0))
    if shared is None:
        return
    for m in _meetings(plan, run, shared):
        if m.kind == BOOTSTRAP:
            run.net_benefit_differences.append(compare_out_of_bag(m.pair, m.outcome, m.first, m.second, m.assessment))
        elif m.kind == REPEATED_HOLDOUT:
            run.comparisons += compare_over_repeats(m.pair, m.outcome, m.first, m.second, m.assessment.level)
        else:
            comparisons = compare_models(m.pair, m.outcome, m.first, m.second, m.assessment)
            if m.kind == APPARENT_PREDICTIONS:
                test, warnings = shared.nested_test(run)
                comparisons[0] = replace(comparisons[0], likelihood_ratio=test)
                run.warnings += warnings
            run.comparisons += comparisons
            run.net_benefit_differences.append(compare_net_benefit(m.pair, m.outcome, m.first, m.second, m.assessment))
            run.reclassification.append(
                describe_reclassification(
                    m.pair, m.outcome, mean_log_odds(m.first), mean_log_odds(m.second), m.assessment
                )
            )


def describe_added_value(plan: Plan, run: EngineRun) -> None:
    """By how much the AUC of every model is larger than that of the covariates alone."""
    clinical = plan.covariates_alone
    if clinical is None:
        return
    j = len(plan.specs)
    for i, spec in enumerate(plan.specs):
        if set(spec.terms) == set(clinical.terms):  # it is that model
            continue
        names = Compared(spec.name, clinical.name, spec.adjusted, None, None, 0, 0)
        shared = _shared(plan, run, i, j, names)
        if shared is None:
            continue
        for m in _meetings(plan, run, shared):
            if m.kind == REPEATED_HOLDOUT:
                run.added_value += compare_over_repeats(m.pair, m.outcome, m.first, m.second, m.assessment.level)
            elif m.kind != BOOTSTRAP:
                own = compare_areas(m.pair, m.outcome, m.first, m.second, m.assessment)
                if m.kind == APPARENT_PREDICTIONS:
                    test, warnings = shared.nested_test(run)
                    own = replace(own, likelihood_ratio=test)
                    run.warnings += warnings
                run.added_value.append(own)


def _shared(plan: Plan, run: EngineRun, i: int, j: int, names: Compared) -> Pair | None:
    """Models i and j on the patients whom both have; None, and a warning, where these are too few."""
    terms = [*plan.all_specs[i].terms, *plan.all_specs[j].terms]
    patients, label = plan.patients_of(terms), "adjusted" if names.adjusted else "unadjusted"
    n, events = patients.cohort.n, patients.cohort.n_events
    if not patients.has_both:
        run.warnings.append(warn.NO_COMMON_PATIENTS(first=names.a, second=names.b, label=label, n=n, events=events))
        return None
    unplaced = unplaced_splines(terms, patients.cohort, patients.scores(run.scores))
    if unplaced:
        what = f"the comparison of '{names.a}' and '{names.b}' ({label}) is"
        run.warnings.append(warn.UNPLACED_KNOTS(what=what, listed="; ".join(unplaced)))
        return None
    first, second = (fitted_on(plan, run, k, patients) for k in (i, j))
    return Pair(replace(names, n=n, events=events), patients, first, second)


def _meetings(plan: Plan, run: EngineRun, shared: Pair) -> Iterator[Meeting]:
    """The apparent predictions of both, then those of every scope and scheme; a warning where there is none."""
    patients, names = shared.patients, shared.apparent
    outcome, assessment = patients.cohort.outcome, run.assessment.of(patients)
    first, second = shared.first, shared.second
    yield Meeting(names, APPARENT_PREDICTIONS, outcome, first.log_odds, second.log_odds, assessment)
    for scope in plan.study.validation.scope:
        for scheme, (kind, _) in plan.schemes.items():
            a, b = (each.predictions[scope, scheme] for each in (first, second))
            pair = replace(names, scope=scope, scheme=scheme)
            if kind == BOOTSTRAP:
                yield Meeting(pair, kind, outcome, a, b, assessment)
            elif a.alone.any() or b.alone.any():
                label, in_words = "adjusted" if names.adjusted else "unadjusted", scheme_words(scheme)
                fitted = scope_words(scope, plan.whole)
                run.warnings.append(
                    warn.NOT_COMPARED(first=names.a, second=names.b, label=label, scope=fitted, scheme=in_words)
                )
            elif kind == REPEATED_HOLDOUT:
                yield Meeting(pair, kind, outcome, a, b, assessment)
            else:
                own = patients.among(a.held_out_rows[0])
                etas = [held_out_imputed(each)[0][:, a.held_out_rows[0]] for each in (a, b)]
                counted = replace(pair, n=own.cohort.n, events=own.cohort.n_events)
                yield Meeting(counted, kind, own.cohort.outcome, etas[0], etas[1], run.assessment.of(own))
