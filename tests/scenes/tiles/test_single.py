from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from scenes.errors import LoadError
from scenes.mesh import MeshSet
from scenes.tiles import layer_glb, surface_glb
from scenes.tiles.glb import read_accessor, read_json

if TYPE_CHECKING:
    from types import SimpleNamespace

    from scenes.model import Scene


def test_a_layer_is_one_file_that_needs_no_extension(city: Scene) -> None:
    glb = layer_glb(city.layers["trees"], city.bases["trees"])
    document = read_json(glb)
    assert "extensionsRequired" not in document
    item = document["meshes"][0]["primitives"][0]
    handles = read_accessor(glb, item["attributes"]["_FEATURE_ID_0"])
    assert len(np.unique(handles)) == len(city.layers["trees"])


def test_a_layer_lies_where_the_scene_has_it(city: Scene) -> None:
    glb = layer_glb(city.layers["buildings"], city.bases["buildings"])
    document = read_json(glb)
    stored = read_accessor(glb, document["meshes"][0]["primitives"][0]["attributes"]["POSITION"])
    places = stored.astype(np.float64) + document["nodes"][0]["translation"]
    bounds = city.layers["buildings"].bounds()
    assert bounds is not None
    found = [places[:, 0].min(), -places[:, 2].max(), places[:, 1].min()]
    found += [places[:, 0].max(), -places[:, 2].min(), places[:, 1].max()]
    np.testing.assert_allclose(found, bounds, atol=2e-3)


def test_a_surface_keeps_its_colours_vertex_by_vertex(shapes: SimpleNamespace) -> None:
    mesh = MeshSet.of_one([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]])
    colours = np.array([[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255]], np.uint8)
    glb = surface_glb(shapes.with_parts(mesh, colours=colours))
    document = read_json(glb)
    attributes = document["meshes"][0]["primitives"][0]["attributes"]
    assert sorted(attributes) == ["COLOR_0", "POSITION"]
    np.testing.assert_array_equal(read_accessor(glb, attributes["COLOR_0"]), colours)
    assert "extensionsUsed" not in document


def test_nothing_to_draw_is_said(city: Scene) -> None:
    with pytest.raises(LoadError, match="no geometry"):
        layer_glb(city.layers["empty"], 0)
    with pytest.raises(LoadError, match="nothing to draw"):
        surface_glb(MeshSet.empty())
