"""From a study file to a network, masks in the image's geometry, and how good they are, through the command line."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from prldh_uctransnet import UCTransNet
from prldh_uctransnet.checkpoints import load_checkpoint, save_checkpoint
from prldh_uctransnet.prediction import Segmenter, write_mask
from prldh_uctransnet.recipe import Recipe
from prldh_uctransnet.regions import stack_of, turn_back
from prldh_uctransnet.slices import load_picture, mask_of_logits, picture_of_slice, slices_of, target_of_slice
from prldh_uctransnet.workflow import cases_of, evaluate_study, predict_images, train_study
from test_uctransnet_regions import make_case
from test_uctransnet_training import make_slices, write_study

from prldh.cli import cli
from prldh.core.errors import DataError, OutputError, StudyError
from prldh.core.imaging import CaseRow, Geometry
from prldh.plugins.registry import Registry

TRAIN = {"size": 32, "width": 4, "batch": 4, "epochs": 1, "validation": 0.4, "device": "cpu"}


@pytest.fixture(scope="module")
def commands():
    Registry().manager.hook.register_commands(cli=cli)
    return cli


@pytest.fixture
def study(tmp_path):
    """Five patients with PNG pictures and NumPy masks, the last one empty; returns the path of the study file."""
    for image in make_slices(5):
        Image.fromarray((image.pictures[0].astype(float) * 255).astype(np.uint8)).save(
            tmp_path / f"{image.patient}.png"
        )
        np.save(tmp_path / f"{image.patient}.npy", image.targets[0] * (image.patient != "P4"))
    return write_study(tmp_path, 5, "{}.png,{}.npy", TRAIN)


def test_train_evaluate_predict(commands, study, tmp_path):
    runner, net = CliRunner(), tmp_path / "net"
    done = runner.invoke(commands, ["segment", "train", str(study), "--out", str(net)])
    assert done.exit_code == 0, done.output
    assert (
        "training on cpu: 3 slices of 3 patients; 2 patients choose the epoch" in done.output
        and "epoch 1/1: loss" in done.output
    )
    assert sorted(p.name for p in net.iterdir()) == ["best.pt", "last.pt", "training.json", "training.svg"]
    again = runner.invoke(commands, ["segment", "train", str(study), "--out", str(net)])
    assert again.exit_code == 1 and "holds a trained network already" in again.output
    more = runner.invoke(commands, ["segment", "train", str(study), "--out", str(net), "--resume", "--epochs", "2"])
    curves = (net / "training.svg").read_text()
    assert all(f'id="{key}"' in curves for key in ("loss", "validation_loss", "validation_dice"))
    assert more.exit_code == 0 and "epoch 2/2" in more.output and "epoch 1/2" not in more.output
    done = runner.invoke(
        commands,
        ["segment", "evaluate", str(study), "--checkpoint", str(net / "best.pt"), "--out", str(tmp_path / "evaluated")],
    )
    assert done.exit_code == 0, done.output
    assert (
        "network against reader 1: Dice" in done.output
        and "5 cases are of patients that trained the network" in done.output
    )
    rows = list(csv.DictReader((tmp_path / "evaluated" / "segmentation.csv").open()))
    assert [r["patient"] for r in rows] == [f"P{i}" for i in range(5)] and {r["seen_in_training"] for r in rows} == {
        "True"
    }
    assert rows[4]["kind"] in ("false_alarm", "both_empty") and rows[4]["hd95_mm"] == ""
    about = json.loads((tmp_path / "evaluated" / "segmentation.json").read_text())
    assert about["distance_unit"] == "px" and about["comparisons"]["network against reader 1"]["unseen"]["n_cases"] == 0
    done = runner.invoke(
        commands,
        [
            "segment",
            "predict",
            str(tmp_path / "P0.png"),
            "--checkpoint",
            str(net / "best.pt"),
            "--out",
            str(tmp_path / "masks"),
        ],
    )
    assert done.exit_code == 0, done.output
    written = np.asarray(Image.open(tmp_path / "masks" / "P0_mask.png"))
    segmenter = Segmenter(load_checkpoint(net / "best.pt"), "cpu")
    expected = segmenter(load_picture(CaseRow("P0", "disc", 2, tmp_path / "P0.png", (tmp_path / "P0.npy",))).image)
    assert np.array_equal(written, expected[0] * 255)


@pytest.mark.slow
def test_two_processes_train_one_network(study, tmp_path):
    """torchrun on the CPU: both train, and one of them says and writes."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "prldh"]
    done = subprocess.run(
        [*command, "segment", "train", str(study), "--out", str(tmp_path / "net"), "--epochs", "2"],
        capture_output=True,
        text=True,
        timeout=900,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("epoch 2/2: loss") == 1 and "training on 2 x cpu: 3 slices of 3 patients" in done.stderr
    assert done.stdout.count("best epoch") == 1
    assert json.loads((tmp_path / "net" / "training.json").read_text())["history"][1]["epoch"] == 2
    assert load_checkpoint(tmp_path / "net" / "best.pt").network.width == 4


def test_held_out_patients_are_evaluated_alone(study, tmp_path):
    content = json.loads(study.read_text())
    content["extraction"]["uctransnet"]["train"]["held_out"] = ["P0"]
    study.write_text(json.dumps(content))
    train_study(study, tmp_path / "net", say=lambda text: None)
    evaluate_study(study, tmp_path / "net" / "best.pt", tmp_path / "out", is_unseen=True)
    rows = list(csv.DictReader((tmp_path / "out" / "segmentation.csv").open()))
    assert [(r["patient"], r["seen_in_training"]) for r in rows] == [("P0", "False")]
    with pytest.raises(OutputError, match="holds segmentation.json already"):
        evaluate_study(study, tmp_path / "net" / "best.pt", tmp_path / "out")


def test_two_readers_are_compared_by_the_same_functions(study, tmp_path):
    table = study.parent / "cases.csv"
    table.write_text(
        table.read_text().replace(",mask\n", ",mask_reader1,mask_reader2\n").replace(".npy\n", ".npy,P0.npy\n")
    )
    checkpoint = _untrained(tmp_path)
    evaluate_study(study, checkpoint, tmp_path / "out")
    about = json.loads((tmp_path / "out" / "segmentation.json").read_text())["comparisons"]
    assert list(about) == ["network against reader 1", "network against reader 2", "reader 2 against reader 1"]
    assert (
        about["reader 2 against reader 1"]["all"]["dice"]["max"] == 1
        and about["reader 2 against reader 1"]["all"]["n_false_alarm"] == 1
    )


def _untrained(folder, sign=1.0, **settings):
    """A checkpoint whose logits have one sign everywhere."""
    torch.manual_seed(0)
    network = UCTransNet(image_size=32, width=2)
    with torch.no_grad():
        network.outc.weight.zero_()
        network.outc.bias.fill_(sign)
    save_checkpoint(
        folder / "c.pt", {"state_dict": network.state_dict(), "prldh": {"settings": {"size": 32, **settings}}}
    )
    return folder / "c.pt"


@pytest.mark.parametrize(("kind", "ending"), [("nifti", ".nii.gz"), ("seg.nrrd", ".seg.nrrd")])
def test_masks_lie_where_their_image_lies(tmp_path, kind, ending):
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.GetImageFromArray(np.random.default_rng(0).normal(size=(3, 20, 24)).astype(np.float32))
    image.SetSpacing((0.7, 0.8, 3.0))
    image.SetOrigin((10.0, -20.0, 5.0))
    image.SetDirection((0, 0, 1, 1, 0, 0, 0, -1, 0))
    sitk.WriteImage(image, str(tmp_path / "image.nii.gz"))
    lines = predict_images([tmp_path / "image.nii.gz"], _untrained(tmp_path), tmp_path / "masks", kind=kind)
    assert f"image.nii.gz: {3 * 20 * 24} voxels" in lines[0]
    path = tmp_path / "masks" / f"image_mask{ending}"
    mask = sitk.ReadImage(str(path))
    for get in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(mask, get)() == pytest.approx(getattr(image, get)(), abs=1e-5)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    if kind == "seg.nrrd":
        import slicerio

        assert [s["name"] for s in slicerio.read_segmentation(str(path))["segments"]] == ["region"]
    assert (
        "nothing found"
        in predict_images([tmp_path / "image.nii.gz"], _untrained(tmp_path, -1.0), tmp_path / "none", kind=kind)[0]
    )


def test_prediction_refuses_what_it_cannot_do(tmp_path):
    checkpoint = _untrained(tmp_path)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"none of 1 images can be used; the first: bad\.png"):
        predict_images([tmp_path / "bad.png"], checkpoint, tmp_path / "out")
    with pytest.raises(OutputError, match="two images would have the mask"):
        predict_images([tmp_path / "a" / "x.nii", tmp_path / "b" / "x.nii"], checkpoint, tmp_path)
    (tmp_path / "x_mask.nii.gz").write_bytes(b"")
    with pytest.raises(OutputError, match="is there already"):
        predict_images([tmp_path / "x.nii"], checkpoint, tmp_path)


