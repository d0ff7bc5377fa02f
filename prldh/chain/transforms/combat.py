"""What batches do to features, taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from prldh.chain.shared.linear import standardise
from prldh.chain.transforms.batch_checks import check_kept, determined_by, tell_of_outcome, values_by_batch
from prldh.chain.transforms.without_batches import (
    LEAST_OWN_ROWS,
    Kept,
    WithoutBatches,
    as_texts,
    design_of,
    name_some,
    reached_batches,
)
from prldh.core import (
    Across,
    Columns,
    DataError,
    Fitted,
    Groups,
    Paths,
    Purpose,
    Reference,
    Remark,
    StepFigure,
    StepRun,
    StudyError,
    Subjects,
    TrainingRows,
    Warn,
    bounds,
    plain,
    positions,
    same_text,
    take_columns,
    warn,
)
from prldh.engines import StatisticsEngine
from prldh.plugins import LearnerSettings, groups_in
from prldh.stats import (
    eta_squared,
    fit_combat,
    permanova,
)

#: Permutations behind the p of the test of all features.
N_PERMUTATIONS = 999


class CombatSettings(LearnerSettings):
    batch: str = Field(description="the column that says the batch: a centre, a scanner")
    keep: tuple[str, ...] = Field(
        (), max_length=bounds.NAMES, description="covariates and columns whose differences are kept"
    )
    method: Literal["parametric", "nonparametric"] = Field("parametric", description="the priors of batch effects")
    reference: Annotated[str | None, BeforeValidator(lambda v: v if v is None else same_text(v))] = Field(
        None, description="the batch that others are brought to; unset: their common mean"
    )
    unseen: Literal["refuse", "own_rows", "unchanged"] = Field(
        "refuse",
        description="rows of a batch that no training row has: refused, by their own rows, or left as they are",
    )

    @field_validator("keep")
    @classmethod
    def _may_be_kept(cls, keep: tuple[str, ...], others: ValidationInfo) -> tuple[str, ...]:
        if "outcome" in keep:
            raise ValueError(
                "the outcome cannot be kept: new patients have none, and what is held out would tell of its own. Keep"
                " covariates that are known beforehand"
            )
        if others.data.get("batch") in keep:
            raise ValueError(f"'{others.data['batch']}' is the batch, whose differences are taken away")
        if len(set(keep)) < len(keep):
            raise ValueError("keep names a column twice. Name each once")
        return keep


class CombatTransform:
    """Take away what batches, such as centres or scanners, add to features and multiply them by (ComBat)."""

    name = "combat"
    version = "1"
    gives: Literal["transforms values"] = "transforms values"
    Settings = CombatSettings
    example_settings: ClassVar[dict[str, Any]] = {"batch": "centre", "keep": ["age"]}
    label = "Batch effects (ComBat)"
    short_label = "ComBat"
    explanation = "ComBat brings the features of centres or scanners to a common mean and spread"
    purposes = {Purpose.HARMONISATION: "batch effects of {batch} (ComBat, {method}; unseen batches: {unseen})"}
    references = (
        Reference(
            "johnson2007",
            "Johnson, W. Evan and Li, Cheng and Rabinovic, Ariel",
            "Adjusting batch effects in microarray expression data using empirical Bayes methods",
            "Biostatistics",
            2007,
            "8",
            "118--127",
            "10.1093/biostatistics/kxj037",
        ),
        Reference(
            "anderson2001",
            "Anderson, Marti J.",
            "A new method for non-parametric multivariate analysis of variance",
            "Austral Ecology",
            2001,
            "26",
            "32--46",
            "10.1111/j.1442-9993.2001.01070.pp.x",
        ),
    )

    def methods(self, run: StepRun) -> str:
        given = run.settings
        kept = ", ".join(map(str, given.get("keep") or ()))
        how = "non-parametric" if given.get("method") == "nonparametric" else "parametric"
        to = f", brought to the batch {given['reference']}" if given.get("reference") else ""
        unseen = {
            "own_rows": "; the effect of a batch that no training patient had was estimated from its own patients"
            " without their outcomes (transductive), which removes true differences between centres as well",
            "unchanged": "; patients of a batch that no training patient had stayed as they were",
        }.get(str(given.get("unseen")), "")
        return (
            f"batch effects of {{batch}} were estimated in training patients and taken away from everyone by {how}"
            f" ComBat [@johnson2007]{f', differences by {kept} kept' if kept else ''}{to}{unseen}; the share of batches"
            " in all features was tested by PERMANOVA [@anderson2001]"
        )

    # -- before anything is computed --------------------------------------------------------------------------

    def check_columns(self, settings: CombatSettings, subjects: Subjects, where: str) -> tuple[Warn, ...]:
        """That the columns are there and tell batches apart from what is kept.

        Raises
        ------
        StudyError, DataError
        """
        columns = subjects.columns
        batch = as_texts(groups_in(columns, settings.batch, f"{where}.batch"))
        found = sorted(set(batch))
        if len(found) < 2:
            raise DataError(
                f"{where}.batch: every patient is of the {settings.batch} '{found[0]}', and there is nothing to bring"
                " together. Leave this step out."
            )
        counts = [int((batch == each).sum()) for each in found]
        if max(counts) < 2 or len(found) > len(batch) / 2:
            raise DataError(
                f"{where}.batch: {len(batch)} patients are of {len(found)} {settings.batch}s, {counts.count(1)} of"
                " which have one patient: too few to tell what a batch does. Name a column with fewer values."
            )
        if settings.reference is not None and settings.reference not in found:
            raise StudyError(
                f"{where}.reference: '{settings.reference}' is no {settings.batch} (found {name_some(found)}). Name one"
                " of these."
            )
        for name in settings.keep:
            check_kept(columns, name, subjects, f"{where}.keep")
        kept = [Kept.of(name, np.asarray(columns[name])) for name in settings.keep]
        dummies = (batch[:, None] == np.array(found, dtype=object)).astype(float)
        for own in kept:
            if determined_by(dummies, own.encode(columns)).any():
                table = values_by_batch(batch, columns[own.name])
                raise DataError(
                    f"{where}.keep: '{own.name}' is determined by the {settings.batch} and what is kept before it, so"
                    f" that its differences cannot be told from those of batches:{table}. Leave it out of keep."
                )
            dummies = np.column_stack([dummies, own.encode(columns)])
        return tell_of_outcome(settings.batch, batch, subjects)

    def reached_from(self, settings: CombatSettings, columns: Columns, train: np.ndarray) -> np.ndarray:
        """Which rows (n,) what is fitted on the rows ``train`` could be applied to."""
        batch = as_texts(columns[settings.batch])
        return reached_batches(batch, sorted(set(batch[train])), settings.unseen)

    def remedy(self, settings: CombatSettings) -> str:
        """What to do where rows are held out that it could not be applied to."""
        why = (
            f"the {settings.batch} of patients who are held out has no training patient"
            if settings.unseen == "refuse"
            else f"the {settings.batch} of patients who are held out has no training patient, and fewer than"
            f" {LEAST_OWN_ROWS} of its own to estimate it from"
        )
        own = "own_rows (estimated from the batch's own patients without outcomes) or " * (settings.unseen == "refuse")
        return (
            f"{why}. Set unseen to {own}unchanged, validate by another scheme, or join {settings.batch}s that are too"
            " small"
        )

    # -- fit --------------------------------------------------------------------------------------------------

    def fit(
        self, rows: TrainingRows, settings: CombatSettings, seed: np.random.SeedSequence, engine: StatisticsEngine
    ) -> Fitted:
        order = np.argsort(rows.patient, kind="stable")  # sums do not depend on the order of rows and columns
        names = tuple(sorted(rows.names))
        values = rows.values[np.ix_(order, positions(rows.names, names))]
        where = f"transforms, {self.name}"
        columns = {name: np.asarray(own)[order] for name, own in rows.columns.items()}
        batch = as_texts(groups_in(columns, settings.batch, f"{where}.batch"))
        batches = tuple(sorted(set(batch)))
        for name in settings.keep:
            check_kept(columns, name, None, f"{where}.keep")
        kept = tuple(Kept.of(name, np.asarray(columns[name])) for name in settings.keep)
        number = np.array([batches.index(each) for each in batch])
        x = design_of(kept, columns, len(values))
        free = ~determined_by((number[:, None] == np.arange(len(batches))).astype(float), x)
        reference, remarks = _reference_among(settings, batches, values, number)
        if not free.all():
            remarks += ("what is kept is partly determined by the batches among these patients, and left out there",)
        try:
            own = fit_combat(values, number, x[:, free], settings.method == "parametric", reference)
        except DataError as error:
            raise DataError(f"{where}: {settings.batch}: {error}") from None
        slopes = np.zeros((x.shape[1], own.center.size))
        slopes[free] = own.covariates
        stay = [name for name, is_changed in zip(names, own.changed, strict=True) if not is_changed]
        if stay:
            told = warn.NOT_HARMONISED(n=len(stay), n_features=len(names), listed=name_some(stay), source=rows.source)
            remarks += (told,)
        details = {
            "batch": settings.batch,
            "keep": list(settings.keep),
            "method": settings.method,
            "reference": settings.reference,
            "unseen": settings.unseen,
            "batches": {each: int((batch == each).sum()) for each in batches},
            "not_changed": stay,
        }
        return WithoutBatches(
            names,
            replace(own, covariates=slopes),
            batches,
            settings.batch,
            kept,
            settings.unseen,
            {},
            details,
            remarks,
        )

    def from_state(self, state: Mapping[str, Any]) -> Fitted:
        return WithoutBatches.from_state(state)

    # -- what the report says ---------------------------------------------------------------------------------

    def describe(
        self, rows: TrainingRows, settings: CombatSettings, seed: np.random.SeedSequence, fit: WithoutBatches
    ) -> dict[str, Any]:
        """How much of the features goes with batches, before and after: η² of each, PERMANOVA of all, and where
        patients lie on the first two principal components of the values before."""
        before, batch = _of_patients(rows, take_columns(rows.values, rows.names, fit.names), settings.batch)
        after, _ = _of_patients(rows, fit.apply(rows.values, rows.names, rows.columns), settings.batch)
        generator = np.random.default_rng(seed)
        orders = np.array([generator.permutation(len(batch)) for _ in range(N_PERMUTATIONS)])
        eta = [eta_squared(values, batch) for values in (before, after)]
        tests = [
            {key: _number(value) for key, value in permanova(_z(values), batch, orders).items()}
            for values in (before, after)
        ]
        z, center, scale = standardise(before)
        directions = np.linalg.svd(z, full_matrices=False)[2][:2]
        scores = [((values - center) / scale) @ directions.T for values in (before, after)]
        return {
            "effect": {
                "eta_squared": {name: [_number(a), _number(b)] for name, a, b in zip(fit.names, *eta, strict=True)},
                "permanova": {"before": tests[0], "after": tests[1], "permutations": N_PERMUTATIONS},
                "components": {
                    each: {
                        "before": np.round(scores[0][batch == each], 6).tolist(),
                        "after": np.round(scores[1][batch == each], 6).tolist(),
                    }
                    for each in sorted(set(batch))
                }
                if len(directions) == 2
                else {},
            }
        }

    def figures(self, details: Mapping[str, Any]) -> list[StepFigure]:
        effect = details.get("effect") or {}
        eta = [pair for pair in (effect.get("eta_squared") or {}).values() if None not in pair]
        if not eta:
            return []
        batch, ranks = details["batch"], [float(i) for i in range(1, len(eta) + 1)]
        ordered = {when: sorted((pair[i] for pair in eta), reverse=True) for i, when in enumerate(("before", "after"))}
        parts: list[tuple[str, Groups | Paths]] = [
            (
                f"{when.capitalize()} harmonisation",
                Groups(
                    Across(f"first component, {when}"),
                    "second component",
                    {each: [tuple(point) for point in own[when]] for each, own in effect["components"].items()},
                ),
            )
            for when in ("before", "after")
            if effect.get("components")
        ]
        share = Paths(Across("features, by rank", is_whole=True), f"share by {batch} (η²)", ranks, ordered)
        medians = [plain(float(np.median(ordered[when]))) for when in ("before", "after")]
        tests = effect["permanova"]
        return [
            StepFigure(
                "batches",
                f"batch effects of {batch}",
                f"What features have to do with {batch}, before and after harmonisation: patients on the first two"
                " principal components of the features before, and the share of each feature's variance (η²).",
                (*parts, ("Share of variance", share)),
                f"The median η² of {len(eta)} features is {medians[0]} before and {medians[1]} after; R² of all"
                f" together {_shown(tests['before']['r2'])} before and {_shown(tests['after']['r2'])} after.",
            )
        ]

    def remarks(self, details_by_source: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Remark]:
        remarks = []
        for source, details in details_by_source:
            effect = details.get("effect")
            if not effect:
                continue
            eta = [pair for pair in effect["eta_squared"].values() if None not in pair]
            medians = [plain(float(np.median([pair[i] for pair in eta]))) if eta else "–" for i in (0, 1)]
            tests = [effect["permanova"][when] for when in ("before", "after")]
            remarks.append(
                Remark(
                    f"Batch effects of {details['batch']} in {source}: the median share of a feature's variance (η²) is"
                    f" {medians[0]} before and {medians[1]} after harmonisation; of all features together (PERMANOVA)"
                    f" R² {_shown(tests[0]['r2'])} (p {_shown(tests[0]['p'])}) before and {_shown(tests[1]['r2'])} (p"
                    f" {_shown(tests[1]['p'])}) after, on the patients that it was estimated from."
                )
            )
            if details.get("unseen") == "own_rows":
                remarks.append(
                    Remark(
                        f"A {details['batch']} that no training patient has is harmonised by its own patients, without"
                        " their outcomes (transductive): true differences between centres are removed as well, and a"
                        " patient's score depends on who else comes from there."
                    )
                )
        return remarks


def _shown(value: float | None) -> str:
    return "–" if value is None else plain(value)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _z(values: np.ndarray) -> np.ndarray:
    return np.asarray(standardise(values)[0])


def _of_patients(rows: TrainingRows, values: np.ndarray, batch: str) -> tuple[np.ndarray, np.ndarray]:
    """One row a patient, the mean of theirs, and their batches."""
    _, first, place, n_of = np.unique(rows.patient, return_index=True, return_inverse=True, return_counts=True)
    sums = np.zeros((len(first), values.shape[1]))
    np.add.at(sums, place.reshape(-1), values)
    return sums / n_of[:, None], as_texts(rows.columns[batch])[first]


def _reference_among(
    settings: CombatSettings, batches: tuple[str, ...], values: np.ndarray, number: np.ndarray
) -> tuple[int | None, tuple[str | Warn, ...]]:
    """The number of the reference batch. A batch that is alone among the training rows is what others are brought to;
    a reference without two of them is none."""
    if len(batches) == 1:
        return 0, ()
    if settings.reference is None:
        return None, ()
    if settings.reference in batches:
        i = batches.index(settings.reference)
        if np.ptp(values[number == i], axis=0).any():
            return i, ()
    return None, (
        f"the reference {settings.reference} has no two patients here: the others are brought to their common mean",
    )
