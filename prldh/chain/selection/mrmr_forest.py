"""Rank by mRMR; random forests decide how many of the ranked features stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from prldh.chain.selection.forest import size_curve
from prldh.chain.selection.mrmr import MrmrRanking, rank_mrmr
from prldh.chain.selection.shared import curve_by_size, curve_in_words, jsonable
from prldh.chain.shared import child_of, in_patient_order, inner_folds
from prldh.chain.shared.folds import stratified_folds
from prldh.chain.shared.linear import TIE
from prldh.core import REFERENCES, Purpose, Reference, Remark, Selection, StepFigure, StepRun, TrainingRows, bounds
from prldh.engines import StatisticsEngine
from prldh.plugins import SelectorSettings

NUMBERS = "no one two three four five six seven eight nine ten eleven twelve".split()


class MrmrForestSettings(SelectorSettings):
    folds: int = Field(
        5,
        ge=2,
        le=bounds.FOLDS,
        description="inner folds in which forests of each size are judged",
        json_schema_extra={"unit": "folds"},
    )
    features: int = Field(30, ge=1, le=bounds.POINTS, description="how many features are ranked at most")
    trees: int = Field(
        500, ge=1, le=bounds.TREES, description="trees of each forest", json_schema_extra={"unit": "trees"}
    )
    sizes: tuple[Annotated[int, Field(le=bounds.POINTS)], ...] | None = Field(
        None, min_length=1, max_length=bounds.POINTS, description="sizes to try; default 1 … features"
    )
    rule: Literal["argmax", "one_se"] = Field(
        "argmax", description="highest mean AUC, or the smallest size within one standard error of it"
    )
    seeds: int = Field(
        8,
        ge=0,
        le=bounds.POINTS,
        description="forest seeds by which the size is chosen again on everyone, for the report; 0 or 1: none",
    )

    racing: bool = Field(
        False,
        description=(
            "drop sizes that lag after a quarter of the trees: faster, and an approximation (see benchmarks/racing.py)"
        ),
    )

    @field_validator("sizes")
    @classmethod
    def _positive_and_ascending(cls, sizes: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if sizes is not None and min(sizes) < 1:
            raise ValueError(f"sizes must be 1 or more: found {min(sizes)}")
        return None if sizes is None else tuple(sorted(set(sizes)))

    @model_validator(mode="after")
    def _racing_goes_with_argmax(self) -> MrmrForestSettings:
        if self.racing and self.rule == "one_se":
            raise ValueError("racing drops sizes that the rule one_se may choose: set racing: false, or rule: argmax")
        return self


class MrmrForestSelector:
    """Rank by mRMR once; random forests in inner folds decide how many features stay."""

    name = "mrmr_forest"
    version = "1"
    Settings = MrmrForestSettings
    label = "mRMR ranking, cut by random forests"
    short_label = "mRMR + forests"
    explanation = "mRMR ranks features by what they tell of the outcome and not of each other"
    purposes = {Purpose.REDUNDANCY: ""}
    references = (
        Reference(
            "peng2005",
            "Peng, Hanchuan and Long, Fuhui and Ding, Chris",
            "Feature selection based on mutual information: criteria of max-dependency, max-relevance, and"
            " min-redundancy",
            "IEEE Transactions on Pattern Analysis and Machine Intelligence",
            2005,
            "27",
            "1226--1238",
            "10.1109/TPAMI.2005.159",
        ),
        REFERENCES["breiman2001"],
    )

    def fit(
        self, rows: TrainingRows, settings: MrmrForestSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Selection:
        rows = in_patient_order(rows)
        ranking = rank_mrmr(rows.values, rows.outcome, settings.features)
        order = ranking.order
        details = _ranking_details(rows, ranking, settings) | {"forest_seed": str(_forest_seed(seed))}
        n_folds, warnings = inner_folds(rows, settings.folds)
        if n_folds is None or not order.size:
            chosen = min(1, order.size)
            if chosen:
                warnings += ("the random forest could not choose a size: the first of the mRMR ranking is kept",)
        else:
            curve = _forest_curve(rows, order, settings, n_folds, seed)
            chosen = _choose_size(curve, settings.rule)
            if curve.n_left_out:
                warnings += (f"{curve.n_left_out} of {n_folds} inner folds lack a class and are left out of the AUC",)
            details["curve"] = {
                "sizes": curve.sizes.tolist(),
                "mean": curve.mean.tolist(),
                "sd": jsonable(curve.sd),
                "n_folds_left_out": curve.n_left_out,
            }
            if settings.racing:
                details["curve"]["dropped"] = list(curve.dropped)
        details |= {"folds": n_folds, "chosen_size": int(chosen)}
        return Selection(np.sort(order[:chosen]), _mrmr_reasons(rows.names, order, chosen, settings), details, warnings)

    def describe(
        self, rows: TrainingRows, settings: MrmrForestSettings, seed: np.random.SeedSequence, selection: Selection
    ) -> dict[str, Any]:
        """How far the chosen size is the forest seed's doing: the sizes that other seeds choose with the same ranking
        and folds.

        The first seed and size are those of the fit. Changes nothing that was found; too dear for resamples.
        """
        if "curve" not in selection.details or (settings.seeds < 2 and not settings.racing):
            return {}
        rows = in_patient_order(rows)
        order = rank_mrmr(rows.values, rows.outcome, settings.features).order
        others = range(1, settings.seeds)
        curves = (_forest_curve(rows, order, settings, selection.details["folds"], seed, number) for number in others)
        sizes = [selection.details["chosen_size"], *(_choose_size(curve, settings.rule) for curve in curves)]
        description: dict[str, Any] = {}
        if settings.racing:
            plainly = settings.model_copy(update={"racing": False})
            exact = [
                _forest_curve(rows, order, plainly, selection.details["folds"], seed, number)
                for number in range(len(sizes))
            ]
            description["racing_agreement"] = _racing_agreement(sizes, exact, settings.rule)
        if settings.seeds >= 2:
            description["size_by_seed"] = {
                "seeds": [str(_forest_seed(seed, k)) for k in range(settings.seeds)],
                "sizes": sizes,
            }
        return description

    def methods(self, run: StepRun) -> str:
        given = run.settings
        most = "up to {features} features" if given.get("features") else "features"
        trees = " of {trees} trees" if given.get("trees") else ""
        rule = (
            "the smallest number within one standard error of the highest mean AUC"
            if given.get("rule") == "one_se"
            else "the number with the highest mean AUC"
        )
        racing = (
            "; numbers of features that lagged after a quarter of the trees were dropped early (racing, an"
            " approximation)"
            if given.get("racing")
            else ""
        )
        return (
            f"{most} were ranked by minimum redundancy and maximum relevance [@peng2005], and random forests"
            f" [@breiman2001]{trees} in {{folds}} inner folds chose how many remained, {rule}{racing}"
        )

    def figures(self, details: Mapping[str, Any]) -> list[StepFigure]:
        if not details.get("curve"):
            return []
        curve, chosen = details["curve"], details["chosen_size"]
        return [
            StepFigure(
                "forest",
                "random forest by number of features",
                f"Mean AUC over inner folds by number of features in mRMR order; {chosen} features were chosen.",
                (("random forest", curve_by_size(curve, chosen, "AUC in inner folds")),),
                curve_in_words("The mean AUC", curve, chosen),
            )
        ]

    def remarks(self, details_by_source: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Remark]:
        """How racing agrees with the exact choice, and how many features other forest seeds would have kept."""
        remarks = []
        for source, details in details_by_source:
            if "racing_agreement" in details:
                remarks.append(Remark(_racing_in_words(source, details), is_urgent=True))
            if details.get("size_by_seed"):
                remarks.append(Remark(_seeds_in_words(source, details)))
        if not remarks:
            return []
        first = (
            "How many of the mRMR-ranked features go on is chosen by random forests, and with a small sample that"
            " number is partly chance."
        )
        return [Remark(first), *remarks]


def _racing_in_words(source: str, details: Mapping[str, Any]) -> str:
    """How racing's choice of the number of features compares with the exact one, both run on everyone."""
    compared = details["racing_agreement"]
    same = "as the exact forests do" if compared["agrees"] else f"the exact forests {compared['exact_size']}"
    return (
        f"Source {source}: racing chooses {details['chosen_size']} features, {same}; over {compared['n']} forest seeds"
        f" both agree {compared['n_same']} times, and racing loses {compared['mean_auc_lost']:.4f} of AUC in the mean."
    )


