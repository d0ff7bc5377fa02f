"""Numbers that stand for blanks are told by column, and no number that was measured is."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from prldh.core import DataError
from prldh.data import read_cohort, read_features
from prldh.data.coded import coded_blanks, coded_levels
from prldh.data.imaging import Images
from prldh.study import read_study

N = 60
SHARED = Path(__file__).parents[2] / "shared" / "data" / "tables"
SHARED = SHARED if SHARED.is_dir() else Path("/work/shared/data/tables")
RNG = np.random.default_rng(3)
AGES = RNG.normal(60, 9, N).round()
MEASURED = {
    "ages": lambda r, n: r.normal(60, 10, n).round(),
    "differences": lambda r, n: r.normal(r.uniform(-10, 10), r.uniform(1, 10), n).round(),
    "a laboratory value": lambda r, n: r.lognormal(2, 1.5, n).round(1),
    "a skewed feature": lambda r, n: r.lognormal(0, 3, n),
    "counts": lambda r, n: r.negative_binomial(0.3, 0.3 / (0.3 + r.choice([0.3, 3, 30])), n),
    "a score": lambda r, n: r.choice(5, n, p=r.dirichlet(np.ones(5))),
    "a score from 6": lambda r, n: r.choice([6, 7, 8, 9, 10], n, p=r.dirichlet(np.full(5, 0.5))),
    "a score about 0": lambda r, n: r.choice([-1, 0, 1], n, p=r.dirichlet(np.ones(3))),
    "two groups": lambda r, n: r.choice([-1, 1], n),
    "zeros and volumes": lambda r, n: np.where(r.random(n) < 0.6, 0, r.lognormal(3, 1, n)),
    "a limit of detection": lambda r, n: np.minimum(r.lognormal(3, 1.5, n), 500),
}


@pytest.mark.parametrize("code", [-1, -9, -99, -999, -9999, 999, 9999, 999999, -1000, 2**31 - 1, -(2**15)])
@pytest.mark.parametrize("n", [2, 8])
def test_a_code_among_ages_is_told_with_its_count(code, n):
    assert coded_blanks(np.array([*AGES, *[code] * n, np.nan])) == [(float(code), n)]


def test_codes_are_told_beside_each_other_and_of_scores():
    assert coded_blanks(np.array([*AGES, 888, 999, 999])) == [(888.0, 1), (999.0, 2)]
    assert coded_blanks(np.array([0, 1, 2, 3, 4] * 6 + [9] * 3)) == [(9.0, 3)]
    assert coded_blanks(np.array([0, 1] * 20 + [99] * 2)) == [(99.0, 2)]
    assert coded_blanks(np.array([*RNG.normal(3, 1, N), *[5000.5] * 3])) == [(5000.5, 3)]
    assert coded_levels({"1": 20, "2": 20, "99": 3}) == ["99"] and coded_levels({"a": 20, "b": 3, "99": 3}) == []


@pytest.mark.parametrize("draw", MEASURED.values(), ids=MEASURED)
def test_what_was_measured_is_told_once_in_hundreds_of_columns_at_most(draw):
    rng = np.random.default_rng(11)
    told = [coded_blanks(np.asarray(draw(rng, n), dtype=float)) for n in (20, 50, 200) for _ in range(400)]
    assert sum(map(bool, told)) <= 4


@pytest.mark.skipif(not SHARED.is_dir(), reason="the real tables are not here")
@pytest.mark.parametrize("name", ["WORC-Liver.gz", "Song2020.gz", "Wang2024.gz", "Li2020.gz"])
def test_no_real_feature_is_told(name):
    with gzip.open(SHARED / name) as file:
        features = pd.read_csv(file).select_dtypes("number")
    assert [name for name in features if coded_blanks(features[name].to_numpy(float))] == []


def _messages(folder, covariates, read=None, **columns):
    clinical = {"id": [f"P{i:02d}" for i in range(N)], "relapse": ["yes", "no"] * (N // 2), "age": AGES, **columns}
    pd.DataFrame(clinical).to_csv(folder / "c.csv", index=False)
    values = RNG.normal(size=(N, 3))
    values[:2, 1] = -999
    pd.DataFrame(values, columns=["f1", "f2", "f3"]).assign(id=clinical["id"]).to_csv(folder / "f.csv", index=False)
    said = {"table": "c.csv", "id": "id", "outcome": "relapse", "event": "yes", "covariates": covariates}
    said |= {"read": read} if read else {}
    study, _ = read_study({"clinical": said, "tissues": {"disc": {"features": "f.csv"}}, "missing": "complete_case"})
    cohort, told = read_cohort(study, folder)
    _, also = read_features(study, folder, cohort, Images())
    return [(w.code, w.message) for w in (*told, *also)]


def test_a_run_names_column_value_and_count_of_both_tables(tmp_path):
    crp = np.where(np.arange(N) % 10 == 0, 9999, RNG.lognormal(2, 1, N).round(1))
    (clinical, features) = _messages(tmp_path, {"age": "continuous", "crp": "continuous"}, crp=crp)
    assert clinical[0] == features[0] == "PRL-147"
    assert "c.csv: 'crp' is 9999 in 6 of 60 rows, and " in clinical[1]
    assert clinical[1].endswith('If that stands for a blank, say read: {missing: ["9999"]} for this table.')
    assert "f.csv: 'f2' is -999 in 2 of 60 rows, and " in features[1]
    codes = [code for code, _ in _messages(tmp_path, {"crp": "continuous"}, {"missing": ["9999"]}, crp=crp)]
    assert codes == ["PRL-010", "PRL-147"]


def test_a_level_and_a_value_of_the_outcome_are_told_likewise(tmp_path):
    smoker = ["0", "1", "0", "1", "9"] * (N // 5)
    told = dict(_messages(tmp_path, {"smoker": "categorical"}, smoker=smoker))
    assert "'smoker': 12 cells with '9' are read as a level." in told["PRL-141"]
    with pytest.raises(DataError, match=r'has 3 values: .* or say read: {missing: \["9"\]} under clinical'):
        _messages(tmp_path, {}, relapse=["0", "1", "0", "1", "9"] * (N // 5))
