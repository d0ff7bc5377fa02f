"""Which device computes, in which precision, and what values depend on because of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from prldh.api import PluginError

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
#: CUDA GPUs have bf16 from this compute capability on (Ampere); torch computes it on older ones by detours.
HAS_BF16 = (8, 0)


def choose_device(name: str) -> torch.device:
    """``auto``: a CUDA GPU, Apple's, or else the CPU.

    Raises
    ------
    PluginError
        If the one asked for is not there.
    """
    has_mps = torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
    if (name == "cuda" and not torch.cuda.is_available()) or (name == "mps" and not has_mps):
        raise PluginError(
            f"device: {name} is asked for, and torch {torch.__version__} finds none. Use device: auto, or install torch"
            " for it."
        )
    return torch.device(name)


def choose_precision(name: str, device: torch.device, low: str = "fp16") -> str:
    """``auto``: on a CUDA GPU bf16 where it has that and ``low`` where not, single precision elsewhere.

    Raises
    ------
    PluginError
        If bf16 is asked for, and the GPU does not have it.
    """
    has_bf16 = device.type != "cuda" or torch.cuda.get_device_capability(device) >= HAS_BF16
    if name == "auto":
        return "fp32" if device.type != "cuda" else "bf16" if has_bf16 else low
    if name == "bf16" and not has_bf16:
        major, minor = torch.cuda.get_device_capability(device)
        raise PluginError(
            f"precision: bf16 is asked for, and {torch.cuda.get_device_name(device)} (compute capability"
            f" {major}.{minor}) does not have it; it comes with 8.0. Use precision: {low} or auto."
        )
    return name


def about_device(device: torch.device, precision: str) -> dict[str, Any]:
    """What values depend on: ``device``, ``precision``, ``torch``, and of a CUDA GPU its name (``gpu``), compute
    ``capability``, the versions of ``cuda`` and ``cudnn``, and whether its convolutions take ``tf32`` for single
    precision."""
    about: dict[str, Any] = {"device": device.type, "precision": precision, "torch": str(torch.__version__)}
    if device.type == "cuda":
        about |= {
            "gpu": torch.cuda.get_device_name(device),
            "capability": ".".join(map(str, torch.cuda.get_device_capability(device))),
            "cuda": torch.version.cuda or torch.version.hip,
            "cudnn": torch.backends.cudnn.version(),
            "tf32": bool(torch.backends.cudnn.allow_tf32) and precision == "fp32",
        }
    return about


def changes_in_sds(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Of values (n patients, p), the largest change of each feature from ``reference``, in SDs (ddof 1) of the
    reference between patients: what a model sees of it. A change that looks small beside the largest value of all may
    be large beside a feature's spread. Infinite where a feature without spread changes; 0 where nothing changes."""
    change = np.abs(np.asarray(values, np.float64) - reference).max(axis=0)
    spread = np.asarray(reference, np.float64).std(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(change == 0, 0.0, change / spread)
