"""How far down the levels of an octree of points are read: as close as is asked for, of the web as many as may come."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from gis.cloudfiles import is_web

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scenes.problems import Problems
    from scenes.sources import Source

MOST_POINTS = 20_000_000
"""Of one source of the web."""
Node = TypeVar("Node")


def chosen(
    nodes: Iterable[tuple[int, Node, int]], spacing: float, source: Source, problems: Problems
) -> Iterator[Node]:
    """Yield the nodes of whole levels, the coarse ones first; what is left out is told.

    Parameters
    ----------
    nodes
        Level, node and number of its points.
    spacing
        Between the points of the coarsest level, in units of the plan; halved from level to level.
    source
        Says how close the points shall be (`max_error_m`).
    problems
        Gets what is left out.
    """
    if not is_web(source) and not source.max_error_m:
        yield from (node for _, node, _ in nodes)
        return
    levels: dict[int, list[tuple[Node, int]]] = {}
    for depth, node, points in nodes:
        levels.setdefault(depth, []).append((node, points))
    taken = left = 0
    apart = spacing
    for depth in sorted(levels):
        size = sum(points for _, points in levels[depth])
        fits = not is_web(source) or not taken or taken + size <= MOST_POINTS
        if left or not fits or (taken and apart <= source.max_error_m):
            left += size
            continue
        taken += size
        apart = spacing / 2**depth
        yield from (node for node, _ in levels[depth])
    if left:
        what = f"{left:,} points are left out: those that are read lie {apart:.3g} units apart"
        problems.add("info", source.shown, "points-coarser", what, "name a folder with a copy, or another --max-error")
