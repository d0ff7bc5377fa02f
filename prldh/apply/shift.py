"""How far new patients lie from those that a Radscore was made of, by the features that it reads.

Each feature by the standardised mean difference (P. C. Austin, Statistics in Medicine 28 (2009) 3083-3107) and the
ratio of standard deviations; all together by the Mahalanobis distance from the study's mean with the study's
covariance, as they were frozen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prldh.apply.features import ScoreInputs
from prldh.apply.frozen import Frozen
from prldh.apply.patients import NewPatients
from prldh.chain.learners import linear_scores
from prldh.core import LinearScore, Warn, decimals, finite, take_columns, warn
from prldh.data import some
from prldh.engines import StatisticsEngine
from prldh.stats import difference_of_moments

#: A feature whose mean lies farther than this from the study's, in SD of the study's patients, is told.
STRANGE = 3.0
#: Shares of the study's patients that lie within the limits.
SHARES = (0.975, 0.99)
#: More new patients than this far beyond the study's range of a covariate, which is by more than half its width, or
#: beyond the limit that 1 % would pass, and it is told.
MANY = 0.1
NOT_KEPT = "model.json is of an earlier version, which kept no covariance of the training patients"


def describe_shift(
    frozen: Frozen, patients: NewPatients, engine: StatisticsEngine
) -> tuple[dict[str, dict[str, Any]], list[Warn]]:
    """By tissue whose score was made of features: each feature, and the distances. One warning a tissue that is far:
    of features by themselves, or else of all together."""
    shifts, warnings = {}, []
    for tissue, inputs in patients.inputs.items():
        training = _training(frozen.model["tissues"][tissue])
        warnings += _held_to_range(tissue, inputs)
        features = [_feature(name, own, training) for name, own in zip(inputs.names, inputs.values.T, strict=True)]
        distances, reason = _distances(training, inputs, engine)
        n = len(inputs.values)
        shifts[tissue] = {
            "n": n,
            "n_study": training.get("n"),
            "features": features,
            "mahalanobis": distances,
            "reason": reason,
        }
        strange = some(f"{f['name']} ({decimals(d, 1)} SD)" for f in features if (d := _sd_away(f)) > STRANGE)
        last = {"beyond": 0.0} if distances is None else distances["limits"][-1]
        if strange:
            warnings.append(warn.FAR_FEATURES(tissue=tissue, listed=strange, limit=STRANGE))
        elif last["beyond"] > MANY:
            warnings.append(
                warn.FAR_PATIENTS(tissue=tissue, n_beyond=last["n_beyond"], n=n, n_features=len(inputs.names))
            )
    return shifts, warnings


def _held_to_range(tissue: str, inputs: ScoreInputs) -> list[Warn]:
    """How many of the new patients' scores were cut off: by the score, or by those that it is made of."""
    told, scores = [], list(linear_scores(inputs.score))
    for number, score in enumerate(scores, start=1):
        if score.reach is None:
            continue
        low, high = score.reach
        sums = score.sum(take_columns(inputs.values, inputs.names, score.names))
        n_beyond = int(((sums < low) | (sums > high)).sum())
        part = f", linear score {number} of the {len(scores)} that it is made of" * (len(scores) > 1)
        if n_beyond:
            told.append(warn.BEYOND_REACH(tissue=tissue + part, n_beyond=n_beyond, n=len(sums), low=low, high=high))
    return told


def _sd_away(feature: Mapping[str, Any]) -> float:
    """How far the mean of new patients lies from the study's, in SD of the study's patients."""
    new, mean, sd = feature["new"]["mean"], feature["study"]["mean"], feature["study"]["sd"]
    if new is None or mean is None or sd is None or new == mean:
        return 0.0
    return abs(new - mean) / sd if sd > 0 else np.inf


