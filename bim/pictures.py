"""Parent side: the images that a model states or names, decoded; files are looked for beside the model only."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from bim.records import IMAGES_FILE, read_table
from scenes.beside import is_file_inside, name_beside
from scenes.errors import LoadError
from scenes.pictures import MOST_BYTES, Picture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenes.problems import Problems

_TROUBLES = (OSError, EOFError, zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, RuntimeError)


@dataclass(frozen=True, slots=True)
class Home:
    """Where a model came from, and so what lies beside it.

    Parameters
    ----------
    path
        The file that the user gave.
    inside
        The name of the model in it where it is a zip, else empty.
    """

    path: Path
    inside: str = ""

    def read(self, reference: str) -> bytes | None:
        """Return the file that a reference means, or one of the same name beside the model; None if there is none.

        Nothing outside the folder or the zip of the model is ever opened.

        Raises
        ------
        LoadError
            When it cannot be read or is too large.
        """
        if not self.inside:
            root = self.path.absolute().parent
            found = next((each for each in _names("", reference) if is_file_inside(root, each)), None)
            return None if found is None else self._read(root / found)
        try:
            with zipfile.ZipFile(self.path) as archive:
                entries = set(archive.namelist())
                found = next((each for each in _names(self.inside, reference) if each in entries), None)
                return None if found is None else self._limited(archive, found)
        except _TROUBLES as error:
            raise LoadError(reference, f"cannot be unpacked ({str(error)[:120]})", "pack it again") from error

    def _read(self, file: Path) -> bytes:
        try:
            with file.open("rb") as opened:
                return opened.read(MOST_BYTES + 1)
        except OSError as error:
            raise LoadError(file.name, f"cannot be read ({error.strerror})", "check its rights") from error

    @staticmethod
    def _limited(archive: zipfile.ZipFile, name: str) -> bytes:
        with archive.open(name) as opened:
            return opened.read(MOST_BYTES + 1)


def _names(name: str, reference: str) -> Iterator[str]:
    """Yield the names that a reference may mean, the nearest first: models name paths of the machine they come from."""
    for text in dict.fromkeys((reference, unquote(reference))):
        for each in (text, PurePosixPath(text.replace("\\", "/")).name):
            found = name_beside(name, each)
            if found is not None:
                yield found


def read_pictures(folder: Path, home: Home, problems: Problems) -> dict[int, Picture]:
    """Return the images of a model by the entity number of their texture; what cannot be had is a problem."""
    found: dict[int, Picture] = {}
    kept: dict[str, Picture | None] = {}
    for row in read_table(folder / IMAGES_FILE).to_pylist():
        number, address = row["number"], row["address"]
        where = address[:120] or f"#{number}"
        try:
            if not address:
                found[number] = Picture.read(row["data"], where)
                continue
            if address not in kept:
                data = home.read(address)
                kept[address] = None if data is None else Picture.read(data, where)
                if data is None:
                    what = f"the image {where} is not beside the model: its surfaces keep their colours"
                    problems.add("info", home.path.name, "image-missing", what, "put it into the folder of the model")
        except LoadError as error:
            kept[address] = None
            problems.add("warning", home.path.name, "image-broken", f"{where} {error.what}", error.advice)
            continue
        picture = kept[address]
        if picture is not None:
            found[number] = picture
    return found
