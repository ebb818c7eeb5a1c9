"""What thematic pictures need beyond values: where objects are, their lines, the ground, and flows from a table."""

from __future__ import annotations

import csv
import io
import math
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from scenes import CityTwinError, QueryError
from twin.live import SceneGround

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from scenes import Scene
    from twin.view.rpc import SceneService

    Floats = NDArray[np.float64]

MOST_FLOWS = 20_000
MOST_NODES = 250_000
MOST_POINTS = 2_000_000
MOST_TOLD = 5
LINE_LIFT_M = 1.0
_COLUMNS = {
    "ids": ("from", "to", "value"),
    "degrees": ("from_lon", "from_lat", "to_lon", "to_lat", "value"),
    "metres": ("from_x", "from_y", "to_x", "to_y", "value"),
}
_GROUNDS: weakref.WeakKeyDictionary[Scene, SceneGround] = weakref.WeakKeyDictionary()


def ground_of(scene: Scene) -> SceneGround:
    """Return the ground of a scene, worked out once for all pages."""
    return _GROUNDS.setdefault(scene, SceneGround(scene))


class PagePictures:
    """Answers ``places``, ``lines``, ``ground`` and ``flows`` of a scene.

    Parameters
    ----------
    scene
        The city.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene

    def register(self, service: SceneService) -> None:
        """Let a service answer by these pictures."""
        service.register("places", lambda _: {"places": self.places().astype(np.float32).tobytes()})
        service.register("lines", lambda params: self.lines(str(params["layer"])))
        service.register("ground", self.ground)
        service.register("flows", lambda params: self.flows(str(params["text"])))

    def places(self) -> Floats:
        """Return (n, 4) by handle: x, y of the middle, lowest and highest z, local metres; NaN without a shape."""
        found = np.full((len(self.scene), 4), np.nan)
        for name, base in self.scene.bases.items():
            table = self.scene.layers[name].table
            box = [np.array(table[f"{end}_{axis}"].to_numpy(), np.float64) for axis in "xyz" for end in ("min", "max")]
            rows = slice(base, base + len(table))
            found[rows, 0], found[rows, 1] = (box[0] + box[1]) / 2, (box[2] + box[3]) / 2
            found[rows, 2], found[rows, 3] = box[4], box[5]
        return found

    def lines(self, layer: str) -> dict[str, bytes]:
        """Return the lines of a layer, laid on the ground.

        Returns
        -------
        dict
            Bytes of ``handles`` (l,) uint32, one a line; ``starts`` (l + 1,) uint32 among the points; ``points``
            (p, 3) float32.

        Raises
        ------
        QueryError
            When there is no such layer, or no line in it.
        """
        if layer not in self.scene.layers:
            raise QueryError(layer, "is not a layer of the scene", f"there are {', '.join(self.scene.layers)}")
        plans = shapely.from_wkb(self.scene.layers[layer].table["footprint"].to_numpy(zero_copy_only=False))
        parts, rows = shapely.get_parts(plans, return_index=True)
        lined = shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING
        parts, rows = parts[lined], rows[lined]
        points, index = shapely.get_coordinates(parts, return_index=True)
        if not len(points):
            raise QueryError(layer, "has no lines", "choose a layer of roads, pipes or routes")
        if len(points) > MOST_POINTS:
            raise QueryError(layer, f"has more than {MOST_POINTS} points along its lines", "choose a smaller layer")
        z = ground_of(self.scene)(points[:, 0], points[:, 1]) + LINE_LIFT_M
        starts = np.searchsorted(index, np.arange(len(parts) + 1))
        return {
            "handles": (rows + self.scene.bases[layer]).astype(np.uint32).tobytes(),
            "starts": starts.astype(np.uint32).tobytes(),
            "points": np.column_stack([points, z]).astype(np.float32).tobytes(),
        }

    def ground(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return heights over the rectangle x0, y0, x1, y1 (local metres), row by row from the south-west.

        Returns
        -------
        dict
            ``columns`` and ``rows``, and ``heights``: bytes of (rows * columns,) float32.
        """
        x0, y0, x1, y1 = (float(params[name]) for name in ("x0", "y0", "x1", "y1"))
        if not (x0 < x1 and y0 < y1 and math.isfinite(x1 - x0 + y1 - y0)):
            raise QueryError("ground", "the rectangle is empty", "give x0 < x1 and y0 < y1")
        step = max(float(params.get("step", 20.0)), math.sqrt((x1 - x0) * (y1 - y0) / MOST_NODES), 0.1)
        columns, rows = max(2, math.ceil((x1 - x0) / step) + 1), max(2, math.ceil((y1 - y0) / step) + 1)
        x, y = np.meshgrid(np.linspace(x0, x1, columns), np.linspace(y0, y1, rows))
        heights = ground_of(self.scene)(x.ravel(), y.ravel()).astype(np.float32)
        return {"columns": columns, "rows": rows, "heights": heights.tobytes()}

    def flows(self, text: str) -> dict[str, Any]:
        """Return the flows of a CSV table with two ends and a value in each row.

        Parameters
        ----------
        text
            With a head: ``from, to, value`` (uid, name, alias or source id of objects), ``from_lon, from_lat, to_lon,
            to_lat, value`` (WGS 84), or ``from_x, from_y, to_x, to_y, value`` (local metres).

        Returns
        -------
        dict
            ``ends``: bytes of (m, 6) float32, x, y, z of both; ``values``: bytes of (m,) float32; ``left_out``: how
            many rows; ``problems``: a sentence for the first few of them.

        Raises
        ------
        QueryError
            When the head says neither, or no row can be used.
        """
        rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
        head = {str(name).strip().lower() for name in (rows[0] if rows else {})}
        kind = next((kind for kind, columns in _COLUMNS.items() if set(columns) <= head), None)
        if kind is None:
            advice = "; or ".join(", ".join(columns) for columns in _COLUMNS.values())
            raise QueryError("the table", "has none of the heads that flows need", f"write {advice}")
        if len(rows) > MOST_FLOWS:
            raise QueryError("the table", f"has {len(rows)} rows", f"leave at most {MOST_FLOWS}")
        cells = [{str(name).strip().lower(): value for name, value in row.items()} for row in rows]
        problems: list[tuple[int, str]] = []
        value = np.array([_number(cell["value"]) for cell in cells])
        ends = [self._ends(cells, kind, "from", problems), self._ends(cells, kind, "to", problems)]
        good = np.isfinite(value) & (value >= 0) & np.isfinite(ends[0]).all(axis=1) & np.isfinite(ends[1]).all(axis=1)
        problems += [(int(row), "its value is not a number of 0 or more") for row in np.flatnonzero(~(value >= 0))]
        said = [f"row {row + 2}: {text}" for row, text in sorted(problems)]
        if not good.any():
            first = said[0] if said else "every row lacks a place or a value"
            raise QueryError("the table", f"has no row that can be used ({first})", "check its ids and numbers")
        return {
            "ends": np.column_stack([ends[0][good], ends[1][good]]).astype(np.float32).tobytes(),
            "values": value[good].astype(np.float32).tobytes(),
            "left_out": int((~good).sum()),
            "problems": said[:MOST_TOLD],
        }

    def _ends(self, cells: list[dict[str, str]], kind: str, end: str, problems: list[tuple[int, str]]) -> Floats:
        """Return (m, 3) places of one end; NaN where there is none."""
        if kind == "ids":
            return self._places_of([str(cell[end] or "").strip() for cell in cells], problems)
        names = (f"{end}_lon", f"{end}_lat") if kind == "degrees" else (f"{end}_x", f"{end}_y")
        x, y = (np.array([_number(cell[name]) for cell in cells]) for name in names)
        if kind == "degrees":
            inside = (np.abs(x) <= 180) & (np.abs(y) <= 90)
            x, y = self.scene.georeference.from_lonlat(np.where(inside, x, np.nan), np.where(inside, y, np.nan))
        known = np.isfinite(x) & np.isfinite(y)
        z = np.full(len(x), np.nan)
        z[known] = ground_of(self.scene)(x[known], y[known])
        return np.column_stack([np.where(known, x, np.nan), np.where(known, y, np.nan), z])

    def _places_of(self, names: list[str], problems: list[tuple[int, str]]) -> Floats:
        places = self.places()
        known: dict[str, Floats] = {}
        for row, name in enumerate(names):
            if name in known:
                continue
            known[name] = np.full(3, np.nan)
            try:
                x, y, _, top = places[self._handle(name)]
            except CityTwinError as error:
                problems.append((row, str(error)))
                continue
            known[name] = np.array([x, y, top])
        return np.array([known[name] for name in names]).reshape(-1, 3)

    def _handle(self, name: str) -> int:
        """Return the object of an id, or the only one of a name."""
        import pyarrow.compute as pc  # noqa: PLC0415  # beside its only use

        try:
            return int(self.scene.resolve(name).handle)
        except CityTwinError:
            found = [
                base + int(row)
                for layer, base in self.scene.bases.items()
                for row in np.flatnonzero(pc.fill_null(pc.equal(self.scene.layers[layer].table["name"], name), False))
            ]
            if len(found) != 1:
                raise
            return found[0]


def _number(text: str | None) -> float:
    try:
        return float(text) if text is not None else math.nan
    except ValueError:
        return math.nan
