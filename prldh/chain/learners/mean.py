"""The mean of other learners' log odds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import BaseModel, Field, field_validator

from prldh.chain.applying import applied, permuting
from prldh.chain.shared import child_of
from prldh.core import (
    NO_COLUMNS,
    Fitted,
    FittedScore,
    Kind,
    LinearScore,
    PluginError,
    Reference,
    StepRun,
    TrainingRows,
    bounds,
    take_columns,
)
from prldh.engines import StatisticsEngine
from prldh.plugins import Learner, LearnerSettings, called, check_score


class MeanSettings(LearnerSettings):
    of: tuple[str | dict[str, Any], ...] = Field(
        max_length=bounds.STEPS, description="learners, each as under `learner`"
    )

    @field_validator("of", mode="before")
    @classmethod
    def _names_learners(cls, of: Any) -> Any:
        if not isinstance(of, (list, tuple)) or not of:
            raise ValueError("list one learner or more, such as [lasso, {random_forest: {trees: 300}}]")
        for part in of:
            if not (isinstance(part, str) or (isinstance(part, dict) and len(part) == 1)):
                raise ValueError(f"name one learner at each place, with or without settings; {part!r} is none")
        return of


@dataclass(frozen=True)
class PartOfMean:
    """One of the scores whose mean is taken: ``step`` and ``version`` say whose state it is."""

    step: str
    version: str
    score: FittedScore

    @property
    def entry(self) -> dict[str, Any]:
        return {"step": self.step, "version": self.version, "state": self.score.state}


@dataclass(frozen=True)
class MeanScore:
    """The mean of the log odds of other scores."""

    parts: tuple[PartOfMean, ...]
    details: Mapping[str, Any] = field(default_factory=dict, compare=False)
    warnings: tuple[Any, ...] = field(default=(), compare=False)

    kind: ClassVar[Kind] = "scores"
    outputs: ClassVar[tuple[str, ...]] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns that any part reads, by name."""
        return tuple(sorted({name for part in self.parts for name in part.score.names}))

    @property
    def state(self) -> dict[str, Any]:
        return {"parts": [part.entry for part in self.parts]}

    def log_odds(self, values: np.ndarray) -> np.ndarray:
        """The score (n,) of rows (n, k) whose columns are ``names`` in their order."""
        names = self.names
        total = np.zeros(values.shape[0])
        for part in self.parts:
            total += applied(part.score, values, names, NO_COLUMNS)
        return total / len(self.parts)

    def permuting(self, values: np.ndarray) -> Callable[[int, np.ndarray], np.ndarray]:
        """The score (r, n) of these rows with other values (r, n) of column j, as a function of j and these."""
        names = self.names
        parts = []
        for part in self.parts:
            own = take_columns(values, names, part.score.names)
            place = {names.index(name): k for k, name in enumerate(part.score.names)}
            parts.append((place, applied(part.score, own, part.score.names, NO_COLUMNS), permuting(part.score, own)))

        def log_odds(j: int, other: np.ndarray) -> np.ndarray:
            total = np.zeros(other.shape)
            for place, as_they_are, of_column in parts:
                total += of_column(place[j], other) if j in place else as_they_are
            return total / len(parts)

        return log_odds

    def apply(self, values: np.ndarray, names: Sequence[str], columns: Mapping[str, np.ndarray]) -> np.ndarray:
        return self.log_odds(take_columns(values, names, self.names))


def linear_scores(score: Fitted) -> Iterator[LinearScore]:
    """The linear scores of which a score is made: itself, or those whose mean it is."""
    if isinstance(score, LinearScore):
        yield score
    elif isinstance(score, MeanScore):
        for part in score.parts:
            yield from linear_scores(part.score)


@dataclass(frozen=True)
class MeanLearner:
    """The mean of the log odds of other learners, each fitted on the same rows with random numbers of its own.

    ``learners`` are these with their settings; the study file names them, and a mean may be among them. One that is
    named twice is fitted twice, with other random numbers, and counts twice.

    Notes
    -----
    Log odds are averaged, which is the geometric mean of the odds: Satopää VA et al. (2014) Int J Forecast 30:344-356.
    """

    learners: tuple[tuple[Learner, BaseModel], ...] = ()

    name: ClassVar[str] = "mean"
    version: ClassVar[str] = "1"
    gives: ClassVar[Literal["scores"]] = "scores"
    Settings: ClassVar[type[BaseModel]] = MeanSettings
    label: ClassVar[str] = "mean of learners"
    example_settings: ClassVar[dict[str, Any]] = {"of": ["logistic", {"random_forest": {"trees": 20}}]}
    references: ClassVar[tuple[Reference, ...]] = (
        Reference(
            "satopaa2014",
            'Satop{\\"a}{\\"a}, Ville A. and Baron, Jonathan and Foster, Dean P. and Mellers, Barbara A. and Tetlock,'
            " Philip E. and Ungar, Lyle H.",
            "Combining multiple probability predictions using a simple logit model",
            "International Journal of Forecasting",
            2014,
            "30",
            "344--356",
            "10.1016/j.ijforecast.2013.09.009",
        ),
    )

    @property
    def memorises(self) -> bool:
        """Whether any of them does."""
        return any(getattr(learner, "memorises", False) for learner, _ in self.learners)

    def parts(self, settings: MeanSettings) -> Sequence[Any]:
        return settings.of

    def compose(self, learners: Sequence[tuple[Learner, BaseModel]]) -> MeanLearner:
        return MeanLearner(tuple(learners))

    def fit(
        self, rows: TrainingRows, settings: MeanSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> MeanScore:
        if len(self.learners) != len(settings.of):
            raise PluginError(
                f"the learner 'mean' was given {len(self.learners)} of the {len(settings.of)} learners that it is to"
                " average. Make it by its method `of`."
            )
        parts, warnings = [], list[Any]()
        for number, (learner, own) in enumerate(self.learners):
            score = called("learner", learner, "fit", rows, own, child_of(seed, number), engine)
            check_score(learner, score, rows.names)
            # a linear score is read by whoever reads linear scores, whichever learner made it
            maker: Any = score if isinstance(score, LinearScore) else learner
            parts.append(PartOfMean(maker.name, maker.version, score))
            told = [w if isinstance(w, str) else w.message for w in getattr(score, "warnings", ())]
            warnings += [f"{learner.name}: {sentence}" for sentence in told]
        details = [
            {"learner": learner.name, "features": len(part.score.names), **getattr(part.score, "details", {})}
            | {"ends": [list(each.reach) for each in linear_scores(part.score) if each.reach is not None]}
            for (learner, _), part in zip(self.learners, parts, strict=True)
        ]
        return MeanScore(tuple(parts), {"parts": details}, tuple(warnings))

    def from_state(self, state: Mapping[str, Any]) -> FittedScore:
        raise ValueError("the state of a mean is read by from_parts")

    def from_parts(self, state: Mapping[str, Any], read: Callable[[Mapping[str, Any]], FittedScore]) -> MeanScore:
        parts = tuple(PartOfMean(part["step"], part["version"], read(part)) for part in state["parts"])
        if not parts:
            raise ValueError("a mean of no learners")
        return MeanScore(parts)

    def methods(self, run: StepRun) -> str:
        named = [each if isinstance(each, str) else next(iter(each)) for each in run.settings["of"]]
        *first, last = (name.replace("_", " ") for name in named)
        return f"the mean of the log odds of {', '.join(first)}{' and ' * bool(first)}{last} [@satopaa2014]"
