"""The same things written in other ways: how people, spreadsheets and programs write study files, tables and names."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import yaml
from changes import ANALYZE, APPLY, put, rewritten
from templates import FEATURES, STUDY, merged, write_yaml
from verdicts import Case

Expects = Literal["refused", "accepted", "same", "either"]
TEXT = yaml.safe_dump(STUDY, sort_keys=False)


def _instead(old: str, new: str) -> str:
    """The study's text with a line written otherwise."""
    assert old in TEXT, old
    return TEXT.replace(old, new, 1)


#: Study files: what is written, and whether the numbers must be those of the plain one.
STUDIES: dict[str, tuple[bytes | str, Expects]] = {
    "byte_order_mark": (b"\xef\xbb\xbf" + TEXT.encode(), "same"),
    "windows_lines": (TEXT.replace("\n", "\r\n"), "same"),
    "old_mac_lines": (TEXT.replace("\n", "\r"), "same"),
    "mixed_lines": (TEXT.replace("\n", "\r\n", 9), "same"),
    "no_last_newline": (TEXT.rstrip("\n"), "same"),
    "document_marks": (f"---\n{TEXT}...\n", "same"),
    "version_1.1": (f"%YAML 1.1\n---\n{TEXT}", "same"),
    "version_2.0": (f"%YAML 2.0\n---\n{TEXT}", "refused"),
    "tag_directive": (f"%TAG !e! tag:example.com,2000:\n---\n{TEXT}", "same"),
    "unknown_directive": (f"%FOO bar\n---\n{TEXT}", "either"),
    "comments": (TEXT.replace("\n", "  # é \u202e 患者\n"), "same"),
    "tab_after_colon": (_instead("seed: 3", "seed:\t3"), "either"),
    "tab_indent": (_instead("  table: clinical.csv", "\ttable: clinical.csv"), "refused"),
    "escaped_key": (_instead("seed: 3", '"\\x73e\\u0065d": 3'), "same"),
    "long_form_key": (_instead("seed: 3", "? seed\n: 3"), "same"),
    "anchor_of_key": (_instead("seed: 3", "&k seed: &v 3"), "same"),
    "alias_of_scalar": (_instead("engine: python", "engine: &e python").replace("seed: 3", "seed: !!int '3'"), "same"),
    "merge_key": (_instead("validation:\n", "validation:\n  <<: {folds: 9, repeats: 1}\n"), "same"),
    "merge_list": (_instead("validation:\n", "validation:\n  <<: [{folds: 9}, {repeats: 9}]\n"), "same"),
    "merge_of_unknown": (_instead("validation:\n", "validation:\n  <<: {fold: 9}\n"), "refused"),
    "double_key_deep": (_instead("  folds: 2", "  folds: 2\n  folds: 4"), "refused"),
    "double_key_quoted": (_instead("seed: 3", "seed: 3\n'seed': 4"), "refused"),
    "event_as_boolean": (_instead("event: 'yes'", "event: yes"), "same"),
    "event_as_upper": (_instead("event: 'yes'", "event: YES"), "same"),
    "event_true": (_instead("event: 'yes'", "event: true"), "either"),
    "seed_float": (_instead("seed: 3", "seed: 3.0"), "either"),
    "seed_text": (_instead("seed: 3", "seed: '3'"), "either"),
    "seed_plus": (_instead("seed: 3", "seed: +3"), "same"),
    "seed_hex": (_instead("seed: 3", "seed: 0x3"), "same"),
    "seed_binary": (_instead("seed: 3", "seed: 0b11"), "same"),
    "seed_octal": (_instead("seed: 3", "seed: 03"), "same"),
    "seed_octal_1.2": (_instead("seed: 3", "seed: 0o3"), "either"),
    "seed_sixties": (_instead("seed: 3", "seed: 1:30"), "either"),
    "seed_underscore": (_instead("seed: 3", "seed: 1_000"), "either"),
    "seed_exponent": (_instead("seed: 3", "seed: 1e3"), "either"),
    "seed_infinite": (_instead("seed: 3", "seed: .inf"), "refused"),
    "seed_nan": (_instead("seed: 3", "seed: .nan"), "refused"),
    "seed_date": (_instead("seed: 3", "seed: 2024-01-01"), "refused"),
    "threshold_infinite": (_instead("threshold: 0.5", "threshold: -.inf"), "refused"),
    "threshold_nan": (_instead("threshold: 0.5", "threshold: .NaN"), "refused"),
    "threshold_comma": (_instead("threshold: 0.5", "threshold: 0,5"), "refused"),
    "threshold_percent": (_instead("threshold: 0.5", "threshold: 50%"), "refused"),
    "boolean_words": (_instead("leave_one_out: false", "leave_one_out: off"), "same"),
    "boolean_number": (_instead("leave_one_out: false", "leave_one_out: 0"), "either"),
    "title_date": (_instead("title: Hostile input", "title: 2024-01-01"), "either"),
    "title_boolean": (_instead("title: Hostile input", "title: no"), "either"),
    "title_number": (_instead("title: Hostile input", "title: 12"), "either"),
    "title_lines": (_instead("title: Hostile input", "title: |\n  one\n  two\n"), "either"),
    "title_folded": (_instead("title: Hostile input", "title: >-\n  Hostile\n  input"), "same"),
    "title_emoji": (_instead("title: Hostile input", 'title: "\\U0001F9E0 \\u202e\\u200b\\x1b[31m"'), "either"),
    "title_separators": (_instead("title: Hostile input", "title: a\u2028b\u0085c"), "either"),
    "title_template": (_instead("title: Hostile input", "title: '{{ 7 * 7 }} {% raw %} \\input{x} $(id)'"), "accepted"),
    "title_markup": (_instead("title: Hostile input", "title: '<script>alert(1)</script>&amp;'"), "accepted"),
    "names_with_spaces": (TEXT.replace("Disc", "'Disc  model '"), "either"),
    "names_of_markup": (TEXT.replace("Disc", "'<b>&\"_$%#~^\\'"), "accepted"),
    "names_alike": (TEXT.replace("name: Both", "name: disc "), "either"),
    "names_in_two_forms": (TEXT.replace("Disc", "Caf\u00e9").replace("Both", "Cafe\u0301"), "either"),
    "tissue_numbered": (re.sub(r"\bdisc\b", "1", TEXT), "either"),
    "tissue_no": (re.sub(r"\bdisc\b", "no", TEXT), "either"),
    "tissue_null": (re.sub(r"\bdisc\b", "null", TEXT), "either"),
    "tissue_date": (re.sub(r"\bdisc\b", "2024-01-01", TEXT), "either"),
    "tissue_of_parts": (re.sub(r"\bdisc\b", "'../disc'", TEXT), "either"),
    "tissue_long": (re.sub(r"\bdisc\b", "d" * 300, TEXT), "either"),
    "tissue_of_device": (re.sub(r"\bdisc\b", "CON", TEXT), "either"),
}


