"""Golden values of reclassification and of the penalised likelihood-ratio test: a published table, Hmisc's improveProb,
logistf's anova."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prldh.engines.python import PythonEngine
from prldh.stats.reclassification import reclassification

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden_reclassification.json").read_text())
#: improveProb's names of our keys, for an NRI and for the IDI.
HMISC = {
    "": "nri",
    "_z": "z.nri",
    "_events": "nri.ev",
    "_events_z": "z.nri.ev",
    "_nonevents": "nri.ne",
    "_nonevents_z": "z.nri.ne",
}


@pytest.fixture(params=["python", pytest.param("r", marks=pytest.mark.r)])
def engine(request):
    if request.param == "python":
        return PythonEngine()
    from prldh.engines.r import REngine

    return REngine()


def patients(events, nonevents):
    """Outcome and probabilities around a cut point of 0.5, of two tables (old category, new category)."""
    rows = [
        (y, old, new)
        for y, table in ((1, events), (0, nonevents))
        for (old, new), n in np.ndenumerate(table)
        for _ in range(n)
    ]
    y, old, new = np.array(rows).T
    return y.astype(float), 0.25 + 0.5 * old, 0.25 + 0.5 * new


@pytest.mark.parametrize(
    ("events", "nonevents", "printed"),
    [
        ([[67, 10], [47, 214]], [[8885, 288], [2377, 2710]], (-0.01, 0.08, 0.09)),
        ([[90, 24], [16, 208]], [[10671, 591], [654, 2344]], (-0.01, 0.07, 0.14)),
        ([[60, 17], [46, 215]], [[8774, 399], [2551, 2536]], (0.02, 0.11, 0.005)),
    ],
)
def test_published_cardiovascular_models(engine, events, nonevents, printed):
    """Table 2 of doi 10.1093/eurheartj/ehaa571 (2020): three models in pairs, one cut point at 5 %, intervals and p as
    printed."""
    y, old, new = patients(np.array(events), np.array(nonevents))
    found = engine.reclassification(y, old, new, [0.5])
    low, high, p = printed
    # one of them is 0.064995, printed 0.07
    assert [found["nri_low"], found["nri_high"]] == pytest.approx([low, high], abs=0.0051)
    assert round(found["nri_p"], 3 if p < 0.01 else 2) == p
    np.testing.assert_array_equal(found["table_events"], events)
    np.testing.assert_array_equal(found["table_nonevents"], nonevents)
    up, down = events[0][1], events[1][0]
    assert found["nri_events"] == pytest.approx((up - down) / 338, rel=1e-12)
    assert (found["nri_up_events"], found["nri_down_events"]) == (up, down)


def test_asah_is_improve_prob_s(engine, shared_data):
    y = (pd.read_csv(shared_data / "tables" / "aSAH.csv")["outcome"] == "Poor").to_numpy(float)
    old, new = np.array(GOLDEN["old"]), np.array(GOLDEN["new"])
    found = engine.reclassification(y, old, new, [0.2, 0.4])
    _assert_hmisc(found, "cnri", GOLDEN["improve_prob_asah"])
    _assert_hmisc(found, "nri", GOLDEN["improve_prob_asah_categories"])
    _assert_idi(found, GOLDEN["improve_prob_asah"])


def _assert_hmisc(found, name, golden):
    for ours, theirs in HMISC.items():
        assert found[f"{name}{ours}"] == pytest.approx(golden[theirs], rel=1e-10), ours
    half = 1.959963984540054 * golden["se.nri"]
    assert [found[f"{name}_low"], found[f"{name}_high"]] == pytest.approx(
        [golden["nri"] - half, golden["nri"] + half], rel=1e-10
    )
    for part, n, short in (("events", "na", "ev"), ("nonevents", "nb", "ne")):
        for way in ("up", "down"):
            assert found[f"{name}_{way}_{part}"] == pytest.approx(golden[n] * golden[f"p{way}.{short}"], abs=1e-9)


def _assert_idi(found, golden):
    for ours, theirs in (
        ("idi", "idi"),
        ("idi_z", "z.idi"),
        ("idi_events", "improveSens"),
        ("idi_nonevents", "improveSpec"),
    ):
        assert found[ours] == pytest.approx(golden[theirs], rel=1e-9), ours


SCRIPT = """
if (!requireNamespace("Hmisc", quietly = TRUE)) { cat("none"); quit() }
x <- read.csv(commandArgs(TRUE)[1])
cuts <- c(0.2, 0.4, 0.7)
code <- function(p) findInterval(p, cuts, left.open = TRUE) / length(cuts)
one <- function(d, f) lapply(unclass(Hmisc::improveProb(f(d$a), f(d$b), d$y)), as.numeric)
found <- lapply(split(x, x$case), function(d) list(plain = one(d, identity), categories = one(d, code)))
cat(jsonlite::toJSON(found, digits = NA, auto_unbox = TRUE, na = "null"))
"""


@pytest.mark.r
def test_random_predictions_are_improve_prob_s(tmp_path):
    """Hmisc run here and now: ties, probabilities equal to cut points, cohorts of 20 to 200."""
    rng, frames = np.random.default_rng(8), []
    for case in range(12):
        n = int(rng.integers(20, 200))
        digits = (1, 2, 6)[case % 3]
        a, b = np.round(rng.uniform(0.05, 0.95, (2, n)), digits)
        y = (rng.random(n) < b).astype(int)
        y[:2] = 0, 1
        frames.append(pd.DataFrame({"case": case, "y": y, "a": a, "b": np.where(rng.random(n) < 0.3, a, b)}))
    pd.concat(frames).to_csv(tmp_path / "cases.csv", index=False)
    (tmp_path / "run.R").write_text(SCRIPT)
    done = subprocess.run(
        ["Rscript", "--vanilla", "run.R", "cases.csv"], cwd=tmp_path, capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stderr
    if done.stdout == "none":
        pytest.skip("Hmisc is not installed: apt-get install r-cran-hmisc")
    golden = json.loads(done.stdout)
    for case, frame in enumerate(frames):
        found = reclassification(
            frame["y"].to_numpy(), frame["a"].to_numpy(), frame["b"].to_numpy(), np.array([0.2, 0.4, 0.7])
        )
        _assert_hmisc(found, "cnri", golden[str(case)]["plain"])
        _assert_hmisc(found, "nri", golden[str(case)]["categories"])
        _assert_idi(found, golden[str(case)]["plain"])


def test_sex2_is_logistf_s_anova(engine, shared_data):
    """The call stands in the golden file; fitted there to 1e-12."""
    table = np.genfromtxt(shared_data / "tables" / "sex2.csv", delimiter=",", names=True)

    def design(names):
        return np.column_stack([np.ones(len(table)), *(table[name] for name in names)])

    large = design(["age", "oc", "vic", "vicl", "vis", "dia"])
    tests = {key: value for key, value in GOLDEN["anova_sex2"].items() if key != "call"}
    assert len(tests) == 3
    for small, golden in tests.items():
        found = engine.likelihood_ratio_firth(design(small.split("+")), large, table["case"])
        assert found["statistic"] == pytest.approx(golden["statistic"], rel=1e-9)
        assert found["df"] == golden["df"]
        assert found["p"] == pytest.approx(golden["p"], rel=1e-7)
    more = json.loads((shared_data / "r_golden" / "golden_more.json").read_text())["firth_sex2"]
    found = engine.likelihood_ratio_firth(large[:, :1], large, table["case"])
    # logistf's own tolerance
    assert found["statistic"] == pytest.approx(2 * (more["loglik"][0] - more["loglik"][1]), abs=2e-5)
