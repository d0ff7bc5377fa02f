"""Several GPUs: ``torchrun --nproc-per-node N -m prldh segment train ...`` starts one process a GPU, and torch's own
DDP joins them.

Each process takes every N-th slice of a step's batch; the gradients are those of the whole batch, and on GPUs BatchNorm
sees the slices of all processes (SyncBatchNorm; on CPUs, for which torch has none, a process's own, and what is kept
are the first one's figures). The processes share the validation. Images are read once on each machine. The first
process alone writes and speaks.
"""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import distributed, nn

T = TypeVar("T")
#: how long processes wait for each other; torchrun ends them where one dies
PATIENCE = timedelta(hours=6)


def world() -> tuple[int, int]:
    """This process's number and how many there are; (0, 1) outside torchrun."""
    return int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def meet(device: torch.device) -> None:
    """Begin to speak with the other processes, where there are any."""
    if world()[1] > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=PATIENCE)


def synchronised(network: nn.Module, device: torch.device) -> Any:
    """The network with BatchNorm over all processes' slices, where torch has that: on CUDA GPUs."""
    is_shared = world()[1] > 1 and device.type == "cuda"
    return nn.SyncBatchNorm.convert_sync_batchnorm(network) if is_shared else network


def join(network: nn.Module, device: torch.device) -> nn.Module:
    """The network as it is trained: itself alone, or wrapped so that the processes' gradients are averaged."""
    if world()[1] == 1:
        return network
    meet(device)
    return nn.parallel.DistributedDataParallel(network, broadcast_buffers=False)


def as_first(network: nn.Module) -> None:
    """Give every process the first one's BatchNorm figures, which alone are kept."""
    if world()[1] > 1:
        for figures in network.buffers():
            distributed.broadcast(figures, src=0)


def own_device(device: torch.device) -> torch.device:
    """Of several GPUs, the one that torchrun gives this process."""
    if device.type != "cuda" or world()[1] == 1:
        return device
    torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    return torch.device("cuda", torch.cuda.current_device())


def own_parts(batch: np.ndarray, n_at_once: int) -> list[tuple[np.ndarray, float]]:
    """This process's share of a batch in parts of at most ``n_at_once`` slices, each with what its gradients are
    multiplied with. All processes have as many parts, as BatchNorm and gradients are exchanged part by part."""
    rank, n = world()
    if n == 1:
        return [(batch[i : i + n_at_once], 1.0) for i in range(0, len(batch), n_at_once)]
    n_parts = -(-len(batch[::n]) // n_at_once)
    parts = np.array_split(batch[rank::n], n_parts)
    return [(part, float(n)) if len(part) else (batch[:1], 0.0) for part in parts]


def quietly(model: nn.Module, is_last: bool) -> AbstractContextManager:
    """Gradients are exchanged with the last part of a batch alone."""
    return nullcontext() if is_last or not isinstance(model, nn.parallel.DistributedDataParallel) else model.no_sync()


def summed(numbers: np.ndarray, device: torch.device) -> np.ndarray:
    """The sums of an array's numbers over the processes."""
    if world()[1] == 1:
        return numbers
    tensor = torch.as_tensor(np.asarray(numbers, np.float64), device=device)
    distributed.all_reduce(tensor)
    return tensor.cpu().numpy()


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


def once_a_machine(work: Callable[[Path], T], take: Callable[[Path], T]) -> T:
    """What ``work`` gives in the first process of each machine, which leaves it in a folder of its own; the others
    ``take`` it from there. What it raises is raised in all."""
    n = world()[1]
    with tempfile.TemporaryDirectory(prefix="prldh-") as folder:
        given: Any = None
        held: list[Any] = [None] * n
        mine: tuple[str, str, Any] = (platform.node(), folder, None)
        is_first = int(os.environ.get("LOCAL_RANK", 0)) == 0
        if is_first:
            try:
                given = work(Path(folder))
            except Exception as error:  # the others wait: they must hear of it
                mine = (*mine[:2], error)
        distributed.all_gather_object(held, mine if is_first else None)
        for _, _, failure in filter(None, held):
            if failure is not None:
                raise failure
        found = given if is_first else take(next(Path(h[1]) for h in held if h and h[0] == platform.node()))
        distributed.barrier()  # the files are open everywhere before their names go
    return found


def described(device: torch.device) -> str:
    """The device in words, with the number of processes."""
    return device.type if world()[1] == 1 else f"{world()[1]} x {device.type}"


def leave() -> None:
    """End what :func:`join` began."""
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
