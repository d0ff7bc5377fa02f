"""The papers behind the methods: only those that ran are cited, and written to ``references.bib``."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import NamedTuple


class Reference(NamedTuple):
    """A paper or a program. ``authors`` as BibTeX has them; ``where``: journal, publisher or place; ``doi`` or ``url``
    may be empty."""

    authors: str
    title: str
    where: str
    year: int
    volume: str = ""
    pages: str = ""
    doi: str = ""
    kind: str = "article"
    url: str = ""


#: Combining accents, and LaTeX's signs for them.
ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"'}
REFERENCES = {
    "austin2019": Reference(
        "Austin, Peter C. and Steyerberg, Ewout W.",
        "The Integrated Calibration Index (ICI) and related metrics for quantifying the calibration of logistic"
        " regression models",
        "Statistics in Medicine",
        2019,
        "38",
        "4051--4065",
        "10.1002/sim.8281",
    ),
    "benjamini1995": Reference(
        "Benjamini, Yoav and Hochberg, Yosef",
        "Controlling the false discovery rate: a practical and powerful approach to multiple testing",
        "Journal of the Royal Statistical Society, Series B",
        1995,
        "57",
        "289--300",
        "10.1111/j.2517-6161.1995.tb02031.x",
    ),
    "breiman2001": Reference(
        "Breiman, Leo", "Random forests", "Machine Learning", 2001, "45", "5--32", "10.1023/A:1010933404324"
    ),
    "brier1950": Reference(
        "Brier, Glenn W.",
        "Verification of forecasts expressed in terms of probability",
        "Monthly Weather Review",
        1950,
        "78",
        "1--3",
    ),
    "clopper1934": Reference(
        "Clopper, C. J. and Pearson, E. S.",
        "The use of confidence or fiducial limits illustrated in the case of the binomial",
        "Biometrika",
        1934,
        "26",
        "404--413",
        "10.1093/biomet/26.4.404",
    ),
    "delong1988": Reference(
        "DeLong, Elizabeth R. and DeLong, David M. and Clarke-Pearson, Daniel L.",
        "Comparing the areas under two or more correlated receiver operating characteristic curves: a nonparametric"
        " approach",
        "Biometrics",
        1988,
        "44",
        "837--845",
        "10.2307/2531595",
    ),
    "demler2012": Reference(
        "Demler, Olga V. and Pencina, Michael J. and D'Agostino, Ralph B.",
        "Misuse of DeLong test to compare AUCs for nested models",
        "Statistics in Medicine",
        2012,
        "31",
        "2577--2587",
        "10.1002/sim.5328",
    ),
    "efron1997": Reference(
        "Efron, Bradley and Tibshirani, Robert",
        "Improvements on cross-validation: the .632+ bootstrap method",
        "Journal of the American Statistical Association",
        1997,
        "92",
        "548--560",
        "10.1080/01621459.1997.10474007",
    ),
    "firth1993": Reference(
        "Firth, David",
        "Bias reduction of maximum likelihood estimates",
        "Biometrika",
        1993,
        "80",
        "27--38",
        "10.1093/biomet/80.1.27",
    ),
    "friedman2010": Reference(
        "Friedman, Jerome and Hastie, Trevor and Tibshirani, Robert",
        "Regularization paths for generalized linear models via coordinate descent",
        "Journal of Statistical Software",
        2010,
        "33",
        "1--22",
        "10.18637/jss.v033.i01",
    ),
    "guyon2002": Reference(
        "Guyon, Isabelle and Weston, Jason and Barnhill, Stephen and Vapnik, Vladimir",
        "Gene selection for cancer classification using support vector machines",
        "Machine Learning",
        2002,
        "46",
        "389--422",
        "10.1023/A:1012487302797",
    ),
    "harrell1996": Reference(
        "Harrell, Frank E. and Lee, Kerry L. and Mark, Daniel B.",
        "Multivariable prognostic models: issues in developing models, evaluating assumptions and adequacy, and"
        " measuring and reducing errors",
        "Statistics in Medicine",
        1996,
        "15",
        "361--387",
        "10.1002/(SICI)1097-0258(19960229)15:4<361::AID-SIM168>3.0.CO;2-4",
    ),
    "harris2020": Reference(
        "Harris, Charles R. and Millman, K. Jarrod and van der Walt, Stéfan J. and others",
        "Array programming with NumPy",
        "Nature",
        2020,
        "585",
        "357--362",
        "10.1038/s41586-020-2649-2",
    ),
    "holm1979": Reference(
        "Holm, Sture",
        "A simple sequentially rejective multiple test procedure",
        "Scandinavian Journal of Statistics",
        1979,
        "6",
        "65--70",
    ),
    "hosmer1980": Reference(
        "Hosmer, David W. and Lemeshow, Stanley",
        "Goodness of fit tests for the multiple logistic regression model",
        "Communications in Statistics -- Theory and Methods",
        1980,
        "9",
        "1043--1069",
        "10.1080/03610928008827941",
    ),
    "hosmer1992": Reference(
        "Hosmer, David W. and Lemeshow, Stanley",
        "Confidence interval estimation of interaction",
        "Epidemiology",
        1992,
        "3",
        "452--456",
        "10.1097/00001648-199209000-00012",
    ),
    "lam2015": Reference(
        "Lam, Siu Kwan and Pitrou, Antoine and Seibert, Stanley",
        "Numba: a LLVM-based Python JIT compiler",
        "Proceedings of the Second Workshop on the LLVM Compiler Infrastructure in HPC",
        2015,
        pages="1--6",
        doi="10.1145/2833157.2833162",
        kind="inproceedings",
    ),
    "ledell2015": Reference(
        "LeDell, Erin and Petersen, Maya and van der Laan, Mark",
        "Computationally efficient confidence intervals for cross-validated area under the ROC curve estimates",
        "Electronic Journal of Statistics",
        2015,
        "9",
        "1583--1607",
        "10.1214/15-EJS1035",
    ),
    "mcclish1989": Reference(
        "McClish, Donna Katzman",
        "Analyzing a portion of the ROC curve",
        "Medical Decision Making",
        1989,
        "9",
        "190--195",
        "10.1177/0272989X8900900307",
    ),
    "nogueira2018": Reference(
        "Nogueira, Sarah and Sechidis, Konstantinos and Brown, Gavin",
        "On the stability of feature selection algorithms",
        "Journal of Machine Learning Research",
        2018,
        "18(174)",
        "1--54",
    ),
    "pedregosa2011": Reference(
        "Pedregosa, Fabian and Varoquaux, Gaël and Gramfort, Alexandre and others",
        "Scikit-learn: machine learning in Python",
        "Journal of Machine Learning Research",
        2011,
        "12",
        "2825--2830",
    ),
    "pencina2008": Reference(
        "Pencina, Michael J. and D'Agostino, Ralph B. and D'Agostino, Ralph B. and Vasan, Ramachandran S.",
        "Evaluating the added predictive ability of a new marker: from area under the ROC curve to reclassification and"
        " beyond",
        "Statistics in Medicine",
        2008,
        "27",
        "157--172",
        "10.1002/sim.2929",
    ),
    "peng2005": Reference(
        "Peng, Hanchuan and Long, Fuhui and Ding, Chris",
        "Feature selection based on mutual information: criteria of max-dependency, max-relevance, and min-redundancy",
        "IEEE Transactions on Pattern Analysis and Machine Intelligence",
        2005,
        "27",
        "1226--1238",
        "10.1109/TPAMI.2005.159",
    ),
    "r": Reference(
        "{R Core Team}",
        "R: a language and environment for statistical computing",
        "R Foundation for Statistical Computing, Vienna",
        0,
        kind="manual",
        url="https://www.R-project.org/",
    ),
    "riley2019": Reference(
        "Riley, Richard D. and Snell, Kym I. E. and Ensor, Joie and others",
        "Minimum sample size for developing a multivariable prediction model: PART II -- binary and time-to-event"
        " outcomes",
        "Statistics in Medicine",
        2019,
        "38",
        "1276--1296",
        "10.1002/sim.7992",
    ),
    "riley2020": Reference(
        "Riley, Richard D. and Ensor, Joie and Snell, Kym I. E. and others",
        "Calculating the sample size required for developing a clinical prediction model",
        "BMJ",
        2020,
        "368",
        "m441",
        "10.1136/bmj.m441",
    ),
    "robin2011": Reference(
        "Robin, Xavier and Turck, Natacha and Hainard, Alexandre and others",
        "pROC: an open-source package for R and S+ to analyze and compare ROC curves",
        "BMC Bioinformatics",
        2011,
        "12",
        "77",
        "10.1186/1471-2105-12-77",
    ),
    "rubin1987": Reference(
        "Rubin, Donald B.",
        "Multiple imputation for nonresponse in surveys",
        "Wiley, New York",
        1987,
        doi="10.1002/9780470316696",
        kind="book",
    ),
    "seabold2010": Reference(
        "Seabold, Skipper and Perktold, Josef",
        "Statsmodels: econometric and statistical modeling with Python",
        "Proceedings of the 9th Python in Science Conference",
        2010,
        pages="92--96",
        kind="inproceedings",
    ),
    "shrout1979": Reference(
        "Shrout, Patrick E. and Fleiss, Joseph L.",
        "Intraclass correlations: uses in assessing rater reliability",
        "Psychological Bulletin",
        1979,
        "86",
        "420--428",
        "10.1037/0033-2909.86.2.420",
    ),
    "spiegelhalter1986": Reference(
        "Spiegelhalter, David J.",
        "Probabilistic prediction in patient management and clinical trials",
        "Statistics in Medicine",
        1986,
        "5",
        "421--433",
        "10.1002/sim.4780050506",
    ),
    "tibshirani1996": Reference(
        "Tibshirani, Robert",
        "Regression shrinkage and selection via the lasso",
        "Journal of the Royal Statistical Society, Series B",
        1996,
        "58",
        "267--288",
        "10.1111/j.2517-6161.1996.tb02080.x",
    ),
    "vanbuuren2011": Reference(
        "van Buuren, Stef and Groothuis-Oudshoorn, Karin",
        "mice: multivariate imputation by chained equations in R",
        "Journal of Statistical Software",
        2011,
        "45",
        "1--67",
        "10.18637/jss.v045.i03",
    ),
    "vangriethuysen2017": Reference(
        "van Griethuysen, Joost J. M. and Fedorov, Andriy and Parmar, Chintan and others",
        "Computational radiomics system to decode the radiographic phenotype",
        "Cancer Research",
        2017,
        "77",
        "e104--e107",
        "10.1158/0008-5472.CAN-17-0339",
    ),
    "venzon1988": Reference(
        "Venzon, D. J. and Moolgavkar, S. H.",
        "A method for computing profile-likelihood-based confidence intervals",
        "Applied Statistics",
        1988,
        "37",
        "87--94",
        "10.2307/2347496",
    ),
    "vickers2006": Reference(
        "Vickers, Andrew J. and Elkin, Elena B.",
        "Decision curve analysis: a novel method for evaluating prediction models",
        "Medical Decision Making",
        2006,
        "26",
        "565--574",
        "10.1177/0272989X06295361",
    ),
    "virtanen2020": Reference(
        "Virtanen, Pauli and Gommers, Ralf and Oliphant, Travis E. and others",
        "SciPy 1.0: fundamental algorithms for scientific computing in Python",
        "Nature Methods",
        2020,
        "17",
        "261--272",
        "10.1038/s41592-019-0686-2",
    ),
    "wang2022": Reference(
        "Wang, Haonan and Cao, Peng and Wang, Jiaqi and Zaiane, Osmar R.",
        "UCTransNet: rethinking the skip connections in U-Net from a channel-wise perspective with transformer",
        "Proceedings of the AAAI Conference on Artificial Intelligence",
        2022,
        "36",
        "2441--2449",
        "10.1609/aaai.v36i3.20144",
    ),
    "youden1950": Reference(
        "Youden, William J.",
        "Index for rating diagnostic tests",
        "Cancer",
        1950,
        "3",
        "32--35",
        "10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3",
    ),
}


def in_words(key: str, version: str | None = None) -> str:
    """A reference as a list of references shows it; ``version`` of a program."""
    r = REFERENCES[key]
    names = [name.strip("{}").split(", ") for name in r.authors.split(" and ")]
    shown = [
        (
            "et al."
            if name == ["others"]
            else (
                " ".join([name[0], "".join(part[0] for part in name[1].replace(".", " ").split())])
                if len(name) > 1
                else name[0]
            )
        )
        for name in names
    ]
    who = ", ".join(shown).replace(", et al.", " et al.")
    when = "; ".join(str(part) for part in (r.year or None, r.volume) if part)
    where = f"{r.where}{' ' + when if when else ''}{':' + r.pages if r.pages else ''}"
    where += f", version {version}" if version else ""
    link = f" doi:{r.doi}" if r.doi else f" {r.url}" if r.url else ""
    return f"{who.removesuffix('.')}. {r.title}. {where}.{link}".replace(" -- ", " – ").replace("--", "–")


def as_bibtex(keys: Iterable[str], versions: dict[str, str] | None = None) -> str:
    """Entries of ``references.bib``, in the order given. Titles keep their capitals."""
    return "\n".join(_entry(key, (versions or {}).get(key)) for key in keys)


def _entry(key: str, version: str | None) -> str:
    r = REFERENCES[key]
    place = {"article": "journal", "inproceedings": "booktitle", "book": "publisher", "manual": "organization"}[r.kind]
    fields = {
        "author": r.authors,
        "title": f"{{{r.title}}}",
        place: r.where,
        "year": str(r.year) if r.year else "",
        "volume": r.volume,
        "pages": r.pages,
        "doi": r.doi,
        "url": r.url,
        "note": f"Version {version}" if version else "",
    }
    lines = [f"  {name} = {{{_escaped(value) if name != 'doi' else value}}}" for name, value in fields.items() if value]
    return f"@{r.kind}{{{key},\n" + ",\n".join(lines) + "\n}\n"


def _escaped(text: str) -> str:
    """As LaTeX without any encoding has it: ``é`` as ``{\\'e}``."""
    text = text.replace("&", r"\&").replace("%", r"\%")
    return "".join(_accented(c) for c in text)


def _accented(character: str) -> str:
    if character.isascii():
        return character
    letter, accent = unicodedata.normalize("NFD", character)
    return f"{{\\{ACCENTS[accent]}{letter}}}"
