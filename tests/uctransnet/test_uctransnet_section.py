"""The report's section on deep features: there where something is to show, escaped, and left out otherwise."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from prldh_uctransnet.checkpoints import hash_patient, read_content, save_checkpoint
from prldh_uctransnet.drawing import FORMER, SCHEMA, Overlay, draw
from prldh_uctransnet.explanation import segmentation_cam
from prldh_uctransnet.heatmaps import gradient_cam
from prldh_uctransnet.section import DeepFeatures
from prldh_uctransnet.settings import Settings
from prldh_uctransnet.slices import Slices
from prldh_uctransnet.source import UCTransNetSource
from test_uctransnet_regions import make_case

from prldh.report import page

NASTY = "<script>"
HISTORY = [{"epoch": e, "loss": 1 / e, "validation_loss": 1.2 / e, "validation_dice": 1 - 0.5 / e} for e in (1, 2, 3)]
TRAINING = {
    "n_patients": 9,
    "n_validation": 2,
    "epoch": 3,
    "validation": HISTORY[-1],
    "settings": {"batch": 32},
    "versions": {},
    "history": HISTORY,
}


def _results(**entry):
    source = {
        "computed": {"checkpoint_sha256": "ab" * 32},
        "trained_on": {"n_trained": 9, "n": 1, "ids": [NASTY]},
        **entry,
    }
    return {
        "cohort": {"n": 30},
        "tissues": {"disc": {}, "muscle": {}},
        "images": {"disc": {"sources": {"uctransnet": source}}},
    }


def test_nothing_to_show_is_nothing(tmp_path):
    assert DeepFeatures().render({"cohort": {"n": 3}, "tissues": {"disc": {}}}, tmp_path) == ""
    assert (
        DeepFeatures().render(
            {"cohort": {"n": 3}, "tissues": {"disc": {}}, "images": {"disc": {"sources": {"pyradiomics": {}}}}},
            tmp_path,
        )
        == ""
    )


def test_provenance_curves_and_who_trained_it(tmp_path):
    html = DeepFeatures().render(_results(computed={"checkpoint_sha256": "ab" * 32, "training": TRAINING}), tmp_path)
    assert (
        "Trained by 9 patients, of whom 2 chose the epoch; epoch 3 was kept, with a validation Dice of 0.833." in html
        and "batch 32" in html
    )
    assert "LEAK: 1 of 30 analysed patients trained it" in html and NASTY not in html and "&lt;script&gt;" in html
    (alt,) = re.findall(r'<img src="data:image/svg\+xml;base64,[^"]+" alt="([^"]+)"', html)
    assert alt.startswith("Training loss from 1.000 to 0.333") and "muscle" not in html
    silent = DeepFeatures().render(_results(trained_on={"n_trained": None, "n": 0, "ids": []}), tmp_path)
    assert "does not say how it was trained" in silent and "<img" not in silent


def test_heat_maps_are_in_it_with_their_numbers(tmp_path):
    picture = np.random.default_rng(0).random((32, 32))
    for stem in ("disc_high_risk_P1", "disc_high_risk_P1_segmentation"):
        draw(
            tmp_path / "explanation",
            stem,
            Overlay("t", picture, picture > 0.5, picture[:2, :2], "m", "RdBu_r", (-1.0, 1.0)),
        )
    patient = {"id": "P1", "level": "high risk", "radscore": 1.234, "deep_part": -0.5, "file": "../disc_high_risk_P1"}
    numbers = {"n_slices": 3, "n_places": 196, "map_sum": -0.1, "share_inside": 0.625, "area_inside": 0.5}
    patient |= numbers
    about = {"schema": SCHEMA, "tissue": "disc", "has_segmentation": True, "patients": [patient]}
    (tmp_path / "explanation" / "disc.json").write_text(json.dumps(about))
    html = DeepFeatures().render(_results(), tmp_path)
    assert html.count('<img src="data:image/png;base64,') == 2
    told = 'alt="Heat map of the Radscore: high risk, patient P1; Radscore 1.23, of it deep −0.50,'
    assert f'{told} of that this slice of 3 −0.10; 62 % of the map inside the outline (50 % of the picture)."' in html
    assert "cut into 196 places" in html and "radiological orientation" in html
    assert 'alt="Grad-CAM of the segmentation: high risk, patient P1."' in html
    (tmp_path / "explanation" / "disc.json").write_text(json.dumps(about | {"schema": FORMER}))
    html = DeepFeatures().render(_results(), tmp_path)
    assert "data:image/png" not in html and "too large by the number of places" in html
    (tmp_path / "explanation" / "disc.json").write_text("{")
    assert "data:image/png" not in DeepFeatures().render(_results(), tmp_path)


def test_an_empty_section_is_left_out(tmp_path):
    made = (("full", "<p>x</p>"), ("empty", " \n"))
    sections = {
        name: (SimpleNamespace(title=name, render=lambda data, folder, html=html: html), "p") for name, html in made
    }
    registry = SimpleNamespace(registered=lambda hook: sections)
    assert [s["name"] for s in page._plugin_sections({}, tmp_path, registry)] == ["full"]


def test_the_source_says_what_trained_its_checkpoint(checkpoint, tmp_path):
    told = {
        "patients_sha256": [hash_patient("A"), hash_patient("B")],
        "validation_sha256": [hash_patient("B")],
        "settings": {"seed": 1},
        "epoch": 3,
    }
    save_checkpoint(tmp_path / "best.pt", {"state_dict": read_content(checkpoint)["state_dict"], "prldh": told})
    settings = Settings(checkpoint=str(tmp_path / "best.pt"))
    found = UCTransNetSource().metadata(settings)
    assert len(found["checkpoint_sha256"]) == 64 and found["training"]["history"] == []
    assert (found["training"]["n_patients"], found["training"]["n_validation"], found["training"]["epoch"]) == (2, 1, 3)
    for provenance, expected in ((told, HISTORY), (told | {"settings": {"seed": 2}}, [])):
        (tmp_path / "training.json").write_text(json.dumps({"history": HISTORY, "provenance": provenance}))
        assert UCTransNetSource().metadata(settings)["training"]["history"] == expected, (
            "another run's log is not this network's"
        )
    (tmp_path / "training.json").write_text("[1]")
    assert UCTransNetSource().metadata(settings)["training"]["history"] == []


def test_segmentation_cam_is_of_the_whole_slice_with_most_of_the_region():
    import torch
    from prldh_uctransnet import UCTransNet

    torch.manual_seed(0)
    values, mask = np.random.default_rng(1).normal(size=(3, 40, 40)).astype(np.float32), np.zeros((3, 40, 40), bool)
    mask[0, 5:10, 5:10] = mask[2, 5:25, 5:25] = True
    network = UCTransNet(image_size=32, width=4).eval()
    segmenter = SimpleNamespace(network=network, plane="acquired", size=32, scale="picture")
    found = segmentation_cam(segmenter, make_case(values, mask), "high risk")
    assert found.picture.shape == (32, 32) == found.outline.shape and found.outline.sum() == pytest.approx(
        (20 * 32 / 40) ** 2
    )
    whole = Slices("P", found.picture[None], found.outline[None])
    cam = gradient_cam(segmenter.network, whole.pictures)[0]
    np.testing.assert_allclose(found.heat, cam / cam.max(), rtol=1e-6)
