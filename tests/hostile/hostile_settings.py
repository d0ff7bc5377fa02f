"""Settings: a value of another kind in every place, texts that are none, options and names given wrongly."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator
from typing import Any

import yaml
from changes import ANALYZE, APPLY, CHECK_IMAGES, as_study, drawn, dump_yaml, places, put
from templates import PARAMETERS, SECTIONS, STUDY, merged
from verdicts import Case

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


def settings() -> Iterator[Case]:
    """Every place of the study file, of the sections it may have, and of the cohort file, with values of other kinds;
    keys that nothing reads."""
    names = list(VALUES)
    for place in places(STUDY):
        at = ".".join(map(str, place))
        for name in drawn(at, names, 4):
            yield Case("settings", f"{at}={name}", "study", ANALYZE, as_study(put(STUDY, place, VALUES[name])))
    for section, changes in SECTIONS.items():
        study = merged(STUDY, changes)
        yield Case("settings", f"{section}=as_it_is", "study", ANALYZE, as_study(study), "accepted")
        inside = [place for place in places(changes) if len(place) > 1 or place[0] not in STUDY]
        for place in inside:
            at = f"{section}:" + ".".join(map(str, place))
            for name in drawn(at, names, 3):
                yield Case("settings", f"{at}={name}", "study", ANALYZE, as_study(put(study, place, VALUES[name])))
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
        change = as_study(put(STUDY, (*place, "presett"), "a"))
        yield Case("settings", f"{at}.unknown_key", "study", ANALYZE, change, "refused")
    unread: dict[str, dict] = {
        "extraction_without_images": {"extraction": {"pyradiomics": {"presett": "a"}}},
        "preset_without_images": {"extraction": {"pyradiomics": {"preset": "none.yaml"}}},
        "extraction_of_no_source": {"extraction": {"nonsense": {"a": 1}}},
        "cohort_imaging": {"imaging": {"nonsense": 1}},
    }
    for name, changes in unread.items():
        yield Case("settings", f"unread.{name}", "study", ANALYZE, as_study(merged(STUDY, changes)), "refused")
    cohort = {
        "name": "new",
        "clinical": {"table": "new_clinical.csv"},
        "tissues": {"disc": {"features": ["new_reader1.csv"]}},
        "recalibrate": {"share": 0.5},
    }
    for place in places(cohort):
        at = "cohort:" + ".".join(map(str, place))
        for name in drawn(at, names, 4):
            value = VALUES[name]
            yield Case(
                "settings", f"{at}={name}", "run", APPLY,
                lambda folder, place=place, value=value: dump_yaml(folder / "cohort.yaml", put(cohort, place, value)),
            )  # fmt: skip


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
        option = f"lasso: {{folds: {value}}}".replace("\0", "")
        command = ("plugins", "check", "lasso", "--settings", option)
        yield Case("texts", f"option.{name}", "study", command, lambda folder: None)


def parameters() -> Iterator[Case]:
    """Every place of a PyRadiomics parameter file with values of other kinds."""
    base = PARAMETERS | {"setting": {"binWidth": 25, "resampledPixelSpacing": [1, 1, 1], "label": 1, "normalize": True}}
    for place in places(base):
        at = ".".join(map(str, place))
        for name in drawn(f"parameters:{at}", list(VALUES), 5):
            value = VALUES[name]
            yield Case(
                "parameters", f"{at}={name}", "images", CHECK_IMAGES,
                lambda folder, place=place, value=value: dump_yaml(folder / "params.yaml", put(base, place, value)),
            )  # fmt: skip


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
