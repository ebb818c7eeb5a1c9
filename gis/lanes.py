"""Lanes: copies of this process that work side by side on every other item, and hand over what they find in turn.

A copy knows all that this process has read, and nothing has to be sent to it; that needs a system that can copy
processes, and a process without threads of its own. Elsewhere, and where there is one processor, there are no lanes.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import signal
import struct
import sys
import threading
import warnings
from typing import IO, TYPE_CHECKING, Any, NoReturn, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    Work = Callable[[int, int], Iterator[Any]]

_LENGTH = struct.Struct("<Q")
_END_WITH_PARENT = 1  # PR_SET_PDEATHSIG
_MOST = 4


class LaneError(RuntimeError):
    """A lane ended before its work did."""


def lane_count() -> int:
    """Return how many lanes are worth having here; 1 means none."""
    if sys.platform != "linux" or threading.active_count() > 1:
        return 1
    return min(_MOST, len(os.sched_getaffinity(0)))


def in_lanes(work: Work, count: int) -> Generator[Any]:
    """Yield what ``work(lane, count)`` yields in each lane, in turn, until the first lane in turn has no more.

    What a lane raises is raised here.

    Raises
    ------
    LaneError
        When a lane ends before its work.

    Examples
    --------
    >>> list(in_lanes(lambda lane, count: iter(range(lane, 7, count)), 3))
    [0, 1, 2, 3, 4, 5, 6]
    """
    lanes: list[tuple[int, IO[bytes]]] = []
    try:
        for lane in range(count):
            lanes.append(_started(work, lane, count, [pipe for _, pipe in lanes]))
        while True:
            for _, pipe in lanes:
                sort, content = _received(pipe)
                if sort == "error":
                    raise content
                if sort == "end":
                    return
                yield content
    finally:
        for process, pipe in lanes:
            pipe.close()
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)


def _started(work: Work, lane: int, count: int, others: list[IO[bytes]]) -> tuple[int, IO[bytes]]:
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # no thread of ours runs; those of libraries see to it
        process = os.fork()
    if process == 0:
        for pipe in others:
            pipe.close()
        os.close(reading)
        _run(work, lane, count, writing)
    os.close(writing)
    return process, os.fdopen(reading, "rb")


def _run(work: Work, lane: int, count: int, writing: int) -> NoReturn:
    """Do the work of a lane and end, without what this process does at its own end."""
    code = 1
    try:
        ctypes.CDLL(None).prctl(_END_WITH_PARENT, signal.SIGKILL)
        with os.fdopen(writing, "wb") as pipe:
            try:
                for item in work(lane, count):
                    _send(pipe, ("item", item))
                _send(pipe, ("end", None))
            except Exception as error:  # noqa: BLE001 - it is raised again in the process that waits
                _send(pipe, ("error", error))
        code = 0
    finally:
        os._exit(code)


def _send(pipe: IO[bytes], message: tuple[str, Any]) -> None:
    body = pickle.dumps(message, protocol=5)
    pipe.write(_LENGTH.pack(len(body)))
    pipe.write(body)
    pipe.flush()


def _received(pipe: IO[bytes]) -> tuple[str, Any]:
    head = pipe.read(_LENGTH.size)
    body = pipe.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else b""
    if not body:
        raise LaneError("a process that reads a part of the file ended")
    return cast("tuple[str, Any]", pickle.loads(body))  # noqa: S301 - from a copy of this process
