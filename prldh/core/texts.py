"""When two texts say one value."""

from __future__ import annotations

import re

#: A whole number as spreadsheets and pandas write it again.
_WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")


def same_text(text: str) -> str:
    """Text for comparing values: ``1`` is ``1.0``, as one becomes the other on the way through programs; ``yes``,
    ``no``, ``true`` and ``false`` whatever their case. All else stays as written: ``4E1`` is not 40, nor ``01`` 1.

    Examples
    --------
    >>> [same_text(text) for text in ("1.0", "1", "01", "4E1", "Yes")]
    ['1', '1', '01', '4E1', 'yes']
    """
    text = str(text).strip()
    if text.lower() in ("yes", "no", "true", "false"):
        return text.lower()
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text
