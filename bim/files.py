"""Finds the one IFC file behind a path, plain or zipped, and refuses what cannot be read before opening it."""

from __future__ import annotations

import contextlib
import re
import struct
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

from scenes.errors import LoadError, MissingLibraryError, MissingSourceError, SourceError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenes.sources import Source

SUFFIXES = frozenset({".ifc", ".ifczip", ".ifcxml"})
SCHEMAS = frozenset({"IFC2X3", "IFC4", "IFC4X3_ADD2"})
# Names of earlier editions of a schema that is read; their files are read as that.
EDITIONS = {
    "IFC2X3_TC1": "IFC2X3",
    "IFC4_TC1": "IFC4",
    "IFC4_ADD1": "IFC4",
    "IFC4_ADD2": "IFC4",
    "IFC4_ADD2_TC1": "IFC4",
    "IFC4X3": "IFC4X3_ADD2",
    "IFC4X3_TC1": "IFC4X3_ADD2",
    "IFC4X3_ADD1": "IFC4X3_ADD2",
}
_ADVICE = "export the model as IFC2X3, IFC4 or IFC4X3_ADD2"
# Schemas that are not read, and the one that their files mostly fit.
_NEAREST = {
    "IFC4X3_RC1": "IFC4X3_ADD2",
    "IFC4X3_RC2": "IFC4X3_ADD2",
    "IFC4X3_RC3": "IFC4X3_ADD2",
    "IFC4X3_RC4": "IFC4X3_ADD2",
    "IFC4X2": "IFC4X3_ADD2",
    "IFC4X1": "IFC4X3_ADD2",
    "IFC4X1_FINAL": "IFC4X3_ADD2",
    "IFC2X_FINAL": "IFC2X3",
    "IFC2X2_FINAL": "IFC2X3",
    "IFC2X2": "IFC2X3",
    "IFC2X": "IFC2X3",
}
HEAD_BYTES = 65_536
_TAIL = 4_096
_LARGEST_UNPACKED = 8 << 30
_LARGEST_RATIO = 200
_DEFLATE64 = 9
_LOCAL_HEADER = 30
_BLOCK = 1 << 18
SCHEMA_PATTERN = re.compile(r"FILE_SCHEMA\s*\(\s*\(\s*'([^']*)'", re.IGNORECASE)


def is_ifc(path: Path) -> bool:
    """Say whether a path is an IFC file by its name or its first bytes, or a zip with some inside."""
    if path.suffix.lower() in SUFFIXES:
        return True
    if path.suffix.lower() == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                return bool(_members(archive))
        except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
            return False
    with contextlib.suppress(OSError), path.open("rb") as file:
        return b"ISO-10303-21" in file.read(256)
    return False


def is_ifc_file(source: Source) -> bool:
    """Say whether a source is an IFC file on this machine."""
    return not source.is_remote and source.file.is_file() and is_ifc(source.file)


@contextlib.contextmanager
def plain_file(path: Path, *, any_schema: bool = False) -> Iterator[Path]:
    """Give the path of the plain, readable IFC file; a zipped one is unpacked beside the temporary files and removed.

    With `any_schema` the schema is not checked.

    Raises
    ------
    MissingSourceError, UnsupportedError, LoadError
        When there is no such file, its schema is not read, or it is empty, truncated or a zip bomb.
    """
    if not path.is_file():
        raise MissingSourceError(path, "there is no such file", "check the path")
    if not zipfile.is_zipfile(path):
        if path.suffix.lower() in (".zip", ".ifczip"):
            raise LoadError(path, "is not a zip file or is cut off", "pack it again")
        check_text(path, path, any_schema=any_schema)
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="citytwin-ifc-") as folder:
        unpacked = Path(folder) / "model.ifc"
        _unpack(path, unpacked)
        check_text(unpacked, path, any_schema=any_schema)
        yield unpacked


def member_names(path: Path) -> list[str]:
    """Return the names of the IFC files in a zip; empty for a plain file.

    Raises
    ------
    LoadError
        When the zip is broken.
    """
    if not path.is_file() or not zipfile.is_zipfile(path):
        return []
    try:
        with zipfile.ZipFile(path) as archive:
            return [info.filename for info in _members(archive)]
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as error:
        raise LoadError(path, f"cannot be unpacked ({error})", "pack it again") from error


def unpack_member(path: Path, name: str, target: Path) -> None:
    """Write one IFC file of a zip to a path of the caller's choice.

    Raises
    ------
    LoadError
        When it is broken or a zip bomb.
    """
    with _unpacking(path) as archive:
        _copy(archive, archive.getinfo(name), path, target)


def schema_of(head: str) -> str:
    """Return the schema that the header of an IFC file names, empty if there is none.

    Examples
    --------
    >>> schema_of("FILE_SCHEMA (('IFC4X3_ADD2'));")
    'IFC4X3_ADD2'
    """
    match = SCHEMA_PATTERN.search(head)
    return match[1].strip().upper() if match else ""


