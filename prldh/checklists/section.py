"""What the report shows of the checklists: the JSON files that lie in the output folder, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypedDict

from prldh.checklists.filling import Item
from prldh.checklists.findings import STATUSES
from prldh.checklists.run import FOLDER
from prldh.checklists.wording import WORDS, describe_score
from prldh.checklists.writing import FORMATS
from prldh.core import DataError
from prldh.results import read_held


class ChecklistFile(TypedDict):
    """What ``checklists/STANDARD.json`` holds."""

    schema: Literal["prldh-checklist/1"]
    standard: str
    title: str
    version: str
    counts: Mapping[str, int]
    score: Mapping[str, Any] | None
    items: tuple[Item, ...]


def checklist_view(folder: Path, filled: Path) -> list[dict[str, Any]]:
    """One entry a checklist of the folder: counts by status, the score in sentences, what is contradicted, and the
    files there are. ``filled``: the folder below which those lie that were filled in just now."""
    entries = []
    for path in sorted((folder / FOLDER).glob("*.json")) if (folder / FOLDER).is_dir() else []:
        try:
            newer = filled / FOLDER / path.name
            content = read_held(
                newer if newer.exists() else path, ChecklistFile, "Run `prldh checklist` again, or remove it."
            )
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}. Mend that, or remove it.") from None
        items = [e for e in content["items"] if not e.get("is_condition")]
        entries.append(
            {
                "name": content["standard"],
                "title": content["title"],
                "version": content["version"],
                "n_items": len(items),
                "counts": [(WORDS[s], content["counts"].get(s, 0)) for s in STATUSES],
                "score": describe_score(content["score"]) if content["score"] else [],
                "contradicted": [e for e in items if e["status"] == "contradicted"],
                "files": [
                    f"{FOLDER}/{content['standard']}.{form}"
                    for form in FORMATS
                    if path.with_suffix(f".{form}").exists()
                ],
            }
        )
    return entries
