"""Frozen models that somebody edited and sealed again, so that no checksum tells; and plans that were altered."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from changes import ANALYZE, APPLY, change_at, drawn
from verdicts import Case

from prldh.core import seal_of

#: A study whose frozen models hold the states of as many transforms and learners as one can.
MODELS: dict = {
    "transforms": [
        {"impute": {"method": "knn"}},
        {"combat": {"batch": "centre", "method": "parametric", "unseen": "own_rows"}},
        {"scale": {"method": "normal"}},
        {"scale": {"method": "power"}},
    ],
    "selection": [],
    "learner": {
        "mean": {
            "of": [
                {"random_forest": {"trees": 5}},
                {"boosting": {"folds": 3}},
                {"linear_svm": {"folds": 3}},
                {"lasso": {"folds": 3}},
            ]
        }
    },
    "second_stage": "cross_fitted",
    "models": [{"name": "Disc", "terms": ["disc"]}, {"name": "Both", "terms": ["disc", "rcs(age, 3)", "sex"]}],
}

#: What is put in the place of a value.
EDITS: dict[str, Callable[[Any], Any]] = {
    "null": lambda v: None,
    "text": lambda v: "x",
    "digits": lambda v: "1.5",
    "true": lambda v: True,
    "zero": lambda v: 0,
    "minus": lambda v: -3,
    "half": lambda v: 0.5,
    "large": lambda v: 1e308,
    "tiny": lambda v: 5e-324,
    "huge": lambda v: 10**400,
    "beyond_53_bits": lambda v: 2**60 + 1,
    "nan": lambda v: float("nan"),
    "infinite": lambda v: float("-inf"),
    "empty_list": lambda v: [],
    "empty_map": lambda v: {},
    "wrapped": lambda v: [v],
    "shorter": lambda v: v[:-1] if isinstance(v, (list, str)) else v,
    "longer": lambda v: v + v[:1] if isinstance(v, (list, str)) else v,
    "reversed": lambda v: v[::-1] if isinstance(v, (list, str)) else v,
    "doubled": lambda v: v + v if isinstance(v, (list, str)) else v,
    "of_null": lambda v: [None] * len(v) if isinstance(v, list) else v,
    "long_list": lambda v: [0.5] * 100_000,
    "self_like": lambda v: {"a": v},
    "removed": lambda v: v,
}


def places(content: Any, place: tuple = ()) -> Iterator[tuple]:
    """Every key, and the first, a middle and the last of every list."""
    if place:
        yield place
    if isinstance(content, dict):
        for key in content:
            yield from places(content[key], (*place, key))
    elif isinstance(content, list):
        for i in sorted({0, len(content) // 2, len(content) - 1} if content else ()):
            yield from places(content[i], (*place, i))


def edited(content: Any, place: tuple, edit: str) -> Any:
    """The content, one of its places changed."""
    change_at(content, place, None if edit == "removed" else EDITS[edit])
    return content


def seal(run: Path, model: Any) -> None:
    """Write models as if they were the run's own: every checksum is right."""
    model["sha256"] = seal_of(model)
    text = json.dumps(model, indent=1, ensure_ascii=False) + "\n"
    (run / "model.json").write_text(text, encoding="utf-8")
    digest = hashlib.sha256(text.encode()).hexdigest()
    provenance = json.loads((run / "provenance.json").read_text(encoding="utf-8"))
    provenance |= {"model_sha256": digest, "model_checksum": model["sha256"]}
    provenance["written"]["model.json"] = digest
    (run / "provenance.json").write_text(json.dumps(provenance), encoding="utf-8")


COMMANDS = (APPLY, APPLY, ("calculator", "run", "--out", "x.html"), APPLY)
#: Where the states of steps and learners are: most of the edits.
DEEP = ("tissues", "disc", "chain")


def resealed() -> Iterator[Case]:
    """Edits of frozen models, whose places are asked of the file when the case is arranged."""
    for i in range(170):
        name = f"{i:03d}"
        edit = drawn(f"resealed {name}", list(EDITS), 1)[0]

        def change(folder: Path, name=name, edit=edit, is_deep=i % 4 != 3) -> None:
            model = json.loads((folder / "run" / "model.json").read_text(encoding="utf-8"))
            there = [place for place in places(model) if place != ("sha256",)]
            if is_deep:
                there = [place for place in there if place[: len(DEEP)] == DEEP and len(place) > len(DEEP) + 1]
            place = random.Random(name).choice(there)
            seal(folder / "run", edited(model, place, edit))

        template = "models" if i % 4 else "runs"
        yield Case("resealed", f"{name}.{edit}", template, COMMANDS[i % 4], change)


PLAN = (*ANALYZE, "--plan", "plan.json")


def plans() -> Iterator[Case]:
    """A plan that was written before, with one place of it changed: a deviation, or a message."""
    for i in range(40):
        name = f"{i:02d}"
        edit = drawn(f"plan {name}", list(EDITS), 1)[0]

        def change(folder: Path, name=name, edit=edit) -> None:
            path = folder / "plan.json"
            plan = json.loads(path.read_text(encoding="utf-8"))
            place = random.Random(f"plan {name}").choice(list(places(plan)))
            path.write_text(json.dumps(edited(plan, place, edit)), encoding="utf-8")

        yield Case("plans", f"{name}.{edit}", "planned", PLAN, change)
