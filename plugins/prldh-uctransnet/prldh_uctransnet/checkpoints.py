"""Checkpoints: read without running anything that is in them, written whole or not at all.

A checkpoint of ours is a dictionary with ``state_dict`` and ``prldh``, what is known of its training
(:data:`PROVENANCE_KEYS`); a training run adds what it needs to go on. Those of the published implementation
(``state_dict``, names with ``module.`` before them) load as well, and so does a bare state dictionary.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from prldh.api import DataError, PluginError, file_at, readable, whole_file
from prldh_uctransnet.network import STEP, UCTransNet

WRAPPERS = ("state_dict", "model_state_dict", "model")
PREFIX = "module."
PROVENANCE_KEYS = ("patients_sha256", "settings", "versions", "epoch", "validation")
_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A network in evaluation mode, and what the file says of its training (empty for checkpoints that are not
    ours)."""

    network: UCTransNet
    provenance: dict[str, Any]


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint; number of channels, classes and image size are taken from its shapes.

    Raises
    ------
    DataError
        The file is absent, damaged (a weight that is not finite is damage), or holds a pickle with code, which is never
        run.
    PluginError
        The weights are of another architecture; the message names the first keys that differ.
    """
    content = read_content(path)
    weights = find_weights(content, path)
    _refuse_odd(weights, path, {})  # some kinds have no shape
    with torch.device("meta"):
        network = UCTransNet(**_shape_of(weights))
    own = network.state_dict()
    check_weights(weights, {k: tuple(v.shape) for k, v in own.items()}, path)
    _refuse_odd(weights, path, own)
    bad = next((k for k, v in weights.items() if not torch.isfinite(v.float()).all()), None)
    if bad:
        raise DataError(
            f"the checkpoint {path.name} is damaged: {bad} has values that are not finite. Use that of an earlier"
            " epoch."
        )
    network.load_state_dict(weights, assign=True)
    provenance = content.get("prldh", {})
    return Checkpoint(network.float().eval(), provenance if isinstance(provenance, dict) else {})


def _refuse_odd(weights: Mapping[str, Tensor], path: Path, own: Mapping[str, Tensor]) -> None:
    """Refuse weights that are no plain numbers, and whole ones where the network's ``own`` are not."""
    floats = {name for name, values in own.items() if values.is_floating_point()}
    odd = next((k for k, v in weights.items() if not _is_plain(v, k in floats)), None)
    if odd:
        raise PluginError(
            f"the checkpoint {path.name} holds {odd} as {_kind(weights[odd])}, and weights are plain floating-point"
            " numbers. Save network.float().state_dict() where it was made."
        )


def _is_plain(values: Tensor, is_float: bool) -> bool:
    """Whether these are numbers as a network holds them: neither nested, sparse, packed, complex nor left out."""
    is_dense = values.layout == torch.strided and not (values.is_nested or values.is_quantized or values.is_meta)
    return is_dense and not values.is_complex() and (values.is_floating_point() or not is_float)


def _kind(values: Tensor) -> str:
    kind = str(values.dtype).removeprefix("torch.")
    if values.is_meta:
        return f"{kind} without values"
    if values.is_nested:
        return f"{kind}, nested"
    return kind if values.layout == torch.strided else f"{kind} of the layout {str(values.layout).split('.')[-1]}"


def read_content(path: Path) -> dict[str, Any]:
    """The dictionary in the file, on the CPU, read with ``weights_only``: tensors, plain values and NumPy's numbers.

    Raises
    ------
    DataError
        As :func:`load_checkpoint`.
    """
    readable(path, "checkpoint", "Correct the path, or train one: prldh segment train STUDY.yaml.")
    _refuse_packed(path)
    try:
        with torch.serialization.safe_globals(_numpy_numbers()):
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises nearly any type for a damaged file
        if _names_code(path, str(error)):
            raise DataError(
                f"the checkpoint {path.name} is a pickle that names code ({_named_code(error)}); reading it could run"
                " that code, so it is refused. Save the weights alone, torch.save(network.state_dict(), path), where"
                " the file was made."
            ) from None
        raise DataError(
            f"the checkpoint {path.name} cannot be read; the file is damaged or no checkpoint ({type(error).__name__})."
            " Copy it again."
        ) from None
    if not isinstance(content, Mapping):
        raise PluginError(
            f"the checkpoint {path.name} holds a {type(content).__name__} instead of a dictionary of weights. Save"
            " network.state_dict()."
        )
    return dict(content)


