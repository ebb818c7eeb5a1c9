"""City models to stored and tiled, against the bare parse of the same file in the same run.

CityGML: buildings in LoD 2 that this program writes, against ``lxml.etree.parse``. CityJSON: the same buildings as our
own export, and any file that is named, against ``json`` + ``cjio``, and against ``orjson`` alone for comparison. Both
the clock and the processor seconds of all processes are shown, the best of two runs each: large CityGML is read by
several processes, which the clock only shows on a machine that is not busy otherwise. The memory of the readers is
measured for the file and for one of three times its size: it depends on the batch, not on the file.

Run ``python benchmarks/bench_citymodels.py [BUILDINGS [FILE...]]``.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from scenes import Georeference, Layer, Scene
from scenes.crew import crew_of
from scenes.export import export
from scenes.loading import LoadContext, loader_for
from scenes.sources import Source
from scenes.store import open_package
from scenes.tiles import publish

if TYPE_CHECKING:
    from collections.abc import Callable

BUILDINGS = 20_000
WORKERS = 2
PEAK = """
import resource
import sys
from scenes.georeference import Georeference
from scenes.loading import LoadContext
from scenes.sources import Source
import gis
source = Source(sys.argv[1])
context = LoadContext(Georeference("EPSG:25832", 450000.0, 5400000.0))
for _, batch in gis.CityGmlLoader().load(source, context):
    del batch
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(peak, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<core:CityModel xmlns:core="http://www.opengis.net/citygml/2.0" xmlns:bldg="http://www.opengis.net/citygml/building/2.0"
 xmlns:gml="http://www.opengis.net/gml" xmlns:gen="http://www.opengis.net/citygml/generics/2.0"
 xmlns:xlink="http://www.w3.org/1999/xlink">
 <gml:boundedBy><gml:Envelope srsName="urn:ogc:def:crs:EPSG::25832" srsDimension="3"/></gml:boundedBy>
"""


def main(buildings: int, files: list[Path]) -> None:
    """Print seconds and ratios."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tiny = loaded_here(write_citygml(folder / "tiny.gml", 9))  # opens every library that is opened late
        loaded_here(export(tiny, folder / "tiny.city.json"))
        large = write_citygml(folder / "large.gml", buildings)
        largest = write_citygml(folder / "largest.gml", 3 * buildings)
        scene = measure(large, folder, {"lxml": parse_xml})
        measure(export(scene, folder / "large.city.json"), folder, {"json + cjio": parse_cjio, "orjson": parse_orjson})
        for file in files:
            measure(file, folder, {"json + cjio": parse_cjio, "orjson": parse_orjson})
        for path in (large, largest):
            own, lane = (number / 1e3 for number in peak_kilobytes(path))
            print(f"{path.stat().st_size / 1e6:.0f} MB: peak memory {own:.0f} MB, of the largest lane {lane:.0f} MB")


def measure(file: Path, folder: Path, bare: dict[str, Callable[[Path], object]]) -> Scene:
    """Print how long a file takes from disk to stored and tiled, and its ratio to bare parsers; return its scene."""
    references = {name: best(lambda parse=parse: parse(file)) for name, parse in bare.items()}
    loaded = best(lambda: loaded_here(file))
    scene = loaded_here(file)
    saved = best(lambda: scene.save(folder / f"{file.name}.city"))
    city = open_package(folder / f"{file.name}.city")
    crew = crew_of(WORKERS)
    list(crew.each(abs, range(2 * WORKERS)))  # its processes are there, as in every build but the first
    tiled = best(lambda: publish(city, folder / f"{file.name}.tiles", crew=crew))
    size = file.stat().st_size / 1e6
    print(f"{file.name}: {size:.1f} MB, {len(scene):,} objects")
    for place, what in enumerate(("clock", "processor")):
        steps = [each[place] for each in (loaded, saved, tiled)]
        print(f"  {what:9} load {steps[0]:.2f} s, store {steps[1]:.2f} s, tile {steps[2]:.2f} s")
        for name, seconds in references.items():
            ratios = (
                f"ratio load {steps[0] / seconds[place]:5.2f}   stored and tiled {sum(steps) / seconds[place]:5.2f}"
            )
            print(f"    bare {name:12} {seconds[place]:6.2f} s   {ratios}")
    return scene


def loaded_here(file: Path) -> Scene:
    """Load a file in this process, whose processor time is counted."""
    source = Source(str(file))
    loader = loader_for(source)
    place = loader.locate(source)
    if place is None:
        raise SystemExit(f"{file} does not say where it lies")
    frame = Georeference.around(place.longitude_deg, place.latitude_deg, place.crs)
    layers: dict[str, Layer] = {}
    for layer, batch in loader.load(source, LoadContext(frame)):
        known = layers.get(layer.name, layer)
        layers[layer.name] = known.with_batches([*known.batches, batch.with_bounds()])
    return Scene(frame, layers)


def parse_xml(file: Path) -> object:
    """Parse with lxml."""
    from lxml import etree  # noqa: PLC0415

    return etree.parse(file)


def parse_cjio(file: Path) -> object:
    """Parse as cjio does: json, then its model."""
    from cjio import cityjson  # noqa: PLC0415

    with file.open(encoding="utf-8") as text:
        model = cityjson.reader(text)
    model.decompress()
    return model


def parse_orjson(file: Path) -> object:
    """Parse with orjson."""
    import orjson  # noqa: PLC0415

    return orjson.loads(file.read_bytes())


def best(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that some work takes by the clock, and of all processors: the best of two runs each."""
    runs = []
    for _ in range(2):
        start = time.perf_counter(), _processor_seconds()
        work()
        runs.append((time.perf_counter() - start[0], _processor_seconds() - start[1]))
    return min(clock for clock, _ in runs), min(spent for _, spent in runs)


def _processor_seconds() -> float:
    """Return what this process, those that it has started and those that have ended have computed so far."""
    here = psutil.Process()
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    alive = sum(sum(each.cpu_times()[:2]) for each in (here, *here.children(recursive=True)))
    return alive + ended.ru_utime + ended.ru_stime


def peak_kilobytes(file: Path) -> tuple[int, int]:
    """Return the greatest memory of a process that loads a file, and of the largest of its lanes."""
    run = subprocess.run([sys.executable, "-c", PEAK, str(file)], capture_output=True, text=True, check=True)
    own, lane = run.stdout.split()[-2:]
    return int(own), int(lane)


def write_citygml(path: Path, buildings: int) -> Path:
    """Write houses with a pitched roof, seven surfaces each, as surveying offices do: solids that link to surfaces."""
    side = max(1, int(buildings**0.5))
    with path.open("w", encoding="utf-8") as out:
        out.write(HEAD)
        for number in range(buildings):
            out.write(_building(number, side))
        out.write("</core:CityModel>")
    return path


def _building(number: int, side: int) -> str:
    eaves = 5 + number % 7
    surfaces = _surfaces(number, side, eaves)
    links = "".join(f'<gml:surfaceMember xlink:href="#P_{number}_{place}"/>\n' for place in range(len(surfaces)))
    parts = "".join(_surface(f"{number}_{place}", *surface) for place, surface in enumerate(surfaces))
    return (
        f'<core:cityObjectMember>\n <bldg:Building gml:id="DEBY_LOD2_{number}">\n'
        f"  <gml:name>House {number}</gml:name>\n"
        f"  <core:creationDate>2018-05-23</core:creationDate>\n"
        f'  <gen:stringAttribute name="Gemeindeschluessel"><gen:value>0918{number % 1000:04d}</gen:value>'
        f"</gen:stringAttribute>\n  <bldg:function>31001_1000</bldg:function>\n  <bldg:roofType>3100</bldg:roofType>\n"
        f'  <bldg:measuredHeight uom="urn:adv:uom:m">{eaves + 3}.0</bldg:measuredHeight>\n'
        f"  <bldg:storeysAboveGround>{1 + number % 4}</bldg:storeysAboveGround>\n"
        f"  <bldg:lod2Solid><gml:Solid><gml:exterior><gml:CompositeSurface>\n{links}"
        f"  </gml:CompositeSurface></gml:exterior></gml:Solid></bldg:lod2Solid>\n{parts}"
        f" </bldg:Building>\n</core:cityObjectMember>\n"
    )


def _surface(name: str, word: str, ring: list[tuple[float, float, float]]) -> str:
    numbers = " ".join(f"{value:.3f}" for point in [*ring, ring[0]] for value in point)
    return (
        f'  <bldg:boundedBy>\n   <bldg:{word} gml:id="S_{name}">\n'
        f"    <bldg:lod2MultiSurface>\n     <gml:MultiSurface>\n"
        f'      <gml:surfaceMember>\n       <gml:Polygon gml:id="P_{name}">\n        <gml:exterior>\n'
        f"         <gml:LinearRing>\n          <gml:posList>{numbers}</gml:posList>\n         </gml:LinearRing>\n"
        f"        </gml:exterior>\n       </gml:Polygon>\n      </gml:surfaceMember>\n     </gml:MultiSurface>\n"
        f"    </bldg:lod2MultiSurface>\n   </bldg:{word}>\n  </bldg:boundedBy>\n"
    )


def _surfaces(number: int, side: int, eaves: int) -> list[tuple[str, list[tuple[float, float, float]]]]:
    x, y, z = 450_000 + number % side * 20.0, 5_400_000 + number // side * 20.0, 100 + number % 13 / 10
    w, d, h, top = 8 + number % 5, 9 + number % 4, eaves, eaves + 3
    m = d / 2
    shapes = [
        ("GroundSurface", [(0, 0, 0), (0, d, 0), (w, d, 0), (w, 0, 0)]),
        ("RoofSurface", [(0, 0, h), (w, 0, h), (w, m, top), (0, m, top)]),
        ("RoofSurface", [(0, m, top), (w, m, top), (w, d, h), (0, d, h)]),
        ("WallSurface", [(0, 0, 0), (w, 0, 0), (w, 0, h), (0, 0, h)]),
        ("WallSurface", [(w, d, 0), (0, d, 0), (0, d, h), (w, d, h)]),
        ("WallSurface", [(w, 0, 0), (w, d, 0), (w, d, h), (w, m, top), (w, 0, h)]),
        ("WallSurface", [(0, d, 0), (0, 0, 0), (0, 0, h), (0, m, top), (0, d, h)]),
    ]
    return [(word, [(x + a, y + b, z + c) for a, b, c in ring]) for word, ring in shapes]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else BUILDINGS, [Path(name) for name in sys.argv[2:]])