def test_a_mask_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    from prldh_uctransnet import prediction

    monkeypatch.setattr(
        prediction,
        "_write",
        lambda path, *rest: path.write_bytes(b"half") and (_ for _ in ()).throw(OSError("No space left")),
    )
    image = make_case(np.zeros((1, 4, 4)), np.zeros((1, 4, 4), bool)).image
    with pytest.raises(OutputError, match="No space left"):
        write_mask(tmp_path / "m.nii.gz", image.values > 0, image)
    assert not list(tmp_path.iterdir())


def test_there_and_back_gives_the_mask_again():
    """A smooth mask brought to the network's size and back, as logits of one sign, is the mask but for its edge; stored
    order is kept."""
    y, x = np.mgrid[:40, :60]
    mask = np.zeros((3, 40, 60), bool)
    mask[1] = ((y - 20) / 12) ** 2 + ((x - 25) / 18) ** 2 <= 1
    for direction in ((1.0, 0, 0, 0, 1, 0, 0, 0, 1), (-1.0, 0, 0, 0, -1, 0, 0, 0, 1), (0, 0, 1.0, 1, 0, 0, 0, -1, 0)):
        geometry = Geometry((60, 40, 3), (0.6, 0.9, 3.0), (0.0, 0.0, 0.0), direction)
        stack = stack_of(mask.astype(np.float32), mask, geometry, "acquired")
        targets = np.stack([target_of_slice(stack, k, 128) for k in range(3)])
        back = turn_back(mask_of_logits(targets.astype(np.float32) * 2 - 1, stack), geometry, "acquired")
        assert back.shape == mask.shape and not back[0].any() and not back[2].any()
        assert 2 * (back & mask).sum() / (back.sum() + mask.sum()) > 0.97


