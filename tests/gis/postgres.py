"""A PostgreSQL server with PostGIS in a temporary folder, for as long as the tests need it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

USER, PASSWORD, BASE = "planner", "s3cret", "city"


@contextmanager
def server() -> Iterator[str]:
    """Start a server on a free port of this machine and yield its address; it goes with the block."""
    tools = tools_folder()
    folder = Path(tempfile.mkdtemp(prefix="citytwin-postgres-"))
    (folder / "password").write_text(PASSWORD)
    _hand_over(folder)
    data, port = folder / "data", _free_port()
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c shared_buffers=16MB"
    try:
        initdb = [tools / "initdb", "-D", data, "-U", USER, "-A", "scram-sha-256", f"--pwfile={folder / 'password'}"]
        run(*initdb, "-E", "UTF8", "--no-sync")
        run(tools / "pg_ctl", "-D", data, "-w", "-t", "60", "-l", folder / "log", "-o", options, "start")
        address = f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{port}"
        run(tools / "psql", f"{address}/postgres", "-c", f"CREATE DATABASE {BASE}")
        run(tools / "psql", f"{address}/{BASE}", "-c", "CREATE EXTENSION postgis")
        yield f"{address}/{BASE}"
    finally:
        if data.exists():
            run(tools / "pg_ctl", "-D", data, "-m", "immediate", "stop", check=False)
        shutil.rmtree(folder, ignore_errors=True)


def tools_folder() -> Path:
    """Return the folder with the tools of the newest server that is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    return found[-1]


def run(*command: object, check: bool = True) -> str:
    """Run a command as somebody who may run a server (it refuses root) and return what it prints."""
    words = [str(word) for word in command]
    if os.getuid() == 0:
        account = pwd.getpwnam("postgres")
        words = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", *words]
    result = subprocess.run(words, capture_output=True, text=True, check=False, cwd="/")
    if check and result.returncode:
        raise RuntimeError(f"{words}: {result.stderr}")
    return result.stdout


def sql(address: str, text: str) -> str:
    """Run statements and return what they print."""
    return run(tools_folder() / "psql", address, "-v", "ON_ERROR_STOP=1", "-qAt", "-c", text)


def _hand_over(folder: Path) -> None:
    if os.getuid() == 0:
        account = pwd.getpwnam("postgres")
        for path in (folder, *folder.iterdir()):
            os.chown(path, account.pw_uid, account.pw_gid)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
