"""The tutorials of docs/notebooks executed, as Markdown pages of the site.

    python tools/build_notebooks.py OUT [NAME...]

Every notebook becomes OUT/NAME.md with its pictures in OUT/NAME/: what a cell prints stands beneath it, what it ends
with as the notebook shows it (HTML, else a picture, else text). The cells run one after another in one process, in a
folder of their own that is removed afterwards. The notebooks are committed without outputs; nothing here needs Jupyter.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

NOTEBOOKS = Path(__file__).resolve().parents[1] / "docs" / "notebooks"


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def run_cell(code: str, names: dict[str, Any], place: str) -> tuple[str, Any]:
    """What a cell printed, and what it ends with (None where that is no expression)."""
    body = ast.parse(code)
    last = body.body.pop() if body.body and isinstance(body.body[-1], ast.Expr) else None
    printed, value = io.StringIO(), None
    with contextlib.redirect_stdout(printed):
        exec(compile(body, place, "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), place, "eval"), names)
    return printed.getvalue(), value


def shown(value: Any, pictures: Path, n: int) -> str:
    """What a cell ends with, as Markdown."""
    if value is None:
        return ""
    svg = getattr(value, "_repr_svg_", None)
    if svg is not None:
        pictures.mkdir(parents=True, exist_ok=True)
        (pictures / f"{n}.svg").write_text(svg(), encoding="utf-8")
        about = f"{getattr(value, 'title', 'Figure')}. {getattr(value, 'description', '')}".strip()
        return f"![{about.replace('[', '(').replace(']', ')')}]({pictures.name}/{n}.svg)\n"
    if isinstance(value, pd.DataFrame):
        return table(value)
    html = getattr(value, "_repr_html_", lambda: None)()
    if html:
        # a blank line would end the HTML in Markdown
        return "\n".join(line for line in html.splitlines() if line.strip()) + "\n"
    return fenced(repr(value))


def table(frame: pd.DataFrame) -> str:
    """A data frame as a Markdown table; numbers with four significant digits."""

    def cell(value: Any) -> str:
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        return text.replace("|", "\\|").replace("\n", " ")

    rows = [list(frame.columns), ["---"] * len(frame.columns), *frame.itertuples(index=False)]
    return "\n".join(f"| {' | '.join(map(cell, row))} |" for row in rows) + "\n"


def fenced(text: str, language: str = "text") -> str:
    return f"```{language}\n{text.rstrip()}\n```\n"


def build(path: Path, out: Path) -> Path:
    """Execute a notebook and write its page; whatever a cell raises ends it.

    Returns
    -------
    Path
        The page.
    """
    notebook = json.loads(path.read_text(encoding="utf-8"))
    out.mkdir(parents=True, exist_ok=True)
    page, pictures = out.resolve() / f"{path.stem}.md", out.resolve() / path.stem
    names: dict[str, Any] = {"__name__": "__main__"}
    parts, here = [], Path.cwd()
    with tempfile.TemporaryDirectory(prefix="notebook-") as scratch:
        os.chdir(scratch)
        try:
            for n, cell in enumerate(notebook["cells"]):
                if cell["cell_type"] == "markdown":
                    parts.append(source(cell) + "\n")
                    continue
                printed, value = run_cell(source(cell), names, f"{path.name}, cell {n}")
                parts.append(fenced(source(cell), "python"))
                parts += [fenced(printed)] if printed.strip() else []
                parts += [text] if (text := shown(value, pictures, n)) else []
        finally:
            os.chdir(here)
    page.write_text("\n".join(parts), encoding="utf-8")
    return page


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("names", nargs="*", help="default: all")
    given = parser.parse_args()
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if not given.names or path.stem in given.names:
            print(build(path, given.out))


if __name__ == "__main__":
    main()
