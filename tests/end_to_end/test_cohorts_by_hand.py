"""``prldh apply`` on three cohorts, and every number again from the tables: numpy, SciPy and statsmodels, and nothing
of prldh's."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import yaml
from scipy import optimize, stats

import prldh
from prldh.apply import apply_models

pytestmark = pytest.mark.usefixtures("undrawn")
NAMES = ["original_a", "original_b", "wavelet_c", "wavelet_d"]
UNIT, MEAN = np.array([1e-3, 4.0, 250.0, 1.0]), np.array([0.5, -10.0, 4e4, 0.0])
MIXING = np.array([[1.0, 0.6, 0.0, 0.2], [0.0, 0.8, -0.5, 0.0], [0.0, 0.0, 0.9, 0.4], [0.0, 0.0, 0.0, 0.7]])
SHIFT = {"North": 0.0, "South": 0.4, "East": -0.3}


def draw(name: str, n: int, seed: int, shift: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    z = rng.normal(size=(n, 4)) + shift
    age = np.round(rng.normal(62, 11, n), 1)
    eta = -0.4 + (0.9 - abs(shift)) * (z[:, 0] - 0.7 * z[:, 2]) + 0.03 * (age - 62)
    table = pd.DataFrame((z @ MIXING) * UNIT + MEAN, columns=NAMES)
    table.insert(0, "id", [f"{name}-{i:03d}" for i in range(n)])
    return table.assign(
        age=age, y=np.where(rng.random(n) < 1 / (1 + np.exp(-eta)), "1", "0"), part=np.where(np.arange(n) % 3, "b", "a")
    )


@pytest.fixture(scope="module")
def tables():
    tables = {"study": draw("S", 160, 41, 0.0)}
    tables |= {name: draw(name, 90 + 20 * k, 42 + k, shift) for k, (name, shift) in enumerate(SHIFT.items())}
    tables["South"].loc[[3, 17, 60], "y"] = ""
    return tables


@pytest.fixture(scope="module")
def applied(tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hand")

    def write(name: str, *dropped: str) -> None:
        (folder / name).mkdir()
        tables[name].drop(columns=[*NAMES, *dropped]).to_csv(folder / name / "clinical.csv", index=False)
        tables[name][["id", *NAMES]].to_csv(folder / name / "features.csv", index=False)

    write("study")
    study = {
        "clinical": {
            "table": str(folder / "study" / "clinical.csv"),
            "id": "id",
            "outcome": "y",
            "event": "1",
            "covariates": {"age": "continuous"},
        },
        "engine": "python",
        "tissues": {"disc": {"features": [str(folder / "study" / "features.csv")]}},
        "selection": [],
        "learner": "logistic",
        "models": [{"name": "Disc", "terms": ["disc"]}, {"name": "Disc and age", "terms": ["disc", "age"]}],
        "adjust": [],
        "comparisons": [],
        "report": {"figures": [], "checklists": []},
        "validation": {"leave_one_out": False, "folds": 4, "bootstrap": 0, "scope": ["pipeline"]},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
    }
    prldh.analyze(study, folder / "run", jobs=1)
    for name in SHIFT:
        write(name, *(["age"] if name == "East" else []))
        content = {
            "name": name,
            "clinical": {"table": "clinical.csv"},
            "tissues": {"disc": {"features": "features.csv"}},
            "recalibrate": {"column": "part", "fit": ["a"]},
        }
        (folder / name / "cohort.yaml").write_text(yaml.safe_dump(content))
    found = apply_models(folder / "run", [folder / name / "cohort.yaml" for name in SHIFT], recalibrate="slope")
    return found, json.loads((folder / "run" / "results.json").read_text())


def logistic(x, y):
    return sm.Logit(y, sm.add_constant(x, has_constant="add")).fit(disp=0, tol=1e-14, maxiter=100)


@pytest.fixture(scope="module")
def by_hand(tables):
    """Log odds of everyone by each model: a logistic model of the features is the score, and one of it is itself."""
    study = tables["study"]
    y = (study["y"] == "1").to_numpy(float)
    z = [(table[NAMES] - study[NAMES].mean()) / study[NAMES].std() for table in tables.values()]
    score = logistic(z[0].to_numpy(), y)
    scores = {name: score.params[0] + own.to_numpy() @ score.params[1:] for name, own in zip(tables, z, strict=True)}
    aged = logistic(np.column_stack([scores["study"], study["age"]]), y)
    return {
        (name, model): eta
        for name, table in tables.items()
        for model, eta in {
            "Disc": scores[name],
            "Disc and age": np.column_stack([np.ones(len(table)), scores[name], table["age"]]) @ aged.params,
        }.items()
    }


def pairs(y, eta):
    """The AUC and DeLong's variance, pair by pair."""
    events, others = eta[y == 1], eta[y == 0]
    above = (events[:, None] > others) + 0.5 * (events[:, None] == others)
    return above.mean(), above.mean(axis=1).var(ddof=1) / len(events) + above.mean(axis=0).var(ddof=1) / len(others)


