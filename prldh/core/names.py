"""The name that somebody may have meant."""

from __future__ import annotations

import difflib
from typing import Any

#: Comparing takes as long as both names' lengths multiplied.
LONGEST = 500


def nearest(name: str, known: Any) -> str | None:
    """The known name most like ``name``, or None where nothing is near, as of a text that is no name."""
    if len(str(name)) > LONGEST:
        return None
    lowered = {str(k).lower(): str(k) for k in known if len(str(k)) <= LONGEST}
    match = difflib.get_close_matches(str(name).lower(), list(lowered), n=1, cutoff=0.6)
    return lowered[match[0]] if match else None
