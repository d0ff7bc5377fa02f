"""What `agreement` lists, R computed: of an R whose every number is slightly off, every row differs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd
import pytest

import prldh
from prldh.core.measures import Measure
from prldh.demo.published import published_cohort, published_study
from prldh.engines.python import PythonEngine
from prldh.results.agreement import compare_engines, computed_once, judged, largest_difference
from prldh.results.measures import BY_KEY, MEASURES

pytestmark = pytest.mark.r

#: Answers that are whole numbers in results.json, and that R counted: they are off by one.
COUNTS = re.compile("tp|fp|fn|tn|n_events|n_nonevents|n_defined|table_.*|.*_(up|down)_.*|n_nonzero")
#: What later stages read: nudged, it would move what Python alone makes of it.
FITS = ("coefficients",)
#: The coefficients themselves.
COEFFICIENT = re.compile(r"\.(b|or|(intercept|slope)\.estimate)$")
SMALL = 1e-6


def nudged(key: str, value: Any, is_nudged: Callable[[str], bool]) -> Any:
    if isinstance(value, dict):
        return {name: nudged(name, each, is_nudged) for name, each in value.items()}
    if isinstance(value, str) or not is_nudged(key):
        return value
    return value + 1 if COUNTS.fullmatch(key) else value * (1 + SMALL) + 1e-3 * SMALL


def run(study: dict[str, Any], tables: dict[str, Any], folder, is_nudged: Callable[[str], bool]) -> list[dict]:
    from prldh.engines.r import REngine

    class Nudged(REngine):
        def compute(self, statistic: str, **arguments: Any) -> Any:
            return nudged(statistic, super().compute(statistic, **arguments), is_nudged)

    for name, table in tables.items():
        table.to_csv(folder / name, index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("prldh.pipeline.open_engines", lambda wanted, registry: ([Nudged(), PythonEngine()], []))
        patch.chdir(folder)
        patch.setattr("prldh.pipeline.write_outputs", lambda *given: None)
        return prldh.analyze(study, folder / "out", jobs=1).data["agreement"]


def still(rows: Iterable[dict]) -> Iterator[str]:
    """Rows that did not move."""
    for row in rows:
        if row["difference"] is not None and judged(row["r"], row["python"]) < SMALL / 100:
            yield re.sub(r"\[[^]]*\]", "[]", row["quantity"])


@pytest.fixture(scope="module")
def study() -> dict[str, Any]:
    given = published_study()
    known = given["clinical"]["covariates"]
    return given | {
        "clinical": given["clinical"] | {"covariates": {name: known[name] for name in ("age", "sex", "pfirrmann")}},
        "models": given["models"][1::2],
        "adjust": ["age", "sex"],
        "validation": {"leave_one_out": True, "folds": 4, "repeats": 2, "bootstrap": 10},
        "performance": {
            "decision_bootstrap": 10,
            "partial_auc_bootstrap": 10,
            "interaction_bootstrap": 10,
            "thresholds": [0.1, 0.2],
        },
        "table_one": {"standardized_differences": True, "adjust_p": "holm"},
        "univariate": {"adjust_p": "both"},
        "report": {"checklists": []},
    }


def test_every_row_is_of_a_number_that_r_computed(study, tmp_path):
    rows = run(study, {"clinical.csv": published_cohort()}, tmp_path, lambda key: key not in FITS)
    assert len(rows) > 2000
    # two covariates that tell nothing: their .632+ stands at the value of no information
    no_information = re.compile(r"clinical_model\.validation\.\w+\.bootstrap\.(auc|brier)\.b632plus")
    unmoved = {q for q in still(rows) if not COEFFICIENT.search(q) and not no_information.fullmatch(q)}
    assert not unmoved, sorted(unmoved)


@pytest.mark.parametrize("engine", ["R", "R, nudged"])
def test_what_a_selection_has_from_the_engine_is_compared(tmp_path, engine):
    """glmnet and Python's own solver: lambda, the path and the chosen set."""
    rng = np.random.default_rng(5)
    outcome = np.repeat([0, 1], [40, 30])
    values = rng.normal(size=(70, 8)) + outcome[:, None] * np.array([1.0, 0.7, 0.5, 0, 0, 0, 0, 0])
    ids = [f"p{i:02d}" for i in range(70)]
    features = pd.DataFrame(values, columns=[f"f{j}" for j in range(8)])
    tables = {"clinical.csv": pd.DataFrame({"id": ids, "y": outcome}), "f.csv": features.assign(id=ids)}
    study = {
        "title": "LASSO",
        "engine": "both",
        "clinical": {"table": "clinical.csv", "id": "id", "outcome": "y", "event": 1, "covariates": {}},
        "tissues": {"disc": {"features": ["f.csv"]}},
        "selection": [{"univariate": {"threshold": 0.9}}, {"lasso_svm_rfe": {"folds": 4, "combine": "lasso"}}],
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0, "thresholds": [0.2]},
    }
    rows = run(study, tables, tmp_path, lambda key: engine != "R")
    selected = {r["quantity"]: r for r in rows if r["quantity"].startswith("tissues.disc.")}
    told = " ".join(selected)
    for part in (
        "lambda (",
        "lambda_min",
        "path.f0 (",
        "coefficients.f0",
        "features (set)",
        "univariate, features.p.f0",
    ):
        assert part in told, part
    if engine != "R":
        assert not list(still(selected.values()))
        return
    off = [row for row in rows if row["difference"] is None or judged(row["r"], row["python"]) > 1e-5]
    assert not off, off
    assert selected["tissues.disc.features (set)"]["difference"] == 0
    assert all(r["relative"] == judged(r["r"], r["python"]) for r in rows)


def test_differences_are_relative():
    rows = compare_engines(
        {"a": 9.8e16, "b": 0.0, "c": 1.0, "d": [1e-9, 2.0], "e": 1.5e-12, "f": 2e-3},
        {"a": 9.8e16 + 16384, "b": 0.0, "c": None, "d": [0.0, 2.0], "e": -1.5e-12, "f": 1e-3},
    )
    assert [(r.quantity, r.relative) for r in rows[:3]] == [
        ("a", pytest.approx(1.67e-13, rel=0.01)),
        ("b", 0.0),
        ("c", None),
    ]
    assert (rows[3].quantity, rows[3].r, rows[3].relative) == ("d (2 values)", 1e-9, pytest.approx(1e-6))
    # what is 0 in truth, and only rounding: as if it had the size of 0.001
    assert [row.relative for row in rows[4:]] == [pytest.approx(3e-9), 0.5]
    assert largest_difference([asdict(row) for row in rows]) == 0.5
    sets = compare_engines({"kept": ["a", "b"]}, {"kept": ["b", "c"]})
    assert sets[0].reason == "R alone has a; Python alone has c" and sets[0].difference is None


def test_what_one_engine_alone_computes_is_named():
    alone = Measure("alone", "Alone", "proportion", BY_KEY["ppv"].places, computed_by=("python",))
    assert computed_once([alone, *MEASURES]) == [
        "percentages of Table 1",
        "comparisons of partial areas on held-out predictions",
        "Alone",
    ]
