"""Training: epoch by epoch, every finished epoch kept, so that a run that was stopped goes on to the same result."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from prldh import __version__ as core_version
from prldh.api import DataError, OutputError, PluginError, StudyError, write_whole
from prldh_uctransnet import __version__, augmentation, parallel
from prldh_uctransnet.checkpoints import hash_patient, read_content, save_checkpoint
from prldh_uctransnet.devices import choose_device
from prldh_uctransnet.memory import attempt, halved
from prldh_uctransnet.network import UCTransNet
from prldh_uctransnet.recipe import FREE_ON_RESUME, Recipe
from prldh_uctransnet.slices import Slices

LAST, BEST, LOG = "last.pt", "best.pt", "training.json"
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
    micro_batch: int
    history: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, float] = field(default_factory=dict)

    @property
    def epoch(self) -> int:
        """Epochs finished."""
        return len(self.history)


def split_patients(patients: Sequence[str], recipe: Recipe, seed: int) -> tuple[list[str], list[str]]:
    """Patients that train, and patients that choose the epoch; both sorted, drawn by the seed alone.

    Raises
    ------
    StudyError
        If either would be fewer than two patients, or a held-out patient is not there.
    """
    known = sorted(set(patients))
    strangers = [p for p in recipe.held_out if p not in known]
    if strangers:
        raise StudyError(
            f"train.held_out names '{strangers[0]}', who is no patient of the cases table. Correct the id."
        )
    left = [p for p in known if p not in recipe.held_out]
    n = round(recipe.validation * len(left))
    if n < 2 or len(left) - n < 2:
        raise StudyError(
            f"train.validation: {recipe.validation:g} of {len(left)} patients are {n} to choose the epoch by and "
            f"{len(left) - n} to train on; both must be "
            "at least 2, as one patient says nothing of others. Change the share, or add patients."
        )
    chosen = {left[i] for i in np.random.default_rng([seed, len(left)]).permutation(len(left))[:n]}
    return [p for p in left if p not in chosen], sorted(chosen)


def train(
    images: Sequence[Slices], recipe: Recipe, seed: int, out: Path, *, is_resumed: bool = False, say: Say = print
) -> dict[str, Any]:
    """Train a network and write ``best.pt``, ``last.pt`` and ``training.json`` to ``out``; returns what is in the
    latter.

    The best epoch is that of the highest mean Dice over the validation patients, each patient's slices taken together
    (1 where neither mask nor network sets a pixel); the earlier where two tie.

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
    training_ids, validation_ids = split_patients([s.patient for s in images], recipe, seed)
    pictures, targets = _together([s for s in images if s.patient in training_ids])
    validation = [s for s in images if s.patient in validation_ids]
    if not targets.any():
        raise DataError("every mask of the training patients is empty. Check the masks, or give another seed.")
    run = begin(recipe, seed)
    about = provenance(training_ids, validation_ids, recipe, seed, run.device)
    if is_resumed:
        take_up(run, out / LAST, about)
    say = say if parallel.world()[0] == 0 else _silent
    say(
        f"training on {parallel.described(run.device)}: {len(pictures)} slices of {len(training_ids)} patients;"
        f" {len(validation_ids)} patients choose the epoch"
    )
    while run.epoch < recipe.epochs and not _is_over(run):
        loss = train_epoch(run, pictures, targets, out, say)
        entry = {"epoch": run.epoch + 1, "loss": loss, **parallel.from_first(lambda: validate(run, validation))}
        if not np.isfinite(entry["validation_loss"]):
            raise DataError(_not_finite("validation loss", run, out))
        run.history.append(entry)
        is_best = entry["validation_dice"] > run.best.get("validation_dice", -1.0)
        if is_best:
            run.best = entry
        parallel.from_first(partial(_keep, run, about, out, is_best))
        say(
            f"epoch {run.epoch}/{recipe.epochs}: loss {loss:.4f}, validation {entry['validation_loss']:.4f}, Dice "
            f"{entry['validation_dice']:.4f}"
            f" (best {run.best['validation_dice']:.4f}, epoch {run.best['epoch']})"
        )
    return _log(run, about)


