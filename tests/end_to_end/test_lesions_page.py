"""docs/lesions.md: its study file and commands run, and its defaults are the settings' own."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from imaging_data import GRID, write
from lesion_data import lesions_of

from prldh.checklists import CONSENSUS_WAYS, LESION_WAYS
from prldh.cli import cli
from prldh.data.imaging.image_steps import IMAGE_STEPS

pytest.importorskip("SimpleITK", reason="images need SimpleITK")
pytest.importorskip("prldh_pyradiomics", reason="the plugin prldh-pyradiomics is not installed")
pytestmark = pytest.mark.usefixtures("undrawn")

PAGE = (Path(__file__).parents[2] / "docs" / "lesions.md").read_text(encoding="utf-8")
N = 16


def test_the_pages_defaults_are_the_settings_own():
    sections = dict(re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", PAGE, re.M | re.S))
    assert set(sections) == {step.name for step in IMAGE_STEPS}
    for step in IMAGE_STEPS:
        rows = re.findall(r"^\| `(\w+)` \| `([^`]*)` \|", sections[step.name], re.M)
        assert {key: yaml.safe_load(value) for key, value in rows} == step.Settings().model_dump(mode="json")


def test_the_page_names_every_way():
    named = set(re.findall(r"^\| `(\w+)` \|", PAGE, re.M))
    assert {*LESION_WAYS, *CONSENSUS_WAYS} - {"by_source"} <= named


def _write(folder: Path) -> None:
    cases, clinical = [], []
    for i in range(N):
        patient, rng = f"P{i:02d}", np.random.default_rng(i)
        event = int(rng.random() < 0.5)
        labels = lesions_of(i, 4)
        values = rng.normal(60, 5, labels.shape) + (labels > 0) * (260 + 50 * event + rng.normal(0, 25, labels.shape))
        write(folder / f"{patient}.nii.gz", values.clip(1).astype(np.float32), GRID)
        for reader in (1, 2):
            drawn = labels * (rng.random(labels.shape) < 0.97)
            write(folder / f"{patient}_{reader}.nii.gz", drawn.astype(np.uint8), GRID)
        masks = {f"mask_reader{reader}": f"{patient}_{reader}.nii.gz" for reader in (1, 2)}
        cases += [
            {"patient_id": patient, "lesion": k, "image": f"{patient}.nii.gz", **masks, "label": k} for k in (2, 3, 4)
        ]
        clinical.append({"patient_id": patient, "recurrence": "yes" if event else "no"})
    pd.DataFrame(cases).to_csv(folder / "liver.csv", index=False)
    pd.DataFrame(clinical).to_csv(folder / "clinical.csv", index=False)
    (folder / "few.yaml").write_text("imageType: {Original: {}}\nfeatureClass: {firstorder: [Mean, Entropy, Range]}\n")
    study = yaml.safe_load(re.search(r"```yaml\n(.*?)```", PAGE, re.S)[1]) | {
        "engine": "python",
        "extraction": {"pyradiomics": {"preset": "few.yaml"}},
        "selection": ["icc"],
        "univariate": False,
        "validation": {"leave_one_out": False, "folds": 3, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0},
        "report": {"figures": ["svg"], "checklists": ["ibsi", "clear"]},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(study))


def test_the_commands_of_the_page_run(tmp_path, monkeypatch):
    _write(tmp_path)
    monkeypatch.chdir(tmp_path)
    commands = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.S) for line in block.splitlines()]
    assert len(commands) == 3
    for command in commands:
        done = CliRunner().invoke(cli, command.split()[1:])
        assert done.exit_code == 0, (command, done.output)
    tables = [pd.read_csv(tmp_path / f / "features" / "liver.consensus.csv") for f in ("measured", "results")]
    pd.testing.assert_frame_equal(*tables, check_exact=True)
    assert len(tables[0]) == N
    text = html.unescape(re.sub("<[^>]+>", " ", (tmp_path / "results" / "report.html").read_text(encoding="utf-8")))
    text = " ".join(text.split())
    assert f"{3 * N} lesions of {N} patients, {N} with several (3 at most); a patient is the mean of the three" in text
    assert (
        "Before anything was measured in liver, each image was processed by itself: non-uniformity was corrected"
        in text
    )
    assert (
        "of the image shrunk by a factor of 4; then intensities became z-scores by mean and SD of Otsu's foreground"
        in text
    )
    lists = tmp_path / "results" / "checklists"
    ibsi = pd.read_csv(lists / "ibsi.csv", dtype=str).set_index("number")
    assert "N4 bias-field correction (SimpleITK" in ibsi.loc["45", "value"]
    assert "z-score of intensities" in ibsi.loc["46", "value"] and ibsi.loc["46", "status"] == "filled"
    assert f"{3 * N} lesions of {N} patients" in ibsi.loc["1", "value"]
    clear = pd.read_csv(lists / "clear.csv", dtype=str).set_index("number")
    assert "then z-score of intensities" in clear.loc["21", "value"]
    assert f"{3 * N} lesions" in clear.loc["19", "value"] and "STAPLE" in clear.loc["20", "value"]
