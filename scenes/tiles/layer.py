"""Write the tiles of one layer: all of them, or those that changed since the last time."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scenes.crew import Alone
from scenes.digest import meshes_hash
from scenes.errors import CityTwinError, LoadError
from scenes.points import THEME
from scenes.store.layout import TILESET
from scenes.store.meshes import StoredMeshes
from scenes.store.swap import link_file, link_tree
from scenes.tiles.encode import MAX_HANDLE
from scenes.tiles.fingerprints import drawn_key, object_hashes
from scenes.tiles.gather import LayerGeometry
from scenes.tiles.metadata import ObjectNames
from scenes.tiles.points import publish_points
from scenes.tiles.quadtree import Square, divide
from scenes.tiles.record import FOLDER, Record, Surveyed, read_record
from scenes.tiles.renewal import (
    Former,
    all_tiles,
    cell_of,
    numbers_of,
    runs_of,
    still_fits,
    tiles_by_cell,
    touched_codes,
)
from scenes.tiles.sharing import write_tree
from scenes.tiles.style import default_colour
from scenes.tiles.survey import LEAF_WEIGHT, MODEL_LEAF_WEIGHT, Items, Stock
from scenes.tiles.writing import TileWriter, box_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from scenes.crew import Crew
    from scenes.model import Batch, Layer, Scene
    from scenes.tiles.record import Corners

    Json = dict[str, Any]
    Longs = NDArray[np.int64]
    Look = tuple[Stock, pa.Table | None]

_SHOWN = ("uid", "kind", "name")


@dataclass(frozen=True, eq=False)
class Renewal:
    """How a layer is to be tiled so that the next time only what changed is written.

    Parameters
    ----------
    former
        Folder with the tiles that the layer had; None = it had none.
    """

    former: Path | None = None


@dataclass(frozen=True, eq=False)
class _Made:
    """What became of a layer: its root tile, the runs of its numbers, and what is remembered."""

    root: Json
    runs: list[list[int]]
    record: Record
    batches: list[Surveyed] | None


def publish_layer(
    scene: Scene,
    name: str,
    folder: Path,
    crew: Crew | None = None,
    renewal: Renewal | None = None,
    *,
    compressed: bool = True,
) -> Path:
    """Write one layer into an empty or new folder and return its tileset file.

    Parameters
    ----------
    scene, name
        The city and its layer.
    folder
        Gets the tiles.
    crew
        Makes them; default: nobody else.
    renewal
        Keeps what the next tiling needs to write only what changed, and takes over what did not change since the last.
    compressed
        Whether tiles are packed by meshopt.

    Raises
    ------
    CityTwinError
        When the scene has more objects than tiles can tell apart.
    LoadError
        When a position is not a finite number.
    """
    layer, base = scene.layers[name], scene.bases[name]
    if base + len(layer) > MAX_HANDLE:
        what = f"handle {base + len(layer) - 1} is beyond {MAX_HANDLE - 1}"
        raise CityTwinError("tiles", what, "split the city into several packages")
    folder.mkdir(parents=True, exist_ok=True)
    made = _made(layer, folder, crew or Alone(), renewal, compressed=compressed)
    made.root["transform"] = scene.georeference.to_ecef_matrix().T.ravel().tolist()
    size = float(2 * np.linalg.norm(made.root["boundingVolume"]["box"][3:]))
    document = {
        "asset": {"version": "1.1", "tilesetVersion": f"{scene.epoch:08x}-{scene.version}"},
        "geometricError": max(size, made.root["geometricError"] * 2),
        "root": made.root,
        "extras": _extras(scene, layer, made.runs),
    }
    path = folder / TILESET
    path.write_text(json.dumps(document, separators=(",", ":"), allow_nan=False), encoding="utf-8")
    if renewal is not None:
        _remember(made, folder, renewal.former)
    return path


def tiles_written(tiles: Path) -> dict[str, dict[str, int]]:
    """Return how many tiles of each layer the last tiling wrote, and how many it took over.

    Parameters
    ----------
    tiles
        The folder with one folder a layer.
    """
    records = {each.name: read_record(each) for each in sorted(tiles.iterdir())} if tiles.is_dir() else {}
    return {name: {"written": each.written, "kept": each.kept} for name, each in records.items() if each}


def _extras(scene: Scene, layer: Layer, runs: list[list[int]]) -> Json:
    return {
        "layer": layer.name,
        "theme": layer.theme,
        "base": scene.bases[layer.name],
        "count": len(layer),
        "epoch": scene.epoch,
        "crs": scene.georeference.crs,
        "numbers": runs,
    }


def _made(layer: Layer, folder: Path, crew: Crew, renewal: Renewal | None, *, compressed: bool) -> _Made:
    """Write the content of a layer; points refine by adding, everything else by replacing."""
    keys = [] if renewal is None else [drawn_key(meshes_hash(batch.meshes), batch.table) for batch in layer.batches]
    former = None if renewal is None else renewal.former
    record = None if former is None else read_record(former)
    if record is not None and record.theme != layer.theme:
        record = None
    document = _document(former) if former is not None and record is not None else None
    if document is None:
        record = None
    elif record is not None and former is not None and record.keys == tuple(keys):
        return _unchanged(former, folder, document, record)
    if layer.theme == THEME and (cloud := publish_points(layer, folder, former, compressed=compressed)) is not None:
        return _Made(cloud, [[0, 0, len(layer)]], Record(layer.theme, tuple(keys), following=len(layer)), None)
    made = _Tiler(layer, folder, crew, keys, renewal is not None, compressed).made(record, document or {})
    made.root["refine"] = "REPLACE"
    return made


def _document(former: Path) -> Json | None:
    """Return the tileset of former tiles, None where it cannot be read."""
    try:
        document: Json = json.loads((former / TILESET).read_text(encoding="utf-8"))
        document["extras"]["numbers"]
        document["root"].pop("transform", None)
        document["root"].pop("refine", None)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return document


def _unchanged(former: Path, folder: Path, document: Json, record: Record) -> _Made:
    """Take everything over."""
    for entry in former.iterdir():
        if entry.name not in {TILESET, FOLDER}:
            link_tree(entry, folder / entry.name)
    (folder / FOLDER).mkdir()
    for entry in record.folder.iterdir():
        if entry.suffix != ".json":
            link_file(entry, folder / FOLDER / entry.name)
    root = document["root"]
    root["refine"] = "ADD" if record.theme == THEME and record.square is None else "REPLACE"
    return _Made(root, document["extras"]["numbers"], record, None)


def _remember(made: _Made, folder: Path, former: Path | None) -> None:
    """Keep what the next tiling needs, with the number of tiles that this one wrote."""
    before = set() if former is None else {file.name for file in former.glob("*.glb")}
    names = {file.name for file in folder.glob("*.glb")}
    record = replace(made.record, written=len(names - before), kept=len(names & before), folder=folder / FOLDER)
    record.write(made.batches)


@dataclass(frozen=True, eq=False)
class _Tiler:
    """Tiles a layer as a quadtree.

    Parameters
    ----------
    layer, folder, crew
        What is tiled, where to, and by whom.
    keys
        Of the batches; empty when nothing is to be remembered.
    renewable
        Whether something is.
    compressed
        Whether tiles are packed.
    """

    layer: Layer
    folder: Path
    crew: Crew
    keys: list[str]
    renewable: bool
    compressed: bool

    def made(self, record: Record | None, document: Json) -> _Made:
        """Write the tiles, as far as possible by taking over those that a record tells of."""
        try:
            return self._tiled(record, document)
        except _StartAnewError:
            shutil.rmtree(self.folder)
            self.folder.mkdir()
            return self._tiled(None, {})

    def _tiled(self, record: Record | None, document: Json) -> _Made:
        before = _batches_of(record)
        numbers = numbers_of(self.layer.batches, record)
        if numbers is None:
            raise _StartAnewError
        stocks = _stocks(self.layer.batches, numbers[0])
        known = {each.key: each for each in before}
        found = [known.get(key) for key in self.keys] if self.renewable else [None] * len(stocks)
        corners = self._corners(stocks, found)
        runs = runs_of(np.concatenate([np.zeros(0, np.int64), *numbers[0]]))
        facts = Record(self.layer.theme, tuple(self.keys), tuple(corners), following=numbers[1])
        extent = _extent(corners)
        if extent is None:
            empty: Json = {"boundingVolume": {"box": box_of(np.zeros(3), np.zeros(3))}, "geometricError": 0.0}
            return _Made(empty, runs, facts, self._surveyed(stocks, found, corners, None))
        square = Square.around(*extent) if record is None else still_fits(record, *extent)
        if square is None:
            raise _StartAnewError
        if record is not None:
            extent = np.array(record.low), np.array(record.high)
        surveyed = self._surveyed(stocks, found, corners, square)
        geometry = LayerGeometry(stocks, default_colour(self.layer.theme))
        root: Json = {"boundingVolume": {"box": box_of(np.zeros(3), np.zeros(3))}, "geometricError": 0.0}
        divided = False
        if geometry.settle(square, extent, [each.items for each in surveyed]):
            shell = _has_shell(self.layer)
            most = MODEL_LEAF_WEIGHT if shell else LEAF_WEIGHT
            cell = divide(geometry.items.codes, geometry.items.weights, most)
            divided = bool(cell.children)
            former = None
            if record is not None:
                if self.layer.theme == "terrain" and divided != record.divided:
                    raise _StartAnewError
                touched = touched_codes(before, surveyed)
                former = Former(record.folder.parent, tiles_by_cell(document["root"]), touched)
            sort = (self.layer.theme, divided)
            writer = TileWriter(geometry, self.folder, *sort, former, self.renewable, self.compressed, shell)
            names = ObjectNames(self.layer.batches, np.concatenate(numbers[0]))
            root = write_tree(writer, cell, names, self._hands(stocks)).tile
            geometry.forget()
            if former is not None:
                _take_over(root, self.folder, former)
        low, high = (tuple(each.tolist()) for each in extent)
        facts = replace(facts, square=square, low=low, high=high, divided=divided)
        return _Made(root, runs, facts, surveyed)

    def _hands(self, stocks: Sequence[Stock]) -> Crew:
        """Return who does the work: others can where the geometry lies in files."""
        filed = all(not stock.meshes or isinstance(stock.meshes, StoredMeshes) for stock in stocks)
        return self.crew if filed else Alone()

    def _corners(self, stocks: list[Stock], found: Sequence[Surveyed | None]) -> list[Corners | None]:
        told = [
            stock.told_corners() if known is None else [known.corners]
            for stock, known in zip(stocks, found, strict=True)
        ]
        new = [stock for stock, known in zip(stocks, told, strict=True) if not known]
        measured = iter(list(self._hands(stocks).each(Stock.corners, new)))
        corners = [known[0] if known else next(measured) for known in told]
        for each in corners:
            if each is not None and not (np.isfinite(each[0]).all() and np.isfinite(each[1]).all()):
                what = "the geometry has positions that are not finite"
                raise LoadError("tiles", what, "check the source: twin check")
        return corners

    def _surveyed(
        self,
        stocks: list[Stock],
        found: Sequence[Surveyed | None],
        corners: list[Corners | None],
        square: Square | None,
    ) -> list[Surveyed]:
        """Return what is known of each batch; those that changed are looked at."""
        tables = [batch.table.select(_SHOWN) if self.renewable else None for batch in self.layer.batches]
        new = [(stocks[i], tables[i]) for i, known in enumerate(found) if known is None]
        looked = iter(list(self._hands(stocks).each(partial(_looked_at, square=square), new)))
        surveyed = []
        for place, known in enumerate(found):
            if known is None:
                items, uids, hashes = next(looked)
                key = self.keys[place] if self.renewable else ""
                numbers = stocks[place].named(np.arange(stocks[place].rows))
                known = Surveyed(key, corners[place], items, uids, numbers, hashes)  # noqa: PLW2901
            surveyed.append(known)
        return surveyed


class _StartAnewError(Exception):
    """The former tiling does not fit any more."""


def _looked_at(look: Look, square: Square | None) -> tuple[Items, NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the items of a batch, and the hashes of the uids and of the looks of its objects."""
    stock, table = look
    mesh = stock.finest()
    uids = hashes = np.zeros(0, np.uint64)
    if table is not None:
        uids, hashes = object_hashes(mesh, table)
    return Items.none() if square is None else stock.items(square, mesh), uids, hashes


