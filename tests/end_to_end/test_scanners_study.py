"""Images of four synthetic scanners through the whole program: what pooled folds hide and a scanner left out shows."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner

from prldh.cli import cli
from prldh.pipeline import analyze

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.mark.slow
def test_the_study_of_four_scanners(tmp_path, monkeypatch):
    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path / "cache"))
    done = CliRunner().invoke(cli, ["demo", "--data-only", str(tmp_path / "data")])
    assert done.exit_code == 0, done.output
    again = CliRunner().invoke(cli, ["demo", "--data-only", str(tmp_path / "data")])
    assert again.exit_code == 1 and "holds study.yaml already" in again.output
    analyze(tmp_path / "data" / "scanners" / "study.yaml", tmp_path / "out")
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    effects = [s["details"].get("effect") for s in results["tissues"]["lesion"]["selection"]["steps"]]
    (effect,) = [each for each in effects if each]
    eta = np.array([pair for pair in effect["eta_squared"].values() if None not in pair])
    assert np.median(eta[:, 0]) > 0.3 > 0.02 > np.median(eta[:, 1])
    assert effect["permanova"]["before"]["p"] == 0.001 and effect["permanova"]["after"]["r2"] < 0.02

    def area(way, scheme, key):
        return results["protocols"][way]["validation"][scheme]["models"][0][key]["estimate"]

    pooled, left_out = (area("as_measured", *own) for own in (("folds", "auc"), ("leave_one_group_out", "auc_mean")))
    assert pooled > left_out  # pooled folds reward telling scanners apart
