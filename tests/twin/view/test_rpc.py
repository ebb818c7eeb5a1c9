"""What a page may ask of a scene."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from scenes import QueryError, Scene, UnknownObjectError
from twin.view import SceneService, overlay_by_attribute
from twin.view.rpc import OverlayData


class Gauge:
    """Live data of the first building."""

    def streams_of(self, handle: int) -> list[dict[str, Any]]:
        return [{"id": "s", "value": float("nan"), "handle": handle}]

    def series(self, handle: int, hours: float) -> list[dict[str, Any]]:
        return [{"stream": name, "t": [handle], "v": [hours], "q": [0]} for name in ("s", "t")]


@pytest.fixture
def service(little_city: Scene) -> SceneService:
    return SceneService(little_city, Gauge())


def test_properties_tell_place_attributes_sets_and_aliases(service: SceneService, little_city: Scene) -> None:
    handle = little_city.handle("urn:uuid:b0")
    found = service.ask("properties", {"handle": handle})
    assert (found["name"], found["kind_titles"]["zh"]) == ("Library", "建筑")
    assert [above["name"] for above in found["path"]] == ["North"]
    height = next(each for each in found["attributes"] if each["name"] == "height_m")
    assert (height["value"], height["unit"], height["titles"]["zh"]) == (20.0, "m", "高度")
    assert found["groups"][0]["name"] == "Pset_BuildingCommon"
    assert found["aliases"] == [{"scheme": "gml:id", "value": "g-1"}]
    assert found["streams"][0]["value"] is None
    assert json.dumps(found, allow_nan=False)


def test_properties_by_uid_give_the_handle(service: SceneService, little_city: Scene) -> None:
    assert service.ask("properties", {"uid": "urn:uuid:b3"})["handle"] == little_city.handle("urn:uuid:b3")


def test_every_object_has_properties(service: SceneService, little_city: Scene) -> None:
    assert [service.properties(handle)["uid"] for handle in range(len(little_city))] == list(little_city)


def test_a_parent_lists_its_children(service: SceneService, little_city: Scene) -> None:
    found = service.properties(little_city.handle("urn:uuid:d0"))
    assert found["children_count"] == 6
    assert {child["uid"] for child in found["children"]} == {f"urn:uuid:b{row}" for row in range(6)}


def test_an_object_without_a_shape_lies_where_its_children_lie(service: SceneService, little_city: Scene) -> None:
    box = service.ask("bounds", {"handles": [little_city.handle("urn:uuid:d0")]})
    assert box == pytest.approx([-80.0, -50.0, 0.0, 80.0, 50.0, 95.0], abs=0.01)


@pytest.mark.parametrize("text", ["library", "LIB", "图书馆", "g-1", "gml:id:g-1", "way/0", "urn:uuid:b0"])
def test_search_finds_by_name_in_any_case_by_id_and_by_alias(service: SceneService, text: str) -> None:
    assert [hit["uid"] for hit in service.ask("search", {"text": text})] in (["urn:uuid:b0"], ["urn:uuid:b1"], [])
    assert text == "g-1" or service.ask("search", {"text": text})


def test_search_takes_signs_as_they_are(service: SceneService) -> None:
    assert service.search(".*") == []
    assert [hit["uid"] for hit in service.search("<img")] == ["urn:uuid:b2"]
    assert service.search("   ") == []


def test_search_respects_its_limit(service: SceneService) -> None:
    assert len(service.search("r", limit=2)) == 2


def test_series_of_one_stream(service: SceneService) -> None:
    assert [each["stream"] for each in service.ask("series", {"handle": 1, "hours": 24, "stream": "t"})] == ["t"]


def test_codes_come_as_one_byte_an_object(service: SceneService, little_city: Scene) -> None:
    made = overlay_by_attribute(little_city, "height_m")
    service.add_overlay(OverlayData(made.spec(1001), lambda: made.codes))
    answer = service.ask("codes", {"overlay": 1001})
    assert np.array_equal(np.frombuffer(answer["codes"], np.uint8), made.codes)
    assert service.ask("codes", {"overlay": 9}) is None


def test_an_unknown_method_and_wrong_parameters_are_sentences(service: SceneService) -> None:
    with pytest.raises(QueryError, match="is not a method of this view; there are bounds, codes"):
        service.ask("drop", {})
    with pytest.raises(QueryError, match="the parameters do not fit"):
        service.ask("search", {})
    with pytest.raises(UnknownObjectError, match="the scene has 7 objects"):
        service.ask("properties", {"handle": 99})


def test_a_method_can_be_registered(service: SceneService) -> None:
    service.register("double", lambda params: 2 * params["value"])
    assert service.ask("double", {"value": 21}) == 42
