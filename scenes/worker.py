"""Worker processes: calls are made there one after the other, and what they yield travels back through a pipe.

The process is ``python -m scenes.worker``: unlike `multiprocessing` it does not run the caller's script again, so
it works from notebooks and plain scripts. It can crash, hang or use up its memory, and this process lives on.
Import order: worker <- guard (calls of loaders), crew (work shared out).
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import pickle
import selectors
import struct
import subprocess
import sys
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import pyarrow as pa

from scenes.errors import CityTwinError
from scenes.scratch import VARIABLE, scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Send = Callable[[str, Any], None]

_LENGTH = struct.Struct("<Q")
_TICK_S = 0.5
_APART_BYTES = 1 << 16
"""Arrays from this size on are written to the pipe as they lie in memory, not copied into the message first."""
_THRIFTY = {"MIMALLOC_ARENA_EAGER_COMMIT": "0"}
"""Arrow's allocator takes a gigabyte at its first use, which would count against the limit of memory."""
_SLOWEST = 20
"""How many times the processor budget the clock may show before a silent, idle process counts as stuck."""


class Call(Protocol):
    """What a worker is asked to do; must pickle."""

    @property
    def memory_bytes(self) -> int:
        """Memory that the call may use for data; 0 = no limit."""

    def run(self, send: Send) -> Iterator[Any]:
        """Do the work there and yield its results; `send` tells the caller other things by a word and a content."""

    def failed(self, what: str, advice: str) -> CityTwinError:
        """Return the error that says why the call did not end well."""


class Worker:
    """One worker process; started when first needed, started again after it died."""

    def __init__(self) -> None:
        """Do nothing yet."""
        self._process: subprocess.Popen[bytes] | None = None
        _all.add(self)

    def messages(self, call: Call, allowed_s: float) -> Iterator[tuple[str, Any]]:
        """Make a call and yield what comes back: ``("item", result)`` and whatever else the call sends.

        Parameters
        ----------
        call
            The work.
        allowed_s
            Processor seconds between two messages.

        Raises
        ------
        CityTwinError
            What the call raises; what `Call.failed` returns when the process crashes or overruns its limits.
        """
        process = self.start()
        ended = False
        try:
            self._send(process, call)
            for kind, content in self._answers(process, call, allowed_s):
                if kind in ("error", "done"):
                    ended = True
                if kind == "error":
                    raise content
                if kind == "done":
                    return
                yield kind, content
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

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process where it does not run; it gets ready while the caller does other things."""
        if self._process is None or self._process.poll() is not None:
            self.close()
            command = [sys.executable, "-m", "scenes.worker"]
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
            _write(process.stdin, (_here(), call))

    def _answers(self, process: subprocess.Popen[bytes], call: Call, allowed_s: float) -> Iterator[tuple[str, Any]]:
        pipe = _Pipe(cast("io.FileIO", process.stdout))
        while True:
            computed, since = computed_seconds(process.pid), time.monotonic()
            while not pipe.wait(_TICK_S):
                spent = computed_seconds(process.pid) - computed
                if spent > allowed_s or time.monotonic() - since > allowed_s * _SLOWEST:
                    raise call.failed(
                        f"takes more than {allowed_s:.0f} s to read", "simplify or split it, or repair it"
                    )
            message = pipe.read()
            if message is None:
                raise call.failed("crashes the library that reads it", "repair it or export it again")
            yield message


_all: weakref.WeakSet[Worker] = weakref.WeakSet()


def _end_all() -> None:
    for worker in list(_all):
        worker.close()


atexit.register(_end_all)


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
        parts: list[bytearray] = []
        sizes = self._sizes()
        for size in sizes or []:
            part = _read_exactly(self._file, size)
            if part is None:
                return None
            parts.append(part)
        return pickle.loads(parts[0], buffers=parts[1:]) if parts else None  # noqa: S301 - from our own process

    def _sizes(self) -> list[int] | None:
        """Return the bytes of each part of the next message."""
        head = _read_exactly(self._file, _LENGTH.size)
        found = None if head is None else _read_exactly(self._file, _LENGTH.size * _LENGTH.unpack(head)[0])
        return None if found is None else [size for (size,) in _LENGTH.iter_unpack(found)]


class Packer(pickle.Pickler):
    """Packs tables of Arrow as streams: a slice of a table takes its own rows along, not the whole table."""

    def reducer_override(self, item: Any) -> Any:
        """Return how a table is packed; everything else packs itself."""
        if not isinstance(item, pa.Table):
            return NotImplemented
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, item.schema) as stream:
            stream.write_table(item)
        return _unpacked_table, (pickle.PickleBuffer(sink.getvalue()),)


def _unpacked_table(data: bytes) -> pa.Table:
    return pa.ipc.open_stream(pa.py_buffer(data)).read_all()


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
    """Write a message: how many parts it has, how long each is, the parts; large arrays are parts of their own."""
    packed = io.BytesIO()
    large: list[memoryview] = []

    def kept_inside(buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        if view.nbytes >= _APART_BYTES:
            large.append(view)
        return view.nbytes < _APART_BYTES

    Packer(packed, protocol=5, buffer_callback=kept_inside).dump(message)
    parts = [packed.getbuffer(), *large]
    head = b"".join(_LENGTH.pack(number) for number in (len(parts), *(len(part) for part in parts)))
    for part in (memoryview(head), *parts):
        while len(part):
            part = part[file.write(part) or 0 :]  # noqa: PLW2901 - a raw pipe takes what it has room for


def computed_seconds(process: int) -> float:
    """Return the processor seconds of a process so far; where the system does not tell, the clock."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return time.monotonic()


def main() -> None:
    """Answer calls until the pipe closes."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what libraries print must not mix with the answers
    calls = _Pipe(os.fdopen(os.dup(0), "rb", buffering=0))
    while (asked := calls.read()) is not None:
        folder, call = asked
        with contextlib.suppress(OSError):  # paths are meant as they are where the call was made
            os.chdir(folder)
        _answer(cast("Call", call), answers)


def _here() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # somebody has removed it
        return "."


def _answer(call: Call, answers: Any) -> None:
    def send(kind: str, content: Any) -> None:
        _write(answers, (kind, content))

    _limit_memory(call.memory_bytes)
    try:
        for item in call.run(send):
            send("item", item)
    except CityTwinError as error:
        send("error", error)
    except (KeyboardInterrupt, SystemExit):
        raise
    except MemoryError:
        what = f"needs more than the {call.memory_bytes / 1e9:.1f} GB of memory allowed"
        send("error", call.failed(what, "split it, or repair it"))
    except BaseException as error:  # noqa: BLE001 - some libraries raise panics that are no Exception
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        send("error", call.failed(f"cannot be read ({reason})", "export it again"))
    else:
        send("done", None)


def _limit_memory(limit: int) -> None:
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - not on every system

        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        resource.setrlimit(resource.RLIMIT_DATA, (limit or hard, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    from scenes.worker import main as run  # so that what is pickled is known by its real module

    run()
