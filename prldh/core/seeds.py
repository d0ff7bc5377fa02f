"""Random numbers come from one seed, by name: what is added or switched off elsewhere moves nothing here."""

from __future__ import annotations

import zlib

import numpy as np


def seed_for(seed: int, *names: str | int) -> np.random.SeedSequence:
    """The seed of one piece of work, told by names and numbers such as ``("validation", "bootstrap", 12)``."""
    key = [n if isinstance(n, int) else zlib.crc32(n.encode()) for n in names]
    return np.random.SeedSequence(seed, spawn_key=key)


def integer_seed(seed: int, *names: str | int) -> int:
    """The same as one integer below 2**31, for generators that take no more (R's ``set.seed``)."""
    return int(seed_for(seed, *names).generate_state(1)[0] >> 1)
