"""Sewers and water mains as a list of nodes and links in metres, and their shapes underground."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from gis.colours import rgba
from gis.meshing import joined
from gis.networks.objects import Link, NetworkObjects
from gis.tubes import Lines, tubes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from gis.networks.plan import Levels, Plan
    from scenes.georeference import Georeference
    from scenes.mesh import MeshSet

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

COLOURS = {
    "conduit": "#a98256", "pipe": "#5b8fb9", "pump": "#c0504d", "valve": "#d99a2b", "weir": "#7f7fb2",
    "orifice": "#7f7fb2", "outlet": "#7f7fb2", "junction": "#8f9296", "manhole": "#8f9296", "divider": "#8f9296",
    "outfall": "#4f9d69", "storage": "#8fb7cf", "tank": "#8fb7cf", "reservoir": "#4a83b5",
}  # fmt: skip
KINDS = {
    "conduit": "Pipe", "pipe": "Pipe", "pump": "Device", "valve": "Device", "weir": "Device", "orifice": "Device",
    "outlet": "Device", "junction": "PipeFitting", "manhole": "Manhole", "divider": "Manhole", "outfall": "Device",
    "storage": "OtherConstruction", "tank": "OtherConstruction", "reservoir": "Device",
}  # fmt: skip
_BODIES = frozenset({"pump", "valve", "weir", "orifice", "outlet"})


@dataclass(frozen=True, eq=False)
class Named:
    """Things with a name in the file, and what each is (a key of `KINDS`)."""

    names: list[str]
    words: list[str]

    def ids(self) -> list[str]:
        """Return the ids in the source."""
        return [f"{word}/{name}" for word, name in zip(self.words, self.names, strict=True)]


@dataclass(frozen=True, eq=False)
class Nodes(Named):
    """Junctions, manholes, tanks and the like.

    Parameters
    ----------
    names, words
        (n,) name in the file, and what it is (a key of `KINDS`).
    xy
        (n, 2) plan coordinates of the file.
    surface_m
        (n,) height of the ground at the node.
    low_m, high_m
        (n,) heights of the foot and the head of its body.
    diameter_m
        (n,) of its body.
    columns, units
        Attributes and their UCUM units.
    """

    xy: Floats
    surface_m: Floats
    low_m: Floats
    high_m: Floats
    diameter_m: Floats
    columns: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Pipes(Named):
    """Conduits, pipes, pumps and the like, from a node to a node.

    Parameters
    ----------
    names, words
        (n,) name in the file, and what it is (a key of `KINDS`).
    begin, end
        (n,) rows of the nodes.
    bends
        (n,) points between, in plan coordinates of the file.
    begin_m, end_m
        (n,) heights of the axis at both ends.
    width_m, height_m
        (n,) outer size of the profile.
    profiles
        (n,) numbers into `gis.tubes.PROFILES`.
    columns, units
        Attributes and their UCUM units.
    """

    begin: Integers
    end: Integers
    bends: list[list[tuple[float, float]]]
    begin_m: Floats
    end_m: Floats
    width_m: Floats
    height_m: Floats
    profiles: Integers
    columns: Mapping[str, Any] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)


def node_objects(nodes: Nodes, plan: Plan, frame: Georeference, levels: Levels) -> NetworkObjects:
    """Return nodes as upright shafts and tanks."""
    xy = plan.to_local(nodes.xy, frame)
    low = levels.z(xy, nodes.low_m, nodes.surface_m)
    high = np.maximum(levels.z(xy, nodes.high_m, nodes.surface_m), low + 0.1)
    rows = np.arange(len(xy))
    bodies = Lines.upright(np.column_stack([xy, low]), high, nodes.diameter_m, rows)
    mesh = tubes(bodies, _colours(nodes.words), sides=12).mesh()
    return NetworkObjects(
        nodes.ids(),
        [KINDS[word] for word in nodes.words],
        nodes.names,
        {"class": nodes.words, **nodes.columns},
        nodes.units,
        np.asarray(shapely.points(xy), object),
        mesh=mesh,
    )


def pipe_objects(pipes: Pipes, nodes: Nodes, plan: Plan, frame: Georeference, levels: Levels) -> NetworkObjects:
    """Return pipes as tubes at their depth, with an upright body in the middle of pumps, valves and weirs."""
    points, starts = _paths(pipes, nodes, plan, frame)
    line = np.repeat(np.arange(len(pipes.names)), np.diff(starts))
    share = _shares(points, starts, line)
    axis = pipes.begin_m[line] * (1 - share) + pipes.end_m[line] * share
    surface = nodes.surface_m[pipes.begin[line]] * (1 - share) + nodes.surface_m[pipes.end[line]] * share
    points = np.column_stack([points, levels.z(points, axis, surface)])
    colours = _colours(pipes.words)
    lines = Lines(points, starts, pipes.width_m, pipes.height_m, pipes.profiles, np.arange(len(pipes.names)))
    ids, ends = pipes.ids(), nodes.ids()
    links = [
        Link(row, "connects", ends[node], role)
        for role, column in (("from", pipes.begin), ("to", pipes.end))
        for row, node in enumerate(column.tolist())
    ]
    names = np.array(nodes.names, object)
    columns = {"class": pipes.words, "from_node": names[pipes.begin], "to_node": names[pipes.end], **pipes.columns}
    plans = shapely.linestrings(points[:, :2], indices=line) if len(points) else np.zeros(0, object)
    kinds = [KINDS[word] for word in pipes.words]
    mesh = _with_bodies(lines, share, pipes, colours)
    return NetworkObjects(
        ids, kinds, pipes.names, columns, pipes.units, np.asarray(plans, object), links=links, mesh=mesh
    )


def _paths(pipes: Pipes, nodes: Nodes, plan: Plan, frame: Georeference) -> tuple[Floats, Integers]:
    """Return the (p, 2) local points of all pipes and the (n + 1,) first point of each."""
    ends = nodes.xy.tolist()
    flat: list[Any] = []
    counts = []
    for begin, end, bends in zip(pipes.begin.tolist(), pipes.end.tolist(), pipes.bends, strict=True):
        flat += [ends[begin], *bends, ends[end]]
        counts.append(2 + len(bends))
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return plan.to_local(np.array(flat, np.float64).reshape(-1, 2), frame), starts


def _shares(points: Floats, starts: Integers, line: Integers) -> Floats:
    """Return how far along its line each point is, 0 to 1."""
    if not len(points):
        return np.zeros(0)
    steps = np.concatenate([[0.0], np.linalg.norm(np.diff(points, axis=0), axis=1)])
    steps[starts[:-1]] = 0.0
    way = np.cumsum(steps)
    way -= way[starts[:-1]][line]
    total = way[starts[1:] - 1][line]
    share: Floats = np.divide(way, total, out=np.zeros_like(way), where=total > 0)
    share[starts[1:] - 1] = 1.0
    return share


def _with_bodies(lines: Lines, share: Floats, pipes: Pipes, colours: NDArray[np.uint8]) -> MeshSet:
    device = np.flatnonzero(np.isin(pipes.words, list(_BODIES)))
    middles = np.array([_middle(lines, share, row) for row in device.tolist()]).reshape(-1, 3)
    size = np.maximum(2.0 * pipes.width_m[device], 0.8)
    feet = middles - [0.0, 0.0, 0.5] * size[:, None]
    bodies = Lines.upright(feet, feet[:, 2] + size, size, device)
    return joined([tubes(lines, colours), tubes(bodies, colours[device], sides=12)])


def _middle(lines: Lines, share: Floats, row: int) -> Floats:
    part = slice(int(lines.starts[row]), int(lines.starts[row + 1]))
    return np.array([np.interp(0.5, share[part], lines.points_m[part, axis]) for axis in range(3)])


def _colours(words: list[str]) -> NDArray[np.uint8]:
    names, inverse = np.unique(np.array(words, str), return_inverse=True)
    return rgba([COLOURS[str(name)] for name in names])[inverse] if len(words) else np.zeros((0, 4), np.uint8)
