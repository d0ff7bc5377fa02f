"""Training: epoch by epoch, every finished epoch kept, so that a run that was stopped goes on to the same result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from prldh.api import DataError, PluginError
from prldh_uctransnet import augmentation, parallel
from prldh_uctransnet.devices import choose_device, choose_precision
from prldh_uctransnet.keeping import LAST, keep, log_of, provenance, take_up
from prldh_uctransnet.loading import Ahead, rows_of
from prldh_uctransnet.memory import attempt, halved
from prldh_uctransnet.network import UCTransNet
from prldh_uctransnet.recipe import Recipe, rate_at
from prldh_uctransnet.slices import Slices
from prldh_uctransnet.splitting import held_out_of, split_patients
from prldh_uctransnet.validating import autocast, loss_function, validate

Say = Callable[[str], None]
CPU_BYTES = 4e9
# of a slice in training, network of width 64, single precision: 3.6 GB for four slices of 224 x 224
BYTES_PER_PIXEL = 18_000


@dataclass
class Training:
    """A run as it stands: the network (``model``: as it is trained, maybe joined with other processes'), the optimiser,
    and what the finished epochs gave."""

    network: UCTransNet
    model: torch.nn.Module
    optimizer: torch.optim.Optimizer
    recipe: Recipe
    seed: int
    device: torch.device
    precision: str
    micro_batch: int
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, float] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """Epochs finished."""
        return len(self.history)


def train(
    images: Sequence[Slices], recipe: Recipe, seed: int, out: Path, *, is_resumed: bool = False, say: Say = print
) -> dict[str, Any]:
    """Train a network and write ``best.pt``, ``last.pt`` and ``training.json`` to ``out``; returns what is in the
    latter.

    The best epoch is that of the highest mean Dice over the validation patients, as :func:`validate` says; the earlier
    where two tie.

    Raises
    ------
    StudyError
        If the patients cannot be split.
    DataError
        If the loss is no longer finite; the checkpoints of the last good epoch stay.
    PluginError
        If the device is not there, or a resumed run was made with other patients or settings.
    OutputError
        If the checkpoint cannot be written.
    """
    patients = [s.patient for s in images]
    recipe = recipe.model_copy(update={"held_out": held_out_of(recipe, patients, seed)})
    training_ids, validation_ids = split_patients(patients, recipe, seed)
    ours, validation = ([s for s in images if s.patient in ids] for ids in (training_ids, validation_ids))
    for who, chosen in (("training", ours), ("validation", validation)):
        if not any(s.targets.any() for s in chosen):
            raise DataError(f"every mask of the {who} patients is empty. Check the masks, or give another seed.")
    pictures, targets = rows_of(ours)
    run = begin(recipe, seed)
    about = provenance(training_ids, validation_ids, run)
    if is_resumed:
        take_up(run, out / LAST, about)
    say = say if parallel.world()[0] == 0 else _silent
    say(
        f"training on {parallel.described(run.device)}: {len(pictures)} slices of {len(training_ids)} patients;"
        f" {len(validation_ids)} patients choose the epoch"
    )
    while run.epoch < recipe.epochs and not _is_over(run):
        loss = train_epoch(run, pictures, targets, out, say)
        parallel.as_first(run.network)
        entry = {"epoch": run.epoch + 1, "loss": loss, **validate(run, validation)}
        if not np.isfinite(entry["validation_loss"]):
            raise DataError(_not_finite("validation loss", run, out))
        run.history.append(entry)
        is_best = entry["validation_dice"] > run.best.get("validation_dice", -1.0)
        if is_best:
            run.best = entry
        parallel.from_first(partial(keep, run, about, out, is_best))
        say(
            f"epoch {run.epoch}/{recipe.epochs}: loss {loss:.4f}, validation {entry['validation_loss']:.4f}, Dice "
            f"{entry['validation_dice']:.4f}"
            f" (best {run.best['validation_dice']:.4f}, epoch {run.best['epoch']})"
        )
    return log_of(run, about)


def begin(recipe: Recipe, seed: int) -> Training:
    """A run before its first epoch."""
    device = parallel.own_device(choose_device(recipe.device))
    precision = choose_precision(recipe.precision, device, low="fp32")
    torch.manual_seed(seed)
    network = UCTransNet(image_size=recipe.size, width=recipe.width).to(device)
    if device.type == "cuda":
        torch.backends.cudnn.deterministic = True  # the same seed, the same network
        layout: dict[str, Any] = {"memory_format": torch.channels_last}  # which torch's own types do not know
        network = network.to(**layout)
    network = parallel.synchronised(network, device)
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    model = parallel.join(network, device)
    at_once = recipe.micro_batch or (_fitting(recipe) if device.type == "cpu" else recipe.batch)
    return Training(network, model, optimizer, recipe, seed, device, precision, min(at_once, recipe.batch))


def _fitting(recipe: Recipe) -> int:
    """Slices at a time on a CPU, where too much memory ends the process without a word. Not by the memory that happens
    to be free, as BatchNorm sees the part, and a run taken up again must end the same."""
    return max(1, int(CPU_BYTES / (BYTES_PER_PIXEL * recipe.size**2 * recipe.width / 64)))


def train_epoch(run: Training, pictures: Any, targets: Any, out: Path, say: Say = print) -> float:
    """One pass over the training slices; the mean loss. Order, augmentation and dropout depend on the seed and the
    epoch alone."""
    number = run.epoch + 1
    order = np.random.default_rng([run.seed, number]).permutation(len(pictures))
    torch.manual_seed(run.seed * 1_000_003 + number + 7_919 * parallel.world()[0])
    for group in run.optimizer.param_groups:
        group["lr"] = rate_at(run.recipe, number)
    run.model.train()
    batches = [order[start : start + run.recipe.batch] for start in range(0, len(order), run.recipe.batch)]
    workers = run.recipe.workers if run.recipe.workers is not None else 2 * (run.device.type == "cuda")
    total = 0.0
    with Ahead(pictures, targets, run.device, workers) as slices:
        slices.plan([part for batch in batches for part, _ in parallel.own_parts(batch, run.micro_batch)])
        for step, batch in enumerate(batches, 1):
            loss = _step_with_less_memory(run, slices, batch, say)
            if not np.isfinite(loss):
                raise DataError(_not_finite("loss", run, out, step))
            run.optimizer.step()
            total += loss * len(batch)
    return total / len(order)


def _step_with_less_memory(run: Training, slices: Ahead, batch: np.ndarray, say: Say) -> float:
    while True:
        loss = attempt(partial(add_gradients, run, slices, batch))
        if loss is not None:
            return loss
        if parallel.world()[1] > 1:  # the other processes wait in the middle of the step
            raise PluginError(
                f"the memory of {run.device} is too small. Set train.micro_batch to fewer than {run.micro_batch}, and"
                " use --resume."
            )
        what = f"slice of {run.recipe.size} x {run.recipe.size}"
        run.optimizer.zero_grad(set_to_none=True)
        run.micro_batch = halved(run.micro_batch, run.device, what, say, f", still {run.recipe.batch} a step")


def add_gradients(run: Training, slices: Ahead, batch: np.ndarray) -> float:
    """Gradients of the batch's mean loss, a part at a time; returns that loss. Both losses are means over slices, so
    parts add up."""
    criterion = loss_function()
    run.optimizer.zero_grad(set_to_none=True)
    parts = parallel.own_parts(batch, run.micro_batch)
    total = 0.0
    for k, (part, weight) in enumerate(parts, 1):
        x, y = slices.take(part)
        if run.recipe.augment:
            x, y = augmentation.apply(
                x, y, [augmentation.draw(run.seed, run.epoch + 1, int(i), run.recipe.flip) for i in part]
            )
        with parallel.quietly(run.model, k == len(parts)):
            with autocast(run):
                logits = run.model(x)
            loss = criterion(logits.float(), y) * (len(part) / len(batch))
            (loss * weight).backward()
        total += loss.item() if weight else 0.0
    return float(parallel.summed(np.array([total]), run.device)[0])


def _silent(text: str) -> None:
    """What the other processes say."""


def _is_over(run: Training) -> bool:
    return run.recipe.patience is not None and run.epoch - run.best.get("epoch", run.epoch) >= run.recipe.patience


def _not_finite(what: str, run: Training, out: Path, batch: int | None = None) -> str:
    kept = (
        f"the checkpoints of epoch {run.epoch} are kept in {out.name}"
        if run.epoch
        else "no epoch was finished, so nothing is kept"
    )
    place = f"epoch {run.epoch + 1}" + (f", step {batch}" if batch else "")
    do = "Use a lower learning_rate or precision: fp32, and look at the images."
    return f"training: the {what} is not finite any more in {place}; {kept}. {do}"
