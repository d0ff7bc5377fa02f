"""The built-in selectors: settings, the step itself, and what the report says about it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from prldh.errors import DataError
from prldh.records import Selection, TrainingRows
from prldh.selection.correlation import filter_correlated
from prldh.selection.folds import distinct_patients, stratified_folds
from prldh.selection.linear import TIE, standardise
from prldh.selection.mrmr import MrmrRanking, rank_mrmr
from prldh.stats.icc import FORMS, icc_form


class SelectorSettings(BaseModel):
    """What every selector can be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    if_empty: Literal["stop", "best"] | None = Field(
        None, description="where the step leaves nothing: stop, or keep the best single feature; acted on by the pipeline"
    )


# ---------------------------------------------------------------- reliability


def _form(spelling: Any) -> Any:
    try:
        return icc_form(spelling)
    except DataError:
        raise ValueError(f"give one of {', '.join(FORMS)}, also written ICC(2,1), ICC(2,k), ICC(A,1) and the like") from None


class IccSettings(SelectorSettings):
    threshold: float = Field(0.75, ge=-1, le=1, description="features with more than this stay")
    form: Annotated[Literal["ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"], BeforeValidator(_form)] = Field(
        "ICC2", description="Shrout and Fleiss's form; ICC(2,1), ICC(A,1) and the like are understood"
    )
    on: Literal["estimate", "lower"] = Field("estimate", description="judge the estimate or its lower confidence limit")


class IccSelector:
    """Keep what two readers agree on: ICC above a threshold."""

    name = "icc"
    version = "1"
    Settings = IccSettings

    def fit(self, rows: TrainingRows, settings: IccSettings, seed: np.random.SeedSequence, engine: Any) -> Selection:
        warnings: tuple[str, ...] = ()
        if rows.second is not None:
            found = engine.icc(rows.values, rows.second, form=settings.form)
        elif rows.perturbed is not None:
            found = engine.icc_of_ratings(np.stack([rows.values, *rows.perturbed], axis=1), form=settings.form)
            warnings = (f"one reader: the ICC is that of {len(rows.perturbed) + 1} masks, the reader's and {len(rows.perturbed)} perturbed ones",)
        else:
            warning = "one reader: ICC not computed"
            return Selection(np.arange(len(rows.names)), {}, {"computed": False}, (warning,))
        judged = np.asarray(found["estimate" if settings.on == "estimate" else "low"], dtype=np.float64)
        is_kept = judged > settings.threshold
        label = "ICC" if settings.on == "estimate" else "lower limit of the ICC"
        dropped = {}
        for j in np.flatnonzero(~is_kept):
            if np.isnan(judged[j]):
                dropped[rows.names[j]] = f"{label} not defined (no variance)"
            else:
                dropped[rows.names[j]] = f"{label} {_shown(judged[j], settings.threshold)} <= {settings.threshold:g}"
        details = {
            "computed": True,
            "form": settings.form,
            "on": settings.on,
            "threshold": settings.threshold,
            "estimate": _distribution(found["estimate"]),
            "lower": _distribution(found["low"]),
        }
        return Selection(np.flatnonzero(is_kept), dropped, details, warnings)


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


# ---------------------------------------------------------------- mRMR and random forest


