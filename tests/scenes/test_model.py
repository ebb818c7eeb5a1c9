"""Handles, names, epochs and the sharing of what an edit does not touch."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenes import Batch, Georeference, Layer, Scene, UnknownObjectError
from scenes.index import TextIndex, digest_texts, hashes_of
from scenes.schema import object_table

if TYPE_CHECKING:
    from collections.abc import Callable

FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def plain(uids: list[str], **columns: list[object]) -> Batch:
    return Batch(object_table({"uid": uids, "kind": ["Building"] * len(uids), **columns}))


def test_handles_are_dense_in_the_order_of_layers_batches_and_rows(city: Scene) -> None:
    assert len(city) == 35
    assert dict(city.bases) == {"buildings": 0, "stops": 30}
    assert [city.handle(uid) for uid in city] == list(range(35))
    assert city.handles(list(city)).tolist() == list(range(35))
    for handle in (0, 19, 20, 29, 30, 34):
        found = city.at(handle)
        assert found.handle == handle
        assert city[found.uid].handle == handle
        assert city.bases[found.layer] + found.row == handle
    assert city.handles(["urn:nobody", city.at(3).uid]).tolist() == [-1, 3]


@pytest.mark.parametrize("handle", [-1, 35, 10**9])
def test_a_handle_that_nobody_has_is_one_clear_sentence(city: Scene, handle: int) -> None:
    with pytest.raises(UnknownObjectError, match="the scene has 35 objects"):
        city.at(handle)


def test_objects_answer_by_any_of_their_names(city: Scene) -> None:
    tower = city.at(22)
    assert city.resolve(tower.uid).handle == 22
    assert city.resolve("osm:22").handle == 22
    assert city.resolve("way/22").handle == 22
    assert tower.aliases == {"osm": "22"}
    assert tower.attributes == {"height_m": 32.0, "use": "shop", "listed": False}
    assert tower.units == {"height_m": "m"}
    assert tower.properties == {"Pset_Wall": {"Fire": "F0"}}
    assert tower.bounds == pytest.approx((440, 0, 0, 450, 10, 32), abs=1e-4)
    assert tower.uid in city
    assert "urn:nobody" not in city
    assert 7 not in city


def test_a_city_code_is_found_with_and_without_its_urn() -> None:
    code = "310115010101000000007"
    scene = Scene(FRAME, {"a": Layer("a", (plain([f"urn:cityobj:310115:{code}"]),))})
    assert scene.resolve(code).handle == 0


def test_a_name_of_two_objects_is_not_guessed() -> None:
    batch = plain(["urn:a", "urn:b"], source_id=["7", "7"])
    scene = Scene(FRAME, {"a": Layer("a", (batch,))})
    assert [found.uid for found in scene.resolve_all("7")] == ["urn:a", "urn:b"]
    with pytest.raises(UnknownObjectError, match="2 objects have this alias"):
        scene.resolve("7")
    with pytest.raises(UnknownObjectError, match="no object has this id"):
        scene.resolve("8")
    with pytest.raises(UnknownObjectError, match=r"use scene\.resolve"):
        scene["7"]


def test_children_are_those_whose_parent_it_is() -> None:
    batch = plain(["urn:a", "urn:b", "urn:c"], parent=[None, "urn:a", "urn:a"])
    scene = Scene(FRAME, {"a": Layer("a", (batch,))})
    assert [child.uid for child in scene.children("urn:a")] == ["urn:b", "urn:c"]
    assert scene.children("urn:b") == []
    assert scene.at(1).parent == "urn:a"


@given(
    rows=st.lists(texts, min_size=1, max_size=30, unique=True),
    cuts=st.lists(st.integers(0, 30), max_size=3),
)
def test_the_epoch_follows_from_the_uids_in_order_and_from_nothing_else(rows: list[str], cuts: list[int]) -> None:
    whole = plain(rows, name=["x"] * len(rows))
    edges = sorted({0, len(rows), *(cut for cut in cuts if cut < len(rows))})
    pieces = [Batch(whole.table.slice(a, b - a)) for a, b in pairwise(edges)]
    one = Scene(FRAME, {"a": Layer("a", (whole,))})
    many = Scene(FRAME, {"a": Layer("a", tuple(pieces))}, name="other", version=9)
    assert one.epoch == many.epoch
    if len(rows) > 1:
        turned = Scene(FRAME, {"a": Layer("a", (plain(rows[::-1]),))})
        assert turned.epoch != one.epoch
        assert Scene(FRAME, {"a": Layer("a", (plain(rows[1:]),))}).epoch != one.epoch


@given(column=st.lists(st.none() | texts, max_size=40), cut=st.integers(0, 40), asked=texts)
def test_the_text_index_finds_what_a_search_finds(column: list[str | None], cut: int, asked: str) -> None:
    chunks = pa.chunked_array([column[:cut], column[cut:]], type=pa.string())
    index = TextIndex(chunks)
    for text in {asked, *(text for text in column if text is not None)}:
        assert index.find_all(text) == [place for place, cell in enumerate(column) if cell == text]
    known = [text for text in column if text is not None]
    assert index.find_many([*known, asked]).tolist() == [
        column.index(text) if text in column else -1 for text in [*known, asked]
    ]
    assert hashes_of(chunks).tolist() == hashes_of(pa.chunked_array([column], type=pa.string())).tolist()


def test_texts_that_run_together_differ() -> None:
    def digest(*words: str) -> bytes:
        return digest_texts([pa.chunked_array([list(words)])], 8)

    assert digest("ab", "c") != digest("a", "bc")
    assert digest("", "a") != digest("a", "")


def test_an_edit_shares_everything_it_does_not_touch(city: Scene, boxes: Callable[..., Batch]) -> None:
    layer = city.layers["buildings"]
    edited = city.with_layer(layer.with_batches([layer.batches[0], boxes(3, first=90)]))
    assert edited.layers["stops"] is city.layers["stops"]
    assert edited.layers["buildings"].batches[0] is layer.batches[0]
    assert (len(edited), len(city)) == (28, 35)
    assert edited.version == city.version + 1
    assert edited.epoch != city.epoch
    assert list(city.without_layer("stops").layers) == ["buildings"]
    assert city.without_layer("stops").layers["buildings"] is layer
    with pytest.raises(UnknownObjectError, match="there are buildings, stops"):
        city.without_layer("trees")


def test_nothing_can_be_changed_in_place(city: Scene) -> None:
    with pytest.raises(FrozenInstanceError):
        city.name = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        city.layers["x"] = city.layers["stops"]  # type: ignore[index]
    with pytest.raises(TypeError):
        city.at(0).attributes["height_m"] = 1.0  # type: ignore[index]
    with pytest.raises(ValueError, match="is filed under"):
        Scene(FRAME, {"a": Layer("b")})


def test_content_hashes_follow_the_content(boxes: Callable[..., Batch]) -> None:
    batch = boxes(4)
    assert batch.content_hash == boxes(4).content_hash
    assert batch.content_hash != boxes(4, first=1).content_hash
    mesh = batch.meshes["1"]
    for change in (
        {"normals": np.zeros_like(mesh.positions)},
        {"colours": np.zeros((mesh.vertex_count, 4), np.uint8)},
        {"positions": mesh.positions + np.float32(1)},
        {"centre": mesh.centre + 1.0},
    ):
        assert replace(batch, meshes={"1": replace(mesh, **change)}).content_hash != batch.content_hash
    assert replace(batch, meshes={"2": mesh}).content_hash != batch.content_hash
    assert replace(batch, aliases=batch.aliases.slice(1)).content_hash != batch.content_hash
    unit = batch.table.schema.field("height_m").with_metadata({"unit": "ft"})
    place = batch.table.schema.get_field_index("height_m")
    in_feet = batch.table.set_column(place, unit, batch.table["height_m"])
    assert replace(batch, table=in_feet).content_hash != batch.content_hash


def test_what_lies_under_a_null_plays_no_part() -> None:
    def under(value: float) -> Batch:
        known = pa.array([1.0, None]).buffers()[0]
        column = pa.Array.from_buffers(pa.float64(), 2, [known, pa.py_buffer(np.array([1.0, value]))])
        return Batch(object_table({"uid": ["a", "b"], "kind": ["Road"] * 2, "width_m": column}))

    assert under(0.0).content_hash == under(float("nan")).content_hash == under(7.0).content_hash


def test_bounds_are_those_of_all_layers(city: Scene) -> None:
    assert city.bounds() == pytest.approx((0, 0, 0, 590, 10, 39), abs=1e-4)
    assert city.layers["stops"].bounds() is None
    assert Scene(FRAME).bounds() is None
    assert city.layers["buildings"].triangle_count == 360
