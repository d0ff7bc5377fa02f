"""How good a network is on the patients that choose the epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch

from prldh_uctransnet import parallel
from prldh_uctransnet.loading import to_input
from prldh_uctransnet.slices import Slices

if TYPE_CHECKING:
    from prldh_uctransnet.training import Training


def loss_function() -> torch.nn.Module:
    """BCE of the logits plus 1 - Dice of the probabilities, each the mean over slices."""
    from monai.losses import DiceCELoss

    return DiceCELoss(sigmoid=True)


def autocast(run: Training) -> torch.autocast:
    """In which precision the network is run."""
    return torch.autocast(run.device.type, torch.bfloat16, enabled=run.precision == "bf16")


def validate(run: Training, images: Sequence[Slices]) -> dict[str, float]:
    """Mean loss over slices, and mean Dice over patients, each patient's slices taken together. Patients of whom
    neither mask nor network sets a pixel have no Dice and are left out; ``validation_patients`` are the others. Several
    processes share the images, and each gets the numbers of all."""
    criterion = loss_function()
    run.network.eval()
    patients = list(dict.fromkeys(image.patient for image in images))
    both, sums, (rank, n_processes) = np.zeros((len(patients), 2)), np.zeros(2), parallel.world()
    with torch.inference_mode():
        for image in images[rank::n_processes]:
            for start in range(0, len(image.pictures), run.micro_batch):
                x, y = (
                    to_input(torch.from_numpy(np.array(a[start : start + run.micro_batch]))[:, None].to(run.device))
                    for a in (image.pictures, image.targets)
                )
                with autocast(run):
                    logits = run.network(x).float()
                sums += criterion(logits, y).item() * len(x), len(x)
                is_set = logits > 0
                both[patients.index(image.patient)] += (
                    2 * (is_set * y).sum().item(),
                    is_set.sum().item() + y.sum().item(),
                )
    both, sums = parallel.summed(both, run.device), parallel.summed(sums, run.device)
    has_dice = both[:, 1] > 0
    scores = both[has_dice, 0] / both[has_dice, 1]
    return {
        "validation_loss": float(sums[0] / sums[1]),
        "validation_dice": float(np.mean([*scores.tolist()])) if len(scores) else 0.0,
        "validation_patients": int(has_dice.sum()),
    }
