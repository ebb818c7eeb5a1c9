"""Loaders that misbehave, for the tests of reader processes; a module of its own so that they pickle."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scenes.batches import DeferredMeshes
from scenes.errors import LoadError
from scenes.loading import Location
from scenes.mesh import MeshSet
from scenes.model import Batch, Layer
from scenes.schema import object_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scenes.crew import Shared
    from scenes.loading import LoadContext
    from scenes.sources import Source


class Panic(BaseException):
    """What a library written in Rust raises."""


@dataclass(frozen=True)
class Rogue:
    """A loader whose methods do what files from strangers make libraries do."""

    guarded = True
    name: str = "rogue"

    def locate(self, source: Source) -> Location:
        """Answer, and print where only messages should be."""
        os.write(1, b"noise on standard output")
        return Location(121.5, 31.2, source.crs)

    def numbers(self, source: Source, context: LoadContext) -> Iterator[int]:
        """Yield three numbers with a problem each and one progress."""
        context.progress("half", 0.5)
        for number in range(3):
            context.problems.add("warning", source.path, "odd", f"number {number}")
            yield number

    def crash(self, source: Source, context: LoadContext) -> Iterator[int]:  # noqa: ARG002
        """Yield one number and kill the process as a segmentation fault would."""
        yield 1
        os.kill(os.getpid(), 11)

    def hang(self, source: Source, context: LoadContext) -> Iterator[int]:  # noqa: ARG002
        """Compute for ever."""
        yield 1
        while True:
            pass

    def sleep(self, source: Source) -> int:  # noqa: ARG002
        """Wait for something that never comes."""
        time.sleep(3600)
        return 0

    def devour(self, source: Source) -> int:  # noqa: ARG002
        """Ask for more memory than there is."""
        return int(np.ones(4_000_000_000, np.uint8).sum())

    def panic(self, source: Source) -> int:
        """Raise something that is no Exception."""
        raise Panic(source.path)

    def refuse(self, source: Source) -> int:
        """Raise one of our own errors."""
        raise LoadError(source.path, "is broken", "mend it")


def process_of(_item: object) -> int:
    """Return the process that does the work."""
    return os.getpid()


def refusing(item: int) -> int:
    """Raise one of our own errors for the second item."""
    if item == 2:
        raise LoadError("item 2", "is broken", "mend it")
    return item


def crashing(_item: object) -> None:
    """Kill the process as a segmentation fault would."""
    os.kill(os.getpid(), 11)


def spinning(_item: object) -> None:
    """Compute for ever."""
    while True:
        pass


def shared_sum(item: tuple[Shared, int]) -> tuple[int, tuple[int, int]]:
    """Return the sum of shared numbers and one more, and which process has them at which place."""
    shared, more = item
    return int(shared.value.sum()) + more, (os.getpid(), id(shared.value))


@dataclass(frozen=True)
class Boxes:
    """A recipe for `count` unit boxes."""

    count: int

    def __call__(self) -> dict[str, MeshSet]:
        """Return the boxes at level 1."""
        corners = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], float)
        faces = np.array([[0, 1, 5], [0, 5, 4], [1, 3, 7], [1, 7, 5], [3, 2, 6], [3, 6, 7], [2, 0, 4], [2, 4, 6]])
        rows = np.arange(self.count)
        positions = corners + np.outer(rows, [3.0, 0.0, 0.0])[:, None]
        return {"1": MeshSet.from_parts(rows.tolist(), list(positions), [faces] * self.count)}


@dataclass(frozen=True)
class Town:
    """A loader whose batches come with recipes."""

    guarded = True
    name: str = "town"
    batches: int = 4
    rows: int = 5

    def supports(self, source: Source) -> bool:
        """Read what ends in .town."""
        return source.path.endswith(".town")

    def locate(self, source: Source) -> Location:  # noqa: ARG002
        """Lie in Shanghai."""
        return Location(121.5, 31.2, "EPSG:32651")

    def surface(self, source: Source, context: LoadContext) -> None:
        """Be no terrain."""

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:  # noqa: ARG002
        """Yield batches of boxes."""
        for number in range(self.batches):
            uids = [f"urn:uuid:{number:08d}-0000-5000-8000-{row:012d}" for row in range(self.rows)]
            table = object_table({"uid": uids, "kind": ["Building"] * self.rows})
            yield Layer("buildings", theme="buildings"), Batch(table, DeferredMeshes(Boxes(self.rows)))


def imported(module: str) -> bool:
    return module in sys.modules


def padded_boxes(_padding: bytes, rows: int) -> Mapping[str, MeshSet]:
    return Boxes(rows)()
