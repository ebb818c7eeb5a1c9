"""The loader of sewer models (EPA SWMM) and water supply models (EPANET), both ``.inp``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from gis.colours import rgba
from gis.draping import draped
from gis.ground import ground_z, relief_of
from gis.networks import epanet, swmm
from gis.networks.inp import read_model, which
from gis.networks.mains import node_objects, pipe_objects
from gis.networks.objects import Link, NetworkObjects, batches_of_network, layer_named
from gis.networks.plan import Levels, Plan
from gis.prototypes import pinned
from scenes.errors import LoadError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from gis.networks.inp import Model
    from gis.networks.mains import Nodes
    from scenes.loading import Ground, LoadContext, Location
    from scenes.model import Batch, Layer
    from scenes.problems import Problems
    from scenes.sources import Source

_SEWER = (
    ("sewer-nodes", {"en": "Manholes and outfalls", "zh": "检查井与排口"}),
    ("sewers", {"en": "Sewers", "zh": "排水管网"}),
)
_SUPPLY = (
    ("water-nodes", {"en": "Water supply nodes", "zh": "供水节点"}),
    ("water-pipes", {"en": "Water mains", "zh": "供水管网"}),
)
_CATCHMENTS = {"en": "Subcatchments", "zh": "汇水区"}
_GAUGES = {"en": "Rain gages", "zh": "雨量站"}
_CATCHMENT_LIFT_M = 0.29
_CATCHMENT_COLOURS = ("#bcd4de", "#a9c7d4", "#cfe0e6", "#b5cfcf", "#c4d3e0")


class WaterNetworkLoader:
    """Reads the pipes, nodes, devices and subcatchments of SWMM and EPANET models."""

    name = "water"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether the file is a text with the sections of SWMM or EPANET, or a binary EPANET project."""
        if source.suffix == ".inp":
            return bool(which(source.file))
        return source.suffix == ".net" and not source.file.is_dir()

    def locate(self, source: Source) -> Location | None:
        """Return the middle of the nodes and outlines, None when the user places the file."""
        if source.place is not None:
            return None
        model = _model(source)
        places = _everything(source, model)
        if not len(places):
            raise LoadError(source.path, "none of its nodes has coordinates", "export the model with its map")
        return Plan.of(source, unit_m=_map_unit_m(source, model)).location(places)

    def surface(self, source: Source, context: LoadContext) -> Ground | None:  # noqa: ARG002
        """Return None: a network is never the terrain."""
        return None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield pipes and nodes, then subcatchments and rain gages.

        Raises
        ------
        SourceError, GeoreferenceError
            When nothing in it has a place, or nobody says in which system.
        """
        model = _model(source)
        kind = which(source.file)
        if not len(_everything(source, model)):
            raise LoadError(source.path, "none of its nodes has coordinates", "export the model with its map")
        plan = Plan.of(source, unit_m=_map_unit_m(source, model))
        reader = swmm if kind == "swmm" else epanet
        where, problems = source.title, context.problems
        nodes = reader.nodes_of(model, problems, where)
        pipes = reader.pipes_of(model, nodes, problems, where)
        frame = context.georeference
        xy = plan.to_local(nodes.xy, frame)
        levels = Levels.of(source, context, xy, nodes.surface_m)
        (node_name, node_titles), (pipe_name, pipe_titles) = _SEWER if kind == "swmm" else _SUPPLY
        if pipes.names:
            layer = layer_named(pipe_name, "pipes", pipe_titles, source, main=True)
            yield from batches_of_network(layer, pipe_objects(pipes, nodes, plan, frame, levels), kind, source)
        if nodes.names:
            layer = layer_named(node_name, "pipes", node_titles, source)
            yield from batches_of_network(layer, node_objects(nodes, plan, frame, levels), kind, source)
        if kind == "swmm":
            yield from _catchments(model, nodes, plan, source, context)
            yield from _gauges(model, plan, source, context)


def _model(source: Source) -> Model:
    if source.suffix == ".net":
        raise UnsupportedError(source.path, "is a binary EPANET project", "export the network as .inp in EPANET")
    return read_model(source.file)


def _map_unit_m(source: Source, model: Model) -> float:
    """Return the metres in a unit of the map, for a model that is placed by hand."""
    stated = model.option("UNITS", "MAP") or model.option("UNITS", "BACKDROP")
    if stated in {"FEET", "METERS"}:
        return 0.3048 if stated == "FEET" else 1.0
    reader = swmm if which(source.file) == "swmm" else epanet
    return float(reader.unit_m(model))


def _everything(source: Source, model: Model) -> NDArray[np.float64]:
    """Return all plan coordinates that will be shown, (n, 2)."""
    silent = _silent()
    if which(source.file) == "epanet":
        return epanet.nodes_of(model, silent, "").xy
    outlines = [point for outline in swmm.areas_of(model, silent, "").outlines for point in outline]
    parts = [swmm.nodes_of(model, silent, "").xy, swmm.gauges_of(model)[1], np.array(outlines, float).reshape(-1, 2)]
    return np.concatenate(parts)


def _silent() -> Problems:
    from scenes.problems import Problems  # noqa: PLC0415

    return Problems(limit=0)


def _catchments(
    model: Model, nodes: Nodes, plan: Plan, source: Source, context: LoadContext
) -> Iterator[tuple[Layer, Batch]]:
    areas = swmm.areas_of(model, context.problems, source.title)
    if not areas.names:
        return
    rings = [plan.to_local(np.array(outline, float), context.georeference) for outline in areas.outlines]
    shapes = shapely.make_valid(np.array([shapely.Polygon(ring) for ring in rings], object))
    count = len(shapes)
    colours = rgba(list(_CATCHMENT_COLOURS))[np.arange(count) % len(_CATCHMENT_COLOURS)]
    mesh = draped(shapes, np.full(count, _CATCHMENT_LIFT_M), colours, relief_of(context.ground)).mesh()
    ids = dict(zip(nodes.names, nodes.ids(), strict=True))
    mine = {name: f"subcatchment/{name}" for name in areas.names}
    targets = [ids.get(outlet) or mine.get(outlet, "") for outlet in areas.outlets]
    links = [Link(row, "connects", target, "outlet") for row, target in enumerate(targets) if target]
    objects = NetworkObjects(
        list(mine.values()), ["LandUse"] * count, areas.names, {"class": ["subcatchment"] * count, **areas.columns},
        areas.units, shapes, links=links, mesh=mesh,
    )  # fmt: skip
    yield from batches_of_network(layer_named("subcatchments", "generic", _CATCHMENTS, source), objects, "swmm", source)


def _gauges(model: Model, plan: Plan, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
    names, xy, cells = swmm.gauges_of(model)
    if not names:
        return
    local = plan.to_local(xy, context.georeference)
    feet = np.column_stack([local, ground_z(relief_of(context.ground), local[:, 0], local[:, 1])])
    objects = NetworkObjects(
        [f"raingage/{name}" for name in names], ["Device"] * len(names), names,
        {"class": ["raingage"] * len(names), **cells}, {}, np.asarray(shapely.points(local), object),
        mesh=pinned(feet, np.full(len(names), 7.0), "#3d7ea6"),
    )  # fmt: skip
    yield from batches_of_network(layer_named("rain-gages", "points", _GAUGES, source), objects, "swmm", source)
