"""Points as text (XYZ, PTS) and as PLY without faces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gis.pointcloud_chunks import CHUNK, CloudHead, PointChunk, whole
from gis.pointcloud_systems import CloudSystem
from scenes.errors import LoadError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes.problems import Problems
    from scenes.sources import Source

_NUMBERS = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_BY_COUNT = {
    3: "x y z", 4: "x y z intensity", 6: "x y z red green blue", 7: "x y z intensity red green blue",
}  # fmt: skip
_WORDS = {
    "x": "x", "y": "y", "z": "z", "e": "x", "n": "y", "h": "z", "easting": "x", "northing": "y", "height": "z",
    "elevation": "z", "intensity": "intensity", "i": "intensity", "scalar_intensity": "intensity", "r": "red",
    "g": "green", "b": "blue", "red": "red", "green": "green", "blue": "blue", "diffuse_red": "red",
    "diffuse_green": "green", "diffuse_blue": "blue", "classification": "classes", "class": "classes",
    "label": "classes", "scalar_classification": "classes", "returnnumber": "return", "numberofreturns": "of",
}  # fmt: skip
_PLY_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
_HEAD_BYTES = 65_536


def chunk_of(columns: Mapping[str, NDArray[np.generic]]) -> PointChunk:
    """Return a chunk of named columns; colours may be shares from 0 to 1, intensities of PTS files may be negative."""
    xyz = np.column_stack([np.asarray(columns[axis], np.float64) for axis in "xyz"])
    colours = None
    if {"red", "green", "blue"} <= set(columns):
        shades = [columns[name] for name in ("red", "green", "blue")]
        shares = all(np.asarray(shade).dtype.kind == "f" and np.nanmax(shade, initial=0) <= 1 for shade in shades)
        colours = np.column_stack([whole(np.asarray(shade) * (255 if shares else 1), 65_535) for shade in shades])
    intensity = columns.get("intensity")
    if intensity is not None and np.nanmin(intensity, initial=0) < 0:
        intensity = np.asarray(intensity) + 2048
    elif intensity is not None and np.asarray(intensity).dtype.kind == "f" and np.nanmax(intensity, initial=0) <= 1:
        intensity = np.asarray(intensity) * 65_535
    returns = None
    if {"return", "of"} <= set(columns):
        returns = (whole(columns["return"], 15) | (whole(columns["of"], 15) << 4)).astype(np.uint8)
    classes = whole(columns["classes"], 255).astype(np.uint8) if "classes" in columns else None
    chunk = PointChunk(xyz, classes, None if intensity is None else whole(intensity, 65_535), returns, colours)
    return chunk.kept(np.isfinite(xyz).all(axis=1))


class TextReader:
    """Reads .xyz, .pts, .xyzrgb and .asc-like text of scattered points: three to seven numbers a line."""

    def supports(self, source: Source) -> bool:
        """Say whether the name is one of those and the first lines are numbers."""
        if source.suffix not in {".xyz", ".pts", ".xyzrgb", ".xyzi"} or not source.file.is_file():
            return False
        return _layout(source.file) is not None

    def head(self, source: Source) -> CloudHead:  # noqa: ARG002 - other formats say more
        """Return the head: text names no coordinate system."""
        return CloudHead(0, CloudSystem(), "text")

    def chunks(self, source: Source, problems: Problems) -> Iterator[PointChunk]:
        """Yield the points; lines that are no numbers are counted and left out."""
        layout = _layout(source.file)
        if layout is None:
            raise LoadError(source.shown, "its lines are not three to seven numbers each", "export it as x y z")
        broken = 0
        with pd.read_csv(
            source.file,
            sep=layout.separator,
            names=layout.names,
            usecols=range(len(layout.names)),
            skiprows=layout.skip,
            chunksize=CHUNK,
            encoding="latin-1",
            on_bad_lines="skip",
            comment="#",
        ) as parts:
            for part in parts:
                numbers = {name: pd.to_numeric(part[name], errors="coerce").to_numpy(np.float64) for name in part}
                chunk = chunk_of({name: values for name, values in numbers.items() if name in set(_WORDS.values())})
                broken += len(part) - len(chunk)
                yield chunk
        if broken:
            problems.add("warning", source.shown, "points-broken", f"{broken:,} lines are no points", "check them")


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the lines of a text file are written."""

    names: list[str]
    separator: str
    skip: int


def _layout(path: Path) -> _Layout | None:
    with path.open("rb") as file:
        lines = file.read(_HEAD_BYTES).decode("latin-1").splitlines()[:50]
    words: list[str] = []
    for skip, line in enumerate(lines):
        text = line.strip()
        parts = [part for part in re.split(r"[\s,;]+", text) if part]
        if len(parts) >= 3 and all(_NUMBERS.fullmatch(part) for part in parts[:3]):
            separator = ";" if ";" in text else "," if "," in text else r"\s+"
            names = _named(words, len(parts))
            return None if names is None else _Layout(names, separator, skip)
        words = [part.strip("/#\"'").lower() for part in parts if part.strip("/#\"'")]
    return None


