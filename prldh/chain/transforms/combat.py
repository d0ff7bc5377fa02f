"""What batches do to features, taken away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from prldh.chain.selection.linear import standardise
from prldh.core import (
    Across,
    Columns,
    DataError,
    Fitted,
    Groups,
    Kind,
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
    is_blank,
    plain,
    positions,
    same_text,
    take_columns,
    warn,
)
from prldh.engines import StatisticsEngine
from prldh.plugins import LearnerSettings, groups_in
from prldh.stats import (
    BatchEffect,
    Combat,
    apply_combat,
    effect_of_new_batch,
    eta_squared,
    fit_combat,
    permanova,
)

#: Rows of its own from which the effect of a batch is estimated that no training row has.
LEAST_OWN_ROWS = 10
#: Permutations behind the p of the test of all features.
N_PERMUTATIONS = 999
#: Levels of a kept column per patient, above which it is a number or a name and no group.
MOST_LEVELS = 0.2
#: A column of the design that the others give but for this share of its length is determined by them.
DETERMINED = 1e-8
#: A chi-square test of batch and outcome below this is told.
CONFOUNDED = 0.05


class CombatSettings(LearnerSettings):
    batch: str = Field(description="the column that says the batch: a centre, a scanner")
    keep: tuple[str, ...] = Field((), description="covariates and columns whose differences are kept")
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


@dataclass(frozen=True)
class Kept:
    """A column whose differences are kept: a number as it is (``levels`` None), or the ``levels`` of a group that have
    a dummy each; what has a level that training rows did not have gets ``otherwise``, their shares."""

    name: str
    levels: tuple[str, ...] | None
    known: tuple[str, ...] = ()
    otherwise: tuple[float, ...] = ()

    @classmethod
    def of(cls, name: str, values: np.ndarray) -> Kept:
        """Of the training rows' values (n,)."""
        if values.dtype.kind == "f":
            return cls(name, None)
        texts = _texts(values)
        known = sorted(set(texts))
        return cls(name, tuple(known[1:]), tuple(known), tuple(float(np.mean(texts == own)) for own in known[1:]))

    def encode(self, columns: Columns) -> np.ndarray:
        """Columns of the design (n, q)."""
        if self.levels is None:
            return np.asarray(columns[self.name], dtype=float)[:, None]
        texts = _texts(columns[self.name])
        dummies = np.array([texts == level for level in self.levels]).reshape(len(self.levels), len(texts)).T
        is_known = np.isin(texts, self.known)
        return np.where(is_known[:, None], dummies, np.array(self.otherwise)).astype(float)


def _texts(values: np.ndarray) -> np.ndarray:
    """Text by which cells are compared (n,)."""
    distinct, place = np.unique(np.asarray(values, dtype=str), return_inverse=True)
    return np.array([same_text(each) for each in distinct], dtype=object)[place.reshape(-1)]


def _design(kept: Sequence[Kept], columns: Columns, n: int) -> np.ndarray:
    return np.column_stack([np.empty((n, 0)), *(each.encode(columns) for each in kept)])


