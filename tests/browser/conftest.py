"""What tests of pages share."""

from __future__ import annotations

import pytest
from chromium import absent


@pytest.fixture(autouse=True)
def pages_are_closed(request):
    """Each open page is two processes of the browser, which go on drawing it."""
    yield
    if "browser" in request.fixturenames:
        for context in request.getfixturevalue("browser").contexts:
            context.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """axe-core's script, as npm has it, from the package that carries it."""
    try:
        from importlib.resources import files

        return (files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
    except ImportError:
        absent("axe-core is not installed")
