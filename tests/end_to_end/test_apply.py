"""``prldh apply``: frozen models on new patients, held to the run itself on its own patients, and to statsmodels on
others."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import yaml
from click.testing import CliRunner
from pages import unmarked
from sklearn.metrics import roc_auc_score

import prldh
from prldh.apply.apply import apply_models
from prldh.apply.validation import describe_new_predictions
from prldh.cli import cli
from prldh.core.entries import NO_INTERVAL
from prldh.core.errors import DataError, OutputError, PluginError, StudyError
from prldh.core.records import Draws
from prldh.demo.features import demo_cohort
from prldh.models.performance import Assessment
from prldh.report.page import render
from prldh.results.measures import MEASURES
from prldh.results.reading import read_external
from prldh.study.statistics import Performance

sys.path.insert(0, str(Path(__file__).parents[1]))
from fitted_steps import Clip

pytestmark = pytest.mark.usefixtures("undrawn")

SIZES = {"n_radiomics": 30, "n_deep": 12}
TISSUES = {t: {"features": {s: f"{t}_{s}_reader1.csv" for s in ("radiomics", "deep")}} for t in ("disc", "muscle")}


def write_cohort(folder, n, draw, prefix):
    folder.mkdir()
    for name, table in demo_cohort(n, draw=draw, **SIZES).tables.items():
        if "reader2" not in name:
            table.assign(patient_id=prefix + table["patient_id"]).to_csv(folder / name, index=False)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A study of two tissues, a covariate of each kind, groups, and adjusted models."""
    folder = write_cohort(tmp_path_factory.mktemp("apply") / "study", 120, 0, "S")
    clinical = pd.read_csv(folder / "clinical.csv")
    clinical["grade"] = np.random.default_rng(0).choice(["I", "II", "III"], len(clinical))
    clinical.to_csv(folder / "clinical.csv", index=False)
    study = {
        "clinical": {
            "table": "clinical.csv",
            "id": "patient_id",
            "outcome": "recurrence",
            "event": "yes",
            "covariates": {
                "age": "continuous",
                "sex": "categorical",
                "grade": {"type": "ordinal", "levels": ["I", "II", "III", "IV"]},
            },
        },
        "engine": "python",
        "if_empty": "best",
        "tissues": TISSUES,
        "selection": [{"correlation": {"outcome": 0.25}}],
        "report": {"figures": []},
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0},
        "performance": {"decision_bootstrap": 20, "partial_auc_bootstrap": 20},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    prldh.analyze(folder / "study.yaml", folder.parent / "run", jobs=1)
    return folder.parent / "run"


@pytest.fixture
def other(run, tmp_path):
    """Another hospital's tables and a cohort file."""
    folder = write_cohort(tmp_path / "other", 100, 5, "B")
    clinical = pd.read_csv(folder / "clinical.csv", dtype=str)
    clinical["grade"] = np.random.default_rng(1).choice(["I", "II", "III"], len(clinical))
    clinical.to_csv(folder / "clinical.csv", index=False)
    return write_file(folder, {"name": "Hospital B", "clinical": {"table": "clinical.csv"}, "tissues": TISSUES})


def write_file(folder, content):
    path = folder / "cohort.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def change(path, **columns):
    """Cells of the clinical table: column → {row: text}."""
    clinical = pd.read_csv(path.parent / "clinical.csv", dtype=str)
    for column, cells in columns.items():
        for row, text in cells.items():
            clinical.loc[row, column] = text
    clinical.to_csv(path.parent / "clinical.csv", index=False)


