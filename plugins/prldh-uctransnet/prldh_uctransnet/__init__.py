"""UCTransNet for prldh. Importing this package does not import torch; asking for :class:`UCTransNet` does."""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"
__all__ = ["UCTransNet", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "UCTransNet":
        from prldh_uctransnet.network import UCTransNet

        return UCTransNet
    raise AttributeError(f"module 'prldh_uctransnet' has no attribute '{name}'")
