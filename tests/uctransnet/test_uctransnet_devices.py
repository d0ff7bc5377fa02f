"""Which precision a device gets, what is written down of it, and that values of another device are not found kept."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from prldh_uctransnet import devices
from prldh_uctransnet.devices import about_device, changes_in_sds, choose_precision
from prldh_uctransnet.section import DeepFeatures
from prldh_uctransnet.settings import Settings
from prldh_uctransnet.source import UCTransNetSource

from prldh.core.errors import PluginError
from prldh.data.imaging.sources import ChosenSource

CUDA, CPU = torch.device("cuda", 0), torch.device("cpu")


@pytest.fixture
def gpu(monkeypatch):
    """A GPU of a compute capability, as torch tells it."""

    def pretend(capability, name="Tesla T4"):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: capability)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda device=None: name)
        monkeypatch.setattr(torch.version, "cuda", "12.6")

    return pretend


@pytest.mark.parametrize(
    ("capability", "found"), [((7, 5), "fp16"), ((6, 1), "fp16"), ((8, 0), "bf16"), ((9, 0), "bf16")]
)
def test_bf16_is_for_gpus_that_have_it(gpu, capability, found):
    gpu(capability)
    assert choose_precision("auto", CUDA) == found and choose_precision("fp32", CUDA) == "fp32"
    assert choose_precision("auto", CUDA, low="fp32") == ("bf16" if found == "bf16" else "fp32")
    if found != "bf16":
        with pytest.raises(PluginError, match=r"Tesla T4 \(compute capability \d\.\d\) does not have it.*fp16 or auto"):
            choose_precision("bf16", CUDA)
    assert choose_precision("auto", CPU) == "fp32" and choose_precision("bf16", CPU) == "bf16"


def test_a_device_is_written_down(gpu):
    gpu((7, 5))
    about = about_device(CUDA, "fp16")
    assert about["gpu"] == "Tesla T4" and about["capability"] == "7.5" and about["cuda"] == "12.6"
    assert about["precision"] == "fp16" and about["torch"] == torch.__version__ and not about["tf32"]
    assert about_device(CUDA, "fp32")["tf32"] == torch.backends.cudnn.allow_tf32
    assert about_device(CPU, "fp32") == {"device": "cpu", "precision": "fp32", "torch": torch.__version__}


def test_values_of_another_device_have_another_key(checkpoint, tmp_path, monkeypatch):
    """The same settings, device: auto, on another machine: what is kept of the first is not taken for the second's."""
    settings = Settings(checkpoint=str(checkpoint), size=32)
    source, keys = UCTransNetSource(), []
    for about in ({"gpu": "a", "cuda": "12.4"}, {"gpu": "a", "cuda": "12.6"}, {"gpu": "b", "cuda": "12.6"}):
        monkeypatch.setattr("prldh_uctransnet.embedding.about_device", lambda *given, about=about: about)
        keys.append(ChosenSource.of(source, settings, tmp_path).key)
    assert len(set(keys)) == 3
    assert source.metadata(settings)["computed_on"] == {"gpu": "b", "cuda": "12.6"}
    assert len(source.metadata(settings)["checkpoint_sha256"]) == 64


def test_the_report_names_the_device(tmp_path):
    about = {
        "device": "cuda",
        "precision": "fp32",
        "torch": "2.9",
        "gpu": "NVIDIA <X>",
        "capability": "9.0",
        "cuda": "12.6",
        "cudnn": 91002,
        "tf32": True,
    }
    entry = {"computed": {"checkpoint_sha256": "ab" * 32, "computed_on": about}, "trained_on": None}
    results = {
        "cohort": {"n": 3},
        "tissues": {"disc": {}},
        "images": {"disc": {"sources": {"uctransnet": entry}}},
    }
    assert (
        "Computed on cuda, NVIDIA &lt;X&gt;, compute capability 9.0, CUDA 12.6, cuDNN 91002, torch 2.9, precision fp32,"
        " its convolutions in TF32." in DeepFeatures().render(results, tmp_path)
    )


def test_changes_are_told_in_sds_between_patients():
    """By hand: a feature of SD 1 moves by 0.5, one of SD 0.01 by 0.007, which a share of the largest value hides."""
    reference = np.array([[1.0, 5.0, 2.0, 3.0], [2.0, 5.01, 2.0, 3.0], [3.0, 5.02, 2.0, 3.0]])
    values = reference + np.array([[0.0, 0.007, 0.0, 0.0], [-0.5, 0.0, 0.0, 0.1], [0.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(changes_in_sds(values, reference), [0.5, 0.7, 0.0, np.inf], rtol=1e-6)


def test_precision_is_that_of_the_embedder(checkpoint):
    from prldh_uctransnet.checkpoints import load_checkpoint
    from prldh_uctransnet.embedding import Embedder

    embedder = Embedder(load_checkpoint(checkpoint).network, "cpu", "auto")
    assert embedder.precision == "fp32" and embedder.dtype == devices.PRECISIONS["fp32"]
    assert embedder.about["device"] == "cpu"
