"""Reliability: keep what readers, or perturbed masks, agree on."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field

from prldh.chain.selection.shared import shown_beside
from prldh.core import DataError, Purpose, Reference, Selection, StepRun, TrainingRows, complete_rows
from prldh.engines import StatisticsEngine
from prldh.plugins import SelectorSettings
from prldh.stats import FORMS, icc_form


def _form(spelling: Any) -> Any:
    try:
        return icc_form(spelling)
    except DataError:
        raise ValueError(
            f"give one of {', '.join(FORMS)}, also written ICC(2,1), ICC(2,k), ICC(A,1) and the like"
        ) from None


#: Patients whom all readers measured, without which there is no agreement to speak of.
LEAST_WHOLE = 3


class IccSettings(SelectorSettings):
    threshold: float = Field(0.75, ge=-1, le=1, description="features with more than this stay")
    form: Annotated[Literal["ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"], BeforeValidator(_form)] = Field(
        "ICC2", description="Shrout and Fleiss's form; ICC(2,1), ICC(A,1) and the like are understood"
    )
    on: Literal["estimate", "lower"] = Field("estimate", description="judge the estimate or its lower confidence limit")


class IccSelector:
    """Keep what readers agree on: ICC above a threshold."""

    name = "icc"
    version = "1"
    Settings = IccSettings
    label = "Reliability (ICC)"
    short_label = "ICC"
    explanation = "reliability (ICC) keeps features on which readers agree"
    purposes = {Purpose.RELIABILITY: "ICC"}
    references = (
        Reference(
            "shrout1979",
            "Shrout, Patrick E. and Fleiss, Joseph L.",
            "Intraclass correlations: uses in assessing rater reliability",
            "Psychological Bulletin",
            1979,
            "86",
            "420--428",
            "10.1037/0033-2909.86.2.420",
        ),
    )

    def methods(self, run: StepRun) -> str:
        """Between readers, over perturbed masks, or both; nothing where nothing could be judged."""
        over = ["between readers"] if run.n_readers > 1 else []
        if run.n_perturbed is not None:
            over.append("over a reader's mask and {n_perturbed} perturbed ones")
        if not over:
            return ""  # with one reader nothing is judged
        form = ", form {form}" if run.settings.get("form") else ""
        judged = (
            "the lower confidence limit of the intraclass correlation"
            if run.settings.get("on") == "lower"
            else "the intraclass correlation"
        )
        return f"features were kept where {judged} ({' and '.join(over)}{form} [@shrout1979]) was above {{threshold}}"

    def fit(
        self, rows: TrainingRows, settings: IccSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Selection:
        warnings: tuple[str, ...] = ()
        if len(rows.raters) > 1:
            icc, n_whole = _agreement(rows.raters, rows.filled, settings.form, engine)
        elif rows.perturbed is not None:
            icc, n_whole = _agreement((rows.values, *rows.perturbed), rows.filled, settings.form, engine)
            warnings = (
                (
                    f"one reader: the ICC is that of {len(rows.perturbed) + 1} masks, the reader's and"
                    f" {len(rows.perturbed)} perturbed ones"
                ),
            )
        else:
            warning = "one reader: ICC not computed"
            return Selection(np.arange(len(rows.names)), {}, {"computed": False}, (warning,))
        judged = np.asarray(icc["estimate" if settings.on == "estimate" else "low"], dtype=np.float64)
        is_kept = judged > settings.threshold
        label = "ICC" if settings.on == "estimate" else "lower limit of the ICC"
        dropped = {}
        for j in np.flatnonzero(~is_kept):
            if n_whole[j] < LEAST_WHOLE:
                dropped[rows.names[j]] = f"{label} not defined ({n_whole[j]} patients without blanks)"
            elif np.isnan(judged[j]):
                dropped[rows.names[j]] = f"{label} not defined (no variance)"
            else:
                dropped[rows.names[j]] = (
                    f"{label} {shown_beside(judged[j], settings.threshold)} ≤ {settings.threshold:g}"
                )
        details = {
            "computed": True,
            "form": settings.form,
            "on": settings.on,
            "threshold": settings.threshold,
            "estimate": _distribution(icc["estimate"]),
            "lower": _distribution(icc["low"]),
        }
        if rows.filled is not None:
            details["least_patients"] = int(n_whole.min())
        return Selection(np.flatnonzero(is_kept), dropped, details, warnings)


def _agreement(
    ratings: tuple[np.ndarray, ...], filled: np.ndarray | None, form: str, engine: StatisticsEngine
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The ICC of every column among the patients whom all readers, or masks, measured, and how many these are (p,).
    Values that a step filled are none."""
    n, p = ratings[0].shape
    icc = {key: np.full(p, np.nan) for key in ("estimate", "low", "high")}
    n_whole = np.full(p, n)
    patterns = complete_rows(filled) if filled is not None else [(np.arange(p), np.arange(n))]
    for columns, rows in patterns:
        n_whole[columns] = rows.size
        if rows.size < LEAST_WHOLE:
            continue
        own = [each[np.ix_(rows, columns)] if rows.size < n else each[:, columns] for each in ratings]
        if len(own) == 2:
            found = engine.icc(own[0], own[1], form=form)
        else:
            found = engine.icc_of_ratings(np.stack(own, axis=1), form=form)
        for key, values in icc.items():
            values[columns] = found[key]
    return icc, n_whole


def _distribution(values: np.ndarray) -> dict[str, Any]:
    """Quartiles and a histogram of width 0.05 over 0 … 1 (the first bin also counts negative values)."""
    values = np.asarray(values, dtype=np.float64)
    finite = values[np.isfinite(values)]
    if not finite.size:
        return {"n": 0, "n_undefined": int(values.size)}
    edges = np.linspace(0, 1, 21)
    names = ("min", "q1", "median", "q3", "max")
    return {
        "n": int(finite.size),
        "n_undefined": int(values.size - finite.size),
        **dict(zip(names, np.quantile(finite, [0, 0.25, 0.5, 0.75, 1]).tolist(), strict=True)),
        "bin_edges": edges.tolist(),
        "bin_counts": np.histogram(np.clip(finite, 0, 1), edges)[0].tolist(),
    }
