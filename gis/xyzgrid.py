"""Text grids: a line a point, x y z, all at the nodes of a regular grid in any order."""

from __future__ import annotations

import functools
import gzip
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from scenes.errors import LoadError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_POINTS = 40_000_000
_CHUNK = 2_000_000
_HEAD_BYTES = 65_536
_FULLEST = 4.0  # a grid has at most so many nodes for each point
_HEADINGS = ({"x", "e", "east", "easting", "rechtswert", "lon", "longitude"},
             {"y", "n", "north", "northing", "hochwert", "lat", "latitude"},
             {"z", "h", "height", "elevation", "hoehe", "höhe", "altitude", "dem", "dtm"})  # fmt: skip


@dataclass(frozen=True, eq=False)
class TextGrid:
    """Heights at the nodes of a grid: ascending x and y, and (rows, columns) values, NaN where there is no line."""

    x: Floats
    y: Floats
    values: Floats


def is_grid_text(file: Path, name: str) -> bool:
    """Say whether text (of a file, or of the part `name` of a zip) starts like a regular grid of x y z."""
    if Path(name).suffix.lower() not in {".xyz", ".txt", ".csv"}:
        return False
    layout = _layout(_head(file, name))
    if layout is None:
        return False
    places = np.array(layout.rows[:-1] or layout.rows, np.float64)[:, :2]
    return len(places) >= 4 and _is_regular(places)


def read_grid(path: str, where: str) -> TextGrid:
    """Return the grid of a text file.

    Raises
    ------
    LoadError
        When its points do not lie on a grid.
    """
    stat = Path(path).stat()
    return _read_grid(path, where, (stat.st_mtime_ns, stat.st_size))


@dataclass(frozen=True)
class _Layout:
    """How the lines are written: separator, lines before the first point, and the first points."""

    separator: str
    skip: int
    rows: list[list[float]]
    decimal: str = "."


@functools.lru_cache(maxsize=4)
def _read_grid(path: str, where: str, _stamp: tuple[int, int]) -> TextGrid:
    layout = _layout(_head(Path(path), path))
    if layout is None:
        raise LoadError(where, "its lines are not x y z", "export it as x y z")
    points = _points(path, where, layout)
    columns, rows = _axis(points[:, 0]), _axis(points[:, 1])
    if columns is None or rows is None or len(columns) * len(rows) > _FULLEST * len(points) + 16:
        raise LoadError(where, "its points do not lie on a regular grid", "give a GeoTIFF, or name it as a point cloud")
    column = np.rint((points[:, 0] - columns[0]) / (columns[1] - columns[0])).astype(np.int64)
    row = np.rint((points[:, 1] - rows[0]) / (rows[1] - rows[0])).astype(np.int64)
    values = np.full((len(rows), len(columns)), np.nan)
    values[row, column] = points[:, 2]
    return TextGrid(columns, rows, values)


def _points(path: str, where: str, layout: _Layout) -> Floats:
    parts, count = [], 0
    try:
        with pd.read_csv(
            path,
            sep=layout.separator,
            header=None,
            usecols=[0, 1, 2],
            skiprows=layout.skip,
            chunksize=_CHUNK,
            encoding="latin-1",
            on_bad_lines="skip",
            decimal=layout.decimal,
            comment="#",
        ) as reader:
            for part in reader:
                numbers = part.apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
                parts.append(numbers[np.isfinite(numbers).all(axis=1)])
                count += len(part)
                if count > MOST_POINTS:
                    raise LoadError(where, f"has more than {MOST_POINTS:,} points", "give a GeoTIFF instead")
    except (ValueError, pd.errors.ParserError) as error:
        raise LoadError(where, "its lines are not x y z", "export it as x y z") from error
    points = np.concatenate(parts) if parts else np.zeros((0, 3))
    if len(points) < 4:
        raise LoadError(where, "has fewer than four points", "export it again")
    return points


def _axis(values: Floats) -> Floats | None:
    """Return the evenly spaced coordinates that values lie on, None if they lie on none."""
    distinct = np.unique(np.round(values, 6))
    if len(distinct) < 2:
        return None
    steps = np.diff(distinct)
    if not np.isfinite(steps.max()):
        return None
    step = float(np.median(steps[steps > steps.max() * 1e-3]))
    number = np.rint((distinct - distinct[0]) / step)
    if number[-1] < 1 or np.abs(distinct[0] + number * step - distinct).max() > 0.02 * step + 1e-6:
        step = float(steps.min())
        number = np.rint((distinct - distinct[0]) / step)
        if np.abs(distinct[0] + number * step - distinct).max() > 0.05 * step + 1e-6:
            return None
    count = int(number[-1]) + 1
    return None if count > MOST_POINTS else np.linspace(distinct[0], distinct[-1], count)


def _is_regular(places: Floats) -> bool:
    """Say whether points run along a grid line: one coordinate stays, the other goes in equal steps."""
    moves = np.diff(places, axis=0)
    along = [np.abs(moves[:, axis]) for axis in (0, 1)]
    for run, stay in ((along[0], along[1]), (along[1], along[0])):
        level = stay < 1e-9
        steps = run[level]
        if level.mean() > 0.5 and len(steps) and steps.min() > 0:
            multiple = steps / np.median(steps)
            if np.abs(multiple - np.rint(multiple)).max() < 0.02:
                return True
    return False


def _head(file: Path, name: str) -> bytes:
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive, archive.open(name) as part:
                return part.read(_HEAD_BYTES)
        if file.suffix.lower() == ".gz":
            with gzip.open(file) as part:
                return part.read(_HEAD_BYTES)
        with file.open("rb") as whole:
            return whole.read(_HEAD_BYTES)
    except (OSError, EOFError, KeyError, RuntimeError, NotImplementedError, zlib.error, zipfile.BadZipFile):
        return b""


def _layout(head: bytes) -> _Layout | None:
    lines = head.decode("latin-1").splitlines()[:200]
    for skip, line in enumerate(lines[:20]):
        separator, decimal = _separator(line)
        row = _numbers(line, separator, decimal)
        if row is None:
            if not _may_lead(line):
                return None
            continue
        rows = [_numbers(each, separator, decimal) for each in lines[skip:] if each.strip()]
        whole = [each for each in rows[:-1] or rows if each is not None]
        return _Layout(separator, skip, whole, decimal) if len(whole) >= len(rows) - 2 else None
    return None


def _separator(line: str) -> tuple[str, str]:
    if ";" in line:
        return ";", "," if "," in line else "."
    return (",", ".") if line.count(",") >= 2 else (r"\s+", ".")


def _numbers(line: str, separator: str, decimal: str) -> list[float] | None:
    """Return the three numbers of a line, None if it is something else: a fourth column means more than heights."""
    parts = re.split(separator, line.strip())
    if len(parts) == 4 and not parts[3].strip():
        parts = parts[:3]
    if len(parts) != 3:
        return None
    try:
        return [float(part.replace(decimal, ".")) for part in parts]
    except ValueError:
        return None


def _may_lead(line: str) -> bool:
    """Say whether a line without numbers may stand before a grid: empty, a comment, or the names of the columns."""
    text = line.strip().lower()
    if not text or text.startswith(("#", "//")):
        return True
    words = [word.strip("\"' ") for word in re.split(r"[;,\s]+", text) if word]
    return len(words) == 3 and all(
        re.split(r"[_(\[]", word)[0] in known for word, known in zip(words, _HEADINGS, strict=True)
    )
