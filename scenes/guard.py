"""Reader processes: a file can crash, hang or exhaust a library there, and this process lives on.

A `Reader` is one process that makes calls of loaders, one after the other, each with a limit of memory and of
processor time. What the call yields, its problems and its progress travel back through a pipe; if the process
dies or overruns, the caller gets one clear `LoadError`, and the next call starts a new process.

The process is ``python -m scenes.guard``: unlike `multiprocessing` it does not run the caller's script again, so
it works from notebooks and plain scripts.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import selectors
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from scenes.errors import CityTwinError, LoadError
from scenes.loading import FlatGround, LoadContext
from scenes.problems import Problems
from scenes.scratch import VARIABLE, scratch_folder

if TYPE_CHECKING:
    import io

    from scenes.georeference import Georeference
    from scenes.loading import Ground
    from scenes.sources import Source

_LENGTH = struct.Struct("<Q")
_TICK_S = 0.5
_THRIFTY = {"MIMALLOC_ARENA_EAGER_COMMIT": "0"}
"""Arrow's allocator takes a gigabyte at its first use, which would count against the limit of memory."""
_SLOWEST = 20
"""How many times the processor budget the clock may show before a silent, idle reader counts as stuck."""


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
class Call:
    """One call of a loader: the method, and what it needs to make its context."""

    loader: object
    method: str
    source: Source
    georeference: Georeference | None = None
    ground: Ground = field(default_factory=FlatGround)
    memory_bytes: int = 0
    problem_limit: int = 20
    sources: tuple[Source, ...] = ()


class Reader:
    """One reader process; started when first needed, started again after it died."""

    def __init__(self, limits: ReadLimits | None = None) -> None:
        """Do nothing yet."""
        self._limits = limits or ReadLimits()
        self._process: subprocess.Popen[bytes] | None = None

    def value(self, loader: object, method: str, source: Source, context: LoadContext | None = None) -> Any:
        """Return what a method of a loader returns.

        Raises
        ------
        CityTwinError
            Whatever the method raises; a `LoadError` when it crashes or overruns its limits.
        """
        found = list(self.items(loader, method, source, context))
        return found[0] if found else None

    def items(self, loader: object, method: str, source: Source, context: LoadContext | None = None) -> Iterator[Any]:
        """Yield what a method of a loader yields (or once what it returns); errors as in `value`."""
        frame = context.georeference if context else None
        ground = context.ground if context else FlatGround()
        limit = context.problems.limit if context else 20
        beside = context.sources if context else ()
        call = Call(loader, method, source, frame, ground, self._limits.memory(source), limit, beside)
        process = self._started()
        ended = False
        try:
            self._send(process, call)
            for kind, content in self._messages(process, source):
                if kind == "item":
                    yield content
                elif kind == "problem" and context is not None:
                    context.problems.extend([content])
                elif kind == "counts" and context is not None:
                    context.problems.count_more(content)
                elif kind == "progress" and context is not None:
                    context.progress(*content)
                elif kind == "error":
                    ended = True
                    raise content
                elif kind == "done":
                    ended = True
                    return
        finally:
            if not ended:  # it died, overran, or nobody wants the rest
                self.close()

    def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe and pipe.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            command = [sys.executable, "-m", "scenes.guard"]
            path = os.pathsep.join(part for part in sys.path if part)
            environment = {**_THRIFTY, **os.environ, "PYTHONPATH": path, VARIABLE: str(scratch_folder())}
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                bufsize=0,
            )
        return self._process

    @staticmethod
    def _send(process: subprocess.Popen[bytes], call: Call) -> None:
        assert process.stdin is not None  # noqa: S101 - it was asked for as a pipe
        with contextlib.suppress(BrokenPipeError):  # then the first read says that it is gone
            _write(process.stdin, call)

    def _messages(self, process: subprocess.Popen[bytes], source: Source) -> Iterator[tuple[str, Any]]:
        allowed = self._limits.seconds(source)
        pipe = _Pipe(cast("io.FileIO", process.stdout))
        while True:
            computed, since = computed_seconds(process.pid), time.monotonic()
            while not pipe.wait(_TICK_S):
                spent = computed_seconds(process.pid) - computed
                if spent > allowed or time.monotonic() - since > allowed * _SLOWEST:
                    raise LoadError(
                        source.shown, f"takes more than {allowed:.0f} s to read", "simplify or split it, or repair it"
                    )
            message = pipe.read()
            if message is None:
                raise LoadError(source.shown, "crashes the library that reads it", "repair it or export it again")
            yield message


