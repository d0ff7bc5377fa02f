"""Heat maps: the identity with the Radscore, autograd's Grad-CAM, and the run from images to heat maps."""

from __future__ import annotations

import json
import os
import shutil
import signal

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from matplotlib.figure import Figure
from pages import unmarked
from prldh_uctransnet import UCTransNet
from prldh_uctransnet.checkpoints import load_checkpoint
from prldh_uctransnet.heatmaps import DeepPart, Inside, choose_patients, contribution_maps, gradient_cam
from prldh_uctransnet.regions import edges_of, stack_of
from prldh_uctransnet.source import NAMES

import prldh
from prldh.cli import cli
from prldh.core import Geometry, interruptions
from prldh.core.errors import DataError
from prldh.plugins.registry import Registry
from prldh.report.page import render


@pytest.fixture(scope="module")
def network(checkpoint):
    return load_checkpoint(checkpoint).network


@pytest.fixture
def pictures():
    return np.random.default_rng(0).random((3, 48, 48), dtype=np.float32)


@pytest.fixture
def radscore():
    names = ["uctransnet_003", "uctransnet_100", "original_shape_Sphericity", "uctransnet_511"]
    return {
        "intercept": -0.3,
        "coefficients": dict(zip(names, (1.2, -0.7, 5.0, 0.4), strict=True)),
        "center": dict(zip(names, (0.5, 0.2, 1.0, 0.3), strict=True)),
        "scale": dict(zip(names, (0.3, 0.4, 2.0, 0.1), strict=True)),
    }


def test_the_map_sums_to_the_deep_part(network, pictures, radscore):
    part = DeepPart.of(radscore)
    with torch.inference_mode():
        features = network.embed(torch.from_numpy(pictures)[:, None]).numpy().astype(float)
    by_hand = [
        sum(
            radscore["coefficients"][n] * (x[NAMES.index(n)] - radscore["center"][n]) / radscore["scale"][n]
            for n in radscore["coefficients"]
            if n in NAMES
        )
        for x in features
    ]
    maps = contribution_maps(network, pictures, part, batch=2)
    assert maps.shape == (3, 3, 3)
    assert maps.sum(axis=(1, 2)) == pytest.approx(by_hand, abs=1e-4)
    assert part.value(features.mean(axis=0)) == pytest.approx(np.mean(by_hand), abs=1e-9)


def test_the_map_is_autograd_s_grad_cam_but_for_the_constant(network, pictures, radscore):
    part = DeepPart.of(radscore)
    maps = network.encode(torch.from_numpy(pictures)[:, None])[-1].detach().requires_grad_(True)
    score = (maps.mean((2, 3)) @ torch.from_numpy(part.weights.astype(np.float32))).sum()
    (gradient,) = torch.autograd.grad(score, maps)
    cam = (gradient.mean((2, 3), keepdim=True) * maps).sum(dim=1).detach().numpy()
    found = contribution_maps(network, pictures, part)
    np.testing.assert_allclose(found, cam - part.constant / 9, rtol=1e-4, atol=1e-4)


def test_how_much_of_a_map_is_inside_an_outline():
    """By hand: four places of 2 x 2 pixels; the outline holds the first, and half of the second."""
    heat = np.array([[3.0, -2.0], [1.0, 0.0]])
    outline = np.zeros((4, 4))
    outline[:2, :3] = 1
    found = Inside.of(heat, outline)
    assert (found.share, found.covered) == (pytest.approx((3 + 2 / 2) / 6), pytest.approx(6 / 16))
    assert Inside.of(np.zeros((2, 2)), outline).share is None
    assert Inside.of(heat, np.ones((4, 4))) == Inside(1.0, 1.0)


