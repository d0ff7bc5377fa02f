"""On a CUDA GPU: the values of the CPU, bytes in a stream of their own, training that is repeatable, memory that ends.
``make test-gpu``."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from prldh_uctransnet import UCTransNet
from prldh_uctransnet.checkpoints import Checkpoint, load_checkpoint
from prldh_uctransnet.crops import crops_of, picture_of_crop, pictures_on
from prldh_uctransnet.embedding import Embedder
from prldh_uctransnet.loading import Ahead, rows_of
from prldh_uctransnet.prediction import Segmenter
from prldh_uctransnet.recipe import Recipe
from prldh_uctransnet.settings import Settings
from prldh_uctransnet.source import UCTransNetSource
from prldh_uctransnet.training import add_gradients, begin, train, train_epoch
from test_uctransnet_regions import make_case
from test_uctransnet_training import make_slices

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA GPU")]


@pytest.fixture
def little_memory():
    """A gigabyte and no more."""
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 1e9) / total)
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 2e-3), ("bf16", 2e-2)])
@pytest.mark.parametrize("kind", [np.float32, np.uint8])
def test_values_are_those_of_the_cpu(checkpoint, precision, tolerance, kind):
    """Relative to the largest value: TF32 convolutions and bf16 have few digits. The last part is smaller than the
    batch."""
    network = load_checkpoint(checkpoint).network
    pictures = np.random.default_rng(0).random((20, 64, 64), dtype=np.float32)
    pictures = (pictures * 255).astype(np.uint8) if kind is np.uint8 else pictures
    expected = Embedder(network, "cpu")(pictures)
    for is_compiled in (False, True):
        found = Embedder(network, "cuda", precision, batch=8, is_compiled=is_compiled)(pictures)
        assert np.abs(found - expected).max() < tolerance * expected.max()


def test_parts_that_travel_while_others_are_computed_are_not_mixed_up(checkpoint):
    """Many parts in flight: each picture's values are those that it has alone."""
    embedder = Embedder(load_checkpoint(checkpoint).network, "cuda", batch=16)
    pictures = np.random.default_rng(0).integers(0, 256, (640, 96, 96), dtype=np.uint8)
    together = embedder(pictures)
    for start in range(0, 640, 160):
        torch.cuda.synchronize()
        alone = embedder(pictures[start : start + 16])
        np.testing.assert_allclose(together[start : start + 16], alone, atol=1e-4 * np.abs(alone).max())


@pytest.mark.parametrize("kind", [np.int16, np.uint16, np.float32])
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
def test_rectangles_become_the_cpu_s_pictures_and_values(checkpoint, kind, precision):
    """Resized and scaled on the GPU, whatever precision others asked of its matrix products; batches in flight."""
    torch.set_float32_matmul_precision("medium")
    try:
        settings = Settings(
            checkpoint=str(checkpoint), size=64, slices="all", device="cuda", batch=8, precision=precision
        )
        cases = [make_case(*_block_of(i, kind), spacing=(0.7, 1.1, 3.0), patient=f"P{i}") for i in range(12)]
        crops = [crop for case in cases for crop in crops_of(case, settings)]
        found = pictures_on(torch.device("cuda"), crops, 64).cpu().numpy()
        np.testing.assert_allclose(found, [picture_of_crop(crop, 64) for crop in crops], atol=1e-5)
    finally:
        torch.set_float32_matmul_precision("highest")
    source = UCTransNetSource()
    assert source.readers(settings, 5) == 5
    stream, answers = source.open_stream(settings), []
    for owner, case in enumerate(cases):
        answers += stream.put(owner, list(source.prepare(case, settings)), True)
    answers = dict(answers + stream.close())
    cpu = settings.model_copy(update={"device": "cpu", "precision": "fp32"})
    for owner, case in enumerate(cases):
        expected = np.array(list(source.extract(case, cpu)[0].values()))
        values = np.array(list(answers[owner][0].values()))
        assert np.abs(values - expected).max() < (2e-3 if precision == "fp32" else 2e-2) * expected.max()


