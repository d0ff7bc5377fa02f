"""Several GPUs: ``torchrun --nproc-per-node N -m prldh segment train ...`` starts one process a GPU, and torch's own
DDP joins them.

Each process takes every N-th slice of a step's batch; the gradients are those of the whole batch. BatchNorm sees a
process's own slices, and what is kept are the first process's figures. The first process alone validates, writes and
speaks.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any

import numpy as np
import torch
from torch import distributed, nn

#: how long the other processes wait for the first one's validation; torchrun ends them where one dies
PATIENCE = timedelta(hours=6)


def world() -> tuple[int, int]:
    """This process's number and how many there are; (0, 1) outside torchrun."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def join(network: nn.Module, device: torch.device) -> nn.Module:
    """The network as it is trained: itself alone, or wrapped so that the processes' gradients are averaged."""
    _, n = world()
    if n == 1:
        return network
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)
    return nn.parallel.DistributedDataParallel(network, broadcast_buffers=False)


def own_device(device: torch.device) -> torch.device:
    """Of several GPUs, the one that torchrun gives this process."""
    if device.type != "cuda" or world()[1] == 1:
        return device
    torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    return torch.device("cuda", torch.cuda.current_device())


def own_share(batch: np.ndarray) -> tuple[np.ndarray, float]:
    """This process's part of a batch, and what its gradients are multiplied with, as DDP takes the mean over processes.
    A process without a slice computes the first one with weight 0, as the others wait for it."""
    rank, n = world()
    share = batch[rank::n]
    return (share, float(n)) if len(share) else (batch[:1], 0.0)


def quietly(model: nn.Module, is_last: bool) -> AbstractContextManager:
    """Gradients are exchanged with the last part of a batch alone."""
    return nullcontext() if is_last or not isinstance(model, nn.parallel.DistributedDataParallel) else model.no_sync()


def total(value: float, device: torch.device) -> float:
    """The sum of a number over the processes."""
    if world()[1] == 1:
        return value
    tensor = torch.tensor(value, dtype=torch.float64 if device.type != "mps" else torch.float32, device=device)
    distributed.all_reduce(tensor)
    return tensor.item()


def from_first(work: Callable[[], Any]) -> Any:
    """What ``work`` gives in the first process, in all of them; what it raises there is raised in all."""
    rank, n = world()
    if n == 1:
        return work()
    held: list[Any] = [None, None]
    if rank == 0:
        try:
            held[0] = work()
        except Exception as error:  # the others wait: they must hear of it
            held[1] = error
    distributed.broadcast_object_list(held, src=0)
    if held[1] is not None:
        raise held[1]
    return held[0]


def described(device: torch.device) -> str:
    """The device in words, with the number of processes."""
    return device.type if world()[1] == 1 else f"{world()[1]} x {device.type}"


def leave() -> None:
    """End what :func:`join` began."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