@dataclass(frozen=True, eq=False)
class WithoutBatches:
    """Features without what their batches add and multiply; ``fit`` is of the columns ``names``, ``batches`` are the
    training rows' in its order."""

    names: tuple[str, ...]
    fit: Combat
    batches: tuple[str, ...]
    batch: str
    kept: tuple[Kept, ...]
    unseen: str
    dropped: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str | Warn, ...] = ()

    kind: ClassVar[Kind] = "transforms values"

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.names

    @property
    def columns_read(self) -> tuple[str, ...]:
        return (self.batch, *(each.name for each in self.kept))

    @property
    def state(self) -> dict[str, Any]:
        fit = self.fit
        return {
            "names": list(self.names),
            "batch": self.batch,
            "batches": list(self.batches),
            "unseen": self.unseen,
            "kept": [
                {
                    "name": each.name,
                    "levels": None if each.levels is None else list(each.levels),
                    "known": list(each.known),
                    "otherwise": list(each.otherwise),
                }
                for each in self.kept
            ],
            "parametric": fit.is_parametric,
            "reference": fit.reference,
            "changed": fit.changed.tolist(),
            "center": fit.center.tolist(),
            "covariates": fit.covariates.tolist(),
            "spread": fit.spread.tolist(),
            "effects": [{"location": e.location.tolist(), "scale": e.scale.tolist()} for e in fit.effects],
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> WithoutBatches:
        changed = np.array(state["changed"], dtype=bool)
        k = int(changed.sum())
        fit = Combat(
            changed,
            np.array(state["center"], dtype=float),
            np.array(state["covariates"], dtype=float).reshape(-1, k),
            np.array(state["spread"], dtype=float),
            tuple(
                BatchEffect(np.array(e["location"], dtype=float), np.array(e["scale"], dtype=float))
                for e in state["effects"]
            ),
            state["reference"],
            bool(state["parametric"]),
        )
        kept = tuple(
            Kept(
                each["name"],
                None if each["levels"] is None else tuple(each["levels"]),
                tuple(each["known"]),
                tuple(each["otherwise"]),
            )
            for each in state["kept"]
        )
        return cls(tuple(state["names"]), fit, tuple(state["batches"]), state["batch"], kept, state["unseen"])

    def only(self, outputs: Sequence[str]) -> WithoutBatches:
        """The same of these columns alone; all of them where new batches are estimated, which takes all features."""
        if self.unseen == "own_rows":
            return self
        rows = positions(self.names, outputs)
        fit = self.fit
        own = (np.cumsum(fit.changed) - 1)[rows][fit.changed[rows]]  # where those that change stand among these
        effects = tuple(BatchEffect(e.location[own], e.scale[own]) for e in fit.effects)
        less = replace(
            fit,
            changed=fit.changed[rows],
            center=fit.center[own],
            covariates=fit.covariates[:, own],
            spread=fit.spread[own],
            effects=effects,
        )
        return replace(self, names=tuple(outputs), fit=less)

    def reaches(self, columns: Columns) -> np.ndarray:
        batch = self._batches_of(columns)
        known = np.logical_and.reduce([~is_blank(np.asarray(columns[each.name])) for each in self.kept])
        return known & _reached(batch, self.batches, self.unseen)

    def apply(self, values: np.ndarray, names: Sequence[str], columns: Mapping[str, np.ndarray]) -> np.ndarray:
        own = take_columns(values, names, self.names)
        missing = [name for name in self.columns_read if name not in columns]
        if missing:
            raise DataError(
                f"the clinical column '{missing[0]}' is missing, and batch effects cannot be taken away without it."
                " Give a clinical table with the columns that they were estimated with."
            )
        self._refuse(columns)
        batch = self._batches_of(columns)
        x = _design(self.kept, columns, len(own))
        new = sorted(set(batch) - set(self.batches)) if self.unseen == "own_rows" else []
        further = tuple(effect_of_new_batch(self.fit, own[batch == each], x[batch == each]) for each in new)
        number = {each: i for i, each in enumerate((*self.batches, *new))}
        return apply_combat(self.fit, own, np.array([number.get(each, -1) for each in batch]), x, further)

    def _batches_of(self, columns: Columns) -> np.ndarray:
        return _texts(columns[self.batch])

    def _refuse(self, columns: Columns) -> None:
        reached = self.reaches(columns)
        if reached.all():
            return
        for each in self.kept:
            blank = is_blank(np.asarray(columns[each.name]))
            if blank.any():
                raise DataError(f"'{each.name}' is blank for {blank.sum()} of {blank.size} patients. Fill it in.")
        strange = sorted(set(self._batches_of(columns)[~reached]))
        raise DataError(
            f"{(~reached).sum()} of {reached.size} patients are of a batch ({self.batch} {_listed(strange)}) that"
            f" {_WHY[self.unseen]}. Batches known: {', '.join(self.batches)}."
        )


_WHY = {
    "refuse": "no training patient has",
    "own_rows": f"no training patient has, and of which fewer than {LEAST_OWN_ROWS} patients are there to estimate it",
    "unchanged": "is not known",
}


def _listed(names: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:most])
    return shown + (f" and {len(names) - most} more" if len(names) > most else "")


def _reached(batch: np.ndarray, seen: Sequence[str], unseen: str) -> np.ndarray:
    """Which rows (n,) a fit can be applied to whose training rows have the batches ``seen``."""
    reached = np.isin(batch, list(seen))
    if unseen == "unchanged":
        return np.ones(len(batch), dtype=bool)
    if unseen == "own_rows":
        distinct, place, n_of = np.unique(batch.astype(str), return_inverse=True, return_counts=True)
        reached |= ((n_of >= LEAST_OWN_ROWS) & (distinct != ""))[place.reshape(-1)]
    return reached


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
        batch = _texts(groups_in(columns, settings.batch, f"{where}.batch"))
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
                f"{where}.reference: '{settings.reference}' is no {settings.batch} (found {_listed(found)}). Name one"
                " of these."
            )
        for name in settings.keep:
            _check_kept(columns, name, subjects, f"{where}.keep")
        kept = [Kept.of(name, np.asarray(columns[name])) for name in settings.keep]
        dummies = (batch[:, None] == np.array(found, dtype=object)).astype(float)
        for own in kept:
            if _determined(dummies, own.encode(columns)).any():
                raise DataError(
                    f"{where}.keep: '{own.name}' is determined by the {settings.batch} and what is kept before it, so"
                    f" that its differences cannot be told from those of batches:{_table(batch, columns[own.name])}."
                    " Leave it out of keep."
                )
            dummies = np.column_stack([dummies, own.encode(columns)])
        return _told_of_outcome(settings.batch, batch, subjects)

    def reached_from(self, settings: CombatSettings, columns: Columns, train: np.ndarray) -> np.ndarray:
        """Which rows (n,) what is fitted on the rows ``train`` could be applied to."""
        batch = _texts(columns[settings.batch])
        return _reached(batch, sorted(set(batch[train])), settings.unseen)

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
        batch = _texts(groups_in(columns, settings.batch, f"{where}.batch"))
        batches = tuple(sorted(set(batch)))
        for name in settings.keep:
            _check_kept(columns, name, None, f"{where}.keep")
        kept = tuple(Kept.of(name, np.asarray(columns[name])) for name in settings.keep)
        number = np.array([batches.index(each) for each in batch])
        x = _design(kept, columns, len(values))
        free = ~_determined((number[:, None] == np.arange(len(batches))).astype(float), x)
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
            told = warn.NOT_HARMONISED(n=len(stay), n_features=len(names), listed=_listed(stay), source=rows.source)
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
    return sums / n_of[:, None], _texts(rows.columns[batch])[first]


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


