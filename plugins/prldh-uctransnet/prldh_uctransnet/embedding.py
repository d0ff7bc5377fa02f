"""The encoder as it is run for embeddings: BatchNorm folded into the convolutions, channels last, lower precision where
asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from prldh_uctransnet.crops import Crop, picture_of_crop, pictures_on
from prldh_uctransnet.devices import PRECISIONS, about_device, choose_device, choose_precision
from prldh_uctransnet.memory import attempt, halved, on_stderr
from prldh_uctransnet.network import N_FEATURES, ConvBN, UCTransNet

#: Floating-point operations of the encoder for one image of 224 x 224.
FLOPS_PER_IMAGE = 18.6e9


class Encoder(nn.Module):
    """What ``UCTransNet.embed`` computes, for inference: each BatchNorm is folded into the convolution before it.

    Takes grey pictures (B, 1, H, W), or (B, C, H, W) of the network's own channels; a grey picture for a network of
    several channels means the same picture in each, which is folded into the first convolution's weights.
    """

    def __init__(self, network: UCTransNet, n_channels: int = 1) -> None:
        super().__init__()
        stages = [nn.Sequential(network.inc), *(getattr(network, f"down{i}").nConvs for i in (1, 2, 3, 4))]
        layers: list[nn.Module] = []
        for stage in stages:
            layers += [nn.MaxPool2d(2)] if layers else []
            for block in stage:
                layers += [_folded(block), nn.ReLU(inplace=True)]
        if n_channels == 1 < network.n_channels:
            first: Any = layers[0]
            first.weight = nn.Parameter(first.weight.detach().sum(dim=1, keepdim=True))
            first.in_channels = 1
        self.layers = nn.Sequential(*layers)
        self.eval().requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 512); the mean over the map is taken in single precision."""
        return self.layers(x).float().mean((2, 3))


def _folded(block: ConvBN) -> nn.Conv2d:
    was_training = block.training
    block.eval()
    try:
        return fuse_conv_bn_eval(block.conv, block.norm)
    finally:
        block.train(was_training)


class Embedder:
    """Pictures in host memory to their 512 values.

    Parameters
    ----------
    network
        A trained network; it is not changed.
    device, precision, batch
        As the settings of the feature source. ``batch`` None: 8 on a CPU, 256 elsewhere. A device that runs out of
        memory gets half.
    is_compiled
        Through ``torch.compile`` at a fixed shape: worth its half minute of compiling for thousands of pictures alone.
    say
        Is told when a batch is halved.
    """

    def __init__(
        self,
        network: UCTransNet,
        device: str = "auto",
        precision: str = "fp32",
        batch: int | None = None,
        is_compiled: bool = False,
        say: Callable[[str], None] = on_stderr,
    ) -> None:
        self.device = choose_device(device)
        self.precision = choose_precision(precision, self.device)
        self.dtype = PRECISIONS[self.precision]
        self.batch = batch or (8 if self.device.type == "cpu" else 256)
        self.halvings, self.say = 0, say
        self.copies = torch.cuda.Stream(self.device) if self.device.type == "cuda" else None
        layout: dict[str, Any] = {"memory_format": torch.channels_last}  # which torch's own types do not know
        encoder = Encoder(network).to(self.device, self.dtype, **layout)
        self.is_compiled = is_compiled
        self.encoder = torch.compile(encoder, dynamic=False) if is_compiled else encoder

    @property
    def about(self) -> dict[str, Any]:
        """The device and what else values depend on."""
        return about_device(self.device, self.precision)

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """Values (n, 512) float32 of pictures (n, H, W): float32 from 0 to 1, or uint8, which are divided by 255 on the
        device."""
        embeddings: list[Tensor] = []
        start = 0
        while start < len(pictures):
            part = pictures[start : start + self.batch]
            values = attempt(partial(self._run, part))
            if values is None:
                self.batch = halved(self.batch, self.device, f"picture of {part.shape[1]} x {part.shape[2]}", self.say)
                self.halvings += 1
                continue
            embeddings.append(values)
            start += len(part)
        return torch.cat(embeddings).cpu().numpy() if embeddings else np.empty((0, N_FEATURES), np.float32)

    def launch(self, crops: Sequence[Crop], size: int) -> Tensor:
        """Values (n, 512) on the device of rectangles, whose pictures are made there; a GPU is not waited for. On a CPU
        pictures are made one by one, as ever."""
        if self.device.type == "cpu":
            return torch.from_numpy(self(np.stack([picture_of_crop(crop, size) for crop in crops])))
        found: list[Tensor] = []
        start = 0
        while start < len(crops):
            part = crops[start : start + self.batch]
            values = attempt(partial(self._run_crops, part, size))
            if values is None:
                self.batch = halved(self.batch, self.device, f"picture of {size} x {size}", self.say)
                self.halvings += 1
                continue
            found.append(values)
            start += len(part)
        return torch.cat(found)

    def _run_crops(self, crops: Sequence[Crop], size: int) -> Tensor:
        with torch.inference_mode():
            pictures = pictures_on(self.device, crops, size)
            if self.is_compiled and len(crops) < self.batch:
                pictures = torch.cat([pictures, pictures.new_zeros((self.batch - len(crops), size, size))])
            x = pictures.to(self.dtype)[:, None].contiguous(memory_format=torch.channels_last)
            return self.encoder(x)[: len(crops)]

    def _run(self, part: np.ndarray) -> Tensor:
        """Values on the device: a GPU is not waited for, so that the next part travels while it computes."""
        n = len(part)
        if self.is_compiled and n < self.batch:  # one shape is compiled: fill up, and drop what was added
            part = np.concatenate([part, np.zeros((self.batch - n, *part.shape[1:]), part.dtype)])
        with torch.inference_mode():
            return self.encoder(self.to_device(torch.from_numpy(np.ascontiguousarray(part))))[:n]

    def to_device(self, pictures: Tensor) -> Tensor:
        """Pictures (n, H, W) to (n, 1, H, W) on the device, in its precision; bytes travel as bytes. To a GPU they
        travel in a stream of their own, so that a part is not queued behind the computation of the one before it."""
        if self.copies is None:
            moved = pictures.to(self.device)
        else:
            with torch.cuda.stream(self.copies):
                moved = pictures.pin_memory().to(self.device, non_blocking=True)
            now = torch.cuda.current_stream(self.device)
            now.wait_stream(self.copies)
            moved.record_stream(now)  # or its memory would be given to the next part while this one is still read
        scaled = moved.to(self.dtype) / 255 if moved.dtype == torch.uint8 else moved.to(self.dtype)
        return scaled[:, None].contiguous(memory_format=torch.channels_last)