def written_studies() -> Iterator[Case]:
    """Study files that are well, written otherwise; endings of their names."""
    for name, (content, expects) in STUDIES.items():
        raw = content if isinstance(content, bytes) else content.encode()
        change = rewritten("study.yaml", lambda _, raw=raw: raw)
        is_quick = name in ("title_markup", "names_of_markup")  # with their pages
        yield Case("writing", f"study.{name}", "study", ANALYZE, change, expects, is_quick=is_quick)
    for ending in (".yml", ".YAML", ".txt", "", ".json", ".yaml.bak"):
        path = f"mine{ending}"
        yield Case(
            "writing", f"study_called.{path}", "study", ("analyze", path, "--out", "out", "--jobs", "1"),
            lambda folder, path=path: (folder / "study.yaml").rename(folder / path) and None, "either",
        )  # fmt: skip


LEVELS: dict[str, tuple[str, str, str]] = {
    # of an ordinal covariate: as the table has them, and as the study file lists them
    "yes_no": ("no", "yes", "[no, yes]"),
    "on_off": ("off", "on", "[off, on]"),
    "dates": ("2024-01-01", "2024-06-01", "[2024-01-01, 2024-06-01]"),
    "times": ("1:30", "2:30", "[1:30, 2:30]"),
    "leading_zeros": ("010", "020", "[010, 020]"),
    "halves": ("1.50", "2.50", "[1.50, 2.50]"),
    "exponents": ("1e3", "2e3", "[1e3, 2e3]"),
    "underscores": ("1_0", "2_0", "[1_0, 2_0]"),
    "infinite": ("-.inf", ".inf", "[-.inf, .inf]"),
    "null": ("~", "null", "[~, null]"),
    "markup": ("<b>", "&amp;", "['<b>', '&amp;']"),
    "spaces": ("a b", "a  b", "['a b', 'a  b']"),
    "forms": ("\u00e9", "e", "['e\u0301', e]"),
}

