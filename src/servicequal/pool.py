"""Work in several processes: results in order, a bounded number of jobs under way, set up once per process.

The processes are loky's, which comes with joblib: they need no ``if __name__ == "__main__"`` in the caller's script.
"""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import chain, islice
from types import TracebackType
from typing import Any, Generic, TypeVar

from .errors import ServicequalError

J = TypeVar("J")
R = TypeVar("R")
T = TypeVar("T")

_AHEAD = 3
"""Jobs per process that are under way or done and waiting for their turn: a slow one does not stop the others."""
_SELDOM = 100_000
"""Objects more than before after which the garbage collector looks for cycles while a job is done: it makes hardly any,
and to look after every 700 takes about a twentieth of the time. A job that makes many is still looked after."""
_worker: dict[str, Any] = {}
"""In a worker process alone: how it is set up, and what then does its jobs."""


class Pool(Generic[J, R]):
    """Processes that each call ``start()`` once, and do jobs with the function that it returns.

    With one worker everything is done here, at once. ``start`` and jobs have to be picklable with more. What is there
    before the first job (packages, phrases, the caller's data) is put aside for the garbage collector meanwhile, which
    looks for cycles less often while a job is done (see :class:`_Seldom`).
    Leaving the pool early (an error, a consumer that stops) ends the processes.
    """

    def __init__(self, start: Callable[[], Callable[[J], R]], workers: int = 1) -> None:
        self.ahead = 0 if workers <= 1 else _AHEAD * workers
        self._start = start
        self._work: Callable[[J], R] | None = None
        self._executor: Any = None
        self._put_aside = False
        if workers > 1:
            from joblib.externals.loky import ProcessPoolExecutor

            self._executor = ProcessPoolExecutor(workers, initializer=_begin, initargs=(start, os.getpid()))

    def __enter__(self) -> Pool[J, R]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, kill_workers=kind is not None)
        if self._put_aside:
            gc.unfreeze()

    def submit(self, job: J) -> Future[R]:
        """The result to come of a job; with one worker it is there, or raised, at once."""
        if self._executor is not None:
            future: Future[R] = self._executor.submit(_do, job)
            return future
        here: Future[R] = Future()
        if self._work is None:
            self._work = self._start()
            self._put_aside = gc.get_freeze_count() == 0  # whoever has put objects aside wants them to stay there
            if self._put_aside:
                gc.freeze()
        with _collected_seldom:
            here.set_result(self._work(job))
        return here


class _Seldom:
    """While anybody is within, the garbage collector looks for cycles seldom; then again as it was set.

    Whoever has switched it off, or set it to look even less often, is left alone. Results do not depend on any of it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._within = 0
        self._before: tuple[int, int, int] | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._within += 1
            before = gc.get_threshold()
            if self._within == 1 and 0 < before[0] < _SELDOM:
                self._before = before
                gc.set_threshold(_SELDOM, *before[1:])

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._within -= 1
            if self._within == 0 and self._before is not None:
                gc.set_threshold(*self._before)
                self._before = None


_collected_seldom = _Seldom()


def result_of(future: Future[R]) -> R:
    """The result. Raises what the job raised; ServicequalError where its process died under it."""
    from concurrent.futures.process import BrokenProcessPool

    try:
        return future.result()
    except BrokenProcessPool as error:
        raise ServicequalError(
            f"a worker process was ended from outside, perhaps for want of memory: {str(error)[:200]}"
        ) from error


def ordered(start: Callable[[], Callable[[J], R]], jobs: Iterable[J], workers: int = 1) -> Iterator[R]:
    """The results of the jobs in their order; a single job is not worth a process.

    What ``jobs`` raises is raised after the results of the jobs before it.
    """
    waiting: deque[Future[R]] = deque()
    errors: list[Exception] = []
    coming = _until_error(jobs, errors)
    head = list(islice(coming, 2))
    with Pool(start, workers if len(head) > 1 else 1) as pool:
        for job in chain(head, coming):
            waiting.append(pool.submit(job))
            while len(waiting) > pool.ahead:
                yield result_of(waiting.popleft())
        while waiting:
            yield result_of(waiting.popleft())
    if errors:
        raise errors[0]


def _until_error(items: Iterable[T], errors: list[Exception]) -> Iterator[T]:
    try:
        yield from items
    except Exception as error:
        errors.append(error)


def cut(items: Iterable[T], weigh: Callable[[T], int], most: int, heaviest: int) -> Iterator[list[T]]:
    """Chunks of up to ``most`` items that weigh up to ``heaviest`` together; a heavier one stands alone.

    Where ``items`` raises, what came before it is a last chunk.
    """
    errors: list[Exception] = []
    chunk: list[T] = []
    total = 0
    for item in _until_error(items, errors):
        weight = weigh(item)
        if chunk and (len(chunk) >= most or total + weight > heaviest):
            yield chunk
            chunk, total = [], 0
        chunk.append(item)
        total += weight
    if chunk:
        yield chunk
    if errors:
        raise errors[0]


def _begin(start: Callable[[], Any], parent: int) -> None:
    """In a new process: remember how to be set up, leave Ctrl-C to the parent, and end with it."""
    _worker.update(start=start)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """A parent that is killed can't end its processes: they would score on, and keep their memory."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _do(job: Any) -> Any:
    if "work" not in _worker:
        _worker["work"] = _worker["start"]()
        gc.freeze()
    with _collected_seldom:
        return _worker["work"](job)
