"""A learner of somebody else's keeps what learners promise, and each check catches what it is for."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from prldh.core import take_columns
from prldh.core.references import Reference
from prldh.plugins import LearnerSettings
from prldh.testing import CheckFailed, checks_of


@dataclass
class Sum:
    """Log odds: the sum of the features, each towards the mean of those with the event."""

    names: tuple[str, ...]
    weight: np.ndarray
    details: dict = field(default_factory=dict)
    kind = "scores"
    outputs = ()

    @property
    def state(self):
        return {"names": list(self.names), "weight": self.weight.tolist()}

    def log_odds(self, values):
        return sum(values[:, j] * b for j, b in enumerate(self.weight))

    def apply(self, values, names, columns):
        return self.log_odds(take_columns(values, names, self.names))


class Means:
    """Weights are the differences of the means of both outcomes."""

    name, version, gives, label = "means", "1", "scores", "differences of means"
    references = (Reference("fisher1936", "Fisher, Ronald A.", "Measurements", "Annals of Eugenics", 1936),)

    class Settings(LearnerSettings):
        factor: float = 1.0

    def fit(self, rows, settings, seed, engine):
        event = rows.outcome == 1
        difference = rows.values[event].mean(axis=0) - rows.values[~event].mean(axis=0)
        return Sum(rows.names, settings.factor * difference)

    def from_state(self, state):
        return Sum(tuple(state["names"]), np.array(state["weight"]))

    def methods(self, run):
        return "differences of means times {factor} [@fisher1936]"


def failures(learner) -> list[str]:
    found = []
    for check in checks_of(learner):
        try:
            check()
        except CheckFailed as error:
            found.append(f"{check.promise}: {error}")
    return found


def test_a_learner_of_somebody_elses_conforms():
    assert failures(Means()) == []


def changed(**parts):
    """A fit whose score has other parts."""

    def fit(rows, settings, seed, engine):
        score = Means().fit(rows, settings, seed, engine)
        return type("Spoilt", (Sum,), parts)(score.names, score.weight)

    return fit


def weighted(change):
    """A fit whose weights are changed by what the function makes of the rows."""

    def fit(rows, settings, seed, engine):
        score = Means().fit(rows, settings, seed, engine)
        return Sum(score.names, score.weight * change(rows))

    return fit


def ranked(self, values):
    return np.argsort(np.argsort(Sum.log_odds(self, values))).astype(float)


@pytest.mark.parametrize(
    ("spoilt", "caught"),
    [
        ({"fit": weighted(lambda rows: np.random.default_rng().random())}, "same rows and seed: the same rows and"),
        ({"fit": weighted(lambda rows: rows.values[0, 0])}, "rows in any order: rows in another order"),
        ({"fit": weighted(lambda rows: np.arange(len(rows.names)))}, "columns in any order: columns in another"),
        ({"fit": weighted(lambda rows: 1 + (rows.patient[0] == rows.patient.min()))}, "copies in another order"),
        ({"fit": weighted(lambda rows: -1.0)}, "log odds do not rise with the event: AUC 0.2"),
        (
            {"fit": weighted(lambda rows: np.where(np.ptp(rows.values, axis=0) > 0, 1.0, np.nan))},
            "survives constant columns: the learner 'means' fits something whose state is not JSON",
        ),
        ({"fit": lambda *_: Sum(("strange",), np.ones(1))}, "reads the column 'strange', which it was not given"),
        ({"fit": changed(kind="chooses columns")}, "a learner must give one that scores"),
        ({"fit": changed(apply=lambda self, values, *_: values)}, "not (80,)"),
        ({"fit": changed(apply=lambda self, values, *_: values @ np.ones(values.shape[1]))}, "columns stand otherwise"),
        ({"fit": changed(log_odds=lambda self, values: np.zeros(len(values)) + 0.5)}, "do not rise with the event"),
        ({"fit": changed(log_odds=ranked)}, "a row's score depends on the rows beside it"),
        ({"fit": changed(state=property(lambda self: {"weight": self.weight}))}, "whose state is not JSON"),
        ({"fit": changed(state=property(lambda self: [1]))}, "whose state is list in place of a dictionary"),
        ({"from_state": lambda state: Sum(tuple(state["names"]), np.round(state["weight"], 2))}, "other log odds"),
        ({"from_state": lambda state: Sum((), np.zeros(0))}, "from_state gives other names"),
        ({"methods": lambda run: "{fold} folds"}, "methods names '{fold}'"),
        ({"methods": lambda run: "folds [@nobody1999]"}, "methods cites 'nobody1999'"),
        ({"version": 1}, "version must be text"),
    ],
)
def test_a_broken_promise_is_caught(spoilt, caught):
    methods = {k: staticmethod(v) if callable(v) else v for k, v in spoilt.items()}
    found = failures(type("Spoilt", (Means,), methods)())
    assert any(caught in line for line in found), found


def test_a_missing_column_needs_a_message_that_names_it():
    class Silent(Sum):
        def apply(self, values, names, columns):
            where = {name: j for j, name in enumerate(names)}
            return sum(values[:, where[n]] * b for n, b in zip(self.names, self.weight, strict=True) if n in where)

    class Learner(Means):
        def fit(self, rows, settings, seed, engine):
            score = super().fit(rows, settings, seed, engine)
            return Silent(score.names, score.weight)

    assert any("apply says nothing of the column 'feature 0'" in line for line in failures(Learner()))
