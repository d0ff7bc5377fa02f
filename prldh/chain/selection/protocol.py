"""The built-in selectors: those of the default protocol in its order, then the others."""

from __future__ import annotations

from prldh.chain.selection.boruta import BorutaSelector
from prldh.chain.selection.correlation import CorrelationSelector
from prldh.chain.selection.elastic_net import ElasticNetSelector
from prldh.chain.selection.icc import IccSelector
from prldh.chain.selection.lasso import LassoSelector
from prldh.chain.selection.lasso_svm_rfe import LassoSvmRfeSelector
from prldh.chain.selection.mrmr_forest import MrmrForestSelector
from prldh.chain.selection.stability import StabilitySelector
from prldh.chain.selection.univariate import UnivariateSelector

SELECTORS = (
    IccSelector(),
    MrmrForestSelector(),
    CorrelationSelector(),
    LassoSvmRfeSelector(),
    UnivariateSelector(),
    LassoSelector(),
    ElasticNetSelector(),
    StabilitySelector(),
    BorutaSelector(),
)