def _seeds_in_words(source: str, details: Mapping[str, Any]) -> str:
    sizes, ranked = details["size_by_seed"]["sizes"], len(details["ranking"])
    number = NUMBERS[len(sizes)] if len(sizes) < len(NUMBERS) else str(len(sizes))
    if len(set(sizes)) == 1:
        return (
            f"Source {source}: with the same folds, all {number} forest seeds chose {sizes[0]} of {ranked} ranked"
            " features."
        )
    return (
        f"Source {source}: with the same folds, {number} forest seeds chose {', '.join(map(str, sizes))} of {ranked}"
        " ranked features; the first is this study's."
    )


def _forest_curve(
    rows: TrainingRows,
    order: np.ndarray,
    settings: MrmrForestSettings,
    n_folds: int,
    seed: np.random.SeedSequence,
    number: int = 0,
) -> Any:
    """The forests' AUC by number of features in mRMR order; ``number`` picks the forest seed, the folds stay."""

    fold = stratified_folds(rows.outcome, n_folds, child_of(seed, 0), rows.patient)
    sizes = [size for size in settings.sizes or range(1, order.size + 1) if size <= order.size]
    values, sizes = rows.values[:, order], sizes or [order.size]
    return size_curve(values, rows.outcome, fold, settings.trees, _forest_seed(seed, number), sizes, settings.racing)


