"""A file's own checksum, in the file: whether it is as it was written can be told wherever it lies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from prldh.core.jsonable import clean

#: The key that holds it.
SEAL = "sha256"


def seal_of(content: Mapping[str, Any]) -> str:
    """The digest of a file's content less its own checksum, whatever the order of its keys and its spaces.

    Examples
    --------
    >>> seal_of({"a": 1, "b": 2}) == seal_of({"b": 2, "a": 1, "sha256": "..."})
    True
    """
    own = {key: value for key, value in content.items() if key != SEAL}
    return hashlib.sha256(
        json.dumps(own, sort_keys=True, ensure_ascii=False).encode("utf-8", "surrogatepass")
    ).hexdigest()


def sealed(content: Any) -> dict[str, Any]:
    """The content as plain JSON values, with its checksum."""
    plain = clean(content)
    return {**plain, SEAL: seal_of(plain)}
