"""Workbooks whose first sheet is hidden: nobody who opens one sees it, and it is read nowhere without a word."""

from __future__ import annotations

import openpyxl
import pytest

from prldh.core.errors import DataError
from prldh.data.tables import open_table, read_table
from prldh.study import TableRead


def _book(path, states):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for k, state in enumerate(states):
        sheet = book.create_sheet(f"s{k}")
        sheet.append(["id", "age"])
        sheet.append(["P1", 50 + k])
        sheet.sheet_state = state
    book.active = next((k for k, state in enumerate(states) if state == "visible"), 0)
    book.save(path)
    return path


@pytest.mark.parametrize("state", ["hidden", "veryHidden"])
def test_a_hidden_first_sheet_is_refused_until_one_is_named(tmp_path, state):
    path = _book(tmp_path / "t.xlsx", [state, "visible"])
    with pytest.raises(DataError, match=r"first sheet, 's0', is hidden.*read: \{sheet: s1\}"):
        read_table(path)
    for sheet, age in (("s0", 50), ("s1", 51), (1, 50), (2, 51)):
        assert [*map(int, open_table(path, TableRead(sheet=sheet)).as_text()["age"])] == [age]


@pytest.mark.parametrize("states", [["visible", "hidden"], ["visible"]])
def test_a_first_sheet_that_is_seen_is_read(tmp_path, states):
    assert [*map(int, read_table(_book(tmp_path / "t.xlsx", states))["age"])] == [50]