def _racing_agreement(raced: list[int], exact: list[Any], rule: str) -> dict[str, Any]:
    """How the sizes chosen by racing (by forest seed) compare with the choice from the exact curves of the same
    seeds."""
    sizes = [_choose_size(curve, rule) for curve in exact]
    lost = [
        float(curve.mean[curve.sizes == best][0] - curve.mean[curve.sizes == size][0])
        for curve, best, size in zip(exact, sizes, raced, strict=True)
    ]
    same = sum(a == b for a, b in zip(raced, sizes, strict=True))
    return {
        "exact_size": sizes[0],
        "agrees": raced[0] == sizes[0],
        "n": len(sizes),
        "n_same": same,
        "mean_auc_lost": float(np.mean(lost)),
    }


def _forest_seed(seed: np.random.SeedSequence, number: int = 0) -> int:
    """The seed of the forests, 0 … 2^64 - 1; 0 is that of the fit."""
    return int(child_of(seed, 1 + number).generate_state(1, np.uint64)[0])


def _choose_size(curve: Any, rule: str) -> int:
    """The smallest size whose mean AUC is highest, or within one standard error of the highest."""
    best = int(np.argmax(curve.mean >= curve.mean.max() - TIE))
    limit = curve.mean[best] - TIE
    if rule == "one_se":
        n_folds = curve.by_fold.shape[1] - curve.n_left_out
        limit -= np.nan_to_num(curve.sd[best]) / np.sqrt(n_folds)
    return int(curve.sizes[int(np.argmax(curve.mean >= limit))])


def _ranking_details(rows: TrainingRows, ranking: MrmrRanking, settings: MrmrForestSettings) -> dict[str, Any]:
    return {
        "ranking": [rows.names[j] for j in ranking.order],
        "relevance": ranking.relevance.tolist(),
        "score": ranking.score.tolist(),
        "trees": settings.trees,
        "rule": settings.rule,
    }


def _mrmr_reasons(
    names: tuple[str, ...], order: np.ndarray, chosen: int, settings: MrmrForestSettings
) -> dict[str, str]:
    rank = {int(j): position + 1 for position, j in enumerate(order)}
    by_forest = f"not in the {chosen} feature{'s' * (chosen != 1)} chosen by the forest"
    beyond = f"mRMR rank beyond {settings.features}"
    dropped = {}
    for j, name in enumerate(names):
        if j not in rank:
            dropped[name] = beyond if len(rank) >= settings.features else "constant"
        elif rank[j] > chosen:
            dropped[name] = f"{by_forest} (mRMR rank {rank[j]})"
    return dropped
