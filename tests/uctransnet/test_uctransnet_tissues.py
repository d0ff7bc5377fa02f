"""A network for each tissue: one study file with two, which values, library and heat maps know apart; and the whole
way, from training two networks on real slices of two modalities to heat maps of both."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from make_two_tissues import write_two_tissues
from prldh_uctransnet.checkpoints import file_sha256, hash_patient, save_checkpoint
from prldh_uctransnet.explanation import explain_study
from prldh_uctransnet.workflow import train_study

import prldh
from prldh.core.errors import DataError, StudyError
from prldh.report.page import render

sitk = pytest.importorskip("SimpleITK")

pytestmark = [pytest.mark.usefixtures("undrawn"), pytest.mark.ci]

DATA = Path(__file__).parents[2].parent / "shared" / "data"
CT = Path(__file__).parents[1] / "data" / "totalsegmentator"
N = 12


@pytest.fixture(scope="module")
def other_checkpoint(tmp_path_factory, checkpoint):
    """The network of the fixture with other weights in its encoder."""
    content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    weights = {
        key: value * 0.5 if key.startswith("down4") and value.is_floating_point() else value
        for key, value in content["state_dict"].items()
    }
    path = tmp_path_factory.mktemp("other") / "best.pt"
    save_checkpoint(path, {"state_dict": weights, "prldh": {"patients_sha256": [hash_patient("X")], "epoch": 1}})
    return path


@pytest.fixture(scope="module")
def study(tmp_path_factory, checkpoint, other_checkpoint):
    """Twelve patients whose region is the brighter the likelier the event; the same images as two tissues."""
    folder = tmp_path_factory.mktemp("tissues")
    generator = np.random.default_rng(2)
    cases, clinical = ["id,image,mask"], ["id,y"]
    for i in range(N):
        values = generator.normal(size=(3, 24, 24)).astype(np.float32)
        values[:, 6:18, 6:18] += (2.0 * (i % 2) + generator.normal()) * np.sin(np.arange(12))
        mask = np.zeros(values.shape, np.uint8)
        mask[1, 6:18, 6:18] = mask[2, 8:16, 6:18] = 1
        for name, array in (("i", values), ("m", mask)):
            sitk.WriteImage(sitk.GetImageFromArray(array), str(folder / f"{name}{i}.nii.gz"))
        cases.append(f"P{i},i{i}.nii.gz,m{i}.nii.gz")
        clinical.append(f"P{i},{i % 2}")
    (folder / "cases.csv").write_text("\n".join(cases) + "\n")
    (folder / "clinical.csv").write_text("\n".join(clinical) + "\n")
    own = {"disc": {"checkpoint": str(checkpoint), "slices": "all"}, "muscle": {"checkpoint": str(other_checkpoint)}}
    content = {
        "clinical": {"table": "clinical.csv", "id": "id", "outcome": "y", "event": 1},
        "engine": "python",
        "report": {"figures": []},
        "tissues": {
            name: {"images": "cases.csv", "sources": ["uctransnet"], "extraction": {"uctransnet": settings}}
            for name, settings in own.items()
        },
        "selection": [],
        "learner": {"ridge": {"folds": 3}},
        "second_stage": "as_is",
        "models": [{"name": name, "terms": [name]} for name in own],
        "adjust": [],
        "yardstick": False,
        "extraction": {"uctransnet": {"size": 32, "device": "cpu"}},
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0},
        "performance": {"decision_bootstrap": 0, "partial_auc_bootstrap": 0, "interaction_bootstrap": 0},
    }
    (folder / "study.yaml").write_text(json.dumps(content))
    return folder / "study.yaml"


@pytest.fixture(scope="module")
def values(tmp_path_factory, study):
    """The features of both tissues, as `prldh extract` writes them."""
    out = tmp_path_factory.mktemp("values") / "out"
    return prldh.extract(study, out, jobs=1), out


@pytest.fixture(scope="module")
def run(tmp_path_factory, study):
    out = tmp_path_factory.mktemp("run") / "out"
    return prldh.analyze(study, out, jobs=1), out


def _changed(study: Path, **changes) -> dict:
    content = json.loads(study.read_text())
    content["clinical"]["table"] = str(study.parent / "clinical.csv")
    for tissue in content["tissues"].values():
        tissue["images"] = str(study.parent / "cases.csv")
    return content | changes


def test_each_tissue_is_measured_by_its_own_network(values, checkpoint, other_checkpoint):
    done, _ = values
    for tissue, path in (("disc", checkpoint), ("muscle", other_checkpoint)):
        source = done.about[tissue]["sources"]["uctransnet"]
        assert source["computed"]["checkpoint_sha256"] == file_sha256(path)
        assert source["settings"]["size"] == 32
    disc, muscle = (done.tables[t][0].to_numpy() for t in ("disc", "muscle"))
    assert disc.shape == muscle.shape == (N, 512) and np.abs(disc - muscle).max() > 0.1


def test_heat_maps_of_both_tissues_are_drawn_where_none_is_named(study, run):
    _, out = run
    lines = explain_study(study, out)
    assert [line.split(", ")[0] for line in lines] == ["disc"] * 4 + ["muscle"] * 4
    for tissue, n_slices in (("disc", 2), ("muscle", 1)):
        about = json.loads((out / "explanation" / f"{tissue}.json").read_text())
        assert about["tissue"] == tissue and {p["n_slices"] for p in about["patients"]} == {n_slices}
        drawn = run[0].data["images"][tissue]["sources"]["uctransnet"]["computed"]["checkpoint_sha256"]
        assert about["checkpoint_sha256"] == drawn
    render(out)
    section = (out / "report.html").read_text().split('<section id="plugin-deep-features">')[1].split("</section>")[0]
    assert "<h3>disc</h3>" in section and "<h3>muscle</h3>" in section
    assert section.count('<img src="data:image/png;base64,') == 8


def test_the_checkpoint_of_another_tissue_draws_nothing(study, run, other_checkpoint):
    with pytest.raises(DataError, match="is not the checkpoint that measured 'disc'"):
        explain_study(study, run[1], "disc", checkpoint=other_checkpoint, is_forced=True)
    with pytest.raises(StudyError, match=r"--checkpoint is one tissue's, and disc, muscle have deep features"):
        explain_study(study, run[1], checkpoint=other_checkpoint, is_forced=True)


@pytest.mark.usefixtures("unrepeated")
def test_a_library_for_each_tissue_by_mapping_or_by_its_source(tmp_path, study, values):
    _, out = values
    tables = {t: str(out / "features" / f"{t}.reader1.csv") for t in ("disc", "muscle")}
    by_mapping = _changed(study, selection=[{"feature_library": {"library": tables}}])
    by_source = _changed(study, selection=[{"feature_library": {}}])
    for tissue, table in tables.items():
        by_source["tissues"][tissue]["extraction"]["uctransnet"]["library"] = table
    found = [
        prldh.analyze(content, tmp_path / str(k), jobs=1).data for k, content in enumerate((by_mapping, by_source))
    ]
    for tissue in tables:
        steps = [data["tissues"][tissue]["selection"]["steps"][-1]["details"] for data in found]
        assert steps[0] == steps[1] and steps[0]["n_in_library"] == N
    assert len(found[1]["images"]["disc"]["sources"]["uctransnet"]["computed"]["library_sha256"]) == 64


@pytest.mark.parametrize("way", ["path", "mapping", "source", "renamed"])
def test_a_library_of_another_tissue_or_network_is_refused(tmp_path, study, values, way):
    _, out = values
    disc = str(out / "features" / "disc.reader1.csv")
    content = _changed(study, selection=[{"feature_library": {}}])
    message = "disc.reader1.csv is a library of the tissue 'disc', and these features are of 'muscle'"
    if way == "path":  # one for all, which is the first tissue's
        content["selection"] = [{"feature_library": {"library": disc}}]
    elif way == "mapping":
        content["selection"] = [{"feature_library": {"library": {"disc": disc, "muscle": disc}}}]
    else:
        message = "is a library of another network (checkpoint "
        if way == "renamed":  # another study called its tissue as this one is called
            folder = tmp_path / "features"
            shutil.copytree(out / "features", folder)
            about = json.loads((folder / "disc.json").read_text()) | {"tissue": "muscle"}
            (folder / "disc.json").write_text(json.dumps(about))
            disc = str(folder / "disc.reader1.csv")
        for tissue in content["tissues"].values():
            tissue["extraction"]["uctransnet"]["library"] = disc
    with pytest.raises(DataError, match=message.replace("(", r"\(")):
        prldh.analyze(content, tmp_path / "out", jobs=1)


def test_a_tissue_without_a_library_is_told(tmp_path, study, values):
    disc = str(values[1] / "features" / "disc.reader1.csv")
    content = _changed(study, selection=[{"feature_library": {"library": {"disc": disc}}}])
    with pytest.raises(StudyError, match=r"no library of the tissue 'muscle' is named \(found: those of disc\)"):
        prldh.analyze(content, tmp_path / "out", jobs=1)


@pytest.mark.slow
def test_two_networks_trained_and_used_by_one_study_file(tmp_path):
    """From real slices of two modalities, as synthetic patients, to heat maps of both tissues and the report."""
    mri = DATA / "lumbar_mri"
    if not mri.is_dir():
        pytest.skip("the lumbar MRIs are not here (../shared/data/lumbar_mri)")
    study = write_two_tissues(tmp_path, mri, CT, epochs=1)
    os.environ["PRLDH_CACHE"] = str(tmp_path / "cache")
    for tissue in ("disc", "muscle"):
        log = train_study(study, tmp_path / f"net-{tissue}", tissue)
        plane = {"disc": "sagittal", "muscle": "axial"}[tissue]
        assert log["provenance"]["settings"]["plane"] == plane and log["provenance"]["settings"]["epochs"] == 1
    results = prldh.analyze(study, tmp_path / "run", jobs=1).data
    assert results["cohort"]["n"] == 24 and not any("LEAK" in w["message"] for w in results["warnings"])
    modality = {
        t: results["images"][t]["sources"]["pyradiomics"]["computed"]["setting"]["binWidth"] for t in ("disc", "muscle")
    }
    assert modality == {"disc": 10, "muscle": 25}
    assert {"Groups", "Both"} <= {m["name"] for m in results["models"]} and results["interaction"]
    command = [sys.executable, "-m", "prldh", "explain", str(study), "--results", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    render(tmp_path / "run")
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<summary>disc</summary>" in page and "<summary>muscle</summary>" in page
    ibsi = json.loads((tmp_path / "run" / "checklists" / "ibsi.json").read_text())
    assert any(
        "disc: bin width 10" in str(e["value"]) and "muscle: bin width 25" in str(e["value"]) for e in ibsi["items"]
    )
