"""Features from web services: OGC API Features page by page, and WFS 1.1 and 2.0.

Pages are kept in a scratch file, so that a service is asked once and memory depends on the page.
"""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

from lxml import etree

from gis import gdal
from gis.features import TableStream
from gis.fetching import Fetcher
from scenes.errors import ConnectionLostError, LoadError
from scenes.georeference import WGS84, parse_crs
from scenes.scratch import scratch_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scenes.sources import Source

PAGE = 1_000
MOST_PAGES = 20_000
_JSON = "application/geo+json, application/json;q=0.9"


@dataclass(frozen=True, slots=True)
class Spool:
    """What a service gave for one collection: a scratch file of GeoJSON lines, or files of GML, and its system."""

    name: str
    files: tuple[Path, ...]
    crs: str


def items_tables(source: Source) -> Iterator[TableStream]:
    """Yield the collections of an OGC API Features service that the address names."""
    yield from _streams(source, _item_spools(source))


def wfs_tables(source: Source) -> Iterator[TableStream]:
    """Yield the feature types of a WFS that the address names."""
    yield from _streams(source, _wfs_spools(source))


def _streams(source: Source, spools: tuple[Spool, ...]) -> Iterator[TableStream]:
    for spool in spools:
        name = spool.name if len(spools) > 1 else source.title
        yield _joined(source, spool, name)


def _joined(source: Source, spool: Spool, name: str) -> TableStream:
    """Return one stream over the files of a collection."""
    found = [
        gdal.stream(source, str(path), layer, name)
        for path in spool.files
        for layer, kind in gdal.layers_of(source, str(path))
        if kind is not None
    ]

    def frames(rows: int) -> Iterator[Any]:
        for each in found:
            yield from each.frames(rows)

    crs = source.crs or spool.crs or next((each.crs for each in found if each.crs), "")
    return TableStream(name, frames, crs)


@functools.lru_cache(maxsize=8)
def _item_spools(source: Source) -> tuple[Spool, ...]:
    fetcher = Fetcher()
    root, wanted = _collections_address(source.path)
    names = [wanted] if wanted else [str(each["id"]) for each in _collections(fetcher, root, source) if "id" in each]
    if not names:
        raise LoadError(source.shown, "offers no collection", "check the address")
    return tuple(_spooled(fetcher, f"{root}/{quote(name, safe='')}", name, source) for name in names)


def _collections(fetcher: Fetcher, root: str, source: Source) -> list[dict[str, Any]]:
    found = _object(fetcher.get(root, source.shown, "application/json"), source).get("collections") or []
    return [each for each in found if isinstance(each, dict)]


def _collections_address(address: str) -> tuple[str, str]:
    """Return the address of the list of collections, and the collection that is named (empty = all).

    Examples
    --------
    >>> _collections_address("oapif+https://host/api/collections/buildings/items?limit=5")
    ('https://host/api/collections', 'buildings')
    >>> _collections_address("oapif+https://host/api#roads")
    ('https://host/api/collections', 'roads')
    """
    parts = urlsplit(re.sub(r"^oapif\+", "", address, flags=re.IGNORECASE))
    before, found, after = parts.path.partition("/collections")
    name = unquote(after.strip("/").removesuffix("/items").strip("/")) if found else ""
    root = urlunsplit((parts.scheme, parts.netloc, f"{before.rstrip('/')}/collections", "", ""))
    return root, name or unquote(parts.fragment)


def _spooled(fetcher: Fetcher, address: str, name: str, source: Source) -> Spool:
    """Write the features of a collection to a scratch file, page after page, and return it."""
    about = _object(fetcher.get(address, source.shown, "application/json"), source)
    crs = _offered(about)
    given = [(key, value) for key, value in parse_qsl(urlsplit(source.path).query) if key.lower() not in {"limit", "f"}]
    asked = [("limit", str(PAGE)), ("f", "json"), *([("crs", crs)] if crs else []), *given]
    page: str | None = f"{address}/items?{urlencode(asked)}"
    lines = scratch_file(".geojsonl")
    seen: set[str] = set()
    with lines.open("w", encoding="utf-8") as out:
        while page:
            if page in seen or len(seen) >= MOST_PAGES:
                raise LoadError(source.shown, "its pages never end", "ask for a part of it, for instance with ?bbox=")
            seen.add(page)
            body = _object(fetcher.get(page, source.shown, _JSON), source)
            features = body.get("features")
            if not isinstance(features, list):
                raise LoadError(source.shown, "does not answer with GeoJSON features", "check the address")
            for feature in features:
                if isinstance(feature, dict):
                    out.write(f"\x1e{json.dumps(_identified(feature), ensure_ascii=False)}\n")
            page = _next(body, page) if features else None
    return Spool(name, (lines,) if lines.stat().st_size else (), _named(crs) if crs else WGS84)


def _identified(feature: dict[str, Any]) -> dict[str, Any]:
    """Return the feature with its id among its properties, where the other readers look."""
    properties = feature.get("properties") or {}
    if feature.get("id") is not None and "id" not in properties:
        properties = {"id": feature["id"], **properties}
    return {"type": "Feature", "properties": properties, "geometry": feature.get("geometry")}


def _next(body: dict[str, Any], page: str) -> str | None:
    links = body.get("links") if isinstance(body.get("links"), list) else []
    hrefs = [link.get("href") for link in links or [] if isinstance(link, dict) and link.get("rel") == "next"]
    return urljoin(page, str(hrefs[0])) if hrefs and hrefs[0] else None


