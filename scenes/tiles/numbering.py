"""New numbers for vertices, objects and places: what `numpy.unique` and running sums give, in less time.

Arrays of a tile are long and its objects lie one after another, so runs of equal values are found first, and sorting
need not keep the order of equals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Longs = NDArray[np.int64]


def kept(flags: Bools) -> tuple[Longs, Longs]:
    """Return the numbers of the (n,) flags that are set, and for each of those its new number, (n,).

    Examples
    --------
    >>> chosen, number = kept(np.array([False, True, True]))
    >>> chosen.tolist(), number[chosen].tolist()
    ([1, 2], [0, 1])
    """
    chosen = np.flatnonzero(flags)
    number = np.zeros(len(flags), np.int64)
    number[chosen] = np.arange(len(chosen))
    return chosen, number


def heads(values: NDArray[Any]) -> Longs:
    """Return where (n,) values differ from the one before, the first place included.

    Examples
    --------
    >>> heads(np.array([5, 5, 7, 5])).tolist()
    [0, 2, 3]
    """
    changed = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=changed[1:])
    return np.flatnonzero(changed)


def lengths(starts: Longs, count: int) -> Longs:
    """Return how long runs are that begin at some places of `count`."""
    return np.diff(starts, append=count)


def distinct(values: NDArray[Any]) -> tuple[NDArray[Any], Longs]:
    """Return the different values, ascending, and the place of each value among them.

    Examples
    --------
    >>> [each.tolist() for each in distinct(np.array([7, 7, 3, 3, 7]))]
    [[3, 7], [1, 1, 0, 0, 1]]
    """
    starts = heads(values)
    shown = values.take(starts)
    if not (shown[1:] > shown[:-1]).all():
        shown, place = np.unique(shown, return_inverse=True)
        return shown, place.repeat(lengths(starts, len(values)))
    return shown, np.arange(len(shown)).repeat(lengths(starts, len(values)))


def ascending(values: NDArray[Any]) -> Longs | None:
    """Return the order in which (n,) values ascend, equals as they stand; None where they do already.

    Runs of equal values are moved as a whole.

    Examples
    --------
    >>> ascending(np.array([5, 5, 2, 2, 2])).tolist(), ascending(np.array([1, 1, 2]))
    ([2, 3, 4, 0, 1], None)
    """
    starts = heads(values)
    shown = values.take(starts)
    if (shown[1:] >= shown[:-1]).all():
        return None
    runs = np.argsort(shown, kind="stable")
    sizes = lengths(starts, len(values)).take(runs)
    begins = np.zeros(len(runs), np.int64)
    np.cumsum(sizes[:-1], out=begins[1:])
    order = (starts.take(runs) - begins).repeat(sizes)
    order += np.arange(len(values))
    return order


def some_of_each(keys: NDArray[Any]) -> tuple[Longs, Longs]:
    """Return the place of one of each different key, by ascending key, and the number of each key among them.

    Examples
    --------
    >>> keys = np.array([9, 4, 9])
    >>> one, number = some_of_each(keys)
    >>> keys[one].tolist(), number.tolist()
    ([4, 9], [1, 0, 1])
    """
    order = np.argsort(keys)
    starts = heads(keys.take(order))
    number = np.empty(len(keys), np.int64)
    number[order] = np.arange(len(starts)).repeat(lengths(starts, len(keys)))
    return order.take(starts), number
