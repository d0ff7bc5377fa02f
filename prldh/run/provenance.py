"""Where a run came from: versions, seed, settings, files, commit and times."""

from __future__ import annotations

import hashlib
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from prldh.models import Plan
from prldh.results import Results


def describe_provenance(plan: Plan, results: Results, started: float, model: Path) -> dict[str, Any]:
    """Versions, seed, settings, hashes of the files read and of the frozen models, commit and times."""
    study = plan.study
    now = time.time()
    return {
        "schema": "prldh-provenance/1",
        "prldh": _version("prldh"),
        "commit": _commit(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "started": _iso(started),
        "finished": _iso(now),
        "seconds": round(now - started, 3),
        "platform": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "packages": {
            p: _version(p)
            for p in (
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
        },
        "engines": results.data["engines"],
        "model_sha256": _sha256(model),
        "seed": study.seed,
        "settings": study.model_dump(mode="json"),
        "files": [
            {"path": p, "sha256": _sha256(plan.folder / p), "bytes": (plan.folder / p).stat().st_size}
            for p in study.inputs()
        ],
    }


def _version(package: str) -> str | None:
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


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, tz=UTC).isoformat(timespec="seconds")


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
