"""Ways in which bytes go wrong: copied badly, cut off, edited by hand, or made to do harm."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_EXTREMES = (b"0", b"-1", b"255", b"65536", b"2147483648", b"4294967295", b"18446744073709551616", b"1e308", b"-1e400",
             b"NaN", b"inf", b"", b"1.7976931348623157e309", b"0x41", b"9" * 40)  # fmt: skip
_SNIPPETS = (b"\x00", b"\xff" * 8, b'"', b"'", b"<", b">", b"{", b"}", b"[" * 200, b"\n", b"\xef\xbb\xbf", b"\\u0000",
             b"../../etc/passwd", b"http://127.0.0.1:9/x", b"file:///etc/passwd", b"<!ENTITY a 'b'>", b"%s%n", b"$",
             b"\x80\x81\xfe", b"<script>", b";", b",", b"#1")  # fmt: skip


def _flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        place = chance.randrange(len(data))
        data[place] ^= 1 << chance.randrange(8)


def _overwrite(data: bytearray, chance: random.Random) -> None:
    place, size = chance.randrange(len(data)), chance.choice((1, 2, 4, 8, 32))
    data[place : place + size] = chance.randbytes(min(size, len(data) - place))


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(1, len(data) + 1) :]


def _drop(data: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(data))
    del data[place : place + chance.choice((1, 2, 8, 64, 512))]


def _repeat(data: bytearray, chance: random.Random) -> None:
    place, size = chance.randrange(len(data)), chance.choice((4, 32, 256))
    piece = bytes(data[place : place + size])
    data[place:place] = piece * chance.choice((1, 2, 8))


def _swap(data: bytearray, chance: random.Random) -> None:
    size = chance.choice((1, 4, 16))
    first, second = (chance.randrange(max(1, len(data) - size)) for _ in range(2))
    data[first : first + size], data[second : second + size] = (
        data[second : second + size],
        data[first : first + size],
    )


def _insert(data: bytearray, chance: random.Random) -> None:
    place = chance.randrange(len(data) + 1)
    data[place:place] = chance.choice(_SNIPPETS)


def _number(data: bytearray, chance: random.Random) -> None:
    found = list(_NUMBER.finditer(data[: 1 << 16]))
    if not found:
        _overwrite(data, chance)
        return
    where = chance.choice(found)
    data[where.start() : where.end()] = chance.choice(_EXTREMES)


def _size(data: bytearray, chance: random.Random) -> None:
    """Put an extreme little-endian integer somewhere, as a count or an offset may be one."""
    place, width = chance.randrange(len(data)), chance.choice((2, 4, 8))
    value = chance.choice((0, 1, (1 << (8 * width)) - 1, 1 << (8 * width - 1), 1 << (8 * width - 2)))
    data[place : place + width] = value.to_bytes(width, "little")[: len(data) - place]


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    _flip, _overwrite, _cut, _drop, _repeat, _swap, _insert, _number, _size,
)  # fmt: skip


def mutated(seed: bytes, number: int) -> bytes:
    """Return the seed with one to three things wrong; the same number always gives the same bytes."""
    chance = random.Random(number)
    data = bytearray(seed)
    for _ in range(chance.choice((1, 1, 2, 3))):
        if data:
            chance.choice(MUTATIONS)(data, chance)
    return bytes(data)