#: Names of columns that programs use inside, or that mean something to one.
NAMES = (
    "index", "level_0", "Unnamed: 0", "id", "outcome", "patient", "model", "radscore", "eta", "(Intercept)", "disc",
    "__proto__", "constructor", "0", "1.5", "True", "null", "no", "a:b", "a*b", "log(a)", "a+b", " a ", "a b",
    "a\u00a0b",
    "e\u0301", "\u202ea", "=cmd|' /C calc'!A0", "<script>alert(1)</script>", "{{ 7 * 7 }}", "%s%n", "\\input{x}",
    "a'b\"c",
    "n" * 300, "n" * 100_000, ".", "..", "a/b", "CON", "-1", "患者",
)  # fmt: skip


def names() -> Iterator[Case]:
    """Names of columns, levels, covariates and features."""
    for i, name in enumerate(NAMES):
        label = f"{i:02d}"

        def beside(folder: Path, name=name) -> None:
            table = pd.read_csv(folder / "clinical.csv", dtype=str)
            table[name] = "x"
            table.to_csv(folder / "clinical.csv", index=False)

        # a column without a name, or one that is a tissue's, may be refused
        expects = "either" if name in ("Unnamed: 0", "disc", "0") else "same"
        yield Case("writing", f"column_beside.{label}", "study", ANALYZE, beside, expects)

        def feature(folder: Path, name=name) -> None:
            for file in ("reader1.csv", "reader2.csv"):
                table = pd.read_csv(folder / file, dtype=str).rename(columns={FEATURES[0]: name})
                table.to_csv(folder / file, index=False)

        yield Case("writing", f"feature.{label}", "study", ANALYZE, feature, "either")

        def covariate(folder: Path, name=name) -> None:
            table = pd.read_csv(folder / "clinical.csv", dtype=str).rename(columns={"age": name})
            table.to_csv(folder / "clinical.csv", index=False)
            study = deepcopy(STUDY)
            kinds = study["clinical"]["covariates"]
            study["clinical"]["covariates"] = {name if k == "age" else k: v for k, v in kinds.items()}
            study["models"][1]["terms"][1] = name
            write_yaml(folder / "study.yaml", study)

        yield Case("writing", f"covariate.{label}", "study", ANALYZE, covariate, "either", is_drawn=i % 8 == 0)
    for name, (low, high, listed) in LEVELS.items():

        def change(folder: Path, low=low, high=high, listed=listed) -> None:
            table = pd.read_csv(folder / "clinical.csv", dtype=str)
            table["grade"] = [low if i % 3 else high for i in range(len(table))]
            table.to_csv(folder / "clinical.csv", index=False)
            text = re.sub(r"levels:\n(\s*- .*\n)+", f"levels: {listed}\n", TEXT)
            (folder / "study.yaml").write_text(text, encoding="utf-8")

        yield Case("writing", f"levels.{name}", "study", ANALYZE, change, "either")


def _all_tables(how: Callable[[pd.DataFrame], pd.DataFrame], only: tuple[str, ...] = ()) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        for name in only or ("clinical", "reader1", "reader2"):
            path = folder / f"{name}.csv"
            how(pd.read_csv(path, dtype=str, keep_default_na=False)).to_csv(path, index=False)

    return change


