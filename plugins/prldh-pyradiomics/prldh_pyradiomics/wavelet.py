"""The stationary wavelet transform of a part of an image, with the values that the transform of the whole image has
there.

PyRadiomics pads odd axes to even by wrapping and transforms circularly. A sample needs only the filter's length around
it, so an axis is cut to what the region needs. Where that touches the image's border, the strip on the other side that
the circle reaches is kept and the border stays the border, so that even the order of summation, and with it rounding,
is that of the whole image: values that are 0 but for rounding would otherwise change their bin.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def axis_cut(n: int, start: int, stop: int, reach: int) -> tuple[np.ndarray, int]:
    """Which samples of an axis a circular filter needs for the samples ``start`` to ``stop``.

    Parameters
    ----------
    n : length of the axis; PyRadiomics pads it to ``n + n % 2`` by wrapping
    start, stop : the samples wanted, stop not included
    reach : how far the filter looks to either side

    Returns
    -------
    (ndarray, int)
        Indices into the axis (an even number of them), and where ``start`` lies among them.
    """
    even = n + n % 2
    low, high = start - reach, stop + reach
    whole = np.arange(even), start
    if low >= 0 and high <= even:
        if (high - low) % 2:
            low, high = (low, high + 1) if high < even else (low - 1, high)
        kept = whole if low < 0 else (np.arange(low, high), start - low)
    elif low < 0 and high + 1 <= even - reach:
        head = high + (high + reach) % 2
        kept = np.concatenate([np.arange(head), np.arange(even - reach, even)]), start
    elif high > even and low - 1 >= reach:
        low -= (even - low + reach) % 2
        kept = np.concatenate([np.arange(reach), np.arange(low, even)]), reach + start - low
    else:
        kept = whole
    return np.where(kept[0] == n, 0, kept[0]), kept[1]


def wavelet_images(
    values: np.ndarray, box: tuple[slice, slice, slice], options: dict[str, Any]
) -> dict[str, np.ndarray]:
    """All decompositions within a box, by PyRadiomics' name of the image type and in its order.

    Parameters
    ----------
    values : (z, y, x) the whole image
    box : the part wanted
    options : ``wavelet``, ``level``, ``start_level``, ``force2D`` and ``force2Ddimension``, as PyRadiomics has them
    """
    import pywt

    wavelet = pywt.Wavelet(options.get("wavelet", "coif1"))
    level, start_level = options.get("level", 1), options.get("start_level", 0)
    axes = [2, 1, 0]
    if options.get("force2D", False):
        axes.remove(options.get("force2Ddimension", 0))

    reach = wavelet.dec_len * (level + start_level)
    indices, cuts = [], []
    for axis, part in enumerate(box):
        if axis in axes:
            index, at = axis_cut(values.shape[axis], part.start, part.stop, reach)
        else:
            index, at = np.arange(part.start, part.stop), 0
        indices.append(index)
        cuts.append(slice(at, at + part.stop - part.start))
    data = values[np.ix_(*indices)]
    inner = tuple(cuts)

    low = "a" * len(axes)
    for _ in range(start_level):
        data = pywt.swtn(data, wavelet, level=1, start_level=0, axes=axes)[0][low]
    images = {}
    for step in range(1, level + 1):
        parts = pywt.swtn(data, wavelet, level=1, start_level=0, axes=axes)[0]
        data = parts[low]
        prefix = "wavelet" if step == 1 else f"wavelet{step}"
        for name, part in parts.items():
            if name != low:
                images[f"{prefix}-{name.replace('a', 'L').replace('d', 'H')}"] = part[inner]
    images[f"{prefix}-{'L' * len(axes)}"] = data[inner]
    return images
