"""What people write as YAML or JSON: one message for each thing that cannot be read, at once, and nothing unfolds."""

from __future__ import annotations

import os
import re
import socket
import time

import pytest

from prldh.checklists.answers import read_answers
from prldh.core import DataError, PluginError, PrldhError, StudyError
from prldh.plugins import Registry
from prldh.study import parse_json, parse_yaml, read_study, read_text
from prldh.study.yaml_text import DEEPEST, LONGEST_KEY, LONGEST_TEXT, MOST_ALIASES, MOST_BYTES, MOST_VALUES
from prldh.testing.conformance import check_plugin

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 30)
)
MERGED_LAUGHS = "a0: &a0 {x: 1}\n" + "".join(
    f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}], k{i}: 1}}\n" for i in range(1, 30)
)
REFUSED = {
    "billion laughs": (LAUGHS, "line 5 is beyond 20,000 values"),
    "billion laughs of merges": (MERGED_LAUGHS, "is beyond 20,000 values"),
    "itself": ("a: &a [*a]", r"line 1 has '\*a' within '&a' itself"),
    "itself as mapping": ("a: &a\n  b: *a", r"line 2 has '\*a' within '&a' itself"),
    "itself merged": ("a: &a {<<: *a}", r"has '\*a' within '&a' itself"),
    "an alias of nothing": ("a: *b", r"has '\*b', and nothing before it is marked '&b'"),
    "an anchor twice": ("a: &x 1\nb: &x 2", "line 2 has the anchor '&x' again"),
    "many aliases": ("a: &x 1\nb: [" + "*x, " * (MOST_ALIASES + 1) + "]", "line 2 has more than 1,000 aliases"),
    "many values": ("a: &a [" + "1, " * 500 + "]\nb: [" + "*a, " * 50 + "]", "line 2 is beyond 20,000 values"),
    "no integer": ("a:\n  b: !!int hello", "line 2 says that 'hello' is '!!int', which it is not"),
    "an empty integer": ("a: !!int ''", "says that '' is '!!int'"),
    "no float": ("a: !!float b", "says that 'b' is '!!float'"),
    "no truth value": ("a: !!bool b", "says that 'b' is '!!bool'"),
    "Python": ("a: !!python/object/apply:os.system [ls]", "the tag '!!python/object/apply:os.system'"),
    "Python at a scalar": ("\na: !!python/name:os.system x", "line 2 is not valid YAML here: the tag '!!python/name"),
    "a tag of somebody": ("a: !mine b", "the tag '!mine' makes nothing"),
    "binary": ("a: !!binary aGVsbG8=", "the tag '!!binary'"),
    "a set": ("a: !!set {b, c}", "the tag '!!set'"),
    "a time": ("a: !!timestamp 2024-01-01", "the tag '!!timestamp'"),
    "5,000 digits": (
        "a: " + "1" * 5000,
        r"has a number of 5,000 characters, and 100 are the most \(found '1{77}...'\)",
    ),
    "5,000 digits as float": ("a: " + "1" * 5000 + ".5", "has a number of 5,002 characters"),
    "5,000 digits as time": ("a: 1" + ":1" * 2500, "has a number of 5,001 characters"),
    "5,000 digits as key": ("1" * 900 + ": a", "has a number of 900 characters"),
    "1,000 brackets": ("[" * 1000, "is nested more than 40 deep"),
    "1,000 dashes": ("- " * 1000, "is nested more than 40 deep"),
    "1,000 levels": ("".join(" " * i + "a:\n" for i in range(1000)), "line 41 is nested more than 40 deep"),
    "half a character": ('a: "\\ud800"', r"holds the character '\\ud800'"),
    "NUL": ('a: "\\0"', r"holds the character '\\x00'"),
    "raw NUL": ("a: b\0", r"line 1 is not valid YAML: the character '\\x00' is not allowed"),
    "an escape sequence": ('a: "\\e[31m"', r"holds the character '\\x1b'"),
    "a number of no character": ('a: "\\U00110000"', "line 1 is not valid YAML here"),
    "a larger one": ('a: "\\UFFFFFFFF"', "line 1 is not valid YAML here"),
    "a version": ("%YAML 1." + "9" * 5000 + "\n---\na: 1", "line 1 is not valid YAML here"),
    "an empty directive": ("%", "line 1, column 2 is not valid YAML"),
    "two documents": ("a: 1\n---\nb: 2", "line 2 is not valid YAML here: a second document begins"),
    "nothing before dots": ("...", "is not valid YAML"),
    "null as key": ("a: 1\n~: 1", "line 2 has a value without a key"),
    "nothing as key": ("{'': 1}", "has a value without a key"),
    "a list as key": ("? [a]\n: 1", "line 1 has a list or mapping where a key is expected"),
    "an alias as key": ("a: &x [1]\n*x : 2", "line 2 has a list or mapping where a key is expected"),
    "a key twice": ("a: 1\nb: 2\na: 3", "line 3 is wrong: the key 'a' stands twice"),
    "a key twice in words": ("1: a\n'1': b", "line 2 is wrong: the key '1' stands twice"),
    "a key twice in Python": ("1: a\ntrue: b", "line 2 is wrong: the key 'True' stands twice"),
    "NaN twice": (".nan: 1\n.nan: 2", "the key 'nan' stands twice"),
    "a merge of a number": ("a: {<<: 3}", r"has '<<:', which takes a mapping or a list of them \(found 3\)"),
    "a merge of numbers": ("<<: [1]", "has '<<:'"),
    "a merge of nothing": ("<<: []", "has '<<:'"),
    "two merges": ("a: &b {x: 1}\nc: {<<: *b, <<: *b}", "the key '<<' stands twice"),
    "a long key": ("? " + "k" * (LONGEST_KEY + 1) + "\n: 1", "has a key of 1,001 characters, and 1,000 are the most"),
    "a long value": ("a: " + "b" * (LONGEST_TEXT + 1), "has a value of 20,001 characters, and 20,000 are the most"),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED)
