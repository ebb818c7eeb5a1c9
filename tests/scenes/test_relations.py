"""Relations between objects are kept by every change of the scene and are found from both ends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scenes
from scenes import Batch, Georeference, Layer, Relation, Scene, UnknownObjectError, relation_table
from scenes.schema import object_table
from scenes.select import select_rows

if TYPE_CHECKING:
    from pathlib import Path

FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
EDGES = [(0, "connects", 1, "flow"), (1, "connects", 2, ""), (3, "fills", 0, "opening"), (3, "connects", 1, "")]


def uid(number: int) -> str:
    return f"urn:uuid:00000000-0000-5000-8000-{number:012d}"


def town(edges: list[tuple[int, str, int, str]], size: int = 4, split: int = 2) -> Scene:
    """Return a scene of `size` objects in two batches, split at a row."""
    batches = []
    for first, last in ((0, split), (split, size)):
        mine = [edge for edge in edges if first <= edge[0] < last]
        relations = relation_table(
            [edge[0] - first for edge in mine], [e[1] for e in mine], [uid(e[2]) for e in mine], [e[3] for e in mine]
        )
        numbers = range(first, last)
        table = object_table({"uid": [uid(number) for number in numbers], "kind": ["Pipe"] * len(numbers)})
        batches.append(Batch(table, relations=relations))
    return Scene(FRAME, {"pipes": Layer("pipes", tuple(batches))})


def edges_of(scene: Scene, kind: str = "") -> set[tuple[str, str, str, str]]:
    return set(scene.graph(kind)[["source", "kind", "target", "role"]].itertuples(index=False, name=None))


def as_uids(edges: list[tuple[int, str, int, str]]) -> set[tuple[str, str, str, str]]:
    return {(uid(source), kind, uid(target), role) for source, kind, target, role in edges}


def test_a_relation_is_seen_from_both_ends() -> None:
    scene = town(EDGES)
    assert scene.relations(uid(0)) == [
        Relation("connects", "flow", uid(1), outgoing=True),
        Relation("fills", "opening", uid(3), outgoing=False),
    ]
    assert edges_of(scene) == as_uids(EDGES)
    assert edges_of(scene, "fills") == as_uids(EDGES[2:3])
    with pytest.raises(UnknownObjectError):
        scene.relations("urn:uuid:nobody")


@given(st.lists(st.tuples(*[st.integers(0, 3)] * 2, st.sampled_from(["connects", "member"])), max_size=12))
def test_groups_count_every_relation_once(drawn: list[tuple[int, int, str]]) -> None:
    scene = town([(source, kind, target, "") for source, target, kind in drawn])
    for number in range(4):
        groups = scene.relation_groups(uid(number), most=2)
        every = scene.relations(uid(number))
        assert sum(group.total for group in groups) == len(every)
        for group in groups:
            mine = [each for each in every if (each.kind, each.outgoing) == (group.kind, group.outgoing)]
            assert (group.total, group.first) == (len(mine), mine[:2])


def test_a_package_keeps_relations_and_one_without_them_opens(tmp_path: Path) -> None:
    scene = town(EDGES)
    folder = scene.save(tmp_path / "a.city")
    assert edges_of(scenes.open(folder)) == as_uids(EDGES)
    (folder / "relations.parquet").unlink()
    assert edges_of(scenes.open(folder)) == set()


def test_a_batch_with_other_relations_has_another_hash_and_none_change_nothing() -> None:
    batch = town(EDGES).layers["pipes"].batches[0]
    bare = replace(batch, relations=relation_table([], [], [], []))
    assert batch.content_hash != bare.content_hash
    assert bare.content_hash == Batch(batch.table).content_hash


@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["connects", "member"]), st.integers(0, 6), st.just(""))),
    st.sets(st.integers(0, 6), min_size=1),
)
def test_a_part_keeps_the_relations_whose_ends_it_has(edges: list[tuple[int, str, int, str]], kept: set[int]) -> None:
    scene = town(edges, size=7, split=3)
    part = select_rows(scene, {"pipes": np.array(sorted(kept))})
    inside = [edge for edge in edges if edge[0] in kept and edge[2] in kept]
    assert edges_of(part) == as_uids(inside)


def test_joined_scenes_keep_relations_also_between_them() -> None:
    first, other = town(EDGES, size=4), town([], size=2, split=1)
    moved = replace(other, georeference=Georeference("EPSG:32651", 354_100.0, 3_457_000.0))
    lone = town([(0, "connects", 3, "")], size=1, split=1)
    lone = select_rows(lone, {"pipes": np.array([0])})
    assert edges_of(first + moved) == as_uids(EDGES)
    assert edges_of(lone) == set()
    assert (uid(0), "connects", uid(3), "") in edges_of(lone + select_rows(first, {"pipes": np.array([1, 2, 3])}))