def _ids(how: Callable[[str], str]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    return lambda table: table.assign(patient_id=[how(i) for i in table["patient_id"]])


def ids() -> Iterator[Case]:
    """Ids of patients: in all tables alike, and in one of them otherwise than in the others."""
    ways: dict[str, Callable[[str], str]] = {
        "trailing_spaces": lambda i: i + "  ",
        "hard_spaces": lambda i: i + "\u00a0",
        "right_to_left_marks": lambda i: "\u200f" + i,
        "lower": str.lower,
        "leading_zeros": lambda i: "00" + i[1:],
        "whole": lambda i: i[1:],
        "as_floats": lambda i: str(float(i[1:])),
        "exponents": lambda i: f"1e{i[1:]}",
        "beyond_64_bits": lambda i: str(2**64 + int(i[1:])),
        "dates": lambda i: f"2024-01-{int(i[1:]) % 28 + 1:02d}T{int(i[1:]):02d}",
        "composed": lambda i: "é" + i,
        "decomposed": lambda i: unicodedata.normalize("NFD", "é") + i,
        "missing_words": lambda i: "NA" if i == "P03" else i,
        "true": lambda i: "TRUE" if i == "P03" else i,
        "markup": lambda i: f"<b>{i}&",
        "formulas": lambda i: "=1+" + i[1:],
        "quotes": lambda i: f"\"{i}'",
        "separators": lambda i: f"{i},;|\t",
        "lines": lambda i: f"{i}\nx",
        "paths": lambda i: f"../{i}",
        "long": lambda i: i + "x" * 5000,
        "one_for_all": lambda i: "P",
        "two_forms": lambda i: {"P03": "é", "P04": "e\u0301"}.get(i, i),
        "two_cases": lambda i: {"P03": "a", "P04": "A"}.get(i, i),
        "two_numbers": lambda i: {"P03": "1", "P04": "1.0"}.get(i, i),
    }
    for name, how in ways.items():
        yield Case("writing", f"ids.{name}", "study", ANALYZE, _all_tables(_ids(how)), "either")
        change = _all_tables(_ids(how), ("reader1",))
        yield Case("writing", f"ids_of_one_table.{name}", "study", ANALYZE, change, "either")


NUMBERS = (
    "1,234", "1.234,5", "1 234", "1'234", "-0", "+5", "5.", ".5", "1d5", "1/2", "\u22125", "5*", "<5", ">5", "~5",
    "n.d.", "NA", "N/A", "#N/A", "#DIV/0!", "#VALUE!", "-", ".", "null", "None", "-999", "1e5", "1E+05", "0b1", "0o7",
    "TRUE", " 5 ", "\u00a05", "5\u200b", "\u202e5", "5,", "(5)", "$5", "5e", "e5", "1_0", "²", "½", "∞", "1e308",
    "-1e308",
    "123456789012345678901234567890", "0.1" + "0" * 400, "1" * 400, "=1+1", "5;6", "nan(1)", "-inf", "iNf", "1:30",
    "2024-01-01", "01/02/2024", "12:00",
)  # fmt: skip


def numbers() -> Iterator[Case]:
    """A number in a column of numbers, written in ways that some program knows."""
    for i, text in enumerate(NUMBERS):
        for column, (table, name) in {
            "age": ("clinical", "age"), "feature": ("reader1", FEATURES[1]), "score": ("clinical", "marker")
        }.items():  # fmt: skip

            def change(folder: Path, table=table, name=name, text=text) -> None:
                found = pd.read_csv(folder / f"{table}.csv", dtype=str)
                found.loc[9, name] = text
                found.to_csv(folder / f"{table}.csv", index=False)

            yield Case("writing", f"number.{column}.{i:02d}", "study", ANALYZE, change, "either")


def _frame(path: Path) -> pd.DataFrame:
    return pd.read_csv(path.parent / "reader1.csv")


def _clinical(path: Path) -> pd.DataFrame:
    return pd.read_csv(path.parent / "clinical.csv")


def _workbook(how: Callable[[Any], None], read: Callable[[Path], pd.DataFrame] = _clinical) -> Callable[[Path], None]:
    """A workbook of a table, changed by openpyxl."""

    def write(path: Path) -> None:
        import openpyxl

        read(path).to_excel(path, index=False)
        book = openpyxl.load_workbook(path)
        how(book)
        book.save(path)

    return write


def _set(cell: str, value: Any) -> Callable[[Any], None]:
    def how(book: Any) -> None:
        book.active[cell] = value

    return how


def _another_sheet(at: int, state: str = "visible") -> Callable[[Any], None]:
    def how(book: Any) -> None:
        sheet = book.create_sheet("Notes", at)
        sheet["A1"] = "notes"
        sheet.sheet_state = state

    return how


def _hide_all(book: Any) -> None:
    book.create_sheet("Notes")
    book.worksheets[0].sheet_state = "hidden"


def _parquet(how: Callable[[pd.DataFrame], pd.DataFrame], **named: Any) -> Callable[[Path], None]:
    return lambda path: how(_frame(path)).to_parquet(path, **({"index": False} | named))


def _nulls(table: pd.DataFrame) -> pd.DataFrame:
    table = table.convert_dtypes()
    table.loc[3, FEATURES[0]] = pd.NA
    return table


def _zipped(path: Path, names: tuple[str, ...] = ("reader1.csv",)) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, (path.parent / "reader1.csv").read_bytes())


