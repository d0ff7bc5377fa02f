"""A model that is a score as it is: its log odds are the score's own, and nothing is fitted to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from prldh.core import Cohort, Design, ModelSpec, Warn, finite
from prldh.models.collinearity import TermCollinearity
from prldh.models.fit import NO_COEFFICIENT, FittedModel, PredictionFit, PredictionTerm, Term
from prldh.models.likelihoods import AS_IS
from prldh.models.performance import Assessment, describe_predictions

NOT_FITTED = "the score's own log odds are the model's: no coefficient is fitted"


def describe_as_is(
    spec: ModelSpec, designs: Sequence[Design], cohort: Cohort, assessment: Assessment
) -> tuple[FittedModel, np.ndarray, list[Warn]]:
    """A model whose only term is a score that is log odds already: its predictions, on the data that made the score.

    Returns
    -------
    model, log odds (1, n), warnings
        Coefficients are null; it predicts with an intercept of 0 and a slope of 1.
    """
    (design,) = designs
    eta, label = design.matrix[:, 1], f"model '{spec.name}'"
    performance, warnings = describe_predictions(cohort.outcome, eta[None, :], eta, assessment, label)
    likelihood = -float(np.logaddexp(0.0, np.where(cohort.outcome == 1, -eta, eta)).sum())
    places = zip(design.columns, design.variables, design.levels, strict=True)
    predicting = tuple(PredictionTerm(column, b) for column, b in zip(design.columns, (0.0, 1.0), strict=True))
    model = FittedModel(
        name=spec.name,
        adjusted=spec.adjusted,
        n_parameters=0,
        n=cohort.n,
        events=cohort.n_events,
        fit=AS_IS,
        n_imputations=0,
        log_likelihood=finite(likelihood),
        terms=tuple(Term(*place, NO_COEFFICIENT, reason=NOT_FITTED) for place in places),
        overall_tests=(),
        separation=(),
        collinearity=TermCollinearity((), None, None, (), NOT_FITTED),
        performance=performance,
        raw_auc=(),
        prediction=PredictionFit(AS_IS, predicting),
    )
    return model, eta[None, :], warnings