def judged(table, eta):
    """Outcome and log odds of those who judge: part b with an outcome."""
    own = (table["part"] == "b").to_numpy() & (table["y"] != "").to_numpy()
    return (table["y"] == "1").to_numpy(float)[own], eta[own]


def entry_of(applied, name):
    return next(entry for entry in applied[0]["cohorts"] if entry["name"] == name)


def model_of(entry, name):
    return next(model for model in entry["models"] if model["name"] == name)


def test_only_models_whose_columns_are_there_are_applied(applied):
    assert [m["name"] for m in entry_of(applied, "North")["models"]] == ["Disc", "Disc and age"]
    east = entry_of(applied, "East")
    assert [m["name"] for m in east["models"] if "auc" in m] == ["Disc"]
    assert "'age'" in model_of(east, "Disc and age")["not_applied"]
    assert entry_of(applied, "South")["n_without_outcome"] == 3


@pytest.mark.parametrize(
    ("name", "model"), [(n, m) for n in SHIFT for m in ("Disc", "Disc and age") if (n, m) != ("East", "Disc and age")]
)
def test_every_number_of_a_cohort(applied, tables, by_hand, name, model):
    table, eta = tables[name], by_hand[name, model]
    found = model_of(entry_of(applied, name), model)
    y, x = judged(table, eta)
    p = 1 / (1 + np.exp(-x))
    area, variance = pairs(y, x)
    assert found["n"] == len(table) and found["n_judged"] == len(y)
    assert found["auc"]["estimate"] == pytest.approx(area, abs=1e-12)
    assert found["standard_errors"]["auc"] == pytest.approx(np.sqrt(variance), rel=1e-9)
    line = logistic(x, y)
    assert found["slope"]["estimate"] == pytest.approx(line.params[1], rel=1e-5)
    shift = sm.GLM(y, np.ones(len(y)), family=sm.families.Binomial(), offset=x).fit(tol=1e-14)
    assert found["citl"]["estimate"] == pytest.approx(shift.params[0], rel=1e-5)
    assert found["observed_expected"]["estimate"] == pytest.approx(y.sum() / p.sum(), rel=1e-7)
    assert found["calibration"]["brier"] == pytest.approx(np.mean((p - y) ** 2), rel=1e-7)
    positive = p > found["threshold"]
    tp, fp = int((positive & (y == 1)).sum()), int((positive & (y == 0)).sum())
    assert found["confusion"] == {"tp": tp, "fp": fp, "fn": int(y.sum()) - tp, "tn": int((1 - y).sum()) - fp}
    low, high = stats.beta.ppf([0.025, 0.975], [tp, tp + 1], [y.sum() - tp + 1, y.sum() - tp])  # Clopper and Pearson
    sensitivity = found["sensitivity"]
    assert [sensitivity[k] for k in ("estimate", "low", "high")] == pytest.approx([tp / y.sum(), low, high], rel=1e-9)
    # recalibrated on part a, judged on part b
    fits = (table["part"] == "a").to_numpy() & (table["y"] != "").to_numpy()
    again = logistic(eta[fits], (table["y"] == "1").to_numpy(float)[fits])
    recalibrated = found["recalibrated"]
    fitted = [recalibrated["fitted"][k]["estimate"] for k in ("intercept", "slope")]
    assert fitted == pytest.approx(again.params.tolist(), rel=1e-5)
    new = again.params[0] + again.params[1] * x
    expected = y.sum() / (1 / (1 + np.exp(-new))).sum()
    assert recalibrated["observed_expected"]["estimate"] == pytest.approx(expected, rel=1e-6)
    assert recalibrated["slope"]["estimate"] == pytest.approx(line.params[1] / again.params[1], rel=1e-5)


