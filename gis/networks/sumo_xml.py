"""SUMO files as plain lists: networks, additional objects and demand, read in one pass with little memory.

Source of the format: SUMO documentation, "SUMO Road Networks" and "Additional" (DLR, 2025).
"""

from __future__ import annotations

import functools
import gzip
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gis.shelf import Shelf
from gis.sniffing import head_of
from scenes.errors import LoadError, MissingLibraryError
from scenes.georeference import parse_crs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

LANE_WIDTH_M = 3.2
_ROOT = re.compile(rb"<([A-Za-z_][\w.-]*)")
_COMMENT = re.compile(rb"<!--.*?(-->|\Z)|<\?.*?\?>", re.DOTALL)
_ROOTS = {"net": "net", "additional": "additional", "tazs": "additional", "routes": "demand", "configuration": "config",
          "sumoConfiguration": "config"}  # fmt: skip
_NAMES = {".net.xml": "net", ".add.xml": "additional", ".poly.xml": "additional", ".taz.xml": "additional",
          ".rou.xml": "demand", ".sumocfg": "config"}  # fmt: skip
_STOPS = frozenset({"busStop", "trainStop", "containerStop", "chargingStation", "parkingArea"})
_HIDDEN = frozenset({"internal", "connector", "crossing", "walkingarea"})


@dataclass(slots=True)
class Lane:
    """One lane: its edge (a row), id, attributes as they stand in the file, and (p, 2) points."""

    edge: int
    key: str
    attributes: dict[str, str]
    points: Floats


