"""Starts worker processes, watches them, and starts them again without the product that broke them.

Whatever a file does to the IFC library (a crash, endless work, all the memory), this process lives on and
the rest of the model is loaded.
"""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from bim.pipes import Lines, started
from bim.records import TREE_FILE
from bim.request import Request
from scenes.errors import LoadError, MissingLibraryError
from scenes.guard import computed_seconds

Finding = tuple[Literal["error", "warning", "info"], str, str, str, str]
"""What was odd: severity, object, rule, message and advice."""

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path


_MOST_RESTARTS = 60
_CAREFUL_BELOW = 40
_BUSY_MACHINE = 18
_TELL_EVERY_S = 0.2
_BESIDE_ABOVE = 2_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker process may use.

    Parameters
    ----------
    product_s
        Seconds of computing that one product may take in one engine; 0 = six and half a second for each
        megabyte of the file, at most sixty. On a busy machine the clock may show up to ten times as much before
        a worker counts as stuck.
    opening_s
        Seconds for opening the file and reading what it says; 0 = twenty and three for each megabyte.
    total_s
        Seconds for the whole file; what is not done by then is left out. 0 = two minutes and twenty seconds for
        each megabyte, at most an hour.
    memory_bytes
        Address space of a worker; 0 = three quarters of the machine's memory.
    workers
        Worker processes that share the products; each opens the file for itself.
    threads
        Threads of the geometry engine in each worker; 0 = one a processor.
    beside
        Whether a process of its own reads what the file says while others make its shapes, where the machine has
        several processors and the file is larger than two megabytes.

    Examples
    --------
    >>> Limits(product_s=3.0).product_seconds(1_000_000), Limits().product_seconds(4_000_000)
    (3.0, 8.0)
    """

    product_s: float = 0.0
    opening_s: float = 0.0
    total_s: float = 0.0
    memory_bytes: int = 0
    workers: int = 1
    threads: int = 0
    beside: bool = True

    def product_seconds(self, size: int) -> float:
        """Return the seconds for one product of a file of so many bytes."""
        return self.product_s or min(60.0, 6.0 + 0.5 * size / 1e6)

    def opening_seconds(self, size: int) -> float:
        """Return the seconds for opening a file of so many bytes."""
        return self.opening_s or 20.0 + 3.0 * size / 1e6

    def total_seconds(self, size: int) -> float:
        """Return the seconds for a whole file of so many bytes."""
        return self.total_s or min(3600.0, 120.0 + 20.0 * size / 1e6)

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

    def shares(self, size: int) -> list[_Share]:
        """Return the work of each worker for a file of so many bytes."""
        apart = self.beside and size > _BESIDE_ABOVE and (os.cpu_count() or 1) > 1
        shapes = [_Share(number, tree=number == 0 and not apart) for number in range(self.workers)]
        return [*shapes, _Share(self.workers, tree=True, shapes=False)] if apart else shapes


@dataclass(frozen=True, slots=True)
class _Share:
    """Which part of the work one worker has."""

    number: int
    tree: bool
    shapes: bool = True


@dataclass
class Extract:
    """What the workers wrote: the contents, the chunks of shapes, and the products without any.

    `problems` are what was odd about the file: severity, object, rule, message and advice of each.
    """

    folder: Path
    chunks: list[Path] = field(default_factory=list)
    shapeless: set[int] = field(default_factory=set)
    left_out: dict[int, str] = field(default_factory=dict)
    problems: list[Finding] = field(default_factory=list)

    @property
    def tree(self) -> Path:
        """The file with the rows of the tree."""
        return self.folder / TREE_FILE


def extract(
    path: Path, folder: Path, limits: Limits, progress: Callable[[str, float], None], schema: str = ""
) -> Extract:
    """Read one plain IFC file in worker processes and return what they wrote into `folder`.

    `schema` is named where the file was given it by the user; then entities that it lacks are counted.

    Raises
    ------
    LoadError
        When not even the tree can be read; a product that cannot be made becomes a problem instead.
    MissingLibraryError
        When the IFC library is not installed.
    """
    result = Extract(folder)
    watches = [_Watch(path, folder, limits, share, schema) for share in limits.shares(path.stat().st_size)]
    watches[0].progress = progress
    if len(watches) == 1:
        watches[0].run()
    else:
        with ThreadPoolExecutor(len(watches)) as pool:
            for done in [pool.submit(watch.run) for watch in watches]:
                done.result()
    progress(f"shapes of {path.name}", 1.0)
    for watch in watches:
        result.chunks += watch.chunks
        result.shapeless |= watch.shapeless
        result.left_out |= watch.left_out
        result.problems += watch.oddities
    for number, why in result.left_out.items():
        message = f"left out because it {why}"
        result.problems.append(("error", f"#{number}", "shape-left-out", message, "repair or remove it"))
    return result


class _Watch:
    """One worker's share of the work, through all restarts."""

    def __init__(self, path: Path, folder: Path, limits: Limits, share: _Share, schema: str) -> None:
        self._path, self._folder, self._limits, self._share = path, folder, limits, share
        self._schema = schema
        self._size = path.stat().st_size
        self._deadline = time.monotonic() + limits.total_seconds(self._size)
        self.progress: Callable[[str, float], None] = lambda _text, _share: None
        self.chunks: list[Path] = []
        self.finished: set[int] = set()
        self.second: set[int] = set()
        self.shapeless: set[int] = set()
        self.left_out: dict[int, str] = {}
        self.oddities: list[Finding] = []
        self._wanted: list[int] | None = None
        self._seen: set[int] = set()
        self._current: tuple[int, bool] | None = None
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
            self._blame(why)
            if time.monotonic() > self._deadline:
                break
            careful = self._current is None or len(self._remaining()) < _CAREFUL_BELOW
        for number in self._remaining():
            self.left_out[number] = "came after the time for the whole file was over"

    def _blame(self, why: str) -> None:
        """Leave the product out that was worked on, or give it to the other engine if it has one more chance."""
        if self._current is None:
            return
        number, last = self._current
        if last:
            self.left_out[number] = why
        else:
            self.second.add(number)

    def _remaining(self) -> list[int]:
        return [number for number in self._wanted or () if number not in self.finished and number not in self.left_out]

    def _attempt(self, attempt: int, *, careful: bool) -> str:
        """Run one worker and return why it ended early, empty if it did everything."""
        self._stage, self._current, self._failure = "start", None, ""
        request = Request(
            str(self._path),
            str(self._folder),
            tree=attempt == 0 and self._share.tree,
            shapes=self._share.shapes,
            careful=careful,
            left_out=tuple(self.left_out),
            finished=tuple(self.finished),
            second=tuple(self.second),
            memory_bytes=self._limits.memory(),
            threads=self._limits.engine_threads(),
            run=attempt,
            share=self._share.number,
            shares=self._limits.workers,
            schema=self._schema,
        )
        file = self._folder / f"request-{self._share.number}-{attempt}.json"
        file.write_text(json.dumps(asdict(request)), encoding="utf-8")
        with started(file) as (process, errors):
            why = self._listen(process)
        if self._failure == "no-library":
            raise MissingLibraryError("ifcopenshell", "is not installed", 'pip install "citytwin[bim]"')
        if why == "crashes" and "bad_alloc" in errors.read_text(encoding="utf-8", errors="replace"):
            return "needs more memory than allowed"
        return why

    def _listen(self, process: subprocess.Popen[bytes]) -> str:
        """Follow the messages to the end; return why the worker did not finish, empty if it did."""
        lines = Lines(process)
        while True:
            allowed = self._patience()
            before, message = computed_seconds(process.pid), lines.next(allowed)
            for _ in range(_BUSY_MACHINE):
                if message is not None or self._is_over(before, computed_seconds(process.pid), allowed):
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
        together = self._stage == "shapes" and self._current is None
        spent = (after - before) / (self._limits.engine_threads() if together else 1)
        return spent >= 0.8 * allowed or time.monotonic() > self._deadline

    def _patience(self) -> float:
        if self._stage == "shapes":
            return max(0.5, min(self._limits.product_seconds(self._size), self._deadline - time.monotonic()))
        return self._limits.opening_seconds(self._size)

    def _hear(self, message: dict[str, Any]) -> None:
        word = message["say"]
        if word == "stage":
            self._stage = str(message["name"])
        elif word == "products" and self._wanted is None:
            self._wanted = message["numbers"]
        elif word == "start":
            self._current = int(message["number"]), bool(message["last"])
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
            self.oddities.append(("warning", message["where"], message["rule"], message["message"], ""))
        elif word == "failed":
            self._failure = str(message["what"])

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told < _TELL_EVERY_S:
            return
        self._told = now
        wanted = len(self._wanted or ())
        self.progress(f"shapes of {self._path.name}", len(self._seen | self.finished) / wanted if wanted else 1.0)
