"""The files of ``prldh plugins new NAME``; ``@NAME@`` is the distribution, ``@PACKAGE@`` its package, ``@SHORT@`` the
plugin."""

from __future__ import annotations

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

README = """\
# @NAME@

A plugin of prldh with a selection step and a feature source:

```yaml
selection:
  - @SHORT@_variance: {share: 0.5}
tissues:
  disc: {images: disc_images.csv, sources: [@SHORT@_intensity]}
```

    pip install -e .
    prldh plugins check @SHORT@
    pytest
"""

INIT = '''\
"""What this distribution brings to prldh.

Validators, checklists, report sections and commands have hooks of their own: see docs/plugins.md and prldh.api.
"""

from __future__ import annotations

from prldh.api import hookimpl


@hookimpl
def register_selectors() -> list:
    from @PACKAGE@.selector import VarianceSelector

    return [VarianceSelector()]


@hookimpl
def register_feature_sources() -> list:
    from @PACKAGE@.source import IntensitySource

    return [IntensitySource()]
'''

SELECTOR = '''\
"""A selection step: the share of features that vary most."""

from __future__ import annotations

from typing import Any

import numpy as np
from prldh.api import Reference, Selection, StepRun, TrainingRows
from pydantic import BaseModel, ConfigDict, Field


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
        self, rows: TrainingRows, settings: VarianceSettings, seed: np.random.SeedSequence, engine: Any
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

TEST = '''\
"""prldh's conformance kit on everything that this distribution registers."""

from __future__ import annotations

from prldh.testing import parametrize_with_checks

from @PACKAGE@.selector import VarianceSelector
from @PACKAGE@.source import IntensitySource


@parametrize_with_checks([VarianceSelector(), IntensitySource()])
def test_conforms(check):
    check()
'''

FILES = {
    "pyproject.toml": PYPROJECT,
    "README.md": README,
    "PACKAGE/__init__.py": INIT,
    "PACKAGE/selector.py": SELECTOR,
    "PACKAGE/source.py": SOURCE,
    "tests/test_conformance.py": TEST,
}
