"""Starts worker processes, watches them, and starts them again without the product that broke them.

Whatever a file does to the IFC library (a crash, endless work, all the memory), this process lives on and
the rest of the model is loaded.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bim.request import Request
from scenes.errors import LoadError, MissingLibraryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from scenes.problems import Problems

_MOST_RESTARTS = 60
_CAREFUL_BELOW = 40
_BUSY_MACHINE = 18
_TELL_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker process may use.

    Parameters
    ----------
    product_s
        Seconds of computing that one product may take. On a busy machine the clock may show up to ten times
        as much before a worker counts as stuck.
    opening_s
        Seconds for opening the file and reading its tree; 0 = two minutes and a second for each megabyte.
    total_s
        Seconds for the whole file; what is not done by then is left out.
    memory_bytes
        Address space of a worker; 0 = three quarters of the machine's memory.
    workers
        Worker processes that share the products; each opens the file for itself.
    threads
        Threads of the geometry engine in each worker; 0 = one a processor.
    """

    product_s: float = 60.0
    opening_s: float = 0.0
    total_s: float = 3600.0
    memory_bytes: int = 0
    workers: int = 1
    threads: int = 0

    def opening_seconds(self, path: Path) -> float:
        """Return the seconds for opening one file."""
        return self.opening_s or 120.0 + path.stat().st_size / 1e6

    def memory(self) -> int:
        """Return the limit of address space in bytes, 0 where the system tells no memory size."""
        if self.memory_bytes:
            return self.memory_bytes
        try:
            return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 0.75)
        except (AttributeError, OSError, ValueError):
            return 0

    def engine_threads(self) -> int:
        """Return the threads of the geometry engine in each worker."""
        return self.threads or max(1, (os.cpu_count() or 1) // max(1, self.workers))


@dataclass
class Extract:
    """What the workers wrote: the tree, the chunks of shapes, and the products without any."""

    tree: Path
    chunks: list[Path] = field(default_factory=list)
    shapeless: set[int] = field(default_factory=set)
    left_out: dict[int, str] = field(default_factory=dict)


def extract(
    path: Path, folder: Path, limits: Limits, problems: Problems, progress: Callable[[str, float], None]
) -> Extract:
    """Read one plain IFC file in worker processes and return what they wrote into `folder`.

    Raises
    ------
    LoadError
        When not even the tree can be read; a product that cannot be made becomes a problem instead.
    MissingLibraryError
        When the IFC library is not installed.
    """
    result = Extract(folder / "tree.arrow")
    watches = [_Watch(path, folder, limits, share) for share in range(limits.workers)]
    watches[0].progress = progress
    if limits.workers == 1:
        watches[0].run()
    else:
        with ThreadPoolExecutor(limits.workers) as pool:
            for done in [pool.submit(watch.run) for watch in watches]:
                done.result()
    progress(f"shapes of {path.name}", 1.0)
    for watch in watches:
        result.chunks += watch.chunks
        result.shapeless |= watch.shapeless
        result.left_out |= watch.left_out
        for problem in watch.oddities:
            problems.add("warning", *problem)
    for number, why in result.left_out.items():
        problems.add("error", f"#{number}", "shape-left-out", f"left out because it {why}", "repair or remove it")
    return result


class _Watch:
    """One worker's share of the products, through all restarts."""

    def __init__(self, path: Path, folder: Path, limits: Limits, share: int) -> None:
        self._path, self._folder, self._limits, self._share = path, folder, limits, share
        self._deadline = time.monotonic() + limits.total_s
        self.progress: Callable[[str, float], None] = lambda _text, _share: None
        self.chunks: list[Path] = []
        self.finished: set[int] = set()
        self.shapeless: set[int] = set()
        self.left_out: dict[int, str] = {}
        self.oddities: list[tuple[str, str, str, str]] = []
        self._wanted: list[int] | None = None
        self._seen: set[int] = set()
        self._current: int | None = None
        self._stage = "start"
        self._failure = ""
        self._told = 0.0

    def run(self) -> None:
        """Start the worker until nothing is left to do."""
        careful = False
        for attempt in range(_MOST_RESTARTS):
            why = self._attempt(attempt, careful=careful)
            if not why:
                return
            if self._stage != "shapes":
                raise LoadError(
                    self._path, f"the IFC library {why} while it reads the file", "repair or export it again"
                )
            if careful and self._current is not None:
                self.left_out[self._current] = why
            if time.monotonic() > self._deadline:
                break
            careful = not careful or len(self._remaining()) < _CAREFUL_BELOW
        for number in self._remaining():
            self.left_out[number] = "came after the time for the whole file was over"

    def _remaining(self) -> list[int]:
        return [number for number in self._wanted or () if number not in self.finished and number not in self.left_out]

    def _attempt(self, attempt: int, *, careful: bool) -> str:
        """Run one worker and return why it ended early, empty if it did everything."""
        self._stage, self._current, self._failure = "start", None, ""
        request = Request(
            str(self._path),
            str(self._folder),
            tree=attempt == 0 and self._share == 0,
            careful=careful,
            left_out=tuple(self.left_out),
            finished=tuple(self.finished),
            memory_bytes=self._limits.memory(),
            threads=self._limits.engine_threads(),
            run=attempt,
            share=self._share,
            shares=self._limits.workers,
        )
        file = self._folder / f"request-{self._share}-{attempt}.json"
        file.write_text(json.dumps(asdict(request)), encoding="utf-8")
        with _started(file) as (process, errors):
            why = self._listen(process)
        if self._failure == "no-library":
            raise MissingLibraryError("ifcopenshell", "is not installed", 'pip install "citytwin[bim]"')
        if why == "crashes" and "bad_alloc" in errors.read_text(encoding="utf-8", errors="replace"):
            return "needs more memory than allowed"
        return why

    def _listen(self, process: subprocess.Popen[bytes]) -> str:
        """Follow the messages to the end; return why the worker did not finish, empty if it did."""
        lines = _Lines(process)
        while True:
            allowed = self._patience()
            before, message = _computed_s(process.pid), lines.next(allowed)
            for _ in range(_BUSY_MACHINE):
                if message is not None or self._is_over(before, _computed_s(process.pid), allowed):
                    break
                message = lines.next(allowed / 2)
            if message is None:
                return f"takes more than {allowed:.0f} s"
            if message.get("say") == "end":
                return self._failure or "crashes"
            if message["say"] == "done":
                return ""
            self._hear(message)

    def _is_over(self, before: float, after: float, allowed: float) -> bool:
        """Say whether a silent worker has computed for as long as it may, or the time for the file is over."""
        spent = (after - before) / (self._limits.engine_threads() if self._stage == "shapes" else 1)
        return spent >= 0.8 * allowed or time.monotonic() > self._deadline

    def _patience(self) -> float:
        if self._stage == "shapes":
            return max(0.5, min(self._limits.product_s, self._deadline - time.monotonic()))
        return self._limits.opening_seconds(self._path)

    def _hear(self, message: dict[str, Any]) -> None:
        word = message["say"]
        if word == "stage":
            self._stage = str(message["name"])
        elif word == "products" and self._wanted is None:
            self._wanted = message["numbers"]
        elif word == "start":
            self._current = int(message["number"])
        elif word == "product":
            self._seen.add(int(message["number"]))
            self._tell()
        elif word == "chunk":
            self.finished.update(message["products"])
            if message["rows"]:
                self.chunks.append(self._folder / message["file"])
            self._current = None
            self._tell()
        elif word == "shapeless":
            self.shapeless.update(message["numbers"])
        elif word == "problem":
            self.oddities.append((message["where"], message["rule"], message["message"], ""))
        elif word == "failed":
            self._failure = str(message["what"])

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told < _TELL_EVERY_S:
            return
        self._told = now
        wanted = len(self._wanted or ())
        self.progress(f"shapes of {self._path.name}", len(self._seen | self.finished) / wanted if wanted else 1.0)


def _computed_s(process: int) -> float:
    """Return the processor seconds of a process so far; where the system does not tell, the clock."""
    try:
        with open(f"/proc/{process}/stat", encoding="ascii", errors="replace") as file:  # noqa: PTH123
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return time.monotonic()


class _Lines:
    """Messages of a worker, each waited for no longer than asked."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None  # noqa: S101 - it was asked for as a pipe
        self._descriptor = process.stdout.fileno()
        self._rest = b""

    def next(self, seconds: float) -> dict[str, Any] | None:
        """Return the next message, None if there is none in time, ``{"say": "end"}`` when the worker is gone."""
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self._descriptor, selectors.EVENT_READ)
            while b"\n" not in self._rest:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    return None
                block = os.read(self._descriptor, 1 << 16)
                if not block:
                    return {"say": "end"}
                self._rest += block
        line, self._rest = self._rest.split(b"\n", 1)
        message: dict[str, Any] = json.loads(line)
        return message


@contextlib.contextmanager
def _started(request: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Start a worker; whatever happens, it is gone afterwards."""
    errors = request.with_suffix(".log")
    command = [sys.executable, "-m", "bim.worker", str(request)]
    with errors.open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)  # noqa: S603
    try:
        yield process, errors
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
