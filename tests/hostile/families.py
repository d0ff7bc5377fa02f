"""The hostile cases, generated: every place of a study file × values, every slot of a path × paths, and so on.

Which values a place is tried with is drawn by its name, so that the suite is the same every time.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import random
import shutil
import socket
import zipfile
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from templates import FEATURES, IMAGE_STUDY, PARAMETERS, SECTIONS, STUDY, merged, write_yaml
from verdicts import Case

ANALYZE = ("analyze", "study.yaml", "--out", "out", "--jobs", "1")
CHECK_IMAGES = ("extract", "study.yaml", "--out", "out", "--jobs", "1")
APPLY = ("apply", "run", "cohort.yaml", "--jobs", "1")


def drawn(name: str, things: list, count: int) -> list:
    """Some of these, the same for the same name."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return random.Random(seed).sample(things, min(count, len(things)))


def every_case() -> list[Case]:
    """All of them, names without doubles."""
    families = (
        settings, texts, paths, cells, whole_tables, same_tables, altered_folders, outputs, images, parameters, arguments,
    )  # fmt: skip
    cases = [case for family in families for case in family()]
    names = [case.id for case in cases]
    assert len(set(names)) == len(names), sorted(n for n in set(names) if names.count(n) > 1)
    return cases


# ---------------------------------------------------------------- settings: a value where another was

VALUES: dict[str, Any] = {
    "null": None,
    "empty_text": "",
    "text": "x",
    "escape": "\x1b[31mred\u202e",
    "long_text": "a" * 100_000,
    "minus_one": -1,
    "zero": 0,
    "huge": 10**12,
    "5000_digits": 10**4999,
    "half": 0.5,
    "nan": float("nan"),
    "infinite": float("inf"),
    "subnormal": 1e-320,
    "true": True,
    "empty_list": [],
    "lists": [[[]]],
    "empty_map": {},
    "map": {"a": {"b": None}},
    "long_list": list(range(30_000)),
    "texts": ["x", "x"],
}


def _places(content: Any, place: tuple = ()) -> Iterator[tuple]:
    if place:
        yield place
    entries = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in entries:
        yield from _places(value, (*place, key))


def _put(content: Any, place: tuple, value: Any) -> Any:
    content = deepcopy(content)
    there = content
    for key in place[:-1]:
        there = there[key]
    there[place[-1]] = value
    return content


def _study(content: Any) -> Callable[[Path], None]:
    return lambda folder: _dump(folder / "study.yaml", content)


def _dump(path: Path, content: Any) -> None:
    """YAML that keeps odd characters as escapes; numbers of 5,000 digits are more than Python prints by itself."""
    import sys

    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    finally:
        sys.set_int_max_str_digits(before)


def settings() -> Iterator[Case]:
    """Every place of the study file, of the sections it may have, and of the cohort file, with values of other kinds; keys that nothing reads."""
    names = list(VALUES)
    for place in _places(STUDY):
        at = ".".join(map(str, place))
        for name in drawn(at, names, 4):
            yield Case("settings", f"{at}={name}", "study", ANALYZE, _study(_put(STUDY, place, VALUES[name])))
    for section, changes in SECTIONS.items():
        study = merged(STUDY, changes)
        yield Case("settings", f"{section}=as_it_is", "study", ANALYZE, _study(study), "accepted")
        inside = [place for place in _places(changes) if len(place) > 1 or place[0] not in STUDY]
        for place in inside:
            at = f"{section}:" + ".".join(map(str, place))
            for name in drawn(at, names, 3):
                yield Case("settings", f"{at}={name}", "study", ANALYZE, _study(_put(study, place, VALUES[name])))
    for place in [
        (),
        ("clinical",),
        ("validation",),
        ("report",),
        ("performance",),
        ("models", 0),
        ("tissues", "disc"),
    ]:
        at = ".".join(map(str, place)) or "top"
        change = _study(_put(STUDY, (*place, "presett"), "a"))
        yield Case("settings", f"{at}.unknown_key", "study", ANALYZE, change, "refused")
    unread: dict[str, dict] = {
        "extraction_without_images": {"extraction": {"pyradiomics": {"presett": "a"}}},
        "preset_without_images": {"extraction": {"pyradiomics": {"preset": "none.yaml"}}},
        "extraction_of_no_source": {"extraction": {"nonsense": {"a": 1}}},
        "cohort_imaging": {"imaging": {"nonsense": 1}},
    }
    for name, changes in unread.items():
        yield Case("settings", f"unread.{name}", "study", ANALYZE, _study(merged(STUDY, changes)), "refused")
    cohort = {
        "name": "new",
        "clinical": {"table": "new_clinical.csv"},
        "tissues": {"disc": {"features": ["new_reader1.csv"]}},
        "recalibrate": {"share": 0.5},
    }
    for place in _places(cohort):
        at = "cohort:" + ".".join(map(str, place))
        for name in drawn(at, names, 4):
            value = VALUES[name]
            yield Case(
                "settings", f"{at}={name}", "run", APPLY,
                lambda folder, place=place, value=value: _dump(folder / "cohort.yaml", _put(cohort, place, value)),
            )  # fmt: skip


# ---------------------------------------------------------------- texts: what is no YAML, or too much of it


