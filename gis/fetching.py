"""Answers of web services: over http and https only, with limits of size and time, wherever they redirect to."""

from __future__ import annotations

import gzip
import http.client
import time
import urllib.error
import urllib.request
import zlib
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, cast
from urllib.parse import urlsplit

from scenes.errors import ConnectionLostError

if TYPE_CHECKING:
    from http.client import HTTPMessage

_BLOCK = 1 << 18
_HEADERS = {"User-Agent": "citytwin", "Accept-Encoding": "gzip"}


@dataclass
class Fetcher:
    """Fetches pages until a budget of bytes and seconds is spent.

    Parameters
    ----------
    most_bytes
        Of all answers together, unpacked.
    most_s
        Of all answers together.
    silence_s
        Between two bytes.
    """

    most_bytes: int = 4_000_000_000
    most_s: float = 1_800.0
    silence_s: float = 30.0
    fetched: int = field(default=0, init=False)
    begun: float = field(default_factory=time.monotonic, init=False)

    def get(self, address: str, shown: str, accept: str = "*/*") -> bytes:
        """Return the body of an answer.

        Parameters
        ----------
        address
            What to ask.
        shown
            The address as it may be printed.
        accept
            Wanted media types.

        Raises
        ------
        ConnectionLostError
            When the service does not answer, refuses, sends too much, or leads to another kind of address.
        """
        request = urllib.request.Request(checked(address, shown), headers={**_HEADERS, "Accept": accept})  # noqa: S310
        opener = urllib.request.OpenerDirector()
        for handler in (
            urllib.request.ProxyHandler(), urllib.request.HTTPHandler(), urllib.request.HTTPSHandler(),
            urllib.request.HTTPDefaultErrorHandler(), urllib.request.HTTPErrorProcessor(), _Redirects(shown),
        ):  # fmt: skip
            opener.add_handler(handler)
        try:
            with opener.open(request, timeout=self.silence_s) as answer:
                packed = answer.headers.get("Content-Encoding", "") == "gzip"
                body: IO[bytes] = cast("IO[bytes]", gzip.GzipFile(fileobj=answer)) if packed else answer
                return self._body(body, shown)
        except urllib.error.HTTPError as error:
            with error:
                what = f"answers {error.code} ({' '.join(str(error.reason).split())[:160]})"
            raise ConnectionLostError(shown, what, "check the address") from None
        except (OSError, http.client.HTTPException, zlib.error, EOFError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise ConnectionLostError(
                shown, f"does not answer ({reason})", "check the address and the network"
            ) from None

    def _body(self, answer: IO[bytes], shown: str) -> bytes:
        parts: list[bytes] = []
        while block := answer.read(_BLOCK):
            parts.append(block)
            self.fetched += len(block)
            if self.fetched > self.most_bytes:
                raise ConnectionLostError(
                    shown, f"sends more than {self.most_bytes / 1e6:.0f} MB", "ask for less of it"
                )
            if time.monotonic() - self.begun > self.most_s:
                raise ConnectionLostError(shown, f"takes more than {self.most_s:.0f} s", "ask for less of it")
        return b"".join(parts)


def checked(address: str, shown: str) -> str:
    """Return an address when it is one of http or https.

    Raises
    ------
    ConnectionLostError
        When it is anything else.

    Examples
    --------
    >>> checked("https://host/a", "host")
    'https://host/a'
    """
    parts = urlsplit(address)
    if parts.scheme.lower() not in {"http", "https"} or not parts.netloc or any(ord(c) < 33 for c in address):
        raise ConnectionLostError(shown, f"leads to {address[:80]!r}, which is no web address", "check the service")
    return address


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects only to web addresses."""

    max_redirections = 5

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """Return the next request, unless it leads to another kind of address."""
        return super().redirect_request(req, fp, code, msg, headers, checked(newurl, self.shown))
