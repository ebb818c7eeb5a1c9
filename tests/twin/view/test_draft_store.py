"""Drawings as a browser keeps them: what is read is what was written, and nothing else is taken for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .typescript import TypeScript

if TYPE_CHECKING:
    from collections.abc import Iterator

WAY = """
import { readDrafts, writeDrafts } from "./src/ui/draft_store";
const MESH = { positions: new Float32Array([0, 0, 0, 4, 0, 0, 0, 4, 9.5]), triangles: new Uint32Array([0, 1, 2]) };
const plain = (drafts: any) => drafts && { ...drafts, drafts: drafts.drafts.map((draft: any) => ({ ...draft,
  mesh: draft.mesh && { positions: [...draft.mesh.positions], triangles: [...draft.mesh.triangles] } })) };
export const store = {
  written: (entry: any) => writeDrafts({ ...entry,
    drafts: entry.drafts.map((draft: any) => ({ ...draft, mesh: draft.meshed ? MESH : null })) }),
  read: (text: string, city: string) => plain(readDrafts(text, city)),
  refused(text: string, city: string) {
    try { return plain(readDrafts(text, city)); } catch (error) { return String((error as Error).message); }
  },
};
"""
CITY = '["blocks","EPSG:32651",354000,3457000,0]'
BLOCK: dict[str, Any] = {
    "key": "new-1",
    "origin": "drawn",
    "uid": "",
    "handle": -1,
    "name": "图书馆",
    "first_name": "图书馆",
    "kind": "Building",
    "layer": "buildings",
    "theme": "buildings",
    "attributes": {"storeys": 5, "use": None},
    "rings": [[[0, 0], [20, 0], [20, 10]]],
    "pivot": [10, 5, 2],
    "tall_m": 15,
    "first_height_m": 15,
    "placement": {"dx_m": 1, "dy_m": 2, "dz_m": 0, "turn_deg": 30, "factor": 1.5, "height_m": 18},
    "removed": False,
}
ENTRY = {"city": CITY, "time": 1.5e12, "drafts": [BLOCK], "corners": [[1, 2, 3]], "rising": False}


@pytest.fixture(scope="module")
def ts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TypeScript]:
    made = TypeScript({}, tmp_path_factory.mktemp("store"), WAY)
    yield made
    made.close()


def test_what_is_read_is_what_was_written(ts: TypeScript) -> None:
    copy = BLOCK | {"origin": "copy", "meshed": True}
    text = ts("store.written", ENTRY | {"drafts": [BLOCK, copy]})
    read = ts("store.read", text, CITY)
    assert read["corners"] == [[1, 2, 3]]
    assert read["drafts"][0] == BLOCK | {"key": "", "mesh": None}
    assert read["drafts"][1]["mesh"] == {"positions": [0, 0, 0, 4, 0, 0, 0, 4, 9.5], "triangles": [0, 1, 2]}
    assert read["drafts"][1]["placement"] == BLOCK["placement"]


def test_an_object_of_the_city_takes_no_room_for_its_shape(ts: TypeScript) -> None:
    existing = BLOCK | {"origin": "existing", "uid": "urn:uuid:b1", "handle": 7, "meshed": True}
    text = ts("store.written", ENTRY | {"drafts": [existing]})
    (draft,) = json.loads(text)["drafts"]
    assert (draft["mesh"], draft["rings"], "handle" in draft) == (None, [], False)
    (read,) = ts("store.read", text, CITY)["drafts"]
    assert (read["uid"], read["key"], read["placement"]) == ("urn:uuid:b1", "urn:uuid:b1", BLOCK["placement"])


def test_an_entry_of_another_city_or_a_later_page_is_not_read(ts: TypeScript) -> None:
    text = ts("store.written", ENTRY)
    assert ts("store.read", text, CITY.replace("354000", "354001")) is None
    assert ts("store.read", json.dumps(json.loads(text) | {"version": 2, "drafts": "?"}), CITY) is None


def _with(**changes: Any) -> dict[str, Any]:
    return {"version": 1, **ENTRY, "drafts": [BLOCK | {"mesh": None} | changes]}


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "{",
        "[]",
        "null",
        json.dumps({"city": CITY}),
        json.dumps({"version": 1, **ENTRY, "drafts": {}}),
        json.dumps({"version": 1, **ENTRY, "corners": [[1, 2]]}),
        json.dumps({"version": 1, **ENTRY, "corners": [[1, 2, None]]}),
        json.dumps({"version": 1, **ENTRY, "time": "soon"}),
        json.dumps(_with(origin="invented")),
        json.dumps(_with(origin="existing")),
        json.dumps(_with(pivot=[1, 2, "3"])),
        json.dumps(_with(placement={"dx_m": 1})),
        json.dumps(_with(rings=[[[0]]])),
        json.dumps(_with(name="x" * 3000)),
        json.dumps(_with(mesh={"positions": "AAA", "triangles": ""})),
        json.dumps(_with(mesh={"positions": "AAAAAA==", "triangles": ""})),
        json.dumps(_with(mesh={"positions": "AAAAAAAAAAAAAAAA", "triangles": "BQAAAAUAAAAFAAAA"})),
    ],
)
def test_a_broken_entry_is_refused_with_a_sentence(ts: TypeScript, broken: str) -> None:
    assert ts("store.read", json.dumps(_with()), CITY)["drafts"], "the unbroken one can be read"
    told = ts("store.refused", broken, CITY)
    assert isinstance(told, str)
    assert told
