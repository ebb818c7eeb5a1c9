"""``twin serve CITY``: the app and the HTTP API."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenes.errors import CityTwinError
from scenes.store import is_address, mirrored
from twin.commands.feed import attached
from twin.commands.shared import common, port_number

if TYPE_CHECKING:
    import argparse


def add_parser(verbs: Any) -> None:
    """Add the verb to the command."""
    parser: argparse.ArgumentParser = verbs.add_parser("serve", help="show a city package in the browser")
    parser.add_argument("city")
    parser.add_argument(
        "--port", type=port_number, default=5006, help="port of the app (default 5006; 0 = any free one)"
    )
    parser.add_argument("--address", default="localhost", help="address to listen on (default localhost)")
    parser.add_argument(
        "--language", choices=("en", "zh"), default="", help="language of the page (default: the browser's)"
    )
    parser.add_argument("--feed", action="append", default=[], metavar="ADDRESS", help="a live source for this run")
    parser.add_argument(
        "--basemap",
        action="append",
        default=[],
        metavar="MAP",
        help="a map to lay under the city: osm, tianditu:vec, or NAME=ADDRESS of a service, a GeoTIFF, an MBTiles file"
        " or a folder of tiles",
    )
    parser.add_argument("--config", metavar="twin.toml", help="options as TOML: table [serve], tables [[basemap]]")
    parser.add_argument("--open", action="store_true", help="open a browser")
    common(parser, facts=False)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until interrupted."""
    if options.config:
        _configure(options, Path(options.config))
    from twin.app import serve  # noqa: PLC0415 - Panel takes seconds to import

    city = mirrored(options.city) if is_address(options.city) else Path(options.city)
    serve(
        city,
        port=options.port,
        address=options.address,
        live=[*attached(city), *options.feed] or None,
        language=options.language,
        basemaps=options.basemap,
        config=options.config or "",
        open_browser=options.open,
        on_ready=lambda url: print(f"{options.city} is at {url}  (Ctrl+C ends it)", flush=True),
    )
    return 0


_KEYS = {"port": int, "address": str, "language": str, "feed": list}


def _configure(options: argparse.Namespace, path: Path) -> None:
    """Take options from a file; what stands on the command line is added to or overruled by it."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("serve", {})
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise CityTwinError(path, f"cannot be read ({error})", "write a TOML file with a table [serve]") from error
    for key, value in table.items():
        if key not in _KEYS or not isinstance(value, _KEYS[key]):
            raise CityTwinError(path, f"serve.{key} = {value!r} is not an option", f"there are {', '.join(_KEYS)}")
        setattr(options, key, [*options.feed, *(str(each) for each in value)] if isinstance(value, list) else value)
