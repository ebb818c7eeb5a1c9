"""The heights of a grid in CityGML that stand in a file beside the document (``gml:File``): text or a raster.

Only files of the document's own folder or archive are read; addresses and ways out are never followed.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gis.rasterdoor import opened
from scenes.errors import CityTwinError
from scenes.sources import Source

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.shelf import Shelf
    from scenes.problems import Problems

    Floats = NDArray[np.float64]

_MOST_BYTES = 200_000_000
_HEAD_BYTES = 4_096
_PLAIN = frozenset(b"0123456789+-.,eE \t\r\nnaNA")
_ADVICE = "put the file where the model says, or name it as a source of its own: it is read as terrain"


@dataclass(frozen=True)
class HeightFiles:
    """The files of heights beside a document.

    Parameters
    ----------
    shelf, name
        Where the document lies, and its name there.
    problems
        Collects what is wrong with them.
    """

    shelf: Shelf
    name: str
    problems: Problems

    def heights(self, owner: str, file: str, size: tuple[int, int], steps: Floats) -> Floats | None:
        """Return the heights of a grid in the order of its nodes, NaN where unknown; None where they cannot be had.

        Parameters
        ----------
        owner
            Whose grid it is, for messages.
        file
            Reference to the file.
        size
            Columns and rows of the grid.
        steps
            (2, 3) from column to column and from row to row, which tell where a raster begins.
        """
        there = self.shelf.beside(self.name, file)
        if there is None:
            what = f"the heights of {owner[:80]} are in the file {file[:120]}, which is not beside the model: left out"
            self.problems.add("warning", owner, "relief-in-file", what, _ADVICE)
            return None
        try:
            return self._read(there, size, steps)
        except CityTwinError as error:
            what = f"the file {file[:120]} with the heights of {owner[:80]} {error.what}: left out"
            self.problems.add("warning", owner, "relief-in-file", what, _ADVICE)
            return None

    def _read(self, there: str, size: tuple[int, int], steps: Floats) -> Floats:
        data = self.shelf.read(there, _MOST_BYTES)
        if set(data[:_HEAD_BYTES]) <= _PLAIN:
            return numbers_in(data.decode("ascii", "replace"))
        with tempfile.TemporaryDirectory(prefix="citytwin-relief-") as folder:
            path = Path(folder) / Path(there).name  # alone: a raster may name no other file
            path.write_bytes(data)
            return _raster(path, size, steps)


def _raster(path: Path, size: tuple[int, int], steps: Floats) -> Floats:
    """Return the first band of a raster in the order of the nodes; empty where it has another size."""
    with opened(Source(str(path)), str(path)) as dataset:
        if (dataset.width, dataset.height) != size or not dataset.count:
            return np.zeros(0)
        values = np.ma.filled(dataset.read(1, masked=True).astype(np.float64), np.nan)
        eastward, northward = dataset.transform.a, dataset.transform.e
        has_place = not dataset.transform.is_identity
    if has_place and steps[0, 0] * eastward < 0:
        values = values[:, ::-1]
    if has_place and steps[1, 1] * northward < 0:
        values = values[::-1]
    return values.reshape(-1)


def numbers_in(text: str) -> Floats:
    r"""Return the numbers in a text between blanks and commas, NaN for other words.

    Examples
    --------
    >>> numbers_in("1.5, -2 none\n3e2").tolist()
    [1.5, -2.0, nan, 300.0]
    """
    return np.array([_number(word) for word in text.replace(",", " ").split()], np.float64)


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return float("nan")
