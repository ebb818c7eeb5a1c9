"""`to_html`: the viewer, the tiles and the objects of a scene in one file that needs no server and no network."""

from __future__ import annotations

import base64
import gzip
import html
import json
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenes import MissingLibraryError
from scenes.tiles import publish
from twin.view.attributes import FIRST_NUMBER, overlay_by_attribute, usual_columns
from twin.view.columns import PageColumns
from twin.view.manifest import scene_manifest
from twin.view.rpc import SceneService

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenes import Scene

BLOCK = 500
EMBEDDED_URL = "https://embedded.invalid/tiles/"
# No address at all is allowed: the browser itself guarantees that nothing is fetched.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; style-src 'unsafe-inline'; "
    "img-src data: blob:; connect-src data: blob:; worker-src blob:"
)
_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<link rel="icon" href="data:,">
<style>html, body {{ margin: 0; height: 100%; overflow: hidden; background: #dfe7ef; }}</style>
</head>
<body>
"""


def to_html(scene: Scene, path: str | Path, *, language: str = "zh", theme: str = "light") -> Path:
    """Write a scene as one self-contained page and return its path.

    Picking, properties, search, layers, overlays by attribute, sun, cuts and measuring work as on the server;
    filters know comparisons of attributes but no places; live data and simulations need the server.

    Parameters
    ----------
    scene
        The city.
    path
        The ``.html`` file; it is written beside and then renamed into place.
    language, theme
        What the page starts with.

    Raises
    ------
    MissingLibraryError
        When the viewer's bundle was not built.
    """
    target = Path(path)
    script = bundle()
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = target.with_name(f".{target.name}.new")
    with tempfile.TemporaryDirectory() as folder, fresh.open("w", encoding="utf-8") as out:
        publish(scene, folder)
        title = html.escape(scene.name)
        tag = "zh-CN" if language == "zh" else "en"
        out.write(_PAGE.format(language=tag, title=title, policy=html.escape(_POLICY)))
        for name, content in _parts(scene, Path(folder), language, theme):
            packed = base64.b64encode(gzip.compress(content, 6, mtime=0)).decode()
            out.write(f'<script type="text/plain" data-part="{html.escape(name)}">{packed}</script>\n')
        out.write(f'<script type="module">{script}</script>\n</body>\n</html>\n')
    fresh.replace(target)
    return target


def bundle() -> str:
    """Return the viewer's script, safe to stand inside a page.

    Raises
    ------
    MissingLibraryError
        When it was not built.
    """
    file = files("twin.view") / "dist" / "city_view.js"
    if not file.is_file():
        advice = "install with pip install ., or run npm ci && npm run build in twin/view/web"
        raise MissingLibraryError("city_view.js", "the viewer's bundle is not built", advice)
    return file.read_text("utf-8").replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _parts(scene: Scene, tiles: Path, language: str, theme: str) -> Iterator[tuple[str, bytes]]:
    specs = []
    for number, column in enumerate(usual_columns(scene), FIRST_NUMBER):
        made = overlay_by_attribute(scene, column)
        specs.append(made.spec(number))
        yield f"codes/{number}", made.codes.tobytes()
    manifest = scene_manifest(scene, tiles_url=EMBEDDED_URL, language=language, theme=theme, overlays=specs)
    index = {"manifest": manifest, "block": BLOCK, "overlays": [spec["id"] for spec in specs]}
    yield "index", _json(index)
    yield from _objects(SceneService(scene))
    yield from _columns(PageColumns(scene))
    for file in sorted(each for each in tiles.rglob("*") if each.is_file()):
        yield f"tiles/{file.relative_to(tiles).as_posix()}", file.read_bytes()


def _objects(service: SceneService) -> Iterator[tuple[str, bytes]]:
    names: list[dict[str, Any]] = []
    keys = ("handle", "uid", "name", "kind", "kind_titles", "layer")
    for start in range(0, len(service.scene), BLOCK):
        block = [service.properties(handle) for handle in range(start, min(start + BLOCK, len(service.scene)))]
        names += [{key: item[key] for key in keys} | {"point": _middle(item["bounds"])} for item in block]
        yield f"objects/{start // BLOCK}", _json(block)
    yield "names", _json(names)


def _columns(columns: PageColumns) -> Iterator[tuple[str, bytes]]:
    specs = columns.specs()
    yield "columns", _json(specs)
    for spec in specs:
        values = columns.values(spec["name"])
        yield f"values/{spec['name']}", values["numbers"]
        yield f"texts/{spec['name']}", _json(values["texts"])


def _middle(box: list[float] | None) -> list[float] | None:
    return None if box is None else [round((box[axis] + box[axis + 3]) / 2, 2) for axis in range(3)]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
