"""Takes numbers and names out of ``results.json`` for the text, as journals print them, and notes where each stood."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from prldh.core import REFERENCES, Reference, plain, without_rounding
from prldh.pages import digits_of_interval, p_text, typeset
from prldh.report.ways import set_in_words
from prldh.results import TOKEN, Place, Sentence, Words, cited_keys


class Writer:
    """Takes values out of the results, rounded, and notes where each stood (``facts``) and which papers were cited
    (``cited``). ``words``: what the objects behind the run say of themselves."""

    def __init__(self, data: Mapping[str, Any], words: Words, program: str = "") -> None:
        self.data, self.words, self.program = data, words, program
        self.facts: list[tuple[str, str, Place]] = []
        self.cited: list[Reference] = []

    def at(self, path: Place) -> Any:
        value: Any = self.data
        for key in path:
            value = value[key]
        return value

    def note(self, shown: str, kind: str, path: Place) -> str:
        self.facts.append((shown, kind, path))
        return shown

    def number(self, *path: Any, digits: int = 3) -> str:
        return self.note(typeset(plain(self.at(path), digits)), f"decimals {digits}", path)

    def exact(self, *path: Any) -> str:
        """A setting, as short as it goes."""
        value = self.at(path)
        return self.note(str(value) if isinstance(value, int) else f"{value:g}", "exact", path)

    def percent(self, *path: Any) -> str:
        """A share of 1 as a percentage, as short as it goes: of a confidence level."""
        return self.note(f"{100 * self.at(path):g}", "percent", path)

    def share(self, part: Place, whole: Place) -> str:
        return self.note(f"{100 * self.at(part) / self.at(whole):.1f}", "share", (part, whole))

    def count(self, *path: Any) -> str:
        return self.note(str(len(self.at(path))), "count", path)

    def times(self, *path: Any) -> int:
        """How many entries of the list have the same as this one there."""
        *place, _, key = path
        return sum(each[key] == self.at(path) for each in self.at(tuple(place)))

    def set_at(self, *path: Any) -> str:
        """What is set of a step, or learner, that stands there with its name."""
        return self.note(set_in_words(self.at(path).partition(": ")[2]), "set", path)

    def alike(self, *path: Any) -> str:
        """The same as the text shows it."""
        return self.note(str(self.times(*path)), "alike", path)

    def name(self, *path: Any) -> str:
        return self.note(" ".join(str(self.at(path)).split()), "text", path)

    def variable(self, *path: Any) -> str:
        """A covariate by its label."""
        return self.note(self.words.variables.label(self.at(path)), "variable", path)

    def key(self, *path: Any) -> str:
        """The name that a key of the results is."""
        return self.note(str(path[-1]), "key", path)

    def covariate(self, *path: Any) -> str:
        """The covariate that a key of the results names, by its label."""
        return self.note(self.words.variables.label(str(path[-1])), "covariate", path)

    def label(self, place: Place) -> str:
        """A model in quotation marks, and that it is adjusted."""
        return f"“{self.name(*place, 'name')}”{' (adjusted)' if self.at((*place, 'adjusted')) else ''}"

    def p(self, *path: Any) -> str:
        shown = p_text(self.at(path))
        self.note(shown.removeprefix("< ").removeprefix("> "), "p", path)
        return f"p {shown}" if shown[0] in "<>" else f"p = {shown}"

    def interval(self, *path: Any, keys: tuple[str, str, str] = ("estimate", "low", "high")) -> str:
        """``0.857 (95% CI 0.797 to 0.918)``; without limits where there are none; fewer decimals where the estimate is
        large."""
        entry = self.at(path)
        values = [entry.get(key) for key in keys]
        digits = digits_of_interval(dict(zip(("estimate", "low", "high"), values, strict=True)))
        middle, low, high = (
            typeset(plain(value, digits)) for value in without_rounding(values[0], values[1], values[2])
        )
        self.note(middle, f"decimals {digits}", (*path, keys[0]))
        if values[1] is None or values[2] is None or values[1] == values[2]:  # what has no width is none
            return f"{middle} (no interval)"
        level = self.percent("study", "settings", "performance", "confidence")
        for shown, key in ((low, keys[1]), (high, keys[2])):
            self.note(shown, f"decimals {digits}", (*path, key))
        return f"{middle} ({level}% CI {low} to {high})"

    def cite(self, *works: str | Reference) -> str:
        """`` [1, 2]``; the core's own references by their keys."""
        references = [REFERENCES[work] if isinstance(work, str) else work for work in works]
        self.cited += [r for r in dict.fromkeys(references) if r not in self.cited]
        return f" [{', '.join(str(self.cited.index(r) + 1) for r in references)}]"

    def fill(self, sentence: Sentence) -> str:
        """An object's sentence with its values and citations."""

        def put(match: re.Match[str]) -> str:
            if match[2]:
                return self.cite(*(sentence.references[key] for key in cited_keys(match[2])))
            place = sentence.places[match[1]]
            return self.name(*place) if isinstance(self.at(place), str) else self.exact(*place)

        return TOKEN.sub(put, sentence.text)

    def settings(self, *path: str) -> Any:
        """A setting of the study, or None where it (or what holds it) is not there."""
        value: Any = self.data["study"]["settings"]
        for key in path:
            value = (value or {}).get(key)
        return value

    def selected_tissues(self) -> list[str]:
        return [name for name, t in self.data["tissues"].items() if t["selection"]]


def listed(parts: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; with semicolons where a part has a comma of its own."""
    comma = ";" if len(parts) > 2 and any("," in part for part in parts) else ","
    return (
        parts[0]
        if len(parts) == 1
        else f"{f'{comma} '.join(parts[:-1])}{comma if comma == ';' else ''} and {parts[-1]}"
    )
