"""No reader opens a path, and no writer writes a CSV, but by way of the one place for it (``prldh/core/files.py``,
``prldh/core/csv_text.py``)."""

from __future__ import annotations

import ast
import functools
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("prldh", "plugins/prldh-pyradiomics/prldh_pyradiomics", "plugins/prldh-uctransnet/prldh_uctransnet")
READS = {"open", "read_text", "read_bytes", "read_csv", "read_excel", "read_parquet", "load", "ParquetFile", "memmap"}
ASKED = {"file_at", "readable", "files"}
#: Our own ``read_text``, which asks, and what opens no file that somebody gave.
OTHERS = ("read_text(", "yaml.load(", "work.open(", "self._open(", "book.open(", "os.open(")
#: By file, what reads something that nobody gave: our own files, what this process wrote, what was asked before.
OWN = {
    "prldh/core/files.py": "the place itself",
    "prldh/checklists/items.py": "data of the package",
    "prldh/ibsi/feature_names.py": "data of the package",
    "prldh/demo/published.py": "data of the package",
    "prldh/engines/packages.py": "R code of the package",
    "prldh/reproduce/write.py": "R code of the package",
    "prldh/report/figures.py": "Python files of the package, figures drawn just now",
    "prldh/validation/spread.py": "the source of a step",
    "prldh/run/extraction.py": "writes",
    "prldh/work/kept.py": "the cache, which this user alone writes",
    "prldh/data/imaging/compute.py": "the cache; images were asked when their headers were read",
    "prldh/data/imaging/sources.py": "the source of a source",
    "prldh/data/imaging/stepping.py": "the source of a step",
    "prldh/data/table_files.py": "asked at its beginning",
    "prldh/data/workbooks.py": "asked by table_files",
    "prldh/data/delimited.py": "bytes in memory",
    "prldh/data/imaging/check.py": "images whose headers were read",
    "prldh/data/imaging/read.py": "asked in the line above",
    "prldh/testing/parts.py": "what it wrote",
    "prldh/plugins/registry.py": "entry points",
    "prldh/plugins/origin.py": "files of a distribution",
    "plugins/prldh-pyradiomics/prldh_pyradiomics/machine_code.py": "the cache, and its own source",
    "plugins/prldh-uctransnet/prldh_uctransnet/checkpoints.py": "asked before, or writes",
    "plugins/prldh-uctransnet/prldh_uctransnet/slices.py": "what another process of this run wrote",
}


@functools.cache
def _reads() -> list[tuple[str, ast.Call, str]]:
    """Where something is called that reads: the file, the call, its text."""
    found = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in READS:
                    found.append((path.relative_to(ROOT).as_posix(), node, ast.unparse(node)))
    return found


def _is_asked(call: ast.Call) -> bool:
    names = {getattr(n.func, "attr", getattr(n.func, "id", "")) for n in ast.walk(call) if isinstance(n, ast.Call)}
    return bool(names & ASKED)


def _only_writes(call: ast.Call) -> bool:
    texts = [a.value for a in (*call.args, *(k.value for k in call.keywords)) if isinstance(a, ast.Constant)]
    return any(isinstance(t, str) and set(t) <= set("wxabt+") and set(t) & set("wxa") for t in texts)


def test_every_reader_asks_whether_it_is_a_file():
    strange = [
        f"{path}:{call.lineno}: {text[:90]}"
        for path, call, text in _reads()
        if path not in OWN and not _is_asked(call) and not _only_writes(call)
        if not text.startswith(OTHERS)
    ]
    assert not strange, "\n".join(strange)


def test_every_exception_is_one():
    assert set(OWN) <= {path for path, call, _ in _reads() if not _is_asked(call)}


@pytest.mark.parametrize("word", ["to_csv", "writer", "DictWriter"])
def test_every_csv_is_written_as_the_study_says(word):
    """``csv_of`` for tables, ``csv_cell`` for cells; the demo's data are our own."""
    strange = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            own = ("prldh/demo/", "prldh/testing/", "prldh/core/csv_text.py")
            name = path.relative_to(ROOT).as_posix()
            if f".{word}(" in text and not name.startswith(own):
                strange += [] if word != "to_csv" and "csv_cell" in text else [name]
    assert not strange, strange
