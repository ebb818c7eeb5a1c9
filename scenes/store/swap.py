"""Replace a folder in one step: readers, and whoever comes after a crash, see the old one or the new one, never half.

A new folder is written beside the old one, its files are flushed to disk, and the two change places by one call
of the kernel (Linux ``renameat2``). Where that call does not exist the old one steps aside by a rename first, and
`recover` puts it back if the process dies between the two renames.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import socket
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from scenes.processes import alive

if TYPE_CHECKING:
    from collections.abc import Iterator

_AT_FDCWD = -100
_FLUSHES = 8
_RENAME_EXCHANGE = 2
_HOST = re.sub(r"[^A-Za-z0-9]", "", socket.gethostname()) or "host"


@contextlib.contextmanager
def replacing(target: Path, carried: frozenset[str]) -> Iterator[Path]:
    """Give an empty folder beside `target` that takes its place when the block ends well.

    Parameters
    ----------
    target
        The folder to make or to replace.
    carried
        Names of entries of the old folder that the block has linked into the new one; files that another process
        adds to them meanwhile are moved over.
    """
    fresh = fresh_beside(target)
    try:
        yield fresh
        flush(fresh)
        _swap(fresh, target)
        for name in carried:
            _late(fresh / name, target / name)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def fresh_beside(target: Path) -> Path:
    """Make an empty folder beside a file or folder that is to be written, and sweep what dead processes left there.

    Whoever writes into it removes it; if that process dies, the next one that writes `target` does.
    """
    sweep(target)
    fresh = target.with_name(f".{target.name}.saving-{_HOST}-{os.getpid()}-{uuid.uuid4().hex[:8]}")
    fresh.mkdir(parents=True)
    return fresh


def recover(target: Path) -> None:
    """Put back a folder whose replacement was cut off between two renames; does nothing in any other case."""
    if target.exists():
        return
    for aside in sorted(target.parent.glob(f".{_literal(target.name)}.aside-*")):
        aside.rename(target)
        return


def sweep(target: Path) -> None:
    """Remove what dead processes of this machine left beside `target`."""
    recover(target)
    pattern = re.compile(rf"\.{re.escape(target.name)}\.(saving|aside)-{_HOST}-(\d+)-[0-9a-f]+")
    for entry in target.parent.glob(f".{_literal(target.name)}.*") if target.parent.is_dir() else ():
        match = pattern.fullmatch(entry.name)
        if match and not alive(int(match[2])):
            shutil.rmtree(entry, ignore_errors=True)


def link_tree(source: Path, target: Path) -> None:
    """Make `target` the same as `source`: files as hard links where the disk can, else as copies."""
    if source.is_symlink():
        target.symlink_to(source.readlink())
    elif source.is_dir():
        target.mkdir()
        for entry in source.iterdir():
            link_tree(entry, target / entry.name)
    elif source.is_file():
        link_file(source, target)


def link_file(source: Path, target: Path, *, flush: bool = False) -> None:
    """Make `target` a hard link of a file, or a copy where the disk has no links.

    A linked file is taken to be safe on the disk already; with `flush` it is made so.
    """
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
        return
    if flush:
        _flush_file(target)


def _swap(fresh: Path, target: Path) -> None:
    """Let `fresh` take the place of `target`; what was there is at `fresh` afterwards."""
    if not target.exists():
        fresh.rename(target)
    elif not _exchange(fresh, target):
        aside = target.with_name(fresh.name.replace(".saving-", ".aside-"))
        target.rename(aside)
        try:
            fresh.rename(target)
        except OSError:
            aside.rename(target)
            raise
        aside.rename(fresh)
    _flush_folder(target.parent)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    names = (os.fsencode(one), os.fsencode(other))
    return bool(call(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0)


def _late(source: Path, target: Path) -> None:
    """Move what was added to a carried folder after it was linked."""
    if source.is_dir() and not source.is_symlink():
        target.mkdir(exist_ok=True)
        for entry in source.iterdir():
            _late(entry, target / entry.name)
    elif source.exists() and not target.exists():
        source.rename(target)


def flush(folder: Path) -> None:
    """Make sure that the files written here (not the linked ones) survive a power cut; the disk may do many at once."""
    written = []
    for root, _, names in os.walk(folder):
        files = (Path(root, name) for name in names)
        written += [file for file in files if not file.is_symlink() and file.stat().st_nlink == 1]
    with ThreadPoolExecutor(_FLUSHES) as threads:
        for _ in threads.map(_flush_file, written):
            pass
    for root, _, _ in os.walk(folder):
        _flush_folder(Path(root))


def _flush_file(file: Path) -> None:
    with file.open("rb") as stream:
        os.fsync(stream.fileno())


def _flush_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    place = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(place)
    finally:
        os.close(place)


def _literal(name: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", name)
