"""Where a Radscore's deep part comes from: exact heat maps.

The deep part of a Radscore is ``sum_j b_j (x_j - center_j) / scale_j`` over features ``x_j`` that are means of the
activation maps ``A_j`` of the fourth down-sampling over places (and over slices, with ``pool: mean``). So it is the
*sum* over the n places of

    M = (sum_j (b_j / scale_j) A_j    minus    sum_j b_j center_j / scale_j) / n,

and M says what each place adds, in log odds; the constant is shared evenly among the places. It is Grad-CAM (Selvaraju
et al. 2017, Int J Comput Vis 128:336-359) of the deep part less that constant: the gradient of a mean is 1 / n
everywhere, so that Grad-CAM's channel weights are b_j / scale_j / n. It is shown with its sign, without the ReLU. With
``pool: max`` the score is not linear in the maps, and there is no such map.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from prldh.api import DataError
from prldh_uctransnet.network import UCTransNet
from prldh_uctransnet.source import NAMES


class NoDeepPartError(DataError):
    """A Radscore of which there is no heat map."""


@dataclass(frozen=True)
class DeepPart:
    """The deep part of a Radscore: ``weights`` (512,) are b / scale, 0 for features not in it; ``constant`` is sum b
    center / scale."""

    weights: np.ndarray
    constant: float

    @classmethod
    def of(cls, radscore: Mapping) -> DeepPart:
        """From ``tissues.NAME.radscore`` of results.json.

        Raises
        ------
        NoDeepPartError
            If the Radscore has no deep feature, or is not linear in its features.
        """
        if not radscore.get("coefficients"):
            raise NoDeepPartError(
                "the Radscore is not linear in its features, so there is no exact heat map. Explain one of a linear"
                " learner, such as lasso or ridge."
            )
        weights, constant = np.zeros(len(NAMES)), 0.0
        for name, b in radscore["coefficients"].items():
            if name in NAMES:
                weights[NAMES.index(name)] = b / radscore["scale"][name]
                constant += b * radscore["center"][name] / radscore["scale"][name]
        if not weights.any():
            raise NoDeepPartError(
                "the Radscore holds no deep feature (uctransnet_000 to uctransnet_511), so there is nothing to show."
                " Explain another tissue."
            )
        return cls(weights, constant)

    def value(self, features: np.ndarray) -> float:
        """The deep part (log odds) of a patient with these 512 features."""
        return float(features @ self.weights - self.constant)


def contribution_maps(network: UCTransNet, pictures: np.ndarray, part: DeepPart, batch: int = 8) -> np.ndarray:
    """M (n, size / 16, size / 16) float64 of pictures (n, size, size): what each place adds to the deep part of its
    picture (log odds), which is the sum of the map."""
    weights = torch.from_numpy(part.weights)
    contributions = []
    with torch.inference_mode():
        for start in range(0, len(pictures), batch):
            maps = network.encode(_as_input(network, pictures[start : start + batch]))[-1].cpu().double()
            contributions.append(torch.einsum("ncij,c->nij", maps, weights).numpy())
    added = np.concatenate(contributions)
    return (added - part.constant) / np.prod(added.shape[1:])


@dataclass(frozen=True)
class Inside:
    """How much of a map lies inside an outline: ``share`` of the sum of its absolute values (None where all are 0), and
    the share of the picture that the outline covers."""

    share: float | None
    covered: float

    @classmethod
    def of(cls, heat: np.ndarray, outline: np.ndarray) -> Inside:
        """Of a map (h, w) and an outline (H, W), H and W multiples of h and w; a pixel above 0.5 is inside, and a place
        counts by the share of its pixels that are."""
        height, width = (n // m for n, m in zip(outline.shape, heat.shape, strict=True))
        inside = (outline > 0.5).reshape(heat.shape[0], height, heat.shape[1], width).mean(axis=(1, 3))
        size = np.abs(heat)
        total = float(size.sum())
        return cls(float((size * inside).sum() / total) if total > 0 else None, float(inside.mean()))


def gradient_cam(
    network: UCTransNet, pictures: np.ndarray, target: Callable[[Tensor], Tensor] | None = None
) -> np.ndarray:
    """Grad-CAM of a segmentation at the fourth down-sampling, (n, size / 16, size / 16), not negative.

    ``target``: what is explained, from logits (n, classes, H, W) to one number a picture; by default the sum of the
    first class's logits over the pixels that the network sets (all pixels where it sets none).
    """
    network.eval()
    kept: list[Tensor] = []
    hook = network.down4.register_forward_hook(lambda module, inputs, output: kept.append(output))
    try:
        with torch.enable_grad():
            logits = network(_as_input(network, pictures))
            score = (target or _sum_where_set)(logits).sum()
            (gradient,) = torch.autograd.grad(score, kept[0])
    finally:
        hook.remove()
    weights = gradient.mean((2, 3), keepdim=True)
    return torch.relu((weights * kept[0]).sum(dim=1)).detach().cpu().numpy()


def _sum_where_set(logits: Tensor) -> Tensor:
    first = logits[:, 0]
    is_set = (first > 0).float()
    is_set = torch.where(is_set.any(dim=(1, 2))[:, None, None], is_set, torch.ones_like(is_set))
    return (first * is_set).sum(dim=(1, 2))


def _as_input(network: UCTransNet, pictures: np.ndarray) -> Tensor:
    device = next(network.parameters()).device
    return (
        torch.from_numpy(np.ascontiguousarray(pictures, dtype=np.float32))[:, None]
        .expand(-1, network.n_channels, -1, -1)
        .to(device)
    )


def choose_patients(scores: Mapping[str, float]) -> list[tuple[str, str]]:
    """Four patients, one a quarter of the Radscores: (level, patient), high first. Each is the one nearest the middle
    of its quarter (the 87.5th, 62.5th, 37.5th, 12.5th percentile), the first id where two are equally near; fewer than
    four patients are all shown."""
    levels = (("high risk", 87.5), ("medium-high risk", 62.5), ("medium-low risk", 37.5), ("low risk", 12.5))
    left, chosen = dict(sorted(scores.items())), []
    values = np.array(list(scores.values()))
    for level, percentile in levels:
        if left:
            aim = float(np.percentile(values, percentile))
            patient = min(left, key=lambda p: abs(left[p] - aim))
            chosen.append((level, patient))
            del left[patient]
    return chosen
