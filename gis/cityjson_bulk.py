"""Many geometries of CityJSON at once: nested lists of one shape become flat arrays without loops in Python."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from scenes.semantics import surface_code

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]

TROUBLES = (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError)  # Arrow's are among them


@dataclass(frozen=True, slots=True)
class Given:
    """A geometry, the row, the key and the kind of its object."""

    geometry: dict[str, Any]
    row: int
    key: str
    kind: str


@dataclass(frozen=True, eq=False)
class Part:
    """Surfaces of several geometries.

    Parameters
    ----------
    numbers, lengths, counts
        Vertices of all rings, vertices of each ring, rings of each surface.
    rows, looks
        Row of the object and number of the look of each surface.
    firsts
        (m, 2) first vertex and first surface of each geometry.
    owners
        Whose each geometry is.
    """

    numbers: Integers
    lengths: Integers
    counts: Integers
    rows: Integers
    looks: Integers
    firsts: Integers
    owners: list[str]


def part_of(
    given: Sequence[Given],
    depth: int,
    material_of: Callable[[Any], Any],
    alike: Integers,
    look_of: Callable[[int, int, str], int],
) -> Part:
    """Return the surfaces of geometries of one depth.

    Parameters
    ----------
    depth
        How many lists lie around the surfaces of a geometry.
    material_of
        Returns what the theme in use says of the ``material`` of a geometry, as a mapping.
    alike
        The first material that looks like each one.
    look_of
        Returns the number of a look by code of the surface, number of the material (-1 = none), kind.

    Raises
    ------
    TypeError, ValueError, KeyError, AttributeError
        When one of them is not well formed.
    """
    surfaces, shells, per_geometry = _opened([each.geometry["boundaries"] for each in given], depth)
    rings = list(itertools.chain.from_iterable(surfaces))
    lengths = _lengths(rings)
    numbers = _integers(list(itertools.chain.from_iterable(rings)))
    counts = _lengths(surfaces)
    owner = np.repeat(np.arange(len(given)), per_geometry)
    codes = _codes(given, depth, (shells, per_geometry), owner)
    materials = _materials([material_of(each.geometry.get("material")) for each in given], depth,
                           (shells, per_geometry), owner)  # fmt: skip
    known = (materials >= 0) & (materials < len(alike))
    materials[known] = alike[materials[known]]
    materials[~known] = -1
    kinds = {kind: place for place, kind in enumerate(dict.fromkeys(each.kind for each in given))}
    kind = np.array([kinds[each.kind] for each in given], np.int64)[owner]
    names = list(kinds)
    marks, which = np.unique((kind << 48) | (codes << 40) | (materials + 1), return_inverse=True)
    looks = [look_of(mark >> 40 & 0xFF, (mark & 0xFFFFFFFFFF) - 1, names[mark >> 48]) for mark in marks.tolist()]
    before = np.concatenate([[0], np.cumsum(per_geometry)])[:-1]
    ring_ends = np.concatenate([[0], np.cumsum(counts)])
    number_ends = np.concatenate([[0], np.cumsum(lengths)])
    rows = np.array([each.row for each in given], np.int64)[owner]
    firsts = np.column_stack([number_ends[ring_ends[before]], before])
    keys = [each.key for each in given]
    return Part(numbers, lengths, counts, rows, np.array(looks, np.int64)[which.reshape(-1)], firsts, keys)


def _opened(lists: list[Any], depth: int) -> tuple[list[Any], Integers, Integers]:
    """Return what lies so many lists deep, how many of it each innermost list has, and each outermost."""
    innermost = per_list = _lengths(lists)
    items = list(itertools.chain.from_iterable(lists))
    for _ in range(depth):
        innermost = _lengths(items)
        edges = np.concatenate([[0], np.cumsum(innermost)])
        ends = np.cumsum(per_list)
        per_list = edges[ends] - edges[ends - per_list]
        items = list(itertools.chain.from_iterable(items))
    return items, innermost, per_list


def _lengths(lists: list[Any]) -> Integers:
    if set(map(type, lists)) - {list}:
        raise TypeError("something else where a list must be")
    return np.fromiter(map(len, lists), np.int64, len(lists))


def _integers(values: list[Any]) -> Integers:
    """Return whole numbers, -1 where there is none."""
    if set(map(type, values)) - {int, type(None)}:
        raise TypeError("something else than whole numbers")
    array = pa.array(values, pa.int64())
    return np.asarray(array.fill_null(-1) if array.null_count else array)


def _values(lists: list[Any], depth: int, shape: tuple[Integers, Integers], owner: Integers) -> Integers:
    """Return the value of each surface from nested lists like those of the surfaces; -1 where a list is missing."""
    shells, per_geometry = shape
    has = np.array([each is not None for each in lists], bool)
    if not has.any():
        return np.full(len(owner), -1, np.int64)
    items, inner, counts = _opened([each for each in lists if each is not None], depth)
    if depth:
        shell_owner = np.searchsorted(np.cumsum(per_geometry), np.cumsum(shells) - shells, side="right")
        if not has.all() and (shells == 0).any():
            raise ValueError("a shell without surfaces")
        shells = shells[has[np.minimum(shell_owner, len(has) - 1)]]
    if not np.array_equal(counts, per_geometry[has]) or (depth and not np.array_equal(inner, shells)):
        raise ValueError("values that do not fit the surfaces")
    found = np.full(len(owner), -1, np.int64)
    found[has[owner]] = _integers(items)
    return found


def _codes(given: Sequence[Given], depth: int, shape: tuple[Integers, Integers], owner: Integers) -> Integers:
    """Return the code of each surface."""
    said = [each.geometry.get("semantics") or {} for each in given]
    named = [each.get("surfaces") or [] for each in said]
    sizes = _lengths(named)
    codes = np.array([_code(each.get("type", "")) for each in itertools.chain.from_iterable(named)], np.int64)
    values = _values([each.get("values") for each in said], depth, shape, owner)
    good = (values >= 0) & (values < sizes[owner])
    found = np.zeros(len(owner), np.int64)
    found[good] = codes[((np.cumsum(sizes) - sizes)[owner] + values)[good]]
    return found


def _materials(said: list[Any], depth: int, shape: tuple[Integers, Integers], owner: Integers) -> Integers:
    values = [None if each.get("value") is not None else each.get("values") for each in said]
    found = _values(values, depth, shape, owner)
    whole = _integers([each.get("value") for each in said])
    return np.where(whole[owner] >= 0, whole[owner], found)


@lru_cache(maxsize=1_024)
def _code(name: Any) -> int:
    return surface_code(str(name))
