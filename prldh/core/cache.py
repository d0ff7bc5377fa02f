"""Where finished work is kept, outside every output folder: it survives ``--force`` and an interrupted run goes on from
it."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder(part: str) -> Path:
    """The folder of one kind of kept results (not made here): ``$PRLDH_CACHE``, or the user's cache folder."""
    given = os.environ.get("PRLDH_CACHE")
    if given:
        return Path(given) / part
    if sys.platform == "win32":
        root = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        root = Path.home() / "Library" / "Caches"
    else:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "prldh" / part
