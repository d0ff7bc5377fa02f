"""What the report shows of the checklists: the JSON files that lie in the output folder, nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prldh.checklists.findings import STATUSES
from prldh.checklists.run import FOLDER
from prldh.checklists.wording import WORDS, describe_score
from prldh.checklists.writing import FORMATS


def checklist_view(folder: Path) -> list[dict[str, Any]]:
    """One entry a checklist of the folder: counts by status, the score in sentences, what is contradicted, and the
    files there are."""
    entries = []
    for path in sorted((folder / FOLDER).glob("*.json")) if (folder / FOLDER).is_dir() else []:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if not isinstance(content, dict) or content.get("schema") != "prldh-checklist/1":
            continue
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
