"""The door to osmium: OpenStreetMap as XML or PBF, packed or not, its multipolygons assembled and its tags kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.features import TableStream, broken
from gis.parquet import expanded_tags
from gis.sniffing import is_osm_pbf, refuse_entities
from scenes.errors import CityTwinError, LoadError, MissingLibraryError
from scenes.georeference import WGS84

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenes.problems import Problems
    from scenes.sources import Source

# Tags that say how a thing came into the map, not what it is.
_IDLE = frozenset({"created_by", "source", "note", "fixme", "FIXME", "attribution", "converted_by", "import_uuid"})
# What makes a closed way an area (wiki.openstreetmap.org/wiki/Key:area), and what keeps it a line all the same.
_AREA_KEYS = frozenset(
    {"building", "building:part", "landuse", "leisure", "amenity", "shop", "tourism", "place", "water", "wetland",
     "area:highway", "public_transport", "historic", "office", "craft", "healthcare", "military", "aeroway", "natural",
     "man_made", "power", "boundary", "indoor", "room", "golf", "parking", "sport"}
)  # fmt: skip
_LINE_KEYS = frozenset({"highway", "railway", "waterway", "barrier", "route", "aerialway"})
_LINE_VALUES = frozenset({"coastline", "cliff", "ridge", "tree_row", "track", "slipway", "line", "minor_line", "cable",
                          "pipeline", "embankment", "taxiway", "runway", "arete", "valley"})  # fmt: skip
_AREA_WATERWAYS = frozenset({"riverbank", "dock", "boatyard", "dam"})
_PLACE_KEYS = frozenset(
    {"amenity", "shop", "tourism", "leisure", "historic", "office", "craft", "healthcare", "emergency", "man_made",
     "natural", "place", "public_transport", "railway", "aeroway", "power", "sport", "building", "club", "advertising",
     "traffic_sign", "name"}
)  # fmt: skip
_PLACE_HIGHWAYS = frozenset({"bus_stop", "street_lamp", "traffic_signals", "speed_camera", "emergency_access_point"})


def tables(source: Source, problems: Problems) -> Iterator[TableStream]:
    """Yield the one table of an OpenStreetMap file: its points, lines and areas, in the order of the file."""
    if source.suffix in {".osm", ".xml"}:
        refuse_entities(source.file)

    def frames(rows: int) -> Iterator[Any]:
        often: set[str] | None = None
        for window in _windows(source, rows, problems):
            frame, often = expanded_tags(window.frame(), often)
            yield frame

    yield TableStream(source.title, frames, WGS84, unique=True)


def bounds(source: Source) -> tuple[float, float, float, float, str]:
    """Return the bounds that the head of the file states, else those of its tagged points, else of its areas."""
    osmium = _osmium()
    try:
        reader = osmium.io.Reader(_file(source))
        box = reader.header().box()
        reader.close()
        if box.valid():
            low, high = box.bottom_left, box.top_right
            return low.lon, low.lat, high.lon, high.lat, WGS84
        nodes = osmium.FileProcessor(_file(source), osmium.osm.NODE).with_filter(osmium.filter.EmptyTagFilter())
        places = [(node.location.lon, node.location.lat) for node in nodes if node.location.valid()]
        if not places:
            nodes = osmium.FileProcessor(_file(source), osmium.osm.NODE)
            places = [(node.location.lon, node.location.lat) for node in nodes if node.location.valid()]
    except (RuntimeError, ValueError, osmium.InvalidLocationError) as error:
        raise broken(source, error) from error
    if not places:
        raise LoadError(source.shown, "there is no feature in it", "export the area again")
    found = np.array(places)
    return *(float(v) for v in found.min(axis=0)), *(float(v) for v in found.max(axis=0)), WGS84  # type: ignore[return-value]


@dataclass
class _Window:
    """Features on their way into a table."""

    ids: list[str] = field(default_factory=list)
    shapes: list[str] = field(default_factory=list)
    tags: list[dict[str, str]] = field(default_factory=list)
    roots: list[str | None] = field(default_factory=list)

    def add(self, name: str, shape: str, tags: dict[str, str], root: str | None) -> None:
        self.ids.append(name)
        self.shapes.append(shape)
        self.tags.append(tags)
        self.roots.append(root)

    def frame(self) -> Any:
        shapes = np.asarray(shapely.from_wkb(np.array(self.shapes, object), on_invalid="ignore"), object)
        single = (shapely.get_type_id(shapes) == 6) & (shapely.get_num_geometries(shapes) == 1)
        shapes[single] = shapely.get_geometry(shapes[single], 0)
        columns: dict[str, Any] = {"osm_id": self.ids, "tags": self.tags}
        if any(self.roots):
            columns["root_id"] = pd.Series(self.roots, dtype=object)
        return gpd.GeoDataFrame(columns, geometry=shapes)


def is_area(tags: dict[str, str]) -> bool:
    """Say whether a closed way with these tags is an area, not a line that ends where it began.

    Examples
    --------
    >>> is_area({"building": "yes"}), is_area({"highway": "residential"}), is_area({"natural": "coastline"})
    (True, False, False)
    """
    if tags.get("area") in {"yes", "no"}:
        return tags["area"] == "yes"
    if tags.get("building", "no") != "no" or "building:part" in tags:
        return True
    if tags.get("waterway") in _AREA_WATERWAYS or tags.get("railway") in {"station", "platform"}:
        return True
    if tags.keys() & _LINE_KEYS and not tags.keys() & {"landuse", "leisure", "amenity"}:
        return False
    return any(key in _AREA_KEYS and value not in _LINE_VALUES for key, value in tags.items())


def is_place(tags: dict[str, str]) -> bool:
    """Say whether a point with these tags is a thing of its own, not a crossing or the address of something else."""
    return bool(tags.keys() & _PLACE_KEYS) or tags.get("highway") in _PLACE_HIGHWAYS


def _windows(source: Source, rows: int, problems: Problems) -> Iterator[_Window]:
    window, skipped = _Window(), 0
    try:
        roots = _roots(source)
        for found in _features(source, roots):
            if found is None:
                skipped += 1
                continue
            window.add(*found)
            if len(window.ids) == rows:
                yield window
                window = _Window()
        if window.ids:
            yield window
    except CityTwinError:
        raise
    except (RuntimeError, ValueError, OSError, _osmium().InvalidLocationError) as error:
        raise broken(source, error) from error
    if skipped:
        message = f"{skipped} points and lines with only technical or address tags, or without their nodes: left out"
        problems.add("info", source.title, "osm-detail", message)


def _features(source: Source, roots: dict[str, str]) -> Iterator[tuple[str, str, dict[str, str], str | None] | None]:
    """Yield (id, WKB, tags, building) of each feature, None for what is left out."""
    osmium = _osmium()
    shapes = osmium.geom.WKBFactory()
    processor = osmium.FileProcessor(_file(source)).with_areas().with_filter(osmium.filter.EmptyTagFilter())
    for item in processor:
        if item.is_relation():
            continue
        tags = {tag.k: tag.v for tag in item.tags}
        if not tags.keys() - _IDLE:
            continue
        try:
            if item.is_node():
                yield (f"node/{item.id}", shapes.create_point(item), tags, None) if is_place(tags) else None
            elif item.is_way():
                if not (item.is_closed() and is_area(tags)):
                    yield f"way/{item.id}", shapes.create_linestring(item), tags, None
            elif not item.from_way() or is_area(tags):
                name = f"{'way' if item.from_way() else 'relation'}/{item.orig_id()}"
                yield name, shapes.create_multipolygon(item), tags, roots.get(name)
        except (RuntimeError, osmium.InvalidLocationError):  # its nodes are not in the extract
            yield None


def _roots(source: Source) -> dict[str, str]:
    """Return the building that each part belongs to, as relations of type ``building`` say."""
    osmium = _osmium()
    relations = osmium.FileProcessor(_file(source), osmium.osm.RELATION)
    found: dict[str, str] = {}
    kinds = {"w": "way", "r": "relation", "n": "node"}
    for relation in relations.with_filter(osmium.filter.TagFilter(("type", "building"))):
        names = [(member.role, f"{kinds[member.type]}/{member.ref}") for member in relation.members]
        outline = next((name for role, name in names if role in {"outline", "outer"}), None)
        if outline:
            found.update({name: outline for role, name in names if role == "part"})
    return found


def _file(source: Source) -> Any:
    packed = {".gz": ".gz", ".bz2": ".bz2"}.get(source.suffix, "")
    kind = "pbf" if source.suffix == ".pbf" or (not packed and is_osm_pbf(source.file)) else "osm"
    return _osmium().io.File(str(source.file.resolve()), kind + packed)


def _osmium() -> Any:
    try:
        import osmium  # noqa: PLC0415
        import osmium.filter  # noqa: PLC0415
        import osmium.geom  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError("gis", "osmium is not installed", "pip install citytwin[gis]") from error
    return osmium
