"""Where finished work is kept, outside every output folder: it survives ``--force`` and an interrupted run goes on from
it.

A container often has no home, one that may not be entered or one that cannot be written: then nothing is kept, which is
told where it would be, and what libraries must write somewhere goes to a folder that ends with the process
(:func:`settle_libraries`).
"""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

#: A folder that can neither be made nor read.
NOWHERE = Path(os.devnull)


def cache_folder(part: str) -> Path:
    """The folder of one kind of kept results (not made here): ``$PRLDH_CACHE``, or the user's cache folder, or one
    below :data:`NOWHERE`, where nothing can be kept."""
    if given := os.environ.get("PRLDH_CACHE"):
        return Path(given) / part
    root = _users("XDG_CACHE_HOME", ".cache") / "prldh"
    return (root if can_be_written(root) else NOWHERE) / part


def _users(variable: str, name: str) -> Path:
    """The user's folder for caches or settings."""
    try:
        if sys.platform == "win32":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
        if sys.platform == "darwin" and name == ".cache":
            return Path.home() / "Library" / "Caches"
        return Path(os.environ.get(variable) or Path.home() / name)
    except RuntimeError:  # HOME is not set, and the system does not know the user
        return NOWHERE


def can_be_written(folder: Path) -> bool:
    """Whether a folder takes files, or can be made; nothing is left there."""
    try:
        place = folder.absolute()
        while not os.path.lexists(place) and place != place.parent:
            place = place.parent
        handle, name = tempfile.mkstemp(prefix=".prldh-", dir=place)
    except (OSError, ValueError):
        return False
    os.close(handle)
    os.unlink(name)
    return True


def settle_libraries() -> None:
    """Name a folder to the libraries that have to write in the user's, where that cannot be written: Matplotlib, and
    numba unless it keeps its code beside ours. They make it themselves; it is removed when the process ends."""
    needed = {}
    if "MPLCONFIGDIR" not in os.environ and not can_be_written(_users("XDG_CONFIG_HOME", ".config")):
        needed["MPLCONFIGDIR"] = "matplotlib"
    is_beside = os.access(Path(__file__).parent, os.W_OK)
    if not is_beside and "NUMBA_CACHE_DIR" not in os.environ and not can_be_written(_users("XDG_CACHE_HOME", ".cache")):
        needed["NUMBA_CACHE_DIR"] = "numba"
    if not needed:
        return
    try:
        folder = Path(tempfile.gettempdir()) / f"prldh-{secrets.token_hex(8)}"
    except OSError:
        return  # told by whoever needs a temporary file
    for variable, name in needed.items():
        os.environ[variable] = str(folder / name)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
