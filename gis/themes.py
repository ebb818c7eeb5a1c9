"""What each feature is: buildings, roads, water, land use, trees, districts or points."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from gis.heights import has_height

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Words = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Theme:
    """A layer that features can belong to: its name, the viewer's theme, the kind of its objects, its titles."""

    layer: str
    theme: str
    kind: str
    english: str
    chinese: str


THEMES = {
    theme.layer: theme
    for theme in (
        Theme("terrain", "terrain", "ReliefFeature", "Terrain", "地形"),
        Theme("water", "water", "WaterBody", "Water", "水系"),
        Theme("landuse", "landuse", "LandUse", "Land use", "用地"),
        Theme("roads", "roads", "Road", "Roads", "道路"),
        Theme("railways", "roads", "Railway", "Railways", "铁路"),
        Theme("buildings", "buildings", "Building", "Buildings", "建筑"),
        Theme("trees", "trees", "SolitaryVegetationObject", "Trees", "树木"),
        Theme("districts", "districts", "District", "Districts", "行政区"),
        Theme("pipes", "pipes", "Pipe", "Pipes", "管线"),
        Theme("points", "points", "PointOfInterest", "Places", "地点"),
        Theme("lines", "generic", "GenericOccupiedSpace", "Lines", "线"),
        Theme("areas", "generic", "GenericOccupiedSpace", "Areas", "面"),
    )
}

# Words in file and table names, most telling first.
_NAMES = (
    ("buildings", r"buil?ding|gebaeude|gebäude|batiment|bâtiment|edific|footprint|pand\b|bldg|house|建筑|楼"),
    ("trees", r"\btrees?\b|baum|arbre|树"),
    ("railways", r"rail|bahn|tram|metro|subway|transit|铁路|地铁"),
    ("roads", r"road|street|highway|strass|straß|route|verkehr|traffic|path|道路|路网"),
    ("water", r"water|river|lake|hydro|canal|gewaesser|fluss|coast|水|河"),
    ("pipes", r"pipe|sewer|drain|manhole|管"),
    ("landuse", r"land_?use|land_?cover|landuse|park|green|forest|earth|flaechennutzung|用地|绿地"),
    ("districts", r"district|boundar|admin|province|county|ward|gemeinde|census|行政|区划"),
    ("points", r"poi|place|stop|station|shop|amenit|传感|站"),
)
# Words in column names that only one theme has.
_COLUMNS = (
    ("buildings", r"bouwjaar|baujahr|year_?built|construction_year|yearofconstruction|gebouw|footprint|bldg"),
    ("roads", r"strassenkl|road_?class|street_?type|surface_type"),
    ("trees", r"baumart|tree_?species|crown_?diameter|kronendurch"),
)
# Columns of OpenStreetMap tags, strongest first.
_TAGS = (
    ("building:part", "buildings"), ("building", "buildings"), ("waterway", "water"), ("railway", "railways"),
    ("highway", "roads"), ("landuse", "landuse"), ("leisure", "landuse"), ("admin_level", "districts"),
    ("amenity", "points"), ("shop", "points"), ("tourism", "points"),
)  # fmt: skip
_WORDS = {
    "buildings": """building building_part buildingpart""",
    "railways": """rail railway light_rail subway tram monorail narrow_gauge funicular rack""",
    "roads": """motorway trunk primary secondary tertiary residential unclassified service living_street pedestrian
        footway cycleway path steps track bridleway major_road minor_road motorway_link trunk_link primary_link
        secondary_link tertiary_link highway ferry aerialway""",
    "water": """water river stream canal drain ditch lake reservoir basin riverbank dock ocean sea bay swimming_pool
        fountain coastline""",
    "landuse": """forest wood natural_wood grass park garden meadow farmland farmyard orchard vineyard cemetery scrub
        heath wetland beach sand pitch playground recreation_ground golf_course nature_reserve allotments
        village_green commercial industrial retail construction brownfield quarry military railway_land earth
        parking protected_area natural_forest""",
    "districts": """country region state province county city municipality district borough suburb_boundary
        administrative street town""",
}
_CLASS_OF = {word: theme for theme, words in _WORDS.items() for word in words.split()}
_CLASS_COLUMNS = {
    "buildings": (
        "building:part",
        "building",
        "kind_detail",
        "building_type",
        "class",
        "type",
        "fclass",
        "kind",
        "usage",
    ),
    "roads": ("highway", "kind_detail", "fclass", "road_class", "class", "type", "kind", "kategori", "strassenkl"),
    "railways": ("railway", "kind_detail", "fclass", "class", "type", "kind"),
    "water": ("waterway", "natural", "kind", "fclass", "class", "type"),
    "landuse": ("landuse", "leisure", "natural", "kind", "fclass", "class", "type", "detaljtyp"),
    "trees": ("genus", "species", "leaf_type", "kind", "type"),
    "districts": ("level", "kind", "boundary", "class", "type"),
    "points": ("amenity", "shop", "tourism", "railway", "highway", "kind", "fclass", "class", "type"),
}
_NATURAL = {"tree": "trees", "water": "water", "bay": "water", "coastline": "water"}
_NO = frozenset({"", "no", "nan", "none", "false", "0"})
_POINTS, _LINES, _AREAS = "point", "line", "area"


