"""Work spread over processes or a cluster, by joblib alone; what is finished is kept as it arrives."""

from __future__ import annotations

import functools
import multiprocessing
import os
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from multiprocessing import util
from statistics import fmean
from typing import Any

from prldh.core import (
    ComputeError,
    await_work,
    beginning_processes,
    end_children,
    hear_interruptions,
    is_interruption,
)
from prldh.work.cluster import Cluster
from prldh.work.kept import Shelf
from prldh.work.parallel import in_parallel

#: How many times worker processes may die within one stage before the run stops; a dead one takes its whole pool along.
MAX_DEATHS = 3
#: Work that is tried here first goes to processes where one item takes longer than this, or what is left does: starting
#: processes, which import everything again, takes as long.
WORTH_S = 4.0
#: By how much a worker may grow before another takes its place.
WORKER_BYTES = 1024**3


class Workers:
    """Who does the work: this process, worker processes, or a Dask cluster. A context: workers of a cluster are let go
    at its end.

    Parameters
    ----------
    jobs
        Processes on this machine; 1 works in this very process.
    dask
        Address of a Dask scheduler, whose workers then do the work.
    shared
        What every item needs, given to the work before the item: sent to a cluster once.
    say
        Told in a sentence what the user should know while it runs.
    tries_here
        Whether up to two items are worked on in this process, and the others too where they are soon done.

    Raises
    ------
    ComputeError
        If the cluster cannot be used.
    """

    def __init__(
        self,
        jobs: int,
        dask: str | None = None,
        shared: tuple[Any, ...] = (),
        say: Callable[[str], None] | None = None,
        *,
        tries_here: bool = False,
    ) -> None:
        self.jobs, self.shared, self.say, self.tries_here = jobs, shared, say or (lambda text: None), tries_here
        self._cluster = None
        if dask is not None:
            self._cluster = Cluster(dask, shared)

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        if self._cluster is not None:
            self._cluster.close()

    def spread(
        self, work: Callable[..., Any], items: Mapping[int, Any], is_cheap: bool
    ) -> Generator[tuple[int, Any], None, None]:
        """``work(*shared, item)`` of every item as (number, result), as they finish."""
        if is_cheap or (self._cluster is None and (self.jobs == 1 or len(items) < 2)):
            return ((i, work(*self.shared, item)) for i, item in items.items())
        if self._cluster is not None:
            return self._cluster.spread(work, items)
        return self._here_first(work, items) if self.tries_here else self._over_processes(work, items)

    def _here_first(self, work: Callable[..., Any], items: Mapping[int, Any]) -> Generator[tuple[int, Any], None, None]:
        """Here as long as what is left is soon done, otherwise over worker processes."""
        left, times = dict(items), list[float]()
        for i, item in items.items():
            start = time.monotonic()
            result = work(*self.shared, item)
            times.append(time.monotonic() - start)
            del left[i]
            yield i, result
            likely = fmean(times[1:]) if len(times) > 1 else 0.0  # the first one imports and compiles as well
            if times[-1] > WORTH_S or likely * len(left) > WORTH_S:
                break
        if left:
            yield from self._over_processes(work, left)

    def _over_processes(
        self, work: Callable[..., Any], items: Mapping[int, Any]
    ) -> Generator[tuple[int, Any], None, None]:
        """Over worker processes; where one dies, what is left is given to fewer new ones."""
        from joblib import parallel_config
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        left, jobs, shared = dict(items), self.jobs, (os.getpid(), work, *self.shared)
        _started.add(os.getpid())
        # a worker that ends since its memory grew is replaced, and its work done: nobody has to know
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs", category=UserWarning)
        for deaths in range(1, MAX_DEATHS + 1):
            try:
                with parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1):
                    for i, result in in_parallel(_in_process, shared, list(left.items())):
                        del left[i]
                        yield i, result
                return
            except TerminatedWorkerError:
                if deaths < MAX_DEATHS:
                    jobs = max(2, jobs // 2)  # one would be this process, which must not die
                    self.say(
                        f"warning: a worker process died, as a rule for want of memory. What is left goes on in {jobs}"
                        " new ones."
                    )
        raise ComputeError(
            f"worker processes died {MAX_DEATHS} times, the last time with {jobs} of them: as a rule the system ended"
            " them for want of memory. Use fewer --jobs (1 needs the least), or a machine with more memory."
        )


#: The processes that started others: this one, and not those that it started by forking.
_started: set[int] = set()


def has_processes() -> bool:
    """Whether worker processes were started already: they answer at once, where new ones import everything first."""
    return os.getpid() in _started


def over_processes(work: Callable[[Any], Any], items: Iterator[Any], jobs: int) -> Iterator[Any]:
    """``work(item)`` by worker processes, as they finish; an item is taken when a process is free for it. Raises what
    joblib does where one dies."""
    from joblib import parallel_config
    from joblib.externals.loky import ProcessPoolExecutor

    if jobs == 1:  # for joblib one is this very process
        # watched from its start on: killed before its first work, this process would leave it waiting for ever
        with ProcessPoolExecutor(1, initializer=end_with, initargs=(os.getpid(),)) as other:
            for item in items:
                with beginning_processes():
                    begun = other.submit(_in_process, os.getpid(), work, item)
                yield begun.result()
        return
    options: dict[str, Any] = {"pre_dispatch": jobs, "batch_size": 1}
    with parallel_config(backend="loky", n_jobs=jobs, inner_max_num_threads=1):
        for _, result in in_parallel(_in_process, (os.getpid(), work), enumerate(items), **options):
            yield result


def _in_process(parent: int, work: Callable[..., Any], *given: Any) -> Any:
    if os.getpid() == parent:  # no worker: within a daemonic process, which may have none, joblib works here
        return work(*given)
    end_with(parent)
    _grow()
    with hear_interruptions():
        return work(*given)


@functools.cache
def _grow() -> None:
    """Loky takes a worker for leaking that grows by 300 MB, and starts another, which takes seconds; one that holds R,
    compiled code and a study grows by as much at once and then stays."""
    from joblib.externals.loky import process_executor

    if hasattr(process_executor, "_MAX_MEMORY_LEAK_SIZE"):
        process_executor._MAX_MEMORY_LEAK_SIZE = WORKER_BYTES


@functools.cache
def end_with(parent: int) -> None:
    """What a worker is from its first work on: one that ends where its parent is killed, as it would wait minutes for
    more work, its memory with it, that hears of Ctrl-C within its work alone, that prints to standard error alone, as
    standard output is the command's, and in which processes are started as anywhere: joblib's way, its own default,
    those that Python spawns do not know."""
    await_work()
    multiprocessing.set_start_method(None, force=True)
    util.Finalize(None, end_children, exitpriority=1)
    with suppress(OSError):
        os.dup2(2, 1)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    if os.name == "posix":
        threading.Thread(target=watch, daemon=True).start()


def run_work(
    work: Callable[..., Any],
    items: Sequence[Any],
    workers: Workers,
    progress: Callable[[int], None],
    *,
    shelf: Shelf | None = None,
    is_cheap: bool = False,
    noun: str | None = None,
) -> list[Any]:
    """``work(*workers.shared, item)`` for every item, in the items' order.

    Parameters
    ----------
    progress
        Called with how many are done: at once where some were kept, then after each.
    shelf
        Where results are looked for and kept, by their positions.
    is_cheap
        Spreading and keeping would cost more than the work.
    noun
        What the items are called in "resuming: 3 of 10 … are kept"; None: that is not said.

    Raises
    ------
    ComputeError
        If workers died, memory ran out or a cluster was lost; what was finished is kept.
    KeyboardInterrupt
        With a sentence on what is kept.
    """
    shelf = None if is_cheap else shelf
    finished = {} if shelf is None else {i: result for i in range(len(items)) if (result := shelf.find(i)) is not None}
    if finished:
        if noun is not None:
            workers.say(f"resuming: {len(finished):,} of {len(items):,} {noun} are kept")
        progress(len(finished))
    try:
        with closing(
            workers.spread(work, {i: item for i, item in enumerate(items) if i not in finished}, is_cheap)
        ) as results:
            for i, result in results:
                finished[i] = result
                if shelf is not None:
                    shelf.keep(i, result)
                progress(len(finished))
    except ComputeError as error:
        raise ComputeError(f"{error}{_what_is_kept(shelf)}") from None
    except MemoryError:
        raise ComputeError(
            f"there is not enough memory. Use fewer --jobs (1 needs the least).{_what_is_kept(shelf)}"
        ) from None
    except (KeyboardInterrupt, SystemError) as error:
        if not is_interruption(error):
            raise
        raise KeyboardInterrupt(_what_is_kept(shelf).strip()) from None
    return [finished[i] for i in range(len(items))]


def _what_is_kept(shelf: Shelf | None) -> str:
    n = 0 if shelf is None else shelf.kept.n_kept
    return f" What is finished is kept ({n:,} results): the same command goes on from there." if n else ""
