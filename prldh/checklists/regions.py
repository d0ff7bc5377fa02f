"""Several lesions and several readers, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: What ``lesions.combined`` of a tissue says where each source combines a patient's regions as its settings say.
BY_SOURCE = "by_source"
LESION_WAYS = {
    "mean": "their mean",
    "volume": "their mean weighted by volume",
    "largest": "the largest alone",
    "three_largest": "the mean of the three largest weighted by volume",
    BY_SOURCE: "as each source combines regions",
}
CONSENSUS_WAYS = {
    "staple": "STAPLE (inside is a probability above one half)",
    "majority": "majority (inside is what more than half of the readers have inside)",
    "intersection": "intersection (inside is what all readers have inside)",
}


def lesions_in_words(lesions: Mapping[str, Any]) -> str:
    """How many, of how many patients, and how those of a patient became one row.

    Examples
    --------
    >>> lesions_in_words({"n": 5, "n_patients": 3, "n_several": 1, "most": 3, "combined": "largest"})
    '5 lesions of 3 patients, 1 with several (3 at most); a patient is the largest alone'
    """
    n, n_patients, several = lesions["n"], lesions["n_patients"], lesions["n_several"]
    counted = f"{n} lesion{'s' * (n != 1)} of {n_patients} patient{'s' * (n_patients != 1)}"
    if not several:
        return counted
    counted += f", {several} with several ({lesions['most']} at most)"
    if lesions["combined"] is None:
        return f"{counted}; each lesion is a row, and those of a patient are never parted"
    return f"{counted}; a patient is {LESION_WAYS[lesions['combined']]}"
