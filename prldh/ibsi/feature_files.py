"""Feature files of PyRadiomics: how the features were computed, from the columns that its own code writes beside them.

Read are the CSV, JSON and text that its command line writes, tables with a feature a row instead of a case, as
notebooks and 3D Slicer's extension write them, and tables of either kind as TSV, XLSX or Parquet.
"""

from __future__ import annotations

import ast
import csv
import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from prldh.core import DataError, file_at, file_text, shown
from prldh.data import BLANKS, read_table
from prldh.ibsi.extraction import Extraction, merge_settings
from prldh.ibsi.feature_names import parse_name

PREFIX = "diagnostics_"
#: A text longer than this is no settings dictionary: it is not parsed.
LONGEST = 20_000
VERSIONS = {
    "PyRadiomics": "PyRadiomics",
    "Numpy": "NumPy",
    "SimpleITK": "SimpleITK",
    "PyWavelet": "PyWavelets",
    "Python": "Python",
}
#: What PyRadiomics' command line writes as text: one line a value.
LINE = re.compile(r"^(?P<case>Case-\d+)_(?P<name>[^:]+): ?(?P<value>.*)$")
DELIMITED = ("", ".csv", ".tsv", ".txt", ".tab")


def read_feature_file(path: Path) -> Extraction:
    """How the features of a file were made, from its ``diagnostics_`` entries where it has them.

    Raises
    ------
    DataError
        If it is no such file, or an entry cannot be read.
    """
    table = _read_cases(path)
    names = tuple(str(c) for c in table.columns)
    features = tuple(c for c in names if parse_name(c))
    columns = {c.removeprefix(PREFIX): table[c] for c in names if c.startswith(PREFIX)}
    if not features and not columns:
        _refuse(path, names)
    settings = _read_dictionaries(columns.get("Configuration_Settings"), "Configuration_Settings", path)
    images = _read_dictionaries(columns.get("Configuration_EnabledImageTypes"), "Configuration_EnabledImageTypes", path)
    versions = [f"{title} {v}" for key, title in VERSIONS.items() for v in _distinct(columns.get(f"Versions_{key}"))]
    return Extraction(
        path.name,
        path.name,
        features,
        tuple(versions),
        None if settings is None else merge_settings(settings),
        None if images is None else merge_settings(images),
        spacings=_read_spacings(columns.get("Image-original_Spacing"), "Image-original_Spacing", path),
        resampled=_read_spacings(columns.get("Image-interpolated_Spacing"), "Image-interpolated_Spacing", path),
        n_cases=len(table),
        is_file=True,
        measured=_count_regions(columns, len(table)),
    )


def _refuse(path: Path, names: Sequence[str]) -> None:
    old = next((c for c in names if c.startswith("general_info_")), None)
    if old:
        raise DataError(
            f"{path} has the column '{shown(old)}': it is of PyRadiomics 2.0 or before, whose columns are not read."
            " Extract again with a later version."
        )
    raise DataError(
        f"{path} is no table of PyRadiomics: no column or row is named as its features are (such as"
        f" original_shape_Sphericity), and none begins with {PREFIX}. Give its feature table, or an output folder of"
        " `prldh analyze` or `prldh extract`."
    )


# ---------------------------------------------------------------- layouts


def _read_cases(path: Path) -> pd.DataFrame:
    """The file as a table of text, one row a case, whichever way it lies."""
    kind = path.suffix.lower()
    if not path.is_file():
        return read_table(path)
    if kind == ".json":
        return _from_json(path)
    if kind in DELIMITED:
        rows = _read_rows(path, "\t" if kind in (".tsv", ".tab") else ",")
        cases = (
            _from_lines(rows, path)
            if rows and LINE.match(rows[0][0] if rows[0] else "")
            else _from_features_as_rows(rows, path)
        )
        return read_table(path) if cases is None else cases
    table = read_table(path)
    if sum(map(_is_known, table.columns)) > 1:
        return table
    turned = _from_features_as_rows([list(table.columns), *table.to_numpy().tolist()], path)
    return table if turned is None else turned


def _read_rows(path: Path, separator: str) -> list[list[str]]:
    """All rows of a text file, or none where its first names are features: then a row is a case, as :func:`read_table`
    reads it."""
    try:
        with file_at(path).open(encoding="utf-8-sig", newline="") as handle:
            start = handle.readline()
            if LINE.match(start):
                return [[line] for line in [start.rstrip("\r\n"), *handle.read().splitlines()] if line.strip()]
            first = next(csv.reader([start], delimiter=separator), [])
            if sum(map(_is_known, first)) > 1:
                return []
            return [first, *csv.reader(handle, delimiter=separator)]
    except (OSError, UnicodeDecodeError, csv.Error):
        return []  # told by read_table, in its words


def _is_known(name: str) -> bool:
    return name.startswith(PREFIX) or parse_name(name) is not None


def _from_lines(rows: Sequence[Sequence[str]], path: Path) -> pd.DataFrame:
    """``Case-1_original_shape_Sphericity: 0.48``, a line a value."""
    cases: dict[str, dict[str, str]] = {}
    for number, (line,) in enumerate(rows, start=1):
        match = LINE.match(line)
        if not match:
            raise DataError(
                f"{path}, line {number}: 'Case-1_name: value' is expected, as the lines before; found"
                f" '{shown(line, 60)}'. Mend the line, or remove it."
            )
        cases.setdefault(match["case"], {})[match["name"].strip()] = match["value"].strip()
    return _as_table(cases.values())


