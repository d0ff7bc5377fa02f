"""What the kept values of a feature source depend on."""

from __future__ import annotations

import importlib
import sys

import pytest

from prldh.data.imaging.sources import ChosenSource, code_of
from prldh.study.strict import Strict

CODE = """
class Mine:
    name, version = "mine", "1"
"""


@pytest.mark.parametrize("form", ["a package", "a module"])
def test_an_edited_source_is_another_one_whatever_its_version(tmp_path, monkeypatch, form):
    name = f"source_of_a_test_{form[2:]}"
    monkeypatch.syspath_prepend(tmp_path)
    if form == "a package":
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"from {name}.source import Mine\n")
        (tmp_path / name / "source.py").write_text(CODE)
        edited = tmp_path / name / "helper.py"
    else:
        edited = tmp_path / f"{name}.py"
        edited.write_text(CODE)
    source = importlib.import_module(name).Mine()
    try:
        before = ChosenSource.of(source, Strict(), tmp_path).key
        assert before == ChosenSource.of(source, Strict(), tmp_path).key and "mine 1 " in before
        edited.write_text(CODE + "# another way\n")
        assert ChosenSource.of(source, Strict(), tmp_path).key != before
    finally:
        for module in [m for m in sys.modules if m.split(".")[0] == name]:
            del sys.modules[module]


def test_a_source_without_files_has_no_digest():
    made = type("Made", (), {"__module__": "builtins"})
    assert code_of(made()) == ""
