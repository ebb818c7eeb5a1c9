"""Clashes of boxes are known by arithmetic: overlap, touch, containment and clearance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenes import Batch, Georeference, Layer, MeshSet, QueryError, Scene
from scenes.clash import clashes, uids_where
from scenes.schema import object_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

FRAME = Georeference("EPSG:32651", 354_000.0, 3_457_000.0)
CORNERS = np.array([[x, y, z] for z in (0, 1) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))], float)
FACES = np.array([[0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7], [0, 1, 5], [0, 5, 4], [1, 2, 6], [1, 6, 5],
                  [2, 3, 7], [2, 7, 6], [3, 0, 4], [3, 4, 7]], np.uint32)  # fmt: skip

Box = tuple[tuple[float, float, float], tuple[float, float, float]]


def town(*boxes: Box, parents: tuple[str | None, ...] = ()) -> Scene:
    places: list[NDArray[np.float64]] = [CORNERS * size + np.array(at) for at, size in boxes]
    mesh = MeshSet.from_parts(list(range(len(boxes))), places, [FACES] * len(boxes))
    table = object_table(
        {
            "uid": [f"urn:{n}" for n in range(len(boxes))],
            "kind": ["Building"] * len(boxes),
            "parent": list(parents) or [None] * len(boxes),
        }
    )
    return Scene(FRAME, {"boxes": Layer("boxes", (Batch(table, {"1": mesh}).with_bounds(),))})


def kinds(scene: Scene, **options: float) -> list[str]:
    uids = uids_where(scene, "boxes")
    return [clash.kind for clash in clashes(scene, uids, uids, **options)]


@given(
    at=st.tuples(*[st.floats(-3, 3)] * 3),
    size=st.tuples(*[st.floats(0.5, 2)] * 3),
    clearance=st.sampled_from([0.0, 0.5]),
)
def test_two_boxes_clash_when_their_sides_say_so(
    at: tuple[float, float, float], size: tuple[float, float, float], clearance: float
) -> None:
    scene = town(((0, 0, 0), (1, 1, 1)), (at, size))
    gaps = [max(at[i] - 1, -(at[i] + size[i])) for i in range(3)]
    depth = -max(gaps)
    if abs(depth) < 0.05 or any(abs(gap) < 0.05 for gap in gaps):
        return  # too near to touching for a rule of thumb
    apart = float(np.linalg.norm([max(gap, 0.0) for gap in gaps]))
    found = kinds(scene, clearance_m=clearance)
    if depth > 0:
        assert found in (["crosses"], ["inside"])
    elif abs(apart - clearance) > 1e-6:
        assert found == (["near"] if apart < clearance else [])


def test_touching_is_no_clash_and_depth_is_a_matter_of_tolerance() -> None:
    assert kinds(town(((0, 0, 0), (1, 1, 1)), ((1, 0, 0), (1, 1, 1)))) == []
    assert kinds(town(((0, 0, 0), (1, 1, 1)), ((0.995, 0.2, 0.2), (1, 0.5, 0.5)))) == []
    assert kinds(town(((0, 0, 0), (1, 1, 1)), ((0.9, 0.2, 0.2), (1, 0.5, 0.5)))) == ["crosses"]
    assert kinds(town(((0, 0, 0), (1, 1, 1)), ((0.9, 0.2, 0.2), (1, 0.5, 0.5))), tolerance_m=0.2) == []


def test_bodies_with_faces_in_the_same_planes_clash_where_they_overlap() -> None:
    assert kinds(town(((0, 0, 0), (4, 0.2, 3)), ((3, 0, 0), (4, 0.2, 3)))) == ["crosses"]
    assert kinds(town(((0, 0, 0), (4, 0.2, 3)), ((4, 0, 0), (4, 0.2, 3)))) == []


def test_what_lies_inside_is_found_from_both_sides() -> None:
    assert kinds(town(((0, 0, 0), (4, 4, 4)), ((1, 1, 1), (1, 1, 1)))) == ["inside"]
    assert kinds(town(((1, 1, 1), (1, 1, 1)), ((0, 0, 0), (4, 4, 4)))) == ["inside"]
    assert kinds(town(((0, 0, 0), (1, 1, 1)), ((0, 0, 0), (1, 1, 1)))) == ["inside"]


def test_the_distance_is_that_of_the_gap() -> None:
    (clash,) = clashes(town(((0, 0, 0), (1, 1, 1)), ((1.3, 0, 0), (1, 1, 1))), ["urn:0"], ["urn:1"], clearance_m=0.5)
    assert clash.distance_m == pytest.approx(0.3)
    assert clash.place_m[0] == pytest.approx(1.15)


def test_parents_and_children_may_overlap() -> None:
    boxes = (((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), ((0.5, 0.2, 0.2), (1.0, 0.5, 0.5)))
    assert kinds(town(*boxes)) == ["crosses"]
    assert kinds(town(*boxes, parents=(None, "urn:0"))) == []


def test_sets_are_named_by_layer_or_query() -> None:
    scene = town(((0, 0, 0), (1, 1, 1)), ((5, 0, 0), (1, 1, 1)))
    assert uids_where(scene, "boxes") == ["urn:0", "urn:1"]
    assert uids_where(scene, "kind = 'Building'") == ["urn:0", "urn:1"]
    with pytest.raises(QueryError, match="picks no object"):
        uids_where(scene, "kind = 'Road'")


def test_objects_of_some_layers_clash_and_the_others_do_not_matter() -> None:
    boxes = town(((0, 0, 0), (1, 1, 1)), ((0.5, 0.5, 0.5), (1, 1, 1))).layers["boxes"]
    other = object_table({"uid": ["urn:other"], "kind": ["Building"]})
    mesh = MeshSet.from_parts([0], [CORNERS + 9.0], [FACES])
    scene = Scene(FRAME, {"boxes": boxes, "others": Layer("others", (Batch(other, {"1": mesh}).with_bounds(),))})
    assert kinds(scene) == ["crosses"]
