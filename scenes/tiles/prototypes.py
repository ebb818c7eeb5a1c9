"""Coarse levels of what is placed many times: a prototype of many triangles is simplified once, then written out.

Light ones (trees, lamps) stay prototypes at every level; a leaf always draws prototypes as they are.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from scenes.tiles.content import by_owner, empty_content, merged
from scenes.tiles.gather import mesh_content
from scenes.tiles.simplify import SHAPE_TRIANGLES, Detail, simplify

if TYPE_CHECKING:
    from scenes.tiles.content import Content, Floats, Placements

HEAVY_TRIANGLES = 200
_WHITE = np.full(4, 255, np.uint8)


def written_out(content: Content, detail: Detail) -> Content:
    """Return the content with its heavy prototypes as ordinary objects, simplified; their errors say how much.

    Each prototype gets an equal part of what the tile may cost.
    """
    heavy = [each for each in content.placements if _is_heavy(each)]
    if not heavy:
        return content
    share = max(SHAPE_TRIANGLES, detail.triangles // max(1, sum(map(len, content.placements))))
    own = replace(detail, triangles=share)
    light = tuple(each for each in content.placements if not _is_heavy(each))
    parts = [replace(content, placements=light), *(_repeated(each, content.centre, own) for each in heavy)]
    return merged(parts, content.centre)


def _is_heavy(each: Placements) -> bool:
    return len(each.prototype.triangles) > HEAVY_TRIANGLES and not each.prototype.images


def _repeated(each: Placements, centre: Floats, detail: Detail) -> Content:
    """Return the simplified prototype at each of its places."""
    shape = mesh_content(replace(each.prototype, rows=np.zeros(1, np.uint32)), 0, _WHITE)
    if shape is None:
        return empty_content(centre)
    shape = simplify(shape, detail)
    count, size = len(each), len(shape.positions)
    shift = np.repeat(np.arange(count) * size, len(shape.triangles))[:, None]
    handles, owners = np.unique(each.handles, return_inverse=True)
    greatest = np.abs(each.scales.astype(np.float64)).max(axis=1, initial=0.0)
    errors, sizes = np.zeros(len(handles)), np.zeros(len(handles))
    np.maximum.at(errors, owners, shape.errors[0] * greatest)
    np.maximum.at(sizes, owners, shape.sizes[0] * greatest)
    repeated = replace(
        empty_content(centre),
        positions=each.placed(shape.positions + shape.centre).reshape(-1, 3).astype(np.float32),
        owners=np.repeat(owners, size),
        triangles=np.tile(shape.triangles, (count, 1)) + shift,
        colours=np.tile(shape.colours, (count, 1)),
        handles=handles,
        errors=errors,
        sizes=sizes,
        normals=None if shape.normals is None else each.turned(shape.normals).reshape(-1, 3).astype(np.float32),
    )
    return by_owner(repeated)
