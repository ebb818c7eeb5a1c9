"""City models on the spot: short CityGML and CityJSON texts, and a scene of one file read in this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scenes import Georeference, Layer, Scene
from scenes.loading import FlatGround, LoadContext, loader_for
from scenes.problems import Problems
from scenes.sources import Source

if TYPE_CHECKING:
    from pathlib import Path

    from scenes.loading import Ground

X, Y = 457_000.0, 5_439_000.0
UTM = "urn:ogc:def:crs:EPSG::25832"
FRAME = Georeference("EPSG:25832", X, Y)
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<CityModel xmlns="http://www.opengis.net/citygml/{version}" xmlns:gml="http://www.opengis.net/gml"
 xmlns:bldg="http://www.opengis.net/citygml/building/{version}" xmlns:app="http://www.opengis.net/citygml/appearance/{version}"
 xmlns:gen="http://www.opengis.net/citygml/generics/{version}" xmlns:veg="http://www.opengis.net/citygml/vegetation/{version}"
 xmlns:dem="http://www.opengis.net/citygml/relief/{version}" xmlns:luse="http://www.opengis.net/citygml/landuse/{version}"
 xmlns:grp="http://www.opengis.net/citygml/cityobjectgroup/{version}" xmlns:con="http://www.opengis.net/citygml/construction/3.0"
 xmlns:tran="http://www.opengis.net/citygml/transportation/{version}" xmlns:dyn="http://www.opengis.net/citygml/dynamizer/3.0"
 xmlns:wtr="http://www.opengis.net/citygml/waterbody/{version}" xmlns:uro="https://www.geospatial.jp/iur/uro/2.0"
 xmlns:urf="https://www.geospatial.jp/iur/urf/2.0" xmlns:xAL="urn:oasis:names:tc:ciq:xsdschema:xAL:2.0"
 xmlns:xlink="http://www.w3.org/1999/xlink">
 <gml:boundedBy><gml:Envelope srsName="{crs}" srsDimension="3"/></gml:boundedBy>
"""


def citygml(*members: str, crs: str = UTM, version: str = "2.0", rest: str = "") -> str:
    """Return a document with some members and what stands behind them."""
    body = "".join(f"<cityObjectMember>{member}</cityObjectMember>" for member in members)
    return HEAD.format(crs=crs, version=version) + body + rest + "</CityModel>"


def points(*corners: tuple[float, float, float], x: float = X, y: float = Y) -> str:
    """Return corners as text, moved to the place of the tests."""
    return " ".join(f"{x + a} {y + b} {c}" for a, b, c in corners)


def ring(text: str, name: str = "") -> str:
    """Return a ring of a position list."""
    identity = f' gml:id="{name}"' if name else ""
    return f"<gml:LinearRing{identity}><gml:posList>{text}</gml:posList></gml:LinearRing>"


def polygon(text: str, name: str = "", ring_name: str = "") -> str:
    """Return a polygon without holes."""
    identity = f' gml:id="{name}"' if name else ""
    return f"<gml:Polygon{identity}><gml:exterior>{ring(text, ring_name)}</gml:exterior></gml:Polygon>"


def surfaces(*parts: str) -> str:
    """Return polygons, or links to them, as one multi-surface."""
    inner = "".join(
        part if part.startswith("<gml:surfaceMember") else f"<gml:surfaceMember>{part}</gml:surfaceMember>"
        for part in parts
    )
    return f"<gml:MultiSurface>{inner}</gml:MultiSurface>"


def square(z: float = 0.0, side: float = 10.0, x: float = 0.0) -> str:
    """Return the text of a square that looks up."""
    return points((x, 0, z), (x + side, 0, z), (x + side, side, z), (x, side, z), (x, 0, z))


def read(path: Path, *, ground: Ground | None = None, problems: Problems | None = None, **said: Any) -> Scene:
    """Return the scene of one file, read in this process."""
    source = Source(str(path), **said)
    loader = loader_for(source)
    place = loader.locate(source)
    frame = Georeference.around(place.longitude_deg, place.latitude_deg, place.crs) if place else FRAME
    layers: dict[str, Layer] = {}
    for layer, batch in loader.load(source, LoadContext(frame, ground or FlatGround(), problems or Problems())):
        known = layers.get(layer.name, layer)
        layers[layer.name] = known.with_batches([*known.batches, batch.with_bounds()])
    return Scene(frame, layers)


def building(inner: str, name: str = "B") -> str:
    """Return a building of CityGML with what stands in it."""
    return f'<bldg:Building gml:id="{name}">{inner}</bldg:Building>'
