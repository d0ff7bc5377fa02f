"""The files of ``prldh plugins new NAME``; ``@NAME@`` is the distribution, ``@PACKAGE@`` its package, ``@SHORT@`` the
plugin."""

from __future__ import annotations

from typing import NamedTuple

PYPROJECT = """\
[build-system]
requires = ["hatchling>=1.24"]
build-backend = "hatchling.build"

[project]
name = "@NAME@"
version = "0.1.0"
description = "A plugin of prldh."
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["numpy>=1.26", "prldh", "pydantic>=2.6"]

[project.entry-points.prldh]
@SHORT@ = "@PACKAGE@"

[tool.hatch.build.targets.wheel]
packages = ["@PACKAGE@"]
"""

SELECTOR = '''\
"""A selection step: the share of features that vary most."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from prldh.api import Reference, Selection, StepRun, TrainingRows
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from prldh.api import StatisticsEngine


class VarianceSettings(BaseModel):
    """What the study file may say; other keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(0.5, gt=0, le=1, description="of the features, how many stay; at least one")


class VarianceSelector:
    """Keep the features with the largest coefficient of variation (SD over |mean|); of ties the first."""

    name = "@SHORT@_variance"
    version = "1"
    Settings = VarianceSettings
    # What the report says of the step; docs/plugins.md tells of figures, remarks and purposes beside these.
    label = "Variance"
    references = (
        Reference(
            "pearson1896",
            "Pearson, Karl",
            "Mathematical contributions to the theory of evolution. III. Regression, heredity, and panmixia",
            "Philosophical Transactions of the Royal Society of London, Series A",
            1896,
            "187",
            "253--318",
            "10.1098/rsta.1896.0007",
        ),
    )

    def methods(self, run: StepRun) -> str:
        """Its part of the Methods: {share} is the setting, [@pearson1896] the citation."""
        return "the share {share} of features with the largest coefficient of variation [@pearson1896] was kept"

    def fit(
        self, rows: TrainingRows, settings: VarianceSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Selection:
        """Sees training rows alone. Random numbers, where they are needed, come from np.random.default_rng(seed)."""
        sd, mean = rows.values.std(axis=0), np.abs(rows.values.mean(axis=0))
        spread = np.where(sd > 0, sd / np.maximum(mean, 1e-12), 0.0)
        n = max(1, round(settings.share * len(rows.names)))
        order = np.argsort(-spread, kind="stable")
        reason = f"is not among the {n} largest"
        dropped = {rows.names[j]: f"coefficient of variation {spread[j]:.3g} {reason}" for j in order[n:]}
        return Selection(np.sort(order[:n]), dropped, {"n": n})
'''

SOURCE = '''\
"""A feature source: mean, spread and volume of a region."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from prldh.api import Case, DataError, SourceRun
from pydantic import BaseModel, ConfigDict

ABOUT = {
    "@SHORT@_Mean": {"unit": "of the image", "ibsi": "Q4LE", "family": "intensity"},
    "@SHORT@_Deviation": {"unit": "of the image", "ibsi": None, "family": "intensity"},
    "@SHORT@_Volume": {"unit": "mm3", "ibsi": "YEKZ", "family": "shape"},
}


class IntensitySettings(BaseModel):
    """What the study file may say under ``extraction``; ``combine``: how regions of a patient become one row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    combine: Literal["mean", "volume"] = "mean"


class IntensitySource:
    """Three numbers a region."""

    name = "@SHORT@_intensity"
    version = "1"
    Settings = IntensitySettings

    def methods(self, run: SourceRun) -> str:
        """Its sentence in the Methods."""
        return "Mean, spread and volume of each region were measured on images by @NAME@ {version}."

    def extract(self, case: Case, settings: IntensitySettings) -> tuple[dict[str, float], ...]:
        """One dictionary a reader, the same names in the same order for every case; DataError without values."""
        return tuple(self._measure(case, mask) for mask in case.masks)

    def _measure(self, case: Case, mask: np.ndarray) -> dict[str, float]:
        inside = case.image.values[mask].astype(float)
        if not inside.size:
            raise DataError("the mask is empty. Draw the region, or leave the case out.")
        volume = inside.size * float(np.prod(case.image.geometry.spacing_mm))
        return dict(zip(ABOUT, (float(inside.mean()), float(inside.std()), volume), strict=True))

    def describe(self, names: Sequence[str], settings: IntensitySettings) -> dict[str, dict[str, Any]]:
        """What each feature is: unit, IBSI code (or None), family."""
        return {name: dict(ABOUT[name]) for name in names}
'''

