"""The loader of power networks: lines and cables by their voltage, substations, transformers, loads and generators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from gis.attributes import attribute_columns
from gis.colours import rgba
from gis.ground import ground_z, relief_of
from gis.networks.objects import Link, NetworkObjects, batches_of_network, layer_named
from gis.networks.plan import Plan
from gis.networks.power_tables import bus_places, is_net, line_paths, read_net
from gis.tubes import Lines, tubes
from scenes.errors import LoadError
from scenes.georeference import WGS84
from scenes.mesh import MeshSet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from scenes.loading import Ground, LoadContext, Location
    from scenes.model import Batch, Layer
    from scenes.problems import Problems
    from scenes.sources import Source

    Floats = NDArray[np.float64]

_LEVELS = ((1.0, "low", "#7a8b99", 8.0), (60.0, "medium", "#c98a3d", 12.0), (150.0, "high", "#b3443c", 25.0),
           (np.inf, "extra high", "#7b3fa0", 40.0))  # fmt: skip
"""Upper bound in kV, word, colour, and the height at which overhead lines are drawn, metres."""
_CABLE_DEPTH_M = 1.0
_DIAMETER_M = 0.4
_ENDS = {"trafo": ("hv_bus", "lv_bus"), "trafo3w": ("hv_bus", "mv_bus", "lv_bus"), "impedance": ("from_bus", "to_bus")}
_AT_BUS = ("load", "sgen", "gen", "storage", "ext_grid", "motor", "shunt", "asymmetric_load", "asymmetric_sgen")
_COLOURS = {"bus": "#8f9296", "trafo": "#5f6f7f", "trafo3w": "#5f6f7f", "impedance": "#8f9296", "load": "#4f7fae",
            "asymmetric_load": "#4f7fae", "motor": "#4f7fae", "ext_grid": "#7b3fa0", "shunt": "#8f9296"}  # fmt: skip
_SOURCE_COLOUR = "#4f9d69"
_UNITS = (("_ohm_per_km", "Ohm/km"), ("_nf_per_km", "nF/km"), ("_us_per_km", "uS/km"), ("_kv", "kV"), ("_mw", "MW"),
          ("_mwh", "MW.h"), ("_mvar", "MV.A"), ("_mva", "MV.A"), ("_kw", "kW"), ("_km", "km"), ("_ka", "kA"),
          ("_percent", "%"), ("_degree", "deg"), ("_pu", "1"))  # fmt: skip
_TITLES = {
    "power-lines": {"en": "Power lines", "zh": "电力线路"},
    "power-nodes": {"en": "Power stations and users", "zh": "电力设施"},
}


class PowerLoader:
    """Reads pandapower networks."""

    name = "power"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether the file is a pandapower network, by its first bytes."""
        return source.suffix == ".json" and is_net(source.file)

    def locate(self, source: Source) -> Location | None:
        """Return the middle of the buses, None when the user places the file."""
        if source.place is not None:
            return None
        places = bus_places(read_net(source.file))
        known = places[np.isfinite(places).all(axis=1)]
        return _plan(source, known).location(known)

    def surface(self, source: Source, context: LoadContext) -> Ground | None:  # noqa: ARG002
        """Return None: a network is never the terrain."""
        return None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield lines, then buses and what is connected to them.

        Raises
        ------
        SourceError, GeoreferenceError
            When the file is broken or no bus has a place.
        """
        net = read_net(source.file)
        places = bus_places(net)
        known: NDArray[np.bool_] = np.asarray(np.isfinite(places).all(axis=1))
        plan = _plan(source, places[known])
        local = np.full(places.shape, np.nan)
        local[known] = plan.to_local(places[known], context.georeference)
        ground = relief_of(context.ground)
        buses = {key: row for row, key in enumerate(net["bus"].index.tolist()) if known[row]}
        for key in net["bus"].index[~known]:
            context.problems.add("warning", f"{source.title}#bus/{key}", "node-without-place", "has no place: left out")
        if "line" in net and len(net["line"]):
            lines = _lines(net, local, buses, plan, (source, context))
            layer = layer_named("power-lines", "pipes", _TITLES["power-lines"], source, main=True)
            yield from batches_of_network(layer, lines, "pandapower", source)
        layer = layer_named("power-nodes", "pipes", _TITLES["power-nodes"], source)
        nodes = _nodes(net, local, buses, ground, context.problems)
        yield from batches_of_network(layer, nodes, "pandapower", source)


def _plan(source: Source, known: Floats) -> Plan:
    """Return the plan of a network: degrees where they can be, else what the user names."""
    if not len(known):
        raise LoadError(source.path, "none of its buses has a place", "give them geodata and export it again")
    degrees = bool((np.abs(known[:, 0]) <= 180).all() and (np.abs(known[:, 1]) <= 90).all())
    return Plan.of(source, WGS84 if degrees else "")


def _lines(
    net: dict[str, Any], local: Floats, buses: dict[Any, int], plan: Plan, at: tuple[Source, LoadContext]
) -> NetworkObjects:
    """Return lines as tubes: cables in the ground, overhead lines above it."""
    source, context = at
    table = net["line"]
    ends = list(zip(table["from_bus"].tolist(), table["to_bus"].tolist(), strict=True))
    kept = [row for row, pair in enumerate(ends) if pair[0] in buses and pair[1] in buses]
    for row in sorted(set(range(len(ends))) - set(kept)):
        text = "ends at a bus that has no place: left out"
        context.problems.add("warning", f"{source.title}#line/{table.index[row]}", "link-without-node", text)
    paths = line_paths(net)
    ways = []
    for row in kept:
        straight = local[[buses[ends[row][0]], buses[ends[row][1]]]]
        ways.append(plan.to_local(paths[row], context.georeference) if len(paths[row]) > 1 else straight)
    table = table.iloc[kept]
    voltage = net["bus"]["vn_kv"].reindex([ends[row][0] for row in kept]).to_numpy(np.float64, na_value=np.nan)
    level = [_level(value) for value in voltage.tolist()]
    overhead = (table["type"].astype(str) == "ol").to_numpy() if "type" in table.columns else np.zeros(len(table), bool)
    lifts = np.where(overhead, [each[3] for each in level], -_CABLE_DEPTH_M)
    starts = np.concatenate([[0], np.cumsum([len(way) for way in ways])]).astype(np.int64)
    line = np.repeat(np.arange(len(ways)), np.diff(starts))
    flat = np.concatenate(ways) if ways else np.zeros((0, 2))
    z = ground_z(relief_of(context.ground), flat[:, 0], flat[:, 1]) + lifts[line]
    shape = Lines.round(
        np.column_stack([flat, z]), starts, np.full(len(ways), _DIAMETER_M), np.arange(len(ways), dtype=np.int64)
    )
    mesh = tubes(shape, rgba([each[2] for each in level]), sides=6).mesh() if ways else MeshSet.empty()
    links = [
        Link(number, "connects", f"bus/{key}", role)
        for number, row in enumerate(kept)
        for key, role in zip(ends[row], ("from", "to"), strict=True)
    ]
    columns, units = _columns(table)
    columns |= {
        "class": ["overhead line" if up else "cable" for up in overhead],
        "voltage_kv": voltage,
        "voltage_level": [each[1] for each in level],
    }
    plans = np.array([shapely.LineString(way) for way in ways], object)
    return NetworkObjects(
        [f"line/{key}" for key in table.index], ["PowerLine"] * len(table), _names(table), columns,
        {**units, "voltage_kv": "kV"}, plans, links=links, mesh=mesh,
    )  # fmt: skip


def _nodes(
    net: dict[str, Any], local: Floats, buses: dict[Any, int], ground: Ground | None, problems: Problems
) -> NetworkObjects:
    """Return buses, transformers and what is connected to a bus as upright bodies."""
    parts = [_buses(net, local, buses)]
    parts += [_elements(name, net[name], local, buses, problems) for name in (*_ENDS, *_AT_BUS) if name in net]
    every = pd.concat([part[0] for part in parts], ignore_index=True)
    columns, units = _columns(every.drop(columns=["id", "kind", "x", "y", "wide", "tall"]))
    links: list[Link] = []
    shift = 0
    for frame, own in parts:
        links += [Link(link.row + shift, link.kind, link.target, link.role) for link in own]
        shift += len(frame)
    xy = every[["x", "y"]].to_numpy(np.float64)
    feet = np.column_stack([xy, ground_z(ground, xy[:, 0], xy[:, 1])])
    wide, tall = every["wide"].to_numpy(np.float64), every["tall"].to_numpy(np.float64)
    bodies = Lines.upright(feet, feet[:, 2] + tall, wide, np.arange(len(every), dtype=np.int64))
    colours = rgba([_COLOURS.get(word, _SOURCE_COLOUR) for word in every["class"]])
    return NetworkObjects(
        every["id"].tolist(), every["kind"].tolist(), _names(every), columns, units,
        np.asarray(shapely.points(xy), object), links=links, mesh=tubes(bodies, colours).mesh(),
    )  # fmt: skip


def _buses(net: dict[str, Any], local: Floats, buses: dict[Any, int]) -> tuple[Any, list[Link]]:
    table = net["bus"].loc[list(buses)].drop(columns=["geo"], errors="ignore")
    stations = {key for name, ends in _ENDS.items() if name in net and name != "impedance"
                for end in ends if end in net[name].columns for key in net[name][end].tolist()}  # fmt: skip
    station = np.array([key in stations for key in buses], bool)
    frame = table.reset_index(drop=True)
    frame["id"], frame["kind"], frame["class"] = [f"bus/{key}" for key in buses], "Device", "bus"
    frame["substation"] = ["yes" if mine else None for mine in station.tolist()]
    frame[["x", "y"]] = local[list(buses.values())]
    frame["wide"], frame["tall"] = np.where(station, 5.0, 0.8), np.where(station, 3.0, 1.4)
    frame["voltage_level"] = [_level(value)[1] for value in frame["vn_kv"].tolist()]
    rows = {key: row for row, key in enumerate(buses)}
    return frame, _switches(net, rows)


def _switches(net: dict[str, Any], rows: dict[Any, int]) -> list[Link]:
    """Return what switches connect a bus to, with whether they are closed."""
    table = net.get("switch")
    if table is None:
        return []
    kinds = {"b": "bus", "l": "line", "t": "trafo", "t3": "trafo3w"}
    return [
        Link(rows[each["bus"]], "connects", f"{kinds[each['et']]}/{each['element']}",
             "switch closed" if each.get("closed", True) else "switch open")
        for each in table.to_dict("records")
        if each["bus"] in rows and each.get("et") in kinds
    ]  # fmt: skip


def _elements(
    name: str, table: Any, local: Floats, buses: dict[Any, int], problems: Problems
) -> tuple[Any, list[Link]]:
    """Return transformers between their buses, and loads and generators around theirs."""
    ends = [end for end in _ENDS.get(name, ("bus",)) if end in table.columns]
    keys = table[ends].to_numpy(object).tolist()
    kept = [row for row, own in enumerate(keys) if own and all(key in buses for key in own)]
    for row in sorted(set(range(len(keys))) - set(kept)):
        problems.add("warning", f"{name}/{table.index[row]}", "link-without-node", "its bus has no place: left out")
    frame = table.iloc[kept].drop(columns=[*ends, "geo"], errors="ignore").reset_index(drop=True)
    places = np.array([local[[buses[key] for key in keys[row]]].mean(axis=0) for row in kept]).reshape(-1, 2)
    if name in _AT_BUS:
        turn = 2.4 * np.arange(len(kept)) + _AT_BUS.index(name)
        places = places + 2.5 * np.column_stack([np.cos(turn), np.sin(turn)])
    frame["id"] = [f"{name}/{table.index[row]}" for row in kept]
    frame["kind"], frame["class"] = "Device", name
    frame[["x", "y"]] = places
    frame["wide"], frame["tall"] = (3.0, 3.5) if name in {"trafo", "trafo3w"} else (0.7, 1.8)
    links = [
        Link(number, "connects", f"bus/{key}", end.removesuffix("_bus") if end != "bus" else "")
        for number, row in enumerate(kept)
        for end, key in zip(ends, keys[row], strict=True)
    ]
    return frame, links


def _columns(table: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """Return attributes under their names in pandapower, and the units that those names end in."""
    frame = table.drop(columns=["geo"], errors="ignore").reset_index(drop=True)
    columns, properties = attribute_columns(frame, {"name"})
    units = {name: unit for name in columns if (unit := next((u for end, u in _UNITS if name.endswith(end)), ""))}
    return {**columns, "properties": properties}, units


def _names(table: Any) -> list[str]:
    if "name" not in table.columns:
        return [""] * len(table)
    return ["" if value is None or value != value else str(value) for value in table["name"].tolist()]  # noqa: PLR0124


def _level(voltage_kv: float) -> tuple[float, str, str, float]:
    return next((level for level in _LEVELS if voltage_kv < level[0]), _LEVELS[1])