class MrmrForestSettings(SelectorSettings):
    folds: int = Field(5, ge=2)
    features: int = Field(30, ge=1, description="how many features are ranked at most")
    trees: int = Field(500, ge=1)
    sizes: tuple[int, ...] | None = Field(None, min_length=1, description="sizes to try; default 1 … features")
    rule: Literal["argmax", "one_se"] = Field(
        "argmax", description="highest mean AUC, or the smallest size within one standard error of it"
    )
    seeds: int = Field(8, ge=0, description="forest seeds by which the size is chosen again on everyone, for the report; 0 or 1: none")

    racing: bool = Field(
        False, description="drop sizes that lag after a quarter of the trees: faster, and an approximation (see benchmarks/racing.py)"
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

    def fit(self, rows: TrainingRows, settings: MrmrForestSettings, seed: np.random.SeedSequence, engine: Any) -> Selection:
        rows = _in_patient_order(rows)
        ranking = rank_mrmr(rows.values, rows.outcome, settings.features)
        order = ranking.order
        details = _ranking_details(rows, ranking, settings) | {"forest_seed": str(_forest_seed(seed))}
        n_folds, warnings = _inner_folds(rows, settings.folds)
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
                "sd": _jsonable(curve.sd),
                "n_folds_left_out": curve.n_left_out,
            }
            if settings.racing:
                details["curve"]["dropped"] = list(curve.dropped)
        details |= {"folds": n_folds, "chosen_size": int(chosen)}
        return Selection(np.sort(order[:chosen]), _mrmr_reasons(rows.names, order, chosen, settings), details, warnings)

    def describe(self, rows: TrainingRows, settings: MrmrForestSettings, seed: np.random.SeedSequence, found: Selection) -> dict[str, Any]:
        """How far the chosen size is the forest seed's doing: the sizes that other seeds choose with the same ranking and folds.

        The first seed and size are those of the fit. Changes nothing that was found; too dear for resamples.
        """
        if "curve" not in found.details or (settings.seeds < 2 and not settings.racing):
            return {}
        rows = _in_patient_order(rows)
        order = rank_mrmr(rows.values, rows.outcome, settings.features).order
        others = range(1, settings.seeds)
        curves = (_forest_curve(rows, order, settings, found.details["folds"], seed, number) for number in others)
        sizes = [found.details["chosen_size"], *(_choose_size(curve, settings.rule) for curve in curves)]
        told: dict[str, Any] = {}
        if settings.racing:
            plainly = settings.model_copy(update={"racing": False})
            exact = [_forest_curve(rows, order, plainly, found.details["folds"], seed, number) for number in range(len(sizes))]
            told["racing_agreement"] = _racing_agreement(sizes, exact, settings.rule)
        if settings.seeds >= 2:
            told["size_by_seed"] = {"seeds": [str(_forest_seed(seed, k)) for k in range(settings.seeds)], "sizes": sizes}
        return told


def _forest_curve(
    rows: TrainingRows, order: np.ndarray, settings: MrmrForestSettings, n_folds: int, seed: np.random.SeedSequence, number: int = 0
) -> Any:
    """The forests' AUC by number of features in mRMR order; ``number`` picks the forest seed, the folds stay."""
    from prldh.selection.forest import size_curve

    fold = stratified_folds(rows.outcome, n_folds, _child(seed, 0), rows.patient)
    sizes = [size for size in settings.sizes or range(1, order.size + 1) if size <= order.size]
    values, sizes = rows.values[:, order], sizes or [order.size]
    return size_curve(values, rows.outcome, fold, settings.trees, _forest_seed(seed, number), sizes, settings.racing)


def _racing_agreement(raced: list[int], exact: list[Any], rule: str) -> dict[str, Any]:
    """How the sizes chosen by racing (by forest seed) compare with the choice from the exact curves of the same seeds."""
    sizes = [_choose_size(curve, rule) for curve in exact]
    lost = [
        float(curve.mean[curve.sizes == best][0] - curve.mean[curve.sizes == size][0])
        for curve, best, size in zip(exact, sizes, raced, strict=True)
    ]
    same = sum(a == b for a, b in zip(raced, sizes, strict=True))
    return {"exact_size": sizes[0], "agrees": raced[0] == sizes[0], "n": len(sizes), "n_same": same, "mean_auc_lost": float(np.mean(lost))}


def _forest_seed(seed: np.random.SeedSequence, number: int = 0) -> int:
    """The seed of the forests, 0 … 2^64 - 1; 0 is that of the fit."""
    return int(_child(seed, 1 + number).generate_state(1, np.uint64)[0])


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


def _mrmr_reasons(names: tuple[str, ...], order: np.ndarray, chosen: int, settings: MrmrForestSettings) -> dict[str, str]:
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


# ---------------------------------------------------------------- correlation


class CorrelationSettings(SelectorSettings):
    between: float = Field(0.9, ge=0, le=1, description="no two kept features correlate above this |r|")
    outcome: float = Field(0.3, ge=0, le=1, description="kept features correlate with the outcome at least this much")


class CorrelationSelector:
    """Drop features with little correlation with the outcome, and of two that say the same the weaker."""

    name = "correlation"
    version = "1"
    Settings = CorrelationSettings

    def fit(self, rows: TrainingRows, settings: CorrelationSettings, seed: np.random.SeedSequence, engine: Any) -> Selection:
        found = filter_correlated(rows.values, rows.outcome, settings.between, settings.outcome)
        strength = np.abs(found.with_outcome)
        kept = set(found.kept.tolist())
        dropped = {}
        for j, name in enumerate(rows.names):
            if j in kept:
                continue
            if strength[j] < settings.outcome - TIE:
                dropped[name] = f"|r| with the outcome {_shown(strength[j], settings.outcome)} < {settings.outcome:g}"
            else:
                rival = rows.names[found.rival[j]]
                shown = _shown(found.with_rival[j], settings.between)
                dropped[name] = f"|r| {shown} with {rival} > {settings.between:g}"
        details = {
            "between": settings.between,
            "outcome": settings.outcome,
            "with_outcome": dict(zip(rows.names, found.with_outcome.tolist(), strict=True)),
        }
        return Selection(found.kept, dropped, details)


