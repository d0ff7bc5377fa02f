"""What a study file may ask of training: rectangles, scales, schedules, who is held out, and empty masks."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from prldh_uctransnet import training
from prldh_uctransnet.checkpoints import load_checkpoint
from prldh_uctransnet.loading import Ahead, rows_of
from prldh_uctransnet.prediction import Segmenter
from prldh_uctransnet.recipe import Recipe, rate_at
from prldh_uctransnet.regions import pictures_of
from prldh_uctransnet.settings import Settings
from prldh_uctransnet.slices import Slices, slices_of
from prldh_uctransnet.splitting import held_out_of, split_patients
from prldh_uctransnet.training import begin, train
from prldh_uctransnet.validating import validate
from test_uctransnet_regions import make_case
from test_uctransnet_training import TINY, make_slices, write_study

from prldh.core.errors import DataError, PluginError, StudyError
from prldh.plugins import settings_of


def _case(seed=0):
    generator = np.random.default_rng(seed)
    values, mask = generator.normal(size=(4, 40, 44)).astype(np.float32), np.zeros((4, 40, 44), bool)
    mask[1, 5:25, 8:30] = mask[2, 8:20, 10:25] = True
    return make_case(values, mask)


def test_rectangles_are_those_that_the_features_are_of():
    case = _case()
    for margin, roi, scale in ((0.0, "rectangle", "picture"), (3.0, "square", "image")):
        more = {"margin_mm": margin, "roi": roi, "scale": scale}
        found = slices_of(case, Recipe(size=32, on="rectangles", **more))
        expected = pictures_of(case, 0, Settings(size=32, slices="all", **more))
        np.testing.assert_array_equal(found.pictures, expected.astype(np.float16))
    assert slices_of(case, Recipe(size=32, on="rectangles")).targets.all(), "without a margin the mask fills it"
    assert 0.2 < found.targets.mean() < 0.9


def test_grey_values_go_by_the_picture_or_by_the_image():
    case = _case()
    low, high = float(case.image.values.min()), float(case.image.values.max())
    own, whole = (pictures_of(case, 0, Settings(size=32, scale=scale)) for scale in ("picture", "image"))
    assert own.min() == 0 and own.max() == 1 and 0 < whole.min() and whole.max() < 1
    values = whole * (high - low) + low
    np.testing.assert_allclose((values - values.min()) / np.ptp(values), own, atol=1e-5)
    slices = slices_of(case, Recipe(size=48, scale="image"))
    assert max(np.ptp(p) for p in slices.pictures) < 1 and len(slices.pictures) == 4
    case.image.values[0, 0, 0] = np.nan
    with pytest.raises(DataError, match="scale: image cannot go"):
        slices_of(case, Recipe(size=48, scale="image"))


def test_a_network_of_rectangles_draws_no_masks(tmp_path):
    train(make_slices(), TINY.model_copy(update={"on": "rectangles", "epochs": 1}), 1, tmp_path, say=lambda text: None)
    with pytest.raises(DataError, match="trained on rectangles around masks"):
        Segmenter(load_checkpoint(tmp_path / "best.pt"), "cpu")


@pytest.mark.parametrize(
    ("recipe", "rates"),
    [
        ({}, [1, 1, 1, 1]),
        ({"warmup": 1}, [0.5, 1, 1, 1]),
        ({"schedule": "cosine"}, [1, 0.5 + 0.5 * 0.5**0.5, 0.5, 0.5 - 0.5 * 0.5**0.5]),
        ({"schedule": "polynomial"}, [1, 0.75**0.9, 0.5**0.9, 0.25**0.9]),
        ({"schedule": "cosine", "warmup": 2}, [1 / 3, 2 / 3, 1, 0.5]),
    ],
)
def test_the_learning_rate_follows_its_schedule(recipe, rates):
    recipe = Recipe(epochs=4, learning_rate=2e-3, **recipe)
    assert [rate_at(recipe, epoch) / 2e-3 for epoch in (1, 2, 3, 4)] == pytest.approx(rates)


def test_a_schedule_is_kept_when_a_run_goes_on(tmp_path):
    images, recipe = make_slices(), TINY.model_copy(update={"schedule": "cosine", "width": 2})
    whole = train(images, recipe, 3, tmp_path / "whole", say=lambda text: None)
    cut = recipe.model_copy(update={"patience": 1})
    real, scores = training.validate, iter([0.5, 0.1])
    training.validate = lambda run, images: real(run, images) | {"validation_dice": next(scores)}
    try:
        assert len(train(images, cut, 3, tmp_path / "parts", say=lambda text: None)["history"]) == 2
    finally:
        training.validate = real
    parts = train(images, recipe, 3, tmp_path / "parts", is_resumed=True, say=lambda text: None)
    assert parts["history"][2]["loss"] == whole["history"][2]["loss"]
    with pytest.raises(PluginError, match=r"train\.epochs \(3 there, 9 here\)"):
        train(images, recipe.model_copy(update={"epochs": 9}), 3, tmp_path / "parts", is_resumed=True)


def test_what_was_kept_before_a_setting_was_known_is_as_its_default(tmp_path):
    images, recipe = make_slices(), TINY.model_copy(update={"epochs": 1, "width": 2})
    train(images, recipe, 3, tmp_path, say=lambda text: None)
    content = torch.load(tmp_path / "last.pt", weights_only=True)
    for key in ("on", "roi", "margin_mm", "scale", "schedule", "warmup", "workers"):
        content["prldh"]["settings"].pop(key)
    torch.save(content, tmp_path / "last.pt")
    more = recipe.model_copy(update={"epochs": 2})
    assert len(train(images, more, 3, tmp_path, is_resumed=True, say=lambda text: None)["history"]) == 2


def test_a_patient_without_mask_and_answer_has_no_dice():
    """By hand: one patient half right; two of whom nothing is drawn, the network finding nothing in the first."""
    images = make_slices(3)
    targets = [np.zeros((1, 32, 32), np.uint8) for _ in range(3)]
    targets[0][0, :16] = 1
    images = [Slices(s.patient, s.pictures, t) for s, t in zip(images, targets, strict=True)]
    run = begin(TINY, 1)
    answers = iter([(0, 8), (0, 0), (0, 4)])

    def answer(x):
        logits = torch.full((1, 1, 32, 32), -9.0)
        first, last = next(answers)
        logits[0, 0, first:last] = 9.0
        return logits

    run.network.forward = answer
    found = validate(run, images)
    assert found["validation_dice"] == pytest.approx((2 * 8 / (8 + 16) + 0) / 2) and found["validation_patients"] == 2
    assert np.isfinite(found["validation_loss"])


def test_empty_masks_of_all_who_choose_the_epoch_are_refused(tmp_path):
    images = make_slices(5)
    _, choose = split_patients([s.patient for s in images], TINY, 3)
    images = [Slices(s.patient, s.pictures, s.targets * (s.patient not in choose)) for s in images]
    with pytest.raises(DataError, match="every mask of the validation patients is empty"):
        train(images, TINY, 3, tmp_path, say=lambda text: None)


def test_held_out_is_a_list_a_share_or_a_file(tmp_path):
    patients, said = [f"P{i}" for i in range(10)], []
    share = held_out_of(Recipe(held_out=0.3), patients, 1)
    assert len(share) == 3 and share == held_out_of(Recipe(held_out=0.3), patients[::-1] * 2, 1)
    assert len({held_out_of(Recipe(held_out=0.3), patients, seed) for seed in range(6)}) > 3
    ours, choose = split_patients(patients, Recipe(held_out=0.3, validation=0.3), 1)
    assert set(ours) | set(choose) | set(share) == set(patients) and len(ours) + len(choose) == 7
    (tmp_path / "a.txt").write_text("P1\nP3\n\nX9\n")
    (tmp_path / "b.csv").write_text("\ufeffname,patient\nx,P4\ny,P1\n", encoding="utf-8")
    ask = {"patients": patients, "seed": 1, "folder": tmp_path, "id_column": "patient", "say": said.append}
    assert held_out_of(Recipe(held_out="a.txt"), **ask) == ("P1", "P3") and "1 of a.txt are not in" in said[0]
    assert held_out_of(Recipe(held_out="b.csv"), **ask) == ("P1", "P4")
    for content, message in (
        (None, "cannot be read.*given as a list"),
        ("", "names no patient"),
        ("a,b\n1,2\n", "several columns and none is 'patient'"),
        ("Q1\n", "none of the 1 patients"),
        ("\xff\x00", "cannot be read|none of"),
    ):
        if content is not None:
            (tmp_path / "c.csv").write_bytes(content.encode("latin-1"))
        name = "c.csv" if content is not None else "absent.csv"
        with pytest.raises((DataError, StudyError), match=message):
            held_out_of(Recipe(held_out=name), **ask)
    with pytest.raises(StudyError, match=r"0\.01 of 10 patients is nobody"):
        held_out_of(Recipe(held_out=0.01), patients, 1)


def test_who_was_held_out_is_written_beside_the_network(tmp_path):
    from prldh_uctransnet.workflow import train_study

    sitk = pytest.importorskip("SimpleITK")
    for image in make_slices(7):
        for kind, values in (("i", image.pictures.astype(np.float32)), ("m", image.targets)):
            sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / f"{kind}{image.patient}.nii.gz"))
    recipe = json.loads(TINY.model_dump_json()) | {"epochs": 1, "width": 2, "held_out": 0.3}
    study = write_study(tmp_path, 7, "i{}.nii.gz,m{}.nii.gz", recipe)
    log = train_study(study, tmp_path / "net", say=lambda text: None)
    header, *ids = (tmp_path / "net" / "held_out.csv").read_text().split()
    assert header == "id" and len(ids) == 2 == log["provenance"]["settings"]["n_held_out"]
    again = json.loads(study.read_text())
    again["extraction"]["uctransnet"]["train"]["held_out"] = "net/held_out.csv"
    study.write_text(json.dumps(again))
    assert train_study(study, tmp_path / "again", say=lambda text: None)["history"] == log["history"]


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"held_out": 1.5}, r"train\.held_out: must be a list of ids.*found 1\.5"),
        ({"held_out": {"share": 0.2}}, "a share above 0 and below 1"),
        ({"held_out": [1, 2]}, "in quotes where they are numbers"),
        ({"on": "rectangle"}, "on"),
        ({"margin_mm": 2}, "margin_mm and roi are of rectangles"),
        ({"warmup": 50}, "warmup"),
        ({"schedule": "step"}, "schedule"),
    ],
)
def test_a_wrong_recipe_is_refused(raw, message):
    with pytest.raises(StudyError, match=message):
        settings_of(Settings, {"train": raw}, "extraction.uctransnet")


def test_slices_gathered_ahead_are_the_same_and_of_no_second_copy():
    images = make_slices(4, 3)
    pictures, targets = rows_of(images)
    assert len(pictures) == 12 and all(a is s.pictures for a, s in zip(pictures._arrays, images, strict=True))
    whole = np.concatenate([s.pictures for s in images])
    parts = [np.array(p) for p in ([3, 0, 11], [5], [7, 7, 1])]
    for workers in (0, 3):
        with Ahead(pictures, targets, torch.device("cpu"), workers) as slices:
            slices.plan(parts)
            assert len(slices._coming) == (3 if workers else 0)
            for part in (*parts[:2], np.array([2]), parts[2]):
                x, y = slices.take(part)
                np.testing.assert_array_equal(x[:, 0].numpy(), whole[part].astype(np.float32))
                assert y.shape == x.shape and y.dtype == torch.float32
