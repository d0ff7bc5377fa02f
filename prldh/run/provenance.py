"""Where a run came from: versions, seed, settings, files, commit and times."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from prldh.core import file_at
from prldh.models import Plan
from prldh.results import Results

#: The packages whose versions are told.
PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "statsmodels",
    "numba",
    "rpy2",
    "matplotlib",
    "pluggy",
    "pydantic",
)


def describe_provenance(
    plan: Plan, results: Results, started: float, model_checksum: str, written: Mapping[str, str]
) -> dict[str, Any]:
    """Versions, seed, settings, hashes of the files read and ``written``, commit and times; ``model_checksum``: what
    the frozen models carry themselves."""
    study = plan.study
    now = time.time()
    return {
        "schema": "prldh-provenance/1",
        "prldh": version_of("prldh"),
        "commit": _commit(),
        "command": [_as_utf8(each) for each in (Path(sys.argv[0]).name, *sys.argv[1:])],
        "started": iso(started),
        "finished": iso(now),
        "seconds": round(now - started, 3),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "packages": {p: version_of(p) for p in PACKAGES},
        "plugins": [each._asdict() for each in plan.registry.took_part()],
        "engines": results.data["engines"],
        "model_sha256": written["model.json"],
        "model_checksum": model_checksum,
        "written": dict(written),
        "seed": study.seed,
        "settings": study.model_dump(mode="json"),
        "files": describe_files(plan.folder, study.inputs()),
    }


def describe_files(folder: Path, paths: Iterable[str]) -> list[dict[str, Any]]:
    """Path, digest and size of files that were read, relative to a folder."""
    return [{"path": p, "sha256": sha256_of(folder / p), "bytes": (folder / p).stat().st_size} for p in paths]


def version_of(package: str) -> str | None:
    """The version of an installed distribution."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _commit() -> str | None:
    """The commit of the checkout that the code runs from, ``+`` where it was changed; None when installed."""
    here = Path(__file__).resolve().parent
    if not (here.parent / ".git").exists():
        return None
    try:
        head = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
        changed = subprocess.run(
            ["git", "status", "--porcelain", "-uno"], cwd=here, capture_output=True, text=True, timeout=10, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    return head + ("+" if changed.strip() else "")


def _as_utf8(text: str) -> str:
    """An argument, bytes of which that are no UTF-8 are escaped: the file is UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def iso(seconds: float) -> str:
    """A time since 1970 in ISO's form, UTC."""
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="seconds")


def sha256_of(path: Path) -> str:
    """The digest of a file's bytes."""
    with file_at(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