TRANSFORM = '''\
"""A transform: outliers become a quantile of the training rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from prldh.api import StepRun, TrainingRows, take_columns
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from prldh.api import StatisticsEngine


class ClipSettings(BaseModel):
    """What the study file may say; other keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    share: float = Field(0.05, gt=0, lt=0.5, description="of the values on either side that become its quantile")


@dataclass(frozen=True)
class Limits:
    """What was fitted: a lower and an upper limit of each column (p,)."""

    names: tuple[str, ...]
    low: np.ndarray
    high: np.ndarray
    kind: Literal["transforms values"] = "transforms values"

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.names

    @property
    def state(self) -> dict[str, Any]:
        """JSON, for the frozen model."""
        return {"names": list(self.names), "low": self.low.tolist(), "high": self.high.tolist()}

    def apply(self, values: np.ndarray, names: tuple[str, ...], columns: Any) -> np.ndarray:
        """Anyone's values, columns by name."""
        return np.clip(take_columns(values, names, self.names), self.low, self.high)


class ClipTransform:
    """Fitted on training rows, applied to every reader's values and to new patients'."""

    name, version, Settings = "@SHORT@_clip", "1", ClipSettings
    gives: Literal["transforms values"] = "transforms values"
    label = "Clipping"

    def methods(self, run: StepRun) -> str:
        """Its part of the Methods."""
        return "values beyond the share {share} at either end were set to that quantile of the training rows"

    def fit(
        self, rows: TrainingRows, settings: ClipSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Limits:
        """Sees training rows alone."""
        low, high = np.quantile(rows.values, [settings.share, 1 - settings.share], axis=0)
        return Limits(rows.names, low, high)

    def from_state(self, state: Mapping[str, Any]) -> Limits:
        """The same again, from a frozen model."""
        return Limits(tuple(state["names"]), np.array(state["low"]), np.array(state["high"]))
'''

LEARNER = '''\
"""A learner: linear discriminant analysis, its covariance shrunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from prldh.api import LearnerSettings, StepRun, TrainingRows, take_columns
from pydantic import Field

if TYPE_CHECKING:
    from prldh.api import StatisticsEngine


class DiscriminantSettings(LearnerSettings):
    """What the study file may say; other keys are refused."""

    shrinkage: float = Field(0.5, gt=0, le=1, description="of the covariance towards independent columns")


@dataclass(frozen=True)
class Discriminant:
    """What was fitted: log odds = intercept + values · weights (p,)."""

    names: tuple[str, ...]
    intercept: float
    weights: np.ndarray
    details: Mapping[str, Any] = field(default_factory=dict)
    kind: Literal["scores"] = "scores"
    outputs: tuple[str, ...] = ()

    @property
    def state(self) -> dict[str, Any]:
        """JSON, for the frozen model; no pickle."""
        return {"names": list(self.names), "intercept": self.intercept, "weights": self.weights.tolist()}

    def log_odds(self, values: np.ndarray) -> np.ndarray:
        """Of rows (n, p) in the order of names; higher means event."""
        return self.intercept + (values * self.weights).sum(axis=1)

    def apply(self, values: np.ndarray, names: tuple[str, ...], columns: Any) -> np.ndarray:
        """Anyone's, columns by name."""
        return self.log_odds(take_columns(values, names, self.names))


class DiscriminantLearner:
    """Fitted on the features that are left."""

    name, version, Settings = "@SHORT@_discriminant", "1", DiscriminantSettings
    gives: Literal["scores"] = "scores"
    label = "linear discriminant analysis"

    def methods(self, run: StepRun) -> str:
        """Its part of the Methods."""
        return "linear discriminant analysis, its covariance shrunk by {shrinkage}"

    def fit(
        self, rows: TrainingRows, settings: DiscriminantSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Discriminant:
        """Sees training rows of both outcomes; neither the order of columns nor that of rows may matter."""
        names = tuple(sorted(n for j, n in enumerate(rows.names) if np.ptp(rows.values[:, j]) > 0))
        x, event = take_columns(rows.values, rows.names, names), rows.outcome == 1
        x = x[(order := np.lexsort([*x.T[::-1], event]))]
        event = event[order]
        prior = float(np.log(event.sum() / (~event).sum()))
        if not names:
            return Discriminant((), prior, np.zeros(0))
        scale = x.std(axis=0)
        mean, other = x[event].mean(axis=0) / scale, x[~event].mean(axis=0) / scale
        within = np.where(event[:, None], x / scale - mean, x / scale - other)
        covariance = (1 - settings.shrinkage) * np.atleast_2d(within.T @ within) / len(x)
        weights = np.linalg.solve(covariance + settings.shrinkage * np.eye(len(names)), mean - other)
        return Discriminant(names, prior - float(weights @ (mean + other)) / 2, weights / scale)

    def from_state(self, state: Mapping[str, Any]) -> Discriminant:
        """The same again, from a frozen model."""
        return Discriminant(tuple(state["names"]), state["intercept"], np.array(state["weights"]))
'''

