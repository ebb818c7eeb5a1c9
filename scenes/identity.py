"""Names that never change: uids derived from the source, and the 21-digit city resource code."""

from __future__ import annotations

import hashlib
import re
import uuid
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

# The root of all derived ids; changing it would change every uid of every city.
_ROOT = uuid.uuid5(uuid.NAMESPACE_URL, "https://citytwin.org/ns/objects")
_PATTERN = np.frombuffer(b"urn:uuid:00000000-0000-0000-0000-000000000000", np.uint8)
_PLACES = np.flatnonzero(ord("0") == _PATTERN)
_DIGITS = np.frombuffer(b"0123456789abcdef", np.uint8)
_CODE = re.compile(r"^(\d{6})(\d{6})(\d{9})$")
_UID = re.compile(r"^urn:(uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|cityobj:\d{6}:\d{21})$")


def derive_uid(dataset: str, source_id: str) -> str:
    """Return the URN of an object: the same dataset and id always give the same.

    Examples
    --------
    >>> derive_uid("lujiazui", "way/44") == derive_uid("lujiazui", "way/44")
    True
    >>> derive_uid("lujiazui", "way/44") == derive_uid("lujiazui", "way/45")
    False
    """
    return derive_uids(dataset, [source_id])[0]


def derive_uids(dataset: str, source_ids: Iterable[str]) -> list[str]:
    """Return one URN for each source id of a dataset (UUID version 5, RFC 9562).

    A source id that is a valid 21-digit city resource code becomes its own URN.

    Examples
    --------
    >>> derive_uids("parks", ["310115010101000000007"])
    ['urn:cityobj:310115:310115010101000000007']
    """
    texts = list(source_ids)
    urns = _uuid5_urns(uuid.uuid5(_ROOT, dataset).bytes, texts)
    for place, text in enumerate(texts):
        if len(text) == 21 and is_city_code(text):
            urns[place] = city_code_urn(text)
    return urns


def _uuid5_urns(space: bytes, texts: list[str]) -> list[str]:
    """Return the same as ``uuid.uuid5(space, text).urn`` of each text; the digits are written for all at once."""
    sha1 = hashlib.sha1
    digests = b"".join([sha1(space + text.encode(), usedforsecurity=False).digest() for text in texts])
    octets = np.frombuffer(digests, np.uint8).reshape(-1, 20)[:, :16].copy()
    octets[:, 6] = octets[:, 6] & 0x0F | 0x50
    octets[:, 8] = octets[:, 8] & 0x3F | 0x80
    digits = _DIGITS[np.stack([octets >> 4, octets & 15], axis=2).reshape(-1, 32)]
    written = np.empty((len(texts), len(_PATTERN)), np.uint8)
    written[:] = _PATTERN
    written[:, _PLACES] = digits
    line, size = written.tobytes().decode("ascii"), len(_PATTERN)
    return [line[start : start + size] for start in range(0, len(line), size)]


def is_city_code(text: str) -> bool:
    """Say whether `text` is a city resource code: 6 digits area, 6 digits class, 9 digits serial (CJ/T 553-2024).

    Examples
    --------
    >>> is_city_code("310115010101000000007")
    True
    >>> is_city_code("31011501010100000000X")
    False
    """
    match = _CODE.match(text)
    return bool(match) and match is not None and match[1][:2] != "00"


def city_code_urn(code: str) -> str:
    """Return the URN of a city resource code.

    Raises
    ------
    ValueError
        When the code is not 21 digits with a valid area.
    """
    if not is_city_code(code):
        raise ValueError(f"{code}: is not a 21-digit city resource code (6 area + 6 class + 9 serial)")
    return f"urn:cityobj:{code[:6]}:{code}"


def is_uid(text: str) -> bool:
    """Say whether `text` is written like a uid of this toolkit."""
    return bool(_UID.match(text))
