"""Whether batches can be told from what is kept, and from the outcome."""

from __future__ import annotations

import numpy as np

from prldh.chain.transforms.without_batches import as_texts, name_some
from prldh.core import Columns, DataError, StudyError, Subjects, Warn, is_blank, warn

#: Levels of a kept column per patient, above which it is a number or a name and no group.
MOST_LEVELS = 0.2
#: A column of the design that the others give but for this share of its length is determined by them.
DETERMINED = 1e-8
#: A chi-square test of batch and outcome below this is told.
CONFOUNDED = 0.05


def check_kept(columns: Columns, name: str, subjects: Subjects | None, where: str) -> None:
    """That a kept column is there, whole, and no outcome; ``subjects`` where it is everyone's.

    Raises
    ------
    StudyError, DataError
    """
    if name not in columns:
        raise StudyError(
            f"{where}: '{name}' is not among clinical.columns and covariates"
            f" ({', '.join(columns) or 'there are none'}). Declare it there; the outcome cannot be kept."
        )
    values = np.asarray(columns[name])
    blank = is_blank(values)
    if blank.any():
        raise DataError(
            f"{where}: '{name}' is blank for {blank.sum()} of {blank.size} patients, and what it explains cannot be"
            " kept for them. Fill it in, or leave it out of keep."
        )
    if subjects is None or values.dtype.kind == "f":
        return
    texts = as_texts(values)
    levels = sorted(set(texts))
    if len(levels) > 2 and len(levels) > MOST_LEVELS * len(texts):
        raise StudyError(
            f"{where}: '{name}' has {len(levels)} values in {len(texts)} patients, each of which would be a group."
            " Declare a number as a continuous covariate."
        )
    events = [set(subjects.outcome[texts == level].tolist()) for level in levels]
    if len(levels) == 2 and all(len(own) == 1 for own in events) and events[0] != events[1]:
        raise StudyError(
            f"{where}: '{name}' says the outcome of every patient ('{levels[0]}' and '{levels[1]}'), which cannot be"
            " kept. Leave it out."
        )


def determined_by(base: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Which columns of ``more`` (n, q) those of ``base`` (n, b) and the ones before them determine (q,)."""
    determined = np.zeros(more.shape[1], dtype=bool)
    for j, column in enumerate(more.T):
        away = column - column.mean()
        length = float(np.linalg.norm(away))
        rest = away - base @ np.linalg.lstsq(base, away, rcond=None)[0] if length > 0 else away
        determined[j] = not np.linalg.norm(rest) > DETERMINED * length
        if not determined[j]:
            base = np.column_stack([base, away / length])
    return determined


def values_by_batch(batch: np.ndarray, values: np.ndarray) -> str:
    """What values a kept column has in each batch, in words."""
    values = np.asarray(values)
    if values.dtype.kind == "f":
        told = [f"{b} {values[batch == b].min():g} to {values[batch == b].max():g}" for b in sorted(set(batch))]
    else:
        texts = as_texts(values)
        told = [f"{b} {', '.join(sorted(set(texts[batch == b])))}" for b in sorted(set(batch))]
    return " " + "; ".join(told[:6]) + (" …" if len(told) > 6 else "")


def tell_of_outcome(name: str, batch: np.ndarray, subjects: Subjects) -> tuple[Warn, ...]:
    """A warning, with the table, where the outcome differs between batches."""
    found = sorted(set(batch))
    n = np.array([int((batch == each).sum()) for each in found])
    events = np.array([int(subjects.outcome[batch == each].sum()) for each in found])
    if not 0 < events.sum() < n.sum():
        return ()
    from scipy.stats import chi2_contingency

    p = float(chi2_contingency(np.array([events, n - events]), correction=False).pvalue)
    alone = [each for each, e, m in zip(found, events, n, strict=True) if e in (0, m)]
    if not alone and p >= CONFOUNDED:
        return ()
    listed = ", ".join(f"{each} {e} of {m}" for each, e, m in zip(found, events, n, strict=True))
    return (
        warn.BATCH_CONFOUNDED(
            batch=name, listed=listed, p=p, alone=f"; one outcome alone in {name_some(alone)}" if alone else ""
        ),
    )
