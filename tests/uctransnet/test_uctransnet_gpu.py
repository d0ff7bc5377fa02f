"""On a CUDA GPU: the same values as on the CPU, and training. ``make test-gpu``."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from prldh_uctransnet.checkpoints import load_checkpoint
from prldh_uctransnet.embedding import Embedder
from prldh_uctransnet.recipe import Recipe
from prldh_uctransnet.training import train
from test_uctransnet_training import make_slices

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA GPU")]


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 2e-3), ("bf16", 2e-2)])
def test_values_are_those_of_the_cpu(checkpoint, precision, tolerance):
    """Relative to the largest value: TF32 convolutions and bf16 have few digits."""
    network = load_checkpoint(checkpoint).network
    pictures = np.random.default_rng(0).random((20, 64, 64), dtype=np.float32)
    expected = Embedder(network, "cpu")(pictures)
    for is_compiled in (False, True):
        found = Embedder(network, "cuda", precision, batch=8, is_compiled=is_compiled)(pictures)
        assert np.abs(found - expected).max() < tolerance * expected.max()


def test_training_in_bf16_learns(tmp_path):
    recipe = Recipe(size=32, width=8, batch=4, epochs=40, learning_rate=1e-2, validation=0.5, augment=False, device="cuda")
    two = make_slices(2)
    images = [type(two[0])(f"P{i}", two[i % 2].pictures, two[i % 2].targets) for i in range(4)]
    assert train(images, recipe, 1, tmp_path, say=lambda text: None)["best"]["validation_dice"] > 0.9
    assert load_checkpoint(tmp_path / "best.pt").provenance["device"] == "cuda"
