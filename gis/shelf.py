"""Where a city model lies and what may be read beside it: a folder or a zip, and nothing outside."""

from __future__ import annotations

import gzip
import io
import posixpath
import zipfile
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING

from scenes.beside import is_file_inside, name_beside
from scenes.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MOST_BYTES = 16 << 30
_WORST_RATIO = 250
_SMALL = 10_000_000  # what is smaller than this when unpacked harms nobody
_TROUBLES = (OSError, EOFError, zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError)


@dataclass(frozen=True)
class Shelf:
    """The folder or archive of a model.

    Parameters
    ----------
    path
        The model file or the zip that has it.
    root
        Folder that relative paths may not leave; not used for a zip.
    is_zip
        Whether `path` is an archive.
    """

    path: Path
    root: Path = field(default_factory=Path)
    is_zip: bool = False

    @classmethod
    def of(cls, path: Path) -> Shelf:
        """Return the shelf of a file: its folder, or the whole tree of a PLATEAU delivery when it lies in ``udx/``."""
        if path.suffix.lower() == ".zip":
            return cls(path, is_zip=True)
        parts = path.absolute().parts
        if "udx" in parts[:-1]:
            return cls(path, Path(*parts[: len(parts) - 1 - parts[::-1].index("udx")]))
        return cls(path, path.absolute().parent)

    def documents(self, endings: Iterable[str]) -> list[str]:
        """Return the names of the models: the file itself, or what in the zip ends like one (``.gml``)."""
        if not self.is_zip:
            return [self.path.absolute().relative_to(self.root).as_posix()]
        wanted = tuple(endings)
        return sorted(name for name in self._entries if name.lower().endswith(wanted) and "__MACOSX" not in name)

    def size(self, name: str) -> int:
        """Return the bytes of a file, unpacked."""
        return self._entries[name].file_size if self.is_zip else (self.root / name).stat().st_size

    def is_as_stored(self, name: str) -> bool:
        """Say whether a file is not packed, so that any part of it can be read on its own."""
        return not self.is_zip and not name.lower().endswith(".gz")

    def open(self, name: str) -> IO[bytes]:
        """Return an open file; a ``.gz`` is unpacked on the way.

        Raises
        ------
        LoadError
            When it cannot be opened, or unpacks to far more than it should.
        """
        try:
            if self.is_zip:
                entry = self._entries[name]
                self._check(entry.file_size, entry.compress_size)
                return zipfile.ZipFile(self.path).open(entry)
            if not self.is_as_stored(name):
                packed = max((self.root / name).stat().st_size, 1)
                return io.BufferedReader(_Counted(gzip.GzipFile(self.root / name), packed, self.path))
            plain = (self.root / name).open("rb")
        except KeyError:
            raise LoadError(str(self.path), f"{name} is not in it", "check the archive") from None
        except _TROUBLES as error:
            raise LoadError(str(self.path), f"cannot be unpacked ({str(error)[:160]})", "download it again") from error
        return plain

    def read(self, name: str, most_bytes: int = _MOST_BYTES) -> bytes:
        """Return the content of a file, at most so many bytes.

        Raises
        ------
        LoadError
            When it is longer or cannot be read.
        """
        try:
            with self.open(name) as file:
                data = b"".join(_pieces(file, most_bytes))
        except _TROUBLES as error:
            raise LoadError(
                str(self.path), f"{name} cannot be read ({str(error)[:160]})", "download it again"
            ) from error
        if len(data) > most_bytes:
            raise LoadError(str(self.path), f"{name} has more than {most_bytes:,} bytes", "make it smaller")
        return data

    def beside(self, name: str, reference: str) -> str | None:
        """Return the name of the file that a reference in another one means, None unless it is there and inside.

        Addresses (``http:``, ``file:``), absolute paths and ways out of the folder or archive are never followed.

        Examples
        --------
        >>> shelf = Shelf.of(Path("city.gml"))
        >>> shelf.beside("city.gml", "../secret.xml"), shelf.beside("city.gml", "http://example.org/a.xml")
        (None, None)
        """
        wanted = name_beside(name, reference)
        if wanted is None:
            return None
        there = wanted in self._entries if self.is_zip else is_file_inside(self.root, wanted)
        return wanted if there else None

    @cached_property
    def _entries(self) -> dict[str, zipfile.ZipInfo]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                found = [entry for entry in archive.infolist() if entry.filename and not entry.is_dir()]
        except _TROUBLES as error:
            raise LoadError(str(self.path), f"cannot be unpacked ({str(error)[:160]})", "download it again") from error
        return {name: entry for entry in found if (name := _plain(entry.filename))}

    def _check(self, size: int, packed: int) -> None:
        if size > _MOST_BYTES or (size > _SMALL and size > _WORST_RATIO * max(packed, 1)):
            raise LoadError(str(self.path), "it unpacks to far more than it should", "unpack it by hand and look")


def _plain(name: str) -> str:
    """Return the normal form of a name in an archive, empty when it leads out of it."""
    normal = posixpath.normpath(name.replace("\\", "/"))
    return "" if normal.startswith(("..", "/")) or ":" in normal else normal


class _Counted(io.RawIOBase):
    """A stream that stops when it becomes far longer than what it was packed in."""

    def __init__(self, stream: gzip.GzipFile, packed: int, path: Path) -> None:
        self._stream, self._path = stream, path
        self._left = max(_SMALL, min(_MOST_BYTES, packed * _WORST_RATIO))

    def readable(self) -> bool:
        """Say yes."""
        return True

    def close(self) -> None:
        """Close the file too."""
        self._stream.close()
        super().close()

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read into a buffer."""
        data = self._stream.read(len(buffer))
        self._left -= len(data)
        if self._left < 0:
            raise LoadError(str(self._path), "it unpacks to far more than it should", "unpack it by hand and look")
        buffer[: len(data)] = data
        return len(data)


def _pieces(file: IO[bytes], most_bytes: int) -> Iterator[bytes]:
    """Yield what a file has until it has more than so many bytes; read at once it would be allocated at once."""
    size = 0
    while size <= most_bytes and (piece := file.read(1 << 22)):
        size += len(piece)
        yield piece


def lines_of(file: IO[bytes], longest: int = 256_000_000) -> Iterator[bytes]:
    """Yield the lines of a file without their ends.

    Raises
    ------
    ValueError
        When a line has more than `longest` bytes.
    """
    while line := file.readline(longest + 1):
        if len(line) > longest:
            raise ValueError(f"a line has more than {longest:,} bytes")
        yield line.strip()
