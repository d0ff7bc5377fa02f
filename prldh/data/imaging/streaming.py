"""Cases whose features are computed on a device that one process has: others read the images, cut out what is needed
and measure by all other sources, while this one computes."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from prldh.core import CaseRow, ComputeError, DataError, PluginError, PrldhError
from prldh.data.imaging.compute import CaseResult, CaseWork
from prldh.data.imaging.sources import ChosenSource
from prldh.plugins import (
    CaseStream,
    ExtractsStream,
    answered,
    called,
    lent,
    lent_next,
    let_interruptions_pass,
    printing_aside,
    text_of_error,
)
from prldh.work import QUEUE_BYTES, Kind, Pieces

#: Pieces of a case come together up to so many bytes.
TOGETHER_BYTES = 4 * 1024**2
_END = object()


def n_readers(sources: Mapping[str, ChosenSource], jobs: int) -> int:
    """Processes that read for a device, as its source asks for; 0: no source does."""
    return max((_readers_of(chosen, jobs) for chosen in sources.values()), default=0)


def _readers_of(chosen: ChosenSource, jobs: int) -> int:
    if not isinstance(chosen.source, ExtractsStream):
        return 0
    wanted = "a whole number from 0"
    return answered("feature source", chosen.source, "readers", chosen.settings, jobs, read=_as_count, wanted=wanted)


def _as_count(found: Any) -> int | None:
    return int(found) if type(found) is int and 0 <= found < 1 << 16 else None


def stream_cases(
    batches: Sequence[Sequence[CaseRow]],
    shared: tuple[Any, ...],
    jobs: int,
    progress: Callable[[int], None],
    say: Callable[[str], None],
    limit: int = QUEUE_BYTES,
) -> list[list[CaseResult]]:
    """As :func:`prldh.data.imaging.compute.compute_cases` of every batch, ``shared`` before it.

    Parameters
    ----------
    jobs
        As asked for; each source says how many of them read.
    progress
        Told how many rows are done.
    limit
        Bytes that wait for the device.

    Raises
    ------
    PrldhError
        For what is wrong with all cases, and where the device fails.
    """
    sources: Mapping[str, ChosenSource] = shared[0]
    names = [name for name, chosen in sources.items() if _readers_of(chosen, jobs)]
    arriving = _Arriving(
        sources,
        {name: called("feature source", sources[name].source, "open_stream", sources[name].settings) for name in names},
    )
    try:
        with Pieces(read_pieces, batches, n_readers(sources, jobs), (names, *shared), limit, say) as pieces:
            for i, kind, piece in pieces:
                if kind is Kind.ANEW:
                    arriving.forget(batches[i])
                elif kind is Kind.PIECE:
                    arriving.take(piece)
                    progress(len(arriving.results))
        arriving.close()
    except MemoryError:
        raise ComputeError("there is not enough memory. Use fewer --jobs (1 needs the least).") from None
    progress(len(arriving.results))
    return [[arriving.results[row.line] for row in batch] for batch in batches]


def read_pieces(names: Sequence[str], sources: Mapping[str, ChosenSource], *given: Any) -> Iterator[Any]:
    """Of each row first what the sources ``names`` need, as (line, source, pieces), then a :class:`CaseWork` without
    its image, measured by the others. ``given``: what :func:`~prldh.data.imaging.compute.compute_cases` is given
    beside the sources."""
    *how, rows = given
    for row in rows:
        work = CaseWork(row, sources, *how)
        work.open()
        for name, chosen in sources.items():
            if work.reason is not None or not work.wanted(name):
                continue
            if name in names:
                yield from ((row.line, name, part) for part in _prepared(work, name, chosen))
            else:
                work.attempt(partial(work.measure, name, chosen), f"the source '{name}' failed on it")
        yield work.without_image()


def _prepared(work: CaseWork, name: str, chosen: ChosenSource) -> Iterator[list[Any]]:
    """What a source needs of a case, some together; what goes wrong is the case's reason."""
    failed = f"the source '{name}' failed on it"
    found: list[Any] = []
    work.attempt(
        lambda: found.append(iter(lent(chosen.source, "prepare", work.case_for(name), chosen.settings))), failed
    )
    part: list[Any] = []
    while work.reason is None and found[-1] is not _END:
        work.attempt(lambda: found.append(lent_next(chosen.source, found[0], _END)), failed)
        if work.reason is None and found[-1] is not _END:
            part.append(found.pop())
        if part and (found[-1] is _END or sum(p.nbytes for p in part) >= TOGETHER_BYTES):
            yield part
            part = []


class _Arriving:
    """What has come of each row, and the results of those that are done."""

    def __init__(self, sources: Mapping[str, ChosenSource], streams: Mapping[str, CaseStream]) -> None:
        self.sources, self.streams = sources, streams
        self.works: dict[int, tuple[CaseWork, set[str]]] = {}
        self.results: dict[int, CaseResult] = {}

    def take(self, piece: Any) -> None:
        """A piece that :func:`read_pieces` gave."""
        if not isinstance(piece, CaseWork):
            line, name, part = piece
            self._put(name, line, part, is_last=False)
            return
        work, line = piece.again(self.sources), piece.row.line
        waiting = {name for name in self.streams if work.reason is None and work.wanted(name)}
        self.works[line] = work, waiting
        for name in sorted(waiting):
            if line in self.works:
                self._put(name, line, (), is_last=True)
        self._finish(line)

    def close(self) -> None:
        """What is left, when all has come."""
        for name, stream in self.streams.items():
            self._answer(name, _by(name, stream.close))

    def forget(self, rows: Sequence[CaseRow]) -> None:
        """What came of these rows, unless they are done: it comes again."""
        for row in rows:
            if row.line not in self.results:
                self.works.pop(row.line, None)
                for stream in self.streams.values():
                    stream.drop(row.line)

    def _put(self, name: str, line: int, part: Sequence[Any], is_last: bool) -> None:
        self._answer(name, _by(name, partial(self.streams[name].put, line, part, is_last)))

    def _answer(self, name: str, answers: Sequence[tuple[int, Any]]) -> None:
        for line, answer in answers:
            if line not in self.works:
                continue
            work, waiting = self.works[line]
            waiting.discard(name)
            if isinstance(answer, DataError):
                work.reason = str(answer)
            else:
                work.take(name, answer)
            self._finish(line)

    def _finish(self, line: int) -> None:
        if line not in self.works:
            return
        work, waiting = self.works[line]
        if work.reason is not None:
            for stream in self.streams.values():
                stream.drop(line)
        elif waiting:
            return
        del self.works[line]
        self.results[line] = work.result()


def _by(name: str, step: Callable[[], list[tuple[int, Any]]]) -> list[tuple[int, Any]]:
    """A step of a source's stream; where it fails, all cases are concerned."""
    try:
        with printing_aside():
            return step()
    except (PrldhError, MemoryError):
        raise
    except BaseException as error:
        let_interruptions_pass(error)
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise PluginError(
            f"the feature source '{name}' failed while it computed ({type(error).__name__} in"
            f" {Path(place.filename).name}, line {place.lineno}: {text_of_error(error, 200)}). What is"
            " finished is kept; the same command goes on from there, on another device if extraction says so."
        ) from None
