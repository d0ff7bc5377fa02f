"""A choice among several ways from features to a score, made anew within every training set.

On each training set the ways are compared in inner folds by patient: refitted on the inner training rows, judged on the
inner held-out ones. What is chosen there is refitted on the whole training set, so that its held-out numbers include
the choosing (nested cross-validation: S. Varma, R. Simon, BMC Bioinformatics 7 (2006) 91).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from prldh.chain import probability
from prldh.chain.shared import stratified_folds
from prldh.core import ModelSpec, Resample, seed_for
from prldh.engines import PythonEngine
from prldh.models import Plan
from prldh.stats import auc_of_rows, ranked_log_odds
from prldh.study import Choose
from prldh.validation.predict import predict_refitted
from prldh.validation.spread import Helpers, Refitted, in_many_folds, refit_all

#: Key of the choice that is made on everyone.
EVERYONE = "everyone"


@dataclass(frozen=True)
class Decision:
    """A choice on one training set. ``measured`` (folds, ways) is larger where better, NaN in folds of one class;
    ``chosen`` the way's name."""

    ways: tuple[str, ...]
    measured: np.ndarray
    chosen: str

    @property
    def means(self) -> np.ndarray:
        """Means (ways,) over the folds in which the measure exists; NaN where it does in none."""
        known = ~np.isnan(self.measured).any(axis=1)
        return self.measured[known].mean(axis=0) if known.any() else np.full(len(self.ways), np.nan)

    @property
    def errors(self) -> np.ndarray:
        """Standard errors (ways,): the SD of the differences from the best over folds, over the root of their
        number."""
        known = self.measured[~np.isnan(self.measured).any(axis=1)]
        if len(known) < 2:
            return np.full(len(self.ways), np.nan)
        best = known[:, int(np.argmax(known.mean(axis=0)))]
        return (known - best[:, None]).std(axis=0, ddof=1) / np.sqrt(len(known))


@dataclass(frozen=True)
class Choosing:
    """Every way refitted on the resamples of all schemes, and what was chosen in each resample, by scheme."""

    by_way: Mapping[str, Refitted]
    chosen: Mapping[str, list[str]]


def judged_model(plan: Plan) -> ModelSpec | None:
    """The model by which ways are judged: the one that ``choose`` names, or the first unadjusted one with a score made
    in the run."""
    named = plan.study.choose.model if plan.study.choose else None
    made = [spec for spec in plan.specs if any(name in plan.blocks for name in plan.variables(spec))]
    ranked = sorted(made, key=lambda spec: spec.adjusted)  # stable: the first unadjusted one leads
    return next((spec for spec in ranked if named in (None, spec.name)), None)


def can_judge(plan: Plan) -> bool:
    """Whether an inner fold of everyone tells one way from another: for an AUC it must hold out both outcomes."""
    outcome = plan.cohort.outcome
    inner = _inner_folds(plan, np.arange(plan.cohort.n), EVERYONE, 0)
    return _choice_of(plan).measure != "auc" or any(np.unique(outcome[fold.test]).size > 1 for fold in inner)


def decide(ways: Sequence[str], measured: np.ndarray, rule: str) -> Decision:
    """What the rule chooses; ways stand in the order in which the study lists them.

    ``best``: the largest mean, the first listed of ties. ``one_se``: the first listed whose mean lies within one
    standard error of the best's, the error being that of its own paired differences from the best. Where no fold has
    both classes, the first listed.
    """
    decision = Decision(tuple(ways), measured, ways[0])
    means, errors = decision.means, np.nan_to_num(decision.errors)
    if np.isnan(means).any():
        return decision
    best = int(np.argmax(means))
    within = np.flatnonzero(means >= means[best] - errors - 1e-12) if rule == "one_se" else [best]
    return replace(decision, chosen=ways[int(within[0])])


def choose_for_everyone(plan: Plan, helpers: Helpers, progress: Callable[[int, int], None]) -> Decision:
    """The choice on all patients, whose way the frozen models take."""
    choose = _choice_of(plan)
    inner = {EVERYONE: ("held_out", _inner_folds(plan, np.arange(plan.cohort.n), EVERYONE, 0))}
    ways = _refit_ways(replace(plan, schemes=inner), helpers, progress)
    return decide(choose.among, _measure(plan, ways, EVERYONE, inner[EVERYONE][1]), choose.rule)


