"""The checks of image steps: what :class:`prldh.plugins.interfaces.ImageStep` promises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from prldh.core import Case, DataError
from prldh.data.imaging import ChosenStep, problem_of
from prldh.testing.cases import make_case
from prldh.testing.fresh import CARRIES, carries_nothing
from prldh.testing.parts import (
    NAMED,
    TRAVELS,
    UNKNOWN,
    WORDS,
    has_name_and_version,
    in_other_weather,
    read_settings,
    refuses_unknown_keys,
    require,
    travels,
    unchangeable,
)
from prldh.testing.words import results_of_image_step, say_what_the_report_can_use


def _case(readers: int = 2, shape: tuple[int, int, int] = (9, 30, 32)) -> Case:
    """Of magnitudes, brighter within the masks' surroundings, as an image of MRI is."""
    made = make_case(readers=readers, shape=shape)
    z, y, x = np.ogrid[tuple(slice(0, n) for n in shape)]
    body = ((y - 15) / 13) ** 2 + ((x - 15) / 14) ** 2 <= 1
    values = np.abs(made.image.values) + np.int16(600) * body + np.zeros_like(z, dtype=np.int16)
    return replace(made, image=replace(made.image, values=unchangeable(values.astype(np.int16))))


def _apply(step: Any, raw: Any, case: Case) -> Case:
    settings = read_settings(step, raw)
    after = step.apply(case, settings)
    problem = problem_of(ChosenStep(step, settings, {}, ""), case, after)
    require(problem is None, f"it {problem}")
    require(bool(np.isfinite(after.image.values).all()), "it leaves voxels that are NaN or infinite")
    require(all(bool(mask.any()) for mask in after.masks), "it leaves nothing of a mask")
    given: Case = after
    return given


def _gives_a_case(step: Any, raw: Any) -> None:
    for readers in (1, 2):
        case = _case(readers)
        after = _apply(step, raw, case)
        require(
            (after.patient, after.tissue, after.line) == (case.patient, case.tissue, case.line),
            "it gives the case of another patient, tissue or line",
        )


def _is_of_this_case_alone(step: Any, raw: Any) -> None:
    """What it gave for another case before, and the state of the world, are nothing to it."""
    first = _apply(step, raw, _case())
    _apply(step, raw, replace(_case(shape=(10, 33, 31)), patient="P2"))
    second = in_other_weather(lambda: _apply(step, raw, _case()))
    is_same = np.array_equal(first.image.values, second.image.values) and all(
        np.array_equal(a, b) for a, b in zip(first.masks, second.masks, strict=True)
    )
    require(is_same, "the same case a second time gave another; it may depend on nothing but the case and its settings")


def _carries_nothing(step: Any, raw: Any) -> None:
    def processing(case: Case) -> Callable[[Any], Callable[[], bytes]]:
        def process(own: Any) -> Callable[[], bytes]:
            after = _apply(own, raw, case)
            return lambda: b"".join(array.tobytes() for array in (after.image.values, *after.masks))

        return process

    other = replace(_case(shape=(10, 33, 31)), patient="P2")
    carries_nothing(step, processing(other), processing(_case()))


def _is_of_the_image_alone(step: Any, raw: Any) -> None:
    """Lesions of one image share what it gives, where it says so."""
    if not getattr(step, "of_image_alone", False):
        return
    case = _case()
    other = replace(case, masks=tuple(unchangeable(np.roll(mask, 3, axis=2)) for mask in case.masks))
    is_same = np.array_equal(_apply(step, raw, case).image.values, _apply(step, raw, other).image.values)
    require(is_same, "it says that it takes the image alone, and other masks gave another image")


def _processes_or_says_why(step: Any, raw: Any) -> None:
    """One slice, one value, values below zero: processed, or a DataError that says why not."""
    flat = _case()
    constant = replace(flat, image=replace(flat.image, values=unchangeable(np.full_like(flat.image.values, 7))))
    negative = replace(flat, image=replace(flat.image, values=unchangeable(flat.image.values - np.int16(1000))))
    thin = make_case(shape=(9, 30, 32))
    geometry = replace(thin.image.geometry, size=(32, 30, 1))
    one_slice = replace(
        thin,
        image=replace(thin.image, values=unchangeable(flat.image.values[4:5].copy()), geometry=geometry),
        masks=tuple(unchangeable(mask[4:5].copy()) for mask in thin.masks),
    )
    for case in (constant, negative, one_slice):
        try:
            _apply(step, raw, case)
        except DataError as error:
            require(bool(str(error).strip()), "a DataError must say why the image cannot be processed")


def _step_says_what_the_report_can_use(step: Any, raw: Any) -> None:
    say_what_the_report_can_use(step, results_of_image_step(step, raw))


IMAGE_STEP_CHECKS: dict[str, Callable[[Any, Any], None]] = {
    NAMED: has_name_and_version,
    UNKNOWN: refuses_unknown_keys,
    TRAVELS: travels,
    "gives a case of finite voxels and the masks it had, on one grid": _gives_a_case,
    "depends on nothing but the case and its settings": _is_of_this_case_alone,
    CARRIES: _carries_nothing,
    "takes the image alone, where it says so": _is_of_the_image_alone,
    "processes one slice, one value and negative values, or says why not": _processes_or_says_why,
    WORDS: _step_says_what_the_report_can_use,
}
