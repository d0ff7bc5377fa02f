"""The selectors of the default protocol, in its order."""

from __future__ import annotations

from prldh.selection.correlation import CorrelationSelector
from prldh.selection.icc import IccSelector
from prldh.selection.lasso_svm_rfe import LassoSvmRfeSelector
from prldh.selection.mrmr_forest import MrmrForestSelector

BUILT_IN = (IccSelector(), MrmrForestSelector(), CorrelationSelector(), LassoSvmRfeSelector())
