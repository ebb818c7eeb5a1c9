"""What a notebook shows of a city is a line, however large it is."""

from __future__ import annotations

from scenes import Batch, Georeference, Layer, Scene
from scenes.schema import object_table


def test_cities_layers_batches_and_objects_are_told_in_a_line() -> None:
    names = {
        "uid": [f"urn:uuid:{n}" for n in range(2000)],
        "kind": ["Building"] * 2000,
        "name": ["望湖塔", *[None] * 1999],
    }
    layer = Layer("buildings", (Batch(object_table(names)),), "buildings")
    city = Scene(Georeference("EPSG:32651", 354_000.0, 3_457_000.0), {"buildings": layer}, name="town")
    assert repr(city) == "<Scene town: 2,000 objects in EPSG:32651; buildings 2,000>"
    assert repr(layer) == "<Layer buildings (buildings): 2,000 objects>"
    assert repr(layer.batches[0]) == "<Batch: 2,000 objects>"
    assert repr(city.at(0)) == "<Building 望湖塔 urn:uuid:0 in buildings>"
    assert repr(city.at(1)) == "<Building urn:uuid:1 in buildings>"


def test_the_definition_of_a_grid_is_not_repeated() -> None:
    grid = Georeference("+proj=tmerc +lat_0=31.2 +lon_0=121.45 +k=1 +x_0=0 +y_0=0 +ellps=GRS80", 0.0, 0.0)
    assert repr(Scene(grid, name="town")) == "<Scene town: 0 objects in a grid of its own>"
