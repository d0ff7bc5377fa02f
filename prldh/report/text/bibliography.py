"""References in words and as BibTeX."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from string import ascii_lowercase

from prldh.core import Reference

#: Combining accents, and LaTeX's signs for them.
ACCENTS = {"\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0308": '"'}
#: BibTeX's name for where something was published, by kind.
PLACES = {
    "article": "journal",
    "inproceedings": "booktitle",
    "incollection": "booktitle",
    "book": "publisher",
    "manual": "organization",
}


def in_words(r: Reference, version: str | None = None) -> str:
    """A reference as a list of references shows it; ``version`` of a program."""
    names = [name.strip("{}").split(", ") for name in r.authors.split(" and ")]
    shown = [
        (
            "et al."
            if name == ["others"]
            else (
                " ".join([name[0], "".join(part[0] for part in name[1].replace(".", " ").split())])
                if len(name) > 1
                else name[0]
            )
        )
        for name in names
    ]
    who = ", ".join(shown).replace(", et al.", " et al.")
    when = "; ".join(str(part) for part in (r.year or None, r.volume) if part)
    where = f"{r.where}{' ' + when if when else ''}{':' + r.pages if r.pages else ''}"
    where += f", version {version}" if version else ""
    link = f" doi:{r.doi}" if r.doi else f" {r.url}" if r.url else ""
    return f"{who.removesuffix('.')}. {r.title}. {where}.{link}".replace(" -- ", " – ").replace("--", "–")


def as_bibtex(references: Iterable[Reference], versions: Mapping[str, str] | None = None) -> str:
    """Entries of ``references.bib``, in the order given. Titles keep their capitals."""
    return "\n".join(_entry(r, (versions or {}).get(r.key)) for r in _with_keys_of_their_own(references))


def _with_keys_of_their_own(references: Iterable[Reference]) -> Iterator[Reference]:
    """Two plugins may give two papers one key."""
    taken: set[str] = set()
    for r in references:
        key = next(key for key in (r.key, *(f"{r.key}{c}" for c in ascii_lowercase)) if key not in taken)
        taken.add(key)
        yield r if key == r.key else replace(r, key=key)


def _entry(r: Reference, version: str | None) -> str:
    place = PLACES.get(r.kind, "howpublished")
    fields = {
        "author": r.authors,
        "title": f"{{{r.title}}}",
        place: r.where,
        "year": str(r.year) if r.year else "",
        "volume": r.volume,
        "pages": r.pages,
        "doi": r.doi,
        "url": r.url,
        "note": f"Version {version}" if version else "",
    }
    lines = [f"  {name} = {{{_escaped(value) if name != 'doi' else value}}}" for name, value in fields.items() if value]
    return f"@{r.kind}{{{r.key},\n" + ",\n".join(lines) + "\n}\n"


def _escaped(text: str) -> str:
    """As LaTeX without any encoding has it: ``é`` as ``{\\'e}``."""
    text = text.replace("&", r"\&").replace("%", r"\%")
    return "".join(_accented(c) for c in text)


def _accented(character: str) -> str:
    if character.isascii():
        return character
    letter, *accents = list(unicodedata.normalize("NFD", character))
    return f"{{\\{ACCENTS[accents[0]]}{letter}}}" if len(accents) == 1 and accents[0] in ACCENTS else character
