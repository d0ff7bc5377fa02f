"""The Jinja2 environment: where templates are, and the filters that show numbers as journals want them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jinja2

from prldh.pages.format import FILTERS
from prldh.results import Words


def templates_folder() -> Path:
    """Templates are inside the package in a wheel, and at the top of a checkout."""
    packaged = Path(__file__).resolve().parents[1] / "_templates"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[2] / "reports" / "templates"


def create_environment(words: Words | None = None, for_html: bool = True) -> jinja2.Environment:
    """An environment that escapes (for HTML) and refuses undefined names.

    ``words``: by which the filters ``words`` (a scheme) and ``step_words`` (a selection step) call things; without them
    by their names.
    """
    words = words or Words()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_folder()),
        autoescape=for_html,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(r_string=r_string)
    if for_html:
        environment.filters.update(
            FILTERS,
            words=lambda name: words.scheme(name).label,
            step_words=lambda name: words.step(name).label,
        )
    return environment


def r_string(value: Any) -> str:
    """Text as an R string literal; JSON's escapes are R's too."""
    return json.dumps(str(value), ensure_ascii=False)
