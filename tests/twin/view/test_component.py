"""The Panel component without a browser: parameters, boot messages, picks, answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scenes import Field, Scene, UnknownObjectError
from scenes.tiles import publish
from twin.view.component import CityView


class Listener(CityView):
    """Keeps what it would send."""

    def __init__(self, scene: Scene, **options: Any) -> None:
        self.__dict__["sent"] = []
        super().__init__(scene, **options)

    def _send_msg(self, data: Any) -> None:
        self.__dict__["sent"].append(data)

    def take(self) -> list[dict[str, Any]]:
        sent = list(self.__dict__["sent"])
        self.__dict__["sent"].clear()
        return sent


@pytest.fixture
def view(little_city: Scene) -> Listener:
    made = Listener(little_city, language="en")
    made.take()
    return made


def test_a_page_that_connects_gets_everything_again(view: Listener) -> None:
    view.overlay = "height_m"
    view.selection = ["urn:uuid:b1"]
    view.show_surface("flood", b"glb")
    for _ in range(2):
        view.take()
        view._handle_msg({"op": "ready"})
        assert [message["op"] for message in view.take()] == ["scene", "field_surface", "overlay", "select"]


def test_the_manifest_offers_attributes_and_simulations(view: Listener) -> None:
    manifest = view.manifest()
    assert {"height_m", "function"} <= {overlay["name"] for overlay in manifest["overlays"]}
    assert "sunlight" in {simulation["id"] for simulation in manifest["simulations"]}
    assert manifest["live_url"] is None


def test_a_pick_gives_the_uid(view: Listener, little_city: Scene) -> None:
    heard: list[str | None] = []
    view.on_pick(heard.append)
    view._handle_msg({"op": "event", "name": "pick", "data": {"handle": little_city.handle("urn:uuid:b4")}})
    view._handle_msg({"op": "event", "name": "pick", "data": None})
    assert heard == ["urn:uuid:b4", None]
    assert view.picked is None


def test_what_the_page_reports_is_not_sent_back(view: Listener) -> None:
    state = {"language": "zh", "theme": "dark", "overlay": "height_m", "time": "2026-05-21T01:30:00Z"}
    view._handle_msg({"op": "event", "name": "state", "data": state | {"selection": "urn:uuid:b0", "camera": None}})
    assert (view.language, view.theme, view.overlay, view.selection) == ("zh", "dark", "height_m", ["urn:uuid:b0"])
    assert view.take() == []


def test_parameters_are_sent_when_a_program_sets_them(view: Listener, little_city: Scene) -> None:
    view.theme = "dark"
    view.selection = ["urn:uuid:b2"]
    view.fly_to("urn:uuid:b3")
    first, second, third = view.take()
    assert first == {"op": "theme", "value": "dark"}
    assert second == {"op": "select", "handles": [little_city.handle("urn:uuid:b2")], "fly": False}
    assert third == {"op": "select", "handles": [little_city.handle("urn:uuid:b3")], "fly": True}


def test_codes_travel_as_bytes_and_are_remembered(view: Listener, little_city: Scene) -> None:
    codes = np.arange(len(little_city), dtype=np.uint8)
    view.set_codes("height_m", codes)
    view.set_codes_of("height_m", np.array([1], np.uint32), np.array([9], np.uint8))
    full, delta = view.take()
    assert full["codes"] == codes.tobytes()
    assert (delta["handles"], delta["codes"]) == (b"\1\0\0\0", b"\x09")
    kept = np.frombuffer(view.service.ask("codes", {"overlay": full["overlay"]})["codes"], np.uint8)
    assert kept[1] == 9
    with pytest.raises(ValueError, match=r"\(3,\) codes for 7 objects"):
        view.set_codes("height_m", codes[:3])
    with pytest.raises(UnknownObjectError, match="no such overlay; there are"):
        view.set_codes("noise", codes)


def test_a_field_is_offered_and_shown(view: Listener, little_city: Scene) -> None:
    handles = np.array([0, 1], np.uint32)
    view.show_field(Field("sun", "h", np.array([1.0, 4.0], np.float32), handles=handles))
    spec, shown = view.take()
    assert (spec["op"], shown) == ("overlay_spec", {"op": "overlay", "id": spec["overlay"]["id"]})
    codes = np.frombuffer(view.service.ask("codes", {"overlay": shown["id"]})["codes"], np.uint8)
    assert codes[1] == 250
    assert np.count_nonzero(codes) == 2
    assert len(codes) == len(little_city)


def test_answers_carry_the_number_of_their_question(view: Listener) -> None:
    view._handle_msg({"op": "ask", "id": 5, "method": "search", "params": {"text": "Tower"}})
    view._handle_msg({"op": "ask", "id": 6, "method": "nonsense", "params": {}})
    found, refused = view.take()
    assert (found["id"], found["result"][0]["uid"]) == (5, "urn:uuid:b4")
    assert refused["error"]["message"].startswith("nonsense: is not a method")


def test_an_error_speaks_the_language_of_its_question(view: Listener) -> None:
    for language in ("zh", "en"):  # the page has changed it, and tells its state later
        view._handle_msg({"op": "ask", "id": 7, "method": "nonsense", "params": {}, "language": language})
        told = view.take()[0]["error"]["message"]
        assert told.startswith({"zh": "nonsense：", "en": "nonsense: is not a method"}[language])


def test_tiles_over_the_channel_never_leave_their_folder(little_city: Scene, tmp_path: Any) -> None:
    publish(little_city, tmp_path / "tiles")
    (tmp_path / "secret.json").write_text("{}")
    view = Listener(little_city, tiles=tmp_path / "tiles")
    assert b"asset" in view.service.ask("tile", {"path": "buildings/tileset.json"})["data"]
    with pytest.raises(UnknownObjectError, match="no such tile"):
        view.service.ask("tile", {"path": "../secret.json"})


def test_an_unknown_uid_is_refused_by_name(view: Listener) -> None:
    with pytest.raises(UnknownObjectError, match="urn:uuid:nobody"):
        view.fly_to("urn:uuid:nobody")
