"""The cases of one patient as they were measured: whoever explains values needs what they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from prldh.core import Case, CaseRow
from prldh.data.imaging.consensus import consensus_mask
from prldh.data.imaging.lesions import shares_of_regions
from prldh.data.imaging.read import load_case
from prldh.data.imaging.stepping import apply_steps, choose_steps
from prldh.plugins import Registry
from prldh.study import Study


def cases_as_measured(
    study: Study, folder: Path, rows: Sequence[CaseRow], is_by_volume: bool
) -> list[tuple[Case, float]]:
    """Each of a patient's cases that counts, as sources were given it, and its share in the patient's row.

    The case's one mask is the one that values are of: the consensus of the readers, or the first reader's. Shares are
    not scaled; ``is_by_volume``: whether the source weights regions by volume.

    Raises
    ------
    DataError
        If an image or mask cannot be read or processed.
    """
    tissue = rows[0].tissue
    settings = study.tissues[tissue]
    cases = []
    for row in rows:
        case = load_case(row, study.imaging)
        used = case.masks[0] if settings.consensus is None else consensus_mask(case.masks, settings.consensus)
        cases.append(replace(case, masks=(used,)))
    volumes = [float(case.masks[0].sum() * np.prod(case.image.geometry.spacing_mm)) for case in cases]
    shares = shares_of_regions(rows, volumes, settings.lesions, is_by_volume)
    steps = choose_steps(study, tissue, Registry(), folder)
    return [
        (apply_steps(case, steps), float(share))
        for case, share in zip(cases, np.ones(len(cases)) if shares is None else shares, strict=True)
        if share > 0
    ]