def test_on_its_own_patients_a_run_says_what_it_said(run):
    own = write_file(
        run.parent / "study", {"name": "The same", "clinical": {"table": "clinical.csv"}, "tissues": TISSUES}
    )
    found = apply_models(run, own, force=True)
    assert (
        found["n"] == 120
        and "120 of 120 new patients have ids of the study's patients" in found["warnings"][0]["message"]
    )
    data = json.loads((run / "results.json").read_text())
    said = pd.read_csv(run / "predictions.csv").query("scheme == 'apparent'").reset_index(drop=True)
    mine = pd.read_csv(run / found["folder"] / "predictions.csv")
    assert (mine[["id", "model", "adjusted"]] == said[["id", "model", "adjusted"]]).all().all()
    np.testing.assert_allclose(mine["log_odds"], said["log_odds"], atol=1e-9)
    assert {m["name"] for m in data["models"]} == {"Disc Radscore", "Muscle Radscore", "Disc and muscle groups"}
    for entry, applied in zip(data["models"], found["models"], strict=True):
        assert applied["auc"]["estimate"] == pytest.approx(entry["auc"]["estimate"], abs=1e-12)
        assert applied["confusion"] == entry["confusion"]
        # which is calibrated on its own patients; Firth's predictions lean to 1/2
        if entry["fit"] == "maximum likelihood":
            assert applied["slope"]["estimate"] == pytest.approx(1, abs=1e-5) and applied["citl"][
                "estimate"
            ] == pytest.approx(0, abs=1e-6)
            assert applied["observed_expected"]["estimate"] == pytest.approx(1, abs=1e-6)


def test_numbers_that_may_stand_for_blanks_are_told_of_new_patients(run, other):
    change(other, age={0: "-999", 5: "-999"})
    (told,) = [w["message"] for w in apply_models(run, other)["warnings"] if w["code"] == "PRL-147"]
    assert told.startswith("clinical.csv: 'age' is -999 in 2 of 100 rows, and 26 to 90 in others.")


@pytest.mark.parametrize(
    ("change_age", "told"),
    [
        (lambda age, k: age, None),
        (lambda age, k: 12 * age, r"^age \(mean \d+\.?\d* against \d+\.?\d*, \d+\.\d SD away\): far from"),
        (lambda age, k: 2.2 * age if k < 15 else age, r"^age \(1\d of 100 far beyond the study's \d+ to \d+\): far"),
    ],
)
def test_covariates_far_from_the_study_s_are_told_as_features_are(run, other, change_age, told):
    ages = pd.read_csv(other.parent / "clinical.csv")["age"]
    order = np.argsort(-ages.to_numpy())
    change(other, age={int(i): str(change_age(ages[i], k)) for k, i in enumerate(order)})
    messages = [w["message"] for w in apply_models(run, other, force=True)["warnings"] if w["code"] == "PRL-156"]
    assert (not messages) if told is None else re.search(told, *messages)


@pytest.fixture(scope="module")
def clipped(run):
    """The same study with values clipped before and after a choice, by a selector that is given."""
    study = yaml.safe_load((run.parent / "study" / "study.yaml").read_text())
    study["selection"] = [{"clip": {"share": 0.1}}, {"correlation": {"outcome": 0.25}}, {"clip": {"share": 0.3}}]
    study["tissues"] = {"disc": TISSUES["disc"]}
    study["validation"] = {"leave_one_out": False, "folds": 3, "bootstrap": 0}
    (run.parent / "study" / "clipped.yaml").write_text(yaml.safe_dump(study))
    prldh.analyze(run.parent / "study" / "clipped.yaml", run.parent / "clipped", jobs=1, plugins=[Clip()])
    return run.parent / "clipped"


def test_steps_that_change_values_are_applied_to_new_patients(run, clipped):
    """Its own patients as new ones get the predictions of the run; each patient alone as well."""
    folder = run.parent / "study"
    said = pd.read_csv(clipped / "predictions.csv").query("scheme == 'apparent' and model == 'Disc Radscore'")
    tissues = {"disc": TISSUES["disc"]}
    own = write_file(folder, {"name": "Own", "clinical": {"table": "clinical.csv"}, "tissues": tissues})
    found = apply_models(clipped, own, plugins=[Clip()])
    mine = pd.read_csv(clipped / found["folder"] / "predictions.csv")
    np.testing.assert_allclose(mine["log_odds"], said["log_odds"], atol=1e-9)
    clinical = pd.read_csv(folder / "clinical.csv", dtype=str)
    clinical.iloc[[7]].to_csv(folder / "one.csv", index=False)
    one = write_file(folder, {"name": "One", "clinical": {"table": "one.csv"}, "tissues": tissues})
    alone = pd.read_csv(clipped / apply_models(clipped, one, plugins=[Clip()])["folder"] / "predictions.csv")
    assert alone["log_odds"].tolist() == mine[mine["id"] == alone["id"][0]]["log_odds"].tolist()


