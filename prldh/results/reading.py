"""Reading a finished run: ``results.json``, and what `prldh apply` wrote beside it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from prldh.core import DataError

SCHEMA: Final = "prldh-results/1"
EXTERNAL_SCHEMA: Final = "prldh-external/1"
POOLED_SCHEMA: Final = "prldh-external-pooled/1"


def read_results(folder: Path) -> dict[str, Any]:
    """``results.json`` of an output folder.

    Raises
    ------
    DataError
        If there is none, it is not JSON, or of another schema.
    """
    path = folder / "results.json" if folder.is_dir() else folder
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(
            f"no results in {folder}: results.json is missing. Run `prldh analyze STUDY.yaml --out {folder}` first."
        ) from None
    except (ValueError, OSError) as error:
        raise DataError(f"{path} cannot be read as results: {error}. Run `prldh analyze` again.") from None
    schema = data.get("schema") if isinstance(data, dict) else None
    if schema != SCHEMA:
        raise DataError(
            f"{path}: schema is {schema!r}, this version reads {SCHEMA!r}. Run `prldh analyze … --force` again with"
            " this version."
        )
    return data


FOLDER = "external"


RESULTS = "external.json"
POOLED = "pooled.json"


def read_external(run: Path) -> list[dict[str, Any]]:
    """What was said of every cohort beside a run, by name; ``is_stale`` where the run's models are others now."""
    try:
        sha256 = hashlib.sha256((run / "model.json").read_bytes()).hexdigest()
    except OSError:
        sha256 = None
    entries = []
    for path in sorted((run / FOLDER).glob(f"*/{RESULTS}")):
        try:
            entry = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(entry, dict) and entry.get("schema") == EXTERNAL_SCHEMA:
            entries.append(
                {**entry, "is_stale": entry["model_sha256"] != sha256, "folder": f"{FOLDER}/{path.parent.name}"}
            )
    return sorted(entries, key=lambda entry: entry["name"])


def read_pooled(run: Path) -> dict[str, Any] | None:
    """What was said of several cohorts together; None where nothing was. ``is_stale`` where the run's models or what is
    said of one of the cohorts are others now."""
    try:
        entry = json.loads((run / FOLDER / POOLED).read_text(encoding="utf-8"))
        sha256 = hashlib.sha256((run / "model.json").read_bytes()).hexdigest()
    except (OSError, ValueError):
        return None
    if not isinstance(entry, dict) or entry.get("schema") != POOLED_SCHEMA:
        return None
    is_same = entry["model_sha256"] == sha256 and all(
        _has_checksum(run / cohort["folder"] / RESULTS, cohort["sha256"]) for cohort in entry["cohorts"]
    )
    return {**entry, "is_stale": not is_same}


def _has_checksum(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
