"""Kill -9 at any moment: a city, its tiles and exported files are the old ones or the new ones, complete, every time.

Each round starts a process that builds, re-tiles or exports without end, kills its whole process group at a random
moment, and reads everything that is there: every table, every tile, every export. Exit status 1 when anything is half.
At the end one more run must leave nothing of the killed ones behind. ``--rounds 100 --seed 1`` are the defaults.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pyarrow.parquet as pq
import shapely
import trimesh

import scenes
from scenes.crew import crew_of
from scenes.export import export
from scenes.saving import save
from scenes.store import manifest
from scenes.tiles.glb import read_json
from scenes.tiles.record import FOLDER, read_record

if TYPE_CHECKING:
    from collections.abc import Iterator

CRS = "EPSG:32651"
HOUSES = 3_000
EXPORTS = ("out.glb", "out.gpkg", "out.parquet", "out.city.json")
KINDS = ("retile", "export", "build")


def main() -> int:
    """Kill, look, and say what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--houses", type=int, default=HOUSES)
    parser.add_argument("--victim", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.victim:
        run_victim(options.victim, options.folder)
    with tempfile.TemporaryDirectory(prefix="citytwin-kill-") as beside:
        return rounds(Path(beside), options)


def rounds(folder: Path, options: argparse.Namespace) -> int:
    """Do all rounds in a folder of our own, scratch files included."""
    (folder / "tmp").mkdir()
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder / "tmp")
    prepare(folder, options.houses)
    random = np.random.default_rng(options.seed)
    seen: collections.Counter[str] = collections.Counter()
    broken = 0
    for number in range(options.rounds):
        kind = KINDS[number % len(KINDS)]
        wait_s = kill_one(kind, folder, float(random.uniform()))
        try:
            seen.update(f"{kind}: {what}" for what in look(folder))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is what the rounds look for
            broken += 1
            print(f"kill: round {number}, {kind} after {wait_s:.2f} s: {type(error).__name__}: {error}", flush=True)
    left = tidy(folder)
    print("kill: " + ", ".join(f"{what} {count}" for what, count in sorted(seen.items())))
    print(f"kill: {options.rounds} rounds, {broken} left something half, {len(left)} left-overs after the next run")
    for name in left:
        print(f"kill: left over: {name}")
    return 1 if broken or left else 0


def prepare(folder: Path, count: int) -> None:
    """Make the two sources, the two cities and the first exports."""
    for name, seed in (("one", 1), ("two", 2)):
        houses(count, seed).to_parquet(folder / f"{name}.parquet")
    build(folder, ["one.parquet"])
    first = scenes.open(folder / "a.city")
    save(first, folder / "first.city", tiles=True)
    build(folder, ["one.parquet", "two.parquet"])
    save(scenes.open(folder / "a.city"), folder / "second.city", tiles=True)
    save(first, folder / "b.city", tiles=True)
    for part in ("first", "second", "out"):
        scene = scenes.open(folder / "second.city") if part == "second" else first
        for name in EXPORTS:
            export(scene, folder / name.replace("out", part))


def houses(count: int, seed: int) -> gpd.GeoDataFrame:
    """Return houses on a grid."""
    random = np.random.default_rng(seed)
    across = int(np.ceil(np.sqrt(count)))
    place = np.arange(count)
    x, y = place % across * 24.0 + 354_000.0, place // across * 24.0 + 3_457_000.0
    shapes = shapely.box(x, y, x + random.uniform(6, 16, count), y + random.uniform(6, 16, count))
    facts = {"id": [f"{seed}-{each}" for each in place], "height": random.uniform(3, 60, count).round(1)}
    return gpd.GeoDataFrame(facts, geometry=shapes, crs=CRS)


def build(folder: Path, sources: list[str]) -> None:
    """Run ``twin build`` as people do."""
    command = [sys.executable, "-c", "import sys; from twin.commands import main; sys.exit(main())", "build"]
    names = [str(folder / "a.city"), *(str(folder / each) for each in sources), "--workers", "2", "--json"]
    subprocess.run([*command, *names], check=True, stdout=subprocess.DEVNULL)


