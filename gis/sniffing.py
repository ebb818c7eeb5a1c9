"""A look at the first bytes of a file, to tell formats with the same extension apart."""

from __future__ import annotations

import re
import sqlite3
import zipfile
from contextlib import closing
from typing import TYPE_CHECKING

from scenes.errors import LoadError

if TYPE_CHECKING:
    from pathlib import Path

_PROLOGUE = 1_000_000


def head_of(path: Path, size: int = 65_536) -> bytes:
    """Return the first bytes of a file, empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError:
        return b""


def zip_names(path: Path) -> list[str]:
    """Return the names of the files in a zip, empty if it is not one."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return []


def refuse_entities(path: Path) -> None:
    """Refuse an XML file that defines entities: a few lines of them can stand for gigabytes, or for other files.

    Raises
    ------
    LoadError
        When it does, or hides its first element behind more than a megabyte.
    """
    head = head_of(path, _PROLOGUE)
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        head = head.decode("utf-16", errors="replace").encode()
    prologue = re.split(rb"<[A-Za-z_]", re.sub(rb"<!--.*?-->", b"", head, flags=re.DOTALL), maxsplit=1)[0]
    if re.search(rb"<!ENTITY", prologue, re.IGNORECASE):
        raise LoadError(path.name, "defines XML entities, which maps do not need", "export it without a DOCTYPE")
    if len(head) == _PROLOGUE and len(prologue) == len(head):
        raise LoadError(path.name, "has no element in its first megabyte", "export it again")


def is_osm_pbf(path: Path) -> bool:
    """Say whether a ``.pbf`` file is OpenStreetMap data, not a vector tile."""
    return b"OSMHeader" in head_of(path, 64)


def is_osm_xml(head: bytes) -> bool:
    """Say whether the first bytes are those of OpenStreetMap XML."""
    return bool(re.search(rb"<(osm|osmChange)[\s>]", head[:4096]))


def tile_format(path: Path) -> str:
    """Return what the tiles of an MBTiles or PMTiles file are: ``pbf`` for vector tiles, ``png`` and the like else."""
    if path.suffix.lower() == ".pmtiles":
        head = head_of(path, 127)
        kinds = {1: "pbf", 2: "png", 3: "jpg", 4: "webp", 5: "avif"}
        return kinds.get(head[99], "") if len(head) == 127 and head.startswith(b"PMTiles") else ""
    try:
        with closing(sqlite3.connect(f"file:{path.resolve().as_posix()}?mode=ro&immutable=1", uri=True)) as base:
            row = base.execute("SELECT value FROM metadata WHERE name = 'format'").fetchone()
    except (sqlite3.Error, ValueError):  # text that is no UTF-8
        return ""
    return str(row[0]).lower() if row else ""
