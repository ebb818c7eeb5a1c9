"""Models of EPA SWMM and EPANET are text in sections: the reader that both share, and how to tell them apart.

A parser of our own: swmmio and wntr import pandas tables, plotting and solvers to give the same columns, refuse
models that are only half valid, and lose the order of vertices; the sections themselves are a page of code.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.sniffing import head_of
from scenes.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes.problems import Problems

    Floats = NDArray[np.float64]

_MOST_BYTES = 500_000_000
_SECTION = re.compile(rb"^[ \t]*\[([A-Za-z_0-9 ]+)\]?", re.MULTILINE)
_SWMM = frozenset(  # sections that only one of the two has
    """SUBCATCHMENTS SUBAREAS RAINGAGES CONDUITS XSECTIONS OUTFALLS INFILTRATION STORAGE ORIFICES WEIRS OUTLETS
    EVAPORATION LOSSES POLYGONS DIVIDERS DWF TRANSECTS LANDUSES SYMBOLS LID_CONTROLS TIMESERIES""".split()  # noqa: SIM905
)
_EPANET = frozenset(
    """PIPES TANKS RESERVOIRS VALVES EMITTERS ENERGY DEMANDS QUALITY REACTIONS MIXING TIMES STATUS
    SOURCES""".split()  # noqa: SIM905
)
_USED = """JUNCTIONS OUTFALLS STORAGE DIVIDERS CONDUITS PUMPS ORIFICES WEIRS OUTLETS XSECTIONS TRANSECTS CURVES
    SUBCATCHMENTS RAINGAGES COORDINATES VERTICES POLYGONS SYMBOLS RESERVOIRS TANKS PIPES VALVES OPTIONS BACKDROP
    TAGS""".split()  # noqa: SIM905


@dataclass(frozen=True, eq=False)
class Model:
    """The sections of a model file.

    Parameters
    ----------
    sections
        Name in upper case to rows of words; comments are left out.
    """

    sections: dict[str, list[list[str]]] = field(default_factory=dict)

    def rows(self, name: str, least: int = 1) -> list[list[str]]:
        """Return the rows of a section that have at least some words."""
        return [row for row in self.sections.get(name, []) if len(row) >= least]

    def option(self, name: str, section: str = "OPTIONS", default: str = "") -> str:
        """Return the value of an option in upper case, whatever its case in the file."""
        words = name.split()
        for row in self.sections.get(section, []):
            if [word.upper() for word in row[: len(words)]] == words and len(row) > len(words):
                return row[len(words)].upper()
        return default


def which(path: Path) -> str:
    """Return ``"swmm"``, ``"epanet"`` or empty, by the names of the sections in the file.

    Looks at the first megabyte; sections that both have do not count.
    """
    names = {match.upper().decode().strip() for match in _SECTION.findall(head_of(path, 1_000_000))}
    swmm, epanet = len(names & _SWMM), len(names & _EPANET)
    if not swmm and not epanet:
        return ""
    return "swmm" if swmm >= epanet else "epanet"


def read_model(path: Path) -> Model:
    """Return the sections of a model.

    Raises
    ------
    LoadError
        When it is too large or is no text in sections.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise LoadError(str(path), f"has more than {_MOST_BYTES // 1_000_000} MB", "split the model")
    data = path.read_bytes()
    if b"\0" in data[:4096]:
        raise LoadError(str(path), "is no text", "export the model as .inp")
    model = Model()
    rows: list[list[str]] | None = None
    for line in _text(data).splitlines():
        plain = line.partition(";")[0].strip()
        if plain.startswith("["):
            name = _whole(plain[1:].partition("]")[0].strip().upper())
            rows = model.sections.setdefault(name, [])
        elif plain and rows is not None:
            rows.append(_words(plain))
    if not model.sections:
        raise LoadError(str(path), "has no sections such as [JUNCTIONS]", "export the model as .inp")
    return model


def _whole(name: str) -> str:
    """Return the whole name of a section, of which both programs accept the first letters."""
    if len(name) < 4:
        return name
    return next((known for known in _USED if known.startswith(name) or name.startswith(known)), name)


def _text(data: bytes) -> str:
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace") if _looks_chinese(data) else data.decode("latin-1")


