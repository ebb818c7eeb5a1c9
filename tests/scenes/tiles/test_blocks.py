"""Blocks that stand for many small objects: as much area and volume, and no farther from them than they tell."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes.mesh import MeshSet
from scenes.tiles.blocks import joined_to_blocks
from scenes.tiles.boxes import fit_boxes, level_areas
from scenes.tiles.content import Content, merged
from scenes.tiles.gather import mesh_content
from scenes.tiles.simplify import Detail, simplify

if TYPE_CHECKING:
    from types import SimpleNamespace

GREY = np.array([128, 128, 128, 255], np.uint8)


def town(shapes: SimpleNamespace, count: int, seed: int, turn: float = 0.0, step_m: float = 30.0) -> Content:
    """Return houses that stand apart, all turned alike, with the sizes that tiling measures."""
    random = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(count)))
    cos, sin = np.cos(turn), np.sin(turn)
    parts = []
    for number in range(count):
        x, y = step_m * (number % side), step_m * (number // side)
        sides = tuple(random.uniform(6, 20, 2))
        parts.append(shapes.prism(x * cos - y * sin, x * sin + y * cos, sides, random.uniform(3, 25), turn))
    content = mesh_content(shapes.mesh_of(parts), 100, GREY)
    assert content is not None
    return replace(content, sizes=fit_boxes(content).size_m)


def plates(count: int) -> Content:
    """Return flat squares that all have one size."""
    side = int(np.ceil(np.sqrt(count)))
    corner = np.array([[0, 0, 0], [14, 0, 0], [14, 14, 0], [0, 14, 0]], float)
    places = [corner + np.array([20.0 * (each % side), 20.0 * (each // side), 0.0]) for each in range(count)]
    mesh = MeshSet.from_parts(list(range(count)), places, [np.array([[0, 1, 2], [0, 2, 3]])] * count)
    content = mesh_content(mesh, 0, GREY)
    assert content is not None
    return replace(content, sizes=fit_boxes(content).size_m)


def volume_m3(content: Content) -> float:
    sides = np.diff(np.stack([fit_boxes(content).low, fit_boxes(content).high]), axis=0)[0]
    return float(sides.prod(axis=1).sum())


def distance_m(places: np.ndarray, content: Content) -> np.ndarray:
    """Return how far places are from the nearest of some boxes, inside or out."""
    boxes = fit_boxes(content)
    x, y = boxes.axes.T
    found = np.full(len(places), np.inf)
    for number in range(len(boxes.low)):
        turned = np.column_stack(
            [
                places[:, 0] * x[number] + places[:, 1] * y[number],
                places[:, 1] * x[number] - places[:, 0] * y[number],
                places[:, 2],
            ]
        )
        away = np.maximum(np.maximum(boxes.low[number] - turned, turned - boxes.high[number]), 0.0)
        found = np.minimum(found, np.linalg.norm(away, axis=1))
    return found


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 400), st.integers(0, 9), st.floats(0, 1.5), st.integers(1, 60))
def test_blocks_have_the_area_and_the_volume_of_what_they_stand_for(
    shapes: SimpleNamespace, count: int, seed: int, turn: float, most: int
) -> None:
    content = town(shapes, count, seed, turn)
    blocks = joined_to_blocks(content, 10 * most, 1e9, floor=False)
    assert 1 <= len(blocks.handles) <= most
    assert set(blocks.handles) <= set(content.handles)
    assert (np.diff(blocks.handles) > 0).all()
    assert level_areas(blocks).sum() == pytest.approx(level_areas(content).sum(), rel=1e-3)
    assert volume_m3(blocks) == pytest.approx(volume_m3(content), rel=1e-3)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 200), st.integers(0, 9), st.floats(0, 1.5), st.integers(1, 40))
def test_no_place_of_a_block_is_farther_from_a_house_than_its_error_tells(
    shapes: SimpleNamespace, count: int, seed: int, turn: float, most: int
) -> None:
    content = town(shapes, count, seed, turn)
    blocks = joined_to_blocks(content, 10 * most, 1e9, floor=False)
    told = blocks.errors[blocks.owners]
    assert (distance_m(blocks.positions.astype(float), content) <= told + 1e-2).all()


def test_a_block_is_turned_like_its_houses_and_has_the_handle_of_the_greatest(shapes: SimpleNamespace) -> None:
    content = town(shapes, 36, 1, 0.4)
    block = joined_to_blocks(content, 10, 1e9, floor=False)
    assert block.handles.tolist() == [content.handles[np.argmax(content.sizes)]]
    quarter = np.pi / 2
    turn = np.arctan2(*fit_boxes(block).axes[0, ::-1]) % quarter
    assert turn == pytest.approx(0.4, abs=1e-3)
    assert block.sizes[0] == content.sizes.max()


def test_houses_that_lie_far_apart_are_not_joined(shapes: SimpleNamespace) -> None:
    content = town(shapes, 9, 1, step_m=1000.0)
    blocks = joined_to_blocks(content, 10, 200.0, floor=False)
    assert blocks.handles.tolist() == content.handles.tolist()
    assert blocks.errors.max() < 0.01


def test_blocks_of_blocks_keep_area_and_volume(shapes: SimpleNamespace) -> None:
    content = town(shapes, 400, 3)
    once = joined_to_blocks(content, 900, 1e9, floor=False)
    twice = joined_to_blocks(once, 200, 1e9, floor=False)
    assert len(twice.handles) <= 20 < len(once.handles)
    assert volume_m3(twice) == pytest.approx(volume_m3(content), rel=1e-3)
    assert twice.errors.max() >= once.errors.min()


def test_a_coarse_tile_keeps_towers_and_stands_blocks_for_the_rest(shapes: SimpleNamespace) -> None:
    low = town(shapes, 900, 5)
    high = mesh_content(
        shapes.mesh_of([shapes.prism(60.0 * each, -60, (20, 20), 150) for each in range(10)]), 2000, GREY
    )
    assert high is not None
    content = merged([low, high], low.centre)
    coarse = simplify(content, Detail(60.0, 2_000, blocks=True))
    assert set(range(2000, 2010)) <= set(coarse.handles.tolist())
    assert len(coarse.triangles) <= 2_000
    assert level_areas(coarse).sum() == pytest.approx(level_areas(content).sum(), rel=1e-3)
    bare = simplify(content, Detail(60.0, 2_000))
    assert level_areas(bare).sum() < 0.5 * level_areas(content).sum()


def test_flat_objects_become_flat_blocks_all_over_the_field() -> None:
    content = plates(10_000)
    coarse = simplify(content, Detail(60.0, 2_000, blocks=True))
    assert len(coarse.triangles) <= 2_000
    assert level_areas(coarse).sum() == pytest.approx(level_areas(content).sum(), rel=1e-3)
    middle = coarse.positions[coarse.triangles].astype(float).mean(axis=1)[:, :2]
    tenth = np.histogram2d(middle[:, 0], middle[:, 1], bins=10)[0]
    assert tenth.min() > 0.5 * tenth.mean()


def test_objects_of_one_size_are_left_out_evenly() -> None:
    coarse = simplify(plates(10_000), Detail(60.0, 4_000))
    middle = coarse.positions.astype(float)[:, :2]
    tenth = np.histogram2d(middle[:, 0], middle[:, 1], bins=10)[0]
    assert tenth.min() > 0.4 * tenth.mean()
