"""Coarse levels: boxes for solids, clustered vertices for surfaces, and only as many objects as fit.

Every step adds what it changed to the error of the object, so that the geometric error of a tile is
measured and not assumed. The source of the clustering: Rossignac and Borrel, 1993.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np

from scenes.tiles.blocks import joined_to_blocks
from scenes.tiles.boxes import BOX_VERTICES, box_triangles, fit_boxes
from scenes.tiles.centrelines import missed_m, with_centre_lines
from scenes.tiles.content import by_owner, empty_content, merged
from scenes.tiles.numbering import distinct, heads, some_of_each
from scenes.tiles.paint import charts, compacted
from scenes.tiles.shell import LEAST_OBJECTS, SEEN_SHARE, seen_from_outside

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from scenes.tiles.boxes import Boxes
    from scenes.tiles.content import Bools, Content, Floats, Longs, Placements
    from scenes.tiles.paint import Paint

BOX_TRIANGLES = 10
SHAPE_TRIANGLES = 20  # of a simplified object, about
FINEST_SHARE = 32  # of a cell: shapes are not simplified less than this
CLUSTER_TRIANGLES = 24  # objects with fewer triangles are kept as they are
GRID_SHIFT = 0.37  # of a cell, so that round coordinates do not lie on the border between two cells
FLAT_SHARE = 0.25  # of an object's size counts as an error where it gives its images up
KEPT_AREA = 0.6  # clustering that loses more of an object's area than this leaves is not used
INSTANCE_COST = 8
BLOCK_SHARE = 0.5  # of what a tile may cost, at most, for blocks
BLOCK_CELLS = 4  # times `cell_m` is the widest cell whose objects become one block
NARROW_SHARE = 1 / 4  # of `cell_m`: ribbons that are narrower become lines
RANK_STEPS = 32  # of sizes, from one to its double: within a step objects are equals
CLUSTER_TRIES = 4
CLUSTER_GAIN = 0.9  # a try that leaves more of the cost than this was the last one
CLUSTER_STEP = (1.5, 4.0)  # least and greatest growth of the cell from one try to the next


@dataclass(frozen=True, slots=True)
class Detail:
    """How much a coarse tile may hold.

    Parameters
    ----------
    cell_m
        Greatest deviation of a box, and the distance between clustered vertices, which grows if they do not fit.
    triangles
        Drawing cost at most, where one object alone does not exceed it.
    floor
        Whether boxes need a bottom, because they can be seen from below.
    level
        Whether heights play no part in clustering, as for a terrain.
    shell
        Whether what cannot be seen from outside is left out, as of a building model.
    blocks
        Whether objects that do not fit are joined to blocks instead of left out.
    lines
        Whether narrow ribbons, such as roads, become lines.
    """

    cell_m: float
    triangles: int
    floor: bool = False
    level: bool = False
    shell: bool = False
    blocks: bool = False
    lines: bool = False


def simplify(content: Content, detail: Detail) -> Content:
    """Return a coarser content with `error_m` and `errors` raised by what was changed."""
    content = _shell(content) if detail.shell else content
    content = with_centre_lines(content, NARROW_SHARE * detail.cell_m) if detail.lines else content
    placements, lost = _thinned(content.placements, detail)
    error = max(content.error_m, lost)
    if not len(content.handles):
        return replace(content, placements=placements, error_m=error)
    reduced = _reduced(content, detail)
    costs = reduced.costs()
    joinable = _joinable(reduced, costs) if detail.blocks else np.zeros(len(costs), np.bool_)
    for_blocks = _for_blocks(int(costs.sum()), detail.triangles) if joinable.any() else 0
    keep = _ranked(costs, reduced.sizes, reduced.handles, detail.triangles - for_blocks)
    gone = ~keep & ~joinable
    missed = missed_m(reduced, keep) if detail.lines and gone.any() else reduced.sizes
    error = max(error, float(np.max(missed[gone] + reduced.errors[gone], initial=0.0)))
    kept = reduced.selected(keep)
    if (~keep & joinable).any():
        few = reduced.selected(~keep & joinable)
        widest_m = BLOCK_CELLS * detail.cell_m
        kept = merged([kept, joined_to_blocks(few, for_blocks, widest_m, floor=detail.floor)], reduced.centre)
    error = max(error, float(kept.errors.max(initial=0.0)))
    return replace(kept, placements=placements, error_m=error)


def _joinable(content: Content, costs: Longs) -> Bools:
    """Return which objects have triangles and nothing else."""
    triangles = np.bincount(content.owners.take(content.triangles[:, 0]), minlength=len(costs))
    return cast("Bools", (triangles > 0) & (triangles == costs))


def _for_blocks(cost: int, limit: int) -> int:
    """Return how much of a limit is for blocks: four objects a block as long as that leaves the greater half alone."""
    return int(min(limit * BLOCK_SHARE, max(cost - limit, 0) / 3))


def _shell(content: Content) -> Content:
    """Return what can be seen of a content from outside; what is left out counts as an error as far as it is seen."""
    if len(content.handles) + sum(map(len, content.placements)) < LEAST_OBJECTS:
        return content
    shares, placed = seen_from_outside(content)
    lost = [content.error_m]
    kept = []
    for each, mine in zip(content.placements, placed, strict=True):
        hidden = mine < SEEN_SHARE
        lost.append(float((each.heights_m() * 2 * mine)[hidden].max(initial=0.0)))
        kept.append(each.taken(~hidden))
    inner = content.selected(shares < SEEN_SHARE)
    if len(inner.positions):
        lost.append(float((fit_boxes(inner).size_m * 2 * shares[shares < SEEN_SHARE]).max(initial=0.0)))
    shell = content.selected(shares >= SEEN_SHARE)
    return replace(shell, placements=tuple(each for each in kept if len(each)), error_m=max(lost))


def cluster(content: Content, cell_m: float, *, level: bool = False) -> Content:
    """Return the content with the vertices of each object that share a cell of a grid joined to their mean.

    Vertices of different colours stay apart. On a level surface (a terrain) they do not, and all objects that share a
    cell have the same vertex there, so that no gap opens between them. `errors` grow by the greatest move of a vertex
    of the object.
    """
    cells = np.floor((content.positions.astype(np.float64) + content.centre) / cell_m + GRID_SHIFT).astype(np.int64)
    colour = np.ascontiguousarray(content.colours).view(np.uint32)[:, 0]
    _, tint = distinct(colour)
    shared = [cells[:, 0], cells[:, 1]] if level else [content.owners, tint, *cells.T]
    place = _numbered(*shared)
    mean = _means(content.positions, place)
    apart = [] if content.paint is None else [charts(content)]  # what is apart in the image stays apart, at one place
    one, member = some_of_each(_key(place, content.owners, *apart))
    mean = mean.take(place.take(one), axis=0)
    move = np.linalg.norm(mean.take(member, axis=0) - content.positions, axis=1)
    errors = content.errors.copy()
    starts = heads(content.owners)
    errors[content.owners.take(starts)] += np.maximum.reduceat(move, starts)
    normals = None if content.normals is None else _mean_normals(content.normals, member)
    triangles = member.take(content.triangles)
    whole = _whole(triangles)
    clustered = replace(
        content,
        positions=mean.astype(np.float32),
        owners=content.owners.take(one),
        colours=np.rint(_means(content.colours, member)).astype(np.uint8)
        if level
        else content.colours.take(one, axis=0),
        normals=normals,
        triangles=triangles.take(np.flatnonzero(whole), axis=0),
        lines=member.take(content.lines)[_whole(member.take(content.lines))],
        points=np.unique(member[content.points]),
        errors=errors,
        paint=None if content.paint is None else _clustered_paint(content.paint, member, whole),
    )
    return by_owner(clustered)


def _numbered(*parts: Longs) -> Longs:
    """Return a number for each row of several columns of whole numbers, the same for equal rows, without gaps."""
    return some_of_each(_key(*parts))[1]


def _key(*parts: Longs) -> Longs:
    """Return a key for each row of several columns of whole numbers, the same for equal rows."""
    key = np.zeros(len(parts[0]), np.int64)
    for part in parts:
        low = int(part.min(initial=0))
        key = key * (int(part.max(initial=0)) - low + 1) + (part - low)
        if int(key.max(initial=0)) > 1 << 40:  # the next column might not fit beside it
            _, key = some_of_each(key)
    return key


def _means(values: NDArray[np.generic], member: Longs) -> Floats:
    """Return the mean of the (n, k) values of each cluster."""
    share = 1.0 / np.bincount(member)
    return np.stack([np.bincount(member, column) * share for column in values.T], axis=1)


def _clustered_paint(paint: Paint, member: Longs, whole: Bools) -> Paint | None:
    return compacted(_means(paint.uvs, member).astype(np.float32), paint.named[whole], paint.images)


def _reduced(content: Content, detail: Detail) -> Content:
    """Return every object in its cheapest form within the detail, and with its size measured."""
    count = len(content.handles)
    triangles = np.bincount(content.owners.take(content.triangles[:, 0]), minlength=count)
    costs = content.costs()
    thin = costs > triangles  # has segments or points
    many = triangles > BOX_TRIANGLES
    unknown = np.flatnonzero(many | thin | np.isnan(content.sizes))
    if not len(unknown):
        return content
    boxes = fit_boxes(content.selected(_flags(unknown, count)))
    size = np.where(triangles[unknown] > 0, boxes.size_m, np.maximum(boxes.length_m, detail.cell_m))
    sizes = content.sizes.copy()
    sizes[unknown] = np.fmax(sizes[unknown], size)
    tolerance_m = _tolerance(sizes, detail)
    boxes = replace(boxes, error_m=np.maximum(boxes.error_m, _flatness(content, boxes.size_m, unknown)))
    fits = (boxes.error_m <= tolerance_m) & (many & ~thin)[unknown] & (not detail.level)
    boxed = _flags(unknown[fits], count)
    dense = ~boxed & ((costs > CLUSTER_TRIANGLES) | detail.level)
    measured = replace(content, sizes=sizes)
    parts = [
        measured.selected(~boxed & ~dense),
        _boxed(measured, boxes.taken(np.flatnonzero(fits)), unknown[fits], floor=detail.floor),
    ]
    if dense.any():
        parts.append(_clustered(measured.selected(dense), detail, tolerance_m))
    return merged(parts, content.centre)


def _flatness(content: Content, size_m: Floats, chosen: Longs) -> Floats:
    """Return what it counts that objects of some sizes lose their images, 0 for those that have none."""
    if content.paint is None:
        return np.zeros(len(chosen))
    painted = content.owners[content.triangles[content.paint.named >= 0, 0]]
    return np.isin(chosen, painted) * FLAT_SHARE * size_m


def _tolerance(sizes: Floats, detail: Detail) -> float:
    """Return how coarse shapes may become: half as much as the objects that have to be left out are large."""
    if detail.level:
        return detail.cell_m
    affordable = detail.triangles // SHAPE_TRIANGLES
    largest_left_out = np.sort(sizes)[-affordable - 1] if affordable < len(sizes) else 0.0
    return float(np.clip(largest_left_out / 2, detail.cell_m / FINEST_SHARE, detail.cell_m))


def _flags(numbers: Longs, count: int) -> Bools:
    flags = np.zeros(count, np.bool_)
    flags[numbers] = True
    return flags


def _boxed(content: Content, boxes: Boxes, chosen: Longs, *, floor: bool) -> Content:
    """Return boxes in place of the chosen objects."""
    return replace(
        empty_content(content.centre),
        positions=boxes.corners(),
        owners=np.repeat(np.arange(len(chosen)), BOX_VERTICES),
        triangles=box_triangles(len(chosen), floor=floor),
        colours=boxes.colours(),
        handles=content.handles[chosen],
        errors=content.errors[chosen] + boxes.error_m,
        sizes=content.sizes[chosen],
    )


def _clustered(content: Content, detail: Detail, cell_m: float) -> Content:
    """Return dense objects clustered, coarser until they fit; those that would dissolve stay as they are.

    The triangles of a surface go with the square of the cell, so each try aims at what is still too much. Coarser
    is not always cheaper, since more objects would dissolve: the cheapest try counts.
    """
    area = _areas(content)
    cheapest, least = content, np.inf
    for _ in range(CLUSTER_TRIES):
        coarse = cluster(content, cell_m, level=detail.level)
        whole = _areas(coarse) > 0 if detail.level else _areas(coarse) >= KEPT_AREA * area
        left = [] if detail.level else [content.selected(~whole)]
        result = merged([coarse.selected(whole), *left], content.centre)
        cost = int(result.costs().sum())
        gained = cost < least * CLUSTER_GAIN
        if cost < least:
            cheapest, least = result, cost
        if cost <= detail.triangles or not whole.any() or not gained:
            break
        cell_m *= float(np.clip(np.sqrt(cost / detail.triangles), *CLUSTER_STEP))
    return cheapest


def _ranked(costs: Longs, size: Floats, handles: Longs, limit: int) -> Bools:
    """Return which objects fit, the greatest first; equals are chosen evenly by a hash of their handle."""
    step = np.floor(RANK_STEPS * np.log2(np.maximum(size, 1e-3)))
    order = np.lexsort((_hash(handles), -step))
    fits = np.cumsum(costs[order]) <= limit
    fits[:1] = True
    keep = np.zeros(len(costs), np.bool_)
    keep[order] = fits
    return keep


def _thinned(placements: tuple[Placements, ...], detail: Detail) -> tuple[tuple[Placements, ...], float]:
    """Return the greatest placements and the height of the greatest one that was left out."""
    if not placements:
        return (), 0.0
    heights = np.concatenate([each.heights_m() for each in placements])
    rounded = np.rint(heights)  # trees of nearly the same height are chosen evenly
    serial = np.arange(len(heights), dtype=np.int64)
    keep = _ranked(np.full(len(heights), INSTANCE_COST, np.int64), rounded, serial, detail.triangles // 2)
    ends = np.cumsum([len(each) for each in placements])[:-1]
    parts = np.split(keep, ends)
    kept = tuple(each.taken(part) for each, part in zip(placements, parts, strict=True) if part.any())
    return kept, float(heights[~keep].max(initial=0.0))


def _whole(indices: Longs) -> Bools:
    """Return which triangles or segments have corners that are all different."""
    whole = indices[:, 0] != indices[:, -1]
    for column in range(indices.shape[1] - 1):
        whole &= indices[:, column] != indices[:, column + 1]
    return cast("Bools", whole)


def _areas(content: Content) -> Floats:
    """Return the area of the triangles and the length of the segments of each object."""
    columns = np.ascontiguousarray(content.positions.T, dtype=np.float64)
    a, b, c = content.triangles.T
    foot = columns.take(a, axis=1)
    ux, uy, uz = columns.take(b, axis=1) - foot
    vx, vy, vz = columns.take(c, axis=1) - foot
    area = np.sqrt((uy * vz - uz * vy) ** 2 + (uz * vx - ux * vz) ** 2 + (ux * vy - uy * vx) ** 2) / 2
    ends = content.positions.take(content.lines, axis=0).astype(np.float64)
    length = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    count = len(content.handles)
    total = np.bincount(content.owners.take(a), area, minlength=count)
    return cast("Floats", total + np.bincount(content.owners[content.lines[:, 0]], length, minlength=count))


def _mean_normals(normals: NDArray[np.float32], member: Longs) -> NDArray[np.float32]:
    sums = np.stack([np.bincount(member, normals[:, axis]) for axis in range(3)], axis=1)
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    up = np.array([0.0, 0.0, 1.0])
    return np.where(length > 1e-6, sums / np.where(length > 0, length, 1.0), up).astype(np.float32)


def _hash(values: Longs) -> NDArray[np.uint64]:
    """Return well mixed numbers, the same for the same values (Knuth's multiplicative hash)."""
    mixed = values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return mixed ^ (mixed >> np.uint64(29))
