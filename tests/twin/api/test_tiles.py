"""Tiles are given out fast, once, and never anything else."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.web import HTTPError

from twin.api import FolderTiles, MemoryTiles, TileCache
from twin.api.tiles import CONTENT_TYPES, safe_path

GZIP = {"Accept-Encoding": "gzip"}


@pytest.mark.parametrize(
    ("path", "kind"), [("buildings/tileset.json", "application/json"), ("buildings/0.glb", "model/gltf-binary")]
)
async def test_tiles_have_their_type_and_their_bytes(site: Any, path: str, kind: str) -> None:
    answer = await site.get(f"/tiles/{path}", decompress_response=False)
    assert answer.code == 200
    assert answer.headers["Content-Type"] == kind
    assert answer.body == (site.tiles / path).read_bytes()
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Accept-Encoding" in answer.headers["Vary"]


async def test_whoever_takes_gzip_gets_it(site: Any) -> None:
    answer = await site.get("/tiles/buildings/0.glb", headers=GZIP, decompress_response=False)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.body) < 200
    assert gzip.decompress(answer.body) == (site.tiles / "buildings/0.glb").read_bytes()


async def test_what_the_browser_has_is_not_sent_again(site: Any) -> None:
    first = await site.get("/tiles/buildings/0.glb")
    again = await site.get("/tiles/buildings/0.glb", headers={"If-None-Match": first.headers["Etag"]})
    assert (again.code, again.body) == (304, b"")
    (site.tiles / "buildings/0.glb").write_bytes(b"glTF other")
    changed = await site.get("/tiles/buildings/0.glb", headers={"If-None-Match": first.headers["Etag"]})
    assert (changed.code, changed.body) == (200, b"glTF other")


async def test_head_gives_the_headers_alone(site: Any) -> None:
    got = await site.get("/tiles/buildings/0.glb", decompress_response=False)
    head = await site.get("/tiles/buildings/0.glb", method="HEAD", decompress_response=False)
    assert (head.code, head.body) == (200, b"")
    for name in ("Content-Type", "Etag", "Content-Length", "Cache-Control"):
        assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize(
    "path",
    [
        "../secret.json",
        "buildings/../../secret.json",
        "%2e%2e/secret.json",
        "%2e%2e%2fsecret.json",
        "..%5csecret.json",
        "buildings/%2e%2e/%2e%2e/secret.json",
        "/etc/passwd.json",
        "%2fetc%2fpasswd.json",
        "C:/secret.json",
        "buildings/notes.txt",
        "buildings/.hidden.json",
        "buildings",
        "",
        "link.json",
        "buildings/none.glb",
        "buildings/%00.json",
        "..%c0%af/secret.json",
    ],
)
async def test_nothing_but_tiles_leaves_the_folder(site: Any, path: str) -> None:
    code, body = await over_socket(site, f"/tiles/{path}")
    assert code in {400, 403, 404}
    assert b"password" not in body
    assert b"Traceback" not in body


async def over_socket(site: Any, path: str) -> tuple[int, bytes]:
    """Send the path untouched; HTTP clients would tidy it up first."""
    host, port = site.address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {site.address}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(answer.split(b" ", 2)[1]), answer


async def test_errors_are_one_json_sentence(site: Any) -> None:
    answer = await site.get("/tiles/buildings/none.glb")
    assert json.loads(answer.body) == {"error": "there is no tile buildings/none.glb", "status": 404}
    assert (await site.get("/tiles/buildings/0.glb", method="POST", body="x")).code == 405


@given(st.text(max_size=30).map(lambda text: text + ".json"))
def test_no_address_leads_out_of_the_tiles(address: str) -> None:
    try:
        path = safe_path(address)
    except HTTPError as error:
        found = error.status_code
    else:
        found = 0
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert path.suffix in CONTENT_TYPES
    assert found in {0, 403}


def test_the_cache_reads_a_tile_once_and_stays_below_its_limit() -> None:
    files = {f"layer/{number}.json": bytes(f'"{number}' + "x" * 90 + '"', "ascii") for number in range(50)}
    cache = TileCache(MemoryTiles(files), limit_bytes=1000)
    for _ in range(2):
        for name in ("layer/0.json", "layer/1.json"):
            tile = cache.get(PurePosixPath(name))
            assert tile is not None
            assert tile.content == files[name]
    assert (cache.hits, cache.misses) == (2, 2)
    for name in files:
        cache.get(PurePosixPath(name))
    assert cache.bytes <= 1000
    assert cache.get(PurePosixPath("layer/none.json")) is None


def test_a_file_that_changes_is_read_again(tmp_path: Any) -> None:
    (tmp_path / "a.json").write_bytes(b"1")
    cache = TileCache(FolderTiles(tmp_path))
    first = cache.get(PurePosixPath("a.json"))
    (tmp_path / "a.json").write_bytes(b"22")
    second = cache.get(PurePosixPath("a.json"))
    assert first is not None
    assert second is not None
    assert (first.content, second.content) == (b"1", b"22")
    assert first.etag != second.etag


NAMED = "buildings/3-1-2.0123456789abcdef.glb"


async def test_a_tile_that_is_named_by_its_content_is_kept_for_ever(site: Any) -> None:
    (site.tiles / NAMED).write_bytes(b"glTF" + b"\5" * 900)
    first = await site.get(f"/tiles/{NAMED}")
    assert first.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    (site.tiles / NAMED).unlink()  # another version has come; pages that still show this one may ask again
    again = await site.get(f"/tiles/{NAMED}")
    assert (again.code, again.body) == (200, first.body)
    assert (await site.get("/tiles/buildings/0.glb")).headers["Cache-Control"] == "max-age=300, must-revalidate"
    assert (await site.get("/tiles/buildings/tileset.json")).headers["Cache-Control"] == "no-cache"


async def test_what_a_tiling_keeps_for_itself_is_not_given_out(site: Any) -> None:
    (site.tiles / "buildings" / ".kept").mkdir()
    (site.tiles / "buildings" / ".kept" / "record.json").write_text("{}")
    code, _ = await over_socket(site, "/tiles/buildings/.kept/record.json")
    assert code == 403


def test_tiles_at_hand_cost_no_look_at_the_disk() -> None:
    class Counted(MemoryTiles):
        looks = 0

        def stamp(self, path: PurePosixPath) -> object | None:
            Counted.looks += 1
            return super().stamp(path)

    cache = TileCache(Counted({NAMED: b"glTF", "a.glb": b"glTF"}))
    for name in (NAMED, "a.glb"):
        assert cache.at_hand(PurePosixPath(name)) is None
        cache.get(PurePosixPath(name))
    looks = Counted.looks
    assert cache.at_hand(PurePosixPath(NAMED)) is not None
    assert cache.at_hand(PurePosixPath("a.glb")) is None
    assert looks == Counted.looks
