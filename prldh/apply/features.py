"""The features of new patients as the fitted steps of a tissue are given them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from prldh.chain import Table
from prldh.core import Fitted, FittedStep, ImageValues, LinearScore, Warn, positions, take_columns, warn
from prldh.data import some
from prldh.data.imaging import TissueImages

#: A feature whose mean lies farther than this from the study's, in SD of the study's patients, is told.
STRANGE = 3.0

#: Source → the columns and values of single images.
SingleImages = Mapping[str, tuple[tuple[str, ...], ImageValues]]


def single_images(
    chain: Sequence[FittedStep], measured: TissueImages, wanted: Sequence[str], rows: np.ndarray
) -> SingleImages:
    """The first reader's single images of sources in which a step chooses among them: their columns that are
    ``wanted``, and the patients in ``rows`` (m,) of what was measured."""
    choosing = {step.source for step in chain if step.fitted.kind == "chooses images"}
    images = {}
    for source, readers in measured.images.items():
        if source in choosing:
            own = [name for name, of in zip(measured.names, measured.sources, strict=True) if of == source]
            names = tuple(name for name in own if name in wanted)
            images[source] = names, readers[0].of_rows(rows).take(positions(own, names))
    return images


def tables_for(
    chain: Sequence[FittedStep], wanted: Sequence[str], values: np.ndarray, images: SingleImages
) -> dict[str | None, Table]:
    """The columns ``wanted`` (n, k) by source. Where no source is known of a column, every source's steps find it by
    its name."""
    everything = Table(values, tuple(wanted))
    sources = [step.source for step in chain if step.source is not None]
    tables: dict[str | None, Table] = {source: everything for source in sources or (None,)}
    for source, (names, single) in images.items():
        tables[source] = Table(take_columns(values, wanted, names), names, single)
    return tables


def tell_of_strange(tissue: str, score: Fitted, values: np.ndarray) -> list[Warn]:
    """A warning of features whose mean lies far from the study's: seldom are these other patients. ``values`` (n, k)
    are those that the score reads."""
    if not isinstance(score, LinearScore) or not len(values):
        return []
    distances = np.abs(values.mean(axis=0) - score.center) / score.scale
    listed = some(f"{f} ({d:.1f} SD)" for f, d in zip(score.names, distances, strict=True) if d > STRANGE)
    return [warn.FAR_FEATURES(tissue=tissue, listed=listed, limit=STRANGE)] if listed else []
