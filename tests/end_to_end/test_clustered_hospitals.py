"""Schemes by columns where several rows are one patient's, or models have patients of their own: what is said of them
is of these patients, and true."""

from __future__ import annotations

import csv
import json
import re

import numpy as np
import pandas as pd
import pytest
from pages import unmarked

import prldh
from prldh.run.terminal import summarise_run

pytestmark = [pytest.mark.usefixtures("undrawn"), pytest.mark.ci]


def study_of(folder, n_patients: int = 60, rows: int = 2, blanks: int = 0) -> dict:
    rng = np.random.default_rng(5)
    n, patient = n_patients * rows, np.repeat(np.arange(n_patients), rows)
    x = rng.normal(size=n_patients)[patient] + 0.6 * rng.normal(size=n)
    age = rng.normal(60, 8, n).round(1).astype(str)
    age[rng.choice(n, blanks, replace=False)] = ""
    table = {
        "id": [f"L{i:03d}" for i in range(n)],
        "who": [f"P{p:03d}" for p in patient],
        "y": (rng.random(n) < 1 / (1 + np.exp(-1.2 * x))).astype(int),
        "hospital": np.array(list("ABC"))[patient % 3],
        "part": np.where(patient % 5 < 3, "train", "test"),
        "sex": np.where(rng.random(n_patients) < 0.5, "f", "m")[patient],
        "age": age,
        "score": x.round(4),
    }
    pd.DataFrame(table).to_csv(folder / "clinical.csv", index=False)
    columns = {"id": "id", "outcome": "y", "event": 1, "columns": {"centre": "hospital", "set": "part", "sex": "sex"}}
    return {
        "engine": "python",
        "clinical": {"table": str(folder / "clinical.csv"), "covariates": {"age": "continuous"}, **columns}
        | ({"patient": "who"} if rows > 1 else {}),
        "tissues": {"disc": {"radscore": "score"}},
        "models": [{"name": "Disc", "terms": ["disc"]}, {"name": "Both", "terms": ["disc", "age"]}],
        "adjust": [],
        "validation": {
            "leave_one_out": False,
            "folds": 3,
            "bootstrap": 0,
            "leave_one_group_out": {"column": "centre"},
            "split": {"column": "set"},
            "monte_carlo": {"test": 0.3, "repeats": 4},
            "scope": ["model"],
        },
        "subgroups": ["sex"],
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0},
        "report": {"figures": ["svg"], "checklists": ["clear", "metrics", "tripod-ai"]},
    }


@pytest.fixture(scope="module")
def clustered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clustered")
    prldh.analyze(study_of(folder), folder / "out")
    return folder / "out", json.loads((folder / "out" / "results.json").read_text(encoding="utf-8"))


def test_rows_are_called_patients_nowhere(clustered):
    """120 rows are of 60 patients: in the page, the terminal, warnings and checklists."""
    folder, results = clustered
    told = summarise_run(prldh.read_results(folder), folder)
    assert told.split("\n")[0].endswith(f"120 rows of 60 patients, {results['cohort']['events']} events")
    told += repr(prldh.read_results(folder)) + "".join(w["message"] for w in results["warnings"])
    pages = [folder / "report.html", *(folder / "checklists").glob("*.html")]
    told += "".join(unmarked(page.read_text(encoding="utf-8")) for page in pages)
    assert len(pages) == 4 and "120 rows" in told
    assert not re.findall(r".{40}\b120 patients.{40}", told) and "Characteristics of patients with" not in told


def test_subgroups_are_of_the_scheme_that_leads(clustered):
    _, results = clustered
    assert results["subgroups"]["sex"]["scheme"] == "leave_one_group_out"


def test_groups_with_few_patients_of_a_class_have_no_interval_however_many_rows_they_have(tmp_path):
    study = study_of(tmp_path, n_patients=24, rows=4) | {"report": {"figures": ["svg"]}, "subgroups": []}
    del study["validation"]["split"]
    prldh.analyze(study, tmp_path / "out")
    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    held = results["models"][0]["validation"]["model"]
    groups = held["leave_one_group_out"]["groups"]
    assert all(10 <= g["events"] <= g["n"] - 10 for g in groups)  # rows: 8 patients each
    assert [g["auc"]["low"] for g in groups] == [None] * 3
    assert all("fewer than 10 patients" in g["auc"]["reason"] for g in groups)


def test_sentences_of_clustered_rows_name_what_they_are_by(clustered):
    folder, _ = clustered
    page = unmarked((folder / "report.html").read_text(encoding="utf-8"))
    page = re.sub(r"<svg.*?</svg>|<script.*?</script>|<style.*?</style>", "", page, flags=re.DOTALL)
    assert "AUC with Obuchowski's interval" in page
    for untrue in ("AUC with DeLong", "is DeLong's, conditional", "Clopper–Pearson intervals, at", "{ROC}"):
        assert untrue not in page
    assert page.count('Observed / expected</th><th scope="col">Rows</th>') == 2
    assert "Hartung, Knapp, Sidik and Jonkman" in page and "corrected resampled intervals" in page
    assert "mean AUC over folds has an interval" not in page


def test_checklists_point_at_the_folder_of_plain_r_and_name_no_interval_that_is_not_there(clustered):
    folder, _ = clustered
    assert (folder / "reproduce" / "analysis.R").exists()
    cells = []
    for path in (folder / "checklists").glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            cells += [cell for row in csv.reader(file) for cell in row]
    assert any(cell.startswith("in the output folder: the analysis in plain R") for cell in cells)
    assert not any("Clopper" in cell for cell in cells)


def test_models_with_patients_of_their_own_have_groups_as_well(tmp_path):
    study = study_of(tmp_path, n_patients=100, rows=1, blanks=9) | {
        "missing": "by_model",
        "report": {"figures": ["svg"]},
    }
    prldh.analyze(study, tmp_path / "out")
    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    everyone, own = (m["validation"]["model"]["leave_one_group_out"] for m in results["models"])
    assert [g["level"] for g in own["groups"]] == [g["level"] for g in everyone["groups"]] == list("ABC")
    assert sum(g["n"] for g in own["groups"]) == 91 and own["auc_groups"]["n_groups"] == 3


def test_tables_count_those_who_are_held_out(clustered):
    folder, _ = clustered
    table = pd.read_csv(folder / "tables" / "validation.csv")
    predictions = pd.read_csv(folder / "predictions.csv")
    for scheme in ("split", "folds", "leave_one_group_out"):
        own = predictions[predictions["model"].eq("Disc") & predictions["scheme"].eq(scheme)]
        row = table[table["model"].eq("Disc") & table["scheme"].eq(scheme)].iloc[0]
        assert (row["n"], row["events"]) == (len(own), own["outcome"].sum())
    assert table.loc[table["scheme"].eq("split"), "n"].lt(120).all()


def test_new_patients_with_several_rows_are_told_as_such(clustered, tmp_path):
    folder, _ = clustered
    study_of(tmp_path, n_patients=50)
    cohort = tmp_path / "cohort.yaml"
    cohort.write_text(f"name: other\nclinical: {{table: {(tmp_path / 'clinical.csv').as_posix()}}}\n", encoding="utf-8")
    prldh.apply_models(folder, cohort)
    prldh.render(folder)
    page = unmarked((folder / "report.html").read_text(encoding="utf-8"))
    assert "CI, Obuchowski)" in page and "CI, DeLong)" not in page and "CI, Clopper–Pearson)" not in page