def _has_shell(layer: Layer) -> bool:
    """Say whether a layer is a building model with walls; rooms alone have nothing to hide behind."""
    built = pa.scalar("BuildingConstructiveElement")
    return layer.theme == "bim" and any(pc.any(pc.equal(each.table["kind"], built)).as_py() for each in layer.batches)


def _batches_of(record: Record | None) -> list[Surveyed]:
    try:
        return [] if record is None else record.batches
    except (OSError, ValueError, KeyError) as error:
        raise _StartAnewError from error


def _stocks(batches: Sequence[Batch], numbers: Sequence[Longs]) -> list[Stock]:
    found = []
    for batch, mine in zip(batches, numbers, strict=True):
        first = int(mine[0]) if len(mine) else 0
        plain = (np.diff(mine) == 1).all()
        found.append(Stock(batch.meshes, len(batch), first, None if plain else mine))
    return found


def _extent(corners: Sequence[Corners | None]) -> Corners | None:
    known = [each for each in corners if each is not None]
    if not known:
        return None
    return np.min([low for low, _ in known], axis=0), np.max([high for _, high in known], axis=0)


def _take_over(root: Json, folder: Path, former: Former) -> None:
    """Link the files of the tiles that were not written anew."""
    (folder / FOLDER).mkdir(exist_ok=True)
    for tile in all_tiles(root):
        if "content" not in tile:
            continue
        kept = f"{cell_of(tile)}.content"
        for name in (str(tile["content"]["uri"]), f"{FOLDER}/{kept}"):
            if not (folder / name).exists() and (former.folder / name).is_file():
                link_file(former.folder / name, folder / name)
