"""The results as data frames: what ``tables/*.csv`` and ``Results.tables`` hold. Nothing is computed here."""

from __future__ import annotations

from prldh.results.tables.every import make_tables

__all__ = ["make_tables"]
