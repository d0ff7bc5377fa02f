"""Checkpoints: published ones load, others are refused with one message, and nothing in a file is ever run."""

from __future__ import annotations

import os
import pickle
import zipfile

import numpy as np
import pytest
import torch
from prldh_uctransnet.checkpoints import find_weights, load_checkpoint, read_content, save_checkpoint

from prldh.core.errors import DataError, PluginError


class Code:
    """Unpickling this would make a folder."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    "wrap",
    [
        lambda w: w,
        lambda w: {"state_dict": w},
        lambda w: {"epoch": 3, "model": "UCTransNet", "val_loss": np.float64(0.2), "state_dict": w},
    ],
)
def test_wrappers_and_prefix(checkpoint, tmp_path, wrap):
    weights = torch.load(checkpoint, weights_only=True)["state_dict"]
    path = tmp_path / "published.pth.tar"
    torch.save(wrap({f"module.{k}": v for k, v in weights.items()}), path)
    found = load_checkpoint(path)
    assert (found.network.n_channels, found.network.n_classes, found.network.image_size) == (1, 1, 32)
    assert not found.network.training and found.provenance == {}
    assert torch.equal(found.network.down4.nConvs[1].conv.weight, weights["down4.nConvs.1.conv.weight"])


def test_provenance_is_read(checkpoint):
    assert load_checkpoint(checkpoint).provenance["epoch"] == 3


@pytest.mark.parametrize("how", ["torch", "pickle-2", "pickle-5"])
def test_a_pickle_with_code_is_refused_and_not_run(tmp_path, how):
    path, trap = tmp_path / "c.pt", tmp_path / "trap"
    if how == "torch":
        torch.save({"state_dict": Code(trap)}, path)
    else:
        path.write_bytes(pickle.dumps(Code(trap), protocol=int(how[-1])))
    with pytest.raises(DataError, match=r"c\.pt is a pickle that names code .* refused"):
        load_checkpoint(path)
    assert not trap.exists()


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04" + bytes(100)])
def test_a_damaged_file_is_told(tmp_path, content):
    path = tmp_path / "c.pt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"c\.pt cannot be read; the file is damaged"):
        load_checkpoint(path)


def test_a_packed_archive_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "c.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * (1 << 24))
    with pytest.raises(DataError, match=r"c\.pt is a packed archive that would take 16,777,216 bytes"):
        load_checkpoint(path)


def test_half_a_file_is_told(checkpoint, tmp_path):
    whole = checkpoint.read_bytes()
    (tmp_path / "half.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match="damaged"):
        load_checkpoint(tmp_path / "half.pt")
    with pytest.raises(DataError, match="not found"):
        load_checkpoint(tmp_path / "absent.pt")


def test_another_architecture_is_refused_with_its_first_keys(checkpoint, tmp_path):
    weights = torch.load(checkpoint, weights_only=True)["state_dict"]
    path = tmp_path / "c.pt"

    def refused(changed):
        torch.save(changed, path)
        with pytest.raises(PluginError) as caught:
            load_checkpoint(path)
        return str(caught.value)

    text = refused({"features.0.weight": torch.zeros(3)})
    assert "of another architecture" in text and "inc.conv.weight is missing; inc.conv.bias is missing" in text
    assert "down9.x is not known" in refused(weights | {"down9.x": torch.zeros(1)})
    text = refused(weights | {"down1.nConvs.0.conv.weight": torch.zeros(128, 32, 3, 3)})
    assert "differs in 1 keys: down1.nConvs.0.conv.weight has shape (128, 32, 3, 3) instead of (128, 64, 3, 3)" in text
    assert "no weights; its keys are epoch" in refused({"epoch": 3})
    assert "holds a list" in refused([torch.zeros(1)])


def test_weights_that_are_not_finite_are_damage(checkpoint, tmp_path):
    """A network that gives NaN everywhere would find nothing, and say so as if it were true."""
    weights = dict(torch.load(checkpoint, weights_only=True)["state_dict"])
    weights["down2.nConvs.0.conv.bias"] = weights["down2.nConvs.0.conv.bias"] * float("nan")
    torch.save(weights, tmp_path / "c.pt")
    with pytest.raises(
        DataError, match=r"c\.pt is damaged: down2\.nConvs\.0\.conv\.bias has values that are not finite"
    ):
        load_checkpoint(tmp_path / "c.pt")
    torch.save({"inc.conv.weight": torch.zeros(0, 1, 3, 3)}, tmp_path / "c.pt")
    with pytest.raises(PluginError, match="another architecture"):
        load_checkpoint(tmp_path / "c.pt")


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda v: v.to_sparse(), "float32 of the layout sparse_coo"),
        (lambda v: v.to(torch.complex64), "complex64"),
        (lambda v: v.long(), "int64"),
        (lambda v: v.bool(), "bool"),
        (lambda v: torch.quantize_per_tensor(v, 0.1, 0, torch.qint8), "qint8"),
        (lambda v: v.to("meta"), "float32 without values"),
        (lambda v: torch.nested.nested_tensor([v[0], v[1]]), "float32, nested"),
        (lambda v: v.flatten(1).to_sparse_csr(), "float32 of the layout sparse_csr"),
    ],
)
def test_weights_of_another_kind_are_told(checkpoint, tmp_path, made, told):
    weights = dict(torch.load(checkpoint, weights_only=True)["state_dict"])
    torch.save(weights | {"inc.conv.weight": made(weights["inc.conv.weight"])}, tmp_path / "c.pt")
    with pytest.raises(PluginError, match=f"c.pt holds inc.conv.weight as {told}, and weights are plain"):
        load_checkpoint(tmp_path / "c.pt")


def test_half_and_double_precision_are_weights(checkpoint, tmp_path):
    weights = dict(torch.load(checkpoint, weights_only=True)["state_dict"])
    for kind in (torch.float16, torch.float64, torch.float8_e5m2):
        torch.save({k: v.to(kind) for k, v in weights.items()}, tmp_path / "c.pt")
        found = load_checkpoint(tmp_path / "c.pt").network.state_dict()
        assert torch.equal(found["inc.conv.weight"], weights["inc.conv.weight"].to(kind).float())


def test_classes_and_size_are_read_from_the_shapes(tmp_path):
    from prldh_uctransnet import UCTransNet

    torch.manual_seed(0)
    network = UCTransNet(n_channels=2, n_classes=3, image_size=48, width=2).eval()
    torch.save({"state_dict": {f"module.{k}": v for k, v in network.state_dict().items()}}, tmp_path / "c.pt")
    found = load_checkpoint(tmp_path / "c.pt").network
    assert (found.n_channels, found.n_classes, found.image_size, found.width) == (2, 3, 48, 2)
    x = torch.rand(1, 2, 32, 80)
    with torch.inference_mode():
        assert torch.equal(found(x), network(x)) and found(x).shape == (1, 3, 32, 80)


def test_a_checkpoint_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "c.pt"
    save_checkpoint(path, {"state_dict": {"a": torch.ones(1)}})
    with pytest.raises(AttributeError):
        save_checkpoint(path, {"state_dict": {"a": torch.zeros(1)}, "bad": lambda: None})
    assert find_weights(read_content(path), path)["a"].item() == 1
    assert [p.name for p in tmp_path.iterdir()] == ["c.pt"]
