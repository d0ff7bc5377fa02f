"""What the tests of the UCTransNet plugin share: they need torch, and the published network's seeded weights take
seconds to make."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("prldh_uctransnet", reason="the plugin prldh-uctransnet is not installed")

DATA = Path(__file__).parent / "data"


def seeded_value(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """The value of one entry of the state dictionary, by the rule in ``reference_outputs_c1_float64.json``."""
    if key.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    n = np.random.RandomState(zlib.crc32(key.encode("ascii"))).standard_normal(shape)
    if key.endswith("running_mean"):
        value = 0.1 * n
    elif key.endswith("running_var"):
        value = 1 + 0.2 * np.abs(n)
    elif key.endswith("position_embeddings"):
        value = 0.5 * n
    elif key.endswith("bias"):
        value = 0.1 * n
    elif len(shape) == 1:
        value = 1 + 0.1 * n
    elif len(shape) == 4:
        value = n * np.sqrt(2 / np.prod(shape[1:]))
    else:
        value = n / np.sqrt(shape[1])
    return value.astype(np.float32)


@pytest.fixture(scope="session")
def reference() -> dict:
    return json.loads((DATA / "reference_outputs_c1_float64.json").read_text())["n_channels_1"]


@pytest.fixture(scope="session")
def published_keys() -> dict:
    return json.loads((DATA / "state_dict_keys.json").read_text())


@pytest.fixture(scope="session")
def seeded_weights() -> dict:
    """The state dictionary of one channel, one class and 224 x 224 that the reference outputs were made with."""
    from prldh_uctransnet import UCTransNet

    with torch.device("meta"):
        shapes = {key: tuple(value.shape) for key, value in UCTransNet().state_dict().items()}
    return {key: torch.from_numpy(np.asarray(seeded_value(key, shape))) for key, shape in shapes.items()}


@pytest.fixture(scope="session")
def reference_input() -> tuple:
    """Images (2, 1, 224, 224) and masks of the reference, by the formulas in the file, in single precision and cast to
    double. In double precision the published code's outputs are the same on every processor.
    """
    b, i, j = np.meshgrid(np.arange(2), np.arange(224), np.arange(224), indexing="ij")
    x = 0.5 + 0.5 * np.sin(0.05 * (i + 1) * (b + 1) + 0.031 * (j + 1)) * np.cos(
        0.0007 * (i - 112) * (j - 112) + 0.3 * b
    )
    y = ((i - 100 - 4 * b) / 50) ** 2 + ((j - 120 + 6 * b) / (36 + 5 * b)) ** 2 <= 1
    return tuple(torch.from_numpy(values.astype(np.float32))[:, None].double() for values in (x, y))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory) -> Path:
    """A checkpoint of 32 x 32 with random weights in its encoder; the rest is one number a tensor, as embedding never
    reads it."""
    from prldh_uctransnet import UCTransNet
    from prldh_uctransnet.checkpoints import hash_patient, save_checkpoint

    with torch.device("meta"):
        shapes = {key: value.shape for key, value in UCTransNet(image_size=32).state_dict().items()}
    weights = {}
    for key, shape in shapes.items():
        is_encoder = key.startswith(("inc", "down"))
        weights[key] = (
            torch.from_numpy(np.asarray(seeded_value(key, tuple(shape))))
            if is_encoder
            else torch.zeros(()).expand(shape)
        )
    path = tmp_path_factory.mktemp("checkpoint") / "best.pt"
    save_checkpoint(
        path,
        {"state_dict": weights, "prldh": {"patients_sha256": [hash_patient("P1"), hash_patient("P2")], "epoch": 3}},
    )
    return path
