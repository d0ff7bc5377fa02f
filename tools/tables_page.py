"""Write docs/result_tables.md, after a table or what is said of it has changed: `python tools/tables_page.py`."""

from __future__ import annotations

from pathlib import Path

from prldh.results import tables_page

PAGE = Path(__file__).parents[1] / "docs" / "result_tables.md"
HEAD = """# Tables of results

A run's tables lie in `tables/*.csv`, and are data frames in Python:

```python
results = prldh.read_results("results")
results  # in a notebook: the report's first screen
results.tables["measures"]  # tidy: one number with its limits a row
results.describe("measures")  # what each column means
results.figure("roc_unadjusted")  # shown as SVG; .save("roc.pdf") writes it
results.figures  # the names of all figures
results.predictions  # predictions.csv
```

A table without rows is not there. `measures` is narrow: one measure of one model a row, apparent where `scope` and
`scheme` are empty; the wide ones beside it are what the report prints. This page is written by `tools/tables_page.py`
from `prldh/results/table_columns.py`.

"""


def write_page() -> str:
    """The whole page."""
    return HEAD + tables_page()


if __name__ == "__main__":
    PAGE.write_text(write_page(), encoding="utf-8")
