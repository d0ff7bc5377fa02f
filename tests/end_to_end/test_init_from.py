"""``prldh init --from``: what it writes runs, whatever the tables look like, and says what it guessed."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from prldh.cli import cli
from prldh.data import read_cohort
from prldh.study import read_study

pytestmark = pytest.mark.usefixtures("undrawn")
N = 60


def _tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    generator = np.random.default_rng(11)
    event = np.arange(N) % 5 < 2
    clinical = pd.DataFrame(
        {
            "patient_id": [f"{i:04d}" for i in range(1, N + 1)],
            "hospital": np.where(np.arange(N) % 3 == 0, "Köln", "Bonn"),
            "split": np.where(np.arange(N) % 4 == 0, "test", "train"),
            "age": np.round(generator.normal(60, 9, N), 1),
            "sex": np.where(generator.random(N) < 0.5, "f", "m"),
            "grade": generator.choice(["II", "III", "IV"], N),
            "recurrence": np.where(event, "yes", "no"),
            "months": np.arange(N) + 2,
        }
    )
    values = generator.normal(size=(N, 8)) + 1.2 * event[:, None] * (np.arange(8) < 3)
    features = pd.DataFrame(np.round(values, 4), columns=[f"original_glcm_{j}" for j in range(8)])
    features.insert(0, "patient_id", clinical["patient_id"])
    return clinical, features


def _second(features: pd.DataFrame) -> pd.DataFrame:
    noise = 0.1 * np.random.default_rng(2).normal(size=(N, 8))
    return features.assign(**{name: features[name] + noise[:, j] for j, name in enumerate(features.columns[1:])})


def _german(table: pd.DataFrame, path) -> None:
    table.to_csv(path, index=False, sep=";", decimal=",", encoding="cp1252")


def _write(folder, kind: str) -> list[str]:
    """Tables of one kind in a folder; their names."""
    clinical, features = _tables()
    if kind == "csv":
        clinical.to_csv(folder / "clinical.csv", index=False)
        features.to_csv(folder / "disc_reader1.csv", index=False)
        _second(features).to_csv(folder / "disc_reader2.csv", index=False)
        return ["disc_reader1.csv", "clinical.csv", "disc_reader2.csv"]
    if kind == "semicolons":
        _german(clinical, folder / "Klinik.csv")
        _german(features, folder / "disc.csv")
        return ["Klinik.csv", "disc.csv"]
    if kind == "workbook":
        with pd.ExcelWriter(folder / "clinical.xlsx") as book:
            pd.DataFrame({"note": ["drawn twice"]}).to_excel(book, sheet_name="Notes", index=False)
            clinical.to_excel(book, sheet_name="Data", index=False, startrow=1)
        more = pd.concat([features, features.tail(1).assign(patient_id="0099")])
        more.assign(patient_id=more["patient_id"].astype(int)).to_parquet(folder / "disc.parquet")
        return ["clinical.xlsx", "disc.parquet"]
    clinical["age"] = clinical["age"].astype(str).where(np.arange(N) > 1, "n/a")
    wide = pd.concat([features.iloc[:, 1:].add_suffix(f"_{k}") for k in range(5)], axis=1)
    pd.concat([clinical, wide], axis=1).to_csv(folder / "all.tsv", sep="\t", index=False, encoding="utf-16")
    return ["all.tsv"]


SAID = {
    "csv": ["disc: {features: [disc_reader1.csv, disc_reader2.csv]}   # guess: by the name of the file; 2 readers"],
    "semicolons": [
        'read: {separator: ";", decimal: ",", encoding: cp1252}',
        'disc: {features: [{path: disc.csv, read: {separator: ";", decimal: ","}}]}',
    ],
    "workbook": ["read: {sheet: Data, join: inner, ids: number}", "disc: {features: [disc.parquet]}"],
    "one table": ["read: {missing: [n/a]}", "tissue: {features: [{path: all.tsv, read: {missing: [n/a]}}]}"],
}


@pytest.mark.parametrize(("kind", "said"), SAID.items(), ids=SAID)
def test_what_is_written_runs(tmp_path, monkeypatch, kind, said):
    monkeypatch.chdir(tmp_path)
    names = _write(tmp_path, kind)
    done = CliRunner().invoke(cli, ["init", ".", "--from", *names])
    assert done.exit_code == 0, done.stderr
    assert "tried: " in done.stdout and "to be mended" not in done.stdout
    text = (tmp_path / "study.yaml").read_text(encoding="utf-8")
    for line in [
        *said,
        "id: patient_id   # guess",
        "outcome: recurrence   # guess",
        "event: yes   # guess: by what it says (24 of 60)",
        "columns: {centre: hospital, set: split",
        "age: continuous   # guess",
        "sex: categorical   # guess",
        "grade: {type: ordinal, levels: [II, III, IV]}   # guess",
        "# months was left out: may be known only after the outcome",
    ]:
        assert line in text
    cohort, _ = read_cohort(*read_study(tmp_path / "study.yaml"))
    assert cohort.n == (58 if kind == "one table" else N)
    again = CliRunner().invoke(cli, ["init", ".", "--from", *names])
    assert again.exit_code == 1 and "exists already" in again.stderr
    if kind in ("semicolons", "workbook"):
        quick = re.sub(
            r"validation: .*", "validation: {leave_one_out: false, folds: 4, bootstrap: 0, scope: model}", text
        )
        quick = quick.replace("engine: both", "engine: python") + "selection: [correlation: {outcome: 0.1}]\n"
        quick += "yardstick: false\nperformance: {partial_auc_bootstrap: 0, decision_bootstrap: 0}\n"
        (tmp_path / "study.yaml").write_text(quick, encoding="utf-8")
        ran = CliRunner().invoke(cli, ["analyze", "study.yaml", "--out", "out", "--jobs", "1"])
        assert ran.exit_code == 0, ran.stderr
        results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
        provenance = json.loads((tmp_path / "out" / "provenance.json").read_text(encoding="utf-8"))
        assert results["cohort"]["n"] == N and {f["path"] for f in provenance["files"]} == set(names)


def test_the_folder_may_stand_behind_the_tables(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = _write(tmp_path, "csv")
    done = CliRunner().invoke(cli, ["init", "--from", *names, "study"])
    assert done.exit_code == 0, done.stderr
    assert "[../disc_reader1.csv, ../disc_reader2.csv]" in (tmp_path / "study" / "study.yaml").read_text().replace(
        '"', ""
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c.drop(columns=["recurrence", "sex", "hospital", "split"]), "no column has two values"),
        (lambda c: c.drop(columns=["patient_id", "months"]), "could be the id"),
        (lambda c: None, "table not found"),
    ],
)
def test_tables_that_cannot_be_a_study_are_told(tmp_path, change, told):
    table = change(_tables()[0])
    if table is not None:
        table.to_csv(tmp_path / "c.csv", index=False)
    done = CliRunner().invoke(cli, ["init", str(tmp_path / "new"), "--from", str(tmp_path / "c.csv")])
    assert done.exit_code == 1 and told in done.stderr and not (tmp_path / "new").exists()


def test_what_stands_in_the_way_of_a_run_is_told(tmp_path):
    clinical, features = _tables()
    clinical.to_csv(tmp_path / "c.csv", index=False)
    features.iloc[1:].to_csv(tmp_path / "disc.csv", index=False)
    done = CliRunner().invoke(
        cli, ["init", str(tmp_path), "--from", str(tmp_path / "c.csv"), str(tmp_path / "disc.csv")]
    )
    assert (
        done.exit_code == 0 and "to be mended first: tissues.disc.features: ids do not match: 1 patients" in done.stdout
    )


def test_names_and_levels_that_yaml_would_misread_are_quoted(tmp_path):
    clinical = _tables()[0].rename(columns={"sex": "true", "age": "a: b\u00a0#1", "grade": "null"})
    clinical["null"] = clinical["null"].map({"II": "12:30", "III": "two\nlines", "IV": "010"})
    clinical.to_csv(tmp_path / "c.csv", index=False)
    done = CliRunner().invoke(cli, ["init", str(tmp_path), "--from", str(tmp_path / "c.csv")])
    assert done.exit_code == 0 and "tried: 60 patients" in done.stdout, done.output
    study, folder = read_study(tmp_path / "study.yaml")
    assert list(study.clinical.covariates) == ["a: b\u00a0#1", "true", "null"]
    assert set(read_cohort(study, folder)[0].covariates[2].levels) == {"12:30", "two\nlines", "010"}


def test_blank_features_are_filled_and_a_tissue_has_a_name_of_its_own(tmp_path):
    clinical, features = _tables()
    clinical.to_csv(tmp_path / "c.csv", index=False)
    features.loc[3, "original_glcm_1"] = np.nan
    features.to_csv(tmp_path / "age.csv", index=False)
    names = [str(tmp_path / name) for name in ("c.csv", "age.csv")]
    done = CliRunner().invoke(cli, ["init", str(tmp_path), "--from", *names])
    assert done.exit_code == 0 and "to be mended" not in done.stdout
    study, _ = read_study(tmp_path / "study.yaml")
    assert list(study.tissues) == ["age 2"] and study.transforms == [{"impute": {"method": "median"}}]
