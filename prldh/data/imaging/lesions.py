"""Several lesions of a patient: how much each counts in the patient's row, and how many there were."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prldh.core import CaseRow


@dataclass(frozen=True)
class Lesions:
    """How many lesions of how many patients were measured, how many patients have ``several`` and the ``most`` of one.

    ``combined``: how those of one id became a row, as the study file says it (``by_source``: as each source combines
    regions); None where every lesion is a row of its own.
    """

    combined: str | None
    n: int
    n_patients: int
    n_several: int
    most: int


def shares_of_regions(
    rows: Sequence[CaseRow], volumes_mm3: Sequence[float], lesions: str | None, is_by_volume: bool
) -> np.ndarray | None:
    """How much each of an id's regions (k,) counts in its mean, 0: not at all; None: all alike.

    Parameters
    ----------
    rows : sequence of CaseRow
        Regions with one ``lesion`` are one lesion; where it is None, each is one.
    volumes_mm3 : sequence of float
    lesions : str, optional
        ``mean``; ``volume``, weighted by it; ``largest``; ``three_largest``, weighted by volume. All that tie for the
        last place are in. None: regions count, whatever lesion they are of.
    is_by_volume : bool
        Whether regions, those of one lesion where ``lesions`` is given, are weighted by volume.

    References
    ----------
    Chang E et al. (2021) Sci Rep 11:9758, which compares the four.

    Examples
    --------
    >>> from pathlib import Path
    >>> rows = [CaseRow("liver", "P1", i, Path("a.nii"), (Path("b.nii"),), label=i) for i in (1, 2, 3, 4)]
    >>> shares_of_regions(rows, [3.0, 1.0, 5.0, 2.0], "three_largest", False)
    array([3., 0., 5., 2.])
    >>> shares_of_regions(rows, [3.0, 1.0, 5.0, 2.0], "largest", False)
    array([0., 0., 1., 0.])
    """
    volumes = np.asarray(volumes_mm3, dtype=np.float64)
    if lesions is None:
        return volumes if is_by_volume else None
    names = [(row.lesion,) if row.lesion is not None else (None, k) for k, row in enumerate(rows)]
    lesion = np.array([list(dict.fromkeys(names)).index(name) for name in names])
    volume = np.bincount(lesion, weights=volumes)
    if lesions in ("largest", "three_largest"):
        place = min(3 if lesions == "three_largest" else 1, volume.size)
        is_in = volume >= np.sort(volume)[-place]
    else:
        is_in = np.ones(volume.size, dtype=bool)
    share = np.where(is_in, volume if lesions in ("volume", "three_largest") else 1.0, 0.0)
    if volume.size == len(rows):
        return share[lesion]
    within = volumes / volume[lesion] if is_by_volume else 1 / np.bincount(lesion)[lesion]
    return share[lesion] * within


def count_lesions(rows: Sequence[CaseRow], combined: str | None, patient_of: Mapping[str, str]) -> Lesions:
    """How many lesions the measured ``rows`` are of; ``patient_of``: id → patient, where ids are lesions'."""
    of_id: dict[str, set[object]] = defaultdict(set)
    for row in rows:
        of_id[row.patient].add((row.lesion,) if row.lesion is not None else row.line)
    n_of: Counter[str] = Counter()
    for patient, own in of_id.items():
        n_of[patient_of.get(patient, patient)] += len(own)
    is_combined = any(len(own) > 1 for own in of_id.values())
    return Lesions(
        (combined or "by_source") if is_combined else None,
        sum(n_of.values()),
        len(n_of),
        sum(n > 1 for n in n_of.values()),
        max(n_of.values(), default=0),
    )
