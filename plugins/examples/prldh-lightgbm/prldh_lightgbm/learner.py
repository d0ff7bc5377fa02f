"""A learner: gradient boosted trees of LightGBM, with settings for studies of a hundred patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field

from prldh.api import LearnerSettings, PluginError, Reference, StepRun, TrainingRows, take_columns

if TYPE_CHECKING:
    from prldh.api import StatisticsEngine


class LightgbmSettings(LearnerSettings):
    """What the study file may say: ``learner: {lightgbm: {trees: 200}}``."""

    trees: int = Field(100, ge=1, le=10_000, description="trees")
    learning_rate: float = Field(0.05, gt=0, le=1, description="how far each tree moves the score")
    leaves: int = Field(4, ge=2, le=1024, description="leaves of a tree, at most")
    least: int = Field(5, ge=1, le=100_000, description="patients in a leaf, at least")
    l2: float = Field(1.0, ge=0, le=1e6, description="L2 penalty of leaves")


@dataclass(frozen=True)
class Trees:
    """What was fitted: LightGBM's own text of a model, which reads ``names``; or, where no column varies, the log odds
    of everyone."""

    names: tuple[str, ...]
    text: str
    prior: float
    details: Mapping[str, Any] = field(default_factory=dict)
    kind, outputs = "scores", ()

    @property
    def state(self) -> dict[str, Any]:
        """As JSON: LightGBM writes numbers with 17 digits, so that nothing is lost."""
        return {"names": list(self.names), "text": self.text, "prior": self.prior}

    @cached_property
    def _booster(self) -> Any:
        return _lightgbm().Booster(model_str=self.text)

    def __getstate__(self) -> dict[str, Any]:
        """Workers are sent the text; the booster is read anew there."""
        return {key: value for key, value in self.__dict__.items() if key != "_booster"}

    def log_odds(self, values: np.ndarray) -> np.ndarray:
        """Of rows (n, p), in the order of ``names``: (n,)."""
        if not self.names:
            return np.full(len(values), self.prior)
        return np.asarray(self._booster.predict(values, raw_score=True, num_threads=1), dtype=float)

    def apply(self, values: np.ndarray, names: tuple[str, ...], columns: Any) -> np.ndarray:
        """Of rows whose columns are found by name."""
        return self.log_odds(take_columns(values, names, self.names))


class LightgbmLearner:
    """Boosted trees; one thread, one order of rows and columns, so that a fit is the same everywhere."""

    name, version, gives, Settings = "lightgbm", "1", "scores", LightgbmSettings
    label = "LightGBM"
    memorises = True  # on its own rows it is far better than on others: models are fitted to held-out scores
    references = (
        Reference(
            "ke2017",
            "Ke, Guolin and Meng, Qi and Finley, Thomas and others",
            "LightGBM: A highly efficient gradient boosting decision tree",
            "Advances in Neural Information Processing Systems",
            2017,
            "30",
            "3146--3154",
        ),
    )

    def methods(self, run: StepRun) -> str:
        """Its part of the Methods."""
        return "{trees} gradient boosted trees of at most {leaves} leaves, learning rate {learning_rate} [@ke2017]"

    def check(self, settings: LightgbmSettings) -> None:
        """Refuse, before anything is fitted, to run without LightGBM."""
        _lightgbm()

    def fit(
        self, rows: TrainingRows, settings: LightgbmSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Trees:
        """Training rows alone, sorted by their values and names: the order in which they come does not matter."""
        names = tuple(sorted(n for j, n in enumerate(rows.names) if np.ptp(rows.values[:, j]) > 0))
        events = int(rows.outcome.sum())
        prior = float(np.log(events / (len(rows.outcome) - events)))
        if not names:
            return Trees((), "", prior)
        library = _lightgbm()
        x = take_columns(rows.values, rows.names, names)
        order = np.lexsort([*x.T[::-1], rows.outcome])
        data = library.Dataset(x[order], rows.outcome[order].astype(float), feature_name=positions(names))
        booster = library.train(parameters(settings, seed), data, num_boost_round=settings.trees)
        text = booster.model_to_string()
        return Trees(names, text, prior, {"n_trees": booster.num_trees()})

    def from_state(self, state: Mapping[str, Any]) -> Trees:
        """The score of a state again."""
        return Trees(tuple(state["names"]), state["text"], state["prior"])


def positions(names: tuple[str, ...]) -> list[str]:
    """What LightGBM calls columns, as it takes no name with blanks or brackets."""
    return [f"c{j}" for j in range(len(names))]


def parameters(settings: LightgbmSettings, seed: np.random.SeedSequence) -> dict[str, Any]:
    """The settings in LightGBM's words."""
    return {
        "objective": "binary",
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.leaves,
        "min_data_in_leaf": settings.least,
        "lambda_l2": settings.l2,
        "min_data_in_bin": 1,
        "feature_pre_filter": False,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "seed": int(seed.generate_state(1)[0] % 2**31),
        "verbosity": -1,
    }


def _lightgbm() -> Any:
    try:
        import lightgbm
    except (ImportError, OSError) as error:  # its library needs OpenMP's
        raise PluginError(
            f"the learner 'lightgbm' needs LightGBM, which cannot be imported ({error}). Run: pip install lightgbm"
        ) from error
    return lightgbm