@dataclass(slots=True)
class Item:
    """An element with its attributes, points (n, 2) where it has a shape, and the parameters below it."""

    tag: str
    attributes: dict[str, str]
    points: Floats
    parameters: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its id."""
        return self.attributes.get("id", "")


@dataclass(slots=True)
class Document:
    """What a network or additional file holds; edges that only lead over junctions are counted, not kept."""

    location: dict[str, str] = field(default_factory=dict)
    edges: list[Item] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)
    junctions: list[Item] = field(default_factory=list)
    connections: list[tuple[str, str, str]] = field(default_factory=list)
    polygons: list[Item] = field(default_factory=list)
    places: list[Item] = field(default_factory=list)
    stops: list[Item] = field(default_factory=list)
    hidden: int = 0
    others: dict[str, int] = field(default_factory=dict)
    has_heights: bool = False

    @property
    def offset(self) -> tuple[float, float]:
        """What has to be added to coordinates of the file to get those of its projection."""
        parts = points_of(self.location.get("netOffset", ""))
        return (-float(parts[0, 0]), -float(parts[0, 1])) if len(parts) else (0.0, 0.0)

    @property
    def crs(self) -> str:
        """The projection, empty where the file has none (``!``)."""
        text = self.location.get("projParameter", "!").strip()
        if text in {"!", "", "-"}:
            return ""
        known = parse_crs(text).to_authority(min_confidence=70)
        return ":".join(known) if known else text


def which(path: Path) -> str:
    """Return ``net``, ``additional``, ``demand`` or ``config`` for a SUMO file, empty for others."""
    name = path.name.lower().removesuffix(".gz")
    for ending, kind in _NAMES.items():
        if name.endswith(ending):
            return kind
    if not name.endswith(".xml"):
        return ""
    head = head_of(path)
    if path.name.lower().endswith(".gz"):
        head = _unpacked_head(path)
    match = _ROOT.search(_COMMENT.sub(b"", head))
    kind = _ROOTS.get(match[1].decode("ascii", "replace"), "") if match else ""
    sumo = b"sumo" in head.lower() or b"netOffset" in head
    return kind if sumo else ""


def _unpacked_head(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            return file.read(65_536)
    except (OSError, EOFError):
        return b""


def read_document(path: Path) -> Document:
    """Return what a network or an additional file holds; the same again is not read again.

    Raises
    ------
    LoadError
        When it is no XML, has entities, or unpacks to far more than it should.
    """
    stat = path.stat()
    return _read(path, (stat.st_mtime_ns, stat.st_size))


@functools.lru_cache(maxsize=2)
def _read(path: Path, _stamp: tuple[int, int]) -> Document:
    document = Document()
    kept = True
    lanes: list[tuple[dict[str, str], Floats]] = []
    parameters: dict[str, str] = {}
    for element in elements(path):
        tag, attributes = str(element.tag), dict(element.attrib)
        if tag == "param":
            parameters[attributes.get("key", "")] = attributes.get("value", "")
            continue
        shape = points_of(attributes.pop("shape", ""), document)
        if tag == "lane":
            lanes.append((attributes, shape))
            continue
        if tag == "edge":
            kept = attributes.get("function") not in _HIDDEN
            document.hidden += not kept
            if kept:
                document.lanes += [
                    Lane(len(document.edges), mine.get("id", ""), mine, points) for mine, points in lanes
                ]
                document.edges.append(Item(tag, attributes, shape, parameters))
            lanes, parameters = [], {}
        else:
            _keep(document, Item(tag, attributes, shape, parameters))
            if tag not in {"space", "request"}:
                parameters = {}
    return document


def _keep(document: Document, item: Item) -> None:
    attributes, tag = item.attributes, item.tag
    if tag == "location":
        document.location = attributes
    elif tag == "connection":
        begin, end = attributes.get("from", ":"), attributes.get("to", ":")
        if not begin.startswith(":") and not end.startswith(":"):
            document.connections.append((begin, end, attributes.get("dir", "")))
    elif tag == "junction":
        if attributes.get("type") != "internal":
            document.junctions.append(item)
    elif tag == "poly" or (tag in {"taz", "tazs"} and len(item.points)):
        document.polygons.append(item)
    elif tag == "poi":
        document.places.append(item)
    elif tag in _STOPS:
        document.stops.append(item)
    elif tag not in {"net", "additional", "tazs", "request", "type", "space"}:
        document.others[tag] = document.others.get(tag, 0) + 1


def elements(path: Path) -> Iterator[Any]:
    """Yield the elements of an XML file as they end, and forget them afterwards.

    Raises
    ------
    LoadError
        When it is no XML, declares entities, or unpacks to far more than it should.
    """
    try:
        from lxml import etree  # noqa: PLC0415
    except ImportError as error:
        raise MissingLibraryError("gis.networks", "lxml is not installed", "pip install citytwin[gis]") from error
    shelf = Shelf.of(path)
    try:
        with shelf.open(shelf.documents([])[0]) as file:
            first = True
            for event, element in etree.iterparse(
                file, events=("start", "end"), resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True
            ):
                if first:
                    first = False
                    if element.getroottree().docinfo.internalDTD is not None:
                        raise LoadError(str(path), "declares a document type with entities", "remove its DOCTYPE")
                if event == "end":
                    yield element
                    element.clear()
                    parent = element.getparent()
                    while parent is not None and element.getprevious() is not None:
                        del parent[0]
    except etree.XMLSyntaxError as error:
        reason = " ".join(str(error).split())[:120]
        raise LoadError(str(path), f"is not valid XML ({reason})", "export it again") from error
    except (OSError, EOFError) as error:
        reason = " ".join(str(error).split())[:120]
        raise LoadError(str(path), f"cannot be unpacked ({reason})", "download it again") from error


def points_of(text: str, document: Document | None = None) -> Floats:
    """Return the (n, 2) points of a shape such as ``1,2 3,4`` or ``1,2,5 3,4,5``; those that are no numbers not.

    Examples
    --------
    >>> points_of("1,2 3,4,9").tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    if not text:
        return np.zeros((0, 2))
    first = text.partition(" ")[0].count(",")
    if first == 1:
        try:
            flat = np.array(text.replace(",", " ").split(), np.float64).reshape(-1, 2)
        except ValueError:
            flat = np.array(_slow(text), np.float64).reshape(-1, 2)
    else:
        flat = np.array(_slow(text), np.float64).reshape(-1, 2)
        if document is not None and first > 1:
            document.has_heights = True
    return flat[np.isfinite(flat).all(axis=1)]


def _slow(text: str) -> list[tuple[float, float]]:
    found = []
    for part in text.split():
        numbers = part.split(",")
        try:
            found.append((float(numbers[0]), float(numbers[1])))
        except (ValueError, IndexError):
            continue
    return found