def readers(count: int) -> list[Reader]:
    """Return reader processes that are kept for the life of this process, so that starting them is paid once."""
    with _lock:
        while len(_kept) < count:
            _kept.append(Reader())
        return _kept[:count]


def _end_all() -> None:
    for reader in _kept:
        reader.close()


atexit.register(_end_all)
_kept: list[Reader] = []
_lock = threading.Lock()


class _Pipe:
    """Messages of a reader process, read without a buffer so that waiting sees every byte."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file

    def wait(self, seconds: float) -> bool:
        """Say whether something came within some seconds."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._file, selectors.EVENT_READ)
            return bool(selector.select(seconds))

    def read(self) -> Any:
        """Return the next message, None when the process is gone."""
        head = _read_exactly(self._file, _LENGTH.size)
        body = None if head is None else _read_exactly(self._file, _LENGTH.unpack(head)[0])
        if body is None:
            return None
        return pickle.loads(body)  # noqa: S301 - from our own process


def _read_exactly(file: io.FileIO, size: int) -> bytearray | None:
    """Return so many bytes, None when the stream ends before."""
    body = bytearray(size)
    view = memoryview(body)
    filled = 0
    while filled < size:
        count = file.readinto(view[filled:])
        if not count:
            return None
        filled += count
    return body


def _write(file: Any, message: Any) -> None:
    body = memoryview(pickle.dumps(message, protocol=5))
    for part in (memoryview(_LENGTH.pack(len(body))), body):
        while len(part):
            part = part[file.write(part) or 0 :]  # noqa: PLW2901 - a raw pipe takes what it has room for


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


def computed_seconds(process: int) -> float:
    """Return the processor seconds of a process so far; where the system does not tell, the clock."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return time.monotonic()


class _Relay(Problems):
    """Sends each problem on at once, and how many more there were at the end."""

    def __init__(self, file: Any, limit: int) -> None:
        super().__init__(limit)
        self._file = file

    def add(self, severity: Any, where: str, rule: str, message: str, advice: str = "", place: str = "") -> None:
        """Add one finding and send it on, unless there were enough of its rule."""
        before = self.kept
        super().add(severity, where, rule, message, advice, place)
        if self.kept > before:
            _write(self._file, ("problem", self.last))


def main() -> None:
    """Answer calls until the pipe closes."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what libraries print must not mix with the answers
    calls = _Pipe(os.fdopen(os.dup(0), "rb", buffering=0))
    while (call := calls.read()) is not None:
        _answer(cast("Call", call), answers)


def _answer(call: Call, answers: Any) -> None:
    _limit_memory(call.memory_bytes)
    problems = _Relay(answers, call.problem_limit)
    try:
        for item in _made(call, problems, answers):
            _write(answers, ("item", item))
    except CityTwinError as error:
        _write(answers, ("error", error))
    except (KeyboardInterrupt, SystemExit):
        raise
    except MemoryError:
        what = f"needs more than the {call.memory_bytes / 1e9:.1f} GB of memory allowed"
        _write(answers, ("error", LoadError(call.source.shown, what, "split it, or repair it")))
    except BaseException as error:  # noqa: BLE001 - some libraries raise panics that are no Exception
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        _write(answers, ("error", LoadError(call.source.shown, f"cannot be read ({reason})", "export it again")))
    else:
        _write(answers, ("counts", problems.beyond()))
        _write(answers, ("done", None))


def _made(call: Call, problems: Problems, answers: Any) -> Iterator[Any]:
    method = getattr(call.loader, call.method)
    if call.georeference is None:
        result = method(call.source)
    else:

        def progress(text: str, share: float) -> None:
            _write(answers, ("progress", (text, share)))

        result = method(
            call.source, LoadContext(call.georeference, call.ground, problems, progress, sources=call.sources)
        )
    if isinstance(result, Iterator):
        yield from result
    else:
        yield result


def _limit_memory(limit: int) -> None:
    if limit and sys.platform == "linux":
        import resource  # noqa: PLC0415 - not on every system

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    from scenes.guard import main as run  # so that what is pickled is known by its real module

    run()
