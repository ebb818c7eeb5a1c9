"""Loaders are found by entry point, sources are told apart, and several become one scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from scenes import Batch, GeoreferenceError, Layer, LoadError, MissingSourceError, Problems, UnsupportedError
from scenes.assembly import assemble, choose_georeference
from scenes.loading import FlatGround, Ground, LoadContext, Loader, Location, loader_for
from scenes.sources import Placement, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

GROUND_M = 7.0


class Hill:
    """A ground at seven metres everywhere."""

    def heights(self, x_m: ArrayLike, y_m: ArrayLike) -> NDArray[np.float64]:
        return FlatGround().heights(x_m, y_m) + GROUND_M


@dataclass
class BoxLoader:
    """Reads files that hold a number: so many boxes, or a hill."""

    name = "boxes"
    make: Callable[..., Batch]
    seen: list[float]

    def supports(self, source: Source) -> bool:
        return source.suffix in (".boxes", ".hill")

    def locate(self, source: Source) -> Location | None:
        return Location(121.5, 31.2, "EPSG:4549") if source.suffix == ".boxes" else None

    def surface(self, source: Source, context: LoadContext) -> Ground | None:  # noqa: ARG002
        return Hill() if source.suffix == ".hill" else None

    def load(self, source: Source, context: LoadContext) -> Iterator[tuple[Layer, Batch]]:
        if source.suffix == ".hill":
            return
        self.seen.append(float(context.ground.heights(0.0, 0.0)))
        count = int(source.file.read_text())
        context.problems.add("info", source.path, "counted", f"{count} boxes")
        if count:
            yield Layer(source.layer or "boxes", source=source.file.name), self.make(count, dataset=source.namespace)


@pytest.fixture
def loader(boxes: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch) -> BoxLoader:
    made = BoxLoader(boxes, [])
    monkeypatch.setattr("scenes.loading.loaders", lambda: [made])
    return made


def source(folder: Path, name: str, text: str = "3", **options: str) -> Source:
    (folder / name).write_text(text)
    return Source(str(folder / name), **options)


def test_several_sources_become_one_scene_on_the_ground(loader: BoxLoader, tmp_path: Path) -> None:
    assert isinstance(loader, Loader)
    problems = Problems()
    sources = [
        source(tmp_path, "a.boxes", "3"),
        source(tmp_path, "b.boxes", "4"),
        source(tmp_path, "c.boxes", "2", layer="towers"),
        source(tmp_path, "h.hill"),
    ]
    scene = assemble(sources, name="town", problems=problems)
    assert {name: len(layer) for name, layer in scene.layers.items()} == {"boxes": 7, "towers": 2}
    assert scene.georeference.crs == "EPSG:4549"
    assert loader.seen == [GROUND_M] * 3
    assert problems.count("counted") == 3
    assert scene.metadata["sources"] == ["a.boxes", "b.boxes", "c.boxes", "h.hill"]
    assert len(set(scene)) == 9


@pytest.mark.usefixtures("loader")
def test_the_same_file_gives_the_same_uids_again(tmp_path: Path) -> None:
    sources = [source(tmp_path, "a.boxes")]
    assert list(assemble(sources)) == list(assemble(sources))
    other = [source(tmp_path, "a.boxes", dataset="other")]
    assert not set(assemble(sources)) & set(assemble(other))


@pytest.mark.usefixtures("loader")
def test_a_named_system_wins(tmp_path: Path) -> None:
    assert assemble([source(tmp_path, "a.boxes")], crs="EPSG:32651").georeference.crs == "EPSG:32651"


@pytest.mark.usefixtures("loader")
def test_sources_that_cannot_be_loaded_are_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(MissingSourceError, match="there is no such file"):
        loader_for(Source(str(tmp_path / "none.boxes")))
    with pytest.raises(LoadError, match="the file is empty"):
        loader_for(source(tmp_path, "empty.boxes", ""))
    with pytest.raises(UnsupportedError, match=r"no loader reads \.xyz"):
        loader_for(source(tmp_path, "a.xyz"))
    with pytest.raises(LoadError, match="no object was found"):
        assemble([source(tmp_path, "a.boxes", "0")])
    with pytest.raises(UnsupportedError, match="nothing to load"):
        assemble([])


@pytest.mark.usefixtures("loader")
def test_a_scene_needs_a_place_on_earth(tmp_path: Path) -> None:
    hill = source(tmp_path, "h.hill")
    with pytest.raises(GeoreferenceError, match="no file says where"):
        choose_georeference([hill])
    placed = Source(hill.path, place=Placement.parse("354010,3457020,4,30"))
    frame = choose_georeference([placed], "EPSG:32651")
    assert (frame.easting_m, frame.northing_m) == (354_000.0, 3_457_000.0)


@pytest.mark.parametrize("text", ["", "1", "1,2,3,4,5", "a,b", "1,nan"])
def test_a_wrong_placement_is_refused(text: str) -> None:
    with pytest.raises(GeoreferenceError, match="is not a placement"):
        Placement.parse(text)