def test_the_report_speaks_of_the_values_that_the_score_reads(run, clipped):
    data = json.loads((clipped / "results.json").read_text())["tissues"]["disc"]
    chain = json.loads((clipped / "model.json").read_text())["tissues"]["disc"]["chain"]
    assert [(s["step"], s["kind"]) for s in chain if s["source"] == "radiomics"] == [
        ("clip", "transforms values"),
        ("columns", "chooses columns"),
        ("clip", "transforms values"),
        ("columns", "chooses columns"),
    ]
    assert [s["name"] for s in data["selection"]["steps"] if s["source"] == "deep"] == ["clip", "correlation", "clip"]
    table = pd.read_csv(clipped / "reproduce" / "features.csv.gz", header=None, index_col=1).drop(columns=0)
    own = pd.read_csv(run.parent / "study" / "disc_radiomics_reader1.csv")
    feature = next(f for f in data["selection"]["features"] if data["selection"]["sources"][f] == "radiomics")
    last = [s["state"] for s in chain if (s["step"], s["source"]) == ("clip", "radiomics")][-1]
    j = last["names"].index(feature)
    expected = np.clip(own[feature], last["low"][j], last["high"][j])  # the wider limits of before change nothing then
    np.testing.assert_array_equal(table.loc[feature], expected)
    assert data["radscore"]["center"][feature] == pytest.approx(expected.mean())


def test_a_frozen_step_whose_plugin_is_absent_or_of_another_version_is_one_message(run, clipped):
    content = {"name": "N", "clinical": {"table": "clinical.csv"}, "tissues": {"disc": TISSUES["disc"]}}
    cohort = write_file(run.parent / "study", content)
    with pytest.raises(
        PluginError, match="tissues.disc: the models were made with 'clip' of the plugin .*Clip', which is"
    ):
        apply_models(clipped, cohort)
    newer = Clip()
    newer.version = "4"
    with pytest.raises(DataError, match="'clip' is of version 3, and version 4 is installed.*analyze … --force"):
        apply_models(clipped, cohort, plugins=[newer])
    assert not (clipped / "external" / "N").exists()


def test_models_of_before_are_applied_as_they_were(tmp_path):
    """``patients.csv`` holds what the program of schema 1 said of these patients, by the ``model.json`` beside it."""
    place = Path(__file__).parents[1] / "golden" / "data" / "model_schema_1"
    shutil.copytree(place, tmp_path / "run")
    patients = pd.read_csv(tmp_path / "run" / "patients.csv", dtype={"id": str})
    patients[["id", "age", "sex"]].to_csv(tmp_path / "clinical.csv", index=False)
    patients.drop(columns=["age", "sex"]).to_csv(tmp_path / "features.csv", index=False)
    content = {"clinical": {"table": "clinical.csv"}, "tissues": {"tumour": {"features": "features.csv"}}}
    found = apply_models(tmp_path / "run", write_file(tmp_path, {"name": "New", **content}))
    mine = pd.read_csv(tmp_path / "run" / found["folder"] / "predictions.csv")
    for is_adjusted, column in ((False, "log_odds"), (True, "log_odds_adjusted")):
        assert mine[mine["adjusted"] == is_adjusted]["log_odds"].tolist() == patients[column].tolist()
    assert mine[~mine["adjusted"]]["radscore_tumour"].tolist() == patients["radscore"].tolist()
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    results["tissues"]["tumour"]["selection"]["images_kept"] = {"uctransnet": {"P1": [0]}}
    (tmp_path / "run" / "results.json").write_text(json.dumps(results))
    with pytest.raises(DataError, match="tissues.tumour: its selection chose among single images, which model.json"):
        apply_models(tmp_path / "run", write_file(tmp_path, {"name": "Other", **content}))
    model = json.loads((tmp_path / "run" / "model.json").read_text())
    (tmp_path / "run" / "model.json").write_text(json.dumps(model | {"schema": "prldh-model/3"}))
    with pytest.raises(DataError, match="is not of the schema 'prldh-model/2'. Run `prldh analyze … --force` again"):
        apply_models(tmp_path / "run", write_file(tmp_path, {"name": "Other", **content}))


