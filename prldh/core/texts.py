"""When two texts say one value."""

from __future__ import annotations

import re
import unicodedata

#: A whole number as spreadsheets and pandas write it again.
_WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")
#: Characters without a width of their own, and the spaces that look like one.
_UNSEEN = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]")
_SPACE = re.compile("[\t\u00a0\u2000-\u200a\u202f\u205f\u3000]")


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
