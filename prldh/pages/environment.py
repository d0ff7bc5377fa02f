"""The Jinja2 environment: where templates are, and the filters that show numbers as journals want them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jinja2
from jinja2.bccache import Bucket

from prldh.pages.format import FILTERS
from prldh.results import Words


def templates_folder() -> Path:
    """Templates are inside the package in a wheel, and at the top of a checkout."""
    packaged = Path(__file__).resolve().parents[1] / "_templates"
    return packaged if packaged.is_dir() else Path(__file__).resolve().parents[2] / "reports" / "templates"


class _Compiled(jinja2.BytecodeCache):
    """Templates as this process compiled them: reports and checklists have an environment each."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key, bucket.checksum] = bucket.code


_COMPILED = _Compiled(), _Compiled()


def create_environment(words: Words | None = None, for_html: bool = True) -> jinja2.Environment:
    """An environment that escapes (for HTML) and refuses undefined names.

    ``words``: by which the filters ``words`` (a scheme) and ``step_words`` (a selection step) call things, and
    ``variable``, ``variable_label`` and ``term`` covariates; without them by their names.
    """
    words = words or Words()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_folder()),
        autoescape=for_html,
        bytecode_cache=_COMPILED[for_html],  # escaping is compiled in
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(r_string=r_string)
    if for_html:
        environment.filters.update(
            FILTERS,
            scope=_of_run(words.scope),
            words=_of_run(lambda name: words.scheme(name).label),
            step_words=_of_run(lambda name: words.step(name).label),
            variable=_of_run(words.variables),
            variable_label=_of_run(words.variables.label),
            term=_of_run(words.variables.term),
        )
    return environment


def _of_run(say: Callable[..., str]) -> Callable[..., str]:
    """A filter that says something else of another run. It is asked anew of a constant, too: Jinja would keep the first
    run's word in the compiled template that all runs share."""
    return jinja2.pass_context(lambda _, *asked: say(*asked))


def r_string(value: Any) -> str:
    """Text as an R string literal; JSON's escapes are R's too."""
    return json.dumps(str(value), ensure_ascii=False)