def test_one_message_with_the_line_at_once(text, message):
    start = time.process_time()
    with pytest.raises(StudyError, match=message) as raised:
        parse_yaml(text, "study.yaml")
    assert time.process_time() - start < 2
    told = str(raised.value)
    assert re.match(r"study.yaml(, |: )line \d+", told) and told.endswith(".")
    assert told.isprintable() and len(told) < 300


def test_what_is_read_stays_what_it_was():
    written = parse_yaml(
        "title: &t A study\nyes: no\nflag: true\nday: 2024-01-01\noct: 010\nsum: 1e5\nsign: =\nbelow: <<\nempty:\n"
        "base: &base {a: 1, b: 2}\nown:\n  <<: *base\n  b: 3\nagain: *t\nmany: {<<: [{c: 1}, {c: 2, d: 2}]}\n",
        "study.yaml",
    )
    assert written.content == {
        "title": "A study",
        "yes": "no",
        "flag": True,
        "day": "2024-01-01",
        "oct": 8,
        "sum": "1e5",
        "sign": "=",
        "below": "<<",
        "empty": None,
        "base": {"a": 1, "b": 2},
        "own": {"a": 1, "b": 3},
        "again": "A study",
        "many": {"c": 1, "d": 2},
    }
    assert [written.line_of(place) for place in ((), ("flag",), ("own", "b"), ("own", "a"), ("own", "z"))] == [
        1,
        3,
        13,
        10,
        11,
    ]
    assert parse_yaml("", "f").content is parse_yaml("# nothing\n", "f").content is None


