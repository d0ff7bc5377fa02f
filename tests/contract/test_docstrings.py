"""Every statistic says where its definition is: the paper, the R function, an example that runs."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re

import pytest

import prldh.stats
from prldh.engines.protocol import StatisticsEngine
from prldh.stats.by_name import find_statistic

STATISTICS = [
    name
    for name, _ in inspect.getmembers(StatisticsEngine, inspect.isfunction)
    if not name.startswith("_")
    and name not in ("compute", "versions", "packages_called", "close", "of_rows", "count_patients")
]
MODULES = [f"prldh.stats.{module.name}" for module in pkgutil.iter_modules(prldh.stats.__path__)]


@pytest.mark.parametrize("name", STATISTICS)
def test_a_statistic_names_paper_and_r_function(name):
    text = find_statistic(name).__doc__
    assert re.search(r"\b(18|19|20)\d\d\b", text), "no paper"
    assert re.search(r"\bR:\s|R has no", text), "no R function"
    assert ">>>" in text, "no example"


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    found = doctest.testmod(importlib.import_module(name))
    assert not found.failed