# ---------------------------------------------------------------- LASSO and SVM-RFE


class LassoSvmRfeSettings(SelectorSettings):
    folds: int = Field(10, ge=2)
    combine: Literal["intersection", "union", "lasso", "svm_rfe"] = "intersection"
    cost: float = Field(1.0, gt=0, description="the SVM's C")


class LassoSvmRfeSelector:
    """Features that the LASSO and SVM-RFE choose, each with its own inner folds, combined."""

    name = "lasso_svm_rfe"
    version = "1"
    Settings = LassoSvmRfeSettings

    def fit(self, rows: TrainingRows, settings: LassoSvmRfeSettings, seed: np.random.SeedSequence, engine: Any) -> Selection:
        everything = np.arange(len(rows.names))
        details: dict[str, Any] = {"combine": settings.combine, "lasso": None, "svm_rfe": None, "rule": "all kept"}
        if everything.size < 2:
            return Selection(everything, {}, details | {"note": "one feature left: LASSO and SVM-RFE skipped"})
        rows = _in_patient_order(rows)
        n_folds, warnings = _inner_folds(rows, settings.folds)
        details["folds"] = n_folds
        if n_folds is None:
            return Selection(everything, {}, details, (*warnings, "LASSO and SVM-RFE skipped: all features are kept"))
        lasso = svm = np.array([], dtype=np.int64)
        if settings.combine != "svm_rfe":
            lasso, details["lasso"], lasso_warnings = _lasso(rows, n_folds, _child(seed, 0), engine)
            warnings += lasso_warnings
        if settings.combine != "lasso" or not lasso.size:
            svm, details["svm_rfe"] = _svm_rfe(rows, n_folds, settings.cost, _child(seed, 1))
        kept, details["rule"] = _combine(lasso, svm, settings.combine)
        return Selection(kept, _lasso_svm_reasons(rows.names, kept, lasso, svm, details), details, warnings)


def _lasso(
    rows: TrainingRows, n_folds: int, seed: np.random.SeedSequence, engine: Any
) -> tuple[np.ndarray, dict[str, Any] | None, tuple[str, ...]]:
    """The LASSO's set, its details, warnings. Columns are standardised by the training rows, ddof 0."""
    fold = stratified_folds(rows.outcome, n_folds, seed, rows.patient)
    # glmnet refuses to fit fewer than two rows of a class
    if _least_class_in_training(rows.outcome, fold) < 2:
        warning = "LASSO not computed: a training part of its inner folds has fewer than two rows of a class"
        return np.array([], dtype=np.int64), None, (warning,)
    standardised, center, scale = standardise(rows.values)
    found = engine.cv_lasso(standardised, rows.outcome.astype(np.float64), fold + 1)
    coefficients = np.asarray(found["coefficients"], dtype=np.float64)
    kept = np.flatnonzero(coefficients[1:] != 0)
    details = {
        "features": [rows.names[j] for j in kept],
        "lambda": _jsonable(found["lambda"]),
        "cv_mean": _jsonable(found["cv_mean"]),
        "cv_sd": _jsonable(found["cv_sd"]),
        "n_nonzero": [int(count) for count in found["n_nonzero"]],
        "lambda_min": float(found["lambda_min"]),
        "intercept": float(coefficients[0]),
        "coefficients": {rows.names[j]: float(coefficients[j + 1]) for j in kept},
        "center": {rows.names[j]: float(center[j]) for j in kept},
        "scale": {rows.names[j]: float(scale[j]) for j in kept},
        "path": _path(rows.names, np.asarray(found["path"], dtype=np.float64)),
    }
    return kept, details, ()


def _path(names: tuple[str, ...], path: np.ndarray) -> dict[str, list[float]]:
    """Coefficients along lambda of every feature that ever enters."""
    return {names[j]: path[j + 1].tolist() for j in np.flatnonzero((path[1:] != 0).any(axis=1))}


