"""What a statistic of a model's predictions is: one record, which all that compute, write, read or tell it ask.

The measures of a run travel in its plan; :mod:`prldh.results.measures` holds prldh's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prldh.core.entries import Interval, bare
from prldh.core.references import Reference

#: Cells of the table of predicted (strictly above the threshold) and observed events.
CELLS = ("tp", "fp", "fn", "tn")
#: Places where a measure may stand: a model's entry, its entries of held-out predictions and of the bootstrap, and the
#: calibration that either holds.
APPARENT, HELD_OUT, BOOTSTRAP, CALIBRATION = "apparent", "held_out", "bootstrap", "calibration"
#: Further kinds of schemes whose entries are of held-out predictions: a part of the patients, once or in every repeat.
HOLDOUT, REPEATED_HOLDOUT = "holdout", "repeated_holdout"
#: Aspects of performance, calibration beside them.
DISCRIMINATION, CLASSIFICATION, USEFULNESS = "discrimination", "classification", "usefulness"
HIGHER, LOWER = "higher", "lower"
ENGINES = ("python", "r")


@dataclass(frozen=True)
class Measure:
    """A statistic of a model's predictions.

    Parameters
    ----------
    key
        Its name in ``results.json``.
    label
        As headings of tables have it.
    function
        The statistic of the engines that gives it, a function of that name in ``prldh/stats`` and in ``r/R``.
    places
        Where it stands, and the type of its value there. A type that is marked by
        :class:`~prldh.core.entries.Later` came after the first results were written.
    cells
        Of a statistic of the classification: the function's arguments, each a sum of :data:`CELLS`. Empty: it is of
        the predictions themselves.
    r
        R's own function of this number; empty where R has none.
    computed_by
        The engines that can compute it; a run's engine that cannot has Python's number.
    aspect
        The aspect of performance that it is of.
    name
        As the text and tables of several measures have it.
    methods
        As the Methods name it; empty: they do not.
    references
        Its papers, which the Methods cite.
    direction
        Which values are better, :data:`HIGHER` or :data:`LOWER`; None where neither is: a calibration slope is best
        at 1.
    range
        The least and the largest value that it can have.
    null
        Why it may not exist.
    null_parts
        The same of parts of its value, by their keys.
    resampled
        The setting under ``performance`` that says of how many bootstrap samples a part of its value is made, by the
        part's key; 0 switches the part off, which is then why it is null.
    no_interval
        Why no interval of it is claimed, where there is none.
    table
        The table of the report that shows it, as a column.
    digits, noise, is_p
        How it is shown: decimals, below which size it is 0, and whether it is a p-value.
    """

    key: str
    label: str
    function: str
    places: Mapping[str, Any]
    cells: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    r: str = ""
    computed_by: tuple[str, ...] = ENGINES
    aspect: str = ""
    name: str = ""
    methods: str = ""
    references: tuple[Reference, ...] = ()
    direction: str | None = None
    range: tuple[float, float] = (float("-inf"), float("inf"))
    null: str = ""
    null_parts: Mapping[str, str] = field(default_factory=dict)
    resampled: Mapping[str, str] = field(default_factory=dict)
    no_interval: str = ""
    table: str = ""
    digits: int = 3
    noise: float = 0.0
    is_p: bool = False

    def kind(self, place: str) -> Any:
        """The type of its value at a place."""
        return bare(self.places[place])

    def has_interval(self, place: str) -> bool:
        """Whether an interval is claimed there, of a confidence level that its function is given."""
        kind = self.kind(place)
        return isinstance(kind, type) and issubclass(kind, Interval)


def at(place: str, measures: Iterable[Measure]) -> tuple[Measure, ...]:
    """The measures that stand at a place, in order."""
    return tuple(m for m in measures if place in m.places)
