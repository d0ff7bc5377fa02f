"""The conformance kit: named checks of what plugins register, for their authors' tests and for ``prldh plugins check``.

Each check gets an object as the study file would choose it, runs it on small made data, and raises :class:`CheckFailed`
with what was promised and what was found. Built-ins pass the same checks. In a plugin's tests::

    from prldh.testing import parametrize_with_checks

    @parametrize_with_checks([MySelector(), MySource()], {"my_source": {"checkpoint": "tests/best.pt"}})
    def test_conforms(check):
        check()

An object whose settings have no defaults, or a validator, which gets what the study file says as it stands, names some
that work: here, or in an attribute ``example_settings``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from prldh.testing.checks import CHECKS
from prldh.testing.parts import kind_of

Example = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One promise of one object; call it to put it to the test."""

    what: str  # selector, validator, feature source, image step, checklist, report section or engine
    item: str
    promise: str
    run: Callable[[], None]

    def __call__(self) -> None:
        """Raises :class:`CheckFailed`; anything else that is raised is the object's own error."""
        self.run()

    def __str__(self) -> str:
        return f"{self.what} {self.item}: {self.promise}"


def checks_of(item: Any, settings: Any = None) -> list[Check]:
    """Every check of an object, by what it looks like.

    Parameters
    ----------
    item
        A selector, validator, feature source, image step, checklist, report section, or engine class.
    settings
        What the study file would say of it; default: its ``example_settings``, or nothing.

    Raises
    ------
    CheckFailed
        If it looks like none of these.

    Examples
    --------
    >>> from prldh.validation.resampling import LeaveOneOut
    >>> for check in checks_of(LeaveOneOut()):
    ...     check()
    """

    what = kind_of(item)
    raw = getattr(item, "example_settings", None) if settings is None else settings
    return [Check(what, str(item.name), promise, partial(check, item, raw)) for promise, check in CHECKS[what].items()]


def parametrize_with_checks(items: Iterable[Any], settings: Mapping[str, Any] | None = None) -> Any:
    """A pytest decorator: the test gets every check of every object as ``check``. ``settings``: by the object's
    name."""
    import pytest

    checks = [
        check for item in items for check in checks_of(item, (settings or {}).get(getattr(item, "name", ""), None))
    ]
    return pytest.mark.parametrize("check", checks, ids=str)
