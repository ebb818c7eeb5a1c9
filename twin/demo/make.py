"""Makes the demo city: sources on disk, loaded, joined with what only code knows, stored and tiled."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from scenes import Problems
from scenes.assembly import assemble
from scenes.hierarchy import with_districts
from scenes.model import Scene
from scenes.saving import save
from twin.demo import land, sensors, sources
from twin.demo.bridges import bridges
from twin.demo.plan import Plan
from twin.demo.underground import pipes_and_manholes
from twin.live import Datastreams
from twin.whatif import AddObject, Scenario, save_scenario

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

VERSION = 3
NAME = "Moon Lake New Town"
PROPOSAL_NEAR = (-620.0, 980.0)
TITLES = {"en": "Moon Lake New Town", "zh": "月湖新城"}


@dataclass(frozen=True, slots=True)
class DemoCity:
    """Where the demo lies: its package, its table of datastreams, and its source files."""

    package: Path
    streams: Path
    sources: Path


def _silent(_message: str, _share: float) -> None:
    return None


def make(folder: Path | str, *, seed: int = 7, progress: Callable[[str, float], None] = _silent) -> DemoCity:
    """Return the demo city in `folder`, made now or found there from an earlier run with the same code and seed.

    Parameters
    ----------
    folder
        Where ``demo.city`` and the source files go.
    seed
        Another number gives another town on the same plan.
    progress
        Called with a text and a share 0..1.
    """
    root = Path(folder)
    city = DemoCity(root / "demo.city", root / "demo.city" / "streams.parquet", root / "sources")
    stamp, mark = root / "made.json", {"version": VERSION, "seed": seed, "code": _code_hash()}
    if stamp.is_file() and city.streams.is_file() and json.loads(stamp.read_text()) == mark:
        return city
    plan = Plan(seed)
    progress("drawing the plan", 0.0)
    written = sources.write(plan, city.sources)
    problems = Problems()
    scene = assemble(
        written,
        georeference=sources.FRAME,
        name=NAME,
        problems=problems,
        progress=lambda text, share: progress(text, 0.1 + 0.4 * share),
    )
    scene = finish(scene, plan)
    progress("storing", 0.55)
    save(scene, city.package, tiles=True)
    save_scenario(city.package, proposal(scene))
    Datastreams.from_records(sensors.datastreams(scene, seed)).write(city.streams)
    stamp.write_text(json.dumps(mark))
    progress("ready", 1.0)
    return city


def finish(scene: Scene, plan: Plan) -> Scene:
    """Return the loaded scene with pipes, bridges, sensors and the spatial tree."""

    def height_at(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        return land.height_at(plan, x, y)

    for layer in (bridges(plan), *pipes_and_manholes(plan, height_at), sensors.devices(plan, height_at)):
        scene = scene.with_layer(layer)
    home = {"position": [2950.0, -2350.0, 1250.0], "target": [650.0, -40.0, 30.0]}
    scene = _named(scene)
    credit = "Moon Lake New Town · 月湖新城: a city made by code"
    metadata = {**scene.metadata, "titles": TITLES, "home": home, "attribution": [credit]}
    return with_districts(Scene(scene.georeference, scene.layers, scene.name, 1, metadata))


def _named(scene: Scene) -> Scene:
    """Return the scene with names for people on the layers of the model."""
    names = {
        "library": ("City library", "城市图书馆"),
        "library-spaces": ("Library rooms", "图书馆房间"),
        "library-openings": ("Library openings", "图书馆洞口"),
    }
    for name, (english, chinese) in names.items():
        scene = scene.with_layer(replace(scene.layers[name], titles={"en": english, "zh": chinese}))
    return scene


def proposal(scene: Scene) -> Scenario:
    """Return the demo's variant: a slab of 90 m planned south of a residential block, which shades its neighbours."""
    homes = scene.query("layer = 'buildings' AND building = 'apartments' AND height_m < 45 AND min_z < 20")
    plan = scene.georeference
    places = np.column_stack([homes.geometry.centroid.x - plan.easting_m, homes.geometry.centroid.y - plan.northing_m])
    x, y = places[int(np.argmin(np.linalg.norm(places - np.array(PROPOSAL_NEAR), axis=1)))]
    low, high = y - 47.0, y - 33.0
    slab = AddObject(
        footprint=(((x - 34.0, low), (x + 34.0, low), (x + 34.0, high), (x - 34.0, high)),),
        height_m=90.0,
        name="Proposed slab 拟建板楼",
        attributes={"building": "apartments", "use": "residential"},
    )
    scenario = Scenario("south-slab", scene, "Planning office", "New slab to the south 南侧新建板楼")
    return scenario.edit(slab)


def _code_hash() -> str:
    """Return a hash of the code that shapes the city, so that a changed demo is made anew."""
    digest = hashlib.blake2b(digest_size=8)
    top = Path(__file__).resolve().parents[2]
    for part in ("twin/demo", "gis", "bim", "scenes"):
        for path in sorted((top / part).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
