"""What differs between two sets of settings, by key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple


class _Absent:
    """Stands for a key that is not there; it is equal to nothing but itself."""

    def __repr__(self) -> str:
        return "(absent)"


NOT_THERE = _Absent()


class SettingDiffers(NamedTuple):
    """A setting by its key, as messages write it (``validation.folds``), and what several sets of settings have there,
    :data:`NOT_THERE` where it is absent."""

    key: str
    values: tuple[Any, ...]


def differing_settings(*settings: Any, place: str = "") -> Iterator[SettingDiffers]:
    """The keys at which settings differ, in the order of the first that has them; lists of one length are compared
    item by item, others as a whole.

    Examples
    --------
    >>> list(differing_settings({"seed": 1, "validation": {"folds": 5}}, {"seed": 1, "validation": {"folds": 10}}))
    [SettingDiffers(key='validation.folds', values=(5, 10))]
    """
    if all(isinstance(each, Mapping) for each in settings):
        for key in dict.fromkeys(key for each in settings for key in each):
            values = [each.get(key, NOT_THERE) for each in settings]
            yield from differing_settings(*values, place=f"{place}.{key}" if place else str(key))
    elif all(isinstance(each, (list, tuple)) for each in settings) and len({len(each) for each in settings}) == 1:
        for k, own in enumerate(zip(*settings, strict=True)):
            yield from differing_settings(*own, place=f"{place}[{k + 1}]")
    elif any(not is_same(settings[0], each) for each in settings[1:]):
        yield SettingDiffers(place, settings)


def is_same(first: Any, second: Any) -> bool:
    """Whether two settings are the same; ``True`` is not 1, and nothing else is the absent one."""
    if isinstance(first, bool) != isinstance(second, bool):
        return False
    return bool(first == second)


def shown_setting(value: Any) -> str:
    """A setting as a table shows it.

    Examples
    --------
    >>> shown_setting(None), shown_setting(True), shown_setting(["a", 1]), shown_setting(NOT_THERE)
    ('none', 'true', '[a, 1]', '(absent)')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "none"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key}: {shown_setting(own)}" for key, own in value.items())
        return f"{{{inner}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(shown_setting, value))}]"
    return repr(value) if value is NOT_THERE else str(value)
