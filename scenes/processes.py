"""Whether the process that left something behind still runs."""

from __future__ import annotations

import os
from pathlib import Path


def alive(process: int) -> bool:
    """Say whether a process of this machine runs; one that has ended and that nobody has waited for does not.

    In a container whose first process waits for nobody, orphans that were killed keep their numbers for ever.

    Examples
    --------
    >>> alive(os.getpid())
    True
    """
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return not _waits_to_be_reaped(process)


def _waits_to_be_reaped(process: int) -> bool:
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:  # no such file system here, or the process is gone this moment
        return False
    return told.rpartition(")")[2].split()[:1] in (["Z"], ["X"])  # the name in brackets may hold anything
