"""A look at the first bytes of a file, to tell formats with the same extension apart."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


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
    except (OSError, zipfile.BadZipFile):
        return []
