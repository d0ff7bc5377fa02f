"""Training in processes of its own: killed at any moment and taken up again, and two processes that are one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from prldh_uctransnet import training
from prldh_uctransnet.checkpoints import hash_patient, read_content
from prldh_uctransnet.loading import Ahead, rows_of
from prldh_uctransnet.recipe import Recipe
from prldh_uctransnet.slices import load_all
from prldh_uctransnet.validating import validate
from prldh_uctransnet.workflow import cases_of
from test_uctransnet_training import make_slices, write_study

from prldh.api import ReadSettings
from prldh.cli import cli
from prldh.core import end_tidily, interruptions
from prldh.plugins import Registry

TRAIN = {"size": 32, "width": 4, "batch": 4, "epochs": 12, "validation": 0.4, "device": "cpu", "learning_rate": 3e-3}
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}


@pytest.fixture
def study(tmp_path):
    """Six patients with a volume of three slices each."""
    sitk = pytest.importorskip("SimpleITK")
    for image in make_slices(6, n_slices=3):
        for kind, values in (("i", image.pictures.astype(np.float32)), ("m", image.targets)):
            sitk.WriteImage(sitk.GetImageFromArray(values), str(tmp_path / f"{kind}{image.patient}.nii.gz"))
    return write_study(tmp_path, 6, "i{}.nii.gz,m{}.nii.gz", TRAIN)


def _command(study, out, *more):
    return [sys.executable, "-m", "prldh", "segment", "train", str(study), "--out", str(out), *more]


@pytest.mark.slow
def test_a_killed_run_that_is_taken_up_ends_as_the_whole_one(study, tmp_path):
    """Killed twice, without a chance to tidy up, wherever it then was; weights, optimiser and history are bitwise those
    of one run."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    done = subprocess.run(_command(study, whole), capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0 and "training on cpu: 12 slices of 4 patients" in done.stderr, done.stderr
    for after in (2, 5):
        more = ["--resume"] if (parts / "last.pt").exists() else []
        run = subprocess.Popen(
            _command(study, parts, *more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=ENVIRONMENT
        )
        while (
            not (parts / "training.json").exists()
            or len(json.loads((parts / "training.json").read_text())["history"]) < after
        ):
            assert run.poll() is None, "it ended before it could be killed"
            time.sleep(0.002)
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert after <= len(json.loads((parts / "training.json").read_text())["history"]) < 12
    done = subprocess.run(_command(study, parts, "--resume"), capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    for name in ("last.pt", "best.pt"):
        a, b = read_content(whole / name), read_content(parts / name)
        assert all(torch.equal(a["state_dict"][k], b["state_dict"][k]) for k in a["state_dict"])
    a, b = (read_content(folder / "last.pt") for folder in (whole, parts))
    assert a["training"] == b["training"] and len(a["training"]["history"]) == 12
    for k, state in a["optimizer"]["state"].items():
        assert all(torch.equal(v, b["optimizer"]["state"][k][name]) for name, v in state.items())
    assert (whole / "training.svg").read_bytes() == (parts / "training.svg").read_bytes()


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_an_interrupted_training_is_one_line_and_goes_on(study, tmp_path, monkeypatch, number):
    """In the third epoch: the status is the signal's, what the second left is whole, and the next run goes on there."""
    Registry(load_built_ins=False).add_commands(cli)
    before, epoch = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}, training.train_epoch
    epochs = iter(range(12))

    def interrupted(*given):
        if next(epochs) == 2:
            signal.raise_signal(number)
        return epoch(*given)

    arguments = [str(each) for each in _command(study, tmp_path / "net")[3:]]
    for what in ("_asked", "_placed"):  # which are the process's
        monkeypatch.setattr(interruptions, what, [])
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    monkeypatch.setattr(training, "train_epoch", interrupted)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    end_tidily()
    try:
        done = CliRunner().invoke(cli, arguments)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    assert done.exit_code == 128 + number and "prldh: interrupted; nothing was left half written." in done.stderr
    assert "Traceback" not in done.stderr and not list(tmp_path.rglob(".partial-*"))
    assert len(json.loads((tmp_path / "net" / "training.json").read_text())["history"]) == 2
    monkeypatch.setattr(training, "train_epoch", epoch)
    again = CliRunner().invoke(cli, [*arguments, "--resume", "--epochs", "4"])
    assert again.exit_code == 0, again.output
    assert len(json.loads((tmp_path / "net" / "training.json").read_text())["history"]) == 4


ONE_STEP = """
import sys, numpy as np, torch
sys.path.insert(0, sys.argv[1])
from prldh_uctransnet import parallel, training
from test_uctransnet_processes import one_step
found = one_step()
if parallel.world()[0] == 0:
    torch.save(found, sys.argv[2])
parallel.leave()
"""


def one_step():
    """Loss and gradients of a batch of seven, BatchNorm as in evaluation and without dropout, so that parts do not
    matter; parts of two."""
    pictures, targets = rows_of(make_slices(7))
    run = training.begin(Recipe(size=32, width=4, batch=7, micro_batch=2, device="cpu"), 1)
    run.model.eval()
    loss = training.add_gradients(run, Ahead(pictures, targets, run.device, 0), np.arange(7))
    return {"loss": loss, **{name: p.grad for name, p in run.network.named_parameters()}}


@pytest.mark.slow
def test_two_processes_step_as_one(tmp_path):
    """An odd batch, so that one process has a slice more than the other, and one part more."""
    (tmp_path / "step.py").write_text(ONE_STEP)
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        str(tmp_path / "step.py"),
    ]
    done = subprocess.run(
        [*command, os.path.dirname(__file__), str(tmp_path / "found.pt")],
        capture_output=True,
        text=True,
        timeout=900,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr
    found, expected = torch.load(tmp_path / "found.pt", weights_only=True), one_step()
    assert found.pop("loss") == pytest.approx(expected.pop("loss"), abs=1e-6) and len(found) == len(expected)
    for name, gradient in expected.items():
        torch.testing.assert_close(found[name], gradient, rtol=1e-3, atol=1e-6, msg=name)


@pytest.mark.slow
def test_two_processes_validate_what_is_kept_and_read_once(study, tmp_path):
    """The numbers of the last epoch are those of one process with the weights that were kept."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "prldh"]
    more = ["segment", "train", str(study), "--out", str(tmp_path / "net"), "--epochs", "2"]
    done = subprocess.run([*command, *more], capture_output=True, text=True, timeout=280, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("training on 2 x cpu: 12 slices of 4 patients") == 1
    log = json.loads((tmp_path / "net" / "training.json").read_text())
    run = training.begin(Recipe(**TRAIN), 1)
    run.network.load_state_dict(read_content(tmp_path / "net" / "last.pt")["state_dict"])
    _, rows, _ = cases_of(study, None)
    images, _ = load_all(rows, ReadSettings(), run.recipe, lambda *told: None)
    choose = set(log["provenance"]["validation_sha256"])
    found = validate(run, [image for image in images if hash_patient(image.patient) in choose])
    assert found == {k: pytest.approx(v, abs=1e-6) for k, v in log["history"][-1].items() if k.startswith("validation")}
    assert log["provenance"]["computed_on"]["processes"] == 2


def test_tiff_pictures_with_png_and_numpy_masks_train(tmp_path):
    """Sixteen-bit TIFF of two pages with masks as TIFF, PNG and NumPy, not square; each region by its label."""
    from prldh_uctransnet.workflow import train_study

    rows = ["id,image,mask,label"]
    for i, image in enumerate(make_slices(5, n_slices=2)):
        pages = [Image.fromarray((p[:, :24].astype(float) * 60_000).astype(np.uint16)) for p in image.pictures]
        labels, n = image.targets[:, :, :24] * 3, 2 if i % 2 else 1
        pages[0].save(tmp_path / f"{i}.tif", save_all=True, append_images=pages[1:n])
        if n == 2:
            masks = [Image.fromarray(m) for m in labels]
            masks[0].save(tmp_path / f"m{i}.tif", save_all=True, append_images=masks[1:])
        elif i == 0:
            np.save(tmp_path / "m0.npy", labels[0])
        else:
            Image.fromarray(labels[0]).save(tmp_path / f"m{i}.png")
        rows.append(f"P{i},{i}.tif,m{i}.{'tif' if n == 2 else 'npy' if i == 0 else 'png'},3")
    (tmp_path / "cases.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "clinical.csv").write_text("id,y\n" + "".join(f"P{i},{i % 2}\n" for i in range(5)))
    content = {
        "clinical": {"table": str(tmp_path / "clinical.csv"), "id": "id", "outcome": "y", "event": 1},
        "tissues": {"disc": {"images": str(tmp_path / "cases.csv")}},
        "extraction": {"uctransnet": {"train": TRAIN | {"epochs": 1, "width": 2}}},
    }
    said: list[str] = []
    log = train_study(content, tmp_path / "net", say=said.append)
    n_slices = {i: 2 if i % 2 else 1 for i in range(5)}
    assert not any("put aside" in text for text in said) and np.isfinite(log["history"][0]["loss"])
    n_training = int(said[0].split(": ")[1].split()[0])
    assert n_training in {sum(n_slices.values()) - a - b for a in (1, 2) for b in (1, 2)}, said[0]
