"""The features of new patients as the fitted steps of a tissue are given them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from prldh.chain import Table
from prldh.core import Fitted, FittedStep, ImageValues, positions, take_columns
from prldh.data.imaging import TissueImages

#: Source → the columns and values of single images.
SingleImages = Mapping[str, tuple[tuple[str, ...], ImageValues]]


@dataclass(frozen=True)
class ScoreInputs:
    """What a ``score`` reads of patients: ``values`` (n, k), columns ``names``."""

    score: Fitted
    names: tuple[str, ...]
    values: np.ndarray

    def take(self, rows: np.ndarray) -> ScoreInputs:
        """The patients in ``rows`` (m,) alone."""
        return ScoreInputs(self.score, self.names, self.values[rows])


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
