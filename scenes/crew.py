"""Work shared out to processes: one function, many items, results in the order of the items.

A `Crew` is what the building of a city asks for hands. `Alone` does everything in the process that asks;
`LocalCrew` has worker processes on this machine (`scenes.worker`). Others may stand in, such as a cluster.
"""

from __future__ import annotations

import functools
import math
import pickle
import queue
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from scenes.errors import CityTwinError, LoadError
from scenes.loading import loaders
from scenes.scratch import keep, scratch_file
from scenes.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from pathlib import Path

    from scenes.worker import Send

AHEAD = 6
"""Items beyond those in hand that are taken from the iterator: enough to keep everybody busy, and memory flat."""
_READY_S = 60.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What the work on one item may use, and what it is about.

    Parameters
    ----------
    about
        What an error names: a file, a layer.
    memory_bytes
        Memory for data; 0 = no limit.
    seconds
        Processor seconds for one item.
    """

    about: str = "the work"
    memory_bytes: int = 0
    seconds: float = math.inf


class Loan:
    """A process that a crew has lent.

    Parameters
    ----------
    worker
        The process.
    take_back
        Takes it back.
    """

    def __init__(self, worker: Worker, take_back: Callable[[Worker], None]) -> None:
        """Note whom it belongs to."""
        self.worker = worker
        self._take_back = take_back
        self._lock = threading.Lock()
        self._given = False

    def give_back(self) -> None:
        """Give it back, once; whoever holds the loan must not use it any more."""
        with self._lock:
            given, self._given = self._given, True
        if not given:
            self._take_back(self.worker)


class Crew(Protocol):
    """Works through items."""

    @property
    def size(self) -> int:
        """How many items are worked on at the same time; 1 where nothing is gained by sharing out."""

    def lent(self, count: int) -> AbstractContextManager[list[Loan]]:
        """Lend some processes for other work, at most all of them; a crew without processes of its own lends none."""

    def each(self, function: Callable[[Any], Any], items: Iterable[Any], limits: Limits | None = None) -> Iterator[Any]:
        """Yield ``function(item)`` for each item, in order; functions, items and results must pickle.

        Raises
        ------
        CityTwinError
            What the function raises; a `LoadError` where its process ended or overran.
        """


class Alone:
    """Does everything in the process that asks."""

    size = 1

    def lent(self, count: int) -> AbstractContextManager[list[Loan]]:  # noqa: ARG002 - the shape of a crew's method
        """Lend nobody."""
        return nullcontext([])

    def each(
        self,
        function: Callable[[Any], Any],
        items: Iterable[Any],
        limits: Limits | None = None,  # noqa: ARG002 - the shape of a crew's method
    ) -> Iterator[Any]:
        """Yield ``function(item)`` for each item."""
        return map(function, items)


@dataclass(frozen=True, slots=True)
class _Task:
    function: Callable[[Any], Any]
    item: Any
    limits: Limits

    @property
    def memory_bytes(self) -> int:
        return self.limits.memory_bytes

    def run(self, send: Send) -> Iterator[Any]:  # noqa: ARG002 - the shape of a call
        yield self.function(self.item)

    def failed(self, what: str, advice: str) -> LoadError:
        return LoadError(self.limits.about, what, advice)


class LocalCrew:
    """Worker processes on this machine, started when there is work and kept for the next.

    Parameters
    ----------
    size
        Number of processes.

    Examples
    --------
    >>> list(crew_of(2).each(abs, [-3, 2, -1]))
    [3, 2, 1]
    """

    def __init__(self, size: int) -> None:
        """Start nothing yet."""
        self.size = size
        self._workers = [Worker() for _ in range(size)]
        self._free: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._idle = 0
        for worker in self._workers:
            self._free.put(worker)

    def each(self, function: Callable[[Any], Any], items: Iterable[Any], limits: Limits | None = None) -> Iterator[Any]:
        """Yield ``function(item)`` for each item, in order."""
        self._wake()
        given = limits or Limits()
        waiting: deque[Future[Any]] = deque()
        with ThreadPoolExecutor(self.size) as threads:
            try:
                for item in items:
                    waiting.append(threads.submit(self._done, _Task(function, item, given)))
                    while waiting and (len(waiting) >= self.size + AHEAD or waiting[0].done()):
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def lent(self, count: int) -> Iterator[list[Loan]]:
        """Lend some processes for other work, at most all of them; they start at once.

        The others get ready as soon as there is work for them: what is read here is made there.
        """
        loans = [Loan(self._free.get(), self._free.put) for _ in range(min(count, self.size))]
        self._idle = self.size - len(loans)
        try:
            for loan in loans:
                loan.worker.start()
            yield loans
        finally:
            self._idle = 0
            for loan in loans:
                loan.give_back()

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.close()

    def _wake(self) -> None:
        """Have those that are not lent import the loaders, while nobody needs them; nobody waits for it."""
        count, self._idle = self._idle, 0
        for _ in range(count):
            threading.Thread(target=self._get_ready, daemon=True).start()

    def _get_ready(self) -> None:
        with suppress(CityTwinError, OSError, ValueError):  # who has real work finds out what is wrong
            self._done(_Task(_with_loaders, None, Limits(seconds=_READY_S)))

    def _done(self, task: _Task) -> Any:
        worker = self._free.get()
        try:
            messages = list(worker.messages(task, task.limits.seconds))
            return next(content for kind, content in messages if kind == "item")
        finally:
            self._free.put(worker)


def _with_loaders(_item: None) -> None:
    with suppress(Exception):  # a loader from outside may be broken
        loaders()


@functools.cache
def _kept_crew(size: int) -> LocalCrew:
    return LocalCrew(size)


_making = threading.Lock()


def crew_of(workers: int) -> Crew:
    """Return a crew of so many processes of this machine; with one worker the work is not shared out.

    It is kept for the life of this process, so that starting it is paid once.
    """
    with _making:
        return _kept_crew(workers) if workers > 1 else Alone()


class Shared:
    """Something large that many items of work need: travels as a file that each process reads once.

    Examples
    --------
    >>> Shared([1, 2]).value
    [1, 2]
    """

    def __init__(self, value: Any) -> None:
        """Write nothing yet."""
        self.value = value
        self._file: Path | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as the name of a file."""
        with self._lock:
            if self._file is None:
                file = scratch_file(".pickle")
                with file.open("wb") as stream:
                    pickle.dump(self.value, stream, protocol=5)
                self._file, self._keep = file, keep(file)
        return _read_shared, (self._file,)


@functools.lru_cache(maxsize=4)
def _read_shared(file: Path) -> Shared:
    with file.open("rb") as stream:
        made = Shared(pickle.load(stream))  # noqa: S301 - from our own process
    made._file = file  # noqa: SLF001 - its own class
    return made