@pytest.mark.parametrize(
    ("direction", "plane", "edges"),
    [
        ((1, 0, 0, 0, 1, 0, 0, 0, 1), "acquired", "ALPR"),
        ((-1, 0, 0, 0, -1, 0, 0, 0, 1), "acquired", "ALPR"),
        ((0, 0, 1, 1, 0, 0, 0, -1, 0), "acquired", "HPFA"),
        ((1, 0, 0, 0, 1, 0, 0, 0, 1), "sagittal", "HPFA"),
        ((1, 0, 0, 0, 1, 0, 0, 0, 1), "coronal", "HLFR"),
    ],
)
def test_letters_are_where_the_picture_s_edges_lie(direction, plane, edges):
    """Voxels whose value is where they lie: the picture's last row is the one at the bottom's letter."""
    geometry = Geometry((3, 4, 5), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0), direction)
    assert "".join(edges_of(geometry, plane)) == edges
    index = np.stack(np.meshgrid(*map(np.arange, (5, 4, 3)), indexing="ij")[::-1], axis=-1)
    place = index @ np.array(direction, float).reshape(3, 3).T  # left, posterior, superior of every voxel
    for letter, step in zip(edges, ((0, -1), (1, 1), (0, 1), (1, -1)), strict=True):
        (axis,) = (k for k, pair in enumerate(("LR", "PA", "HF")) if letter in pair)
        stack = stack_of(place[..., axis], np.zeros((5, 4, 3), bool), geometry, plane).values
        rise = np.diff(stack, axis=1 + step[0]) * step[1]
        assert (rise > 0).all() if letter in "LPH" else (rise < 0).all()


def test_a_radscore_without_deep_features_is_told():
    with pytest.raises(DataError, match="no deep feature"):
        DeepPart.of({"coefficients": {"original_shape_Sphericity": 1.0}, "center": {}, "scale": {}})


def test_segmentation_grad_cam_is_that_of_its_definition():
    torch.manual_seed(0)
    network = UCTransNet(image_size=32, width=4).eval()
    pictures = np.random.default_rng(0).random((2, 32, 32), dtype=np.float32)
    found = gradient_cam(network, pictures, lambda logits: logits[:, 0].sum((1, 2)))
    for i in range(2):
        *maps, deepest = network.encode(torch.from_numpy(pictures[i : i + 1])[:, None])
        deepest = deepest.detach().requires_grad_(True)
        s1, s2, s3, s4 = network.mtc(maps)
        logits = network.outc(network.up1(network.up2(network.up3(network.up4(deepest, s4), s3), s2), s1))
        (gradient,) = torch.autograd.grad(logits.sum(), deepest)
        expected = torch.relu((gradient.mean((2, 3), keepdim=True) * deepest).sum(1))[0].detach().numpy()
        np.testing.assert_allclose(found[i], expected, rtol=1e-3, atol=1e-6)
    assert (gradient_cam(network, pictures) >= 0).all()


def test_one_patient_a_quarter_of_the_scores():
    scores = {f"P{i:03d}": float(i) for i in range(101)}
    assert choose_patients(scores) == [
        ("high risk", "P087"),
        ("medium-high risk", "P062"),
        ("medium-low risk", "P037"),
        ("low risk", "P012"),
    ]
    assert [p for _, p in choose_patients({"a": 1.0, "b": 1.0})] == ["a", "b"]


def _write_cohort(folder, n, checkpoint):
    """Patients whose region is the brighter and blotchier the likelier the event, and a study file of deep features
    alone."""
    sitk = pytest.importorskip("SimpleITK")
    generator = np.random.default_rng(2)
    cases, clinical = ["id,image,mask"], ["id,y"]
    for i in range(n):
        y = i % 2
        values = generator.normal(size=(3, 40, 40)).astype(np.float32)
        values[:, 8:30, 8:30] += (1.5 * y + generator.normal()) * np.sin(np.arange(22) / 2)
        mask = np.zeros(values.shape, np.uint8)
        mask[1, 8:30, 8:30] = mask[2, 10:28, 8:30] = 1
        for name, array in (("i", values), ("m", mask)):
            sitk.WriteImage(sitk.GetImageFromArray(array), str(folder / f"{name}{i}.nii.gz"))
        cases.append(f"P{i},i{i}.nii.gz,m{i}.nii.gz")
        clinical.append(f"P{i},{y}")
    (folder / "cases.csv").write_text("\n".join(cases) + "\n")
    (folder / "clinical.csv").write_text("\n".join(clinical) + "\n")
    study = {
        "clinical": {"table": "clinical.csv", "id": "id", "outcome": "y", "event": 1},
        "engine": "python",
        "report": {"figures": []},
        "tissues": {"disc": {"images": "cases.csv", "sources": ["uctransnet"]}},
        "selection": [{"lasso_svm_rfe": {"folds": 3}}],
        "if_empty": "best",
        "extraction": {"uctransnet": {"checkpoint": str(checkpoint), "size": 32, "device": "cpu", "slices": "all"}},
        "validation": {"leave_one_out": False, "folds": 0, "bootstrap": 0},
        "performance": {"decision_bootstrap": 10, "partial_auc_bootstrap": 10},
    }
    (folder / "study.yaml").write_text(json.dumps(study))
    return folder / "study.yaml"


