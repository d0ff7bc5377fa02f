"""Why one case is put aside."""

from __future__ import annotations

from prldh.core import DataError


class CaseRefused(DataError):
    """An image or mask that cannot be used. ``kind`` is a short name of the reason, as in
    :class:`prldh.data.imaging.check.Finding`."""

    def __init__(self, message: str, kind: str = "unreadable") -> None:
        super().__init__(message)
        self.kind = kind