def test_external_numbers_are_those_of_statsmodels(run, other):
    found = apply_models(run, other, force=True)
    predictions = pd.read_csv(run / found["folder"] / "predictions.csv")
    assert found["n"] == 100 and found["is_validated"] and not found["warnings"]
    for m in found["models"]:
        own = predictions[(predictions["model"] == m["name"]) & (predictions["adjusted"] == m["adjusted"])]
        y, eta, p = own["outcome"].to_numpy(), own["log_odds"].to_numpy(), own["probability"].to_numpy()
        assert m["auc"]["estimate"] == pytest.approx(roc_auc_score(y, p), abs=1e-12)
        fit = sm.Logit(y, sm.add_constant(eta)).fit(disp=0, tol=1e-12)
        assert (
            m["slope"]["estimate"] == pytest.approx(fit.params[1], rel=1e-6)
            and m["slope"]["low"] < fit.params[1] < m["slope"]["high"]
        )
        shift = sm.GLM(y, np.ones(len(y)), family=sm.families.Binomial(), offset=eta).fit(tol=1e-12)
        low, high = shift.conf_int()[0]
        assert [m["citl"][k] for k in ("estimate", "low", "high")] == pytest.approx(
            [shift.params[0], low, high], rel=1e-5
        )
        assert m["observed_expected"]["estimate"] == pytest.approx(y.sum() / p.sum(), rel=1e-9)
        assert m["confusion"]["tp"] == int(np.sum((p > m["threshold"]) & (y == 1)))
        assert m["calibration"]["brier"] == pytest.approx(np.mean((p - y) ** 2), rel=1e-9)
        assert m["calibration"]["slope"] == pytest.approx(m["slope"]["estimate"], rel=1e-5)


def test_who_lacks_something_is_left_out_with_the_reason(run, other):
    change(other, age={2: ""}, sex={3: "unknown", 7: "Male"}, grade={4: "IV", 5: "NA"})
    features = pd.read_csv(other.parent / "disc_deep_reader1.csv", dtype=str)
    features.drop(index=6).to_csv(other.parent / "disc_deep_reader1.csv", index=False)
    found = apply_models(run, other, force=True)
    assert found["n"] == 94 and found["n_read"] == 100
    assert {e["id"]: e["reason"] for e in found["excluded"]} == {
        "BF0003": "blank: age",
        "BF0004": "sex 'unknown', which no patient of the study had",
        # declared, and nobody's: the models have no coefficient of it
        "BF0005": "grade 'IV', which no patient of the study had",
        "BF0006": "blank: grade",
        "BF0007": "not in disc_deep_reader1.csv",
        "BF0008": "sex 'Male', which no patient of the study had ('male' had)",
    }


def test_a_patient_whom_a_table_has_under_another_writing_of_the_id_is_told_and_not_left_out(run, other):
    features = pd.read_csv(other.parent / "disc_deep_reader1.csv", dtype=str)
    features.loc[6, "patient_id"] = features.loc[6, "patient_id"].lower()
    features.to_csv(other.parent / "disc_deep_reader1.csv", index=False)
    told = (
        r"1 patients of clinical.csv are not in disc_deep_reader1.csv. 'BF0007' and 'bf0007' look alike: .* Write ids"
    )
    with pytest.raises(DataError, match=told):
        apply_models(run, other, force=True)


def test_features_that_are_not_the_studys_are_told(run, other):
    """Another unit, and another tissue's table of the same names, which no name tells."""
    name = next(
        f["name"]
        for f in json.loads((run / "model.json").read_text())["tissues"]["disc"]["chain"][-1]["state"]["features"]
        if "radiomics" in f["name"]
    )
    table = pd.read_csv(other.parent / "disc_radiomics_reader1.csv")
    table[name] = 1000 * table[name] + 1e6
    table.to_csv(other.parent / "disc_radiomics_reader1.csv", index=False)
    (warning,) = apply_models(run, other, force=True)["warnings"]
    assert (
        warning["message"].startswith(f"tissue disc: the mean of {name} (") and "more than 3 SD" in warning["message"]
    )


