"""Feature selection: what each step keeps, and why the rest goes.

Every step is fitted on training rows and on nothing else. The definitions, each with its literature:

``icc``
    Agreement of readers. Kept if the intraclass correlation (ICC(2,1) by default), or its lower confidence limit,
    exceeds the threshold. Shrout PE, Fleiss JL (1979) Psychol Bull 86:420; Koo TK, Li MY (2016) J Chiropr Med 15:155.
``mrmr_forest``
    Minimum redundancy, maximum relevance: a greedy ranking by mutual information -1/2 ln(1 - r^2) with the outcome
    (as 0/1) minus its mean with the features ranked before (:mod:`prldh.chain.selection.mrmr`). Peng H, Long F, Ding C
    (2005) IEEE TPAMI 27:1226; De Jay N et al. (2013) Bioinformatics 29:2365 (mRMRe). How many of the ranked features
    stay is decided by random forests in stratified cross-validation (:mod:`prldh.chain.selection.forest`).
    Breiman L (2001) Machine Learning 45:5. With ``racing`` sizes that lag after a quarter of the trees are given up: an
    approximation, whose agreement with the exact choice the fit on everyone measures.
``correlation``
    Point-biserial |r| with the outcome not below a limit, and no two kept features that correlate above another
    (:mod:`prldh.chain.selection.correlation`).
``lasso_svm_rfe``
    The LASSO at the minimum of the cross-validated deviance (Tibshirani R (1996) JRSS B 58:267; Friedman J et al.
    (2010) J Stat Softw 33:1), computed by the statistics engine, and recursive feature elimination by a linear support
    vector machine (:mod:`prldh.chain.selection.svm_rfe`; Guyon I et al. (2002) Machine Learning 46:389), combined.
``univariate``
    A test of each feature against the outcome by itself, t with pooled variance or the rank-sum test, whose p, by
    default adjusted by Benjamini and Hochberg's procedure, is at most a threshold
    (:mod:`prldh.chain.selection.univariate`). Benjamini Y, Hochberg Y (1995) JRSS B 57:289; Holm S (1979) Scand J Stat
    6:65.

Inner folds (:mod:`prldh.chain.shared.folds`) are stratified by outcome and never separate the copies of a patient
that a bootstrap sample holds. All random numbers come from the seed a step is given, so that results depend neither on
the number of workers nor on the order of the rows.
"""

from __future__ import annotations

from prldh.chain.selection.correlation import CorrelationSelector
from prldh.chain.selection.lasso_svm_rfe import LassoSvmRfeSelector
from prldh.chain.selection.mrmr_forest import MrmrForestSelector, MrmrForestSettings
from prldh.chain.selection.protocol import SELECTORS

__all__ = [
    "CorrelationSelector",
    "LassoSvmRfeSelector",
    "MrmrForestSelector",
    "MrmrForestSettings",
    "SELECTORS",
]