def _then_interrupted(replace):
    def moved(*given):
        replace(*given)
        if given[1].parent.name == "explanation" and given[1].suffix == ".png":
            signal.raise_signal(signal.SIGINT)

    return moved


@pytest.mark.slow
def test_from_images_to_heat_maps(tmp_path, checkpoint, monkeypatch):
    """Embeddings, analysis and heat maps of one study file; the numbers on the heat maps are those of the run."""
    monkeypatch.setenv("PRLDH_CACHE", str(tmp_path / "cache"))
    study = _write_cohort(tmp_path, 24, checkpoint)
    results = prldh.analyze(study, tmp_path / "out", jobs=1)
    trained_on = results.data["images"]["disc"]["sources"]["uctransnet"]["trained_on"]
    assert trained_on == {"n_trained": 2, "n": 2, "ids": ["P1", "P2"]}, "the fixture's checkpoint says so"
    assert any(w["message"].startswith("LEAK: tissue disc: 2 of 24") for w in results.data["warnings"])
    Registry().manager.hook.register_commands(cli=cli)
    with monkeypatch.context() as patch:  # interrupted at the second picture
        drawn, save = iter(range(9)), Figure.savefig

        def interrupted(*given, **named):
            if next(drawn) == 1:
                raise KeyboardInterrupt
            return save(*given, **named)

        patch.setattr(Figure, "savefig", interrupted)
        done = CliRunner().invoke(cli, ["explain", str(study), "--results", str(tmp_path / "out")])
    assert done.exit_code == 130 and "interrupted; nothing was left half written" in done.stderr, done.output
    assert not (tmp_path / "out" / "explanation").exists() and not list(tmp_path.rglob(".prldh-*"))
    with monkeypatch.context() as patch:  # and as the first one is put into its place
        patch.setattr(interruptions, "_placed", [])
        patch.setattr("prldh_uctransnet.explanation.os.replace", _then_interrupted(os.replace))
        done = CliRunner().invoke(cli, ["explain", str(study), "--results", str(tmp_path / "out")])
    assert done.exit_code == 130 and done.stderr.endswith("explanation/disc.json.\n"), done.stderr
    assert len(list((tmp_path / "out" / "explanation").iterdir())) == 9  # all of them, and what is said of them
    shutil.rmtree(tmp_path / "out" / "explanation")
    done = CliRunner().invoke(cli, ["explain", str(study), "--results", str(tmp_path / "out"), "--segmentation"])
    assert done.exit_code == 0, done.output
    about = json.loads((tmp_path / "out" / "explanation" / "disc.json").read_text())
    drawn = sorted(p.name for p in (tmp_path / "out" / "explanation").iterdir())
    stems = [p["file"] + kind for p in about["patients"] for kind in ("", "_segmentation")]
    assert len(stems) == 8 and drawn == sorted(["disc.json", *(s + e for s in stems for e in (".png", ".svg"))])
    render(tmp_path / "out")
    page = unmarked((tmp_path / "out" / "report.html").read_text())
    section = page.split('<section id="plugin-deep-features">')[1].split("</section>")[0]
    assert section.count('<img src="data:image/png;base64,') == 8 and "LEAK: 2 of 24 analysed patients" in section
    intercept = results.data["tissues"]["disc"]["radscore"]["intercept"]
    for patient in about["patients"]:
        assert patient["deep_part"] + intercept == pytest.approx(patient["radscore"], rel=2e-4), (
            "all features are deep: their part and the intercept are the score"
        )
        assert patient["n_slices"] == 2 and patient["n_places"] == 4 and 0 < patient["share_inside"] <= 1
    again = CliRunner().invoke(cli, ["explain", str(study), "--results", str(tmp_path / "out")])
    assert again.exit_code == 1 and "holds heat maps of 'disc' already" in again.output