def refit_pipeline(
    plan: Plan, helpers: Helpers, progress: Callable[[int, int], None], noun: str | None = None
) -> tuple[Refitted, Choosing | None]:
    """The whole chain on every resample of the plan; where a choice among ways is part of it, that one is made anew
    within each training set."""
    if plan.study.choose is None:
        everywhere = [(scheme, r) for scheme in in_many_folds(plan) for r in range(len(plan.schemes[scheme][1]))]
        return refit_all(plan, None, helpers, progress, noun, explained=everywhere), None
    inner = {
        _inner_name(scheme, r): ("held_out", _inner_folds(plan, resample.train, scheme, r))
        for scheme, (_, resamples) in plan.schemes.items()
        for r, resample in enumerate(resamples)
    }
    names, rule = _choice_of(plan).among, _choice_of(plan).rule
    within = _refit_ways(replace(plan, schemes=inner), helpers, progress, noun)
    chosen: dict[str, list[str]] = {}
    for scheme, (_, resamples) in plan.schemes.items():
        for r in range(len(resamples)):
            own = _inner_name(scheme, r)
            chosen.setdefault(scheme, []).append(decide(names, _measure(plan, within, own, inner[own][1]), rule).chosen)
    # what features are worth is asked of what was chosen alone: it takes longer than the fits
    explained = {
        name: [(s, r) for s in in_many_folds(plan) for r, way in enumerate(chosen[s]) if way == name] for name in names
    }
    ways = _refit_ways(plan, helpers, progress, noun, explained)
    for scheme, (_, resamples) in plan.schemes.items():
        for r, resample in enumerate(resamples):
            for way in names:
                ways[way].ledgers[scheme][r].read("choice", resample.train)
    mixed = Refitted(
        *(
            {
                scheme: [part(ways[way])[scheme][r] for r, way in enumerate(of_scheme)]
                for scheme, of_scheme in chosen.items()
            }
            for part in (lambda each: each.tissues, lambda each: each.completed, lambda each: each.ledgers)
        )
    )
    return mixed, Choosing(ways, chosen)


def _choice_of(plan: Plan) -> Choose:
    assert plan.study.choose is not None
    return plan.study.choose


def _inner_name(scheme: str, r: int) -> str:
    return f"choice within {scheme} {r}"


def _inner_folds(plan: Plan, train: np.ndarray, scheme: str, r: int) -> list[Resample]:
    """Inner folds of training rows, in which copies of a patient stay together."""
    seed = seed_for(plan.study.seed, "choice", scheme, r)
    cohort = plan.cohort
    fold = stratified_folds(cohort.outcome[train], _choice_of(plan).folds, seed, cohort.patient[train])
    return [Resample(train[fold != k], np.unique(train[fold == k]), 0, k) for k in range(int(fold.max()) + 1)]


def _refit_ways(
    plan: Plan,
    helpers: Helpers,
    progress: Callable[[int, int], None],
    noun: str | None = None,
    explained: Mapping[str, Sequence[tuple[str, int]]] | None = None,
) -> dict[str, Refitted]:
    """Each way on every resample of the plan, by name; ``explained``: by way, in which of them features are told by
    their worth."""
    names, of_way_told = _choice_of(plan).among, explained or {}

    def refit(k: int, way: str) -> Refitted:
        own = replace(plan, protocol=plan.protocols[way])
        of_way = noun and f"{noun} of '{way}'"
        return refit_all(
            own,
            None,
            helpers,
            lambda done, n: progress(k * n + done, len(names) * n),
            of_way,
            explained=of_way_told.get(way, ()),
        )

    return {way: refit(k, way) for k, way in enumerate(names)}


def _measure(plan: Plan, ways: Mapping[str, Refitted], scheme: str, inner: Sequence[Resample]) -> np.ndarray:
    """The measure (folds, ways) of the judged model, larger where better; NaN in folds of one class."""
    spec, choose = judged_model(plan), _choice_of(plan)
    assert spec is not None
    measured = np.full((len(inner), len(choose.among)), np.nan)
    for k, way in enumerate(choose.among):
        own = replace(plan, schemes={scheme: ("held_out", list(inner))}, protocol=plan.protocols[way])
        predictions, patients = predict_refitted(
            own, spec, scheme, ways[way].tissues, ways[way].completed, PythonEngine()
        )
        outcome = patients.cohort.outcome
        for r, resample in enumerate(predictions.resamples):
            y, eta = outcome[resample.test], predictions.log_odds[r, resample.test]
            y, eta = y[~np.isnan(eta)], eta[~np.isnan(eta)]  # NaN: of a batch that the inner fold does not know
            if not y.size or y.min() == y.max():
                continue
            if choose.measure == "brier":
                measured[resample.fold, k] = -float(np.mean((probability(eta) - y) ** 2))
            else:
                measured[resample.fold, k] = float(auc_of_rows(y, ranked_log_odds(eta)[None, :])[0])
    return measured
