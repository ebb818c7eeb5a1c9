"""Large intermediate files that live as long as the process that asked for them.

Geometry that is too large for memory waits in files until it is stored. They lie in one folder a process, below the
system's folder for temporary files (``TMPDIR``); reader processes write into the folder of the process that started
them. The folder goes when the process ends; what a killed process left is swept by the next one, which knows by a lock
that nobody holds any more: numbers of processes say nothing across containers that share a folder.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import tempfile
import time
import weakref
from pathlib import Path
from uuid import uuid4

from scenes.processes import alive

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

VARIABLE = "CITYTWIN_SCRATCH"
_PREFIX = "citytwin-scratch-"
_LOCK = "lock"
_YOUNG_S = 60.0
"""A folder without a lock that is younger may belong to a process that is about to lock it."""


@functools.cache
def scratch_folder() -> Path:
    """Return the folder for files of this process, or of the one that started it as a reader."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given)
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
    _hold(folder)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def scratch_file(suffix: str) -> Path:
    """Return a path in the scratch folder that nobody uses yet."""
    return scratch_folder() / f"{uuid4().hex}{suffix}"


class Kept:
    """Keeps a scratch file as long as somebody holds this object; then the process that owns the folder deletes it.

    Copies of one path in a process share one object (`keep`), so that the file goes with the last of them.
    """

    def __init__(self, file: Path) -> None:
        """Tie the life of the file to this object."""
        self.file = file
        weakref.finalize(self, _delete, file, os.getpid())


_kept: weakref.WeakValueDictionary[Path, Kept] = weakref.WeakValueDictionary()


def keep(file: Path) -> Kept | None:
    """Return what keeps a file alive, None for a file that is not scratch or belongs to another process."""
    if os.environ.get(VARIABLE) or not file.parent.name.startswith(f"{_PREFIX}{os.getpid()}-"):
        return None
    found = _kept.get(file)
    if found is None:
        found = _kept[file] = Kept(file)
    return found


def _delete(file: Path, process: int) -> None:
    if os.getpid() == process:  # not in a forked child
        with contextlib.suppress(OSError):
            file.unlink()


def _hold(folder: Path) -> None:
    """Lock a folder as long as this process lives; the system lets go of it however the process ends."""
    if fcntl is not None:
        lock = os.open(folder / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _sweep() -> None:
    """Remove folders of processes that are gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if not _held(folder):
                shutil.rmtree(folder, ignore_errors=True)


def _held(folder: Path) -> bool:
    """Say whether the process that a folder belongs to lives."""
    number = folder.name.removeprefix(_PREFIX).split("-")[0]
    if fcntl is None or not (folder / _LOCK).exists():  # not locked yet, or made by an earlier version
        young = time.time() - folder.stat().st_mtime < _YOUNG_S
        return young or not number.isdigit() or alive(int(number))
    lock = os.open(folder / _LOCK, os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False
