"""Puts the executed notebooks into the site; mkdocs calls it (``hooks`` in mkdocs.yml).

They are the pages that ``python tools/build_notebooks.py build/notebooks`` made, or those of the folder that
PRLDH_NOTEBOOKS names; where there are none, the site has none.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

BUILT = Path(os.environ.get("PRLDH_NOTEBOOKS") or Path(__file__).parents[1] / "build" / "notebooks")


def on_config(config: Any) -> Any:
    """The pages stand after the tutorials, by the titles that they begin with."""
    pages = [
        {path.read_text(encoding="utf-8").partition("\n")[0].lstrip("# "): f"notebooks/{path.name}"}
        for path in sorted(BUILT.glob("*.md"))
    ]
    if pages:
        tutorials = next(each["Tutorials"] for each in config["nav"] if "Tutorials" in each)
        tutorials.append({"Notebooks": pages})
    return config


def on_files(files: Files, config: Any) -> Files:
    for path in sorted(BUILT.rglob("*")):
        if path.is_file():
            place = f"notebooks/{path.relative_to(BUILT).as_posix()}"
            files.append(File.generated(config, place, abs_src_path=str(path)))
    return files