VALIDATOR = '''\
"""A scheme of validation: half of the patients train, the other half is held out, and the other way round."""

from __future__ import annotations

from typing import Any

import numpy as np
from prldh.api import Resample, SchemeRun


class Halves:
    """The study file says how often: `@SHORT@_halves: 10`."""

    name, version, kind = "@SHORT@_halves", "1", "held_out"
    example_settings = 2

    def methods(self, run: SchemeRun) -> str:
        """Its part of the Methods."""
        return "by halves of the patients, drawn anew and predicted by the other half ({n_resamples} refits)"

    def resamples(self, outcome: np.ndarray, settings: Any, seed: np.random.SeedSequence) -> list[Resample]:
        """Of outcome (n,) 0/1: stratified halves; a test row never trains."""
        found = []
        for repeat, child in enumerate(seed.spawn(int(settings))):
            rng, half = np.random.default_rng(child), np.zeros(outcome.size, dtype=int)
            for label in (0, 1):
                half[rng.permutation(np.flatnonzero(outcome == label))[::2]] = 1
            for fold in (0, 1):
                found.append(Resample(np.flatnonzero(half != fold), np.flatnonzero(half == fold), repeat, fold))
        return found
'''

STATISTIC = '''\
"""A statistic of predictions: by how much events are given more than others (Tjur)."""

from __future__ import annotations

import numpy as np


class Discrimination:
    """Computed of every model, apparent and held out, wherever the plugin is installed."""

    name, version, label = "@SHORT@_discrimination", "1", "Coefficient of discrimination"

    def measure(self, outcome: np.ndarray, probability: np.ndarray) -> dict[str, float | None]:
        """Of outcome (n,) 0/1 and probability (n,); None where a class is missing. Limits, low and high, stand only
        where the interval is known to hold."""
        if outcome.min() == outcome.max():
            return {"estimate": None}
        return {"estimate": float(probability[outcome == 1].mean() - probability[outcome == 0].mean())}
'''

CHECKLIST = '''\
"""A reporting checklist whose items look for their evidence in a run."""

from __future__ import annotations

from typing import Any


class DepartmentChecklist:
    """Two items: one that a run answers, one that only an author can."""

    name, version = "@SHORT@_checklist", "1"

    def evaluate(self, dossier: Any) -> list[dict[str, Any]]:
        """One entry an item; without results every item is the author's."""
        patients: dict[str, Any] = {"number": "1", "text": "Patients analysed", "question": "How many patients?"}
        approval = {"number": "2", "text": "Ethics approval", "question": "Who approved the study, and when?"}
        own = {"status": "author", "evidence": []}
        if dossier.results is None:
            return [patients | own, approval | own]
        link = {"where": "results.json, cohort", "href": "results.json"}
        n = str(dossier.results["cohort"]["n"])
        return [patients | {"status": "filled", "value": n, "evidence": [link]}, approval | own]
'''

