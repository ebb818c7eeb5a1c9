"""Models of one project: which files of a build belong together, so that one decision holds for all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyproj

from bim.files import is_ifc
from bim.hypotheses import Statements, at_crs, statements_of
from bim.outline import Outline
from bim.sites import NO_NORTH
from bim.statement import Georeferenced
from scenes.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scenes.georeference import Georeference
    from scenes.sources import Source

_SAME_M = 5.0
_FAR_M = 50.0
_OVERLAP = 0.5
_LEAST_SIZE_M = 1.0
_SAME_RAD = math.radians(0.2)
_GEOD = pyproj.Geod(ellps="WGS84")


@dataclass(frozen=True, eq=False)
class Member:
    """A file with what it says."""

    source: Source
    said: Statements

    @property
    def name(self) -> str:
        """The file's name."""
        return self.source.file.name


@dataclass(frozen=True, eq=False)
class Family:
    """Files that lie in one frame, in the order of the sources.

    Parameters
    ----------
    members
        The files; at least one.
    """

    members: tuple[Member, ...]

    @property
    def outline(self) -> Outline:
        """Points of all members, which share their origin."""
        return Outline(np.concatenate([member.said.outline.points_m for member in self.members]))

    def stated(self, frame: Georeference | None, mine: Member) -> list[Georeferenced]:
        """Return what the members and their user say, without repetitions; others than `mine` are named."""
        found: list[Georeferenced] = []
        for member in self.members:
            for each in stated_by(member, frame):
                if not any(same_place(each, other) and each.method == other.method for other in found):
                    whose = "" if member == mine else f"as {member.name} says"
                    found.append(replace(each, detail=each.detail or whose))
        return found


def stated_by(member: Member, frame: Georeference | None) -> tuple[Georeferenced, ...]:
    """Return what a file says, or what its user says instead."""
    source = member.source
    if source.place is not None and frame is not None:
        at = source.place
        turn = math.radians(at.angle_deg)
        said = f"where you put {member.name}"
        return (Georeferenced(frame.crs, at.easting_m, at.northing_m, at.height_m, turn, detail=said),)
    return at_crs(member.said, source.crs) if source.crs else member.said.found


def same_place(first: Georeferenced, second: Georeferenced) -> bool:
    """Say whether two statements mean the same place and turn, give or take what rounding does."""
    return apart_m(first, second) <= _SAME_M and _turned(first, second) <= _SAME_RAD


def apart_m(first: Georeferenced, second: Georeferenced) -> float:
    """Return the distance between the places that two statements give a model, metres; infinite if one has none."""
    here, there = first.lonlat(), second.lonlat()
    return math.inf if here is None or there is None else float(_GEOD.inv(*here, *there)[2])


def _turned(first: Georeferenced, second: Georeferenced) -> float:
    """Return the angle between the x axes of two statements on the ground, radians."""
    turns = []
    for each in (first, second):
        ahead = replace(each, centre_m=(each.centre_m[0] + 100.0, *each.centre_m[1:]))
        here, there = each.lonlat(), ahead.lonlat()
        if here is None or there is None:
            return math.inf
        turns.append(_GEOD.inv(*here, *there)[0])
    return math.radians(abs((turns[0] - turns[1] + 180.0) % 360.0 - 180.0))


def family_of(source: Source, sources: Sequence[Source]) -> Family:
    """Return the files of a build that lie in one frame with `source`, itself included.

    Raises
    ------
    SourceError
        When the file itself cannot be opened.
    """
    mine = Member(source, statements_of(source.file))
    others = [member for each in sources if each != source and (member := _member(each)) is not None]
    order = {id(each): place for place, each in enumerate(sources)}
    found, waiting = [mine], [mine]
    while waiting:
        known = waiting.pop()
        for other in list(others):
            if belongs(known.said, other.said):
                others.remove(other)
                found.append(other)
                waiting.append(other)
    found.sort(key=lambda member: (order.get(id(member.source), -1), member.source.path))
    return Family(tuple(found))


def _member(source: Source) -> Member | None:
    if source.is_remote or not source.file.is_file() or not is_ifc(source.file):
        return None
    try:
        return Member(source, statements_of(source.file))
    except SourceError:
        return None


def belongs(first: Statements, second: Statements) -> bool:
    """Say whether two files lie in one frame.

    They do when they say the same place, or when they carry the GlobalIds of the same project and site and nothing
    that was placed on purpose contradicts; defaults of authoring tools are no contradiction. A file that nobody
    placed also joins a placed one by its coordinates (`_share_coordinates`).
    """
    if not first.project or not second.project:
        return False
    same_project = first.project == second.project and first.site == second.site
    mine, yours = _deliberate(first), _deliberate(second)
    if any(a.method == b.method and not _agree(a, b) for a in mine for b in yours):
        return False
    if not mine and not yours:
        return same_project and [each.detail for each in first.found] == [each.detail for each in second.found]
    if same_project or any(a.method == b.method for a in mine for b in yours):
        return True
    return bool(mine) != bool(yours) and _share_coordinates(first, second)


def _share_coordinates(first: Statements, second: Statements) -> bool:
    """Say whether the coordinates of two files are of one grid.

    They overlap in plan, by half of the smaller one, and either the project or the site is the same, or both lie far
    from zero for their size, where drawings of different projects do not meet by chance.
    """
    boxes = [each.outline.box() for each in (first, second)]
    if any(box is None for box in boxes):
        return False
    (low, high), (south_west, north_east) = (box for box in boxes if box is not None)
    sizes = [np.maximum(upper - lower, _LEAST_SIZE_M) for lower, upper in ((low, high), (south_west, north_east))]
    common = np.clip(np.minimum(high, north_east) - np.maximum(low, south_west), 0.0, None)
    if not common.prod() >= _OVERLAP * min(size.prod() for size in sizes):
        return False
    if first.project == second.project or (first.site and first.site == second.site):
        return True
    away = [np.hypot(*np.clip(lower, 0.0, None) + np.clip(-upper, 0.0, None))
            for lower, upper in ((low, high), (south_west, north_east))]  # fmt: skip
    return all(far >= max(_FAR_M, float(size.max())) for far, size in zip(away, sizes, strict=True))


def _agree(first: Georeferenced, second: Georeferenced) -> bool:
    """Say whether two statements mean the same place; what one does not say about true north is no contradiction."""
    silent = any(rule == NO_NORTH for each in (first, second) for rule, _ in each.remarks)
    return same_place(first, second) or (silent and apart_m(first, second) <= _SAME_M)


def _deliberate(said: Statements) -> list[Georeferenced]:
    return [each for each in said.found if each.method != "tool-default"]