def kill_one(kind: str, folder: Path, share: float) -> float:
    """Start a victim, kill it with all its children at some moment, and return when that was."""
    command = [sys.executable, __file__, "--victim", kind, "--folder", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout is not None
        longest = float(process.stdout.readline())
        wait_s = share * longest
        time.sleep(wait_s)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return wait_s


def run_victim(kind: str, folder: Path) -> None:
    """Do one thing again and again until killed; the first line says how long one turn takes, about."""
    first, second = (scenes.open(folder / f"{name}.city") for name in ("first", "second"))
    crew = crew_of(2)

    def turn() -> None:
        if kind == "build":
            for sources in (["one.parquet"], ["one.parquet", "two.parquet"]):
                build(folder, sources)
        for scene in (second, first):
            if kind == "retile":
                save(scene, folder / "b.city", tiles=True, crew=crew)
            if kind == "export":
                for name in EXPORTS:
                    export(scene, folder / name)

    if kind == "build":
        longest = 8.0
    else:
        began = time.perf_counter()
        turn()
        longest = 1.5 * (time.perf_counter() - began)
    print(longest, flush=True)
    while True:
        turn()


def look(folder: Path) -> Iterator[str]:
    """Read everything; yield which version each part is. Raises when something is half."""
    known = {manifest(folder / f"{name}.city")["epoch"]: name for name in ("first", "second")}
    for name in ("a.city", "b.city"):
        yield f"{name} {known[look_at_city(folder / name)]}"
    for name in EXPORTS:
        sizes = {summary(folder / name.replace("out", part)): part for part in ("first", "second")}
        yield f"{name} {sizes[summary(folder / name)]}"


def look_at_city(path: Path) -> int:
    """Read every table and tile of a package and return its epoch."""
    scene = scenes.open(path)
    for file in path.rglob("*.parquet"):
        pq.read_table(file)
    for name, layer in scene.layers.items():
        for batch in layer.batches:
            assert all(batch.meshes[level].vertex_count for level in batch.meshes)
        document = json.loads((path / "tiles" / name / "tileset.json").read_text())
        extras = document["extras"]
        told = extras["epoch"], extras["base"], extras["count"]
        assert told == (scene.epoch, scene.bases[name], len(layer)), f"tiles of {name} are of another version"
        names = set(uris(document["root"]))
        assert names == {file.name for file in (path / "tiles" / name).glob("*.glb")}, f"tiles of {name} do not match"
        for each in names:
            assert read_json((path / "tiles" / name / each).read_bytes())["asset"]["version"] == "2.0"
        record = read_record(path / "tiles" / name)
        assert record is not None, f"the record {name}/{FOLDER} is missing"
        assert len(record.batches) == len(layer.batches)
    assert manifest(path)["epoch"] == scene.epoch
    return scene.epoch


def uris(tile: dict) -> Iterator[str]:
    """Yield the files of a tile and of all below it."""
    if "content" in tile:
        yield tile["content"]["uri"]
    for child in tile.get("children", ()):
        yield from uris(child)


def summary(file: Path) -> int:
    """Return how much an exported file holds, as somebody else's reader finds it."""
    if file.name.endswith(".glb"):
        return sum(len(mesh.vertices) for mesh in trimesh.load_scene(file).geometry.values())
    if file.name.endswith(".gpkg"):
        return sum(len(gpd.read_file(file, layer=name)) for name in gpd.list_layers(file)["name"])
    if file.name.endswith(".parquet"):
        return len(gpd.read_parquet(file))
    return len(json.loads(file.read_text())["CityObjects"])


def tidy(folder: Path) -> list[str]:
    """Write everything once more and return what the killed processes left behind even then."""
    first = scenes.open(folder / "first.city")
    build(folder, ["one.parquet"])
    save(first, folder / "b.city", tiles=True)
    for name in EXPORTS:
        export(first, folder / name)
    ours = {f"{part}{each.removeprefix('out')}" for part in ("out", "first", "second") for each in EXPORTS}
    ours |= {"a.city", "b.city", "first.city", "second.city", "one.parquet", "two.parquet", "tmp"}
    mine = f"citytwin-scratch-{os.getpid()}-"
    found = [each.name for each in folder.iterdir() if each.name not in ours]
    return found + [each.name for each in (folder / "tmp").iterdir() if not each.name.startswith(mine)]


if __name__ == "__main__":
    sys.exit(main())
