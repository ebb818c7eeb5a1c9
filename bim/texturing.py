"""Worker side: the triangles of a product with the textures that its styles and items have."""

# ruff: noqa: PLC0415 - the IFC library is imported where it is used, in the worker only
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bim.entities import READ_ERRORS, attribute, list_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from bim.textures import Textures

    Floats = NDArray[np.float64]

_DEEPEST = 8
_SHELLS = ("FbsmFaces", "SbsmBoundary", "Outer")  # the engine names these rather than the item that they make


def laid(
    textures: Textures, product: Any, corners_m: Floats, items: NDArray[np.int32], styles: NDArray[np.int32]
) -> tuple[NDArray[np.int32], Floats]:
    """Return the texture of each triangle, (t,) entity numbers with 0 for none, and its (t, 3, 2) places in the image.

    Parameters
    ----------
    textures
        Those of the model.
    product
        The entity whose shape it is.
    corners_m
        (t, 3, 3) metres in its own coordinates.
    items, styles
        (t,) entity numbers of the item and of the style that each triangle comes from.
    """
    named = np.zeros(len(corners_m), np.int32)
    places = np.zeros((*corners_m.shape[:2], 2))
    for item, style in {*zip(items.tolist(), styles.tolist(), strict=True)}:
        number = textures.number(item, style)
        if not number:
            continue
        which = np.flatnonzero((items == item) & (styles == style))
        found = _placed(textures, product, item, corners_m[which], number)
        whole = np.isfinite(found).all(axis=(1, 2))
        named[which[whole]] = number
        places[which[whole]] = textures.settled(found[whole].reshape(-1, 2), number).reshape(-1, 3, 2)
    return named, places


def _placed(textures: Textures, product: Any, item: int, corners_m: Floats, number: int) -> Floats:
    """Return the places of triangles of an item, wherever the product has mapped it."""
    lying = textures.lying(item, number)
    found = np.full((*corners_m.shape[:2], 2), np.nan)
    for move in (*_moves(product, item, textures.metres), np.eye(4)):
        open_ones = np.flatnonzero(~np.isfinite(found).all(axis=(1, 2)))
        if not len(open_ones):
            break
        back = np.linalg.inv(move)
        found[open_ones] = lying.places(corners_m[open_ones] @ back[:3, :3].T + back[:3, 3])
    return found


def _moves(product: Any, item: int, metres: float) -> list[Floats]:
    """Return the (4, 4) metres by which the mapped items of a product move an item of a shape."""
    shape = attribute(product, "Representation")
    found: list[Floats] = []
    for representation in list_at(shape, "Representations") if shape is not None else ():
        found += _moves_in(representation, item, metres, 0)
    return [move for move in found if np.isfinite(move).all() and abs(np.linalg.det(move)) > 0]


def _moves_in(representation: Any, item: int, metres: float, depth: int) -> Iterator[Floats]:
    from ifcopenshell.util.placement import get_mappeditem_transformation

    for each in list_at(representation, "Items"):
        if item in (each.id(), *(shell.id() for name in _SHELLS for shell in list_at(each, name))):
            yield np.eye(4)
        elif each.is_a("IfcMappedItem") and depth < _DEEPEST:
            try:
                move = np.array(get_mappeditem_transformation(each), np.float64)
            except READ_ERRORS:
                continue
            move[:3, 3] *= metres
            inner = attribute(each.MappingSource, "MappedRepresentation")
            yield from (move @ below for below in _moves_in(inner, item, metres, depth + 1))
