"""JSON that is nested a hundred thousand levels deep, in every format that is JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.hostile.conftest import Read

DEPTH = 100_000
HEADS = {
    "map.geojson": '{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": "Point", '
    '"coordinates": [121.5, 31.2]}, "properties": {"name": %s}}]}',
    "plain.json": '{"type": "FeatureCollection", "features": %s}',
    "map.geojsonl": '{"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, '
    '"properties": {"a": %s}}',
    "map.topojson": '{"type": "Topology", "arcs": [], "objects": {"a": %s}}',
    "town.city.json": '{"type": "CityJSON", "version": "2.0", "transform": {"scale": [1, 1, 1], "translate": '
    '[0, 0, 0]}, "vertices": [], "CityObjects": {"b": {"type": "Building", "attributes": {"a": %s}}}}',
    "town.city.jsonl": '{"type": "CityJSON", "version": "2.0", "transform": {"scale": [1, 1, 1], "translate": '
    '[0, 0, 0]}, "vertices": [], "CityObjects": {}, "metadata": %s}',
    "tileset.json": '{"asset": {"version": "1.1"}, "geometricError": 1, "root": {"children": %s}}',
    "model.gltf": '{"asset": {"version": "2.0"}, "scenes": [{"nodes": [0]}], "nodes": [{"extras": %s}]}',
    "grid.json": '{"_module": "pandapower.auxiliary", "_class": "pandapowerNet", "_object": {"bus": %s}}',
    "ept.json": '{"bounds": [0, 0, 0, 1, 1, 1], "dataType": "laszip", "points": 9, "schema": %s, "span": 128}',
}


@pytest.mark.parametrize("kind", ["lists", "objects", "unclosed"])
@pytest.mark.parametrize("name", HEADS)
def test_deep_json_ends_in_a_sentence_or_is_left_out(tmp_path: Path, read: Read, name: str, kind: str) -> None:
    deep = {
        "lists": "[" * DEPTH + "]" * DEPTH,
        "objects": '{"a":' * DEPTH + "1" + "}" * DEPTH,
        "unclosed": "[" * DEPTH,
    }[kind]
    path = tmp_path / name
    path.write_text(HEADS[name] % deep)
    read(path)


def test_a_tree_of_nodes_as_deep_ends_too(tmp_path: Path, read: Read) -> None:
    nodes = [{"children": [number + 1]} for number in range(DEPTH)]
    body = {"asset": {"version": "2.0"}, "scenes": [{"nodes": [0]}], "nodes": [*nodes, {"children": [0]}]}
    path = tmp_path / "chain.gltf"
    path.write_text(json.dumps(body))
    assert read(path).sentence