def begin(recipe: Recipe, seed: int) -> Training:
    """A run before its first epoch."""
    device = parallel.own_device(choose_device(recipe.device))
    torch.manual_seed(seed)
    if device.type == "cuda":
        torch.backends.cudnn.deterministic = True  # the same seed, the same network
    network = UCTransNet(image_size=recipe.size, width=recipe.width).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    model = parallel.join(network, device)
    at_once = recipe.micro_batch or (_fitting(recipe) if device.type == "cpu" else recipe.batch)
    return Training(network, model, optimizer, recipe, seed, device, min(at_once, recipe.batch))


def _fitting(recipe: Recipe) -> int:
    """Slices at a time on a CPU, where too much memory ends the process without a word. Not by the memory that happens
    to be free, as BatchNorm sees the part, and a run taken up again must end the same."""
    return max(1, int(CPU_BYTES / (BYTES_PER_PIXEL * recipe.size**2 * recipe.width / 64)))


def train_epoch(run: Training, pictures: Tensor, targets: Tensor, out: Path, say: Say = print) -> float:
    """One pass over the training slices; the mean loss. Order, augmentation and dropout depend on the seed and the
    epoch alone."""
    number = run.epoch + 1
    order = np.random.default_rng([run.seed, number]).permutation(len(pictures))
    torch.manual_seed(run.seed * 1_000_003 + number + 7_919 * parallel.world()[0])
    run.model.train()
    total = 0.0
    for start in range(0, len(order), run.recipe.batch):
        batch = order[start : start + run.recipe.batch]
        loss = _step_with_less_memory(run, pictures, targets, batch, say)
        if not np.isfinite(loss):
            raise DataError(_not_finite("loss", run, out, start // run.recipe.batch + 1))
        run.optimizer.step()
        total += loss * len(batch)
    return total / len(order)


def _step_with_less_memory(run: Training, pictures: Tensor, targets: Tensor, batch: np.ndarray, say: Say) -> float:
    while True:
        loss = attempt(partial(add_gradients, run, pictures, targets, batch))
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


def add_gradients(run: Training, pictures: Tensor, targets: Tensor, batch: np.ndarray) -> float:
    """Gradients of the batch's mean loss, a part at a time; returns that loss. Both losses are means over slices, so
    parts add up."""
    criterion = loss_function()
    run.optimizer.zero_grad(set_to_none=True)
    share, weight = parallel.own_share(batch)
    total = 0.0
    for start in range(0, len(share), run.micro_batch):
        part = share[start : start + run.micro_batch]
        x, y = pictures[part][:, None].to(run.device).float(), targets[part][:, None].to(run.device).float()
        if run.recipe.augment:
            x, y = augmentation.apply(
                x, y, [augmentation.draw(run.seed, run.epoch + 1, int(i), run.recipe.flip) for i in part]
            )
        with parallel.quietly(run.model, start + run.micro_batch >= len(share)):
            with _precision(run):
                logits = run.model(x)
            loss = criterion(logits.float(), y) * (len(part) / len(batch))
            (loss * weight).backward()
        total += loss.item() if weight else 0.0
    return parallel.total(total, run.device)


def loss_function() -> torch.nn.Module:
    """BCE of the logits plus 1 - Dice of the probabilities, each the mean over slices."""
    from monai.losses import DiceCELoss

    return DiceCELoss(sigmoid=True)


def validate(run: Training, images: Sequence[Slices]) -> dict[str, float]:
    """Mean loss over slices, and mean Dice over patients."""
    criterion = loss_function()
    run.network.eval()
    total, n = 0.0, 0
    counts: dict[str, np.ndarray] = {}
    with torch.inference_mode():
        for image in images:
            for start in range(0, len(image.pictures), run.micro_batch):
                x = torch.from_numpy(image.pictures[start : start + run.micro_batch])[:, None].to(run.device).float()
                y = torch.from_numpy(image.targets[start : start + run.micro_batch])[:, None].to(run.device).float()
                with _precision(run):
                    logits = run.network(x).float()
                total, n = total + criterion(logits, y).item() * len(x), n + len(x)
                is_set = logits > 0
                both = np.array([2 * (is_set * y).sum().item(), is_set.sum().item() + y.sum().item()])
                counts[image.patient] = counts.get(image.patient, np.zeros(2)) + both
    scores = [c[0] / c[1] if c[1] else 1.0 for c in counts.values()]
    return {"validation_loss": total / n, "validation_dice": float(np.mean(scores))}


def _precision(run: Training) -> torch.autocast:
    is_low = run.recipe.precision == "bf16" or (run.recipe.precision == "auto" and run.device.type == "cuda")
    return torch.autocast(run.device.type, torch.bfloat16, enabled=is_low)


def _together(images: Sequence[Slices]) -> tuple[Tensor, Tensor]:
    return torch.from_numpy(np.concatenate([s.pictures for s in images])), torch.from_numpy(
        np.concatenate([s.targets for s in images])
    )


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


# ---------------------------------------------------------------- what is kept


def provenance(
    training_ids: Sequence[str], validation_ids: Sequence[str], recipe: Recipe, seed: int, device: torch.device
) -> dict[str, Any]:
    """What a checkpoint says of its training. Patients are hashed: those who trained or chose the epoch can be told,
    and not read off."""
    return {
        "patients_sha256": sorted(hash_patient(p) for p in (*training_ids, *validation_ids)),
        "validation_sha256": sorted(hash_patient(p) for p in validation_ids),
        "settings": (
            recipe.model_dump(mode="json", exclude={"held_out"}) | {"seed": seed, "n_held_out": len(recipe.held_out)}
        ),
        "versions": {
            "prldh": core_version,
            "prldh-uctransnet": __version__,
            "python": platform.python_version(),
            **{p: metadata.version(p) for p in ("torch", "monai", "numpy")},
        },
        "device": device.type,
    }


def take_up(run: Training, path: Path, about: dict[str, Any]) -> None:
    """Go on from ``last.pt``.

    Raises
    ------
    DataError, PluginError
        If it is not there, or was made with other patients or settings.
    """
    content = read_content(path)
    kept = content.get("prldh", {})
    mine, theirs = ({k: v for k, v in a.get("settings", {}).items() if k not in FREE_ON_RESUME} for a in (about, kept))
    odd = sorted(k for k in {*mine, *theirs} if mine.get(k) != theirs.get(k))
    if odd or kept.get("patients_sha256") != about["patients_sha256"] or "training" not in content:
        what = f"train.{odd[0]} ({theirs.get(odd[0])} there, {mine.get(odd[0])} here)" if odd else "its patients"
        raise PluginError(
            f"the run in {path.parent.name} cannot be taken up: {what} differ. Train anew in another folder, or set it"
            " back."
        )
    if parallel.world()[0] == 0:
        for scrap in path.parent.glob(f".partial-*{path.suffix}"):  # what a killed run was writing
            scrap.unlink(missing_ok=True)
    run.network.load_state_dict(content["state_dict"])
    run.optimizer.load_state_dict(content["optimizer"])
    run.history, run.best = list(content["training"]["history"]), dict(content["training"]["best"])


def _keep(run: Training, about: dict[str, Any], out: Path, is_best: bool) -> None:
    weights = {k: v.detach().cpu() for k, v in run.network.state_dict().items()}
    about = about | {"epoch": run.epoch, "validation": {k: v for k, v in run.history[-1].items() if k != "epoch"}}
    try:
        if is_best:
            save_checkpoint(out / BEST, {"state_dict": weights, "prldh": about})
        training = {"history": run.history, "best": run.best}
        save_checkpoint(
            out / LAST,
            {"state_dict": weights, "optimizer": run.optimizer.state_dict(), "training": training, "prldh": about},
        )
        write_whole(out / LOG, json.dumps(_log(run, about), indent=2).encode())
    except (OSError, RuntimeError) as error:
        raise OutputError(
            f"the checkpoint of epoch {run.epoch} cannot be written to {out}: {error}. The one before it is whole; free"
            " some space and use --resume."
        ) from None


def _log(run: Training, about: dict[str, Any]) -> dict[str, Any]:
    return {"schema": "prldh-training/1", "best": run.best, "history": run.history, "provenance": about}
