"""Values become codes, codes become colours, and the legend says the same."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenes import QueryError, Scene
from twin.view import RAMPS, ColourClass, ColourScale, overlay_by_attribute

METRES = ColourScale("level", "m", {"en": "Level", "zh": "水位"}, 2.0, 4.0, "water")


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=50))
def test_every_value_has_a_code_with_a_colour(values: list[float]) -> None:
    codes = METRES.codes(values)
    assert codes.dtype == np.uint8
    assert (METRES.palette()[codes][:, 3] > 0).all()


@given(st.floats(2.0, 4.0), st.floats(2.0, 4.0))
def test_a_greater_value_never_has_a_lesser_code(one: float, other: float) -> None:
    low, high = METRES.codes([min(one, other), max(one, other)])
    assert low <= high


def test_ends_and_what_lies_outside_of_them() -> None:
    assert METRES.codes([-9.0, 2.0, 4.0, 9.0, np.nan]).tolist() == [1, 1, 250, 250, 253]


def test_quality_comes_before_the_value_and_no_value_before_all() -> None:
    assert METRES.codes([3.0, 3.0, 3.0, np.nan], [1, 2, 3, 1]).tolist() == [251, 252, 253, 253]


@pytest.mark.parametrize("ramp", RAMPS)
def test_the_ends_of_the_palette_are_the_ends_of_the_legend(ramp: str) -> None:
    spec = ColourScale("x", ramp=ramp).spec(7)
    palette = np.frombuffer(base64.b64decode(spec["palette"]), np.uint8).reshape(256, 4)
    ends = [f"#{bytes(palette[code, :3]).hex()}" for code in (1, 250)]
    assert ends == [spec["legend"]["stops"][0][1], spec["legend"]["stops"][-1][1]]
    assert palette[0, 3] == 0


@pytest.mark.parametrize("ramp", ["viridis", "cividis", "sun", "water"])
def test_ramps_grow_steadily_in_lightness_so_that_any_colour_vision_reads_them(ramp: str) -> None:
    palette = ColourScale("x", ramp=ramp).palette()[1:251, :3].astype(float)
    lightness = palette @ np.array([0.2126, 0.7152, 0.0722])
    steps = np.diff(lightness[::10])
    assert (steps > 0).all() or (steps < 0).all()


def test_classes_have_codes_in_their_order_and_unknown_values_none() -> None:
    classes = (ColourClass(10.0, "#112233", {"en": "ten"}), ColourClass(20.0, "#445566", {"en": "twenty"}))
    scale = ColourScale("kind", classes=classes)
    assert scale.codes([20.0, 10.0, 15.0]).tolist() == [2, 1, 253]
    assert [item["code"] for item in scale.spec(1)["legend"]["items"]] == [1, 2]


def test_a_ramp_must_exist_and_its_ends_be_in_order() -> None:
    with pytest.raises(ValueError, match="no ramp 'rainbow'"):
        ColourScale("x", ramp="rainbow")
    with pytest.raises(ValueError, match="not in order"):
        ColourScale("x", minimum=2.0, maximum=2.0)


def test_a_number_attribute_lies_on_a_ramp_with_its_unit(little_city: Scene) -> None:
    made = overlay_by_attribute(little_city, "height_m")
    base = little_city.bases["buildings"]
    assert made.spec(1001)["unit"] == "m"
    assert made.layers == ("buildings",)
    assert np.all(np.diff(made.codes[base : base + 6].astype(int)) > 0)
    assert made.codes[little_city.handle("urn:uuid:d0")] == 0


def test_a_text_attribute_becomes_classes_and_nothing_becomes_no_data(little_city: Scene) -> None:
    made = overlay_by_attribute(little_city, "function")
    assert made.codes[little_city.bases["buildings"] :][:6].tolist() == [1, 1, 2, 3, 2, 253]


def test_an_unknown_attribute_names_those_there_are(little_city: Scene) -> None:
    with pytest.raises(QueryError, match="no layer has this attribute; there are function, height_m"):
        overlay_by_attribute(little_city, "storey_count")
