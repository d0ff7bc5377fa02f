"""No table of the page has a column in which nothing stands, and what several scores have in common is said once."""

from __future__ import annotations

import re
from html import unescape

import numpy as np
import pandas as pd
import pytest

import prldh

FAST = {
    "engine": "python",
    "performance": {"decision_bootstrap": 10, "partial_auc_bootstrap": 20, "interaction_bootstrap": 10},
    "report": {"figures": []},
}
STUDIES = {
    "scores alone": ({}, {"models": [{"name": "Disc", "terms": ["disc"]}, {"name": "Muscle", "terms": ["muscle"]}]}),
    "unadjusted": ({"age": "continuous"}, {"adjust": []}),
    "adjusted": ({"age": "continuous", "sex": "categorical"}, {}),
}


def columns_of(page: str) -> list[tuple[str, str, list[str]]]:
    """Caption, heading and cells of every column of every table whose cells span one column each."""
    found = []
    for table in re.findall(r"<table.*?</table>", page, re.S):
        if "colspan" in table or "<tbody" not in table:
            continue
        caption = "".join(re.findall(r"<caption>(.*?)</caption>", table, re.S))
        head, body = table.split("<tbody", 1)
        headings = [_plain(cell) for cell in re.findall(r"<th\b[^>]*>(.*?)</th>", head, re.S)]
        rows = [
            [_plain(cell) for cell in re.findall(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", row, re.S)]
            for row in re.findall(r"<tr\b.*?</tr>", body, re.S)
        ]
        headings = headings or [""] * len(rows[0])
        if "rowspan" not in table:
            assert all(len(row) == len(headings) for row in rows), caption
            found += [(_plain(caption), name, [row[k] for row in rows]) for k, name in enumerate(headings)]
    return found


def _plain(cell: str) -> str:
    return unescape(re.sub(r"<svg.*?</svg>", "picture", re.sub(r"<(?!/?svg)[^>]+>", "", cell), flags=re.S)).strip()


@pytest.mark.parametrize(("covariates", "more"), STUDIES.values(), ids=STUDIES)
@pytest.mark.usefixtures("undrawn")
def test_every_column_says_something(covariates, more, tmp_path):
    rng = np.random.default_rng(4)
    n = 80
    scores = rng.normal(size=(n, 2)).round(4)
    table = pd.DataFrame(
        {
            "id": [f"p{i:02d}" for i in range(n)],
            "y": (rng.random(n) < 1 / (1 + np.exp(-scores[:, 0]))).astype(int),
            "age": rng.normal(60, 9, n).round(1),
            "sex": rng.choice(["f", "m"], n),
            "disc": scores[:, 0],
            "muscle": scores[:, 1],
        }
    )
    table.to_csv(tmp_path / "clinical.csv", index=False)
    clinical = {"table": str(tmp_path / "clinical.csv"), "id": "id", "outcome": "y", "event": 1}
    study = {
        "clinical": clinical | {"covariates": covariates},
        "tissues": {"disc": {"radscore": "disc"}, "muscle": {"radscore": "muscle"}},
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 5},
        **FAST,
        **more,
    }
    prldh.analyze(study, tmp_path / "out", jobs=1)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    columns = columns_of(page)
    assert len(columns) > 30
    empty = [(caption, name) for caption, name, cells in columns if cells and not any(cells)]
    assert not empty
    text = unescape(re.sub(r"<[^>]+>", "", page))
    assert text.count("The scores of disc and muscle came as columns: this run cannot know how they were made") == 1
