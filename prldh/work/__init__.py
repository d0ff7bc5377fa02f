"""Work over processes or a cluster, kept as it finishes, with its progress shown."""

from __future__ import annotations

from prldh.work.kept import KeptWork, Shelf, digest_of, program_digest
from prldh.work.pieces import QUEUE_BYTES, Kind, Pieces
from prldh.work.progress import show_progress, unasked
from prldh.work.telling import Teller
from prldh.work.work import Workers, end_with, has_processes, over_processes, run_work

__all__ = [
    "QUEUE_BYTES",
    "KeptWork",
    "Kind",
    "Pieces",
    "Shelf",
    "Teller",
    "Workers",
    "digest_of",
    "end_with",
    "has_processes",
    "over_processes",
    "program_digest",
    "run_work",
    "show_progress",
    "unasked",
]