def test_slices_are_widened_to_a_square_in_mm():
    values = np.random.default_rng(0).random((2, 20, 40)).astype(np.float32)
    mask = np.zeros(values.shape, bool)
    mask[1, :, 10:30] = True
    case = make_case(values, mask)
    stack = stack_of(values, mask, case.image.geometry, "acquired")
    target = target_of_slice(stack, 1, 40)
    assert target[10:30, 10:30].all() and target.sum() == 400, "beyond the image a mask is empty"
    picture = picture_of_slice(stack, 1, 40)
    assert np.array_equal(picture[0], picture[10]) and picture.min() == 0 and picture.max() == 1
    assert (
        len(slices_of(case, Recipe(size=32)).pictures) == 2
        and len(slices_of(case, Recipe(size=32, slices="masked")).pictures) == 1
    )
    with pytest.raises(DataError, match="train.reader is 2"):
        slices_of(case, Recipe(size=32, reader=2))
    assert not picture_of_slice(stack_of(values * 0, mask, case.image.geometry, "acquired"), 0, 32).any()


def test_pictures_and_their_masks(tmp_path):
    labels = np.array([[0, 1, 2], [2, 2, 0]])
    np.save(tmp_path / "m.npy", labels)
    Image.fromarray((labels * 100).astype(np.uint8)).save(tmp_path / "m.png")
    Image.fromarray(labels.astype(np.uint16) * 1000).save(tmp_path / "i.png")
    Image.fromarray(np.dstack([labels * 90] * 3).astype(np.uint8)).save(tmp_path / "colour.png")
    pages = [Image.fromarray(labels.astype(np.uint8) * k) for k in (1, 2)]
    pages[0].save(tmp_path / "pages.tif", save_all=True, append_images=pages[1:])

    def load(image, mask, label=None):
        return load_picture(CaseRow("P", "disc", 2, tmp_path / image, (tmp_path / mask,), label))

    case = load("i.png", "m.npy", 2)
    assert np.array_equal(case.image.values[0], labels * 1000) and np.array_equal(case.masks[0][0], labels == 2)
    assert case.image.geometry.spacing_mm == (1, 1, 1) and case.image.geometry.size == (3, 2, 1)
    assert np.array_equal(load("colour.png", "m.png").masks[0][0], labels != 0)
    assert load("pages.tif", "pages.tif").image.values.shape == (2, 2, 3)
    np.save(tmp_path / "wrong.npy", labels[:, :2])
    with pytest.raises(DataError, match=r"mask wrong\.npy is \(2, 2\)"):
        load("i.png", "wrong.npy")
    np.save(tmp_path / "objects.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(DataError, match="plain NumPy array"):
        load("i.png", "objects.npy")
    with pytest.raises(DataError, match=r"absent\.png cannot be read"):
        load("absent.png", "m.npy")


def test_regions_of_one_image_are_one_target(study, tmp_path):
    from prldh_uctransnet.slices import by_image, load_image

    labels = np.zeros((32, 32), int)
    labels[2:6, 2:6], labels[20:24, 20:24] = 1, 2
    np.save(study.parent / "P0.npy", labels)
    (study.parent / "cases.csv").write_text(
        "id,image,mask,label\nP0,P0.png,P0.npy,1\nP0,P0.png,P0.npy,2\nP1,P1.png,P1.npy,1\n"
    )
    _, rows, folder = cases_of(study, None)
    assert folder == study.parent
    groups = by_image(rows)
    assert [len(g) for g in groups] == [2, 1] and np.array_equal(load_image(groups[0], None).masks[0][0], labels > 0)


def test_a_study_without_images_or_with_nothing_drawn_is_told(study):
    content = json.loads(study.read_text())
    with pytest.raises(StudyError, match="those with images are disc; 'muscle' is not one of them"):
        cases_of(study, "muscle")
    content["tissues"] = {"a": {"features": "a.csv"}}
    with pytest.raises(StudyError, match="no tissue is given as images"):
        cases_of(content, None)
    for i in range(5):
        np.save(study.parent / f"P{i}.npy", np.zeros((32, 32), int))
    with pytest.raises(DataError, match="every mask of 5 images is empty"):
        train_study(study, study.parent / "net", say=lambda text: None)


def test_the_spine_slices_train_as_they_are(shared_data, tmp_path):
    """PNG slices with NumPy masks of several labels, some empty, of the public set; one epoch of a narrow network."""
    folder = shared_data / "spine_slices"
    names = sorted(p.stem for p in (folder / "images").iterdir())[:6]
    (tmp_path / "clinical.csv").write_text("id,y\n" + "".join(f"S{n},0\n" for n in names))
    images = {p.stem: p for p in (folder / "images").iterdir()}
    (tmp_path / "cases.csv").write_text(
        "id,image,mask,label\n" + "".join(f"S{n},{images[n]},{folder / 'masks' / (n + '.npy')},1\n" for n in names)
    )
    content = {
        "clinical": {"table": "clinical.csv", "id": "id", "outcome": "y", "event": 1},
        "tissues": {"disc": {"images": "cases.csv"}},
        "extraction": {"uctransnet": {"train": TRAIN}},
    }
    (tmp_path / "study.yaml").write_text(json.dumps(content))
    log = train_study(tmp_path / "study.yaml", tmp_path / "net", say=lambda text: None)
    assert np.isfinite(log["history"][0]["loss"]) and load_checkpoint(tmp_path / "net" / "best.pt").network.width == 4
