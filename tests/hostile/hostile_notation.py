"""YAML as it may be written, at every place where people write it: scalars of every notation, keys and documents that
mean two things, and bytes that are not UTF-8."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from changes import ANALYZE, APPLY, CHECK_IMAGES, drawn, places, put, rewritten
from templates import IMAGE_STUDY, PARAMETERS, SECTIONS, STUDY, merged
from verdicts import Case

#: What a scalar is replaced by, as text of the file.
SCALARS: dict[str, str] = {
    "yes": "yes",
    "no": "no",
    "on": "on",
    "off_upper": "OFF",
    "y": "y",
    "true_mixed": "tRUE",
    "true": "TRUE",
    "tilde": "~",
    "null_upper": "NULL",
    "nothing": "",
    "octal": "017",
    "octal_1.2": "0o17",
    "octal_bad": "089",
    "hex": "0x1F",
    "hex_minus": "-0x1F",
    "binary": "0b1_1",
    "underscores": "1_0",  # counts of hundreds would take their time
    "underscore_alone": "_",
    "underscore_last": "1_",
    "sixties": "1:30",
    "sixties_float": "1:30.5",
    "exponent": "1e1",
    "exponent_point": "1.0e+1",
    "exponent_far": "1.0e+400",
    "exponent_small": "1.0e-400",
    "point_first": ".5",
    "point_last": "5.",
    "points": "1.2.3",
    "plus": "+5",
    "minus_zero": "-0",
    "minus_zero_point": "-0.0",
    "minus_minus": "--5",
    "infinite": ".inf",
    "infinite_minus": "-.INF",
    "infinite_word": "Infinity",
    "nan": ".NaN",
    "nan_word": "nan",
    "date": "2024-01-01",
    "time": "2024-01-01T10:00:00Z",
    "time_spaced": "2024-01-01 10:00:00 +2",
    "time_bad": "2024-13-45",
    "tag_str": "!!str 5",
    "tag_int": "!!int '5'",
    "tag_int_octal": "!!int '08'",
    "tag_float": "!!float 5",
    "tag_float_word": "!!float .inf",
    "tag_bool_yes": "!!bool yes",
    "tag_bool_one": "!!bool 1",
    "tag_null": "!!null ''",
    "tag_null_word": "!!null none",
    "tag_none": "! 5",
    "tag_binary": "!!binary aGVsbG8=",
    "tag_set": "!!set {a, b}",
    "tag_pairs": "!!pairs [a: 1, a: 2]",
    "tag_python": "!!python/name:os.system",
    "tag_long": f"!<{'t' * 3000}> 5",
    "tag_percent": "!%41 5",
    "single_quotes": "'5'",
    "double_quotes": '"5"',
    "quotes_of_quotes": "'it''s'",
    "quoted_blank": "'  '",
    "quoted_lines": '"a\\\n    b\n\n    c"',
    "escapes": '"\\t\\x41\\u00e9\\U0001F9E0\\N\\_\\L\\P\\e"',
    "escape_bad": '"\\q"',
    "escape_short": '"\\x4"',
    "escape_beyond": '"\\UFFFFFFFF"',
    "surrogates": '"\\ud83e\\udde0"',
    "literal": "|\n    one\n    two\n",
    "literal_indent": "|9\n   one\n",
    "folded_keep": ">+\n    one\n\n\n",
    "folded_signs": ">-+\n    one\n",
    "anchor": "&here 5",
    "anchor_alone": "&here",
    "anchor_odd": "&é* 5",
    "alias_of_itself": "&here *here",
    "alias_of_nothing": "*there",
    "at": "@x",
    "backtick": "`x`",
    "percent": "%x",
    "equals": "=",
    "merge": "<<",
    "dash": "- 5",
    "dash_alone": "-",
    "question": "? 5",
    "colon": "a: 5",
    "colons": "::",
    "comma": "5,",
    "hash": "#5",
    "hash_within": "5 #6",
    "bracket": "[5",
    "brackets": "[5, ]",
    "brackets_commas": "[,]",
    "brace": "{5",
    "braces": "{5}",
    "braces_of_keys": "{5: 5, '5': 6}",
    "braces_nested": "{a: {b: {c: [1, {d: ~}]}}}",
    "json_pairs": '{"a":5}',
    "list_of_lists": "[[], [[]], {}]",
    "flow_of_lines": "[\n5,\n6\n]",
    "arabic": "٥",
    "full_width": "５",
    "fraction": "½",
    "minus_sign": "−5",
    "hard_space": "\u00a05",
    "zero_width": "5\u200b",
    "mark_within": "\ufeff5",
    "right_to_left": "\u202e5",
    "next_line": "5\u0085",
    "line_separator": "5\u2028seed: 6",
    "emoji": "🧠",
    "combining": "e" + "\u0301" * 300,
    "not_a_character": "\uffff",
    "tab": "\t5",
    "tab_after": "5\t",
    "tab_within": "a\tb",
    "bell": "\x07",
    "delete": "\x7f",
    "digits": "9" * 400,
    "decimals": "0." + "3" * 400,
    "long": "x" * 30_000,
    "long_word_in_lines": "x\n    " * 5_000,
    "path_up": "../../../../etc/passwd",
    "home": "~/x",
    "variable": "${HOME}",
    "template": "{{ seed }}",
    "formula": "'=1+1'",
}

_HERE = "xHEREx"


def at_place(content: Any, place: tuple, text: str) -> str:
    """The YAML of a content in which a text stands at one place, as it is."""
    whole = yaml.safe_dump(put(content, place, _HERE), sort_keys=False, allow_unicode=True)
    assert whole.count(_HERE) == 1, place
    return whole.replace(_HERE, text)


def _scalars(content: Any) -> list[tuple]:
    """The places that hold no list or mapping."""

    def value_at(place: tuple) -> Any:
        there = content
        for key in place:
            there = there[key]
        return there

    return [place for place in places(content) if not isinstance(value_at(place), (list, dict))]


#: Other sections, whose keys the small study has not.
MORE: dict[str, dict] = {
    "read": {
        "clinical": {
            "read": {
                "separator": ",",
                "decimal": ".",
                "encoding": "utf-8",
                "missing": ["n/a"],
                "skip_rows": 0,
            }
        },
    },
    "choose": SECTIONS["protocols"],
    "harmonise": SECTIONS["transforms"],
    "validation": {
        "validation": {
            "folds": 2,
            "repeats": 1,
            "bootstrap": 3,
            "bootstrap_interval": "none",
            "null_permutations": 1,
            "scope": ["pipeline"],
            "monte_carlo": {"test": 0.3, "repeats": 2},
        }
    },
    "subgroups": SECTIONS["subgroups"],
    "imputation": SECTIONS["imputation"],
}
COHORT: dict = {
    "name": "new",
    "clinical": {"table": "new_clinical.csv", "read": {"separator": ",", "decimal": "."}},
    "tissues": {"disc": {"features": ["new_reader1.csv"]}},
    "recalibrate": {"share": 0.5},
}
ANSWERS: dict = {"clear": {"1": {"answer": "page 1", "page": 3, "comment": "of the text"}}}
PLAN = ("plan", "study.yaml", "--out", "plan.json")
CLEAR = ("checklist", "run", "--standard", "clear", "--answers", "answers.yaml")
IMAGES: dict = merged(IMAGE_STUDY, {"extraction": {"pyradiomics": {"preset": "params.yaml", "backend": "fast"}}})
SETTINGS: dict = PARAMETERS | {"setting": {"binWidth": 25, "resampledPixelSpacing": [1, 1, 1], "normalize": True}}

#: Where YAML is read: the content, the file, the template and the command; and how many scalars each place is tried
#: with.
SLOTS: dict[str, tuple[Any, str, str, tuple[str, ...], int]] = {
    "study": (STUDY, "study.yaml", "study", ANALYZE, 5),
    **{name: (merged(STUDY, changes), "study.yaml", "study", ANALYZE, 4) for name, changes in MORE.items()},
    "cohort": (COHORT, "cohort.yaml", "run", (*APPLY, "--recalibrate", "slope"), 8),
    "answers": (ANSWERS, "answers.yaml", "runs", CLEAR, 40),
    "images": (IMAGES, "study.yaml", "images", CHECK_IMAGES, 3),
    "parameters": (SETTINGS, "params.yaml", "images", CHECK_IMAGES, 6),
}


def _written(file: str, text: str | bytes) -> Callable[[Path], None]:
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return rewritten(file, lambda _: raw)


def scalars() -> Iterator[Case]:
    """Every place × scalars."""
    tried: set[tuple] = set()
    for slot, (content, file, template, command, n) in SLOTS.items():
        for place in _scalars(content):
            if (file, template, place) in tried:
                continue  # as another section has it
            tried.add((file, template, place))
            at = f"{slot}:" + ".".join(map(str, place))
            for name in drawn(f"notation {at}", list(SCALARS), n):
                change = _written(file, at_place(content, place, SCALARS[name]))
                # what is read is read by a plan, too, which takes a tenth of the time
                asked = PLAN if command == ANALYZE and len(name) % 4 else command
                yield Case("notation", f"{at}={name}", template, asked, change)


def _doubled(text: str, key: str) -> str:
    """A line of the text with its key again below it."""
    found = re.search(rf"(?m)^( *)(- )?{re.escape(key)}:.*$", text)
    assert found is not None, key
    again = " " * len(found[1] + (found[2] or "")) + f"{key}: 1"
    return text.replace(found[0], f"{found[0]}\n{again}", 1)


TEXT = yaml.safe_dump(STUDY, sort_keys=False)


def _last(text: str) -> Callable[[str], str]:
    return lambda whole: whole + text


def _flow(text: str) -> str:
    return yaml.safe_dump(yaml.safe_load(text), default_flow_style=True, width=10**6, sort_keys=False)


#: What is done with a whole file: how, and whether it stays what it was.
WHOLE: dict[str, tuple[Callable[[str], str | bytes], str]] = {
    "utf16_little": (lambda t: t.encode("utf-16"), "refused"),
    "utf16_big": (lambda t: b"\xfe\xff" + t.encode("utf-16-be"), "refused"),
    "utf16_unmarked": (lambda t: t.encode("utf-16-be"), "refused"),
    "utf32": (lambda t: t.encode("utf-32"), "refused"),
    "utf7": (lambda t: b"+/v8-" + t.encode("utf-7"), "either"),
    "ebcdic": (lambda t: t.encode("cp500"), "refused"),
    "latin1": (lambda t: t.encode() + b"# J\xfcrgen\n", "refused"),
    "windows_1252": (lambda t: t.encode() + b"# \x93quoted\x94\n", "refused"),
    "shift_jis": (lambda t: t.encode() + "# 患者\n".encode("shift-jis"), "refused"),
    "overlong": (lambda t: t.encode() + b"# \xc0\xaf\n", "refused"),
    "surrogate_bytes": (lambda t: t.encode() + b"# \xed\xa0\x80\n", "refused"),
    "beyond_unicode": (lambda t: t.encode() + b"# \xf4\x90\x80\x80\n", "refused"),
    "cut_character": (lambda t: t.encode() + "# é".encode()[:-1], "refused"),
    "two_marks": (lambda t: b"\xef\xbb\xbf\xef\xbb\xbf" + t.encode(), "either"),
    "mark_at_the_end": (_last("\ufeff"), "either"),
    "mark_within": (lambda t: t.replace("\n", "\n\ufeff", 1), "either"),
    "nul_at_the_end": (_last("\0"), "refused"),
    "control_z": (_last("\x1a"), "refused"),
    "form_feed": (lambda t: t.replace("\n", "\n\f\n", 1), "refused"),
    "next_lines": (lambda t: t.replace("\n", "\u0085"), "either"),
    "line_separators": (lambda t: t.replace("\n", "\u2028"), "either"),
    "returns": (lambda t: t.replace("\n", "\r"), "same"),
    "returns_twice": (lambda t: t.replace("\n", "\r\r\n"), "same"),
    "tabs_at_ends": (lambda t: t.replace("\n", "\t\n"), "either"),
    "tabs_for_spaces": (lambda t: t.replace("  ", "\t"), "refused"),
    "spaces_at_ends": (lambda t: t.replace("\n", "   \n"), "same"),
    "indented": (lambda t: "  " + t.replace("\n", "\n  ").rstrip(" "), "same"),
    "blank_lines": (lambda t: t.replace("\n", "\n\n \n"), "same"),
    "comment_lines": (lambda t: t.replace("\n", "\n# a: [b, {c\n"), "same"),
    "50000_blank_lines": (lambda t: "\n" * 50_000 + t, "same"),
    "end_mark": (_last("...\n"), "same"),
    "end_mark_and_comment": (_last("...\n# the end\n"), "same"),
    "end_mark_and_more": (_last("...\nmore\n"), "refused"),
    "end_marks": (_last("...\n...\n"), "same"),
    "second_document_empty": (_last("---\n"), "refused"),
    "second_document_comment": (_last("---\n# nothing\n"), "refused"),
    "second_document_null": (_last("--- ~\n"), "refused"),
    "second_document_same": (lambda t: f"{t}---\n{t}", "refused"),
    "first_document_empty": (lambda t: f"---\n---\n{t}", "refused"),
    "anchor_across_documents": (lambda t: f"--- &all\n{t}--- *all\n", "refused"),
    "document_on_its_line": (lambda t: "--- # the study\n" + t, "same"),
    "document_tagged": (lambda t: "--- !!map\n" + t, "same"),
    "document_of_a_list": (lambda t: "- " + t.replace("\n", "\n  ").rstrip(" "), "refused"),
    "document_of_text": (lambda t: "--- |\n  " + t.replace("\n", "\n  ").rstrip(" "), "refused"),
    "document_of_quotes": (lambda t: yaml.safe_dump(t), "refused"),
    "document_of_json": (lambda t: _flow(t), "same"),
    "directive_1.3": (lambda t: f"%YAML 1.3\n---\n{t}", "either"),
    "directive_twice": (lambda t: f"%YAML 1.2\n%YAML 1.2\n---\n{t}", "refused"),
    "directive_of_digits": (lambda t: f"%YAML 1.{'9' * 5000}\n---\n{t}", "either"),
    "directive_short": (lambda t: f"%YAML\n---\n{t}", "refused"),
    "directive_behind": (lambda t: f"{t}%YAML 1.2\n---\n{t}", "refused"),
    "tag_handle_twice": (lambda t: f"%TAG ! a:\n%TAG ! b:\n---\n{t}", "refused"),
    "front_matter": (lambda t: f"---\n{t}---\n\nA text below.\n", "refused"),
    "markdown_fence": (lambda t: f"```yaml\n{t}```\n", "refused"),
    "merge_conflict": (lambda t: f"<<<<<<< HEAD\n{t}=======\n{t}>>>>>>> mine\n", "refused"),
    "diff": (lambda t: "+" + t.replace("\n", "\n+").rstrip("+"), "refused"),
    "typographic_quotes": (lambda t: t.replace("'", "\u2019"), "either"),
    "hard_spaces": (lambda t: t.replace("  ", "\u00a0\u00a0"), "refused"),
    "ideographic_spaces": (lambda t: t.replace(": ", ":\u3000"), "refused"),
    "wide_colons": (lambda t: t.replace(":", "："), "refused"),
    "equals_for_colons": (lambda t: t.replace(": ", " = "), "refused"),
    "no_space_behind_colons": (lambda t: t.replace(": ", ":"), "refused"),
    "key_of_a_merge": (_last("<<: {}\n"), "same"),
    "merge_of_an_alias": (_last("<<: *nothing\n"), "refused"),
    "merge_of_text": (_last("<<: text\n"), "refused"),
    "merge_of_nothing": (_last("<<:\n"), "refused"),
    "merge_of_lists": (_last("<<: [[{}]]\n"), "refused"),
    "merges": (_last("<<: {}\n<<: {}\n"), "refused"),
    "merge_in_quotes": (_last("'<<': {}\n"), "refused"),
    "key_blank": (_last("'': 1\n"), "refused"),
    "key_missing": (_last(": 1\n"), "refused"),
    "key_null": (_last("~: 1\n"), "refused"),
    "key_number": (_last("1: 1\n"), "refused"),
    "key_float": (_last("1.5: 1\n"), "refused"),
    "key_nan": (_last(".nan: 1\n"), "refused"),
    "keys_nan": (_last(".nan: 1\n.NaN: 2\n"), "refused"),
    "key_infinite": (_last(".inf: 1\n"), "refused"),
    "key_boolean": (_last("true: 1\n"), "refused"),
    "key_date": (_last("2024-01-01: 1\n"), "refused"),
    "key_list": (_last("[a]: 1\n"), "refused"),
    "key_map": (_last("{a: 1}: 1\n"), "refused"),
    "key_alias": (_last("zz: &zz a\n*zz : 1\n"), "refused"),
    "key_anchored_list": (_last("? &l [a]\n: *l\n"), "refused"),
    "key_of_lines": (_last("? |\n  a\n  b\n: 1\n"), "refused"),
    "key_long": (_last("k" * 2000 + ": 1\n"), "refused"),
    "key_escape": (_last('"\\e[31mred": 1\n'), "refused"),
    "key_bidi": (_last("a\u202eb: 1\n"), "refused"),
    "key_dotted": (_last("clinical.table: x\n"), "refused"),
    "key_of_class": (_last("__class__: x\nmodel_config: {}\n"), "refused"),
    "key_without_value": (_last("title\n"), "refused"),
    "set_key": (_last("? title\n? seed\n"), "refused"),
    "omap": (lambda t: "!!omap\n" + t, "refused"),
}  # fmt: skip


def whole_files() -> Iterator[Case]:
    """Every file × what is done with it as a whole. Of a parameter file only readers of PyRadiomics know what is a
    mistake."""
    contents: dict[str, tuple[Any, str, str, tuple[str, ...]]] = {
        "study": (STUDY, "study.yaml", "study", ANALYZE),
        "cohort": (merged(COHORT, {}), "cohort.yaml", "run", (*APPLY, "--recalibrate", "slope")),
        "answers": (ANSWERS, "answers.yaml", "runs", CLEAR),
        "parameters": (SETTINGS, "params.yaml", "images", CHECK_IMAGES),
    }
    for slot, (content, file, template, command) in contents.items():
        text = yaml.safe_dump(content, sort_keys=False)
        for name, (how, expects) in WHOLE.items():
            if slot == "study":
                asked = expects
            else:
                asked = "accepted" if expects == "same" else "either" if slot in ("answers", "parameters") else expects
            yield Case("notation", f"{slot}.{name}", template, command, _written(file, how(text)), asked)
        keys = dict.fromkeys(re.findall(r"(?m)^ *(?:- )?(\w+):", text))
        for key in keys:
            change = _written(file, _doubled(text, key))
            yield Case("notation", f"{slot}.doubled.{key}", template, command, change, "refused")
    for section, changes in MORE.items():
        text = yaml.safe_dump(merged(STUDY, changes), sort_keys=False)
        for key in dict.fromkeys(re.findall(r"(?m)^ *(?:- )?(\w+):", text)):
            if not re.search(rf"(?m)^ *(?:- )?{key}:", TEXT):
                yield Case(
                    "notation", f"{section}.doubled.{key}", "study", ANALYZE,
                    _written("study.yaml", _doubled(text, key)), "refused",
                )  # fmt: skip


#: Sections of a study in other shapes than they have: under which key, and what stands there.
SHAPES: dict[str, dict[str, str]] = {
    "clinical": {
        "list_of_pairs": "[[table, clinical.csv], [id, patient_id]]",
        "list_of_maps": "[{table: clinical.csv}, {id: patient_id}, {outcome: recurrence}, {event: 'yes'}]",
        "path": "clinical.csv",
        "covariates_as_list": "{$rest, covariates: [age, sex]}",
        "covariate_null": "{$rest, covariates: {age: }}",
        "covariate_set": "{$rest, covariates: {age, sex}}",
        "covariate_twice": "{$rest, covariates: {age: continuous, ' age': continuous}}",
        "columns_as_list": "{$rest, columns: [hospital]}",
        "read_text": "{$rest, read: ';'}",
        "read_missing_map": "{$rest, read: {missing: {a: b}}}",
        "read_missing_blank": "{$rest, read: {missing: ['']}}",
        "read_missing_all": "{$rest, read: {missing: ['yes']}}",
        "read_separator_long": "{$rest, read: {separator: ', '}}",
        "read_separator_quote": "{$rest, read: {separator: '\"'}}",
        "read_separator_line": '{$rest, read: {separator: "\\n"}}',
        "read_separator_letter": "{$rest, read: {separator: e}}",
        "read_decimal_is_separator": "{$rest, read: {separator: ',', decimal: ','}}",
        "read_encoding_unknown": "{$rest, read: {encoding: klingon}}",
        "read_encoding_of_bytes": "{$rest, read: {encoding: base64}}",
        "read_encoding_rot13": "{$rest, read: {encoding: rot13}}",
        "read_encoding_idna": "{$rest, read: {encoding: idna}}",
        "read_encoding_utf16": "{$rest, read: {encoding: utf-16}}",
        "read_encoding_undefined": "{$rest, read: {encoding: undefined}}",
        "read_encoding_nul": '{$rest, read: {encoding: "latin-1/../x"}}',
        "read_skip_all": "{$rest, read: {skip_rows: 48}}",
        "read_skip_more": "{$rest, read: {skip_rows: 500}}",
        "read_skip_one": "{$rest, read: {skip_rows: 1}}",
        "read_sheet": "{$rest, read: {sheet: 1}}",
        "outcome_is_id": "{table: clinical.csv, id: patient_id, outcome: patient_id, event: 'P01'}",
        "outcome_is_covariate": "{$rest, covariates: {recurrence: categorical}}",
        "patient_is_id": "{$rest, patient: patient_id, covariates: {$both}}",
        "patient_is_outcome": "{$rest, patient: recurrence}",
        "event_of_all": "{table: clinical.csv, id: hospital, outcome: recurrence, event: 'yes'}",
        "levels_of_one": "{$rest, covariates: {$both, grade: {type: ordinal, levels: [III]}}}",
        "levels_twice": "{$rest, covariates: {$both, grade: {type: ordinal, levels: [III, IV, V, IV]}}}",
        "levels_nested": "{$rest, covariates: {$both, grade: {type: ordinal, levels: [[III], [IV, V]]}}}",
    },
    "validation": {
        "list": "[folds, bootstrap]",
        "map_of_lists": "{$none, folds: [2, 3]}",
        "scheme_null": "{$none, split: }",
        "scheme_true": "{$none, split: true}",
        "scheme_list": "{$none, split: [{column: centre, train: [north], test: [south]}]}",
        "nothing_at_all": "{leave_one_out: false, folds: 0, bootstrap: 0}",
        "scope_text": "{leave_one_out: false, folds: 2, bootstrap: 0, scope: pipeline}",
        "scope_empty": "{leave_one_out: false, folds: 2, bootstrap: 0, scope: []}",
        "scope_twice": "{leave_one_out: false, folds: 2, bootstrap: 0, scope: [pipeline, pipeline]}",
        "folds_of_patients": "{leave_one_out: false, folds: 48, bootstrap: 0, scope: [pipeline]}",
        "folds_beyond": "{leave_one_out: false, folds: 49, bootstrap: 0, scope: [pipeline]}",
        "folds_of_one": "{leave_one_out: false, folds: 1, bootstrap: 0, scope: [pipeline]}",
        "test_all": "{$none, monte_carlo: {test: 0.999, repeats: 2}}",
        "test_none": "{$none, monte_carlo: {test: 0.001, repeats: 2}}",
        "split_of_all": "{$none, split: {column: centre, train: [north, south], test: [south]}}",
        "split_of_nobody": "{$none, split: {column: centre, train: [north], test: [east]}}",
        "split_by_outcome": "{$none, split: {column: recurrence, train: ['yes'], test: ['no']}}",
        "groups_by_id": "{$none, leave_one_group_out: {column: patient_id}}",
        "groups_by_outcome": "{$none, leave_one_group_out: {column: recurrence}}",
    },
    "choose": {
        "true": "true",
        "list": "[a, b]",
        "text": "auto",
        "among_nobody": "{among: [], folds: 3}",
        "among_one": "{among: [own], folds: 3}",
        "among_absent": "{among: [a, b], folds: 3}",
        "among_twice": "{among: [main, main], folds: 3}",
    },
    "protocols": {
        "list": "[{selection: []}]",
        "null": "{own: , ridge: }",
        "text": "{own: ridge}",
        "empty_name": "{'': {}}",
        "long_name": "{? " + "n" * 900 + " : {}}",
        "path_name": "{'../x': {}}",
        "markup_name": "{'<b>&': {learner: ridge, selection: [], second_stage: cross_fitted}}",
        "number_name": "{1: {}, 1.0: {}}",
        "boolean_name": "{true: {learner: ridge, selection: [], second_stage: cross_fitted}}",
        "nested": "{own: {protocols: {own: {}}}}",
        "unknown_key": "{own: {lerner: ridge}}",
        "thousand": "{" + ", ".join(f"p{i}: {{}}" for i in range(1000)) + "}",
        "names_alike": "{Own: {}, own: {}}",
        "names_in_two_forms": "{é: {}, 'e\u0301': {}}",
    },
    "transforms": {
        "map": "{scale: {method: z}}",
        "text": "scale",
        "texts": "[scale, scale]",
        "two_in_one": "[{scale: {method: z}, impute: {method: median}}]",
        "null": "[scale: ]",
        "list_in_list": "[[scale]]",
        "unknown": "[{scael: {}}]",
        "batch_outcome": "[{combat: {batch: recurrence}}]",
        "batch_id": "[{combat: {batch: patient_id}}]",
        "batch_continuous": "[{combat: {batch: age}}]",
        "batch_absent": "[{combat: {batch: scanner}}]",
        "batch_list": "[{combat: {batch: [centre, hospital]}}]",
        "keep_outcome": "[{combat: {batch: centre, keep: [recurrence]}}]",
        "keep_batch": "[{combat: {batch: centre, keep: [centre]}}]",
        "thousand": "[" + ", ".join(["{scale: {method: z}}"] * 1000) + "]",
    },
    "selection": {
        "map": "{icc: {threshold: 0.5}}",
        "text": "icc",
        "null": "",
        "nulls": "[~, ~]",
        "two_in_one": "[{icc: {}, lasso: {}}]",
        "empty_map": "[{}]",
        "value_text": "[{icc: high}]",
        "value_list": "[{icc: [0.5]}]",
        "name_number": "[1]",
        "name_boolean": "[true]",
        "name_class": "['__class__']",
        "same_twice": "[{icc: {threshold: 0.5}}, {icc: {threshold: 0.9}}]",
        "hundred": "[" + ", ".join(["{icc: {threshold: 0.5}}"] * 100) + "]",
    },
    "models": {
        "map": "{Disc: [disc]}",
        "map_of_text": "{Disc: disc}",
        "text": "disc",
        "terms_text": "[{name: Disc, terms: disc}]",
        "terms_nested": "[{name: Disc, terms: [[disc]]}]",
        "terms_null": "[{name: Disc, terms: [~]}]",
        "terms_twice": "[{name: Disc, terms: [disc, disc]}]",
        "terms_outcome": "[{name: Disc, terms: [recurrence]}]",
        "terms_id": "[{name: Disc, terms: [patient_id]}]",
        "terms_code": "[{name: Disc, terms: ['__import__(\"os\").system(\"true\")']}]",
        "terms_formula": "[{name: Disc, terms: ['disc ~ age']}]",
        "terms_power": "[{name: Disc, terms: ['age^9999999']}]",
        "terms_log": "[{name: Disc, terms: ['log(sex)']}]",
        "terms_product_of_many": "[{name: Disc, terms: ['" + "*".join(["age"] * 200) + "']}]",
        "terms_brackets": "[{name: Disc, terms: ['" + "(" * 500 + "age" + ")" * 500 + "']}]",
        "names_twice": "[{name: Disc, terms: [disc]}, {name: Disc, terms: [age]}]",
        "nobody": "[]",
    },
    "tissues": {
        "list": "[disc, blood]",
        "text": "reader1.csv",
        "text_of_one": "{disc: reader1.csv}",
        "null": "{disc: }",
        "features_map": "{disc: {features: {a: reader1.csv}}}",
        "features_null": "{disc: {features: [reader1.csv, ~]}}",
        "features_number": "{disc: {features: [1]}}",
        "features_nested": "{disc: {features: [[reader1.csv, reader2.csv]]}}",
        "features_twice": "{disc: {features: [reader1.csv, reader1.csv]}}",
        "features_of_the_clinical": "{disc: {features: clinical.csv}}",
        "features_of_the_study": "{disc: {features: study.yaml}}",
        "both": "{disc: {features: reader1.csv, radscore: marker}}",
        "neither": "{disc: {}}",
        "read_in_features": "{disc: {features: {path: reader1.csv, read: {separator: ';'}}}}",
        "radscore_of_text": "{disc: {features: reader1.csv}, blood: {radscore: sex}}",
        "radscore_of_the_outcome": "{disc: {features: reader1.csv}, blood: {radscore: recurrence}}",
    },
}  # fmt: skip


def shapes() -> Iterator[Case]:
    """A section of a study in another shape; ``$rest``, ``$both`` and ``$none`` are what stands there, too."""
    for key, ways in SHAPES.items():
        content = {k: v for k, v in STUDY.items() if k != key}
        for name, text in ways.items():
            both = "age: continuous, sex: categorical"
            rest = "table: clinical.csv, id: patient_id, outcome: recurrence, event: 'yes'"
            rest += "" if "covariates" in text else ", covariates: {$both}"
            none = "leave_one_out: false, folds: 0, bootstrap: 0, scope: [pipeline]"
            text = text.replace("$rest", rest).replace("$both", both).replace("$none", none)
            whole = f"{yaml.safe_dump(content, sort_keys=False)}{key}: {text}\n"
            yield Case("notation", f"shape.{key}.{name}", "study", ANALYZE, _written("study.yaml", whole))


def notation() -> Iterator[Case]:
    """All of them."""
    for each in (scalars, whole_files, shapes):
        yield from each()
