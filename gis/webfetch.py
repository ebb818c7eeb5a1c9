"""Reading small files from the web: http and https only, with limits of size and time, kept in a local folder.

What was read once is read from the folder afterwards, so that a city can be built again without a network.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenes.errors import ConnectionLostError, LoadError

VARIABLE = "TWIN_IMAGE_CACHE"
MOST_BYTES = 20_000_000
_SECRETS = re.compile(r"([?&](?:tk|key|token|apikey|api_key|access_token|ak)=)[^&#]*", re.IGNORECASE)
_BLOCK = 1 << 18
_PATIENCE = 3  # an answer may take so many times as long as a silence
_AGENT = "citytwin (+https://pypi.org/project/citytwin)"


def cache_folder() -> Path:
    """Return the folder that keeps what was read: the variable TWIN_IMAGE_CACHE, or one in the user's cache."""
    given = os.environ.get(VARIABLE)
    if given:
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "citytwin" / "imagery"


def without_secrets(address: str) -> str:
    """Return an address with its key hidden, for messages.

    Examples
    --------
    >>> without_secrets("https://t0.example/wmts?layer=img&tk=abc#img")
    'https://t0.example/wmts?layer=img&tk=***#img'
    """
    return _SECRETS.sub(r"\1***", address)


@dataclass(frozen=True)
class Fetcher:
    """Reads addresses.

    Parameters
    ----------
    folder
        Keeps what was read; None keeps nothing.
    timeout_s
        Seconds that a server may be silent.
    """

    folder: Path | None
    timeout_s: float = 20.0

    def read(self, address: str) -> bytes:
        """Return the content of an address, from the folder if it is there.

        Raises
        ------
        LoadError, ConnectionLostError
            When the server says no, says something too long, or does not answer.
        """
        kept = self._place(address)
        if kept is not None and kept.is_file():
            return kept.read_bytes()
        content = self._fetch(address)
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            fresh = kept.with_name(f".{uuid.uuid4().hex}")
            fresh.write_bytes(content)
            fresh.replace(kept)
        return content

    def forget(self, address: str) -> None:
        """Drop what was kept of an address, because it turned out to be no image."""
        kept = self._place(address)
        if kept is not None:
            kept.unlink(missing_ok=True)

    def _place(self, address: str) -> Path | None:
        if self.folder is None:
            return None
        name = hashlib.sha256(_SECRETS.sub(r"\1", address).encode()).hexdigest()
        return self.folder / name[:2] / name[2:]

    def _fetch(self, address: str) -> bytes:
        shown = without_secrets(address)
        if urllib.parse.urlsplit(address).scheme not in {"http", "https"}:
            raise LoadError(shown, "is neither http nor https", "give a web address")
        request = urllib.request.Request(address, headers={"User-Agent": _AGENT})  # noqa: S310 - checked above
        try:
            with _opener().open(request, timeout=self.timeout_s) as answer:
                content = self._content(answer)
        except urllib.error.HTTPError as error:
            error.close()
            advice = "check the key" if error.code in {401, 403} else "check the address"
            raise LoadError(shown, f"the server answers {error.code} {error.reason}", advice) from error
        except TimeoutError as error:
            raise ConnectionLostError(shown, f"no answer for {self.timeout_s:g} s", "try again later") from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                raise ConnectionLostError(shown, f"no answer for {self.timeout_s:g} s", "try again later") from error
            raise ConnectionLostError(shown, f"cannot be reached ({reason})"[:200], "check the network") from error
        if len(content) > MOST_BYTES:
            raise LoadError(shown, f"sends more than {MOST_BYTES // 1_000_000} MB at once", "check the address")
        return content

    def _content(self, answer: Any) -> bytes:
        """Return what a server sends, a byte more than is allowed at most; a trickle ends like silence."""
        parts, size, ends = [], 0, time.monotonic() + _PATIENCE * self.timeout_s
        while size <= MOST_BYTES and (part := answer.read1(_BLOCK)):
            parts.append(part)
            size += len(part)
            if time.monotonic() > ends:
                raise TimeoutError
        return b"".join(parts)


def _opener() -> urllib.request.OpenerDirector:
    """Return what opens web addresses, and nothing else: no files, no FTP."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),  # by itself refuses to leave the web
    ):
        opener.add_handler(handler)
    return opener
