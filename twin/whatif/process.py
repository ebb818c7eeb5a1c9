"""One child process in its own group: starts it, reads its progress, and ends it with all its children."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from twin.whatif.protocol import PROGRESS_MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

GRACE_S = 3.0
LOG_FILE = "log.txt"
ERRORS_FILE = "errors.txt"


class ChildProcess:
    """A command whose standard output carries ``@@`` progress lines.

    What else it prints goes to ``log.txt``, standard error to ``errors.txt``.

    Parameters
    ----------
    command
        Program and arguments.
    case
        Working folder; the two files are written there.
    environment
        Variables that are added to those of this process.
    """

    def __init__(self, command: Sequence[str], case: Path, environment: Mapping[str, str]) -> None:
        """Start the child."""
        # Engines that open a thread for each core slow each other down on a shared machine.
        variables = {"OMP_NUM_THREADS": "1", **os.environ, "PYTHONUNBUFFERED": "1", **environment}
        self._log = (case / LOG_FILE).open("w", encoding="utf-8")
        errors = (case / ERRORS_FILE).open("wb")
        self._process = subprocess.Popen(  # noqa: S603 - the command is ours
            list(command),
            cwd=case,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        errors.close()
        self._ending = threading.Lock()

    @property
    def pid(self) -> int:
        """Number of the child, and of its group."""
        return self._process.pid

    def read(self, on_progress: Callable[[float, str, str], None]) -> int:
        """Pass on every progress line (share, message, time inside) until the child ends; return its exit status."""
        stream = self._process.stdout
        if stream is not None:
            with stream:
                for line in stream:
                    told = _progress(line)
                    if told is None:
                        self._log.write(line)
                    else:
                        on_progress(*told)
        status = self._process.wait()
        self._log.close()
        return status

    def end(self, grace_s: float = GRACE_S) -> None:
        """Ask the whole group to end, and kill it after `grace_s` seconds; harmless when it has ended."""
        with self._ending:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace_s)
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return


def describe_exit(status: int) -> str:
    """Return how a process ended, in words.

    Examples
    --------
    >>> describe_exit(-11), describe_exit(3)
    ('the engine crashed (SIGSEGV)', 'the engine stopped with exit status 3')
    """
    if status >= 0:
        return f"the engine stopped with exit status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    if name == "SIGKILL" and sys.platform == "linux":
        name += ", perhaps for lack of memory"
    return f"the engine crashed ({name})"


def _progress(line: str) -> tuple[float, str, str] | None:
    """Return what a progress line says, None for any other line."""
    if not line.startswith(PROGRESS_MARK):
        return None
    try:
        told = json.loads(line[len(PROGRESS_MARK) :])
        return float(told["share"]), str(told.get("message", "")), str(told.get("sim_time", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
