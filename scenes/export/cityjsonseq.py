"""CityJSON sequences: a header and a line for each object with all that belongs to it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scenes.export.cityjson import document_of, header_of
from scenes.export.cityjson_looks import THEME

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scenes.export.cityjson import Document
    from scenes.model import Scene

    Json = dict[str, Any]


def write_cityjsonseq(scene: Scene, file: Path) -> None:
    """Write a scene as a CityJSON 2.0 sequence: each line is read alone, so the file can be streamed.

    The content is that of `scenes.export.cityjson.write_cityjson`; each feature has its own vertices and looks.
    """
    with file.open("w", encoding="utf-8") as out:
        _line({**header_of(scene), "CityObjects": {}, "vertices": []}, out)
        document = document_of(scene)
        for feature in features(document, file.stem):
            _line(feature, out)
    document.looks.write_images(file)


def features(document: Document, stem: str) -> Iterator[Json]:
    """Yield a feature for each object that has no parent, with everything below it; images are named after `stem`."""
    done: set[str] = set()
    said = document.looks.appearance(stem).get("appearance", {})
    for name, item in document.objects.items():
        if name not in done and not item.get("parents"):
            names = _family(name, document.objects, done)
            yield _feature(name, {each: document.objects[each] for each in names}, document, said)


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


def _feature(name: str, objects: dict[str, Json], document: Document, said: Json) -> Json:
    geometries = [geometry for item in objects.values() for geometry in item.get("geometry", ())]
    vertices, materials, textures, places = _Numbers(), _Numbers(), _Numbers(), _Numbers()
    for geometry in geometries:
        geometry["boundaries"] = vertices.mapped(geometry["boundaries"])
        if "material" in geometry:
            theme = geometry["material"][THEME]
            geometry["material"] = {THEME: {key: materials.mapped(value) for key, value in theme.items()}}
        if "texture" in geometry:
            _renumber_textures(geometry["texture"][THEME]["values"], textures, places)
    feature: Json = {"type": "CityJSONFeature", "id": name, "CityObjects": objects}
    looks = {
        "materials": [said["materials"][number] for number in materials.known],
        "textures": [said["textures"][number] for number in textures.known],
        "vertices-texture": [said["vertices-texture"][number] for number in places.known],
    }
    if looks := {key: values for key, values in looks.items() if values}:
        feature["appearance"] = looks
    return {**feature, "vertices": document.vertices[list(vertices.known)].tolist() if vertices.known else []}


@dataclass
class _Numbers:
    """New numbers for old ones, in the order in which they come."""

    known: dict[int, int] = field(default_factory=dict)

    def mapped(self, value: Any) -> Any:
        """Return nested lists with their numbers replaced; null stays null."""
        if isinstance(value, list):
            return [self.mapped(each) for each in value]
        return None if value is None else self.known.setdefault(value, len(self.known))


def _renumber_textures(values: list[Any], textures: _Numbers, places: _Numbers) -> None:
    """Renumber nested lists whose innermost ones are a texture and texture vertices."""
    for value in values:
        if value and isinstance(value[0], list):
            _renumber_textures(value, textures, places)
        elif value and value[0] is not None:
            value[:] = [textures.mapped(value[0]), *places.mapped(value[1:])]


def _line(content: Json, out: Any) -> None:
    json.dump(content, out, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    out.write("\n")