def _offered(about: dict[str, Any]) -> str:
    """Return the system to ask for: the one that the data are stored in when it is projected, else none."""
    stored = about.get("storageCrs")
    if isinstance(stored, str) and stored in (about.get("crs") or []) and _named(stored):
        return stored if parse_crs(_named(stored)).is_projected else ""
    return ""


def _named(uri: str) -> str:
    match = re.search(r"EPSG(?:/|:)[^/:]*(?:/|:)(\d+)$", uri)
    return f"EPSG:{match[1]}" if match else ""


def _object(body: bytes, source: Source) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise LoadError(source.shown, f"does not answer with JSON ({_glimpse(body)})", "check the address")
    return found


def _glimpse(body: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body[:2_000].decode("utf-8", errors="replace"))).strip()[:120]


@functools.lru_cache(maxsize=8)
def _wfs_spools(source: Source) -> tuple[Spool, ...]:
    fetcher = Fetcher()
    root, wanted = _wfs_address(source.path)
    abilities = _xml(fetcher.get(_asked(root, {"request": "GetCapabilities"}), source.shown), source)
    if not str(abilities.tag).endswith("Capabilities"):
        raise LoadError(source.shown, "does not answer as a WFS", "check the address")
    version = "2.0.0" if str(abilities.get("version", "")).startswith("2") else "1.1.0"
    kinds = {str(each.findtext("{*}Name") or "").strip(): each for each in abilities.iter("{*}FeatureType")}
    names = [name for name in kinds if wanted in {"", name, name.rpartition(":")[2]}]
    if not names:
        what = f"has no feature type {wanted}" if wanted else "offers no feature type"
        raise LoadError(source.shown, what, f"its types are {', '.join(kinds)[:300] or 'none'}")
    formats = [str(each.text) for each in abilities.iter("{*}Value", "{*}Format") if each.text]
    as_json = next((each for each in formats if re.search(r"geo\+?json|application/json", each, re.IGNORECASE)), "")
    return tuple(_wfs_spooled(fetcher, (root, version, as_json), kinds[name], name, source) for name in names)


def _wfs_spooled(fetcher: Fetcher, how: tuple[str, str, str], kind: Any, name: str, source: Source) -> Spool:
    root, version, as_json = how
    second = version.startswith("2")
    asked = {"version": version, "request": "GetFeature", "typenames" if second else "typename": name}
    if as_json:
        asked["outputformat"] = as_json
    files: list[Path] = []
    start, before = 0, b""
    while True:
        page = {**asked, "startindex": str(start), "count": str(PAGE)} if second else asked
        body = fetcher.get(_asked(root, page), source.shown)
        _refuse_report(body, source)
        if body == before or len(files) >= MOST_PAGES:
            raise LoadError(source.shown, "its pages never end", "ask for a part of it")
        before, count = body, _members(body, as_json, source)
        if count:
            path = scratch_file(".json" if as_json else ".gml")
            path.write_bytes(body)
            files.append(path)
        start += count
        if not second or count < PAGE:
            break
    said = kind.findtext("{*}DefaultCRS") or kind.findtext("{*}DefaultSRS") or ""
    return Spool(name, tuple(files), "" if as_json else _named(said.strip()))


def _members(body: bytes, as_json: str, source: Source) -> int:
    """Return how many features a page has."""
    if as_json:
        features = _object(body, source).get("features")
        return len(features) if isinstance(features, list) else 0
    root = _xml(body, source)
    members = [each for each in root if str(each.tag).rpartition("}")[2] in {"member", "featureMember"}]
    several = [each for each in root if str(each.tag).rpartition("}")[2] in {"featureMembers", "members"}]
    return len(members) + sum(len(each) for each in several)


def _refuse_report(body: bytes, source: Source) -> None:
    if b"ExceptionReport" in body[:4_000]:
        texts = [str(each.text) for each in _xml(body, source).iter("{*}ExceptionText") if each.text]
        what = re.sub(r"\s+", " ", " ".join(texts)).strip()[:200] or "an exception without a text"
        raise ConnectionLostError(source.shown, f"refuses ({what})", "check the name after #")


def _wfs_address(address: str) -> tuple[str, str]:
    """Return the address without its parameters of WFS, and the feature type that is named (empty = all).

    Examples
    --------
    >>> _wfs_address("wfs+https://host/ows?map=a&service=WFS&typenames=city:houses")
    ('https://host/ows?map=a', 'city:houses')
    """
    parts = urlsplit(re.sub(r"^wfs\+", "", address, flags=re.IGNORECASE))
    query = parse_qsl(parts.query)
    own = {"service", "version", "request", "typename", "typenames", "outputformat", "startindex", "count"}
    named = next((value for key, value in query if key.lower() in {"typename", "typenames"}), "")
    rest = urlencode([(key, value) for key, value in query if key.lower() not in own])
    return urlunsplit((parts.scheme, parts.netloc, parts.path, rest, "")), unquote(parts.fragment) or named


def _asked(root: str, parameters: dict[str, str]) -> str:
    return f"{root}{'&' if '?' in root else '?'}{urlencode({'service': 'WFS', **parameters})}"


def _xml(body: bytes, source: Source) -> Any:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        raise LoadError(source.shown, f"does not answer as a WFS ({_glimpse(body)})", "check the address") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise LoadError(source.shown, "answers with a DOCTYPE, which no WFS needs", "check the address")
    return root
