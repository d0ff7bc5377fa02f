"""Real files that lie beside the checkout, of kinds that hospitals have (``../shared/cases/images``)."""

from __future__ import annotations

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "cases" / "images"
need_cases = pytest.mark.skipif(not FOLDER.is_dir(), reason="the files of ../shared/cases/images are not here")
