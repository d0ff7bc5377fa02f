"""Plain R that computes a report's numbers again."""

from __future__ import annotations

from prldh.reproduce.write import write_reproduction

__all__ = ["write_reproduction"]