def _raw(how: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(how((path.parent / "reader1.csv").read_bytes())) and None


def _feather(path: Path) -> None:
    _frame(path).to_feather(path)


def _parquet_bytes(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


F0 = FEATURES[0]


def _first(how: Callable[[pd.DataFrame], Any]) -> Callable[[Path], None]:
    """Parquet with another column in the place of the first feature's."""
    return _parquet(lambda table: table.assign(**{F0: how(table)}))


def _as_bytes(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(patient_id=table["patient_id"].str.encode("utf-8"))


def _upper_name(path: Path) -> None:
    _workbook(lambda book: None)(path.with_name("x.xlsx"))
    path.with_name("x.xlsx").rename(path)


def _wide(content: bytes) -> bytes:
    """100,000 columns beside the others."""
    first, *others = content.rstrip(b"\n").split(b"\n")[:20]
    head = b"".join(b",c%d" % k for k in range(100_000))
    return b"\n".join([first + head, *(line + b",1" * 100_000 for line in others)]) + b"\n"


NEW_YEAR = pd.Timestamp("2024-01-01").to_pydatetime()
FILES: dict[str, tuple[str, str, Callable[[Path], None], Expects]] = {
    # by name: whose place is taken, the file, what writes it
    "workbook": ("clinical", "t.xlsx", _workbook(lambda book: None), "same"),
    "workbook_upper": ("clinical", "T.XLSX", _upper_name, "either"),
    "workbook_sheet_behind": ("clinical", "t.xlsx", _workbook(_another_sheet(1)), "either"),
    "workbook_sheet_before": ("clinical", "t.xlsx", _workbook(_another_sheet(0)), "either"),
    "workbook_hidden_before": ("clinical", "t.xlsx", _workbook(_another_sheet(0, "hidden")), "either"),
    "workbook_very_hidden": ("clinical", "t.xlsx", _workbook(_another_sheet(0, "veryHidden")), "either"),
    "workbook_its_sheet_hidden": ("clinical", "t.xlsx", _workbook(_hide_all), "either"),
    "workbook_formula": ("clinical", "t.xlsx", _workbook(_set("C5", "=50+5")), "either"),
    "workbook_formula_of_outcome": ("clinical", "t.xlsx", _workbook(_set("B5", '=IF(1,"yes","no")')), "either"),
    "workbook_error": ("clinical", "t.xlsx", _workbook(_set("C5", "#DIV/0!")), "either"),
    "workbook_boolean": ("clinical", "t.xlsx", _workbook(_set("C5", True)), "either"),
    "workbook_date": ("clinical", "t.xlsx", _workbook(_set("C5", NEW_YEAR)), "refused"),
    "workbook_merged": ("clinical", "t.xlsx", _workbook(lambda book: book.active.merge_cells("C3:C5")), "either"),
    "workbook_merged_head": ("clinical", "t.xlsx", _workbook(lambda book: book.active.merge_cells("A1:B1")), "refused"),
    "workbook_title_row": ("clinical", "t.xlsx", _workbook(lambda book: book.active.insert_rows(1)), "either"),
    "workbook_far_cell": ("clinical", "t.xlsx", _workbook(_set("XFD1048576", "x")), "either"),
    "workbook_number_id": ("clinical", "t.xlsx", _workbook(_set("A5", 5)), "refused"),
    "workbook_no_sheet": ("clinical", "t.xlsx", lambda p: zipfile.ZipFile(p, "w").close(), "refused"),
    "parquet_categories": ("reader1", "t.parquet", _parquet(lambda t: t.astype({"patient_id": "category"})), "same"),
    "parquet_index": ("reader1", "t.parquet", _parquet(lambda t: t.set_index("patient_id"), index=True), "either"),
    "parquet_nulls": ("reader1", "t.parquet", _parquet(_nulls), "either"),
    "parquet_half": ("reader1", "t.parquet", _parquet(lambda t: t.astype({F0: "float32"})), "either"),
    "parquet_text_numbers": ("reader1", "t.parquet", _parquet(lambda t: t.astype({F0: str})), "same"),
    "parquet_binary_ids": ("reader1", "t.parquet", _parquet(_as_bytes), "either"),
    "parquet_booleans": ("reader1", "t.parquet", _first(lambda t: t[F0] > 0), "either"),
    "parquet_times": ("reader1", "t.parquet", _first(lambda t: pd.to_datetime(t[F0] * 1e9)), "refused"),
    "parquet_durations": ("reader1", "t.parquet", _first(lambda t: pd.to_timedelta(t[F0], unit="s")), "refused"),
    "parquet_lists": ("reader1", "t.parquet", _first(lambda t: [[v] for v in t[F0]]), "refused"),
    "parquet_maps": ("reader1", "t.parquet", _first(lambda t: [{"a": v} for v in t[F0]]), "refused"),
    "parquet_unsigned": ("reader1", "t.parquet", _first(lambda t: np.arange(len(t), dtype="u8") + 2**63), "either"),
    "parquet_infinite": ("reader1", "t.parquet", _first(lambda t: [np.inf, *t[F0][1:]]), "refused"),
    "parquet_named_csv": ("reader1", "t.csv", lambda p: p.write_bytes(_parquet_bytes(_frame(p))) and None, "refused"),
    "feather": ("reader1", "t.feather", _feather, "either"),
    "feather_named_parquet": ("reader1", "t.parquet", _feather, "refused"),
    "csv_upper": ("reader1", "T.CSV", _raw(lambda b: b), "either"),
    "txt": ("reader1", "t.txt", _raw(lambda b: b), "either"),
    "tsv": ("reader1", "t.tsv", _raw(lambda b: b.replace(b",", b"\t")), "either"),
    "tsv_of_commas": ("reader1", "t.tsv", _raw(lambda b: b), "either"),
    "no_ending": ("reader1", "table", _raw(lambda b: b), "either"),
    "bz2": ("reader1", "t.csv.bz2", _raw(bz2.compress), "either"),
    "xz": ("reader1", "t.csv.xz", _raw(lzma.compress), "either"),
    "zip": ("reader1", "t.csv.zip", _zipped, "either"),
    "zip_of_two": ("reader1", "t.zip", lambda p: _zipped(p, ("a.csv", "b.csv")), "either"),
    "gzip_of_two": ("reader1", "t.csv.gz", _raw(lambda b: gzip.compress(b[:500]) + gzip.compress(b[500:])), "same"),
    "gzip_wrong_sum": ("reader1", "t.csv.gz", _raw(lambda b: gzip.compress(b)[:-8] + bytes(8)), "refused"),
    "gzip_and_more": ("reader1", "t.csv.gz", _raw(lambda b: gzip.compress(b) + b"more"), "either"),
    "gzip_twice": ("reader1", "t.csv.gz", _raw(lambda b: gzip.compress(gzip.compress(b))), "refused"),
    "csv_of_lone_returns": ("reader1", "t.csv", _raw(lambda b: b.replace(b"\n", b"\r")), "either"),
    "csv_sep_line": ("reader1", "t.csv", _raw(lambda b: b"sep=,\n" + b), "either"),
    "csv_comment": ("reader1", "t.csv", _raw(lambda b: b"# made by a program\n" + b), "either"),
    "csv_blank_column": ("reader1", "t.csv", _raw(lambda b: b.replace(b"\n", b",\n")), "either"),
    "csv_blank_lines": ("reader1", "t.csv", _raw(lambda b: b.replace(b"\n", b"\n\n")), "either"),
    "csv_lines_of_commas": ("reader1", "t.csv", _raw(lambda b: b + b",,,,,,\n" * 3), "either"),
    "csv_utf8_marks": ("reader1", "t.csv", _raw(lambda b: b"\xef\xbb\xbf\xef\xbb\xbf" + b), "either"),
    "csv_utf32": ("reader1", "t.csv", _raw(lambda b: b.decode().encode("utf-32")), "either"),
    "csv_mixed_separators": ("reader1", "t.csv", _raw(lambda b: b.replace(b",", b";", 40)), "either"),
    "csv_pipes": ("reader1", "t.csv", _raw(lambda b: b.replace(b",", b"|")), "either"),
    "csv_spaces": ("reader1", "t.csv", _raw(lambda b: b.replace(b",", b", ")), "same"),
    "csv_decimal_commas": ("reader1", "t.csv", _raw(lambda b: b.replace(b",", b";").replace(b".", b",")), "either"),
    "csv_single_quotes": ("reader1", "t.csv", _raw(lambda b: re.sub(rb"(P\d\d)", rb"'\1'", b)), "refused"),
    "csv_backslashes": ("reader1", "t.csv", _raw(lambda b: re.sub(rb"(P\d\d)", rb'"\1\\"', b)), "refused"),
    "csv_nul_at_end": ("reader1", "t.csv", _raw(lambda b: b + b"\x00"), "refused"),
    "csv_control_z": ("reader1", "t.csv", _raw(lambda b: b + b"\x1a"), "either"),
    "csv_100000_columns": ("reader1", "t.csv", _raw(_wide), "either"),
}  # fmt: skip


def files() -> Iterator[Case]:
    """Tables as other programs write them."""
    for name, (table, file, write, expects) in FILES.items():

        def change(folder: Path, table=table, file=file, write=write) -> None:
            write(folder / file)
            place = ("clinical", "table") if table == "clinical" else ("tissues", "disc", "features", 0)
            write_yaml(folder / "study.yaml", put(STUDY, place, file))

        yield Case("writing", f"file.{name}", "study", ANALYZE, change, expects)


COHORT: dict = {
    "name": "new",
    "clinical": {"table": "new_clinical.csv"},
    "tissues": {"disc": {"features": ["new_reader1.csv"]}},
}
COHORTS: dict[str, Any] = {
    "its_own_table": {"clinical": {"table": "clinical.csv"}},
    "features_of_others": {"tissues": {"disc": {"features": ["reader1.csv"]}}},
    "two_readers": {"tissues": {"disc": {"features": ["new_reader1.csv", "new_reader2.csv"]}}},
    "unknown_tissue": {"tissues": {"bone": {"features": ["new_reader1.csv"]}}},
    "no_tissue": {"tissues": {}},
    "name_of_path": {"name": "../../new"},
    "name_of_dots": {"name": ".."},
    "name_hidden": {"name": ".new"},
    "name_slash": {"name": "a/b"},
    "name_long": {"name": "n" * 300},
    "name_blank": {"name": "  "},
    "name_device": {"name": "NUL"},
    "name_markup": {"name": "<b>&amp;"},
    "name_control": {"name": "a\x1b[31mb"},
    "name_pooled": {"name": "pooled.json"},
    "recalibrate_all": {"recalibrate": {"share": 1}},
    "recalibrate_none": {"recalibrate": {"share": 0}},
    "recalibrate_little": {"recalibrate": {"share": 1e-9}},
}


def cohorts() -> Iterator[Case]:
    """Cohort files, and tables of new patients that are not as the models' own."""
    for name, change in COHORTS.items():
        more = ("--recalibrate", "slope") if "recalibrate" in name else ()
        yield Case(
            "writing", f"cohort.{name}", "run", (*APPLY, *more),
            lambda folder, change=change: write_yaml(folder / "cohort.yaml", {**merged(COHORT, {}), **change}),
        )  # fmt: skip
    columns: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
        "no_outcome": lambda t: t.drop(columns="recurrence"),
        "outcome_blank": lambda t: t.assign(recurrence=""),
        "outcome_of_one_kind": lambda t: t.assign(recurrence="yes"),
        "outcome_of_other_words": lambda t: t.assign(recurrence="1"),
        "no_age": lambda t: t.drop(columns="age"),
        "age_blank": lambda t: t.assign(age=""),
        "age_text": lambda t: t.assign(age="old"),
        "age_far": lambda t: t.assign(age="1e9"),
        "sex_new": lambda t: t.assign(sex="x"),
        "sex_upper": lambda t: t.assign(sex=t["sex"].str.upper()),
        "no_marker": lambda t: t.drop(columns="marker"),
        "one_row": lambda t: t.iloc[:1],
        "no_rows": lambda t: t.iloc[:0],
        "double_row": lambda t: pd.concat([t, t.iloc[:1]]),
        "no_ids": lambda t: t.drop(columns="patient_id"),
    }
    for name, how in columns.items():
        yield Case("writing", f"new_patients.{name}", "run", APPLY, _all_tables(how, ("new_clinical",)), "either")
    for name, how in {
        "no_feature": lambda t: t.drop(columns=FEATURES[0]),
        "feature_renamed": lambda t: t.rename(columns={FEATURES[0]: FEATURES[0].upper()}),
        "feature_blank": lambda t: t.assign(**{FEATURES[0]: ""}),
        "feature_infinite": lambda t: t.assign(**{FEATURES[0]: "inf"}),
        "feature_far": lambda t: t.assign(**{FEATURES[0]: "1e300"}),
        "nobody": lambda t: t.assign(patient_id="X" + t["patient_id"]),
        "half_of_them": lambda t: t.iloc[::2],
    }.items():
        yield Case("writing", f"new_features.{name}", "run", APPLY, _all_tables(how, ("new_reader1",)), "either")


#: Outcomes as people spell them: which values stand for the event and for none, and what the study file names.
OUTCOMES: dict[str, tuple[tuple[str, ...], tuple[str, ...], Any]] = {
    "five_ways": (("yes", "Yes", "YES", " yes", "yes "), ("no",), "yes"),
    "booleans": (("True",), ("False",), True),
    "booleans_of_r": (("TRUE",), ("FALSE",), True),
    "letters": (("T",), ("F",), True),
    "one_two": (("1",), ("2",), 1),
    "two_one": (("2",), ("1",), 2),
    "floats": (("1.0",), ("0.0",), 1),
    "mixed_numbers": (("1.0", "1"), ("0",), 1),
    "minus_zero": (("1",), ("0", "-0"), 1),
    "number_named_as_text": (("1",), ("0",), "1"),
    "number_named_as_float": (("1",), ("0",), 1.0),
    "number_named_as_boolean": (("1",), ("0",), True),
    "list": (("1",), ("0",), ["1"]),
    "three_values": (("yes",), ("no", "none"), "yes"),
    "other_alphabet": (("yes", "\u0443es"), ("no",), "yes"),
    "invisible": (("yes", "yes\u200b"), ("no",), "yes"),
    "other_form": (("ye\u0301s",), ("no",), "y\u00e9s"),
    "nearly_one": (("0.9999999",), ("0",), 1),
    "exponents": (("1e0",), ("0e0",), 1),
    "leading_zeros": (("01",), ("00",), 1),
    "events_alone": (("yes",), ("",), "yes"),
}


def outcomes() -> Iterator[Case]:
    """The outcome's column, spelled otherwise."""
    for name, (events, others, named) in OUTCOMES.items():

        def change(folder: Path, events=events, others=others, named=named) -> None:
            table = pd.read_csv(folder / "clinical.csv", dtype=str, keep_default_na=False)
            spelt = [(events if v == "yes" else others) for v in table["recurrence"]]
            table["recurrence"] = [ways[i % len(ways)] for i, ways in enumerate(spelt)]
            table.to_csv(folder / "clinical.csv", index=False)
            write_yaml(folder / "study.yaml", merged(STUDY, {"clinical": {"event": named}}))

        yield Case("writing", f"outcome.{name}", "study", ANALYZE, change, "either")


ANSWERS: dict[str, Any] = {
    "list": {"clear": [1, 2]},
    "text": {"clear": "yes"},
    "number_items": {"clear": {1: {"answer": "page 1"}}},
    "bare_text": {"clear": {"1": "page 1"}},
    "unknown_item": {"clear": {"999": {"answer": "x"}}},
    "unknown_key": {"clear": {"1": {"anwser": "x"}}},
    "unknown_standard": {"cleer": {"1": {"answer": "x"}}},
    "boolean": {"clear": {"1": {"answer": True}}},
    "number": {"clear": {"1": {"answer": 5}}},
    "null": {"clear": {"1": {"answer": None}}},
    "nothing": {"clear": None},
    "empty": {"clear": {"1": {}}},
    "list_answer": {"clear": {"1": {"answer": ["a", "b"]}}},
    "page_text": {"clear": {"1": {"answer": "x", "page": "<b>"}}},
    "page_minus": {"clear": {"1": {"answer": "x", "page": -1}}},
    "page_huge": {"clear": {"1": {"answer": "x", "page": 10**30}}},
    "page_nan": {"clear": {"1": {"answer": "x", "page": float("nan")}}},
    "markup": {"clear": {"1": {"answer": "<script>alert(1)</script>", "comment": "{{ 7 * 7 }}"}}},
    "control": {"clear": {"1": {"answer": "a\x1b[31m\u202eb"}}},
    "long": {"clear": {"1": {"answer": "x" * 1_000_000}}},
    "date": {"clear": {"1": {"answer": pd.Timestamp("2024-01-01").date()}}},
}


def answers() -> Iterator[Case]:
    """What authors answer to a checklist."""
    for form in ("html", "docx", "tex"):
        command = ("checklist", "run", "--standard", "clear", "--answers", "answers.yaml", "--format", form)
        for name, content in ANSWERS.items():
            yield Case(
                "writing", f"answers.{form}.{name}", "runs", command,
                lambda folder, content=content: write_yaml(folder / "answers.yaml", content),
            )  # fmt: skip


def writing() -> Iterator[Case]:
    """All of them."""
    for each in (written_studies, names, ids, numbers, files, cohorts, outcomes, answers):
        yield from each()
