"""Write docs/warnings.md from the catalogue, after an entry has changed: `python tools/warnings_page.py`."""

from __future__ import annotations

from pathlib import Path

from prldh.core import warn

PAGE = Path(__file__).parents[1] / "docs" / "warnings.md"
HEAD = """# Warnings

What a run warns of stands in the report's section *Warnings* and in `results.json`, under `warnings`: the code, the
stage that it arose in, and a full sentence. Here each code is explained. A code is never given to something else and
never changed.

Braces stand for what the sentence is about. This page is written from the catalogue (`prldh/core/warn/`) by
`tools/warnings_page.py`.
"""


def write_page() -> str:
    """The whole page."""
    entries = "\n".join(
        f"## {kind.code}: {kind.title}\n\n"
        f"> {kind.text}\n\n"
        f"Stage: {kind.stage}. Section of the report: `#{kind.section}`.\n\n"
        f"**It means:** {kind.meaning}\n\n"
        f"**What to do:** {kind.remedy}\n"
        for kind in warn.CATALOGUE
    )
    return f"{HEAD}\n{entries}"


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
