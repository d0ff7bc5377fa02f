"""A linear support vector machine whose decision values become log odds."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from pydantic import Field

from prldh.chain.learners.shared import in_own_order
from prldh.chain.shared import child_of, inner_folds, stratified_folds
from prldh.core import LinearScore, Reference, StepRun, TrainingRows, bounds, reach_of
from prldh.engines import StatisticsEngine
from prldh.plugins import LearnerSettings
from prldh.stats import auc

#: C = 2^-5, 2^-3 … 2^15: Hsu CW, Chang CC, Lin CJ (2003, 2016) A practical guide to support vector classification.
COSTS = tuple(2.0**power for power in range(-5, 16, 2))
#: C where no inner folds can choose: LIBSVM's default.
COST_WITHOUT_FOLDS = 1.0
#: AUCs closer than this are ties.
TIE = 1e-10
#: Steps of the solver; what has not converged by then is taken as it is, and told.
MOST_STEPS = 100_000

REFERENCES_OF_SVM = (
    Reference(
        "cortes1995",
        "Cortes, Corinna and Vapnik, Vladimir",
        "Support-vector networks",
        "Machine Learning",
        1995,
        "20",
        "273--297",
        "10.1007/BF00994018",
    ),
    Reference(
        "platt1999",
        "Platt, John C.",
        "Probabilistic outputs for support vector machines and comparisons to regularized likelihood methods",
        "Advances in Large Margin Classifiers, MIT Press",
        1999,
        pages="61--74",
        kind="incollection",
    ),
    Reference(
        "lin2007",
        "Lin, Hsuan-Tien and Lin, Chih-Jen and Weng, Ruby C.",
        "A note on Platt's probabilistic outputs for support vector machines",
        "Machine Learning",
        2007,
        "68",
        "267--276",
        "10.1007/s10994-007-5018-6",
    ),
)


class LinearSvmSettings(LearnerSettings):
    cost: tuple[Annotated[float, Field(gt=0, le=bounds.NUMBER)], ...] = Field(
        COSTS, min_length=1, max_length=bounds.POINTS, description="values of C, among which inner folds choose"
    )
    folds: int = Field(
        5,
        ge=2,
        le=bounds.FOLDS,
        description="inner folds, dealt by patient, that choose C",
        json_schema_extra={"unit": "folds"},
    )


class Machine(NamedTuple):
    """A fitted machine: decision values are intercept + sum of weight * (value - center) / scale."""

    intercept: float
    weight: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    is_converged: bool

    def decide(self, values: np.ndarray) -> np.ndarray:
        """Decision values (n,); positive means event."""
        return self.intercept + ((values - self.center) / self.scale) @ self.weight


class LinearSvmLearner:
    """A linear support vector machine on standardised columns, its decision values made log odds by Platt's scaling.

    The kernel is the mean product over the columns, so that C means the same whatever their number. C is that of the
    highest mean AUC in five inner folds by patient, the least of ties; the first C at which a fold's solver does not
    converge, and those above it, are left out. The held-out decision values of the same folds at that C give the
    scaling: log odds = slope * decision value + intercept, by maximum likelihood with Platt's smoothed targets
    (events + 1) / (events + 2) and 1 / (others + 2). A slope is never negative: where held-out decision values do not
    rise with the event the score is the same for everyone, and no feature is used.

    Notes
    -----
    Cortes C, Vapnik V (1995) Machine Learning 20:273-297; grid of C: Hsu CW, Chang CC, Lin CJ (2003) A practical guide
    to support vector classification; Platt JC (1999); Lin HT, Lin CJ, Weng RC (2007) Machine Learning 68:267-276. The
    machine is LIBSVM's by scikit-learn's ``SVC``. R: ``e1071::svm(kernel = "linear", probability = TRUE)``, which draws
    folds of its own.
    """

    name = "linear_svm"
    version = "1"
    gives: Literal["scores"] = "scores"
    Settings = LinearSvmSettings
    label = "linear support vector machine"
    references = REFERENCES_OF_SVM

    def fit(
        self, rows: TrainingRows, settings: LinearSvmSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> LinearScore:
        rows = in_own_order(rows)
        if not rows.names or rows.outcome.min() == rows.outcome.max():
            why = "one class among the training rows" if rows.names else "no feature varies among the training rows"
            return _same_for_everyone(scale_by_platt(np.zeros(len(rows.outcome)), rows.outcome)[0], {}, (why,))
        whole = Standardised.of(rows.values, rows.outcome)
        n_folds, remarks = inner_folds(rows, settings.folds)
        if n_folds is None:
            machine = whole.fit(COST_WITHOUT_FOLDS)
            decision = machine.decide(rows.values)
            details: dict[str, Any] = {"folds": None, "cost": COST_WITHOUT_FOLDS}
            remarks += (f"C is {COST_WITHOUT_FOLDS:g}, and the scaling is by decision values of its own training rows",)
        else:
            fold = stratified_folds(rows.outcome, n_folds, child_of(seed, 0), rows.patient)
            chosen = choose_cost(rows, fold, settings.cost)
            machine, decision = whole.fit(chosen.cost), chosen.decision
            details = {"folds": n_folds, "cost": chosen.cost, "costs": list(chosen.costs), "auc": list(chosen.auc)}
        intercept, slope = scale_by_platt(decision, rows.outcome)
        details["slope"] = slope
        if not machine.is_converged:
            remarks += (f"the solver did not converge at C = {details['cost']:g} within {MOST_STEPS} steps",)
        if slope == 0:
            remarks += ("held-out decision values do not rise with the event: everyone gets the same score",)
            return _same_for_everyone(intercept, details, remarks)
        kept = np.flatnonzero(machine.weight)
        score = LinearScore(
            intercept + slope * machine.intercept,
            tuple(("", rows.names[j]) for j in kept),
            slope * machine.weight[kept],
            machine.center[kept],
            machine.scale[kept],
            details,
            remarks,
        )
        return score.reaching(rows.values[:, kept])

    def from_state(self, state: Mapping[str, Any]) -> LinearScore:
        return LinearScore.from_state(state)

    def methods(self, run: StepRun) -> str:
        return (
            "a linear support vector machine [@cortes1995], its cost chosen by the AUC in {folds} inner folds and its"
            " held-out decision values scaled to log odds [@platt1999; @lin2007]"
        )


@dataclass(frozen=True)
class Standardised:
    """Rows (n, p) of both outcomes, standardised by themselves (ddof 0; constant columns are 0), and the mean product
    of every two of them (n, n) over the columns."""

    values: np.ndarray
    outcome: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    products: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray, outcome: np.ndarray) -> Standardised:
        # relative to the largest value, so that squares of huge ones do not overflow
        largest = np.abs(values).max(axis=0)
        largest[largest == 0] = 1.0
        center, scale = (values / largest).mean(axis=0) * largest, (values / largest).std(axis=0) * largest
        is_constant = values.min(axis=0) == values.max(axis=0)
        scale[is_constant] = 1.0
        z = (values - center) / scale
        z[:, is_constant] = 0.0
        return cls(z, outcome, center, scale, z @ z.T / z.shape[1])

    def fit(self, cost: float) -> Machine:
        """The machine of this cost."""
        from sklearn import config_context
        from sklearn.exceptions import ConvergenceWarning
        from sklearn.svm import SVC

        with config_context(assume_finite=True), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # it is told in words of ours
            machine = SVC(kernel="precomputed", C=cost, max_iter=MOST_STEPS).fit(self.products, self.outcome)
        weight = machine.dual_coef_[0] @ self.values[machine.support_] / self.values.shape[1]
        return Machine(float(machine.intercept_[0]), weight, self.center, self.scale, machine.fit_status_ == 0)


class ChosenCost(NamedTuple):
    """The chosen C, the held-out decision values (n,) at it, bounded by the training rows', every C that was tried, and
    the mean AUC of each."""

    cost: float
    decision: np.ndarray
    costs: tuple[float, ...]
    auc: tuple[float, ...]


def choose_cost(rows: TrainingRows, fold: np.ndarray, costs: Sequence[float]) -> ChosenCost:
    """The C of the highest mean AUC in inner folds (n,), each with both outcomes; costs ascend until a machine of a
    fold does not converge."""
    folds = [fold == k for k in range(int(fold.max()) + 1)]
    prepared = [Standardised.of(rows.values[~test], rows.outcome[~test]) for test in folds]
    tried, areas, decisions = list[float](), list[float](), list[np.ndarray]()
    for cost in sorted(set(costs)):
        machines = [own.fit(cost) for own in prepared]
        if tried and not all(machine.is_converged for machine in machines):
            break
        decision, bounded = np.empty(len(fold)), np.empty(len(fold))
        for test, machine in zip(folds, machines, strict=True):
            decision[test] = machine.decide(rows.values[test])
            bounded[test] = np.clip(decision[test], *reach_of(machine.decide(rows.values[~test])))
        tried.append(cost)
        areas.append(float(np.mean([auc(rows.outcome[test], decision[test])["estimate"] for test in folds])))
        decisions.append(bounded)
    best = int(np.argmax(np.array(areas) >= max(areas) - TIE))
    return ChosenCost(tried[best], decisions[best], tuple(tried), tuple(areas))


def scale_by_platt(decision: np.ndarray, outcome: np.ndarray) -> tuple[float, float]:
    """Intercept and slope, 0 or more, of log odds on decision values (n,), with Platt's smoothed targets.

    Newton's method with halved steps, as Lin, Lin and Weng (2007) have it. Their A and B are the negatives.
    """
    is_event = outcome == 1
    events, others = float(is_event.sum()), float((~is_event).sum())
    target = np.where(is_event, (events + 1.0) / (events + 2.0), 1.0 / (others + 2.0))
    base = float(np.log(target.mean()) - np.log1p(-target.mean()))
    spread = float(np.abs(decision).max())
    x = np.column_stack([np.ones(decision.size), decision / spread if spread else decision])

    def deviance(b: np.ndarray) -> float:
        eta = x @ b
        return float((np.logaddexp(0.0, eta) - target * eta).sum())

    b = np.array([base, 0.0])
    now = deviance(b)
    for _ in range(100):
        p = 1.0 / (1.0 + np.exp(-(x @ b)))
        gradient = x.T @ (p - target)
        if np.abs(gradient).max() < 1e-10:
            break
        hessian = (x * (p * (1 - p))[:, None]).T @ x + 1e-12 * np.eye(2)
        step, share = np.linalg.solve(hessian, gradient), 1.0
        while share > 1e-10 and deviance(b - share * step) > now - 1e-4 * share * float(gradient @ step):
            share /= 2
        if share <= 1e-10:
            break
        b = b - share * step
        now = deviance(b)
    if not spread or b[1] <= 0:
        return base, 0.0
    return float(b[0]), float(b[1] / spread)


def _same_for_everyone(intercept: float, details: dict[str, Any], remarks: tuple[str, ...]) -> LinearScore:
    none = np.zeros(0)
    return LinearScore(intercept, (), none, none, none, details, remarks)