def test_without_outcomes_there_are_predictions_alone(run, other):
    clinical = pd.read_csv(other.parent / "clinical.csv", dtype=str)
    clinical.drop(columns="recurrence").to_csv(other.parent / "clinical.csv", index=False)
    found = apply_models(run, other, force=True)
    assert found["events"] is None and not found["is_validated"] and "auc" not in found["models"][0]
    assert "outcome" not in pd.read_csv(run / found["folder"] / "predictions.csv").columns
    render(run)
    assert "Their outcome is not known" in unmarked((run / "report.html").read_text())


def test_patients_of_one_outcome_are_predicted(run, other):
    change(other, recurrence=dict.fromkeys(range(100), "no"))
    found = apply_models(run, other, force=True)
    assert (
        found["events"] == 0
        and not found["is_validated"]
        and len(pd.read_csv(run / found["folder"] / "predictions.csv")) == 600
    )
    render(run)
    assert "All of them have the same outcome" in unmarked((run / "report.html").read_text())


def test_other_names_of_columns_and_one_table_of_all_features(run, other):
    clinical = pd.read_csv(other.parent / "clinical.csv", dtype=str)
    expected = apply_models(run, other, force=True)
    clinical.rename(columns={"patient_id": "MRN", "recurrence": "relapse"}).replace({"yes": "1", "no": "0"}).to_csv(
        other.parent / "clinical.csv", index=False
    )
    for tissue in ("disc", "muscle"):
        both = [pd.read_csv(other.parent / f"{tissue}_{s}_reader1.csv") for s in ("radiomics", "deep")]
        both[0].merge(both[1], on="patient_id").rename(columns={"patient_id": "MRN"}).to_csv(
            other.parent / f"{tissue}.csv", index=False
        )
    content = {
        "name": "Hospital B",
        "clinical": {"table": "clinical.csv", "id": "MRN", "outcome": "relapse", "event": 1},
        "tissues": {t: {"features": f"{t}.csv"} for t in ("disc", "muscle")},
    }
    found = apply_models(run, write_file(other.parent, content), force=True)
    assert found["models"] == expected["models"] and found["case_mix"] == expected["case_mix"]


def test_how_far_it_is_is_told_from_the_first_to_the_last(run, other):
    """So that nobody waits in silence: a stage that is open is told again."""
    told = []
    apply_models(run, other, force=True, progress=lambda *step: told.append(step))
    own = [step for step in told if step[0] == "models on new patients"]
    assert own == [("models on new patients", k, 2) for k in range(3)] and (told[0], told[-1]) == (own[0], own[-1])


def test_tables_of_new_patients_are_read_as_the_cohort_file_says(run, other):
    expected = apply_models(run, other, force=True)
    read = {"separator": ";", "decimal": ",", "encoding": "utf-16-le"}
    for path in other.parent.glob("*.csv"):
        pd.read_csv(path).to_csv(path, index=False, sep=";", decimal=",", encoding="utf-16-le")
    tissues = {
        tissue: {"features": {source: {"path": name, "read": read} for source, name in given["features"].items()}}
        for tissue, given in TISSUES.items()
    }
    clinical = {"table": "clinical.csv", "read": read}
    found = apply_models(
        run, write_file(other.parent, {"name": "Hospital B", "clinical": clinical, "tissues": tissues}), force=True
    )
    assert found["models"] == expected["models"] and found["case_mix"] == expected["case_mix"]


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        ({"clinical": {"table": "absent.csv"}}, DataError, "table not found"),
        ({"tissues": {"disk": TISSUES["disc"]}}, DataError, "'disk' is no tissue of the study"),
        (
            {"tissues": {}},
            DataError,
            "no model can be applied. .*tissues.disc: the Radscore is made from features, and none are given",
        ),
        (
            {"tissues": {t: {"features": "clinical.csv"} for t in TISSUES}},
            DataError,
            "features of the Radscore are in none of its tables",
        ),
        ({"clinical": {"table": "clinical.csv", "outcome": "relapse"}}, DataError, "has no column 'relapse'"),
        ({"clinical": {"table": "clinical.csv", "event": "maybe"}}, DataError, "'maybe' does not occur"),
        ({"nam": "x"}, StudyError, "unknown key 'nam'; did you mean 'name'"),
        ({"name": ""}, StudyError, "name"),
    ],
)
def test_mistakes_are_told(run, other, content, error, message):
    before = [e["name"] for e in read_external(run)]
    full = {"name": "Wrong", "clinical": {"table": "clinical.csv"}, "tissues": TISSUES, **content}
    with pytest.raises(error, match=message):
        apply_models(run, write_file(other.parent, full))
    assert [e["name"] for e in read_external(run)] == before, "nothing is written"