def _named(words: list[str], count: int) -> list[str] | None:
    """Return the meaning of each column, by the words of a heading or by their number."""
    if len(words) >= count and {"x", "y", "z"} <= {_WORDS.get(word, "") for word in words[:count]}:
        return [_WORDS.get(word, f"column {place}") for place, word in enumerate(words[:count])]
    if count not in _BY_COUNT:
        return ["x", "y", "z", *(f"column {place}" for place in range(3, count))]
    return _BY_COUNT[count].split()


class PlyReader:
    """Reads PLY files that hold points and no faces, in text or binary."""

    def supports(self, source: Source) -> bool:
        """Say whether it is a PLY file without faces."""
        if source.suffix != ".ply" or not source.file.is_file():
            return False
        head = _ply_text(source.file)
        return head.startswith("ply") and not re.search(r"^element\s+(face|tristrips)\s+[1-9]", head, re.MULTILINE)

    def head(self, source: Source) -> CloudHead:
        """Return the number of points; PLY names no coordinate system."""
        head = _ply_head(source)
        return CloudHead(head.count, CloudSystem(), "PLY")

    def chunks(self, source: Source, problems: Problems) -> Iterator[PointChunk]:
        """Yield the points."""
        head, found = _ply_head(source), 0
        for part in _ply_binary(source.file, head) if head.order else _ply_lines(source.file, head):
            found += len(part["x"])
            yield chunk_of(part)
        if found < head.count:
            what = f"ends {head.count - found:,} points before the {head.count:,} that its head promises"
            problems.add("warning", source.shown, "points-missing", what, "copy or export it again")


@dataclass(frozen=True, slots=True)
class _PlyHead:
    """Layout of the vertices; `order` is ``<`` or ``>``, empty for text."""

    count: int
    names: list[str]
    types: list[str]
    order: str
    begin: int

    def dtype(self) -> np.dtype[Any]:
        return np.dtype([(name, self.order + kind) for name, kind in zip(self.names, self.types, strict=True)])


def _ply_text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES).split(b"end_header")[0].decode("latin-1").replace("\r", "")


def _ply_head(source: Source) -> _PlyHead:
    text = _ply_text(source.file)
    raw = source.file.open("rb").read(_HEAD_BYTES)
    end = raw.find(b"end_header")
    form = re.search(r"^format\s+(\w+)", text, re.MULTILINE)
    vertex = re.search(r"^element\s+(\w+)\s+(\d+)\n((?:(?:property|comment)[^\n]*\n?)*)", text, re.MULTILINE)
    if end < 0 or form is None or vertex is None or vertex[1] != "vertex":
        raise LoadError(source.shown, "its PLY head does not begin with the vertices", "export it again")
    names: list[str] = []
    types: list[str] = []
    for line in re.findall(r"property ([^\n]+)", vertex[3]):
        kind, *rest = line.split()
        if kind not in _PLY_TYPES or len(rest) != 1:
            raise UnsupportedError(source.shown, f"its points have a property {line!r}", "export plain numbers")
        word = _WORDS.get(rest[0].lower(), f"column {len(names)}")
        names.append(word if word not in names else f"column {len(names)}")
        types.append(_PLY_TYPES[kind])
    if not {"x", "y", "z"} <= set(names):
        raise LoadError(source.shown, "its points have no x, y and z", "export it again")
    order = {"binary_little_endian": "<", "binary_big_endian": ">"}.get(form[1], "")
    begin = raw.find(b"\n", end) + 1
    head = _PlyHead(int(vertex[2]), names, types, order, begin)
    room = (source.file.stat().st_size - begin) // (head.dtype().itemsize if order else 2 * len(names))
    if head.count > room + CHUNK:
        raise LoadError(source.shown, f"promises {head.count:,} points, where {room:,} have room", "export it again")
    return head


def _ply_binary(path: Path, head: _PlyHead) -> Iterator[dict[str, NDArray[np.generic]]]:
    dtype, left = head.dtype(), head.count
    with path.open("rb") as file:
        file.seek(head.begin)
        while left > 0:
            rows = np.fromfile(file, dtype, min(CHUNK, left))
            if not len(rows):
                return
            left -= len(rows)
            yield {name: rows[name].astype(dtype[name].newbyteorder("=")) for name in head.names}


def _ply_lines(path: Path, head: _PlyHead) -> Iterator[dict[str, NDArray[np.generic]]]:
    with path.open("rb") as file:
        file.seek(head.begin)
        with pd.read_csv(
            file, sep=r"\s+", names=head.names, nrows=head.count, chunksize=CHUNK, encoding="latin-1", index_col=False
        ) as parts:
            for part in parts:
                yield {name: pd.to_numeric(part[name], errors="coerce").to_numpy() for name in head.names}
