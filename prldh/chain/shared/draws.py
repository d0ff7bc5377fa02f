"""Random numbers of forests, each of its seed, fold, tree and node alone, and when two splits are tied."""

from __future__ import annotations

import numpy as np
from numba import njit, types
from numba.extending import intrinsic

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_A = np.uint64(0xBF58476D1CE4E5B9)
_MIX_B = np.uint64(0x94D049BB133111EB)
LEFT = np.uint64(0xD6E8FEB86659FD93)
RIGHT = np.uint64(0xA0761D6478BD642F)
#: Gains closer than this are ties: counts make gains differ by more (below about 600 rows) or not at all.
TIE = 1e-10


@intrinsic
def lowest_bit(typingctx, word):
    """Position of the lowest set bit of a word that is not 0."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], context.get_constant(types.boolean, True))

    return types.uint64(types.uint64), generate


@njit(inline="always")
def mix(z):
    """The output function of splitmix64."""
    z = (z ^ (z >> np.uint64(30))) * _MIX_A
    z = (z ^ (z >> np.uint64(27))) * _MIX_B
    return z ^ (z >> np.uint64(31))


@njit(cache=True, nogil=True, error_model="numpy")
def tree_key(seed, fold, tree):
    key = mix(seed + GOLDEN)
    key = mix((key ^ np.uint64(fold)) + GOLDEN)
    return mix((key ^ np.uint64(tree)) + GOLDEN)
