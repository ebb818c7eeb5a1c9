"""Reading files from the web: http and https only, with limits of size and time, kept in a local folder.

What was read once is read from the folder afterwards, so that a city can be built again without a network.
"""

from __future__ import annotations

import contextlib
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
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from scenes.errors import ConnectionLostError, LoadError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VARIABLE = "TWIN_IMAGE_CACHE"
MOST_BYTES = 20_000_000
_SECRETS = re.compile(r"([?&](?:tk|key|token|apikey|api_key|access_token|ak)=)[^&#]*", re.IGNORECASE)
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")
_PARTIAL = 206
_TOTAL_BYTES = 8
_BLOCK = 1 << 18
_PATIENCE = 3  # an answer may take so many times as long as a silence
_SLOWEST_BYTES_S = 500_000  # large ones longer, by what has arrived
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


class NoPartsError(Exception):
    """A server gives a file only as a whole; whoever asked decides what comes of that."""


@dataclass(frozen=True)
class Fetcher:
    """Reads addresses.

    Parameters
    ----------
    folder
        Keeps what was read; None keeps nothing.
    timeout_s
        Seconds that a server may be silent.
    most_bytes
        Of one answer.
    only_hosts
        Hosts that may be read, also when a server sends on; empty = any.
    """

    folder: Path | None
    timeout_s: float = 20.0
    most_bytes: int = MOST_BYTES
    only_hosts: frozenset[str] = frozenset()

    def read(self, address: str) -> bytes:
        """Return the content of an address, from the folder if it is there.

        Raises
        ------
        LoadError, ConnectionLostError
            When the server says no, says something too long, or does not answer.
        """
        if self.folder is not None:
            return self.file(address).read_bytes()
        with self._answer(address) as answer:
            return b"".join(self._blocks(answer, address))

    def file(self, address: str) -> Path:
        """Return the file that keeps the content of an address; it is written block by block, and not changed again.

        Raises
        ------
        LoadError, ConnectionLostError
            As `read`; also when there is no folder to keep it in.
        """
        kept = self._place(address)
        if kept is None:
            raise LoadError(without_secrets(address), "has no folder to be kept in", f"set {VARIABLE}")
        if not kept.is_file():
            kept.parent.mkdir(parents=True, exist_ok=True)
            fresh = kept.with_name(f".{uuid.uuid4().hex}")
            try:
                with self._answer(address) as answer, fresh.open("wb") as out:
                    out.writelines(self._blocks(answer, address))
                fresh.replace(kept)
            finally:
                fresh.unlink(missing_ok=True)
        return kept

    def part(self, address: str, first: int, length: int) -> tuple[bytes, int]:
        """Return some bytes of what is at an address, and how many it has in all; kept like whole answers.

        Raises
        ------
        NoPartsError
            When the server gives no parts of it (HTTP Range, RFC 9110).
        LoadError, ConnectionLostError
            As `read`.
        """
        kept = self._place(f"{address}#bytes={first}+{length}")
        if kept is not None and kept.is_file():
            whole = kept.read_bytes()
            return whole[_TOTAL_BYTES:], int.from_bytes(whole[:_TOTAL_BYTES], "little")
        wanted = {"Range": f"bytes={first}-{first + length - 1}", "Accept-Encoding": "identity"}
        with self._answer(address, wanted) as answer:
            found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
            if answer.status != _PARTIAL or found is None:
                raise NoPartsError("the server gives no parts of it")
            data = b"".join(self._blocks(answer, address))
        begin, end, total = (int(each) for each in found.groups())
        if begin != first or end - begin + 1 != len(data) or len(data) != min(length, total - first):
            raise NoPartsError("the server gives other bytes than those that were asked for")
        if kept is not None:
            kept.parent.mkdir(parents=True, exist_ok=True)
            fresh = kept.with_name(f".{uuid.uuid4().hex}")
            fresh.write_bytes(total.to_bytes(_TOTAL_BYTES, "little") + data)
            fresh.replace(kept)
        return data, total

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

    @contextlib.contextmanager
    def _answer(self, address: str, more: Mapping[str, str] = MappingProxyType({})) -> Iterator[Any]:
        """Give what a server answers; every trouble with it is one sentence."""
        shown = without_secrets(address)
        if urllib.parse.urlsplit(address).scheme not in {"http", "https"}:
            raise LoadError(shown, "is neither http nor https", "give a web address")
        if self.only_hosts and urllib.parse.urlsplit(address).hostname not in self.only_hosts:
            raise LoadError(shown, "is on a host that was not named", "name it where the map is configured")
        request = urllib.request.Request(address, headers={"User-Agent": _AGENT, **more})  # noqa: S310 - checked above
        try:
            with _opener(self.only_hosts).open(request, timeout=self.timeout_s) as answer:
                yield answer
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

    def _blocks(self, answer: Any, address: str) -> Iterator[bytes]:
        """Yield what a server sends; too much is refused, and a trickle ends like silence."""
        size, begun = 0, time.monotonic()
        while block := answer.read1(_BLOCK):
            size += len(block)
            if size > self.most_bytes:
                what = f"sends more than {self.most_bytes // 1_000_000} MB at once"
                raise LoadError(without_secrets(address), what, "check the address")
            if time.monotonic() - begun > _PATIENCE * self.timeout_s + size / _SLOWEST_BYTES_S:
                raise TimeoutError
            yield block


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a server that sends on within some hosts; by itself it refuses to leave the web."""

    def __init__(self, only_hosts: frozenset[str]) -> None:
        self.only_hosts = only_hosts

    def redirect_request(self, request: urllib.request.Request, answer: Any, *rest: Any) -> Any:
        onward = super().redirect_request(request, answer, *rest)
        if onward is None or not self.only_hosts or urllib.parse.urlsplit(onward.full_url).hostname in self.only_hosts:
            return onward
        answer.close()
        raise urllib.error.URLError("it sends on to another host")


def _opener(only_hosts: frozenset[str] = frozenset()) -> urllib.request.OpenerDirector:
    """Return what opens web addresses, and nothing else: no files, no FTP."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        _Redirects(only_hosts),
    ):
        opener.add_handler(handler)
    return opener
