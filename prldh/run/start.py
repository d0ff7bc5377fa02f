"""``prldh init --from``: a study file that runs, guessed from the tables, with every guess marked."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from prldh.core import Blanks, DataError, PrldhError, is_file, same_text, shown
from prldh.data import (
    PLACEHOLDERS,
    ROW_NAMES,
    Table,
    guess_read,
    id_number,
    is_number,
    open_table,
    read_cohort,
    read_features,
    some,
    why_no_numbers,
)
from prldh.data.imaging import Images
from prldh.study import TableRead, new_study_file, read_study, write_study

_ID = re.compile(r"(patient|subject|case|record|study|pat|p)?[ _.-]*(id|nr|no|number|name|code)s?|row\.names|mrn", re.I)
_PATIENT = re.compile(r"(patient|subject|person)([ _.-]*(id|nr|no|number|name|code))?", re.I)
_CENTRE = re.compile(r"(.*[ _.-])?(cent(re|er)|hospital|site|institution|clinic|scanner)([ _.-].*)?", re.I)
_SPLIT = re.compile(r"split|set|partition|subset|fold|(train|training)([ _/.-]*test)?|cohort", re.I)
_OUTCOME = re.compile(
    r"outcome|target|event|label|class|response|respon|recur|relaps|death|dead|died|mortal|status|progress|metasta|malign"
    r"|diagnos|success|failure|^y$|endpoint|case",
    re.I,
)
_NO_OUTCOME = re.compile(r"sex|gender|smok|side|hand|male|female|diabet|hypert|treat|arm", re.I)
_AFTERWARDS = re.compile(r"time|months?|days|follow|surviv|date", re.I)
_CLINICAL = re.compile(
    r"(^|[ _.-])(age|sex|gender|grade|stage|bmi|weight|height|smok\w*|cent(re|er)|split|set)([ _.-]|$)", re.I
)
_SCORE = re.compile(r"rad[ _.-]*score|(.+)[ _.-](rad)?score", re.I)
_EVENTS = (
    "yes", "true", "1", "event", "positive", "pos", "+", "poor", "dead", "died", "death", "relapse", "recurrence",
    "progression", "malignant", "case", "high", "bad", "present",
)  # fmt: skip
_NO_EVENTS = (
    "no", "false", "0", "none", "negative", "neg", "-", "good", "alive", "control", "healthy", "benign", "low",
    "absent",
)  # fmt: skip
_READER = re.compile(r"^(.*?)[ _.-]*(?:reader|rater|observer|obs|r)[ _.-]*([0-9]+|[ab])$", re.I)
_ROMAN = ["I", "II", "III", "IV", "V", "VI"]


@dataclass(frozen=True)
class _Looked:
    """A table, how it is read, and its columns of text by name."""

    path: Path
    read: TableRead
    because: list[str]
    table: Table

    def cells(self, name: str) -> list[str]:
        return [cell for cell in self.table[name] if cell != ""]

    @property
    def is_images(self) -> bool:
        lower = {name.lower() for name in self.table.columns}
        return "image" in lower and bool({"mask", "mask_reader1"} & lower) and len(self.features) < 5

    @cached_property
    def features(self) -> list[str]:
        """Columns that hold numbers of many values."""
        names = [n for n in self.table.columns if n != ROW_NAMES and not n.lower().startswith("diagnostics_")]
        values, _ = self.table.values(names)
        return [n for j, n in enumerate(names) if len(np.unique(values[np.isfinite(values[:, j]), j])) > 5]

    @cached_property
    def outcomes(self) -> dict[str, int]:
        """Columns with two values, and how much their name is that of an outcome."""
        scores = {}
        for name in self.table.columns[:2000]:
            cells = self.cells(name)
            written = set(cells)
            values = {same_text(cell) for cell in written} if len(written) < 10 else written
            if len(values) == 2 and len(cells) > 3:
                score = 2 * bool(_OUTCOME.search(name)) - 2 * bool(_NO_OUTCOME.search(name))
                score -= 3 * bool(_SPLIT.fullmatch(name) or _CENTRE.fullmatch(name))
                scores[name] = score + bool(values & set(_EVENTS))
        return scores


@dataclass
class _Guess:
    """What the study file is made of."""

    clinical: _Looked
    id: str
    outcome: str = ""
    event: str = ""
    why_event: str = ""
    n_events: tuple[int, int] = (0, 0)
    patient: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    covariates: dict[str, Any] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    scores: dict[str, str] = field(default_factory=dict)


def write_study_from(places: Sequence[Path], tables: Sequence[Path]) -> list[str]:
    """Write ``study.yaml`` for tables into a folder; nothing that exists is replaced. The lines say what was guessed,
    and what is to be mended before it runs. Among ``places``, as the command line has them, one is the folder: the
    first, unless it is a file; the others are tables too.

    Raises
    ------
    OutputError
        If ``study.yaml`` is there already or the folder cannot be written.
    DataError
        If a table cannot be read, or no column could be the id or the outcome.
    """
    folder = next((place for place in places if not is_file(place)), places[0])
    paths = [*tables, *(place for place in places if place is not folder)]
    study = new_study_file(folder)
    twice = next((path for i, path in enumerate(paths) if path in paths[:i]), None)
    if twice is not None:
        raise DataError(f"{shown(twice)} is given twice. Give each table once.")
    looked = [_look(path) for path in paths]
    guess = _guess(looked)
    others = [each for each in looked if each is not guess.clinical]
    write_study(study, _write(guess, others, folder))
    return [
        f"wrote {study}",
        f"  id {guess.id}, outcome {guess.outcome}, event {guess.event} ({guess.n_events[0]} of {sum(guess.n_events)})",
        *_try_out(study),
        "look at every line that says `guess`, then:",
        f"  prldh analyze {study} --out {folder / 'results'}",
    ]


def _try_out(path: Path) -> list[str]:
    """What stands in the way of a run, as far as tables tell."""
    try:
        study, folder = read_study(path)
        if any(tissue.images is not None for tissue in study.tissues.values()):
            return []
        cohort, _ = read_cohort(study, folder)
        read_features(study, folder, cohort, Images(), Blanks(allowed=bool(study.transforms), remedy=""))
    except PrldhError as error:
        return [f"  to be mended first: {error}"]
    return [f"  tried: {cohort.n} patients, {len(cohort.excluded)} left out for blanks"]


def _look(path: Path) -> _Looked:
    read, because = guess_read(path)
    table = open_table(path, read)
    missing = _missing_among(table)
    if missing:
        read = read.model_copy(update={"missing": missing})
        because = [*because, "these texts stand where values are expected"]
        table = open_table(path, read)
    return _Looked(path, read, because, table)


def _missing_among(table: Table) -> list[str]:
    """Texts that stand for blanks in columns of numbers or of few levels; a minus beside nothing but plus is a finding
    that is absent, and no blank."""
    found: dict[str, None] = {}
    signs: set[str] = set()
    for name in table.columns[:2000]:
        cells = [cell for cell in table[name] if cell != ""]
        odd = {cell for cell in cells if cell.casefold() in PLACEHOLDERS}
        others = set(cells) - odd
        if others and all(set(cell) == {"+"} for cell in others):
            signs |= odd
        elif others:
            found |= dict.fromkeys(sorted(odd))
    return [text for text in found if text not in signs]


# ---------------------------------------------------------------- guesses


def _guess(looked: Sequence[_Looked]) -> _Guess:
    """The clinical table is the one with the most likely outcome; of alike ones the first with the fewest columns."""
    candidates = [each for each in looked if not each.is_images]
    ranked = sorted(candidates, key=lambda each: (-max(each.outcomes.values(), default=-9), len(each.table.columns)))
    if not ranked or not ranked[0].outcomes:
        names = ", ".join(each.path.name for each in looked)
        raise DataError(
            f"{names}: no column has two values, so none can be the outcome. Give the clinical table, or write the"
            " study file that `prldh init` gives."
        )
    clinical = ranked[0]
    others = [each for each in looked if each is not clinical]
    guess = _Guess(clinical, _id_of(clinical, others))
    scores = {n: s for n, s in clinical.outcomes.items() if n != guess.id}
    if not scores:
        raise DataError(f"{clinical.path.name}: no column beside the id has two values. Give a table with the outcome.")
    guess.outcome = max(scores, key=lambda n: scores[n])
    guess.event, guess.why_event = _event_of(clinical.cells(guess.outcome))
    n = sum(same_text(cell) == same_text(guess.event) for cell in clinical.cells(guess.outcome))
    guess.n_events = (n, len(clinical.cells(guess.outcome)) - n)
    _guess_columns(guess, others)
    return guess


def _id_of(clinical: _Looked, others: Sequence[_Looked]) -> str:
    """The column that tells patients apart, and that every other table has too."""
    shared = [name for name in clinical.table.columns if all(_has_id(each, name) for each in others)]
    own = [name for name in shared if _is_key(clinical.table, name)]
    if not own:
        and_shared = f" and stands in {', '.join(each.path.name for each in others)} as well" if others else ""
        raise DataError(
            f"{clinical.path.name}: no column without blanks and doubled cells could be the id of the"
            f" patients{and_shared}{_nearly_id(clinical.table, shared) or _called_otherwise(clinical, others)}. Give"
            " every row an id, in a column of the same name in all tables."
        )
    own.sort(key=lambda name: name == ROW_NAMES)  # a column with a name of its own is the better one
    named = [name for name in own if _ID.fullmatch(name) or _PATIENT.fullmatch(name)]
    texts = [name for name in own if not all(map(is_number, clinical.table[name]))]
    return (named or texts or own)[0]


def _nearly_id(table: Table, names: Sequence[str]) -> str:
    """What keeps the column that is called like an id from being it: a note beneath the table, a row of units."""
    named = [name for name in names if _ID.fullmatch(name) or _PATIENT.fullmatch(name)]
    if not named:
        return ""
    cells = list(table[named[0]])
    blank = next((i for i, cell in enumerate(cells) if cell == ""), None)
    if blank is not None:
        return f": '{shown(named[0])}' is blank in row {table.rows[blank]}"
    twice = next((i for i, cell in enumerate(cells) if cell in cells[:i]), None)
    return "" if twice is None else f": '{shown(named[0])}' is '{shown(cells[twice])}' again in row {table.rows[twice]}"


def _called_otherwise(clinical: _Looked, others: Sequence[_Looked]) -> str:
    """Where the id has another name: the columns of two tables that hold the same patients."""
    for each in others:
        theirs = {frozenset(each.table[name]): name for name in each.table.columns if _is_key(each.table, name)}
        for name in clinical.table.columns:
            there = theirs.get(frozenset(clinical.table[name]))
            if there is not None and _is_key(clinical.table, name):
                return f": '{shown(name)}' holds the same as '{shown(there)}' of {each.path.name}"
    return ""


def _has_id(each: _Looked, name: str) -> bool:
    return name in each.table or (each.is_images and "patient_id" in each.table)


def _is_key(table: Table, name: str) -> bool:
    cells = list(table[name])
    if name == ROW_NAMES and any(set(cells) == {str(i + first) for i in range(len(cells))} for first in (0, 1)):
        return False  # the place in one table is nobody's id in another
    is_whole = all(not is_number(cell) or float(cell).is_integer() for cell in cells)
    return "" not in cells and len(set(cells)) == len(cells) and is_whole


def _event_of(cells: Sequence[str]) -> tuple[str, str]:
    values = {same_text(cell).casefold(): cell for cell in sorted(set(cells), reverse=True)}
    for value, cell in values.items():
        other = next(v for v in values if v != value)
        if value in _EVENTS or (other in _NO_EVENTS and value not in _NO_EVENTS):
            return cell, "by what it says"
    rarer = min(values, key=lambda v: sum(same_text(cell).casefold() == v for cell in cells))
    return values[rarer], "the rarer of the two values"


def _guess_columns(guess: _Guess, others: Sequence[_Looked]) -> None:
    """Covariates and what is none, from the clinical table."""
    clinical, table = guess.clinical, guess.clinical.table
    has_features = any(not each.is_images for each in others) or bool(_in_one_table(guess))
    ours = set(_in_one_table(guess))
    for name in table.columns:
        cells = clinical.cells(name)
        levels = list(dict.fromkeys(map(same_text, cells)))
        if name in (guess.id, guess.outcome) or name in ours:
            continue
        if name == ROW_NAMES:
            guess.left_out[name] = "names or numbers of rows"
        elif _PATIENT.fullmatch(name) and 1 < len(levels) < len(cells):
            guess.patient = name
        elif _SPLIT.fullmatch(name) and 1 < len(levels) < 12:
            guess.columns["set" if "set" not in guess.columns else name] = name
        elif _CENTRE.fullmatch(name) and 1 < len(levels) <= len(cells) / 2:
            guess.columns["centre" if "centre" not in guess.columns else name] = name
        elif len(levels) < 2 or 2 * len(cells) < len(table):
            guess.left_out[name] = "constant" if len(cells) * 2 >= len(table) else "blank for most"
        elif _AFTERWARDS.search(name) or _tells_outcome(guess, name):
            guess.left_out[name] = "may be known only after the outcome"
        elif all(map(is_number, table.text_of_numbers(name)[table[name].to_numpy() != ""])):
            _guess_number(guess, name, levels, has_features)
        elif set(levels) <= set(_ROMAN):
            guess.covariates[name] = {"type": "ordinal", "levels": [r for r in _ROMAN if r in levels]}
            guess.why[name] = "Roman numerals"
        elif len(levels) <= min(8, len(cells) // 4):
            guess.covariates[name] = "categorical"
            guess.why[name] = f"{len(levels)} levels: {some(levels, 4)}"
        else:
            guess.left_out[name] = why_no_numbers(table, name) or f"{len(levels)} different texts"


def _guess_number(guess: _Guess, name: str, levels: Sequence[str], has_features: bool) -> None:
    score = _SCORE.fullmatch(name)
    if score and len(levels) > 5 and not has_features:
        guess.scores[name] = re.sub(r"[(),]", " ", score[1] or "score").strip()
    elif len(levels) > 5 or not all(float(level.replace(",", ".")).is_integer() for level in levels):
        guess.covariates[name], guess.why[name] = "continuous", f"{len(levels)} different numbers"
    elif len(levels) == 2:
        guess.covariates[name], guess.why[name] = "categorical", f"two whole numbers: {some(levels)}"
    else:
        point = [level.replace(",", ".") for level in levels]
        ordered = [level for _, level in sorted(zip(map(float, point), levels, strict=True))]
        guess.covariates[name] = {"type": "ordinal", "levels": ordered}
        guess.why[name] = "few whole numbers"


def _in_one_table(guess: _Guess) -> list[str]:
    """Features that stand in the clinical table itself: more than thirty columns of numbers."""
    clinical = guess.clinical
    if len([n for n in clinical.features if n not in (guess.id, guess.outcome)]) <= 30:
        return []
    others = {guess.id, guess.outcome, ROW_NAMES}
    names = [
        n for n in clinical.table.columns if n not in others and not (_CLINICAL.search(n) or _AFTERWARDS.search(n))
    ]
    texts = {n for n in names if clinical.table.is_text(n)}
    return [n for n in names if n not in texts and clinical.cells(n)]


def _tells_outcome(guess: _Guess, name: str) -> bool:
    """Whether each value of a column with few values has one outcome."""
    pairs = {(same_text(a), same_text(b)) for a, b in zip(guess.clinical.table[name],
             guess.clinical.table[guess.outcome], strict=True) if a and b}  # fmt: skip
    values = {a for a, _ in pairs}
    return 1 < len(values) <= 8 and len(pairs) == len(values)


# ---------------------------------------------------------------- writing


def _write(guess: _Guess, others: Sequence[_Looked], folder: Path) -> str:
    clinical = guess.clinical
    read = _joined(guess, others)
    lines = [
        "# A prldh study, guessed from its tables. Paths are relative to this file. `prldh schema study` prints every",
        "# key. Look at every line that says `guess`, and correct it.",
        "title: My radiomics study",
        "seed: 20240101",
        "engine: both                     # r, python, or both (R's number is reported, Python's checks it)",
        "",
        "clinical:",
        f"  table: {_yaml(_relative(clinical.path, folder))}   # guess: {_clinical_because(clinical, others)}",
    ]
    if said := _read_keys(read):
        lines.append(f"  read: {said}   # guess: {'; '.join(clinical.because + _joined_because(read))}")
    lines.append(f"  id: {_yaml(guess.id)}   # guess: every row has its own, and every table has the column")
    if guess.patient:
        lines.append(f"  patient: {_yaml(guess.patient)}   # guess: several rows are of one patient")
    lines += [
        f"  outcome: {_yaml(guess.outcome)}   # guess: it has two values",
        f"  event: {_yaml(guess.event)}   # guess: {guess.why_event} ({guess.n_events[0]} of {sum(guess.n_events)})",
    ]
    own = _in_one_table(guess)
    if guess.columns or (own and guess.left_out):
        named = guess.columns | ({name: name for name in guess.left_out} if own else {})
        columns = ", ".join(f"{_yaml(k)}: {_yaml(v)}" for k, v in named.items())
        lines.append(f"  columns: {{{columns}}}   # guess: by their names; no predictors")
    if guess.covariates:
        lines.append("  covariates:")
        lines += [f"    {_yaml(n)}: {_yaml(kind)}   # guess: {guess.why[n]}" for n, kind in guess.covariates.items()]
    lines += [f"    # {_yaml(name)} was left out: {reason}" for name, reason in guess.left_out.items()]
    lines += ["", *_tissue_lines(guess, others, folder), ""]
    if len(clinical.cells(guess.outcome)) < len(clinical.table):
        lines.append("missing_outcome: leave_out   # guess: the outcome has blanks")
    least = min(guess.n_events)
    folds = (
        f"{least}, bootstrap: 1000}}   # guess: the rarer outcome has {least}" if least < 10 else "10, bootstrap: 1000}"
    )
    lines.append(f"validation: {{leave_one_out: true, folds: {folds}")
    return "".join("".join(c if c.isprintable() else " " for c in line) + "\n" for line in lines)


def _clinical_because(clinical: _Looked, others: Sequence[_Looked]) -> str:
    return "it holds the outcome" if others else "it is the only table"


def _joined(guess: _Guess, others: Sequence[_Looked]) -> TableRead:
    """How the clinical table is read, with what the ids of the other tables ask for."""
    own, read = set(guess.clinical.table[guess.id]), guess.clinical.read
    for each in others:
        if guess.id not in each.table:
            continue
        theirs = set(each.table[guess.id])
        as_numbers = {id_number(i) for i in own}, {id_number(i) for i in theirs}
        if not own <= theirs and None not in as_numbers[0] | as_numbers[1] and as_numbers[0] <= as_numbers[1]:
            read, (own_ids, their_ids) = read.model_copy(update={"ids": "number"}), as_numbers
        else:
            own_ids, their_ids = own, theirs
        if their_ids - own_ids and not each.is_images:
            read = read.model_copy(update={"join": "inner"})
    return read


def _joined_because(read: TableRead) -> list[str]:
    why = {"number": "ids are numbers that are written in several ways", "inner": "a table has further patients"}
    return [why[value] for value in (read.ids, read.join) if value in why]


def _tissue_lines(guess: _Guess, others: Sequence[_Looked], folder: Path) -> list[str]:
    taken = {guess.id, guess.outcome, *guess.covariates, *guess.columns, *guess.clinical.table.columns}
    lines: list[str] = []
    for column, name in guess.scores.items():
        lines.append(f"  {_yaml(_free(name, taken - {column}))}: {{radscore: {_yaml(column)}}}   # guess: by its name")
    readers: dict[str, list[_Looked]] = {}
    for each in sorted(others, key=lambda each: each.path.name):
        stem = each.path.name.split(".")[0]
        match = _READER.match(stem)
        readers.setdefault(_tissue_name(match[1] if match else stem), []).append(each)
    has_blanks = False
    for stem, tables in readers.items():
        same = all(set(t.table.columns) == set(tables[0].table.columns) for t in tables)
        for group in [tables] if same else [[t] for t in tables]:
            name = _free(stem, taken)
            named = [_named(t, folder) for t in group]
            why = "; ".join(dict.fromkeys(b for t in group for b in t.because)) or "by the name of the file"
            if group[0].is_images:
                lines += [f"  {_yaml(name)}: {{images: {t}}}   # guess: it has images and masks" for t in named]
                continue
            why += f"; {len(group)} readers" if len(group) > 1 else ""
            lines.append(f"  {_yaml(name)}: {{features: [{', '.join(named)}]}}   # guess: {why}")
            has_blanks |= any(t.table.values(t.features)[1].any() for t in group)
    if own := _in_one_table(guess):
        path = _yaml(_relative(guess.clinical.path, folder))
        said = _read_keys(guess.clinical.read)
        named_own = f"{{path: {path}, read: {said}}}" if said else path
        lines.append(
            f"  {_yaml(_free('tissue', taken))}: {{features: [{named_own}]}}   # guess: {len(own)} columns of numbers"
            " in the clinical table"
        )
        has_blanks |= bool(guess.clinical.table.values(own)[1].any())
    if not lines:
        if not guess.covariates:
            raise DataError(
                f"{guess.clinical.path.name}: beside id and outcome no column could be a covariate or a score. Give a"
                " table of features as well."
            )
        terms = ", ".join(_yaml(name) for name in guess.covariates)
        return [f"models: [{{name: Clinical, terms: [{terms}]}}]   # guess: there are no features and no scores"]
    lines = ["tissues:", *lines]
    if has_blanks:
        lines.append("transforms: [impute: {method: median}]   # guess: some features are blank")
    if any("features" in line or "images" in line for line in lines):
        lines.append("if_empty: best   # guess: where a step leaves no feature, the best one is kept; or stop")
    return lines


def _tissue_name(stem: str) -> str:
    name = re.sub(r"(^|[ _.-])(pyradiomics|radiomics?|features?|table|data)(?=[ _.-]|$)", " ", stem, flags=re.I)
    return re.sub(r"[(),\s]+", " ", name).strip(" _.-") or "tissue"


def _free(name: str, taken: set[str]) -> str:
    """The name, or one like it that nothing else has."""
    free, k = name, 1
    while free in taken:
        k += 1
        free = f"{name} {k}"
    taken.add(free)
    return free


def _named(each: _Looked, folder: Path) -> str:
    path, said = _yaml(_relative(each.path, folder)), _read_keys(each.read)
    return f"{{path: {path}, read: {said}}}" if said else path


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
    except ValueError:  # another drive
        return path.absolute().as_posix()


def _read_keys(read: TableRead) -> str:
    said = read.model_dump(exclude_defaults=True)
    return "{" + ", ".join(f"{key}: {_yaml(value)}" for key, value in said.items()) + "}" if said else ""


def _yaml(value: Any) -> str:
    """A value as a study file holds it."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {_yaml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_yaml, value)) + "]"
    if not isinstance(value, str) or not value.isprintable():
        return json.dumps(value)
    is_plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*( [A-Za-z0-9_./-]+)*", value)
    return (
        value if is_plain and value.lower() not in ("true", "false", "null") else json.dumps(value, ensure_ascii=False)
    )