def _bomb(levels: int = 12) -> str:
    lines = ["b0: &b0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"b{i}: &b{i} [{', '.join([f'*b{i - 1}'] * 10)}]" for i in range(1, levels)]
    return "\n".join(lines) + "\n"


TEXTS: dict[str, bytes] = {
    "empty": b"",
    "comment": b"# nothing\n",
    "alias_bomb": _bomb().encode(),
    "map_bomb": ("a0: &a0 {x: 1, y: 2}\n" + "".join(
        f"a{i}: &a{i} {{p: *a{i - 1}, q: *a{i - 1}, r: *a{i - 1}}}\n" for i in range(1, 30)
    )).encode(),
    "self_list": b"a: &a [*a]\n",
    "self_map": b"&a\nb: *a\n",
    "merge_self": b"a: &a\n  <<: *a\n",
    "merge_text": b"a: {<<: text}\n",
    "unknown_alias": b"a: *nothing\n",
    "bad_int": b"seed: !!int hello\n",
    "bad_float": b"seed: !!float hello\n",
    "bad_bool": b"seed: !!bool hello\n",
    "bad_null": b"seed: !!null hello\n",
    "bad_binary": b"seed: !!binary '*'\n",
    "bad_timestamp": b"seed: !!timestamp hello\n",
    "bad_set": b"seed: !!set {a, b}\n",
    "bad_omap": b"seed: !!omap x\n",
    "bad_map": b"seed: !!map x\n",
    "python_object": b"seed: !!python/object/apply:os.system ['true']\n",
    "own_tag": b"seed: !mine {a: 1}\n",
    "5000_digits": b"seed: " + b"9" * 5000 + b"\n",
    "digits_in_sixties": b"seed: " + b":".join([b"59"] * 2000) + b"\n",
    "hex_digits": b"seed: 0x" + b"f" * 5000 + b"\n",
    "deep_lists": b"a: " + b"[" * 1500 + b"]" * 1500 + b"\n",
    "deep_maps": b"a: " + b"{b: " * 1500 + b"1" + b"}" * 1500 + b"\n",
    "deep_indent": b"".join(b" " * i + b"a:\n" for i in range(1200)),
    "lone_surrogate": b'title: "\\ud800"\n',
    "raw_surrogate": b"title: \xed\xa0\x80\n",
    "nul": b"title: a\x00b\n",
    "nul_escaped": b'title: "a\\0b"\n',
    "bell": b"title: a\x07b\n",
    "utf16": "title: a\n".encode("utf-16"),
    "utf16_without_mark": "title: a\n".encode("utf-16-le"),
    "latin1": "title: Jürgen\n".encode("latin-1"),
    "two_documents": b"title: a\n---\ntitle: b\n",
    "tabs": b"clinical:\n\ttable: a\n",
    "list": b"- a\n- b\n",
    "number": b"12\n",
    "null_key": b"null: 1\n~: 2\n",
    "list_key": b"? [a, b]\n: 1\n",
    "map_key": b"? {a: b}\n: 1\n",
    "number_keys": b"1: 2\n3.5: 4\ntrue: 5\n",
    "double_key": b"title: a\ntitle: b\n",
    "unclosed": b"title: 'a\nclinical: {\n",
    "long_key": b"k" * 200_000 + b": 1\n",
    "many_keys": b"".join(b"k%d: 1\n" % i for i in range(60_000)),
    "many_items": b"a: [" + b"1," * 500_000 + b"]\n",
    "long_line": b"title: " + b"x" * 12_000_000 + b"\n",
    "json": json.dumps({"title": "a", "clinical": None}).encode(),
    "gzip": gzip.compress(b"title: a\n"),
    "random": random.Random(4).randbytes(4096),
    "dates": b"title: 2024-01-01\nseed: 2024-01-01 10:00:00\n",
}  # fmt: skip


def texts() -> Iterator[Case]:
    """Texts that are no settings, wherever settings are read; and put before or into a study that is well."""
    slots = {
        "study": ("study", ANALYZE, "study.yaml"),
        "plan": ("study", ("plan", "study.yaml", "--out", "plan.json"), "study.yaml"),
        "cohort": ("run", APPLY, "cohort.yaml"),
        "answers": ("run", ("checklist", "run", "--standard", "clear", "--answers", "answers.yaml"), "answers.yaml"),
        "parameters": ("images", CHECK_IMAGES, "params.yaml"),
        "plan_file": ("study", (*ANALYZE, "--plan", "plan.json"), "plan.json"),
    }
    may_go_through = {"answers": {"empty", "comment"}, "parameters": set(TEXTS)}
    for slot, (template, command, file) in slots.items():
        for name, text in TEXTS.items():
            expects = "either" if name in may_go_through.get(slot, ()) else "refused"
            yield Case(
                "texts", f"{slot}.{name}", template, command,
                lambda folder, file=file, text=text: (folder / file).write_bytes(text) and None, expects,
                is_quick=name in ("alias_bomb", "self_map", "deep_lists"),
            )  # fmt: skip
    whole = yaml.safe_dump(STUDY, sort_keys=False).encode()
    for name, text in TEXTS.items():
        # a line that breaks YAML, or a key that no study has
        yield Case(
            "texts", f"above_a_study.{name}", "study", ANALYZE,
            lambda folder, text=text: (folder / "study.yaml").write_bytes(text + whole) and None,
            "either",
        )  # fmt: skip
    for name, text in TEXTS.items():
        value = text.decode("utf-8", "surrogateescape").split(": ", 1)[-1].strip()
        if not value or len(value) > 10_000:
            continue
        yield Case(
            "texts", f"option.{name}", "study", ("plugins", "check", "lasso", "--settings", f"lasso: {{folds: {value}}}".replace("\0", "")),
            lambda folder: None,
        )  # fmt: skip


# ---------------------------------------------------------------- paths


def _nothing(path: Path) -> None:
    pass


def _link(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def _socket(path: Path) -> None:
    here = os.getcwd()
    try:
        os.chdir(path.parent)  # a socket's name has 107 characters at most
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


def _loop(path: Path) -> None:
    path.symlink_to("loop_b" + path.suffix)
    (path.parent / ("loop_b" + path.suffix)).symlink_to(path.name)


def _big(path: Path) -> None:
    """3 TB without a block on the disk."""
    with path.open("wb") as file:
        file.truncate(3 * 2**40)


#: Path by name: what is written in its place, and what is done there.
PATHS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "300_characters": ("a" * 300 + "{end}", _nothing),
    "5000_characters": ("/".join(["b" * 99] * 50) + "{end}", _nothing),
    "missing": ("missing{end}", _nothing),
    "loop": ("loop{end}", _loop),
    "broken_link": ("broken{end}", _link("nowhere")),
    "link_to_itself": ("self{end}", lambda path: path.symlink_to(path.name)),
    "nul": ("a\0b{end}", _nothing),
    "random_device": ("/dev/urandom", _nothing),
    "zero_device": ("/dev/zero", _nothing),
    "null_device": ("/dev/null", _nothing),
    "link_to_device": ("device{end}", _link("/dev/zero")),
    "fifo": ("fifo{end}", os.mkfifo),
    "socket": ("socket{end}", _socket),
    "folder": ("folder{end}", Path.mkdir),
    "empty_file": ("empty{end}", Path.touch),
    "huge_sparse": ("sparse{end}", _big),
    "inside_a_file": ("study.yaml/x{end}", _nothing),
    "newline": ("a\nb{end}", _nothing),
    "escape": ("a\x1b[31mb{end}", _nothing),
    "blank": ("", _nothing),
    "dots": ("..", _nothing),
    "process": ("/proc/self/mem", _nothing),
    "tilde": ("~nobody/x{end}", _nothing),
}


def _slots() -> dict[str, tuple[str, str, Callable[[Path, str], None], Callable[[str], tuple[str, ...]]]]:
    """Where a path may stand: its ending, the template, what writes it down, and the command."""

    def in_study(*place: Any, study: dict = STUDY) -> Callable[[Path, str], None]:
        return lambda folder, path: _dump(folder / "study.yaml", _put(study, place, path))

    def in_table(file: str, row: int, column: str) -> Callable[[Path, str], None]:
        def write(folder: Path, path: str) -> None:
            table = pd.read_csv(folder / file, dtype=str)
            table.loc[row, column] = path
            table.to_csv(folder / file, index=False)

        return write

    def in_cohort(*place: Any) -> Callable[[Path, str], None]:
        def write(folder: Path, path: str) -> None:
            content = yaml.safe_load((folder / "cohort.yaml").read_text())
            _dump(folder / "cohort.yaml", _put(content, place, path))

        return write

    def nowhere(folder: Path, path: str) -> None:
        pass

    def fixed(*arguments: str) -> Callable[[str], tuple[str, ...]]:
        return lambda path: arguments

    return {
        "study": (".yaml", "study", nowhere, lambda p: ("analyze", p, "--out", "out", "--jobs", "1")),
        "study_of_plan": (".yaml", "study", nowhere, lambda p: ("plan", p, "--out", "plan.json")),
        "study_of_extract": (".yaml", "study", nowhere, lambda p: ("extract", p, "--check", "--jobs", "1")),
        "plan": (".json", "study", nowhere, lambda p: (*ANALYZE, "--plan", p)),
        "clinical": (".csv", "study", in_study("clinical", "table"), fixed(*ANALYZE)),
        "clinical_xlsx": (".xlsx", "study", in_study("clinical", "table"), fixed(*ANALYZE)),
        "features": (".csv", "study", in_study("tissues", "disc", "features", 0), fixed(*ANALYZE)),
        "features_parquet": (".parquet", "study", in_study("tissues", "disc", "features", 1), fixed(*ANALYZE)),
        "features_gz": (".csv.gz", "study", in_study("tissues", "disc", "features", 1), fixed(*ANALYZE)),
        "init": (".csv", "study", nowhere, lambda p: ("init", "new", "--from", p)),
        "report": ("", "run", nowhere, lambda p: ("report", p, "--jobs", "1")),
        "apply_run": ("", "run", nowhere, lambda p: ("apply", p, "cohort.yaml", "--jobs", "1")),
        "cohort": (".yaml", "run", nowhere, lambda p: ("apply", "run", p, "--jobs", "1")),
        "cohort_table": (".csv", "run", in_cohort("clinical", "table"), fixed(*APPLY)),
        "cohort_features": (".csv", "run", in_cohort("tissues", "disc", "features", 0), fixed(*APPLY)),
        "compare": ("", "run", nowhere, lambda p: ("compare", "run", p)),
        "checklist": ("", "run", nowhere, lambda p: ("checklist", p, "--standard", "clear")),
        "answers": (".yaml", "run", nowhere, lambda p: ("checklist", "run", "--standard", "clear", "--answers", p)),
        "cases_table": (".csv", "images", in_study("tissues", "disc", "images", study=IMAGE_STUDY), fixed(*CHECK_IMAGES)),
        "preset": (
            ".yaml", "images", in_study("extraction", "pyradiomics", "preset", study=IMAGE_STUDY), fixed(*CHECK_IMAGES),
        ),
        "image": (".nii.gz", "images", in_table("disc.csv", 1, "image"), fixed(*CHECK_IMAGES)),
        "image_nrrd": (".nrrd", "images", in_table("disc.csv", 1, "image"), fixed(*CHECK_IMAGES)),
        "image_dicom": (".dcm", "images", in_table("disc.csv", 2, "image"), fixed(*CHECK_IMAGES)),
        "mask": (".nii", "images", in_table("disc.csv", 2, "mask"), fixed(*CHECK_IMAGES)),
    }  # fmt: skip


def paths() -> Iterator[Case]:
    """Every slot of a path × paths that are none, or no file."""
    for slot, (end, template, write, command) in _slots().items():
        for name, (text, make) in PATHS.items():
            path = text.replace("{end}", end)
            arguments = command(path)
            if any("\0" in argument for argument in arguments):
                continue  # no program is given one
            whole = {"image", "image_nrrd", "image_dicom", "mask"}  # a case that cannot be read is put aside, told

            def change(folder: Path, write=write, path=path, make=make) -> None:
                if path and not path.startswith("/") and path != ".." and make is not _nothing:
                    make(folder / path)
                write(folder, path)

            yield Case("paths", f"{slot}.{name}", template, arguments, change, "either" if slot in whole else "refused")


# ---------------------------------------------------------------- cells

CELLS: dict[str, str] = {
    "text": "abc",
    "blank": "",
    "nan": "NaN",
    "question": "?",
    "infinite": "inf",
    "minus_infinite": "-Infinity",
    "huge": "1e400",
    "large": "1e308",
    "subnormal": "1e-320",
    "hex": "0x1F",
    "comma": "1,5",
    "underscore": "1_000",
    "fullwidth": "５５",
    "arabic": "٥٥",
    "unit": "55 years",
    "percent": "5%",
    "date": "2024-01-01",
    "boolean": "True",
    "quote": 'a"b',
    "newline": "a\nb",
    "escape": "\x1b[2J\x1b[31mred",
    "bidi": "abc\u202edef",
    "zero_width": "a\u200bb",
    "long": "z" * 1_000_000,
    "formula": "=1+1",
    "script": "<script>alert(1)</script>",
    "template": "{{ 7 * 7 }}",
    "two": "2",
    "minus": "-1",
    "5000_digits": "9" * 5000,
}

#: Cells that a column takes, and those that it must not take without a word.
NUMBERS = {"large", "subnormal", "two", "minus"}


def cells() -> Iterator[Case]:
    """One cell of each kind of column, in each kind of table."""
    columns = {
        "id": ("clinical", "patient_id", False),
        "outcome": ("clinical", "recurrence", False),
        "age": ("clinical", "age", True),
        "sex": ("clinical", "sex", None),
        "grade": ("clinical", "grade", False),
        "hospital": ("clinical", "hospital", None),
        "marker": ("clinical", "marker", True),
        "feature": ("reader1", FEATURES[2], True),
        "feature_id": ("reader2", "patient_id", False),
    }
    for column, (table, name, is_number) in columns.items():
        for kind, text in CELLS.items():
            expects = "either"
            if is_number and kind not in NUMBERS | {"blank", "nan", "question", "underscore", "fullwidth", "arabic"}:
                expects = "refused"  # a number that is none
            if is_number is False and kind not in ("blank", "nan", "question", "formula"):
                expects = "refused"  # an id, an outcome or a level that the others do not have
            if column == "id" and kind in ("blank",):
                expects = "refused"

            def change(folder: Path, table=table, name=name, text=text) -> None:
                found = pd.read_csv(folder / f"{table}.csv", dtype=str)
                found.loc[7, name] = text
                found.to_csv(folder / f"{table}.csv", index=False)

            is_drawn = is_number is None or kind in ("large", "subnormal")  # odd labels and scales
            yield Case("cells", f"{column}.{kind}", "study", ANALYZE, change, expects, is_drawn=is_drawn)


def _whole_column(table: str, column: str, how: Callable[[pd.Series], Any]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / f"{table}.csv"
        found = pd.read_csv(path, dtype=str)
        found[column] = how(found[column])
        found.to_csv(path, index=False)

    return change


def _times(factor: float) -> Callable[[pd.Series], Any]:
    return lambda column: [repr(float(v) * factor) for v in column]


# ---------------------------------------------------------------- whole tables


def _bytes(file: str, how: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda folder: (folder / file).write_bytes(how((folder / file).read_bytes())) and None


def _instead(table: str, name: str, content: Callable[[Path], None]) -> Callable[[Path], None]:
    """Another file in place of a table."""

    def change(folder: Path) -> None:
        content(folder / name)
        study = deepcopy(STUDY)
        if table == "clinical":
            study["clinical"]["table"] = name
        else:
            study["tissues"]["disc"]["features"][0] = name
        write_yaml(folder / "study.yaml", study)

    return change


def _newlines(path: Path) -> None:
    with gzip.open(path, "wb", compresslevel=9) as file:
        for _ in range(1000):
            file.write(b"\n" * 2**20)


def _workbook(rows: int, cells: int = 1) -> Callable[[Path], None]:
    """A workbook whose one sheet has this many rows, of one text each; the dimension that it states is a lie."""

    def write(path: Path) -> None:
        head = (
            '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
            '<dimension ref="A1:B2"/><sheetData>'
        )
        parts = {
            "[Content_Types].xml": '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
            '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>',
            "_rels/.rels": '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/_rels/workbook.xml.rels": '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
            "xl/workbook.xml": '<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
            'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="Data" sheetId="1" r:id="rId1"/></sheets></workbook>',
        }
        row = "<row>" + '<c t="inlineStr"><is><t>a</t></is></c>' * cells + "</row>"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in parts.items():
                archive.writestr(name, text)
            with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
                sheet.write(head.encode())
                block = (row * 1000).encode()
                for _ in range(max(1, rows // 1000)):
                    sheet.write(block)
                sheet.write(b"</sheetData></worksheet>")

    return write


def _parquet(how: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        table = pd.read_csv(path.parent / "reader1.csv")
        buffer = io.BytesIO()
        table.to_parquet(buffer, index=False)
        path.write_bytes(how(buffer.getvalue()))

    return write


def whole_tables() -> Iterator[Case]:
    """Tables that are no tables, or too large, or wrong as a whole."""
    ways: dict[str, Callable[[bytes], bytes]] = {
        "empty": lambda b: b"",
        "header_only": lambda b: b.split(b"\n")[0] + b"\n",
        "one_row": lambda b: b"\n".join(b.split(b"\n")[:2]) + b"\n",
        "no_header": lambda b: b.split(b"\n", 1)[1],
        "double_header": lambda b: b.replace(b"\n", b"\n" + b.split(b"\n")[0] + b"\n", 1),
        "double_column": lambda b: b"\n".join(x + b"," + x.rsplit(b",", 1)[-1] for x in b.split(b"\n") if x),
        "double_row": lambda b: b + b.split(b"\n")[3] + b"\n",
        "ragged_long": lambda b: b.replace(b"\n", b",1,2\n", 5),
        "ragged_short": lambda b: b[: len(b) // 2],
        "unbalanced_quote": lambda b: b.replace(b",", b',"', 20),
        "quote_over_all": lambda b: b.replace(b"\n", b'\n"', 2),
        "nul_early": lambda b: b[:200] + b"\x00" + b[200:],
        "nul_late": lambda b: b + b"\n" * 70_000 + b"x\x00y\n",
        "latin1": lambda b: b.replace(b"P07", "Pé7".encode("latin-1")),
        "utf16": lambda b: b.decode().encode("utf-16"),
        "utf16_without_mark": lambda b: b.decode().encode("utf-16-le"),
        "semicolons": lambda b: b.replace(b",", b";"),
        "tabs": lambda b: b.replace(b",", b"\t"),
        "binary": lambda b: random.Random(1).randbytes(5000),
        "gzip_named_csv": gzip.compress,
        "html": lambda b: b"<html><body>404</body></html>",
        "json": lambda b: b'{"a": [1, 2]}',
        "excel_named_csv": lambda b: b"PK\x03\x04" + b,
        "long_header": lambda b: b"h" * 1_000_000 + b"," + b,
        "surrogate": lambda b: b.replace(b"P07", b"\xed\xa0\x80"),
        "title_row": lambda b: b"Table of patients\n" + b,
        "wide": lambda b: b"\n".join(x + b",1" * 30_000 for x in b.split(b"\n") if x),
        "escape_in_header": lambda b: b.replace(b",", b",\x1b[31m", 1),
    }
    for table in ("clinical", "reader1"):
        for name, how in ways.items():
            is_told = name not in (
                "wide",
                "double_column",
                "title_row",
                "quote_over_all",
                "one_row",
                "utf16",
                "unbalanced_quote",
            )
            yield Case(
                "tables", f"{table}.{name}", "study", ANALYZE, _bytes(f"{table}.csv", how), "refused" if is_told else "either"
            )  # fmt: skip
    files: dict[str, tuple[str, Callable[[Path], None]]] = {
        "gzip_of_newlines": ("bomb.csv.gz", _newlines),
        "gzip_cut": ("cut.csv.gz", lambda p: p.write_bytes(gzip.compress(b"a,b\n" * 9999)[:60]) and None),
        "gzip_of_nothing": ("nothing.csv.gz", lambda p: p.write_bytes(gzip.compress(b"")) and None),
        "workbook_of_4_million_rows": ("rows.xlsx", _workbook(4_000_000)),
        "workbook_of_cells": ("cells.xlsx", _workbook(1000, 2000)),
        "workbook_not_zip": ("no.xlsx", lambda p: p.write_bytes(b"PK\x03\x04 no") and None),
        "workbook_old": ("old.xls", lambda p: p.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 5000) and None),
        "workbook_protected": ("locked.xlsx", lambda p: p.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 5000) and None),
        "workbook_of_csv": ("csv.xlsx", lambda p: shutil.copy(p.parent / "reader1.csv", p) and None),
        "zip": ("table.zip", lambda p: zipfile.ZipFile(p, "w").close()),
        "parquet_cut": ("cut.parquet", _parquet(lambda b: b[: len(b) // 2])),
        "parquet_flipped": ("flip.parquet", _parquet(lambda b: b[:60] + bytes(255 - x for x in b[60:200]) + b[200:])),
        "parquet_footer": ("foot.parquet", _parquet(lambda b: b[:-300] + bytes(200) + b[-100:])),
        "parquet_of_csv": ("csv.parquet", lambda p: shutil.copy(p.parent / "reader1.csv", p) and None),
        "parquet_empty": ("empty.parquet", lambda p: pd.DataFrame().to_parquet(p)),
        "parquet_nested": (
            "nested.parquet",
            lambda p: pd.DataFrame({"patient_id": ["P00"], "x": [[1, 2]]}).to_parquet(p, index=False),
        ),
        "unknown_ending": ("table.sas7bdat", lambda p: p.write_bytes(b"x" * 100) and None),
    }  # fmt: skip
    for table in ("clinical", "reader1"):
        for name, (file, content) in files.items():
            yield Case("tables", f"{table}.{name}", "study", ANALYZE, _instead(table, file, content), "refused")
    columns: dict[str, tuple[Callable[[pd.Series], Any], str]] = {
        "times_1e-310": (_times(1e-310), "either"),
        "times_1e300": (_times(1e300), "either"),
        "times_1e308": (_times(1e308), "either"),
        "constant": (lambda c: ["1.5"] * len(c), "either"),
        "nearly_constant": (lambda c: ["1.5"] * (len(c) - 1) + ["1.5000000000000002"], "either"),
        "all_blank": (lambda c: [""] * len(c), "either"),
        "all_text": (lambda c: ["abc"] * len(c), "refused"),
        "integers_beyond_53_bits": (lambda c: [str(2**60 + i) for i in range(len(c))], "either"),
        "two_values": (lambda c: ["0", "1"] * (len(c) // 2), "either"),
        "outcome_itself": (lambda c: [str(int(i % 5 < 2)) for i in range(len(c))], "either"),
    }
    for at, (table, column) in {"feature": ("reader1", FEATURES[0]), "age": ("clinical", "age")}.items():
        for name, (how, expects) in columns.items():
            yield Case("tables", f"column_{at}.{name}", "study", ANALYZE, _whole_column(table, column, how), expects)
    outcomes: dict[str, Callable[[pd.Series], Any]] = {
        "one_class": lambda c: ["yes"] * len(c),
        "no_event": lambda c: ["no"] * len(c),
        "one_event": lambda c: ["yes"] + ["no"] * (len(c) - 1),
        "three_classes": lambda c: ["yes", "no", "maybe"] * (len(c) // 3),
        "all_blank": lambda c: [""] * len(c),
        "other_words": lambda c: ["ja" if v == "yes" else "nein" for v in c],
        "blanks": lambda c: ["", *c[1:]],
        "case": lambda c: ["Yes", *c[1:]],
    }
    for name, how in outcomes.items():
        yield Case(
            "tables", f"outcome.{name}", "study", ANALYZE, _whole_column("clinical", "recurrence", how), "refused"
        )
    for sign in "=+-@":
        change = _whole_column("clinical", "patient_id", lambda c: c)

        def formulas(folder: Path, sign=sign) -> None:
            for name in ("clinical", "reader1", "reader2"):
                found = pd.read_csv(folder / f"{name}.csv", dtype=str)
                found["patient_id"] = sign + found["patient_id"]
                found.to_csv(folder / f"{name}.csv", index=False)

        yield Case("tables", f"ids_begin_with_{ord(sign)}", "study", ANALYZE, formulas, "accepted")
        del change


def same_tables() -> Iterator[Case]:
    """Other ways to write the same tables: the same numbers."""
    files = ("clinical.csv", "reader1.csv", "reader2.csv")

    def all_of(how: Callable[[bytes], bytes]) -> Callable[[Path], None]:
        def change(folder: Path) -> None:
            for file in files:
                _bytes(file, how)(folder)

        return change

    def frames(how: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
        def change(folder: Path) -> None:
            for file in files:
                how(pd.read_csv(folder / file, dtype=str)).to_csv(folder / file, index=False)

        return change

    ways: dict[str, Callable[[Path], None]] = {
        "as_it_is": lambda folder: None,
        "windows_lines": all_of(lambda b: b.replace(b"\n", b"\r\n")),
        "byte_order_mark": all_of(lambda b: b"\xef\xbb\xbf" + b),
        "no_last_newline": all_of(lambda b: b.rstrip(b"\n")),
        "empty_last_lines": all_of(lambda b: b + b"\n\n\n"),
        "quoted": all_of(lambda b: b"\n".join(b'"' + x.replace(b",", b'","') + b'"' for x in b.split(b"\n") if x) + b"\n"),
        "rows_reversed": frames(lambda t: t.iloc[::-1]),
        "rows_shuffled": frames(lambda t: t.sample(frac=1, random_state=3)),
        "columns_reversed": frames(lambda t: t[t.columns[::-1]]),
        "another_column": lambda folder: _bytes("clinical.csv", lambda b: b.replace(b"\n", b",note\n", 1).replace(b"\nP", b",x\nP").rstrip(b"\n") + b",x\n")(folder),
        "study_as_json": lambda folder: (folder / "study.yaml").write_text(json.dumps(STUDY)) and None,
        "study_with_aliases": lambda folder: (folder / "study.yaml").write_text(
            yaml.safe_dump(STUDY, sort_keys=False).replace("- reader1.csv", "- &first reader1.csv").replace(
                "seed: 3", "seed: !!int 3"
            )
        ) and None,
        "parquet": lambda folder: (
            pd.read_csv(folder / "reader1.csv").to_parquet(folder / "reader1.parquet", index=False),
            write_yaml(folder / "study.yaml", _put(STUDY, ("tissues", "disc", "features", 0), "reader1.parquet")),
        ) and None,
        "gzipped": lambda folder: (
            (folder / "reader2.csv.gz").write_bytes(gzip.compress((folder / "reader2.csv").read_bytes())),
            write_yaml(folder / "study.yaml", _put(STUDY, ("tissues", "disc", "features", 1), "reader2.csv.gz")),
        ) and None,
        "workbook": lambda folder: (
            pd.read_csv(folder / "clinical.csv", dtype=str).to_excel(folder / "clinical.xlsx", index=False),
            write_yaml(folder / "study.yaml", _put(STUDY, ("clinical", "table"), "clinical.xlsx")),
        ) and None,
        "linked": lambda folder: (
            (folder / "reader1.csv").rename(folder / "real.csv"), (folder / "reader1.csv").symlink_to("real.csv")
        ) and None,
    }  # fmt: skip
    for name, change in ways.items():
        is_first = name == "as_it_is"
        yield Case("same", name, "study", ANALYZE, change, "same", is_quick=is_first, is_drawn=is_first)


# ---------------------------------------------------------------- folders that were altered


def _json_places(content: Any, place: tuple = ()) -> Iterator[tuple]:
    """Places of a JSON file: every key, and the first entry of a list."""
    if place:
        yield place
    if isinstance(content, dict):
        for key, value in list(content.items())[:30]:
            yield from _json_places(value, (*place, key))
    elif isinstance(content, list) and content:
        yield from _json_places(content[0], (*place, 0))


EDITS: dict[str, Callable[[Any], Any]] = {
    "null": lambda v: None,
    "text": lambda v: "<script>alert(1)</script>",
    "minus": lambda v: -1,
    "huge": lambda v: 10**400,
    "list": lambda v: [],
    "map": lambda v: {},
    "wrapped": lambda v: [v],
}


def altered_folders() -> Iterator[Case]:
    """Edits of a finished run's files, and the commands that read them.

    Which places there are is asked of the run when the case is arranged: a case is a draw from them.
    """
    commands = {
        "results.json": [
            ("report", "run", "--jobs", "1"),
            ("checklist", "run", "--standard", "clear"),
            ("checklist", "run", "--standard", "tripod-ai", "--format", "json"),
            ("compare", "run", "other"),
            APPLY,
        ],
        "model.json": [APPLY, (*APPLY, "--accept-edited"), ("report", "run", "--jobs", "1")],
        "provenance.json": [APPLY, ("report", "run", "--jobs", "1"), ("compare", "run", "other")],
    }
    for file, ways in commands.items():
        for i in range(45):
            name = f"{file}.{i}"
            edit = drawn(name, [*EDITS, "removed"], 1)[0]

            def change(folder: Path, file=file, name=name, edit=edit) -> None:
                path = folder / "run" / file
                content = json.loads(path.read_text())
                place = drawn(name, list(_json_places(content)), 1)[0]
                there = content
                for key in place[:-1]:
                    there = there[key]
                if edit == "removed":
                    del there[place[-1]]
                else:
                    there[place[-1]] = EDITS[edit](there[place[-1]])
                path.write_text(json.dumps(content))

            yield Case("folders", f"{name}.{edit}", "runs", ways[i % len(ways)], change)
        texts = {
            "empty": b"",
            "cut": None,
            "binary": b"\x00\xff" * 50,
            "list": b"[]",
            "number": b"1",
            "nothing": b"null",
            "nested": b"[" * 100_000,
            "digits": b'{"schema": ' + b"9" * 5000 + b"}",
            "other_version": b'{"schema": "prldh-results/99"}',
            "surrogate": b'{"schema": "\\ud800"}',
            "utf16": '{"schema": "a"}'.encode("utf-16"),
            "nan": b'{"schema": NaN}',
        }
        for text_name, text in texts.items():
            for i, command in enumerate(ways):
                whole = (
                    lambda folder, file=file, text=text: (  # noqa: E731
                        _bytes(f"run/{file}", lambda b: b[: len(b) // 2] if text is None else text)(folder)
                    )
                )
                yield Case("folders", f"{file}.{text_name}.{i}", "runs", command, whole)
        for i, command in enumerate(ways):
            yield Case(
                "folders", f"{file}.missing.{i}", "runs", command,
                lambda folder, file=file: (folder / "run" / file).unlink(),
            )  # fmt: skip
    for file in ("predictions.csv", "tables", "figures", "report.html"):
        for i, command in enumerate(
            [("report", "run", "--jobs", "1"), ("checklist", "run", "--standard", "metrics"), APPLY]
        ):

            def remove(folder: Path, file=file) -> None:
                path = folder / "run" / file
                shutil.rmtree(path) if path.is_dir() else path.unlink()

            def damage(folder: Path, file=file) -> None:
                path = folder / "run" / file
                for each in [path, *path.rglob("*")]:
                    if each.is_file():
                        each.write_bytes(b"\x00<script>alert(1)</script>")

            yield Case("folders", f"{file}.missing.{i}", "runs", command, remove)
            yield Case("folders", f"{file}.damaged.{i}", "runs", command, damage)


# ---------------------------------------------------------------- outputs


def outputs() -> Iterator[Case]:
    """What a command would write over."""
    commands: dict[str, tuple[str, Callable[[str], tuple[str, ...]]]] = {
        "analyze": ("study", lambda out: ("analyze", "study.yaml", "--out", out, "--jobs", "1")),
        "plan": ("study", lambda out: ("plan", "study.yaml", "--out", out)),
        "extract": ("images", lambda out: ("extract", "study.yaml", "--out", out, "--jobs", "1")),
        "checklist": ("runs", lambda out: ("checklist", "run", "--standard", "clear", "--out", out)),
        "checklist_docx": ("runs", lambda out: ("checklist", "run", "--standard", "clear", "--format", "docx", "--out", out)),
        "compare": ("runs", lambda out: ("compare", "run", "other", "--out", out)),
        "init": ("study", lambda out: ("init", out)),
        "demo_data": ("study", lambda out: ("demo", "--data-only", out)),
        "plugin": ("study", lambda out: ("plugins", "new", "prldh-mine", "--in", out)),
    }  # fmt: skip

    def file(path: Path) -> None:
        path.write_text("somebody's\n")

    def full(path: Path) -> None:
        path.mkdir()
        (path / "thesis.txt").write_text("somebody's\n")

    hazards: dict[str, tuple[str, Callable[[Path], None]]] = {
        "a_file": ("taken.html", file),
        "the_study": ("study.yaml", _nothing),
        "a_table": ("clinical.csv", _nothing),
        "a_result": ("run/results.json", _nothing),
        "a_model": ("run/model.json", _nothing),
        "full_device": ("/dev/full", _nothing),
        "null_device": ("/dev/null", _nothing),
        "fifo": ("fifo", os.mkfifo),
        "a_folder_of_others": ("theirs", full),
        "broken_link": ("broken", _link("nowhere/at/all")),
        "loop": ("loop", _loop),
        "300_characters": ("o" * 300, _nothing),
        "inside_a_file": ("study.yaml/out", _nothing),
        "inside_a_device": ("/dev/null/out", _nothing),
        "the_parent": ("..", _nothing),
        "here": (".", _nothing),
        "blank": ("", _nothing),
    }
    for command, (template, arguments) in commands.items():
        for name, (out, make) in hazards.items():
            is_folder = command in ("init", "demo_data", "plugin", "analyze", "extract")
            if is_folder and name in ("a_folder_of_others", "the_parent", "here") and command != "analyze":
                continue  # a folder that may hold more
            if template == "study" and out.startswith("run/"):
                continue
            # a link to nowhere, and a folder beside what is there, may be written
            expects = (
                "either" if name in ("broken_link", "300_characters", "the_parent", "here", "blank") else "refused"
            )

            def change(folder: Path, out=out, make=make) -> None:
                if make is not _nothing:
                    make(folder / out)

            yield Case("outputs", f"{command}.{name}", template, arguments(out), change, expects)


# ---------------------------------------------------------------- images


def _nifti(file: str, place: int, content: bytes) -> Callable[[Path], None]:
    """Bytes of the header of a compressed NIfTI file."""

    def change(folder: Path) -> None:
        raw = bytearray(gzip.decompress((folder / file).read_bytes()))
        raw[place : place + len(content)] = content
        (folder / file).write_bytes(gzip.compress(bytes(raw)))

    return change


def images() -> Iterator[Case]:
    """Headers and voxels that are damaged, in an image and in a mask."""
    import struct

    short = lambda *v: struct.pack(f"<{len(v)}h", *v)  # noqa: E731
    real = lambda *v: struct.pack(f"<{len(v)}f", *v)  # noqa: E731
    headers: dict[str, tuple[int, bytes]] = {
        "size_of_header": (0, struct.pack("<i", 999)),
        "huge_dims": (40, short(3, 32767, 32767, 32767)),
        "negative_dims": (40, short(3, -1, -5, 6)),
        "zero_dims": (40, short(3, 0, 10, 6)),
        "no_dims": (40, short(0)),
        "many_dims": (40, short(30000)),
        "five_dims": (40, short(5, 12, 10, 6, 2, 2)),
        "unknown_type": (70, short(7777)),
        "colour": (70, short(128, 24)),
        "complex": (70, short(32, 64)),
        "bits": (72, short(3)),
        "zero_spacing": (76, real(1, 0, 0, 0)),
        "negative_spacing": (76, real(1, -1, 1, 1)),
        "nan_spacing": (76, real(1, float("nan"), 1, 1)),
        "infinite_spacing": (76, real(1, float("inf"), 1, 1)),
        "tiny_spacing": (76, real(1, 1e-30, 1, 1)),
        "offset_beyond": (108, real(1e9)),
        "offset_negative": (108, real(-1)),
        "offset_nan": (108, real(float("nan"))),
        "slope_nan": (112, real(float("nan"), float("nan"))),
        "slope_infinite": (112, real(float("inf"), 0)),
        "slope_huge": (112, real(1e38, 0)),
        "affine_nan": (252, short(0, 1) + real(*[float("nan")] * 6) + real(*[float("nan")] * 12)),
        "affine_zero": (252, short(0, 1) + real(*[0.0] * 6) + real(*[0.0] * 12)),
        "magic": (344, b"xxxx"),
        "units": (123, b"\xff"),
    }
    for kind in ("image", "mask"):
        for name, (place, content) in headers.items():
            change = _nifti(f"{kind}2.nii.gz", place, content)
            yield Case("images", f"{kind}.{name}", "images", CHECK_IMAGES, change)
        ways: dict[str, Callable[[bytes], bytes]] = {
            "empty": lambda b: b"",
            "cut": lambda b: b[: len(b) // 2],
            "cut_header": lambda b: gzip.compress(gzip.decompress(b)[:200]),
            "cut_voxels": lambda b: gzip.compress(gzip.decompress(b)[:-100]),
            "not_gzip": lambda b: gzip.decompress(b),
            "random": lambda b: random.Random(2).randbytes(3000),
            "text": lambda b: b"not an image",
            "gzip_bomb": lambda b: gzip.compress(gzip.decompress(b) + bytes(300_000_000), 9),
            "csv": lambda b: b"a,b\n1,2\n",
            "flipped": lambda b: b[:100] + bytes(255 - x for x in b[100:110]) + b[110:],
        }
        for name, how in ways.items():
            yield Case("images", f"{kind}.{name}", "images", CHECK_IMAGES, _bytes(f"{kind}2.nii.gz", how))
    for name, value in {"nan": float("nan"), "infinite": float("inf"), "huge": 3e38}.items():

        def voxels(folder: Path, value=value) -> None:
            import SimpleITK as sitk

            image = sitk.ReadImage(str(folder / "image2.nii.gz"))
            array = sitk.GetArrayFromImage(image).astype("float32")
            array[2, 3, 4] = value
            found = sitk.GetImageFromArray(array)
            found.CopyInformation(image)
            sitk.WriteImage(found, str(folder / "image2.nii.gz"))

        yield Case("images", f"voxels.{name}", "images", CHECK_IMAGES, voxels)
    rows: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
        "no_mask_column": lambda t: t.drop(columns="mask"),
        "double_patient": lambda t: pd.concat([t, t.iloc[:1]]),
        "unknown_patient": lambda t: t.assign(patient_id=["X", *t["patient_id"][1:]]),
        "blank_image": lambda t: t.assign(image=["", *t["image"][1:]]),
        "label_text": lambda t: t.assign(label=["a", *["1"] * (len(t) - 1)]),
        "label_missing": lambda t: t.assign(label="9"),
        "label_half": lambda t: t.assign(label="1.5"),
        "label_huge": lambda t: t.assign(label="1e30"),
        "segment_of_nifti": lambda t: t.assign(segment="disc"),
        "image_as_mask": lambda t: t.assign(mask=t["image"]),
        "mask_as_image": lambda t: t.assign(image=t["mask"]),
        "one_image_for_all": lambda t: t.assign(image=t["image"][0]),
        "no_rows": lambda t: t.iloc[:0],
    }
    for name, how in rows.items():

        def change_rows(folder: Path, how=how) -> None:
            how(pd.read_csv(folder / "disc.csv", dtype=str)).to_csv(folder / "disc.csv", index=False)

        yield Case("images", f"rows.{name}", "images", CHECK_IMAGES, change_rows)


def parameters() -> Iterator[Case]:
    """Every place of a PyRadiomics parameter file with values of other kinds."""
    base = PARAMETERS | {"setting": {"binWidth": 25, "resampledPixelSpacing": [1, 1, 1], "label": 1, "normalize": True}}
    for place in _places(base):
        at = ".".join(map(str, place))
        for name in drawn(f"parameters:{at}", list(VALUES), 5):
            value = VALUES[name]
            yield Case(
                "parameters", f"{at}={name}", "images", CHECK_IMAGES,
                lambda folder, place=place, value=value: _dump(folder / "params.yaml", _put(base, place, value)),
            )  # fmt: skip


# ---------------------------------------------------------------- arguments


def arguments() -> Iterator[Case]:
    """Options and names given wrongly."""
    lines: dict[str, tuple[str, tuple[str, ...]]] = {
        "jobs_0": ("study", (*ANALYZE[:-1], "0")),
        "jobs_minus": ("study", (*ANALYZE[:-1], "-1")),
        "jobs_huge": ("study", (*ANALYZE[:-1], str(10**12))),
        "jobs_text": ("study", (*ANALYZE[:-1], "many")),
        "seed_minus": ("study", (*ANALYZE, "--seed", "-1")),
        "seed_huge": ("study", (*ANALYZE, "--seed", "9" * 5000)),
        "seed_beyond": ("study", (*ANALYZE, "--seed", str(2**70))),
        "engine": ("study", (*ANALYZE, "--engine", "julia")),
        "no_out": ("study", ("analyze", "study.yaml")),
        "no_study": ("study", ("analyze",)),
        "twice": ("study", ("analyze", "study.yaml", "study.yaml", "--out", "out")),
        "unknown_option": ("study", (*ANALYZE, "--fast")),
        "unknown_command": ("study", ("analyse", "study.yaml")),
        "dask_text": ("study", (*ANALYZE, "--dask", "nonsense")),
        "dask_nobody": ("study", (*ANALYZE, "--dask", "tcp://127.0.0.1:9")),
        "verify_huge": ("images", (*CHECK_IMAGES, "--verify", str(10**12))),
        "dpi_0": ("runs", ("report", "run", "--dpi", "0")),
        "dpi_huge": ("runs", ("report", "run", "--dpi", "100000")),
        "format": ("runs", ("report", "run", "--figures", "gif")),
        "standard": ("runs", ("checklist", "run", "--standard", "nonsense")),
        "standard_escape": ("runs", ("checklist", "run", "--standard", "\x1b[31m")),
        "standard_path": ("runs", ("checklist", "run", "--standard", "../../etc")),
        "compare_one": ("runs", ("compare", "run")),
        "compare_format": ("runs", ("compare", "run", "other", "--out", "x.pdf")),
        "compare_same": ("runs", ("compare", "run", "run")),
        "apply_twice": ("runs", ("apply", "run", "cohort.yaml", "cohort.yaml")),
        "apply_out_of_nothing": ("runs", ("apply", "nowhere", "cohort.yaml")),
        "recalibrate": ("runs", ("apply", "run", "cohort.yaml", "--recalibrate", "all")),
        "recalibrate_without_part": ("runs", ("apply", "run", "cohort.yaml", "--recalibrate", "slope")),
        "plugin_unknown": ("study", ("plugins", "check", "nothing")),
        "plugin_escape": ("study", ("plugins", "check", "\x1b[31m")),
        "plugin_name": ("study", ("plugins", "new", "../../x")),
        "plugin_name_blank": ("study", ("plugins", "new", "")),
        "plugin_name_python": ("study", ("plugins", "new", "class")),
        "init_from_nothing": ("study", ("init", "new", "--from")),
        "init_from_same": ("study", ("init", "new", "--from", "clinical.csv", "clinical.csv")),
        "schema": ("study", ("schema", "model")),
        "surrogate": ("study", ("analyze", "\udcff.yaml", "--out", "out")),
        "surrogate_out": ("study", ("analyze", "study.yaml", "--out", "\udcff/x/\udcfe")),
    }
    through = ("surrogate_out", "compare_same", "jobs_huge", "seed_beyond")
    for name, (template, line) in lines.items():
        expects = "either" if name in through else "refused"
        yield Case("arguments", name, template, line, lambda folder: None, expects)
