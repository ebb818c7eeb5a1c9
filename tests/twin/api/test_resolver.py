"""Any identifier leads to its object, by HTTP."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from twin.live import rows
from twin.live.state import wall_clock_ms


async def test_a_uid_and_an_alias_lead_to_the_same_object(site: Any) -> None:
    by_uid = json.loads((await site.get("/id/urn:uuid:4")).body)
    by_alias = json.loads((await site.get("/id/gml:id:g4")).body)
    assert by_uid == by_alias
    assert (by_uid["name"], by_uid["handle"], by_uid["layer"]) == ("House 4", 4, "buildings")
    assert (by_uid["attributes"], by_uid["units"]) == ({"height_m": 8.0}, {"height_m": "m"})
    assert by_uid["position"]["longitude"] == pytest.approx(121.47, abs=0.02)


async def test_the_datastreams_come_along(site: Any) -> None:
    site.hub.state.apply(rows([1], wall_clock_ms(), [7.0]))
    found = json.loads((await site.get("/id/urn:uuid:1")).body)
    assert [(stream["id"], stream["value"]) for stream in found["datastreams"]] == [("s1", 7.0)]


@pytest.mark.parametrize("how", [{"path": "?linkType=linkset"}, {"headers": {"Accept": "application/linkset+json"}}])
async def test_links_come_as_a_linkset(site: Any, how: dict[str, Any]) -> None:
    answer = await site.get("/id/urn:uuid:1" + how.pop("path", ""), **how)
    assert answer.headers["Content-Type"] == "application/linkset+json"
    (links,) = json.loads(answer.body)["linkset"]
    assert links["anchor"] == f"http://{site.address}/id/urn:uuid:1"
    relations = {name: targets for name, targets in links.items() if name != "anchor"}
    assert all(isinstance(target["href"], str) for targets in relations.values() for target in targets)
    (tileset,) = links["urn:citytwin:rel:tileset"]
    assert (await site.get(tileset["href"].removeprefix(f"http://{site.address}"))).code == 200


async def test_the_answer_names_its_linkset(site: Any) -> None:
    answer = await site.get("/id/urn:uuid:1", method="HEAD")
    assert (answer.code, answer.body) == (200, b"")
    assert 'rel="linkset"' in answer.headers["Link"]


@pytest.mark.parametrize("name", ["", "nothing", "123", "urn:", ":x", "a:\n", "x:" + "y" * 600, "<script>"])
async def test_what_is_no_identifier_is_400(site: Any, name: str) -> None:
    answer = await site.get("/id/" + quote(name))
    assert answer.code == 400
    assert "21 digits" in json.loads(answer.body)["error"]


@pytest.mark.parametrize("name", ["urn:uuid:99", "gml:id:none", "1" * 21, "a:%s%d"])
async def test_an_identifier_that_nobody_has_is_404(site: Any, name: str) -> None:
    answer = await site.get("/id/" + quote(name))
    assert answer.code == 404
    assert name in json.loads(answer.body)["error"]


async def test_an_alias_of_two_objects_offers_both(site: Any) -> None:
    answer = await site.get("/id/block:north")
    assert answer.code == 300
    assert json.loads(answer.body)["choices"] == ["/id/urn:uuid:0", "/id/urn:uuid:1"]
