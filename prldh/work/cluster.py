"""A Dask cluster as joblib's backend: found, checked, and told of in one message where it fails."""

from __future__ import annotations

import concurrent.futures
import logging
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from typing import Any

from prldh.core import ComputeError
from prldh.work.kept import about_program
from prldh.work.parallel import in_parallel

#: Seconds to wait for the scheduler, and for its first worker (an adaptive cluster starts one for the asking).
SCHEDULER_S, WORKERS_S = 10, 60

#: Dask's own loggers, each with a level of its own: what goes wrong is said in our words, once.
LOGGERS = ("distributed", "distributed.client")


class Cluster:
    """The workers of a Dask scheduler.

    Parameters
    ----------
    address
        Of the scheduler, such as ``tcp://10.0.0.5:8786``.
    shared
        What every piece of work needs: sent to all workers once, here.

    Raises
    ------
    ComputeError
        If Dask is not installed, the scheduler does not answer, there are no workers, or they run other versions.
    """

    def __init__(self, address: str, shared: tuple[Any, ...]) -> None:
        try:
            import distributed
        except ImportError:
            raise ComputeError(
                "compute.dask: Dask is not installed here. Install it (pip install 'prldh[dask]'), or leave the address"
                " out and use --jobs."
            ) from None
        self._address, self._shared = address, shared
        self._client = None
        self._levels = {name: logging.getLogger(name).level for name in LOGGERS}
        _set_levels(dict.fromkeys(LOGGERS, logging.CRITICAL))
        try:
            self._client = _connect(distributed, address)
            _check_workers(self._client, address)
            self._backend = _backend()(client=self._client, scatter=list(shared), pure=False)
        except BaseException as error:
            self.close()
            if isinstance(error, ComputeError) or not isinstance(error, Exception):
                raise
            raise ComputeError(_lost(address, error)) from None

    def close(self) -> None:
        """Let the workers go; work that is still queued is forgotten."""
        if self._client is not None:
            was_running = self._client.status == "running"
            with suppress(Exception):
                self._client.close(timeout=2)
            self._client = None
            if not was_running:
                return  # what is still said of a lost scheduler comes later
        _set_levels(self._levels)

    def spread(self, work: Callable[..., Any], items: Mapping[int, Any]) -> Generator[tuple[int, Any], None, None]:
        """Results, numbered, as they finish. A worker that dies gives its work to the others."""
        from distributed import CancelledError, KilledWorker
        from joblib import parallel_config

        try:
            with parallel_config(backend=self._backend, n_jobs=-1):
                yield from in_parallel(_on_worker, (work, *self._shared), list(items.items()), pre_dispatch="all")
        except KilledWorker:
            raise ComputeError(
                f"workers of the Dask cluster at {self._address} died again and again over one piece of work, as a rule"
                " for want of memory. Give them more."
            ) from None
        # CommClosedError is an OSError too
        except (CancelledError, concurrent.futures.CancelledError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # of the work itself: Dask's own have no number
            raise ComputeError(_lost(self._address, error)) from None
        except ImportError as error:
            raise ComputeError(
                f"a worker of the Dask cluster at {self._address} cannot import '{error.name}'. Install the same"
                " packages and plugins on every worker."
            ) from None


def _on_worker(work: Callable[..., Any], *given: Any) -> Any:
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)  # for good: a worker may run several threads, and one must not undo what another relies on
    return work(*given)


def _backend() -> type:
    from joblib._dask import DaskDistributedBackend

    class Backend(DaskDistributedBackend):
        """joblib's backend, which does not hear of work that Dask gives up (KilledWorker) and would wait for it for
        ever."""

        def submit(self, func: Any, callback: Callable[[Any], None] | None = None) -> concurrent.futures.Future:
            job = super().submit(func, callback)
            if callback is not None:
                job.add_done_callback(lambda done: callback(done) if done.exception() is not None else None)
            return job

        def retrieve_result_callback(self, out: Any) -> Any:
            if isinstance(out, concurrent.futures.Future):
                failure = out.exception()
                if failure is not None:
                    raise failure
            return super().retrieve_result_callback(out)

    return Backend


def _connect(distributed: Any, address: str) -> Any:
    try:
        return distributed.Client(address, timeout=SCHEDULER_S, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ComputeError(
            f"compute.dask: no Dask scheduler answers at {address} within {SCHEDULER_S} s ({first}). Check the address,"
            " that `dask scheduler` runs there, and that this machine may reach it; or leave it out and use --jobs."
        ) from None


def _check_workers(client: Any, address: str) -> None:
    """At least one worker, and the same program with the same packages on all of them."""
    try:
        client.submit(abs, -1, pure=False).result(timeout=WORKERS_S)
    except TimeoutError:
        raise ComputeError(
            f"compute.dask: the Dask scheduler at {address} has no worker after {WORKERS_S} s. Start some (`dask worker"
            f" {address} --nthreads 1`)."
        ) from None
    here = about_program()
    for worker, answer in client.run(about_program, on_error="return").items():
        if isinstance(answer, Exception):
            raise ComputeError(
                f"compute.dask: worker {worker} has no prldh {here['prldh']} ({answer}). Install the same on every"
                " worker, best one environment."
            )
        other = [f"{name} {answer.get(name)} (here {mine})" for name, mine in here.items() if answer.get(name) != mine]
        if other:
            raise ComputeError(
                f"compute.dask: worker {worker} is not like this machine: {', '.join(other)}. Numbers could differ:"
                " install the same on every worker, best one environment."
            )


def _set_levels(levels: Mapping[str, int]) -> None:
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def _lost(address: str, error: Exception) -> str:
    reason = " ".join(str(error).split()).removesuffix(".")
    return (
        f"the Dask cluster at {address} was lost: its scheduler is gone, or all its workers are"
        f" ({reason[-160:] or type(error).__name__})."
    )