def edition_of(path: Path) -> str:
    """Return the schema as which a file is read that names an earlier edition of it, empty for every other file.

    The file may be plain or the only model in a zip; one that cannot be opened says so when it is read.
    """
    with contextlib.suppress(SourceError, OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError):
        names = member_names(path)
        if len(names) > 1:
            return ""
        with contextlib.ExitStack() as stack:
            archive = stack.enter_context(zipfile.ZipFile(path)) if names else None
            head = stack.enter_context(archive.open(names[0]) if archive else path.open("rb")).read(HEAD_BYTES)
        return EDITIONS.get(schema_of(head.decode("latin-1")), "")
    return ""


def check_text(file: Path, shown: Path, *, any_schema: bool = False) -> None:
    """Check the header and the end of a plain file; `shown` is the path that the user gave.

    With `any_schema` the schema is not checked.

    Raises
    ------
    UnsupportedError, LoadError
    """
    size = file.stat().st_size
    if size == 0:
        raise LoadError(shown, "the file is empty", "export it again")
    with file.open("rb") as stream:
        head = stream.read(HEAD_BYTES)
        stream.seek(max(0, size - _TAIL))
        tail = stream.read()
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n\x00")
    if start.startswith((b"<", b"{", b"[")) and b"ifc" not in head.lower():
        raise UnsupportedError(shown, "is not an IFC file", "read maps and city models with gis.read")
    if start.startswith((b"<", b"{")):
        raise UnsupportedError(shown, "is written as ifcXML or ifcJSON, which is not read", _ADVICE + " in STEP (.ifc)")
    if b"ISO-10303-21" not in head[:4096]:
        raise LoadError(shown, "is not an IFC file (the ISO-10303-21 header is missing)", "export it again")
    if not any_schema:
        _check_schema(head, shown)
    if b"ENDSEC" not in tail.upper() and b"END-ISO" not in tail.upper():
        raise LoadError(shown, "the file is cut off (its end mark is missing)", "copy or export it again")


def _check_schema(head: bytes, shown: Path) -> None:
    schema = schema_of(head.decode("latin-1"))
    if not schema:
        raise LoadError(shown, "the header names no schema (FILE_SCHEMA)", "export it again")
    if schema not in SCHEMAS and schema not in EDITIONS:
        near = _NEAREST.get(schema)
        offer = f", or try whether it can be read as one of these: --as {near}" if near else ""
        raise UnsupportedError(shown, f"schema {schema} is not supported", _ADVICE + offer)


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    named = [info for info in archive.infolist() if info.filename]
    names = [info for info in named if not info.is_dir() and not info.filename.startswith("__MACOSX")]
    return [info for info in names if Path(info.filename).suffix.lower() in (".ifc", ".ifcxml")]


def _unpack(path: Path, target: Path) -> None:
    with _unpacking(path) as archive:
        found = _members(archive)
        if len(found) != 1:
            raise LoadError(path, f"holds {len(found)} IFC files", "pack exactly one, or unpack it first")
        _copy(archive, found[0], path, target)


@contextlib.contextmanager
def _unpacking(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a zip and turn whatever goes wrong inside into one sentence."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, RuntimeError, EOFError) as error:
        reason = str(error)[:160]
        raise LoadError(path, f"cannot be unpacked ({reason})", "pack it again without a password") from error
    except OSError as error:
        raise LoadError(path, f"cannot be unpacked ({error})", "check the free space for temporary files") from error


def _copy(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path, target: Path) -> None:
    ratio = info.file_size / max(1, info.compress_size)
    if info.file_size > _LARGEST_UNPACKED or (ratio > _LARGEST_RATIO and info.file_size > 64 << 20):
        size = f"{info.file_size / 1e9:.1f} GB from {info.compress_size / 1e6:.1f} MB"
        raise LoadError(
            path, f"would unpack to {size}, which looks like a zip bomb", "unpack it yourself if you trust it"
        )
    with target.open("wb") as plain:
        blocks = _inflated64(path, info) if info.compress_type == _DEFLATE64 else _inflated(archive, info)
        for block in blocks:
            plain.write(block)
            if plain.tell() > info.file_size:
                raise LoadError(path, "unpacks to more than its table says", "pack it again")
        if plain.tell() < info.file_size:
            raise LoadError(path, "is cut off in the middle of the packed file", "copy or pack it again")


def _inflated(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(info) as packed:
        while block := packed.read(_BLOCK):
            yield block


def _inflated64(path: Path, info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the bytes of a member packed with Deflate64, which Windows uses for large files and Python cannot read."""
    try:
        import inflate64  # noqa: PLC0415 - optional, and rarely needed
    except ImportError as error:
        raise MissingLibraryError("inflate64", f"is needed to unpack {path}", 'pip install "citytwin[bim]"') from error
    inflater = inflate64.Inflater()
    with path.open("rb") as file:
        file.seek(info.header_offset)
        header = file.read(_LOCAL_HEADER)
        name_size, extra_size = struct.unpack("<HH", header[26:30])
        file.seek(name_size + extra_size, 1)
        left = info.compress_size
        while left > 0 and (packed := file.read(min(_BLOCK, left))):
            left -= len(packed)
            yield inflater.inflate(packed)
