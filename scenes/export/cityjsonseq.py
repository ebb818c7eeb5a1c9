"""CityJSON sequences: a header and a line for each object with all that belongs to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from scenes.export.cityjson import THEME, document_of, header_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scenes.export.cityjson import Document
    from scenes.model import Scene

    Json = dict[str, Any]


def write_cityjsonseq(scene: Scene, file: Path) -> None:
    """Write a scene as a CityJSON 2.0 sequence: each line is read alone, so the file can be streamed.

    The content is that of `scenes.export.cityjson.write_cityjson`; each feature has its own vertices and materials.
    """
    with file.open("w", encoding="utf-8") as out:
        _line({**header_of(scene), "CityObjects": {}, "vertices": []}, out)
        for feature in features(document_of(scene)):
            _line(feature, out)


def features(document: Document) -> Iterator[Json]:
    """Yield a feature for each object that has no parent, with everything below it."""
    done: set[str] = set()
    for name, item in document.objects.items():
        if name not in done and not item.get("parents"):
            names = _family(name, document.objects, done)
            yield _feature(name, {each: document.objects[each] for each in names}, document)


def _family(name: str, objects: dict[str, Json], done: set[str]) -> list[str]:
    """Return an object and all its descendants that no feature has yet."""
    found, waiting = [], [name]
    while waiting:
        each = waiting.pop()
        if each not in done:
            done.add(each)
            found.append(each)
            waiting += objects[each].get("children", [])
    return found


def _feature(name: str, objects: dict[str, Json], document: Document) -> Json:
    geometries = [geometry for item in objects.values() for geometry in item.get("geometry", ())]
    used = np.unique(np.concatenate([np.zeros(0, np.int64), *(_flat(each["boundaries"]) for each in geometries)]))
    materials = np.unique(np.concatenate([np.zeros(0, np.int64), *map(_materials, geometries)]))
    for geometry in geometries:
        geometry["boundaries"] = _renumbered(geometry["boundaries"], used)
        _repaint(geometry, materials)
    feature: Json = {"type": "CityJSONFeature", "id": name, "CityObjects": objects}
    if len(materials):
        feature["appearance"] = {"materials": [document.materials[number] for number in materials.tolist()]}
    return {**feature, "vertices": document.vertices[used].tolist()}


def _flat(boundaries: Any) -> np.ndarray[Any, Any]:
    return np.array(boundaries, np.int64).reshape(-1)


def _renumbered(boundaries: Any, used: np.ndarray[Any, Any]) -> Any:
    return np.searchsorted(used, np.array(boundaries, np.int64)).tolist()


def _materials(geometry: Json) -> np.ndarray[Any, Any]:
    said = geometry.get("material", {}).get(THEME, {})
    return np.array(said.get("values", [said["value"]] if "value" in said else []), np.int64)


def _repaint(geometry: Json, used: np.ndarray[Any, Any]) -> None:
    said = geometry.get("material", {}).get(THEME)
    if said is None:
        return
    if "value" in said:
        said["value"] = int(np.searchsorted(used, said["value"]))
    else:
        said["values"] = np.searchsorted(used, np.array(said["values"], np.int64)).tolist()


def _line(content: Json, out: Any) -> None:
    json.dump(content, out, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    out.write("\n")
