"""Draw the pictures of ``docs/r.md``: its own R code, with a PNG for each plot.

python tools/r_pictures.py LIBRARY     # an R library in which r/ is installed
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "r.md"
PICTURES = {
    "plot(curves)": "roc",
    "plot(model)": "validated_roc",
    "plot(calibrated)": "calibration",
    "plot(useful)": "decision",
}
WIDE = {"decision"}


def code() -> str:
    """The R code of the page after the first block, which installs the package."""
    blocks = re.findall(r"^```r\n(.*?)^```", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return "\n".join(blocks[1:])


def with_pictures(folder: Path) -> str:
    """The page's code, each plot that is named drawn into ``folder``."""
    lines = []
    for line in code().splitlines():
        name = PICTURES.get(line)
        if name is None:
            lines.append(line)
            continue
        width = 1150 if name in WIDE else 900
        settings = f'width = {width}, height = 900, res = 170, type = "cairo"'
        lines += [f'png("{folder / name}.png", {settings})', line, "dev.off()"]
    return "\n".join(lines)


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        script = Path(place) / "page.R"
        script.write_text(f".libPaths(c({sys.argv[1]!r}, .libPaths()))\n{with_pictures(PAGE.parent / 'r')}\n")
        subprocess.run(["Rscript", "--vanilla", str(script)], check=True, cwd=place)


if __name__ == "__main__":
    main()
