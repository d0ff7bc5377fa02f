"""The channel transformer of UCTransNet: feature maps of four scales attend to each other's channels.

Wang, Cao, Wang, Zaiane (2022) UCTransNet: rethinking the skip connections in U-Net from a channel-wise perspective with
transformer. AAAI 36(3) 2441-2449. Names of modules are those of the published checkpoints.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

PATCHES = (16, 8, 4, 2)
N_HEADS = 4
N_LAYERS = 4
DROPOUT = 0.1


class TokenEmbedding(nn.Module):
    """A feature map (B, C, H', W') to tokens (B, N, C), one a patch; N = (image_size / 16)² at the size it was made
    for.

    At another size the position embeddings are interpolated (bilinear, on their square grid), which the published
    network, of one fixed size, does not do.
    """

    def __init__(self, channels: int, patch: int, grid: int) -> None:
        super().__init__()
        self.grid = grid
        self.position_embeddings = nn.Parameter(torch.zeros(1, grid * grid, channels))
        self.patch_embeddings = nn.Conv2d(channels, channels, patch, stride=patch)
        self.dropout = nn.Dropout(DROPOUT)

    def positions(self, height: int, width: int) -> Tensor:
        """Position embeddings (1, height x width, C) of a grid of tokens."""
        if (height, width) == (self.grid, self.grid):
            return self.position_embeddings
        as_map = self.position_embeddings.transpose(1, 2).unflatten(2, (self.grid, self.grid))
        return (
            functional.interpolate(as_map, (height, width), mode="bilinear", align_corners=False)
            .flatten(2)
            .transpose(1, 2)
        )

    def forward(self, x: Tensor) -> Tensor:
        patches = self.patch_embeddings(x)
        tokens = patches.flatten(2).transpose(1, 2)
        return self.dropout(tokens + self.positions(*patches.shape[2:]))


class ChannelAttention(nn.Module):
    """Four heads of full width: the channels of one scale (queries) attend to the channels of all scales (keys,
    values)."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        total = sum(channels)
        self.divisor = math.sqrt(total)
        for i, c in enumerate(channels, start=1):
            self.add_module(f"query{i}", nn.ModuleList(nn.Linear(c, c, bias=False) for _ in range(N_HEADS)))
            self.add_module(f"out{i}", nn.Linear(c, c, bias=False))
        self.key = nn.ModuleList(nn.Linear(total, total, bias=False) for _ in range(N_HEADS))
        self.value = nn.ModuleList(nn.Linear(total, total, bias=False) for _ in range(N_HEADS))
        self.normalise = nn.InstanceNorm2d(N_HEADS, eps=1e-5)
        self.attention_dropout = nn.Dropout(DROPOUT)
        self.out_dropout = nn.Dropout(DROPOUT)

    def forward(self, scales: Sequence[Tensor], together: Tensor) -> list[Tensor]:
        """``scales``: four normalised (B, N, C_i); ``together``: normalised (B, N, total), which is 960. Returns four
        (B, N, C_i)."""
        keys = torch.stack([head(together) for head in self.key], dim=1)  # (B, heads, N, 960)
        values = torch.stack([head(together) for head in self.value], dim=1)
        return [self._one_scale(i, tokens, keys, values) for i, tokens in enumerate(scales, start=1)]

    def _one_scale(self, i: int, tokens: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        queries = torch.stack([head(tokens) for head in getattr(self, f"query{i}")], dim=1)  # (B, heads, N, C_i)
        scores = queries.transpose(2, 3) @ keys / self.divisor  # (B, heads, C_i, 960)
        weights = self.attention_dropout(torch.softmax(self.normalise(scores), dim=-1))
        mixed = (weights @ values.transpose(2, 3)).mean(dim=1)  # (B, C_i, N)
        return self.out_dropout(getattr(self, f"out{i}")(mixed.transpose(1, 2)))


class Mlp(nn.Module):
    """Two linear layers, four times as wide between them, with the exact GELU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, 4 * channels)
        self.fc2 = nn.Linear(4 * channels, channels)
        for layer in (self.fc1, self.fc2):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.normal_(layer.bias, std=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(functional.gelu(self.fc1(x)))


class TransformerLayer(nn.Module):
    """Attention and MLP with residuals on what came in un-normalised."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        for i, c in enumerate(channels, start=1):
            self.add_module(f"attn_norm{i}", nn.LayerNorm(c, eps=1e-6))
        self.attn_norm = nn.LayerNorm(sum(channels), eps=1e-6)
        self.channel_attn = ChannelAttention(channels)
        for i, c in enumerate(channels, start=1):
            self.add_module(f"ffn_norm{i}", nn.LayerNorm(c, eps=1e-6))
        for i, c in enumerate(channels, start=1):
            self.add_module(f"ffn{i}", Mlp(c))

    def forward(self, scales: list[Tensor]) -> list[Tensor]:
        together = self.attn_norm(torch.cat(scales, dim=2))
        normalised = [getattr(self, f"attn_norm{i}")(x) for i, x in enumerate(scales, start=1)]
        attended = [x + a for x, a in zip(scales, self.channel_attn(normalised, together), strict=True)]
        return [x + getattr(self, f"ffn{i}")(getattr(self, f"ffn_norm{i}")(x)) for i, x in enumerate(attended, start=1)]


class TransformerEncoder(nn.Module):
    """Four layers, and a last LayerNorm a scale."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.layer = nn.ModuleList(TransformerLayer(channels) for _ in range(N_LAYERS))
        for i, c in enumerate(channels, start=1):
            self.add_module(f"encoder_norm{i}", nn.LayerNorm(c, eps=1e-6))

    def forward(self, scales: list[Tensor]) -> list[Tensor]:
        for layer in self.layer:
            scales = layer(scales)
        return [getattr(self, f"encoder_norm{i}")(x) for i, x in enumerate(scales, start=1)]


class Reconstruction(nn.Module):
    """Tokens (B, N, C) back to a feature map: nearest up-sampling, then 1x1 convolution, BatchNorm, ReLU."""

    def __init__(self, channels: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.conv = nn.Conv2d(channels, channels, 1)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        small = tokens.transpose(1, 2).unflatten(2, grid)
        return torch.relu(self.norm(self.conv(functional.interpolate(small, scale_factor=self.factor, mode="nearest"))))


class ChannelTransformer(nn.Module):
    """Four feature maps to four of the same shapes: what the transformer makes of them, plus themselves."""

    def __init__(self, channels: Sequence[int], image_size: int) -> None:
        super().__init__()
        for i, (c, patch) in enumerate(zip(channels, PATCHES, strict=True), start=1):
            self.add_module(f"embeddings_{i}", TokenEmbedding(c, patch, image_size // PATCHES[0]))
        self.encoder = TransformerEncoder(channels)
        for i, (c, patch) in enumerate(zip(channels, PATCHES, strict=True), start=1):
            self.add_module(f"reconstruct_{i}", Reconstruction(c, patch))

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        grid = (maps[0].shape[2] // PATCHES[0], maps[0].shape[3] // PATCHES[0])
        tokens = self.encoder([getattr(self, f"embeddings_{i}")(x) for i, x in enumerate(maps, start=1)])
        return [
            x + getattr(self, f"reconstruct_{i}")(t, grid)
            for i, (x, t) in enumerate(zip(maps, tokens, strict=True), start=1)
        ]
