"""A field has one value for each of its places, and says where they are."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenes import Field, MeshSet

TRIANGLE = MeshSet.of_one([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 2]])


@given(values=st.lists(st.floats(width=32), max_size=20))
def test_limits_leave_out_what_is_not_a_value(values: list[float]) -> None:
    array = np.array(values, np.float32)
    low, high = Field("sun", "h", array, handles=np.arange(len(values), dtype=np.uint32)).limits()
    finite = [value for value in array.tolist() if math.isfinite(value)]
    if finite:
        assert (low, high) == (min(finite), max(finite))
    else:
        assert math.isnan(low)
        assert math.isnan(high)


def test_a_field_lies_on_objects_or_on_a_surface() -> None:
    three = np.zeros(3, np.float32)
    assert Field("a", "1", three, surface=TRIANGLE).domain == "surface"
    assert Field("a", "1", three, handles=np.arange(3, dtype=np.uint32)).domain == "objects"
    with pytest.raises(ValueError, match="either on objects"):
        Field("a", "1", three)
    with pytest.raises(ValueError, match="either on objects"):
        Field("a", "1", three, handles=np.arange(3, dtype=np.uint32), surface=TRIANGLE)


def test_values_that_do_not_fit_their_places_are_refused() -> None:
    with pytest.raises(ValueError, match="for 3 places"):
        Field("a", "1", np.zeros(2, np.float32), surface=TRIANGLE)
    with pytest.raises(ValueError, match="quality has shape"):
        Field("a", "1", np.zeros(3, np.float32), surface=TRIANGLE, quality=np.zeros(2, np.uint8))
