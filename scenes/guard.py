"""Reader processes: a file can crash, hang or exhaust a library there, and this process lives on.

A `Reader` is one worker process (`scenes.worker`) that makes calls of loaders, one after the other, each with a limit
of memory and of processor time. What the call yields, its problems and its progress travel back; if the process dies
or overruns, the caller gets one clear `LoadError`, and the next call starts a new process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scenes.batches import is_deferred, settled
from scenes.crew import Limits, Loan
from scenes.errors import LoadError
from scenes.loading import FlatGround, LoadContext
from scenes.problems import Problems
from scenes.worker import Worker, computed_seconds

if TYPE_CHECKING:
    from scenes.georeference import Georeference
    from scenes.loading import Ground
    from scenes.sources import Source
    from scenes.worker import Send

__all__ = ["ReadLimits", "Reader", "computed_seconds", "readers"]


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What one call in a reader process may use.

    Parameters
    ----------
    memory_bytes
        Memory for data; 0 = 1.7 GB and sixty times the size of the file, at most three quarters of the machine.
    silent_s
        Processor seconds between two batches; 0 = a minute and ten seconds for each megabyte of the file.
    """

    memory_bytes: int = 0
    silent_s: float = 0.0

    def memory(self, source: Source) -> int:
        """Return the limit in bytes for a source."""
        if self.memory_bytes:
            return self.memory_bytes
        return int(min(1_700_000_000 + 60 * _size(source), _machine_bytes() * 0.75))

    def seconds(self, source: Source) -> float:
        """Return the processor seconds for a source."""
        return self.silent_s or 60.0 + 10.0 * _size(source) / 1e6


@dataclass(frozen=True, slots=True)
class LoaderCall:
    """One call of a loader: the method, and what it needs to make its context."""

    loader: object
    method: str
    source: Source
    georeference: Georeference | None = None
    ground: Ground = field(default_factory=FlatGround)
    memory_bytes: int = 0
    problem_limit: int = 20
    sources: tuple[Source, ...] = ()
    defer: bool = False

    def run(self, send: Send) -> Iterator[Any]:
        """Make the call and yield what it yields, or once what it returns; batches are finished.

        With `defer` batches whose geometry can be made elsewhere come with their recipe, unless there is only one.
        """
        problems = _Relay(send, self.problem_limit)
        held: list[Any] = []
        several = False
        for item in self._made(problems, send):
            if not (self.defer and is_deferred(item)):
                yield settled(item)
                continue
            yield from held
            held, several = [item], several or bool(held)
        yield from held if several else map(settled, held)
        send("counts", problems.beyond())

    def failed(self, what: str, advice: str) -> LoadError:
        """Return why the source was not read."""
        return LoadError(self.source.shown, what, advice)

    def _made(self, problems: Problems, send: Send) -> Iterator[Any]:
        method = getattr(self.loader, self.method)
        if self.georeference is None:
            result = method(self.source)
        else:

            def progress(text: str, share: float) -> None:
                send("progress", (text, share))

            context = LoadContext(self.georeference, self.ground, problems, progress, sources=self.sources)
            result = method(self.source, context)
        if isinstance(result, Iterator):
            yield from result
        else:
            yield result


class Reader:
    """One reader process; started when first needed, started again after it died."""

    def __init__(self, limits: ReadLimits | None = None, loan: Loan | None = None) -> None:
        """Do nothing yet; the process is one of its own, or one that a crew lends."""
        self._limits = limits or ReadLimits()
        self._worker = Worker() if loan is None else loan.worker
        self._loan = loan

    def give_back(self) -> None:
        """Give a lent process back; should there be more to read, it is read in one of its own."""
        if self._loan is not None:
            self._worker = Worker()
            self._loan.give_back()
            self._loan = None

    def value(self, loader: object, method: str, source: Source, context: LoadContext | None = None) -> Any:
        """Return what a method of a loader returns.

        Raises
        ------
        CityTwinError
            Whatever the method raises; a `LoadError` when it crashes or overruns its limits.
        """
        found = list(self.items(loader, method, source, context))
        return found[0] if found else None

    def limits(self, source: Source) -> Limits:
        """Return what work on a source may use."""
        return Limits(source.shown, self._limits.memory(source), self._limits.seconds(source))

    def items(
        self, loader: object, method: str, source: Source, context: LoadContext | None = None, *, defer: bool = False
    ) -> Iterator[Any]:
        """Yield what a method of a loader yields (or once what it returns); errors as in `value`.

        Batches come finished (`scenes.batches`); with `defer` some may come with a recipe for their geometry.
        """
        frame = context.georeference if context else None
        ground = context.ground if context else FlatGround()
        limit = context.problems.limit if context else 20
        beside = context.sources if context else ()
        call = LoaderCall(loader, method, source, frame, ground, self._limits.memory(source), limit, beside, defer)
        for kind, content in self._worker.messages(call, self._limits.seconds(source)):
            if kind == "item":
                yield content
            elif context is None:
                continue
            elif kind == "problem":
                context.problems.extend([content])
            elif kind == "counts":
                context.problems.count_more(content)
            elif kind == "progress":
                context.progress(*content)

    def close(self) -> None:
        """End the process."""
        self._worker.close()


def readers(count: int) -> list[Reader]:
    """Return reader processes that are kept for the life of this process, so that starting them is paid once."""
    with _lock:
        while len(_kept) < count:
            _kept.append(Reader())
        return _kept[:count]


_kept: list[Reader] = []
_lock = threading.Lock()


def _size(source: Source) -> int:
    try:
        return 0 if source.is_remote else source.file.stat().st_size
    except OSError:
        return 0


def _machine_bytes() -> float:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return 4e9


class _Relay(Problems):
    """Sends each problem on at once, and how many more there were at the end."""

    def __init__(self, send: Send, limit: int) -> None:
        super().__init__(limit)
        self._send = send

    def add(self, severity: Any, where: str, rule: str, message: str, advice: str = "", place: str = "") -> None:
        """Add one finding and send it on, unless there were enough of its rule."""
        before = self.kept
        super().add(severity, where, rule, message, advice, place)
        if self.kept > before:
            self._send("problem", self.last)