def _looks_chinese(data: bytes) -> bool:
    try:
        text = data.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return any("一" <= letter <= "鿿" for letter in text)


def _words(line: str) -> list[str]:
    if '"' not in line:
        return line.split()
    try:
        return shlex.split(line, posix=True)
    except ValueError:
        return line.replace('"', " ").split()


def number(text: str | None) -> float:
    """Return a number, NaN for what is none.

    Examples
    --------
    >>> number("1.5"), number("*")
    (1.5, nan)
    """
    try:
        return float(text) if text is not None else float("nan")
    except ValueError:
        return float("nan")


def word(row: list[str], place: int, default: str = "") -> str:
    """Return a word of a row, `default` beyond its end."""
    return row[place] if place < len(row) else default


def numbers(rows: list[list[str]], place: int) -> Floats:
    """Return a column of numbers, NaN where there is none."""
    return np.array([number(row[place]) if place < len(row) else np.nan for row in rows], np.float64)


def places_of(model: Model, section: str) -> dict[str, tuple[float, float]]:
    """Return the first finite coordinates of each name in a section such as COORDINATES."""
    found: dict[str, tuple[float, float]] = {}
    for row in model.rows(section, 3):
        x, y = number(row[1]), number(row[2])
        if np.isfinite(x) and np.isfinite(y):
            found.setdefault(row[0], (x, y))
    return found


def paths_of(model: Model, section: str) -> dict[str, list[tuple[float, float]]]:
    """Return the finite points of each name in a section such as VERTICES or POLYGONS, in their order."""
    found: dict[str, list[tuple[float, float]]] = {}
    for row in model.rows(section, 3):
        x, y = number(row[1]), number(row[2])
        if np.isfinite(x) and np.isfinite(y):
            found.setdefault(row[0], []).append((x, y))
    return found


def first_of_each(rows: list[list[str]]) -> tuple[list[list[str]], list[str]]:
    """Return the rows with the first of each name, and the names that came again."""
    seen: dict[str, list[str]] = {}
    again: list[str] = []
    for row in rows:
        if row[0] in seen:
            again.append(row[0])
        seen.setdefault(row[0], row)
    return list(seen.values()), again


def node_rows(
    model: Model, sections: Mapping[str, str], places: Container[str], problems: Problems, where: str
) -> tuple[list[list[str]], list[str]]:
    """Return the rows of sections whose names have a place, with the word of each section; the others are reported."""
    rows: list[list[str]] = []
    words: list[str] = []
    for row, word_ in _rows_of(model, sections, 1, problems, where):
        if row[0] in places:
            rows.append(row)
            words.append(word_)
        else:
            problems.add("warning", f"{where}#{row[0]}", "node-without-place", "has no coordinates: left out")
    return rows, words


def link_rows(
    model: Model, sections: Mapping[str, str], nodes: Container[str], problems: Problems, where: str
) -> tuple[list[list[str]], list[str]]:
    """Return the rows of sections whose second and third word are nodes, with the word of each section."""
    rows: list[list[str]] = []
    words: list[str] = []
    for row, word_ in _rows_of(model, sections, 3, problems, where):
        missing = next((name for name in row[1:3] if name not in nodes), None)
        if missing is None:
            rows.append(row)
            words.append(word_)
        else:
            text = f"ends at {missing}, which is not there or has no coordinates: left out"
            problems.add("warning", f"{where}#{row[0]}", "link-without-node", text, "give both nodes coordinates")
    return rows, words


def _rows_of(
    model: Model, sections: Mapping[str, str], fewest: int, problems: Problems, where: str
) -> Iterator[tuple[list[str], str]]:
    """Yield the rows of sections with their words; an id that stands twice in a section is reported."""
    for section, kind in sections.items():
        found, again = first_of_each(model.rows(section, fewest))
        for name in again:
            problems.add("warning", f"{where}#{name}", "id-duplicate", f"stands twice in {section}: the first counts")
        yield from ((row, kind) for row in found)


def columns(**values: Any) -> dict[str, Any]:
    """Return the columns that have at least one value."""
    kept = {}
    for name, cells in values.items():
        array = np.asarray(cells)
        if array.dtype.kind == "f":
            if np.isfinite(array).any():
                kept[name] = array
        elif any(cell not in {"", None} for cell in array.tolist()):
            kept[name] = array
    return kept
