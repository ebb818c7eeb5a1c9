"""Compressed files: their parts are unpacked into a scratch folder, with limits, and no part leaves it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from scenes.errors import LoadError
from scenes.scratch import scratch_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scenes.sources import Source

MOST_BYTES = 8_000_000_000
MOST_FILES = 20_000
_RATIO, _RATIO_FROM = 250, 50_000_000
_BLOCK = 1 << 20
_DAMAGE = (OSError, EOFError, zlib.error, zipfile.BadZipFile, lzma.LZMAError, NotImplementedError, RuntimeError,
           ValueError)  # fmt: skip


def unpacked(source: Source) -> Path:
    """Return a folder with the files of a zip.

    Raises
    ------
    LoadError
        When a name leads out of the folder, the content is a bomb, is encrypted or damaged.
    """
    folder = scratch_file("-unpacked")
    try:
        with zipfile.ZipFile(source.file) as archive:
            named = [part for part in archive.infolist() if part.filename]
            parts = [part for part in named if not part.is_dir() and not _is_rubbish(part.filename)]
            if len(parts) > MOST_FILES:
                raise LoadError(source.shown, f"holds {len(parts)} files", "unpack it and name the files you need")
            written = 0
            for part in parts:
                target = folder / _safe(source, part.filename)
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(part) as file:
                    written += _copied(source, file, target, max(part.compress_size, 1), MOST_BYTES - written)
    except _DAMAGE as error:
        raise _damaged(source, error) from error
    return folder


def expanded_file(source: Source) -> Path:
    """Return the content of a file compressed with gzip, bzip2 or xz as a scratch file named like it.

    Raises
    ------
    LoadError
        When it is damaged or a bomb.
    """
    openers: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
    folder = scratch_file("-expanded")
    folder.mkdir()
    target = folder / source.file.with_suffix("").name
    try:
        with openers[source.suffix](source.file, "rb") as file:
            _copied(source, file, target, max(source.file.stat().st_size, 1), MOST_BYTES)
    except _DAMAGE as error:
        raise _damaged(source, error) from error
    return target


def _damaged(source: Source, error: Exception) -> LoadError:
    reason = " ".join(str(error).split())[:160]
    return LoadError(source.shown, f"cannot be unpacked ({reason})", "pack it again")


def _copied(source: Source, file: IO[bytes], target: Path, packed: int, most: int) -> int:
    """Write what a packed file holds, at most so many bytes, and return how many there were."""
    written = 0
    with target.open("wb") as out:
        while block := file.read(_BLOCK):
            written += len(block)
            if written > most or (written > _RATIO_FROM and written > _RATIO * packed):
                raise LoadError(
                    source.shown, "unpacks to far more than a map would", "unpack it yourself if you trust it"
                )
            out.write(block)
    return written


def _safe(source: Source, name: str) -> PurePosixPath:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name or len(path.parts) > 20:
        raise LoadError(source.shown, f"holds a file that would lie outside it ({name[:60]!r})", "pack it again")
    return path


def _is_rubbish(name: str) -> bool:
    return "__MACOSX/" in name or name.rsplit("/", maxsplit=1)[-1].startswith("._")
