"""Workbooks whose first sheet or rows are hidden: nobody who opens one sees them, and they are read nowhere without a
word."""

from __future__ import annotations

import openpyxl
import pytest

from prldh.core.errors import DataError
from prldh.data.tables import open_table, read_table, tell_of_hidden
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


@pytest.mark.parametrize("how", ["by hand", "by a filter", "nothing", "a column", "the header", "below"])
def test_hidden_rows_are_read_and_told(tmp_path, how):
    path = tmp_path / "t.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["id", "age"])
    for k in range(6):
        sheet.append([f"P{k}", 50 + k])
    if how == "by a filter":
        sheet.auto_filter.ref = "A1:B7"
        sheet.auto_filter.add_filter_column(1, ["50"])
    if how == "a column":
        sheet.column_dimensions["B"].hidden = True
    for row in {"by hand": (3, 4, 5), "by a filter": (3, 4, 5, 6, 7), "the header": (1,), "below": (9,)}.get(how, ()):
        sheet.row_dimensions[row].hidden = True
    book.save(path)
    table = open_table(path)
    assert len(table.as_text()) == 6
    (told,) = tell_of_hidden(table) or [None]
    n = {"by hand": 3, "by a filter": 5}.get(how)
    assert (told is None) == (n is None)
    assert told is None or told.message.startswith(f"t.xlsx: {n} rows of patients are hidden")