def _svm_rfe(rows: TrainingRows, n_folds: int, cost: float, seed: np.random.SeedSequence) -> tuple[np.ndarray, dict[str, Any]]:
    """SVM-RFE's set and its details."""
    from prldh.selection.svm_rfe import accuracy_curve, rank_svm_rfe

    fold = stratified_folds(rows.outcome, n_folds, seed, rows.patient)
    ranking = rank_svm_rfe(rows.values, rows.outcome, cost)
    curve = accuracy_curve(rows.values, rows.outcome, ranking, fold, cost)
    kept = np.sort(ranking[: curve.best_size])
    details = {
        "features": [rows.names[j] for j in kept],
        "ranking": [rows.names[j] for j in ranking],
        "sizes": list(range(1, ranking.size + 1)),
        "mean": curve.mean.tolist(),
        "sd": _jsonable(curve.sd),
        "chosen_size": curve.best_size,
        "cost": cost,
    }
    return kept, details


def _combine(lasso: np.ndarray, svm: np.ndarray, combine: str) -> tuple[np.ndarray, str]:
    """The set that is kept, ascending, and the rule that gave it."""
    if combine == "svm_rfe" or not lasso.size:
        return svm, "svm_rfe" if combine == "svm_rfe" else "svm_rfe, as the LASSO chose nothing"
    if combine == "union":
        return np.union1d(lasso, svm), "union"
    if combine == "lasso":
        return lasso, "lasso"
    both = np.intersect1d(lasso, svm)
    return (both, "intersection") if both.size else (lasso, "lasso, as the intersection is empty")


def _lasso_svm_reasons(
    names: tuple[str, ...], kept: np.ndarray, lasso: np.ndarray, svm: np.ndarray, details: dict[str, Any]
) -> dict[str, str]:
    dropped = {}
    for j in np.setdiff1d(np.arange(len(names)), kept):
        reasons = []
        if details["lasso"] is not None and j not in lasso:
            reasons.append("LASSO coefficient 0")
        if details["svm_rfe"] is not None and j not in svm:
            size = details["svm_rfe"]["chosen_size"]
            rank = details["svm_rfe"]["ranking"].index(names[j]) + 1
            reasons.append(f"not in the {size} feature{'s' * (size != 1)} chosen by SVM-RFE (rank {rank})")
        dropped[names[j]] = ", ".join(reasons)
    return dropped


# ---------------------------------------------------------------- shared


def _child(seed: np.random.SeedSequence, number: int) -> np.random.SeedSequence:
    """A child of the seed; unlike ``spawn`` it leaves the seed as it was, so that a second fit gives the same."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, number), pool_size=seed.pool_size)


def _in_patient_order(rows: TrainingRows) -> TrainingRows:
    """Rows sorted by patient, so that random draws by row do not depend on the order in which rows come."""
    order = np.argsort(rows.patient, kind="stable")
    second = None if rows.second is None else rows.second[order]
    return TrainingRows(rows.values[order], second, rows.outcome[order], rows.patient[order], rows.names)


def _inner_folds(rows: TrainingRows, wanted: int) -> tuple[int | None, tuple[str, ...]]:
    """How many inner folds there can be (None: not even two), and the warning that says so."""
    fewest = min(distinct_patients(rows.outcome, rows.patient))
    if fewest >= wanted:
        return wanted, ()
    patients = f"{fewest} distinct patient{'s' * (fewest != 1)}"
    if fewest < 2:
        return None, (f"no inner folds: a class has {patients} in training",)
    return fewest, (f"{fewest} inner folds instead of {wanted}: a class has {patients} in training",)


def _least_class_in_training(outcome: np.ndarray, fold: np.ndarray) -> int:
    """Rows of the rarer class in the smallest training part of the folds."""
    return min(np.bincount(outcome[fold != k], minlength=2).min() for k in range(int(fold.max()) + 1))


def _shown(value: float, limit: float) -> str:
    """Two decimals, or as many as it takes to differ from the limit."""
    decimals = 2
    while decimals < 6 and value != limit and float(f"{value:.{decimals}f}") == limit:
        decimals += 1
    return f"{value:.{decimals}f}"


def _jsonable(values: np.ndarray) -> list[float | None]:
    """A list in which numbers that do not exist are None."""
    return [float(v) if np.isfinite(v) else None for v in np.asarray(values, dtype=np.float64)]


BUILT_IN = (IccSelector(), MrmrForestSelector(), CorrelationSelector(), LassoSvmRfeSelector())
