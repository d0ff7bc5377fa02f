"""References: the record, and the papers behind the methods of the core. What a step, a source or a plugin cites stands
with it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reference:
    """A paper or a program that is cited.

    ``key`` is BibTeX's, such as ``tibshirani1996``; ``authors`` as BibTeX has them; ``where``: journal, publisher or
    place; ``year`` is 0 where it goes by version; ``doi`` or ``url`` may be empty.
    """

    key: str
    authors: str
    title: str
    where: str
    year: int
    volume: str = ""
    pages: str = ""
    doi: str = ""
    kind: str = "article"
    url: str = ""


REFERENCES = {
    reference.key: reference
    for reference in (
        Reference(
            "austin2019",
            "Austin, Peter C. and Steyerberg, Ewout W.",
            "The Integrated Calibration Index (ICI) and related metrics for quantifying the calibration of logistic"
            " regression models",
            "Statistics in Medicine",
            2019,
            "38",
            "4051--4065",
            "10.1002/sim.8281",
        ),
        Reference(
            "benjamini1995",
            "Benjamini, Yoav and Hochberg, Yosef",
            "Controlling the false discovery rate: a practical and powerful approach to multiple testing",
            "Journal of the Royal Statistical Society, Series B",
            1995,
            "57",
            "289--300",
            "10.1111/j.2517-6161.1995.tb02031.x",
        ),
        Reference(
            "brier1950",
            "Brier, Glenn W.",
            "Verification of forecasts expressed in terms of probability",
            "Monthly Weather Review",
            1950,
            "78",
            "1--3",
        ),
        Reference(
            "clopper1934",
            "Clopper, C. J. and Pearson, E. S.",
            "The use of confidence or fiducial limits illustrated in the case of the binomial",
            "Biometrika",
            1934,
            "26",
            "404--413",
            "10.1093/biomet/26.4.404",
        ),
        Reference(
            "delong1988",
            "DeLong, Elizabeth R. and DeLong, David M. and Clarke-Pearson, Daniel L.",
            "Comparing the areas under two or more correlated receiver operating characteristic curves: a nonparametric"
            " approach",
            "Biometrics",
            1988,
            "44",
            "837--845",
            "10.2307/2531595",
        ),
        Reference(
            "demler2012",
            "Demler, Olga V. and Pencina, Michael J. and D'Agostino, Ralph B.",
            "Misuse of DeLong test to compare AUCs for nested models",
            "Statistics in Medicine",
            2012,
            "31",
            "2577--2587",
            "10.1002/sim.5328",
        ),
        Reference(
            "efron1997",
            "Efron, Bradley and Tibshirani, Robert",
            "Improvements on cross-validation: the .632+ bootstrap method",
            "Journal of the American Statistical Association",
            1997,
            "92",
            "548--560",
            "10.1080/01621459.1997.10474007",
        ),
        Reference(
            "firth1993",
            "Firth, David",
            "Bias reduction of maximum likelihood estimates",
            "Biometrika",
            1993,
            "80",
            "27--38",
            "10.1093/biomet/80.1.27",
        ),
        Reference(
            "puhr2017",
            "Puhr, Rainer and Heinze, Georg and Nold, Mariana and Lusa, Lara and Geroldinger, Angelika",
            "Firth's logistic regression with rare events: accurate effect estimates and predictions?",
            "Statistics in Medicine",
            2017,
            "36",
            "2302--2317",
            "10.1002/sim.7273",
        ),
        Reference(
            "harrell1996",
            "Harrell, Frank E. and Lee, Kerry L. and Mark, Daniel B.",
            "Multivariable prognostic models: issues in developing models, evaluating assumptions and adequacy, and"
            " measuring and reducing errors",
            "Statistics in Medicine",
            1996,
            "15",
            "361--387",
            "10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4",
        ),
        Reference(
            "harris2020",
            "Harris, Charles R. and Millman, K. Jarrod and van der Walt, Stéfan J. and others",
            "Array programming with NumPy",
            "Nature",
            2020,
            "585",
            "357--362",
            "10.1038/s41586-020-2649-2",
        ),
        Reference(
            "holm1979",
            "Holm, Sture",
            "A simple sequentially rejective multiple test procedure",
            "Scandinavian Journal of Statistics",
            1979,
            "6",
            "65--70",
        ),
        Reference(
            "hosmer1980",
            "Hosmer, David W. and Lemeshow, Stanley",
            "Goodness of fit tests for the multiple logistic regression model",
            "Communications in Statistics -- Theory and Methods",
            1980,
            "9",
            "1043--1069",
            "10.1080/03610928008827941",
        ),
        Reference(
            "hosmer1992",
            "Hosmer, David W. and Lemeshow, Stanley",
            "Confidence interval estimation of interaction",
            "Epidemiology",
            1992,
            "3",
            "452--456",
            "10.1097/00001648-199209000-00012",
        ),
        Reference(
            "lam2015",
            "Lam, Siu Kwan and Pitrou, Antoine and Seibert, Stanley",
            "Numba: a LLVM-based Python JIT compiler",
            "Proceedings of the Second Workshop on the LLVM Compiler Infrastructure in HPC",
            2015,
            pages="1--6",
            doi="10.1145/2833157.2833162",
            kind="inproceedings",
        ),
        Reference(
            "ledell2015",
            "LeDell, Erin and Petersen, Maya and van der Laan, Mark",
            "Computationally efficient confidence intervals for cross-validated area under the ROC curve estimates",
            "Electronic Journal of Statistics",
            2015,
            "9",
            "1583--1607",
            "10.1214/15-EJS1035",
        ),
        Reference(
            "mcclish1989",
            "McClish, Donna Katzman",
            "Analyzing a portion of the ROC curve",
            "Medical Decision Making",
            1989,
            "9",
            "190--195",
            "10.1177/0272989X8900900307",
        ),
        Reference(
            "nogueira2018",
            "Nogueira, Sarah and Sechidis, Konstantinos and Brown, Gavin",
            "On the stability of feature selection algorithms",
            "Journal of Machine Learning Research",
            2018,
            "18(174)",
            "1--54",
        ),
        Reference(
            "noma2021",
            "Noma, Hisashi and Shinozaki, Tomohiro and Iba, Katsuhiro and Teramukai, Satoshi and Furukawa, Toshi A.",
            "Confidence intervals of prediction accuracy measures for multivariable prediction models based on the"
            " bootstrap-based optimism correction methods",
            "Statistics in Medicine",
            2021,
            "40",
            "5691--5701",
            "10.1002/sim.9148",
        ),
        Reference(
            "pedregosa2011",
            "Pedregosa, Fabian and Varoquaux, Gaël and Gramfort, Alexandre and others",
            "Scikit-learn: machine learning in Python",
            "Journal of Machine Learning Research",
            2011,
            "12",
            "2825--2830",
        ),
        Reference(
            "pencina2008",
            "Pencina, Michael J. and D'Agostino, Ralph B. and D'Agostino, Ralph B. and Vasan, Ramachandran S.",
            "Evaluating the added predictive ability of a new marker: from area under the ROC curve to reclassification"
            " and beyond",
            "Statistics in Medicine",
            2008,
            "27",
            "157--172",
            "10.1002/sim.2929",
        ),
        Reference(
            "r",
            "{R Core Team}",
            "R: a language and environment for statistical computing",
            "R Foundation for Statistical Computing, Vienna",
            0,
            kind="manual",
            url="https://www.R-project.org/",
        ),
        Reference(
            "riley2019",
            "Riley, Richard D. and Snell, Kym I. E. and Ensor, Joie and others",
            "Minimum sample size for developing a multivariable prediction model: PART II -- binary and time-to-event"
            " outcomes",
            "Statistics in Medicine",
            2019,
            "38",
            "1276--1296",
            "10.1002/sim.7992",
        ),
        Reference(
            "riley2020",
            "Riley, Richard D. and Ensor, Joie and Snell, Kym I. E. and others",
            "Calculating the sample size required for developing a clinical prediction model",
            "BMJ",
            2020,
            "368",
            "m441",
            "10.1136/bmj.m441",
        ),
        Reference(
            "robin2011",
            "Robin, Xavier and Turck, Natacha and Hainard, Alexandre and others",
            "pROC: an open-source package for R and S+ to analyze and compare ROC curves",
            "BMC Bioinformatics",
            2011,
            "12",
            "77",
            "10.1186/1471-2105-12-77",
        ),
        Reference(
            "rubin1987",
            "Rubin, Donald B.",
            "Multiple imputation for nonresponse in surveys",
            "Wiley, New York",
            1987,
            doi="10.1002/9780470316696",
            kind="book",
        ),
        Reference(
            "seabold2010",
            "Seabold, Skipper and Perktold, Josef",
            "Statsmodels: econometric and statistical modeling with Python",
            "Proceedings of the 9th Python in Science Conference",
            2010,
            pages="92--96",
            kind="inproceedings",
        ),
        Reference(
            "spiegelhalter1986",
            "Spiegelhalter, David J.",
            "Probabilistic prediction in patient management and clinical trials",
            "Statistics in Medicine",
            1986,
            "5",
            "421--433",
            "10.1002/sim.4780050506",
        ),
        Reference(
            "vanbuuren2011",
            "van Buuren, Stef and Groothuis-Oudshoorn, Karin",
            "mice: multivariate imputation by chained equations in R",
            "Journal of Statistical Software",
            2011,
            "45",
            "1--67",
            "10.18637/jss.v045.i03",
        ),
        Reference(
            "venzon1988",
            "Venzon, D. J. and Moolgavkar, S. H.",
            "A method for computing profile-likelihood-based confidence intervals",
            "Applied Statistics",
            1988,
            "37",
            "87--94",
            "10.2307/2347496",
        ),
        Reference(
            "vickers2006",
            "Vickers, Andrew J. and Elkin, Elena B.",
            "Decision curve analysis: a novel method for evaluating prediction models",
            "Medical Decision Making",
            2006,
            "26",
            "565--574",
            "10.1177/0272989X06295361",
        ),
        Reference(
            "virtanen2020",
            "Virtanen, Pauli and Gommers, Ralf and Oliphant, Travis E. and others",
            "SciPy 1.0: fundamental algorithms for scientific computing in Python",
            "Nature Methods",
            2020,
            "17",
            "261--272",
            "10.1038/s41592-019-0686-2",
        ),
        Reference(
            "youden1950",
            "Youden, William J.",
            "Index for rating diagnostic tests",
            "Cancer",
            1950,
            "3",
            "32--35",
            "10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3",
        ),
    )
}
