"""Numbers for vertices and objects are those that numpy gives by sorting."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scenes.tiles.numbering import ascending, distinct, heads, kept, lengths, some_of_each

NUMBERS = st.lists(st.integers(0, 9), max_size=40).map(lambda each: np.array(each, np.int64))
"""Few values and many repeats, so that there are runs."""


@settings(deadline=None)
@given(NUMBERS)
def test_distinct_values_are_those_of_unique(values: np.ndarray) -> None:
    wanted = np.unique(values, return_inverse=True)
    for each in (values, np.sort(values)):
        shown, place = distinct(each)
        assert np.array_equal(shown, wanted[0])
        assert np.array_equal(shown[place], each)


@settings(deadline=None)
@given(NUMBERS)
def test_the_order_of_ascending_values_keeps_equals_as_they_stand(values: np.ndarray) -> None:
    order = ascending(values)
    wanted = np.argsort(values, kind="stable")
    assert np.array_equal(np.arange(len(values)) if order is None else order, wanted)


@settings(deadline=None)
@given(NUMBERS)
def test_one_of_each_key_and_its_number_are_found(values: np.ndarray) -> None:
    one, number = some_of_each(values)
    assert np.array_equal(values[one], np.unique(values))
    assert np.array_equal(values[one][number], values)


@settings(deadline=None)
@given(NUMBERS)
def test_runs_cover_all_values(values: np.ndarray) -> None:
    starts = heads(values)
    assert np.array_equal(values[starts].repeat(lengths(starts, len(values))), values)
    assert (np.diff(values[starts]) != 0).all()


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=40).map(lambda each: np.array(each, np.bool_)))
def test_what_is_kept_is_numbered_anew(flags: np.ndarray) -> None:
    chosen, number = kept(flags)
    assert np.array_equal(chosen, np.flatnonzero(flags))
    assert np.array_equal(number[chosen], np.arange(flags.sum()))
