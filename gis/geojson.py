"""GeoJSON in every spelling: collections, lines of features, text sequences, bare lists and single geometries."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from gis import gdal
from gis.encodings import as_utf8
from gis.features import TableStream, broken
from gis.sniffing import head_of
from scenes.errors import LoadError
from scenes.scratch import scratch_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

    from scenes.problems import Problems
    from scenes.sources import Source

SEQUENCES = frozenset({".geojsonl", ".geojsons", ".ndjson", ".jsonl", ".nlgeojson"})
_GEOMETRIES = frozenset(
    {"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"}
)
_BLOCK = 1 << 20
_LARGEST_ITEM = 400_000_000
_BLANK = re.compile(r"[\s,\x1e]*")


def tables(source: Source, problems: Problems) -> Iterator[TableStream]:
    """Yield the tables of a file in some spelling of GeoJSON (or TopoJSON, or Esri JSON, which GDAL knows too)."""
    gdal.refuse_recipes(source)
    path = as_utf8(source, source.file, problems)
    if not is_list(source.file) and source.suffix not in SEQUENCES:
        for layer, kind in gdal.layers_of(source, str(path.resolve())):
            if kind is None:
                gdal.report_placeless(source, layer, problems)
            else:
                yield gdal.stream(source, str(path.resolve()), layer, source.title)
        return
    lines, degrees = _as_lines(source, path)
    for layer, _ in gdal.layers_of(source, str(lines)):
        found = gdal.stream(source, str(lines), layer, source.title)
        yield found if degrees or source.crs else TableStream(found.name, found.frames, "", found.ids)


def is_list(path: Path) -> bool:
    """Say whether a JSON file is a list, not an object."""
    return head_of(path, 64).lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"[")


def items_of(file: TextIO) -> Iterator[Any]:
    r"""Yield the items of a JSON list, or the objects of a sequence, one at a time.

    Values that JSON does not have (NaN, Infinity) become null.

    Examples
    --------
    >>> import io
    >>> list(items_of(io.StringIO('[{"a": NaN}, [1, 2]]'))), list(items_of(io.StringIO('\x1e{"a":1}\n\x1e{"a":2}')))
    ([{'a': None}, [1, 2]], [{'a': 1}, {'a': 2}])
    """
    decoder = json.JSONDecoder(parse_constant=lambda _name: None)
    text = file.read(_BLOCK).lstrip("\ufeff \r\n\t")
    inside = text.startswith("[")
    at, size, more = int(inside), _BLOCK, True
    while True:
        start = _BLANK.match(text, at)
        at = start.end() if start else at
        ended = at >= len(text)
        if not ended and inside and text[at] == "]":
            return
        try:
            item, at_next = (None, at) if ended else decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            if not more or len(text) - at > _LARGEST_ITEM:
                raise
            item, at_next = None, at
        whole = at_next > at and (at_next < len(text) or not more)
        if whole:
            yield item
            at = at_next
            continue
        if not more:
            if inside:
                raise json.JSONDecodeError("the list does not end", text[-40:], 0)
            return
        block = file.read(size)
        more = bool(block)
        text, at = text[at:] + block, 0
        size = min(max(len(text), _BLOCK), _LARGEST_ITEM)


def features_of(item: Any) -> Iterator[dict[str, Any]]:
    """Yield the features that an item of a list stands for; nothing for what is not GeoJSON.

    A list of places is a polygon where it ends as it began, otherwise its points are features of their own.

    Examples
    --------
    >>> [feature["geometry"]["type"] for feature in features_of({"type": "Point", "coordinates": [1, 2]})]
    ['Point']
    >>> [feature["geometry"]["type"] for feature in features_of([[0, 0], [1, 0], [1, 1], [0, 0]])]
    ['Polygon']
    """
    if isinstance(item, dict):
        kind = item.get("type")
        if kind == "FeatureCollection":
            for each in item.get("features") or []:
                yield from features_of(each)
        elif kind == "Feature":
            yield {**item, "properties": item.get("properties") or {}}
        elif kind in _GEOMETRIES:
            yield {"type": "Feature", "properties": {}, "geometry": item}
    elif _is_place(item):
        yield _feature("Point", item)
    elif isinstance(item, list) and item and all(_is_place(each) for each in item):
        closed = len(item) > 3 and item[0] == item[-1]
        yield _feature("Polygon", [item]) if closed else _feature("LineString", item)


def _feature(kind: str, coordinates: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {}, "geometry": {"type": kind, "coordinates": coordinates}}


def _is_place(item: Any) -> bool:
    return (
        isinstance(item, list)
        and len(item) in {2, 3}
        and all(isinstance(n, (int, float)) and not isinstance(n, bool) for n in item)
    )


def _as_lines(source: Source, path: Path) -> tuple[Path, bool]:
    """Return a scratch file with a feature a line, and whether bare coordinates, if any, can be degrees."""
    lines = scratch_file(".geojsonl")
    count, degrees = 0, True
    try:
        with path.open(encoding="utf-8-sig") as file, lines.open("w", encoding="utf-8") as out:
            for feature in _features(file):
                if "bare" in feature:
                    degrees = degrees and _in_degrees(feature.pop("bare"))
                out.write(f"\x1e{json.dumps(feature, ensure_ascii=False, separators=(',', ':'))}\n")
                count += 1
    except (ValueError, RecursionError, UnicodeError) as error:
        raise broken(source, error) from error
    if not count:
        raise LoadError(source.shown, "it is a list without GeoJSON features", "export it as a FeatureCollection")
    return lines, degrees


def _features(file: TextIO) -> Iterator[dict[str, Any]]:
    """Yield features; a list of bare places that closes is one polygon."""
    places: list[Any] = []
    for item in items_of(file):
        if _is_place(item):
            places.append(item)
            continue
        for feature in features_of(item):
            if isinstance(item, list):
                feature["bare"] = item
            yield feature
    if len(places) > 3 and places[0] == places[-1]:
        yield {**_feature("Polygon", [places]), "bare": places}
    else:
        for place in places:
            yield {**_feature("Point", place), "bare": [place]}


def _in_degrees(places: list[Any]) -> bool:
    return all(abs(place[0]) <= 180 and abs(place[1]) <= 90 for place in places)


def is_plain(source: Source) -> bool:
    """Say whether GDAL reads the file as it is."""
    return source.suffix not in SEQUENCES and not is_list(source.file)