def tell_of_far_columns(frozen: Frozen, patients: NewPatients, case_mix: Sequence[Mapping[str, Any]]) -> list[Warn]:
    """A warning of covariates, and of Radscores given as columns, of which the mean lies as far away as features that
    are told, or too many patients far beyond the study's."""
    given = patients.columns | {name: v for name, v in patients.scores.items() if name not in patients.inputs}
    told = []
    for row in case_mix:
        name = row["variable"]
        if row["level"] is not None or name not in given:
            continue
        values = given[name][~np.isnan(given[name])]
        away, seen = _sd_away(row), [m["ranges"][name] for m in frozen.model["models"] if name in m.get("ranges", {})]
        low, high = min((r["low"] for r in seen), default=-np.inf), max((r["high"] for r in seen), default=np.inf)
        half = (high - low) / 2
        n_beyond = int(((values < low - half) | (values > high + half)).sum())
        if away > STRANGE:
            told.append(
                f"{name} (mean {row['new']['mean']:.4g} against {row['study']['mean']:.4g},"
                f" {decimals(away, 1)} SD away)"
            )
        elif n_beyond > MANY * len(values):
            told.append(f"{name} ({n_beyond} of {len(values)} far beyond the study's {low:.4g} to {high:.4g})")
    return [warn.FAR_COVARIATES(listed=some(told))] if told else []


def _training(tissue: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the frozen models keep of the training patients. Models of before have centre and scale of a linear score,
    which are mean and SD of its features."""
    if tissue.get("training") is not None:
        return tissue["training"]
    last = tissue["chain"][-1]
    if last["step"] != LinearScore.name:
        return {"names": [], "mean": [], "sd": [], "covariance": None, "reason": NOT_KEPT}
    score = LinearScore.from_state(last["state"])
    known = {"names": list(score.names), "mean": score.center.tolist(), "sd": score.scale.tolist()}
    return known | {"covariance": None, "reason": NOT_KEPT}


def _feature(name: str, values: np.ndarray, training: Mapping[str, Any]) -> dict[str, Any]:
    study = {"mean": None, "sd": None}
    if name in training["names"]:
        place = training["names"].index(name)
        study = {key: training[key][place] for key in ("mean", "sd")}
    with np.errstate(over="ignore", invalid="ignore"):
        new = {"mean": finite(values.mean()), "sd": finite(values.std(ddof=1)) if len(values) > 1 else None}
    known = [np.nan if each is None else each for each in (study["mean"], study["sd"], new["mean"], new["sd"])]
    ratio = new["sd"] / study["sd"] if new["sd"] is not None and study["sd"] else None
    return {"name": name, "study": study, "new": new, "smd": finite(difference_of_moments(*known)), "sd_ratio": ratio}


def _distances(
    training: Mapping[str, Any], inputs: ScoreInputs, engine: StatisticsEngine
) -> tuple[dict[str, Any] | None, str | None]:
    """The distances as a whole, or the reason why there are none."""
    if not inputs.names:
        return None, "the score reads no feature"
    if training["covariance"] is None:
        return None, training["reason"]
    if sorted(training["names"]) != sorted(inputs.names):
        return None, "model.json keeps the training patients of other features"
    place = [inputs.names.index(name) for name in training["names"]]
    answer = engine.compute(
        "domain_distances",
        values=inputs.values[:, place],
        mean=np.array(training["mean"], dtype=float),
        covariance=np.array(training["covariance"], dtype=float),
        n=training["n"],
        shares=np.array(SHARES),
    )
    squared = np.asarray(answer["squared"], dtype=float)
    if np.isnan(squared).any():
        return None, "the covariance of the training patients is singular"
    limits = []
    for share, limit in zip(SHARES, np.asarray(answer["limits"], dtype=float), strict=True):
        own = training["held_out"][f"{share:g}"]
        limits.append(
            {
                "share": share,
                "limit": finite(limit),
                "n_beyond": int((squared > limit).sum()),
                "beyond": float((squared > limit).mean()),
                "study_limit": own,
                "beyond_study": None if own is None else float((squared > own).mean()),
            }
        )
    median = {"new": finite(np.median(squared)), "study": training["held_out"]["0.5"]}
    return {"n_features": len(place), "median": median, "limits": limits}, None
