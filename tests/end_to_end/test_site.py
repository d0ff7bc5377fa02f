"""The documentation site: every page has its place, every link its end, nothing is fetched, and it builds strictly."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
#: Longer than the tools take to be installed and the site to be built, with two cores that others use.
PATIENCE_S = 400


def _nav(entries) -> list[str]:
    found = []
    for entry in entries:
        value = next(iter(entry.values())) if isinstance(entry, dict) else entry
        found += [value] if isinstance(value, str) else _nav(value)
    return found


def test_every_page_has_one_place():
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = _nav(settings["nav"])
    there = [str(page.relative_to(DOCS)) for page in PAGES]
    assert not set(there) - set(listed), "give these pages a place under nav in mkdocs.yml"
    assert sorted(listed) == sorted(there)
    assert settings["strict"] is True and settings["theme"]["font"] is False


def _without_code(text: str) -> str:
    return re.sub(r"^( *)(```+|~~~+).*?^\1\2", "", text, flags=re.M | re.S)


def _slugs(page: Path) -> set[str]:
    """The addresses within a page: of its headings, and those that it gives."""
    text = _without_code(page.read_text(encoding="utf-8"))
    found: set[str] = set(re.findall(r'<\w+ id="([^"]+)"', text))
    for heading in re.findall(r"^#{1,6} (.+)$", text, re.M):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", plain, flags=re.ASCII).strip().lower())
        number = 1
        while (given := slug if number == 1 else f"{slug}_{number - 1}") in found:
            number += 1
        found.add(given)
    return found


def _broken(page: Path, text: str) -> list[str]:
    """Links of a page to files or addresses that are not there."""
    found = []
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", _without_code(text))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page if not path else (page.parent / path).resolve()
        if not file.is_file() or not file.is_relative_to(DOCS):
            found.append(target)
        elif anchor and file.suffix == ".md" and anchor not in _slugs(file):
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_link_of_a_page_has_an_end(page):
    assert not _broken(page, page.read_text(encoding="utf-8"))


def test_the_search_for_broken_links_finds_them():
    page = DOCS / "tables.md"
    text = "[a](tables.md) [b](absent.md) [c](#no-such-place) [d](#limits) [e](../README.md) `[f](absent.md)` [g](https://a.b)"
    assert _broken(page, text) == ["absent.md", "#no-such-place", "../README.md"]


@pytest.fixture(scope="module")
def mkdocs():
    """The site's tools in an environment of their own, as `make docs` has them; made where it can be."""
    wanted = (DOCS / "requirements.txt").read_text(encoding="utf-8")
    folder = ROOT / "build" / "docs"
    made = folder / "made"
    if not made.exists() or made.stat().st_mtime < (DOCS / "requirements.txt").stat().st_mtime:
        pip = [folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
        try:
            for command in (
                [sys.executable, "-m", "venv", folder],
                [*pip, "-r", DOCS / "requirements.txt"],
            ):
                subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE_S)
        except (OSError, subprocess.SubprocessError) as error:
            pytest.skip(f"the site's tools cannot be installed: {getattr(error, 'stderr', '') or error}"[:300])
        made.touch()
    assert "mkdocs-material==" in wanted and "mkdocstrings==" in wanted
    return folder / "bin" / "mkdocs"


@pytest.fixture(scope="module")
def site(mkdocs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [mkdocs, "build", "--strict", "-d", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        timeout=PATIENCE_S,
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told
    assert "WARNING" not in told and "ERROR" not in told, told
    return folder


@pytest.mark.slow
def test_the_notebooks_stand_in_it(mkdocs, tmp_path):
    built, out = tmp_path / "built", tmp_path / "site"
    subprocess.run([sys.executable, ROOT / "tools" / "build_notebooks.py", built, "my_table"], check=True)
    settings = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PRLDH_NOTEBOOKS": str(built)}
    subprocess.run([mkdocs, "build", "--strict", "-d", out], cwd=ROOT, env=settings, check=True, timeout=PATIENCE_S)
    page = (out / "notebooks" / "my_table.html").read_text(encoding="utf-8")
    assert "Held-out AUC" in page and list((out / "notebooks" / "my_table").glob("*.svg"))
    assert "../notebooks/my_table.html" in (out / "tutorials" / "my_table.html").read_text(encoding="utf-8")


@pytest.mark.ci
def test_it_builds_without_a_warning_and_is_whole(site):
    for page in PAGES:
        assert (site / page.relative_to(DOCS)).with_suffix(".html").is_file()
    python = (site / "reference" / "python.html").read_text(encoding="utf-8")
    assert "Path of a study file, or its content" in python  # a docstring
    study = (site / "reference" / "study.html").read_text(encoding="utf-8")
    assert "column: {type, levels, label, unit}" in study  # and no brace is taken for an attribute


def test_nothing_of_it_is_fetched(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|img|iframe)\b[^>]*\bsrc="([^"]+)"', text)
        loaded += re.findall(r'<link\b[^>]*\brel="(?:stylesheet|icon|preconnect|preload)"[^>]*', text)
        assert not [each for each in loaded if re.search(r"(?:https?:)?//", each)], page
        assert 'class="mermaid"' not in text, page  # drawn by a script that would be fetched
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet


@pytest.mark.ci
@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_it_is_read_and_searched_from_files_alone(site, browser, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    asked, problems = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    for name in ("index.html", "reference/python.html", "reference/study.html"):
        page.goto((site / name).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    if width < 1000:
        page.click("label[for=__search].md-header__button")
    page.locator(".md-search__input").press_sequentially("null_permutations")
    page.wait_for_selector(".md-search-result__item")
    assert "study.html" in page.locator(".md-search-result__list").inner_html()
    page.close()
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:"))]
    assert not problems
