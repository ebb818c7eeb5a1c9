"""The loader of SUMO files: networks, additional objects, and a word about demand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from gis.ground import relief_of
from gis.networks.objects import batches_of_network, layer_named
from gis.networks.plan import Plan
from gis.networks.sumo_places import Lanes, area_objects, building_objects, is_building, place_objects, stop_objects
from gis.networks.sumo_streets import junction_objects, street_objects
from gis.networks.sumo_xml import Document, elements, read_document, which
from scenes.errors import LoadError
from scenes.georeference import WGS84, transformer
from scenes.loading import Location

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from gis.networks.objects import NetworkObjects
    from scenes.loading import Ground, LoadContext
    from scenes.model import Batch, Layer
    from scenes.sources import Source

_LAYERS = {
    "streets": ("roads", {"en": "Streets", "zh": "街道网络"}),
    "junctions": ("roads", {"en": "Junctions", "zh": "路口"}),
    "buildings": ("buildings", {"en": "Buildings", "zh": "建筑"}),
    "areas": ("generic", {"en": "Areas", "zh": "面"}),
    "points": ("points", {"en": "Places", "zh": "地点"}),
    "stops": ("roads", {"en": "Stops and parking", "zh": "站点与停车"}),
}
_VEHICLES = ("vehicle", "trip", "flow", "person", "personFlow", "container")
_MEANT = {"demand": "vehicles", "config": "a run"}


class SumoLoader:
    """Reads the streets, junctions, polygons, places, stops and parking areas of SUMO."""

    name = "sumo"
    guarded = True

    def supports(self, source: Source) -> bool:
        """Say whether the file is one of SUMO's, by its name or the root of the XML."""
        return source.suffix in {".xml", ".gz", ".sumocfg"} and bool(which(source.file))

    def locate(self, source: Source) -> Location | None:
        """Return the middle of the shapes; None for demand, which has none, and for files that are placed."""
        if source.place is not None or which(source.file) in _MEANT:
            return None
        document = read_document(source.file)
        lanes = _network_beside(source.file, document)
        parts = [*(item.points for item in [*document.junctions, *document.polygons]), _places(document)]
        xy = np.concatenate(parts) if parts else np.zeros((0, 2))
        if not len(xy) and lanes is not None:
            xy = np.concatenate([item.points for item in lanes.junctions])
        if not len(xy):
            return _degrees(document)
        return _plan(source, document, lanes).location(xy)

    def surface(self, source: Source, context: LoadContext) -> Ground | None:  # noqa: ARG002
        """Return None: a network is never the terrain."""
        return None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        """Yield streets, junctions, polygons, places and stops, each in a layer of its own.

        Raises
        ------
        SourceError, GeoreferenceError
            When the file is broken, or nobody says where it lies.
        """
        kind = which(source.file)
        if kind in _MEANT:
            _tell(source, kind, context)
            return
        document = read_document(source.file)
        beside = _network_beside(source.file, document)
        plan, frame = _plan(source, document, beside), context.georeference
        ground = relief_of(context.ground)
        _report(document, source, context)
        if document.edges:
            yield from _layer("streets", street_objects(document, plan, frame, ground), source, main=True)
            yield from _layer("junctions", junction_objects(document, plan, frame, ground), source)
        houses = [item for item in document.polygons if is_building(item)]
        others = [item for item in document.polygons if not is_building(item)]
        if houses:
            yield from _layer("buildings", building_objects(houses, plan, frame, ground, source), source)
        if others:
            yield from _layer("areas", area_objects(others, plan, frame, ground), source)
        lanes = Lanes(beside, plan, frame) if document.places or document.stops else Lanes(None, plan, frame)
        if document.places:
            yield from _layer("points", place_objects(document, lanes, plan, frame, ground), source)
        if document.stops:
            yield from _layer("stops", stop_objects(document, lanes, ground, context.problems), source)


def _layer(name: str, objects: NetworkObjects, source: Source, *, main: bool = False) -> Iterator[tuple[Layer, Batch]]:
    theme, titles = _LAYERS[name]
    yield from batches_of_network(layer_named(name, theme, titles, source, main=main), objects, "sumo", source)


def _plan(source: Source, document: Document, beside: Document | None) -> Plan:
    located = document if document.location or beside is None else beside
    if source.place is None and not source.crs and not located.crs and not _planar(document):
        return Plan(source, WGS84)  # only degrees: nothing needs the plan
    return Plan.of(source, located.crs, offset=located.offset)


def _planar(document: Document) -> bool:
    return bool(document.edges or document.polygons or document.stops or len(_places(document)))


def _places(document: Document) -> NDArray[np.float64]:
    pairs = [(item.attributes.get("x", ""), item.attributes.get("y", "")) for item in document.places]
    return np.array([[float(x), float(y)] for x, y in pairs if _is_number(x) and _is_number(y)]).reshape(-1, 2)


def _degrees(document: Document) -> Location | None:
    pairs = [(item.attributes.get("lon", ""), item.attributes.get("lat", "")) for item in document.places]
    known = [(float(lon), float(lat)) for lon, lat in pairs if _is_number(lon) and _is_number(lat)]
    if not known:
        return None
    lon, lat = transformer(WGS84, WGS84).transform(*np.mean(known, axis=0))
    return Location(float(lon), float(lat))


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _network_beside(path: Path, document: Document) -> Document | None:
    """Return the network in the same folder that has the lanes of the stops; the document itself if it is one."""
    if document.edges:
        return document
    wanted = [item.attributes["lane"] for item in [*document.stops, *document.places] if "lane" in item.attributes]
    if not wanted:
        return None
    beside = sorted([*path.parent.glob("*.net.xml"), *path.parent.glob("*.net.xml.gz")])
    for candidate in beside[:8]:
        if not candidate.is_file() or candidate.is_symlink():
            continue
        try:
            network = read_document(candidate)
        except LoadError:
            continue
        if {lane.key for lane in network.lanes} & set(wanted):
            return network
    return None


def _report(document: Document, source: Source, context: LoadContext) -> None:
    where, problems = source.title, context.problems
    if document.hidden:
        text = f"{document.hidden} edges within junctions, crossings and walking areas: not drawn"
        problems.add("info", where, "edges-internal", text)
    if document.has_heights:
        problems.add("info", where, "heights-unused", "some of its shapes have heights: streets are laid on the ground")
    if document.others:
        counted = ", ".join(f"{count} {tag}" for tag, count in sorted(document.others.items())[:12])
        problems.add("info", where, "elements-unused", f"{counted}: of use to a traffic simulation only")


def _tell(source: Source, kind: str, context: LoadContext) -> None:
    """Report what a file of vehicles or settings is for, since there is nothing in it to draw."""
    if kind == "config":
        text, advice = "names the files of a run of SUMO and has no shapes of its own", "build the .net.xml it names"
        context.problems.add("info", source.title, "nothing-to-draw", text, advice)
        return
    counts: dict[str, int] = {}
    for element in elements(source.file):
        if element.tag in _VEHICLES:
            counts[str(element.tag)] = counts.get(str(element.tag), 0) + 1
    counted = ", ".join(f"{count} {tag}" for tag, count in counts.items()) or "no vehicle"
    text = f"has {counted} and no shapes: demand is for a traffic simulation"
    context.problems.add("info", source.title, "nothing-to-draw", text, "build the .net.xml it belongs to")
