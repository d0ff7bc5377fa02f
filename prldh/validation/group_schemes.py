"""Schemes that go by a column of the clinical table, and repeated splits at random.

All deal patients, by positions; a column's values are read as text.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from pydantic import BeforeValidator, Field, model_validator

from prldh.core import Columns, DataError, Resample, SchemeRun, bounds, same_text, shown
from prldh.plugins import LearnerSettings, groups_in


class LeftOutGroup(LearnerSettings):
    column: str = Field(description="the column of groups, such as centres, each of which is held out once")


class LeaveOneGroupOut:
    """Each group (centre) is held out once: internal–external validation (E. W. Steyerberg, F. E. Harrell, J Clin
    Epidemiol 69 (2016) 245)."""

    name = "leave_one_group_out"
    version = "1"
    kind = "held_out"
    Settings = LeftOutGroup
    example_settings = {"column": "centre"}
    label = "leave-one-group-out"

    def methods(self, run: SchemeRun) -> str:
        return "internal–external validation, each group held out once ({n_resamples} fits)"

    def design(self, run: SchemeRun) -> str:
        return f"leave-one-group-out validation, {run.n_resamples} groups"

    def resamples(
        self, outcome: np.ndarray, settings: LeftOutGroup, seed: np.random.SeedSequence, columns: Columns
    ) -> list[Resample]:
        where = f"validation.{self.name}.column"
        groups = groups_in(columns, settings.column, where)
        names = sorted(set(groups))
        if len(names) < 2:
            raise DataError(
                f"{where}: all patients have '{shown(names[0])}' in '{settings.column}', so that no group can be left"
                " out. Name another column, or leave the scheme out."
            )
        resamples = [
            Resample(np.flatnonzero(groups != name), np.flatnonzero(groups == name), 0, k, name)
            for k, name in enumerate(names)
        ]
        for resample, name in zip(resamples, names, strict=True):
            _refuse_one_class(outcome, resample, f"without '{shown(name)}'", where)
        return resamples


def _refuse_one_class(outcome: np.ndarray, resample: Resample, without: str, where: str) -> None:
    left = outcome[resample.train]
    if left.min() == left.max():
        raise DataError(
            f"{where}: {without} {'only events' if left.max() else 'no events'} are left to train on ({len(left)}"
            " patients). Join groups, or name another column."
        )


class GroupFoldSettings(LearnerSettings):
    column: str = Field(description="the column of groups that are never parted")
    folds: int = Field(
        5,
        ge=2,
        le=bounds.FOLDS,
        description="into how many parts the groups are dealt",
        json_schema_extra={"unit": "folds"},
    )
    repeats: int = Field(
        1,
        ge=1,
        le=bounds.RESAMPLES,
        description="how often the groups are dealt anew",
        json_schema_extra={"unit": "repeats"},
    )

    @model_validator(mode="after")
    def _all_folds_fit(self) -> GroupFoldSettings:
        if self.folds * self.repeats > bounds.RESAMPLES:
            raise ValueError(
                f"folds times repeats are the fits that are made, {bounds.RESAMPLES:,} at most (found {self.folds} ×"
                f" {self.repeats})"
            )
        return self


class GroupFolds:
    """k folds of whole groups, stratified as far as groups allow; each repeat deals anew."""

    name = "group_folds"
    version = "1"
    kind = "held_out"
    Settings = GroupFoldSettings
    example_settings = {"column": "centre", "folds": 2}
    label = "cross-validation by groups"

    def methods(self, run: SchemeRun) -> str:
        return "cross-validation in folds of whole groups ({n_resamples} fits)"

    def design(self, run: SchemeRun) -> str:
        return f"cross-validation in folds of whole groups, {run.n_resamples} fits"

    def resamples(
        self, outcome: np.ndarray, settings: GroupFoldSettings, seed: np.random.SeedSequence, columns: Columns
    ) -> list[Resample]:
        where = f"validation.{self.name}"
        groups = groups_in(columns, settings.column, f"{where}.column")
        names, place = np.unique(groups.astype(str), return_inverse=True)
        if len(names) < settings.folds:
            raise DataError(
                f"{where}: {settings.folds} folds need as many groups, and '{settings.column}' has {len(names)}. Set"
                f" folds to {max(2, len(names))} or fewer, or name another column."
            )
        resamples = []
        for repeat, child in enumerate(seed.spawn(settings.repeats)):
            fold = deal_groups(outcome, place.reshape(-1), settings.folds, child)
            for k in range(settings.folds):
                resamples.append(Resample(np.flatnonzero(fold != k), np.flatnonzero(fold == k), repeat, k))
                held_out = ", ".join(f"'{shown(name)}'" for name in sorted(set(groups[fold == k])))
                _refuse_one_class(outcome, resamples[-1], f"without {held_out}, one fold,", f"{where}.column")
        return resamples


def deal_groups(outcome: np.ndarray, group: np.ndarray, n_folds: int, seed: np.random.SeedSequence) -> np.ndarray:
    """Folds (n,) of whole groups: the largest first, in random order among equals, each to the fold where the
    events' and the others' shares then differ least over folds (the greedy rule of scikit-learn's
    ``StratifiedGroupKFold``). No fold is empty."""
    n_groups = int(group.max()) + 1
    counts = np.array([np.bincount(group[outcome == label], minlength=n_groups) for label in (0, 1)], dtype=float).T
    totals = np.maximum(counts.sum(axis=0), 1)
    order = np.random.default_rng(seed).permutation(n_groups)
    order = order[np.argsort(-counts[order].std(axis=1), kind="stable")]
    dealt, of_group = np.zeros((n_folds, 2)), np.zeros(n_groups, dtype=np.int64)
    for number, g in enumerate(order):
        empty = np.flatnonzero(dealt.sum(axis=1) == 0)
        choices = empty if len(empty) == n_groups - number else np.arange(n_folds)
        costs = []
        for k in choices:
            after = dealt.copy()
            after[k] += counts[g]
            costs.append((float((after / totals).std(axis=0).mean()), float(after[k].sum()), int(k)))
        best = min(costs)[2]
        dealt[best] += counts[g]
        of_group[g] = best
    return of_group[group]


def _texts(value: Any) -> Any:
    return [value] if isinstance(value, (str, int, float)) else value


Values = Annotated[
    list[Annotated[str, BeforeValidator(str)]], BeforeValidator(_texts), Field(min_length=1, max_length=bounds.NAMES)
]


class SplitSettings(LearnerSettings):
    column: str = Field(description="the column that says who trains and who is held out")
    train: Values = Field(["train"], description="its values that train")
    test: Values = Field(["test"], description="its values that are held out")

    @model_validator(mode="after")
    def _parts_differ(self) -> SplitSettings:
        both = {same_text(v) for v in self.train} & {same_text(v) for v in self.test}
        if both:
            raise ValueError(f"'{sorted(both)[0]}' is among both train and test: a patient is in one part")
        return self


class Split:
    """A split that a column fixes: one part trains, the other is held out."""

    name = "split"
    version = "1"
    kind = "holdout"
    Settings = SplitSettings
    example_settings = {"column": "centre", "train": ["A", "B"], "test": ["C"]}
    label = "split"

    def methods(self, run: SchemeRun) -> str:
        return "a split that the study fixed, in which one part trained and the other was held out"

    def design(self, run: SchemeRun) -> str:
        return "a fixed split into a training and a test part"

    def resamples(
        self, outcome: np.ndarray, settings: SplitSettings, seed: np.random.SeedSequence, columns: Columns
    ) -> list[Resample]:
        where = f"validation.{self.name}"
        groups = np.array([same_text(v) for v in groups_in(columns, settings.column, f"{where}.column")], dtype=object)
        found = sorted(set(groups))
        parts = {}
        for part in ("train", "test"):
            wanted = {same_text(v): v for v in getattr(settings, part)}
            strange = [v for key, v in wanted.items() if key not in found]
            if strange:
                raise DataError(
                    f"{where}.{part}: '{shown(strange[0])}' does not occur in '{settings.column}'"
                    f" ({', '.join(map(repr, found[:6]))}{' …' if len(found) > 6 else ''}). Correct it."
                )
            rows = np.flatnonzero(np.isin(groups, list(wanted)))
            if outcome[rows].min() == outcome[rows].max():
                raise DataError(
                    f"{where}.{part}: {len(rows)} patients, {'all' if outcome[rows].max() else 'none'} of them with the"
                    " event; both parts need patients of both outcomes. Name other values."
                )
            parts[part] = rows
        return [Resample(parts["train"], parts["test"], 0, 0)]


class MonteCarloSettings(LearnerSettings):
    test: float = Field(0.2, gt=0, lt=1, description="the share that is held out")
    repeats: int = Field(
        100, ge=1, le=bounds.RESAMPLES, description="how many splits are drawn", json_schema_extra={"unit": "splits"}
    )


class MonteCarlo:
    """Splits at random, stratified by outcome, one after the other."""

    name = "monte_carlo"
    version = "1"
    kind = "repeated_holdout"
    Settings = MonteCarloSettings
    example_settings = {"repeats": 3}
    label = "Monte-Carlo cross-validation"

    def methods(self, run: SchemeRun) -> str:
        return "Monte-Carlo cross-validation ({n_resamples} stratified splits at random)"

    def design(self, run: SchemeRun) -> str:
        return f"Monte-Carlo cross-validation, {run.n_resamples} splits"

    def resamples(
        self, outcome: np.ndarray, settings: MonteCarloSettings, seed: np.random.SeedSequence
    ) -> list[Resample]:
        members = [np.flatnonzero(outcome == label) for label in (0, 1)]
        sizes = [min(max(1, round(settings.test * len(own))), len(own) - 1) for own in members]
        if min(sizes) < 1:
            fewest = min(map(len, members))
            raise DataError(
                f"validation.{self.name}: a part that trains and one that is held out need two patients of each outcome"
                f" at least, found {fewest} of one. Leave the scheme out."
            )
        resamples = []
        for repeat, child in enumerate(seed.spawn(settings.repeats)):
            generator = np.random.default_rng(child)
            out = [generator.permutation(own)[:size] for own, size in zip(members, sizes, strict=True)]
            test = np.sort(np.concatenate(out))
            resamples.append(Resample(np.setdiff1d(np.arange(outcome.size), test), test, repeat, 0))
        return resamples


GROUP_SCHEMES = (LeaveOneGroupOut(), GroupFolds(), Split(), MonteCarlo())
