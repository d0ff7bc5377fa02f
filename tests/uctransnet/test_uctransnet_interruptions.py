"""``segment predict`` and ``segment evaluate``, interrupted at any moment: one line and the signal's status, and every
file that stands is the whole one. Of ``explain``, test_uctransnet_heatmaps.py; of ``segment train``,
test_uctransnet_processes.py."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from prldh_uctransnet import UCTransNet
from prldh_uctransnet.checkpoints import save_checkpoint
from test_uctransnet_training import make_slices, write_study

sys.path.insert(0, str(Path(__file__).parents[1] / "hostile"))
from test_interruptions import SLACK, STATUS, command, moments, one_line, pytestmark  # noqa: F401  # needs forks

TRAIN = {"size": 32, "width": 4, "device": "cpu"}
COMMANDS = {
    "predict": ("segment", "predict", "P0.png", "P1.png", "P2.png", "--checkpoint", "net.pt", "--out", "made"),
    "evaluate": ("segment", "evaluate", "study.yaml", "--checkpoint", "net.pt", "--out", "made"),
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Three pictures with their masks, a study of them, and a network of random weights, in the working directory."""
    for image in make_slices(3):
        picture = (image.pictures[0].astype(float) * 255).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / f"{image.patient}.png")
        np.save(tmp_path / f"{image.patient}.npy", image.targets[0])
    write_study(tmp_path, 3, "{}.png,{}.npy", TRAIN)
    torch.manual_seed(1)
    save_checkpoint(tmp_path / "net.pt", {"state_dict": UCTransNet(image_size=32, width=4).state_dict()})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def _try(place: Path, name: str, n: int) -> None:
    status, said, calls = command(place, COMMANDS[name], 0)
    assert status == 0, said
    whole = _files(place / "made")
    assert len(whole) == {"predict": 3, "evaluate": 2}[name]
    seen = set()
    for moment in moments(calls, n):
        shutil.rmtree(place / "made")
        (place / "made").mkdir()
        status, said, _ = command(place, COMMANDS[name], moment)
        found = _files(place / "made")
        assert found.items() <= whole.items(), (moment, calls, sorted(found))
        assert not list(place.rglob(".partial-*"))
        if status in (0, -2) and moment > calls - SLACK:  # it had done its work
            assert found == whole and not said.startswith("prldh: interrupted")
            continue
        assert status == STATUS, (moment, calls, status, said)
        assert ("What was written before it is whole: " in one_line(said)) == bool(found), (moment, said)
        seen.add(len(found))
    assert 0 in seen


@pytest.mark.parametrize("name", COMMANDS)
def test_an_interrupted_prediction_or_evaluation_leaves_whole_files_and_names_them(place, name):
    _try(place, name, 2)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_a_prediction_or_evaluation_interrupted_at_many_moments_leaves_whole_files(place, name):
    _try(place, name, 25)
