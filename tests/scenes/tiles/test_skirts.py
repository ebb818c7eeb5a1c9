from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from scenes.tiles.gather import mesh_content
from scenes.tiles.skirts import rim_edges, with_skirt

if TYPE_CHECKING:
    from types import SimpleNamespace

GREY = np.array([128, 128, 128, 255], np.uint8)


def test_a_skirt_hangs_below_the_rim_and_nowhere_else(shapes: SimpleNamespace) -> None:
    content = mesh_content(shapes.hills(10, 1000.0), 5, GREY)
    assert content is not None
    dressed = with_skirt(content, 7.0)
    assert len(rim_edges(content.triangles, len(content.positions))) == 40
    assert len(dressed.positions) == len(content.positions) + 40
    assert len(dressed.triangles) == len(content.triangles) + 80
    added = dressed.positions[len(content.positions) :] + np.array([0, 0, 7])
    inside = np.abs(added[:, :2]).max(axis=1)
    np.testing.assert_allclose(inside, 500, atol=1e-3)
    assert (dressed.owners == 0).all()


def test_a_closed_surface_has_no_rim() -> None:
    tetrahedron = np.array([[0, 1, 2], [0, 3, 1], [1, 3, 2], [2, 3, 0]])
    assert len(rim_edges(tetrahedron, 4)) == 0


def test_loose_triangles_get_no_skirt(shapes: SimpleNamespace) -> None:
    content = mesh_content(shapes.hills(4, 100.0, smooth=False), 0, GREY)
    assert content is not None
    corners = content.triangles.ravel()
    loose = replace(
        content,
        positions=content.positions[corners],
        owners=content.owners[corners],
        colours=content.colours[corners],
        triangles=np.arange(len(corners)).reshape(-1, 3),
    )
    assert with_skirt(loose, 5.0) is loose