@pytest.mark.parametrize("column", ["patient_id", "recurrence", "sex", "grade", "age"])
@pytest.mark.parametrize("cell", ["#REF!", "#BLOCKED!", "=A3"])
def test_a_failed_cell_of_a_workbook_is_told_as_analyze_tells_it(run, other, column, cell):
    clinical = pd.read_csv(other.parent / "clinical.csv")
    clinical[column] = clinical[column].astype(object)
    clinical.loc[3, column] = cell
    clinical.to_excel(other.parent / "clinical.xlsx", index=False)
    content = {"name": "Wrong", "clinical": {"table": "clinical.xlsx"}, "tissues": TISSUES}
    what = "a formula whose value is not stored" if cell == "=A3" else "an error of the spreadsheet"
    with pytest.raises(DataError, match=f"row 5.*, column '{column}': '{cell}' is {what}"):
        apply_models(run, write_file(other.parent, content))


def test_what_is_there_is_kept_and_what_is_no_run_is_told(run, other, tmp_path):
    apply_models(run, other, force=True)
    with pytest.raises(OutputError, match="is there already"):
        apply_models(run, other)
    with pytest.raises(DataError, match="no results in"):
        apply_models(tmp_path, other)
    done = CliRunner().invoke(cli, ["apply", str(run), str(other)])
    assert done.exit_code == 1 and done.output.count("\n") == 1 and "--force to replace it" in done.output
    done = CliRunner().invoke(cli, ["apply", str(run), str(tmp_path / "absent.yaml")])
    assert done.exit_code == 1 and "cohort file not found" in done.output


def test_the_report_shows_it_and_says_when_models_have_changed(run, other):
    change(other, sex={0: "<script>"})
    content = yaml.safe_load(other.read_text()) | {"name": "Hospital <b>&"}
    done = CliRunner().invoke(cli, ["apply", str(run), str(write_file(other.parent, content)), "--force"])
    assert done.exit_code == 0 and "100 new patients" not in done.output and "99 new patients" in done.output, (
        done.output
    )
    render(run)
    page = unmarked((run / "report.html").read_text())
    section = page.split('<section id="plugin-external-validation">')[1].split("</section>")[0]
    assert "<h3>Hospital &lt;b&gt;&amp;</h3>" in section and "sex &#39;&lt;script&gt;&#39;, which no patient" in section
    own = section.split("<h3>Hospital &lt;b&gt;&amp;</h3>")[1].split("<h3>")[0]
    assert own.count('<figure id="figure-external-Hospital') == own.count("<svg") == 6
    assert (
        min(f.name for f in (run / read_external(run)[0]["folder"] / "figures").iterdir() if f.name[0] != ".")
        == "calibration_adjusted.svg"
    )
    assert (
        "made no part of them" in section
        and "are of other models" not in section
        and '<a href="#plugin-external-validation">' in page
    )
    model = run / "model.json"
    text = model.read_text()
    try:
        model.write_text(text + " ")
        render(run)
        assert "are of other models than this report’s" in unmarked((run / "report.html").read_text())
    finally:
        model.write_text(text)


def test_a_model_without_finite_coefficients_is_not_applied(tmp_path):
    n = 60
    y = np.arange(n) % 3 == 0
    clinical = pd.DataFrame(
        {
            "id": [f"P{i}" for i in range(n)],
            "y": y.astype(int),
            "marker": y + np.arange(n) / n,
            "score": np.arange(n) % 7,
        }
    )
    clinical.to_csv(tmp_path / "clinical.csv", index=False)
    study = {
        "clinical": {
            "table": "clinical.csv",
            "id": "id",
            "outcome": "y",
            "event": 1,
            "covariates": {"marker": "continuous"},
        },
        "engine": "python",
        "separation": "warn",
        "tissues": {"s": {"radscore": "score"}},
        "report": {"figures": []},
        "adjust": [],
        "models": [{"name": "Marker", "terms": ["marker"]}, {"name": "Score", "terms": ["s"]}],
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
    }
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    prldh.analyze(tmp_path / "study.yaml", tmp_path / "run", jobs=1)
    found = apply_models(
        tmp_path / "run", write_file(tmp_path, {"name": "Same", "clinical": {"table": "clinical.csv"}})
    )
    marker, score = found["models"]
    assert (
        "no finite coefficient of" in marker["not_applied"]
        and "marker" in marker["not_applied"]
        and score["not_applied"] is None
    )
    assert set(pd.read_csv(tmp_path / "run" / "external" / "Same" / "predictions.csv")["model"]) == {"Score"}


