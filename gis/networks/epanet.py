"""EPANET 2: what the sections of a water supply model mean, in metres.

Source of the meanings: EPANET 2.2 User Manual, EPA/600/R-20/133, appendices A and C.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gis.networks.inp import columns, link_rows, node_rows, numbers, paths_of, places_of, word
from gis.networks.mains import Nodes, Pipes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gis.networks.inp import Model
    from scenes.problems import Problems

    Floats = NDArray[np.float64]

_US = frozenset({"CFS", "GPM", "MGD", "IMGD", "AFD"})
_FOOT_M = 0.3048
_INCH_M = 0.0254
COVER_M = 1.0
"""Earth over the top of a pipe: models state the height of the ground at a junction, not how deep the pipe lies."""
_FITTING_M = 0.3
_RESERVOIR_M = 8.0
_NODES = {"JUNCTIONS": "junction", "RESERVOIRS": "reservoir", "TANKS": "tank"}
_LINKS = {"PIPES": "pipe", "PUMPS": "pump", "VALVES": "valve"}


def unit_m(model: Model) -> float:
    """Return the metres in a unit of length of the model: feet or metres by its flow units."""
    return _FOOT_M if model.option("UNITS", default="GPM") in _US else 1.0


def _bore_m(model: Model) -> float:
    """Return the metres in a unit of diameter: inches or millimetres."""
    return _INCH_M if unit_m(model) != 1.0 else 0.001


def nodes_of(model: Model, problems: Problems, where: str) -> Nodes:
    """Return the nodes that have a place."""
    unit, places = unit_m(model), places_of(model, "COORDINATES")
    rows, words = node_rows(model, _NODES, places, problems, where)
    kinds = np.array(words, object)
    height = np.nan_to_num(numbers(rows, 1)) * unit
    surface = _ground(model, [row[0] for row in rows], kinds, height)
    tank = kinds == "tank"
    level = np.where(tank, np.nan_to_num(numbers(rows, 4)), 0.0) * unit
    bore = np.where(tank, np.nan_to_num(numbers(rows, 5)), 0.0) * unit
    reservoir = kinds == "reservoir"
    low = np.where(tank, height, np.where(reservoir, surface - 1.0, surface - COVER_M - _FITTING_M))
    high = np.where(tank, height + np.maximum(level, 1.0), np.where(reservoir, surface + 1.0, surface - COVER_M + 0.1))
    diameter = np.where(bore > 0, bore, np.where(reservoir, _RESERVOIR_M, _FITTING_M))
    demand = np.where(kinds == "junction", numbers(rows, 2), np.nan)
    cells = columns(
        elevation_m=np.where(reservoir, np.nan, height),
        head_m=np.where(reservoir, height, np.nan),
        base_demand=demand,
        demand_unit=[model.option("UNITS", default="GPM") if np.isfinite(value) else "" for value in demand],
        tank_diameter_m=np.where(bore > 0, bore, np.nan),
        initial_level_m=np.where(tank, numbers(rows, 2) * unit, np.nan),
        minimum_level_m=np.where(tank, numbers(rows, 3) * unit, np.nan),
        maximum_level_m=np.where(tank, level, np.nan),
    )
    units = {name: "m" for name in cells if name.endswith("_m")}
    xy = np.array([places[row[0]] for row in rows], np.float64).reshape(-1, 2)
    return Nodes([row[0] for row in rows], words, xy, surface, low, high, diameter, cells, units)


def pipes_of(model: Model, nodes: Nodes, problems: Problems, where: str) -> Pipes:
    """Return the links whose nodes have places."""
    index = {name: row for row, name in enumerate(nodes.names)}
    rows, words = link_rows(model, _LINKS, index, problems, where)
    kinds = np.array(words, object)
    unit, bore = unit_m(model), _bore_m(model)
    pipe, valve = kinds == "pipe", kinds == "valve"
    given = np.where(pipe, numbers(rows, 4), np.where(valve, numbers(rows, 3), np.nan)) * bore
    diameter = np.where(given > 0, given, _FITTING_M)
    begin = np.array([index[row[1]] for row in rows], np.int64)
    end = np.array([index[row[2]] for row in rows], np.int64)
    axis = nodes.surface_m - COVER_M
    cells = columns(
        diameter_m=given,
        length_m=np.where(pipe, numbers(rows, 3) * unit, np.nan),
        roughness=np.where(pipe, numbers(rows, 5), np.nan),
        minor_loss=np.where(pipe, numbers(rows, 6), np.nan),
        status=[_status(row, kind) for row, kind in zip(rows, words, strict=True)],
        device_type=[_device_type(row, kind) for row, kind in zip(rows, words, strict=True)],
        cover_m=np.full(len(rows), COVER_M),
    )
    units = {"diameter_m": "m", "length_m": "m", "cover_m": "m", "minor_loss": "1"}
    if model.option("HEADLOSS", default="H-W") == "D-W":
        units["roughness"] = "mm"
        if unit != 1.0 and "roughness" in cells:
            cells["roughness"] = cells["roughness"] * 0.001 * _FOOT_M * 1000  # the file has thousandths of a foot
    else:
        units["roughness"] = "1"
    bends = paths_of(model, "VERTICES")
    return Pipes(
        [row[0] for row in rows], words, begin, end, [bends.get(row[0], []) for row in rows],
        axis[begin] - diameter / 2, axis[end] - diameter / 2, diameter, diameter,
        np.zeros(len(rows), np.int64), cells, units,
    )  # fmt: skip


def _ground(model: Model, names: list[str], kinds: NDArray[np.object_], height: Floats) -> Floats:
    """Return the height of the ground at each node: that of a junction, for tanks and reservoirs that of neighbours.

    The bottom of a water tower and the head of a lake say nothing about the ground beside them.
    """
    index = {name: row for row, name in enumerate(names)}
    total, count = np.zeros(len(names)), np.zeros(len(names))
    for section in _LINKS:
        for row in model.rows(section, 3):
            one, two = index.get(row[1]), index.get(row[2])
            if one is not None and two is not None:
                for here, there in ((one, two), (two, one)):
                    if kinds[there] == "junction":
                        total[here] += height[there]
                        count[here] += 1
    near = np.divide(total, count, out=height.copy(), where=count > 0)
    tank = np.minimum(near, height)
    return np.where(kinds == "junction", height, np.where(kinds == "tank", tank, near))


def _status(row: list[str], kind: str) -> str:
    return word(row, 7).lower() if kind == "pipe" else ""


def _device_type(row: list[str], kind: str) -> str:
    if kind == "valve":
        return word(row, 4).upper()
    return " ".join(row[3:]) if kind == "pump" else ""
