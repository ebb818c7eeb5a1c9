"""Which characters some bytes mean, where nobody says so: UTF-8 if it fits, else the encoding that makes most words."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Bytes at the start of a file that name its encoding.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LEAST = 0.35
# Names of encodings for people.
TITLES = {
    "gb18030": "GBK",
    "cp932": "Shift-JIS",
    "cp949": "Korean (EUC-KR)",
    "big5": "Big5",
    "cp1252": "Latin-1",
    "cp1251": "Cyrillic (Windows-1251)",
    "utf-8": "UTF-8",
    "euc_jp": "EUC-JP",
}


def encoding_of(sample: bytes) -> str:
    """Return the encoding of some text: by its mark, as UTF-8 where that fits, else the one that makes most sense.

    Examples
    --------
    >>> encoding_of("上海市浦东新区世纪大道".encode("gbk")), encoding_of("東京タワーのビル".encode("shift_jis"))
    ('gb18030', 'cp932')
    >>> encoding_of("Größe der Straße".encode("latin-1")), encoding_of("plain".encode())
    ('cp1252', 'utf-8')
    """
    for mark, name in MARKS:
        if sample.startswith(mark):
            return name
    if _decoded(sample, "utf-8") is not None:
        return "utf-8"
    scores = {name: _score(sample, name, weigh) for name, weigh in _SCRIPTS.items()}
    best = max(scores, key=lambda name: scores[name])
    return best if scores[best] >= _LEAST else "cp1252"


def _decoded(sample: bytes, encoding: str) -> str | None:
    for cut in range(4):  # the sample may end inside a character
        try:
            return sample[: len(sample) - cut].decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _score(sample: bytes, encoding: str, weigh: Callable[[str], float]) -> float:
    """Return how likely it is that the characters beyond ASCII are words, at most about 1."""
    text = _decoded(sample, encoding)
    if text is None:
        return -1.0
    words = re.findall(r"[^\x00-\x7f]+", text)
    count = sum(map(len, words))
    # Each wrong pair of bytes counts once, each character of one byte once: compare by bytes.
    return sum(weigh(word) for word in words) / count if count else 0.0


def _by_lead(encoding: str, common: range, rare: range) -> Callable[[str], float]:
    def weigh(word: str) -> float:
        total = 0.0
        for letter in word:
            try:
                lead = letter.encode(encoding)[0]
            except UnicodeEncodeError:
                total -= 0.6
                continue
            total += 1.0 if lead in common else 0.2 if lead in rare else 0.1
        return total

    return weigh


def _korean(word: str) -> float:
    syllables = sum(1 for letter in word if "\uac00" <= letter <= "\ud7a3")
    return 1.1 * syllables - 0.5 * (len(word) - syllables)


def _japanese(word: str) -> float:
    total = 0.0
    for letter in word:
        if "\u3040" <= letter <= "\u30ff":
            total += 1.3
        elif "\uff61" <= letter <= "\uff9f":
            total -= 0.8
        else:
            try:
                lead = letter.encode("cp932")[0]
            except UnicodeEncodeError:
                lead = 0
            total += 0.85 if 0x88 <= lead <= 0x97 else 0.1
    return total


def _latin(word: str) -> float:
    """Letters with accents stand alone or in pairs between plain ones."""
    letters = sum(1 for letter in word if "\u00c0" <= letter <= "\u024f" and letter not in "\u00d7\u00f7")
    return float(letters) if len(word) <= 2 else 0.15 * letters - 0.5 * (len(word) - letters)


def _cyrillic(word: str) -> float:
    small = sum(1 for letter in word if "\u0430" <= letter <= "\u044f" or letter == "\u0451")
    large = sum(1 for letter in word[:1] if "\u0410" <= letter <= "\u042f")
    rest = len(word) - small - large
    return 0.95 * (small + large) - 0.6 * rest


_SCRIPTS: dict[str, Callable[[str], float]] = {
    "gb18030": _by_lead("gb2312", range(0xB0, 0xD8), range(0xD8, 0xF8)),
    "cp932": _japanese,
    "big5": _by_lead("big5", range(0xA4, 0xC7), range(0xC9, 0xFA)),
    "cp949": _korean,
    "cp1251": _cyrillic,
    "cp1252": _latin,
}
