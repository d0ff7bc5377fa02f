"""A covariate with a label is called by it wherever a reader looks: tables, sentences and figures of the page, of new
patients too. Files keep the column's name."""

from __future__ import annotations

import json
import re
import shutil
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pages import unmarked
from phone import cut_on_a_phone

import prldh

LABELS = {"zqage": "Age at surgery", "zqsex": "Sex at birth", "zqvas": "Pain before surgery"}
FILES = re.compile(r"<(script|style)\b.*?</\1>|<desc>.*?</desc>|<metadata>.*?</metadata>", re.DOTALL)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """A run whose models were applied to other patients too, with the page of either: of the run alone in ``alone``."""
    folder = tmp_path_factory.mktemp("labels")
    rng = np.random.default_rng(3)
    for name, n in (("clinical", 160), ("elsewhere", 90)):
        age, vas = rng.normal(60, 10, n), rng.normal(5, 2, n)
        sex, score = rng.choice(["female", "male"], n), rng.normal(0, 1, (n, 2))
        risk = 1 / (1 + np.exp(-(score[:, 0] + 0.04 * (age - 60) + 0.3 * (vas - 5) - 0.5)))
        table = pd.DataFrame(
            {
                "id": [f"{name[0]}{i}" for i in range(n)],
                "y": (rng.random(n) < risk).astype(int),
                "zqage": age.round(1),
                "zqsex": sex,
                "zqvas": vas.round(1),
                "disc": score[:, 0].round(4),
                "muscle": score[:, 1].round(4),
            }
        )
        if name == "clinical":
            table.loc[:5, "zqvas"] = np.nan
        table.to_csv(folder / f"{name}.csv", index=False)
    kinds = {"zqage": "continuous", "zqsex": "categorical", "zqvas": "continuous"}
    settings = {
        "clinical": {
            "table": str(folder / "clinical.csv"),
            "id": "id",
            "outcome": "y",
            "event": 1,
            "covariates": {k: {"type": kinds[k], "label": label} for k, label in LABELS.items()},
        },
        "tissues": {"disc": {"radscore": "disc"}, "muscle": {"radscore": "muscle"}},
        "models": [
            {"name": "Scores", "terms": ["disc", "muscle"]},
            {"name": "Pain", "terms": ["disc", "rcs(zqvas, 3)", "zqage:zqsex"]},
        ],
        "missing": "multiple_imputation",
        "imputation": {"imputations": 2, "iterations": 2, "imputations_in_resamples": 1, "iterations_in_resamples": 1},
        "subgroups": ["zqsex", {"zqage": {"cut": [60]}}],
        "associations": [["zqage", "disc"], ["zqvas", "zqsex"]],
        "validation": {"leave_one_out": False, "folds": 4, "bootstrap": 10},
        "engine": "python",
        "report": {"figures": ["svg"]},
    }
    prldh.analyze(settings, folder / "out", jobs=1)
    shutil.copytree(folder / "out", folder / "alone")
    cohort = {
        "name": "Elsewhere",
        "clinical": {"table": str(folder / "elsewhere.csv"), "id": "id", "outcome": "y", "event": 1},
        "tissues": {"disc": {"radscore": "disc"}, "muscle": {"radscore": "muscle"}},
    }
    prldh.apply_models(folder / "out", cohort)
    return folder / "out"


def lines_with_names(folder: Path) -> list[str]:
    """Lines that the page shows or reads aloud, and that name a column: but for the study file at its end, and the
    sentence of what was imputed that a file holds."""
    html = FILES.sub("", (folder / "report.html").read_text())
    html = re.sub('<section id="provenance">.*?</section>', "", html, flags=re.DOTALL)
    told = json.loads((folder / "results.json").read_text())
    of_files = {told["missing"]["method"]}
    aloud = re.findall(r'(?:aria-label|alt|title)="([^"]*)"', html)
    lines = [
        re.sub(r"Files: figures/.*", "", unescape(line)).strip()
        for line in [*re.sub(r"<[^>]*>", "\n", html).splitlines(), *aloud]
    ]
    return [line for line in lines if "zq" in line and line not in of_files]


@pytest.mark.browser
def test_a_phone_shows_the_number_of_every_table(browser, out):
    """Subgroups, associations, missing data, terms with long names, and an external validation."""
    n, cut = cut_on_a_phone(browser, out)
    assert n > 90 and cut == []


def test_no_reader_meets_the_name_of_a_column(out):
    for folder in (out.parent / "alone", out):
        assert not (left := lines_with_names(folder)), "\n".join(left)
    page = unmarked((out / "report.html").read_text())
    assert "profile-likelihood interval (of models with imputed covariates Wald's, pooled by Rubin's rules)" in page
    tables = (out / "tables").glob("*.tex")
    assert not [path.name for path in tables if "zq" in path.read_text()]
