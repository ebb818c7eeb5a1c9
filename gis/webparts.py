"""A file of the web as an open file, of which only the parts that are read come."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from gis.webfetch import NoPartsError, without_secrets
from scenes.errors import LoadError

if TYPE_CHECKING:
    from gis.webfetch import Fetcher

_BLOCK = 1 << 16


class WebFile(io.RawIOBase):
    """Reads a file of the web by blocks of 64 KiB, each asked for once.

    Parameters
    ----------
    fetcher
        Asks for the parts, and keeps them.
    address
        Where the file is.

    Raises
    ------
    NoPartsError
        When the server gives no parts of it; told by the first block.
    LoadError, ConnectionLostError
        When it says no, does not answer, or stops giving parts later.
    """

    def __init__(self, fetcher: Fetcher, address: str) -> None:
        """Ask for the first block, which tells the size."""
        self._fetcher, self._address = fetcher, address
        self._place = 0
        first, self.size = fetcher.part(address, 0, _BLOCK)
        self._blocks = {0: first}

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that any place can be read."""
        return True

    def tell(self) -> int:
        """Return where the next read begins."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size}[whence]
        self._place = max(start + offset, 0)
        return self._place

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, fewer at the end of the file."""
        end = self.size if size < 0 else min(self._place + size, self.size)
        parts = []
        while self._place < end:
            number, skipped = divmod(self._place, _BLOCK)
            part = self._block(number)[skipped : skipped + end - self._place]
            if not part:
                break
            parts.append(part)
            self._place += len(part)
        return b"".join(parts)

    def run(self, first: int, length: int) -> bytes:
        """Return a part in one request, without keeping it in memory."""
        try:
            return self._fetcher.part(self._address, first, length)[0]
        except NoPartsError as error:
            raise LoadError(without_secrets(self._address), str(error), "copy the file and read the copy") from error

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            self._blocks[number] = self.run(number * _BLOCK, _BLOCK)
        return self._blocks[number]