SECTION = '''\
"""A section of the report, after the built-in ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from markupsafe import escape


class ContactSection:
    """Shown wherever the plugin is installed; an empty text leaves it out."""

    name, title = "@SHORT@_section", "Who was asked"

    def render(self, results: dict[str, Any], folder: Path) -> str:
        """An HTML fragment; text that comes from data is escaped."""
        study = escape(results["study"].get("title") or "this study")
        return f"<p>{results['cohort']['n']} patients of {study} were analysed.</p>"
'''


class Part(NamedTuple):
    """What a plugin of one kind has: a module with a class, the hook that registers it, and what a study file says."""

    module: str
    content: str
    made: str
    hook: str
    what: str
    study: str


#: What ``--kind`` may name.
KINDS = {
    "source": Part(
        "source",
        SOURCE,
        "IntensitySource",
        "register_feature_sources",
        "a feature source",
        "tissues:\n  disc: {images: disc_images.csv, sources: [@SHORT@_intensity]}",
    ),
    "transform": Part(
        "transform",
        TRANSFORM,
        "ClipTransform",
        "register_transforms",
        "a transform",
        "transforms:\n  - @SHORT@_clip: {share: 0.05}",
    ),
    "selector": Part(
        "selector",
        SELECTOR,
        "VarianceSelector",
        "register_selectors",
        "a selection step",
        "selection:\n  - @SHORT@_variance: {share: 0.5}",
    ),
    "learner": Part(
        "learner",
        LEARNER,
        "DiscriminantLearner",
        "register_learners",
        "a learner",
        "learner: {@SHORT@_discriminant: {shrinkage: 0.5}}",
    ),
    "validator": Part(
        "validator",
        VALIDATOR,
        "Halves",
        "register_validators",
        "a scheme of validation",
        "validation: {@SHORT@_halves: 10}",
    ),
    "statistic": Part(
        "statistic",
        STATISTIC,
        "Discrimination",
        "register_statistics",
        "a statistic of predictions",
        "# nothing: it is computed of every model wherever the plugin is installed",
    ),
    "checklist": Part(
        "checklist",
        CHECKLIST,
        "DepartmentChecklist",
        "register_checklists",
        "a checklist",
        "report: {checklists: [@SHORT@_checklist]}",
    ),
    "section": Part(
        "section",
        SECTION,
        "ContactSection",
        "register_report_sections",
        "a section of the report",
        "# nothing: the section is shown wherever the plugin is installed",
    ),
}
#: What is written where no kind is named.
USUAL = ("selector", "source")

README = """\
# @NAME@

A plugin of prldh with {what}:

```yaml
{study}
```

    pip install -e .
    prldh plugins check @SHORT@
    pytest
"""

INIT = '''\
"""What this distribution brings to prldh.

Other kinds have hooks of their own: see docs/plugins.md and prldh.api.
"""

from __future__ import annotations

from prldh.api import hookimpl

api = 1
'''

HOOK = """

@hookimpl
def {hook}() -> list:
    from @PACKAGE@.{module} import {made}

    return [{made}()]
"""

TEST = '''\
"""prldh's conformance kit on everything that this distribution registers."""

from __future__ import annotations

from prldh.testing import parametrize_with_checks

{imports}


@parametrize_with_checks([{made}])
def test_conforms(check):
    check()
'''


def files_of(kinds: tuple[str, ...]) -> dict[str, str]:
    """Place → content of a plugin of these kinds."""
    parts = [KINDS[kind] for kind in kinds]
    words = [part.what for part in parts]
    what = " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
    imports = "\n".join(sorted(f"from @PACKAGE@.{part.module} import {part.made}" for part in parts))
    return {
        "pyproject.toml": PYPROJECT,
        "README.md": README.format(what=what, study="\n".join(part.study for part in parts)),
        "PACKAGE/__init__.py": INIT + "".join(HOOK.format(**part._asdict()) for part in parts),
        **{f"PACKAGE/{part.module}.py": part.content for part in parts},
        "tests/test_conformance.py": TEST.format(imports=imports, made=", ".join(f"{p.made}()" for p in parts)),
    }
