"""Parent side of the pipe: starts a worker process and waits for its messages."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Lines:
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
def started(request: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
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
