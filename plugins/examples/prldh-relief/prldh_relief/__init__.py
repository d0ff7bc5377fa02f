"""Relief-based selection of scikit-rebate for prldh."""

from __future__ import annotations

from prldh.api import hookimpl

api = 1


@hookimpl
def register_selectors() -> list:
    from prldh_relief.selector import ReliefSelector

    return [ReliefSelector()]
