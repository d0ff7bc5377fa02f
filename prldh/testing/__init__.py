"""The conformance kit: what plugins promise, as named checks; `prldh plugins check` and `new`."""

from __future__ import annotations

from prldh.testing.conformance import Outcome, check_plugin, objects_of, write_skeleton
from prldh.testing.kit import Check, checks_of, parametrize_with_checks
from prldh.testing.parts import CheckFailed, example_run, kind_of

__all__ = [
    "Check",
    "CheckFailed",
    "Outcome",
    "check_plugin",
    "checks_of",
    "example_run",
    "kind_of",
    "objects_of",
    "parametrize_with_checks",
    "write_skeleton",
]
