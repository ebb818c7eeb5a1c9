"""Brokers for the tests of the live floor."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from twin.live import Broker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Mosquitto:
    """A real mosquitto on a port of its own, that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        """Write its configuration; nothing runs yet."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = Broker("127.0.0.1", probe.getsockname()[1])
        self._conf = folder / "mosquitto.conf"
        self._conf.write_text(f"listener {self.address.port} 127.0.0.1\nallow_anonymous true\npersistence false\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and come back when it accepts connections."""
        binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        self._process = subprocess.Popen([binary, "-c", str(self._conf)], stderr=subprocess.DEVNULL)
        while True:
            assert self._process.poll() is None, "mosquitto ended at once"
            with socket.socket() as probe:
                if probe.connect_ex((self.address.host, self.address.port)) == 0:
                    return

    def kill(self) -> None:
        """Kill it as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """Give a mosquitto that runs."""
    broker = Mosquitto(tmp_path)
    broker.start()
    yield broker
    broker.kill()


@pytest.fixture
def until() -> Callable[[Callable[[], object]], object]:
    """Wait for a condition; a test that never gets there is ended by the suite's own limit."""

    async def wait(condition: Callable[[], object]) -> None:
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)

    return wait