def test_the_limits_themselves_are_read():
    deep = parse_yaml("[" * DEEPEST + "]" * DEEPEST, "f").content
    for _ in range(DEEPEST - 1):
        (deep,) = deep
    assert deep == []
    # a mapping, two keys with a list each, and in them 199 values and 99 times the same; a third list of the rest
    text = "a: &a [" + "1, " * 198 + "]\nb: [" + "*a, " * 99 + "]\nc: [" + "1, " * 94 + "]"
    assert 4 + 100 * 199 + 2 + 94 == MOST_VALUES and len(parse_yaml(text, "f").content["b"]) == 99
    with pytest.raises(StudyError, match="beyond 20,000 values"):
        parse_yaml(text.replace("1, ", "1, 1, ", 1), "f")
    assert len(parse_yaml("a: &x 1\nb: [" + "*x, " * MOST_ALIASES + "]", "f").content["b"]) == MOST_ALIASES
    assert parse_yaml("a: " + "1" * 100, "f").content == {"a": int("1" * 100)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "is nested more than 40 deep"),
        ("[" * 41 + "]" * 41, "is nested more than 40 deep"),
        ("[" + "1" * 5000 + "]", "has a number of 5,000 characters"),
        ('{"a": "\\ud800"}', r"holds the character '\\ud800'"),
        ('{"\\u0000": 1}', r"holds the character '\\x00'"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ("[" + "1, " * MOST_VALUES + "1]", "has more than 20,000 values"),
        ('{"a":\n b}', "is not valid JSON: line 2, column 2"),
        ("", "is not valid JSON"),
    ],
    ids=lambda text: text[:20],
)
def test_json_has_the_same_limits(text, message):
    with pytest.raises(StudyError, match=message) as raised:
        parse_json(text, "params.json")
    assert str(raised.value).isprintable() and len(str(raised.value)) < 300


def _large(path):
    path.write_bytes(b"#" * (MOST_BYTES + 1))


def _fifo(path):
    os.mkfifo(path)


def _socket(path):
    socket.socket(socket.AF_UNIX).bind(str(path))


def _loop(path):
    path.symlink_to(path)


def _utf16(path):
    path.write_bytes("a: 1".encode("utf-16"))


FILES = {
    "a folder": (lambda path: path.mkdir(), "is a folder"),
    "a pipe": (_fifo, "is a named pipe, not a file"),
    "a device": (lambda path: path.symlink_to("/dev/zero"), "is a device, not a file"),
    "a loop": (_loop, r"cannot be read \(Too many levels of symbolic links\)"),
    "too large": (_large, "has 500,001 bytes, and at most 500,000 bytes are read"),
    "no UTF-8": (_utf16, "is not UTF-8 text"),
    "nothing": (lambda path: None, "not found"),
}


@pytest.mark.parametrize(("make", "message"), FILES.values(), ids=FILES)
def test_files_that_are_no_text_of_a_study(make, message, tmp_path):
    path = tmp_path / "study.yaml"
    make(path)
    with pytest.raises(StudyError, match=message):
        read_study(path)
    with pytest.raises(DataError, match=message):
        read_text(path, "answers", DataError)


@pytest.mark.parametrize("name", ["a" * 300, "a\0b", "/proc/self/mem"])
def test_paths_that_cannot_be_opened(name):
    with pytest.raises(StudyError, match="study file.*(prldh init|null character)"):
        read_study(name)


@pytest.fixture(scope="module")
def registry():
    return Registry(load_entry_points=False)


@pytest.mark.parametrize("text", [text for text, _ in REFUSED.values()], ids=list(REFUSED))
def test_answers_and_settings_of_a_plugin_are_read_by_the_same(text, tmp_path, registry):
    (tmp_path / "answers.yaml").write_text(text, encoding="utf-8")
    try:
        read_answers(tmp_path / "answers.yaml", {"clear": ["1"]})
    except DataError as error:
        assert len(str(error)) < 400 and "answers.yaml" in str(error)
    with pytest.raises(PluginError, match="^--settings") as raised:
        list(check_plugin(registry, "icc", text))
    assert isinstance(raised.value, PrldhError) and len(str(raised.value)) < 400
