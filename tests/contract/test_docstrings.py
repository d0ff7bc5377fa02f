"""Every statistic says where its definition is: the paper, the R function, an example that runs."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re

import pytest

import prldh.stats
from prldh.engines.python import PythonEngine

STATISTICS = [
    name
    for name, _ in inspect.getmembers(PythonEngine, inspect.isfunction)
    if not name.startswith("_") and name not in ("versions", "close")
]
MODULES = [f"prldh.stats.{module.name}" for module in pkgutil.iter_modules(prldh.stats.__path__)]


@pytest.mark.parametrize("name", STATISTICS)
def test_a_statistic_names_paper_and_r_function(name):
    place = re.search(r"See :func:`([\w.]+)`", getattr(PythonEngine, name).__doc__)[1]
    module, function = place.rsplit(".", 1)
    text = getattr(importlib.import_module(module), function).__doc__
    assert re.search(r"\b(18|19|20)\d\d\b", text), "no paper"
    assert re.search(r"\bR:\s|R has no", text), "no R function"
    assert ">>>" in text, "no example"


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    found = doctest.testmod(importlib.import_module(name))
    assert not found.failed
