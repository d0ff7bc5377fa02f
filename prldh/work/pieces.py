"""Work whose results come piece by piece from other processes, through a queue of bounded memory, while this process
uses them."""

from __future__ import annotations

import os
import pickle
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from multiprocessing import connection as channels
from typing import Any

from prldh.core import ComputeError, beginning_processes
from prldh.work.work import MAX_DEATHS, end_with

#: Memory of what was sent and is not used yet; a single piece may be larger, and then comes alone.
QUEUE_BYTES = 256 * 1024**2
#: Items that a process is given at a time, so that it need not wait for the next one.
_AHEAD = 2
_HEAD = struct.Struct("<qB")
#: Linear algebra of these processes takes one thread each, as of all of prldh's.
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


class Kind(IntEnum):
    """What comes of an item: a piece, its end, word that it begins anew since its process died (what came of it before
    is void), or, within this module, an error."""

    PIECE = 0
    END = 1
    ANEW = 2
    ERROR = 3


@dataclass(eq=False)
class _Helper:
    process: Any
    channel: Any
    items: deque[int] = field(default_factory=deque)


class Pieces:
    """``work(*shared, item)``, a generator, of every item in other processes; iterating gives ``(number of the item,
    kind, piece)``, those of one item in their order. A context: at its end the processes are gone.

    Parameters
    ----------
    jobs
        Processes.
    shared
        What every item needs; sent to each process once.
    limit
        Bytes that wait to be used; processes wait where they are reached. The last piece that came may be beyond them,
        and each process holds one more that it has made.
    say
        Told in a sentence what the user should know while it runs.

    Raises
    ------
    ComputeError
        While iterating, if processes died again and again. What ``work`` raises is raised as it is.
    """

    def __init__(
        self,
        work: Callable[..., Iterator[Any]],
        items: Sequence[Any],
        jobs: int,
        shared: tuple[Any, ...] = (),
        limit: int = QUEUE_BYTES,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        self._payload = _dumps((work, shared))
        self._items, self._limit, self._say = items, limit, say
        self._waiting = deque(range(len(items)))
        self._arrived: deque[tuple[int, Kind, bytes]] = deque()
        self._bytes, self.most_bytes, self._deaths = 0, 0, 0
        self._changed = threading.Condition()
        self._is_over = False
        self._helpers: list[_Helper] = []
        self._jobs = max(1, min(jobs, len(items)))
        self._receiver = threading.Thread(target=self._receive, daemon=True)

    def __enter__(self) -> Pieces:
        if self._items:
            self._helpers = [self._start() for _ in range(self._jobs)]
            self._receiver.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify_all()
        if self._receiver.is_alive():
            self._receiver.join()
        for helper in self._helpers:
            helper.channel.close()
            helper.process.terminate()
        for helper in self._helpers:
            helper.process.join()
        self._arrived.clear()

    def __iter__(self) -> Iterator[tuple[int, Kind, Any]]:
        n_ended = 0
        while n_ended < len(self._items):
            with self._changed:
                self._changed.wait_for(lambda: self._arrived)
                i, kind, body = self._arrived.popleft()
                self._bytes -= len(body)
                self._changed.notify_all()
            if kind is Kind.ERROR:
                raise pickle.loads(body)
            n_ended += kind is Kind.END
            yield i, kind, pickle.loads(body) if kind is Kind.PIECE else None

    # ---------------------------------------------------------------- in a thread of this process

    def _start(self) -> _Helper:
        from joblib.externals.loky.backend import get_context

        ours, theirs = channels.Pipe()
        process: Any = get_context("loky").Process(
            target=_serve, args=(theirs, os.getpid()), daemon=True, env=_ONE_THREAD
        )
        with beginning_processes():
            process.start()
        theirs.close()
        helper = _Helper(process, ours)
        with suppress(OSError):  # a process that is dead already is found below
            ours.send_bytes(self._payload)
        self._give(helper)
        return helper

    def _give(self, helper: _Helper) -> None:
        with suppress(OSError):
            while self._waiting and len(helper.items) < _AHEAD:
                helper.items.append(self._waiting.popleft())
                helper.channel.send_bytes(_dumps((helper.items[-1], self._items[helper.items[-1]])))

    def _receive(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._is_over or self._bytes < self._limit)
                    if self._is_over:
                        return
                for channel in channels.wait([h.channel for h in self._helpers], timeout=0.1):
                    helper = next(h for h in self._helpers if h.channel is channel)
                    try:
                        message = helper.channel.recv_bytes()
                    except (EOFError, OSError):
                        self._mourn(helper)
                        break
                    i, kind = _HEAD.unpack_from(message)
                    if kind == Kind.END:
                        helper.items.remove(i)
                        self._give(helper)
                    self._put(i, Kind(kind), message[_HEAD.size :])
                    if self._bytes >= self._limit:
                        break
        except Exception as error:  # whoever iterates would wait for ever
            self._put(-1, Kind.ERROR, _dumps(error))

    def _put(self, i: int, kind: Kind, body: bytes) -> None:
        with self._changed:
            self._arrived.append((i, kind, body))
            self._bytes += len(body)
            self.most_bytes = max(self.most_bytes, self._bytes)
            self._changed.notify_all()

    def _mourn(self, helper: _Helper) -> None:
        """What a process that died had is given to others, or to a new one."""
        self._helpers.remove(helper)
        helper.channel.close()
        helper.process.join()
        self._deaths += 1
        if self._deaths >= MAX_DEATHS:
            raise ComputeError(
                f"processes that read images died {MAX_DEATHS} times: as a rule the system ended them for want of"
                " memory. Use fewer --jobs, or a machine with more memory."
            )
        self._say("warning: a process that reads images died, as a rule for want of memory. What it had begins anew.")
        for i in reversed(helper.items):
            self._waiting.appendleft(i)
            self._put(i, Kind.ANEW, b"")
        if not self._helpers:
            self._helpers.append(self._start())
        for other in self._helpers:
            self._give(other)


def _dumps(content: Any) -> bytes:
    """As joblib sends things, which also takes what is defined in a notebook."""
    from joblib.externals.loky.backend.reduction import dumps

    return bytes(dumps(content, protocol=5))


def _serve(channel: Any, parent: int) -> None:
    """What a process does until its channel is closed."""
    from threadpoolctl import threadpool_limits

    end_with(parent)
    with suppress(EOFError, OSError):
        work, shared = pickle.loads(channel.recv_bytes())
        threadpool_limits(1)
        while True:
            i, item = pickle.loads(channel.recv_bytes())
            try:
                for piece in work(*shared, item):
                    channel.send_bytes(_HEAD.pack(i, Kind.PIECE) + _dumps(piece))
            except (BrokenPipeError, ConnectionResetError):
                raise  # the parent is gone
            except Exception as error:
                channel.send_bytes(_HEAD.pack(i, Kind.ERROR) + _dumps(error))
            else:
                channel.send_bytes(_HEAD.pack(i, Kind.END))