def test_sizes_are_rileys(applied, tables, by_hand):
    """The four closed forms of Riley et al. (2021), of these patients' log odds and the study's held-out AUC."""
    found = model_of(entry_of(applied, "North"), "Disc")
    y, eta = (tables["North"]["y"] == "1").to_numpy(float), by_hand["North", "Disc"]
    y_judged, _ = judged(tables["North"], eta)
    share, p, cut = found["sample_size"]["prevalence"], 1 / (1 + np.exp(-eta)), found["threshold"]
    assert share in (pytest.approx(y.mean()), pytest.approx(y_judged.mean()))
    in_study = next(m for m in applied[1]["models"] if m["name"] == "Disc")
    c = in_study["validation"]["pipeline"]["folds"]["auc"]["estimate"]
    w = p * (1 - p)
    information = np.array([[w.mean(), (w * eta).mean()], [(w * eta).mean(), (w * eta**2).mean()]])
    n_slope = np.linalg.inv(information)[1, 1] / (0.2 / 3.92) ** 2
    sensitivity, specificity = p[p > cut].sum() / p.sum(), (1 - p[p <= cut]).sum() / (1 - p).sum()
    weight = (1 - share) / share * cut / (1 - cut)
    n_benefit = (
        sensitivity * (1 - sensitivity) / share
        + weight**2 * specificity * (1 - specificity) / (1 - share)
        + weight**2 * (1 - specificity) ** 2 / (share * (1 - share))
    ) / 0.051**2

    def newcombe(n):
        spread = 1 + (n / 2 - 1) * ((1 - c) / (2 - c) + c / (1 + c))
        return np.sqrt(c * (1 - c) * spread / (n**2 * share * (1 - share))) - 0.1 / 3.92

    by_hand_ = {
        "observed_expected": (1 - share) / (share * 0.051**2),
        "slope": n_slope,
        "auc": optimize.brentq(newcombe, 2, 1e7),
        "net_benefit": n_benefit,
    }
    criteria = {each["name"]: each["n"] for each in found["sample_size"]["criteria"]}
    assert criteria == {name: int(np.ceil(n - 1e-6)) for name, n in by_hand_.items()}
    assert found["sample_size"]["n"] == max(criteria.values())


def test_shift_is_austins_and_mahalanobis(applied, tables):
    study, east = tables["study"][NAMES], tables["East"][NAMES]
    shift = entry_of(applied, "East")["domain_shift"]["disc"]
    for feature in shift["features"]:
        a, b = study[feature["name"]], east[feature["name"]]
        assert feature["smd"] == pytest.approx((b.mean() - a.mean()) / np.sqrt((a.var() + b.var()) / 2), rel=1e-7)
        assert feature["sd_ratio"] == pytest.approx(b.std() / a.std(), rel=1e-7)
    away = (east - study.mean()).to_numpy()
    squared = np.einsum("ij,jk,ik->i", away, np.linalg.inv(study.cov().to_numpy()), away)
    assert shift["mahalanobis"]["median"]["new"] == pytest.approx(np.median(squared), rel=1e-6)
    n, k = study.shape
    for limit in shift["mahalanobis"]["limits"]:
        edge = k * (n**2 - 1) / (n * (n - k)) * stats.f.ppf(limit["share"], k, n - k)
        assert limit["limit"] == pytest.approx(edge, rel=1e-9) and limit["n_beyond"] == (squared > edge).sum()


def test_the_pooled_summary_is_hartungs_and_knapps(applied, tables, by_hand):
    """Of three cohorts on the logit scale: REML by a search, the interval by t with two degrees of freedom."""
    points = []
    for name in SHIFT:
        area, variance = pairs(*judged(tables[name], by_hand[name, "Disc"]))
        points.append((np.log(area / (1 - area)), variance / (area * (1 - area)) ** 2))
    theta, v = np.array(points).T

    def deviance(tau2):
        w = 1 / (v + tau2)
        mean = (w * theta).sum() / w.sum()
        return np.log(v + tau2).sum() + np.log(w.sum()) + (w * (theta - mean) ** 2).sum()

    best = optimize.minimize_scalar(deviance, bounds=(0, 5), method="bounded", options={"xatol": 1e-12})
    tau2 = best.x if deviance(best.x) < deviance(0.0) - 1e-12 else 0.0
    w = 1 / (v + tau2)
    mean = (w * theta).sum() / w.sum()
    error = np.sqrt((w * (theta - mean) ** 2).sum() / 2 / w.sum())
    t = stats.t.ppf(0.975, 2)
    pooled = model_of(applied[0]["pooled"], "Disc")["auc"]
    assert pooled["tau2"] == pytest.approx(tau2, abs=1e-7)
    ends = {"estimate": 0.0, "low": -t * error, "high": t * error}
    ends |= {"prediction_low": -t * np.sqrt(tau2 + error**2), "prediction_high": t * np.sqrt(tau2 + error**2)}
    for key, away in ends.items():
        assert pooled[key] == pytest.approx(1 / (1 + np.exp(-mean - away)), abs=1e-6), key
    assert model_of(applied[0]["pooled"], "Disc and age")["n_cohorts"] == 2