def _refuse_packed(path: Path) -> None:
    """torch writes its archives unpacked; a packed one may be larger than any memory."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        larger = sum(part.file_size for part in archive.infolist())
    if larger > path.stat().st_size:
        raise DataError(
            f"the checkpoint {path.name} is a packed archive that would take {larger:,} bytes, and torch's are not"
            " packed. Save network.state_dict() by torch.save where it was made."
        )


def find_weights(content: Mapping[str, Any], path: Path) -> dict[str, Tensor]:
    """The state dictionary in what was read, without wrapper and without the prefix that data-parallel training
    leaves."""
    weights: Any = next((content[w] for w in WRAPPERS if isinstance(content.get(w), Mapping)), content)
    weights = {str(k).removeprefix(PREFIX): v for k, v in weights.items() if isinstance(v, Tensor)}
    if not weights:
        raise PluginError(
            f"the checkpoint {path.name} holds no weights; its keys are {_some(content)}. Save network.state_dict()."
        )
    return weights


def check_weights(weights: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]], path: Path) -> None:
    """Refuse weights of another architecture, with the first keys that differ and their shapes."""
    odd = [f"{k} is missing" for k in expected if k not in weights]
    odd += [f"{k} is not known" for k in weights if k not in expected]
    odd += [
        f"{k} has shape {tuple(weights[k].shape)} instead of {s}"
        for k, s in expected.items()
        if k in weights and tuple(weights[k].shape) != s
    ]
    if odd:
        raise PluginError(
            f"the checkpoint {path.name} is of another architecture than UCTransNet, it differs in {len(odd)} keys: "
            f"{_some(odd)}. Use a UCTransNet checkpoint."
        )


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hexadecimal.

    Raises
    ------
    DataError
        If the file cannot be read.
    """
    try:
        with file_at(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(
            f"the checkpoint {path} cannot be read: {error.strerror or error}. Correct the path, or train one: prldh "
            "segment train STUDY.yaml."
        ) from None


def hash_patient(patient: str) -> str:
    """SHA-256 of a patient's id in hexadecimal: tells whether a known patient trained a network, without naming
    anyone."""
    return hashlib.sha256(patient.encode()).hexdigest()


def save_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write a checkpoint that appears whole or not at all; what stood there before stays until then.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written.
    """
    with whole_file(path) as scratch, scratch.open("wb") as file:
        torch.save(dict(content), file)
        file.flush()
        os.fsync(file.fileno())


def _shape_of(weights: Mapping[str, Tensor]) -> dict[str, int]:
    """Channels, classes, image size and width by the weights' shapes; the usual ones where the weights do not say."""
    first, last, positions = (
        weights.get(k) for k in ("inc.conv.weight", "outc.weight", "mtc.embeddings_1.position_embeddings")
    )
    n_channels = first.shape[1] if first is not None and first.ndim == 4 else 1
    n_classes = last.shape[0] if last is not None and last.ndim == 4 else 1
    grid = round(positions.shape[1] ** 0.5) if positions is not None and positions.ndim == 3 else 14
    width = max(1, first.shape[0]) if first is not None and first.ndim == 4 else 64
    return {"n_channels": n_channels, "n_classes": n_classes, "image_size": STEP * max(1, grid), "width": width}


def _numpy_numbers() -> list[Any]:
    """What NumPy's numbers are pickled with: published checkpoints hold their validation loss as one. None of it runs
    code."""
    return [
        np.float64(0).__reduce__()[0],  # numpy's function that makes a number from its bytes
        np.dtype,
        type(np.dtype("f4")),
        type(np.dtype("f8")),
        type(np.dtype("i4")),
        type(np.dtype("i8")),
        type(np.dtype("bool")),
    ]


def _names_code(path: Path, message: str) -> bool:
    """Whether torch refused a pickle for what is in it, rather than failed on a damaged file."""
    if "GLOBAL" in message or "Unsupported class" in message:
        return True
    with file_at(path).open("rb") as file:
        # how a pickle of protocol 2 or later starts
        return "Unsupported operand" in message and file.read(1) == b"\x80"


def _named_code(error: Exception) -> str:
    """What the file names, such as ``posix.system``, from torch's message; the kind of pickle where it does not say."""
    text = str(error)
    for mark in ("GLOBAL ", "class "):
        if mark in text:
            return text.split(mark, 1)[1].split()[0].rstrip(".,:")
    return "an unsupported kind of pickle"


def _some(items: Iterable[Any]) -> str:
    listed = [str(i) for i in items]
    return "; ".join(listed[:_SHOWN]) + (f"; and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else "")
