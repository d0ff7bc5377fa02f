"""UCTransNet: a U-Net whose skip connections pass through a channel transformer.

Wang, Cao, Wang, Zaiane (2022) UCTransNet: rethinking the skip connections in U-Net from a channel-wise perspective with
transformer. AAAI 36(3) 2441-2449. Parameter names are those of the published implementation, so that its checkpoints
load.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from prldh.api import DataError
from prldh_uctransnet.transformer import ChannelTransformer

STEP = 16  #: height and width must be multiples of this
N_FEATURES = 512


class ConvBN(nn.Module):
    """Convolution 3x3, BatchNorm, ReLU."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.norm(self.conv(x)))


class Down(nn.Module):
    """Halves height and width, then two ConvBN."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.nConvs = nn.Sequential(ConvBN(channels_in, channels_out), ConvBN(channels_out, channels_out))

    def forward(self, x: Tensor) -> Tensor:
        return self.nConvs(functional.max_pool2d(x, 2))


class ChannelCrossAttention(nn.Module):
    """Weights the channels of the skip connection by what skip and decoder hold on average."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mlp_x = nn.Sequential(nn.Flatten(), nn.Linear(channels, channels))
        self.mlp_g = nn.Sequential(nn.Flatten(), nn.Linear(channels, channels))

    def forward(self, up: Tensor, skip: Tensor) -> Tensor:
        scale = torch.sigmoid((self.mlp_x(skip.mean((2, 3))) + self.mlp_g(up.mean((2, 3)))) / 2)
        return torch.relu(skip * scale[:, :, None, None])


class Up(nn.Module):
    """Doubles height and width, joins the weighted skip connection, then two ConvBN."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.coatt = ChannelCrossAttention(channels_in // 2)
        self.nConvs = nn.Sequential(ConvBN(channels_in, channels_out), ConvBN(channels_out, channels_out))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        up = functional.interpolate(x, scale_factor=2, mode="nearest")
        return self.nConvs(torch.cat([self.coatt(up, skip), up], dim=1))


class UCTransNet(nn.Module):
    """UCTransNet.

    Parameters
    ----------
    n_channels
        Channels of the image: 1 for MRI and CT, 3 for colour.
    n_classes
        Maps of logits. With 1, a pixel belongs to the structure where its logit is above 0.
    image_size
        Height and width (pixels) that the position embeddings are made for, a multiple of 16. Other sizes are accepted,
        non-square ones too, as long as both sides are multiples of 16: the position embeddings are then interpolated.
    width
        Channels of the first stage; the others have 2, 4, 8 and 8 times as many. The published network has 64, and so
        512 values; narrower ones are for trials.

    Raises
    ------
    DataError
        ``image_size``, or the size of an image, is not a multiple of 16; or an image has another number of channels.

    Examples
    --------
    >>> import torch
    >>> from prldh_uctransnet import UCTransNet
    >>> network = UCTransNet(n_channels=1, n_classes=2, image_size=32).eval()
    >>> x = torch.zeros(3, 1, 32, 48)
    >>> with torch.inference_mode():
    ...     tuple(network(x).shape), tuple(network.embed(x).shape)
    ((3, 2, 32, 48), (3, 512))
    """

    def __init__(self, n_channels: int = 1, n_classes: int = 1, image_size: int = 224, width: int = 64) -> None:
        super().__init__()
        if image_size < STEP or image_size % STEP:
            raise DataError(
                f"image_size of UCTransNet must be a multiple of {STEP}, found {image_size}. Use "
                f"{max(STEP, round(image_size / STEP) * STEP)}."
            )
        self.n_channels, self.n_classes, self.image_size, self.width = n_channels, n_classes, image_size, width
        c1, c2, c3, c4 = (width * k for k in (1, 2, 4, 8))
        self.inc = ConvBN(n_channels, c1)
        self.down1 = Down(c1, c2)
        self.down2 = Down(c2, c3)
        self.down3 = Down(c3, c4)
        self.down4 = Down(c4, c4)
        self.mtc = ChannelTransformer((c1, c2, c3, c4), image_size)
        self.up4 = Up(2 * c4, c3)
        self.up3 = Up(2 * c3, c2)
        self.up2 = Up(2 * c2, c1)
        self.up1 = Up(2 * c1, c1)
        self.outc = nn.Conv2d(c1, n_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (B, n_classes, H, W) of images (B, n_channels, H, W). The published network of one class returns their
        sigmoid."""
        *maps, deepest = self.encode(x)
        s1, s2, s3, s4 = self.mtc(maps)
        up = self.up4(deepest, s4)
        up = self.up3(up, s3)
        up = self.up2(up, s2)
        return self.outc(self.up1(up, s1))

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Feature maps after ``inc`` and the four down-samplings; the last is (B, 512, H / 16, W / 16)."""
        self._check(x)
        x1 = self.inc(x)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x4 = self.down3(x3)
        return x1, x2, x3, x4, self.down4(x4)

    def embed(self, x: Tensor) -> Tensor:
        """The 512 values (B, 512) of each image: the mean over the fourth down-sampling's map. Runs the encoder
        alone."""
        return self.encode(x)[-1].mean((2, 3))

    def _check(self, x: Tensor) -> None:
        if x.ndim != 4 or x.shape[1] != self.n_channels:
            raise DataError(
                f"UCTransNet takes images (B, {self.n_channels}, H, W), found {tuple(x.shape)}. Its first convolution"
                f" has {self.n_channels} channel(s)."
            )
        height, width = x.shape[2:]
        if not height or not width or height % STEP or width % STEP:
            raise DataError(
                f"UCTransNet takes heights and widths that are multiples of {STEP}, found {height} x {width}. Resize or"
                " pad the images."
            )
