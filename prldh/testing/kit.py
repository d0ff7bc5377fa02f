"""The conformance kit: named checks of what plugins register, for their authors' tests and for ``prldh plugins check``.

Each check gets an object as the study file would choose it, runs it on small made data, and raises :class:`CheckFailed`
with what was promised and what was found. Built-ins pass the same checks. In a plugin's tests::

    from prldh.testing import parametrize_with_checks

    @parametrize_with_checks([MySelector(), MySource()], {"my_source": {"checkpoint": "tests/best.pt"}})
    def test_conforms(check):
        check()

An object whose settings have no defaults, or a validator, which gets what the study file says as it stands, names some
that work: here, or in an attribute ``example_settings``. One that cannot keep a promise says so with the reason, in an
attribute ``expected_failed_checks``: promise → reason; where the check passes all the same, that is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from prldh.core import nearest
from prldh.plugins import describe_error
from prldh.testing.checks import CHECKS
from prldh.testing.fresh import fresh
from prldh.testing.parts import CheckFailed, kind_of

Example = Mapping[str, Any]


@dataclass(frozen=True)
class Check:
    """One promise of one object; call it to put it to the test."""

    what: str  # selector, validator, feature source, image step, checklist, report section or engine
    item: str
    promise: str
    run: Callable[[], None]
    #: Why it fails, where the object says that it does.
    expected: str | None = None

    def __call__(self) -> None:
        """Raises :class:`CheckFailed`; anything else that is raised is the object's own error."""
        try:
            self.run()
        except (SystemExit, GeneratorExit) as end:
            raise CheckFailed(f"it ends the program ({describe_error(end)}): raise an error that says why") from end

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
    expected = _expected_of(item, what)
    unused = fresh(item)
    return [
        Check(what, str(item.name), promise, partial(_check_fresh, check, unused, raw), expected.get(promise))
        for promise, check in CHECKS[what].items()
    ]


def _check_fresh(check: Callable[[Any, Any], None], item: Any, raw: Any) -> None:
    """A check of an object that none was made of before."""
    check(fresh(item), raw)


def _expected_of(item: Any, what: str) -> dict[str, str]:
    """The promises that an object says it does not keep, each with the reason."""
    expected = getattr(item, "expected_failed_checks", {})
    if not isinstance(expected, Mapping) or not all(isinstance(s, str) and s.strip() for s in expected.values()):
        raise CheckFailed(
            f"{what} {item.name}: expected_failed_checks must be promise → reason, found {expected!r:.80}"
        )
    for promise in expected:
        if promise not in CHECKS[what]:
            near = nearest(str(promise), CHECKS[what])
            hint = f"; did you mean '{near}'?" if near else f": {', '.join(CHECKS[what])}."
            raise CheckFailed(f"{what} {item.name}: expected_failed_checks names '{promise}', which is none{hint}")
    return dict(expected)


def parametrize_with_checks(items: Iterable[Any], settings: Mapping[str, Any] | None = None) -> Any:
    """A pytest decorator: the test gets every check of every object as ``check``. ``settings``: by the object's
    name."""
    import pytest

    checks = [
        check for item in items for check in checks_of(item, (settings or {}).get(getattr(item, "name", ""), None))
    ]
    marked = [
        check if check.expected is None else pytest.param(check, marks=pytest.mark.xfail(reason=check.expected))
        for check in checks
    ]
    return pytest.mark.parametrize("check", marked, ids=list(map(str, checks)))