def _from_json(path: Path) -> pd.DataFrame:
    """A list of cases, one case, or a case a line."""
    try:
        text = file_text(path)
        try:
            content = json.loads(text)
        except ValueError:
            content = [json.loads(line) for line in text.splitlines() if line.strip()]
        json.dumps(content, ensure_ascii=False).encode()  # halves of characters can be written nowhere
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"{path} cannot be read as JSON: {getattr(error, 'strerror', None) or error}. Write it again, or give the"
            " CSV."
        ) from None
    cases = content if isinstance(content, list) else [content]
    if not cases or not all(isinstance(case, dict) for case in cases):
        raise DataError(
            f"{path} holds no cases: a list of names with values is expected, as `pyradiomics --format json` writes it."
            " Give that, or the CSV."
        )
    return _as_table({str(k): "" if v is None else str(v) for k, v in case.items()} for case in cases)


def _from_features_as_rows(rows: Sequence[Sequence[Any]], path: Path) -> pd.DataFrame | None:
    """A feature a row: its name in one column, or in three (image type, class, feature), then a value a case; or a
    case's name before and one value behind. None where the rows are no features."""
    width = max(map(len, rows), default=0)
    place, parts = 0, 1
    known: list[tuple[str, Sequence[Any]]] = []
    for where, n in itertools.product(range(min(width, 3)), (1, 3)):
        named = [
            ("_".join(str(v).strip() for v in row[where : where + n]), row) for row in rows if len(row) > where + n
        ]
        features = [(name, row) for name, row in named if _is_known(name)]
        place, parts, known = (where, n, features) if len(features) > len(known) else (place, parts, known)
    if all(row is rows[0] for _, row in known):  # none, or those of a header: a row is a case
        return None
    header = rows[0] if not any(row is rows[0] for _, row in known) else []
    cases: dict[Any, dict[str, str]] = {}
    for name, row in known:
        for k, value in enumerate(row[place + parts :]):
            case = (tuple(row[:place]) if _is_repeated(known) else (), k)
            if name in cases.setdefault(case, {}):
                raise DataError(
                    f"{path}: '{shown(name)}' stands twice for one"
                    f" case{f' ({header[place + parts + k]})' if header else ''}. Remove one, or name the cases."
                )
            cases[case][name] = str(value).strip()
    return _as_table(values for values in cases.values() if any(values.values()))


def _is_repeated(known: Sequence[tuple[str, Any]]) -> bool:
    return len({name for name, _ in known}) < len(known)


def _as_table(cases: Iterable[Mapping[str, str]]) -> pd.DataFrame:
    return pd.DataFrame(list(cases), dtype=object).fillna("")


# ---------------------------------------------------------------- entries


def _count_regions(columns: Mapping[str, pd.Series], n: int) -> str:
    """How many regions on how many images (by their hashes), and of how many voxels."""
    text = f"{n} region{'s' * (n != 1)}"
    images = _distinct(columns.get("Image-original_Hash"))
    if images:
        text += f" on {len(images)} image{'s' * (len(images) != 1)}"
    sizes = [int(v) for v in _distinct(columns.get("Mask-original_VoxelNum")) if v.isdigit()]
    return text + (
        f", of {min(sizes)} to {max(sizes)} voxels" if len(sizes) > 1 else f", of {sizes[0]} voxels" if sizes else ""
    )


def _distinct(column: pd.Series | None) -> list[str]:
    return [] if column is None else list(dict.fromkeys(v for v in column if v not in BLANKS))


def _read_dictionaries(column: pd.Series | None, name: str, path: Path) -> list[dict[str, Any]] | None:
    if column is None:
        return None
    cells = list(column)
    return [
        read_dictionary(text, f"{path}, {PREFIX}{name}, case {cells.index(text) + 1}") for text in _distinct(column)
    ] or None


def read_dictionary(text: str, place: str) -> dict[str, Any]:
    """A dictionary as Python or JSON writes it, NumPy's numbers in it as well. Nothing in it is run.

    Raises
    ------
    DataError
        If it is neither.
    """
    plain = re.sub(
        r"^OrderedDict\((.*)\)$",
        r"\1",
        re.sub(
            r"\b(?:np|numpy)\.(?:u?int|float|bool_?|str_?)\d*\(([^()]*)\)|\barray\((\[[^()]*\])\)",
            r"\1\2",
            text.strip()[:LONGEST],
        ),
    )
    for read, content in ((ast.literal_eval, plain), (json.loads, text)) if len(text) <= LONGEST else ():
        try:
            parsed = read(content)
            if isinstance(parsed, dict) or (
                isinstance(parsed, list) and all(isinstance(p, tuple) and len(p) == 2 for p in parsed)
            ):
                return {str(k): v for k, v in dict(parsed).items()}
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            continue
    shown = text[:60] + ("..." if len(text) > 60 else "")
    raise DataError(
        f"{place}: settings are expected as a dictionary, such as {{'binWidth': 25}}; found {shown!r}. Mend the cell,"
        " or leave it empty."
    )


def _read_spacings(column: pd.Series | None, name: str, path: Path) -> Counter[tuple[float, ...]]:
    counts: Counter[tuple[float, ...]] = Counter()
    for i, text in enumerate([] if column is None else column):
        numbers = re.findall(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?", re.sub(r"[a-z]+\d+\(", "", text))
        if text in BLANKS:
            continue
        if len(numbers) not in (2, 3):
            raise DataError(
                f"{path}, {PREFIX}{name}, case {i + 1}: a voxel size of two or three numbers is expected; "
                f"found {text[:60]!r}. Mend the cell, or leave it empty."
            )
        counts[tuple(round(float(v), 6) for v in numbers)] += 1
    return counts
