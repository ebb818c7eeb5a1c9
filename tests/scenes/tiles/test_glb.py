from __future__ import annotations

import numpy as np
import pytest

from scenes.tiles.glb import ELEMENT_ARRAY_BUFFER, GlbBuilder, read_accessor, read_json


@pytest.mark.parametrize(
    "values",
    [
        np.arange(21, dtype=np.uint16).reshape(7, 3),
        np.arange(5, dtype=np.uint16),
        np.arange(12, dtype=np.uint8).reshape(3, 4),
        np.arange(-6, 6, dtype=np.int8).reshape(4, 3),
        np.linspace(0, 1, 9, dtype=np.float32).reshape(3, 3),
    ],
)
def test_an_array_comes_back_as_it_was_and_its_rows_are_aligned(values: np.ndarray) -> None:
    builder = GlbBuilder()
    builder.add_accessor(np.zeros(3, np.uint16), target=ELEMENT_ARRAY_BUFFER)
    index = builder.add_accessor(values, limits=True)
    glb = builder.to_bytes()
    document = read_json(glb)
    accessor = document["accessors"][index]
    view = document["bufferViews"][accessor["bufferView"]]
    assert view["byteStride"] % 4 == 0
    assert view["byteOffset"] % 4 == 0
    np.testing.assert_array_equal(read_accessor(glb, index), values)
    np.testing.assert_allclose(accessor["max"], np.atleast_1d(values.max(axis=0)))


def test_the_lengths_in_the_head_are_those_of_the_file() -> None:
    builder = GlbBuilder()
    builder.json["asset"]["copyright"] = "建筑"
    builder.add_view(b"abc")
    glb = builder.to_bytes()
    assert int.from_bytes(glb[8:12], "little") == len(glb)
    assert len(glb) % 4 == 0
    document = read_json(glb)
    assert document["asset"]["copyright"] == "建筑"
    assert document["buffers"] == [{"byteLength": 8}]


def test_extensions_are_listed_once_and_required_ones_are_also_used() -> None:
    builder = GlbBuilder()
    builder.use_extension("B")
    builder.use_extension("A", required=True)
    builder.use_extension("B")
    document = read_json(builder.to_bytes())
    assert document["extensionsUsed"] == ["A", "B"]
    assert document["extensionsRequired"] == ["A"]


def test_other_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="not a binary glTF"):
        read_json(b"{}" * 20)
