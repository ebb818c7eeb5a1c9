"""pandapower networks in JSON as tables, without the library: it would bring a solver and run code from the file.

A net is ``{"_class": "pandapowerNet", "_object": {name: {"_class": "DataFrame", "_object": text, ...}}}``, its tables
are JSON within text in the orientation ``split``. Places are GeoJSON in a column ``geo`` since pandapower 3, before
that tables ``bus_geodata`` and ``line_geodata``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from gis.sniffing import head_of
from scenes.errors import LoadError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MOST_BYTES = 1 << 30
_MARK = b"pandapowerNet"
_NEEDED = {"bus": ("vn_kv",), "line": ("from_bus", "to_bus"), "switch": ("bus", "element")}


def is_net(path: Path) -> bool:
    """Say whether a JSON file is a pandapower network by its first bytes."""
    return _MARK in head_of(path, 4_096)


def read_net(path: Path) -> dict[str, Any]:
    """Return the tables of a network as frames, by name.

    Raises
    ------
    LoadError
        When it is no network or a table is broken.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise LoadError(str(path), "is larger than 1 GB", "split the network")
    try:
        body = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise LoadError(str(path), f"is no JSON ({str(error)[:100]})", "export it again with pp.to_json") from error
    tables = body.get("_object") if isinstance(body, dict) else None
    if not isinstance(tables, dict):
        raise LoadError(str(path), "has no tables", "export it again with pp.to_json")
    found = {}
    for name, table in tables.items():
        if isinstance(table, dict) and table.get("_class") == "DataFrame" and not name.startswith(("res_", "_")):
            found[name] = _frame(path, name, table)
    for name, columns in _NEEDED.items():
        lacking = [column for column in columns if name in found and column not in found[name].columns]
        if lacking:
            raise LoadError(str(path), f"table {name} has no column {lacking[0]}", "export it again with pp.to_json")
    if "bus" not in found or not len(found["bus"]):
        raise LoadError(str(path), "has no bus", "export it again with pp.to_json")
    return found


def _frame(path: Path, name: str, table: dict[str, Any]) -> Any:
    try:
        given = table.get("_object")
        body: Any = json.loads(given) if isinstance(given, str) else given
        return pd.DataFrame(body["data"], index=body["index"], columns=[str(column) for column in body["columns"]])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        what = f"table {name} is broken ({str(error)[:80]})"
        raise LoadError(str(path), what, "export it again with pp.to_json") from error


def bus_places(net: dict[str, Any]) -> Floats:
    """Return x and y of each bus, (n, 2), NaN where it has no place."""
    bus = net["bus"]
    places = np.full((len(bus), 2), np.nan)
    if "geo" in bus.columns:
        for row, text in enumerate(bus["geo"].tolist()):
            points = path_of(text)
            if len(points):
                places[row] = points[0]
    old = net.get("bus_geodata")
    if old is not None and {"x", "y"} <= set(old.columns):
        known = old.reindex(bus.index)
        numbers = known[["x", "y"]].apply(pd.to_numeric, errors="coerce").to_numpy(np.float64)
        places = np.where(np.isfinite(places), places, numbers)
    return places


def line_paths(net: dict[str, Any]) -> list[Floats]:
    """Return the (n, 2) points of each line, none where only its ends are known."""
    line = net["line"]
    paths = [path_of(text) for text in line["geo"].tolist()] if "geo" in line.columns else [path_of(None)] * len(line)
    old = net.get("line_geodata")
    if old is not None and "coords" in old.columns:
        known = old["coords"].reindex(line.index).tolist()
        paths = [path if len(path) else path_of(coords) for path, coords in zip(paths, known, strict=True)]
    return paths


def path_of(value: Any) -> Floats:
    """Return the (n, 2) points of GeoJSON text or of a list of pairs; none for anything else.

    Examples
    --------
    >>> path_of('{"type": "Point", "coordinates": [8.4, 49.0]}').tolist(), len(path_of("nowhere"))
    ([[8.4, 49.0]], 0)
    """
    try:
        body = json.loads(value) if isinstance(value, str) else value
        points = body.get("coordinates") if isinstance(body, dict) else body
        if points is None or (isinstance(points, float) and np.isnan(points)):
            return np.zeros((0, 2))
        flat = np.asarray(points, np.float64)
        flat = flat.reshape(-1, flat.shape[-1])[:, :2]
    except (ValueError, TypeError, IndexError, RecursionError):
        return np.zeros((0, 2))
    return flat[np.isfinite(flat).all(axis=1)]
