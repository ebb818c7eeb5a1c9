"""Which processes count as running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scenes.processes import alive


def test_a_process_runs_until_it_has_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert alive(process.pid)
        process.kill()
        process.wait()
        assert not alive(process.pid)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells the state of a process in /proc")
def test_a_killed_process_that_nobody_waited_for_does_not_run() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        os.kill(process.pid, signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and keeps its number
        os.kill(process.pid, 0)
        assert not alive(process.pid)


def test_a_process_of_somebody_else_runs() -> None:
    assert alive(1)
    assert not alive(2**22 + 1), "above every number that Linux gives"
