"""Loaders that misbehave, for the tests of reader processes; a module of its own so that they pickle."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from scenes.errors import LoadError
from scenes.loading import Location

if TYPE_CHECKING:
    from collections.abc import Iterator

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
