"""GTFS-realtime messages from files, as protobuf or JSON: the only door to the library that decodes them."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

from gis.sniffing import head_of
from scenes.errors import LoadError, MissingLibraryError

if TYPE_CHECKING:
    from scenes.sources import Source

_MOST_BYTES = 256 << 20
_VERSION = re.compile(rb'"gtfs_?[rR]ealtime_?[vV]ersion"')


def is_live_feed(source: Source) -> bool:
    """Say whether a file is a GTFS-realtime message, by its name or its first bytes."""
    if source.is_remote or not source.file.is_file():
        return False
    return source.suffix == ".pb" or (source.suffix == ".json" and bool(_VERSION.search(head_of(source.file, 8_192))))


def read_live_feed(source: Source) -> Any:
    """Return the FeedMessage of a file.

    Raises
    ------
    LoadError, MissingLibraryError
        When it is none, too large, or the library is not installed.
    """
    try:
        from google.protobuf import json_format, message  # noqa: PLC0415
        from google.transit import gtfs_realtime_pb2  # noqa: PLC0415
    except ImportError as error:
        what, advice = "gtfs-realtime-bindings is not installed", "pip install citytwin[gis]"
        raise MissingLibraryError("gis.networks", what, advice) from error
    if source.file.stat().st_size > _MOST_BYTES:
        raise LoadError(source.path, f"has more than {_MOST_BYTES >> 20} MB", "get the feed again")
    body, feed = source.file.read_bytes(), gtfs_realtime_pb2.FeedMessage()
    try:
        if source.suffix == ".json":
            json_format.Parse(body.decode("utf-8-sig"), feed, ignore_unknown_fields=True)
        else:
            feed.ParseFromString(body)
            _mend_texts(feed)
    except (message.DecodeError, json_format.ParseError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise LoadError(source.path, f"is no GTFS-realtime message ({reason})", "get the feed again") from error
    if not feed.HasField("header"):
        raise LoadError(source.path, "is a GTFS-realtime message without a header", "get the feed again")
    return feed


def _mend_texts(message: Any) -> None:
    """Put marks in place of the bytes of texts that are no UTF-8, which the library hands out as bytes."""
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for each in (value,) if hasattr(value, "ListFields") else value:
                _mend_texts(each)
        elif isinstance(value, bytes) and field.type == field.TYPE_STRING:
            setattr(message, field.name, value.decode("utf-8", "replace"))


def iso_time(seconds: int) -> str:
    """Return a POSIX time as text, empty where it is none.

    Examples
    --------
    >>> iso_time(1699405559), iso_time(0), iso_time(1699405801000)
    ('2023-11-08T01:05:59Z', '', '')
    """
    if not is_posix(seconds):
        return ""
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def is_posix(seconds: int) -> bool:
    """Say whether a number is a time in seconds since 1970 between 2005, when GTFS began, and 2100.

    Examples
    --------
    >>> is_posix(1699405559), is_posix(1699405559000), is_posix(5)
    (True, False, False)
    """
    return 1_104_537_600 <= seconds < 4_102_444_800