def plain_name(text: str) -> str:
    """Return a layer name as folders and addresses can have it.

    Examples
    --------
    >>> plain_name("Old Town (1900)")
    'old-town-1900'
    """
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-")


def shapes_of(geometries: Words) -> Words:
    """Return ``point``, ``line``, ``area`` or empty for each of (n,) geometries."""
    names = np.array(["", _POINTS, _LINES, _LINES, _AREAS, _POINTS, _LINES, _AREAS, _AREAS], object)
    kinds = names[shapely.get_type_id(geometries) + 1]
    kinds[shapely.is_empty(geometries) | shapely.is_missing(geometries)] = ""
    return kinds


def themes_of(frame: Any, names: tuple[str, ...]) -> Words:
    """Return the layer (a key of `THEMES`) of each feature of a table, empty where it has no geometry.

    Tags of the feature itself count most, then the names of its table and file, then its columns.
    """
    shapes = shapes_of(frame.geometry.to_numpy())
    hint = next((theme for text in names if (theme := _named(text))), "")
    if not hint:
        hint = next((theme for column in frame.columns if (theme := _column_hint(str(column)))), "")
    if not hint and has_height(frame.columns):
        hint = "buildings"
    if not hint and {"adcode", "citycode"} & {str(column).lower() for column in frame.columns}:
        hint = "districts"
    found = np.full(len(frame), hint, object)
    for column in ("kind", "fclass", "class", "subtype", "type"):
        if column in frame.columns:
            themes = by_word(frame[column], lambda word: _theme_of(word, hint))
            found[themes != ""] = themes[themes != ""]
            break
    for column, theme in reversed(_TAGS):
        if column in frame.columns:
            found[by_word(frame[column], lambda word: word not in _NO).astype(bool)] = theme
    if "boundary" in frame.columns:
        found[by_word(frame["boundary"], lambda word: word == "administrative").astype(bool)] = "districts"
    if "natural" in frame.columns:
        natural = by_word(frame["natural"], lambda word: "" if word in _NO else _NATURAL.get(word, "landuse"))
        sure = (natural == "trees") | (natural == "water")
        found[sure] = natural[sure]
        found[(natural == "landuse") & (found == "")] = "landuse"
    return _fitted(found, shapes)


def classes_of(frame: Any, theme: str) -> Words:
    """Return the class word of each feature (such as ``residential``), empty where it has none."""
    result = np.full(len(frame), "", object)
    for column in _CLASS_COLUMNS.get(theme, ("class", "type", "kind")):
        match = next((name for name in frame.columns if str(name).lower() == column), None)
        if match is not None:
            values = by_word(frame[match], lambda word: "" if word in _NO or word == "yes" else word)
            open_rows = (result == "") & (values != "")
            result[open_rows] = values[open_rows]
    return result


def _theme_of(word: str, hint: str) -> str:
    """Return the theme of a class word, empty where it has none or does not count against the hint.

    A word such as "commercial" must not turn the buildings of a buildings file into land use.
    """
    theme = _CLASS_OF.get(word, "")
    return theme if _may_override(hint, theme) else ""


def _may_override(hint: str, word: str) -> bool:
    return not hint or word in {hint, "railways", "water"} or hint == "points"


def _column_hint(column: str) -> str:
    lower = column.lower()
    return next((theme for theme, pattern in _COLUMNS if re.search(pattern, lower)), "")


def _named(text: str) -> str:
    lower = re.sub(r"_derived|\.[a-z0-9]+$", "", text.lower())
    return next((theme for theme, pattern in _NAMES if re.search(pattern, lower)), "")


def by_word(values: Any, function: Callable[[str], Any]) -> Words:
    """Return (n,) results of a function of each value as a word in lower case, empty for none; asked once a word.

    Examples
    --------
    >>> by_word(pd.Series([" House", None, "house"]), len).tolist()
    [5, 0, 5]
    """
    if not isinstance(values.dtype, pd.StringDtype):
        values = values.astype(object).where(values.notna(), "").astype(str)
    codes, words = pd.factorize(values)
    results = np.empty(len(words) + 1, object)
    results[:] = [*(function(str(word).strip().lower()) for word in words), function("")]
    found: Words = results[codes]  # -1, the last, where there is none
    return found


def _fitted(found: Words, shapes: Words) -> Words:
    """Return themes that fit the geometry: a point is no building, a line is no land use."""
    area, line, point = shapes == _AREAS, shapes == _LINES, shapes == _POINTS
    codes, words = pd.factorize(found)

    def among(*themes: str) -> NDArray[np.bool_]:
        return np.isin(words, themes)[codes]

    fitted = found.copy()
    fitted[point & ~among("trees", "points")] = "points"
    fitted[line & ~among("roads", "railways", "water", "districts", "pipes")] = "lines"
    fitted[area & among("", "lines", "pipes")] = "areas"
    fitted[area & among("points", "trees", "railways")] = "landuse"
    fitted[shapes == ""] = ""
    return fitted
