"""The whole way on real tables, both engines: golden values, the schema, the report, and plain R beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from blank import blank_figures
from pages import unmarked
from plain_r import compare_with_plain_r
from schemas import check_schema

import prldh
from prldh.core.errors import DataError
from prldh.results.agreement import judged

pytestmark = pytest.mark.ci

MARKERS = ("wfns", "s100b", "ndka")


@pytest.fixture(scope="session")
def golden(shared_data):
    folder = shared_data / "r_golden"
    return {
        name: json.loads((folder / f"golden_{name}.json").read_text())
        for name in ("asah_binomial", "more", "rmda_asah")
    }


@pytest.fixture(scope="session")
def asah(shared_data, tmp_path_factory):
    """aSAH with its three markers as given scores, and the golden glm as a model of covariates; both engines."""
    folder = tmp_path_factory.mktemp("asah")
    table = pd.read_csv(shared_data / "tables" / "aSAH.csv", dtype=str)
    table.insert(0, "id", [f"{i:03d}" for i in range(1, len(table) + 1)])
    table = table.rename(columns={m: f"{m}_score" for m in MARKERS})
    table = table.assign(s100b_copy=table["s100b_score"], ndka_copy=table["ndka_score"])
    table.to_csv(folder / "asah.csv", index=False)
    study = {
        "title": "aSAH",
        "seed": 5,
        "engine": "both",
        "clinical": {
            "table": str(folder / "asah.csv"),
            "id": "id",
            "outcome": "outcome",
            "event": "Poor",
            "covariates": {
                "age": "continuous",
                "gender": "categorical",
                "s100b_copy": "continuous",
                "ndka_copy": "continuous",
            },
        },
        "tissues": {m: {"radscore": f"{m}_score"} for m in MARKERS},
        "models": [
            *({"name": m, "terms": [m]} for m in MARKERS),
            {"name": "glm", "terms": ["age", "s100b_copy", "ndka_copy"]},
        ],
        "adjust": ["age", "gender"],
        "comparisons": [["wfns", "s100b"], ["wfns", "ndka"], ["s100b", "ndka"], ["s100b", "glm"]],
        "validation": {"leave_one_out": True, "folds": 5, "bootstrap": 15},
        "performance": {"decision_bootstrap": 20, "partial_auc_bootstrap": 60},
    }
    out = folder / "out"
    return prldh.analyze(study, out, jobs=1), out


def _model(results, name, adjusted=False):
    return next(m for m in results["models"] if m["name"] == name and m["adjusted"] == adjusted)


@pytest.mark.r
def test_both_engines_ran_and_agree(asah):
    data = asah[0].data
    assert data["engines"]["reported"] == "r"
    compared = [row for row in data["agreement"] if row["difference"] is not None]
    assert len(compared) > 1000
    worst = max(compared, key=lambda row: judged(row["r"], row["python"]))
    assert judged(worst["r"], worst["python"]) < 1e-8, worst
    for row in data["agreement"]:
        assert row["difference"] is not None or row["reason"]


@pytest.mark.r
@pytest.mark.parametrize("marker", MARKERS)
def test_auc_partial_areas_and_cutoffs_are_procs(asah, golden, marker):
    data, wanted = asah[0].data, golden["asah_binomial"]
    found, roc = _model(data, marker), wanted["roc"][marker]
    assert found["auc"]["estimate"] == pytest.approx(roc["auc"], rel=1e-8)
    assert found["auc"]["variance"] == pytest.approx(roc["var_delong"], rel=1e-8)
    low, _, high = roc["ci_delong_95"]
    assert (found["auc"]["low"], found["auc"]["high"]) == pytest.approx((low, high), rel=1e-8)
    partial = wanted["pauc_1_0.8"][marker]
    assert found["pauc"]["sensitivity"]["estimate"] == pytest.approx(partial["sens"], rel=1e-8)
    assert found["pauc"]["specificity"]["estimate"] == pytest.approx(partial["spec"], rel=1e-8)
    assert found["pauc"]["specificity"]["corrected"] == pytest.approx(partial["spec_corrected"], rel=1e-8)
    youden = wanted["coords"][marker]["youden"]
    assert data["tissues"][marker]["cutoff"] == pytest.approx(youden["threshold"][0], rel=1e-8)
    assert [found["confusion"][k] for k in ("tp", "fp", "fn", "tn")] == [youden[k][0] for k in ("tp", "fp", "fn", "tn")]


@pytest.mark.r
def test_comparisons_are_procs(asah, golden):
    for pair, wanted in golden["asah_binomial"]["roc_test_delong_paired"].items():
        a, b = pair.split("_vs_")
        row = next(
            c
            for c in asah[0].data["comparisons"]
            if (c["a"], c["b"], c["measure"], c["scheme"], c["adjusted"]) == (a, b, "auc", None, False)
        )
        assert row["statistic"] == pytest.approx(wanted["Z"], rel=1e-8)
        assert row["p"] == pytest.approx(wanted["p"], rel=1e-8)
        assert [row["low"], row["high"]] == pytest.approx(wanted["diff_ci_95"], rel=1e-8)


@pytest.mark.r
def test_the_logistic_model_and_its_calibration_are_rs(asah, golden):
    found = _model(asah[0].data, "glm")
    glm, hoslem, val_prob = (
        golden["asah_binomial"]["glm"]["aSAH_age_s100b_ndka"],
        golden["asah_binomial"]["hoslem"]["aSAH_m1_g10"]["value"],
        golden["more"]["val_prob_asah"]["values"],
    )
    assert [t["b"] for t in found["terms"]] == pytest.approx(glm["coef"], rel=1e-8)
    assert [t["se"] for t in found["terms"]] == pytest.approx(glm["se"], rel=1e-8)
    # confint.glm interpolates: right to 2e-4
    for term, (low, high) in zip(found["terms"], glm["ci_profile"], strict=True):
        assert (np.log(term["low"]), np.log(term["high"])) == pytest.approx((low, high), abs=5e-4, rel=5e-4)
    assert found["hosmer_lemeshow"]["statistic"] == pytest.approx(hoslem["chisq"], rel=1e-8)
    assert found["hosmer_lemeshow"]["df"] == hoslem["df"]
    assert found["calibration"]["brier"] == pytest.approx(val_prob["Brier"], rel=1e-8)
    assert found["calibration"]["ici"] == pytest.approx(val_prob["Eavg"], rel=1e-8)
    assert (found["calibration"]["intercept"], found["calibration"]["slope"]) == pytest.approx((0, 1), abs=1e-8)


@pytest.mark.r
def test_decision_curve_is_rmdas(asah, golden):
    columns = golden["rmda_asah"]["curve"]
    model = columns[0]["model"]
    wanted = {round(row["thresholds"], 2): row for row in columns if row["model"] == model}
    for point in _model(asah[0].data, "glm")["decision_curve"]:
        row = wanted.get(round(point["threshold"], 2))
        assert row is not None
        assert point["net_benefit"] == pytest.approx(row["NB"], rel=1e-8, abs=1e-12)
        assert point["standardized"] == pytest.approx(row["sNB"], rel=1e-8, abs=1e-12)


def test_folder_holds_what_the_contract_says(asah):
    results, out = asah
    for name in (
        "report.html",
        "results.json",
        "predictions.csv",
        "provenance.json",
        "model.json",
        "tables",
        "figures",
        "reproduce/analysis.R",
    ):
        assert (out / name).exists(), name
    on_disk = json.loads((out / "results.json").read_text())
    assert on_disk == results.data
    check_schema(on_disk)
    predictions = pd.read_csv(out / "predictions.csv", dtype={"id": str})
    assert list(predictions.columns) == [
        "id",
        "outcome",
        "model",
        "adjusted",
        "scope",
        "scheme",
        "repeat",
        "fold",
        "probability",
        "log_odds",
    ]
    assert "001" in set(predictions["id"])
    for suffix in ("svg", "pdf", "png"):
        assert list((out / "figures").glob(f"roc_unadjusted.{suffix}"))
    provenance = json.loads((out / "provenance.json").read_text())
    assert len(provenance["files"][0]["sha256"]) == 64


def test_held_out_auc_follows_from_the_predictions(asah):
    from scipy.stats import mannwhitneyu

    results, out = asah
    predictions = pd.read_csv(out / "predictions.csv", dtype={"id": str}, keep_default_na=False)
    rows = predictions[(predictions["model"] == "s100b") & (predictions["adjusted"].astype(str) == "True")]
    for scope in ("model", "pipeline"):
        for scheme in ("leave_one_out", "folds"):
            own = rows[(rows["scope"] == scope) & (rows["scheme"] == scheme)]
            assert len(own) == 113
            p, y = own["probability"].astype(float), own["outcome"].astype(int)
            u = mannwhitneyu(p[y == 1], p[y == 0]).statistic / ((y == 1).sum() * (y == 0).sum())
            assert _model(results.data, "s100b", True)["validation"][scope][scheme]["auc"]["estimate"] == pytest.approx(
                u, rel=1e-12
            )


def test_report_is_one_file_with_every_section(asah):
    html = unmarked((asah[1] / "report.html").read_text())
    for section in (
        "answer",
        "patients",
        "table-one",
        "radscores",
        "models",
        "performance",
        "validation",
        "calibration",
        "usefulness",
        "comparisons",
        "agreement",
        "warnings",
        "provenance",
    ):
        assert f'<section id="{section}">' in html
    numbers = '<script type="application/json">'  # of the calculators
    assert set(re.findall(r"<script[^>]*>", html)) <= {"<script>", numbers} and html.count("<script>") == 1
    assert "http" not in html.split("<script>")[1].replace("http://www.w3.org/2000/svg", "")
    for marker in ('src="http', "src='http", 'href="http', "@import", "url(http"):
        assert marker not in html
    for warning in asah[0].data["warnings"]:
        head, _, said = warning["message"].partition(": ")  # what is said of several models stands there once
        for part in (head[:30], said[1:30]):
            assert part.replace("'", "&#39;").replace('"', "&#34;").replace("<", "&lt;").replace(">", "&gt;") in html
    # no p of 0.000
    assert not re.search(r"<td>(<span[^>]*>)?0\.000<", html.split("Statistic</th>")[1].split("</table>")[0])


@pytest.mark.r
def test_plain_r_prints_the_reports_numbers(asah):
    results, out = asah
    assert compare_with_plain_r(results.data, out) > 40 * len(results.data["models"])


# ---------------------------------------------------------------- tables of features


def _radiomics_study(shared_data, name, **changes):
    path = str(shared_data / "tables" / f"{name}.gz")
    return {
        "title": name,
        "seed": 1,
        "engine": "python",
        "clinical": {"table": path, "id": "ID", "outcome": "Target", "event": 1},
        "tissues": {"tumour": {"features": [path]}},
        "validation": {"leave_one_out": False, "folds": 10, "bootstrap": 0},
        **changes,
    }


def test_a_step_that_leaves_nothing_stops_with_the_strongest_candidate(shared_data, tmp_path):
    forest = {"mrmr_forest": {"trees": 20, "sizes": [3, 8], "seeds": 1}}
    study = _radiomics_study(
        shared_data, "Dong2022", selection=["icc", forest, {"correlation": {"outcome": 0.6}}, "lasso_svm_rfe"]
    )
    with pytest.raises(
        DataError,
        match=(
            r"step 'correlation' leaves none.*outcome: 0\.6.*strongest candidate is '.*' \(\|r\| with the outcome"
            r" 0\.\d\d < 0\.6\)"
        ),
    ):
        prldh.analyze(study, tmp_path / "out", jobs=1)
    assert not (tmp_path / "out").exists()
    study["selection"][2]["correlation"]["outcome"] = 0.1
    study["validation"]["folds"] = 0
    with blank_figures():
        assert prldh.analyze(study, tmp_path / "out", jobs=1).data["models"]


def test_study_without_tissues(shared_data, tmp_path):
    path = str(shared_data / "tables" / "sex2.csv")
    table = pd.read_csv(path)
    table.insert(0, "id", range(len(table)))
    table.to_csv(tmp_path / "sex2.csv", index=False)
    study = {
        "clinical": {
            "table": str(tmp_path / "sex2.csv"),
            "id": "id",
            "outcome": "case",
            "event": 1,
            "covariates": {c: "categorical" for c in ("age", "oc", "vic", "vicl", "vis", "dia")},
        },
        "engine": "python",
        "validation": {"leave_one_out": False, "folds": 5, "bootstrap": 20},
    }
    data = prldh.analyze(study, tmp_path / "out", jobs=1).data
    assert [m["name"] for m in data["models"]] == ["Clinical covariates"]
    assert data["interaction"] is None
    assert "radscores" not in unmarked(Path(tmp_path / "out" / "report.html").read_text())
    check_schema(data)
