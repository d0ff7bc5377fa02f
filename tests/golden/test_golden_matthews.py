"""The Matthews correlation coefficient: by hand, as scikit-learn and R have it, and wherever results classify."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pages import unmarked
from sklearn.metrics import matthews_corrcoef

import prldh
from prldh.engines.python import PythonEngine
from prldh.results.nulls import explain_nulls

pytestmark = pytest.mark.usefixtures("undrawn")

ENGINES = ["python", pytest.param("r", marks=pytest.mark.r)]


@pytest.fixture(params=ENGINES)
def compute(request):
    if request.param == "python":
        engine = PythonEngine()
    else:
        from prldh.engines.r import REngine

        engine = REngine()
    return lambda tp, fp, fn, tn: engine.compute("matthews_correlation", tp=tp, fp=fp, fn=fn, tn=tn)["estimate"]


@pytest.mark.parametrize(
    ("cells", "by_hand"),
    [
        ((6, 1, 2, 3), 16 / np.sqrt(7 * 8 * 4 * 5)),
        ((90, 4, 1, 5), 446 / np.sqrt(94 * 91 * 9 * 6)),
        ((5, 0, 0, 7), 1.0),
        ((0, 5, 7, 0), -1.0),
        ((2, 2, 3, 3), 0.0),
    ],
)
def test_by_hand(compute, cells, by_hand):
    assert compute(*cells) == pytest.approx(by_hand, abs=1e-12)


def test_as_scikit_learn_has_it(compute):
    rng = np.random.default_rng(1)
    for n in (5, 40, 3000):
        predicted, observed = (np.concatenate([[0, 1], rng.integers(0, 2, n)]) for _ in range(2))
        cells = [int(np.sum((predicted == p) & (observed == o))) for p, o in ((1, 1), (1, 0), (0, 1), (0, 0))]
        assert compute(*cells) == pytest.approx(matthews_corrcoef(observed, predicted), abs=1e-12)


@pytest.mark.parametrize("cells", [(3, 4, 0, 0), (0, 0, 3, 4), (3, 0, 4, 0), (0, 3, 0, 4), (0, 0, 0, 0)])
def test_an_empty_margin_has_none(compute, cells):
    assert np.isnan(compute(*cells))


def test_results_hold_it_wherever_they_classify(tmp_path):
    rng = np.random.default_rng(2)
    score = rng.normal(size=60)
    event = (rng.random(60) < 1 / (1 + np.exp(-score))).astype(int)
    pd.DataFrame({"id": range(60), "event": event, "score": score, "age": rng.normal(size=60)}).to_csv(
        tmp_path / "t.csv", index=False
    )
    found = prldh.analyze(
        {
            "title": "Small",
            "engine": "python",
            "clinical": {
                "table": str(tmp_path / "t.csv"),
                "id": "id",
                "outcome": "event",
                "event": 1,
                "covariates": {"age": "continuous"},
            },
            "tissues": {"disc": {"radscore": "score"}},
            "validation": {"leave_one_out": False, "folds": 5, "bootstrap": 2},
            "performance": {"decision_bootstrap": 2, "partial_auc_bootstrap": 2, "interaction_bootstrap": 0},
        },
        tmp_path / "out",
    )
    for m in found.data["models"]:
        held_out = [m["validation"][scope]["folds"] for scope in ("model", "pipeline")]
        for entry in (m, *held_out):
            tp, fp, fn, tn = (entry["confusion"][cell] for cell in ("tp", "fp", "fn", "tn"))
            margins = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
            assert entry["matthews_correlation"] == {"estimate": pytest.approx((tp * tn - fp * fn) / np.sqrt(margins))}
        assert not any("matthews_correlation" in m["validation"][scope]["bootstrap"] for scope in ("model", "pipeline"))
    for table in ("models", "validation"):
        columns = [c for c in found.tables[table] if "matthews" in c]
        assert columns == ["matthews_correlation"], "an interval is not claimed"
    page = unmarked((tmp_path / "out" / "report.html").read_text(encoding="utf-8"))
    assert page.count(">Matthews correlation</th>") >= 3 and "none has been shown here to keep its level" in page
    assert "the Matthews correlation coefficient [" in page and "Matthews BW." in page


def test_an_empty_margin_has_its_reason():
    (warning,) = explain_nulls({"models": [{"matthews_correlation": {"estimate": None}}]})
    assert warning.message == (
        "Matthews correlation: estimate (1) without a value: nobody, or everybody, has the event or is predicted to"
        " have it."
    )
