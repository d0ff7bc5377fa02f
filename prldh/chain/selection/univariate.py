"""Keep features whose own test against the outcome is small enough, its p adjusted for the number of features or
not."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from prldh.core import REFERENCES, Selection, StepRun, TrainingRows
from prldh.engines import StatisticsEngine
from prldh.plugins import SelectorSettings

TESTS = {"t": "t test", "wilcoxon": "Wilcoxon"}
ADJUSTMENTS = {"none": "p", "holm": "Holm-adjusted p", "bh": "Benjamini–Hochberg-adjusted p"}
ADJUSTED = {
    "holm": ", adjusted by Holm's method [@holm1979],",
    "bh": ", adjusted by the Benjamini–Hochberg method [@benjamini1995],",
}


class UnivariateSettings(SelectorSettings):
    test: Literal["t", "wilcoxon"] = Field("wilcoxon", description="t test with pooled variance, or rank-sum test")
    adjust_p: Literal["none", "holm", "bh"] = Field(
        "bh", description="adjusted over the features that the step is given"
    )
    threshold: float = Field(0.05, gt=0, le=1, description="features with a p of at most this stay")


class UnivariateSelector:
    """Keep what differs between the outcomes by itself.

    The adjustment counts the features that the step is given, within a source where selection goes by source; it is
    valid for them and for these rows alone. In a bootstrap sample, where patients are repeated, p is too small.
    """

    name = "univariate"
    version = "1"
    Settings = UnivariateSettings
    label = "Univariate tests"
    short_label = "univariate"
    explanation = "univariate tests keep features that differ between the outcomes by themselves"
    by_engine = ("p", "adjusted_p")
    references = (REFERENCES["benjamini1995"], REFERENCES["holm1979"])

    def methods(self, run: StepRun) -> str:
        test = "the rank-sum test" if run.settings.get("test") == "wilcoxon" else "a t test with pooled variance"
        adjusted = ADJUSTED.get(str(run.settings.get("adjust_p")), "")
        return f"features were kept where the p of {test} against the outcome{adjusted} was at most {{threshold}}"

    def fit(
        self, rows: TrainingRows, settings: UnivariateSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Selection:
        p = np.asarray(engine.univariate_screen(rows.values, rows.outcome)[f"p_{settings.test}"], dtype=np.float64)
        judged = p if settings.adjust_p == "none" else engine.adjust_p(p, settings.adjust_p)
        is_kept = judged <= settings.threshold
        label = f"{ADJUSTMENTS[settings.adjust_p]} ({TESTS[settings.test]})"
        dropped = {
            rows.names[j]: (
                f"{label} not defined (no variance)"
                if np.isnan(judged[j])
                else f"{label} {_shown(judged[j], settings.threshold)} > {settings.threshold:g}"
            )
            for j in np.flatnonzero(~is_kept)
        }
        details = {
            "test": settings.test,
            "adjust_p": settings.adjust_p,
            "threshold": settings.threshold,
            "n_tested": int(np.isfinite(p).sum()),
            "p": {rows.names[j]: float(p[j]) for j in np.flatnonzero(is_kept)},
            "adjusted_p": {rows.names[j]: float(judged[j]) for j in np.flatnonzero(is_kept)},
        }
        return Selection(np.flatnonzero(is_kept), dropped, details)


def _shown(p: float, limit: float) -> str:
    """Two significant digits, or as many as it takes to be seen above the limit."""
    return next((shown for digits in range(2, 8) if float(shown := f"{p:.{digits}g}") > limit), f"{p:.8g}")
