"""Pictures of every section of a report, for ``docs/screenshots``: on a desk, and of a few also on a phone and in dark
mode.

``python tests/browser/make_screenshots.py OUT [SECTION …]`` after ``prldh demo``, with ``OUT`` the output folder of a
study such as ``demo/features``. Long sections are cut at a page's height; pictures have few colours, so that they stay
small.
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

from chromium import CHROMIUM  # noqa: E402

FOLDER = HERE.parents[2] / "docs" / "screenshots"
#: Width of the window, pixels of the page that a picture holds at most, and how much smaller it is.
DESK, PHONE = (1280, 1160, 0.7), (390, 720, 1.0)
ALSO = ("answer", "radscores", "performance", "validation", "interaction", "images")
COLOURS = 48


def make_screenshots(out: Path, only: list[str]) -> None:
    """Write SECTION.png, SECTION_phone.png and SECTION_dark.png, and ``docs/report.png`` of the top of the page
    (``report``)."""
    from playwright.sync_api import sync_playwright

    chromium = next(path for name in CHROMIUM if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        for suffix, (width, height, scale), scheme in (
            ("", DESK, "light"),
            ("_phone", PHONE, "light"),
            ("_dark", DESK, "dark"),
        ):
            page = browser.new_context(
                viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce"
            ).new_page()
            page.goto((out / "report.html").resolve().as_uri())
            if not suffix and (not only or "report" in only):
                _save(page.screenshot(), scale, FOLDER.parent / "report.png")
            for name in page.evaluate("[...document.querySelectorAll('main > section')].map(s => s.id)"):
                if (not only or name in only) and (not suffix or name in ALSO):
                    _write(page, name, height, scale, FOLDER / f"{name.removeprefix('plugin-')}{suffix}.png")
        browser.close()


def _write(page, name: str, height: int, scale: float, path: Path) -> None:
    page.evaluate("name => document.getElementById(name).scrollIntoView({block: 'start'})", name)
    box = page.locator(f"main > section[id='{name}']").bounding_box()
    top, bottom = max(0.0, box["y"]), min(box["y"] + box["height"], float(height))
    clip = {"x": box["x"], "y": top, "width": box["width"], "height": bottom - top}
    _save(page.screenshot(clip=clip), scale, path)


def _save(shot: bytes, scale: float, path: Path) -> None:
    picture = Image.open(io.BytesIO(shot)).convert("RGB")
    picture = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.LANCZOS)
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    make_screenshots(Path(sys.argv[1]), sys.argv[2:])
