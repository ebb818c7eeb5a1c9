"""What a new tower takes from its neighbours: base and variant of a small district, side by side.

Run it with ``python examples/sunlight_variants.py``, or with a city package of your own and the uid of a building
beside which the tower shall stand: ``python examples/sunlight_variants.py my.city urn:uuid:...``
"""

from __future__ import annotations

import sys

import numpy as np
import shapely

import scenes
from gis.prisms import PrismColours, extruded
from scenes import Batch, Georeference, Layer, Scene
from scenes.identity import derive_uids
from scenes.schema import object_table
from twin.whatif import AddObject, Scenario, compare, simulate


def district() -> Scene:
    """Return twelve slabs of six storeys in Shanghai."""
    places = [(x, y) for y in (0, 38, 76) for x in (0, 60, 120, 180)]
    shapes = np.array([shapely.box(x, y, x + 45, y + 12) for x, y in places], dtype=object)
    heights = np.full(len(shapes), 18.0)
    wall = np.tile(np.array([[222, 214, 202, 255]], np.uint8), (len(shapes), 1))
    mesh = extruded(shapes, np.zeros(len(shapes)), heights, PrismColours(wall, wall, wall)).mesh()
    table = object_table(
        {
            "uid": derive_uids("example", [str(number) for number in range(len(shapes))]),
            "kind": ["Building"] * len(shapes),
            "name": [f"Slab {number + 1}" for number in range(len(shapes))],
            "footprint": shapely.to_wkb(shapes),
            "height_m": heights,
        },
        {"height_m": "m"},
    )
    layer = Layer("buildings", (Batch(table, {"1": mesh}).with_bounds(),), "buildings")
    return Scene(Georeference.around(121.4737, 31.2304), {"buildings": layer}, name="district")


def main() -> None:
    """Print who loses how much sun."""
    city = scenes.open(sys.argv[1]) if len(sys.argv) > 2 else district()
    beside = sys.argv[2] if len(sys.argv) > 2 else next(iter(city))
    box = city[beside].bounds
    if box is None:
        raise SystemExit(f"{beside} has no place")
    x, y = box[0], box[1] - 40
    plot = ((x, y), (x + 40, y), (x + 40, y + 24), (x, y + 24))
    scenario = Scenario("tower", city, title="A tower in the south").edit(
        AddObject(footprint=plot, height_m=99.0, name="Tower")
    )
    area = [box[0] - 150, box[1] - 150, box[3] + 150, box[4] + 150]
    base = simulate(city, "sunlight", area=area)
    variant = simulate(city, "sunlight", scenario, area=area)
    found = compare(base, variant)
    for name in ("buildings", "buildings_below", "facade_mean"):
        told = found.kpis[name]
        print(f"{name}: {told['base']} -> {told['variant']}")
    for uid in found.newly_below:
        print(f"below the standard because of the tower: {city[uid].name or uid}")
    print("trusted" if found.trusted else "NOT trusted: a check failed")


if __name__ == "__main__":
    main()
