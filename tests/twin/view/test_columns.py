"""Attributes column by column, as a page asks for them."""

from __future__ import annotations

import numpy as np
import pytest

from scenes import QueryError, Scene
from twin.view.columns import PageColumns
from twin.view.rpc import SceneService


@pytest.fixture
def service(little_city: Scene) -> SceneService:
    made = SceneService(little_city)
    PageColumns(little_city).register(made)
    return made


def test_columns_are_told_with_names_units_and_layers(service: SceneService) -> None:
    found = {each["name"]: each for each in service.ask("columns", {})}
    assert list(found)[:2] == ["kind", "layer"]
    assert found["height_m"] == {
        "name": "height_m",
        "titles": {"en": "Height", "zh": "高度"},
        "unit": "m",
        "type": "number",
        "layers": ["buildings"],
    }
    assert found["function"]["type"] == "text"


def test_numbers_lie_at_their_handles_and_nothing_is_nan(service: SceneService, little_city: Scene) -> None:
    answer = service.ask("values", {"column": "height_m"})
    numbers = np.frombuffer(answer["numbers"], np.float32)
    assert answer["texts"] is None
    base = little_city.bases["buildings"]
    assert numbers[base : base + 6].tolist() == [20.0, 35.0, 50.0, 65.0, 80.0, 95.0]
    assert np.isnan(numbers[little_city.handle("urn:uuid:d0")])


def test_texts_are_places_in_a_list_with_the_most_frequent_first(service: SceneService, little_city: Scene) -> None:
    answer = service.ask("values", {"column": "function"})
    values = [each["value"] for each in answer["texts"]]
    assert values == ["library", "office", "hall"]
    places = np.frombuffer(answer["numbers"], np.float32)
    base = little_city.bases["buildings"]
    assert places[base : base + 5].tolist() == [0.0, 0.0, 1.0, 2.0, 1.0]
    assert np.isnan(places[base + 5])


def test_kinds_and_layers_have_names_in_both_languages(service: SceneService, little_city: Scene) -> None:
    kinds = service.ask("values", {"column": "kind"})
    assert kinds["texts"][0] == {"value": "Building", "titles": {"en": "Building", "zh": "建筑"}}
    layers = service.ask("values", {"column": "layer"})
    numbers = np.frombuffer(layers["numbers"], np.float32)
    assert layers["texts"][int(numbers[little_city.handle("urn:uuid:d0")])]["titles"]["zh"] == "行政区划"


def test_a_filter_gives_handles(service: SceneService, little_city: Scene) -> None:
    answer = service.ask("find", {"text": "height_m > 60 AND function IS NOT NULL"})
    handles = np.frombuffer(answer["handles"], np.uint32)
    assert handles.tolist() == [little_city.handle(f"urn:uuid:b{row}") for row in (3, 4)]


@pytest.mark.parametrize(
    ("method", "params", "said"),
    [("find", {"text": "height_m >"}, "height_m >"), ("values", {"column": "colour"}, "there are kind, layer")],
)
def test_what_cannot_be_answered_is_a_sentence(
    service: SceneService, method: str, params: dict[str, str], said: str
) -> None:
    with pytest.raises(QueryError, match=said):
        service.ask(method, params)


def test_a_table_has_the_attributes_that_most_objects_have(service: SceneService, little_city: Scene) -> None:
    handles = [little_city.handle(f"urn:uuid:b{row}") for row in (0, 5)]
    table = service.ask("table", {"handles": handles})
    assert [column["name"] for column in table["columns"]] == ["height_m", "function"]
    assert table["columns"][0]["unit"] == "m"
    assert [row["values"] for row in table["rows"]] == [[20.0, "library"], [95.0, None]]
    assert table["rows"][0]["uid"] == "urn:uuid:b0"
    assert table["rows"][0]["layer"] == "buildings"
