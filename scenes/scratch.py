"""Large intermediate files that live as long as the process that asked for them.

Geometry that is too large for memory waits in files until it is stored. They lie in one folder a process, below the
system's folder for temporary files (``TMPDIR``); reader processes write into the folder of the process that started
them. The folder goes when the process ends; what a killed process left is swept by the next one.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from uuid import uuid4

from scenes.processes import alive

VARIABLE = "CITYTWIN_SCRATCH"
_PREFIX = "citytwin-scratch-"


@functools.cache
def scratch_folder() -> Path:
    """Return the folder for files of this process, or of the one that started it as a reader."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given)
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))
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


def _sweep() -> None:
    """Remove folders of processes that are gone."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        number = folder.name.removeprefix(_PREFIX).split("-")[0]
        if number.isdigit() and not alive(int(number)):
            shutil.rmtree(folder, ignore_errors=True)