def _check_kept(columns: Columns, name: str, subjects: Subjects | None, where: str) -> None:
    """That a kept column is there, whole, and no outcome; ``subjects`` where it is everyone's.

    Raises
    ------
    StudyError, DataError
    """
    if name not in columns:
        raise StudyError(
            f"{where}: '{name}' is not among clinical.columns and covariates"
            f" ({', '.join(columns) or 'there are none'}). Declare it there; the outcome cannot be kept."
        )
    values = np.asarray(columns[name])
    blank = is_blank(values)
    if blank.any():
        raise DataError(
            f"{where}: '{name}' is blank for {blank.sum()} of {blank.size} patients, and what it explains cannot be"
            " kept for them. Fill it in, or leave it out of keep."
        )
    if subjects is None or values.dtype.kind == "f":
        return
    texts = _texts(values)
    levels = sorted(set(texts))
    if len(levels) > 2 and len(levels) > MOST_LEVELS * len(texts):
        raise StudyError(
            f"{where}: '{name}' has {len(levels)} values in {len(texts)} patients, each of which would be a group."
            " Declare a number as a continuous covariate."
        )
    events = [set(subjects.outcome[texts == level].tolist()) for level in levels]
    if len(levels) == 2 and all(len(own) == 1 for own in events) and events[0] != events[1]:
        raise StudyError(
            f"{where}: '{name}' says the outcome of every patient ('{levels[0]}' and '{levels[1]}'), which cannot be"
            " kept. Leave it out."
        )


def _determined(base: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Which columns of ``more`` (n, q) those of ``base`` (n, b) and the ones before them determine (q,)."""
    determined = np.zeros(more.shape[1], dtype=bool)
    for j, column in enumerate(more.T):
        away = column - column.mean()
        length = float(np.linalg.norm(away))
        rest = away - base @ np.linalg.lstsq(base, away, rcond=None)[0] if length > 0 else away
        determined[j] = not np.linalg.norm(rest) > DETERMINED * length
        if not determined[j]:
            base = np.column_stack([base, away / length])
    return determined


def _table(batch: np.ndarray, values: np.ndarray) -> str:
    """What values a kept column has in each batch, in words."""
    values = np.asarray(values)
    if values.dtype.kind == "f":
        told = [f"{b} {values[batch == b].min():g} to {values[batch == b].max():g}" for b in sorted(set(batch))]
    else:
        texts = _texts(values)
        told = [f"{b} {', '.join(sorted(set(texts[batch == b])))}" for b in sorted(set(batch))]
    return " " + "; ".join(told[:6]) + (" …" if len(told) > 6 else "")


def _told_of_outcome(name: str, batch: np.ndarray, subjects: Subjects) -> tuple[Warn, ...]:
    """A warning, with the table, where the outcome differs between batches."""
    found = sorted(set(batch))
    n = np.array([int((batch == each).sum()) for each in found])
    events = np.array([int(subjects.outcome[batch == each].sum()) for each in found])
    if not 0 < events.sum() < n.sum():
        return ()
    from scipy.stats import chi2_contingency

    p = float(chi2_contingency(np.array([events, n - events]), correction=False).pvalue)
    alone = [each for each, e, m in zip(found, events, n, strict=True) if e in (0, m)]
    if not alone and p >= CONFOUNDED:
        return ()
    listed = ", ".join(f"{each} {e} of {m}" for each, e, m in zip(found, events, n, strict=True))
    return (
        warn.BATCH_CONFOUNDED(
            batch=name, listed=listed, p=p, alone=f"; one outcome alone in {_listed(alone)}" if alone else ""
        ),
    )
