"""What one engine computed of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from prldh.chain import build_design, fit_knots
from prldh.core import (
    ABSENT,
    Cohort,
    Design,
    FeatureBlock,
    Ledger,
    ModelSpec,
    Predictions,
    TissueFit,
    TissueRefit,
    Warn,
)
from prldh.engines import StatisticsEngine
from prldh.models import (
    Assessment,
    Association,
    Comparison,
    FeatureCollinearity,
    FittedModel,
    Likelihood,
    NetBenefitDifference,
    Patients,
    Plan,
    Reclassification,
    TableOneRow,
    UnivariateScreen,
)
from prldh.models.interaction import Interaction
from prldh.validation.choice_entries import ChoiceEntry, ProtocolEntry, YardstickEntry
from prldh.validation.choosing import Choosing
from prldh.validation.entries import Bootstrap, HeldOut
from prldh.validation.sensitivity import Alternative
from prldh.validation.subgroups import Subgroups


@dataclass(frozen=True)
class FittedOn:
    """A model as fitted on some patients: designs and log odds (m, n), one an imputation, and by scope and scheme its
    predictions."""

    designs: list[Design]
    fit: Likelihood
    predicts_by: str
    log_odds: np.ndarray
    predictions: Mapping[tuple[str, str], Predictions]


@dataclass
class EngineRun:
    """What one engine computed, by stage."""

    assessment: Assessment
    fits: dict[str, TissueFit] = field(default_factory=dict)
    # the first reader's features, as the steps of the Radscore changed their values
    blocks: dict[str, tuple[FeatureBlock, ...]] = field(default_factory=dict)
    collinearity: dict[str, FeatureCollinearity] = field(default_factory=dict)  # of a Radscore's features
    completed: list[Cohort] = field(default_factory=list)  # the cohort, or its imputations
    designs: list[list[Design]] = field(default_factory=list)  # one a model and imputation
    models: list[FittedModel] = field(default_factory=list)
    log_odds: list[np.ndarray] = field(default_factory=list)  # (imputations, n) of each model
    # the same of the scores that the models were fitted to; equal to the above but where these are cross-fitted
    fitted_log_odds: list[np.ndarray] = field(default_factory=list)
    predictions: dict[tuple[int, str, str], Predictions] = field(default_factory=dict)  # (model, scope, scheme)
    validation: dict[tuple[int, str, str], HeldOut | Bootstrap] = field(default_factory=dict)  # the same
    # (model, variables whose blanks set the patients apart), for comparisons
    on_common: dict[tuple[int, tuple[str, ...]], FittedOn] = field(default_factory=dict)
    table_one: list[TableOneRow] = field(default_factory=list)
    associations: tuple[Association, ...] = ()
    univariate: UnivariateScreen | None = None
    univariate_features: pd.DataFrame = field(default_factory=pd.DataFrame)
    comparisons: list[Comparison] = field(default_factory=list)
    added_value: list[Comparison] = field(default_factory=list)  # of every model, over that of the covariates alone
    net_benefit_differences: list[NetBenefitDifference] = field(default_factory=list)
    reclassification: list[Reclassification] = field(default_factory=list)
    interaction: Interaction | None = None
    ledger: dict[tuple[str, str], list[Ledger]] = field(default_factory=dict)  # (scope, scheme)
    refits: dict[str, list[dict[str, TissueRefit]]] = field(default_factory=dict)  # scheme → one a resample
    sensitivity: dict[str, tuple[Alternative, ...]] = field(default_factory=dict)  # tissue → other settings of steps
    choosing: Choosing | None = None  # what was chosen in every resample
    protocols: dict[str, ProtocolEntry] = field(default_factory=dict)
    choice: ChoiceEntry | None = None
    yardstick: dict[str, YardstickEntry] = field(default_factory=dict)
    subgroups: dict[str, Subgroups] = field(default_factory=dict)  # by column
    warnings: list[Warn] = field(default_factory=list)

    @property
    def engine(self) -> StatisticsEngine:
        return self.assessment.engine

    def features_of(self, tissue: str) -> tuple[tuple[str, ...], np.ndarray]:
        """Names (p,) of a Radscore's features, and the first reader's values (n, p) of everyone."""
        names = tuple(name for _, name in self.fits[tissue].features)
        columns = {feature: b.first[:, j] for b in self.blocks[tissue] for j, feature in enumerate(b.names)}
        return names, np.array([columns[name] for name in names]).reshape(len(names), -1).T

    @property
    def scores(self) -> dict[str, np.ndarray]:
        """The scores (n,) that models, tests and cutoffs are made of, by tissue."""
        return {name: fit.fitting for name, fit in self.fits.items()}

    @property
    def applied(self) -> dict[str, np.ndarray]:
        """The scores (n,) that the frozen chains give, by tissue."""
        return {name: fit.values for name, fit in self.fits.items()}

    @property
    def gone_by(self) -> dict[str, dict[str, dict[str, str]]]:
        """By scope and scheme that ran, the column that it goes by and whether it leaves out each of its groups, as far
        as it does: what schemes are ranked by."""
        found: dict[str, dict[str, dict[str, str]]] = {}
        for (_, scope, scheme), entry in self.validation.items():
            column = getattr(entry, "column", ABSENT)
            own = {} if column is ABSENT else {"column": column}
            if getattr(entry, "groups", ABSENT) is not ABSENT:
                own["groups"] = column
            found.setdefault(scope, {})[scheme] = own
        return found

    @property
    def is_cross_fitted(self) -> bool:
        """Whether models are made of other scores than the frozen chains give."""
        return any(fit.cross_fitted is not None for fit in self.fits.values())

    @property
    def cutoffs(self) -> dict[str, float]:
        return {name: fit.cutoff for name, fit in self.fits.items()}

    def designs_of(self, plan: Plan, spec: ModelSpec, patients: Patients, is_applied: bool = False) -> list[Design]:
        """The design matrix that a model of these patients is fitted to, or one an imputation; ``is_applied``: the one
        that the frozen chains give."""
        cohorts = self.completed if plan.is_imputed(spec) else [patients.cohort]
        fitting = patients.scores(self.scores)
        knots = fit_knots(spec.terms, patients.cohort, fitting)
        designs = [build_design(spec.terms, cohort, fitting, self.cutoffs, knots=knots) for cohort in cohorts]
        if not is_applied:
            return designs
        scores = patients.scores(self.applied)
        applied = [build_design(spec.terms, cohort, scores, self.cutoffs, knots=knots) for cohort in cohorts]
        return [design.like(own) for design, own in zip(applied, designs, strict=True)]