def test_calibration_of_predictions_that_do_not_vary_or_are_separated(engine_python):
    y, draws = np.array([0, 1, 0, 1, 1]), Draws(np.zeros((0, 5), int), np.zeros((0, 5), int))
    assessment = Assessment(engine_python, Performance(), draws, MEASURES)
    flat = describe_new_predictions(y, np.zeros(5), 0.5, assessment)
    assert flat["slope"].estimate is None and flat["citl"].estimate == pytest.approx(np.log(1.5))
    apart = describe_new_predictions(y, np.where(y == 1, 3.0, -3.0), 0.5, assessment)
    assert apart["slope"] == NO_INTERVAL and np.isfinite(apart["citl"].high)
    # one of three with log odds of -800 had the event: they are shifted to a third, whose information is 3 x 2/9
    wrong = describe_new_predictions(y, np.array([-800.0, -800, -800, 800, 800]), 0.5, assessment)["citl"]
    half = 1.959964 / np.sqrt(2 / 3)
    assert (wrong.low, wrong.estimate, wrong.high) == pytest.approx([800 + np.log(0.5) + d for d in (-half, 0, half)])
    certain = describe_new_predictions(y, np.where(y == 1, 800.0, -800.0), 0.5, assessment)
    assert certain["citl"].low is None and certain["citl"].high is None


@pytest.fixture
def engine_python():
    from prldh.engines.python import PythonEngine

    return PythonEngine()


@pytest.mark.slow
def test_new_patients_from_images(tmp_path, monkeypatch):
    """Measured with the study's settings: the Radscore is its formula on the values that `prldh extract` gives."""
    pytest.importorskip("SimpleITK", reason="images need SimpleITK")
    from make_image_cohort import write_cohort as write_images

    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path / "cache"))
    study = yaml.safe_load(write_images(tmp_path / "study", 24).read_text())
    study |= {"if_empty": "best", "selection": [{"correlation": {"outcome": 0.5}}, {"lasso_svm_rfe": {"folds": 3}}]}
    study["validation"] = {"leave_one_out": False, "folds": 0, "bootstrap": 0}
    (tmp_path / "study" / "study.yaml").write_text(yaml.safe_dump(study))
    prldh.analyze(tmp_path / "study" / "study.yaml", tmp_path / "run", jobs=2)
    write_images(tmp_path / "other", 8, seed=2)
    (tmp_path / "other" / "images" / "P002_image.nii.gz").write_bytes(b"no image")
    content = {
        "name": "Other scanner",
        "clinical": {"table": "clinical.csv"},
        "tissues": {"disc": {"images": "disc.csv"}},
    }
    found = apply_models(tmp_path / "run", write_file(tmp_path / "other", content), jobs=2)
    assert (
        found["n"] == 7
        and [e["id"] for e in found["excluded"]] == ["P002"]
        and "P002_image" not in found["excluded"][0]["reason"]
    )
    features = prldh.extract(tmp_path / "other" / "study.yaml", None, jobs=2).tables["disc"][0]
    score = json.loads((tmp_path / "run" / "results.json").read_text())["tissues"]["disc"]["radscore"]
    by_hand = score["intercept"] + sum(
        b * (features[f] - score["center"][f]) / score["scale"][f] for f, b in score["coefficients"].items()
    )
    said = (
        pd.read_csv(tmp_path / "run" / found["folder"] / "predictions.csv")
        .query("not adjusted")
        .set_index("id")["radscore_disc"]
    )
    np.testing.assert_allclose(said, by_hand[said.index], rtol=1e-9)
