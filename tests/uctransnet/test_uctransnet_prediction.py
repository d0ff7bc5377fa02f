"""Masks lie on what was found however voxels are stored, and too little memory or a bad image is told."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from prldh_uctransnet import UCTransNet
from prldh_uctransnet.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from prldh_uctransnet.memory import attempt, halved
from prldh_uctransnet.prediction import Segmenter, load_volume, write_mask
from prldh_uctransnet.workflow import predict_images
from test_uctransnet_regions import make_case

from prldh.core.errors import DataError, PluginError


class Bright(torch.nn.Module):
    """Logits above 0 where a picture is brighter than half; ``limit``: slices that fit into the memory."""

    n_classes, n_channels, image_size, limit = 1, 1, 128, 100

    def forward(self, x):
        if len(x) > self.limit:
            raise torch.OutOfMemoryError("no memory")
        return x[:, :1] - 0.5


def _bright(**settings):
    return Checkpoint(Bright(), {"settings": {"size": 128, **settings}})


def _oblique():
    """Rotated about all axes, and the first flipped: no axis of the patient is one of the image."""
    angles = np.radians([20, -15, 35])
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    turn = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]]) @ np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    return turn @ np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]]) @ np.diag([-1.0, 1, -1])


@pytest.mark.parametrize("plane", ["acquired", "axial", "sagittal", "coronal"])
@pytest.mark.parametrize("ending", [".nii.gz", ".seg.nrrd"])
def test_a_mask_covers_the_object_in_an_oblique_and_flipped_volume(tmp_path, plane, ending):
    sitk = pytest.importorskip("SimpleITK")
    z, y, x = np.mgrid[:9, :30, :44]
    found = ((z - 3) / 3) ** 2 + ((y - 18) / 7) ** 2 + ((x - 12) / 9) ** 2 <= 1
    image = sitk.GetImageFromArray(100 * found.astype(np.float32))
    image.SetSpacing((0.7, 0.9, 2.5))
    image.SetOrigin((31.0, -20.0, 5.5))
    image.SetDirection(_oblique().ravel().tolist())
    sitk.WriteImage(image, str(tmp_path / "i.nrrd"))
    volume = load_volume(tmp_path / "i.nrrd")
    write_mask(tmp_path / f"m{ending}", Segmenter(_bright(plane=plane), "cpu")(volume), volume)
    mask = sitk.ReadImage(str(tmp_path / f"m{ending}"))
    for get in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(mask, get)() == pytest.approx(getattr(image, get)(), abs=1e-5)
    written = sitk.GetArrayFromImage(mask) > 0
    assert 2 * (written & found).sum() / (written.sum() + found.sum()) > 0.93


def test_too_little_memory_halves_the_slices_and_says_so():
    values = np.random.default_rng(0).random((9, 20, 30)).astype(np.float32)
    image, said = make_case(values, values > 2).image, []
    expected = Segmenter(_bright(), "cpu")(image)
    segmenter = Segmenter(_bright(), "cpu", batch=8, say=said.append)
    segmenter.network.limit = 3
    assert np.array_equal(segmenter(image), expected) and expected.any()
    assert segmenter.batch == 2 and said == [
        f"the memory of cpu is too small: {n} slices at a time from here on" for n in (4, 2)
    ]
    segmenter.network.limit = 0
    with pytest.raises(PluginError, match="one slice of 128 x 128 does not fit into the memory of cpu"):
        segmenter(image)


@pytest.mark.parametrize(
    "text",
    [
        "MPS backend out of memory (MPS allocated: 8 GB)",
        "[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "GET was unable to find an engine to execute this computation",
    ],
)
def test_every_device_s_words_for_too_little_memory_are_known(text):
    def fails():
        raise RuntimeError(text)

    assert attempt(fails) is None and attempt(lambda: 3) == 3


def test_another_error_of_the_device_is_no_matter_of_memory():
    def fails():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        attempt(fails)
    assert halved(5, torch.device("cpu"), "picture of 2 x 2", lambda text: None) == 2


def test_a_network_of_three_channels_is_given_the_grey_slice_in_each(tmp_path):
    torch.manual_seed(0)
    network = UCTransNet(n_channels=3, image_size=32, width=2).eval()
    torch.save(
        {"state_dict": {f"module.{k}": v for k, v in network.state_dict().items()}}, tmp_path / "published.pth.tar"
    )
    values = np.random.default_rng(1).random((2, 32, 32)).astype(np.float32)
    values[:, 0, 0], values[:, 0, 1] = 0, 1
    with torch.inference_mode():
        expected = network(torch.from_numpy(values)[:, None].expand(-1, 3, -1, -1))[:, 0].numpy() > 0
    segmenter = Segmenter(load_checkpoint(tmp_path / "published.pth.tar"), "cpu")
    assert np.array_equal(segmenter(make_case(values, values > 2).image), expected)
    with pytest.raises(DataError, match="has 2 classes; masks are written for one structure"):
        Segmenter(Checkpoint(SimpleNamespace(n_classes=2), {}), "cpu")


def test_a_bad_image_is_left_out_and_the_others_are_segmented(tmp_path):
    good, bad = np.random.default_rng(0).random((2, 20, 30)).astype(np.float32)
    bad[4, 5] = np.nan
    for name, values in (("good", good), ("bad", bad)):
        Image.fromarray(values).save(tmp_path / f"{name}.tif")
    network = UCTransNet(image_size=16, width=2)
    save_checkpoint(tmp_path / "c.pt", {"state_dict": network.state_dict()})
    lines = predict_images(
        [tmp_path / "bad.tif", tmp_path / "good.tif"], tmp_path / "c.pt", tmp_path / "masks", device="cpu"
    )
    assert (
        lines[0]
        == "bad.tif: left out: slice 1 of the image has values that are not finite. Export it again, or fill them."
    )
    assert [p.name for p in (tmp_path / "masks").iterdir()] == ["good_mask.png"]
    assert np.asarray(Image.open(tmp_path / "masks" / "good_mask.png")).shape == (20, 30)


def test_every_page_of_a_tiff_gets_its_mask(tmp_path):
    """A mask of several pages is one that training reads again."""
    from prldh_uctransnet.slices import load_picture

    from prldh.core.imaging import CaseRow

    values = (np.random.default_rng(0).random((3, 20, 30)) * 255).astype(np.uint8)
    pages = [Image.fromarray(v) for v in values]
    pages[0].save(tmp_path / "stack.tif", save_all=True, append_images=pages[1:])
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "c.pt", {"state_dict": UCTransNet(image_size=32, width=2).state_dict()})
    predict_images([tmp_path / "stack.tif"], tmp_path / "c.pt", tmp_path / "masks", device="cpu")
    (path,) = (tmp_path / "masks").iterdir()
    assert path.name == "stack_mask.tif"
    row = CaseRow("disc", "P", 2, tmp_path / "stack.tif", (path,))
    assert load_picture(row).masks[0].shape == values.shape
    write_mask(path, values > 128, load_picture(row).image)
    assert np.array_equal(load_picture(row).masks[0], values > 128)
