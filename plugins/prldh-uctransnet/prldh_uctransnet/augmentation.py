"""Random changes of training slices. Each slice's depend on seed, epoch and its number alone, not on batches or on a
restart."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

ANGLE_DEGREES = 15.0
SCALE = 0.10
SHIFT = 0.05  # share of the side
GAMMA = 1.25


def draw(seed: int, epoch: int, index: int, flip: bool) -> tuple[np.ndarray, float]:
    """A matrix (2, 3), from places in the new slice to places in the old, both from -1 to 1; and the exponent of the
    grey values.

    Rotation up to 15 degrees, scale 0.9 to 1.1, shift up to 5 % of the side, exponent 0.8 to 1.25; ``flip``: left and
    right swapped half of the time.
    """
    generator = np.random.default_rng([seed, epoch, index])
    angle, scale = np.radians(generator.uniform(-ANGLE_DEGREES, ANGLE_DEGREES)), generator.uniform(1 - SCALE, 1 + SCALE)
    shift = 2 * generator.uniform(-SHIFT, SHIFT, 2)
    gamma = GAMMA ** generator.uniform(-1, 1)
    mirror = -1.0 if generator.random() < 0.5 and flip else 1.0
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) / scale
    return np.column_stack([turn @ np.diag([mirror, 1.0]), shift]).astype(np.float32), float(gamma)


def apply(pictures: Tensor, targets: Tensor, drawn: list[tuple[np.ndarray, float]]) -> tuple[Tensor, Tensor]:
    """Pictures and targets (n, 1, H, W) changed alike; beyond the border pictures repeat it, and targets are empty."""
    matrices = torch.from_numpy(np.stack([m for m, _ in drawn])).to(pictures.device)
    grid = affine_grid(matrices, list(pictures.shape), align_corners=False)
    moved = grid_sample(pictures, grid, mode="bilinear", padding_mode="border", align_corners=False)
    gammas = torch.tensor([g for _, g in drawn], device=pictures.device)[:, None, None, None]
    target = grid_sample(targets, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return moved.clamp(0, 1) ** gammas, (target > 0.5).to(targets.dtype)
