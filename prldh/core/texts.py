"""When two texts say one value, and what of a value a message shows."""

from __future__ import annotations

import re
import reprlib
import unicodedata
from collections.abc import Iterable

#: A whole number as spreadsheets and pandas write it again.
_WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")
#: Characters without a width of their own, and the spaces that look like one.
_UNSEEN = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_SPACE = re.compile("[\t\u00a0\u2000-\u200a\u202f\u205f\u3000]")
#: Columns of a terminal for which what a command prints is laid out.
TERMINAL_COLUMNS = 80
#: The most characters of what somebody wrote that a message repeats.
LIMIT = 80


def shown(value: object, limit: int = LIMIT) -> str:
    """A value as messages show it: at most ``limit`` characters, all of which print.

    What a terminal would obey or nobody would see (control characters, marks of direction, halves of characters) is
    written as Python escapes it. Text has no quotes around it; lists and mappings are Python's, cut short.

    Examples
    --------
    >>> [shown(value) for value in ("\x1b[31mred", "é", 1.5, ["a", None])]
    ['\\\\x1b[31mred', 'é', '1.5', "['a', None]"]
    >>> shown("a" * 1000, limit=8)
    'aaaaa...'
    """
    text = value if isinstance(value, str) else _written(value)
    printed = printable(text[: limit + 1])
    return printed if len(printed) <= limit else printed[: max(limit - 3, 0)] + "..."


def quoted(value: object) -> str:
    """The same, with quotes around text, so that ``'1'`` is told from ``1``."""
    return f"'{shown(value)}'" if isinstance(value, str) else shown(value)


def listed(names: Iterable[object], most: int = 20) -> str:
    """Names in a row as a message shows them: the first ones, and how many more there are.

    Examples
    --------
    >>> listed(["age", "sex"]), listed(range(100), most=2)
    ('age, sex', '0, 1 and 98 more')
    """
    every = list(names)
    rest = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(shown(name) for name in every[:most]) + rest


def printable(text: str, keep: str = "") -> str:
    """A line in which what does not print, but for the characters to keep, is written as Python escapes it: a line of a
    terminal or a log is one line, whatever names are in it."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else repr(c)[1:-1] for c in text)


def in_lines(lines: Iterable[str]) -> str:
    """Lines as one text, of which each is one line whatever names are in it.

    Examples
    --------
    >>> in_lines(["report: a\\nb.html", "1 warning"])
    'report: a\\\\nb.html\\n1 warning'
    """
    return "\n".join(printable(line) for line in lines)


#: The longest path in a message, and the longest message.
_PATH, _MESSAGE = 240, 4000
_LONG_WORD = re.compile(rf"[^\s'\"`]{{{LIMIT + 1},}}")


def legible(message: str) -> str:
    """A message of whatever parts, as it may be printed: one line, nothing in it that a terminal would obey, no word
    longer than :data:`LIMIT` (paths are longer, and are cut in their middle), and an end, so that what to do is seen.
    Cells and names are cut where they enter it, by :func:`shown`; this is what holds where that was forgotten.

    Examples
    --------
    >>> legible("the id '\x1b[31m' is blank."), len(legible("a" * 1_000_000))
    ("the id '\\\\x1b[31m' is blank.", 80)
    """
    if len(message) > 64 * _MESSAGE:
        message = f"{message[: 32 * _MESSAGE]}...{message[-32 * _MESSAGE :]}"
    message = printable(_LONG_WORD.sub(_cut, message))
    return message if len(message) <= _MESSAGE else f"{message[: _MESSAGE - 1000]} ... {message[-900:]}"


def _cut(word: re.Match[str]) -> str:
    if "/" not in word[0] and "\\" not in word[0]:
        return f"{word[0][: LIMIT - 3]}..."
    return word[0] if len(word[0]) <= _PATH else f"{word[0][:LIMIT]}...{word[0][-LIMIT:]}"


def _written(value: object) -> str:
    """A value that is no text, whatever its size: Python refuses to write an integer of 5,000 digits."""
    if isinstance(value, int) and value.bit_length() > 1000:
        return f"a number of {int(value.bit_length() * 0.30103) + 1:,} digits"
    if not isinstance(value, (list, tuple, set, frozenset, dict)):
        return str(value)
    writer = _Writer()
    writer.maxlevel, writer.maxstring, writer.maxother = 4, LIMIT + 1, LIMIT + 1
    writer.maxlist = writer.maxtuple = writer.maxset = writer.maxfrozenset = writer.maxdict = LIMIT // 2
    return writer.repr(value)


class _Writer(reprlib.Repr):
    """Python's way to write what is nested, up to a depth and a length."""

    def repr_int(self, x: int, level: int) -> str:
        return _written(x)


#: Letters of other alphabets that print as Latin ones do.
_LATIN = str.maketrans(
    "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0405"
    "\u0406\u0408\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458"
    "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f"
    "\u03a1\u03a4\u03a5\u03a7\u03bf\u03bd\u2010\u2011\u2012\u2013\u2212",
    "ABEKMHOPCTXSIJaeopcyxsijABEZHIKMNOPTYXov-----",
)


def to_the_eye(text: str) -> str:
    """A text as it looks: without what has no width, with one kind of space, and with Latin letters for those of other
    alphabets that print the same.

    Examples
    --------
    >>> to_the_eye("\\u0420\\u200b01\\u00a0 a") == "P01 a"
    True
    """
    if text.isascii():
        return " ".join(text.split())
    return " ".join(_UNSEEN.sub("", unicodedata.normalize("NFC", text)).translate(_LATIN).split())


def same_text(text: str) -> str:
    """Text for comparing values: ``1`` is ``1.0``, as one becomes the other on the way through programs; ``yes``,
    ``no``, ``true`` and ``false`` whatever their case; and what nobody can see the difference of, which is the form of
    an accent in Unicode, characters without a width and kinds of space. All else stays as written: ``4E1`` is not 40,
    nor ``01`` 1, nor ``Male`` ``male``.

    Examples
    --------
    >>> [same_text(text) for text in ("1.0", "1", "01", "4E1", "Yes", "e\u0301t\u00e9 1\u200b")]
    ['1', '1', '01', '4E1', 'yes', 'été 1']
    """
    text = str(text)
    if not text.isascii():
        text = _UNSEEN.sub("", _SPACE.sub(" ", unicodedata.normalize("NFC", text)))
    text = text.strip()
    if text.lower() in ("yes", "no", "true", "false"):
        return text.lower()
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text
