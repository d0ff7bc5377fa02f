"""Why one case is put aside."""

from __future__ import annotations

from pathlib import Path

from prldh.core import DataError


class CaseRefused(DataError):
    """An image or mask that cannot be used. ``kind`` is a short name of the reason, as in
    :class:`prldh.data.imaging.check.Finding`."""

    def __init__(self, message: str, kind: str = "unreadable") -> None:
        super().__init__(message)
        self.kind = kind


def damaged(path: Path, what: str) -> CaseRefused:
    """The refusal of what cannot be read as the format ``what``."""
    return CaseRefused(
        f"'{path.name}' cannot be read as {what}: it is damaged, or something else. Copy or export it again."
    )


def cut_off(path: Path) -> CaseRefused:
    """The refusal of a file that ends too early."""
    return CaseRefused(
        f"'{path.name}' is cut off: it holds fewer voxels than its header says. Copy or export it again."
    )


def no_volume(path: Path, content: str) -> CaseRefused:
    """The refusal of a file that holds something else than one number a voxel."""
    return CaseRefused(
        f"'{path.name}' has {content}; one volume with one number a voxel is needed (x, y, z). Export that volume"
        " alone.",
        "no_volume",
    )
