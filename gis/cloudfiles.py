"""Where the files of a point cloud come from: a folder, a file, or an address of the web, kept once it was read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit

from gis.webfetch import Fetcher, cache_folder
from scenes.errors import LoadError

if TYPE_CHECKING:
    from scenes.sources import Source

MOST_BYTES = 2_000_000_000
_GONE = (403, 404, 410)  # object stores answer 403 for what is not there
_WEB = re.compile(r"https?://", re.IGNORECASE)


def is_web(source: Source) -> bool:
    """Say whether a source is an address of the web."""
    return _WEB.match(source.path) is not None


def name_of(source: Source) -> str:
    """Return the last part of the path of a file or an address, in lower case.

    Examples
    --------
    >>> from scenes.sources import Source
    >>> name_of(Source("https://host/clouds/Town.copc.laz?key=1"))
    'town.copc.laz'
    """
    return (urlsplit(source.path).path.rpartition("/")[2] if is_web(source) else source.file.name).lower()


def local_file(source: Source) -> Path:
    """Return the file of a source; that of an address is read once and kept.

    Raises
    ------
    LoadError, ConnectionLostError
        When the server does not give it, or it has more than two gigabytes.
    """
    if not is_web(source):
        return source.file
    return Fetcher(cache_folder(), most_bytes=MOST_BYTES).file(source.path)


@dataclass(frozen=True)
class CloudFolder:
    """The folder beside an index file, on disk or on the web.

    Parameters
    ----------
    index
        Path or address of the index file.
    """

    index: str

    @property
    def is_web(self) -> bool:
        """Whether every file costs a request."""
        return _WEB.match(self.index) is not None

    def file(self, name: str) -> Path | None:
        """Return a file of the folder, None where it is missing.

        Raises
        ------
        LoadError, ConnectionLostError
            When the server does not answer, or gives something else.
        """
        if not self.is_web:
            found = Path(self.index).parent / name
            return found if found.is_file() else None
        try:
            return Fetcher(cache_folder()).file(self._address(name))
        except LoadError as error:
            if isinstance(error.__cause__, HTTPError) and error.__cause__.code in _GONE:
                return None
            raise

    def _address(self, name: str) -> str:
        parts = urlsplit(self.index)
        return urlunsplit(parts._replace(path=f"{parts.path.rpartition('/')[0]}/{name}"))
