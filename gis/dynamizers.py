"""Time series of CityGML Dynamizers: kept with their objects, and read out as a table of observations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from gis.gml_words import XLINK_HREF, local_name
from scenes.schema import properties_of

if TYPE_CHECKING:
    from scenes.model import Scene

GROUP = "timeseries"
OBSERVATIONS = pa.schema(
    [
        ("uid", pa.string()),
        ("series", pa.string()),
        ("property", pa.string()),
        ("unit", pa.string()),
        ("time", pa.string()),
        ("value", pa.float64()),
        ("text", pa.string()),
    ]
)
_VALUES = ("doubleValue", "intValue", "boolValue", "stringValue", "uriValue", "value")
_MOST_VALUES = 1_000_000


def timeseries(scene: Scene) -> pa.Table:
    """Return every observation of the Dynamizers of a scene, a row each (`OBSERVATIONS`).

    `time` is written as in the file (``2019-01`` or a full time); `value` is null where an observation is text.

    Examples
    --------
    >>> from scenes import Georeference, Scene
    >>> timeseries(Scene(Georeference("EPSG:25832", 0.0, 0.0))).num_rows
    0
    """
    rows: list[tuple[Any, ...]] = []
    for layer in scene.layers.values():
        for batch in layer.batches:
            cells = zip(batch.table["uid"].to_pylist(), batch.table["properties"].to_pylist(), strict=True)
            for uid, text in cells:
                if text and GROUP in text:
                    rows += _rows(uid, properties_of(text).get(GROUP, {}))
    columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) if rows else [() for _ in OBSERVATIONS]
    return pa.table([pa.array(list(column), field.type) for column, field in zip(columns, OBSERVATIONS, strict=True)],
                    schema=OBSERVATIONS)  # fmt: skip


def _rows(uid: str, group: dict[str, Any]) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = []
    for name, series in group.items():
        named = (uid, name, series.get("property") or series.get("of", ""), series.get("unit", ""))
        for time, value in zip(series.get("times", []), series.get("values", []), strict=False):
            number = float(value) if isinstance(value, (int, float)) else None
            found.append((*named, time, number, None if number is not None else str(value)))
    return found


def dynamizer_of(element: Any) -> dict[str, Any]:
    """Return what a ``Dynamizer`` element says: what it moves, when, its values, its sensor.

    Values that lie in other files (tables, standard files) are named and not read.
    """
    found: dict[str, Any] = {}
    for child in element:
        name = local_name(child.tag)
        if name == "attributeRef":
            found["of"] = " ".join((child.text or "").split())
        elif name in {"startTime", "endTime"}:
            found[name] = (child.text or "").strip()
        elif name == "dynamicData":
            for series in child:
                found |= _series(series)
        elif name == "sensorConnection":
            for sensor in child:
                found["sensor"] = _fields(sensor)
    return found


def _series(element: Any) -> dict[str, Any]:
    kind = local_name(element.tag)
    fields = _fields(element)
    found: dict[str, Any] = {"kind": kind}
    if "observationProperty" in fields:
        found["property"] = fields.pop("observationProperty")
    if "uom" in fields:
        found["unit"] = fields.pop("uom")
    pairs = list(element.iter("{*}TimeValuePair"))[:_MOST_VALUES]
    if pairs:
        found["times"] = [_text(pair, "timestamp") for pair in pairs]
        found["values"] = [_value(pair) for pair in pairs]
    return {**{name: value for name, value in fields.items() if name != "timeValuePair"}, **found}


def _fields(element: Any) -> dict[str, Any]:
    """Return the plain children of an element, and links by their address."""
    found: dict[str, Any] = {}
    for child in element:
        text = " ".join((child.text or "").split()) or child.get(XLINK_HREF) or ""
        if text and len(child) == 0:
            found[local_name(child.tag)] = text
    return found


def _text(element: Any, name: str) -> str:
    for child in element:
        if local_name(child.tag) == name:
            return (child.text or "").strip()
    return ""


def _value(pair: Any) -> Any:
    for child in pair:
        name = local_name(child.tag)
        if name in _VALUES:
            text = (child.text or "").strip()
            try:
                return float(text) if name in {"doubleValue", "intValue", "value"} else text
            except ValueError:
                return text
    return None