def _block_of(i, kind):
    values = (1000 * np.random.default_rng(i).random((5, 80, 90))).astype(kind)
    mask = np.zeros(values.shape, bool)
    mask[1:4, 5 + i : 40 + 2 * i, 3 : 30 + 3 * i] = True
    return values, mask


def test_training_gathers_ahead_and_takes_channels_last(tmp_path):
    """With and without threads the same numbers, and a checkpoint in torch's own order of memory."""
    images, found = make_slices(5, 4), []
    recipe = Recipe(size=32, width=8, batch=8, epochs=2, validation=0.4, device="cuda")
    for workers in (0, 3):
        own = recipe.model_copy(update={"workers": workers})
        found.append(train(images, own, 1, tmp_path / str(workers), say=lambda text: None)["history"])
    assert found[0] == found[1]
    weights = load_checkpoint(tmp_path / "3" / "best.pt").network.state_dict()
    assert all(v.is_contiguous() for v in weights.values())


def test_embedding_and_segmentation_go_on_with_less_memory(checkpoint, little_memory):
    said = []
    embedder = Embedder(load_checkpoint(checkpoint).network, "cuda", batch=512, say=said.append)
    pictures = np.random.default_rng(0).integers(0, 256, (512, 224, 224), dtype=np.uint8)
    found = embedder(pictures)
    assert (
        np.isfinite(found).all()
        and embedder.batch < 512
        and "the memory of cuda" in said[0]
        and "256 pictures at a time" in said[0]
    )
    del embedder
    torch.manual_seed(0)
    segmenter = Segmenter(Checkpoint(UCTransNet(image_size=224, width=8), {}), "cuda", batch=256, say=said.append)
    values = np.random.default_rng(0).random((256, 224, 224), dtype=np.float32)
    assert segmenter(make_case(values, values > 2).image).shape == values.shape and segmenter.batch < 256
    assert any("128 slices at a time" in text for text in said)


def test_training_goes_on_with_less_memory(tmp_path, little_memory):
    said = []
    image = make_slices(1, 64, size=224)[0]
    run = begin(Recipe(size=224, width=16, batch=64, device="cuda"), 1)
    loss = train_epoch(run, *rows_of([image]), tmp_path, said.append)
    assert np.isfinite(loss) and run.micro_batch < 64 and "32 slices at a time from here on, still 64 a step" in said[0]


def test_parts_of_a_batch_add_up_to_the_batch():
    found = []
    pictures, targets = rows_of(make_slices(5))
    for micro in (5, 2):
        run = begin(Recipe(size=32, width=4, batch=5, micro_batch=micro, device="cuda", precision="fp32"), 1)
        run.network.eval()
        loss = add_gradients(run, Ahead(pictures, targets, run.device, 0), np.arange(5))
        found.append((loss, [p.grad for p in run.network.parameters()]))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-3)
    for a, b in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(a, b, rtol=2e-2, atol=1e-4)


def test_training_in_bf16_learns_and_is_repeatable(tmp_path):
    recipe = Recipe(
        size=32, width=8, batch=4, epochs=40, learning_rate=1e-2, validation=0.5, augment=False, device="cuda"
    )
    two = make_slices(2)
    images = [type(two[0])(f"P{i}", two[i % 2].pictures, two[i % 2].targets) for i in range(4)]
    log = train(images, recipe, 1, tmp_path / "a", say=lambda text: None)
    assert log["best"]["validation_dice"] > 0.9
    assert load_checkpoint(tmp_path / "a" / "best.pt").provenance["device"] == "cuda"
    train(images, recipe.model_copy(update={"epochs": 3}), 1, tmp_path / "b", say=lambda text: None)
    again = train(
        images, recipe.model_copy(update={"epochs": 6}), 1, tmp_path / "b", is_resumed=True, say=lambda text: None
    )
    assert again["history"] == log["history"][:6], "the same seed, and taken up again"
